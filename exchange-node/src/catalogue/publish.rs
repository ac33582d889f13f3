//! Publishing: certificate types and uniform matters by the province, implementations by each region.
//!
//! The publisher's own ledger runs the same checks that every applying node runs, and refuses first.

use super::Catalogue;
use crate::{
    idempotency::{Content, Request},
    keys::Keys,
    ledger::{Answer, Changes, Command, Decision, Ledger, View},
    policy::Policy,
    refusal::Refusal,
    store::{Key, Space, Store, Write, keys, own},
    tls::Caller,
    trust::Trust,
};
use bytes::Bytes;
use exchange_core::{
    certificate_type::CertificateType,
    event::EventKind,
    matter::{Implementation, Matter, check_uniform},
    position::Position,
    reason::Reason,
    region::Region,
};
use exchange_proto::{event, rows, store};
use std::sync::Arc;

/// What is published.
#[derive(Debug, Clone)]
pub enum Item {
    /// By the province.
    CertificateType(Box<CertificateType>),
    /// By the province.
    Matter(Box<Matter>),
    /// By a region.
    Implementation(Box<Implementation>),
}

impl Item {
    /// Its code and version.
    pub fn name(&self) -> (String, u32) {
        match self {
            Self::CertificateType(item) => (item.type_code.to_string(), item.version),
            Self::Matter(item) => (item.matter_code.to_string(), item.version),
            Self::Implementation(item) => (item.implementation_code.to_string(), item.version),
        }
    }
}

/// Where an item stands.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its code.
    pub code: String,
    /// Its version.
    pub version: u32,
    /// `None` where it was only checked.
    pub position: Option<Position>,
}

/// Publishes into this city's log.
#[derive(Clone)]
pub struct Publishing {
    /// Of this node.
    pub region: Region,
    /// Reads the province's items.
    pub catalogue: Catalogue,
    /// Writes.
    pub ledger: Ledger,
    /// Reads what was applied.
    pub store: Store,
    /// Who may.
    pub policy: Arc<Policy>,
    /// For request digests.
    pub keys: Arc<Keys>,
    /// Whether the bundle has ended.
    pub trust: Arc<Trust>,
}

impl Publishing {
    /// Checks an item and, unless `validate_only`, writes it into the log.
    ///
    /// # Errors
    /// Not an operator of this region, not the province, an invalid or not uniform item, a version that exists, an expired
    /// bundle.
    pub async fn publish(
        &self,
        caller: &Caller,
        request_id: [u8; 16],
        mut item: Item,
        validate_only: bool,
    ) -> Result<Published, Refusal> {
        self.policy.may_operate(caller)?;
        self.check(&mut item)?;
        let (code, version) = item.name();
        if validate_only {
            return Ok(Published { code, version, position: None });
        }
        self.trust.require_current_bundle("publishing")?;
        let body = Bytes::from(event::encode_body(&kind(item.clone()), false));
        let digest = Content::new("Publish").field(1, &body).digest(&self.keys.requests);
        let command =
            Publish { key: self.key(&item), item, request: Request::new(&caller.uri, &request_id, digest), body };
        let position = match self.ledger.submit(command).await? {
            Answer::Committed(committed) => (committed.epoch, committed.event),
            Answer::Earlier(row) => {
                let row: store::RequestRow = own::decode(Space::Requests, &row)?;
                (row.epoch, row.index)
            }
        };
        let position = Position { region: self.region, epoch: position.0, index: position.1 };
        Ok(Published { code, version, position: Some(position) })
    }

    fn check(&self, item: &mut Item) -> Result<(), Refusal> {
        let invalid = |error: String| Refusal::caller(Reason::FieldInvalid, error, "an item within its rules");
        match item {
            Item::CertificateType(item) => {
                self.province_only()?;
                item.validate().map_err(|error| invalid(error.to_string()))
            }
            Item::Matter(item) => {
                self.province_only()?;
                item.validate().map_err(|error| invalid(error.to_string()))
            }
            Item::Implementation(item) => self.check_implementation(item),
        }
    }

    fn province_only(&self) -> Result<(), Refusal> {
        if self.region.is_province() {
            return Ok(());
        }
        Err(Refusal::caller(
            Reason::NotProvince,
            format!("a node of {}", self.region),
            "the province's node: types and uniform matters are published there",
        ))
    }

    fn check_implementation(&self, item: &mut Implementation) -> Result<(), Refusal> {
        if item.region != self.region {
            return Err(Refusal::caller(
                Reason::IssuerNotCallers,
                format!("an implementation of {}", item.region),
                format!("one of {}", self.region),
            ));
        }
        let code = item.matter_code.as_str();
        let known = self.catalogue.matter(code, Some(item.matter_version))?.ok_or_else(|| {
            Refusal::caller(
                Reason::MatterUnknown,
                format!("matter {code} version {}", item.matter_version),
                "a uniform matter that the province has published and this node has applied",
            )
        })?;
        match item.province_position {
            None => item.province_position = Some(known.position),
            Some(named) if named != known.position => {
                let state = self.store.region_state(named.region)?;
                let behind = state.is_none_or(|state| state.size <= named.index);
                let reason = if behind { Reason::ProvinceBehind } else { Reason::MatterUnknown };
                let needed = format!("{}, where the uniform matter stands", known.position);
                return Err(Refusal::caller(reason, format!("position {named}"), needed));
            }
            Some(_) => {}
        }
        check_uniform(&known.matter, item).map_err(|differences| {
            let found: Vec<String> = differences.iter().map(ToString::to_string).collect();
            Refusal::caller(
                Reason::NotUniform,
                found.join("; "),
                "the uniform matter, or something better for the applicant",
            )
        })
    }

    fn key(&self, item: &Item) -> (Space, Key) {
        let (code, version) = item.name();
        match item {
            Item::CertificateType(_) => (Space::Types, keys::versioned(&code, version)),
            Item::Matter(_) => (Space::Types, keys::versioned(&code, version)),
            Item::Implementation(_) => (Space::Implementations, keys::versioned(&code, version)),
        }
    }
}

fn kind(item: Item) -> EventKind {
    match item {
        Item::CertificateType(item) => EventKind::CertificateTypePublished(item),
        Item::Matter(item) => EventKind::MatterPublished(item),
        Item::Implementation(item) => EventKind::ImplementationPublished(item),
    }
}

/// A version is taken once. The own row only says that it is: what was published stands in the log.
struct Publish {
    key: (Space, Key),
    item: Item,
    request: Request,
    body: Bytes,
}

impl Command for Publish {
    fn reads(&self, keys: &mut Vec<(Space, Key)>) {
        keys.push(self.request.reads());
        keys.push(self.key.clone());
    }

    fn decide(&self, view: &View<'_>) -> Result<Decision, Refusal> {
        if let Some(row) = self.request.earlier(view)? {
            return Ok(Decision::Earlier(rows::encode(&row).into()));
        }
        let (code, version) = self.item.name();
        if view.row(self.key.0, &self.key.1)?.is_some() {
            return Err(Refusal::caller(
                Reason::VersionExists,
                format!("{code} version {version} is published"),
                "the next version: versions never change",
            ));
        }
        let position = view.next_event();
        let answer =
            store::RequestRow { code, version, epoch: position.epoch, index: position.index, ..Default::default() };
        Ok(Decision::Commit(Changes {
            events: vec![self.body.clone()],
            rows: vec![
                Write::put(self.key.0, self.key.1.clone(), keys::access(position.epoch, position.index)),
                self.request.answered(answer, view.now_ms()),
            ],
            ..Changes::default()
        }))
    }
}
