//! Merges the reports of shards into the one outcome of a run.
//!
//! Sums merge in any grouping, so that a process can merge those of its own shards first. Every merge names all fields:
//! a new field does not compile until it is merged.

use super::digest::of_receipts;
use super::node_traffic::{NodeTraffic, ShardTraffic};
use super::shard_receipts::ShardReceipts;
use super::{EngineOutcome, EngineSetup, FirstEncounters, OrderTraffic};
use crate::ids::{NodeId, OrderIndex};
use crate::record::{AccessLinkRecord, End, Receipt, ReceiptTotals, Receipts, WorkerRecord};
use crate::time::Nanos;
use serde::{Deserialize, Serialize};

/// The sums over some of a run's shards. Times are virtual, from the start of the schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunTotals {
    /// Counts of all nodes together: the worker that counted a message is not a figure of the model.
    pub record: WorkerRecord,
    /// The load of the access links, where they have limits.
    pub access_links: AccessLinkRecord,
    /// Traffic, by order.
    pub by_order: Vec<OrderTraffic>,
    /// The first receipts of a bulk; `None` for a single order, whose delays are kept exactly, by node.
    pub bulk_receipts: Option<ReceiptTotals>,
    /// The first encounters of messages with faults and adversaries.
    pub met: FirstEncounters,
    /// The sum of a hash of each first receipt, which no number of threads may change; 0 after an interrupt, whose
    /// instant no seed decides.
    pub digest: u64,
    /// The peers of the nodes when the first order was due, if a membership protocol keeps them: an equal number of
    /// slots for each node, an empty one with the node itself.
    pub settled_peers: Vec<NodeId>,
}

/// The outcomes of several shards, merged.
#[derive(Serialize, Deserialize)]
pub(super) struct MergedShards {
    pub(super) totals: RunTotals,
    /// Messages under way at the end, less those sent after it.
    pub(super) under_way: i64,
    /// First receipts of the shards' nodes.
    pub(super) receipts: ShardReceipts,
    pub(super) traffic: ShardTraffic,
}

/// The outcome of one shard.
pub(super) struct ShardOutcome {
    pub(super) totals: RunTotals,
    /// Messages under way at the end. A shard counts those that it sent after the end as less than none, because they
    /// are stored by the shard that they are for.
    pub(super) under_way: i64,
    /// First receipts of the shard's nodes: those of order 0, then those of order 1, and so on.
    pub(super) receipts: Vec<Receipt>,
    pub(super) traffic: NodeTraffic,
}

/// A run that has ended.
pub(super) struct EndedRun {
    pub(super) end: End,
    pub(super) at: Nanos,
    /// By shard.
    pub(super) outcomes: Vec<ShardOutcome>,
}

impl RunTotals {
    /// Creates the sums over no shard of a run with this many orders.
    pub(super) fn none(orders: usize) -> RunTotals {
        RunTotals {
            record: WorkerRecord::none(),
            access_links: AccessLinkRecord::default(),
            by_order: vec![OrderTraffic::default(); orders],
            bulk_receipts: None,
            met: FirstEncounters::default(),
            digest: 0,
            settled_peers: Vec::new(),
        }
    }

    /// Merges the sums over other shards, whose nodes follow.
    pub(super) fn merge(&mut self, other: &RunTotals) {
        let RunTotals { record, access_links, by_order, bulk_receipts, met, digest, settled_peers } = other;
        self.record.merge(record);
        self.access_links.merge(access_links);
        self.by_order.iter_mut().zip(by_order).for_each(|(sum, counts)| sum.merge(counts));
        match (&mut self.bulk_receipts, bulk_receipts) {
            (Some(sum), Some(receipts)) => sum.merge(receipts),
            (sum @ None, receipts) => sum.clone_from(receipts),
            (Some(_), None) => {}
        }
        self.met.merge(met);
        self.digest = self.digest.wrapping_add(*digest);
        self.settled_peers.extend_from_slice(settled_peers);
    }
}

impl ShardOutcome {
    /// Returns the outcome of this shard alone.
    #[cfg(feature = "cluster")]
    pub(super) fn alone(self) -> MergedShards {
        let ShardOutcome { totals, under_way, receipts, traffic } = self;
        let traffic = ShardTraffic::Counted(vec![traffic]);
        MergedShards { totals, under_way, receipts: ShardReceipts::Each(receipts), traffic }
    }
}

impl EndedRun {
    /// Merges the outcomes of the shards, which have `nodes` nodes together, to one.
    pub(super) fn merged(mut self, nodes: usize, orders: usize) -> MergedShards {
        let receipts = self.take_receipts(nodes, orders);
        let (mut totals, mut traffic) = (RunTotals::none(orders), Vec::with_capacity(nodes));
        let mut under_way = 0;
        for ShardOutcome { totals: of_shard, under_way: at_shard, receipts: _, traffic: by_node } in self.outcomes {
            totals.merge(&of_shard);
            under_way += at_shard;
            traffic.extend(by_node.by_node());
        }
        let (receipts, traffic) = (ShardReceipts::Each(receipts), ShardTraffic::Each(traffic));
        MergedShards { totals, under_way, receipts, traffic }
    }

    /// Merges the shards' outcomes.
    pub(super) fn outcome(self, nodes: usize, orders: usize) -> EngineOutcome {
        let (end, at) = (self.end, self.at);
        self.merged(nodes, orders).outcome(end, at)
    }

    /// Takes the first receipts of all shards, order by order.
    fn take_receipts(&mut self, nodes: usize, orders: usize) -> Vec<Receipt> {
        if let [only] = &mut self.outcomes[..] {
            return std::mem::take(&mut only.receipts);
        }
        let mut receipts = Vec::with_capacity(nodes * orders);
        for order in 0..orders {
            for outcome in &self.outcomes {
                let size = outcome.traffic.nodes();
                receipts.extend_from_slice(&outcome.receipts[order * size..(order + 1) * size]);
            }
        }
        receipts
    }
}

impl MergedShards {
    /// Merges those of other shards, which follow these.
    #[cfg(feature = "cluster")]
    pub(super) fn joined(mut parts: Vec<MergedShards>, orders: usize) -> MergedShards {
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let (mut totals, mut under_way) = (RunTotals::none(orders), 0);
        for part in &parts {
            totals.merge(&part.totals);
            under_way += part.under_way;
        }
        let mut traffic = parts.iter_mut().map(|part| std::mem::take(&mut part.traffic));
        let mut all = traffic.next().unwrap_or_default();
        traffic.for_each(|traffic| all.append(traffic));
        let receipts = joined_receipts(parts.into_iter().map(|part| part.receipts).collect(), orders);
        MergedShards { totals, under_way, receipts, traffic: all }
    }

    /// Returns the outcome of a run that ended for this reason at this time, and of which these are all shards.
    pub(super) fn outcome(self, end: End, ended_at: Nanos) -> EngineOutcome {
        let MergedShards { mut totals, under_way, receipts, traffic } = self;
        totals.record.carrier.drained += under_way as u64;
        totals.met = totals.met.up_to(ended_at);
        // No seed determines the instant of an interrupt, so its receipts have no digest.
        if end.is_cut_short() {
            totals.digest = 0;
        }
        let (receipts, traffic) = (Receipts::Each(receipts.into_each()), traffic.into_each());
        EngineOutcome { end, ended_at, totals, receipts, traffic, is_rough: false }
    }
}

/// Puts together the first receipts of shards whose nodes follow each other, order by order.
#[cfg(feature = "cluster")]
fn joined_receipts(parts: Vec<ShardReceipts>, orders: usize) -> ShardReceipts {
    if orders == 1 {
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        parts.for_each(|part| all.append(part));
        return all;
    }
    let parts: Vec<Vec<Receipt>> = parts.into_iter().map(ShardReceipts::into_each).collect();
    let mut receipts = Vec::with_capacity(parts.iter().map(Vec::len).sum());
    for order in 0..orders {
        for of_part in &parts {
            let size = of_part.len() / orders;
            receipts.extend_from_slice(&of_part[order * size..(order + 1) * size]);
        }
    }
    ShardReceipts::Each(receipts)
}

/// Returns the digest of a shard's first receipts of all orders, for `nodes` nodes from `first` on.
pub(super) fn digest_of(first: NodeId, nodes: usize, receipts: &[Receipt]) -> u64 {
    let orders = (0..).map(OrderIndex).zip(receipts.chunks(nodes.max(1)));
    orders.map(|(order, receipts)| of_receipts(order, first, receipts)).fold(0, u64::wrapping_add)
}

/// Counts a shard's first receipts of a bulk, those of order 0 by node, then those of order 1; `None` for a single
/// order.
pub(super) fn bulk_receipts(setup: &EngineSetup<'_>, nodes: usize, receipts: &[Receipt]) -> Option<ReceiptTotals> {
    let publications = setup.workload.publications();
    if publications.len() == 1 {
        return None;
    }
    let mut totals = ReceiptTotals::none();
    for (receipts, publication) in receipts.chunks(nodes.max(1)).zip(publications) {
        // Time 0 of a receipt is the end of the warm-up.
        let due = publication.due.since(setup.warm_up);
        receipts.iter().filter(|receipt| receipt.is_reached()).for_each(|receipt| totals.count(receipt, due));
    }
    Some(totals)
}

impl EngineOutcome {
    /// Returns true if the run had come to rest by its end.
    pub fn is_at_rest(&self) -> bool {
        match self.end {
            End::Quiescent => true,
            End::Instant => self.totals.by_order.iter().all(OrderTraffic::is_at_rest),
            End::Target | End::Timeout | End::Interrupted | End::OutOfMemory => false,
        }
    }
}
