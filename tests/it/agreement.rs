//! Whatever carries the messages: for one seed, without a TTL limit, the same nodes are reached and each sends as many
//! messages, to the bit.

use crate::support::{covered, run, sent, to_quiescence};
use bulk_order_propagation::scenario::{Draft, TransportKind};
use bulk_order_propagation::stats::RunRecord;

/// What must not differ: who was reached, how many messages each node sent, and how many copies each took in.
fn figures(record: &RunRecord) -> (Vec<bool>, Vec<u32>, Vec<u32>) {
    let copies = record.traffic.iter().map(|traffic| traffic.copies).collect();
    (covered(record), sent(record), copies)
}

fn on(transport: TransportKind, draft: &Draft, threads: u32) -> RunRecord {
    run(Draft { transport: Some(transport), threads: Some(threads), ..draft.clone() })
}

#[test]
fn memory_reaches_whom_sockets_reach() {
    for seed in [1, 2, 3] {
        // A fanout of 3 leaves about 6 % of the nodes out, so that there is something to disagree about.
        let draft = Draft { fanout: Some(3), ..to_quiescence(800, 1, seed) };
        let sockets = on(TransportKind::Udp, &draft, 2);
        assert!(sockets.reached() < 800);
        for threads in [1, 2, 3, 8] {
            let memory = on(TransportKind::Memory, &draft, threads);
            assert_eq!(figures(&memory), figures(&sockets), "seed {seed}, {threads} threads");
            assert_eq!(memory.ledger.sent, sockets.ledger.sent);
        }
    }
}

#[test]
fn a_shape_with_a_hub_fills_rings_and_loses_nothing() {
    for family in ["star", "complete"] {
        let draft =
            Draft { topology: Some(family.parse().unwrap()), fanout: Some(u32::MAX), ..to_quiescence(1_500, 1, 9) };
        let one = on(TransportKind::Memory, &draft, 1);
        assert_eq!(one.reached(), 1_500);
        for threads in [2, 3, 8] {
            let several = on(TransportKind::Memory, &draft, threads);
            assert_eq!(figures(&several), figures(&one), "{family}, {threads} threads");
        }
    }
}

#[test]
fn spared_copies_and_charged_serialization_change_nobody() {
    let draft = to_quiescence(1_000, 1, 4);
    let plain = on(TransportKind::Memory, &draft, 2);
    let spared = on(TransportKind::Memory, &Draft { exclude_sender: Some(true), ..draft.clone() }, 3);
    assert_eq!(covered(&spared), covered(&plain));
    let copies: u64 = spared.workers.iter().map(|worker| worker.spared).sum();
    assert_eq!(spared.ledger.sent + copies, plain.ledger.sent);

    let charged = on(TransportKind::Memory, &Draft { charge_serialization: Some(true), ..draft.clone() }, 3);
    assert_eq!(figures(&charged), figures(&plain));
    let bytes: u64 = charged.traffic.iter().map(|traffic| traffic.bytes_out).sum();
    assert_eq!(bytes, charged.ledger.sent * u64::from(charged.datagram_bytes));
    assert_eq!((plain.datagram_bytes, plain.traffic[0].bytes_out), (0, 0));
}

#[test]
fn a_target_stops_memory_with_even_books() {
    use bulk_order_propagation::scenario::{Ttl, Until};
    for threads in [1, 2, 8] {
        let draft = Draft { until: Some(Until::Target), ttl: Some(Ttl::Auto), ..to_quiescence(20_000, threads, 5) };
        let record = on(TransportKind::Memory, &draft, threads);
        assert!(record.reached() >= 19_000);
        assert_eq!(record.ledger.lost(), 0);
    }
}

#[test]
fn workers_that_sleep_at_once_are_woken_for_each_message() {
    use bulk_order_propagation::scenario::Spin;
    let draft = Draft { spin: Some(Spin::Never), ..to_quiescence(500, 1, 6) };
    let awake = on(TransportKind::Memory, &to_quiescence(500, 1, 6), 3);
    for _ in 0..20 {
        let record = on(TransportKind::Memory, &draft, 3);
        assert_eq!(figures(&record), figures(&awake));
    }
}
