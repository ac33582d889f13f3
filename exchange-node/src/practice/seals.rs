//! Electronic seals of a practice province: one authority over all of them, SM2 with SM3, and a seal for each department.

use super::{Error, Practice};
use crate::{random::Random, sample::Kind};
use ca_tools::{
    files, keyfile,
    seals::{SealCa, SealOrder, SealProfile, make_seal},
    seams,
};
use exchange_core::region::Region;
use exchange_seal::{
    algorithm::Algorithm,
    make::{self, Credential, PrivateKey},
    ses::Version,
};
use std::fmt::Write as _;

/// A round seal that says that it is for exercises.
const PICTURE: &[u8] = include_bytes!("../../../deploy/sample/seals/exercise.png");
const SIZE_MM: (u16, u16) = (42, 42);
/// Kind of a seal of an office, as in GB/T 33481 (01).
const OFFICE: u16 = 1;
const DAYS: u32 = 365;
const MAX_CA_BYTES: usize = 64 << 10;
/// Templates of the sample types.
const TEMPLATES: [(Kind, &str); 3] = [
    (Kind::BusinessLicence, "business-licence"),
    (Kind::Title, "real-estate-certificate"),
    (Kind::TransportPermit, "road-transport-licence"),
];

fn made(error: &make::Error) -> Error {
    Error::Name(error.to_string())
}

impl Practice {
    /// Gives every department of a region a seal, and its node templates; the node takes them over by a reload. Writes
    /// `seals/ca.pem` and `seals/ca.crl` for whoever verifies.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn seal(&mut self, region: Region) -> Result<(), Error> {
        let (now, random) = (seams::now_ms(), Random::new());
        let mut ca = SealCa::new(&self.bundle.trust_domain, Algorithm::Sm2Sm3, SealCa::OPTIONS, now)?;
        let folder = self.folder.join("seals").join(region.as_str());
        std::fs::create_dir_all(&folder).map_err(|source| Error::File { path: folder.clone(), source })?;
        let mut issue = |profile, name: &str| -> Result<(Credential, String), Error> {
            let key = PrivateKey::generate(Algorithm::Sm2Sm3, random.secure()).map_err(|error| made(&error))?;
            let issued = ca.issue(profile, name, key.public(), None, now)?;
            let pem = issued.pem();
            Ok((Credential::new(key, &issued.certificate.der).map_err(|error| made(&error))?, pem))
        };
        let (maker, _) = issue(SealProfile::Maker, "演练制章中心")?;
        for issuer in self.departments(region) {
            let (code, name) = (issuer.uscc.as_str(), issuer.name.as_str());
            let (signer, pem) = issue(SealProfile::Signer, name)?;
            let order = SealOrder {
                version: Version::V4,
                id: format!("37{code}"),
                name: format!("{name}演练专用章"),
                kind: OFFICE,
                signers: vec![signer.certificate().clone()],
                by_digest: false,
                picture: PICTURE.to_vec(),
                size_mm: SIZE_MM,
                days: DAYS,
            };
            let seal = make_seal(&order, &maker, None, now)?;
            files::write_new(&folder.join(format!("{code}.esl")), files::PUBLIC, &seal)?;
            files::write_new(&folder.join(format!("{code}.pem")), files::PUBLIC, pem.as_bytes())?;
            let key = signer.key().to_pkcs8().map_err(|error| made(&error))?;
            keyfile::write(&folder.join(format!("{code}.key")), &key, None)?;
        }
        files::write_new(&folder.join("ca.pem"), files::PUBLIC, ca.certificate_pem().as_bytes())?;
        let crl = files::pem(files::CRL, ca.crl().unwrap_or_default());
        files::write_new(&folder.join("ca.crl"), files::PUBLIC, crl.as_bytes())?;
        self.sealed.insert(region);
        self.write_config(region)
    }

    /// Every node believes the seals of a region, and reads their CRL, from the next reload on.
    ///
    /// # Errors
    /// See [`Error`]; the region has no seals.
    pub fn believe_seals(&mut self, region: Region) -> Result<(), Error> {
        let path = self.folder.join("seals").join(region.as_str()).join("ca.pem");
        let file = files::read(&path, MAX_CA_BYTES)?;
        let ca = files::blocks(&file, files::CERTIFICATE, "ca.pem")?;
        self.next_bundle(|bundle| bundle.seal_anchors.extend(ca))?;
        self.believed = Some(region);
        self.options.regions.clone().into_iter().try_for_each(|region| self.write_config(region))
    }

    /// What `[trust]` says of seals.
    pub(super) fn seal_trust(&self) -> String {
        self.believed.map_or_else(String::new, |region| format!("seal_crls = \"../seals/{region}\"\n"))
    }

    /// What a department's section and `[licences]` say of seals.
    pub(super) fn seal_section(&self, region: Region, code: &str) -> String {
        if !self.sealed.contains(&region) {
            return String::new();
        }
        let folder = format!("../seals/{region}/{code}");
        format!(
            "[departments.{code}.seal]\nfile = \"{folder}.esl\"\ncertificate = \"{folder}.pem\"\nkey = \"{folder}.key\"\n\n"
        )
    }

    pub(super) fn template_section(&self, region: Region) -> String {
        if !self.sealed.contains(&region) {
            return String::new();
        }
        let mut text = "[licences.templates]\n".to_owned();
        for (kind, template) in TEMPLATES {
            let _ = writeln!(text, "{} = \"{template}\"", kind.code());
        }
        text.push('\n');
        text
    }
}
