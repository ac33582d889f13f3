//! Connections that are open when what is believed changes: row 3 and hole 1.

use super::attacker::{PATIENCE, config, connect};
use crate::{
    lab::{DAY_MS, JINAN, Lab, QINGDAO, region, uri},
    tls,
};
use exchange_core::{bundle::CutCredential, chain::Serial};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long the other end takes to notice, reading.
async fn until_end(mut tls: impl AsyncReadExt + Unpin) -> Duration {
    let begun = Instant::now();
    let mut buffer = [0; 1024];
    let end = async { while matches!(tls.read(&mut buffer).await, Ok(1..)) {} };
    tokio::time::timeout(PATIENCE, end).await.expect("the connection is cut");
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_connection_is_cut_at_its_revocation() {
    let lab = Lab::new();
    let trust = lab.trust();
    let served = lab.serve(trust.clone()).await;
    let node = |serial| lab.qingdao.leaf(&uri(QINGDAO, "node", "node-1"), serial);
    let bad = connect(&served, config(Some(&node(666)))).await.unwrap();
    let mut good = connect(&served, config(Some(&node(500)))).await.unwrap();
    assert_eq!(served.tls.live().len(), 2);
    trust.offer_crl(region(QINGDAO), &lab.qingdao.crl(2, &[666])).unwrap(); // the follower does the rest
    // Milliseconds; on a machine with much else to do still before the look that all connections get every 5 s.
    assert!(until_end(bad).await < tls::RECHECK);
    // PING, and its answer.
    good.write_all(b"\0\0\x08\x06\0\0\0\0\0exchange").await.unwrap();
    let mut answers = Vec::new();
    while !answers.ends_with(b"exchange") {
        let mut byte = [0];
        tokio::time::timeout(PATIENCE, good.read_exact(&mut byte)).await.unwrap().unwrap();
        answers.push(byte[0]);
    }
    // The client sees the end before the server has put the connection away.
    let gone = async {
        while served.tls.live().len() != 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("one connection is left");
}

/// The cut wakes a write that waits for a reader who does not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_wakes_writes_too() {
    use crate::net::Listener;
    let lab = Lab::new();
    let trust = lab.trust();
    let served = lab.serve(trust.clone()).await; // follows the trust
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_address().unwrap();
    let limits = tls::HandshakeLimits { handshakes: 8, handshakes_per_address: 8, longest: PATIENCE };
    let mut incoming = served.tls.accept(listener, limits, &served.tasks);
    let leaf = lab.qingdao.leaf(&uri(QINGDAO, "node", "node-1"), 666);
    let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("node.example").unwrap();
    let silent = tokio_rustls::TlsConnector::from(config(Some(&leaf))).connect(name, tcp).await.unwrap();
    let mut stream = tokio_stream::StreamExt::next(&mut incoming).await.unwrap().unwrap();
    let writing = tokio::spawn(async move {
        let block = vec![7; 1 << 20];
        loop {
            if let Err(error) = stream.write_all(&block).await {
                return error;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!writing.is_finished(), "the other side reads nothing, so the write waits");
    trust.offer_crl(region(QINGDAO), &lab.qingdao.crl(2, &[666])).unwrap();
    let error = tokio::time::timeout(Duration::from_secs(1), writing).await.expect("woken").unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_province_cuts_or_unbinds_is_cut() {
    let lab = Lab::new();
    let trust = lab.trust();
    let served = lab.serve(trust.clone()).await;
    let node = lab.qingdao.leaf(&uri(QINGDAO, "node", "node-1"), 500);
    let system = lab.jinan.leaf(&uri(JINAN, "system", "hall"), 500);
    let cut = connect(&served, config(Some(&node))).await.unwrap();
    let mut other = connect(&served, config(Some(&system))).await.unwrap();
    let cut_serial = |bundle: &mut exchange_core::bundle::TrustBundle| {
        let (issuer_spki_sha256, serial) = (lab.qingdao.spki_sha256(), Serial::new(&500u64.to_be_bytes()));
        bundle.regions.get_mut(&region(QINGDAO)).unwrap().cut.push(CutCredential { issuer_spki_sha256, serial });
    };
    trust.offer_bundle(&lab.bundle(2, cut_serial)).unwrap();
    assert!(until_end(cut).await < Duration::from_secs(1));
    let pause = tokio::time::timeout(Duration::from_millis(300), other.read(&mut [0; 64])).await;
    assert!(!matches!(pause, Ok(Ok(0) | Err(_))), "the same serial of another CA is another credential");
    trust.offer_bundle(&lab.bundle(3, |b| b.regions.get_mut(&region(JINAN)).unwrap().ca_spki_sha256.clear())).unwrap();
    assert!(until_end(other).await < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_end_with_their_credential_and_with_a_crl_that_is_not_renewed() {
    let lab = Lab::new();
    let trust = lab.trust();
    let served = lab.serve(trust.clone()).await;
    let node = lab.qingdao.leaf(&uri(QINGDAO, "node", "node-1"), 500);
    let system = lab.jinan.leaf(&uri(JINAN, "system", "hall"), 500);
    let (_node, system) =
        (connect(&served, config(Some(&node))).await.unwrap(), connect(&served, config(Some(&system))).await.unwrap());
    lab.clock.shift_ms(9 * DAY_MS as i64); // CRLs were due after seven days, with one of grace
    assert_eq!(served.tls.refresh(), 1, "the system; the node may still read logs and trust");
    assert!(until_end(system).await < Duration::from_secs(1));
    lab.clock.shift_ms(22 * DAY_MS as i64);
    assert_eq!(served.tls.refresh(), 1, "the node's credential has ended");
}
