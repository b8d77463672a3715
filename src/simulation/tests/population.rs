//! Times to shares of the nodes that are up, compared with a reference that looks at every node at every instant.

use super::super::*;
use crate::network::Faults;
use crate::ratio::Ratio;
use crate::record::Receipt;
use crate::scenario::Until;
use crate::scenario::{Draft, OriginsKind, TransportKind, Ttl};
use crate::time::Nanos;
use crate::workload::Publication;
use proptest::prelude::*;

/// A share as two numbers, so that the reference does not round as the code does.
type Share = (u64, u64);

/// The shares that a report shows of one order.
const SHARES: [Share; 5] = [(50, 100), (90, 100), (95, 100), (99, 100), (1, 1)];

/// The milestones of an order of a bulk.
const MILESTONES: [Share; 3] = [(50, 100), (95, 100), (99, 100)];

/// The facts of a run that the reference needs.
struct Run {
    record: RunRecord,
    /// First receipts of order 0 by node, then those of order 1, and so on.
    receipts: Vec<Receipt>,
    publications: Vec<Publication>,
    faults: Faults,
}

/// Runs a draft in virtual time and keeps every receipt.
fn computed(draft: Draft) -> Run {
    let scenario = Draft { transport: Some(TransportKind::Simulated), ..draft }.build().unwrap();
    let interrupt = Interrupt::new();
    let runner = Runner::new(&scenario, &interrupt, &()).unwrap();
    let network = runner.network.clone().expect("virtual time has one");
    runner
        .with_setup(&network, |setup, population| {
            let outcome = runner.protocol.in_virtual_time(*setup)?;
            let receipts = outcome.receipts.iter().collect();
            Ok(Run {
                record: runner.run_record(setup, population, outcome, None),
                receipts,
                publications: runner.workload.publications().to_vec(),
                faults: setup.faults.clone(),
            })
        })
        .unwrap()
}

impl Run {
    /// Counts the nodes that are up at an instant and have an order, and the nodes that are up.
    fn state(&self, order: usize, now: Nanos) -> (u64, u64) {
        let (mut holders, mut up) = (0, 0);
        for (node, receipt) in self.receipts_of(order).iter().enumerate() {
            let is_up = self.faults.is_up(NodeId(node as u32), now);
            up += u64::from(is_up);
            holders += u64::from(is_up && receipt.is_reached() && receipt.time <= now);
        }
        (holders, up)
    }

    fn receipts_of(&self, order: usize) -> &[Receipt] {
        let nodes = self.record.nodes as usize;
        &self.receipts[order * nodes..(order + 1) * nodes]
    }

    /// Lists the instants from an order's publication to the end at which a node gets it, goes down or comes up.
    fn instants(&self, order: usize) -> Vec<Nanos> {
        let (due, end) = (self.publications[order].due, self.record.elapsed);
        let mut instants = vec![due];
        instants.extend(self.receipts_of(order).iter().map(|receipt| receipt.time));
        for node in (0..self.record.nodes).map(NodeId) {
            let mut now = due;
            while let Some(change) = self.faults.next_change(node, now).filter(|&change| change <= end) {
                instants.push(change);
                now = change;
            }
        }
        instants.retain(|&instant| due <= instant && instant <= end);
        instants.sort_unstable();
        instants
    }

    /// Returns the first instant at which a share of the nodes that are up had an order.
    fn time_to(&self, order: usize, (parts, whole): Share) -> Option<Nanos> {
        self.instants(order).into_iter().find(|&now| {
            let (holders, up) = self.state(order, now);
            holders > 0 && holders * whole >= parts * up
        })
    }

    fn check(&self, target: Share) {
        let ratio = |(parts, whole): Share| Ratio::new(parts, whole).unwrap();
        let end = self.record.elapsed;
        match &self.record.bulk {
            None => {
                for share in SHARES.into_iter().chain([target]) {
                    assert_eq!(self.record.time_to(ratio(share)), self.time_to(0, share), "{share:?}");
                }
                assert_eq!((self.record.reached(), self.record.counted()), self.state(0, end));
            }
            Some(bulk) => {
                for (index, order) in bulk.orders.iter().enumerate() {
                    let due = self.publications[index].due;
                    let shares = [MILESTONES[0], MILESTONES[1], MILESTONES[2], target];
                    let times = shares.map(|share| self.time_to(index, share).map(|time| time.since(due)));
                    assert_eq!(order.time_to, times, "order {index}");
                    assert_eq!((order.reached, order.counted), self.state(index, end));
                }
            }
        }
        if self.record.end == End::Target {
            // The run ends when the last order has its target, and not before.
            let times = (0..self.publications.len()).map(|order| self.time_to(order, target));
            assert_eq!(times.collect::<Option<Vec<Nanos>>>().and_then(|times| times.into_iter().max()), Some(end));
        }
    }

    /// Returns the instant at which each order had its target, since the start.
    fn targets(&self, target: Share) -> Vec<Option<Nanos>> {
        (0..self.publications.len()).map(|order| self.time_to(order, target)).collect()
    }
}

/// Draws faults, as options: nodes that come and go, nodes that fail at some time, both, or parts that are cut off from
/// each other.
fn faults() -> impl Strategy<Value = (Option<String>, Option<String>, Option<String>)> {
    let churn = (20u64..1_500, 5u64..500).prop_map(|(up, down)| format!("up={up}ms,down={down}ms"));
    let down = (1u64..70, 0u64..400).prop_map(|(percent, at)| format!("{percent}%,at={at}ms"));
    let partition = (10u64..60, 0u64..200, 50u64..300)
        .prop_map(|(percent, at, lasts)| format!("{percent}%,at={at}ms,heal={}ms", at + lasts));
    (prop::option::weighted(0.7, churn), prop::option::of(down), prop::option::of(partition))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn each_share_is_reached_when_it_is_first_held(
        (nodes, peers, fanout) in (4u32..48, 2u32..8, 1u32..5),
        (seed, threads) in (0u64..1_000, 1u32..3),
        (churn, down, partition) in faults(),
        target in (1u64..=12, 0u64..6).prop_map(|(parts, more)| (parts, parts + more)),
        (orders, is_random) in (1u32..6, any::<bool>()),
        (loss, least) in (0u64..40, prop::sample::select(vec!["5ms", "0ms"])),
    ) {
        let draft = |until| Draft {
            nodes: Some(nodes),
            threads: Some(threads.min(nodes)),
            peers: Some(peers.min(nodes - 1)),
            fanout: Some(fanout),
            seed: Some(seed),
            ttl: Some(Ttl::Hops(40)),
            latency: Some(format!("uniform:{least}..90ms").parse().unwrap()),
            loss: Some(format!("{loss}%").parse().unwrap()),
            target: Some(Ratio::new(target.0, target.1).unwrap()),
            churn: churn.as_ref().map(|text| text.parse().unwrap()),
            down: down.as_ref().map(|text| text.parse().unwrap()),
            partition: partition.as_ref().map(|text| text.parse().unwrap()),
            orders: (orders > 1).then_some(orders),
            rate: (orders > 1).then(|| "20/s".parse().unwrap()),
            origins: is_random.then_some(OriginsKind::Random),
            until: Some(until),
            timeout: Some(Nanos::from_secs(5)),
            ..Draft::default()
        };
        let whole = computed(draft(Until::Quiescent));
        whole.check(target);
        let stopped = computed(draft(Until::Target));
        stopped.check(target);
        // The times agree, whatever ends the run.
        prop_assert_eq!(stopped.targets(target), whole.targets(target));
        let last_due = stopped.publications.last().map_or(Nanos::ZERO, |last| last.due);
        let timeout = stopped.record.elapsed.since(last_due);
        // A time limit of 0 is none.
        if stopped.record.end == End::Target && timeout > Nanos::ZERO {
            // And the figures are those of a run that its time limit ends at the instant of the target.
            let limited = computed(Draft { timeout: Some(timeout), ..draft(Until::Quiescent) });
            prop_assert_eq!(&stopped.receipts, &limited.receipts);
            prop_assert_eq!(&stopped.record.traffic, &limited.record.traffic);
            prop_assert_eq!(&stopped.record.workers, &limited.record.workers);
            prop_assert_eq!(stopped.record.digest, limited.record.digest);
        }
    }
}
