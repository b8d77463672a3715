//! The driver held to iroh-gossip's own simulator, and both implementations to closed forms.

use crate::equivalence::{FigureDifference, Margin};
use crate::guest::ConnectionRule;
use crate::runs::{RunOutcome, Senders, Setting};
use bulk_order_propagation::Nanos;
use iroh_gossip::proto::sim::{LatencyConfig, Network, NetworkConfig};
use iroh_gossip::proto::{Command, Config, Scope, TopicId};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

const NODES: u32 = 100;

fn setting(senders: Senders, threads: u32) -> Setting {
    let (latency, settle_time) = ("link:uniform:10ms..100ms".to_owned(), Nanos::from_secs(120));
    Setting { nodes: NODES, senders, latency, settle_time, connections: ConnectionRule::Once, threads }
}

fn value(run: &RunOutcome, key: &str) -> f64 {
    run.figures[key]
}

/// The figures of a run on iroh-gossip's own simulator: neighbours, payload messages and control messages, the latter
/// two for each node and order.
fn on_their_simulator(seed: u64) -> [f64; 3] {
    let (topic, orders): (TopicId, u32) = ([7; 32].into(), 30);
    let mut draws = ChaCha8Rng::seed_from_u64(seed);
    // Our default: a mean latency for each node.
    let mut joins: Vec<u64> = (1..NODES).map(|_| draws.random_range(0..5_500)).collect();
    joins.sort_unstable();
    let latency = LatencyConfig::random_ms(10, 100);
    let mut network = Network::new(NetworkConfig { latency, proto: Config::default() }, draws);
    network.insert_and_join(0, topic, Vec::new());
    let mut now = 0;
    for (node, at) in (1..u64::from(NODES)).zip(joins) {
        network.run_duration(Duration::from_millis(at - now));
        now = at;
        network.insert_and_join(node, topic, vec![0]);
    }
    network.run_duration(Duration::from_secs(120));
    let neighbours = |node: u64| network.neighbors(&node, &topic).map_or(0, |neighbours| neighbours.len());
    let degree = (0..u64::from(NODES)).map(neighbours).sum::<usize>() as f64 / f64::from(NODES);
    for order in 0..orders {
        let content = order.to_le_bytes().to_vec();
        network.command(0, topic, Command::Broadcast(content.into(), Scope::Swarm));
        network.run_duration(Duration::from_secs(1));
    }
    let (mut payload, mut control) = (0, 0);
    for state in network.peer_states() {
        let stats = state.state(&topic).expect("all have joined").gossip_stats();
        payload += stats.payload_messages_received;
        control += stats.control_messages_received;
    }
    let per_order = f64::from(NODES) * f64::from(orders);
    [degree, payload as f64 / per_order, control as f64 / per_order]
}

/// With connections that close as in iroh-gossip's own simulator the driver leads the core to the overlays and the
/// traffic to which that simulator leads it, links that end and are made again all the time included.
#[test]
fn the_driver_agrees_with_their_simulator() {
    let seeds = 1..=40;
    let setting = Setting { connections: ConnectionRule::Simulator, ..setting(Senders::One, 1) };
    let theirs: Vec<[f64; 3]> = seeds.clone().map(on_their_simulator).collect();
    let ours: Vec<[f64; 3]> = seeds
        .map(|seed| {
            let (run, _) = setting.run_guest(seed).unwrap();
            let payload = (1.0 + value(&run, "rmr")) * f64::from(NODES - 1) / f64::from(NODES);
            [value(&run, "degree"), payload, value(&run, "control_messages")]
        })
        .collect();
    let figures = [("neighbours", 0.02), ("payload messages", 0.15), ("control messages", 0.1)];
    for (place, (name, margin)) in figures.into_iter().enumerate() {
        let column = |runs: &[[f64; 3]]| -> Vec<f64> { runs.iter().map(|run| run[place]).collect() };
        let difference = FigureDifference::of(&column(&theirs), &column(&ours)).unwrap();
        assert!(difference.is_within(Margin::Relative(margin)), "{name}: {difference:?}");
    }
}

/// The first order floods the links; after it N - 1 links are the tree, and both ends of every other link announce:
/// RMR is (degree - 2) / 30 over 30 orders, and 29 of them have degree - 2 IHAVEs a node, up to 2 / N for the tree's
/// root.
#[test]
fn one_sender_costs_what_the_overlay_says() {
    for seed in 1..=5 {
        let setting = setting(Senders::One, 1);
        let (guest, overlay) = setting.run_guest(seed).unwrap();
        let on_overlay = setting.run_on_overlay(&overlay, seed).unwrap();
        for run in [&guest, &on_overlay] {
            let spare = value(run, "degree") - 2.0 + 2.0 / f64::from(NODES);
            let (rmr, ihave) = (value(run, "rmr"), value(run, "control_messages.ihave"));
            assert_eq!(value(run, "reached"), 1.0);
            assert!((30.0 * rmr / spare - 1.0).abs() < 0.05, "seed {seed}: RMR {rmr} with {spare} spare links");
            assert!((30.0 / 29.0 * ihave / spare - 1.0).abs() < 0.05, "seed {seed}: {ihave} with {spare} spare links");
        }
    }
}

/// On one overlay both implementations give every node every order at the same time, from the same peer, over as many
/// hops, if no link changes in the course of the run. With random senders orders outrun the timers of GRAFTs, and their
/// races may end otherwise: iroh-gossip forgets a timer that it restarts, and a later IHAVE starts another.
#[test]
fn plumtree_is_the_same_on_one_overlay() {
    for (senders, equal_least) in [(Senders::One, 1.0), (Senders::Random, 0.6)] {
        let (mut lasting, mut equal) = (0, 0);
        for seed in 1..=10 {
            let (guest, overlay) = setting(senders, 1).run_guest(seed).unwrap();
            if overlay.is_lasting() {
                let ours = setting(senders, 1).run_on_overlay(&overlay, seed).unwrap();
                equal += u32::from(guest.digest == ours.digest);
                lasting += 1;
            }
        }
        assert!(lasting >= 5, "{senders}: links changed in all but {lasting} runs");
        assert!(f64::from(equal) >= equal_least * f64::from(lasting), "{senders}: {equal} of {lasting} runs agree");
    }
}

#[test]
fn threads_change_nothing() {
    for senders in [Senders::One, Senders::Random] {
        let runs = [1, 2, 3].map(|threads| setting(senders, threads).run_guest(7).unwrap());
        assert!(runs.iter().all(|run| run.0.digest == runs[0].0.digest && run.1 == runs[0].1));
        assert_eq!(runs[0].0.figures, runs[2].0.figures);
    }
}
