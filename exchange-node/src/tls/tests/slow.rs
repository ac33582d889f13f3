//! Row 15 and hole 11: silent and slow connections delay nobody.

use super::attacker::{PATIENCE, config, connect, connect_from};
use crate::{
    config::Limits,
    lab::{Lab, QINGDAO, uri},
};
use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::{io::AsyncReadExt, net::TcpStream};

/// As many as the laboratory that the hole was found in.
const SILENT: usize = 2_000;
/// An address of this machine that the crowd does not come from.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_silent_connections_do_not_delay_a_good_caller() {
    let lab = Lab::new();
    let served = lab.serve_with(lab.trust(), &Limits::default(), Duration::from_secs(60)).await;
    let good = config(Some(&lab.qingdao.leaf(&uri(QINGDAO, "node", "node-1"), 500)));
    // What a good caller takes on this machine, now.
    let begun = Instant::now();
    drop(connect(&served, good.clone()).await.expect("let in"));
    let alone = begun.elapsed();
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        match TcpStream::connect(served.address).await {
            Ok(stream) => silent.push(stream),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
                return println!("skipped: {} file descriptors are too few for {SILENT} connections", silent.len());
            }
            Err(error) => panic!("{error}"),
        }
    }
    let begun = Instant::now();
    connect(&served, good.clone()).await.expect("let in");
    let beside = begun.elapsed();
    println!("a good caller: {alone:?} alone, {beside:?} beside {SILENT} silent ones");
    assert!(beside < Duration::from_secs(1) + 10 * alone, "{beside:?}, {alone:?} alone");
    // And while they keep coming, faster than a handshake takes: they crowd out each other, not another address.
    let address = served.address;
    let flood = tokio::spawn(async move {
        let mut more = std::collections::VecDeque::new();
        while let Ok(stream) = TcpStream::connect(address).await {
            more.push_back(stream);
            if more.len() > 500 {
                more.pop_front();
            }
        }
    });
    for _ in 0..3 {
        connect_from(ELSEWHERE, &served, good.clone()).await.expect("let in");
    }
    assert!(!flood.is_finished(), "the flood has ended by itself");
    flood.abort();
    // The oldest of the address were closed for the younger ones, and the log says why.
    let mut byte = [0];
    let end = tokio::time::timeout(PATIENCE, silent[0].read(&mut byte)).await.expect("closed");
    assert!(matches!(end, Ok(0) | Err(_)));
    assert!(served.tls.refusals().last().iter().any(|refusal| refusal.fault == "CROWDED_OUT"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_does_not_end_is_ended() {
    let lab = Lab::new();
    let served = lab.serve_with(lab.trust(), &Limits::default(), Duration::from_millis(200)).await;
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    let mut byte = [0];
    let end = tokio::time::timeout(Duration::from_secs(2), silent.read(&mut byte)).await.expect("closed in time");
    assert!(matches!(end, Ok(0) | Err(_)));
    let last = served.tls.refusals().last();
    assert_eq!(last.last().map(|refusal| refusal.fault), Some("HANDSHAKE_TIMEOUT"));
}

#[test]
fn a_crowd_of_one_address_closes_its_own() {
    use crate::tls::handshakes::Handshakes;
    let handshakes = Handshakes::new(3, 2);
    let (crowd, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
    let is_out = |begun: &crate::tls::handshakes::Begun| begun.is_crowded_out();
    let first_of_other = handshakes.begin(other);
    let mut of_crowd = vec![handshakes.begin(crowd), handshakes.begin(crowd)];
    of_crowd.push(handshakes.begin(crowd));
    assert_eq!(of_crowd.iter().map(is_out).collect::<Vec<_>>(), [true, false, false]);
    assert!(!is_out(&first_of_other), "the oldest, but of another address");
    let _third_address = handshakes.begin("10.0.0.3".parse().unwrap());
    assert!(is_out(&first_of_other), "all places are taken: the oldest of all");
}

/// One credential cannot take every descriptor: it has so many connections, and others are let in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_of_one_identity_are_bounded() {
    use crate::tls::accept::CONNECTIONS_PER_CALLER;
    let lab = Lab::new();
    let served = lab.serve(lab.trust()).await;
    let greedy = config(Some(&lab.qingdao.leaf(&uri(QINGDAO, "node", "node-1"), 500)));
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS_PER_CALLER {
        open.push(connect(&served, greedy.clone()).await.expect("let in"));
    }
    assert!(connect(&served, greedy.clone()).await.is_none(), "one too many");
    assert_eq!(served.tls.refusals().last().last().map(|refusal| refusal.fault), Some("TOO_MANY_CONNECTIONS"));
    let other = config(Some(&lab.qingdao.leaf(&uri(QINGDAO, "node", "node-2"), 501)));
    connect(&served, other).await.expect("another identity is let in");
    open.truncate(CONNECTIONS_PER_CALLER / 2);
    let end = Instant::now() + PATIENCE;
    while connect(&served, greedy.clone()).await.is_none() {
        assert!(Instant::now() < end, "the room is not given back");
    }
}
