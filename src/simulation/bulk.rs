//! How each order of a bulk ended, from what all workers counted of it.

use super::Laboratory;
use super::crowd::Crowd;
use crate::coverage::{Goals, TARGET};
use crate::engine::OrderTraffic;
use crate::runtime::BulkCounts;
use crate::stats::{BulkRecord, DelayHistogram, End, OrderCounts, OrderEnd, OrderRecord, Receipt};
use crate::time::Nanos;
use crate::workload::Publication;

impl Laboratory<'_> {
    /// Puts the orders' times on their own zero, which is when each was due.
    pub(super) fn bulk(&self, counts: BulkCounts, end: End, injected_at: Nanos) -> BulkRecord {
        let orders = &counts.orders;
        let counted = vec![self.scenario.nodes; orders.len()];
        self.bulk_of(counts, &counted, end, injected_at)
    }

    /// The same where the coverage of each order counts so many nodes.
    fn bulk_of(&self, counts: BulkCounts, counted: &[u32], end: End, injected_at: Nanos) -> BulkRecord {
        let BulkCounts { orders, delays, mut hops } = counts;
        let publications = self.workload.publications().iter().zip(&self.orders).zip(&orders).zip(counted);
        let orders = publications.map(|(((publication, order), counts), &nodes)| {
            let goals = Goals::new(nodes, self.scenario.target);
            let judge = Judge { end, injected_at, timeout: self.scenario.timeout, goals };
            let payload_bytes = order.payload().len() as u32;
            OrderRecord { payload_bytes, counted: u64::from(nodes), ..judge.record(publication, counts) }
        });
        let orders = orders.collect();
        while hops.last() == Some(&0) {
            hops.pop();
        }
        BulkRecord { orders, delays, hops }
    }
}

impl Laboratory<'_> {
    /// The same from every first receipt, which only virtual time keeps: those of order 0 by node, then those of order 1.
    /// Times are exact.
    pub(super) fn virtual_bulk(
        &self,
        receipts: &[Receipt],
        traffic: &[OrderTraffic],
        crowd: &Crowd<'_>,
        end: End,
        ended_at: Nanos,
    ) -> BulkRecord {
        let mut crowds = Vec::with_capacity(traffic.len());
        let (mut delays, mut hops) = (DelayHistogram::new(), vec![0; usize::from(u8::MAX) + 1]);
        let by_order = receipts.chunks(self.scenario.nodes as usize).zip(self.workload.publications()).zip(traffic);
        let orders = by_order.map(|((receipts, publication), traffic)| {
            let mut times: Vec<Nanos> = Vec::with_capacity(receipts.len());
            let mut counts = OrderCounts { sent: traffic.sent, received: traffic.received, ..OrderCounts::NONE };
            let counted = (!crowd.is_everybody()).then(|| crowd.of(publication, ended_at));
            let counts_node = |node: usize| counted.as_ref().is_none_or(|counted| counted[node]);
            let nodes = (0..receipts.len()).filter(|&node| counts_node(node)).count() as u32;
            crowds.push(nodes);
            let goals = Goals::new(nodes, self.scenario.target);
            let reached = receipts.iter().enumerate().filter(|(_, receipt)| receipt.is_reached());
            for (_, receipt) in reached.filter(|&(node, _)| counts_node(node)) {
                delays.record(receipt.time.since(publication.due));
                hops[usize::from(receipt.hop)] += 1;
                times.push(receipt.time);
                if receipt.hop == 0 {
                    counts.published_at = receipt.time;
                }
            }
            times.sort_unstable();
            counts.reached = times.len() as u32;
            counts.last_receipt = times.last().copied().unwrap_or_default();
            counts.crossed = goals.ranks().map(|rank| times.get(rank - 1).copied().unwrap_or(Nanos::MAX));
            counts
        });
        let orders = orders.collect();
        self.bulk_of(BulkCounts { orders, delays, hops }, &crowds, end, Nanos::ZERO)
    }
}

/// What decides how an order ended.
struct Judge {
    end: End,
    injected_at: Nanos,
    timeout: Option<Nanos>,
    goals: Goals,
}

impl Judge {
    fn record(&self, publication: &Publication, counts: &OrderCounts) -> OrderRecord {
        let due = self.injected_at + publication.due;
        let since_due = |time: Nanos| (time != Nanos::MAX).then(|| time.since(due));
        let counts = &OrderCounts { crossed: self.goals.in_order(counts.crossed), ..*counts };
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
            end: self.end_of(counts, due),
        }
    }

    /// An order that missed its target has died out if nothing of it is left anywhere. Where it moved on past its time
    /// limit, or might have, it timed out.
    fn end_of(&self, counts: &OrderCounts, due: Nanos) -> OrderEnd {
        let limit = self.timeout.map_or(Nanos::MAX, |timeout| due + timeout);
        let reached_target = counts.crossed[TARGET];
        let are_all_here = i128::from(counts.sent) - i128::from(counts.fewer) == i128::from(counts.received);
        let is_over = self.end == End::Quiescent || counts.unsent == 0 && are_all_here;
        match self.end {
            _ if reached_target != Nanos::MAX && reached_target <= limit => OrderEnd::Target,
            _ if reached_target != Nanos::MAX || counts.last_receipt > limit => OrderEnd::TimedOut,
            _ if is_over && counts.published_at != Nanos::MAX => OrderEnd::DiedOut,
            End::Interrupted => OrderEnd::Interrupted,
            _ => OrderEnd::TimedOut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::TIMES;
    use crate::ids::{NodeId, OrderIndex};
    use crate::ratio::Ratio;

    const DUE: Nanos = Nanos(1_000);

    fn judged(end: End, counts: OrderCounts) -> OrderRecord {
        let goals = Goals::new(100, Ratio::new(95, 100).unwrap());
        let judge = Judge { end, injected_at: Nanos(500), timeout: Some(Nanos(100)), goals };
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
        let record = judged(End::Target, counts(1_540, 1_550, 9, 9));
        assert_eq!((record.published_late, record.time_to_end), (Some(Nanos(1)), Some(Nanos(50))));
        assert_eq!((record.time_to_target(), record.time_to[2]), (Some(Nanos(40)), None));
    }

    #[test]
    fn each_end_has_its_cause() {
        const NEVER: u64 = u64::MAX;
        for (end, counts, expected) in [
            (End::Timeout, counts(1_600, 1_650, 9, 8), OrderEnd::Target),
            (End::Timeout, counts(1_601, 1_650, 9, 9), OrderEnd::TimedOut),
            (End::Timeout, counts(NEVER, 1_590, 9, 9), OrderEnd::DiedOut),
            (End::Timeout, counts(NEVER, 1_590, 9, 8), OrderEnd::TimedOut),
            (End::Quiescent, counts(NEVER, 1_590, 9, 8), OrderEnd::DiedOut),
            (End::Quiescent, counts(NEVER, 1_601, 9, 9), OrderEnd::TimedOut),
            (End::Interrupted, counts(NEVER, 1_590, 9, 8), OrderEnd::Interrupted),
            (End::Interrupted, counts(NEVER, 1_590, 9, 9), OrderEnd::DiedOut),
            (End::Interrupted, OrderCounts::NONE, OrderEnd::Interrupted),
            (End::Timeout, OrderCounts { unsent: 1, ..counts(NEVER, 1_590, 9, 9) }, OrderEnd::TimedOut),
        ] {
            assert_eq!(judged(end, counts).end, expected, "{end:?} {counts:?}");
        }
        assert_eq!(judged(End::Timeout, counts(1_601, 1_650, 9, 9)).time_to_target(), None);
    }
}
