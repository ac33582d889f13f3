//! The catalogue of stable reasons: why something was refused or failed, in words for programs, clerks and operators.
//!
//! A reason, once released, keeps its word and its meaning. Error catalogue, gRPC codes and the texts for clerks come from
//! this one table; its rows stand in `reason/`, in the order of [`Reason`].

mod certificate;
mod node;
mod question;
mod request;
#[cfg(test)]
mod tests;
mod trust;

/// gRPC status codes that this system answers with (gRPC core, "Status codes"); the numbers are those on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// The request is wrong, whatever the state.
    InvalidArgument = 3,
    /// The caller's time was over.
    DeadlineExceeded = 4,
    /// There is no such thing.
    NotFound = 5,
    /// It is there already, and is not the same.
    AlreadyExists = 6,
    /// Known, and not allowed.
    PermissionDenied = 7,
    /// Too much at once.
    ResourceExhausted = 8,
    /// The state does not allow it.
    FailedPrecondition = 9,
    /// Somebody else was first.
    Aborted = 10,
    /// Past the end.
    OutOfRange = 11,
    /// Not offered.
    Unimplemented = 12,
    /// A fault of this node.
    Internal = 13,
    /// Not now.
    Unavailable = 14,
    /// What came does not verify.
    DataLoss = 15,
    /// Not known.
    Unauthenticated = 16,
}

/// What the catalogue says about a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonInfo {
    /// Which.
    pub reason: Reason,
    /// Stable word, upper snake case.
    pub code: &'static str,
    /// What the call answers.
    pub grpc: Code,
    /// May the same request, sent again, be answered otherwise without anybody changing it?
    pub retryable: bool,
    /// What it means.
    pub en: &'static str,
    /// What it means, for a clerk.
    pub zh: &'static str,
    /// What to do.
    pub cure_en: &'static str,
    /// What to do, for a clerk.
    pub cure_zh: &'static str,
}

/// Why something was refused or failed. New ones are added at will; none is renamed or given another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    // request.rs
    /// A check character does not fit the rest of the code.
    CheckDigitWrong,
    /// A required field is missing or empty.
    FieldMissing,
    /// The certificate type has no such field.
    FieldUnknown,
    /// A field does not have the form that is asked for.
    FieldInvalid,
    /// A field is longer than allowed.
    FieldTooLong,
    /// A field is given twice.
    FieldRepeated,
    /// There are more fields than a certificate may have.
    TooManyFields,
    /// The values of the certificate are too large together.
    ValuesTooLarge,
    /// More files are sent than a certificate may be issued with.
    TooManyFiles,
    /// A file is larger than allowed.
    FileTooLarge,
    /// A file is sent with a certificate that another city keeps.
    FileKeptElsewhere,
    /// A text holds a control character or one that turns the direction of writing.
    ControlCharacter,
    /// Dates are the wrong way round.
    DatesOutOfOrder,
    /// An identity number stands where none may be.
    IdentityNumberNotAllowed,
    /// The call has no request id.
    RequestIdMissing,
    /// The request id is no UUIDv7.
    RequestIdInvalid,
    /// The request id is older than 89 days, or its time lies ahead.
    RequestIdTooOld,
    /// The request id was used for another request.
    RequestIdReused,
    /// The page token is not one that this list gave.
    PageTokenInvalid,
    /// The page size is not between 1 and 1,000.
    PageSizeInvalid,
    /// The log has no such position.
    PositionOutOfRange,
    /// A message or record is larger than allowed.
    MessageTooLarge,
    /// A message or record cannot be decoded.
    MessageUndecodable,
    /// The file lacks a column that import needs.
    ColumnMissing,
    /// The file is neither UTF-8 nor GB18030.
    EncodingInvalid,
    /// The row asks for an operation that import does not do.
    ImportOperationNotAllowed,
    /// The row was imported before with other contents.
    ImportRowChanged,
    /// No byte of the document came.
    DocumentEmpty,
    /// The document is larger than is read.
    DocumentTooLarge,
    /// The document came slower than the node waits for.
    DocumentTooSlow,
    /// The parts of the stream are not in the order that is asked for.
    DocumentOutOfOrder,
    // certificate.rs
    /// The certificate type is not known here.
    TypeUnknown,
    /// There is no such certificate.
    CertificateNotFound,
    /// The certificate identifier is in use.
    CertificateExists,
    /// The certificate stands in another city's log.
    NotOwnCertificate,
    /// The calling system does not act for this department or type.
    IssuerNotCallers,
    /// The certificate identifier is not written as GB/T 36904 asks.
    AlienCertificateId,
    /// Version 999 is the last that an identifier can carry.
    VersionsExhausted,
    /// The certificate was revised or changed by somebody else meanwhile.
    RevisionConflict,
    /// The certificate's status does not allow this change.
    StatusChangeNotAllowed,
    /// The change does not follow the newest change of this certificate.
    StatusChainBroken,
    /// The type does not let this body make this change.
    StatusAuthorityNotAllowed,
    /// The change needs the number of its decision.
    DocumentNumberMissing,
    /// The node has no signing key for this department.
    SigningKeyMissing,
    /// An exercise certificate was met in production, or the other way round.
    EnvironmentMismatch,
    /// The certificate is written in a format that this release cannot read.
    UnknownSchema,
    /// The certificate's signature, credential or place in the log did not verify.
    NotGenuine,
    /// The credential of the certificate's signer has not been seen.
    SignerUnknown,
    /// The signer's credential had been withdrawn when the certificate was signed.
    SignerWithdrawn,
    /// The certificate's values were erased by law.
    ValuesErased,
    /// The certificate has no file of this number.
    FileUnknown,
    /// The custodian's copy of the file is missing or altered.
    FileDamaged,
    /// There is no copy for one use to be made of this certificate.
    CopyNotMakeable,
    /// This node cannot tell whether the copy for one use is genuine.
    CopyNotVerified,
    /// Only the province publishes this.
    NotProvince,
    /// The implementation is not uniform with the province's matter.
    NotUniform,
    /// This version was published with other contents.
    VersionExists,
    /// There is no such version.
    VersionUnknown,
    /// The certificate's document cannot be written with these values.
    LicenceNotWritable,
    /// The department's seal cannot be put on the certificate's document.
    SealUnusable,
    // question.rs
    /// The matter, or the responsible region's implementation, is not known in this version.
    MatterUnknown,
    /// The use scenario is not published.
    UseScenarioUnknown,
    /// The question names neither matter nor use scenario.
    PurposeMissing,
    /// The province's log has not been applied here as far as the implementation names.
    ProvinceBehind,
    /// The asking region is not responsible for the matter, no delegate in force, and may not collect it.
    RegionNotCompetent,
    /// The party is not a holder of the certificate.
    NotAHolder,
    /// The matter does not allow this relation of the party to the applicant.
    RelationNotAllowed,
    /// The type is shared on conditions, and its source department has not approved this matter.
    NotApproved,
    /// The type is not shared.
    NotShared,
    /// The matter needs none of the fields that were asked for.
    NoFieldNeeded,
    /// The matter needs values of the certificate, and not its document.
    NoFileNeeded,
    /// Certificates of this type are not found by holder.
    NotDiscoverable,
    /// The question is not proved to stand in the asking city's access log.
    QuestionProofInvalid,
    /// The question's time differs from this node's by more than ten minutes.
    QuestionStale,
    /// The question is of another region than the node that brings it.
    QuestionIdentityMismatch,
    /// The question has no id.
    QuestionIdMissing,
    /// The question's id is no UUIDv7.
    QuestionIdInvalid,
    /// The question's id was used for another question.
    QuestionIdReused,
    /// The question names no case.
    CaseMissing,
    /// The number is neither a case number nor a receipt number.
    CaseNumberInvalid,
    /// The party's code, code type or relation is missing or wrong.
    PartyInvalid,
    /// The question names no basis.
    BasisMissing,
    /// The basis needs a piece of evidence.
    EvidenceMissing,
    /// The question names no clerk.
    ClerkMissing,
    /// A purpose text or staff number holds an identity or mobile number.
    PurposeHasPersonalData,
    /// This clerk has searched more than the limit allows.
    ClerkLimitReached,
    /// The other city's answer did not verify against its signed certificate or its log.
    AnswerInvalid,
    // trust.rs
    /// The caller's credential names nobody that this node knows.
    CallerUnknown,
    /// The caller may not make this call.
    CallerNotAllowed,
    /// The credential does not verify.
    CredentialInvalid,
    /// The credential is expired or not yet valid.
    CredentialExpired,
    /// The credential was withdrawn.
    CredentialWithdrawn,
    /// The credential was issued for another purpose.
    CredentialWrongPurpose,
    /// A private key can be read by others.
    KeyPermissions,
    /// A private key does not belong to its credential.
    KeyMismatch,
    /// The index key that the trust bundle names is not loaded.
    IndexKeyMissing,
    /// A certificate revocation list is past its next update.
    CrlStale,
    /// A certificate revocation list does not verify or is older than the one held.
    CrlInvalid,
    /// The node has no trust bundle.
    BundleMissing,
    /// The trust bundle does not verify or contradicts itself.
    BundleInvalid,
    /// The trust bundle is past its expiry.
    BundleExpired,
    /// The trust bundle is of another trust domain, province or root.
    BundleForeign,
    /// A newer trust bundle is held already.
    BundleOld,
    // node.rs
    /// A setting has a value that it cannot have.
    ConfigInvalid,
    /// The configuration has an unknown key.
    ConfigKeyUnknown,
    /// The commit failed, and whether it was carried out is not known.
    OutcomeUnknown,
    /// Free disk space is below the limit.
    NoSpace,
    /// The node reads and does not write.
    ReadOnly,
    /// The node is stopping.
    Draining,
    /// The node has more work than it can take.
    Overloaded,
    /// The caller has used up its rate.
    RateLimited,
    /// The time that the caller gave was over.
    DeadlineExceeded,
    /// The other city's node does not answer.
    PeerUnavailable,
    /// The trust bundle names no node of that region.
    PeerUnknown,
    /// The region is not part of this trust domain.
    RegionUnknown,
    /// Nothing new has come from the region for longer than the limit.
    RegionStale,
    /// The region's log contradicts itself, and its feed is stopped.
    RegionUntrusted,
    /// The region's log holds entries that this release cannot read and must not skip.
    UpgradeNeeded,
    /// The key of a checkpoint is not in the trust bundle for that position.
    LogKeyUnknown,
    /// A checkpoint's signature or form is wrong.
    CheckpointInvalid,
    /// A segment came by another region's topic.
    SegmentWrongRegion,
    /// A carrier changed entries under a genuine checkpoint.
    SegmentAltered,
    /// A city signed two histories that contradict each other.
    LogForked,
    /// What is to be recorded does not fit into one entry.
    EntryTooLarge,
    /// An entry breaks the rules of its log and is void.
    EntryInvalid,
    /// This release does not offer the call.
    NotImplemented,
    /// The node met a fault of its own.
    Internal,
}

/// All rows, in the order of [`Reason`], so that a reason is its own index.
const TABLE: [ReasonInfo; Reason::COUNT] = joined();

impl Reason {
    /// How many there are.
    pub const COUNT: usize =
        request::ROWS.len() + certificate::ROWS.len() + question::ROWS.len() + trust::ROWS.len() + node::ROWS.len();

    /// All of them, in order.
    pub const ALL: [Self; Self::COUNT] = {
        let mut all = [Self::Internal; Self::COUNT];
        let mut at = 0;
        while at < all.len() {
            all[at] = TABLE[at].reason;
            at += 1;
        }
        all
    };

    /// What the catalogue says about it.
    pub fn info(self) -> &'static ReasonInfo {
        static ROWS: [ReasonInfo; Reason::COUNT] = TABLE;
        &ROWS[self as usize]
    }

    /// Stable word, upper snake case.
    pub fn code(self) -> &'static str {
        self.info().code
    }

    /// From its stable word; `None` for one of a later release.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// The stable word.
impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

const fn joined() -> [ReasonInfo; Reason::COUNT] {
    let parts: [&[ReasonInfo]; 5] = [&request::ROWS, &certificate::ROWS, &question::ROWS, &trust::ROWS, &node::ROWS];
    let mut table = [request::ROWS[0]; Reason::COUNT];
    let (mut at, mut part) = (0, 0);
    while part < parts.len() {
        let mut row = 0;
        while row < parts[part].len() {
            table[at] = parts[part][row];
            // A row out of place does not compile.
            assert!(table[at].reason as usize == at, "rows stand in the order of the enum");
            at += 1;
            row += 1;
        }
        part += 1;
    }
    table
}
