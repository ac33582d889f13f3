//! More clauses of the attack table: purposes, names, and what carriers of CRLs may not do.

use super::*;
use crate::{bundle::BodyException, region::Region, uscc::Uscc};

fn region(code: &str) -> Region {
    Region::parse(code).unwrap()
}

const DEPARTMENT: &str = "spiffe://sd.example.org/region/370100/department/113701000041886007";

/// Row 1: keys of nodes, systems and operators sign no documents, whatever purpose they claim beside their own.
#[test]
fn row_1_tls_keys_sign_no_documents() {
    let p = Province::new();
    for kind in ["node", "system", "operator"] {
        let mut params = leaf_params(&format!("spiffe://sd.example.org/region/370100/{kind}/one"), 7);
        for also_documents in [false, true] {
            if also_documents {
                params.extended_key_usages.push(document_signing());
            }
            let error = judge(&p, &p.jinan.leaf(&params), &[&p.jinan], Purpose::Document).unwrap_err();
            assert_eq!(error, Error::WrongKind { found: kind, needed: "department" });
        }
    }
    let chain = [CertificateDer::from(p.jinan.der.as_slice())];
    let node = p.jinan.leaf(&leaf_params(JINAN_NODE, 7));
    assert_eq!(reason(verify_signer(&node, &chain, NOW_MS, &p.basis())), "WRONG_KIND");
}

/// Row 4: upper case is refused everywhere but in a department's code, which has no other spelling.
#[test]
fn row_4_upper_case_is_a_departments_alone() {
    let p = Province::new();
    let judged = |uri: &str| judge(&p, &p.jinan.leaf(&leaf_params(uri, 7)), &[&p.jinan], Purpose::Document);
    let uri = |code: &str| format!("spiffe://sd.example.org/region/370100/department/{code}");
    let first = "11370100MB2848563";
    let upper = format!("{first}{}", crate::check_digit::gb32100(first).unwrap());
    assert_eq!(judged(&uri(&upper)).unwrap().id().to_string(), uri(&upper));
    assert_eq!(reason(judged(&uri(&upper.to_lowercase()))), "IDENTITY_MALFORMED");
    for spoilt in ["%31", ".", "/", "\u{2f}..", " "] {
        assert_eq!(reason(judged(&format!("{}{spoilt}", uri(&upper)))), "IDENTITY_MALFORMED", "{spoilt:?}");
    }
}

/// Row 4: another city's department under one's own region.
#[test]
fn row_4_a_citys_ca_cannot_name_another_citys_department() {
    let mut p = Province::new();
    let uri = "spiffe://sd.example.org/region/370200/department/113701000041886007";
    let minted = p.qingdao.leaf(&leaf_params(uri, 7));
    let error = judge(&p, &minted, &[&p.qingdao], Purpose::Document).unwrap_err();
    assert_eq!(error.fault(), "DEPARTMENT_NOT_OF_REGION");
    assert!(error.to_string().contains("113701000041886007 is not one of region 370200"), "{error}");
    let chain = [CertificateDer::from(p.qingdao.der.as_slice())];
    assert_eq!(reason(verify_signer(&minted, &chain, NOW_MS, &p.basis())), "DEPARTMENT_NOT_OF_REGION");
    // Its own under its own region is fit, and what the province lists as an exception is.
    assert!(judge(&p, &p.jinan.leaf(&leaf_params(DEPARTMENT, 7)), &[&p.jinan], Purpose::Document).is_ok());
    let uscc = Uscc::parse("113701000041886007").unwrap();
    p.bundle.bodies.push(BodyException { uscc, region: region("370200"), successors: Vec::new() });
    assert!(judge(&p, &minted, &[&p.qingdao], Purpose::Document).is_ok());
    let moved = judge(&p, &p.jinan.leaf(&leaf_params(DEPARTMENT, 7)), &[&p.jinan], Purpose::Document);
    assert_eq!(reason(moved), "DEPARTMENT_NOT_OF_REGION");
}

/// Row 6: a region that carries CRLs of CAs that nobody has seen pushes out nobody else's.
#[test]
fn row_6_a_carrier_pushes_out_only_its_own_waiting_crls() {
    let mut p = Province::new();
    let leaf = p.jinan.leaf(&leaf_params(JINAN_NODE, 7));
    let withdrawing = p.jinan.crl(4, vec![revoked(7, RevocationReason::Superseded, NOW_MS - DAY_MS, None)]);
    // As after a restart: the store's CRL of the city's CA waits until a path shows that CA.
    p.crls = CrlSet::new();
    p.crls.add(p.root.crl(1, vec![]), &[p.root.authority()]).unwrap();
    assert_eq!(p.crls.add(withdrawing, &[]).unwrap(), Added::Waiting);
    let (yantai, qingdao) = (region("370600"), region("370200"));
    assert_eq!(p.crls.add_carried(yantai, p.qingdao.crl(9, vec![]), &[]).unwrap(), Added::Waiting);
    for number in 0..100 {
        let unseen = Ca::root(&format!("unseen {number}"));
        assert_eq!(p.crls.add_carried(qingdao, unseen.crl(1, vec![]), &[]).unwrap(), Added::Waiting);
    }
    assert_eq!(reason(judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient)), "REVOKED");
    assert_eq!(p.crls.newest(&p.qingdao.authority()).unwrap().number, 9, "what another region carried is there too");
    // Nor by an older one, which anybody can replay.
    p.crls.add_carried(qingdao, p.jinan.crl(3, vec![]), &[]).unwrap();
    assert_eq!(reason(judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient)), "REVOKED");
}

/// Row 6: a CRL in a known CA's name by another key is dropped when the CA is known, not verified for ever.
#[test]
fn row_6_what_only_claims_to_be_of_a_ca_is_dropped() {
    let mut p = Province::new();
    let jinan = p.jinan.authority();
    p.crls = CrlSet::new();
    let mut forged = p.jinan.crl(99, vec![]).der;
    *forged.last_mut().unwrap() ^= 1;
    let forged = Crl::parse(&forged).unwrap();
    assert_eq!(p.crls.add_carried(region("370200"), forged.clone(), &[]).unwrap(), Added::Waiting);
    p.crls.add(p.jinan.crl(2, vec![]), &[]).unwrap();
    assert_eq!(p.crls.newest(&jinan).unwrap().number, 2);
    p.crls.settle(&jinan);
    assert_eq!(p.crls.newest(&jinan).unwrap().number, 2);
    assert_eq!(reason(p.crls.add_carried(region("370200"), forged, &[jinan])), "CRL_NOT_SIGNED_BY_ISSUER");
}

/// Row 9: a CRL or credential that was changed anywhere is refused, or says the same in other bytes.
#[test]
fn row_9_no_changed_byte_of_a_crl_or_credential_is_believed() {
    let p = Province::new();
    let issuer = p.jinan.authority();
    let crl = p.jinan.crl(4, vec![revoked(7, RevocationReason::KeyCompromise, NOW_MS - DAY_MS, Some(NOW_MS))]);
    let leaf = p.jinan.leaf(&leaf_params(JINAN_NODE, 8));
    let good = judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient).unwrap();
    for bit in 0..crl.der.len() * 8 {
        let mut der = crl.der.clone();
        der[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = Crl::parse(&der)
            && changed.verify(&issuer).is_ok()
        {
            assert_eq!((changed.number, changed.withdrawn), (crl.number, crl.withdrawn.clone()), "bit {bit}");
        }
    }
    for bit in 0..leaf.len() * 8 {
        let mut der = leaf.clone();
        der[bit / 8] ^= 1 << (bit % 8);
        if let Ok(verified) = judge(&p, &der, &[&p.jinan], Purpose::NodeClient) {
            assert_eq!((verified.id(), verified.path()), (good.id(), good.path()), "bit {bit}");
        }
    }
    for end in 0..crl.der.len() {
        assert_eq!(reason(Crl::parse(&crl.der[..end])), "MALFORMED");
    }
    for end in 0..leaf.len() {
        assert_eq!(reason(judge(&p, &leaf[..end], &[&p.jinan], Purpose::NodeClient)), "MALFORMED");
    }
}
