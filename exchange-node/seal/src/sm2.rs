//! SM2 with SM3 (GB/T 32918.2, GM/T 0009) as a signature algorithm of rustls-webpki, for paths and for documents alike.

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use sm2::dsa::{Signature, VerifyingKey, signature::Verifier};

use crate::asn1::Fields;

/// The signer's id where nothing else is agreed (GM/T 0009 section 10): every seal and every credential met uses it.
pub(crate) const DEFAULT_ID: &str = "1234567812345678";

/// id-ecPublicKey with the curve sm2p256v1, 1.2.156.10197.1.301.
const SM2_KEY: &[u8] =
    &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d];
/// 1.2.156.10197.1.501 without parameters.
const SM2_SM3: &[u8] = &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75];
/// The same with NULL, as tax and other CAs write it.
const SM2_SM3_NULL: &[u8] = &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75, 0x05, 0x00];

/// SM2 with SM3 and the default id. The two differ in how a certificate writes the algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sm2Sm3 {
    NoParameters,
    NullParameters,
}

impl SignatureVerificationAlgorithm for Sm2Sm3 {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        // 04 ‖ x ‖ y and nothing else: a compressed point would be a second writing of one key.
        if public_key.len() != 65 {
            return Err(InvalidSignature);
        }
        let key = VerifyingKey::from_sec1_bytes(DEFAULT_ID, public_key).map_err(|_| InvalidSignature)?;
        let signature = signature_value(signature).ok_or(InvalidSignature)?;
        key.verify(message, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        AlgorithmIdentifier::from_slice(SM2_KEY)
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        AlgorithmIdentifier::from_slice(match self {
            Self::NoParameters => SM2_SM3,
            Self::NullParameters => SM2_SM3_NULL,
        })
    }
}

/// SM2Signature ::= SEQUENCE { r INTEGER, s INTEGER } (GM/T 0009 section 7.3), strict DER.
fn signature_value(der: &[u8]) -> Option<Signature> {
    let mut fields = Fields::sequence(der, "SM2Signature").ok()?;
    let mut bytes = [0; 64];
    for half in bytes.chunks_exact_mut(32) {
        let number = fields.unsigned("number", 32).ok()?;
        half.get_mut(32 - number.len()..)?.copy_from_slice(number);
    }
    fields.finish().ok()?;
    Signature::from_slice(&bytes).ok()
}
