//! Rows 1, 2, 4, 5 and 6 of the attack table: each refusal has the expected reason.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use rcgen::{ExtendedKeyUsagePurpose, RevocationReason, SanType, SerialNumber};
use rustls_pki_types::CertificateDer;

use super::{lab::*, *};

mod attacks;

fn judge(province: &Province, leaf: &[u8], by: &[&Ca], purpose: Purpose) -> Result<VerifiedCredential, Error> {
    judge_at(&province.basis(), leaf, by, purpose)
}

fn judge_at(basis: &Basis<'_>, leaf: &[u8], by: &[&Ca], purpose: Purpose) -> Result<VerifiedCredential, Error> {
    let chain: Vec<CertificateDer<'_>> = by.iter().map(|ca| CertificateDer::from(ca.der.as_slice())).collect();
    verify_path(leaf, &chain, purpose, basis)
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.expect_err("a refusal is expected").fault()
}

#[test]
fn a_fit_node_is_verified_for_both_directions() {
    let p = Province::new();
    let leaf = p.jinan.leaf(&leaf_params(JINAN_NODE, 7));
    for purpose in [Purpose::NodeClient, Purpose::NodeServer] {
        let verified = judge(&p, &leaf, &[&p.jinan], purpose).unwrap();
        assert_eq!(verified.id().to_string(), JINAN_NODE);
        assert_eq!(verified.issuer_spki_sha256(), &p.jinan.authority().spki_sha256);
        assert_eq!(verified.path().len(), 2);
        assert_eq!(verified.stale_crl(), None);
    }
}

#[test]
fn row_1_wrong_purpose() {
    let p = Province::new();
    let department = "spiffe://sd.example.org/region/370100/department/113701000041886007";
    let document = p.jinan.leaf(&leaf_params(department, 1));
    assert!(judge(&p, &document, &[&p.jinan], Purpose::Document).is_ok());
    assert_eq!(reason(judge(&p, &document, &[&p.jinan], Purpose::SystemClient)), "WRONG_KIND");

    let mut tls_named_department = leaf_params(department, 2);
    tls_named_department.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = p.jinan.leaf(&tls_named_department);
    let error = judge(&p, &leaf, &[&p.jinan], Purpose::Document).unwrap_err();
    assert_eq!(error, Error::PurposeMissing { found: "clientAuth".to_owned(), needed: "documentSigning" },);

    let system = "spiffe://sd.example.org/region/370100/system/hall";
    for (usages, found) in [
        (vec![], "absent"),
        (vec![ExtendedKeyUsagePurpose::Any], "anyExtendedKeyUsage"),
        (vec![document_signing()], "documentSigning"),
    ] {
        let mut params = leaf_params(system, 3);
        params.extended_key_usages = usages;
        let error = judge(&p, &p.jinan.leaf(&params), &[&p.jinan], Purpose::SystemClient).unwrap_err();
        assert_eq!(error, Error::PurposeMissing { found: found.to_owned(), needed: "clientAuth" });
    }
    let mut client_only = leaf_params(JINAN_NODE, 4);
    client_only.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    assert_eq!(reason(judge(&p, &p.jinan.leaf(&client_only), &[&p.jinan], Purpose::NodeServer)), "PURPOSE_MISSING");

    let mut no_usage = leaf_params(system, 5);
    no_usage.key_usages = vec![];
    assert_eq!(reason(judge(&p, &p.jinan.leaf(&no_usage), &[&p.jinan], Purpose::SystemClient)), "KEY_USAGE_MISSING");
    no_usage.key_usages = vec![rcgen::KeyUsagePurpose::KeyEncipherment];
    assert_eq!(reason(judge(&p, &p.jinan.leaf(&no_usage), &[&p.jinan], Purpose::SystemClient)), "KEY_USAGE_MISSING");
}

#[test]
fn row_2_dates_and_the_clock() {
    let p = Province::new();
    let leaf = p.jinan.leaf(&leaf_params(JINAN_NODE, 7));
    let judged = |at_ms| {
        let basis = Basis { at_ms, crl_grace_ms: 10_000 * DAY_MS, ..p.basis() };
        judge_at(&basis, &leaf, &[&p.jinan], Purpose::NodeClient)
    };
    let late = judged(NOW_MS + 10 * DAY_MS + 60_000).unwrap_err();
    assert_eq!(late.fault(), "EXPIRED");
    assert!(late.to_string().contains("clock"), "{late}");
    let early = judged(NOW_MS - 10 * DAY_MS - 60_000).unwrap_err();
    assert_eq!(early.fault(), "NOT_YET_VALID");
    assert!(early.to_string().contains("the credential begins at 2026-06-21T00:00:00Z"), "{early}");
    let long_ago = judged(NOW_MS + 40 * DAY_MS).unwrap_err();
    assert_eq!(long_ago.fault(), "EXPIRED");
    assert!(!long_ago.to_string().contains("clock"), "{long_ago}");
}

#[test]
fn row_2_a_root_past_its_end_is_no_anchor() {
    let mut p = Province::new();
    let mut params = ca_params("old root", 1);
    params.not_after = at(NOW_MS - DAY_MS);
    p.root = Ca::root_with(params);
    p.jinan = p.root.below(ca_params("jinan", 0));
    p.roots = Roots::new(vec![p.root.authority()]).unwrap();
    let error = judge(&p, &p.jinan.leaf(&leaf_params(JINAN_NODE, 7)), &[&p.jinan], Purpose::NodeClient).unwrap_err();
    assert_eq!(error.fault(), "EXPIRED");
    assert!(error.to_string().contains("root"), "{error}");
}

#[test]
fn row_4_names() {
    let p = Province::new();
    let mut two = leaf_params(JINAN_NODE, 7);
    two.subject_alt_names.push(SanType::URI("https://example.org/".try_into().unwrap()));
    let leaf = p.jinan.leaf(&two);
    assert_eq!(judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient).unwrap_err(), Error::UriCount { found: 2 });
    two.subject_alt_names.clear();
    let leaf = p.jinan.leaf(&two);
    assert_eq!(judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient).unwrap_err(), Error::UriCount { found: 0 });

    for uri in [
        "spiffe://sd.example.org/region/370100/node/Node-1",
        "spiffe://SD.example.org/region/370100/node/node-1",
        "spiffe://sd.example.org./region/370100/node/node-1",
        "spiffe://sd.example.org/region/370100/node/node%2d1",
        "spiffe://sd.example.org/region/370100/node/",
        "spiffe://xn--sd-example-x2h.org/region/370100/node/node-1",
        "spiffe://sd.example.org/region/37010/node/node-1",
    ] {
        let leaf = p.jinan.leaf(&leaf_params(uri, 7));
        assert_eq!(reason(judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient)), "IDENTITY_MALFORMED", "{uri}");
    }
    for domain in ["other.example.org", "sd.example.com"] {
        let foreign = p.jinan.leaf(&leaf_params(&format!("spiffe://{domain}/region/370100/node/node-1"), 7));
        assert_eq!(reason(judge(&p, &foreign, &[&p.jinan], Purpose::NodeClient)), "FOREIGN_DOMAIN");
    }
}

#[test]
fn row_4_a_citys_ca_cannot_name_another_citys_node() {
    let p = Province::new();
    let minted = p.qingdao.leaf(&leaf_params(JINAN_NODE, 7));
    let error = judge(&p, &minted, &[&p.qingdao], Purpose::NodeClient).unwrap_err();
    assert_eq!(error.fault(), "CA_NOT_BOUND");
    assert!(error.to_string().contains("bound to 370200"), "{error}");
    // Not even by showing the right CA beside it.
    assert_eq!(reason(judge(&p, &minted, &[&p.jinan, &p.qingdao], Purpose::NodeClient)), "CA_NOT_BOUND");
    // The root speaks for no region.
    let by_root = p.root.leaf(&leaf_params(JINAN_NODE, 9));
    assert_eq!(reason(judge(&p, &by_root, &[], Purpose::NodeClient)), "CA_NOT_BOUND");
}

#[test]
fn row_5_false_authorities() {
    let p = Province::new();
    let leaf_params = leaf_params(JINAN_NODE, 7);

    let stranger = Ca::root("stranger");
    let strange_city = stranger.below(ca_params("jinan", 0));
    let leaf = strange_city.leaf(&leaf_params);
    assert_eq!(reason(judge(&p, &leaf, &[&strange_city], Purpose::NodeClient)), "UNKNOWN_ISSUER");

    // The same names with other keys, root and city.
    let twin = Ca::root("root").below(ca_params("jinan", 0));
    assert_eq!(reason(judge(&p, &twin.leaf(&leaf_params), &[&twin], Purpose::NodeClient)), "NOT_SIGNED_BY_ISSUER");
    assert_eq!(reason(judge(&p, &twin.leaf(&leaf_params), &[&p.jinan], Purpose::NodeClient)), "NOT_SIGNED_BY_ISSUER");

    // A leaf that signs.
    let mut leaf_ca = lab::leaf_params(JINAN_NODE, 8);
    leaf_ca.distinguished_name.push(rcgen::DnType::CommonName, "leaf that signs");
    let leaf_ca = p.jinan.below(leaf_ca);
    let minted = leaf_ca.leaf(&leaf_params);
    assert_eq!(reason(judge(&p, &minted, &[&leaf_ca, &p.jinan], Purpose::NodeClient)), "CA_FLAG");

    // A CA below a city's CA, whose path length is 0.
    let sub = p.jinan.below(ca_params("sub", 0));
    let minted = sub.leaf(&leaf_params);
    assert_eq!(reason(judge(&p, &minted, &[&sub, &p.jinan], Purpose::NodeClient)), "PATH_TOO_LONG");

    // A CA as a credential.
    let mut ca_as_leaf = lab::leaf_params(JINAN_NODE, 8);
    ca_as_leaf.is_ca = ca_params("x", 0).is_ca;
    let leaf = p.jinan.leaf(&ca_as_leaf);
    assert_eq!(reason(judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient)), "CA_FLAG");
}

#[test]
fn an_empty_set_of_crls_is_never_no_check() {
    let p = Province::new();
    let leaf = p.jinan.leaf(&leaf_params(JINAN_NODE, 7));
    let judged = |crls: &CrlSet| judge_at(&Basis { crls, ..p.basis() }, &leaf, &[&p.jinan], Purpose::NodeClient);
    assert_eq!(reason(judged(&CrlSet::new())), "CRL_MISSING");
    // The root's own is needed too.
    let mut only_city = CrlSet::new();
    only_city.add(p.jinan.crl(1, vec![]), &[p.jinan.authority()]).unwrap();
    let error = judged(&only_city).unwrap_err();
    assert_eq!(error.fault(), "CRL_MISSING");
    assert!(error.to_string().contains("CN=root"), "{error}");
}

#[test]
fn row_6_a_stale_crl_refuses_unless_it_is_the_only_fault_and_admitted() {
    let mut p = Province::new();
    let leaf = p.jinan.leaf(&leaf_params(JINAN_NODE, 7));
    p.crls = CrlSet::new();
    p.crls.add(p.root.crl(1, vec![]), &[p.root.authority()]).unwrap();
    p.crls.add(p.jinan.crl_until(1, vec![], NOW_MS - DAY_MS), &[p.jinan.authority()]).unwrap();
    assert_eq!(reason(judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient)), "CRL_EXPIRED");
    let grace = Basis { crl_grace_ms: 2 * DAY_MS, ..p.basis() };
    assert!(judge_at(&grace, &leaf, &[&p.jinan], Purpose::NodeClient).is_ok());
    let admitted = Basis { admit_stale_crl: true, ..p.basis() };
    let verified = judge_at(&admitted, &leaf, &[&p.jinan], Purpose::NodeClient).unwrap();
    assert_eq!(verified.stale_crl().unwrap().next_update_ms, NOW_MS - DAY_MS);
    // A withdrawal on a stale CRL still counts.
    let stale = p.jinan.crl_until(
        2,
        vec![revoked(7, RevocationReason::Superseded, NOW_MS - 9 * DAY_MS, None)],
        NOW_MS - DAY_MS,
    );
    let mut crls = p.crls.clone();
    crls.add(stale, &[p.jinan.authority()]).unwrap();
    let admitted = Basis { admit_stale_crl: true, crls: &crls, ..p.basis() };
    assert_eq!(reason(judge_at(&admitted, &leaf, &[&p.jinan], Purpose::NodeClient)), "REVOKED");
}

#[test]
fn row_6_the_highest_number_wins_and_nothing_rolls_back() {
    let mut p = Province::new();
    let leaf = p.jinan.leaf(&leaf_params(JINAN_NODE, 7));
    let issuer = [p.jinan.authority()];
    let withdrawing = p.jinan.crl(3, vec![revoked(7, RevocationReason::KeyCompromise, NOW_MS - DAY_MS, None)]);
    assert_eq!(p.crls.add(withdrawing.clone(), &issuer).unwrap(), Added::Newest);
    assert_eq!(p.crls.add(withdrawing, &issuer).unwrap(), Added::Known);
    let error = p.crls.add(p.jinan.crl(2, vec![]), &issuer).unwrap_err();
    assert_eq!(error, Error::CrlRolledBack { issuer: "CN=jinan".to_owned(), found: 2, have: 3 });
    assert_eq!(reason(p.crls.add(p.jinan.crl(3, vec![]), &issuer)), "CRL_NUMBER_REUSED");
    let error = judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient).unwrap_err();
    assert_eq!(error.fault(), "REVOKED");
    assert!(error.to_string().contains("serial 07") && error.to_string().contains("keyCompromise"), "{error}");
}

#[test]
fn row_6_a_crl_may_arrive_before_its_ca_and_a_false_one_never_counts() {
    let mut p = Province::new();
    let leaf = p.jinan.leaf(&leaf_params(JINAN_NODE, 7));
    p.crls = CrlSet::new();
    p.crls.add(p.root.crl(1, vec![]), &[p.root.authority()]).unwrap();
    // Another key under the same name cannot lift a withdrawal with a higher number.
    let twin = Ca::root("x").below(ca_params("jinan", 0));
    assert_eq!(p.crls.add(twin.crl(99, vec![]), &[]).unwrap(), Added::Waiting);
    assert_eq!(reason(judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient)), "CRL_MISSING");
    let withdrawing = p.jinan.crl(4, vec![revoked(7, RevocationReason::Superseded, NOW_MS - DAY_MS, None)]);
    assert_eq!(p.crls.add(withdrawing, &[]).unwrap(), Added::Waiting);
    assert_eq!(reason(judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient)), "REVOKED");
    p.crls.settle(&p.jinan.authority());
    assert_eq!(reason(judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient)), "REVOKED");
    assert_eq!(reason(p.crls.add(p.jinan.crl(3, vec![]), &[p.jinan.authority()])), "CRL_ROLLED_BACK");
    // The same name with another key may be the CA's successor, whose certificate is yet to come.
    assert_eq!(p.crls.add(twin.crl(98, vec![]), &[p.jinan.authority()]).unwrap(), Added::Waiting);
    // One that says it is by this key and is not.
    let mut forged = p.jinan.crl(99, vec![]).der;
    *forged.last_mut().unwrap() ^= 1;
    let forged = Crl::parse(&forged).unwrap();
    assert_eq!(reason(p.crls.add(forged, &[p.jinan.authority()])), "CRL_NOT_SIGNED_BY_ISSUER");
}

#[test]
fn row_6_malformed_and_huge_crls() {
    assert_eq!(reason(Crl::parse(b"")), "MALFORMED");
    assert_eq!(reason(Crl::parse(&vec![0x30; MAX_CRL_BYTES + 1])), "TOO_LARGE");
    let mut der = Province::new().jinan.crl(1, vec![]).der;
    der.push(0);
    assert_eq!(reason(Crl::parse(&der)), "MALFORMED");
}

#[test]
fn a_withdrawn_ca_takes_its_credentials_along() {
    let mut p = Province::new();
    let leaf = p.jinan.leaf(&leaf_params(JINAN_NODE, 7));
    let crl = p.root.crl(2, vec![revoked(0x40, RevocationReason::CaCompromise, NOW_MS - DAY_MS, None)]);
    p.crls.add(crl, &[p.root.authority()]).unwrap();
    let error = judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient).unwrap_err();
    assert_eq!(error.fault(), "REVOKED");
    assert!(error.to_string().contains("CN=root"), "{error}");
}

#[test]
fn the_bundle_cuts() {
    let mut p = Province::new();
    let leaf = p.jinan.leaf(&leaf_params(JINAN_NODE, 7));
    let cut = crate::bundle::CutCredential {
        issuer_spki_sha256: p.jinan.authority().spki_sha256,
        serial: Serial::new(&[0, 7]),
    };
    p.bundle.regions.values_mut().next().unwrap().cut.push(cut);
    assert_eq!(reason(judge(&p, &leaf, &[&p.jinan], Purpose::NodeClient)), "CUT");
}

#[test]
fn row_19_two_cas_of_one_city_overlap() {
    let mut p = Province::new();
    let mut params = ca_params("jinan", 0);
    params.serial_number = Some(SerialNumber::from(0x99));
    let renewed = p.root.below(params);
    let region = crate::region::Region::parse("370100").unwrap();
    p.bundle.regions.get_mut(&region).unwrap().ca_spki_sha256.push(renewed.authority().spki_sha256);
    // The new CA's CRL comes before its certificate.
    assert_eq!(p.crls.add(renewed.crl(1, vec![]), &[p.jinan.authority()]).unwrap(), Added::Waiting);
    for ca in [&p.jinan, &renewed] {
        let leaf = ca.leaf(&leaf_params(JINAN_NODE, 7));
        assert!(judge(&p, &leaf, &[&p.jinan, &renewed], Purpose::NodeClient).is_ok());
    }
}

#[test]
fn a_withdrawn_signer() {
    const SIGNED: u64 = NOW_MS - 5 * DAY_MS;
    let before = SIGNED - DAY_MS;
    let after = SIGNED + DAY_MS;
    let department = "spiffe://sd.example.org/region/370100/department/113701000041886007";
    for (reason, since, invalid, expected) in [
        (RevocationReason::Superseded, after, None, SignerStanding::GenuineSignerWithdrawnSince(after)),
        (RevocationReason::Superseded, before, None, SignerStanding::SignerWithdrawn(before)),
        // Without key compromise an invalidity date does not count.
        (RevocationReason::Superseded, after, Some(before), SignerStanding::GenuineSignerWithdrawnSince(after)),
        (RevocationReason::KeyCompromise, after, Some(before), SignerStanding::SignerWithdrawn(before)),
        (RevocationReason::KeyCompromise, before, None, SignerStanding::SignerWithdrawn(before)),
        (RevocationReason::KeyCompromise, after, None, SignerStanding::ReviewNeeded(after)),
        (RevocationReason::CaCompromise, after, Some(after + 1000), SignerStanding::ReviewNeeded(after + 1000)),
    ] {
        let mut p = Province::new();
        let leaf = p.jinan.leaf(&leaf_params(department, 7));
        let chain = [CertificateDer::from(p.jinan.der.as_slice())];
        assert_eq!(verify_signer(&leaf, &chain, SIGNED, &p.basis()).unwrap().1, SignerStanding::Genuine);
        let crl = p.jinan.crl(2, vec![revoked(7, reason, since, invalid)]);
        p.crls.add(crl, &[p.jinan.authority()]).unwrap();
        let (verified, standing) = verify_signer(&leaf, &chain, SIGNED, &p.basis()).unwrap();
        assert_eq!(standing, expected, "{reason:?} since {since}, invalid {invalid:?}");
        assert_eq!(verified.purpose(), Purpose::Document);
        // Long after the credential's own end the signature is still judged at its time.
        let crls_go_on = Basis { at_ms: NOW_MS + 100 * DAY_MS, crl_grace_ms: 1000 * DAY_MS, ..p.basis() };
        assert_eq!(verify_signer(&leaf, &chain, SIGNED, &crls_go_on).unwrap().1, expected);
    }
}

#[test]
fn signing_before_the_credential_began_is_refused() {
    let p = Province::new();
    let leaf = p.jinan.leaf(&leaf_params("spiffe://sd.example.org/region/370100/department/113701000041886007", 7));
    let chain = [CertificateDer::from(p.jinan.der.as_slice())];
    assert_eq!(reason(verify_signer(&leaf, &chain, NOW_MS - 20 * DAY_MS, &p.basis())), "NOT_YET_VALID");
}

#[test]
fn instants_are_shown_in_utc() {
    assert_eq!(Instant(NOW_MS).to_string(), "2026-07-01T00:00:00Z");
    assert_eq!(Instant(951_827_696_000).to_string(), "2000-02-29T12:34:56Z");
    assert_eq!(Instant(0).to_string(), "1970-01-01T00:00:00Z");
}

#[test]
fn roots_are_self_issued_and_at_least_one() {
    let p = Province::new();
    assert_eq!(reason(Roots::new(vec![])), "NO_ROOTS");
    assert_eq!(reason(Roots::new(vec![p.jinan.authority()])), "CA_FLAG");
    let leaf = p.jinan.leaf(&leaf_params(JINAN_NODE, 7));
    assert_eq!(reason(Authority::parse(&leaf)), "CA_FLAG");
}
