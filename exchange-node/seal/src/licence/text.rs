//! Text in a box: which characters can be drawn, where lines break, where each character stands.

use super::{
    Error,
    font::Metrics,
    layout::{Glyph, Run},
    length::Length,
    template::{Align, Area, Style, Vertical},
};

/// A text shrinks in steps of this.
const STEP: Length = Length(100);
/// No line begins with these (GB/T 15834, 避头).
const NOT_FIRST: &str = "，。、；：？！）】》〉」』〕”’％℃·…—,.;:?!)]}%";
/// No line ends with these (避尾).
const NOT_LAST: &str = "（【《〈「『〔“‘([{";

/// Every character but a line break has a glyph.
pub(super) fn drawable(metrics: &Metrics<'_>, place: &str, text: &str) -> Result<(), Error> {
    writable(place, text)?;
    for character in text.chars().filter(|character| *character != '\n') {
        if metrics.units(character).is_none() {
            return Err(Error::Glyph { place: place.to_owned(), character: u32::from(character) });
        }
    }
    Ok(())
}

/// What goes into an XML file: no control characters but line breaks, and nothing that XML 1.0 (section 2.2, `Char`) leaves
/// out beside them. A `char` is no surrogate; U+FFFE and U+FFFF are left.
pub(super) fn writable(place: &str, text: &str) -> Result<(), Error> {
    for character in text.chars().filter(|character| *character != '\n') {
        if character.is_control() {
            return Err(Error::Control { place: place.to_owned(), character: u32::from(character) });
        }
        if matches!(character, '\u{FFFE}' | '\u{FFFF}') {
            return Err(Error::NotXml { place: place.to_owned(), character: u32::from(character) });
        }
    }
    Ok(())
}

/// A text of one line: also a line break is a control character in it.
pub(super) fn one_line(place: &str, text: &str) -> Result<(), Error> {
    if text.contains('\n') {
        return Err(Error::Control { place: place.to_owned(), character: u32::from('\n') });
    }
    Ok(())
}

/// A text in lines, at the size at which it fits.
pub(super) struct Set {
    pub(super) size: Length,
    pub(super) lines: Vec<String>,
    /// Lines for which there is room.
    pub(super) room: usize,
}

impl Set {
    pub(super) fn fits(&self) -> bool {
        self.lines.len() <= self.room
    }
}

/// Breaks a drawable text at the largest size at which it fits, or else at the smallest.
pub(super) fn set(metrics: &Metrics<'_>, text: &str, style: &Style, width: Length, height: Length) -> Set {
    let mut size = style.size;
    let least = style.min_size.unwrap_or(style.size);
    loop {
        let lines = broken(metrics, text, style, size, width);
        let set = Set { size, lines, room: room(metrics, style, size, height) };
        if set.fits() || size <= least {
            return set;
        }
        size = (size - STEP).max(least);
    }
}

/// From base line to base line.
pub(super) const fn leading(style: &Style, size: Length) -> Length {
    size.part(style.leading, 100)
}

fn room(metrics: &Metrics<'_>, style: &Style, size: Length, height: Length) -> usize {
    let rest = height - metrics.height(size);
    if rest < Length::ZERO {
        return 0;
    }
    usize::try_from(1 + rest.0 / leading(style, size).0.max(1)).unwrap_or(0)
}

fn advance(metrics: &Metrics<'_>, character: char, style: &Style, size: Length) -> Length {
    metrics.scaled(metrics.units(character).unwrap_or(0), size) + style.spacing
}

/// Lines no wider than `width`, as far as single characters allow.
fn broken(metrics: &Metrics<'_>, text: &str, style: &Style, size: Length, width: Length) -> Vec<String> {
    if style.align == Align::Spread {
        return vec![text.to_owned()];
    }
    text.split('\n').flat_map(|paragraph| paragraph_lines(metrics, paragraph, style, size, width)).collect()
}

fn paragraph_lines(metrics: &Metrics<'_>, text: &str, style: &Style, size: Length, width: Length) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    let mut start = 0;
    while start < characters.len() {
        let mut used = Length::ZERO;
        let mut end = start;
        while end < characters.len() {
            used = used + advance(metrics, characters[end], style, size);
            // The last character needs no space behind it.
            if used - style.spacing > width && end > start {
                break;
            }
            end += 1;
        }
        if end < characters.len() {
            end = breakable(&characters, start, end);
        }
        lines.push(characters[start..end].iter().collect::<String>().trim_end().to_owned());
        start = end;
        while start < characters.len() && characters[start] == ' ' {
            start += 1;
        }
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// The last place in `start + 1..=end` where a line may end; `end` where there is none.
fn breakable(characters: &[char], start: usize, end: usize) -> usize {
    let word = |character: char| character.is_ascii_graphic() && !NOT_FIRST.contains(character);
    (start + 1..=end)
        .rev()
        .find(|at| {
            let (before, behind) = (characters[at - 1], characters[*at]);
            !(NOT_FIRST.contains(behind) || NOT_LAST.contains(before) || word(before) && word(behind))
        })
        .unwrap_or(end)
}

/// Places lines of a text in an area.
///
/// # Errors
/// [`Error::TooLong`] when they do not fit.
pub(super) fn place(metrics: &Metrics<'_>, what: &str, set: &Set, style: &Style, at: &Area) -> Result<Vec<Run>, Error> {
    if !set.fits() {
        let found = format!("{} lines", set.lines.len());
        return Err(Error::TooLong { place: what.to_owned(), found, limit: set.room });
    }
    let leading = leading(style, set.size);
    let count = i64::try_from(set.lines.len()).unwrap_or(i64::MAX);
    let used = metrics.height(set.size) + leading * (count - 1);
    let mut top = match style.vertical {
        Vertical::Top => at.y,
        Vertical::Middle => at.y + (at.height - used).part(1, 2),
    };
    let mut runs = Vec::with_capacity(set.lines.len());
    for line in &set.lines {
        let run = run(metrics, line, style, set.size, at, top);
        if run.width > at.width {
            let found = format!("{} mm", run.width);
            let limit = usize::try_from(at.width.0 / 1000).unwrap_or(0);
            return Err(Error::TooLong { place: what.to_owned(), found, limit });
        }
        runs.push(run);
        top = top + leading;
    }
    runs.retain(|run| !run.glyphs.is_empty());
    Ok(runs)
}

fn run(metrics: &Metrics<'_>, line: &str, style: &Style, size: Length, at: &Area, top: Length) -> Run {
    let natural: Vec<Length> = line.chars().map(|c| metrics.scaled(metrics.units(c).unwrap_or(0), size)).collect();
    let count = i64::try_from(natural.len()).unwrap_or(i64::MAX);
    let total = natural.iter().fold(Length::ZERO, |sum, width| sum + *width);
    let gaps = (count - 1).max(0);
    let width = total + style.spacing * gaps;
    let free = at.width - width;
    let mut x = match style.align {
        Align::Left => at.x,
        Align::Centre => at.x + free.part(1, 2),
        Align::Right => at.x + free,
        Align::Spread if gaps == 0 => at.x + free.part(1, 2),
        Align::Spread => at.x,
    };
    let gap = match style.align {
        Align::Spread if gaps > 0 && free > Length::ZERO => style.spacing + free.part(1, gaps),
        _ => style.spacing,
    };
    let mut glyphs = Vec::with_capacity(natural.len());
    for (character, advance) in line.chars().zip(natural) {
        glyphs.push(Glyph { character, x });
        x = x + advance + gap;
    }
    Run {
        size,
        colour: style.colour,
        alpha: 255,
        top,
        baseline: top + metrics.ascent(size),
        height: metrics.height(size),
        width: width.max(x - gap - glyphs.first().map_or(x - gap, |first| first.x)),
        glyphs,
        turned: None,
    }
}

#[cfg(test)]
mod tests;
