//! Certificate types as the node knows them, asked once each.

use super::{
    Error,
    send::{self, Sender},
};
use exchange_proto::v1;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// What an import needs to know of a type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) holder_code_types: Vec<String>,
    /// Short names of all fields, with whether the value is a date.
    pub(super) fields: HashMap<String, bool>,
    required: HashSet<String>,
    pub(super) status: HashMap<String, v1::Status>,
    pub(super) rules: Vec<v1::StatusRule>,
}

impl Kind {
    pub(super) fn new(message: &v1::CertificateType) -> Self {
        let fields = message.fields.iter();
        Self {
            holder_code_types: message.holder_code_types.clone(),
            fields: fields.clone().map(|field| (field.name.clone(), field.format() == v1::FieldFormat::Date)).collect(),
            required: fields.filter(|field| field.required).map(|field| field.name.clone()).collect(),
            status: message.status_codes.iter().map(|code| (code.code.clone(), code.status())).collect(),
            rules: message.status_rules.clone(),
        }
    }

    /// A certificate of the type has to have this field.
    pub(super) fn requires(&self, field: &str) -> bool {
        self.required.contains(field)
    }
}

/// By type code.
pub(super) struct Kinds {
    sender: Option<Arc<Sender>>,
    known: HashMap<String, Option<Arc<Kind>>>,
}

impl Kinds {
    pub(super) fn new(sender: Arc<Sender>) -> Self {
        Self { sender: Some(sender), known: HashMap::new() }
    }

    #[cfg(test)]
    pub(super) fn of(types: &[v1::CertificateType]) -> Self {
        let known = types.iter().map(|kind| (kind.type_code.clone(), Some(Arc::new(Kind::new(kind))))).collect();
        Self { sender: None, known }
    }

    /// The type; `None` where the node does not know it.
    pub(super) async fn kind(&mut self, type_code: &str) -> Result<Option<Arc<Kind>>, Error> {
        if let Some(known) = self.known.get(type_code) {
            return Ok(known.clone());
        }
        let Some(sender) = &self.sender else { return Ok(None) };
        let kind = match sender.certificate_type(type_code).await {
            Ok(message) => Some(Arc::new(Kind::new(&message))),
            Err(send::Error::Row(_)) => None,
            Err(send::Error::Node(status)) => return Err(Error::Node(status)),
        };
        self.known.insert(type_code.to_owned(), kind.clone());
        Ok(kind)
    }
}
