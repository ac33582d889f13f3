//! 持证主体代码类型代码 (GB/T 36903-2018 annex A): code and Chinese name.

const NAMES: [(&str, &str); 16] = [
    ("001", "统一社会信用代码"),
    ("099", "其他法人与其他组织有效证件代码"),
    ("111", "公民身份号码"),
    ("114", "解放军军官证"),
    ("115", "武警警官证"),
    ("118", "解放军士兵证"),
    ("119", "武警士兵证"),
    ("120", "解放军文职人员证"),
    ("122", "武警文职人员证"),
    ("411", "外交护照"),
    ("412", "公务护照"),
    ("413", "公务普通护照"),
    ("414", "普通护照"),
    ("511", "台湾居民来往大陆通行证"),
    ("516", "港澳居民来往内地通行证"),
    ("999", "其他自然人有效证件"),
];

/// Code of a code or name; several separated by commas stay several. `None`: not in the dictionary.
pub(super) fn code(text: &str) -> Option<String> {
    let one = |part: &str| {
        let part = part.trim();
        let found = NAMES.iter().find(|(code, name)| *code == part || *name == part);
        // What people write for the commonest two.
        found.map(|(code, _)| *code).or(match part {
            "居民身份证" | "身份证" | "居民身份证号码" | "公民身份证号码" => Some("111"),
            "统一社会信用代码证" => Some("001"),
            _ => None,
        })
    };
    let codes: Option<Vec<&str>> = text.split([',', '，']).map(one).collect();
    Some(codes?.join(","))
}

/// Name of a code.
pub(super) fn name(code: &str) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}
