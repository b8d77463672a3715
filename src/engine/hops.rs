//! Computes forward-once push for networks on which every message has the same latency: time is a number of hops, and
//! the nodes that forward next are a set of bits.
//!
//! All messages of a hop arrive at one instant. The set of nodes newly reached does not depend on the sequence of the
//! messages, and neither do the counts: workers mark nodes in one shared bitmap, and send nothing to each other. A run
//! is bit-identical on any number of threads. A message is only its target, handled once; a node takes a byte for its
//! hop and three bits.
//!
//! ```text
//! shared_sets    data shared by the workers: nodes reached, nodes that forward, the barrier
//! worker         one thread: forwards its part of a hop, then computes its part of the next set
//! member         one shard of a cluster, which shares nothing and tells the others which of their nodes it reaches
//! crossing_set   what it tells them, as it crosses
//! ```
//!
//! Rejected alternative: sorting messages by the part of the bitmap that they mark, so that successive marks are near
//! each other. Measured with regions of 1 MiB, it took 14.6 ns per message at 5 10^8 nodes, where prefetched marks
//! scattered over 62 MB take 15.3, and it was slower than those at 10^8 nodes.

#[cfg(feature = "cluster")]
mod crossing_set;
#[cfg(feature = "cluster")]
mod member;
mod shared_sets;
mod worker;

#[cfg(test)]
mod tests;

#[cfg(feature = "cluster")]
pub(super) use crossing_set::SetWord;
#[cfg(feature = "cluster")]
pub(super) use member::{MemberHops, MemberWorker};

use crate::ids::{NodeId, OrderIndex};
use crate::protocol::TargetDraw;
use crate::record::{ByHop, End};
use crate::sync::Interrupt;
use crate::sys::touched_room;
use crate::threads::{ThreadError, WorkerThreads};
use crate::time::Nanos;
use crate::topology::Topology;
use core_affinity::CoreId;
use shared_sets::SharedSets;
use std::collections::TryReserveError;
use worker::{HopsShare, HopsWorker, SendTotals};

/// The settings of a run.
#[derive(Clone, Copy)]
pub struct HopsSetup<'a> {
    /// The peers of each node.
    pub topology: &'a Topology,
    /// The draw of the peers that a node forwards to.
    pub draw: TargetDraw,
    /// The order.
    pub order: OrderIndex,
    /// The node at which it enters, at time 0.
    pub origin: NodeId,
    /// The hops that it may travel.
    pub ttl: u8,
    /// The time of each hop.
    pub latency: Nanos,
    /// True if a node does not forward to the sender of its first copy; of several such senders, to the one with the
    /// least id.
    pub exclude_sender: bool,
    /// True if senders are recorded; they are also recorded if one is to be excluded.
    pub records_senders: bool,
    /// True if the copies that each node receives are counted: four bytes a node and thread.
    pub counts_copies: bool,
    /// The nodes that make the target.
    pub goal: u64,
    /// True if the run ends when they are reached.
    pub ends_at_target: bool,
    /// The virtual time after which no message arrives.
    pub timeout: Option<Nanos>,
    /// The core of each thread, if it is pinned; at least one.
    pub cores: &'a [Option<CoreId>],
    /// The user's request to end.
    pub interrupt: &'a Interrupt,
    /// Receives the progress after each hop, on one of the threads, while the others wait.
    pub observer: &'a (dyn Fn(HopsProgress) + Sync),
}

impl HopsSetup<'_> {
    /// Returns true if senders are kept.
    const fn needs_senders(&self) -> bool {
        self.exclude_sender || self.records_senders
    }

    /// Returns true if messages can be counted by their draw alone: the number of peers is known only after computed
    /// slots are drawn, and whether the sender is a target only after the draw.
    fn counts_by_draw(&self, draw: &TargetDraw) -> bool {
        self.topology.implicit().is_some() || (self.exclude_sender && !draw.takes_all())
    }

    /// Counts the messages of a node, where no draw is needed for it.
    fn sends_of(&self, draw: &TargetDraw, node: NodeId) -> SendTotals {
        let spared = u64::from(self.exclude_sender && node != self.origin);
        SendTotals { sent: u64::from(draw.count(self.topology.degree(node))) - spared, spared }
    }

    /// Returns the messages of nodes that were reached in a hop, `newest` in number, and have not forwarded; on an
    /// implicit overlay an upper bound.
    fn waiting(&self, hop: u8, newest: u64, nodes: impl Iterator<Item = NodeId>) -> u64 {
        if hop == self.ttl {
            return 0;
        }
        // Counting slots exactly would take as long as sending the messages.
        match self.topology.implicit() {
            Some(implicit) => newest * u64::from(self.draw.count(implicit.slots())),
            None => nodes.map(|node| u64::from(self.draw.count(self.topology.degree(node)))).sum(),
        }
    }
}

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HopsProgress {
    /// The hop that has just ended.
    pub hop: u8,
    /// The time at which it did.
    pub time: Nanos,
    /// Nodes that have the order.
    pub reached: u64,
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HopsOutcome {
    /// The reason for its end.
    pub end: End,
    /// The hop in which each node was reached.
    pub receipts: ByHop,
    /// The copies that each node received; `None` after an interrupt, which comes in the middle of a hop.
    pub copies: Option<Vec<u32>>,
    /// Messages sent.
    pub sent: u64,
    /// Messages received: all messages sent except those in flight.
    pub received: u64,
    /// Copies that were not sent because they would have gone to the sender.
    pub spared: u64,
    /// Messages under way when the target was reached or time was up.
    pub in_flight: u64,
    /// Messages that an interrupt kept from being sent; on an implicit overlay an upper bound.
    pub queued_unsent: u64,
}

impl HopsOutcome {
    /// Returns the messages to nodes that had the order already.
    pub fn duplicates(&self) -> u64 {
        self.received - (self.receipts.reached() - 1)
    }
}

/// Returns the end of a hop.
pub(super) fn time_of(hop: u8, latency: Nanos) -> Nanos {
    Nanos(latency.0.saturating_mul(u64::from(hop)))
}

/// The reason why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum HopsError {
    /// The system refuses the memory for the nodes.
    #[error("--nodes {nodes}: the system refuses the memory for a bit or a byte of each; ask for fewer --nodes")]
    Memory {
        /// The nodes asked for.
        nodes: u32,
    },
    /// The threads did not all finish their work.
    #[error(transparent)]
    Threads(#[from] ThreadError),
}

/// Runs to the end.
///
/// # Errors
///
/// [`HopsError`] if there is no memory for the nodes, or if threads are refused or panic.
pub fn run(setup: &HopsSetup<'_>) -> Result<HopsOutcome, HopsError> {
    let (nodes, threads) = (setup.topology.nodes(), setup.cores.len());
    let NodeArrays { field, mut hop_of, copies } =
        NodeArrays::new(setup, threads).map_err(|_| HopsError::Memory { nodes })?;
    let mut workers = Vec::with_capacity(threads);
    let mut rest = &mut hop_of[..];
    for (words, copies) in field.parts(threads).zip(copies) {
        let (hops, others) = rest.split_at_mut((words.len() * 64).min(rest.len()));
        rest = others;
        workers.push(HopsWorker::new(setup, &field, words, hops, copies));
    }
    let threads = WorkerThreads { first: 0, cores: setup.cores, give_up: &|| field.barrier.abort() };
    let done = threads.run_together(workers, |_, worker| worker.run())?;
    Ok(merged(setup, &field, done, hop_of))
}

/// The per-node memory of a run.
struct NodeArrays {
    field: SharedSets,
    hop_of: Vec<u8>,
    /// By thread.
    copies: Vec<Option<Vec<u32>>>,
}

impl NodeArrays {
    fn new(setup: &HopsSetup<'_>, threads: usize) -> Result<NodeArrays, TryReserveError> {
        let nodes = setup.topology.nodes() as usize;
        let copies = (0..threads).map(|_| setup.counts_copies.then(|| zeros(nodes)).transpose());
        Ok(NodeArrays {
            field: SharedSets::new(setup, threads)?,
            hop_of: zeros(nodes)?,
            copies: copies.collect::<Result<_, _>>()?,
        })
    }
}

/// Allocates an array of zeros and touches its pages, so that no page fault occurs later.
fn zeros<T: Copy + Default>(length: usize) -> Result<Vec<T>, TryReserveError> {
    Vec::<T>::new().try_reserve_exact(length)?;
    let mut array = touched_room(length, T::default());
    array.resize(length, T::default());
    Ok(array)
}

/// Merges the workers' shares.
fn merged(setup: &HopsSetup<'_>, field: &SharedSets, done: Vec<HopsShare>, hop_of: Vec<u8>) -> HopsOutcome {
    let (end, last) = done.first().map_or((End::Quiescent, 0), |done| (done.end, done.last_hop));
    let mut sums = SendTotals::default();
    let mut closing = SendTotals::default();
    let mut copies: Option<Vec<u32>> = None;
    for HopsShare { end: _, last_hop: _, sums: sent, closing: at_end, copies: of_thread } in done {
        sums.add(sent);
        closing.add(at_end);
        copies = match (copies, of_thread) {
            (Some(all), Some(more)) => Some(all.iter().zip(&more).map(|(one, other)| one + other).collect()),
            (all, more) => all.or(more),
        };
    }
    // Nodes that were reached at the end have sent their copies at that very instant.
    let has_sent = matches!(end, End::Target | End::Timeout);
    let in_flight = if has_sent { closing.sent } else { 0 };
    let spared = sums.spared + if has_sent { closing.spared } else { 0 };
    let queued_unsent = if end == End::Interrupted { field.waiting(setup, last) } else { 0 };
    let senders = field.senders(|node| hop_of[node] > 0 || node == setup.origin.index());
    let counts = (0..=last).map(|hop| field.newest(hop)).collect();
    HopsOutcome {
        end,
        receipts: ByHop { first: NodeId(0), latency: setup.latency, origin: setup.origin, counts, hop_of, senders },
        copies: copies.filter(|_| end != End::Interrupted),
        sent: sums.sent + in_flight,
        received: sums.sent,
        spared,
        in_flight,
        queued_unsent,
    }
}
