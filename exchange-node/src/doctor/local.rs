//! What can be seen without a node: files, keys, trust, this machine's clock.

use super::{Check, Report, State, Subject, faults};
use crate::{
    clock::Clock,
    config::{Config, files},
    keys,
    net::Listener,
    random::Random,
    trust::Trust,
};
use ca_tools::seal_trust;
use exchange_core::chain::{Crl, Instant};
use std::{collections::BTreeSet, sync::Arc};

/// Largest CRL file that is read, in bytes.
const MAX_CRL_FILE: usize = 24 << 20;

/// Files that the configuration names.
pub(super) fn files(config: &Config, report: &mut Report) {
    let faults = files::faults(config);
    for fault in &faults {
        let subject = if fault.found.starts_with("mode ") { Subject::KeyMode } else { Subject::ConfigFiles };
        report.failed(subject, fault.to_string());
    }
    for fault in crate::licences::template_faults(config) {
        report.failed(Subject::ConfigFiles, fault.to_string());
    }
    for (subject, text) in [
        (Subject::ConfigFiles, "every file that it names is there"),
        (Subject::KeyMode, "private keys can be read by their owner alone"),
    ] {
        if !report.checks().iter().any(|check| check.subject == subject) {
            report.ok(subject, text);
        }
    }
}

/// Before the first start the address is nobody's.
pub(super) async fn listen(config: &Config, report: &mut Report) {
    let address = config.listen.grpc;
    match Listener::bind(address).await {
        Ok(_) => report.ok(Subject::Listen, format!("{address} can be listened on")),
        Err(error) => report.failed(Subject::Listen, format!("{address}: {error}")),
    }
}

/// Roots, bundle and CRLs by the files alone. None: no bundle is believed, and without one nothing else can be judged.
pub(super) fn trust(config: &Config, clock: &Clock, report: &mut Report) -> Option<Arc<Trust>> {
    let trust = match Trust::load(&config.trust, &[], clock.clone()) {
        Ok(trust) => trust,
        Err(error) => {
            let subject = match error.fault() {
                "BUNDLE_FROM_THE_FUTURE" => Subject::Clock,
                fault if fault.starts_with("CRL") => Subject::Crl,
                _ => Subject::Bundle,
            };
            report.add(Check {
                fault: error.fault().to_owned(),
                ..Check::new(subject, State::Failed, error.to_string())
            });
            return None;
        }
    };
    let now_ms = clock.now_ms();
    let snapshot = trust.snapshot();
    let bundle = snapshot.bundle();
    let (begin, end) = (bundle.issued_at_ms, bundle.expires_at_ms);
    let named =
        format!("bundle {}/{} of {}, until {}", bundle.series, bundle.number, bundle.trust_domain, Instant(end));
    if snapshot.verified_bundle().expired(now_ms) {
        let found = format!("{named}: it has ended, and writes and new peers are refused");
        report.add(Check { fault: "BUNDLE_EXPIRED".to_owned(), ..Check::new(Subject::Bundle, State::Failed, found) });
    } else if ageing(begin, end, now_ms) {
        report.warning(Subject::Bundle, format!("{named}: past two thirds of its life"));
    } else {
        report.ok(Subject::Bundle, named);
    }
    for found in crate::documents::unreadable(bundle) {
        let found = format!("CA behind seals, {found}: nobody is believed for it");
        report.warning(Subject::Bundle, found);
    }
    let region = config.node.region;
    match bundle.regions.get(&region) {
        None => report.failed(Subject::BundleRegion, format!("the bundle does not name region {region}")),
        Some(own) => {
            let name = format!("{}.{region}.{}", config.node.name, bundle.trust_domain);
            match own.nodes.iter().find(|node| node.server_name == name) {
                Some(node) => {
                    report.ok(Subject::BundleRegion, format!("other cities reach this node at {}", node.address));
                }
                None => report.failed(Subject::BundleRegion, format!("the bundle names no node {name}")),
            }
        }
    }
    Some(trust)
}

/// Keys and credentials, one by one. With the own credential its CA becomes known, and so that CA's CRL is proved.
pub(super) fn keys(config: &Config, trust: &Arc<Trust>, now_ms: u64, report: &mut Report) {
    for part in keys::parts(config, trust, now_ms, &Random::new()) {
        match part.outcome {
            // The files' modes were judged before.
            Err(keys::Error::Permissions { .. }) => {}
            Err(error) => {
                let fault = match &error {
                    keys::Error::Credential { source, .. } => source.fault(),
                    keys::Error::Another { .. } => "ANOTHER_S_CREDENTIAL",
                    keys::Error::File { .. } => "",
                    other => other.reason().code(),
                };
                let found = format!("{}: {error}", part.setting);
                report.add(Check { fault: fault.to_owned(), ..Check::new(Subject::Key, State::Failed, found) });
            }
            Ok(None) => report.ok(Subject::Key, format!("{}: fits", part.setting)),
            // Every issue of a type with a template is refused then.
            Ok(Some((begin, end))) if part.setting.ends_with(".seal") && !(begin..=end).contains(&now_ms) => {
                let found = format!("{}: counts from {} to {}", part.setting, Instant(begin), Instant(end));
                let fault = exchange_core::reason::Reason::SealUnusable.code().to_owned();
                report.add(Check { fault, ..Check::new(Subject::Key, State::Failed, found) });
            }
            Ok(Some((begin, end))) => {
                report.ok(Subject::Key, format!("{}: believed, and its key fits", part.setting));
                life(&part.setting, begin, end, now_ms, report);
            }
        }
    }
    kafka_credential(config, now_ms, report);
}

fn life(what: &str, begin: u64, end: u64, now_ms: u64, report: &mut Report) {
    let days = end.saturating_sub(now_ms) / 86_400_000;
    let found = format!("{what}: until {}, {days} days", Instant(end));
    if ageing(begin, end, now_ms) {
        report.warning(Subject::KeyLife, format!("{found}: past two thirds of its life"));
    } else {
        report.ok(Subject::KeyLife, found);
    }
}

/// Kafka has a CA of its own, which is not judged here; the dates are.
fn kafka_credential(config: &Config, now_ms: u64, report: &mut Report) {
    let Some(path) = config.kafka.as_ref().and_then(|kafka| kafka.certificate.as_ref()) else { return };
    let read = ca_tools::files::read(path, 64 << 10)
        .and_then(|bytes| ca_tools::files::blocks(&bytes, ca_tools::files::CERTIFICATE, "kafka.certificate"));
    let blocks = match read {
        Ok(blocks) => blocks,
        Err(error) => return report.failed(Subject::Key, format!("kafka.certificate: {error}")),
    };
    let parsed = blocks.first().and_then(|der| x509_parser::parse_x509_certificate(der).ok());
    let Some((_, parsed)) = parsed else {
        return report.failed(Subject::Key, "kafka.certificate: no certificate in it".to_owned());
    };
    let ms = |seconds: i64| u64::try_from(seconds).unwrap_or_default().saturating_mul(1_000);
    let (begin, end) = (ms(parsed.validity().not_before.timestamp()), ms(parsed.validity().not_after.timestamp()));
    if now_ms > end {
        let found = format!("kafka.certificate: ended at {}", Instant(end));
        report.add(Check { fault: "EXPIRED".to_owned(), ..Check::new(Subject::Key, State::Failed, found) });
    } else {
        life("kafka.certificate", begin, end, now_ms, report);
    }
}

/// Every CRL in the files, and every CA of the bundle for which none is there.
pub(super) fn crls(config: &Config, trust: &Trust, now_ms: u64, report: &mut Report) {
    let snapshot = trust.snapshot();
    let proven: BTreeSet<&[u8]> = snapshot.crls().proven().map(|(_, crl)| crl.der.as_slice()).collect();
    let grace_ms = snapshot.crl_grace_ms();
    let mut unseen = 0;
    for path in &config.trust.crls {
        let read = ca_tools::files::read(path, MAX_CRL_FILE)
            .and_then(|bytes| ca_tools::files::blocks(&bytes, ca_tools::files::CRL, &path.display().to_string()));
        // What does not read was refused by Trust::load before.
        for der in read.unwrap_or_default() {
            let Ok(crl) = Crl::parse(&der) else { continue };
            let named = format!("CRL {} of \"{}\", next by {}", crl.number, crl.issuer, Instant(crl.next_update_ms));
            let known = proven.contains(der.as_slice());
            if crl.is_stale(now_ms, grace_ms) {
                let found = format!("{named}: past it, and its CA's callers are refused");
                let fault = "CRL_EXPIRED".to_owned();
                report.add(Check { fault, ..Check::new(Subject::Crl, State::Failed, found) });
            } else if crl.is_stale(now_ms, 0) {
                report
                    .warning(Subject::Crl, format!("{named}: past it; it counts for {} h more", grace_ms / 3_600_000));
            } else if crl.is_ageing(now_ms) {
                report.warning(Subject::Crl, format!("{named}: past two thirds of its life"));
            } else if known {
                report.ok(Subject::Crl, named);
            } else {
                report.not_proved(Subject::Crl, None, format!("{named}: its CA's certificate was not seen here yet"));
            }
            unseen += usize::from(!known);
        }
    }
    let proven: BTreeSet<&[u8; 32]> = snapshot.crls().proven().map(|(ca, _)| ca).collect();
    let cas = snapshot.bundle().regions.values().flat_map(|region| &region.ca_spki_sha256);
    let without = cas.filter(|ca| !proven.contains(ca)).count();
    if without > unseen {
        let found = format!("{} CAs of the bundle have no CRL here: their callers are refused", without - unseen);
        let fault = "CRL_MISSING".to_owned();
        report.add(Check { fault, ..Check::new(Subject::Crl, State::Failed, found) });
    }
}

/// The folder as a reload would read it. Without a CRL documents are judged, and none is VALID: a warning.
pub(super) fn seal_crls(config: &Config, trust: &Trust, now_ms: u64, report: &mut Report) {
    let snapshot = trust.snapshot();
    let bundle = snapshot.bundle();
    let believed = bundle.seal_anchors.len()
        + [&bundle.seal_trust.makers, &bundle.seal_trust.signers, &bundle.seal_trust.time_stamps]
            .map(Vec::len)
            .iter()
            .sum::<usize>();
    let Some(folder) = &config.trust.seal_crls else {
        if believed > 0 {
            let found = "no trust.seal_crls: a sealed document is REVOCATION_UNKNOWN at best";
            report.warning(Subject::SealCrl, found.to_owned());
        }
        return;
    };
    let crls = match seal_trust::crls(folder) {
        Ok(crls) => crls,
        // A folder that is not there was named with the files.
        Err(error) => return report.failed(Subject::SealCrl, format!("trust.seal_crls: {error}")),
    };
    if crls.is_empty() && believed > 0 {
        let found = format!("{}: no CRL: a sealed document is REVOCATION_UNKNOWN at best", folder.display());
        report.warning(Subject::SealCrl, found);
    }
    for crl in &crls {
        let named = format!("seal CRL of \"{}\", next by {}", crl.issuer, crl.next_update);
        if crl.is_stale(Instant(now_ms), 0) {
            report.warning(Subject::SealCrl, format!("{named}: past it, and does not count"));
        } else if ageing(crl.this_update.0, crl.next_update.0, now_ms) {
            report.warning(Subject::SealCrl, format!("{named}: past two thirds of its life"));
        } else {
            report.ok(Subject::SealCrl, named);
        }
    }
}

/// A moment that others have signed cannot lie ahead.
pub(super) fn clock(trust: &Trust, now_ms: u64, report: &mut Report) {
    let snapshot = trust.snapshot();
    let crls = snapshot.crls().proven().map(|(_, crl)| (crl.this_update_ms, "a CRL was issued"));
    let bundle = (snapshot.bundle().issued_at_ms, "the trust bundle was issued");
    let (newest, what) = crls.chain([bundle]).max().unwrap_or(bundle);
    let found = format!("it is {}; {what} at {}", Instant(now_ms), Instant(newest));
    if newest > now_ms.saturating_add(crate::indexer::CLOCK_ALARM_MS) {
        report.failed(Subject::Clock, format!("{found}: this clock is behind"));
    } else {
        report.ok(Subject::Clock, found);
    }
}

/// Past two thirds of a life.
pub(super) const fn ageing(begin_ms: u64, end_ms: u64, now_ms: u64) -> bool {
    now_ms >= begin_ms.saturating_add(end_ms.saturating_sub(begin_ms) / 3 * 2)
}

/// A fault's name where the catalogue knows it, for what a node answers.
pub(super) fn known(fault: &str) -> String {
    if faults::cure(fault).is_some() { fault.to_owned() } else { String::new() }
}
