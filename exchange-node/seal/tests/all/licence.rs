//! Licences as documents: written, read back, refused.

mod templates;

use std::{collections::BTreeMap, io::Cursor};

use exchange_core::{
    certificate::{Environment, Field},
    certificate_id::{CertificateId, TypeCode},
    date::Date,
    issuer::Issuer,
    uscc::Uscc,
};
use exchange_seal::{
    Limits,
    digest::DigestAlgorithm,
    licence::{
        CHECK_CHARACTERS, Code, CopyNote, Error, Facts, MAX_NOTE_BYTES, MAX_PAGES, StatedCopy, Template, lay_out,
        template_names,
    },
    ofd::{ENTRY_FILE, Package, documents},
};

/// Template, type code, name; the code of 食品经营许可证 is not public: this one is invented.
const LICENCES: [(&str, &str, &str); 4] = [
    ("business-licence", "11100000MB0143028R001", "营业执照"),
    ("food-business-licence", "11100000MB0143028R999", "食品经营许可证"),
    ("real-estate-certificate", "11100000MB03271699001", "不动产权证书"),
    ("road-transport-licence", "11100000000019713D008", "道路运输经营许可证"),
];

/// What is invented for all of them.
const VALUES: [(&str, &str); 26] = [
    ("CZZT", "济南泉韵餐饮管理有限公司"),
    ("CZZTDM", "91379999MA0000001T"),
    ("CZZTDMLXDM", "001"),
    ("ZZBH", "鲁（2026）济南市不动产权第0000001号"),
    ("KZ_LX", "有限责任公司（自然人投资或控股）"),
    ("KZ_FDDBR", "喆堃"),
    (
        "KZ_JYFW",
        "许可项目：餐饮服务；食品销售。（依法须经批准的项目，经相关部门批准后方可开展经营活动）\n一般项目：餐饮管理；食品进出口；日用百货销售；会议及展览服务。",
    ),
    ("KZ_ZCZB", "伍佰万元整"),
    ("KZ_CLRQ", "2026-11-25"),
    ("KZ_YYQX", "2026年11月25日至2056年11月24日"),
    ("KZ_ZS", "山东省济南市历下区样例路1号样例大厦3层301室"),
    ("KZ_DZ", "山东省济南市历下区样例路1号样例大厦3层301室"),
    ("KZ_QLR", "样例甲, 样例乙"),
    ("KZ_GYQK", "共同共有"),
    ("KZ_ZL", "济南市历下区样例路2号样例小区1号楼2单元301"),
    ("KZ_BDCDYH", "370102 001001 GB00001 F00010001"),
    ("KZ_QLLX", "国有建设用地使用权/房屋所有权"),
    ("KZ_QLXZ", "出让/市场化商品房"),
    ("KZ_YT", "城镇住宅用地/住宅"),
    ("KZ_MJ", "共有宗地面积 12000.00 平方米/房屋建筑面积 118.60 平方米"),
    ("KZ_SYQX", "国有建设用地使用权 2010年01月01日起2080年12月31日止"),
    (
        "KZ_QLQTZK",
        "房屋结构：钢筋混凝土结构\n专有建筑面积：96.20平方米，分摊建筑面积：22.40平方米\n房屋总层数：18层，所在层：3层",
    ),
    ("KZ_FJ", "样例数据，仅供演示。"),
    ("KZ_JYCS", "山东省济南市历下区样例路1号样例大厦1层"),
    ("KZ_ZTYT", "餐饮服务经营者（中型餐馆）"),
    ("KZ_JYXM", "热食类食品制售；冷食类食品制售；自制饮品制售"),
];

/// Of a copy.
const NUMBER: &str = "5QJ8Z6N3V0C4T1M7K2W9XB5RDE";

struct Sample {
    template: Template,
    id: CertificateId,
    name: &'static str,
    issuer: Issuer,
    fields: Vec<Field>,
    environment: Environment,
    copy: bool,
}

fn sample(name: &str) -> Sample {
    let (template, code, title) = LICENCES.into_iter().find(|(found, ..)| *found == name).unwrap();
    let uscc = Uscc::parse("11370100XXXX00001Q").unwrap();
    let id = CertificateId::new(&TypeCode::parse(code).unwrap(), &uscc, "370100202600000001", 1).unwrap();
    let fields = VALUES.map(|(name, value)| Field { name: name.to_owned(), value: value.to_owned() });
    Sample {
        template: Template::built_in(template).unwrap(),
        id,
        name: title,
        issuer: Issuer { uscc, name: "济南市行政审批服务局".to_owned() },
        fields: fields.to_vec(),
        environment: Environment::Production,
        copy: false,
    }
}

impl Sample {
    fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|field| field.name != name);
        self.fields.push(Field { name: name.to_owned(), value: value.to_owned() });
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            environment: self.environment,
            certificate_id: &self.id,
            type_name: self.name,
            issuer: &self.issuer,
            issued_on: Date::parse("2026-11-25").unwrap(),
            valid_from: Date::parse("2026-11-25").unwrap(),
            valid_until: Some(Date::parse("2030-11-24").unwrap()),
            fields: &self.fields,
            copy: self.copy.then(|| CopyNote {
                cause: "办理购房提取住房公积金",
                requester: "青岛市住房公积金管理中心",
                made_on: Date::parse("2026-11-25").unwrap(),
                expires_on: Date::parse("2026-12-24").unwrap(),
                number: Some(NUMBER),
            }),
        }
    }

    fn ofd(&self) -> Vec<u8> {
        lay_out(&self.template, &self.facts()).unwrap().ofd().unwrap()
    }

    fn svg(&self) -> String {
        lay_out(&self.template, &self.facts()).unwrap().svg().unwrap()
    }

    fn refused(&self) -> Error {
        lay_out(&self.template, &self.facts()).err().unwrap()
    }
}

/// A file of a package.
fn file(ofd: &[u8], name: &str) -> Vec<u8> {
    use std::io::Read as _;
    let mut archive = zip::ZipArchive::new(Cursor::new(ofd)).unwrap();
    let mut content = Vec::new();
    archive.by_name(name).unwrap().read_to_end(&mut content).unwrap();
    content
}

fn page(ofd: &[u8], number: usize) -> String {
    String::from_utf8(file(ofd, &format!("Doc_0/Pages/Page_{number}/Content.xml"))).unwrap()
}

/// The text of an XML file, without its elements.
fn plain(xml: &str) -> String {
    let mut inside = false;
    let text: String = xml
        .chars()
        .filter(|c| {
            inside = match c {
                '<' => true,
                '>' => false,
                _ => return !inside,
            };
            false
        })
        .collect();
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// For the eye: what the tests write stays in the build folder.
#[test]
fn every_template_makes_a_licence_that_is_read_back() {
    assert_eq!(template_names(), LICENCES.map(|(name, ..)| name));
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("licences");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, code, title) in LICENCES {
        let mut sample = sample(name);
        let ofd = sample.ofd();
        println!("{name}: {} bytes", ofd.len());
        assert!(ofd.len() < 64 * 1024, "{name}: {} bytes", ofd.len());
        std::fs::write(folder.join(format!("{name}.ofd")), &ofd).unwrap();
        std::fs::write(folder.join(format!("{name}.svg")), sample.svg()).unwrap();
        let mut package = Package::open(Cursor::new(&ofd), Limits::DEFAULT).unwrap();
        let entry = package.find(ENTRY_FILE).unwrap();
        let bytes = package.read(entry.index, Limits::DEFAULT.xml_bytes).unwrap();
        let found = documents(&bytes, &Limits::DEFAULT).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].title.as_deref(), found[0].created.as_deref()), (Some(title), Some("2026-11-25")));
        assert_eq!(found[0].id.as_ref().unwrap().len(), 32);
        let custom: BTreeMap<_, _> = found[0].custom.iter().cloned().collect();
        assert_eq!(custom["ZZBS"], sample.id.as_str());
        assert_eq!(custom["ZZLXDM"], code);
        assert_eq!(custom["ZZMC"], title);
        assert_eq!(custom["ZZBFJGDM"], "11370100XXXX00001Q");
        assert_eq!(custom["ZZYXQJZRQ"], "2030-11-24");
        for (field, value) in VALUES {
            // What is shown has no line breaks.
            assert_eq!(custom[field], value.replace('\n', ""), "{field}");
        }
        let text = plain(&page(&ofd, 0));
        assert!(
            text.contains(title) && text.contains("济南市行政审批服务局") && text.contains("2026年11月25日"),
            "{text}"
        );
        sample.environment = Environment::Exercise;
        sample.copy = true;
        std::fs::write(folder.join(format!("{name}-copy.ofd")), sample.ofd()).unwrap();
        std::fs::write(folder.join(format!("{name}-copy.svg")), sample.svg()).unwrap();
    }
}

/// Golden: a change here changes what every node writes. Say so in the changelog.
#[test]
fn the_same_certificate_makes_the_same_bytes() {
    let golden = [
        ("business-licence", "d12b6d8aa84e3f3e9d66772976e1adbc"),
        ("food-business-licence", "1f9beafa74ae836f28e6856c4fe2d3b5"),
        ("real-estate-certificate", "75d78686594b8e92bad20cb8399ac85b"),
        ("road-transport-licence", "b654934f90503e6d83f1cf31d0d60fc9"),
    ];
    let digest = |bytes: &[u8]| hex(&DigestAlgorithm::Sha256.digest(bytes)[..16]);
    let found = golden.map(|(name, _)| {
        let sample = sample(name);
        assert_eq!(sample.ofd(), sample.ofd());
        assert_eq!(sample.svg(), sample.svg());
        (name, digest(&sample.ofd()))
    });
    assert_eq!(found, golden.map(|(name, digest)| (name, digest.to_owned())));
}

#[test]
fn a_value_is_text_and_never_markup() {
    let mut sample = sample("business-licence");
    let evil = r#"</text><script>alert(1)</script>&amp;"'<ofd:TextCode>]]>"#;
    sample.set("CZZT", evil);
    sample.name = "<b>&";
    sample.issuer.name = evil.to_owned();
    let ofd = sample.ofd();
    let xml = page(&ofd, 0);
    assert!(!xml.contains("<script") && !xml.contains("]]>"), "{xml}");
    assert!(plain(&xml).contains("alert(1)"));
    let entry = String::from_utf8(file(&ofd, "OFD.xml")).unwrap();
    let found = documents(entry.as_bytes(), &Limits::DEFAULT).unwrap();
    let custom: BTreeMap<_, _> = found[0].custom.iter().cloned().collect();
    assert_eq!((custom["CZZT"].as_str(), custom["ZZMC"].as_str()), (evil, "<b>&"));
    let svg = sample.svg();
    assert!(!svg.contains("<script") && !svg.contains("onload"), "markup of a value in the SVG");
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    let mut reader = quick_xml::Reader::from_str(&svg);
    reader.config_mut().enable_all_checks(true);
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(start) => {
                let name = start.name();
                assert!(["svg", "title", "style", "g", "text"].contains(&name.as_ref()), "{name:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn what_stands_in_the_metadata_of_the_header_is_not_replaced_by_a_field() {
    let mut sample = sample("business-licence");
    sample.set("ZZBS", "1.2.3");
    sample.set("ZZBFJG", "别处");
    let entry = file(&sample.ofd(), "OFD.xml");
    let found = documents(&entry, &Limits::DEFAULT).unwrap();
    let named: Vec<_> = found[0].custom.iter().filter(|(name, _)| name == "ZZBS" || name == "ZZBFJG").collect();
    assert_eq!(named.len(), 2);
    assert!(!String::from_utf8(entry).unwrap().contains("别处"));
}

#[test]
fn a_licence_with_a_gap_is_never_made() {
    let mut sample = sample("business-licence");
    sample.set("KZ_FDDBR", "样\u{1F600}例");
    assert_eq!(sample.refused(), Error::Glyph { place: "KZ_FDDBR".to_owned(), character: 0x1F600 });
    sample.set("KZ_FDDBR", "样\u{7}例");
    assert_eq!(sample.refused(), Error::Control { place: "KZ_FDDBR".to_owned(), character: 7 });
    sample.set("KZ_FDDBR", "样例");
    sample.set("CZZT", "");
    assert_eq!(sample.refused(), Error::MissingValue("CZZT".to_owned()));
    // A field that is not shown is written into the metadata alone; control characters are no XML there either.
    sample.set("CZZT", "样例");
    sample.set("KZ_MJ", "\u{0}");
    assert_eq!(sample.refused(), Error::Control { place: "KZ_MJ".to_owned(), character: 0 });
    for character in ['\u{FFFE}', '\u{FFFF}'] {
        let not_xml = |place: &str| Error::NotXml { place: place.to_owned(), character: u32::from(character) };
        let value = format!("样{character}例");
        for field in ["KZ_MJ", "KZ_FDDBR"] {
            let mut sample = self::sample("business-licence");
            sample.set(field, &value);
            assert_eq!(sample.refused(), not_xml(field));
        }
        let mut sample = self::sample("business-licence");
        sample.issuer.name.clone_from(&value);
        assert_eq!(sample.refused(), not_xml("ZZBFJG"));
        let mut sample = self::sample("business-licence");
        sample.set(&format!("A{character}"), "样例");
        assert_eq!(sample.refused(), not_xml("the name of a field"));
        assert!(!sample.refused().to_string().contains(character));
    }
    // What XML 1.0 has and the font has not stays in the metadata alone.
    let mut sample = self::sample("business-licence");
    sample.set("KZ_MJ", "\u{FFFD}\u{10FFFF}");
    let entry = file(&sample.ofd(), "OFD.xml");
    let found = documents(&entry, &Limits::DEFAULT).unwrap();
    assert_eq!(found[0].custom("KZ_MJ").collect::<Vec<_>>(), ["\u{FFFD}\u{10FFFF}"]);
}

#[test]
fn a_note_is_one_line_of_characters_that_can_be_drawn() {
    let mut sample = sample("business-licence");
    sample.copy = true;
    let refused = |cause: &str, requester: &str| {
        let mut facts = sample.facts();
        let note = facts.copy.as_mut().unwrap();
        (note.cause, note.requester) = (cause, requester);
        lay_out(&sample.template, &facts).err().unwrap()
    };
    for (character, found) in [('\n', "JZJZZSY has the control character U+000A"), ('\r', "U+000D"), ('\t', "U+0009")] {
        let refused = refused(&format!("办理{character}贷款"), "样例");
        assert!(refused.to_string().contains(found), "{refused}");
        assert_eq!(refused, Error::Control { place: "JZJZZSY".to_owned(), character: u32::from(character) });
    }
    let control = Error::Control { place: "JZJZZZ".to_owned(), character: 10 };
    assert_eq!(refused("办理贷款", "样\n例"), control);
    let glyph = Error::Glyph { place: "JZJZZZ".to_owned(), character: 0x1F600 };
    assert_eq!(refused("办理贷款", "样\u{1F600}例"), glyph);
}

#[test]
fn a_spread_text_is_one_line() {
    for (name, ..) in LICENCES {
        for (field, _) in VALUES {
            let mut sample = sample(name);
            sample.set(field, "样\n例");
            // Whatever the style of the field, the font is never asked for a line break.
            match lay_out(&sample.template, &sample.facts()) {
                Ok(layout) => drop(layout.ofd().unwrap()),
                Err(refused) => {
                    assert!(!matches!(refused, Error::Glyph { .. }), "{name} {field}: {refused}");
                    println!("{name} {field}: {refused}");
                }
            }
        }
    }
}

#[test]
fn a_long_value_shrinks_goes_on_or_is_refused() {
    let mut sample = sample("business-licence");
    let name = "济南样例".repeat(200);
    sample.set("CZZT", &name);
    let refused = sample.refused();
    assert!(matches!(&refused, Error::TooLong { place, .. } if place == "CZZT"), "{refused}");
    assert!(!refused.to_string().contains("样例"), "{refused}");
    sample.set("CZZT", "样例");
    let scope = "餐饮服务；食品销售。".repeat(300);
    sample.set("KZ_JYFW", &scope);
    let layout = lay_out(&sample.template, &sample.facts()).unwrap();
    assert!(layout.page_count() > 1);
    let ofd = layout.ofd().unwrap();
    assert!(plain(&page(&ofd, 0)).contains("（全文见附页）"));
    let behind: String = (1..layout.page_count()).map(|i| plain(&page(&ofd, i))).collect();
    assert!(behind.contains("【经营范围】"), "{behind}");
    assert_eq!(behind.matches('餐').count(), 300);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("licences");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("long.ofd"), &ofd).unwrap();
    sample.set("KZ_JYFW", &"餐\n".repeat(15_000));
    let refused = sample.refused();
    let Error::TooLong { limit, .. } = refused else { panic!("{refused}") };
    assert_eq!(limit, MAX_PAGES);
}

#[test]
fn a_copy_says_so_on_every_page_and_in_its_metadata() {
    let mut sample = sample("business-licence");
    sample.set("KZ_JYFW", &"餐饮服务；食品销售。".repeat(300));
    let original = sample.ofd();
    sample.copy = true;
    let pages = lay_out(&sample.template, &sample.facts()).unwrap().page_count();
    let copy = sample.ofd();
    for number in 0..pages {
        let text = plain(&page(&copy, number));
        let numbered = format!("编号：{NUMBER}");
        for part in
            ["仅供办理购房提取住房公积金使用", "申请方：青岛市住房公积金管理中心", "有效期至2026年12月24日", &numbered]
        {
            assert!(text.contains(part), "{part} is not on page {number}");
        }
        assert!(!plain(&page(&original, number)).contains("仅供"));
    }
    let facts = |ofd: &[u8]| documents(&file(ofd, "OFD.xml"), &Limits::DEFAULT).unwrap().remove(0);
    let custom: BTreeMap<_, _> = facts(&copy).custom.into_iter().collect();
    assert_eq!(custom["JZJZZSY"], "办理购房提取住房公积金");
    assert_eq!(custom["JZJZZZ"], "青岛市住房公积金管理中心");
    assert_eq!((custom["JZJZZSJ"].as_str(), custom["JZJYXQJZSJ"].as_str()), ("2026-11-25", "2026-12-24"));
    assert_eq!(custom["JZJBH"], NUMBER);
    assert_ne!(facts(&copy).id, facts(&original).id);
    let stated = StatedCopy::of(&facts(&copy)).unwrap();
    assert_eq!((stated.number.as_str(), stated.cause.as_str()), (NUMBER, "办理购房提取住房公积金"));
    let day = |text: &str| Date::parse(text).unwrap();
    assert_eq!([day("2026-12-24"), day("2026-12-25")].map(|today| stated.is_expired(today)), [Some(false), Some(true)]);
    assert_eq!(StatedCopy::of(&facts(&original)), None);
    // The code of a copy says which one; that of a licence is as ever.
    let code = Code::of(&sample.facts());
    let plain = Code::of(&Facts { copy: None, ..sample.facts() });
    assert_eq!(code.as_str(), format!("{}/{NUMBER}", plain.as_str()));
    // A copy of which nobody keeps account has no number, nowhere.
    let mut uncounted = sample.facts();
    uncounted.copy.as_mut().unwrap().number = None;
    let uncounted_ofd = lay_out(&sample.template, &uncounted).unwrap().ofd().unwrap();
    assert!(!facts(&uncounted_ofd).custom.iter().any(|(name, _)| name == "JZJBH"));
    assert_eq!(Code::of(&uncounted), plain);
    let long = "因".repeat(MAX_NOTE_BYTES);
    let mut note = sample.facts();
    note.copy.as_mut().unwrap().cause = &long;
    let refused = lay_out(&sample.template, &note).err().unwrap();
    assert!(matches!(&refused, Error::TooLong { place, .. } if place == "JZJZZSY"), "{refused}");
}

#[test]
fn debug_shows_no_value() {
    let mut sample = sample("business-licence");
    sample.copy = true;
    let facts = sample.facts();
    let report = crate::lab::World::sm2().judge_bytes(sample.ofd());
    assert_eq!(report.documents[0].custom("CZZT").count(), 1);
    let shown = [format!("{facts:?}"), format!("{facts:#?}"), format!("{report:?}"), format!("{report:#?}")];
    let note = facts.copy.as_ref().unwrap();
    for shown in &shown {
        for (name, value) in VALUES {
            // These two stand in identifiers and dates of the header too.
            let elsewhere = ["CZZTDMLXDM", "KZ_CLRQ"].contains(&name);
            assert!(elsewhere || !shown.contains(value), "{name} in {shown}");
            assert!(shown.contains(name), "{name} is not in {shown}");
        }
        for value in [note.cause, note.requester] {
            assert!(!shown.contains(value), "{value} in {shown}");
        }
    }
    assert!(
        shown[0].contains("CopyNote(cause=33 bytes, requester=36 bytes, 2026-11-25 to 2026-12-24)"),
        "{}",
        shown[0]
    );
    assert!(!shown[2].contains("营业执照"), "{}", shown[2]);
}

#[test]
fn an_exercise_stands_across_every_page() {
    let mut sample = sample("road-transport-licence");
    assert!(!plain(&page(&sample.ofd(), 0)).contains("演练样本"));
    sample.environment = Environment::Exercise;
    assert!(plain(&page(&sample.ofd(), 0)).contains("演练样本 不具有法律效力"));
}

#[test]
fn the_code_has_the_identifier_and_a_check_of_the_header_alone() {
    let mut sample = sample("business-licence");
    let code = Code::of(&sample.facts());
    let (id, check) = code.as_str().split_once('/').unwrap();
    assert_eq!((id, check.len()), (sample.id.as_str(), CHECK_CHARACTERS));
    sample.set("CZZT", "别人");
    sample.set("CZZTDM", "91379999MA0000002R");
    assert_eq!(Code::of(&sample.facts()), code);
    let mut facts = sample.facts();
    facts.valid_until = None;
    assert_ne!(Code::of(&facts), code);
}

#[test]
fn no_identifier_stands_twice_and_none_is_above_the_greatest() {
    let mut sample = sample("business-licence");
    sample.set("KZ_JYFW", &"餐饮服务；食品销售。".repeat(300));
    sample.environment = Environment::Exercise;
    let ofd = sample.ofd();
    let count = lay_out(&sample.template, &sample.facts()).unwrap().page_count();
    let document = String::from_utf8(file(&ofd, "Doc_0/Document.xml")).unwrap();
    let resources = String::from_utf8(file(&ofd, "Doc_0/PublicRes.xml")).unwrap();
    let all: String = (0..count).map(|i| page(&ofd, i)).chain([document.clone(), resources]).collect();
    let ids: Vec<u32> =
        all.split(" ID=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect();
    let max: u32 = document.split("<ofd:MaxUnitID>").nth(1).unwrap().split('<').next().unwrap().parse().unwrap();
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
    assert_eq!(ids.iter().max(), Some(&max));
}
