//! The only place that draws random bytes: salts, serials, nonces, ids, jitter.

use ring::rand::{SecureRandom, SystemRandom};
use std::time::Duration;

/// The operating system's generator.
#[derive(Debug, Clone)]
pub struct Random(SystemRandom);

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

impl Random {
    /// The operating system's generator.
    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }

    /// For ring's signing functions, which draw nonces.
    pub const fn secure(&self) -> &SystemRandom {
        &self.0
    }

    /// Fills a buffer.
    ///
    /// # Panics
    /// When the operating system has no random bytes: nothing that the node does is safe then.
    #[allow(clippy::expect_used, reason = "a node without random bytes must not go on")]
    pub fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer).expect("the operating system gives random bytes");
    }

    /// An array.
    pub fn array<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// 流水号: 20 random characters of `0-9A-Z`, about 103 bits.
    pub fn serial(&self) -> String {
        const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut serial = String::with_capacity(20);
        while serial.len() < 20 {
            // 252 = 7 × 36: larger bytes would favour the first characters.
            for byte in self.array::<32>().into_iter().filter(|byte| *byte < 252) {
                if serial.len() < 20 {
                    serial.push(char::from(ALPHABET[usize::from(byte) % 36]));
                }
            }
        }
        serial
    }

    /// UUIDv7 (RFC 9562 §5.7) for the given time.
    pub fn uuid_v7(&self, now_ms: u64) -> [u8; 16] {
        *uuid::Builder::from_unix_timestamp_millis(now_ms, &self.array()).into_uuid().as_bytes()
    }

    /// Between half of a duration and all of it, so that nodes do not act in step.
    pub fn jitter(&self, duration: Duration) -> Duration {
        let share = f64::from(u16::from_be_bytes(self.array())) / f64::from(u16::MAX);
        duration.mul_f64(0.5 + share / 2.0)
    }
}
