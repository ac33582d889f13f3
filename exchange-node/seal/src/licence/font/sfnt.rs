//! The tables of a TrueType font (ISO/IEC 14496-22) that the subsetter leaves out, since a PDF needs none of them: `cmap`
//! and `OS/2`. OFD addresses glyphs by characters, and readers load the font as they would load any other.

use std::collections::BTreeMap;

const HEADER_BYTES: usize = 12;
const RECORD_BYTES: usize = 16;
const MAX_TABLES: usize = 64;
/// Where `head` keeps the sum of the whole file, and what that sum is taken from (OpenType, `checkSumAdjustment`).
const ADJUSTMENT: std::ops::Range<usize> = 8..12;
const WHOLE: u32 = 0xB1B0_AFBA;

type Tables<'a> = BTreeMap<[u8; 4], &'a [u8]>;

/// `outlines` with a `cmap` of `map` (code point to glyph) and the `OS/2` of `original`. `None` for what is no font.
pub(super) fn complete(outlines: &[u8], original: &[u8], map: &BTreeMap<u32, u16>) -> Option<Vec<u8>> {
    let cmap = cmap(map)?;
    let mut head = tables(outlines)?.get(b"head")?.to_vec();
    head.get_mut(ADJUSTMENT)?.fill(0);
    let mut all = tables(outlines)?;
    all.insert(*b"head", &head);
    all.insert(*b"cmap", &cmap);
    all.insert(*b"OS/2", tables(original)?.get(b"OS/2")?);
    let mut font = write(&all)?;
    let sum = WHOLE.wrapping_sub(checksum(&font));
    let position = position(&font, *b"head")?;
    font.get_mut(position + ADJUSTMENT.start..position + ADJUSTMENT.end)?.copy_from_slice(&sum.to_be_bytes());
    Some(font)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok()
}

/// Tag and content of each table.
fn tables(font: &[u8]) -> Option<Tables<'_>> {
    let count = usize::from(u16_at(font, 4)?);
    if count > MAX_TABLES {
        return None;
    }
    (0..count)
        .map(|i| {
            let at = HEADER_BYTES + i * RECORD_BYTES;
            let tag = font.get(at..at + 4)?.try_into().ok()?;
            let (offset, length) = (u32_at(font, at + 8)?, u32_at(font, at + 12)?);
            Some((tag, font.get(offset..offset.checked_add(length)?)?))
        })
        .collect()
}

fn position(font: &[u8], tag: [u8; 4]) -> Option<usize> {
    let count = usize::from(u16_at(font, 4)?);
    let at = (0..count).map(|i| HEADER_BYTES + i * RECORD_BYTES).find(|at| font.get(*at..at + 4) == Some(&tag))?;
    u32_at(font, at + 8)
}

fn checksum(bytes: &[u8]) -> u32 {
    bytes.chunks(4).fold(0, |sum: u32, chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        sum.wrapping_add(u32::from_be_bytes(word))
    })
}

fn write(tables: &Tables<'_>) -> Option<Vec<u8>> {
    let count = u16::try_from(tables.len()).ok()?;
    let power = count.checked_ilog2()?;
    let (range, selector) = (16_u16 << power, u16::try_from(power).ok()?);
    let mut font = vec![0, 1, 0, 0];
    for word in [count, range, selector, count * 16 - range] {
        font.extend(word.to_be_bytes());
    }
    let mut offset = HEADER_BYTES + tables.len() * RECORD_BYTES;
    for (tag, content) in tables {
        font.extend(tag);
        font.extend(checksum(content).to_be_bytes());
        font.extend(u32::try_from(offset).ok()?.to_be_bytes());
        font.extend(u32::try_from(content.len()).ok()?.to_be_bytes());
        offset += content.len().next_multiple_of(4);
    }
    for content in tables.values() {
        font.extend(*content);
        font.resize(font.len().next_multiple_of(4), 0);
    }
    Some(font)
}

/// Format 4 for the first plane, and format 12 for all where there is more: both for Windows (platform 3).
fn cmap(map: &BTreeMap<u32, u16>) -> Option<Vec<u8>> {
    let first_plane = format_4(map)?;
    let beyond = map.keys().any(|character| *character > 0xFFFF);
    let all = if beyond { format_12(map)? } else { Vec::new() };
    let count: u16 = if beyond { 2 } else { 1 };
    let first_at = 4 + 8 * u32::from(count);
    let mut table = Vec::new();
    table.extend([0, 0]);
    table.extend(count.to_be_bytes());
    let mut record = |encoding: u16, offset: u32| {
        table.extend(3_u16.to_be_bytes());
        table.extend(encoding.to_be_bytes());
        table.extend(offset.to_be_bytes());
    };
    record(1, first_at);
    if beyond {
        record(10, first_at + u32::try_from(first_plane.len()).ok()?);
    }
    table.extend(first_plane);
    table.extend(all);
    Some(table)
}

/// Characters in a row whose glyphs are in a row too: first, last, glyph of the first.
fn runs(map: impl Iterator<Item = (u32, u16)>) -> Vec<(u32, u32, u16)> {
    let mut runs: Vec<(u32, u32, u16)> = Vec::new();
    for (character, glyph) in map {
        match runs.last_mut() {
            Some((first, last, start))
                if *last + 1 == character && u32::from(*start) + (character - *first) == u32::from(glyph) =>
            {
                *last = character;
            }
            _ => runs.push((character, character, glyph)),
        }
    }
    runs
}

fn format_4(map: &BTreeMap<u32, u16>) -> Option<Vec<u8>> {
    let mut segments = Vec::new();
    for (first, last, glyph) in runs(map.range(..0xFFFF).map(|(character, glyph)| (*character, *glyph))) {
        segments.push((u16::try_from(first).ok()?, u16::try_from(last).ok()?, glyph));
    }
    // The table ends with this segment, which leads to no glyph.
    segments.push((0xFFFF, 0xFFFF, 0));
    let count = u16::try_from(segments.len()).ok()?;
    let power = count.checked_ilog2()?;
    let range = 2_u16 << power;
    let length = 16 + 8 * segments.len();
    let mut table = Vec::with_capacity(length);
    let head = [4, u16::try_from(length).ok()?, 0, count * 2, range, u16::try_from(power).ok()?, count * 2 - range];
    let ends = segments.iter().map(|(_, last, _)| *last);
    let starts = segments.iter().map(|(first, ..)| *first);
    // 0xFFFF + 1 is glyph 0.
    let deltas = segments.iter().map(|(first, _, glyph)| glyph.wrapping_sub(*first));
    let offsets = segments.iter().map(|_| 0);
    for word in head.into_iter().chain(ends).chain([0]).chain(starts).chain(deltas).chain(offsets) {
        table.extend(word.to_be_bytes());
    }
    Some(table)
}

fn format_12(map: &BTreeMap<u32, u16>) -> Option<Vec<u8>> {
    let groups = runs(map.iter().map(|(character, glyph)| (*character, *glyph)));
    let mut table = vec![0, 12, 0, 0];
    table.extend(u32::try_from(16 + 12 * groups.len()).ok()?.to_be_bytes());
    table.extend(0_u32.to_be_bytes());
    table.extend(u32::try_from(groups.len()).ok()?.to_be_bytes());
    for (first, last, glyph) in groups {
        for word in [first, last, u32::from(glyph)] {
            table.extend(word.to_be_bytes());
        }
    }
    Some(table)
}
