//! The QR code (GB/T 18284) of a licence: its identifier, and a short check of what the certificate's header says. No
//! personal data: neither holder nor number is in it, and none can be guessed from it.

use exchange_core::{certificate_id::CertificateId, date::Date, issuer::Issuer};
use qrcode::{Color, EcLevel, QrCode};

use super::{
    Error,
    facts::Facts,
    layout::{Item, Segment, Shape},
    length::{Colour, Length},
    template::{Area, Square},
};
use crate::digest::DigestAlgorithm;

/// Characters of the check.
pub const CHECK_CHARACTERS: usize = 8;
const DOMAIN: &str = "exchange licence code v1";
/// Crockford's: no letter that is taken for a digit. All of it is in the alphanumeric mode of the code.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SEPARATOR: char = '/';

/// What the code says: `IDENTIFIER/CHECK`, and of a copy for one use that has a number `IDENTIFIER/CHECK/NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    text: String,
}

impl Code {
    /// Of these facts.
    #[must_use]
    pub fn of(facts: &Facts<'_>) -> Self {
        let mut code =
            Self::new(facts.certificate_id, facts.issuer, facts.issued_on, facts.valid_from, facts.valid_until);
        if let Some(number) = facts.copy.as_ref().and_then(|copy| copy.number) {
            code.text.push(SEPARATOR);
            code.text.push_str(number);
        }
        code
    }

    /// Of a certificate's header: whoever has the header can tell whether a scanned code belongs to it.
    #[must_use]
    pub fn new(
        id: &CertificateId,
        issuer: &Issuer,
        issued_on: Date,
        valid_from: Date,
        valid_until: Option<Date>,
    ) -> Self {
        let until = valid_until.map_or_else(String::new, |date| date.to_string());
        let content =
            format!("{DOMAIN}\n{}\n{}\n{issued_on}\n{valid_from}\n{until}\n", id.as_str(), issuer.uscc.as_str());
        let digest = DigestAlgorithm::Sha256.digest(content.as_bytes());
        // 40 bits, five to a character.
        let bits = digest.iter().take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let mut text = format!("{}{SEPARATOR}", id.as_str());
        for i in (0..CHECK_CHARACTERS).rev() {
            let index = usize::try_from(bits >> (5 * i) & 31).unwrap_or(0);
            text.push(char::from(ALPHABET[index]));
        }
        Self { text }
    }

    /// As it is scanned.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Dark modules as rectangles, one for each stretch of a row; with the quiet zone of four modules.
    pub(super) fn draw(&self, at: &Square, items: &mut Vec<Item>) -> Result<(), Error> {
        const QUIET: i64 = 4;
        let code = QrCode::with_error_correction_level(self.text.as_bytes(), EcLevel::M)
            .map_err(|error| Error::Internal(format!("QR code: {error}")))?;
        let width = code.width();
        let total = i64::try_from(width).unwrap_or(i64::MAX) + 2 * QUIET;
        let at_module = |start: Length, i: usize| start + at.side.part(i64::try_from(i).unwrap_or(0) + QUIET, total);
        let white = Area { x: at.x, y: at.y, width: at.side, height: at.side };
        items.push(filled(rectangle(&white), Colour([255, 255, 255])));
        let mut segments = Vec::new();
        for y in 0..width {
            let mut x = 0;
            while x < width {
                let start = x;
                while x < width && code[(x, y)] == Color::Dark {
                    x += 1;
                }
                if x > start {
                    let (left, top) = (at_module(at.x, start), at_module(at.y, y));
                    let (right, bottom) = (at_module(at.x, x), at_module(at.y, y + 1));
                    segments.extend(rectangle(&Area { x: left, y: top, width: right - left, height: bottom - top }));
                }
                x += 1;
            }
        }
        items.push(filled(segments, Colour::BLACK));
        Ok(())
    }
}

fn rectangle(at: &Area) -> [Segment; 5] {
    let (right, bottom) = (at.x + at.width, at.y + at.height);
    [
        Segment::Move([at.x, at.y]),
        Segment::Line([right, at.y]),
        Segment::Line([right, bottom]),
        Segment::Line([at.x, bottom]),
        Segment::Close,
    ]
}

fn filled(segments: impl IntoIterator<Item = Segment>, colour: Colour) -> Item {
    Item::Shape(Shape { segments: segments.into_iter().collect(), fill: Some(colour), stroke: None })
}
