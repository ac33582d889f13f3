//! What the running node says of itself to an operator.

use super::{Check, Node, Report, State, Subject, local};
use crate::{indexer::CLOCK_ALARM_MS, peers, rpc::status};
use exchange_core::{chain::Instant, region::Region};
use exchange_proto::v1::{self, admin_service_client::AdminServiceClient};
use std::collections::BTreeMap;
use tonic::transport::Channel;

/// Refused handshakes that are older say nothing about now, in milliseconds.
const LATELY_MS: u64 = 3_600_000;

/// A node that answers, and its status.
pub(super) struct Running {
    client: AdminServiceClient<Channel>,
    status: v1::NodeStatus,
}

/// Asks for the status. None: it cannot be had, and the report says why.
pub(super) async fn ask(node: Node, report: &mut Report) -> Option<Running> {
    let channel = match node {
        Node::NotAsked => {
            report.not_proved(Subject::NodeAnswers, None, "not asked: --profile names an operator's profile");
            return None;
        }
        Node::Silent(why) => {
            report.failed(Subject::NodeAnswers, why);
            return None;
        }
        Node::Answers(channel) => channel,
    };
    let mut client = AdminServiceClient::new(channel);
    match client.get_status(v1::GetStatusRequest {}).await {
        Ok(answer) => {
            let status = answer.into_inner();
            let (since, name) = (Instant(status.started_at_ms), &status.name);
            report.ok(Subject::NodeAnswers, format!("{} {name} answers, since {since}", status.region));
            Some(Running { client, status })
        }
        Err(refused) => {
            let fault = status::reason_of(&refused).unwrap_or_default();
            let found = refused.message().to_owned();
            report.add(Check { fault, ..Check::new(Subject::NodeAnswers, State::Failed, found) });
            None
        }
    }
}

impl Running {
    /// The node's name.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.status.region, self.status.name)
    }

    /// `installed`: the end of the credential in the configured file, Unix milliseconds.
    pub(super) async fn judge(
        &mut self,
        installed: Option<u64>,
        try_peers: &[Region],
        now_ms: u64,
        report: &mut Report,
    ) {
        self.current(installed, report);
        // What the files say stands in the report already; what is wrong in the process has to be said anyway.
        let told = installed.is_some();
        self.credentials(told, now_ms, report);
        let apart = self.status.now_ms.abs_diff(now_ms);
        if self.status.now_ms > 0 && apart > CLOCK_ALARM_MS {
            report
                .warning(Subject::Clock, format!("the node's clock and this machine's are {} s apart", apart / 1_000));
        }
        self.store(report);
        self.files(report);
        self.kafka(report);
        self.trust(told, now_ms, report);
        self.refusals(now_ms, report);
        self.regions(report);
        self.peers(try_peers, report).await;
    }

    fn current(&self, installed: Option<u64>, report: &mut Report) {
        let (runs, here) = (self.status.version.as_str(), env!("CARGO_PKG_VERSION"));
        let shown = self.status.credentials.first().map(|own| own.not_after_ms);
        match (installed, shown) {
            _ if runs != here => {
                report.warning(Subject::NodeCurrent, format!("the node runs release {runs}; this is {here}"));
            }
            (Some(installed), Some(shown)) if installed != shown => {
                let (shown, installed) = (Instant(shown), Instant(installed));
                let found =
                    format!("the node shows a credential until {shown}; the installed one is until {installed}");
                report.warning(Subject::NodeCurrent, found);
            }
            _ => report.ok(Subject::NodeCurrent, format!("it runs release {runs}")),
        }
    }

    fn credentials(&self, told: bool, now_ms: u64, report: &mut Report) {
        for one in &self.status.credentials {
            let found = format!("in the node: {}, until {}", one.id, Instant(one.not_after_ms));
            if now_ms > one.not_after_ms {
                let fault = "EXPIRED".to_owned();
                report.add(Check { fault, ..Check::new(Subject::KeyLife, State::Failed, found) });
            } else if local::ageing(one.not_before_ms, one.not_after_ms, now_ms) {
                report.warning(Subject::KeyLife, format!("{found}: past two thirds of its life"));
            } else if !told {
                report.ok(Subject::KeyLife, found);
            }
        }
    }

    fn store(&self, report: &mut Report) {
        let Self { status, .. } = self;
        if status.writable {
            report.ok(Subject::StoreWrites, format!("the node takes writes; {} certificates", status.certificates));
        } else {
            report.failed(Subject::StoreWrites, format!("the node takes none: {}", status.read_only_reason));
        }
        let (free, needed) = (status.free_bytes >> 20, status.free_bytes_needed >> 20);
        if free < needed {
            report.failed(Subject::StoreSpace, format!("the node has {free} MiB free, writes need {needed}"));
        }
    }

    fn files(&self, report: &mut Report) {
        let Some(files) = &self.status.kept_files else { return };
        for one in &files.named {
            let v1::DamagedFile { certificate_id, blob, fault } = one;
            let folder = blob.get(..2).unwrap_or_default();
            let found = format!("{fault}: blobs/{folder}/{blob} of certificate {certificate_id}");
            let fault = "FILE_DAMAGED".to_owned();
            report.add(Check { fault, ..Check::new(Subject::StoreFiles, State::Failed, found) });
        }
        let unnamed = files.damaged.saturating_sub(files.named.len() as u64);
        if unnamed > 0 {
            report.failed(Subject::StoreFiles, format!("{unnamed} more files are missing, altered or unreadable"));
        }
        if files.damaged == 0 && files.checked_at_ms == 0 {
            report.not_proved(Subject::StoreFiles, None, "the node has not read all of them yet");
        } else if files.damaged == 0 {
            let at = Instant(files.checked_at_ms);
            report.ok(Subject::StoreFiles, format!("{} kept files were read whole, last at {at}", files.checked));
        }
    }

    fn kafka(&self, report: &mut Report) {
        let Self { status, .. } = self;
        let Some(log) = status.events.as_ref().filter(|_| !status.kafka.is_empty()) else { return };
        let confirmed = format!("{} of {} entries of its log are confirmed", log.published, log.size);
        if !status.kafka_error.is_empty() {
            report.failed(Subject::KafkaPublished, format!("{confirmed}; the node says: {}", status.kafka_error));
        } else if log.published == 0 {
            report.not_proved(Subject::KafkaPublished, None, confirmed);
        } else {
            report.ok(Subject::KafkaPublished, confirmed);
        }
    }

    fn trust(&self, told: bool, now_ms: u64, report: &mut Report) {
        let Some(trust) = &self.status.trust else { return };
        let named =
            format!("in the node: bundle {}/{}, until {}", trust.series, trust.number, Instant(trust.expires_at_ms));
        if now_ms > trust.expires_at_ms {
            let fault = "BUNDLE_EXPIRED".to_owned();
            report.add(Check { fault, ..Check::new(Subject::Bundle, State::Failed, named) });
        } else if !told {
            report.ok(Subject::Bundle, named);
        }
        for crl in &trust.crls {
            let next = Instant(crl.next_update_ms);
            let found = format!("in the node: CRL {} of \"{}\", next by {next}", crl.number, crl.issuer);
            match crl.state.as_str() {
                "CURRENT" => report.ok(Subject::Crl, found),
                "AGEING" => report.warning(Subject::Crl, format!("{found}: past two thirds of its life")),
                _ => {
                    let fault = "CRL_EXPIRED".to_owned();
                    report.add(Check { fault, ..Check::new(Subject::Crl, State::Failed, found) });
                }
            }
        }
    }

    /// Who was refused lately, by credential and fault: the caller itself saw only an alert.
    fn refusals(&self, now_ms: u64, report: &mut Report) {
        let lately = self.status.refused_handshakes.iter().filter(|one| one.at_ms.saturating_add(LATELY_MS) >= now_ms);
        let mut by_caller: BTreeMap<(&str, &str), (usize, &v1::RefusedHandshake)> = BTreeMap::new();
        let mut nameless = 0;
        for one in lately {
            if one.serial.is_empty() {
                nameless += 1;
                continue;
            }
            let entry = by_caller.entry((one.fault.as_str(), one.serial.as_str())).or_insert((0, one));
            *entry = (entry.0 + 1, one);
        }
        if by_caller.is_empty() {
            let found = format!("no credential was refused in the last hour; {nameless} connections showed none");
            return report.ok(Subject::NodeRefusals, found);
        }
        for (times, last) in by_caller.into_values() {
            let v1::RefusedHandshake { serial, issuer, address, text, at_ms, .. } = last;
            let found = format!(
                "{times} × the credential with serial {serial} of \"{issuer}\" from {address}, last at {}: {text}",
                Instant(*at_ms)
            );
            let fault = local::known(&last.fault);
            report.add(Check { fault, ..Check::new(Subject::NodeRefusals, State::Warning, found) });
        }
    }

    fn regions(&self, report: &mut Report) {
        for region in self.status.regions.iter().filter(|region| region.region != self.status.region) {
            let peer = Region::parse(&region.region).ok();
            let found = format!("{}, {} entries here, as of {}", region.state, region.size, Instant(region.as_of_ms));
            let (state, fault) = match region.state.as_str() {
                "CURRENT" => (State::Ok, ""),
                "FORKED" => (State::Failed, "LOG_FORKED"),
                _ => (State::Warning, "REGION_STALE"),
            };
            let found = if region.last_reason.is_empty() { found } else { format!("{found}: {}", region.last_reason) };
            report.add(Check { peer, fault: fault.to_owned(), ..Check::new(Subject::PeerLog, state, found) });
            if region.clock_offset_ms.unsigned_abs() > CLOCK_ALARM_MS {
                let found = format!("its clock is {} s from the node's", region.clock_offset_ms / 1_000);
                let fault = "CLOCKS_DIFFER".to_owned();
                report.add(Check { peer, fault, ..Check::new(Subject::PeerClock, State::Warning, found) });
            }
        }
    }

    async fn peers(&mut self, try_peers: &[Region], report: &mut Report) {
        let plain = [None].into_iter().chain(try_peers.iter().copied().map(Some));
        for probed in plain {
            let probe = probed.map(|region| region.to_string()).unwrap_or_default();
            let listed = self.client.list_peers(v1::ListPeersRequest { probe: probe.clone() }).await;
            let listed = match listed {
                Ok(answer) => answer.into_inner().peers,
                Err(refused) => {
                    let fault = status::reason_of(&refused).unwrap_or_default();
                    let failed = Check::new(Subject::PeerLink, State::Failed, refused.message().to_owned());
                    report.add(Check { peer: probed, fault, ..failed });
                    continue;
                }
            };
            match probed {
                None => listed.iter().for_each(|peer| link(peer, report)),
                Some(region) => {
                    let steps = listed.into_iter().filter(|peer| peer.region == probe).flat_map(|peer| peer.steps);
                    report.steps(region, steps.filter_map(peers::Step::read).collect());
                }
            }
        }
    }
}

fn link(listed: &v1::Peer, report: &mut Report) {
    let peer = Region::parse(&listed.region).ok();
    let found = format!("{} at {}", listed.name, listed.address);
    match listed.state.as_str() {
        "CONNECTED" => report.add(Check { peer, ..Check::new(Subject::PeerLink, State::Ok, found) }),
        "FAILED" => {
            let found = format!("{found}: {}", listed.last_error);
            report.add(Check { peer, ..Check::new(Subject::PeerLink, State::Failed, found) });
        }
        _ => report.not_proved(Subject::PeerLink, peer, format!("{found}: nobody asked it yet")),
    }
}
