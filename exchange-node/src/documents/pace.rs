//! How slowly a document may come. A wait for the next message alone would let a caller hold a place with one byte in each.

use std::time::{Duration, Instant};

/// Bytes a second over the whole call, once the longest wait is used up: a line of 64 kbit/s.
const LEAST_BYTES_A_SECOND: u64 = 8 << 10;

/// The time that a caller has bought: its longest wait, and a second for each 8 KiB that came.
#[derive(Debug)]
pub struct Pace {
    begun: Instant,
    idle: Duration,
    bytes: u64,
}

impl Pace {
    pub(super) const fn new(begun: Instant, idle: Duration) -> Self {
        Self { begun, idle, bytes: 0 }
    }

    /// So many bytes came.
    pub const fn came(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// How long the next part may still take.
    pub fn patience(&self, now: Instant) -> Duration {
        let bought = Duration::from_millis(self.bytes.saturating_mul(1_000) / LEAST_BYTES_A_SECOND);
        let left = (self.idle + bought).saturating_sub(now.saturating_duration_since(self.begun));
        left.min(self.idle)
    }

    /// What was found where the patience is at its end.
    pub fn found(&self, now: Instant) -> String {
        let (bytes, seconds) = (self.bytes, now.saturating_duration_since(self.begun).as_secs());
        format!("{bytes} bytes in {seconds} s, then nothing in time")
    }

    /// What is needed.
    pub fn needed(&self) -> String {
        let idle = self.idle.as_secs();
        format!("the next part within {idle} s, and {LEAST_BYTES_A_SECOND} bytes a second after the first {idle} s")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "a point to count from")]

    use super::*;

    const IDLE: Duration = Duration::from_secs(10);

    #[test]
    fn one_byte_in_each_message_buys_nothing() {
        let begun = Instant::now();
        let mut pace = Pace::new(begun, IDLE);
        let mut now = begun;
        let mut messages = 0;
        while !pace.patience(now).is_zero() {
            now += Duration::from_secs(1);
            pace.came(1);
            messages += 1;
            assert!(messages < 100, "a place is held for ever");
        }
        assert_eq!((messages, now - begun), (11, Duration::from_secs(11)));
    }

    #[test]
    fn who_sends_enough_waits_as_long_as_ever_and_no_longer() {
        let begun = Instant::now();
        let mut pace = Pace::new(begun, IDLE);
        assert_eq!(pace.patience(begun), IDLE);
        for second in 0..600 {
            let now = begun + Duration::from_secs(second);
            assert_eq!(pace.patience(now), IDLE, "second {second}");
            pace.came(8 << 10);
        }
        // All at once buys no longer wait, but more of them.
        pace.came(100 << 20);
        assert_eq!(pace.patience(begun + Duration::from_secs(600)), IDLE);
        assert_eq!(pace.patience(begun + Duration::from_secs(100_000)), Duration::ZERO);
    }
}
