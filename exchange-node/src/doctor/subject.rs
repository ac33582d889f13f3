//! What `doctor` looks at: the names, which scripts may rely on, and the cures.

/// Parts of an installation, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// The file and what it names.
    Configuration,
    /// What the node signs and is known with.
    Keys,
    /// This machine's time.
    Clock,
    /// The node's folder.
    Store,
    /// The carrier.
    Kafka,
    /// Whom the node believes.
    Trust,
    /// The process, as it answers its operator.
    Node,
    /// Another city's node.
    Peer,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Configuration, Self::Keys, Self::Clock, Self::Store, Self::Kafka, Self::Trust, Self::Node, Self::Peer];

    /// Stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Keys => "keys",
            Self::Clock => "clock",
            Self::Store => "store",
            Self::Kafka => "kafka",
            Self::Trust => "trust",
            Self::Node => "node",
            Self::Peer => "peer",
        }
    }

    /// For people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Keys => "keys and credentials",
            Self::Clock => "clock",
            Self::Store => "store",
            Self::Kafka => "Kafka",
            Self::Trust => "trust bundle and CRLs",
            Self::Node => "running node",
            Self::Peer => "peers",
        }
    }

    /// Of its heading in `docs/OPERATING.md`.
    pub const fn anchor(self) -> &'static str {
        match self {
            Self::Configuration => "doctor-configuration",
            Self::Keys => "doctor-keys-and-credentials",
            Self::Clock => "doctor-clock",
            Self::Store => "doctor-store",
            Self::Kafka => "doctor-kafka",
            Self::Trust => "doctor-trust-bundle-and-crls",
            Self::Node => "doctor-running-node",
            Self::Peer => "doctor-peers",
        }
    }
}

/// One thing that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// It reads, and nothing in it contradicts.
    ConfigFile,
    /// Every file that it names is there.
    ConfigFiles,
    /// The address can be listened on.
    Listen,
    /// Nobody else can read a private key.
    KeyMode,
    /// A key or credential is what it must be.
    Key,
    /// A credential is in the first two thirds of its life.
    KeyLife,
    /// This machine's clock is not behind what others have signed.
    Clock,
    /// A peer's clock is this one's.
    PeerClock,
    /// The folder is there and can be written.
    StoreFolder,
    /// More than the limit is free.
    StoreSpace,
    /// One process has it, or none.
    StoreUse,
    /// The node takes writes.
    StoreWrites,
    /// Every kept file of a certificate is there, as it was written.
    StoreFiles,
    /// A broker answers.
    KafkaBrokers,
    /// Each region's topic is there, with one partition.
    KafkaTopics,
    /// What this city says is confirmed.
    KafkaPublished,
    /// The bundle is believed and current.
    Bundle,
    /// The bundle names this region and its node.
    BundleRegion,
    /// A CRL is believed and in the first two thirds of its life.
    Crl,
    /// A CRL of a CA behind seals is there and not past its next update.
    SealCrl,
    /// It answers an operator.
    NodeAnswers,
    /// It runs the release and shows the credential that are installed.
    NodeCurrent,
    /// Callers that TLS refused in the last hour.
    NodeRefusals,
    /// The node's connection to a peer.
    PeerLink,
    /// What is here of a peer's log.
    PeerLog,
    /// Its name leads to an address.
    PeerResolve,
    /// The address takes connections.
    PeerConnect,
    /// The node there is who it should be.
    PeerTls,
    /// The node there takes this one's credential.
    PeerAccepted,
    /// Its newest checkpoint is signed by its log's key.
    PeerCheckpoint,
    /// A question across.
    PeerLookup,
}

impl Subject {
    /// All of them.
    pub const ALL: [Self; 31] = [
        Self::ConfigFile,
        Self::ConfigFiles,
        Self::Listen,
        Self::KeyMode,
        Self::Key,
        Self::KeyLife,
        Self::Clock,
        Self::PeerClock,
        Self::StoreFolder,
        Self::StoreSpace,
        Self::StoreUse,
        Self::StoreWrites,
        Self::StoreFiles,
        Self::KafkaBrokers,
        Self::KafkaTopics,
        Self::KafkaPublished,
        Self::Bundle,
        Self::BundleRegion,
        Self::Crl,
        Self::SealCrl,
        Self::NodeAnswers,
        Self::NodeCurrent,
        Self::NodeRefusals,
        Self::PeerLink,
        Self::PeerLog,
        Self::PeerResolve,
        Self::PeerConnect,
        Self::PeerTls,
        Self::PeerAccepted,
        Self::PeerCheckpoint,
        Self::PeerLookup,
    ];

    /// Of a step of the path to a peer.
    pub(super) fn of_step(name: &str) -> Self {
        match name {
            "resolve" => Self::PeerResolve,
            "connect" => Self::PeerConnect,
            "tls" => Self::PeerTls,
            "accepted" => Self::PeerAccepted,
            "checkpoint" => Self::PeerCheckpoint,
            "clock" => Self::PeerClock,
            _ => Self::PeerLink,
        }
    }

    /// Stable name.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// Where it belongs.
    pub const fn category(self) -> Category {
        self.row().1
    }

    /// What to do where the fault is not known more exactly.
    pub const fn cure(self) -> &'static str {
        self.row().3
    }

    /// What is looked at.
    pub const fn what(self) -> &'static str {
        self.row().2
    }

    /// Name, category, what is looked at, cure.
    const fn row(self) -> (&'static str, Category, &'static str, &'static str) {
        use Category::{Clock, Configuration, Kafka, Keys, Node, Peer, Store, Trust};
        match self {
            Self::ConfigFile => (
                "config.file",
                Configuration,
                "the configuration reads, and nothing in it contradicts",
                "correct what is named; deploy/sample/config/node.toml has every key",
            ),
            Self::ConfigFiles => (
                "config.files",
                Configuration,
                "every file that it names is there",
                "put the file there, or correct the setting",
            ),
            Self::Listen => (
                "config.listen",
                Configuration,
                "with --pre: the address of gRPC can be listened on",
                "end the process that has it, or choose another listen.grpc",
            ),
            Self::KeyMode => (
                "keys.mode",
                Keys,
                "private keys can be read by their owner alone",
                "chmod 600 it; if somebody else may have read it, make a new key",
            ),
            Self::Key => (
                "keys.credential",
                Keys,
                "each key and credential is believed, fits the other, and is this node's; the bundle knows the log keys",
                "compare the file with the setting; have it issued again if it is lost",
            ),
            Self::KeyLife => (
                "keys.life",
                Keys,
                "each credential is in the first two thirds of its life, in the files and in the node",
                "have the CA issue the next one for a new key, install both, SIGHUP; a department's needs a restart",
            ),
            Self::Clock => (
                "clock.known",
                Clock,
                "this machine's clock is not behind what others have signed",
                "set this machine's clock, and have it kept by NTP",
            ),
            Self::PeerClock => (
                "clock.peer",
                Clock,
                "a peer's clock is within five minutes of this one",
                "compare both machines' clocks with NTP; mend the wrong one",
            ),
            Self::StoreFolder => (
                "store.folder",
                Store,
                "the folder is there, can be written, and has a store (with --pre: may have one)",
                "make node.data a folder that the node's user can write",
            ),
            Self::StoreSpace => (
                "store.space",
                Store,
                "more than limits.free_space_mib is free; a warning below twice that",
                "make room; writes come back by themselves",
            ),
            Self::StoreUse => (
                "store.use",
                Store,
                "the running node has the store, and no other process",
                "one process alone may have a store: end the other one",
            ),
            Self::StoreWrites => (
                "store.writes",
                Store,
                "the node takes writes, or says what it waits for",
                "see what it waits for; reading goes on meanwhile",
            ),
            Self::StoreFiles => (
                "store.files",
                Store,
                "every file of a certificate that the node keeps is there, as it was written; it reads them round by round",
                "copy the named files from the backup of blobs/ into their places; the next round, or a restart, looks again",
            ),
            Self::KafkaBrokers => (
                "kafka.brokers",
                Kafka,
                "a broker answers, by the node's Kafka credential",
                "is the broker up, kafka.bootstrap_servers right, its CA in kafka.ca?",
            ),
            Self::KafkaTopics => (
                "kafka.topics",
                Kafka,
                "the topic of this region is there, with one partition",
                "make the topic with one partition: deploy/kafka/kafka topics REGION",
            ),
            Self::KafkaPublished => (
                "kafka.published",
                Kafka,
                "brokers have confirmed entries of this city's log",
                "look at the broker, and at the write permission of this city",
            ),
            Self::Bundle => (
                "trust.bundle",
                Trust,
                "the trust bundle is believed, current, and in the first two thirds of its life",
                "get the newest bundle from the province, install it, SIGHUP",
            ),
            Self::BundleRegion => (
                "trust.region",
                Trust,
                "the bundle names this region and this node",
                "have the province name this region and its node in the next bundle",
            ),
            Self::Crl => (
                "trust.crl",
                Trust,
                "every CA's CRL is at hand, believed, and in the first two thirds of its life",
                "fetch the CA's newest CRL, install it, SIGHUP",
            ),
            Self::SealCrl => (
                "trust.seal-crl",
                Trust,
                "where the bundle names CAs behind seals: their CRLs are in trust.seal_crls, none past its next update",
                "fetch the CA's newest CRL, put it into trust.seal_crls, SIGHUP",
            ),
            Self::NodeAnswers => (
                "node.answers",
                Node,
                "the node answers an operator",
                "is it running, is the profile an operator's of this region?",
            ),
            Self::NodeCurrent => (
                "node.current",
                Node,
                "it runs this release and shows the credential that is installed",
                "SIGHUP takes over the node's credential, a restart everything",
            ),
            Self::NodeRefusals => (
                "node.refusals",
                Node,
                "callers whose credential TLS refused in the last hour: serial, issuer, address, fault",
                "tell the operator of the caller which fault its credential has",
            ),
            Self::PeerLink => (
                "peer.link",
                Peer,
                "the node's own connection to the peer",
                "doctor --peer with its region names the step that fails",
            ),
            Self::PeerLog => (
                "peer.log",
                Peer,
                "what is here of the peer's log is current",
                "is its node up, Kafka reachable, the path to it open?",
            ),
            Self::PeerResolve => (
                "peer.resolve",
                Peer,
                "--peer: the name in the bundle leads to an address",
                "correct the address in the bundle, or this machine's DNS",
            ),
            Self::PeerConnect => (
                "peer.connect",
                Peer,
                "--peer: the address takes connections",
                "is its node up? open the way in both firewalls",
            ),
            Self::PeerTls => (
                "peer.tls",
                Peer,
                "--peer: the node there is who it should be: chain, CRLs, CA bound to the region, name",
                "tell its operator: doctor there names the same fault",
            ),
            Self::PeerAccepted => (
                "peer.accepted",
                Peer,
                "--peer: the node there takes this one's credential, and serves",
                "ask its operator for doctor: node.refusals has this serial and the fault",
            ),
            Self::PeerCheckpoint => (
                "peer.checkpoint",
                Peer,
                "--peer: its newest checkpoint is signed by the key that the bundle names",
                "tell its operator, and compare the trust bundles of both nodes",
            ),
            Self::PeerLookup => (
                "peer.lookup",
                Peer,
                "a question across: only a lookup for a case proves it",
                "ask for a case of this city: exchange-node lookup",
            ),
        }
    }
}
