//! Licences as documents: written, read back, refused.

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
    licence::{CopyNote, Error, Facts, MAX_NOTE_BYTES, MAX_PAGES, Template, lay_out, template_names},
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
