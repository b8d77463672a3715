//! What shards bring home, and the one outcome that is made of it.

use super::Outcome;
use super::digest::of_receipts;
use crate::ids::{NodeId, OrderIndex};
use crate::stats::{End, Receipt, Traffic, WorkerRecord};
use crate::time::Nanos;

/// What one shard counted.
pub(super) struct Home {
    pub(super) record: WorkerRecord,
    pub(super) model_lost: u64,
    /// First receipts of the shard's nodes: those of order 0, then those of order 1, and so on.
    pub(super) receipts: Vec<Receipt>,
    /// By node of the shard.
    pub(super) traffic: Vec<Traffic>,
}

/// A run that has ended.
pub(super) struct Ended {
    pub(super) end: End,
    pub(super) at: Nanos,
    /// By shard.
    pub(super) homes: Vec<Home>,
}

impl Ended {
    /// Puts the shards' counts together.
    pub(super) fn outcome(mut self, nodes: usize, orders: usize) -> Outcome {
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
        let mut outcome = Outcome {
            end: self.end,
            ended_at: self.at,
            record: WorkerRecord::default(),
            model_lost: 0,
            digest: digest_of(&receipts, nodes),
            receipts,
            traffic: Vec::with_capacity(nodes),
        };
        outcome.record.carrier.kernel_dropped = Some(0);
        for home in self.homes {
            outcome.add(&home.record);
            outcome.model_lost += home.model_lost;
            outcome.traffic.extend(home.traffic);
        }
        outcome
    }
}

impl Outcome {
    fn add(&mut self, record: &WorkerRecord) {
        let sum = &mut self.record;
        sum.nodes += record.nodes;
        sum.sent += record.sent;
        sum.received += record.received;
        sum.duplicates += record.duplicates;
        sum.reached += record.reached;
        sum.spared += record.spared;
        sum.carrier.drained += record.carrier.drained;
    }
}

fn digest_of(receipts: &[Receipt], nodes: usize) -> u64 {
    let orders = (0..).map(OrderIndex).zip(receipts.chunks(nodes.max(1)));
    orders.map(|(order, receipts)| of_receipts(order, NodeId(0), receipts)).fold(0, u64::wrapping_add)
}
