#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::licence::{font::Font, template::Template};

fn metrics() -> Metrics<'static> {
    Font::built_in().unwrap().metrics().unwrap()
}

fn style(more: &str) -> Style {
    toml::from_str(&format!("size = 5\n{more}")).unwrap()
}

/// Lines of a text in a box so many full-width characters wide.
fn lines(text: &str, characters: i64) -> Vec<String> {
    set(&metrics(), text, &style(""), Length::mm(5) * characters, Length::mm(1000)).lines
}

#[test]
fn lines_break_between_characters_and_not_in_words() {
    assert_eq!(lines("济南市历下区", 4), ["济南市历", "下区"]);
    assert_eq!(lines("甲\n乙", 4), ["甲", "乙"]);
    assert_eq!(lines("甲\n\n乙", 4), ["甲", "", "乙"]);
    assert_eq!(lines("号楼ABCDEF室", 4), ["号楼", "ABCDEF", "室"]);
    // A word wider than the line breaks all the same.
    assert!(lines("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3).len() > 2);
    assert_eq!(lines("", 4), [""]);
}

#[test]
fn no_line_begins_or_ends_with_the_wrong_mark() {
    assert_eq!(lines("餐饮服务；食品销售。", 4), ["餐饮服", "务；食品", "销售。"]);
    assert_eq!(lines("经营范围（一般）", 5), ["经营范围", "（一般）"]);
    // Nothing but marks: they break where they must.
    assert_eq!(lines("。。。。。", 2), ["。。", "。。", "。"]);
}

#[test]
fn a_text_shrinks_as_far_as_its_style_says() {
    let style = style("min_size = 3\nleading = 100");
    let width = Length::mm(30);
    let fits = |text: &str| set(&metrics(), text, &style, width, Length::mm(6));
    assert_eq!(fits("济南市历下区").size, Length::mm(5));
    let less = fits("济南市历下区样例路");
    assert_eq!((less.size, less.lines.len()), (Length(3300), 1));
    let never = fits(&"济".repeat(100));
    assert!(!never.fits() && never.size == Length::mm(3));
    let at = Area { x: Length::ZERO, y: Length::ZERO, width, height: Length::mm(6) };
    let error = place(&metrics(), "KZ_ZL", &never, &style, &at).err().unwrap();
    assert_eq!(error, Error::TooLong { place: "KZ_ZL".to_owned(), found: "10 lines".to_owned(), limit: 1 });
}

#[test]
fn lines_stand_where_their_style_wants_them() {
    let at = Area { x: Length::mm(10), y: Length::mm(20), width: Length::mm(50), height: Length::mm(10) };
    let xs = |more: &str, text: &str| -> Vec<i64> {
        let style = style(more);
        let set = set(&metrics(), text, &style, at.width, at.height);
        let runs = place(&metrics(), "text", &set, &style, &at).unwrap();
        assert!(runs[0].top >= at.y && runs[0].top + runs[0].height <= at.y + at.height);
        runs[0].glyphs.iter().map(|glyph| glyph.x.0).collect()
    };
    assert_eq!(xs("", "名称"), [10_000, 15_000]);
    assert_eq!(xs("align = \"centre\"", "名称"), [30_000, 35_000]);
    assert_eq!(xs("align = \"right\"", "名称"), [50_000, 55_000]);
    assert_eq!(xs("align = \"spread\"", "名称"), [10_000, 55_000]);
    assert_eq!(xs("align = \"spread\"", "名"), [32_500]);
    assert_eq!(xs("spacing = 2", "名称"), [10_000, 17_000]);
}

#[test]
fn what_cannot_be_drawn_is_named() {
    let told = |text: &str| drawable(&metrics(), "KZ_FDDBR", text).unwrap_err().to_string();
    assert_eq!(told("样例\u{1F600}"), "KZ_FDDBR has the character U+1F600, which the font of licences does not have");
    assert_eq!(told("样\t例"), "KZ_FDDBR has the control character U+0009");
    assert_eq!(told("样\u{200D}例"), "KZ_FDDBR has the character U+200D, which the font of licences does not have");
    drawable(&metrics(), "KZ_FDDBR", "样\n例 ABC").unwrap();
}

#[test]
fn every_built_in_template_is_sound() {
    for name in crate::licence::template_names() {
        assert_eq!(Template::built_in(name).unwrap().name(), name);
    }
}
