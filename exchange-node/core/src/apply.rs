//! Applying an entry of a region's log to that region's rows.
//!
//! A pure function of the log's own prefix (and, for implementations, of a named position of the province's log): never
//! of a clock, a CRL or the order of arrival, so that all nodes agree. An entry that breaks a rule stays in the tree, is
//! **void** with a reason and changes nothing. Signatures of certificates are checked at use, not here.

#[cfg(test)]
mod tests;

use crate::{
    certificate::Header,
    certificate_type::CertificateType,
    event::{Event, EventKind},
    matter::{self, Implementation, Matter},
    position::Position,
    region::Region,
    status::{self, Status, StatusChange},
};
use ring::digest::{SHA256, digest};

/// Every certificate starts with it: `NOT_YET_ACTIVE` and `EXPIRED` follow from its dates ([`status::on_day`]).
pub const FIRST_STATUS: Status = Status::Active;

/// What a log's prefix made of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateState {
    /// As the last link left it.
    pub status: Status,
    /// The newest link: the issue itself, the last change, or the issue of the revision that replaced it.
    pub newest_link: Position,
    /// From 1.
    pub revision: u32,
    /// A newer revision stands in its place, or stood there before a restoring decision.
    pub replaced: bool,
}

/// Whether a version of a catalogue item is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Nothing in force has it.
    Free,
    /// An earlier entry of the same log waits for the province's log; what comes after it waits too.
    Waiting,
    /// In force, and immutable.
    Taken,
}

/// What stands at a position of the province's log.
#[derive(Debug, Clone, PartialEq)]
pub enum Uniform {
    /// That position is not applied here yet.
    NotApplied,
    /// No uniform matter in force.
    Nothing,
    /// This matter.
    Matter(Box<Matter>),
}

/// Reads the rows that the prefix of one region's log made, and for implementations the province's.
pub struct Rows<'a, E> {
    /// Is a certificate with this id issued in this log?
    pub issued: &'a mut dyn FnMut(&str) -> Result<bool, E>,
    /// A certificate of this log.
    pub certificate: &'a mut dyn FnMut(&str) -> Result<Option<CertificateState>, E>,
    /// Is a credential with this key id published in this log?
    pub credential: &'a mut dyn FnMut(&[u8; 32]) -> Result<bool, E>,
    /// A version of a certificate type.
    pub certificate_type: &'a mut dyn FnMut(&CertificateType) -> Result<Version, E>,
    /// A version of a uniform matter.
    pub matter: &'a mut dyn FnMut(&Matter) -> Result<Version, E>,
    /// A version of this region's implementation.
    pub implementation: &'a mut dyn FnMut(&Implementation) -> Result<Version, E>,
    /// The uniform matter at a position of the province's log.
    pub uniform: &'a mut dyn FnMut(&Position) -> Result<Uniform, E>,
}

/// The parts of a `CertificateIssued` entry that were decoded from its envelope.
#[derive(Debug, Clone, Copy)]
pub struct Issue<'a> {
    /// The signed header.
    pub header: &'a Header,
    /// SHA-256 of the signer's DER credential.
    pub key_id: &'a [u8; 32],
}

/// A change of one row.
#[derive(Debug, Clone, PartialEq)]
pub enum RowChange<'a> {
    /// A new certificate row, with [`FIRST_STATUS`].
    Issued {
        /// What was signed.
        header: &'a Header,
        /// By whom.
        key_id: &'a [u8; 32],
    },
    /// The previous revision becomes [`Status::Replaced`]; this position is its newest link.
    Replaced {
        /// Which.
        certificate_id: &'a str,
        /// The newer revision.
        by: &'a str,
    },
    /// A link of the certificate's chain.
    StatusChanged(&'a StatusChange),
    /// A new credential row.
    Credential {
        /// SHA-256 of `leaf`.
        key_id: [u8; 32],
        /// DER.
        leaf: &'a [u8],
        /// DER, without the root.
        intermediates: &'a [Vec<u8>],
    },
    /// Tags of a certificate of this log, to be opened with the index key.
    HolderTags {
        /// Of which certificate.
        certificate_id: &'a str,
        /// Which index key.
        index_key_id: &'a [u8; 8],
        /// Format: formats, "Holder and number".
        sealed: &'a [u8],
    },
    /// A new version of a certificate type.
    CertificateType(&'a CertificateType),
    /// A new version of a uniform matter.
    Matter(&'a Matter),
    /// A new version of an implementation, in force.
    Implementation(&'a Implementation),
    /// An implementation that waits until the province's log is applied up to the position that it names.
    Waiting(&'a Implementation),
    /// An implementation that fails its check: shown with the reason; the version stays free.
    VoidImplementation(&'a Implementation, Void),
    /// The bytes of an earlier entry of this log are replaced by their leaf hash.
    Redact {
        /// Which entry.
        index: u64,
    },
}

/// Who should look at the rows again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// Nobody.
    None,
    /// Trust: a CRL or a bundle came.
    Trust,
}

/// What an entry comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<'a> {
    /// These rows change.
    Applied {
        /// In order.
        changes: Vec<RowChange<'a>>,
        /// Besides.
        hint: Hint,
    },
    /// It breaks a rule: nothing changes but what shows the void implementation.
    Void {
        /// Which rule.
        reason: Void,
        /// At most a [`RowChange::VoidImplementation`].
        shown: Option<RowChange<'a>>,
    },
    /// This release does not know what must be understood: what it derives from this log is stale from here on.
    UpgradeNeeded,
}

/// The rule that a void entry breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Void {
    /// The entry, its envelope or its header does not read.
    #[error("the entry does not read as what it says it is")]
    Malformed,
    /// The same id was issued earlier in this log; the first one stays.
    #[error("this certificate id was issued before in this log")]
    IdUsedTwice,
    /// A certificate or implementation of another region.
    #[error("the entry speaks for region {found}, the log is that of {needed}")]
    OtherRegion {
        /// In the entry.
        found: Region,
        /// Whose log it is.
        needed: Region,
    },
    /// No `CredentialPublished` with this key before it in the same log.
    #[error("the signer's credential was not published before in this log")]
    CredentialUnknown,
    /// No such certificate earlier in this log.
    #[error("the certificate was not issued before in this log")]
    CertificateUnknown,
    /// The revision does not follow the newest one.
    #[error("revision {found} follows {previous}, {needed}")]
    NotNewestRevision {
        /// Revision of the entry.
        found: u32,
        /// Revision that it names as the previous one.
        previous: u32,
        /// What would be right.
        needed: &'static str,
    },
    /// The chain of status changes.
    #[error(transparent)]
    Status(#[from] status::Error),
    /// Only the province publishes this.
    #[error("only the province publishes this; the log is that of {0}")]
    NotProvince(Region),
    /// The version is immutable.
    #[error("this version exists; a changed one needs the next number")]
    VersionExists,
    /// The named position of the province's log holds no uniform matter.
    #[error("no uniform matter stands where the implementation says, {}", named.map_or_else(|| "nowhere".to_owned(), |named| named.to_string()))]
    MatterUnknown {
        /// Position of the province's log.
        named: Option<Position>,
    },
    /// The implementation goes beyond the uniform matter.
    #[error("the implementation is not uniform: {0}")]
    NotUniform(String),
    /// It names an entry that does not stand before it in the same epoch.
    #[error("entry {index} of epoch {epoch} does not stand before this one in its epoch")]
    NotEarlier {
        /// Named epoch.
        epoch: u32,
        /// Named index.
        index: u64,
    },
}

impl Void {
    /// The stable word in rows, metrics and answers.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "MALFORMED",
            Self::IdUsedTwice => "ID_USED_TWICE",
            Self::OtherRegion { .. } => "OTHER_REGION",
            Self::CredentialUnknown => "CREDENTIAL_UNKNOWN",
            Self::CertificateUnknown => "CERTIFICATE_NOT_FOUND",
            Self::NotNewestRevision { .. } => "NOT_NEWEST_REVISION",
            Self::Status(_) => "STATUS_CHANGE_NOT_ALLOWED",
            Self::NotProvince(_) => "NOT_PROVINCE",
            Self::VersionExists => "VERSION_EXISTS",
            Self::MatterUnknown { .. } => "MATTER_UNKNOWN",
            Self::NotUniform(_) => "NOT_UNIFORM",
            Self::NotEarlier { .. } => "NOT_EARLIER",
        }
    }
}

/// Applies the entry at `position` of its region's log. `issue` is the decoded envelope of a `CertificateIssued`; `None`
/// there says that it does not read.
///
/// # Errors
/// What the readers of rows return.
pub fn apply<'a, E>(
    province: Region,
    position: Position,
    event: &'a Event,
    issue: Option<Issue<'a>>,
    rows: &mut Rows<'_, E>,
) -> Result<Outcome<'a>, E> {
    let of_province = |version: Version, change: RowChange<'a>| match version {
        _ if position.region != province => void(Void::NotProvince(position.region)),
        Version::Free => applied(vec![change]),
        Version::Waiting | Version::Taken => void(Void::VersionExists),
    };
    Ok(match &event.kind {
        EventKind::CertificateIssued { .. } => match issue {
            Some(issue) => issued(position, issue, rows)?,
            None => void(Void::Malformed),
        },
        EventKind::CertificateStatusChanged(change) => status_changed(position, change, rows)?,
        EventKind::CredentialPublished { leaf, intermediates } => {
            let key_id = sha256(leaf);
            if (rows.credential)(&key_id)? {
                applied(Vec::new()) // published again: the first one counts
            } else {
                applied(vec![RowChange::Credential { key_id, leaf, intermediates }])
            }
        }
        EventKind::HolderTags { certificate_id, index_key_id, sealed } => match (rows.issued)(certificate_id)? {
            true => applied(vec![RowChange::HolderTags { certificate_id, index_key_id, sealed }]),
            false => void(Void::CertificateUnknown),
        },
        EventKind::CertificateTypePublished(item) => {
            of_province((rows.certificate_type)(item)?, RowChange::CertificateType(item))
        }
        EventKind::MatterPublished(item) => of_province((rows.matter)(item)?, RowChange::Matter(item)),
        EventKind::ImplementationPublished(item) => implementation_published(province, position, item, rows)?,
        EventKind::CrlPublished { .. } | EventKind::TrustBundlePublished { .. } => {
            Outcome::Applied { changes: Vec::new(), hint: Hint::Trust }
        }
        EventKind::Redacted { epoch, index, .. } => {
            if *epoch == position.epoch && *index < position.index {
                applied(vec![RowChange::Redact { index: *index }])
            } else {
                void(Void::NotEarlier { epoch: *epoch, index: *index })
            }
        }
        EventKind::CaseMoved { .. } | EventKind::AccessCheckpoint { .. } | EventKind::RegionNotice { .. } => {
            applied(Vec::new())
        }
        EventKind::Unknown if event.must_understand => Outcome::UpgradeNeeded,
        EventKind::Unknown => applied(Vec::new()),
    })
}

/// Decides an implementation once the uniform matter that it names is known; also what waited is decided here.
pub fn implementation<'a>(
    position: Position,
    item: &'a Implementation,
    version: Version,
    uniform: &Uniform,
) -> Outcome<'a> {
    if item.region != position.region {
        return void(Void::OtherRegion { found: item.region, needed: position.region });
    }
    let shown =
        |reason: Void| Outcome::Void { shown: Some(RowChange::VoidImplementation(item, reason.clone())), reason };
    match (version, uniform) {
        (Version::Taken, _) => void(Void::VersionExists),
        (Version::Waiting, _) | (Version::Free, Uniform::NotApplied) => applied(vec![RowChange::Waiting(item)]),
        (Version::Free, Uniform::Nothing) => shown(Void::MatterUnknown { named: item.province_position }),
        (Version::Free, Uniform::Matter(matter)) => match matter::check_uniform(matter, item) {
            Ok(()) => applied(vec![RowChange::Implementation(item)]),
            Err(differences) => {
                shown(Void::NotUniform(differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
            }
        },
    }
}

fn implementation_published<'a, E>(
    province: Region,
    position: Position,
    item: &'a Implementation,
    rows: &mut Rows<'_, E>,
) -> Result<Outcome<'a>, E> {
    let version = (rows.implementation)(item)?;
    let uniform = match item.province_position {
        Some(named) if named.region == province => (rows.uniform)(&named)?,
        _ => Uniform::Nothing,
    };
    Ok(implementation(position, item, version, &uniform))
}

fn issued<'a, E>(position: Position, issue: Issue<'a>, rows: &mut Rows<'_, E>) -> Result<Outcome<'a>, E> {
    let Issue { header, key_id } = issue;
    if header.issuing_region != position.region {
        return Ok(void(Void::OtherRegion { found: header.issuing_region, needed: position.region }));
    }
    if (rows.issued)(header.certificate_id.as_str())? {
        return Ok(void(Void::IdUsedTwice));
    }
    if !(rows.credential)(key_id)? {
        return Ok(void(Void::CredentialUnknown));
    }
    let mut changes = Vec::with_capacity(2);
    changes.push(RowChange::Issued { header, key_id });
    if let Some(previous) = &header.previous {
        let Some(state) = (rows.certificate)(previous.as_str())? else {
            return Ok(void(Void::CertificateUnknown));
        };
        let wrong = |needed| void(Void::NotNewestRevision { found: header.revision, previous: state.revision, needed });
        if state.replaced {
            return Ok(wrong("another one has followed it already"));
        }
        if state.revision.checked_add(1) != Some(header.revision) {
            return Ok(wrong("one more is needed"));
        }
        if let Err(error) = status::allowed(state.status, Status::Replaced, false) {
            return Ok(void(error.into()));
        }
        changes.push(RowChange::Replaced { certificate_id: previous.as_str(), by: header.certificate_id.as_str() });
    }
    Ok(applied(changes))
}

fn status_changed<'a, E>(
    position: Position,
    change: &'a StatusChange,
    rows: &mut Rows<'_, E>,
) -> Result<Outcome<'a>, E> {
    let Some(state) = (rows.certificate)(&change.certificate_id)? else {
        return Ok(void(Void::CertificateUnknown));
    };
    Ok(match check_change(&state, change) {
        Ok(()) if change.previous.region == position.region => applied(vec![RowChange::StatusChanged(change)]),
        Ok(()) => void(Void::OtherRegion { found: change.previous.region, needed: position.region }),
        Err(error) => void(error.into()),
    })
}

/// Does a change follow the chain? The publisher's own ledger asks before it writes one.
///
/// # Errors
/// [`status::Error`].
pub fn check_change(state: &CertificateState, change: &StatusChange) -> Result<(), status::Error> {
    if change.previous != state.newest_link {
        return Err(status::Error::ChainBroken { claimed: change.previous, found: state.newest_link });
    }
    if change.from != state.status {
        return Err(status::Error::FromMismatch { claimed: change.from, found: state.status });
    }
    status::allowed(change.from, change.to, change.restoring)
}

const fn applied(changes: Vec<RowChange<'_>>) -> Outcome<'_> {
    Outcome::Applied { changes, hint: Hint::None }
}

const fn void<'a>(reason: Void) -> Outcome<'a> {
    Outcome::Void { reason, shown: None }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
