//! Finding identity and mobile numbers in text that must hold none.
//!
//! Digits of full width count as digits. Runs are taken whole and, where people write in groups (370102 19900101 1234,
//! 138 0013 8000), joined over one separator. Time is linear in the text: every position is looked at a bounded number
//! of times.

use crate::{check_digit::mod_11_2, date::Date, region::Region};

/// A run of digits, with an X behind it where the text has one.
struct Run {
    /// ASCII digits.
    digits: Vec<u8>,
    /// Followed by X, x or their wide forms.
    x: bool,
    /// Parted from the run before by exactly one space, hyphen or dot.
    joined: bool,
}

/// Does the text hold an identity number? That is:
/// - 18 characters with a date of birth from 1900 to 2099 and the right check character, as a whole run of digits;
/// - the same inside a longer run, if it begins with a known province: a number with something put before or behind it;
/// - 15 digits as a whole run, with a date and a known province: the old form, which has no check character;
/// - 18 characters in groups of 6, 8 and 4.
///
/// A longer number that merely looks so is found too: a receipt number (region, date, sequence) once in eleven times.
/// Text that names cases does so in its own field.
pub fn find_in(text: &str) -> bool {
    let runs = runs(text);
    let grouped = runs.windows(3).any(|three| {
        let lengths = (three[0].digits.len(), three[1].digits.len(), three[2].length_with_x());
        let joined = three[1].joined && three[2].joined && !three[0].x && !three[1].x;
        joined && lengths == (6, 8, 4) && {
            let mut characters: Vec<u8> = three.iter().flat_map(|run| run.digits.iter().copied()).collect();
            if three[2].x {
                characters.push(b'X');
            }
            is_eighteen(&characters)
        }
    });
    grouped || runs.iter().any(Run::holds_identity_number)
}

/// Does the text hold a mobile number of the mainland (11 digits, the second 3 to 9) as a whole run, also after 86, 086
/// or 0086, or in groups of 3, 4 and 4?
pub fn find_mobile(text: &str) -> bool {
    let runs = runs(text);
    let whole = runs.iter().any(|run| {
        let digits = run.digits.as_slice();
        let bare = [b"0086".as_slice(), b"086", b"86"].iter().find_map(|prefix| digits.strip_prefix(*prefix));
        is_mobile(digits) || bare.is_some_and(is_mobile)
    });
    whole
        || runs.windows(3).any(|three| {
            let lengths = (three[0].digits.len(), three[1].digits.len(), three[2].digits.len());
            three[1].joined
                && three[2].joined
                && lengths == (3, 4, 4)
                && is_mobile(&three.iter().flat_map(|run| run.digits.iter().copied()).collect::<Vec<u8>>())
        })
}

impl Run {
    fn length_with_x(&self) -> usize {
        self.digits.len() + usize::from(self.x)
    }

    fn holds_identity_number(&self) -> bool {
        let mut characters = self.digits.clone();
        if self.x {
            characters.push(b'X');
        }
        match characters.len() {
            // The X behind fifteen digits belongs to something else.
            _ if self.digits.len() == 15 && is_fifteen(&self.digits) => true,
            18 => is_eighteen(&characters),
            _ => characters.windows(18).any(|window| known_province(window) && is_eighteen(window)),
        }
    }
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open = false;
    let mut gap = String::new();
    for c in text.chars() {
        if let Some(digit) = digit(c) {
            if open && let Some(run) = runs.last_mut() {
                run.digits.push(digit);
            } else {
                let joined = !runs.is_empty() && matches!(gap.as_str(), " " | "-" | "\u{3000}" | "." | "·" | "－");
                runs.push(Run { digits: vec![digit], x: false, joined });
                open = true;
            }
            gap.clear();
            continue;
        }
        if open
            && matches!(c, 'X' | 'x' | 'Ｘ' | 'ｘ')
            && let Some(run) = runs.last_mut()
        {
            run.x = true;
        } else if gap.len() < 8 {
            gap.push(c);
        }
        open = false;
    }
    runs
}

fn digit(c: char) -> Option<u8> {
    let wide = u32::from(c).checked_sub(u32::from('０')).filter(|value| *value < 10);
    let value = c.to_digit(10).or(wide)?;
    u8::try_from(value).ok().map(|value| b'0' + value)
}

/// Date and check character of 18 characters, the last possibly X.
fn is_eighteen(characters: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(characters) else { return false };
    let [.., last] = characters else { return false };
    let born = text.get(6..14).and_then(|day| Date::parse(day).ok());
    born.is_some_and(|day| day.year() < 2100) && text.get(..17).and_then(mod_11_2) == Some(char::from(*last))
}

/// Date and province of 15 digits.
fn is_fifteen(digits: &[u8]) -> bool {
    let day = std::str::from_utf8(digits).ok().and_then(|text| Date::parse(&format!("19{}", text.get(6..12)?)).ok());
    day.is_some() && known_province(digits)
}

fn known_province(digits: &[u8]) -> bool {
    let first: Option<[u8; 6]> = digits.get(..6).and_then(|six| six.try_into().ok());
    first.and_then(|six| Region::from_bytes(six).ok()).is_some_and(|region| region.has_known_province())
}

fn is_mobile(digits: &[u8]) -> bool {
    matches!(digits, [b'1', b'3'..=b'9', rest @ ..] if rest.len() == 9)
}
