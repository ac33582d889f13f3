//! A question for a file: as one for fields, and the document itself has to be needed.

use super::*;
use crate::{certificate_type::Approval, file::record_name};

fn with_file() -> World {
    let mut world = world();
    world.matter.as_mut().unwrap().materials[0].file = true;
    world.implementation().materials[0].file = true;
    world.fields = vec![record_name(2)];
    world
}

fn reason(spoil: impl FnOnce(&mut World)) -> Reason {
    let mut world = with_file();
    spoil(&mut world);
    grant_file(&world.facts(), 2).expect_err("a refusal").reason()
}

#[test]
fn a_file_is_granted_where_both_materials_need_the_document() {
    let world = with_file();
    let grant = grant_file(&world.facts(), 2).unwrap();
    assert_eq!((grant.index(), grant.certificate_id()), (2, &id(DEED)));
    assert_eq!(grant.competence(), Competence::Collecting);
    assert_eq!(reason(|world| world.matter.as_mut().unwrap().materials[0].file = false), Reason::NoFileNeeded);
    assert_eq!(reason(|world| world.implementation().materials[0].file = false), Reason::NoFileNeeded);
}

#[test]
fn every_step_before_holds_as_for_fields() {
    assert_eq!(reason(|world| world.matter = None), Reason::MatterUnknown);
    assert_eq!(reason(|world| world.state = State::Pending), Reason::ProvinceBehind);
    assert_eq!(reason(|world| world.region = region("370300")), Reason::RegionNotCompetent);
    assert_eq!(reason(|world| world.party = STRANGER), Reason::NotAHolder);
    assert_eq!(reason(|world| world.relation = Relation::Guardian), Reason::RelationNotAllowed);
    assert_eq!(reason(|world| world.kind.sharing = Sharing::None), Reason::NotShared);
    assert_eq!(reason(|world| world.kind.approvals.clear()), Reason::NotApproved);
}

/// The file shows what was not approved.
#[test]
fn an_approval_of_some_fields_covers_no_file() {
    let some = |world: &mut World| {
        world.kind.approvals =
            vec![Approval { matter_code: BasicCode::parse(MATTER).unwrap(), fields: vec!["KZ_ZL".into()] }];
    };
    assert_eq!(reason(some), Reason::NotApproved);
}

/// A name of a file is no field: a question for fields gets nothing by it.
#[test]
fn a_question_for_fields_gets_no_file() {
    assert_eq!(with_file().grant().expect_err("a refusal").reason(), Reason::NoFieldNeeded);
}
