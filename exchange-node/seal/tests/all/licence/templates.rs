//! Templates that are refused, each for its reason.

use exchange_seal::licence::{Error, MAX_TEMPLATE_BYTES, Template};

const SOUND: &str = r##"version = 1
name = "plain"
title = "样例"
page = [210, 297]
seal = [130, 230, 42, 42]
code = [20, 20, 30]

[style.value]
size = 5
min_size = 3

[[text]]
at = [20, 60, 100, 10]
style = "value"
text = "名称"

[[field]]
name = "CZZT"
at = [20, 80, 100, 10]
style = "value"
"##;

#[test]
fn a_template_that_is_not_sound_is_refused() {
    Template::parse(SOUND).unwrap();
    let cases = [
        ("version = 1", "version = 2", "version 2; 1 is read"),
        ("version = 1\n", "", "missing field `version`"),
        ("name = \"plain\"", "name = \"Plain/..\"", "name: lower case letters"),
        ("page = [210, 297]", "page = [210]", "page"),
        ("page = [210, 297]", "page = [10, 297]", "page: 10 mm"),
        ("page = [210, 297]", "page = [210, nan]", "a length is 0 to 2000 mm"),
        ("page = [210, 297]", "page = [210, -5]", "a length is 0 to 2000 mm"),
        ("seal = [130, 230, 42, 42]", "seal = [190, 230, 42, 42]", "seal reaches beyond the page"),
        ("code = [20, 20, 30]", "code = [20, 20, 5]", "code: a side of 12 mm"),
        ("size = 5", "size = 500", "style value: a size is 1.5 to 60 mm"),
        ("min_size = 3", "min_size = 8", "style value: min_size is above size"),
        ("min_size = 3", "leading = 10", "style value: leading"),
        ("min_size = 3", "weight = 3", "unknown field `weight`"),
        ("min_size = 3", "align = \"middle\"", "unknown variant `middle`"),
        ("min_size = 3", "colour = \"red\"", "a colour is # and six hexadecimal digits"),
        ("at = [20, 60, 100, 10]", "at = [20, 60, 200, 10]", "text 1 reaches beyond the page"),
        ("at = [20, 60, 100, 10]", "at = [20, 60, 100, 2]", "text 1 is lower than one line"),
        ("at = [20, 60, 100, 10]", "at = [20, 60, 0, 10]", "text 1 has no width"),
        ("text = \"名称\"", "text = \"\u{1F600}\"", "text 1 has the character U+1F600"),
        ("name = \"CZZT\"", "name = \"czzt\"", "field: the name has capital letters"),
        ("name = \"CZZT\"", "name = \"CZZT\"\nstyle2 = \"x\"", "unknown field `style2`"),
        ("name = \"CZZT\"", "name = \"CZZT\"\nlabel = \"名\"", "label, label_width and label_style go together"),
        ("name = \"CZZT\"", "name = \"CZZT\"\nlabel_width = 100", "label_width leaves no room"),
        ("name = \"CZZT\"", "name = \"CZZT\"\noverflow = \"continue\"", "there is no [continuation]"),
        ("at = [20, 80, 100, 10]\nstyle = \"value\"", "at = [20, 80, 100, 10]\nstyle = \"none\"", "no style none"),
    ];
    for (from, to, reason) in cases {
        assert!(SOUND.contains(from), "{from}");
        let error = Template::parse(&SOUND.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().contains(reason), "{to}: {error}");
    }
}

#[test]
fn what_is_too_much_for_a_template_is_refused() {
    let long = format!("{SOUND}# {}", "x".repeat(MAX_TEMPLATE_BYTES));
    assert!(Template::parse(&long).unwrap_err().to_string().contains("at most 131072 are read"));
    let text = "\n[[text]]\nat = [20, 60, 100, 10]\nstyle = \"value\"\ntext = \"名\"\n".repeat(256);
    let many = SOUND.replacen("\n[[field]]", &format!("{text}\n[[field]]"), 1);
    assert!(Template::parse(&many).unwrap_err().to_string().contains("text: 257; at most 256 are read"));
    let wave = "\n[[wave]]\nat = [20, 60, 100, 10]\nlines = 999\nhalves = 1\ncolour = \"#000000\"\nwidth = 0.1\n";
    let error = Template::parse(&format!("{SOUND}{wave}")).unwrap_err();
    assert!(error.to_string().contains("wave 1: 1 to 64 lines"), "{error}");
}

#[test]
fn a_template_that_is_not_there_is_named() {
    let error = Template::built_in("../etc/passwd").unwrap_err();
    assert_eq!(error, Error::UnknownTemplate("../etc/passwd".to_owned()));
    assert!(error.to_string().contains("business-licence"), "{error}");
}
