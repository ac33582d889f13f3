#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

fn subset(text: &str) -> Vec<u8> {
    Font::built_in().unwrap().subset(&text.chars().collect()).unwrap()
}

#[test]
fn a_subset_maps_its_characters_to_the_same_outlines() {
    struct Bounds(Vec<String>);
    impl ttf_parser::OutlineBuilder for Bounds {
        fn move_to(&mut self, x: f32, y: f32) {
            self.0.push(format!("M{x} {y}"));
        }
        fn line_to(&mut self, x: f32, y: f32) {
            self.0.push(format!("L{x} {y}"));
        }
        fn quad_to(&mut self, a: f32, b: f32, x: f32, y: f32) {
            self.0.push(format!("Q{a} {b} {x} {y}"));
        }
        fn curve_to(&mut self, a: f32, b: f32, c: f32, d: f32, x: f32, y: f32) {
            self.0.push(format!("C{a} {b} {c} {d} {x} {y}"));
        }
        fn close(&mut self) {
            self.0.push("Z".to_owned());
        }
    }
    let outline = |face: &Face<'_>, character: char| {
        let mut bounds = Bounds(Vec::new());
        let glyph = face.glyph_index(character).unwrap();
        assert_ne!(glyph.0, 0, "{character}");
        face.outline_glyph(glyph, &mut bounds);
        (bounds.0, face.glyph_hor_advance(glyph))
    };
    let whole = Font::built_in().unwrap().face().unwrap();
    // One of the second plane, and neighbours, which stand in one segment.
    for text in ["营业执照（副本）：91370100MA3ABCDE5X", "ABC abc", "\u{20164}\u{2C029}济南"] {
        let bytes = subset(text);
        let face = Face::parse(&bytes, 0).unwrap();
        for character in text.chars() {
            assert_eq!(outline(&face, character), outline(&whole, character), "{character}");
        }
        assert_eq!(face.glyph_index('龘'), None);
        assert_eq!(face.number_of_glyphs() as usize, text.chars().collect::<BTreeSet<_>>().len() + 1);
    }
}

#[test]
fn a_subset_is_small_and_its_sum_is_right() {
    let bytes = subset("营业执照统一社会信用代码名称类型法定代表人经营范围注册资本成立日期住所登记机关");
    assert!(bytes.len() < 20_000, "{}", bytes.len());
    let sum = bytes.chunks(4).fold(0_u32, |sum, word| sum.wrapping_add(u32::from_be_bytes(word.try_into().unwrap())));
    assert_eq!(sum, 0xB1B0_AFBA);
    assert_eq!(bytes, subset("登记机关住所成立日期注册资本经营范围法定代表人名称类型统一社会信用代码营业执照"));
}

#[test]
fn the_font_has_the_table_of_common_characters_and_keeps_its_licence() {
    let font = Font::built_in().unwrap();
    let metrics = font.metrics().unwrap();
    // Of the third level of 通用规范汉字表, met in names.
    for character in "喆堃淼昇犇䶮翀曈".chars() {
        assert!(metrics.units(character).is_some(), "{character}");
    }
    let full = metrics.scaled(metrics.units('中').unwrap(), Length::mm(5));
    assert_eq!(full, Length::mm(5));
    let face = font.face().unwrap();
    let names: Vec<String> = face.names().into_iter().filter_map(|name| name.to_string()).collect();
    assert!(names.iter().any(|name| name == FAMILY));
    assert!(names.iter().any(|name| name.contains("SIL Open Font License")));
}

#[test]
fn a_character_without_glyph_is_named() {
    let error = Font::built_in().unwrap().subset(&BTreeSet::from(['\u{1F600}'])).unwrap_err();
    assert_eq!(error, Error::Glyph { place: "the document".to_owned(), character: 0x1F600 });
}
