//! What a template may be.

use super::{super::font::Font, Area, Error, Length, Overflow, Style, Template, VERSION};

/// Parts of one kind.
const MAX_PARTS: usize = 256;
const MAX_TEXT_BYTES: usize = 1024;
const MAX_NAME_BYTES: usize = 64;
const PAGE_MM: std::ops::RangeInclusive<i64> = 50..=1000;
const MIN_SIZE: Length = Length(1500);
const MAX_SIZE: Length = Length::mm(60);
const LEADING: std::ops::RangeInclusive<i64> = 100..=400;
const MAX_STROKE: Length = Length::mm(10);
const MIN_CODE: Length = Length::mm(12);
const MAX_WAVES: i64 = 64;
const MAX_HALVES: i64 = 400;

pub(super) fn check(template: &Template) -> Result<(), Error> {
    let ensure = |holds: bool, detail: &dyn Fn() -> String| {
        if holds { Ok(()) } else { Err(template.wrong(detail())) }
    };
    ensure(template.version == VERSION, &|| format!("version {}; {VERSION} is read", template.version))?;
    let name = template.name.as_str();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    ensure(!name.is_empty() && name.len() <= MAX_NAME_BYTES && name.bytes().all(plain), &|| {
        "name: lower case letters, digits and hyphens are needed".to_owned()
    })?;
    for side in template.page {
        ensure(PAGE_MM.contains(&(side.0 / 1000)), &|| format!("page: {side} mm; {PAGE_MM:?} mm are needed"))?;
    }
    let counts = [
        ("style", template.style.len()),
        ("rectangle", template.rectangle.len()),
        ("wave", template.wave.len()),
        ("line", template.line.len()),
        ("text", template.text.len()),
        ("field", template.field.len()),
    ];
    for (what, count) in counts {
        ensure(count <= MAX_PARTS, &|| format!("{what}: {count}; at most {MAX_PARTS} are read"))?;
    }
    ensure(!template.field.is_empty(), &|| "it has no field".to_owned())?;
    for (name, style) in &template.style {
        self::style(style).map_err(|detail| template.wrong(format!("style {name}: {detail}")))?;
    }
    shapes(template)?;
    texts(template)
}

fn style(style: &Style) -> Result<(), String> {
    let sizes = [Some(style.size), style.min_size];
    if sizes.into_iter().flatten().any(|size| !(MIN_SIZE..=MAX_SIZE).contains(&size)) {
        return Err(format!("a size is {MIN_SIZE} to {MAX_SIZE} mm"));
    }
    if style.min_size.is_some_and(|least| least > style.size) {
        return Err("min_size is above size".to_owned());
    }
    if !LEADING.contains(&style.leading) {
        return Err(format!("leading: {LEADING:?} hundredths of the size are needed"));
    }
    if style.spacing > MAX_SIZE {
        return Err(format!("spacing: at most {MAX_SIZE} mm"));
    }
    Ok(())
}

/// Everything lies on the page.
fn inside(template: &Template, what: &str, at: &Area) -> Result<(), Error> {
    let [width, height] = template.page;
    if at.width == Length::ZERO || at.height == Length::ZERO {
        return Err(template.wrong(format!("{what} has no width or no height")));
    }
    if at.x + at.width > width || at.y + at.height > height {
        return Err(template.wrong(format!("{what} reaches beyond the page of {width} by {height} mm")));
    }
    Ok(())
}

fn shapes(template: &Template) -> Result<(), Error> {
    for (i, rectangle) in template.rectangle.iter().enumerate() {
        inside(template, &format!("rectangle {}", i + 1), &rectangle.at)?;
        if rectangle.stroke_width > MAX_STROKE || rectangle.stroke.is_some() != (rectangle.stroke_width > Length::ZERO)
        {
            return Err(template.wrong(format!("rectangle {}: stroke and stroke_width go together", i + 1)));
        }
    }
    for (i, wave) in template.wave.iter().enumerate() {
        inside(template, &format!("wave {}", i + 1), &wave.at)?;
        let counted = (1..=MAX_WAVES).contains(&wave.lines) && (1..=MAX_HALVES).contains(&wave.halves);
        if !counted || wave.width > MAX_STROKE {
            let detail = format!("wave {}: 1 to {MAX_WAVES} lines, 1 to {MAX_HALVES} halves are needed", i + 1);
            return Err(template.wrong(detail));
        }
    }
    for (i, line) in template.line.iter().enumerate() {
        let [width, height] = template.page;
        let on_page = [line.from, line.to].iter().all(|[x, y]| *x <= width && *y <= height);
        if !on_page || line.width > MAX_STROKE {
            return Err(template.wrong(format!("line {} reaches beyond the page or is too wide", i + 1)));
        }
    }
    inside(template, "seal", &template.seal)?;
    let code = template.code;
    inside(template, "code", &Area { x: code.x, y: code.y, width: code.side, height: code.side })?;
    if code.side < MIN_CODE {
        return Err(template.wrong(format!("code: a side of {MIN_CODE} mm at least is needed to be scanned")));
    }
    Ok(())
}

fn texts(template: &Template) -> Result<(), Error> {
    drawable("title", &template.title)?;
    for (i, text) in template.text.iter().enumerate() {
        let what = format!("text {}", i + 1);
        inside(template, &what, &text.at)?;
        room(template, &what, &text.style, &text.at)?;
        drawable(&what, &text.text)?;
    }
    for field in &template.field {
        let name = field.name.as_str();
        let letters = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(letters) {
            let detail = "field: the name has capital letters, digits and underscores".to_owned();
            return Err(template.wrong(detail));
        }
        let what = format!("field {name}");
        inside(template, &what, &field.at)?;
        room(template, &what, &field.style, &field.at)?;
        drawable(&what, &field.otherwise)?;
        if field.label_width >= field.at.width {
            return Err(template.wrong(format!("{what}: label_width leaves no room for the value")));
        }
        match (&field.label, &field.label_style) {
            (Some(label), Some(style)) if field.label_width > Length::ZERO => {
                room(template, &what, style, &field.at)?;
                drawable(&what, label)?;
            }
            (None, None) => {}
            _ => return Err(template.wrong(format!("{what}: label, label_width and label_style go together"))),
        }
        if field.overflow == Overflow::Continue && template.continuation.is_none() {
            return Err(template.wrong(format!("{what} may go on, and there is no [continuation]")));
        }
    }
    if let Some(continuation) = &template.continuation {
        inside(template, "continuation", &continuation.at)?;
        room(template, "continuation", &continuation.heading, &continuation.at)?;
        room(template, "continuation", &continuation.style, &continuation.at)?;
    }
    Ok(())
}

/// One line at the smallest size has to fit.
fn room(template: &Template, what: &str, style: &str, at: &Area) -> Result<(), Error> {
    let found = template.style(style).map_err(|_| template.wrong(format!("{what}: there is no style {style}")))?;
    let metrics = Font::built_in()?.metrics()?;
    if metrics.height(found.min_size.unwrap_or(found.size)) > at.height {
        return Err(template.wrong(format!("{what} is lower than one line of style {style}")));
    }
    Ok(())
}

fn drawable(what: &str, text: &str) -> Result<(), Error> {
    if text.len() > MAX_TEXT_BYTES {
        let (found, limit) = (format!("{} bytes", text.len()), MAX_TEXT_BYTES);
        return Err(Error::TooLong { place: what.to_owned(), found, limit });
    }
    super::super::text::drawable(&Font::built_in()?.metrics()?, what, text)
}
