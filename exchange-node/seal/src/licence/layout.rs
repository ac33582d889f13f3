//! A licence laid out: pages with shapes and characters in their places. What the writers of OFD and SVG draw.

mod marks;
mod pages;
mod shapes;

use super::{
    Error,
    code::Code,
    facts::{COPY_NUMBER, Facts, MAX_NOTE_BYTES},
    font::{Font, Metrics},
    length::{Colour, Length},
    template::{Align, Area, Field, Format, Overflow, Template},
    text,
};

pub(super) use marks::TURN;

/// Pages of one licence.
pub const MAX_PAGES: usize = 32;
/// What a field shows before the page behind has all of it.
const GOES_ON: &str = "（全文见附页）";
const CELL_WIDTH: Length = Length(200);
/// Between the lines of a cell and its text.
const PADDING: Length = Length(1200);
/// From here on a cell has room for padding above and below.
const TALL: Length = Length::mm(15);
/// Between a label and its value.
const LABEL_GAP: Length = Length(3000);

/// A licence, ready to be written.
pub struct Layout {
    pub(super) title: String,
    pub(super) page: [Length; 2],
    pub(super) pages: Vec<Page>,
    /// GB/T 36903, short names and values.
    pub(super) metadata: Vec<(String, String)>,
    pub(super) seal: Area,
    /// 颁发日期.
    pub(super) created: String,
}

#[derive(Default)]
pub(super) struct Page {
    pub(super) background: Vec<Item>,
    pub(super) body: Vec<Item>,
    pub(super) foreground: Vec<Item>,
}

pub(super) enum Item {
    Shape(Shape),
    Run(Run),
}

/// An outline.
pub(super) struct Shape {
    pub(super) segments: Vec<Segment>,
    pub(super) fill: Option<Colour>,
    pub(super) stroke: Option<(Colour, Length)>,
}

/// A point: x, y.
pub(super) type Point = [Length; 2];

#[derive(Clone, Copy)]
pub(super) enum Segment {
    Move(Point),
    Line(Point),
    Curve(Point, Point, Point),
    Close,
}

/// Characters of one line.
pub(super) struct Run {
    pub(super) size: Length,
    pub(super) colour: Colour,
    /// 255 is opaque.
    pub(super) alpha: u8,
    pub(super) top: Length,
    pub(super) baseline: Length,
    pub(super) height: Length,
    pub(super) width: Length,
    pub(super) glyphs: Vec<Glyph>,
    /// Turned by [`marks::TURN`] around this point, from which `glyphs` and `baseline` are counted.
    pub(super) turned: Option<Point>,
}

impl Run {
    /// Where the first character stands.
    pub(super) fn start(&self) -> Length {
        self.glyphs.first().map_or(Length::ZERO, |first| first.x)
    }
}

pub(super) struct Glyph {
    pub(super) character: char,
    pub(super) x: Length,
}

/// Lays a certificate out.
///
/// # Errors
/// [`Error::MissingValue`], [`Error::Glyph`], [`Error::Control`], [`Error::NotXml`], [`Error::TooLong`].
pub fn lay_out(template: &Template, facts: &Facts<'_>) -> Result<Layout, Error> {
    let metrics = Font::built_in()?.metrics()?;
    let values = facts.values();
    let metadata = facts.metadata();
    if let Some(copy) = &facts.copy {
        let number = copy.number.map(|number| (COPY_NUMBER, number));
        for (place, note) in [("JZJZZSY", copy.cause), ("JZJZZZ", copy.requester)].into_iter().chain(number) {
            if note.len() > MAX_NOTE_BYTES {
                let found = format!("{} bytes", note.len());
                return Err(Error::TooLong { place: place.to_owned(), found, limit: MAX_NOTE_BYTES });
            }
            text::one_line(place, note)?;
            text::drawable(&metrics, place, note)?;
        }
    }
    for (name, value) in &metadata {
        text::one_line("the name of a field", name)?;
        text::writable("the name of a field", name)?;
        text::writable(name, value)?;
    }
    let mut first = Page::default();
    shapes::background(template, &mut first);
    for text in &template.text {
        let style = template.style(&text.style)?;
        draw(&metrics, "a text of the template", &text.text, style, &text.at, &mut first.body)?;
    }
    let mut rest = Vec::new();
    for field in &template.field {
        let value = values.get(field.name.as_str()).map_or("", String::as_str);
        if !self::field(&metrics, template, field, value, &mut first)? {
            rest.push((field, value));
        }
    }
    Code::of(facts).draw(&template.code, &mut first.body)?;
    let mut pages = vec![first];
    pages::continued(&metrics, template, facts, &rest, &mut pages)?;
    marks::draw(&metrics, template, facts, &mut pages)?;
    Ok(Layout {
        title: template.title.clone(),
        page: template.page,
        pages,
        metadata: metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        seal: template.seal,
        created: facts.issued_on.to_string(),
    })
}

/// A spread text is one line.
fn drawable(metrics: &Metrics<'_>, place: &str, text: &str, style: &super::template::Style) -> Result<(), Error> {
    if style.align == Align::Spread {
        text::one_line(place, text)?;
    }
    text::drawable(metrics, place, text)
}

/// Breaks and places a text that has to fit.
fn draw(
    metrics: &Metrics<'_>,
    place: &str,
    text: &str,
    style: &super::template::Style,
    at: &Area,
    items: &mut Vec<Item>,
) -> Result<(), Error> {
    drawable(metrics, place, text, style)?;
    let set = text::set(metrics, text, style, at.width, at.height);
    items.extend(text::place(metrics, place, &set, style, at)?.into_iter().map(Item::Run));
    Ok(())
}

/// `false` when the page behind has to have all of it.
fn field(
    metrics: &Metrics<'_>,
    template: &Template,
    field: &Field,
    value: &str,
    page: &mut Page,
) -> Result<bool, Error> {
    if value.is_empty() && field.required {
        return Err(Error::MissingValue(field.name.clone()));
    }
    let mut at = field.at;
    if let Some(colour) = field.cell {
        page.background.push(shapes::outline(&at, colour, CELL_WIDTH));
        if field.label_width > Length::ZERO {
            let x = at.x + field.label_width;
            page.background.push(shapes::line([x, at.y], [x, at.y + at.height], colour, CELL_WIDTH));
        }
    }
    if let (Some(label), Some(style)) = (&field.label, &field.label_style) {
        // Without a line between them, a gap keeps label and value apart.
        let gap = if field.cell.is_some() { Length::ZERO } else { LABEL_GAP.min(field.label_width.part(1, 2)) };
        let label_at = inset(Area { width: field.label_width - gap, ..at }, field.cell.is_some());
        draw(metrics, &field.name, label, template.style(style)?, &label_at, &mut page.body)?;
        at = Area { x: at.x + field.label_width, width: at.width - field.label_width, ..at };
    }
    at = inset(at, field.cell.is_some());
    let shown = match (field.format, value) {
        (_, "") => field.otherwise.clone(),
        (Format::Date, value) => written_date(value),
        (Format::Text, value) => value.to_owned(),
    };
    let style = template.style(&field.style)?;
    drawable(metrics, &field.name, &shown, style)?;
    let mut set = text::set(metrics, &shown, style, at.width, at.height);
    let whole = set.fits() || field.overflow == Overflow::Refuse;
    if !whole {
        set.lines.truncate(set.room.saturating_sub(1));
        set.lines.push(GOES_ON.to_owned());
    }
    page.body.extend(text::place(metrics, &field.name, &set, style, &at)?.into_iter().map(Item::Run));
    Ok(whole)
}

fn inset(at: Area, cell: bool) -> Area {
    if !cell || at.width <= PADDING * 2 {
        return at;
    }
    let high = at.height > TALL;
    let (y, height) = if high { (at.y + PADDING, at.height - PADDING * 2) } else { (at.y, at.height) };
    Area { x: at.x + PADDING, width: at.width - PADDING * 2, y, height }
}

/// `2026-11-25` as 2026年11月25日.
fn written_date(value: &str) -> String {
    match exchange_core::date::Date::parse(value) {
        Ok(date) => format!("{}年{:02}月{:02}日", date.year(), date.month(), date.day()),
        Err(_) => value.to_owned(),
    }
}

impl Layout {
    /// Where the seal goes on the first page: left, top, width, height in millimetres, as `StampAnnot` has it.
    #[must_use]
    pub fn seal_boundary(&self) -> String {
        let Area { x, y, width, height } = self.seal;
        format!("{x} {y} {width} {height}")
    }

    /// The same for [`crate::make::stamp`].
    #[must_use]
    pub fn seal_place(&self) -> crate::make::Place {
        // Micrometres of a page are far from what a double cannot hold.
        #[allow(clippy::cast_precision_loss, reason = "at most two million")]
        let mm = |length: Length| length.0 as f64 / 1000.0;
        let Area { x, y, width, height } = self.seal;
        crate::make::Place { page: 1, x_mm: mm(x), y_mm: mm(y), width_mm: mm(width), height_mm: mm(height) }
    }

    /// How many pages it has.
    #[must_use]
    pub const fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// Every character that is drawn.
    pub(super) fn characters(&self) -> std::collections::BTreeSet<char> {
        self.pages
            .iter()
            .flat_map(|page| [&page.background, &page.body, &page.foreground])
            .flatten()
            .filter_map(|item| match item {
                Item::Run(run) => Some(&run.glyphs),
                Item::Shape(_) => None,
            })
            .flatten()
            .map(|glyph| glyph.character)
            .collect()
    }
}
