//! Files of certificates: to calling systems, and to other nodes.

use super::{
    Services,
    chunks::{self, Items, Out},
    services::{self, enter},
};
use crate::{
    blobs::{CHUNK_BYTES, Reader},
    limits::room::Place,
    lookup::{FetchRequest, Fetched, Form, PeerQuestion},
    refusal::Refusal,
    tls::Caller,
};
use bytes::Bytes;
use exchange_core::{certificate::FileDigest, file::StoredFile};
use exchange_proto::{
    access, certificate as convert, peer,
    v1::{self, fetch_response::Part},
};
use std::time::Duration;
use tonic::{Request, Response, Status};

impl Services {
    /// `DocumentService.Fetch`: asked, checked and recorded before the stream begins.
    pub(super) async fn fetch_file(
        &self,
        request: Request<v1::FetchRequest>,
    ) -> Result<Response<Items<v1::FetchResponse>>, Status> {
        let left = services::time_left(&request, &self.limits);
        let place = services::place(&request)?;
        let (caller, message) = enter(request)?;
        let v1::FetchRequest { question, certificate_id, file } = message;
        self.fetched(&caller, (question, certificate_id, file), Form::File, left, &place).await
    }

    /// `DocumentService.FetchCopy`: as a file; its seal is verified besides.
    pub(super) async fn fetch_a_copy(
        &self,
        request: Request<v1::FetchCopyRequest>,
    ) -> Result<Response<Items<v1::FetchResponse>>, Status> {
        let left = services::time_left(&request, &self.limits);
        let place = services::place(&request)?;
        let (caller, message) = enter(request)?;
        let v1::FetchCopyRequest { question, certificate_id, file } = message;
        self.fetched(&caller, (question, certificate_id, file), Form::Copy, left, &place).await
    }

    async fn fetched(
        &self,
        caller: &Caller,
        (question, certificate_id, file): (Option<v1::Question>, String, u32),
        form: Form,
        left: Duration,
        place: &Place,
    ) -> Result<Response<Items<v1::FetchResponse>>, Status> {
        let question = access::question(question).map_err(Refusal::from)?;
        let open = self.limits.begin_stream(caller)?;
        let wanted = FetchRequest { question, certificate_id, file, form };
        let fetched = self.lookup.fetch(caller, wanted, left, place).await?;
        // A copy is not the file that the header names.
        let fetched = match form {
            Form::File => self.documents.with_fetched(fetched, file).await?,
            Form::Copy => fetched,
        };
        Ok(Response::new(chunks::stream(&self.tasks, open, left, move |out| hand_over(fetched, file, out))))
    }

    /// `PeerService.Fetch`: decided and recorded before the stream begins.
    pub(super) async fn fetch_for_peer(
        &self,
        request: Request<v1::PeerQuestion>,
    ) -> Result<Response<Items<v1::PeerFilePart>>, Status> {
        let left = services::time_left(&request, &self.limits);
        let (caller, message) = enter(request)?;
        self.policy.may_call_as_peer(&caller)?;
        let (proof, holder, salt) = peer::asked(message).map_err(Refusal::from)?;
        let open = self.limits.begin_stream(&caller)?;
        let answered = self.lookup.answer_file(&caller, PeerQuestion { proof, holder, salt }).await?;
        let described = answered.file.as_ref().map(|(stored, _)| stored);
        let first = peer::encode_description(answered.proof, described, answered.standing, answered.copy);
        let (services, file) = (self.clone(), answered.file);
        let work = move |out: Out<v1::PeerFilePart>| async move {
            if out.send(Ok(first)).await.is_ok()
                && let Some((stored, reader)) = file
            {
                services.read_out(stored, reader, &out).await;
            }
        };
        Ok(Response::new(chunks::stream(&self.tasks, open, left, work)))
    }

    /// A kept file, chunk by chunk; reading blocks, on a thread for it.
    async fn read_out(&self, stored: StoredFile, mut reader: Reader, out: &Out<v1::PeerFilePart>) {
        loop {
            let read = self.tasks.blocking(move || {
                let chunk = reader.next_chunk();
                (chunk, reader)
            });
            let Ok((chunk, rest)) = read.await else { return };
            reader = rest;
            let item = match chunk {
                Ok(None) => return,
                Ok(Some(chunk)) => Ok(peer::encode_chunk(chunk)),
                Err(error) => {
                    // It was whole a moment ago.
                    let owner = self.lookup.store.blob_owner(&stored.blob).ok().flatten().unwrap_or_default();
                    self.lookup.kept.damaged(&stored.blob, &error, &owner);
                    Err(Status::from(Refusal::from(error)))
                }
            };
            let failed = item.is_err();
            if out.send(item).await.is_err() || failed {
                return;
            }
        }
    }
}

async fn hand_over(fetched: Fetched, number: u32, out: Out<v1::FetchResponse>) {
    let Fetched { bytes, place, .. } = &fetched;
    let _in_memory = place;
    let Some(named) = usize::try_from(number).ok().and_then(|number| fetched.header.files.get(number)) else { return };
    let parts = std::iter::once(Part::File(describe(&fetched, number, named)));
    // Copied: what waits for the reader must not keep the whole file.
    let chunks = bytes.chunks(CHUNK_BYTES).map(|chunk| Part::Chunk(Bytes::copy_from_slice(chunk)));
    for part in parts.chain(chunks) {
        if out.send(Ok(v1::FetchResponse { part: Some(part) })).await.is_err() {
            return;
        }
    }
}

fn describe(fetched: &Fetched, number: u32, named: &FileDigest) -> v1::FetchedFile {
    let Fetched { header, position, standing, .. } = fetched;
    v1::FetchedFile {
        certificate: Some(v1::Certificate {
            type_name: fetched.type_name.clone(),
            status: standing.status,
            status_code: standing.status_code.clone(),
            envelope: fetched.envelope.clone(),
            ..convert::encode_certificate(header, *position)
        }),
        standing: Some(standing.clone()),
        file: number,
        media_type: named.media_type.clone(),
        length: fetched.bytes.len() as u64,
        digest: Bytes::copy_from_slice(&fetched.digest),
        salt: Bytes::copy_from_slice(&fetched.salt),
        asked: Some(peer::encode_proof(fetched.asked.clone())),
        answered: Some(peer::encode_proof(fetched.answered.clone())),
        copy: fetched.copy.clone(),
    }
}
