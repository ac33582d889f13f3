#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

const GOOD: [&str; 7] = [
    "spiffe://exchange.example/region/370100/node/a",
    "spiffe://exchange.example/region/370100/system/hall-1",
    "spiffe://exchange.example/region/370200/operator/7",
    "spiffe://exchange.example/region/370100/department/11370800MB28559184",
    "spiffe://exchange.example/region/370000/kafka/broker-1",
    "spiffe://exchange.example/region/370100/seal-maker/m",
    "spiffe://exchange.example/trust/2026-a",
];

#[test]
fn every_shape_reads_back() {
    for uri in GOOD {
        assert_eq!(SpiffeId::parse(uri).unwrap().to_string(), uri);
    }
    let id = SpiffeId::parse(GOOD[3]).unwrap();
    assert_eq!(id.region(), Some(Region::parse("370100").unwrap()));
    assert!(matches!(id.kind, Kind::Department { uscc, .. } if uscc.as_str() == "11370800MB28559184"));
    assert_eq!(SpiffeId::parse(GOOD[6]).unwrap().region(), None);
}

/// Attack table, row 4, and look-alikes.
#[test]
fn look_alikes_are_refused_with_the_part() {
    let name63 = "a".repeat(63);
    assert!(SpiffeId::parse(&format!("spiffe://d/region/370100/node/{name63}")).is_ok());
    let region = |found| Error::Region(region::Error::NotARegion { found });
    for (uri, error) in [
        ("", Error::Scheme),
        ("https://d/region/370100/node/a", Error::Scheme),
        ("SPIFFE://d/region/370100/node/a", Error::Scheme),
        ("spiffe:/d/region/370100/node/a", Error::Scheme),
        (" spiffe://d/region/370100/node/a", Error::Scheme),
        ("spiffe:///region/370100/node/a", Error::TrustDomain),
        ("spiffe://D/region/370100/node/a", Error::TrustDomain),
        ("spiffe://d./region/370100/node/a", Error::TrustDomain),
        ("spiffe://d..e/region/370100/node/a", Error::TrustDomain),
        ("spiffe://-d/region/370100/node/a", Error::TrustDomain),
        ("spiffe://d:443/region/370100/node/a", Error::TrustDomain),
        ("spiffe://u@d/region/370100/node/a", Error::TrustDomain),
        ("spiffe://10.0.0.1/region/370100/node/a", Error::TrustDomain),
        ("spiffe://xn--fiqs8s/region/370100/node/a", Error::TrustDomain),
        ("spiffe://中国/region/370100/node/a", Error::TrustDomain),
        ("spiffe://d%2e/region/370100/node/a", Error::TrustDomain),
        ("spiffe://d", Error::Path),
        ("spiffe://d/", Error::Path),
        ("spiffe://d//region/370100/node/a", Error::Path),
        ("spiffe://d/region/370100/node", Error::Path),
        ("spiffe://d/region/370100/node/a/", Error::Path),
        ("spiffe://d/region/370100/node/a/b", Error::Path),
        ("spiffe://d/Region/370100/node/a", Error::Path),
        ("spiffe://d/region/370100/Node/a", Error::Path),
        ("spiffe://d/region/370100/nodes/a", Error::Path),
        ("spiffe://d/region/370100/trust/a", Error::Path),
        ("spiffe://d/trust/a/b", Error::Path),
        ("spiffe://d/node/a", Error::Path),
        ("spiffe://d/region/37010/node/a", region(5)),
        ("spiffe://d/region/37010０/node/a", region(6)),
        ("spiffe://d/region/%3370100/node/a", region(8)),
        ("spiffe://d/region/370100/node/", Error::Name),
        ("spiffe://d/region/370100/node/A", Error::Name),
        ("spiffe://d/region/370100/node/-a", Error::Name),
        ("spiffe://d/region/370100/node/a.", Error::Name),
        ("spiffe://d/region/370100/node/a%62", Error::Name),
        ("spiffe://d/region/370100/node/a?b", Error::Name),
        ("spiffe://d/region/370100/node/a#b", Error::Name),
        ("spiffe://d/region/370100/node/a\0", Error::Name),
        ("spiffe://d/region/370100/node/..", Error::Name),
        ("spiffe://d/region/370100/node/а", Error::Name), // Cyrillic
        ("spiffe://d/trust/", Error::Name),
        (
            "spiffe://d/region/370100/department/11370800mb28559184",
            Error::Department(uscc::Error::Character { position: 9, found: 'm' }),
        ),
        (
            "spiffe://d/region/370100/department/11370800MB28559185",
            Error::Department(uscc::Error::CheckDigit { found: '5', needed: '4' }),
        ),
    ] {
        assert_eq!(SpiffeId::parse(uri), Err(error), "{uri}");
    }
    assert_eq!(SpiffeId::parse(&format!("spiffe://d/region/370100/node/{name63}a")), Err(Error::Name));
    assert_eq!(SpiffeId::parse(&format!("spiffe://{}d/trust/a", "d.".repeat(127))).map(|_| ()), Ok(()));
    assert_eq!(SpiffeId::parse(&format!("spiffe://{}d/trust/a", "d.".repeat(128))), Err(Error::TrustDomain));
}

proptest! {
    #[test]
    fn an_identity_has_one_spelling(
        domain in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z]{1,9}){0,3}", name in "[a-z0-9][a-z0-9-]{0,62}", code in "[0-9]{6}",
        kind in "(node|system|operator|kafka|seal-maker)",
    ) {
        let uri = format!("spiffe://{domain}/region/{code}/{kind}/{name}");
        if let Ok(id) = SpiffeId::parse(&uri) {
            prop_assert_eq!(id.to_string(), uri);
        } else {
            // The grammar above allows what the trust domain refuses: addresses and IDN.
            prop_assert!(TrustDomain::parse(&domain).is_err());
        }
    }

    #[test]
    fn any_text_is_survived(text in "(spiffe://d/)?.{0,60}") {
        if let Ok(id) = SpiffeId::parse(&text) {
            prop_assert_eq!(id.to_string(), text);
        }
    }
}
