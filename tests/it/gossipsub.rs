//! Gossipsub in whole runs: on every carrier, on any number of threads, and under loss.

use crate::support::{real_carriers, scenario, to_quiescence};
use bulk_order_propagation::protocol::{Gossipsub, GossipsubKnobs};
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Draft, PayloadBytes, TransportKind};
use bulk_order_propagation::simulation::{self, run_protocol};
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::theory::comparison::paired_difference;
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::transport::Clock;

const PRESETS: [(&str, GossipsubKnobs); 7] = [
    ("spec", GossipsubKnobs::SPEC),
    ("v1.0", GossipsubKnobs::V1_0),
    ("v1.2", GossipsubKnobs::V1_2),
    ("v2.0", GossipsubKnobs::V2_0),
    ("go", GossipsubKnobs::GO),
    ("rust", GossipsubKnobs::RUST),
    ("ethereum", GossipsubKnobs::ETHEREUM),
];

fn draft(transport: TransportKind, threads: u32) -> Draft {
    Draft {
        transport: Some(transport),
        topology: Some("random-regular".parse().unwrap()),
        peers: Some(20),
        ..to_quiescence(300, threads, 7)
    }
}

fn virtual_draft(threads: u32, latency: &str) -> Draft {
    Draft { latency: Some(latency.parse().unwrap()), ..draft(TransportKind::Simulated, threads) }
}

fn run(draft: Draft, knobs: GossipsubKnobs) -> RunRecord {
    let record = run_protocol(&scenario(draft), Gossipsub::new(knobs), &Interrupt::new()).unwrap();
    assert!(record.ledger.is_balanced(), "{:?}", record.ledger);
    record
}

/// Messages of a kind since the warm-up.
fn kind(record: &RunRecord, name: &str) -> u64 {
    record.kinds.iter().find(|kind| kind.name == name).unwrap().sent
}

/// What a seed decides of a run in virtual time.
fn figures(record: &RunRecord) -> impl PartialEq + std::fmt::Debug {
    let worker = &record.workers[0];
    let counts = (worker.sent, worker.received, worker.control_sent, worker.upkeep, record.tallies.clone());
    (record.end, record.elapsed, record.digest, counts, record.traffic.clone())
}

/// A bulk of orders large enough for IDONTWANT, under every preset.
#[test]
fn every_preset_delivers_all_on_any_threads() {
    for (name, knobs) in PRESETS {
        let draft = |threads| Draft {
            orders: Some(6),
            rate: Some("2/s".parse().unwrap()),
            payload_bytes: PayloadBytes::new(1_200, 1_200),
            ..virtual_draft(threads, "uniform:10ms..100ms")
        };
        let one = run(draft(1), knobs);
        assert_eq!((one.end, one.reached()), (End::Quiescent, 1_800), "{name}");
        assert!(one.upkeep().warm_up_sent > 500, "{name}: {:?}", one.upkeep());
        assert_eq!(one.tallies[0].1 > 0, knobs.idontwant_bytes < u32::MAX, "{name}: {:?}", one.tallies);
        assert_eq!(kind(&one, "idontwant") > 0, knobs.idontwant_bytes < u32::MAX, "{name}: {:?}", one.kinds);
        for threads in [2, 3] {
            assert_eq!(figures(&run(draft(threads), knobs)), figures(&one), "{name}, {threads} threads");
        }
    }
}

/// Without a warm-up the first heartbeats form the mesh while orders travel; with a longer one more of them come first.
/// Either way times count from its end, and real carriers take as long.
#[test]
fn the_warm_up_can_be_asked_for() {
    let warmed = |warm_up: Option<Nanos>, protocol: &str, draft: Draft| {
        let draft = Draft { warm_up, protocol: Some(protocol.parse().unwrap()), ..draft };
        simulation::run(&scenario(draft), &Interrupt::new()).unwrap()
    };
    let in_virtual_time = |warm_up| warmed(warm_up, "gossipsub", virtual_draft(2, "uniform:10ms..100ms"));
    let (own, cold) = (in_virtual_time(None), in_virtual_time(Some(Nanos::ZERO)));
    assert_eq!(figures(&in_virtual_time(Some(Nanos::from_secs(5)))), figures(&own), "five heartbeats are its own");
    assert_eq!((cold.upkeep().warm_up_sent, cold.reached()), (0, 300));
    assert!(cold.upkeep().sent > own.upkeep().sent, "the mesh forms during the run");
    let long = in_virtual_time(Some(Nanos::from_secs(20)));
    assert!(long.upkeep().warm_up_sent >= own.upkeep().warm_up_sent && long.elapsed < Nanos::from_secs(6));
    for transport in real_carriers() {
        let of = |warm_up| {
            let draft = Draft { timeout: None, ..draft(transport, 1) };
            warmed(Some(warm_up), "gossipsub,heartbeat-interval=20ms", draft)
        };
        let clock = Clock::start();
        let record = of(Nanos::from_millis(300));
        assert!(clock.now() >= Nanos::from_millis(300), "{transport:?}");
        assert!(record.upkeep().warm_up_sent > 100, "{transport:?}: {:?}", record.upkeep());
        assert_eq!(of(Nanos::ZERO).upkeep().warm_up_sent, 0, "{transport:?}");
    }
}

/// A run ends once the order has left the windows that are announced; nothing else holds it.
#[test]
fn a_run_ends_with_the_last_announcement() {
    for latency in ["uniform:10ms..100ms", "5ms", "0"] {
        let record = run(virtual_draft(2, latency), GossipsubKnobs::SPEC);
        assert_eq!((record.end, record.reached()), (End::Quiescent, 300), "{latency}");
        let last = record.receipts.iter().map(|receipt| receipt.time).max().unwrap();
        let rest = Nanos(record.elapsed.0 - last.0);
        assert!((2_000..=3_300).contains(&(rest.0 / 1_000_000)), "{latency}: {rest:?}");
        // Each node announces the order at three heartbeats to a quarter of its peers, six at least.
        assert!((300 * 18..300 * 20).contains(&record.control_messages()), "{}", record.control_messages());
    }
}

#[test]
fn losses_heal() {
    for seed in 0..5 {
        for (_, knobs) in PRESETS {
            let draft = Draft {
                loss: Some("0.02".parse().unwrap()),
                seed: Some(seed),
                orders: Some(3),
                rate: Some("1/s".parse().unwrap()),
                ..virtual_draft(2, "uniform:10ms..100ms")
            };
            let record = run(draft, knobs);
            assert_eq!((record.end, record.reached()), (End::Quiescent, 900), "seed {seed}");
            assert!(record.ledger.model_lost > 100);
        }
    }
}

/// Three nodes in ten fail after the third of eight orders. With detection their peers take them out of their meshes
/// and send them nothing more; without it copies go to them in vain. Either way every order reaches all that are up.
#[test]
fn the_mesh_heals_after_failures() {
    for (name, knobs) in PRESETS {
        let of_several = ["spec", "v2.0"].contains(&name);
        for detect in if of_several { &[true, false][..] } else { &[true] } {
            let faults = format!("down = '30%,at=2500ms'\n{}", if *detect { "detect = '100ms..400ms'" } else { "" });
            let draft = |threads| {
                let options = format!("orders = 8\nrate = '1/s'\n{faults}");
                Draft::from_toml(&options).unwrap().or(virtual_draft(threads, "uniform:10ms..100ms"))
            };
            let record = run(draft(1), knobs);
            let orders = &record.bulk.as_ref().unwrap().orders;
            let up = orders[7].counted;
            assert!(up < 240, "{up} nodes are up");
            for order in &orders[3..] {
                assert_eq!((order.counted, order.reached >= up), (up, true), "{name}, detection {detect}");
            }
            let (last, in_vain) = (orders[7].sent, orders[7].sent - orders[7].received);
            assert_eq!(in_vain == 0, *detect, "{name}: {in_vain} of {last} copies to nodes that are down");
            if of_several {
                assert_eq!(figures(&run(draft(3), knobs)), figures(&record), "{name}, detection {detect}");
            }
        }
    }
}

/// Heartbeats of 20 ms, so that the warm-up takes a tenth of a second.
#[test]
fn every_carrier_delivers_all() {
    let knobs = GossipsubKnobs {
        heartbeat_interval: Nanos::from_millis(20),
        heartbeat_delay: Nanos::ZERO,
        iwant_followup: Nanos::from_millis(100),
        ..GossipsubKnobs::V1_2
    };
    for transport in real_carriers() {
        for threads in [1, 3] {
            let bytes = PayloadBytes::new(1_200, 1_200);
            let draft = Draft { payload_bytes: bytes, timeout: None, ..draft(transport, threads) };
            let record = run(draft, knobs);
            let said = format!("{transport:?}, {threads} threads");
            assert_eq!((record.end, record.reached()), (End::Quiescent, 300), "{said}");
            assert!(record.upkeep().warm_up_sent > 500 && record.control_messages() > 1_000, "{said}");
        }
    }
}

/// On a real clock the default time limit is 3 s plus the horizon of repairs, so that a run whose last announcement
/// comes later than 3 s still ends by itself.
#[test]
fn repairs_extend_the_time_limit_on_a_real_clock() {
    let spec = "gossipsub,heartbeat-interval=250ms,mcache-len=14,mcache-gossip=14,iwant-followup=1s";
    let draft = |transport| Draft {
        protocol: Some(spec.parse().unwrap()),
        timeout: None,
        nodes: Some(60),
        ..draft(transport, 1)
    };
    for transport in real_carriers() {
        // Fifteen heartbeats, and the answer to the last request.
        assert_eq!(scenario(draft(transport)).run.timeout, Some(Nanos::from_millis(3_000 + 15 * 250 + 1_000)));
    }
    let plain = |protocol: &str| Draft { protocol: Some(protocol.parse().unwrap()), ..draft(TransportKind::Memory) };
    assert_eq!(scenario(plain("plumtree")).run.timeout, Some(Nanos::from_secs(3)));
    let virtual_limit = scenario(draft(TransportKind::Simulated)).run.timeout;
    let of_push = Draft { fanout: None, protocol: None, ..draft(TransportKind::Simulated) };
    assert_eq!(virtual_limit, scenario(of_push).run.timeout, "virtual time is free");
    let record = simulation::run(&scenario(draft(TransportKind::Memory)), &Interrupt::new()).unwrap();
    assert_eq!((record.end, record.reached()), (End::Quiescent, 60));
    assert!(record.elapsed > Nanos::from_secs(3), "{:?}", record.elapsed);
}

/// Who comes first depends on the clock, so that carriers cannot agree message by message. They are equivalent: over
/// the same seeds the 95 % interval of the difference from virtual time lies within 5 % of its mean, for payloads,
/// control messages and hops, which is stricter than two one-sided tests at 5 %.
#[test]
fn real_carriers_are_equivalent_to_virtual_time() {
    const SEEDS: u64 = 5;
    // Every peer is in the mesh, because the size of a mesh depends on how many nodes graft at once, and on a busy
    // machine more do. What each copy becomes still depends on who comes first: announced, requested, or spared.
    let mesh = GossipsubKnobs { d: 8, d_low: 8, d_high: 8, d_out: 0, ..GossipsubKnobs::V2_0 };
    let knobs = GossipsubKnobs { heartbeat_interval: Nanos::from_millis(40), ..mesh };
    let figures_of = |transport, seed| {
        let options = "nodes = 120\npeers = 8\norders = 3\nrate = '20/s'\norigins = 'random'\n\
                       latency = 'uniform:10ms..40ms'\npayload-bytes = 1200";
        let draft = Draft { seed: Some(seed), ..draft(transport, 1) };
        let record = run(Draft::from_toml(options).unwrap().or(draft), knobs);
        assert_eq!((record.end, record.reached()), (End::Quiescent, 360), "{transport:?}, seed {seed}");
        let hops = &record.bulk.as_ref().unwrap().hops;
        let all: u64 = (0..).zip(hops).map(|(hop, &count)| hop * count).sum();
        [record.payload_messages(), record.control_messages(), all].map(|count| count as f64 / 360.0)
    };
    let in_virtual_time: Vec<[f64; 3]> = (0..SEEDS).map(|seed| figures_of(TransportKind::Simulated, seed)).collect();
    for transport in [TransportKind::Udp, TransportKind::Memory] {
        let measured: Vec<[f64; 3]> = (0..SEEDS).map(|seed| figures_of(transport, seed)).collect();
        for (place, name) in ["payloads", "control messages", "hops"].into_iter().enumerate() {
            let pairs = measured.iter().zip(&in_virtual_time);
            let differences: Vec<f64> = pairs.map(|(real, model)| real[place] - model[place]).collect();
            let mean = in_virtual_time.iter().map(|model| model[place]).sum::<f64>() / SEEDS as f64;
            let [low, high] = paired_difference(&differences).unwrap().interval;
            let said = format!("{transport:?}, {name}: {low:.3} to {high:.3} of {mean:.3}");
            println!("{said}");
            assert!(-0.05 * mean < low && high < 0.05 * mean, "{said}");
        }
    }
}
