//! The only place of this tool that reads the clock or draws random bytes.

use ring::rand::{SecureRandom, SystemRandom};

use crate::Error;

/// Milliseconds since 1970.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the seam itself")]
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The system's generator.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the seam itself")]
pub fn rng() -> SystemRandom {
    SystemRandom::new()
}

/// Random bytes.
///
/// # Errors
/// [`Error::Making`] where the system has none.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rng().fill(&mut bytes).map_err(|_| Error::making("random bytes", "the system has none"))?;
    Ok(bytes)
}
