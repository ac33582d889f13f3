//! A laid-out licence as OFD (GB/T 33190-2016), without a signature.

use std::{
    fmt::Write as _,
    io::{Cursor, Write as _},
};

use quick_xml::escape::escape;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::{
    Error,
    font::{FAMILY, Font},
    layout::{Item, Layout, Page, Run, Segment, Shape, TURN},
    length::{Colour, Length},
};
use crate::digest::DigestAlgorithm;

const NAMESPACE: &str = "http://www.ofdspec.org/2016";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const CREATOR: &str = "exchange-node";
const FONT_FILE: &str = "font_1.ttf";
const FONT_ID: u32 = 1;

/// Identifiers of one document: each is used once, and none is above `MaxUnitID` (GB/T 33190 7.3).
struct Ids(u32);

impl Ids {
    const fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }
}

impl Layout {
    /// The document. Its `DocID` comes from its identifier, so that the same certificate makes the same bytes.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn ofd(&self) -> Result<Vec<u8>, Error> {
        let font = Font::built_in()?.subset(&self.characters())?;
        let mut ids = Ids(FONT_ID);
        let pages: Vec<(u32, String)> = self.pages.iter().map(|page| (ids.next(), content(page, &mut ids))).collect();
        let mut files = vec![
            ("OFD.xml".to_owned(), self.entry().into_bytes()),
            ("Doc_0/Document.xml".to_owned(), self.document(&pages, ids.0).into_bytes()),
            ("Doc_0/PublicRes.xml".to_owned(), resources().into_bytes()),
            (format!("Doc_0/Res/{FONT_FILE}"), font),
        ];
        for (i, (_, content)) in pages.into_iter().enumerate() {
            files.push((format!("Doc_0/Pages/Page_{i}/Content.xml"), content.into_bytes()));
        }
        pack(&files).map_err(|error| Error::Internal(format!("package: {error}")))
    }

    fn entry(&self) -> String {
        let content: Vec<String> = self.metadata.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        // Only what tells this document from others: the identifier, and the note of a copy.
        let own = content.iter().filter(|line| line.starts_with("ZZBS=") || line.starts_with("JZ"));
        let digest = DigestAlgorithm::Sha256.digest(own.cloned().collect::<String>().as_bytes());
        let id: String = digest.iter().take(16).fold(String::new(), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        });
        let custom: String = self
            .metadata
            .iter()
            .map(|(name, value)| {
                format!(
                    r#"<ofd:CustomData Name="{}">{}</ofd:CustomData>"#,
                    escape(name.as_str()),
                    escape(value.as_str())
                )
            })
            .collect();
        let title = escape(self.title.as_str());
        let created = &self.created;
        format!(
            r#"{HEAD}<ofd:OFD xmlns:ofd="{NAMESPACE}" Version="1.1" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>{id}</ofd:DocID><ofd:Title>{title}</ofd:Title><ofd:CreationDate>{created}</ofd:CreationDate><ofd:Creator>{CREATOR}</ofd:Creator><ofd:CustomDatas>{custom}</ofd:CustomDatas></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"#
        )
    }

    fn document(&self, pages: &[(u32, String)], max_id: u32) -> String {
        let [width, height] = self.page;
        let list: String = pages
            .iter()
            .enumerate()
            .map(|(i, (id, _))| format!(r#"<ofd:Page ID="{id}" BaseLoc="Pages/Page_{i}/Content.xml"/>"#))
            .collect();
        format!(
            r#"{HEAD}<ofd:Document xmlns:ofd="{NAMESPACE}"><ofd:CommonData><ofd:MaxUnitID>{max_id}</ofd:MaxUnitID><ofd:PageArea><ofd:PhysicalBox>0 0 {width} {height}</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData><ofd:Pages>{list}</ofd:Pages></ofd:Document>"#
        )
    }
}

fn resources() -> String {
    format!(
        r#"{HEAD}<ofd:Res xmlns:ofd="{NAMESPACE}" BaseLoc="Res"><ofd:Fonts><ofd:Font ID="{FONT_ID}" FontName="{FAMILY}" FamilyName="{FAMILY}"><ofd:FontFile>{FONT_FILE}</ofd:FontFile></ofd:Font></ofd:Fonts></ofd:Res>"#
    )
}

fn content(page: &Page, ids: &mut Ids) -> String {
    let mut out = format!(r#"{HEAD}<ofd:Page xmlns:ofd="{NAMESPACE}"><ofd:Content>"#);
    for (kind, items) in [("Background", &page.background), ("Body", &page.body), ("Foreground", &page.foreground)] {
        if items.is_empty() {
            continue;
        }
        let _ = write!(out, r#"<ofd:Layer ID="{}" Type="{kind}">"#, ids.next());
        for item in items {
            match item {
                Item::Shape(shape) => path(&mut out, shape, ids),
                Item::Run(run) => text(&mut out, run, ids),
            }
        }
        out.push_str("</ofd:Layer>");
    }
    out.push_str("</ofd:Content></ofd:Page>");
    out
}

fn colour(Colour([red, green, blue]): Colour) -> String {
    format!("{red} {green} {blue}")
}

/// A `PathObject`; its coordinates are relative to its boundary (GB/T 33190 9.1).
fn path(out: &mut String, shape: &Shape, ids: &mut Ids) {
    let points = || {
        shape.segments.iter().flat_map(|segment| match segment {
            Segment::Move(to) | Segment::Line(to) => vec![*to],
            Segment::Curve(one, two, to) => vec![*one, *two, *to],
            Segment::Close => Vec::new(),
        })
    };
    // Half a line lies outside of the outline.
    let margin = shape.stroke.map_or(Length::ZERO, |(_, width)| width);
    let least = |axis: usize| points().map(|point| point[axis]).min().unwrap_or_default() - margin;
    let most = |axis: usize| points().map(|point| point[axis]).max().unwrap_or_default() + margin;
    let (left, top) = (least(0), least(1));
    let (width, height) = (most(0) - left, most(1) - top);
    let mut attributes = format!(r#"Stroke="{}""#, shape.stroke.is_some());
    if let Some((_, width)) = shape.stroke {
        let _ = write!(attributes, r#" LineWidth="{width}""#);
    }
    let _ = write!(attributes, r#" Fill="{}""#, shape.fill.is_some());
    let id = ids.next();
    let _ = write!(out, r#"<ofd:PathObject ID="{id}" Boundary="{left} {top} {width} {height}" {attributes}>"#);
    if let Some((stroke, _)) = shape.stroke {
        let _ = write!(out, r#"<ofd:StrokeColor Value="{}"/>"#, colour(stroke));
    }
    if let Some(fill) = shape.fill {
        let _ = write!(out, r#"<ofd:FillColor Value="{}"/>"#, colour(fill));
    }
    out.push_str("<ofd:AbbreviatedData>");
    for (i, segment) in shape.segments.iter().enumerate() {
        let blank = if i == 0 { "" } else { " " };
        let at = |[x, y]: [Length; 2]| format!("{} {}", x - left, y - top);
        let _ = match segment {
            Segment::Move(to) => write!(out, "{blank}M {}", at(*to)),
            Segment::Line(to) => write!(out, "{blank}L {}", at(*to)),
            Segment::Curve(one, two, to) => write!(out, "{blank}B {} {} {}", at(*one), at(*two), at(*to)),
            Segment::Close => write!(out, "{blank}C"),
        };
    }
    out.push_str("</ofd:AbbreviatedData></ofd:PathObject>");
}

/// `TextObject`s. A character beyond the first plane has one of its own: readers that count UTF-16 units in `DeltaX` and
/// those that count characters then agree.
fn text(out: &mut String, run: &Run, ids: &mut Ids) {
    let mut rest = run.glyphs.as_slice();
    while let Some(first) = rest.first() {
        let plain = rest.iter().take_while(|glyph| u32::from(glyph.character) <= 0xFFFF).count();
        let (here, behind) = rest.split_at(plain.max(1));
        rest = behind;
        // A boundary as wide as the text; a little more does no harm where glyphs reach over.
        let end = behind.first().map_or_else(|| run.start() + run.width, |next| next.x);
        let (width, height) = (end - first.x + run.size.part(1, 4), run.height);
        let (boundary, matrix, x, y) = match run.turned {
            None => (format!("{} {} {width} {height}", first.x, run.top), None, Length::ZERO, run.baseline - run.top),
            Some([left, top]) => {
                let (cosine, sine, whole) = TURN;
                let reach = first.x + width;
                let box_width = reach.part(cosine, whole) + height.part(sine, whole);
                let box_height = reach.part(sine, whole) + height.part(cosine, whole);
                let rise = reach.part(sine, whole);
                let boundary = format!("{left} {} {box_width} {box_height}", top - rise);
                let part = |n: i64| format!("{:.6}", n as f64 / whole as f64);
                let matrix =
                    format!(r#" CTM="{cos} -{sin} {sin} {cos} 0 {rise}""#, cos = part(cosine), sin = part(sine),);
                (boundary, Some(matrix), first.x, run.baseline)
            }
        };
        let alpha = if run.alpha == u8::MAX { String::new() } else { format!(r#" Alpha="{}""#, run.alpha) };
        let id = ids.next();
        let _ = write!(
            out,
            r#"<ofd:TextObject ID="{id}" Boundary="{boundary}"{} Font="{FONT_ID}" Size="{}"{alpha}><ofd:FillColor Value="{}"/><ofd:TextCode X="{x}" Y="{y}""#,
            matrix.unwrap_or_default(),
            run.size,
            colour(run.colour),
        );
        let deltas: Vec<String> = here.windows(2).map(|pair| (pair[1].x - pair[0].x).to_string()).collect();
        if !deltas.is_empty() {
            let _ = write!(out, r#" DeltaX="{}""#, deltas.join(" "));
        }
        let characters: String = here.iter().map(|glyph| glyph.character).collect();
        let _ = write!(out, ">{}</ofd:TextCode></ofd:TextObject>", escape(characters.as_str()));
    }
}

/// In order, without times: the same files make the same package.
fn pack(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default());
    for (name, content) in files {
        writer.start_file(name.as_str(), options)?;
        writer.write_all(content)?;
    }
    Ok(writer.finish()?.into_inner())
}
