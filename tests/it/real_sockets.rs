//! Tests orders over real sockets: nodes reached, messages sent, and a ledger that balances whatever happens.

use crate::support::{covered, run, scenario, sent, to_quiescence};
use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::protocol::{TargetDraw, TargetScratch};
use bulk_order_propagation::record::End;
use bulk_order_propagation::scenario::{Draft, PayloadBytes, Scenario};
use bulk_order_propagation::topology::TopologySpec;

/// Threads of each case: alone, with one other, unevenly, and with more than there are cores.
const THREADS: [u32; 4] = [1, 2, 3, 8];

#[test]
fn a_flood_reaches_every_node_of_a_connected_overlay() {
    for (family, nodes) in [
        ("erdos-renyi", 300),
        ("random-regular", 200),
        ("regular-implicit", 200),
        ("watts-strogatz", 200),
        ("ring", 60),
        ("grid", 100),
        ("star", 80),
        ("complete", 40),
    ] {
        for threads in THREADS {
            let topology: TopologySpec = family.parse().unwrap();
            let draft = Draft { topology: Some(topology), fanout: Some(1_000), ..to_quiescence(nodes, threads, 3) };
            let record = run(draft);
            assert_eq!(record.overlay.reachable, Some(nodes), "{family} is connected for this seed");
            assert_eq!((record.end, record.reached()), (End::Quiescent, u64::from(nodes)), "{family}");
            // Every node sends to every peer once.
            let links: u64 = record.degrees.iter().map(|&degree| u64::from(degree)).sum();
            assert_eq!(record.ledger.sent, links, "{family}");
            assert_eq!(record.ledger.in_flight_at_stop + record.ledger.queued_unsent, 0, "{family}");
        }
    }
}

#[test]
fn covered_set_and_messages_are_the_same_on_any_number_of_threads() {
    for seed in 0..4 {
        let draft = || Draft { fanout: Some(3), ..to_quiescence(500, 1, seed) };
        let alone = run(draft());
        assert!(alone.reached() < 500, "a fanout of 3 leaves some out, or this shows nothing");
        for threads in THREADS {
            let together = run(Draft { threads: Some(threads), ..draft() });
            assert_eq!(covered(&together), covered(&alone), "seed {seed}, {threads} threads");
            assert_eq!(sent(&together), sent(&alone), "seed {seed}, {threads} threads");
        }
    }
}

#[test]
fn excluding_the_sender_reaches_the_same_nodes() {
    let draft = || Draft { fanout: Some(4), ..to_quiescence(400, 2, 11) };
    let plain = run(draft());
    let sparing = run(Draft { exclude_sender: Some(true), ..draft() });
    let spared: u64 = sparing.workers.iter().map(|worker| worker.spared).sum();
    assert!(spared > 0);
    assert_eq!(covered(&sparing), covered(&plain));
    assert_eq!(sparing.ledger.sent + spared, plain.ledger.sent);
}

#[test]
fn on_one_worker_hops_are_the_breadth_first_distances() {
    for seed in 0..3 {
        let draft = Draft { fanout: Some(4), ..to_quiescence(1_000, 1, seed) };
        let expected = distances(&scenario(draft.clone()));
        let record = run(draft);
        let hops: Vec<Option<u8>> =
            record.receipts.iter().map(|receipt| receipt.is_reached().then_some(receipt.hop)).collect();
        assert_eq!(hops, expected, "seed {seed}");
    }
}

/// Hops from the origin in the directed graph of the drawn targets.
fn distances(scenario: &Scenario) -> Vec<Option<u8>> {
    let topology =
        scenario.overlay.topology.build(scenario.overlay.nodes, scenario.overlay.peers, scenario.run.seed).unwrap();
    let draw = TargetDraw::new(scenario.run.seed, scenario.protocol.fanout);
    let mut scratch = TargetScratch::new(scenario.protocol.fanout, &topology);
    let mut hops = vec![None; scenario.overlay.nodes as usize];
    let origin = scenario.workload().publications()[0].origin;
    hops[origin.index()] = Some(0);
    let mut frontier = vec![origin];
    for hop in 1.. {
        let mut next: Vec<NodeId> = Vec::new();
        for &node in &frontier {
            for &to in draw.draw(&topology, OrderIndex(0), node, &mut scratch) {
                if hops[to.index()].is_none() {
                    hops[to.index()] = Some(hop);
                    next.push(to);
                }
            }
        }
        if next.is_empty() {
            return hops;
        }
        frontier = next;
    }
    hops
}

#[test]
fn every_receipt_has_a_cause_before_it() {
    let record = run(Draft { fanout: Some(5), ..to_quiescence(800, 3, 2) });
    for (node, receipt) in record.receipts.iter().enumerate().filter(|(_, receipt)| receipt.is_reached()) {
        if receipt.hop == 0 {
            assert_eq!((node, receipt.time.0, receipt.sender), (0, 0, NodeId(0)));
            continue;
        }
        let cause = record.receipts.get(receipt.sender);
        assert!(cause.is_reached() && cause.hop + 1 == receipt.hop && cause.time <= receipt.time, "node {node}");
    }
}

#[test]
fn a_small_receive_buffer_shows_as_kernel_drops_and_not_as_silence() {
    // A hub with room for a few datagrams, and leaves on other workers that all answer it. Whether it overflows depends
    // on the scheduler; the ledger must balance either way.
    let star = |seed| Draft {
        topology: Some(TopologySpec::Star),
        fanout: Some(1_000),
        receive_buffer: Some(1_152),
        ..to_quiescence(600, 8, seed)
    };
    let dropped = (0..50).map(|seed| run(star(seed)).ledger.kernel_dropped).find(|&dropped| dropped != Some(0));
    if cfg!(all(target_os = "linux", not(portable))) {
        assert!(matches!(dropped, Some(Some(1..))), "fifty overloads without a drop");
    }
}

#[test]
fn payload_travels_and_is_paid_for() {
    let bytes = |bytes| Some(PayloadBytes::exactly(bytes));
    let with = |size| run(Draft { payload_bytes: bytes(size), ..to_quiescence(50, 2, 1) });
    let (empty, full) = (with(0), with(1_399));
    assert_eq!(empty.ledger.sent, full.ledger.sent);
    assert!(full.datagram_bytes > empty.datagram_bytes + 1_390 && full.datagram_bytes <= 1_472);
    let bytes: u64 = full.traffic.iter().map(|traffic| traffic.bytes_in).sum();
    assert_eq!(bytes, full.ledger.received * u64::from(full.datagram_bytes));
}
