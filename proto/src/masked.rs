//! `Debug` of the messages that hold values of persons: whatever ends in a log or a trace shows which field it was,
//! never what it held.

use crate::{store, v1};
use std::fmt::{Debug, Formatter, Result};

impl Debug for v1::Holder {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("Holder(masked)")
    }
}

impl Debug for v1::Disclosure {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "Disclosure({} bytes, masked)", self.value.len())
    }
}

impl Debug for v1::FieldValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "FieldValue({} bytes, masked)", self.value.len())
    }
}

impl Debug for v1::CertificateNumber {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "CertificateNumber(of {}, masked)", self.type_code)
    }
}

impl Debug for v1::CertificateExport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "CertificateExport({} bytes, masked)", self.content.len())
    }
}

impl Debug for v1::CertificateFile {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "CertificateFile({} bytes, masked)", self.content.len())
    }
}

impl Debug for v1::FetchResponse {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.part {
            Some(v1::fetch_response::Part::Chunk(chunk)) => write!(f, "FetchResponse({} bytes, masked)", chunk.len()),
            Some(v1::fetch_response::Part::File(file)) => write!(f, "FetchResponse({} bytes to come)", file.length),
            None => f.write_str("FetchResponse(nothing)"),
        }
    }
}

impl Debug for v1::PeerFilePart {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.part {
            Some(v1::peer_file_part::Part::Chunk(chunk)) => write!(f, "PeerFilePart({} bytes, masked)", chunk.len()),
            Some(v1::peer_file_part::Part::File(file)) => write!(f, "PeerFilePart({} bytes to come)", file.length),
            None => f.write_str("PeerFilePart(nothing)"),
        }
    }
}

impl Debug for v1::ExportCertificateResponse {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "ExportCertificateResponse({} bytes, masked)", self.file.len())
    }
}

impl Debug for store::PartySecret {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("PartySecret(masked)")
    }
}

impl Debug for store::StoredFile {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "StoredFile({} bytes, masked)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_shows_however_deep_it_is() {
        let canary = "370102199001011234";
        let holder = v1::Holder { code_type: "111".to_owned(), code: canary.to_owned() };
        let field = v1::FieldValue { name: "CZZTDM".to_owned(), value: canary.to_owned() };
        let number = v1::CertificateNumber { type_code: "T".to_owned(), number: canary.to_owned() };
        let disclosure =
            v1::Disclosure { name: "CZZTDM".to_owned(), value: canary.to_owned(), salt: [7; 16].to_vec().into() };
        let secret = store::PartySecret { code_type: "111".to_owned(), code: canary.to_owned(), ..Default::default() };
        let content = bytes::Bytes::from(canary);
        let file = v1::CertificateFile { media_type: "text/plain".to_owned(), content: content.clone() };
        let part = v1::fetch_response::Part::Chunk(content.clone());
        let of_peer = v1::peer_file_part::Part::Chunk(content.clone());
        let export = v1::CertificateExport { content: content.clone(), receipt: None };
        let exported = v1::ExportCertificateResponse { file: content, ..Default::default() };
        let party = v1::Party { holder: Some(holder.clone()), relation: 1 };
        let shown = [
            format!("{:?}", v1::Question { party: Some(party), ..Default::default() }),
            format!("{:?}", v1::PeerQuestion { holder: Some(holder), ..Default::default() }),
            format!("{:?}", v1::IssueCertificateRequest { fields: vec![field], ..Default::default() }),
            format!("{:?}", v1::Certificate { disclosures: vec![disclosure], ..Default::default() }),
            format!("{number:?} {secret:?} {export:?} {exported:?}"),
            format!("{:?} {:?}", v1::FetchResponse { part: Some(part) }, v1::PeerFilePart { part: Some(of_peer) }),
            format!("{:?}", v1::ReviseCertificateRequest { files: vec![file], ..Default::default() }),
        ];
        for text in shown {
            assert!(!text.contains(canary) && text.contains("masked"), "{text}");
        }
    }
}
