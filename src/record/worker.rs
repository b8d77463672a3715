//! The counts of one worker: of its loop, of the modelled network and of its carrier.

use super::RankedValues;
use super::carrier::{CarrierCounts, both};
use super::parts::PartCounts;
use super::upkeep::{UpkeepCounts, add_tally};
use serde::{Deserialize, Serialize};

/// The traffic of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Payload messages received, the first copy of each order included.
    pub copies: u64,
    /// Payload messages that were the first copy of their order at this node.
    pub firsts: u32,
    /// Payload messages sent.
    pub sent: u64,
    /// Bytes received, as UDP payload, control messages included.
    pub bytes_in: u64,
    /// Bytes sent, as UDP payload, control messages included.
    pub bytes_out: u64,
}

/// The spread of traffic over all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficSummary {
    /// Received messages whose node had the order already, or that were older than its window.
    pub duplicates: RankedValues,
    /// Bytes received.
    pub bytes_in: RankedValues,
    /// Bytes sent.
    pub bytes_out: RankedValues,
}

impl Traffic {
    /// Adds other messages of the same node.
    #[inline]
    pub fn merge(&mut self, other: &Traffic) {
        let &Traffic { copies, firsts, sent, bytes_in, bytes_out } = other;
        self.copies += copies;
        self.firsts += firsts;
        self.sent += sent;
        self.bytes_in += bytes_in;
        self.bytes_out += bytes_out;
    }

    /// Counts the payload messages that brought the node an order that it had already, or had forgotten.
    pub fn duplicates(&self) -> u64 {
        self.copies.saturating_sub(self.firsts.into())
    }
}

/// The counts of one worker from the start of its loop to the stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecord {
    /// Nodes of its shard.
    pub nodes: u32,
    /// The core that it was pinned to; `None` where it was not pinned.
    pub core: Option<usize>,
    /// Messages accepted by its carrier; where the network is modelled, messages that entered the model.
    pub sent: u64,
    /// Messages of this run received before the stop.
    pub received: u64,
    /// Messages sent that carry no whole order: control messages, upkeep and parts included.
    pub control_sent: u64,
    /// Bytes of these messages, as UDP payload.
    pub control_bytes: u64,
    /// Messages received that carry no whole order, upkeep and parts included.
    pub control_received: u64,
    /// Messages sent since the warm-up that carry no whole order, indexed by the number of their kind.
    pub sent_by_kind: Vec<u64>,
    /// Control messages that are about no order.
    pub upkeep: UpkeepCounts,
    /// Messages that carry parts of orders.
    pub parts: PartCounts,
    /// Counts of the protocol, indexed like its list of names.
    pub tally: Vec<u64>,
    /// Received messages whose node had the order already.
    pub duplicates: u64,
    /// First receipts of this worker's nodes, those of origins included; with many orders the sum over all.
    pub reached: u64,
    /// Received messages whose order was older than its node's window.
    pub expired: u64,
    /// Greatest number of orders by which an expired one lay behind the newest that its node had seen; 0 if none
    /// expired.
    pub expired_behind_max: u32,
    /// Orders that expired at nodes that never had them, counted once per node: deliveries that the window prevented.
    /// `None` on real carriers, which do not remember orders that have left the window.
    pub expired_first: Option<u64>,
    /// Orders published by this worker's nodes.
    pub published: u64,
    /// Copies not sent because of `--exclude-sender`.
    pub spared: u64,
    /// Messages unsent at the stop: the fan-out of every forward still queued; in virtual time messages that had not
    /// left their node's uplink, or had left it only in part.
    pub queued_unsent: u64,
    /// Receive batches that brought at least one message.
    pub batches: u64,
    /// Iterations of the loop.
    pub turns: u64,
    /// Times that it slept in the kernel because it had nothing to do.
    pub sleeps: u64,
    /// Counts of the modelled network for messages from this worker's nodes.
    pub model: ModelCounts,
    /// Counts of its carrier.
    pub carrier: CarrierCounts,
}

impl WorkerRecord {
    /// Returns the neutral element of [`merge`](Self::merge): counts that a platform may lack are 0 here, not missing.
    pub fn none() -> WorkerRecord {
        let carrier = CarrierCounts { kernel_dropped: Some(0), ..CarrierCounts::default() };
        WorkerRecord { carrier, expired_first: Some(0), ..WorkerRecord::default() }
    }

    /// Adds the counts of another worker. A count that either of them lacks is missing in the sum; the core is not
    /// merged.
    pub fn merge(&mut self, other: &WorkerRecord) {
        // Without `..`, so that a new count does not compile until it is added here.
        let &WorkerRecord {
            nodes,
            core: _,
            sent,
            received,
            control_sent,
            control_bytes,
            control_received,
            ref sent_by_kind,
            ref upkeep,
            ref parts,
            ref tally,
            duplicates,
            reached,
            expired,
            expired_behind_max,
            expired_first,
            published,
            spared,
            queued_unsent,
            batches,
            turns,
            sleeps,
            ref model,
            ref carrier,
        } = other;
        self.nodes += nodes;
        self.sent += sent;
        self.received += received;
        self.control_sent += control_sent;
        self.control_bytes += control_bytes;
        self.control_received += control_received;
        (0..).zip(sent_by_kind).for_each(|(kind, &count)| add_tally(&mut self.sent_by_kind, kind, count));
        self.upkeep.merge(upkeep);
        self.parts.merge(parts);
        (0..).zip(tally).for_each(|(what, &count)| add_tally(&mut self.tally, what, count));
        self.duplicates += duplicates;
        self.reached += reached;
        self.expired += expired;
        self.expired_behind_max = self.expired_behind_max.max(expired_behind_max);
        self.expired_first = both(self.expired_first, expired_first);
        self.published += published;
        self.spared += spared;
        self.queued_unsent += queued_unsent;
        self.batches += batches;
        self.turns += turns;
        self.sleeps += sleeps;
        self.model.merge(model);
        self.carrier.merge(carrier);
    }

    /// Counts a copy whose order lies `behind` orders behind the newest that its node has seen. `is_first` is true if
    /// the node never had the order, and `None` where that is not known.
    #[inline]
    pub fn expire(&mut self, behind: u32, is_first: Option<bool>) {
        self.expired += 1;
        self.expired_behind_max = self.expired_behind_max.max(behind);
        self.expired_first = self.expired_first.zip(is_first).map(|(sum, is_first)| sum + u64::from(is_first));
    }
}

/// The counts of a modelled network; all 0 where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCounts {
    /// Messages lost by the model.
    pub lost: u64,
    /// Messages dropped because the downlink of their receiver had no room.
    pub dropped: u64,
    /// Messages dropped because the uplink of their sender had no room: never sent, and outside the sum.
    pub uplink_dropped: u64,
    /// Second copies made by the model.
    pub duplicated: u64,
    /// Messages held back at the stop in front of a real carrier: not yet due, or not yet sent by the carrier.
    pub held: u64,
}

impl ModelCounts {
    /// Adds the counts for another worker's messages.
    pub fn merge(&mut self, other: &ModelCounts) {
        let &ModelCounts { lost, dropped, uplink_dropped, duplicated, held } = other;
        self.lost += lost;
        self.dropped += dropped;
        self.uplink_dropped += uplink_dropped;
        self.duplicated += duplicated;
        self.held += held;
    }
}
