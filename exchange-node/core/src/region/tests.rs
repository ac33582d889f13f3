#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

/// standards.md §2.3.
#[test]
fn standards_2_3_the_sixteen_cities() {
    let table = [
        ("370100", "济南", "jinan"),
        ("370200", "青岛", "qingdao"),
        ("370300", "淄博", "zibo"),
        ("370400", "枣庄", "zaozhuang"),
        ("370500", "东营", "dongying"),
        ("370600", "烟台", "yantai"),
        ("370700", "潍坊", "weifang"),
        ("370800", "济宁", "jining"),
        ("370900", "泰安", "taian"),
        ("371000", "威海", "weihai"),
        ("371100", "日照", "rizhao"),
        ("371300", "临沂", "linyi"),
        ("371400", "德州", "dezhou"),
        ("371500", "聊城", "liaocheng"),
        ("371600", "滨州", "binzhou"),
        ("371700", "菏泽", "heze"),
    ];
    assert_eq!(table.len(), CITIES.len());
    for (code, name, pinyin) in table {
        let city = region(code);
        assert_eq!(city.short_name(), Some(name));
        assert_eq!(city.pinyin(), Some(pinyin));
        assert_eq!(city.name(), Some(format!("{name}市").as_str()));
        assert!(city.is_city() && !city.is_province() && city.successor().is_none());
        assert_eq!(city.province(), region("370000"));
    }
    assert_eq!(region("370000").name(), Some("山东省"));
    assert_eq!(region("370000").short_name(), Some("山东"));
}

#[test]
fn laiwu_is_an_alias_and_never_live() {
    let laiwu = region("371200");
    assert_eq!(laiwu.name(), Some("莱芜市"));
    assert_eq!(laiwu.short_name(), None);
    assert_eq!(laiwu.successor(), Some(region("370100")));
    assert_eq!(region("371202").successor(), Some(region("370116")));
    assert_eq!(region("370116").name(), Some("莱芜区"));
    assert_eq!(region("370117").name(), Some("钢城区"));
}

#[test]
fn the_committed_table_is_sorted_and_complete() {
    let mut last = "";
    for (code, name) in NAMES.iter() {
        assert!(last < *code, "{code} after {last}");
        assert!(region(code).province() == region("370000") && !name.is_empty());
        last = code;
    }
    let counties = NAMES.iter().filter(|(code, _)| !code.ends_with("00")).count();
    assert_eq!((NAMES.len(), counties), (153, 136));
    assert_eq!(region("379999").name(), None);
    assert_eq!(region("370101").name(), None);
}

#[test]
fn what_covers_what() {
    let (province, jinan, lixia) = (region("370000"), region("370100"), region("370102"));
    assert!(province.covers(province) && province.covers(jinan) && province.covers(lixia));
    assert!(jinan.covers(lixia) && !jinan.covers(province) && !jinan.covers(region("370202")));
    assert!(lixia.covers(lixia) && !lixia.covers(jinan));
    assert_eq!(lixia.city(), jinan);
    assert!(!lixia.is_city() && !lixia.is_province());
}

#[test]
fn anything_but_six_digits_is_refused() {
    for text in ["", "37010", "3701000", "37010a", "３７０１００", "370 00", "37010\0", "-37010"] {
        assert_eq!(Region::parse(text), Err(Error::NotARegion { found: text.chars().count() }), "{text:?}");
    }
    assert_eq!(Region::from_bytes(*b"37010a"), Err(Error::NotARegion { found: 6 }));
    assert_eq!(Region::from_bytes(*b"370100"), Ok(region("370100")));
    assert_eq!(
        Region::parse("37010a").unwrap_err().to_string(),
        "a region is six digits (GB/T 2260), e.g. 370100; found 6 characters with others than digits"
    );
}

#[test]
fn places_begin_with_their_region() {
    let place = Place::parse("370102001001").unwrap();
    assert_eq!(place.region(), region("370102"));
    assert_eq!(place.to_string(), "370102001001");
    assert_eq!(Place::parse("370102"), Err(Error::NotAPlace { found: 6 }));
    assert_eq!(Place::parse("37010200100X"), Err(Error::NotAPlace { found: 12 }));
}

#[test]
fn provinces_are_known_by_two_digits() {
    for code in ["110000", "379999", "650000", "710000", "830000"] {
        assert!(region(code).has_known_province(), "{code}");
    }
    for code in ["000000", "100000", "380000", "990000"] {
        assert!(!region(code).has_known_province(), "{code}");
    }
}

/// Every county of the third-party table is in the committed one, and nothing else.
#[test]
#[allow(clippy::disallowed_methods, reason = "the folder of third-party vectors is named by the environment")]
fn agrees_with_the_vectors() {
    let Ok(folder) = std::env::var("EXCHANGE_VECTORS") else {
        println!("skipped: EXCHANGE_VECTORS is not set");
        return;
    };
    let text = std::fs::read_to_string(format!("{folder}/shandong/gbt2260-shandong.csv")).unwrap();
    let rows: Vec<(String, String)> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|row| row[4] == "yes")
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect();
    let own: Vec<(String, String)> =
        NAMES.iter().map(|(code, name)| ((*code).to_owned(), (*name).to_owned())).collect();
    assert_eq!(own, rows);
}
