//! A question for a file of a certificate. A file shows all that the certificate holds, so it is released only where a
//! material of the matter says that the document itself is needed, in the uniform matter and in the implementation.

use super::{Allowed, Facts, Refusal, allowed};
use crate::{certificate_id::CertificateId, matter::Competence};

/// Permission to hand out one file of one certificate for one question; only [`grant_file`] makes one.
///
/// ```compile_fail,E0451
/// fn forge(certificate_id: exchange_core::certificate_id::CertificateId) -> exchange_core::purpose::FileGrant {
///     let competence = exchange_core::matter::Competence::Responsible;
///     exchange_core::purpose::FileGrant { certificate_id, competence, index: 0 }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileGrant {
    certificate_id: CertificateId,
    competence: Competence,
    index: u32,
}

impl FileGrant {
    /// Of which certificate.
    pub const fn certificate_id(&self) -> &CertificateId {
        &self.certificate_id
    }

    /// In which capacity the asking region handles the matter.
    pub const fn competence(&self) -> Competence {
        self.competence
    }

    /// Which file of its header, from 0. Whether it has one is not decided here.
    pub const fn index(&self) -> u32 {
        self.index
    }
}

/// Decides a question for a file by the steps of a question for fields; `facts.fields` has no part in it. A conditional
/// type's approval has to cover every field, because the file shows every field.
///
/// # Errors
/// The first step that refuses.
pub fn grant_file(facts: &Facts<'_>, index: u32) -> Result<FileGrant, Refusal> {
    let Allowed { pinned, competence, materials, approved } = allowed(facts)?;
    let (type_code, code) = (facts.certificate_type.type_code, pinned.matter.matter_code.to_string());
    if approved.is_some() {
        return Err(Refusal::NotApproved { type_code, code });
    }
    if !materials.iter().any(|material| material.uniform.file && material.local.file) {
        return Err(Refusal::NoFileNeeded { type_code, code }); // 7
    }
    Ok(FileGrant { certificate_id: facts.certificate_id.clone(), competence, index })
}
