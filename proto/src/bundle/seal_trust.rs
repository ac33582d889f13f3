//! CAs behind seals to and from core: bytes, which nobody here reads.

use exchange_core::bundle::SealTrust;

use crate::v1;

pub(super) fn encode(trust: &SealTrust) -> v1::SealTrust {
    let bytes = |ders: &[Vec<u8>]| ders.iter().map(|der| der.clone().into()).collect();
    v1::SealTrust {
        makers: bytes(&trust.makers),
        signers: bytes(&trust.signers),
        time_stamps: bytes(&trust.time_stamps),
        intermediates: bytes(&trust.intermediates),
    }
}

pub(super) fn decode(trust: v1::SealTrust) -> SealTrust {
    let ders = |bytes: Vec<prost::bytes::Bytes>| bytes.iter().map(|der| der.to_vec()).collect();
    SealTrust {
        makers: ders(trust.makers),
        signers: ders(trust.signers),
        time_stamps: ders(trust.time_stamps),
        intermediates: ders(trust.intermediates),
    }
}
