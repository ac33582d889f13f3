#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::fixtures::{MARRIAGE, brought, certificate, day, implementation, limit, matter, region};
use proptest::prelude::*;

fn invalid_matter(path: &str, spoil: impl FnOnce(&mut Matter)) {
    let mut spoiled = matter();
    spoil(&mut spoiled);
    assert_eq!(spoiled.validate().expect_err(path).path, path);
}

#[test]
fn matters_that_contradict_themselves() {
    assert_eq!(matter().validate(), Ok(()));
    invalid_matter("version", |matter| matter.version = 0);
    invalid_matter("name", |matter| matter.name.clear());
    invalid_matter("legal_basis[0]", |matter| matter.legal_basis[0].clear());
    invalid_matter("steps", |matter| matter.steps[1] = matter.steps[0].clone());
    // A public service is no power; a permit stands in both lists.
    invalid_matter("power_list_item", |matter| matter.kind = MatterKind::Confirmation);
    invalid_matter("permit_list_item", |matter| {
        matter.kind = MatterKind::Permit;
        matter.power_list_item = "样例".into();
    });
    invalid_matter("situations", |matter| matter.situations[1].code = "01".into());
    invalid_matter("situations[1].code", |matter| matter.situations[1].code.clear());
    invalid_matter("materials", |matter| matter.materials[2].name = "结婚证".into());
    invalid_matter("materials[1].situations", |matter| matter.materials[1].situations[0] = "03".into());
    invalid_matter("materials[0].fields", |matter| matter.materials[0].fields.clear());
    invalid_matter("materials[0].fields", |matter| matter.materials[0].fields[0] = "czzt".into());
    invalid_matter("materials[0].type_code", |matter| matter.materials[0].type_code = None);
    invalid_matter("materials[0].type_code", |matter| matter.materials[0].source = MaterialSource::SharedData);
    invalid_matter("materials[2].fields", |matter| matter.materials[2].fields.push("CZZT".into()));
    invalid_matter("materials[2].relations", |matter| matter.materials[2].relations.push(Relation::Spouse));
    invalid_matter("statutory_limit.amount", |matter| matter.statutory_limit.amount = 0);
    invalid_matter("statutory_limit.amount", |matter| matter.statutory_limit.unit = LimitUnit::OnTheSpot);
    invalid_matter("modes", |matter| matter.modes.clear());
}

fn invalid_implementation(path: &str, spoil: impl FnOnce(&mut Implementation)) {
    let mut spoiled = implementation();
    spoil(&mut spoiled);
    assert_eq!(spoiled.validate().expect_err(path).path, path);
}

#[test]
fn implementations_that_contradict_themselves() {
    assert_eq!(implementation().validate(), Ok(()));
    invalid_implementation("version", |one| one.version = 0);
    invalid_implementation("implementation_code", |one| {
        one.matter_code = BasicCode::parse("372099007001").unwrap();
    });
    invalid_implementation("implementation_code", |one| one.department = crate::fixtures::issuer());
    invalid_implementation("promised_limit.amount", |one| one.promised_limit.amount = 0);
    invalid_implementation("collecting_regions", |one| one.collecting_regions.push(region("370200")));
    invalid_implementation("collecting_regions", |one| one.collecting_regions.push(region("320100")));
    invalid_implementation("collecting_regions", |one| one.modes = vec![HandlingMode::FullOnline]);
    invalid_implementation("delegates[0].until", |one| one.delegates[0].until = day("2023-12-31"));
    invalid_implementation("delegates[0].region", |one| one.delegates[0].region = region("370100"));
    invalid_implementation("delegates[0].document_number", |one| one.delegates[0].document_number.clear());
}

/// The elements that differ after a change.
fn differences(change: impl FnOnce(&mut Implementation)) -> Vec<String> {
    let mut changed = implementation();
    change(&mut changed);
    let differences = check_uniform(&matter(), &changed).err().unwrap_or_default();
    differences.into_iter().map(|difference| difference.element).collect()
}

#[test]
fn every_element_is_compared() {
    assert!(differences(|_| ()).is_empty());
    let code = BasicCode::parse("372099007001").unwrap();
    assert_eq!(differences(|one| one.matter_code = code), ["matter_code"]);
    assert_eq!(differences(|one| one.matter_version = 2), ["matter_version"]);
    assert_eq!(differences(|one| one.name.push('二')), ["name"]);
    assert_eq!(differences(|one| one.kind = MatterKind::Permit), ["kind"]);
    assert_eq!(differences(|one| one.legal_basis.clear()), ["legal_basis[0]"]);
    assert_eq!(differences(|one| one.steps.reverse()), ["steps[0]"]);
    assert_eq!(differences(|one| one.steps.push("公示".into())), ["steps[2]"]);
    assert_eq!(differences(|one| one.statutory_limit.amount = 2), ["statutory_limit"]);
    assert_eq!(differences(|one| one.promised_limit.amount = 4), ["promised_limit"]);
    assert_eq!(differences(|one| one.materials.push(brought("户口簿"))), ["materials[户口簿]"]);
    assert_eq!(differences(|one| one.materials[2].source = MaterialSource::SharedData), ["materials[银行卡].source"]);
    let other = |one: &mut Implementation| {
        one.materials[0] = certificate("不动产权证书", MARRIAGE, &["CZZT"], &[Relation::SelfApplicant]);
    };
    assert_eq!(differences(other), ["materials[不动产权证书].type_code"]);
    let more_fields = |one: &mut Implementation| one.materials[0].fields.push("KZ_MJ".into());
    assert_eq!(differences(more_fields), ["materials[不动产权证书].fields"]);
    let more_relations = |one: &mut Implementation| one.materials[0].relations.push(Relation::OtherParty);
    assert_eq!(differences(more_relations), ["materials[不动产权证书].relations"]);
    assert_eq!(differences(|one| one.materials[2].tolerable = false), ["materials[银行卡].tolerable"]);
    assert_eq!(differences(|one| one.materials[1].situations.clear()), ["materials[结婚证].situations"]);
    assert_eq!(differences(|one| one.materials[1].situations = vec!["01".into()]), ["materials[结婚证].situations"]);
    assert_eq!(
        differences(|one| one.materials[0].situations = vec!["03".into()]),
        ["materials[不动产权证书].situations"]
    );
    let mut optional = matter();
    optional.materials[0].required = false;
    optional.materials[2].commitment_replaces = true;
    let found = check_uniform(&optional, &implementation()).unwrap_err();
    assert_eq!(found[0].element, "materials[不动产权证书].required");
    assert_eq!(found[1].element, "materials[银行卡].commitment_replaces");
}

#[test]
fn better_for_the_applicant_is_allowed() {
    assert!(differences(|one| drop(one.materials.remove(1))).is_empty());
    assert!(differences(|one| drop(one.materials[0].fields.remove(3))).is_empty());
    assert!(differences(|one| one.materials[0].relations.clear()).is_empty());
    assert!(differences(|one| one.materials[0].situations = vec!["02".into()]).is_empty());
    assert!(differences(|one| one.materials[0].required = false).is_empty());
    assert!(differences(|one| one.materials[0].tolerable = true).is_empty());
    assert!(differences(|one| one.materials[2].commitment_replaces = true).is_empty());
    assert!(differences(|one| one.promised_limit = limit(0, LimitUnit::OnTheSpot, 0)).is_empty());
    assert!(differences(|one| one.modes.push(HandlingMode::MultiJoint)).is_empty());
}

#[test]
fn a_difference_prints_found_and_needed() {
    let mut changed = implementation();
    changed.promised_limit = limit(9, LimitUnit::WorkingDays, 0);
    changed.materials[0].relations.push(Relation::OtherParty);
    let found: Vec<String> = check_uniform(&matter(), &changed).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "materials[不动产权证书].relations: found OTHER_PARTY, needed at most SELF, SPOUSE",
            "promised_limit: found 9 working days, needed at most 3 working days and 1 more",
        ]
    );
}

#[test]
fn limits_in_other_units_are_compared_or_refused() {
    use LimitUnit::{Hours, NaturalDays, OnTheSpot, WorkingDays};
    let at_most = |mine: (u32, LimitUnit, u32), theirs: (u32, LimitUnit, u32)| {
        limit(mine.0, mine.1, mine.2).at_most(&limit(theirs.0, theirs.1, theirs.2))
    };
    assert_eq!(at_most((3, WorkingDays, 1), (3, WorkingDays, 1)), Some(true));
    assert_eq!(at_most((3, WorkingDays, 2), (3, WorkingDays, 1)), Some(false));
    assert_eq!(at_most((2, WorkingDays, 2), (3, WorkingDays, 1)), Some(true));
    assert_eq!(at_most((0, OnTheSpot, 0), (1, Hours, 0)), Some(true));
    assert_eq!(at_most((1, Hours, 0), (0, OnTheSpot, 0)), Some(false));
    assert_eq!(at_most((48, Hours, 0), (2, NaturalDays, 0)), Some(true));
    assert_eq!(at_most((49, Hours, 0), (2, NaturalDays, 0)), Some(false));
    assert_eq!(at_most((2, NaturalDays, 0), (48, Hours, 0)), Some(true));
    assert_eq!(at_most((3, NaturalDays, 0), (48, Hours, 0)), Some(false));
    assert_eq!(at_most((3, NaturalDays, 0), (3, WorkingDays, 0)), Some(true));
    assert_eq!(at_most((4, NaturalDays, 0), (3, WorkingDays, 0)), None);
    assert_eq!(at_most((24, Hours, 0), (1, WorkingDays, 0)), Some(true));
    assert_eq!(at_most((1, WorkingDays, 0), (100, NaturalDays, 0)), None);
    assert_eq!(at_most((u32::MAX, NaturalDays, 9), (u32::MAX, Hours, 9)), Some(false));
    let incomparable = |one: &mut Implementation| one.promised_limit = limit(5, NaturalDays, 0);
    assert_eq!(differences(incomparable), ["promised_limit"]);
}

#[test]
fn who_may_handle() {
    let one = implementation();
    let may = |code: &str, on: &str| one.may_handle(region(code), day(on)).map_err(|error| error.found);
    assert_eq!(may("370100", "2025-01-01"), Ok(Competence::Responsible));
    assert_eq!(may("370102", "2025-01-01"), Ok(Competence::Responsible));
    assert_eq!(may("370200", "2025-01-01"), Ok(Competence::Collecting));
    assert_eq!(may("370203", "2025-01-01"), Ok(Competence::Collecting));
    for (on, competent) in [("2023-12-31", false), ("2024-01-01", true), ("2024-12-31", true), ("2025-01-01", false)] {
        let expected = if competent { Ok(Competence::Delegate) } else { Err(region("370600")) };
        assert_eq!(may("370600", on), expected, "{on}");
    }
    assert_eq!(may("370300", "2024-06-01"), Err(region("370300")));
    assert_eq!(may("370000", "2024-06-01"), Err(region("370000")));

    let mut whole = implementation();
    whole.collecting_regions = vec![region("370000")];
    assert_eq!(whole.may_handle(region("371702"), day("2024-06-01")), Ok(Competence::Collecting));
    assert!(whole.may_handle(region("320100"), day("2024-06-01")).is_err());
    // What the province carries out itself its cities do not.
    let mut provincial = implementation();
    provincial.region = region("370000");
    provincial.collecting_regions.clear();
    assert!(provincial.may_handle(region("370100"), day("2024-06-01")).is_err());
    assert_eq!(provincial.may_handle(region("370000"), day("2024-06-01")), Ok(Competence::Responsible));
    // A county does not answer for its neighbour.
    let mut county = implementation();
    county.region = region("370102");
    assert_eq!(county.may_handle(region("370102"), day("2024-06-01")), Ok(Competence::Responsible));
    assert!(county.may_handle(region("370103"), day("2024-06-01")).is_err());
}

#[test]
fn relations_and_situations_of_a_material() {
    let mut material = certificate("证", MARRIAGE, &["CZZT"], &[]);
    assert!(material.allows(Relation::SelfApplicant));
    assert!(!material.allows(Relation::Spouse));
    material.relations = vec![Relation::Spouse];
    assert!(!material.allows(Relation::SelfApplicant));
    assert!(material.is_for("") && material.is_for("01"));
    material.situations = vec!["02".into()];
    assert!(material.is_for("02") && !material.is_for("01") && !material.is_for(""));
}

fn any_limit() -> impl Strategy<Value = Limit> {
    (0usize..4, 1u32..200, 0u32..100).prop_map(|(unit, amount, extension)| match LimitUnit::ALL[unit] {
        LimitUnit::OnTheSpot => limit(0, LimitUnit::OnTheSpot, 0),
        unit => limit(amount, unit, extension),
    })
}

proptest! {
    /// Never longer than itself; and never in turn, where both directions can be told.
    #[test]
    fn comparing_limits_is_an_order(a in any_limit(), b in any_limit(), c in any_limit()) {
        prop_assert_eq!(a.at_most(&a), Some(true));
        if a.at_most(&b) == Some(true) && b.at_most(&c) == Some(true) {
            prop_assert_ne!(a.at_most(&c), Some(false), "{} {} {}", a, b, c);
        }
    }
}
