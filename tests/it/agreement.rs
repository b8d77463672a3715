//! One seed, every carrier: without a loss or a TTL limit the covered set and the messages of each node do not depend on
//! what carries them, nor on how many workers there are.

use crate::support::{covered, run, sent, to_quiescence};
use bulk_order_propagation::scenario::{Draft, TransportKind};
use bulk_order_propagation::stats::RunRecord;

/// What is held against the first of them.
const CARRIERS: [TransportKind; 3] = [TransportKind::Udp, TransportKind::UdpShard, TransportKind::Memory];

/// Alone, with one other, unevenly, and with more than there are cores.
const THREADS: [u32; 4] = [1, 2, 3, 8];

fn on(transport: TransportKind, draft: Draft) -> RunRecord {
    let record = run(Draft { transport: Some(transport), ..draft });
    let ledger = &record.ledger;
    assert_eq!(ledger.received, ledger.sent, "{transport:?}: nothing is lost and nothing left");
    assert_eq!(ledger.missing.map_or(0, |missing| missing.packets), 0, "{transport:?}");
    record
}

#[test]
fn every_carrier_reaches_the_same_nodes_with_the_same_messages() {
    for seed in 0..3 {
        let draft = |threads| Draft { fanout: Some(3), ..to_quiescence(600, threads, seed) };
        let model = on(CARRIERS[0], draft(1));
        assert!(model.reached() < 600, "a fanout of 3 leaves some out, or this shows nothing");
        for transport in CARRIERS {
            for threads in THREADS {
                let record = on(transport, draft(threads));
                assert_eq!(covered(&record), covered(&model), "{transport:?}, seed {seed}, {threads} threads");
                assert_eq!(sent(&record), sent(&model), "{transport:?}, seed {seed}, {threads} threads");
            }
        }
    }
}

#[test]
fn a_hundred_thousand_nodes_cost_no_drop_at_default_buffers() {
    for threads in THREADS {
        let record = on(TransportKind::UdpShard, to_quiescence(100_000, threads, 7));
        assert_eq!(record.ledger.kernel_dropped.unwrap_or(0), 0, "{threads} threads");
        assert_eq!(record.ledger.sent, record.traffic.iter().map(|node| u64::from(node.sent)).sum::<u64>());
        let datagrams: u64 = record.workers.iter().map(|worker| worker.carrier.kernel_datagrams).sum();
        assert!(datagrams > 0);
    }
}

#[test]
fn a_run_that_stops_at_the_target_has_books_that_balance_too() {
    for transport in CARRIERS {
        for threads in THREADS {
            for seed in 0..5 {
                let record = run(Draft {
                    transport: Some(transport),
                    until: None,
                    ttl: None,
                    ..to_quiescence(2_000, threads, seed)
                });
                let nodes: u64 = record.traffic.iter().map(|node| u64::from(node.sent)).sum();
                assert_eq!(record.ledger.sent, nodes, "{transport:?}: what was held back was never sent");
            }
        }
    }
}
