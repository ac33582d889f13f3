//! Which certificates a search may show: only types that the matter looks up of a party in this relation.

use super::{Asked, Refusal, pinned};
use crate::{
    certificate_id::TypeCode,
    certificate_type::{CertificateType, Discovery},
};

/// A search by the party, with the searching city's own copies.
#[derive(Debug, Clone, Copy)]
pub struct SearchFacts<'a> {
    /// For what.
    pub asked: Asked<'a>,
    /// Asked for; empty is all that the matter looks up.
    pub type_codes: &'a [TypeCode],
    /// The types that are known here, in their newest versions; others are ignored.
    pub certificate_types: &'a [&'a CertificateType],
}

/// Permission to search certificates of some types by the party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchGrant {
    type_codes: Vec<TypeCode>,
    withheld: Vec<TypeCode>,
}

impl SearchGrant {
    /// What may be searched and shown; at least one.
    pub fn type_codes(&self) -> &[TypeCode] {
        &self.type_codes
    }

    /// Asked for, and not shown.
    pub fn withheld(&self) -> &[TypeCode] {
        &self.withheld
    }
}

/// Decides a search, by steps 2, 3, 5, 6 and 7: who the holder is decides the search itself, by the tag.
///
/// # Errors
/// The first step that refuses; a type among several that may not be shown is withheld, and refuses only when it is all
/// that is left.
pub fn grant_search(facts: &SearchFacts<'_>) -> Result<SearchGrant, Refusal> {
    let pinned = pinned(&facts.asked)?;
    pinned.implementation.may_handle(facts.asked.region, facts.asked.day)?;
    let mut named: Vec<TypeCode> = pinned.looked_up().map(|(type_code, _)| type_code).collect();
    named.sort_unstable();
    named.dedup();
    let mut asked = if facts.type_codes.is_empty() { named.clone() } else { facts.type_codes.to_vec() };
    asked.sort_unstable();
    asked.dedup();
    let (mut type_codes, mut withheld) = (Vec::new(), Vec::new());
    let mut refusal = None;
    for type_code in asked {
        let kind = facts.certificate_types.iter().find(|kind| kind.type_code == type_code);
        let decided = match kind {
            Some(kind) if named.contains(&type_code) => pinned
                .allowed(&type_code, facts.asked.relation)
                .and_then(|_| pinned.approved(kind))
                .map(|_| kind.discovery == Discovery::ByHolder),
            _ => Ok(false),
        };
        match decided {
            Ok(true) => type_codes.push(type_code),
            Ok(false) => withheld.push(type_code),
            Err(error) => {
                refusal.get_or_insert(error);
                withheld.push(type_code);
            }
        }
    }
    if type_codes.is_empty() {
        let code = pinned.matter.matter_code.to_string();
        return Err(refusal.unwrap_or(Refusal::NoTypeNeeded { code }));
    }
    Ok(SearchGrant { type_codes, withheld })
}
