//! Virtual time: runs a protocol on the modelled network, conservatively and in parallel, bit-identical for one seed.
//!
//! No message takes less than the network's floor. What is handled within one *window* of that length can therefore
//! change nothing else within it: each shard handles its own nodes' messages of a window as one batch, and all shards
//! meet before the next. A node's messages come in the order (time, sender, sequence), which no thread and no arrival
//! decides.
//!
//! | file | what it holds |
//! |---|---|
//! | `calendar` | messages under way, by the window in which they arrive |
//! | `shard` | one worker's nodes: to a protocol its context, and the journal of a window |
//! | `round` | the meeting after each window: what crosses shards, and whether the run ends |
//! | `crew` | the threads |
//! | `home` | what a shard brings home, and the outcome of all |
//! | `general` | any protocol, window by window |
//! | `strict` | any protocol, one event after another, for a network without a floor |
//!
//! What was refused: a carrier behind the `Transport` trait, whose batch has one time for all where here each message
//! has a time of its own; and optimistic execution, which would have to take back what a protocol did.

mod calendar;
mod crew;
mod digest;
mod general;
mod home;
mod round;
mod shard;
mod strict;
#[cfg(test)]
mod tests;

use crate::gossip::{Protocol, TargetDraw};
use crate::network::Network;
use crate::runtime::{Observer, Partition, Placement, RuntimeError};
use crate::stats::{End, Receipt, Traffic, WorkerRecord};
use crate::sync::Interrupt;
use crate::time::Nanos;
use crate::topology::Topology;
use crate::workload::Workload;

/// What a run in virtual time goes by.
pub struct Setup<'a> {
    /// Who knows whom.
    pub topology: &'a Topology,
    /// Which worker owns which nodes.
    pub partition: &'a Partition,
    /// Which core each worker is pinned to.
    pub placement: &'a Placement,
    /// Whom a node forwards to.
    pub draw: TargetDraw,
    /// How long messages take, and which are lost.
    pub network: &'a Network,
    /// What enters where, and when.
    pub workload: &'a Workload,
    /// Bytes of a message, by order.
    pub message_bytes: &'a [u32],
    /// How many hops an order may travel.
    pub ttl: u8,
    /// Whether a forward leaves out the peer that the order came from.
    pub exclude_sender: bool,
    /// Nodes that make the target, for each order.
    pub goal: u64,
    /// Whether the run ends when every order has its target.
    pub ends_at_target: bool,
    /// The time limit, in virtual time from the last publication.
    pub timeout: Option<Nanos>,
    /// The user's wish to end.
    pub interrupt: &'a Interrupt,
    /// Who is told when a worker enters and leaves its loop.
    pub observer: &'a dyn Observer,
}

impl Setup<'_> {
    /// The last instant whose events count.
    fn deadline(&self) -> Nanos {
        self.timeout.map_or(Nanos::MAX, |timeout| self.workload.last_due() + timeout)
    }
}

/// What a run in virtual time measured. Times are virtual, from the start of the schedule. Every figure counts events up
/// to `ended_at` and none after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Why it ended.
    pub end: End,
    /// When: at the target the last receipt that makes it, at the time limit that, else the last event.
    pub ended_at: Nanos,
    /// Counts of all nodes together. Which worker counted them is no figure of the model.
    pub record: WorkerRecord,
    /// Messages that the network lost.
    pub model_lost: u64,
    /// First receipts: those of order 0 by node, then those of order 1, and so on.
    pub receipts: Vec<Receipt>,
    /// Traffic, by node.
    pub traffic: Vec<Traffic>,
    /// The sum of a hash of each first receipt: what must not depend on threads.
    pub digest: u64,
}

/// Runs to the end. All threads are joined on every path.
///
/// Where the network has no floor there are no windows to share: one worker then handles all events in their order.
///
/// # Errors
///
/// [`RuntimeError::Spawn`] where the system gives no thread, [`RuntimeError::Panic`] for a defect of this program.
pub fn run<P: Protocol + Clone + Send>(setup: &Setup<'_>, protocol: &P) -> Result<Outcome, RuntimeError> {
    let ended = if setup.network.floor() == Nanos::ZERO {
        strict::run(setup, protocol.clone())
    } else {
        general::run(setup, protocol)?
    };
    Ok(ended.outcome(setup.topology.nodes() as usize, setup.workload.orders() as usize))
}
