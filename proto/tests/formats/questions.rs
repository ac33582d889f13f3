//! Questions: each missing or wrong part has its reason, and nothing personal gets into records or errors.

use crate::samples;
use exchange_core::{
    case_number::CaseRef,
    question::{Basis, Purpose, Relation},
    reason::Reason,
};
use exchange_proto::{Error, access, peer, v1};

const MOBILE: &str = "13800138000";

fn question() -> v1::Question {
    v1::Question {
        question_id: "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".to_owned(),
        purpose: Some(v1::question::Purpose::Matter(v1::MatterPurpose {
            matter_code: samples::matter_code().to_string(),
            version: 1,
            situation: String::new(),
            responsible_region: "370100".to_owned(),
        })),
        case_number: "3702002026030100000001".to_owned(),
        party: Some(v1::Party {
            holder: Some(v1::Holder { code_type: "111".to_owned(), code: format!(" {}", samples::HOLDER_CODE) }),
            relation: Relation::SelfApplicant as i32,
        }),
        basis: Basis::Application as i32,
        evidence_id: String::new(),
        clerk: Some(v1::Clerk {
            staff_number: "JN-0421".to_owned(),
            organisation_uscc: samples::department().uscc.to_string(),
            window: "A12".to_owned(),
        }),
        purpose_text: "购房提取".to_owned(),
    }
}

#[test]
fn a_question_is_parsed_and_its_holder_normalised() {
    let parsed = access::question(Some(question())).unwrap();
    assert_eq!(parsed.party.holder, samples::holder());
    assert!(matches!(parsed.case, CaseRef::Receipt(_)));
    assert!(matches!(parsed.purpose, Purpose::Matter(_)));
    assert_eq!(parsed.question_id, samples::access_record().question_id);
    assert!(!format!("{parsed:?}").contains(samples::HOLDER_CODE));
}

fn matter(question: &mut v1::Question) -> &mut v1::MatterPurpose {
    match &mut question.purpose {
        Some(v1::question::Purpose::Matter(matter)) => matter,
        _ => unreachable!("the sample names a matter"),
    }
}

fn clerk(question: &mut v1::Question) -> &mut v1::Clerk {
    question.clerk.as_mut().unwrap()
}

fn holder(question: &mut v1::Question) -> &mut v1::Holder {
    question.party.as_mut().unwrap().holder.as_mut().unwrap()
}

fn refused(change: impl FnOnce(&mut v1::Question)) -> Error {
    let mut question = question();
    change(&mut question);
    access::question(Some(question)).unwrap_err()
}

#[test]
fn every_part_has_its_reason() {
    type Change = fn(&mut v1::Question);
    let cases: [(Change, Reason, &str); 24] = [
        (|q| q.question_id.clear(), Reason::QuestionIdMissing, "question.question_id"),
        (|q| q.question_id.truncate(9), Reason::QuestionIdInvalid, "question.question_id"),
        (|q| q.purpose = None, Reason::PurposeMissing, "question.purpose"),
        (
            |q| q.purpose = Some(v1::question::Purpose::UseScenario(String::new())),
            Reason::PurposeMissing,
            "question.purpose",
        ),
        (|q| matter(q).matter_code.truncate(3), Reason::FieldInvalid, "question.matter.matter_code"),
        (|q| matter(q).version = 0, Reason::FieldMissing, "question.matter.version"),
        (|q| matter(q).responsible_region.clear(), Reason::FieldMissing, "question.matter.responsible_region"),
        (|q| q.case_number.clear(), Reason::CaseMissing, "question.case_number"),
        (|q| q.case_number.truncate(21), Reason::CaseNumberInvalid, "question.case_number"),
        (|q| q.party = None, Reason::PartyInvalid, "question.party"),
        (|q| q.party.as_mut().unwrap().holder = None, Reason::PartyInvalid, "question.party.holder"),
        (|q| q.party.as_mut().unwrap().relation = 0, Reason::PartyInvalid, "question.party.relation"),
        (|q| holder(q).code = "\u{3000}".to_owned(), Reason::PartyInvalid, "question.party.holder.code"),
        (|q| holder(q).code = "1".repeat(257), Reason::PartyInvalid, "question.party.holder.code"),
        (|q| holder(q).code_type = "1\0".to_owned(), Reason::PartyInvalid, "question.party.holder.code_type"),
        (|q| q.basis = 0, Reason::BasisMissing, "question.basis"),
        (|q| q.basis = 9, Reason::FieldInvalid, "question.basis"),
        (|q| q.basis = Basis::HolderConsent as i32, Reason::EvidenceMissing, "question.evidence_id"),
        (|q| q.clerk = None, Reason::ClerkMissing, "question.clerk"),
        (|q| clerk(q).staff_number.clear(), Reason::ClerkMissing, "question.clerk.staff_number"),
        (|q| clerk(q).organisation_uscc.clear(), Reason::ClerkMissing, "question.clerk.organisation_uscc"),
        (|q| clerk(q).window = "x".repeat(65), Reason::FieldTooLong, "question.clerk.window"),
        (|q| q.purpose_text = "证".repeat(201), Reason::FieldTooLong, "question.purpose_text"),
        (|q| q.purpose_text = "a\u{7}".to_owned(), Reason::ControlCharacter, "question.purpose_text"),
    ];
    for (change, reason, path) in cases {
        let error = refused(change);
        assert_eq!((error.reason(), error.path()), (reason, path), "{error}");
    }
    assert_eq!(access::question(None).unwrap_err().path(), "question");
    let mut longest = question();
    longest.purpose_text = "证".repeat(200);
    access::question(Some(longest)).unwrap();
}

#[test]
fn texts_that_are_recorded_hold_no_identity_or_mobile_number() {
    type Change = fn(&mut v1::Question, &str);
    let places: [(Change, &str); 6] = [
        (|q, text| q.purpose_text = format!("为{text}办理"), "question.purpose_text"),
        (|q, text| q.evidence_id = text.to_owned(), "question.evidence_id"),
        (|q, text| clerk(q).staff_number = text.to_owned(), "question.clerk.staff_number"),
        (|q, text| clerk(q).window = text.to_owned(), "question.clerk.window"),
        (|q, text| matter(q).situation = text.to_owned(), "question.matter.situation"),
        (|q, text| q.purpose = Some(v1::question::Purpose::UseScenario(text.to_owned())), "question.use_scenario"),
    ];
    for (place, path) in places {
        for number in [samples::IDENTITY_NUMBER, MOBILE] {
            let error = refused(|question| place(question, number));
            assert_eq!((error.reason(), error.path()), (Reason::PurposeHasPersonalData, path), "{error}");
            assert!(!error.to_string().contains(number), "{error}");
        }
    }
}

#[test]
fn no_error_repeats_what_was_put_into_the_wrong_field() {
    type Change = fn(&mut v1::Question, String);
    let places: [Change; 8] = [
        |q, text| q.question_id = text,
        |q, text| q.case_number = text,
        |q, text| matter(q).matter_code = text,
        |q, text| matter(q).responsible_region = text,
        |q, text| clerk(q).organisation_uscc = text,
        |q, text| clerk(q).staff_number = text,
        |q, text| holder(q).code_type = text,
        |q, text| holder(q).code = format!("{text}\u{1}"),
    ];
    for place in places {
        let error = refused(|question| place(question, samples::IDENTITY_NUMBER.to_owned()));
        assert!(!error.to_string().contains(samples::IDENTITY_NUMBER), "{error}");
    }
}

#[test]
fn a_question_to_another_city_comes_back() {
    let sent = peer::question(samples::log_proof(), &samples::holder(), &[3; 16]);
    assert_eq!(peer::asked(sent.clone()).unwrap(), (samples::log_proof(), samples::holder(), [3; 16]));
    let unsalted = v1::PeerQuestion { party_salt: vec![3; 15].into(), ..sent.clone() };
    assert_eq!(peer::asked(unsalted).unwrap_err().path(), "party_salt");
    let unproved = v1::PeerQuestion { proof: None, ..sent };
    assert_eq!(peer::asked(unproved).unwrap_err().path(), "proof");
}

#[test]
fn an_answer_comes_back_and_is_held_to_the_limits() {
    let standing = v1::Standing { status: 2, ..Default::default() };
    let withheld = vec!["CZZTDM".to_owned()];
    let sent = peer::encode_answer(samples::log_proof(), samples::disclosures(), standing.clone(), withheld.clone());
    let expected = (samples::log_proof(), samples::disclosures(), standing, withheld);
    assert_eq!(peer::answer(sent.clone()).unwrap(), expected);

    let answer = |change: fn(&mut v1::PeerAnswer)| {
        let mut message = sent.clone();
        change(&mut message);
        peer::answer(message).unwrap_err()
    };
    let salt = answer(|a| a.disclosures[1].salt.truncate(8));
    assert_eq!((salt.reason(), salt.path()), (Reason::FieldInvalid, "disclosures[1].salt"));
    let twice = answer(|a| a.disclosures.push(a.disclosures[0].clone()));
    assert_eq!((twice.reason(), twice.path()), (Reason::FieldRepeated, "disclosures"));
    let deep = answer(|a| a.proof.as_mut().unwrap().hashes = vec![vec![1; 32].into(); 66]);
    assert_eq!((deep.reason(), deep.path()), (Reason::FieldTooLong, "proof.hashes"));
    let origin = answer(|a| a.proof.as_mut().unwrap().origin = "nowhere".to_owned());
    assert_eq!((origin.reason(), origin.path()), (Reason::FieldInvalid, "proof.origin"));
}
