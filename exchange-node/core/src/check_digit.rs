//! Check characters of the identifiers: ISO 7064 (GB/T 17710) and GB 32100-2015.
//!
//! Every function takes the text without its check character and gives the right one, or `None` when a character is
//! outside the algorithm's alphabet: no check character can be computed then.

#[cfg(test)]
mod tests;

/// The 36 characters of ISO 7064 MOD 37,36.
const ALPHANUMERIC: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// The 31 characters of GB 32100-2015: no I, O, S, V, Z.
const GB32100: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// The value of each byte in [`GB32100`]; [`NONE`] for those that are not in it.
const GB32100_VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < GB32100.len() {
        values[GB32100[value] as usize] = value as u8;
        value += 1;
    }
    values
};
const NONE: u8 = u8::MAX;
/// Weights of GB 32100-2015: 3^i mod 31.
const GB32100_WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// ISO 7064 MOD 37,36, as GB/T 36904 uses it, over the parts one after the other. Finds every change of one character.
pub fn mod_37_36(parts: &[&str]) -> Option<char> {
    let mut p = 36;
    for byte in parts.iter().flat_map(|part| part.bytes()) {
        p = (p + alphanumeric_value(byte)?) % 36;
        if p == 0 {
            p = 36;
        }
        p = p * 2 % 37;
    }
    Some(char::from(ALPHANUMERIC[(37 - p) % 36]))
}

/// What a routine deployed in the province computes in place of [`mod_37_36`]: letters count one more, and the sum is
/// reduced at other limits. Accepted on input with a flag, never written.
pub fn mod_37_36_dialect(parts: &[&str]) -> Option<char> {
    let mut p = 36;
    for byte in parts.iter().flat_map(|part| part.bytes()) {
        let value = alphanumeric_value(byte)?;
        let value = if byte.is_ascii_digit() { value } else { value + 1 };
        let mut sum = p + value;
        if value > 10 && sum > 37 {
            sum %= 37;
        } else if value < 10 && sum > 36 {
            sum %= 36;
        }
        let rest = if sum % 36 == 0 { 36 } else { sum % 36 };
        p = rest * 2 % 37;
    }
    // p is 1..=36: twice 1..=36 is never a multiple of 37.
    ALPHANUMERIC.get(36 - p).copied().map(char::from)
}

/// ISO 7064 MOD 11-2, as GB 11643-1999 uses it for 17 digits. Finds every change of one digit and every exchange of two.
pub fn mod_11_2(digits: &str) -> Option<char> {
    let mut p = 0;
    for byte in digits.bytes() {
        byte.is_ascii_digit().then_some(())?;
        p = (p + usize::from(byte - b'0')) * 2 % 11;
    }
    Some(char::from(b"0123456789X"[(12 - p) % 11]))
}

/// GB 32100-2015, over the first 17 characters; `None` also for any other length. Finds every change of one character
/// and every exchange of neighbours.
pub fn gb32100(first: &str) -> Option<char> {
    (first.len() == GB32100_WEIGHTS.len()).then_some(())?;
    let mut sum = 0;
    for (byte, weight) in first.bytes().zip(GB32100_WEIGHTS) {
        sum += gb32100_value(byte)? * weight;
    }
    Some(char::from(GB32100[(31 - sum % 31) % 31]))
}

/// Is this one of the 31 characters of GB 32100-2015?
pub(crate) fn in_gb32100(c: char) -> bool {
    u8::try_from(c).is_ok_and(|byte| gb32100_value(byte).is_some())
}

const fn gb32100_value(byte: u8) -> Option<usize> {
    match GB32100_VALUES[byte as usize] {
        NONE => None,
        value => Some(value as usize),
    }
}

/// The place in [`ALPHANUMERIC`].
const fn alphanumeric_value(byte: u8) -> Option<usize> {
    match byte {
        b'0'..=b'9' => Some((byte - b'0') as usize),
        b'A'..=b'Z' => Some((byte - b'A') as usize + 10),
        _ => None,
    }
}
