//! The outcome of each order of a bulk, from the counts of all workers.

use super::groups::GroupTotals;
use super::{Population, RunContext};
use crate::coverage::{Goals, MILESTONES, TARGET, TIMES};
use crate::engine::OrderTraffic;
use crate::record::{
    BulkRecord, MeasuredReceipts, OrderCounts, OrderFacts, OrderOutcome, OrderRecord, Receipt, ReceiptTotals,
};
use crate::runtime::BulkCounts;
use crate::time::Nanos;
use crate::workload::Publication;

impl RunContext<'_> {
    /// Judges the orders of a bulk, with times since each was due. The workers took the times from a clock that each of
    /// them reads before it counts, so crossings are put in order first.
    pub(crate) fn bulk(&self, mut counts: BulkCounts, at_rest: bool, injected_at: Nanos) -> BulkRecord {
        let goals = Goals::new(self.scenario.overlay.nodes, self.scenario.run.target);
        counts.orders.iter_mut().for_each(|counts| counts.crossed = goals.in_order(counts.crossed));
        self.bulk_of(counts, self.scenario.overlay.nodes, at_rest, injected_at)
    }

    /// Judges the orders of a bulk whose times are in order and of which coverage counts this many nodes.
    fn bulk_of(&self, counts: BulkCounts, counted: u32, at_rest: bool, injected_at: Nanos) -> BulkRecord {
        let BulkCounts { orders, receipts: ReceiptTotals { delays, mut hops } } = counts;
        let publications = self.workload.publications().iter().zip(self.payload_bytes).zip(&orders);
        let target_nodes = self.scenario.run.target.ceil_of(u64::from(counted)).max(1);
        let orders = publications.map(|((publication, &payload_bytes), counts)| {
            let judge = OrderJudge { at_rest, injected_at, timeout: self.scenario.run.timeout, target_nodes };
            OrderRecord { payload_bytes, counted: u64::from(counted), ..judge.record(publication, counts) }
        });
        let orders = orders.collect();
        while hops.last() == Some(&0) {
            hops.pop();
        }
        BulkRecord { orders, delays, hops, window: self.window.orders() }
    }
}

impl RunContext<'_> {
    /// Judges the orders of a bulk from every first receipt, which only virtual time keeps: those of order 0 by node,
    /// then those of order 1. Times are exact. `all` counts the receipts of all nodes.
    pub(crate) fn virtual_bulk(
        &self,
        receipts: &[Receipt],
        all: ReceiptTotals,
        traffic: &[OrderTraffic],
        population: &Population<'_>,
        at_rest: bool,
        ended_at: Nanos,
    ) -> BulkRecord {
        let counted = population.at(ended_at);
        let nodes = counted.iter().filter(|&&is_counted| is_counted).count() as u32;
        let shares = [MILESTONES[0], MILESTONES[1], MILESTONES[2], self.scenario.run.target];
        // Where all nodes are up, the k-th receipt gives the time, and no curve is needed.
        let mut curves = (!population.is_everybody()).then(|| population.curves(receipts, ended_at));
        let ranks = Goals::new(nodes, self.scenario.run.target).ranks();
        let mut totals = if population.is_everybody() { all } else { ReceiptTotals::none() };
        let by_order =
            receipts.chunks(self.scenario.overlay.nodes as usize).zip(self.workload.publications()).zip(traffic);
        let orders = by_order.map(|((receipts, publication), traffic)| {
            let mut times: Vec<Nanos> = Vec::with_capacity(receipts.len());
            let mut counts = counts_of(traffic);
            let reached = receipts.iter().enumerate().filter(|(_, receipt)| receipt.is_reached());
            for (node, receipt) in reached {
                note(&mut counts, receipt, self.forecast.ttl);
                if counted[node] {
                    times.push(receipt.time);
                    if !population.is_everybody() {
                        totals.count(receipt, publication.due);
                    }
                }
            }
            complete(&mut counts, &mut times, ranks);
            if let Some(curves) = &mut curves {
                let curve = curves.next().unwrap_or_default();
                counts.crossed = shares.map(|share| curve.time_to(share).unwrap_or(Nanos::MAX));
            }
            counts
        });
        let orders = orders.collect();
        self.bulk_of(BulkCounts { orders, receipts: totals }, nodes, at_rest, Nanos::ZERO)
    }

    /// Counts the receipts of the orders from `first` on, at the nodes that were up at the end.
    pub(crate) fn measured(
        &self,
        receipts: &[Receipt],
        population: &Population<'_>,
        ended_at: Nanos,
        first: u32,
    ) -> MeasuredReceipts {
        let (counted, nodes) = (population.at(ended_at), self.scenario.overlay.nodes as usize);
        let publications = self.workload.publications();
        let mut measured = MeasuredReceipts::none(nodes, publications.len() as u32, first);
        for (receipts, publication) in receipts.chunks(nodes).zip(publications) {
            let receipts = receipts.iter().copied();
            measured.count(publication.order.0, publication.due, receipts, |node| counted[node]);
        }
        measured
    }

    /// Judges the orders of a bulk whose receipts were collected order by order.
    pub(crate) fn collected_bulk(&self, bulk: CollectedBulk, traffic: &[OrderTraffic], at_rest: bool) -> BulkRecord {
        let CollectedBulk { orders, receipts, groups: _, measured: _ } = bulk;
        let orders = orders.into_iter().zip(traffic).map(|(counts, traffic)| {
            let mut all = counts_of(traffic);
            all.merge(&counts);
            all
        });
        let counts = BulkCounts { orders: orders.collect(), receipts };
        self.bulk_of(counts, self.scenario.overlay.nodes, at_rest, Nanos::ZERO)
    }
}

/// The receipts of all orders of a bulk, as they were collected.
pub(crate) struct CollectedBulk {
    /// The counts of each order, without its traffic.
    pub(crate) orders: Vec<OrderCounts>,
    pub(crate) receipts: ReceiptTotals,
    pub(crate) groups: Vec<GroupTotals>,
    /// The receipts that were kept apart.
    pub(crate) measured: Option<MeasuredReceipts>,
}

/// Returns the counts of an order's messages.
fn counts_of(traffic: &OrderTraffic) -> OrderCounts {
    let OrderTraffic { sent, doubled, received, lost, dropped, expired, under_way: _, pending } = *traffic;
    OrderCounts {
        sent,
        doubled,
        received,
        lost: lost + dropped,
        unsent: pending,
        cut_off: u32::try_from(expired).unwrap_or(u32::MAX),
        ..OrderCounts::NONE
    }
}

/// Counts a first receipt of an order that may travel `ttl` hops.
pub(super) fn note(counts: &mut OrderCounts, receipt: &Receipt, ttl: u8) {
    if receipt.hop == 0 {
        counts.published_at = receipt.time;
    }
    counts.cut_off = counts.cut_off.saturating_add(u32::from(receipt.hop == ttl));
}

/// Completes the counts of an order by the times of its receipts, of which those of these ranks complete its milestones
/// and its target.
pub(super) fn complete(counts: &mut OrderCounts, times: &mut [Nanos], ranks: [usize; TIMES]) {
    counts.reached = times.len() as u32;
    counts.last_receipt = times.iter().copied().max().unwrap_or_default();
    let of_rank = |rank: usize| match rank.checked_sub(1).filter(|&place| place < times.len()) {
        // Each search leaves the times nearly sorted for the next one.
        Some(place) => *times.select_nth_unstable(place).1,
        None => Nanos::MAX,
    };
    counts.crossed = ranks.map(of_rank);
}

/// The facts of a run that decide the outcomes of its orders.
struct OrderJudge {
    /// True if the run ended with nothing under way.
    at_rest: bool,
    injected_at: Nanos,
    timeout: Option<Nanos>,
    /// Nodes that make the target.
    target_nodes: u64,
}

impl OrderJudge {
    fn record(&self, publication: &Publication, counts: &OrderCounts) -> OrderRecord {
        let due = self.injected_at + publication.due;
        let since_due = |time: Nanos| (time != Nanos::MAX).then(|| time.since(due));
        let time_to = counts.crossed.map(since_due);
        OrderRecord {
            origin: publication.origin,
            due: publication.due,
            published_late: since_due(counts.published_at),
            payload_bytes: 0,
            counted: 0,
            reached: u64::from(counts.reached),
            sent: counts.sent,
            received: counts.received,
            time_to,
            time_to_end: (counts.reached > 0).then(|| counts.last_receipt.since(due)),
            outcome: self.outcome_of(counts, due),
        }
    }

    /// Returns the outcome of an order whose time limit counts from its due time. An order that still moved past its
    /// limit was under way then, even if it reached its target later or has come to rest since.
    fn outcome_of(&self, counts: &OrderCounts, due: Nanos) -> OrderOutcome {
        let limit = self.timeout.map_or(Nanos::MAX, |timeout| due + timeout);
        let target_at = counts.crossed[TARGET];
        let is_over = self.at_rest || counts.is_at_rest();
        OrderOutcome::of(&OrderFacts {
            published: counts.published_at != Nanos::MAX,
            reached_target: target_at != Nanos::MAX && target_at <= limit,
            at_rest: is_over && counts.last_receipt <= limit,
            reached: u64::from(counts.reached),
            target_nodes: self.target_nodes,
            cut_off: u64::from(counts.cut_off),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::TIMES;
    use crate::ids::{NodeId, OrderIndex};

    const DUE: Nanos = Nanos(1_000);

    fn judged(at_rest: bool, counts: OrderCounts) -> OrderRecord {
        let judge = OrderJudge { at_rest, injected_at: Nanos(500), timeout: Some(Nanos(100)), target_nodes: 95 };
        judge.record(&Publication { order: OrderIndex(3), origin: NodeId(1), due: DUE }, &counts)
    }

    fn counts(target: u64, last_receipt: u64, sent: u64, received: u64) -> OrderCounts {
        let mut crossed = [Nanos(target); TIMES];
        crossed[2] = Nanos::MAX;
        let (published_at, last_receipt) = (Nanos(1_501), Nanos(last_receipt));
        OrderCounts { reached: 5, sent, received, published_at, last_receipt, crossed, ..OrderCounts::NONE }
    }

    #[test]
    fn times_count_from_when_the_order_was_due() {
        let record = judged(false, counts(1_540, 1_550, 9, 9));
        assert_eq!((record.published_late, record.time_to_end), (Some(Nanos(1)), Some(Nanos(50))));
        assert_eq!((record.time_to_target(), record.time_to[2]), (Some(Nanos(40)), None));
    }

    #[test]
    fn each_outcome_follows_from_the_counts() {
        use OrderOutcome::{DiedOut, Missed, NotPublished, Reached, UnderWay};
        const NEVER: u64 = u64::MAX;
        for (at_rest, counts, expected) in [
            (false, counts(1_600, 1_650, 9, 8), Reached),
            // An order that moved past its limit was under way there, whatever followed.
            (false, counts(1_601, 1_650, 9, 9), UnderWay),
            (true, counts(1_601, 1_650, 9, 9), UnderWay),
            (true, counts(NEVER, 1_601, 9, 9), UnderWay),
            (false, counts(NEVER, 1_590, 9, 9), DiedOut),
            (false, counts(NEVER, 1_590, 9, 8), UnderWay),
            (true, counts(NEVER, 1_590, 9, 8), DiedOut),
            (true, OrderCounts { reached: 10, ..counts(NEVER, 1_590, 9, 8) }, Missed),
            (true, OrderCounts { cut_off: 1, ..counts(NEVER, 1_590, 9, 8) }, Missed),
            (false, OrderCounts::NONE, NotPublished),
            (true, OrderCounts::NONE, NotPublished),
            (false, OrderCounts { unsent: 1, ..counts(NEVER, 1_590, 9, 9) }, UnderWay),
            // A lost message is not under way, and a second copy is.
            (false, OrderCounts { lost: 2, ..counts(NEVER, 1_590, 9, 7) }, DiedOut),
            (false, OrderCounts { lost: 2, ..counts(NEVER, 1_590, 9, 6) }, UnderWay),
            (false, OrderCounts { lost: 2, doubled: 1, ..counts(NEVER, 1_590, 9, 7) }, UnderWay),
            (false, OrderCounts { lost: 2, doubled: 1, ..counts(NEVER, 1_590, 9, 8) }, DiedOut),
        ] {
            assert_eq!(judged(at_rest, counts).outcome, expected, "{at_rest} {counts:?}");
        }
        assert_eq!(judged(false, counts(1_601, 1_650, 9, 9)).time_to_target(), None);
    }
}
