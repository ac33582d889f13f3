//! Status of a certificate: the internal set, who may change it, and the chain of changes.
//!
//! Rules: data model, "Status". A status turns back to [`Status::Active`] from a final one only by a restoring
//! decision, as a new link of the chain.

use crate::{date::Date, issuer::Issuer, position::Position};

/// What a certificate is worth, besides its dates. Numbers are those of the wire and of store rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Status {
    /// Issued, in force later.
    NotYetActive = 1,
    /// In force.
    Active = 2,
    /// 暂扣.
    Suspended = 3,
    /// 受限.
    Restricted = 4,
    /// 已换发/补发: a newer revision stands in its place.
    Replaced = 5,
    /// 撤回.
    Rescinded = 6,
    /// 撤销.
    Annulled = 7,
    /// 吊销.
    Revoked = 8,
    /// 注销.
    Cancelled = 9,
    /// 转出.
    TransferredOut = 10,
    /// Past its last day; derived from dates, never stored.
    Expired = 11,
}

impl Status {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::NotYetActive,
        Self::Active,
        Self::Suspended,
        Self::Restricted,
        Self::Replaced,
        Self::Rescinded,
        Self::Annulled,
        Self::Revoked,
        Self::Cancelled,
        Self::TransferredOut,
        Self::Expired,
    ];

    /// From its number; `None` for unspecified and unknown ones.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|status| *status as i32 == number)
    }

    /// The word used in `.proto`, CLI and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotYetActive => "NOT_YET_ACTIVE",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Restricted => "RESTRICTED",
            Self::Replaced => "REPLACED",
            Self::Rescinded => "RESCINDED",
            Self::Annulled => "ANNULLED",
            Self::Revoked => "REVOKED",
            Self::Cancelled => "CANCELLED",
            Self::TransferredOut => "TRANSFERRED_OUT",
            Self::Expired => "EXPIRED",
        }
    }

    /// The word for a clerk.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotYetActive => "未生效",
            Self::Active => "有效",
            Self::Suspended => "暂扣",
            Self::Restricted => "受限",
            Self::Replaced => "已换发",
            Self::Rescinded => "撤回",
            Self::Annulled => "撤销",
            Self::Revoked => "吊销",
            Self::Cancelled => "注销",
            Self::TransferredOut => "转出",
            Self::Expired => "过期",
        }
    }

    /// Ended by a decision; back to [`Self::Active`] only by a restoring one.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Replaced | Self::Rescinded | Self::Annulled | Self::Revoked | Self::Cancelled | Self::TransferredOut
        )
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Who makes a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Authority {
    /// The issuing body.
    Issuer = 1,
    /// The supervising body.
    Supervisor = 2,
    /// The body that took over.
    Successor = 3,
    /// By order of a court.
    CourtOrder = 4,
}

impl Authority {
    /// From its number on the wire.
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::Issuer),
            2 => Some(Self::Supervisor),
            3 => Some(Self::Successor),
            4 => Some(Self::CourtOrder),
            _ => None,
        }
    }
}

/// A link of the chain, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// Of which certificate.
    pub certificate_id: String,
    /// What it was.
    pub from: Status,
    /// What it becomes.
    pub to: Status,
    /// The type's own code.
    pub status_code: String,
    /// First day on which it holds.
    pub effective_on: Date,
    /// Day of the decision.
    pub decided_on: Date,
    /// Who decided.
    pub deciding_body: Issuer,
    /// 文号; may be empty where the type does not ask for one.
    pub document_number: String,
    /// Free text without personal data, at most 512 bytes.
    pub reason: String,
    /// The previous link: the issue itself, or the last change.
    pub previous: Position,
    /// In which capacity.
    pub authority: Authority,
    /// 复议, 判决, 更正.
    pub restoring: bool,
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The table does not allow it.
    #[error("a certificate that is {from} cannot become {to}{hint}")]
    NotAllowed {
        /// Found.
        from: Status,
        /// Wanted.
        to: Status,
        /// What would make it possible.
        hint: &'static str,
    },
    /// `from` is not what the certificate is.
    #[error("the change starts from {claimed}, the certificate is {found}")]
    FromMismatch {
        /// What the change says.
        claimed: Status,
        /// What the chain says.
        found: Status,
    },
    /// The change does not hang on the newest link.
    #[error("the change follows {claimed}, the newest link is {found}")]
    ChainBroken {
        /// What the change says.
        claimed: Position,
        /// What the chain says.
        found: Position,
    },
}

/// May a certificate go from one status to another? `restoring` is a decision on review, a judgment or a correction.
pub fn allowed(from: Status, to: Status, restoring: bool) -> Result<(), Error> {
    use Status::{
        Active, Annulled, Cancelled, Expired, NotYetActive, Replaced, Rescinded, Restricted, Revoked, Suspended,
        TransferredOut,
    };
    let refused = |hint| Err(Error::NotAllowed { from, to, hint });
    match (from, to) {
        (_, Expired) => refused(": expiry follows from the dates"),
        (a, b) if a == b => refused(": it is that already"),
        (_, NotYetActive) => refused(""),
        (Cancelled | Replaced, Active) | (Rescinded | Annulled | Revoked | TransferredOut, Active) if restoring => {
            Ok(())
        }
        (final_status, Active) if final_status.is_final() => refused(" without a restoring decision"),
        (_, Active) => Ok(()),
        (Rescinded | Annulled | Revoked, Cancelled) => Ok(()),
        (NotYetActive | Active | Suspended | Restricted, _) => Ok(()),
        _ => refused(""),
    }
}

/// The status on a day: the stored one, with the dates laid over it.
pub fn on_day(stored: Status, valid_from: Date, valid_until: Option<Date>, day: Date) -> Status {
    if stored.is_final() {
        return stored;
    }
    if day < valid_from {
        return Status::NotYetActive;
    }
    if valid_until.is_some_and(|last| last < day) {
        return Status::Expired;
    }
    match stored {
        Status::NotYetActive => Status::Active,
        other => other,
    }
}
