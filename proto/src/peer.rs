//! What nodes say to each other: proofs, questions and answers.

use crate::{
    Error, access,
    certificate::header::MAX_MEDIA_TYPE_BYTES,
    common::{disclosures, encode_disclosure},
    copy, field, v1,
};
use bytes::Bytes;
use exchange_core::{
    checkpoint::{LogProof, MAX_ENTRY_BYTES, Origin},
    copy::CopyNumber,
    disclosure::Disclosure,
    file::StoredFile,
    holder::Holder,
    merkle::Hash,
    reason::Reason,
};

/// Most hashes of a proof: the depth of a tree of 2^64 entries.
pub const MAX_PROOF_HASHES: usize = 64;
/// Longest signed note of a checkpoint, in bytes; the ledger writes at most two signatures.
pub const MAX_NOTE_BYTES: usize = 4_096;

/// An entry with its proof.
#[must_use]
pub fn encode_proof(proof: LogProof) -> v1::LogProof {
    v1::LogProof {
        origin: proof.origin.to_string(),
        index: proof.index,
        entry: proof.entry.into(),
        hashes: encode_hashes(&proof.hashes),
        checkpoint: proof.checkpoint_note.into(),
    }
}

/// Reads an entry with its proof; nothing is verified.
///
/// # Errors
/// Missing, or a part that breaks its limits.
pub fn proof(path: &str, message: Option<v1::LogProof>) -> Result<LogProof, Error> {
    let message = field::required(path, message)?;
    let read = || {
        let origin = origin(&message.origin)?;
        field::bytes("entry", &message.entry, MAX_ENTRY_BYTES)?;
        field::bytes("checkpoint", &message.checkpoint, MAX_NOTE_BYTES)?;
        let hashes = hashes(&message.hashes)?;
        let (entry, checkpoint_note) = (message.entry.into(), message.checkpoint.into());
        Ok(LogProof { origin, index: message.index, entry, hashes, checkpoint_note })
    };
    read().map_err(|error: Error| error.within(path))
}

/// The name of a log.
///
/// # Errors
/// Not `<trust domain>/<region>/{events|access}/<epoch>`.
pub fn origin(text: &str) -> Result<Origin, Error> {
    let needed = "<trust domain>/<six digits>/events or access/<epoch from 1>";
    text.parse::<Origin>().map_err(|error| field::coded(Reason::FieldInvalid, "origin", text, &error, needed))
}

/// Hashes of a proof.
#[must_use]
pub fn encode_hashes(hashes: &[Hash]) -> Vec<Bytes> {
    // One buffer for all of them.
    let mut rest = Bytes::copy_from_slice(hashes.as_flattened());
    hashes.iter().map(|hash| rest.split_to(hash.len())).collect()
}

/// Hashes of a proof of inclusion; one of consistency has at most one more.
///
/// # Errors
/// Too many, or one that is not 32 bytes.
pub fn hashes(hashes: &[Bytes]) -> Result<Vec<Hash>, Error> {
    field::count("hashes", hashes.len(), MAX_PROOF_HASHES + 1)?;
    let read = |(index, hash): (usize, &Bytes)| field::item("hashes", index, |path| field::array(path, hash));
    hashes.iter().enumerate().map(read).collect()
}

/// A question to another city: the record's proof and, over TLS only, the party.
#[must_use]
pub fn question(asked: LogProof, holder: &Holder, salt: &[u8; 16]) -> v1::PeerQuestion {
    v1::PeerQuestion {
        proof: Some(encode_proof(asked)),
        holder: Some(v1::Holder { code_type: holder.code_type().to_owned(), code: holder.code().to_owned() }),
        party_salt: Bytes::copy_from_slice(salt),
    }
}

/// Reads another city's question: proof of its record, party, salt. Nothing is verified.
///
/// # Errors
/// A part that is missing or breaks its limits.
pub fn asked(message: v1::PeerQuestion) -> Result<(LogProof, Holder, [u8; 16]), Error> {
    let proof = proof("proof", message.proof)?;
    let holder = access::holder(message.holder)?;
    Ok((proof, holder, field::array("party_salt", &message.party_salt)?))
}

/// An answer: the record's proof, and what is released.
#[must_use]
pub fn encode_answer(
    proof: LogProof,
    released: Vec<Disclosure>,
    standing: v1::Standing,
    withheld_fields: Vec<String>,
) -> v1::PeerAnswer {
    v1::PeerAnswer {
        proof: Some(encode_proof(proof)),
        disclosures: released.into_iter().map(encode_disclosure).collect(),
        standing: Some(standing),
        withheld_fields,
    }
}

/// Reads an answer: proof of its record, released values, standing, fields that were withheld. Nothing is verified. A
/// refusal says no standing.
///
/// # Errors
/// A part that is missing or breaks its limits.
pub fn answer(message: v1::PeerAnswer) -> Result<(LogProof, Vec<Disclosure>, v1::Standing, Vec<String>), Error> {
    let proof = proof("proof", message.proof)?;
    let released = disclosures(message.disclosures)?;
    access::field_names(&message.withheld_fields)?;
    Ok((proof, released, message.standing.unwrap_or_default(), message.withheld_fields))
}

/// A file as another city describes it, with the record that it may be released.
#[derive(Debug, Clone)]
pub struct DescribedFile {
    /// Of the ANSWERED or REFUSED record; with a refusal the rest is empty.
    pub proof: LogProof,
    /// As the header has it.
    pub media_type: String,
    /// Exact, in bytes.
    pub length: u64,
    /// As the header has it.
    pub digest: [u8; 32],
    /// Salt of the digest.
    pub salt: [u8; 16],
    /// Of the certificate.
    pub standing: v1::Standing,
    /// Of a copy for one use.
    pub copy_number: Option<CopyNumber>,
}

/// The first message of an answer with a file; with a refusal of an answer without one.
#[must_use]
pub fn encode_description(
    proof: LogProof,
    file: Option<&StoredFile>,
    standing: v1::Standing,
    copy_number: Option<CopyNumber>,
) -> v1::PeerFilePart {
    let proof = Some(encode_proof(proof));
    let described = match file {
        None => v1::PeerFile { proof, ..v1::PeerFile::default() },
        Some(file) => v1::PeerFile {
            proof,
            media_type: file.media_type.clone(),
            length: file.length,
            digest: Bytes::copy_from_slice(&file.digest),
            salt: Bytes::copy_from_slice(&file.salt),
            standing: Some(standing),
            copy_number: copy_number.map(|number| number.to_string()).unwrap_or_default(),
        },
    };
    v1::PeerFilePart { part: Some(v1::peer_file_part::Part::File(described)) }
}

/// A part of the file, as it travels.
#[must_use]
pub fn encode_chunk(chunk: Vec<u8>) -> v1::PeerFilePart {
    v1::PeerFilePart { part: Some(v1::peer_file_part::Part::Chunk(chunk.into())) }
}

/// Reads the first message of an answer with a file. Nothing is verified.
///
/// # Errors
/// A part that is missing or breaks its limits; a chunk.
pub fn description(message: Option<v1::PeerFilePart>) -> Result<DescribedFile, Error> {
    let described = match message.and_then(|message| message.part) {
        Some(v1::peer_file_part::Part::File(described)) => described,
        Some(v1::peer_file_part::Part::Chunk(_)) | None => return Err(Error::missing("file")),
    };
    let proof = proof("proof", described.proof)?;
    field::optional_text("media_type", &described.media_type, MAX_MEDIA_TYPE_BYTES)?;
    Ok(DescribedFile {
        proof,
        media_type: described.media_type,
        length: described.length,
        digest: field::optional_array("digest", &described.digest)?.unwrap_or_default(),
        salt: field::optional_array("salt", &described.salt)?.unwrap_or_default(),
        standing: described.standing.unwrap_or_default(),
        copy_number: match described.copy_number.as_str() {
            "" => None,
            text => Some(copy::number(text)?),
        },
    })
}

/// Reads a later message of an answer with a file; `None`: it has ended.
///
/// # Errors
/// Another description, or nothing in it.
pub fn chunk(message: Option<v1::PeerFilePart>) -> Result<Option<Bytes>, Error> {
    match message.map(|message| message.part) {
        None => Ok(None),
        Some(Some(v1::peer_file_part::Part::Chunk(chunk))) => Ok(Some(chunk)),
        Some(Some(v1::peer_file_part::Part::File(_)) | None) => Err(Error::missing("chunk")),
    }
}
