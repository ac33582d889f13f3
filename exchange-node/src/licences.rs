//! Documents that the node makes for certificates (制发): laid out from the type's template, sealed with the department's
//! seal. Made before the ledger sees the certificate, on a thread that may block; types without a template cost nothing.

use crate::{
    config::{self, Config},
    keys::{self, DepartmentSeal, department_seal},
    random::Random,
    refusal::Refusal,
};
use arc_swap::ArcSwap;
use exchange_core::{
    certificate::{Environment, Field},
    certificate_id::CertificateId,
    certificate_type::{CertificateType, LegalForm},
    chain::Instant,
    date::Date,
    file::{File, OFD},
    issuer::Issuer,
    reason::Reason,
    uscc::Uscc,
};
use exchange_seal::{
    Limits,
    licence::{self, CopyNote, Facts, MAX_TEMPLATE_BYTES, Template, lay_out},
    make::{Stamp, stamp},
};
use std::{
    collections::BTreeMap,
    io::Cursor,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why the settings of documents are not taken over.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A department's seal.
    #[error("departments.{department}.seal: {source}")]
    Seal {
        /// USCC.
        department: String,
        /// Why.
        source: keys::Error,
    },
    /// A template.
    #[error("licences.templates.{code}: {problem}")]
    Template {
        /// Of which type.
        code: String,
        /// What is wrong.
        problem: String,
    },
}

/// Templates and seals, swapped whole by a reload.
#[derive(Clone)]
pub struct Licences(Arc<ArcSwap<Kit>>);

/// Templates by type, seals by department.
#[derive(Default)]
pub struct Kit {
    templates: BTreeMap<String, Arc<Template>>,
    seals: BTreeMap<Uscc, Arc<DepartmentSeal>>,
    copies: config::Copies,
    /// What it was made of.
    settings: Vec<(PathBuf, Vec<u8>)>,
}

impl Kit {
    /// Reads and checks every template and seal.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn load(config: &Config, random: &Random) -> Result<Self, Error> {
        let mut kit = Self { copies: config.licences.copies, ..Self::default() };
        for (code, name) in &config.licences.templates {
            let template = template(name).map_err(|problem| Error::Template { code: code.clone(), problem })?;
            kit.templates.insert(code.clone(), Arc::new(template));
        }
        for (code, department) in &config.departments {
            let Some(seal) = &department.seal else { continue };
            let wrong = |source| Error::Seal { department: code.clone(), source };
            let loaded = department_seal(seal, random).map_err(wrong)?;
            let uscc = Uscc::parse(code)
                .map_err(|error| wrong(keys::Error::File { path: seal.file.clone(), problem: error.to_string() }))?;
            kit.settings.push((seal.file.clone(), loaded.seal.clone()));
            kit.settings.push((seal.certificate.clone(), loaded.signer.certificate().der.clone()));
            kit.seals.insert(uscc, Arc::new(loaded));
        }
        kit.settings.push((PathBuf::from("copies"), format!("{:?}", kit.copies).into_bytes()));
        kit.settings.extend(config.licences.templates.iter().map(|(code, name)| {
            let content =
                if config::is_template_file(name) { std::fs::read(name).unwrap_or_default() } else { Vec::new() };
            (PathBuf::from(format!("{code}={name}")), content)
        }));
        Ok(kit)
    }
}

/// Templates that are not sound, for `doctor`.
pub fn template_faults(config: &Config) -> Vec<Error> {
    let judge = |(code, name): (&String, &String)| {
        template(name).err().map(|problem| Error::Template { code: code.clone(), problem })
    };
    config.licences.templates.iter().filter_map(judge).collect()
}

fn template(name: &str) -> Result<Template, String> {
    if !config::is_template_file(name) {
        return Template::built_in(name).map_err(|error| error.to_string());
    }
    let bytes = ca_tools::files::read(Path::new(name), MAX_TEMPLATE_BYTES).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{name}: not UTF-8"))?;
    Template::parse(&text).map_err(|error| format!("{name}: {error}"))
}

impl Licences {
    /// With these.
    pub fn new(kit: Kit) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(kit)))
    }

    /// Takes others over; `false` when nothing differs.
    pub fn swap(&self, kit: Kit) -> bool {
        let changed = self.0.load().settings != kit.settings;
        if changed {
            self.0.store(Arc::new(kit));
        }
        changed
    }

    /// How long copies for one use live, and are known.
    pub fn copies(&self) -> config::Copies {
        self.0.load().copies
    }

    /// What a certificate's document is made with; `None` where the node makes none: another legal form, no template for
    /// the type, no seal of the department.
    pub fn of(&self, kind: &CertificateType, issuer: &Uscc) -> Option<Press> {
        if kind.legal_form != LegalForm::SealedOfd {
            return None;
        }
        let kit = self.0.load();
        let template = Arc::clone(kit.templates.get(kind.type_code.as_str())?);
        let seal = Arc::clone(kit.seals.get(issuer)?);
        Some(Press { template, seal })
    }
}

/// A template and a seal.
pub struct Press {
    template: Arc<Template>,
    seal: Arc<DepartmentSeal>,
}

/// What a document says; owned, since it is made on another thread. Holds personal data.
pub struct Content {
    /// Real or exercise.
    pub environment: Environment,
    /// 电子证照标识.
    pub id: CertificateId,
    /// 证照名称.
    pub type_name: String,
    /// The department.
    pub issuer: Issuer,
    /// 颁发日期.
    pub issued_on: Date,
    /// First day in force.
    pub valid_from: Date,
    /// Last day in force.
    pub valid_until: Option<Date>,
    /// Values.
    pub fields: Vec<Field>,
    /// Set in a copy for one use.
    pub copy: Option<Note>,
}

/// What a copy for one use says besides.
pub struct Note {
    /// 制作事由.
    pub cause: String,
    /// 制作者.
    pub requester: String,
    /// 制作时间.
    pub made_on: Date,
    /// 有效期截止时间.
    pub expires_on: Date,
    /// 加注件编号.
    pub number: String,
}

impl Press {
    /// Makes the document and puts the seal on it. Milliseconds of computing. `salt` is that of the document's digest in the
    /// certificate's header, and stands in the document; a copy for one use has none.
    ///
    /// # Errors
    /// `LICENCE_NOT_WRITABLE` names the field that is at fault, `SEAL_UNUSABLE` what is wrong with seal or signer.
    pub fn make(
        &self,
        content: &Content,
        salt: Option<&[u8; 16]>,
        at: Instant,
        random: &Random,
    ) -> Result<File, Refusal> {
        let facts = Facts {
            environment: content.environment,
            certificate_id: &content.id,
            type_name: &content.type_name,
            issuer: &content.issuer,
            issued_on: content.issued_on,
            valid_from: content.valid_from,
            valid_until: content.valid_until,
            fields: &content.fields,
            copy: content.copy.as_ref().map(|note| CopyNote {
                cause: &note.cause,
                requester: &note.requester,
                made_on: note.made_on,
                expires_on: note.expires_on,
                number: Some(&note.number),
            }),
        };
        let mut layout = lay_out(&self.template, &facts).map_err(not_writable)?;
        if let Some(salt) = salt {
            layout.set_file_salt(salt);
        }
        let plain = layout.ofd().map_err(not_writable)?;
        let places = [layout.seal_place()];
        let order = Stamp {
            seal: &self.seal.seal,
            signer: &self.seal.signer,
            places: &places,
            at,
            document: 0,
            limits: Limits::DEFAULT,
        };
        let mut bytes = Vec::new();
        stamp(Cursor::new(&plain), &mut bytes, &order, random.secure()).map_err(|error| {
            let needed = "a seal and a signer's certificate that count today";
            Refusal::node(Reason::SealUnusable, format!("{}: {error}", content.issuer.uscc), needed)
        })?;
        Ok(File { media_type: OFD.to_owned(), bytes })
    }
}

fn not_writable(error: licence::Error) -> Refusal {
    match error {
        licence::Error::Internal(_) | licence::Error::Template { .. } | licence::Error::UnknownTemplate(_) => {
            Refusal::node(Reason::Internal, error.to_string(), "a template and a font that are sound")
        }
        _ => Refusal::caller(Reason::LicenceNotWritable, error.to_string(), "a value that can be printed"),
    }
}
