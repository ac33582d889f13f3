//! The picture of a seal: a PNG file (RFC 2083, ISO/IEC 15948), looked at chunk by chunk and not decoded.

use super::Error;
use crate::{limits::MAX_PICTURE_BYTES, ses::Picture};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Pixels of a side: 400 mm at 250 dots per inch.
const MAX_PIXELS: u32 = 4096;
/// Millimetres of a side.
const MAX_MM: u16 = 400;

/// Takes a PNG file as a seal's picture. Seals want a transparent ground, so that the text below stays readable; that is
/// not asked for.
///
/// # Errors
/// [`Error::Terms`]: not a whole PNG, damaged, or larger than 4 MiB, 4,096 pixels or 400 mm a side.
pub fn png(data: Vec<u8>, width_mm: u16, height_mm: u16) -> Result<Picture, Error> {
    let refused = |detail: String| Err(Error::Terms(format!("the picture: {detail}")));
    if data.len() > MAX_PICTURE_BYTES {
        return refused(format!("{} bytes; at most {MAX_PICTURE_BYTES} are read", data.len()));
    }
    if [width_mm, height_mm].iter().any(|side| *side == 0 || *side > MAX_MM) {
        return refused(format!("{width_mm} x {height_mm} mm; 1 to {MAX_MM} a side are needed"));
    }
    if let Err(detail) = check(&data) {
        return refused(detail);
    }
    Ok(Picture { format: "PNG".to_owned(), data, width_mm, height_mm })
}

fn check(data: &[u8]) -> Result<(), String> {
    let mut rest = data.strip_prefix(SIGNATURE).ok_or("not a PNG file")?;
    let (mut first, mut has_data) = (true, false);
    loop {
        let (head, tail) = rest.split_at_checked(8).ok_or("it is cut off")?;
        let length = usize::try_from(u32_at(head)).map_err(|_| "it is cut off")?;
        let (content, tail) = tail.split_at_checked(length).ok_or("it is cut off")?;
        let (sum, tail) = tail.split_at_checked(4).ok_or("it is cut off")?;
        let kind = &head[4..];
        let mut crc = crc32fast::Hasher::new();
        crc.update(kind);
        crc.update(content);
        if crc.finalize() != u32_at(sum) {
            return Err("it is damaged: a checksum is wrong".to_owned());
        }
        match kind {
            b"IHDR" if first => header(content)?,
            _ if first => return Err("it does not begin with its header".to_owned()),
            b"IDAT" => has_data = true,
            b"IEND" if !has_data => return Err("no image is in it".to_owned()),
            b"IEND" if !tail.is_empty() => return Err("something follows its end".to_owned()),
            b"IEND" => return Ok(()),
            _ => {}
        }
        first = false;
        rest = tail;
    }
}

fn header(content: &[u8]) -> Result<(), String> {
    if content.len() != 13 {
        return Err("its header is none".to_owned());
    }
    let (width, height) = (u32_at(content), u32_at(&content[4..]));
    if [width, height].iter().any(|side| *side == 0 || *side > MAX_PIXELS) {
        return Err(format!("{width} x {height} pixels; 1 to {MAX_PIXELS} a side are needed"));
    }
    Ok(())
}

/// Callers have four bytes at hand.
fn u32_at(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
        let mut crc = crc32fast::Hasher::new();
        crc.update(kind);
        crc.update(content);
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length, kind, content, &crc.finalize().to_be_bytes()].concat()
    }

    fn picture(width: u32, height: u32) -> Vec<u8> {
        let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
        [SIGNATURE, &chunk(b"IHDR", &header), &chunk(b"IDAT", b"image"), &chunk(b"IEND", b"")].concat()
    }

    #[test]
    fn a_whole_png_is_taken() {
        let picture = png(picture(400, 300), 40, 30).unwrap();
        assert_eq!((picture.format.as_str(), picture.width_mm, picture.height_mm), ("PNG", 40, 30));
    }

    #[test]
    fn what_is_no_picture_of_a_seal() {
        let good = picture(4, 4);
        let mut damaged = good.clone();
        damaged[20] ^= 1;
        let headless = [SIGNATURE, &chunk(b"IDAT", b"image")].concat();
        let empty = [&good[..33], &chunk(b"IEND", b"")[..]].concat();
        for (data, reason) in [
            (b"GIF89a".to_vec(), "not a PNG file"),
            (good[..good.len() - 1].to_vec(), "it is cut off"),
            (damaged, "a checksum is wrong"),
            (headless, "it does not begin with its header"),
            (empty, "no image is in it"),
            ([&good[..], b"more"].concat(), "something follows its end"),
            (picture(4097, 4), "4097 x 4 pixels; 1 to 4096"),
            (picture(4, 0), "4 x 0 pixels"),
            (vec![0; MAX_PICTURE_BYTES + 1], "4194305 bytes"),
        ] {
            let error = png(data, 40, 40).unwrap_err().to_string();
            assert!(error.contains(reason), "{reason}: {error}");
        }
        assert!(png(good.clone(), 0, 40).unwrap_err().to_string().contains("0 x 40 mm; 1 to 400"));
        for cut in 0..good.len() {
            assert!(png(good[..cut].to_vec(), 40, 40).is_err(), "{cut}");
        }
    }
}
