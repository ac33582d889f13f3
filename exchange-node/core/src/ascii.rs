//! Text of a fixed length in ASCII: what every code of the standards is made of.

/// Exactly `N` ASCII characters, kept in place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ascii<const N: usize>([u8; N]);

impl<const N: usize> Ascii<N> {
    /// `None` when the text has another length or anything but ASCII.
    pub(crate) fn new(text: &str) -> Option<Self> {
        text.is_ascii().then_some(())?;
        Some(Self(text.as_bytes().try_into().ok()?))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        // ASCII by construction; the empty text cannot come out.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The bytes.
    pub(crate) const fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }

    /// From bytes that the caller has checked to be ASCII.
    pub(crate) const fn from_checked(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
}

/// The first character that does not fit, with its place counted from 1.
pub(crate) fn first_misfit(text: &str, fits: fn(usize, char) -> bool) -> Option<(usize, char)> {
    text.chars().enumerate().find(|&(index, c)| !fits(index, c)).map(|(index, c)| (index + 1, c))
}
