//! HyParView under every protocol: on every carrier, on any number of threads, and after failures.

use crate::support::{carriers, real_carriers, run, scenario, to_quiescence};
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Draft, TransportKind};

/// Every built-in protocol, with knobs by which it takes little real time.
const PROTOCOLS: [&str; 8] = [
    "push",
    "flood",
    "lazy,announce-interval=5ms",
    "lazy:bitcoin,outbound-interval=20ms,inbound-interval=20ms,nonpref-delay=0s",
    "plumtree",
    "push-pull,round=50ms",
    "gossipsub,heartbeat-interval=50ms,heartbeat-delay=0s",
    "swim,gossip-interval=20ms,push-pull-interval=200ms",
];

fn draft(protocol: &str, options: &str, nodes: u32, threads: u32) -> Draft {
    let protocol = Some(protocol.parse().unwrap());
    Draft::from_toml(options).unwrap().or(Draft { protocol, ..to_quiescence(nodes, threads, 7) })
}

fn simulated(protocol: &str, options: &str, nodes: u32, threads: u32) -> RunRecord {
    let draft = draft(protocol, options, nodes, threads);
    run(Draft { transport: Some(TransportKind::Simulated), ..draft })
}

/// What a seed decides of a run in virtual time.
fn figures(record: &RunRecord) -> impl PartialEq + std::fmt::Debug {
    let worker = &record.workers[0];
    let counts = (worker.sent, worker.received, worker.control_sent, worker.upkeep, record.tallies.clone());
    (record.end, record.elapsed, record.digest, counts, record.degrees.clone(), record.traffic.clone())
}

#[test]
fn every_protocol_reaches_all_on_any_threads() {
    for protocol in PROTOCOLS {
        for latency in ["uniform:5ms..20ms", "uniform:0ms..5ms"] {
            let options = format!("latency = '{latency}'\njoin-time = '3s'");
            let on = |threads| simulated(&format!("{protocol}@hyparview"), &options, 150, threads);
            let one = on(1);
            assert_eq!((one.end, one.reached(), one.overlay.reachable), (End::Quiescent, 150, Some(150)), "{protocol}");
            assert!(one.overlay.mean_degree > 4.7 && one.overlay.max_degree == 5, "{protocol}: {:?}", one.overlay);
            assert!(one.upkeep().warm_up_sent > 3_000, "{protocol}: {:?}", one.upkeep());
            if latency == "uniform:5ms..20ms" {
                assert_eq!(figures(&on(3)), figures(&one), "{protocol}");
            }
        }
    }
}

/// Views that form within a second of real time.
///
/// Answers may take half a second, so that a worker that waits for its core is not taken for one that refuses.
const FAST: &str = "@hyparview,settle-time=300ms,shuffle-interval=100ms,neighbor-request-timeout=500ms";

#[test]
fn every_protocol_reaches_all_in_real_time() {
    // One worker is late for all nodes alike. Two are not, and where joins come in bursts views may fall into parts:
    // there nodes join for so long that a burst is a few of them.
    let on_one = PROTOCOLS.iter().flat_map(|&protocol| {
        let carriers = real_carriers().filter(move |&on| on == TransportKind::Memory || protocol == "plumtree");
        carriers.map(move |transport| (protocol, transport, 1, "join-time = '300ms'"))
    });
    for (protocol, transport, threads, options) in
        on_one.chain([("flood", TransportKind::Memory, 2, "join-time = '3s'")])
    {
        let draft = draft(&format!("{protocol}{FAST}"), options, 60, threads);
        let record = run(Draft { transport: Some(transport), ..draft });
        assert_eq!((record.end, record.reached()), (End::Quiescent, 60), "{protocol} on {transport:?}");
        assert!(record.overlay.mean_degree > 4.0 && record.overlay.max_degree <= 5, "{:?}", record.overlay);
        assert_eq!(record.overlay.reachable, Some(60), "{protocol} on {transport:?}");
    }
}

/// A flood takes each link in both directions, less the links over which the first copies came.
#[test]
fn a_flood_crosses_every_link_of_the_views() {
    for transport in carriers() {
        let options = if transport.is_virtual() { "join-time = '5s'\nlatency = '1ms'" } else { "join-time = '300ms'" };
        let record = run(Draft { transport: Some(transport), ..draft(&format!("flood{FAST}"), options, 100, 1) });
        let ends: u64 = record.degrees.iter().copied().map(u64::from).sum();
        assert_eq!((record.reached(), record.payload_messages()), (100, ends - 99), "{transport:?}");
        assert_eq!(record.workers[0].spared, 99, "{transport:?}");
        assert!((record.overlay.mean_degree - ends as f64 / 100.0).abs() < 1e-9);
    }
}

/// Nodes fail a second after the first order; the second one is published when the views have healed.
#[test]
fn views_heal_after_failures() {
    for (share, protocol) in [("30%", "plumtree"), ("80%", "plumtree"), ("80%", "flood"), ("80%", "gossipsub")] {
        let reached = |detect: &str| {
            let options = format!(
                "latency = '20ms'\njoin-time = '15s'\ndown = '{share},at=1s'\n{detect}\norders = 2\nrate = '0.05/s'"
            );
            let record = simulated(&format!("{protocol}@hyparview"), &options, 600, 2);
            let orders = &record.bulk.as_ref().unwrap().orders;
            (orders[1].reached, orders[1].counted)
        };
        let (healed, up) = reached("detect = '100ms..500ms'");
        assert_eq!(healed, up, "{protocol}, {share}");
        if share == "80%" {
            let (left, _) = reached("");
            assert!(left < up * 9 / 10, "{protocol}: {left} of {up} without detection");
        }
    }
}

#[test]
fn a_contact_that_is_down_lets_nobody_in() {
    let options = "transport = 'simulated'\ndown = '50%'\ncontact = 5\norigin = 0";
    let wrong = (0..20).find_map(|seed| {
        let scenario = scenario(Draft { seed: Some(seed), ..draft("push@hyparview", options, 20, 1) });
        bulk_order_propagation::simulation::run(&scenario, &bulk_order_propagation::sync::Interrupt::new()).err()
    });
    let wrong = wrong.unwrap();
    assert!(
        wrong.is_usage() && wrong.to_string().starts_with("--contact 5: this node is down from the start"),
        "{wrong}"
    );
}
