//! The counts of one worker: of its loop, of the modelled network and of its carrier.

use super::carrier::{CarrierCounts, both};
use super::upkeep::{UpkeepCounts, add_tally};
use borsh::{BorshDeserialize, BorshSerialize};

/// What one node took in and sent out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Traffic {
    /// Payload messages it received, the first included.
    pub copies: u64,
    /// They that were the first of their order here.
    pub firsts: u32,
    /// Payload messages it sent.
    pub sent: u64,
    /// Bytes received, as UDP payload, those of control messages included.
    pub bytes_in: u64,
    /// Bytes sent, likewise.
    pub bytes_out: u64,
}

/// One worker's counts, of its loop up to the stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WorkerRecord {
    /// Nodes it owns.
    pub nodes: u32,
    /// The core it was pinned to, `None` where it was not.
    pub core: Option<usize>,
    /// Messages that its carrier took; where the network is modelled, those that entered it.
    pub sent: u64,
    /// Messages of this run that it received before the stop.
    pub received: u64,
    /// Of the messages sent, those that carry no order: control messages, upkeep among them.
    pub control_sent: u64,
    /// Bytes of these, as UDP payload.
    pub control_bytes: u64,
    /// Of the messages received, control messages.
    pub control_received: u64,
    /// Of all these, those that are about no order.
    pub upkeep: UpkeepCounts,
    /// What the protocol counted, by the places of its names.
    pub tally: Vec<u64>,
    /// Received messages whose node had the order already.
    pub duplicates: u64,
    /// Nodes that first received the order here, an origin included; with many orders the sum over all.
    pub reached: u64,
    /// Received messages whose order was older than its node's window.
    pub expired: u64,
    /// How many orders the furthest of them lay behind the newest that its node had seen; 0 where there are none.
    pub expired_behind_max: u32,
    /// Orders that expired at nodes that never had them, counted once for each node: what the window kept from being
    /// delivered. `None` on real carriers, where nobody remembers what a window has passed.
    pub expired_first: Option<u64>,
    /// Orders that entered the network here.
    pub published: u64,
    /// Copies that `--exclude-sender` did not send.
    pub spared: u64,
    /// Messages that waited unsent at the stop: the fan-out of every forward still queued; in virtual time what had not left the
    /// line out of its node, or not whole.
    pub queued_unsent: u64,
    /// Receive batches that brought at least one message.
    pub batches: u64,
    /// Turns of the loop.
    pub turns: u64,
    /// Times it slept in the kernel because nothing was left to do.
    pub sleeps: u64,
    /// What the modelled network did to the messages that its nodes sent.
    pub model: ModelCounts,
    /// What its carrier counted.
    pub carrier: CarrierCounts,
}

impl WorkerRecord {
    /// The counts of nobody, to which those of workers are added: what a platform may not count is 0 and not missing.
    pub fn none() -> WorkerRecord {
        let carrier = CarrierCounts { kernel_dropped: Some(0), ..CarrierCounts::default() };
        WorkerRecord { carrier, expired_first: Some(0), ..WorkerRecord::default() }
    }

    /// Adds what another worker counted. What one of them could not count is missing in the sum; which core it had is its own.
    pub fn merge(&mut self, other: &WorkerRecord) {
        // Without `..`, so that a new count is added here or does not compile.
        let &WorkerRecord {
            nodes,
            core: _,
            sent,
            received,
            control_sent,
            control_bytes,
            control_received,
            ref upkeep,
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
        self.upkeep.merge(upkeep);
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

    /// Counts a message whose order lies so many behind the newest that its node has seen; where that is known, whether its node
    /// never had it.
    #[inline]
    pub fn expire(&mut self, behind: u32, is_first: Option<bool>) {
        self.expired += 1;
        self.expired_behind_max = self.expired_behind_max.max(behind);
        self.expired_first = self.expired_first.zip(is_first).map(|(sum, is_first)| sum + u64::from(is_first));
    }
}

/// What a modelled network does to messages; nothing where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ModelCounts {
    /// Messages that it lost.
    pub lost: u64,
    /// Messages that found no room at the line into their node.
    pub dropped: u64,
    /// Messages that found no room at the line out of their node: never sent, and outside the sum.
    pub uplink_dropped: u64,
    /// Second copies that it made.
    pub duplicated: u64,
    /// Messages that it held back at the stop, on a real carrier: their time had not come, or the carrier had not sent them.
    pub held: u64,
}

impl ModelCounts {
    /// Adds what happened to the messages of another worker.
    pub fn merge(&mut self, other: &ModelCounts) {
        let &ModelCounts { lost, dropped, uplink_dropped, duplicated, held } = other;
        self.lost += lost;
        self.dropped += dropped;
        self.uplink_dropped += uplink_dropped;
        self.duplicated += duplicated;
        self.held += held;
    }
}
