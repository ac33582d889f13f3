//! What stands across every page: that it is an exercise, and for what one use a copy was made (加注件).

use exchange_core::certificate::Environment;

use super::{Error, Glyph, Item, Page, Point, Run};
use crate::licence::{
    facts::Facts,
    font::Metrics,
    length::{Colour, Length},
    template::Template,
    text,
};

/// Cosine and sine of 22.6 degrees upwards, as parts of 13: a matrix without rounding from machine to machine.
pub(in crate::licence) const TURN: (i64, i64, i64) = (12, 5, 13);

const EXERCISE: &str = "演练样本 不具有法律效力";
const EXERCISE_SIZE: Length = Length::mm(7);
const EXERCISE_COLOUR: Colour = Colour([245, 214, 206]);
const COPY_SIZE: Length = Length::mm(4);
/// Light enough to be read through where a reader knows no transparency, as ofdrw 2.3 does not for text.
const COPY_COLOUR: Colour = Colour([176, 176, 184]);
const COPY_ALPHA: u8 = 150;
/// Characters of one line of a mark.
const MARK_CHARACTERS: usize = 36;

struct Mark {
    lines: Vec<String>,
    size: Length,
    colour: Colour,
    alpha: u8,
    /// Where in its row it stands, in quarters, so that two marks do not cover one another.
    quarter: i64,
}

/// Draws the marks on every page.
pub(super) fn draw(
    metrics: &Metrics<'_>,
    template: &Template,
    facts: &Facts<'_>,
    pages: &mut [Page],
) -> Result<(), Error> {
    let exercise = (facts.environment == Environment::Exercise).then(|| Mark {
        lines: vec![EXERCISE.to_owned()],
        size: EXERCISE_SIZE,
        colour: EXERCISE_COLOUR,
        alpha: 255,
        quarter: 1,
    });
    let copy = facts.copy.as_ref().map(|copy| {
        let mut lines = vec![
            format!("仅供{}使用", copy.cause),
            format!("申请方：{}", copy.requester),
            format!("有效期至{}", super::written_date(&copy.expires_on.to_string())),
        ];
        lines.extend(copy.number.map(|number| format!("编号：{number}")));
        let lines = lines.iter().flat_map(|line| pieces(line)).collect();
        Mark { lines, size: COPY_SIZE, colour: COPY_COLOUR, alpha: COPY_ALPHA, quarter: 3 }
    });
    for page in pages {
        if let Some(mark) = &exercise {
            repeat(metrics, template, mark, &mut page.background)?;
        }
        if let Some(mark) = &copy {
            repeat(metrics, template, mark, &mut page.foreground)?;
        }
    }
    Ok(())
}

fn pieces(line: &str) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    characters.chunks(MARK_CHARACTERS).map(|piece| piece.iter().collect()).collect()
}

/// The mark again and again, so that no part of the page is without it.
fn repeat(metrics: &Metrics<'_>, template: &Template, mark: &Mark, items: &mut Vec<Item>) -> Result<(), Error> {
    let [page_width, page_height] = template.page;
    let leading = mark.size.part(14, 10);
    let height = leading * i64::try_from(mark.lines.len()).unwrap_or(1);
    let mut widest = Length::ZERO;
    for line in &mark.lines {
        text::drawable(metrics, "the note of the copy", line)?;
        widest = widest.max(offsets(metrics, line, mark.size).1);
    }
    let (cosine, sine, whole) = TURN;
    // Room that a turned mark takes.
    let room = widest.part(cosine, whole) + height.part(sine, whole);
    let columns = (page_width.0 / (room + Length::mm(12)).0).clamp(1, 4);
    let step_x = page_width.part(1, columns);
    let turned_height = widest.part(sine, whole) + height.part(cosine, whole);
    // Two marks of different kinds share a row.
    let step_y = turned_height * 2 + Length::mm(4);
    let rows = (page_height.0 / step_y.0).clamp(1, 8);
    let step_y = page_height.part(1, rows);
    for row in 0..rows {
        for column in 0..columns {
            let left = step_x * column + (step_x - room).part(1, 2);
            let middle = step_y * row + step_y.part(mark.quarter, 4);
            let bottom = middle + turned_height.part(1, 2) - height.part(cosine, whole);
            for (i, line) in (0..).zip(&mark.lines) {
                // The next line lies below, seen along the turned line.
                let down = leading * i;
                let at = [left + down.part(sine, whole), bottom + down.part(cosine, whole)];
                items.push(Item::Run(turned(metrics, line, mark, at)));
            }
        }
    }
    Ok(())
}

fn offsets(metrics: &Metrics<'_>, line: &str, size: Length) -> (Vec<Glyph>, Length) {
    let mut x = Length::ZERO;
    let mut glyphs = Vec::new();
    for character in line.chars() {
        glyphs.push(Glyph { character, x });
        x = x + metrics.scaled(metrics.units(character).unwrap_or(0), size);
    }
    (glyphs, x)
}

fn turned(metrics: &Metrics<'_>, line: &str, mark: &Mark, at: Point) -> Run {
    let (glyphs, width) = offsets(metrics, line, mark.size);
    Run {
        size: mark.size,
        colour: mark.colour,
        alpha: mark.alpha,
        top: Length::ZERO,
        baseline: metrics.ascent(mark.size),
        height: metrics.height(mark.size),
        width,
        glyphs,
        turned: Some(at),
    }
}
