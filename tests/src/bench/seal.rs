//! `seal`: sealed documents verified and stamped a second by one thread, beside ofdrw in one warm JVM and beside the bare
//! signature checks that a verification cannot do without.

mod documents;
pub(crate) mod memory;
mod ofdrw;

use crate::{
    Settings,
    report::{Better, Figure},
    rounds::{Side, alternate},
};
use anyhow::{Context, Result, anyhow, ensure};
use documents::{Document, Office};
use exchange_seal::{
    Basis, Verdict,
    algorithm::Algorithm,
    make::{PrivateKey, Stamp, stamp},
    verify,
};
use ofdrw::Ofdrw;
use std::{
    io::{Cursor, Read, Seek},
    path::Path,
    time::{Duration, Instant},
};

/// Signatures that a verification checks where nothing is known yet: the seal's by its maker, the certificates of maker and
/// signer by their authority, the CRL's, and the signer's over the document.
const FIRST: f64 = 5.0;
/// Message of a bare check, bytes.
const MESSAGE: usize = 32;

/// Runs the bench.
pub(crate) async fn run(settings: &Settings, folder: &Path) -> Result<Vec<Figure>> {
    let folder = folder.join("seal");
    std::fs::create_dir_all(&folder)?;
    let mut figures = [
        Figure::new("verify_vs_ofdrw", "1/s", Better::Higher).target(15.0),
        Figure::new("stamp_vs_ofdrw", "1/s", Better::Higher).target(15.0),
        Figure::new("verify_vs_bare", "1/s", Better::Higher).target(0.5),
        Figure::new("verify_first_vs_bare", "1/s", Better::Higher),
        Figure::new("verify_ring_vs_bare", "1/s", Better::Higher),
    ];
    let (national, ring) = (Office::new(Algorithm::Sm2Sm3)?, Office::new(Algorithm::EcdsaSha256)?);
    let licence = Document::licence()?;
    let (sealed, sealed_ring) = (national.sealed(&licence)?, ring.sealed(&licence)?);
    println!(
        "a licence of {} bytes, sealed {}; a verification needs 1 signature check, of the document: those of the seal, the \
         CRL and the two certificates are remembered; the first one needs {FIRST}",
        licence.0.len(),
        sealed.len()
    );
    let mut ofdrw = Ofdrw::start(&folder, &national, &licence, &sealed)?;
    let (bare, bare_ring) = (Bare::new(Algorithm::Sm2Sm3)?, Bare::new(Algorithm::EcdsaSha256)?);
    let time = settings.time();
    for what in ["verify", "sign"] {
        ofdrw.rate(what, 2 * time)?;
    }
    alternate(settings.rounds, settings.limit_only, &mut figures, async |side| match side {
        Side::Limit => {
            let (verified, signed) = (ofdrw.rate("verify", time)?, ofdrw.rate("sign", time)?);
            let checks = rate(time, || bare.check())?;
            Ok(vec![verified, signed, checks, checks / FIRST, rate(time, || bare_ring.check())?])
        }
        Side::Node => {
            let verified = rate(time, || valid(&national, &sealed))?;
            let stamped = rate(time, || national.sealed(&licence).map(drop))?;
            let first = rate(time, || judged(&national.basis(&national.unproven()), Cursor::new(&sealed)))?;
            Ok(vec![verified, stamped, verified, first, rate(time, || valid(&ring, &sealed_ring))?])
        }
    })
    .await?;
    let mut figures = Vec::from(figures);
    let mut large = Figure::new("memory_100mb_mb", "MB", Better::Lower).target(64.0).unlimited();
    if !settings.limit_only {
        large.add(Side::Node, memory::over_idle(&folder)?);
    }
    figures.push(large);
    Ok(figures)
}

fn valid(office: &Office, document: &[u8]) -> Result<()> {
    judged(&office.basis(&office.crls), Cursor::new(document))
}

fn valid_file(office: &Office, file: &Path) -> Result<()> {
    judged(&office.basis(&office.crls), std::fs::File::open(file)?)
}

fn judged<R: Read + Seek>(basis: &Basis<'_>, document: R) -> Result<()> {
    let report = verify(document, basis);
    ensure!(report.verdict == Verdict::Valid, "a document is {}", report.verdict);
    Ok(())
}

/// Operations a second of this thread.
fn rate(time: Duration, mut operation: impl FnMut() -> Result<()>) -> Result<f64> {
    let (from, mut count) = (Instant::now(), 0_u32);
    while from.elapsed() < time {
        operation()?;
        count += 1;
    }
    Ok(f64::from(count) / from.elapsed().as_secs_f64())
}

/// One signature of a short message.
struct Bare {
    key: PrivateKey,
    signature: Vec<u8>,
}

impl Bare {
    fn new(algorithm: Algorithm) -> Result<Self> {
        let random = ca_tools::seams::rng();
        let key = PrivateKey::generate(algorithm, &random)?;
        let signature = key.sign(&[7; MESSAGE], &random)?;
        Ok(Self { key, signature })
    }

    fn check(&self) -> Result<()> {
        Ok(self.key.algorithm().verify(self.key.public(), &[7; MESSAGE], &self.signature)?)
    }
}

impl Office {
    /// The document with this office's seal.
    fn sealed(&self, document: &Document) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(2 * document.0.len());
        let places = [documents::PLACE];
        let order: Stamp<'_> = self.order(&places);
        stamp(Cursor::new(&document.0), &mut out, &order, &ca_tools::seams::rng())?;
        Ok(out)
    }
}

/// The number at a place of a line.
fn number(line: &str, at: usize) -> Result<f64> {
    let word = line.split(' ').nth(at).with_context(|| format!("{line:?} has no number {at}"))?;
    word.trim().parse().map_err(|_| anyhow!("{word:?} is no number"))
}
