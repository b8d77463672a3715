//! Held against a plain breadth-first simulation over the same draws, and against theory hop by hop.

use super::*;
use crate::protocol::TargetScratch;
use crate::record::Receipt;
use crate::theory::coverage::RandomGraph;
use crate::theory::hops::coverage_by_hop;
use crate::topology::TopologySpec;
use proptest::prelude::*;

const LATENCY: Nanos = Nanos::from_millis(50);

fn build(family: &str, nodes: u32, seed: u64) -> Topology {
    let spec = family.parse::<TopologySpec>().unwrap();
    let peers = if spec.takes_peers() { spec.default_peers(nodes) } else { 0 };
    spec.build(nodes, peers, seed).unwrap()
}

fn setup<'a>(topology: &'a Topology, interrupt: &'a Interrupt, seed: u64, fanout: u32) -> HopsSetup<'a> {
    HopsSetup {
        topology,
        draw: TargetDraw::new(seed, fanout),
        order: OrderIndex(0),
        origin: NodeId(topology.nodes() / 3),
        ttl: 40,
        latency: LATENCY,
        exclude_sender: false,
        records_senders: false,
        counts_copies: true,
        goal: u64::from(topology.nodes()),
        ends_at_target: false,
        timeout: None,
        cores: &[None],
        interrupt,
        observer: &|_| (),
    }
}

/// The same run as anybody would write it down: list by list, one message after another.
struct Plain<'a> {
    setup: &'a HopsSetup<'a>,
    hop_of: Vec<Option<u8>>,
    senders: Vec<NodeId>,
    copies: Vec<u32>,
    by_hop: Vec<u64>,
    sums: SendTotals,
}

impl<'a> Plain<'a> {
    fn run(setup: &'a HopsSetup<'a>) -> HopsOutcome {
        let nodes = setup.topology.nodes() as usize;
        let (mut hop_of, mut senders) = (vec![None; nodes], vec![NodeId(u32::MAX); nodes]);
        (hop_of[setup.origin.index()], senders[setup.origin.index()]) = (Some(0), setup.origin);
        let sums = SendTotals::default();
        let mut plain = Plain { setup, hop_of, senders, copies: vec![0; nodes], by_hop: vec![1], sums };
        let mut latest = vec![setup.origin];
        loop {
            if let Some(end) = plain.end(&latest) {
                return plain.outcome(end, &latest);
            }
            latest = plain.hop(&latest);
        }
    }

    /// Returns the copies that a node sends, and the number of copies it spares.
    fn copies_of(&self, from: NodeId) -> (Vec<NodeId>, u64) {
        let mut scratch = TargetScratch::default();
        let drawn = self.setup.draw.draw(self.setup.topology, self.setup.order, from, &mut scratch);
        let is_spared = |to: &NodeId| self.setup.exclude_sender && *to == self.senders[from.index()];
        let (spared, sent): (Vec<NodeId>, Vec<NodeId>) = drawn.iter().copied().partition(is_spared);
        (sent, spared.len() as u64)
    }

    fn end(&self, latest: &[NodeId]) -> Option<End> {
        let (setup, hop) = (self.setup, self.by_hop.len() as u64 - 1);
        if setup.ends_at_target && self.by_hop.iter().sum::<u64>() >= setup.goal {
            Some(End::Target)
        } else if latest.is_empty() || hop == u64::from(setup.ttl) {
            Some(End::Quiescent)
        } else {
            setup.timeout.is_some_and(|timeout| (hop + 1) * setup.latency.0 > timeout.0).then_some(End::Timeout)
        }
    }

    fn hop(&mut self, latest: &[NodeId]) -> Vec<NodeId> {
        let hop = self.by_hop.len() as u8;
        let mut next = vec![];
        for &from in latest {
            let (sent, spared) = self.copies_of(from);
            self.sums.add(SendTotals { sent: sent.len() as u64, spared });
            for to in sent {
                self.copies[to.index()] += 1;
                if self.hop_of[to.index()].is_none() {
                    self.hop_of[to.index()] = Some(hop);
                    next.push(to);
                }
                if self.hop_of[to.index()] == Some(hop) {
                    self.senders[to.index()] = self.senders[to.index()].min(from);
                }
            }
        }
        self.by_hop.push(next.len() as u64);
        next
    }

    fn outcome(self, end: End, latest: &[NodeId]) -> HopsOutcome {
        let setup = self.setup;
        let mut waiting = SendTotals::default();
        let forwards = if self.by_hop.len() - 1 < usize::from(setup.ttl) { latest } else { &[] };
        for &from in forwards {
            let (sent, spared) = self.copies_of(from);
            waiting.add(SendTotals { sent: sent.len() as u64, spared });
        }
        let late = if end == End::Quiescent { SendTotals::default() } else { waiting };
        HopsOutcome {
            end,
            receipts: ByHop {
                first: NodeId(0),
                latency: setup.latency,
                origin: setup.origin,
                counts: self.by_hop,
                hop_of: self.hop_of.iter().map(|hop| hop.unwrap_or(0)).collect(),
                senders: (setup.exclude_sender || setup.records_senders).then_some(self.senders),
            },
            copies: Some(self.copies),
            sent: self.sums.sent + late.sent,
            received: self.sums.sent,
            spared: self.sums.spared + late.spared,
            in_flight: late.sent,
            queued_unsent: 0,
        }
    }
}

fn any_end() -> impl Strategy<Value = (bool, f64, Option<u64>)> {
    (any::<bool>(), 0.01..1.0, prop::option::of(0u64..600))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// On every overlay, however it ends, and on any number of threads.
    #[test]
    fn a_run_is_what_a_plain_search_finds(
        family in prop::sample::select(vec!["regular-implicit", "erdos-renyi", "complete", "star", "grid", "ring"]),
        nodes in 3u32..3_000, fanout in 1u32..24, ttl in 1u8..30, seed: u64,
        exclude_sender: bool, records_senders: bool, ending in any_end(),
    ) {
        let topology = build(family, nodes, seed);
        let interrupt = Interrupt::new();
        let (ends_at_target, share, timeout) = ending;
        let goal = (share * f64::from(nodes)).ceil() as u64;
        let timeout = timeout.map(Nanos::from_millis);
        let setup = HopsSetup {
            ttl, exclude_sender, records_senders, ends_at_target, goal, timeout,
            ..setup(&topology, &interrupt, seed, fanout)
        };
        let plain = Plain::run(&setup);
        for threads in [1, 2, 3, 8] {
            let outcome = run(&HopsSetup { cores: &vec![None; threads], ..setup }).unwrap();
            prop_assert_eq!(&outcome, &plain, "{} threads", threads);
        }
        prop_assert_eq!(plain.received, plain.duplicates() + plain.receipts.reached() - 1);
        prop_assert_eq!(plain.received, plain.copies.unwrap().iter().map(|&copies| u64::from(copies)).sum::<u64>());
    }
}

/// Returns the shares that one seed covers within each hop.
fn within(topology: &Topology, seed: u64, hops: usize) -> Vec<f64> {
    let interrupt = Interrupt::new();
    let outcome = run(&HopsSetup { cores: &[None; 2], ..setup(topology, &interrupt, seed, 8) }).unwrap();
    let nodes = f64::from(topology.nodes());
    let covered = outcome.receipts.counts.iter().scan(0, |sum, &newest| {
        *sum += newest;
        Some(*sum as f64 / nodes)
    });
    covered.chain(std::iter::repeat(outcome.receipts.reached() as f64 / nodes)).take(hops).collect()
}

/// Coverage within each hop, and in the end, is that of the form: four standard errors, and what the form errs by
/// itself.
fn assert_spreads(family: &str, nodes: u32, seeds: u64, form: impl Iterator<Item = f64>) {
    const HOPS: usize = 16;
    let runs: Vec<Vec<f64>> = (0..seeds).map(|seed| within(&build(family, nodes, seed), seed, HOPS)).collect();
    for (hop, form) in form.take(HOPS).enumerate() {
        let mean = runs.iter().map(|run| run[hop]).sum::<f64>() / seeds as f64;
        let variance = runs.iter().map(|run| (run[hop] - mean).powi(2)).sum::<f64>() / (seeds - 1) as f64;
        let own = if hop + 1 == HOPS { 0.0003 } else { 0.005 };
        let allowed = own + 4.0 * (variance / seeds as f64).sqrt();
        assert!((mean - form).abs() < allowed, "{family} {nodes}, hop {hop}: {mean:.5}, form {form:.5} ± {allowed:.5}");
    }
}

#[test]
fn coverage_by_hop_is_that_of_a_regular_graph() {
    for (nodes, seeds) in [(10_000, 40), (100_000, 12), (1_000_000, 5)] {
        let form = RandomGraph::regular(20.0, 8.0);
        assert_spreads("regular-implicit", nodes, seeds, form.coverage_by_hop(nodes.into()));
    }
}

#[test]
fn coverage_by_hop_is_that_of_a_random_graph() {
    for (nodes, seeds) in [(10_000, 40), (100_000, 12)] {
        let form = RandomGraph::new(20.0, 8.0);
        assert_spreads("erdos-renyi", nodes, seeds, form.coverage_by_hop(nodes.into()));
    }
}

#[test]
fn coverage_by_hop_is_reed_and_frosts_on_the_complete_overlay() {
    let form = std::iter::once(1e-4).chain(coverage_by_hop(10_000, 8.0));
    assert_spreads("complete", 10_000, 40, form);
}

/// Forward-once push sends f - 1 copies for each node beyond the first it needs.
#[test]
fn redundancy_is_the_fanout_less_one() {
    let (topology, interrupt) = (build("regular-implicit", 100_000, 3), Interrupt::new());
    let outcome = run(&setup(&topology, &interrupt, 3, 8)).unwrap();
    let redundancy = outcome.sent as f64 / (outcome.receipts.reached() - 1) as f64 - 1.0;
    assert!((redundancy - 7.0).abs() < 0.02, "{redundancy}");
}

#[test]
fn receipts_are_as_late_as_their_hops() {
    let (topology, interrupt) = (build("ring", 9, 1), Interrupt::new());
    let outcome =
        run(&HopsSetup { ttl: 3, origin: NodeId(0), records_senders: true, ..setup(&topology, &interrupt, 1, 2) })
            .unwrap();
    let receipt = |node| outcome.receipts.get(NodeId(node));
    assert_eq!(receipt(0), Receipt { time: Nanos::ZERO, sender: NodeId(0), hop: 0 });
    assert_eq!(receipt(2), Receipt { time: Nanos(2 * LATENCY.0), sender: NodeId(1), hop: 2 });
    assert_eq!(receipt(6), Receipt { time: Nanos(3 * LATENCY.0), sender: NodeId(7), hop: 3 });
    assert_eq!((receipt(4), receipt(5)), (Receipt::NONE, Receipt::NONE));
    assert_eq!((outcome.receipts.counts.as_slice(), outcome.sent, outcome.duplicates()), (&[1, 2, 2, 2][..], 10, 4));
}

#[test]
fn an_interrupt_leaves_whole_hops() {
    let topology = build("regular-implicit", 20_000, 1);
    for (hops, threads) in [(0, 1), (3, 1), (3, 3)] {
        let interrupt = Interrupt::new();
        let raise = |progress: HopsProgress| {
            if progress.hop == hops {
                interrupt.raise();
            }
        };
        if hops == 0 {
            interrupt.raise();
        }
        let asked = setup(&topology, &interrupt, 1, 8);
        let outcome =
            run(&HopsSetup { observer: &raise, cores: &vec![None; threads], records_senders: hops > 0, ..asked })
                .unwrap();
        assert_eq!((outcome.end, outcome.copies.is_none()), (End::Interrupted, true));
        // Another worker may have been past the next hop before the first raised it.
        assert!(outcome.receipts.counts.len() > usize::from(hops));
        let newest = *outcome.receipts.counts.last().unwrap();
        assert_eq!(outcome.queued_unsent, 8 * newest);
        assert_eq!(outcome.sent, 8 * (outcome.receipts.reached() - newest));
        let reached = (0..20_000).filter(|&node| outcome.receipts.get(NodeId(node)).is_reached()).count();
        assert_eq!(reached as u64, outcome.receipts.reached());
        if let Some(senders) = outcome.receipts.senders {
            assert_eq!(senders.iter().filter(|sender| sender.0 < 20_000).count(), reached);
        }
    }
}

#[test]
fn each_hop_is_told_once() {
    let (topology, interrupt) = (build("erdos-renyi", 5_000, 1), Interrupt::new());
    let told = std::sync::Mutex::new(vec![]);
    let tell = |progress| told.lock().unwrap().push(progress);
    let asked = setup(&topology, &interrupt, 1, 8);
    let outcome = run(&HopsSetup { observer: &tell, cores: &[None; 3], ..asked }).unwrap();
    let sums = (1..outcome.receipts.counts.len()).map(|hop| outcome.receipts.counts[..=hop].iter().sum::<u64>());
    let expected = sums.zip(1..).map(|(reached, hop)| HopsProgress { hop, time: time_of(hop, LATENCY), reached });
    assert_eq!(told.into_inner().unwrap(), expected.collect::<Vec<_>>());
}
