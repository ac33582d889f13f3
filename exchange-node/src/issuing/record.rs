//! A certificate of this city with all that is known of it here.

use super::{Issuing, disclosures_aad};
use crate::{
    refusal::Refusal,
    store::{
        Error, Space, Store,
        log::{Entry, Kind, Log},
    },
    tls::Caller,
};
use bytes::Bytes;
use exchange_core::{
    certificate::Header,
    certificate_type::LegalForm,
    disclosure::Disclosure,
    position::Position,
    region::Region,
    sealed,
    status::{self, Status},
};
use exchange_proto::{certificate as convert, event, store};

/// A certificate with its values.
#[derive(Debug, Clone)]
pub struct Record {
    /// What was signed.
    pub header: Header,
    /// 证照类型名称.
    pub type_name: String,
    /// Of the type.
    pub legal_form: LegalForm,
    /// Today.
    pub status: Status,
    /// The type's own code.
    pub status_code: String,
    /// Of the `CertificateIssued` entry.
    pub position: Position,
    /// Bytes of the envelope.
    pub envelope: Bytes,
    /// Values and salts, in the header's order; none for a caller who does not act for the department.
    pub disclosures: Vec<Disclosure>,
    /// The request had been answered before.
    pub repeated: bool,
}

/// The envelope of a certificate, from the entry that issued it; not copied out of the row.
pub(crate) fn envelope(store: &Store, own: Region, position: Position) -> Result<Option<Bytes>, Error> {
    let database = if position.region == own { &store.own } else { &store.province };
    match Log::new(database, Kind::Events, position.region, position.epoch).entry(position.index)? {
        Some(Entry::Bytes(bytes)) => event::envelope(bytes)
            .map_err(|error| Error::Row { space: Space::Entries.name(), problem: error.to_string() }),
        _ => Ok(None),
    }
}

/// Today's status of a row, by its dates.
pub(crate) fn status_today(row: &store::CertificateRow, today: exchange_core::date::Date) -> Status {
    let stored = Status::from_number(row.status).unwrap_or(Status::Active);
    let read = |date: &Option<exchange_proto::v1::Date>| date.and_then(|date| convert::date(date).ok());
    status::on_day(stored, read(&row.valid_from).unwrap_or(today), read(&row.valid_until), today)
}

/// With values where the caller acts for the department that issued it, else without.
pub(super) fn read_own(issuing: &Issuing, caller: &Caller, id: &str) -> Result<Option<Record>, Refusal> {
    let (store, region) = (&issuing.store, issuing.region);
    let Some(row) = store.own_certificate(region, id)? else { return Ok(None) };
    let position = Position { region, epoch: row.epoch, index: row.index };
    let broken = |problem: String| Error::Row { space: Space::Certificates.name(), problem };
    let envelope =
        envelope(store, region, position)?.ok_or_else(|| broken(format!("{id} has no entry at {position}")))?;
    let header = convert::decode_enveloped(envelope.clone()).map_err(|error| broken(error.to_string()))?;
    let reader = issuing.policy.acts_for(caller, &header.issuer.uscc);
    let sealed = reader.map(|reader| store.issued_disclosures(region, id, &reader)).transpose()?.flatten();
    let disclosures = match sealed {
        None => Vec::new(), // erased, or not for this caller
        Some(value) => {
            let plain =
                sealed::open(&issuing.keys.disclosures, issuing.keys.store_id, &disclosures_aad(region, id), &value)
                    .map_err(|error| broken(error.to_string()))?;
            convert::decode_disclosures(&plain).map_err(|error| broken(error.to_string()))?
        }
    };
    let kind = issuing.catalogue.certificate_type(&row.type_code, Some(row.type_version))?;
    // A certificate that was never changed has the type's code of its first status.
    let stored = Status::from_number(row.status).unwrap_or(Status::Active);
    let of_type = || kind.as_ref().and_then(|kind| kind.status_code_for(stored)).unwrap_or_default().to_owned();
    let status_code = if row.status_code.is_empty() { of_type() } else { row.status_code.clone() };
    Ok(Some(Record {
        type_name: kind.as_ref().map(|kind| kind.name.clone()).unwrap_or_default(),
        legal_form: kind.map_or(LegalForm::DataOnly, |kind| kind.legal_form),
        status: status_today(&row, issuing.today()),
        status_code,
        position,
        envelope,
        disclosures,
        header,
        repeated: false,
    }))
}
