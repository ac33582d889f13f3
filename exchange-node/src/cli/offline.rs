//! `certificate verify` of an export: no node, no network, but a trust bundle and the pinned root.

use super::{
    Failure, Format, Profile,
    certificate::print_certificate,
    output::{instant, json, print, print_facts, print_json},
    verify::{print_checks, standing},
};
use crate::{clock::Clock, exit::Exit};
use ca_tools::files;
use exchange_core::{
    bundle::{Error as BundleError, Known, VerifiedBundle, limits},
    chain::{Authority, Basis, Crl, CrlSet, Error as ChainError, Roots, SignerStanding},
    date::Date,
    export::{Export, Genuine, InEffect, Report, verify},
    status::Status,
};
use exchange_proto::{
    bundle, certificate as convert,
    export::{MAX_FILE_BYTES, decode_file},
    v1,
};
use std::path::{Path, PathBuf};

/// Largest file with roots, in bytes.
const MAX_ROOTS: usize = 256 << 10;
/// Largest file with CRLs, in bytes: the largest CRL, as PEM.
const MAX_CRLS: usize = 24 << 20;
/// What is said where nobody pinned a root.
const NOT_PINNED: &str = "no root is pinned: the bundle's own root vouches for it; compare it and give --root";

/// Verifies a file.
pub(super) fn run(path: &Path, on_day: Option<Date>, profile: &Profile, format: Format) -> Result<Exit, Failure> {
    let trust = Trust::load(profile)?;
    let file = match files::read(path, MAX_FILE_BYTES) {
        Err(error @ ca_tools::Error::TooLarge { .. }) => Err(Report::failed("format", error.to_string(), false)),
        read => Ok(read?),
    };
    let export = file.and_then(|file| decode_file(&file));
    let (export, mut report) = match export {
        Err(report) => (None, report),
        Ok(export) => match &trust.bundle {
            Err(error) => (None, Report::failed("bundle", error.to_string(), false)),
            Ok(bundle) => {
                let report = verify(&export, &trust.basis(bundle));
                (Some(export), report)
            }
        },
    };
    if let (false, Some(genuine)) = (trust.pinned, &mut report.genuine) {
        genuine.warnings.push(NOT_PINNED.to_owned());
    }
    let today = Date::from_unix_ms(i64::try_from(trust.now_ms).unwrap_or(i64::MAX)).unwrap_or(Date::MAX);
    let answer = encode(&report, export.as_ref(), today, on_day);
    if format == Format::Json {
        print_json(&json("Verification", &answer)?)?;
    } else {
        show(&answer, &report)?;
    }
    Ok(exit(&answer))
}

/// What the verifier brings.
pub(super) struct Trust {
    roots: Roots,
    /// Given by somebody else than the bundle.
    pinned: bool,
    /// As a node would take it.
    pub(super) bundle: Result<VerifiedBundle, BundleError>,
    crls: CrlSet,
    now_ms: u64,
}

impl Trust {
    fn load(profile: &Profile) -> Result<Self, Failure> {
        let Some(path) = &profile.bundle else {
            return Err(Failure::usage(
                "no bundle: give --bundle, or a profile by --profile or EXCHANGE_PROFILE that names it",
            ));
        };
        Self::read(path, &profile.roots, &profile.crls, Clock::default().now_ms())
    }

    /// Bundle, pinned roots and CRLs from files. Without a root the bundle's own vouch for it.
    pub(super) fn read(path: &Path, roots: &[PathBuf], crls_at: &[PathBuf], now_ms: u64) -> Result<Self, Failure> {
        let bytes = files::read(path, limits::BYTES)?;
        let fault = |error: ChainError| Failure::new(Exit::Identity, error);
        let mut authorities = Vec::new();
        for path in roots {
            for der in blocks(path, MAX_ROOTS, files::CERTIFICATE)? {
                authorities.push(Authority::parse(&der).map_err(fault)?);
            }
        }
        let pinned = !authorities.is_empty();
        if !pinned {
            let candidate = bundle::read_signed(&bytes).map_err(|error| Failure::new(Exit::Identity, error))?;
            authorities = candidate.bundle.roots.iter().flat_map(|der| Authority::parse(der)).collect();
        }
        let roots = Roots::new(authorities).map_err(fault)?;
        let mut crls = CrlSet::new();
        for path in crls_at {
            for der in blocks(path, MAX_CRLS, files::CRL)? {
                match Crl::parse(&der).and_then(|crl| crls.add(crl, roots.authorities())) {
                    // One of a city's CA waits until its certificate is seen.
                    Ok(_) | Err(ChainError::CrlRolledBack { .. }) => {}
                    Err(error) => return Err(Failure::new(Exit::Identity, format!("{}: {error}", path.display()))),
                }
            }
        }
        let bundle = bundle::open_signed(&bytes, &roots, &crls, Known::default(), now_ms);
        Ok(Self { roots, pinned, bundle, crls, now_ms })
    }

    pub(super) fn basis<'a>(&'a self, bundle: &'a VerifiedBundle) -> Basis<'a> {
        Basis {
            roots: &self.roots,
            bundle: bundle.bundle(),
            crls: &self.crls,
            at_ms: self.now_ms,
            crl_grace_ms: 0,
            admit_stale_crl: true,
        }
    }
}

fn blocks(path: &Path, limit: usize, label: &str) -> Result<Vec<Vec<u8>>, Failure> {
    Ok(files::blocks(&files::read(path, limit)?, label, &path.display().to_string())?)
}

fn encode(report: &Report, export: Option<&Export>, today: Date, on_day: Option<Date>) -> v1::Verification {
    let genuine = report.genuine.as_deref();
    let verdict = match (genuine, report.unknown_version) {
        (Some(_), _) => v1::Verdict::Genuine,
        (None, true) => v1::Verdict::UnknownSchema,
        (None, false) => v1::Verdict::NotGenuine,
    };
    let checks = report.checks.iter().cloned().map(exchange_proto::export::encode_check);
    let mut answer = v1::Verification { verdict: verdict as i32, checks: checks.collect(), ..Default::default() };
    let (Some(genuine), Some(export)) = (genuine, export) else { return answer };
    let standing = |(change, status): (Option<&InEffect>, Status)| v1::Standing {
        status: status as i32,
        status_code: change.map(|change| change.status_code.clone()).unwrap_or_default(),
        effective_on: change.map(|change| convert::encode_date(change.effective_on)),
        as_of_ms: genuine.as_of_ms,
        // A file never knows what came later.
        freshness: v1::Freshness::Stale as i32,
        counts_as: v1::CountsAs::DataCheck as i32,
        freshness_note: "from an export: what came later is not known".to_owned(),
        ..Default::default()
    };
    answer.standing = Some(standing((genuine.changes.last(), genuine.status(today))));
    answer.standing_on_day = on_day.map(|day| standing(genuine.on_day(day)));
    answer.review_needed = matches!(genuine.signer, SignerStanding::ReviewNeeded(_));
    if let SignerStanding::GenuineSignerWithdrawnSince(ms) | SignerStanding::ReviewNeeded(ms) = genuine.signer {
        answer.signer_withdrawn_since = exchange_core::chain::Instant(ms).to_string();
    }
    answer.warnings.clone_from(&genuine.warnings);
    answer.certificate = Some(certificate(export, genuine, today));
    answer
}

fn certificate(export: &Export, genuine: &Genuine, today: Date) -> v1::Certificate {
    let newest = genuine.changes.last();
    v1::Certificate {
        status: genuine.status(today) as i32,
        status_code: newest.map(|change| change.status_code.clone()).unwrap_or_default(),
        disclosures: export.disclosures.iter().cloned().map(convert::encode_disclosure).collect(),
        ..convert::encode_certificate(&export.header, genuine.position)
    }
}

fn show(answer: &v1::Verification, report: &Report) -> Result<(), Failure> {
    let verdict = match (&report.genuine, report.failure()) {
        (Some(genuine), _) => format!("genuine, status as of {}", instant(genuine.as_of_ms)),
        (None, Some(check)) if report.unknown_version => format!("not known: {}: {}", check.name, check.found),
        (None, Some(check)) => format!("not genuine: {}: {}", check.name, check.found),
        (None, None) => "not genuine".to_owned(),
    };
    let mut facts = vec![
        ("verdict", verdict),
        ("status", answer.standing.as_ref().map(standing).unwrap_or_default()),
        ("on that day", answer.standing_on_day.as_ref().map(standing).unwrap_or_default()),
        ("signer withdrawn since", answer.signer_withdrawn_since.clone()),
    ];
    if let Some(genuine) = &report.genuine {
        facts.push(("signed by", instant(genuine.signed_ms)));
        facts.push(("exported", instant(genuine.exported_ms)));
    }
    if answer.certificate.as_ref().is_some_and(|one| one.environment() == v1::Environment::Exercise) {
        facts.push(("note", "made in an exercise (演练): it counts for nothing outside of it".to_owned()));
    }
    facts.extend(answer.warnings.iter().map(|warning| ("warning", warning.clone())));
    print_facts(&facts)?;
    print("")?;
    print_checks(answer)?;
    match &answer.certificate {
        None => Ok(()),
        Some(certificate) => {
            print("")?;
            print_certificate(certificate, Format::Table)
        }
    }
}

/// 0: genuine and in force as of the export; with a day, on that day. 10: the same, and something weakens it. 11: a check
/// failed, or it is not in force.
fn exit(answer: &v1::Verification) -> Exit {
    let asked = answer.standing_on_day.as_ref().or(answer.standing.as_ref());
    let in_force = asked.is_some_and(|standing| standing.status() == v1::Status::Active);
    match (answer.verdict() == v1::Verdict::Genuine && in_force, answer.warnings.is_empty()) {
        (false, _) => Exit::CheckFailed,
        (true, false) => Exit::Warnings,
        (true, true) => Exit::Ok,
    }
}
