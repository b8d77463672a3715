//! One seed gives one outcome: on any number of threads, in windows or one event after another.

mod access_links_and_roles;
mod bulk;
#[cfg(feature = "cluster")]
mod cluster;
mod exchange;
mod rounds;
mod strategies;
mod trace;
mod window;

use super::shard_outcome::EndedRun;
use super::*;
use crate::adversary::{Adversaries, AdversarySpec};
use crate::ids::NodeId;
use crate::network::{
    BandwidthSpec, ChurnSpec, Cut, DownSpec, Exponential, FaultSpec, LATENCY_MAX, Latency, LossSpec, NetworkSpec,
    Outage, PartitionSide, PartitionSpec, Paths, Rates, Selector, UplinkShare,
};
use crate::protocol::{DialRule, Flood, Lazy, Push};
use crate::ratio::Ratio;
use crate::record::Receipt;
use crate::scenario::Pin;
use crate::topology::{NodeNames, TopologySpec};
use crate::workload::{Arrivals, Bulk, Origins, Rate};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use strategies::{adversaries, bandwidths, cases, faults, intervals, share, uniform};

/// Everything a setup borrows.
#[derive(Clone, Debug)]
pub(super) struct Case {
    nodes: u32,
    seed: u64,
    fanout: u32,
    ttl: u8,
    latency: Latency,
    loss: LossSpec,
    duplicate: Ratio,
    bandwidth: Option<BandwidthSpec>,
    processing: Nanos,
    adversary: AdversarySpec,
    faults: FaultSpec,
    workload: Workload,
    /// Orders that a node tells apart.
    window: u32,
    exclude_sender: bool,
    target: Ratio,
    ends_at_target: bool,
    timeout: Option<Nanos>,
    /// True if nothing but the time limit ends the run, where there is one.
    ends_at_instant: bool,
}

impl Case {
    pub(super) fn with<R>(&self, threads: usize, act: impl FnOnce(&EngineSetup<'_>) -> R) -> R {
        self.with_faults_of(self.seed, threads, act)
    }

    /// The same where those who fail are drawn with a seed of their own.
    fn with_faults_of<R>(&self, seed: u64, threads: usize, act: impl FnOnce(&EngineSetup<'_>) -> R) -> R {
        let topology = TopologySpec::ErdosRenyi.build(self.nodes, 6, self.seed).unwrap();
        let network = NetworkSpec {
            paths: Paths::Latency(self.latency.into()),
            loss: self.loss,
            duplicate: self.duplicate,
            bandwidth: self.bandwidth,
            processing: self.processing,
            places: crate::network::Places::Drawn,
            is_ordered: false,
            links: None,
        };
        let network = network.build(self.seed).unwrap();
        let peers = |node: NodeId| topology.peers(node).collect();
        let adversaries =
            Adversaries::new(&self.adversary, self.seed, self.nodes, &NodeNames::default(), peers, None).unwrap();
        let degree = |node: NodeId| topology.degree(node);
        let faults = Faults::new(&self.faults, seed, self.nodes, &network, degree, None, &Interrupt::new()).unwrap();
        let ends_at_instant = self.ends_at_instant && self.timeout.is_some();
        let ends_at_target = self.ends_at_target && !ends_at_instant;
        let setup = EngineSetup {
            engine: Engine::Auto,
            topology: &topology,
            partition: &ShardMap::new(self.nodes, threads),
            pinning: &Pinning::new(threads, Pin::None),
            draw: TargetDraw::new(self.seed, self.fanout),
            knowledge: Knowledge::new(self.seed, &topology, DialRule::Coin),
            network: &network,
            faults: &faults,
            detection: None,
            adversaries: &adversaries,
            asked_warm_up: None,
            warm_up: Nanos::ZERO,
            workload: &self.workload,
            window: Window::new(self.workload.orders(), self.window),
            message_bytes: &vec![60; self.workload.orders() as usize],
            part_bytes: 0,
            ttl: self.ttl,
            exclude_sender: self.exclude_sender,
            goal: self.target.ceil_of(u64::from(self.nodes)),
            ends_at_target: ends_at_target && faults.is_steady(),
            moving_target: (ends_at_target && !faults.is_steady()).then_some(self.target),
            keeps_traffic: true,
            timeout: self.timeout,
            ends_at_instant,
            interrupt: &Interrupt::new(),
            allowance: &Allowance::new(u64::MAX),
            observer: &(),
            trace: None,
            order_receipts: None,
        };
        act(&setup)
    }

    fn outcome(&self, ended: EndedRun) -> EngineOutcome {
        ended.outcome(self.nodes as usize, self.workload.orders() as usize)
    }

    fn strict_of<P: Protocol>(&self, protocol: &P) -> EngineOutcome {
        self.outcome(self.with(1, |setup| event_by_event::run(setup, protocol)))
    }

    fn general_of<P: Protocol>(&self, threads: usize, protocol: &P) -> EngineOutcome {
        self.outcome(self.with(threads, |setup| windowed::run(setup, protocol, &LocalExchange::new(threads)).unwrap()))
    }

    /// Floods: everyone is a target, and nothing goes back.
    fn flood<R>(&self, threads: usize, act: impl FnOnce(&EngineSetup<'_>) -> R) -> R {
        let case = Case { exclude_sender: true, ..self.clone() };
        case.with(threads, |setup| act(&EngineSetup { draw: TargetDraw::unordered(), ..*setup }))
    }

    fn strict(&self) -> EngineOutcome {
        self.outcome(self.with(1, |setup| event_by_event::run(setup, &Push)))
    }

    fn fast(&self, threads: usize) -> EngineOutcome {
        self.with(threads, |setup| shortest(setup, &Push).unwrap())
    }

    fn general(&self, threads: usize) -> EngineOutcome {
        self.outcome(self.with(threads, |setup| windowed::run(setup, &Push, &LocalExchange::new(threads)).unwrap()))
    }
}

impl Case {
    /// Whoever took anything in, or sent it on, was up.
    fn assert_only_the_living(&self, outcome: &EngineOutcome) {
        self.with(1, |setup| {
            let receipts = outcome.each();
            for (place, receipt) in receipts.iter().enumerate().filter(|(_, receipt)| receipt.is_reached()) {
                assert!(setup.faults.is_up(NodeId((place % self.nodes as usize) as u32), receipt.time), "{self:?}");
            }
            for (node, traffic) in (0..).map(NodeId).zip(&outcome.traffic) {
                let is_never_up = setup.faults.fails_at(node) == Nanos::ZERO;
                assert!(!is_never_up || (traffic.sent, traffic.copies) == (0, 0), "{self:?}");
            }
        });
    }

    /// Returns true if messages between two nodes may be cut off by NAT and not by a partition.
    fn are_natted(&self, setup: &EngineSetup<'_>, one: NodeId, other: NodeId) -> bool {
        setup.faults.is_behind_nat(one) && setup.faults.is_behind_nat(other)
    }
}

impl EngineOutcome {
    fn each(&self) -> &[Receipt] {
        let Receipts::Each(receipts) = &self.receipts else { panic!("each node has a receipt of its own") };
        receipts
    }
}

/// The fast path, whatever was asked for, its receipts in the form that all others have.
fn shortest<P: FirstMessage>(setup: &EngineSetup<'_>, protocol: &P) -> Result<EngineOutcome, EngineError> {
    let ran = shortest_path::run(setup, protocol, &LocalExchange::new(setup.partition.workers()))?;
    let outcome = single_order::settled(setup, protocol, ran)?;
    let receipts = Receipts::Each(outcome.receipts.iter().collect());
    Ok(setup.ended_as_asked(EngineOutcome { receipts, ..outcome }))
}

/// Runs by hops.
fn hopwise<P: FirstMessage>(setup: &EngineSetup<'_>, protocol: &P, latency: u64) -> EngineOutcome {
    setup.ended_as_asked(single_order::hopwise(setup, protocol, Nanos(latency)).unwrap())
}

#[test]
fn shortest_paths_take_a_latency_and_a_run_without_limits() {
    let unbounded = Latency::from(Exponential { mean: Nanos(9_000), least: Nanos(500), greatest: LATENCY_MAX });
    let case = cases().new_tree(&mut proptest::test_runner::TestRunner::deterministic()).unwrap().current();
    let workload = Workload::single(NodeId(7));
    let case = Case { latency: unbounded, timeout: None, workload, ends_at_target: false, ..case };
    for threads in 1..4 {
        case.with(threads, |setup| {
            assert_eq!(setup.network.ceiling(), None);
            let setup = EngineSetup { engine: Engine::Fast, ..*setup };
            let outcome = run_first(&setup, &Push).unwrap();
            assert!(matches!(outcome.receipts, Receipts::Compact(_)), "the engine that was asked for ran");
            let receipts = Receipts::Each(outcome.receipts.iter().collect());
            assert_eq!(EngineOutcome { receipts, ..outcome }, case.general(threads));
        });
    }
}

/// No node sends or receives more than its lines carry in the time, headers included.
fn assert_within_the_lines(case: &Case, outcome: &EngineOutcome) {
    let sides = [&outcome.totals.access_links.up, &outcome.totals.access_links.down].into_iter().flatten();
    assert!(sides.map(|side| side.busiest).max().unwrap_or_default() <= outcome.ended_at, "{case:?}");
    let Some(BandwidthSpec { rates: Rates::Same { up, down }, queue_bytes, .. }) = case.bandwidth else { return };
    let model = &outcome.totals.record.model;
    assert!(queue_bytes.is_some() || model.uplink_dropped + model.dropped == 0, "{case:?}");
    let carries = |rate: Option<u64>, bytes: u64| {
        rate.is_none_or(|rate| u128::from(bytes) * 8_000_000_000 <= u128::from(rate) * u128::from(outcome.ended_at.0))
    };
    for node in &outcome.traffic {
        assert!(carries(up, node.bytes_out + 28 * node.sent), "{case:?} {node:?}");
        assert!(carries(down, node.bytes_in + 28 * node.copies), "{case:?} {node:?}");
    }
}

/// Asserts the invariants of any outcome.
fn assert_sound(case: &Case, outcome: &EngineOutcome) {
    let EngineOutcome { end, ended_at, totals: RunTotals { record, .. }, receipts, traffic, .. } = outcome;
    let model = &record.model;
    assert_eq!(
        record.sent + model.duplicated,
        record.received + model.lost + model.dropped + record.carrier.drained,
        "{case:?}"
    );
    assert!(!outcome.is_at_rest() || record.carrier.drained + record.queued_unsent == 0, "{case:?}");
    let instant = case.timeout.filter(|_| case.ends_at_instant).map(|timeout| case.workload.last_due() + timeout);
    assert_eq!(*end == End::Instant, instant == Some(*ended_at) && instant.is_some(), "{case:?}");
    assert_within_the_lines(case, outcome);
    for of_order in &outcome.totals.by_order {
        let OrderTraffic { sent, doubled, received, lost, dropped, expired, under_way, pending } = *of_order;
        assert_eq!(sent + doubled, received + lost + dropped + under_way, "{case:?}");
        assert!(expired <= received, "{case:?}");
        assert!(*end != End::Quiescent || pending == 0, "{case:?}");
    }
    let by_order = |count: fn(&OrderTraffic) -> u64| outcome.totals.by_order.iter().map(count).sum::<u64>();
    assert_eq!(by_order(|order| order.sent), record.sent - record.control_sent, "{case:?}");
    assert_eq!(by_order(|order| order.received), record.received - record.control_received, "{case:?}");
    assert!(by_order(|order| order.under_way + order.pending) >= record.carrier.drained, "{case:?}");
    let receipts: Vec<Receipt> = receipts.iter().collect();
    let reached = receipts.iter().filter(|receipt| receipt.is_reached());
    let origins = reached.clone().filter(|receipt| receipt.hop == 0).count() as u64;
    assert_eq!(record.reached, reached.clone().count() as u64);
    if let Some(bulk) = &outcome.totals.bulk_receipts {
        assert_eq!([bulk.delays.count(), bulk.hops.iter().sum()], [record.reached; 2], "{case:?}");
        assert_eq!(bulk.hops[0], origins, "{case:?}");
    }
    assert_eq!(outcome.totals.bulk_receipts.is_none(), outcome.totals.by_order.len() == 1, "{case:?}");
    let payload = record.received - record.control_received;
    assert_eq!(payload, record.reached - origins + record.duplicates + record.expired, "{case:?}");
    let payload_sent = record.sent - record.control_sent;
    assert_eq!(payload_sent, traffic.iter().map(|node| node.sent).sum::<u64>());
    assert_eq!(payload, traffic.iter().map(|node| node.copies).sum::<u64>());
    assert!(reached.clone().all(|receipt| receipt.time <= *ended_at && receipt.hop <= case.ttl));
    let floor = case.with(1, |setup| setup.network.floor());
    for (order, receipts) in receipts.chunks(case.nodes as usize).enumerate() {
        let goal = case.target.ceil_of(u64::from(case.nodes)) as usize;
        let count = receipts.iter().filter(|receipt| receipt.is_reached()).count();
        let is_moving = case.with(1, |setup| setup.moving_target.is_some());
        assert!(*end != End::Target || is_moving || count >= goal, "order {order}, {case:?}");
        for receipt in receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop > 0) {
            let cause = receipts[receipt.sender.index()];
            assert!(cause.time + floor <= receipt.time && cause.hop + 1 == receipt.hop, "{case:?}");
        }
    }
}

proptest! {
    #[test]
    fn windows_on_any_threads_give_what_strict_order_gives(case in cases()) {
        let strict = case.strict();
        assert_sound(&case, &strict);
        for threads in [1, 2, 3, 8] {
            prop_assert_eq!(&case.general(threads), &strict, "{} threads", threads);
        }
    }

    #[test]
    fn whatever_happens_gives_one_outcome(
        case in cases(), faults in faults(), doubled in 0..=100u64, bandwidth in prop::option::of(bandwidths()),
        processing in prop_oneof![Just(0), 0..30u64, 0..50_000_000u64], adversary in adversaries(),
    ) {
        let processing = Nanos(processing);
        let case = Case { faults, duplicate: share(doubled), bandwidth, processing, adversary, ..case };
        let strict = case.strict();
        assert_sound(&case, &strict);
        for threads in [1, 2, 3, 8] {
            prop_assert_eq!(&case.general(threads), &strict, "{} threads", threads);
        }
        let chosen = case.with(2, |setup| run(setup, &Push).unwrap());
        prop_assert_eq!(chosen, strict);
        case.assert_only_the_living(&case.general(2));
    }

    /// Orders published on one side of a cut that never heals never reach the other side.
    #[test]
    fn a_partition_that_never_heals_never_leaks(case in cases(), of in 1..100u64, nat in 0..50u64) {
        let side = PartitionSide::Share(share(of));
        let cut = Cut { side, at: Nanos::ZERO, heal: Nanos::MAX, is_one_way: false };
        let faults = FaultSpec { partition: PartitionSpec(vec![cut]), nat: share(nat), ..FaultSpec::default() };
        let case = Case { faults, ..case };
        let outcome = case.general(3);
        case.with(1, |setup| {
            for (order, receipts) in outcome.each().chunks(case.nodes as usize).enumerate() {
                let origin = setup.workload.publications()[order].origin;
                for (node, receipt) in (0..).map(NodeId).zip(receipts).filter(|(_, receipt)| receipt.is_reached()) {
                    let is_cut = setup.faults.is_cut(origin, node, Nanos(1)) && !case.are_natted(setup, origin, node);
                    assert!(node == origin || !is_cut);
                    assert!(receipt.hop == 0 || !setup.faults.is_cut(receipt.sender, node, Nanos(1)));
                }
            }
        });
    }

    #[test]
    fn shortest_paths_give_what_all_messages_give(case in cases(), origin in 0..20u32) {
        let case = Case { workload: Workload::single(NodeId(origin)), ..case };
        let general = case.general(2);
        for threads in [1, 2, 3, 8] {
            prop_assert_eq!(&case.fast(threads), &general, "{} threads", threads);
        }
    }

    #[test]
    fn times_and_answers_come_alike_on_any_threads(
        case in cases(), retry in 1..300u64, interval in intervals(), faults in faults(), adversary in adversaries(),
        bandwidth in prop::option::of(bandwidths()),
    ) {
        let case = Case { faults, adversary, bandwidth, ..case };
        // Short enough to ring while answers are under side, and long enough for those that never come.
        let lazy = Lazy::waiting(Nanos(retry), interval);
        let strict = case.strict_of(&lazy.clone());
        assert_sound(&case, &strict);
        for threads in [1, 2, 3, 8] {
            prop_assert_eq!(&case.general_of(threads, &lazy), &strict, "{} threads", threads);
        }
    }

    #[test]
    fn a_patient_lazy_node_takes_every_order_in_once(case in cases(), interval in intervals()) {
        let window = case.workload.orders();
        let case = Case { loss: "0".parse().unwrap(), ends_at_target: false, timeout: None, window, ..case };
        let longest = case.with(1, |setup| setup.network.ceiling().unwrap());
        let outcome = case.general_of(2, &Lazy::waiting(Nanos(2 * longest.0 + 1), interval));
        let orders = u64::from(case.workload.orders());
        prop_assert_eq!(outcome.end, End::Quiescent);
        prop_assert_eq!(outcome.totals.record.duplicates, 0);
        let record = &outcome.totals.record;
        prop_assert_eq!(record.sent - record.control_sent, record.reached - orders);
    }

    #[test]
    fn floods_are_shortest_paths_too(case in cases(), origin in 0..20u32) {
        let case = Case { workload: Workload::single(NodeId(origin)), ..case };
        let ended = case.flood(2, |setup| windowed::run(setup, &Flood, &LocalExchange::new(2)).unwrap());
        let general = case.outcome(ended);
        for threads in [1, 2, 3, 8] {
            let fast = case.flood(threads, |setup| shortest(setup, &Flood).unwrap());
            prop_assert_eq!(&fast, &general, "{} threads", threads);
        }
    }

    #[test]
    fn without_a_floor_the_ledger_balances_too(case in cases(), greatest in 0..30u64, interval in intervals()) {
        let case = Case { latency: uniform(0, greatest), ..case };
        let outcome = case.with(2, |setup| run(setup, &Push).unwrap());
        assert_sound(&case, &outcome);
        let lazy = case.with(2, |setup| run(setup, &Lazy::waiting(Nanos(40), interval)).unwrap());
        assert_sound(&case, &lazy);
    }
}

#[test]
fn every_message_that_is_not_lost_has_a_double() {
    let runner = &mut proptest::test_runner::TestRunner::deterministic();
    for _ in 0..50 {
        let case = cases().new_tree(runner).unwrap().current();
        let case = Case { duplicate: share(100), ends_at_target: false, timeout: None, ..case };
        let outcome = case.general(2);
        let arrived = outcome.totals.record.sent - outcome.totals.record.model.lost;
        assert_eq!(
            (outcome.totals.record.model.duplicated, outcome.totals.record.received),
            (arrived, 2 * arrived),
            "{case:?}"
        );
    }
}

#[test]
fn traffic_that_is_not_kept_changes_nothing_else() {
    let latency = uniform(10_000_000, 100_000_000);
    for ends_at_target in [false, true] {
        let case = Case {
            fanout: 5,
            ttl: 40,
            workload: Workload::single(NodeId(7)),
            target: Ratio::new(9, 10).unwrap(),
            ends_at_target,
            ..plain(3_000, latency)
        };
        let kept = case.fast(2);
        let lean = case.with(2, |setup| shortest(&EngineSetup { keeps_traffic: false, ..*setup }, &Push).unwrap());
        assert_eq!(lean.traffic, []);
        assert_eq!(EngineOutcome { traffic: kept.traffic.clone(), ..lean }, kept);
    }
}

proptest! {
    /// By hops and by shortest paths, the outcome is the same in every figure.
    #[test]
    fn hops_and_shortest_paths_agree(case in cases(), latency in 1..40u64, threads in 1..4usize) {
        let origin = case.workload.publications()[0].origin;
        let (latency_of_all, workload) = (Latency::Constant(Nanos(latency)), Workload::single(origin));
        let case = Case { latency: latency_of_all, loss: LossSpec::NONE, workload, ..case };
        let by_hops = case.with(threads, |setup| hopwise(setup, &Push, latency));
        prop_assert_eq!(by_hops, case.with(2, |setup| shortest(setup, &Push).unwrap()));
        let by_hops = case.flood(threads, |setup| hopwise(setup, &Flood, latency));
        prop_assert_eq!(by_hops, case.flood(2, |setup| shortest(setup, &Flood).unwrap()));
    }
}

/// A case with nothing in it but one latency.
fn plain(nodes: u32, latency: Latency) -> Case {
    Case {
        nodes,
        seed: 4,
        fanout: 8,
        ttl: 1,
        latency,
        loss: LossSpec::NONE,
        duplicate: share(0),
        bandwidth: None,
        processing: Nanos::ZERO,
        adversary: AdversarySpec::default(),
        faults: FaultSpec::default(),
        workload: Workload::single(NodeId(0)),
        window: u32::MAX,
        exclude_sender: false,
        target: share(100),
        ends_at_target: false,
        timeout: None,
        ends_at_instant: false,
    }
}
