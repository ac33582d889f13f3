#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

mod file;
use crate::{
    fixtures::{DEED, MARRIAGE, MATTER, certificate, day, deed, implementation, matter, region},
    matter::Limit,
    matter_code::BasicCode,
};
use proptest::prelude::*;

const TAG: [u8; 32] = [7; 32];
const STRANGER: [u8; 32] = [8; 32];

/// Everything that a question needs, right; a test spoils one part.
#[derive(Debug, Clone)]
struct World {
    purpose: Purpose,
    relation: Relation,
    region: Region,
    day: Date,
    matter: Option<Matter>,
    state: State,
    kind: CertificateType,
    tags: Vec<[u8; 32]>,
    party: [u8; 32],
    fields: Vec<String>,
    certificate_id: CertificateId,
}

#[derive(Debug, Clone)]
enum State {
    InForce(Box<Implementation>),
    Pending,
    Unknown,
}

fn id(type_code: &str) -> CertificateId {
    let issuer = crate::uscc::Uscc::parse("113700000045030270").unwrap();
    CertificateId::new(&TypeCode::parse(type_code).unwrap(), &issuer, "370100202600000001", 1).unwrap()
}

fn world() -> World {
    World {
        purpose: Purpose::Matter(MatterPurpose {
            matter_code: BasicCode::parse(MATTER).unwrap(),
            version: 3,
            situation: "01".into(),
            responsible_region: region("370100"),
        }),
        relation: Relation::SelfApplicant,
        region: region("370200"),
        day: day("2025-03-01"),
        matter: Some(matter()),
        state: State::InForce(Box::new(implementation())),
        kind: deed(),
        tags: vec![[1; 32], TAG],
        party: TAG,
        fields: vec!["KZ_QLR".into(), "CZZT".into(), "KZ_MJ".into(), "XYZ".into(), "KZ_MJ".into()],
        certificate_id: id(DEED),
    }
}

impl World {
    fn asked(&self) -> Asked<'_> {
        Asked {
            purpose: &self.purpose,
            relation: self.relation,
            region: self.region,
            day: self.day,
            matter: self.matter.as_ref(),
            implementation: match &self.state {
                State::InForce(implementation) => Implemented::InForce(implementation),
                State::Pending => Implemented::Pending,
                State::Unknown => Implemented::Unknown,
            },
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            asked: self.asked(),
            certificate_id: &self.certificate_id,
            certificate_type: &self.kind,
            certificate_tags: &self.tags,
            party_tag: &self.party,
            fields: &self.fields,
        }
    }

    fn grant(&self) -> Result<Grant, Refusal> {
        grant(&self.facts())
    }

    fn pinned(&mut self) -> &mut MatterPurpose {
        match &mut self.purpose {
            Purpose::Matter(purpose) => purpose,
            Purpose::UseScenario(_) => unreachable!("the world asks for a matter"),
        }
    }

    fn implementation(&mut self) -> &mut Implementation {
        match &mut self.state {
            State::InForce(implementation) => implementation,
            State::Pending | State::Unknown => unreachable!("the world has an implementation"),
        }
    }
}

/// The reason after one part was spoilt.
fn reason(spoil: impl FnOnce(&mut World)) -> Reason {
    let mut world = world();
    spoil(&mut world);
    world.grant().expect_err("a refusal").reason()
}

#[test]
fn released_in_header_order_withheld_as_asked() {
    let grant = world().grant().unwrap();
    assert_eq!(grant.released(), ["CZZT", "KZ_QLR"]);
    assert_eq!(grant.withheld(), ["KZ_MJ", "XYZ"]);
    assert_eq!(grant.certificate_id(), &id(DEED));
    assert_eq!(grant.competence(), Competence::Collecting);
}

#[test]
fn step_2_matter_and_implementation_are_known_in_the_pinned_versions() {
    assert_eq!(reason(|world| world.purpose = Purpose::UseScenario("执法核验".into())), Reason::MatterUnknown);
    assert_eq!(reason(|world| world.matter = None), Reason::MatterUnknown);
    assert_eq!(reason(|world| world.pinned().version = 2), Reason::MatterUnknown);
    assert_eq!(reason(|world| world.pinned().situation = "03".into()), Reason::MatterUnknown);
    assert_eq!(reason(|world| world.pinned().responsible_region = region("370600")), Reason::MatterUnknown);
    assert_eq!(reason(|world| world.implementation().matter_version = 2), Reason::MatterUnknown);
    assert_eq!(reason(|world| world.state = State::Unknown), Reason::MatterUnknown);
    assert_eq!(reason(|world| world.state = State::Pending), Reason::ProvinceBehind);
    let other = BasicCode::parse("372099007001").unwrap();
    assert_eq!(reason(|world| world.pinned().matter_code = other), Reason::MatterUnknown);
    // The uniform matter comes first: what is not known cannot be behind.
    let both = |world: &mut World| {
        world.matter = None;
        world.state = State::Pending;
    };
    assert_eq!(reason(both), Reason::MatterUnknown);
}

#[test]
fn step_3_the_asking_region_is_competent() {
    assert_eq!(reason(|world| world.region = region("370300")), Reason::RegionNotCompetent);
    assert_eq!(reason(|world| world.region = region("370600")), Reason::RegionNotCompetent);
    let mut delegate = world();
    delegate.region = region("370600");
    delegate.day = day("2024-12-31");
    assert_eq!(delegate.grant().unwrap().competence(), Competence::Delegate);
}

#[test]
fn step_4_the_party_is_a_holder() {
    assert_eq!(reason(|world| world.party = STRANGER), Reason::NotAHolder);
    assert_eq!(reason(|world| world.tags.clear()), Reason::NotAHolder);
}

#[test]
fn step_5_the_material_allows_the_relation() {
    assert_eq!(reason(|world| world.relation = Relation::OtherParty), Reason::RelationNotAllowed);
    let mut spouse = world();
    spouse.relation = Relation::Spouse;
    assert!(spouse.grant().is_ok());
    // What the city allows less counts.
    spouse.implementation().materials[0].relations.clear();
    let refusal = spouse.grant().unwrap_err();
    assert_eq!(refusal.reason(), Reason::RelationNotAllowed);
    assert_eq!(refusal.to_string(), format!("relation SPOUSE; the matter needs type {DEED} of SELF"));
}

#[test]
fn step_6_the_type_is_shared_for_this_matter() {
    assert_eq!(reason(|world| world.kind.approvals.clear()), Reason::NotApproved);
    assert_eq!(reason(|world| world.kind.sharing = Sharing::None), Reason::NotShared);
    let mut open = world();
    open.kind.sharing = Sharing::Unconditional;
    open.kind.approvals.clear();
    assert_eq!(open.grant().unwrap().released(), ["CZZT", "KZ_QLR"]);
    let mut some = world();
    some.kind.approvals[0].fields = vec!["CZZT".into()];
    assert_eq!(some.grant().unwrap().released(), ["CZZT"]);
    assert_eq!(some.grant().unwrap().withheld(), ["KZ_QLR", "KZ_MJ", "XYZ"]);
}

#[test]
fn step_7_fields_that_the_matter_needs() {
    assert_eq!(reason(|world| world.fields = vec!["KZ_MJ".into()]), Reason::NoFieldNeeded);
    assert_eq!(reason(|world| world.fields.clear()), Reason::NoFieldNeeded);
    // The city needs fewer, or nothing at all of this type.
    assert_eq!(reason(|world| world.implementation().materials[0].fields = vec!["ZZBH".into()]), Reason::NoFieldNeeded);
    assert_eq!(reason(|world| drop(world.implementation().materials.remove(0))), Reason::NoFieldNeeded);
    assert_eq!(reason(|world| world.kind.approvals[0].fields = vec!["KZ_MJ".into()]), Reason::NoFieldNeeded);
    // In another situation only.
    let elsewhere = |world: &mut World| {
        world.matter.as_mut().unwrap().materials[0].situations = vec!["02".into()];
    };
    assert_eq!(reason(elsewhere), Reason::NoFieldNeeded);
}

#[test]
fn what_either_side_restricts_to_situations_is_read_there_only() {
    let mut world = world();
    world.implementation().materials[0].situations = vec!["02".into()];
    assert_eq!(world.grant().unwrap_err().reason(), Reason::NoFieldNeeded);
    world.pinned().situation.clear();
    assert_eq!(world.grant().unwrap_err().reason(), Reason::NoFieldNeeded);
    world.pinned().situation = "02".into();
    assert!(world.grant().is_ok());
}

#[test]
fn the_order_of_the_steps() {
    let mut world = world();
    world.purpose = Purpose::UseScenario("执法核验".into());
    world.region = region("370300");
    world.party = STRANGER;
    world.relation = Relation::OtherParty;
    world.kind.approvals.clear();
    world.fields = vec!["KZ_MJ".into()];
    let mut reasons = vec![world.grant().unwrap_err().reason()];
    let good = self::world();
    world.purpose = good.purpose;
    reasons.push(world.grant().unwrap_err().reason());
    world.region = good.region;
    reasons.push(world.grant().unwrap_err().reason());
    world.party = good.party;
    reasons.push(world.grant().unwrap_err().reason());
    world.relation = good.relation;
    reasons.push(world.grant().unwrap_err().reason());
    world.kind = good.kind;
    reasons.push(world.grant().unwrap_err().reason());
    use Reason::{MatterUnknown, NoFieldNeeded, NotAHolder, NotApproved, RegionNotCompetent, RelationNotAllowed};
    let order = [MatterUnknown, RegionNotCompetent, NotAHolder, RelationNotAllowed, NotApproved, NoFieldNeeded];
    assert_eq!(reasons, order);
}

#[test]
fn rules_of_another_type_are_no_rules() {
    assert_eq!(reason(|world| world.certificate_id = id(MARRIAGE)), Reason::Internal);
}

fn marriage() -> CertificateType {
    CertificateType { type_code: TypeCode::parse(MARRIAGE).unwrap(), ..deed() }
}

fn search(world: &World, types: &[TypeCode], known: &[&CertificateType]) -> Result<SearchGrant, Refusal> {
    grant_search(&SearchFacts { asked: world.asked(), type_codes: types, certificate_types: known })
}

#[test]
fn a_search_shows_the_types_that_the_matter_looks_up() {
    let (deed, marriage) = (deed(), marriage());
    let known = [&deed, &marriage];
    let mut world = world();
    let found = search(&world, &[], &known).unwrap();
    assert_eq!((found.type_codes(), found.withheld()), ([deed.type_code].as_slice(), [].as_slice()));
    world.pinned().situation = "02".into();
    assert_eq!(search(&world, &[], &known).unwrap().type_codes(), [marriage.type_code, deed.type_code]);
    let licence = TypeCode::parse("11100000MB0143028R001").unwrap();
    let found = search(&world, &[licence, deed.type_code], &known).unwrap();
    assert_eq!((found.type_codes(), found.withheld()), ([deed.type_code].as_slice(), [licence].as_slice()));
    // A type that is not known here yet is not shown.
    assert_eq!(search(&world, &[], &[&deed]).unwrap().withheld(), [marriage.type_code]);
}

#[test]
fn a_search_is_refused_like_a_question() {
    let deed = deed();
    let refused = |world: &World, kind: &CertificateType| search(world, &[], &[kind]).unwrap_err().reason();
    let mut world = world();
    world.relation = Relation::OtherParty;
    assert_eq!(refused(&world, &deed), Reason::RelationNotAllowed);
    world = self::world();
    world.region = region("370300");
    assert_eq!(refused(&world, &deed), Reason::RegionNotCompetent);
    world = self::world();
    world.state = State::Pending;
    assert_eq!(refused(&world, &deed), Reason::ProvinceBehind);
    world.purpose = Purpose::UseScenario("公共服务".into());
    assert_eq!(refused(&world, &deed), Reason::MatterUnknown);
    world = self::world();
    let closed = CertificateType { approvals: Vec::new(), ..deed.clone() };
    assert_eq!(refused(&world, &closed), Reason::NotApproved);
    let hidden = CertificateType { discovery: crate::certificate_type::Discovery::ByNumber, ..deed.clone() };
    assert_eq!(refused(&world, &hidden), Reason::NoFieldNeeded);
    let licence = TypeCode::parse("11100000MB0143028R001").unwrap();
    assert_eq!(search(&world, &[licence], &[&deed]).unwrap_err().reason(), Reason::NoFieldNeeded);
}

const NAMES: [&str; 11] =
    ["CZZT", "CZZTDM", "CZZTDMLXDM", "ZZBH", "KZ_ZL", "KZ_QLR", "KZ_MJ", "KZ_DJRQ", "KZ_FJ", "KZ_DW", "XYZ"];

fn names_of(chosen: u16) -> Vec<String> {
    (0..NAMES.len()).filter(|at| chosen >> at & 1 == 1).map(|at| NAMES[at].to_owned()).collect()
}

fn relations_of(chosen: u8) -> Vec<Relation> {
    (0..Relation::ALL.len()).filter(|at| chosen >> at & 1 == 1).map(|at| Relation::ALL[at]).collect()
}

fn any_material() -> impl Strategy<Value = Material> {
    (0usize..4, prop::bool::weighted(0.8), any::<u16>(), any::<u8>(), 0usize..3).prop_map(
        |(name, is_deed, fields, relations, situation)| {
            let type_code = if is_deed { DEED } else { MARRIAGE };
            let names: Vec<String> = names_of(fields);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut material = certificate(&format!("证{name}"), type_code, &names, &relations_of(relations));
            material.situations = ["01", "02"].get(situation).map(|code| (*code).to_owned()).into_iter().collect();
            material
        },
    )
}

fn any_world() -> impl Strategy<Value = World> {
    (
        (prop::collection::vec(any_material(), 0..4), prop::collection::vec(any_material(), 0..4)),
        (any::<u16>(), 0usize..6, 0usize..4, 0usize..3),
        (prop::bool::weighted(0.8), prop::option::weighted(0.9, any::<u16>()), any::<bool>(), any::<bool>()),
    )
        .prop_map(
            |((uniform, local), (fields, relation, place, situation), (holder, approved, conditional, same))| {
                let mut world = world();
                world.implementation().materials = if same { uniform.clone() } else { local };
                world.matter.as_mut().unwrap().materials = uniform;
                world.fields = names_of(fields);
                world.relation = Relation::ALL[relation];
                world.region = region(["370100", "370203", "370300", "370600"][place]);
                world.pinned().situation = ["", "01", "02"][situation].to_owned();
                world.party = if holder { TAG } else { STRANGER };
                world.kind.sharing = if conditional { Sharing::Conditional } else { Sharing::Unconditional };
                match approved {
                    Some(fields) => world.kind.approvals[0].fields = names_of(fields),
                    None => world.kind.approvals.clear(),
                }
                world
            },
        )
}

/// Is the field named by a material for the deed that allows the relation?
fn needed(materials: &[Material], relation: Relation, field: &str) -> bool {
    materials.iter().any(|material| {
        material.type_code.is_some_and(|code| code.as_str() == DEED)
            && material.allows(relation)
            && material.fields.iter().any(|name| name == field)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// PUR-2: released ⊆ asked ∩ matter ∩ implementation ∩ type, in the type's order; the rest of what was asked is said.
    #[test]
    fn only_what_everybody_needs_is_released(mut world in any_world()) {
        let Ok(grant) = world.grant() else { return Ok(()) };
        prop_assert!(!grant.released().is_empty());
        let (relation, local) = (world.relation, world.implementation().materials.clone());
        let uniform = &world.matter.as_ref().unwrap().materials;
        for field in grant.released() {
            prop_assert!(world.fields.contains(field));
            prop_assert!(needed(uniform, relation, field));
            prop_assert!(needed(&local, relation, field));
        }
        let in_type: Vec<&String> =
            world.kind.fields.iter().map(|field| &field.name).filter(|name| grant.released().contains(name)).collect();
        prop_assert_eq!(in_type, grant.released().iter().collect::<Vec<_>>());
        let mut answered = [grant.released(), grant.withheld()].concat();
        answered.sort();
        let mut asked = world.fields.clone();
        asked.sort();
        prop_assert_eq!(answered, asked);
    }

    /// PUR-3: about a stranger nothing is ever released, whatever else is right.
    #[test]
    fn a_stranger_gets_nothing(mut world in any_world()) {
        world.party = STRANGER;
        prop_assert!(world.grant().is_err());
    }

    /// A smaller implementation never releases more.
    #[test]
    fn restricting_never_releases_more(mut world in any_world(), drop_field in 0usize..11) {
        let before = world.grant().map(|grant| grant.released().to_vec()).unwrap_or_default();
        for material in &mut world.implementation().materials {
            material.fields.retain(|name| name != NAMES[drop_field]);
        }
        let after = world.grant().map(|grant| grant.released().to_vec()).unwrap_or_default();
        prop_assert!(after.iter().all(|name| before.contains(name) && name != NAMES[drop_field]));
    }
}

/// The fixtures are what the catalogue would accept, so that the tests above spoil something right.
#[test]
fn the_world_is_valid() {
    let world = world();
    assert_eq!(world.kind.validate(), Ok(()));
    assert_eq!(world.matter.as_ref().unwrap().validate(), Ok(()));
    assert_eq!(implementation().validate(), Ok(()));
    assert_eq!(crate::matter::check_uniform(&matter(), &implementation()), Ok(()));
    assert!(matches!(matter().statutory_limit, Limit { amount: 3, .. }));
}
