//! What a caller may do: a pure function of its identity and the configuration. No field of a request widens it.

#[cfg(test)]
mod tests;

use crate::{config::System, refusal::Refusal, tls::Caller};
use exchange_core::{reason::Reason, region::Region, spiffe::Kind, uscc::Uscc};
use std::collections::{BTreeMap, BTreeSet};

/// In the list of types: all of them.
const ALL_TYPES: &str = "*";

/// What the operators have allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    region: Region,
    province: Region,
    systems: BTreeMap<String, Allowed>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Allowed {
    departments: BTreeSet<Uscc>,
    /// `None`: all.
    types: Option<BTreeSet<String>>,
    lookup: bool,
}

/// That a caller acts for a department, and so may see the values which that department issued. Only a [`Policy`] says so:
///
/// ```compile_fail,E0451
/// fn forge(department: exchange_core::uscc::Uscc) -> exchange_node::policy::ActsFor {
///     exchange_node::policy::ActsFor { department }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActsFor {
    department: Uscc,
}

impl ActsFor {
    /// Which department.
    pub const fn department(&self) -> &Uscc {
        &self.department
    }
}

/// What is put into the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publication {
    /// A certificate type: the province's.
    CertificateType,
    /// A uniform matter: the province's.
    Matter,
    /// The own region's implementation of a matter.
    Implementation,
}

impl Policy {
    /// Of this node's region; `province` is the trust bundle's.
    ///
    /// # Errors
    /// A department in the configuration that is no unified social credit code.
    pub fn new(
        region: Region,
        province: Region,
        systems: &BTreeMap<String, System>,
    ) -> Result<Self, exchange_core::uscc::Error> {
        let allowed = |system: &System| {
            Ok(Allowed {
                departments: system.departments.iter().map(|code| Uscc::parse(code)).collect::<Result<_, _>>()?,
                types: (!system.types.iter().any(|code| code == ALL_TYPES))
                    .then(|| system.types.iter().cloned().collect()),
                lookup: system.lookup,
            })
        };
        let systems = systems.iter().map(|(name, system)| Ok((name.clone(), allowed(system)?)));
        Ok(Self { region, province, systems: systems.collect::<Result<_, _>>()? })
    }

    /// May it issue, revise or change certificates of this type for this department?
    ///
    /// # Errors
    /// `CALLER_NOT_ALLOWED`, `ISSUER_NOT_CALLERS`.
    pub fn may_issue(&self, caller: &Caller, issuer: &Uscc, type_code: &str) -> Result<(), Refusal> {
        let allowed = self.system(caller)?;
        if !allowed.departments.contains(issuer) {
            return Err(Refusal::caller(
                Reason::IssuerNotCallers,
                format!("system {} for department {issuer}", caller.name()),
                "a system that is configured for this department",
            ));
        }
        match &allowed.types {
            Some(types) if !types.contains(type_code) => Err(Refusal::caller(
                Reason::IssuerNotCallers,
                format!("system {} for another type than its own", caller.name()),
                "a system that is configured for this certificate type",
            )),
            _ => Ok(()),
        }
    }

    /// Does it act for this department, so that it may see the values which the department issued?
    pub fn acts_for(&self, caller: &Caller, issuer: &Uscc) -> Option<ActsFor> {
        let acts = self.system(caller).is_ok_and(|allowed| allowed.departments.contains(issuer));
        acts.then_some(ActsFor { department: *issuer })
    }

    /// May it ask about certificates, of this and other cities?
    ///
    /// # Errors
    /// `CALLER_NOT_ALLOWED`.
    pub fn may_lookup(&self, caller: &Caller) -> Result<(), Refusal> {
        if self.system(caller)?.lookup {
            return Ok(());
        }
        Err(refuse(caller, "a system with lookup = true in the configuration"))
    }

    /// May it read what holds no values: own certificates' summaries, the catalogue, verifications, events?
    ///
    /// # Errors
    /// `CALLER_NOT_ALLOWED`.
    pub fn may_read(&self, caller: &Caller) -> Result<(), Refusal> {
        if self.is_operator(caller) { Ok(()) } else { self.system(caller).map(|_| ()) }
    }

    /// Is it an operator of this very region?
    pub fn is_operator(&self, caller: &Caller) -> bool {
        matches!(caller.kind(), Kind::Operator { region, .. } if *region == self.region)
    }

    /// May it look at the node, reload or stop it?
    ///
    /// # Errors
    /// `CALLER_NOT_ALLOWED`.
    pub fn may_operate(&self, caller: &Caller) -> Result<(), Refusal> {
        if self.is_operator(caller) { Ok(()) } else { Err(refuse(caller, format!("an operator of {}", self.region))) }
    }

    /// Is it a node, of whichever region of the bundle?
    pub const fn is_peer(&self, caller: &Caller) -> bool {
        matches!(caller.kind(), Kind::Node { .. })
    }

    /// May it ask for another city's systems, or read logs? That a node with a stale CRL may only read is the gate's.
    ///
    /// # Errors
    /// `CALLER_NOT_ALLOWED`.
    pub fn may_call_as_peer(&self, caller: &Caller) -> Result<(), Refusal> {
        if self.is_peer(caller) { Ok(()) } else { Err(refuse(caller, "a node of the trust bundle")) }
    }

    /// May it publish this? Types and uniform matters only at the province's node; all only by an operator of the region.
    ///
    /// # Errors
    /// `CALLER_NOT_ALLOWED`, `NOT_PROVINCE`.
    pub fn may_publish(&self, caller: &Caller, what: Publication) -> Result<(), Refusal> {
        self.may_operate(caller)?;
        if what != Publication::Implementation && self.region != self.province {
            return Err(Refusal::caller(
                Reason::NotProvince,
                format!("the node of {}", self.region),
                format!("the province's node, {}", self.province),
            ));
        }
        Ok(())
    }

    /// What a system of this region may do.
    fn system(&self, caller: &Caller) -> Result<&Allowed, Refusal> {
        match caller.kind() {
            Kind::System { region, name } if *region == self.region => self
                .systems
                .get(name.as_str())
                .ok_or_else(|| refuse(caller, format!("a system that is listed under [systems.{name}]"))),
            _ => Err(refuse(caller, format!("a system of {}", self.region))),
        }
    }
}

fn refuse(caller: &Caller, needed: impl Into<String>) -> Refusal {
    let found = format!("{} {} of {}", caller.kind().word(), caller.name(), caller.region);
    Refusal::caller(Reason::CallerNotAllowed, found, needed)
}
