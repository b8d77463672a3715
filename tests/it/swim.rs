//! SWIM's dissemination on every carrier: each node tells an order as often as memberlist's limit says, everyone gets
//! it, and exchanges repair what gossip missed.

use crate::support::{carriers, covered, mean_and_error, run, scenario, sent, to_quiescence};
use bulk_order_propagation::ratio::Ratio;
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Draft, TransportKind, Ttl, Until};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::TopologySpec;

/// A run in virtual time in which a message takes 5 ms.
fn swim(knobs: &str, nodes: u32, seed: u64) -> Draft {
    Draft {
        protocol: Some(format!("swim{knobs}").parse().unwrap()),
        transport: Some(TransportKind::Simulated),
        latency: Some("5ms".parse().unwrap()),
        ..to_quiescence(nodes, 2, seed)
    }
}

/// Without probes and exchanges every message is a copy of the order.
const GOSSIP_ALONE: &str = "gossip-interval=5ms,probe-interval=0,push-pull-interval=0";

/// Row 1 of the published figures: 8, 12, 16, 20 transmissions for 30, 100, 1,000, 10,000 nodes (memberlist at 1b4c746,
/// `util.go`), by every node that has the order.
#[test]
fn a_node_tells_an_order_as_often_as_its_limit_says() {
    for (nodes, transmissions) in [(30, 8), (100, 12), (1_000, 16), (10_000, 20)] {
        let record = run(swim(&format!(",{GOSSIP_ALONE}"), nodes, 3));
        let told = sent(&record);
        assert!(record.reached() > u64::from(nodes) * 99 / 100, "{nodes} nodes: {}", record.reached());
        for (receipt, &sent) in record.receipts.iter().zip(&told) {
            assert_eq!(sent, if receipt.is_reached() { transmissions } else { 0 }, "{nodes} nodes");
        }
    }
}

#[test]
fn every_carrier_tells_as_often_and_reaches_everyone() {
    for transport in carriers() {
        for threads in [1, 3] {
            let record = run(Draft {
                transport: Some(transport),
                latency: None,
                threads: Some(threads),
                ..swim(&format!(",{GOSSIP_ALONE}"), 200, 5)
            });
            assert_eq!(record.end, End::Quiescent, "{transport:?}");
            // Each of 200 nodes is missed by 200 x 12 draws with probability e^-12.
            assert_eq!(record.reached(), 200, "{transport:?}");
            assert_eq!(sent(&record), [12; 200], "{transport:?}");
        }
    }
}

/// On a real clock exchanges take their time; short ones show all kinds of messages.
#[test]
fn probes_and_exchanges_run_on_every_carrier() {
    for transport in carriers() {
        let record = run(Draft {
            transport: Some(transport),
            latency: None,
            ..swim(",gossip-interval=5ms,probe-interval=20ms,push-pull-interval=50ms", 30, 6)
        });
        assert_eq!((record.end, record.reached()), (End::Quiescent, 30), "{transport:?}");
        let sent = |name: &str| record.kinds.iter().find(|kind| kind.name == name).unwrap().sent;
        // Offers last from one whole interval of 50 ms to two: two pings a node at least.
        assert!(sent("ping") >= 2 * 30 && sent("digest") >= 30, "{transport:?}: {:?}", record.kinds);
        assert!(sent("ack") <= sent("ping"), "{transport:?}");
    }
}

#[test]
fn virtual_time_is_the_same_on_any_number_of_threads() {
    let draft = |threads| Draft {
        orders: Some(25),
        rate: "10/s".parse().ok(),
        origins: Some(bulk_order_propagation::scenario::OriginsKind::Random),
        latency: Some("uniform:1ms..40ms".parse().unwrap()),
        loss: Some("0.05".parse().unwrap()),
        threads: Some(threads),
        ..swim(":local,packet=300", 400, 8)
    };
    let outcome = |record: &RunRecord| (record.digest, covered(record), sent(record), record.kinds.clone());
    let one = run(draft(1));
    assert_eq!(one.end, End::Quiescent);
    for threads in [2, 3, 5] {
        assert!(outcome(&run(draft(threads))) == outcome(&one), "{threads} threads");
    }
}

/// With a third of the nodes down and messages lost, and with so few transmissions that gossip misses many, exchanges
/// bring the order to everyone who is up.
#[test]
fn exchanges_repair_what_gossip_missed() {
    for (loss, down, knobs) in [("0.02", "0.3", ""), ("0.3", "none", ""), ("0", "none", ",retransmit-mult=1")] {
        let failures =
            |knobs: &str| Draft { loss: loss.parse().ok(), down: down.parse().ok(), ..swim(knobs, 1_000, 4) };
        let record = run(failures(knobs));
        assert_eq!((record.end, record.reached()), (End::Quiescent, record.counted()), "loss {loss}, down {down}");
    }
    let missed = run(swim(",retransmit-mult=1,push-pull-interval=0,probe-interval=0", 1_000, 4));
    // Four transmissions leave exp(-4 r) of the nodes out: 1.98 %.
    assert!((960..=990).contains(&missed.reached()), "{}", missed.reached());
}

/// Row 2: the curve of Serf's convergence simulator, x = N / (1 + (N + 1) exp(-contact N t)) with contact =
/// fanout / 2N, is at 99.99 % after 9, 11 and 13 rounds for 30, 1,000 and 10,000 nodes. It halves the fanout, so that
/// gossip is faster.
#[test]
fn gossip_is_not_slower_than_the_curve_of_serf() {
    for (nodes, rounds) in [(30, 9), (1_000, 11), (10_000, 13)] {
        let (n, half) = (f64::from(nodes), 1.5);
        let curve = |round: i32| n / (1.0 + (n + 1.0) * (-half * f64::from(round)).exp());
        // Nodes that are missing, of which the curve has a whole one less at 99.99 %.
        let first = (1..30).find(|&round| curve(round) >= 0.9999 * n).unwrap();
        assert_eq!(first, rounds, "{nodes} nodes");
        let share = Ratio::new(9_999, 10_000).unwrap();
        let taken: Vec<f64> = (1..=4)
            .map(|seed| {
                let draft = swim(",probe-interval=0,push-pull-interval=0", nodes, seed);
                let record = run(Draft { until: Some(Until::Quiescent), ..draft });
                record.time_to(share).unwrap().0 as f64 / Nanos::from_millis(200).0 as f64
            })
            .collect();
        let (mean, error) = mean_and_error(&taken);
        assert!(mean - 4.0 * error < f64::from(rounds) && mean + 4.0 * error > f64::from(rounds) / 2.5, "{taken:?}");
    }
}

/// Its nodes know everybody, unless an overlay is asked for; then they know their peers.
#[test]
fn the_default_overlay_is_complete() {
    let overlay = |draft: Draft| scenario(draft).overlay.topology.clone();
    let draft = swim("", 5_000, 1);
    assert_eq!(overlay(draft.clone()), TopologySpec::Complete);
    assert_eq!(overlay(Draft { peers: Some(12), ..draft.clone() }), TopologySpec::ErdosRenyi);
    assert_eq!(scenario(Draft { ttl: None, ..draft }).protocol.ttl, Ttl::Hops(255));
    let record = run(Draft { topology: "random-regular".parse().ok(), peers: Some(6), ..swim("", 300, 2) });
    assert_eq!((record.end, record.reached()), (End::Quiescent, 300));
    let ring = run(Draft { topology: "ring".parse().ok(), ..swim(",retransmit-mult=6", 40, 2) });
    assert_eq!(ring.reached(), 40, "two peers, drawn among two");
}
