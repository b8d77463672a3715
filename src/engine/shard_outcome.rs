//! Merges what shards report into the one outcome of a run.
//!
//! Sums merge in any grouping, so that a process can merge those of its own shards first. Every merge names all fields:
//! a new one does not compile until somebody says how it merges.

use super::digest::of_receipts;
use super::{EngineOutcome, FirstEncounters, OrderTraffic};
use crate::ids::{NodeId, OrderIndex};
use crate::record::{AccessLinkRecord, End, Receipt, Receipts, Traffic, WorkerRecord};
use crate::time::Nanos;

/// The sums over some of a run's shards.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RunTotals {
    pub(super) record: WorkerRecord,
    pub(super) model_lost: u64,
    pub(super) model_dropped: u64,
    pub(super) model_duplicated: u64,
    pub(super) uplink_dropped: u64,
    pub(super) lines: AccessLinkRecord,
    /// By order.
    pub(super) by_order: Vec<OrderTraffic>,
    /// The first encounters of messages with faults and adversaries.
    pub(super) met: FirstEncounters,
    /// The digest of the shards' first receipts.
    pub(super) digest: u64,
}

/// The outcome of one shard.
pub(super) struct ShardOutcome {
    pub(super) totals: RunTotals,
    /// First receipts of the shard's nodes: those of order 0, then those of order 1, and so on.
    pub(super) receipts: Vec<Receipt>,
    /// By node of the shard.
    pub(super) traffic: Vec<Traffic>,
}

/// A run that has ended.
pub(super) struct EndedRun {
    pub(super) end: End,
    pub(super) at: Nanos,
    /// By shard.
    pub(super) outcomes: Vec<ShardOutcome>,
}

impl RunTotals {
    /// The sums over no shard of a run with this many orders.
    pub(super) fn none(orders: usize) -> RunTotals {
        RunTotals {
            record: WorkerRecord::none(),
            model_lost: 0,
            model_dropped: 0,
            model_duplicated: 0,
            uplink_dropped: 0,
            lines: AccessLinkRecord::default(),
            by_order: vec![OrderTraffic::default(); orders],
            met: FirstEncounters::default(),
            digest: 0,
        }
    }

    /// Merges the sums over other shards.
    pub(super) fn merge(&mut self, other: &RunTotals) {
        let RunTotals {
            record,
            model_lost,
            model_dropped,
            model_duplicated,
            uplink_dropped,
            lines,
            by_order,
            met,
            digest,
        } = other;
        self.record.merge(record);
        self.model_lost += model_lost;
        self.model_dropped += model_dropped;
        self.model_duplicated += model_duplicated;
        self.uplink_dropped += uplink_dropped;
        self.lines.merge(lines);
        self.by_order.iter_mut().zip(by_order).for_each(|(sum, counts)| sum.merge(counts));
        self.met.merge(met);
        self.digest = self.digest.wrapping_add(*digest);
    }
}

impl EndedRun {
    /// Merges the shards' outcomes.
    pub(super) fn outcome(mut self, nodes: usize, orders: usize) -> EngineOutcome {
        let receipts = self.take_receipts(nodes, orders);
        let (mut totals, mut traffic) = (RunTotals::none(orders), Vec::with_capacity(nodes));
        for ShardOutcome { totals: of_shard, receipts: _, traffic: by_node } in self.outcomes {
            totals.merge(&of_shard);
            traffic.extend(by_node);
        }
        let RunTotals {
            record,
            model_lost,
            model_dropped,
            model_duplicated,
            uplink_dropped,
            lines,
            by_order,
            met,
            digest,
        } = totals;
        EngineOutcome {
            end: self.end,
            ended_at: self.at,
            record,
            model_lost,
            model_dropped,
            model_duplicated,
            uplink_dropped,
            lines,
            receipts: Receipts::Each(receipts),
            traffic,
            by_order,
            met: met.up_to(self.at),
            // Where the user ends a run no seed decides, and so its receipts have no digest.
            digest: if self.end.is_cut_short() { 0 } else { digest },
            is_rough: false,
        }
    }

    /// Takes the first receipts of all shards, order by order.
    fn take_receipts(&mut self, nodes: usize, orders: usize) -> Vec<Receipt> {
        if let [only] = &mut self.outcomes[..] {
            return std::mem::take(&mut only.receipts);
        }
        let mut receipts = Vec::with_capacity(nodes * orders);
        for order in 0..orders {
            for outcome in &self.outcomes {
                let size = outcome.traffic.len();
                receipts.extend_from_slice(&outcome.receipts[order * size..(order + 1) * size]);
            }
        }
        receipts
    }
}

/// Returns the digest of a shard's first receipts of all orders, whose nodes are as many as given, from `first` on.
pub(super) fn digest_of(first: NodeId, nodes: usize, receipts: &[Receipt]) -> u64 {
    let orders = (0..).map(OrderIndex).zip(receipts.chunks(nodes.max(1)));
    orders.map(|(order, receipts)| of_receipts(order, first, receipts)).fold(0, u64::wrapping_add)
}
