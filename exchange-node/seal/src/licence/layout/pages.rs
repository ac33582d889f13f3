//! Pages behind the first (附页), for values that are too long for their fields.

use super::{Error, Item, MAX_PAGES, Page, shapes, text};
use crate::licence::{
    facts::Facts,
    font::Metrics,
    length::Length,
    template::{Align, Area, Field, Style, Template, Vertical},
};

const GAP: Length = Length::mm(4);

/// Adds the pages that the values need. What is drawable was judged in the field.
pub(super) fn continued(
    metrics: &Metrics<'_>,
    template: &Template,
    facts: &Facts<'_>,
    values: &[(&Field, &str)],
    pages: &mut Vec<Page>,
) -> Result<(), Error> {
    let Some(continuation) = template.continuation.as_ref().filter(|_| !values.is_empty()) else { return Ok(()) };
    let heading = template.style(&continuation.heading)?;
    // The value flows: from the top, at the size of its style.
    let style = Style { min_size: None, vertical: Vertical::Top, ..template.style(&continuation.style)?.clone() };
    let mut lines = Vec::new();
    for (field, value) in values {
        let label: String = field.label.as_deref().unwrap_or(&field.name).split_whitespace().collect();
        lines.push(format!("【{label}】"));
        lines.extend(text::set(metrics, value, &style, continuation.at.width, continuation.at.height).lines);
    }
    let identifier = Style {
        size: style.size.part(3, 4),
        align: Align::Left,
        vertical: Vertical::Top,
        min_size: Some(Length(1500)),
        leading: style.leading,
        colour: style.colour,
        spacing: style.spacing,
    };
    let id_text = format!("电子证照标识：{}", facts.certificate_id.as_str());
    let mut rest = lines.as_slice();
    while !rest.is_empty() {
        if pages.len() >= MAX_PAGES {
            let place = values.iter().map(|(field, _)| field.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Error::TooLong { place, found: format!("more than {MAX_PAGES} pages"), limit: MAX_PAGES });
        }
        let mut page = Page::default();
        // Colour of the paper and frame as on the first page; what stands on it is the value alone.
        shapes::background(template, &mut page);
        let number = pages.len();
        let mut at = continuation.at;
        for (what, look) in [(format!("{} 附页（{number}）", template.title), heading), (id_text.clone(), &identifier)]
        {
            let line = Area { height: metrics.height(look.size), ..at };
            super::draw(metrics, "the heading of a page behind", &what, look, &line, &mut page.body)?;
            at = Area { y: at.y + line.height + GAP, height: at.height - line.height - GAP, ..at };
        }
        let room = text::set(metrics, "", &style, at.width, at.height).room.min(rest.len());
        if room == 0 {
            return Err(template.wrong("continuation: no room for a line below the heading".to_owned()));
        }
        let (here, behind) = rest.split_at(room);
        let set = text::Set { size: style.size, lines: here.to_vec(), room };
        page.body.extend(text::place(metrics, "a page behind", &set, &style, &at)?.into_iter().map(Item::Run));
        pages.push(page);
        rest = behind;
    }
    Ok(())
}
