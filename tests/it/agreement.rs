//! Tests that all carriers agree: for one seed, without a TTL limit, the same nodes are reached, and each sends and
//! receives exactly as many messages, on any number of workers.

use crate::support::{carriers, covered, run, sent, to_quiescence};
use bulk_order_propagation::record::RunRecord;
use bulk_order_propagation::scenario::{Draft, Spin, TransportKind, Ttl, Until};

/// The carriers without a socket per node.
const SHARED: [TransportKind; 2] = [TransportKind::UdpShard, TransportKind::Memory];

/// Alone, with one other, unevenly, and with more than there are cores.
const THREADS: [u32; 4] = [1, 2, 3, 8];

/// The figures that must not differ: nodes reached, messages that each node sent, and copies that each received.
fn figures(record: &RunRecord) -> (Vec<bool>, Vec<u64>, Vec<u64>) {
    let copies = record.traffic.iter().map(|traffic| traffic.copies).collect();
    (covered(record), sent(record), copies)
}

fn on(transport: TransportKind, draft: &Draft, threads: u32) -> RunRecord {
    run(Draft { transport: Some(transport), threads: Some(threads), ..draft.clone() })
}

#[test]
fn every_carrier_reaches_the_same_nodes_with_the_same_messages() {
    for seed in [1, 2, 3] {
        // A fanout of 3 misses about 6 % of the nodes, so that the carriers could disagree.
        let draft = Draft { fanout: Some(3), ..to_quiescence(800, 1, seed) };
        let model = on(TransportKind::Udp, &draft, 1);
        assert!(model.reached() < 800);
        for transport in carriers() {
            for threads in THREADS {
                let record = on(transport, &draft, threads);
                assert_eq!(figures(&record), figures(&model), "{transport:?}, seed {seed}, {threads} threads");
                assert_eq!((record.ledger.sent, record.ledger.received), (model.ledger.sent, model.ledger.sent));
            }
        }
    }
}

#[test]
fn an_overlay_with_a_hub_fills_channels_and_loses_nothing() {
    for (family, transport) in ["star", "complete"].into_iter().flat_map(|family| SHARED.map(|kind| (family, kind))) {
        let draft =
            Draft { topology: Some(family.parse().unwrap()), fanout: Some(u32::MAX), ..to_quiescence(1_500, 1, 9) };
        let one = on(transport, &draft, 1);
        assert_eq!(one.reached(), 1_500);
        for threads in [2, 3, 8] {
            let several = on(transport, &draft, threads);
            assert_eq!(figures(&several), figures(&one), "{transport:?}, {family}, {threads} threads");
        }
    }
}

#[test]
fn a_hundred_thousand_nodes_cost_no_drop_at_default_buffers() {
    for threads in THREADS {
        let record = on(TransportKind::UdpShard, &to_quiescence(100_000, 1, 7), threads);
        assert_eq!(record.ledger.kernel_dropped.unwrap_or(0), 0, "{threads} threads");
        assert_eq!((record.ledger.lost(), record.ledger.missing), (0, Some(Default::default())), "{threads} threads");
    }
}

#[test]
fn excluded_senders_and_charged_serialization_reach_the_same_nodes() {
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
fn a_target_stops_every_carrier_with_a_balanced_ledger() {
    for transport in carriers() {
        for threads in [1, 2, 8] {
            let draft = Draft { until: Some(Until::Target), ttl: Some(Ttl::Auto), ..to_quiescence(8_000, 1, 5) };
            let record = on(transport, &draft, threads);
            assert!(record.reached() >= 7_600, "{transport:?}, {threads} threads");
            let by_nodes: u64 = record.traffic.iter().map(|node| node.sent).sum();
            assert_eq!(record.ledger.sent, by_nodes, "{transport:?}: what a lane held back was never sent");
        }
    }
}

#[test]
fn workers_that_sleep_at_once_are_woken_for_each_message() {
    for transport in SHARED {
        let draft = Draft { spin: Some(Spin::Never), ..to_quiescence(500, 1, 6) };
        let awake = on(transport, &to_quiescence(500, 1, 6), 3);
        for _ in 0..20 {
            let record = on(transport, &draft, 3);
            assert_eq!(figures(&record), figures(&awake), "{transport:?}");
        }
    }
}
