//! Certificate rows as a log's prefix makes them: the ledger's, of the own city, and the index's, of the others, so that both
//! are the same.

use exchange_core::{
    apply::{CertificateState, FIRST_STATUS},
    certificate::Header,
    date::Date,
    position::Position,
    region::Region,
    status::{Status, StatusChange},
};
use exchange_proto::{store, v1};

/// The row of a certificate that was issued at a position.
pub fn issued(position: Position, header: &Header, key_id: &[u8; 32]) -> store::CertificateRow {
    store::CertificateRow {
        epoch: position.epoch,
        index: position.index,
        type_code: header.type_code.to_string(),
        type_version: header.type_version,
        issuer_uscc: header.issuer.uscc.to_string(),
        issuer_name: header.issuer.name.clone(),
        issuing_region: header.issuing_region.to_string(),
        custodian_region: header.custodian_region.to_string(),
        issued_on: Some(date(header.issued_on)),
        valid_from: Some(date(header.valid_from)),
        valid_until: header.valid_until.map(date),
        revision: header.revision,
        previous: header.previous.as_ref().map(ToString::to_string).unwrap_or_default(),
        replaced_by: String::new(),
        origin: header.origin as i32,
        environment: header.environment as i32,
        status: FIRST_STATUS as i32,
        status_code: String::new(),
        links: Vec::new(),
        key_id: key_id.to_vec().into(),
    }
}

/// Adds the link of a change at a position.
pub fn change(row: &mut store::CertificateRow, position: Position, change: &StatusChange) {
    row.links.push(store::StatusLink {
        epoch: position.epoch,
        index: position.index,
        from: change.from as i32,
        to: change.to as i32,
        status_code: change.status_code.clone(),
        effective_on: Some(date(change.effective_on)),
        decided_on: Some(date(change.decided_on)),
        document_number: change.document_number.clone(),
        restoring: change.restoring,
    });
    row.status = change.to as i32;
    row.status_code.clone_from(&change.status_code);
}

/// Adds the link of a newer revision that was issued at a position.
pub fn replace(row: &mut store::CertificateRow, position: Position, by: &Header) {
    row.links.push(store::StatusLink {
        epoch: position.epoch,
        index: position.index,
        from: row.status,
        to: Status::Replaced as i32,
        status_code: String::new(),
        effective_on: Some(date(by.valid_from)),
        decided_on: Some(date(by.issued_on)),
        document_number: String::new(),
        restoring: false,
    });
    row.status = Status::Replaced as i32;
    row.status_code.clear();
    row.replaced_by = by.certificate_id.to_string();
}

/// What decisions need of a row. `None`: the row has a status that this release does not know.
pub fn state(region: Region, row: &store::CertificateRow) -> Option<CertificateState> {
    let (epoch, index) = row.links.last().map_or((row.epoch, row.index), |link| (link.epoch, link.index));
    Some(CertificateState {
        status: Status::from_number(row.status)?,
        newest_link: Position { region, epoch, index },
        revision: row.revision,
        replaced: !row.replaced_by.is_empty(),
    })
}

fn date(date: Date) -> v1::Date {
    v1::Date { year: date.year(), month: date.month(), day: date.day() }
}
