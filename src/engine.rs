//! Virtual time: runs a protocol on the modelled network, conservatively and in parallel, bit-identical for one seed.
//!
//! No message takes less than the network's floor. What is handled within one *window* of that length can therefore
//! change nothing else within it: each shard handles its own nodes' messages of a window as one batch, and all shards
//! meet before the next. A node's messages come in the order (time, sender, sequence), which no thread and no arrival
//! decides; where a message may take no time, in the order (time, round, sender, sequence).
//!
//! | file | what it holds |
//! |---|---|
//! | `pending` | a message under way, and its rank among others |
//! | `shard` | one worker's nodes: to a protocol its context, and the journal of a window |
//! | `journal` | what happened in a window, before it is counted |
//! | `lines` | what a node's lines and its work do to messages |
//! | `departures` | what waits at the lines out of nodes, and is not sent yet |
//! | `round` | the meeting after each window: what crosses shards, and whether the run ends |
//! | `worker_threads` | the threads |
//! | `home` | what a shard reports, and the outcome of all |
//! | `width` | the length of a window |
//! | `general` | any protocol, window by window |
//! | `fast` | protocols whose duplicates are inert, by shortest paths |
//! | `recount` | who sent and took in what, drawn again where it was not kept |
//! | `hops` | forward-once push where every message takes as long: a hop is a set of bits |
//! | `strict` | any protocol, one event after another, for a network without a floor |
//!
//! What was refused: a carrier behind the `Transport` trait, whose batch has one time for all where here each message
//! has a time of its own; and optimistic execution, which would have to take back what a protocol did.

mod access_links;
mod choice;
mod digest;
mod encounters;
mod event_by_event;
mod exchange;
pub mod hops;
mod journal;
mod pending_event;
mod recount;
mod shard;
mod shard_outcome;
mod shortest_path;
mod single_order;
#[cfg(test)]
mod tests;
mod uplink_queue;
mod window_length;
mod windowed;

pub use choice::{Algorithm, EngineError, RunProperties};
pub use encounters::FirstEncounters;

use crate::adversary::Adversaries;
use crate::coverage::Window;
use crate::network::{Faults, Network};
use crate::protocol::{Protocol, TargetDraw};
use crate::record::{AccessLinkRecord, End, Receipts, Traffic, WorkerRecord};
use crate::scenario::Engine;
use crate::sync::{Allowance, Interrupt};
use crate::threads::{Observer, Pinning, ShardMap};
use crate::time::Nanos;
use crate::topology::Topology;
use crate::workload::Workload;
use exchange::LocalExchange;

/// What a run in virtual time goes by.
#[derive(Clone, Copy)]
pub struct EngineSetup<'a> {
    /// Which way it is computed.
    pub engine: Engine,
    /// Who knows whom.
    pub topology: &'a Topology,
    /// Which worker owns which nodes.
    pub partition: &'a ShardMap,
    /// Which core each worker is pinned to.
    pub pinning: &'a Pinning,
    /// Whom a node forwards to.
    pub draw: TargetDraw,
    /// How long messages take, and which are lost.
    pub network: &'a Network,
    /// Who is down when, and who does not hear whom.
    pub faults: &'a Faults,
    /// Who does not do as the protocol says.
    pub adversaries: &'a Adversaries,
    /// What enters where, and when.
    pub workload: &'a Workload,
    /// How many orders a node tells apart.
    pub window: Window,
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
    /// Whether traffic is kept by node. It takes 40 bytes of each, and time to draw again on the fast path.
    pub keeps_traffic: bool,
    /// The time limit, in virtual time from the last publication.
    pub timeout: Option<Nanos>,
    /// The user's wish to end.
    pub interrupt: &'a Interrupt,
    /// The memory for messages under way.
    pub allowance: &'a Allowance,
    /// Who is told when a worker enters and leaves its loop.
    pub observer: &'a dyn Observer,
}

impl EngineSetup<'_> {
    /// Returns the properties that decide which algorithms can compute the run.
    fn properties<P: Protocol>(&self) -> RunProperties {
        let EngineSetup { network, faults, adversaries, workload, .. } = *self;
        RunProperties {
            duplicates_are_inert: P::DUPLICATES_ARE_INERT,
            orders: workload.orders(),
            is_plain: network.is_plain() && faults.all_up() && faults.none_cut() && adversaries.is_none(),
            constant_latency: network.constant(),
            least_latency: network.floor(),
            fits_compact_receipts: shortest_path::fits(network.ceiling(), workload.last_due(), self.deadline()),
        }
    }

    /// The last instant whose events count.
    fn deadline(&self) -> Nanos {
        self.timeout.map_or(Nanos::MAX, |timeout| self.workload.last_due() + timeout)
    }
}

/// What a run in virtual time measured. Times are virtual, from the start of the schedule. Every figure counts events up
/// to `ended_at` and none after it.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineOutcome {
    /// Why it ended.
    pub end: End,
    /// When: at the target the last receipt that makes it, at the time limit that, else the last event.
    pub ended_at: Nanos,
    /// Counts of all nodes together. Which worker counted them is no figure of the model.
    pub record: WorkerRecord,
    /// Messages that the network lost, they that came to a node that was down among them.
    pub model_lost: u64,
    /// Messages for which there was no room at the line into a node.
    pub model_dropped: u64,
    /// Second copies that the network made of messages.
    pub model_duplicated: u64,
    /// Messages for which there was no room at the line out of their node: they were never sent.
    pub uplink_dropped: u64,
    /// What the lines had to carry, where there are any.
    pub lines: AccessLinkRecord,
    /// First receipts: those of order 0 by node, then those of order 1, and so on.
    pub receipts: Receipts,
    /// Traffic, by node; empty where it was not to be kept.
    pub traffic: Vec<Traffic>,
    /// Traffic, by order.
    pub by_order: Vec<OrderTraffic>,
    /// What met a message, and when first.
    pub met: FirstEncounters,
    /// The sum of a hash of each first receipt: what must not depend on threads; 0 after an interrupt, which comes anywhere.
    pub digest: u64,
    /// Whether the user did not wait until it was known which messages had arrived by the end: those that bring nobody news are
    /// then counted as received when they are sent.
    pub is_rough: bool,
}

impl EngineOutcome {
    /// The outcome of a run in which nothing happened.
    fn nothing() -> EngineOutcome {
        shard_outcome::EndedRun { end: End::Quiescent, at: Nanos::ZERO, homes: Vec::new() }.outcome(0, 0)
    }
}

/// The messages with one order: `sent + doubled = received + lost + dropped + under_way`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderTraffic {
    /// They that were sent, lost ones included.
    pub sent: u64,
    /// Second copies that the network made.
    pub doubled: u64,
    /// They that arrived.
    pub received: u64,
    /// They that the network lost, or that came to a node that was down.
    pub lost: u64,
    /// They for which there was no room at the line into their node.
    pub dropped: u64,
    /// They among those received that were older than their node's window.
    pub expired: u64,
    /// They that had been sent by the end and arrive later.
    pub under_way: u64,
    /// What else is to come of the order: messages that wait at the lines out of their nodes, control messages under way, what
    /// nodes hold back, and what the protocol awaits.
    pub pending: u64,
}

impl OrderTraffic {
    /// Merges the counts of other shards for the same order.
    fn merge(&mut self, other: &OrderTraffic) {
        let OrderTraffic { sent, doubled, received, lost, dropped, expired, under_way, pending } = other;
        self.sent += sent;
        self.doubled += doubled;
        self.received += received;
        self.lost += lost;
        self.dropped += dropped;
        self.expired += expired;
        self.under_way += under_way;
        self.pending += pending;
    }
}

/// Runs to the end. All threads are joined on every path.
///
/// Where the network has no floor there are no windows to share: one worker then handles all events in their order.
///
/// # Errors
///
/// [`EngineError`] if the engine that was asked for cannot compute the run, or if the system refuses threads or memory.
pub fn run<P: Protocol + Clone + Send>(setup: &EngineSetup<'_>, protocol: &P) -> Result<EngineOutcome, EngineError> {
    let shards = setup.partition.workers();
    let ended = match Algorithm::choose(setup.engine, &setup.properties::<P>())? {
        Algorithm::Hops { latency } => return single_order::hopwise(setup, protocol, latency),
        Algorithm::ShortestPath => {
            let ran = shortest_path::run(setup, protocol, &LocalExchange::new(shards))?;
            return single_order::settled(setup, protocol, ran);
        }
        Algorithm::Windowed => windowed::run(setup, protocol, &LocalExchange::new(shards))?,
        Algorithm::EventByEvent => event_by_event::run(setup, protocol.clone()),
    };
    Ok(ended.outcome(setup.topology.nodes() as usize, setup.workload.orders() as usize))
}

/// From so many nodes on the fast ways to compute leave each node's traffic and degree out: 44 bytes of each, and a third of
/// the time.
pub const NODE_FIGURES_END: u32 = 10_000_000;
