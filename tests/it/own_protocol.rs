//! A protocol that is no part of the crate, with all that the seam offers: state per link, kinds of its own, forwards
//! to peers that it names, keyed draws, a start and a warm-up, upkeep, and tallies. It runs on every carrier.

use crate::support::{real_carriers, scenario, to_quiescence};
use bulk_order_propagation::api::Simulation;
use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::message::{Kind, Message, OrderHop};
use bulk_order_propagation::protocol::{Context, Protocol, ProtocolState, ShardView};
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Draft, TransportKind, Until};
use bulk_order_propagation::simulation::{Runner, SimulationError, TraceRequest, run_protocol};
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::trace::{MessageFate, TracedMessage};
use bulk_order_propagation::transport::Clock;
use std::collections::BTreeSet;

/// A spanning mesh by agreement: before the first order, the node that dialled a link offers it to the other end if its
/// draw says so; orders then travel over links that were offered, and a beat goes over each every so often.
#[derive(Clone, Copy)]
struct Mesh {
    /// How often a node beats over its links, for ever; `None` for not at all.
    beat: Option<Nanos>,
}

const OFFER: Kind = Kind(200);
const BEAT: Kind = Kind(201);
/// A request that is answered with the order, of a number that the crate does not know.
const PULL: Kind = Kind(55);

const OFFERED: u8 = 0;
const PULLED: u8 = 1;

const WARM_UP: Nanos = Nanos::from_millis(200);

struct MeshState {
    mesh: Mesh,
    /// By link: whether orders travel over it.
    is_open: Vec<bool>,
    /// By node: how often it has beaten.
    beats: Vec<u64>,
}

impl Protocol for Mesh {
    type State = MeshState;
    type Tail = Box<[u64]>;

    const KINDS: &'static [(Kind, &'static str)] =
        &[(Kind::HAVE, "have"), (OFFER, "offer"), (BEAT, "beat"), (PULL, "pull")];
    const NEEDS_PEERS: bool = true;
    const STARTS: bool = true;
    const TALLIES: &'static [&'static str] = &["links offered", "orders pulled"];

    fn warm_up(&self) -> Nanos {
        WARM_UP
    }

    fn tail_words_max(&self) -> usize {
        1
    }

    fn for_shard(&self, view: &ShardView<'_>) -> MeshState {
        MeshState { mesh: *self, is_open: vec![false; view.links()], beats: vec![0; view.size()] }
    }
}

impl MeshState {
    fn receive<C: Context>(&mut self, context: &mut C, from: NodeId, received: OrderHop) {
        if !context.deliver(received.order) {
            return;
        }
        let Some(order_hop) = received.next() else { return };
        let links = context.links();
        let open = context.peers().iter().zip(links).filter(|&(_, link)| self.is_open[link as usize]);
        let to: Vec<NodeId> = open.map(|(&peer, _)| peer).filter(|&peer| peer != from).collect();
        context.forward(&to, Kind::PAYLOAD, order_hop, &[]);
        // Over a closed link that this node dialled the peer is told how to ask, so that nobody is left out.
        let closed = context.peers().iter().zip(context.links()).filter(|&(_, link)| !self.is_open[link as usize]);
        let told: Vec<NodeId> = closed.filter(|&(_, link)| context.dialled(link)).map(|(&peer, _)| peer).collect();
        context.forward(&told, Kind::HAVE, order_hop, &[u64::from(order_hop.hop)]);
    }
}

impl ProtocolState for MeshState {
    fn start<C: Context>(&mut self, context: &mut C) {
        for link in context.links() {
            let peer = context.peers()[(link - context.links().start) as usize];
            if context.dialled(link) && context.draw(1, u64::from(peer.0)) % 2 == 0 {
                self.is_open[link as usize] = true;
                context.tally(OFFERED, 1);
                context.send_upkeep(peer, OFFER, &[7]);
            }
        }
        if let Some(beat) = self.mesh.beat {
            context.wake_at(context.now() + Nanos(1 + context.draw(2, 0) % beat.0), 0);
        }
    }

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        let me = context.me();
        self.receive(context, me, OrderHop::published(order, ttl));
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        match message.kind {
            Kind::PAYLOAD => self.receive(context, message.from, message.order_hop()),
            Kind::HAVE if !context.knows(message.order) => {
                assert_eq!(tail, [u64::from(message.hop)], "a tail comes whole");
                context.send(message.from, PULL, message.order_hop());
            }
            PULL => {
                context.tally(PULLED, 1);
                context.send(message.from, Kind::PAYLOAD, message.order_hop());
            }
            OFFER => {
                assert_eq!(tail, [7]);
                let link = context.link_of(message.from).expect("only peers offer");
                assert!(!context.dialled(link), "the other end dialled");
                self.is_open[link as usize] = true;
            }
            _ => {}
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, _: u64) {
        let beat = self.mesh.beat.expect("only a beat was asked for");
        self.beats[context.local()] += 1;
        let open = context.peers().iter().zip(context.links()).filter(|&(_, link)| self.is_open[link as usize]);
        let to: Vec<NodeId> = open.map(|(&peer, _)| peer).collect();
        context.forward(&to, BEAT, OrderHop::NO_ORDER, &[]);
        context.wake_at(context.now() + beat, 0);
    }
}

fn draft(transport: TransportKind, threads: u32) -> Draft {
    Draft {
        transport: Some(transport),
        threads: Some(threads),
        topology: Some("random-regular".parse().unwrap()),
        peers: Some(8),
        ..to_quiescence(300, 1, 7)
    }
}

fn try_run(draft: Draft, mesh: Mesh) -> Result<RunRecord, SimulationError> {
    run_protocol(&scenario(draft), mesh, &Interrupt::new())
}

fn run(draft: Draft, mesh: Mesh) -> RunRecord {
    let record = try_run(draft, mesh).unwrap();
    assert!(record.ledger.is_balanced(), "{:?}", record.ledger);
    record
}

/// What a seed decides of a run, in virtual time all of it.
fn figures(record: &RunRecord) -> impl PartialEq + std::fmt::Debug {
    let worker = &record.workers[0];
    let counts = (worker.sent, worker.received, worker.control_sent, worker.upkeep, record.tallies.clone());
    (record.end, record.elapsed, record.digest, counts, record.traffic.clone())
}

#[test]
fn virtual_time_is_the_same_on_any_threads_and_in_both_engines() {
    let mesh = Mesh { beat: Some(Nanos::from_millis(9)) };
    for (latency, orders) in [("uniform:10ms..100ms", 1), ("5ms", 20), ("uniform:1ms..2ms", 20)] {
        let draft = |threads| Draft {
            latency: Some(latency.parse().unwrap()),
            orders: Some(orders),
            rate: (orders > 1).then(|| "100/s".parse().unwrap()),
            ..draft(TransportKind::Simulated, threads)
        };
        let one = run(draft(1), mesh);
        assert_eq!((one.end, one.reached()), (End::Quiescent, 300 * u64::from(orders)), "{latency}");
        let upkeep = one.upkeep();
        assert!(upkeep.warm_up_sent > 10_000 && upkeep.sent > 1_000, "{upkeep:?}");
        assert!(one.tallies.iter().all(|&(_, count)| count > 0), "{:?}", one.tallies);
        for threads in [2, 3] {
            assert_eq!(figures(&run(draft(threads), mesh)), figures(&one), "{latency}, {threads} threads");
        }
        // Time 0 is the end of the warm-up.
        if latency == "5ms" {
            assert!(one.elapsed < Nanos::from_secs(1) && one.bulk.is_some());
        }
    }
}

/// A run with a trace, and its rows.
fn run_traced(draft: Draft, mesh: Mesh) -> (RunRecord, Vec<TracedMessage>) {
    let (scenario, interrupt) = (scenario(draft), Interrupt::new());
    let runner = Runner::with_protocol(&scenario, &interrupt, &(), mesh).unwrap();
    let request = TraceRequest { path: "t.csv".into(), folder: std::env::temp_dir(), shares_disk: false };
    let record = runner.run_traced(Clock::start(), Some(&request)).unwrap();
    let rows = record.trace.as_ref().unwrap().rows().unwrap().map(Result::unwrap).collect();
    (record, rows)
}

/// Upkeep may be under way at any end, and some of it is sent in the warm-up, before time 0.
#[test]
fn a_trace_of_upkeep_sums_to_the_ledger() {
    let mesh = Mesh { beat: Some(Nanos::from_millis(9)) };
    for (latency, bandwidth, timeout, until) in [
        ("uniform:10ms..100ms", None, None, Until::Quiescent),
        ("uniform:10ms..100ms", Some("up=200kbit,down=300kbit,queue=2KiB"), None, Until::Target),
        ("5ms", Some("up=200kbit"), Some("300ms"), Until::Quiescent),
        ("5ms", Some("up=200kbit,share=fair"), Some("300ms"), Until::Quiescent),
        ("uniform:10ms..100ms", Some("up=300kbit,down=300kbit,queue=2KiB,share=fair"), None, Until::Target),
        ("0", None, None, Until::Quiescent),
        ("uniform:1ms..2ms", None, Some("20ms"), Until::Target),
    ] {
        let draft = |threads| Draft {
            latency: Some(latency.parse().unwrap()),
            bandwidth: bandwidth.map(|bandwidth| bandwidth.parse().unwrap()),
            timeout: timeout.map(|timeout| timeout.parse().unwrap()),
            until: Some(until),
            duplicate: Some("0.1".parse().unwrap()),
            orders: Some(8),
            rate: Some("100/s".parse().unwrap()),
            ..draft(TransportKind::Simulated, threads)
        };
        let (record, rows) = run_traced(draft(1), mesh);
        let untraced = run(draft(1), mesh);
        assert_eq!(figures(&record), figures(&untraced), "{latency} {bandwidth:?}");
        let ledger = &record.ledger;
        let of = |fates: &[MessageFate]| rows.iter().filter(|row| fates.contains(&row.fate)).count() as u64;
        let left = || rows.iter().filter(|row| row.fate != MessageFate::UplinkDropped);
        let sent: BTreeSet<_> = left().map(|row| (row.from, row.sequence, row.kind)).collect();
        use MessageFate::{Cut, Delivered, Down, Dropped, Duplicate, Expired, Lost, UnderWay, UplinkDropped};
        assert_eq!([sent.len() as u64, left().count() as u64], [ledger.sent, ledger.sent + ledger.model_duplicated]);
        assert_eq!(of(&[Delivered, Duplicate, Expired]), ledger.received);
        assert_eq!([of(&[Lost, Cut, Down]), of(&[Dropped])], [ledger.model_lost, ledger.model_dropped]);
        assert_eq!([of(&[UplinkDropped]), of(&[UnderWay])], [ledger.uplink_dropped, ledger.in_flight_at_stop]);
        let upkeep = sent.iter().filter(|sent| sent.2.is_upkeep()).count() as u64;
        assert_eq!(upkeep, record.upkeep().sent_in_all(), "{latency} {bandwidth:?}");
        let log = record.trace.as_ref().unwrap();
        let early = left().filter(|row| log.written_time(row.sent) < 0).count();
        assert!(early > 1_000 && rows.is_sorted(), "{early} messages in the warm-up");
        assert_eq!(run_traced(draft(3), mesh).1, rows, "{latency} {bandwidth:?}");
    }
}

/// Upkeep shares uplinks with orders, and holds no run open there either.
#[test]
fn upkeep_on_lines_is_the_same_on_any_threads() {
    let mesh = Mesh { beat: Some(Nanos::from_millis(9)) };
    for (lines, orders) in [("up=1mbit", 20), ("up=1mbit,share=fair", 1), ("up=400kbit,down=2mbit,share=fair", 20)] {
        let draft = |threads| Draft {
            latency: Some("uniform:10ms..100ms".parse().unwrap()),
            bandwidth: Some(lines.parse().unwrap()),
            orders: Some(orders),
            rate: (orders > 1).then(|| "100/s".parse().unwrap()),
            ..draft(TransportKind::Simulated, threads)
        };
        let one = run(draft(1), mesh);
        assert_eq!((one.end, one.reached()), (End::Quiescent, 300 * u64::from(orders)), "{lines}");
        assert!(one.upkeep().sent > 1_000, "{lines}");
        for threads in [2, 3, 5] {
            assert_eq!(figures(&run(draft(threads), mesh)), figures(&one), "{lines}, {threads} threads");
        }
    }
}

/// A latency of 0 is the limit of ever smaller ones, upkeep included.
#[test]
fn upkeep_without_latency_is_that_of_the_least_latency() {
    let mesh = Mesh { beat: Some(Nanos::from_millis(9)) };
    for orders in [1, 20] {
        let of = |latency: &str, threads| {
            let draft = Draft {
                latency: Some(latency.parse().unwrap()),
                orders: Some(orders),
                rate: (orders > 1).then(|| "100/s".parse().unwrap()),
                ..draft(TransportKind::Simulated, threads)
            };
            run(draft, mesh)
        };
        let none = of("0", 1);
        assert_eq!((none.end, none.reached()), (End::Quiescent, 300 * u64::from(orders)));
        let upkeep = none.upkeep();
        assert!(upkeep.warm_up_sent > 10_000 && none.is_virtual, "{upkeep:?}");
        // An order without latency ends at the instant at which it enters, and later beats belong to later orders.
        assert_eq!(upkeep.sent > 1_000, orders > 1, "{upkeep:?}");
        assert_eq!(figures(&of("0", 3)), figures(&none), "one worker handles all events, however many were asked for");
        let least = of("1ns", 2);
        let counts = |record: &RunRecord| {
            let worker = &record.workers[0];
            (worker.sent, worker.received, worker.control_sent, worker.upkeep, record.tallies.clone())
        };
        assert_eq!(counts(&least), counts(&none), "{orders} orders");
        let hops = |record: &RunRecord| record.bulk.as_ref().map(|bulk| bulk.hops.clone());
        assert_eq!(hops(&least), hops(&none), "{orders} orders");
    }
}

#[test]
fn the_report_says_whose_protocol_ran() {
    // With a fanout of 1 push would hardly start, which is no concern of another protocol.
    let draft = Draft { fanout: Some(1), ..draft(TransportKind::Simulated, 1) };
    let simulation = Simulation::new(scenario(draft)).unwrap();
    let outcome = simulation.run_protocol(Mesh { beat: None }).unwrap();
    let report = outcome.report();
    assert_eq!(report.options["protocol"], "of the caller's own");
    assert_eq!(report.replay, "(no command runs a protocol of the caller's own)");
    assert!(report.notices.is_empty() && outcome.coverage() == 1.0, "{:?}", report.notices);
    let text = report.to_string();
    assert!(text.contains("TTL 255, a protocol of the caller's own") && !text.contains("fanout 1"), "{text}");
    let push = simulation.run().unwrap();
    assert!(!push.report().notices.is_empty() && push.report().to_string().contains("TTL 255, fanout 1"));
}

#[test]
fn every_carrier_agrees_in_what_is_decided_before_any_message() {
    let virtual_time = run(draft(TransportKind::Simulated, 1), Mesh { beat: None });
    let offered = virtual_time.tallies[OFFERED as usize];
    assert_eq!(virtual_time.upkeep().warm_up_sent, offered.1, "an offer each, and all in the warm-up");
    for transport in real_carriers() {
        for threads in [1, 2, 3] {
            let record = run(draft(transport, threads), Mesh { beat: None });
            let said = format!("{transport:?}, {threads} threads");
            assert_eq!((record.end, record.reached()), (End::Quiescent, 300), "{said}");
            assert_eq!(record.tallies[OFFERED as usize], offered, "{said}");
            assert_eq!(record.upkeep().sent_in_all(), offered.1, "{said}");
            // Orders cross each open link at least once, and none but the open ones and those that were asked for.
            let pulled = record.tallies[PULLED as usize].1;
            assert!(record.payload_messages() >= 299 && record.payload_messages() <= 2 * offered.1 + pulled, "{said}");
        }
    }
}

#[test]
fn upkeep_that_never_ends_holds_no_run_open() {
    let mesh = Mesh { beat: Some(Nanos::from_millis(60)) };
    for transport in real_carriers() {
        for threads in [1, 2, 3] {
            let record = run(Draft { timeout: "60s".parse().ok(), ..draft(transport, threads) }, mesh);
            assert_eq!((record.end, record.reached()), (End::Quiescent, 300), "{transport:?}, {threads} threads");
            let upkeep = record.upkeep();
            assert!(upkeep.warm_up_sent > record.tallies[OFFERED as usize].1, "{transport:?}: {upkeep:?}");
        }
    }
    // In front of a carrier the modelled network holds upkeep as well.
    let emulated = Draft { latency: "2ms".parse().ok(), ..draft(TransportKind::Memory, 2) };
    assert_eq!(run(emulated, mesh).end, End::Quiescent);
}

#[test]
fn a_censor_on_the_path_changes_the_coverage_of_named_forwards() {
    let mesh = Mesh { beat: Some(Nanos::from_millis(20)) };
    let with = |adversary: &str| {
        let adversary = Some(adversary.parse().unwrap());
        run(Draft { adversary, ..draft(TransportKind::Simulated, 2) }, mesh)
    };
    let free = with("none");
    assert_eq!(free.reached(), 300);
    let censored = with("censor:90%,origin=0");
    assert!(censored.reached() < 250, "{}", censored.reached());
    // None but the origin forwards, and all ask: what answers is not spread, and no adversary's.
    let mut pulled = 0;
    for seed in 1..=5 {
        let adversary = Some("drop:100%,of=100%".parse().unwrap());
        let record = run(Draft { adversary, seed: Some(seed), ..draft(TransportKind::Simulated, 2) }, mesh);
        assert!(record.receipts.iter().all(|receipt| !receipt.is_reached() || receipt.hop <= 1));
        pulled += record.tallies[PULLED as usize].1;
    }
    assert!(pulled > 0);
    let delayed = with("delay:100%,by=1s");
    assert!(delayed.reached() == 300 && delayed.elapsed > free.elapsed + Nanos::from_secs(1));
    let flooded = with("flood:50%,times=2");
    assert!(flooded.payload_messages() > free.payload_messages());
}

#[test]
fn an_overlay_without_peers_is_refused_and_a_computed_one_is_stored() {
    let on = |family: &str, peers| Draft {
        topology: Some(family.parse().unwrap()),
        peers,
        ..draft(TransportKind::Simulated, 2)
    };
    let mesh = Mesh { beat: None };
    let refused = try_run(Draft { peers: None, ..on("complete", None) }, mesh).unwrap_err();
    assert!(refused.is_usage() && refused.to_string().contains("--topology random-regular"), "{refused}");
    for (family, peers) in [("regular-implicit", Some(8)), ("ring", None), ("grid", None), ("star", None)] {
        let record = run(on(family, peers), mesh);
        let links = (record.overlay.mean_degree * 150.0) as u64;
        assert!(record.tallies[OFFERED as usize].1.abs_diff(links / 2) < links / 6, "{family}: {:?}", record.tallies);
        assert!(family != "regular-implicit" || record.reached() == 300);
    }
}
