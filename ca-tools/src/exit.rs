//! Exit codes of `ca-tools` and `exchange-node`. Scripts may rely on them.

use exchange_core::reason::{Code, Reason};

/// What a script sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Failed, for none of the reasons below.
    Failed = 1,
    /// Arguments, configuration or contents that cannot be used as they are.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// A credential or key is not what it must be, or names nobody that is known.
    Identity = 4,
    /// Known, and not allowed: by policy, by law, or by the state of a certificate.
    Refused = 5,
    /// Against what is there.
    Conflict = 6,
    /// Not now: the same command, given again later, may succeed.
    Unavailable = 7,
    /// Done, or checked, with warnings; of an import: some rows were rejected.
    Warnings = 10,
    /// Checks failed.
    CheckFailed = 11,
}

impl Exit {
    /// All of them, by number.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::NotFound,
        Self::Identity,
        Self::Refused,
        Self::Conflict,
        Self::Unavailable,
        Self::Warnings,
        Self::CheckFailed,
    ];

    /// The word that stands for a reason where the catalogue of reasons has no finer one.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Failed => "FAILED",
            Self::Usage => "USAGE",
            Self::NotFound => "NOT_FOUND",
            Self::Identity => "IDENTITY",
            Self::Refused => "REFUSED",
            Self::Conflict => "CONFLICT",
            Self::Unavailable => "UNAVAILABLE",
            Self::Warnings => "WARNINGS",
            Self::CheckFailed => "CHECK_FAILED",
        }
    }

    /// What it means and what to do, in English and Chinese, for `docs/errors.md`.
    pub const fn meaning(self) -> (&'static str, &'static str) {
        match self {
            Self::Ok => ("done", "已完成"),
            Self::Failed => (
                "the command failed for none of the other reasons; the text says where: a disk, a terminal, the system",
                "命令因其他原因失败，文字中注明出处",
            ),
            Self::Usage => (
                "arguments, configuration or contents cannot be used as they are; correct what is named, `--help` has examples",
                "参数、配置或内容有误，请按提示更正，可用--help查看示例",
            ),
            Self::NotFound => ("there is no such thing; compare the name", "所指对象不存在，请核对名称"),
            Self::Identity => (
                "a credential or key is not what it must be, or names nobody that is known; `doctor` names the fault",
                "凭证或密钥不符合要求，或身份未知，可用doctor查明",
            ),
            Self::Refused => (
                "known, and not allowed: by policy, by law, or by the state of a certificate",
                "身份已知但不予准许：策略、法规或证照状态不允许",
            ),
            Self::Conflict => (
                "against what is there; nothing is ever overwritten: choose another name, or move the old one away",
                "与已有内容冲突；不覆盖任何文件，请另取名称或先移走原文件",
            ),
            Self::Unavailable => {
                ("not now: the same command, given again later, may succeed", "暂时不可用，稍后重试同一命令即可")
            }
            Self::Warnings => (
                "done, or checked, with warnings; of an import: some rows were rejected",
                "已完成或已检查，但有警告；导入时表示有行被拒绝",
            ),
            Self::CheckFailed => ("checks failed; each says its cure", "检查未通过，每项均注明处理办法"),
        }
    }

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// For a stable reason. The only place that says which reason ends in which code.
    pub fn of_reason(reason: Reason) -> Self {
        match reason {
            Reason::KeyPermissions | Reason::KeyMismatch | Reason::BundleInvalid | Reason::BundleForeign => {
                Self::Identity
            }
            _ => Self::of_code(reason.info().grpc as i32),
        }
    }

    /// For a gRPC status code without a reason that this release knows.
    pub const fn of_code(code: i32) -> Self {
        const INVALID_ARGUMENT: i32 = Code::InvalidArgument as i32;
        const OUT_OF_RANGE: i32 = Code::OutOfRange as i32;
        const DEADLINE_EXCEEDED: i32 = Code::DeadlineExceeded as i32;
        const RESOURCE_EXHAUSTED: i32 = Code::ResourceExhausted as i32;
        const UNAVAILABLE: i32 = Code::Unavailable as i32;
        const NOT_FOUND: i32 = Code::NotFound as i32;
        const ALREADY_EXISTS: i32 = Code::AlreadyExists as i32;
        const ABORTED: i32 = Code::Aborted as i32;
        const PERMISSION_DENIED: i32 = Code::PermissionDenied as i32;
        const FAILED_PRECONDITION: i32 = Code::FailedPrecondition as i32;
        const UNAUTHENTICATED: i32 = Code::Unauthenticated as i32;
        match code {
            0 => Self::Ok,
            INVALID_ARGUMENT | OUT_OF_RANGE => Self::Usage,
            DEADLINE_EXCEEDED | RESOURCE_EXHAUSTED | UNAVAILABLE => Self::Unavailable,
            NOT_FOUND => Self::NotFound,
            ALREADY_EXISTS | ABORTED => Self::Conflict,
            PERMISSION_DENIED | FAILED_PRECONDITION => Self::Refused,
            UNAUTHENTICATED => Self::Identity,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable() {
        let all = [
            (Exit::Ok, 0),
            (Exit::Failed, 1),
            (Exit::Usage, 2),
            (Exit::NotFound, 3),
            (Exit::Identity, 4),
            (Exit::Refused, 5),
            (Exit::Conflict, 6),
            (Exit::Unavailable, 7),
            (Exit::Warnings, 10),
            (Exit::CheckFailed, 11),
        ];
        for (exit, number) in all {
            assert_eq!(exit.code(), number);
        }
    }

    #[test]
    fn reasons_end_in_the_code_that_a_script_expects() {
        for (reason, exit) in [
            (Reason::CheckDigitWrong, Exit::Usage),
            (Reason::CertificateNotFound, Exit::NotFound),
            (Reason::CredentialWithdrawn, Exit::Identity),
            (Reason::KeyPermissions, Exit::Identity),
            (Reason::NotAHolder, Exit::Refused),
            (Reason::StatusChangeNotAllowed, Exit::Refused),
            (Reason::VersionExists, Exit::Conflict),
            (Reason::OutcomeUnknown, Exit::Unavailable),
            (Reason::Internal, Exit::Failed),
        ] {
            assert_eq!(Exit::of_reason(reason), exit, "{reason}");
        }
    }
}
