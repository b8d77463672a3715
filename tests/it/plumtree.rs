//! Plumtree on every carrier: the first order floods, what is left is a tree, and the tree repairs itself.

use crate::support::{carriers, run, scenario, to_quiescence};
use bulk_order_propagation::ids::NodeId;
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Draft, OriginsKind, TransportKind};
use bulk_order_propagation::time::Nanos;

/// Plumtree on a random regular overlay of 300 nodes with eight peers each, in virtual time, with further options.
fn tree(protocol: &str, options: &str, threads: u32) -> Draft {
    Draft::from_toml(options).unwrap().or(Draft {
        transport: Some(TransportKind::Simulated),
        topology: Some("random-regular".parse().unwrap()),
        peers: Some(PEERS as u32),
        protocol: Some(protocol.parse().unwrap()),
        ..to_quiescence(NODES as u32, threads, 7)
    })
}

const NODES: u64 = 300;
const PEERS: u64 = 8;
/// Links of the overlay that are in no spanning tree of it.
const EXTRA_LINKS: u64 = NODES * PEERS / 2 - (NODES - 1);

/// A schedule in which each order has come to rest before the next one.
fn one_by_one(orders: u32, more: &str) -> String {
    format!("orders = {orders}\nrate = '1/s'\n{more}")
}

fn tally(record: &RunRecord, name: &str) -> u64 {
    record.tallies.iter().find(|tally| tally.0 == name).unwrap().1
}

/// Copies of each order that were sent.
fn copies(record: &RunRecord) -> Vec<u64> {
    record.bulk.as_ref().unwrap().orders.iter().map(|order| order.sent).collect()
}

#[test]
fn the_first_order_is_a_flood_and_each_copy_too_many_a_prune() {
    for (family, nodes) in [("erdos-renyi", 400), ("random-regular", 200), ("star", 300), ("ring", 60), ("grid", 100)] {
        let draft = Draft {
            protocol: Some("plumtree".parse().unwrap()),
            topology: Some(family.parse().unwrap()),
            ..to_quiescence(nodes, 1, 4)
        };
        let scenario = scenario(draft.clone());
        let overlay = &scenario.overlay;
        let topology = overlay.topology.build(overlay.nodes, overlay.peers, 4).unwrap();
        let ends: u64 = (0..nodes).map(|node| u64::from(topology.degree(NodeId(node)))).sum();
        let first_copies = u64::from(nodes) - 1;
        for transport in carriers() {
            for threads in [1, 3] {
                let record = run(Draft { transport: Some(transport), threads: Some(threads), ..draft.clone() });
                let said = format!("{transport:?}, {family}, {threads} threads");
                assert_eq!((record.end, record.reached()), (End::Quiescent, u64::from(nodes)), "{said}");
                assert_eq!(record.payload_messages(), ends - first_copies, "{said}");
                assert_eq!(record.control_messages(), ends - 2 * first_copies, "{said}");
                assert_eq!(tally(&record, "prunes"), ends - 2 * first_copies, "{said}");
                assert_eq!(tally(&record, "grafts"), 0, "{said}");
            }
        }
    }
}

/// With one sender each later order takes N - 1 copies, and an announcement in both directions of each other link.
#[test]
fn one_sender_is_left_with_a_tree() {
    for protocol in ["plumtree", "plumtree,dispatch-timeout=5ms", "plumtree:iroh,graft-timeout-1=500ms"] {
        for latency in ["50ms", "uniform:10ms..60ms"] {
            let options = one_by_one(6, &format!("latency = '{latency}'"));
            let record = run(tree(protocol, &options, 2));
            assert_eq!(record.reached(), 6 * NODES);
            let copies = copies(&record);
            assert_eq!(copies[0], NODES - 1 + 2 * EXTRA_LINKS, "{protocol}, {latency}");
            if latency == "50ms" {
                // The tree is one of shortest paths, so that no announcement comes long before its order.
                assert!(copies[1..].iter().all(|&copies| copies == NODES - 1), "{protocol}: {copies:?}");
                assert_eq!(record.control_messages(), 2 * EXTRA_LINKS * 6, "{protocol}");
                assert_eq!([tally(&record, "grafts"), tally(&record, "prunes")], [0, 2 * EXTRA_LINKS]);
            } else {
                // Latencies are drawn for each message: an order may be slower than its announcement by some hops.
                assert!(copies[2..].iter().all(|&copies| copies < NODES + NODES / 20), "{protocol}: {copies:?}");
            }
        }
    }
}

#[test]
fn everybody_gets_every_order_on_every_carrier() {
    for protocol in ["plumtree", "plumtree:iroh", "plumtree:multi"] {
        for transport in carriers() {
            let draft = tree(protocol, "orders = 8\nrate = '200/s'\norigins = 'random'", 2);
            let record = run(Draft { transport: Some(transport), ..draft });
            assert_eq!((record.end, record.reached()), (End::Quiescent, 8 * NODES), "{transport:?}, {protocol}");
        }
    }
}

/// What is lost on the tree is announced over other links, and a GRAFT brings it and mends the tree.
#[test]
fn a_lossy_network_is_repaired_by_grafts() {
    for protocol in ["plumtree", "plumtree:iroh", "plumtree:multi,num-eager=2"] {
        for origins in [OriginsKind::One, OriginsKind::Random] {
            let options = one_by_one(20, "loss = '2%'\nlatency = 'uniform:10ms..100ms'");
            let draft = |threads| Draft { origins: Some(origins), ..tree(protocol, &options, threads) };
            let record = run(draft(1));
            assert_eq!((record.end, record.reached()), (End::Quiescent, 20 * NODES), "{protocol}, {origins:?}");
            assert!(tally(&record, "grafts") > 0 && record.ledger.model_lost > 500, "{protocol}, {origins:?}");
            assert!(tally(&record, "orders sent on a graft") <= tally(&record, "grafts"));
            for threads in [2, 3] {
                let other = run(draft(threads));
                assert_eq!((other.digest, &other.tallies), (record.digest, &record.tallies), "{protocol}, {origins:?}");
            }
        }
    }
}

/// Three nodes in ten fail after the tree has formed. With detection their peers leave them out, without it they send
/// them copies in vain; either way everybody who is up gets every order.
#[test]
fn the_tree_heals_after_failures() {
    for (protocol, detect) in
        [("plumtree", true), ("plumtree", false), ("plumtree:iroh", true), ("plumtree:multi", true)]
    {
        let faults = format!("down = '30%,at=2500ms'\n{}", if detect { "detect = '100ms..400ms'" } else { "" });
        let draft = |threads| tree(protocol, &one_by_one(8, &faults), threads);
        let record = run(draft(1));
        let orders = &record.bulk.as_ref().unwrap().orders;
        let up = orders[7].counted;
        assert!(up < NODES * 8 / 10, "{up} nodes are up");
        for order in &orders[3..] {
            assert_eq!((order.counted, order.reached >= up), (up, true), "{protocol}, detection {detect}");
        }
        let (last, in_vain) = (orders[7].sent, orders[7].sent - orders[7].received);
        assert_eq!(in_vain == 0, detect, "{protocol}: {in_vain} of {last} copies to nodes that are down");
        let other = run(draft(3));
        assert_eq!((other.digest, &other.tallies), (record.digest, &record.tallies), "{protocol}");
    }
}

/// Censors forward nothing of the origin's, so that the tree leaves them at its ends.
#[test]
fn adversaries_act_on_orders_and_announcements() {
    let options = one_by_one(4, "adversary = 'censor:20%,origin=0'");
    let record = run(tree("plumtree", &options, 2));
    let free = run(tree("plumtree", &one_by_one(4, ""), 2));
    assert_eq!(record.reached(), 4 * NODES);
    assert!(record.payload_messages() < free.payload_messages());
    let all = run(tree("plumtree", &one_by_one(2, "adversary = 'drop:100%,of=100%'"), 2));
    assert_eq!(all.reached(), 2 + 2 * PEERS, "only the origin forwards");
    assert!(all.elapsed < Nanos::from_secs(3));
}
