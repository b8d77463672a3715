//! What shards report, and the one outcome that is made of it.

use super::digest::of_receipts;
use super::{EngineOutcome, FirstEncounters, OrderTraffic};
use crate::ids::{NodeId, OrderIndex};
use crate::record::{AccessLinkRecord, CarrierCounts, End, Receipt, Receipts, Traffic, WorkerRecord};
use crate::time::Nanos;

/// What one shard counted.
pub(super) struct ShardOutcome {
    pub(super) record: WorkerRecord,
    pub(super) model_lost: u64,
    pub(super) model_dropped: u64,
    pub(super) model_duplicated: u64,
    pub(super) uplink_dropped: u64,
    pub(super) lines: AccessLinkRecord,
    /// First receipts of the shard's nodes: those of order 0, then those of order 1, and so on.
    pub(super) receipts: Vec<Receipt>,
    /// By node of the shard.
    pub(super) traffic: Vec<Traffic>,
    /// By order.
    pub(super) by_order: Vec<OrderTraffic>,
    /// What met a message.
    pub(super) met: FirstEncounters,
}

/// A run that has ended.
pub(super) struct EndedRun {
    pub(super) end: End,
    pub(super) at: Nanos,
    /// By shard.
    pub(super) homes: Vec<ShardOutcome>,
}

impl EndedRun {
    /// Puts the shards' counts together.
    pub(super) fn outcome(mut self, nodes: usize, orders: usize) -> EngineOutcome {
        let mut receipts = match &mut self.homes[..] {
            [one] => std::mem::take(&mut one.receipts),
            _ => Vec::with_capacity(nodes * orders),
        };
        if receipts.is_empty() {
            for order in 0..orders {
                for home in &self.homes {
                    let size = home.traffic.len();
                    receipts.extend_from_slice(&home.receipts[order * size..(order + 1) * size]);
                }
            }
        }
        let mut outcome = EngineOutcome {
            end: self.end,
            ended_at: self.at,
            record: nothing(),
            model_lost: 0,
            model_dropped: 0,
            model_duplicated: 0,
            uplink_dropped: 0,
            lines: AccessLinkRecord::default(),
            // A run that the user ends anywhere is no seed's.
            digest: if self.end.is_cut_short() { 0 } else { digest_of(&receipts, nodes) },
            receipts: Receipts::Each(receipts),
            traffic: Vec::with_capacity(nodes),
            by_order: vec![OrderTraffic::default(); orders],
            is_rough: false,
            met: FirstEncounters::default(),
        };
        for home in self.homes {
            add(&mut outcome.record, &home.record);
            outcome.model_lost += home.model_lost;
            outcome.model_dropped += home.model_dropped;
            outcome.model_duplicated += home.model_duplicated;
            outcome.uplink_dropped += home.uplink_dropped;
            outcome.lines.merge(&home.lines);
            outcome.met.merge(&home.met);
            outcome.traffic.extend(home.traffic);
            for (sum, counts) in outcome.by_order.iter_mut().zip(home.by_order) {
                sum.add(&counts);
            }
        }
        outcome.met = outcome.met.up_to(outcome.ended_at);
        outcome
    }
}

/// The counts of nobody. No kernel has dropped anything.
pub(super) fn nothing() -> WorkerRecord {
    let carrier = CarrierCounts { kernel_dropped: Some(0), ..CarrierCounts::default() };
    WorkerRecord { carrier, expired_first: Some(0), ..WorkerRecord::default() }
}

/// Adds what one worker counted to what all did. Fields that a model has no figures for stay as they are.
pub(super) fn add(sum: &mut WorkerRecord, record: &WorkerRecord) {
    sum.nodes += record.nodes;
    sum.sent += record.sent;
    sum.received += record.received;
    sum.control_sent += record.control_sent;
    sum.control_bytes += record.control_bytes;
    sum.control_received += record.control_received;
    sum.duplicates += record.duplicates;
    sum.reached += record.reached;
    sum.spared += record.spared;
    sum.expired += record.expired;
    sum.expired_behind_max = sum.expired_behind_max.max(record.expired_behind_max);
    sum.expired_first = sum.expired_first.map(|sum| sum + record.expired_first.unwrap_or(0));
    sum.queued_unsent += record.queued_unsent;
    sum.carrier.drained += record.carrier.drained;
}

fn digest_of(receipts: &[Receipt], nodes: usize) -> u64 {
    let orders = (0..).map(OrderIndex).zip(receipts.chunks(nodes.max(1)));
    orders.map(|(order, receipts)| of_receipts(order, NodeId(0), receipts)).fold(0, u64::wrapping_add)
}
