//! A laid-out licence as SVG 1.1, for browsers. It brings its glyphs as a font in a `data:` address, and falls back to the
//! system's Kai fonts where a page's policy forbids that. Every text is escaped; no script, no link, nothing is fetched.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use quick_xml::escape::escape;

use super::{
    Error,
    font::{FAMILY, Font},
    layout::{Item, Layout, Run, Segment, Shape, TURN},
    length::{Colour, Length},
};

/// Between two pages.
const GAP: Length = Length::mm(5);

impl Layout {
    /// The pages below one another, in millimetres. The seal is not in it: what counts is the sealed OFD.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn svg(&self) -> Result<String, Error> {
        let font = STANDARD.encode(Font::built_in()?.subset(&self.characters())?);
        let [width, page_height] = self.page;
        let count = i64::try_from(self.pages.len()).unwrap_or(1);
        let height = (page_height + GAP) * count - GAP;
        let mut out = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm" viewBox="0 0 {width} {height}"><title>{}</title><style>@font-face{{font-family:"{FAMILY}";src:url(data:font/ttf;base64,{font})}}text{{font-family:"{FAMILY}","LXGW WenKai","KaiTi","STKaiti",serif;white-space:pre}}</style>"#,
            escape(self.title.as_str())
        );
        for (i, page) in (0..).zip(&self.pages) {
            let top = (page_height + GAP) * i;
            let _ = write!(
                out,
                r##"<g transform="translate(0 {top})"><rect width="{width}" height="{page_height}" fill="#fff"/>"##
            );
            for item in [&page.background, &page.body, &page.foreground].into_iter().flatten() {
                match item {
                    Item::Shape(shape) => path(&mut out, shape),
                    Item::Run(run) => text(&mut out, run),
                }
            }
            out.push_str("</g>");
        }
        out.push_str("</svg>\n");
        Ok(out)
    }
}

fn colour(Colour([red, green, blue]): Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn path(out: &mut String, shape: &Shape) {
    let fill = shape.fill.map_or_else(|| "none".to_owned(), colour);
    let _ = write!(out, r#"<path fill="{fill}""#);
    if let Some((stroke, width)) = shape.stroke {
        let _ = write!(out, r#" stroke="{}" stroke-width="{width}""#, colour(stroke));
    }
    out.push_str(r#" d=""#);
    for segment in &shape.segments {
        let at = |[x, y]: [Length; 2]| format!("{x} {y}");
        let _ = match segment {
            Segment::Move(to) => write!(out, "M{}", at(*to)),
            Segment::Line(to) => write!(out, "L{}", at(*to)),
            Segment::Curve(one, two, to) => write!(out, "C{} {} {}", at(*one), at(*two), at(*to)),
            Segment::Close => write!(out, "Z"),
        };
    }
    out.push_str(r#""/>"#);
}

fn text(out: &mut String, run: &Run) {
    // One position for each character; XML text has one for each UTF-16 unit, so that the second half of a character
    // beyond the first plane gets its own again.
    let mut positions = String::new();
    for glyph in &run.glyphs {
        for _ in 0..glyph.character.len_utf16() {
            let blank = if positions.is_empty() { "" } else { " " };
            let _ = write!(positions, "{blank}{}", glyph.x);
        }
    }
    let characters: String = run.glyphs.iter().map(|glyph| glyph.character).collect();
    let transform = run.turned.map_or_else(String::new, |[x, y]| {
        let (cosine, sine, whole) = TURN;
        let part = |n: i64| format!("{:.6}", n as f64 / whole as f64);
        format!(r#" transform="matrix({c} -{s} {s} {c} {x} {y})""#, c = part(cosine), s = part(sine))
    });
    let opacity = if run.alpha == u8::MAX {
        String::new()
    } else {
        format!(r#" fill-opacity="{:.3}""#, f64::from(run.alpha) / 255.0)
    };
    let _ = write!(
        out,
        r#"<text x="{positions}" y="{}" font-size="{}" fill="{}"{opacity}{transform}>{}</text>"#,
        run.baseline,
        run.size,
        colour(run.colour),
        escape(characters.as_str())
    );
}
