//! The relay of Bitcoin Core on whole networks: its times in closed form, its messages on every carrier, and what it
//! does about losses and failures.

use crate::support::{carriers, run, scenario, sent, to_quiescence};
use bulk_order_propagation::ids::NodeId;
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Draft, OriginsKind, TransportKind};
use bulk_order_propagation::time::Nanos;

const NODES: u32 = 300;

/// Short times in the proportions of Bitcoin Core, for real clocks.
const SHORT: &str =
    "lazy:bitcoin,outbound-interval=20ms,inbound-interval=50ms,nonpref-delay=20ms,overloaded-delay=20ms";

/// The relay on a random regular overlay with eight peers each, in virtual time, with further options.
fn relay(protocol: &str, options: &str, threads: u32) -> Draft {
    Draft::from_toml(options).unwrap().or(Draft {
        transport: Some(TransportKind::Simulated),
        topology: Some("random-regular".parse().unwrap()),
        peers: Some(8),
        protocol: Some(protocol.parse().unwrap()),
        ..to_quiescence(NODES, threads, 7)
    })
}

/// Twice the number of links of a draft's overlay.
fn link_ends(draft: &Draft) -> u64 {
    let scenario = scenario(draft.clone());
    let overlay = &scenario.overlay;
    let topology = overlay.topology.build(overlay.nodes, overlay.peers, scenario.run.seed).unwrap();
    (0..overlay.nodes).map(|node| u64::from(topology.degree(NodeId(node)))).sum()
}

/// Two nodes, of which the second dialled the first: an announcement waits for a trickle of its link, with a mean of
/// 2 s from the end that dialled and 5 s from the other. The receiver asks a peer that it dialled at once, and one that
/// dialled it 2 s later. INV, GETDATA and TX take a latency each.
#[test]
fn an_order_between_two_nodes_takes_an_exponential_time() {
    let latency = Nanos::from_millis(50);
    for (origin, mean, wait) in [(1, 2.0, Nanos::from_secs(2)), (0, 5.0, Nanos::ZERO)] {
        let options = format!("topology = 'star'\norders = 2000\nrate = '0.01/s'\norigin = {origin}\nlatency = '50ms'");
        let record = run(Draft { nodes: Some(2), peers: None, ..relay("lazy:bitcoin", &options, 1) });
        assert_eq!((record.reached(), record.payload_messages(), record.control_messages()), (4_000, 2_000, 4_000));
        let least = wait + latency + latency + latency;
        let orders = &record.bulk.as_ref().unwrap().orders;
        let waits: Vec<f64> = orders
            .iter()
            .map(|order| {
                let taken = order.time_to_end.unwrap();
                assert!(taken >= least, "{taken}, and {least} at least");
                (taken - least).0 as f64 / 1e9
            })
            .collect();
        let (count, sum) = (waits.len() as f64, waits.iter().sum::<f64>());
        // Five standard deviations of the mean of 2,000 exponential times, and of the share e^-1 that is above it.
        assert!((sum / count / mean - 1.0).abs() < 5.0 / count.sqrt(), "{} s, and {mean} s is expected", sum / count);
        let above = waits.iter().filter(|&&wait| wait > mean).count() as f64 / count;
        assert!((above - (-1.0f64).exp()).abs() < 2.5 / count.sqrt(), "a share of {above} is above the mean");
    }
}

/// Checks the messages of a run of one order without losses: each node but the origin asks once and gets it once, and a
/// link carries its announcement once, or twice if both ends were about to tell each other.
fn assert_one_copy_each(record: &RunRecord, draft: &Draft, said: &str) {
    let (nodes, ends) = (u64::from(draft.nodes.unwrap()), link_ends(draft));
    assert_eq!((record.end, record.reached()), (End::Quiescent, nodes), "{said}");
    assert_eq!((record.payload_messages(), sent(record).iter().sum()), (nodes - 1, nodes - 1), "{said}");
    let announcements = record.control_messages() - (nodes - 1);
    assert!((ends / 2..=ends - (nodes - 1)).contains(&announcements), "{said}: {announcements} of {ends}");
}

#[test]
fn everybody_gets_one_copy_on_every_carrier() {
    for (family, peers) in [("random-regular", Some(8)), ("dials:reachable=0.3", Some(8)), ("grid", None)] {
        for transport in carriers() {
            let draft = Draft {
                transport: Some(transport),
                topology: Some(family.parse().unwrap()),
                peers,
                nodes: Some(144),
                ..relay(SHORT, "", 2)
            };
            assert_one_copy_each(&run(draft.clone()), &draft, &format!("{transport:?}, {family}"));
        }
    }
    let whole = relay("lazy:bitcoin", "latency = 'uniform:10ms..100ms'", 2);
    assert_one_copy_each(&run(whole.clone()), &whole, "the times of Bitcoin Core");
}

#[test]
fn many_orders_reach_everybody_on_every_carrier() {
    for transport in carriers() {
        let options = "nodes = 100\norders = 20\nrate = '200/s'\norigins = 'random'";
        let record = run(Draft { transport: Some(transport), ..relay(SHORT, options, 2) });
        assert_eq!((record.end, record.reached()), (End::Quiescent, 20 * 100), "{transport:?}");
        assert_eq!(record.payload_messages(), 20 * 99, "{transport:?}");
    }
}

/// A request that is lost, or its answer, is made again to the next announcer after `getdata-interval`.
#[test]
fn losses_are_made_up_for_by_other_announcers() {
    for (protocol, loss) in [("lazy:bitcoin", "2%"), ("lazy:bitcoin,getdata-interval=3s", "2%")] {
        for origins in [OriginsKind::One, OriginsKind::Random] {
            let options = format!("orders = 10\nrate = '1/s'\nloss = '{loss}'\nlatency = 'uniform:10ms..100ms'");
            let draft = |threads| Draft { origins: Some(origins), ..relay(protocol, &options, threads) };
            let record = run(draft(1));
            assert_eq!((record.end, record.reached()), (End::Quiescent, 10 * u64::from(NODES)), "{protocol}");
            assert!(record.ledger.model_lost > 200, "{protocol}: {} lost", record.ledger.model_lost);
            for threads in [2, 3] {
                let other = run(draft(threads));
                let figures = |record: &RunRecord| (record.digest, record.control_messages(), record.elapsed);
                assert_eq!(figures(&other), figures(&record), "{protocol}, {threads} threads");
            }
        }
    }
}

/// Three nodes in ten fail between two orders. Whoever is up gets all later ones; with detection nobody is asked in
/// vain.
#[test]
fn the_relay_heals_after_failures() {
    for detect in ["", "detect = '100ms..400ms'"] {
        let options = format!("orders = 6\nrate = '0.1/s'\ndown = '30%,at=25s'\nlatency = '50ms'\n{detect}");
        let record = run(relay("lazy:bitcoin", &options, 2));
        let orders = &record.bulk.as_ref().unwrap().orders;
        let up = orders[5].counted;
        assert!(up < u64::from(NODES) * 8 / 10, "{up} nodes are up");
        for order in &orders[3..] {
            assert!(order.reached >= up, "{detect}: {} of {up}", order.reached);
        }
        let in_vain = orders[5].sent - orders[5].received;
        assert_eq!(in_vain, 0, "{detect}: only those who ask get a copy");
        assert_eq!(run(relay("lazy:bitcoin", &options, 3)).digest, record.digest);
    }
}

/// Censors announce nothing of the origin's, and everybody hears of it from others.
#[test]
fn adversaries_act_on_announcements() {
    let censored = "adversary = 'censor:20%,origin=0'\nlatency = '50ms'";
    let record = run(relay("lazy:bitcoin", censored, 2));
    let free = run(relay("lazy:bitcoin", "latency = '50ms'", 2));
    assert_eq!(record.reached(), u64::from(NODES));
    assert!(record.control_messages() < free.control_messages(), "censors announce nothing");
    let dropped = run(relay("lazy:bitcoin", "adversary = 'drop:100%,of=100%'", 2));
    assert_eq!(dropped.reached(), 1 + 8, "only the origin announces");
}
