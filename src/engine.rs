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
mod spawn;
#[cfg(test)]
mod tests;
mod uplink_queue;
mod window_length;
mod windowed;

pub use encounters::FirstEncounters;

use crate::adversary::Adversaries;
use crate::coverage::Window;
use crate::ids::{NodeId, OrderIndex};
use crate::network::{Faults, Network};
use crate::protocol::{Protocol, TargetDraw, TargetScratch};
use crate::record::{AccessLinkRecord, ByHop, CarrierCounts, End, Receipts, Traffic, WorkerRecord};
use crate::runtime::RuntimeError;
use crate::scenario::Engine;
use crate::sync::{Allowance, Interrupt};
use crate::threads::{Observer, Pinning, Progress, ShardMap};
use crate::time::Nanos;
use crate::topology::Topology;
use crate::workload::Workload;
use shortest_path::ShortestPathOutcome;

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
    /// Whether messages are at most late or lost: all that shortest paths and hops know of.
    pub fn is_plain(&self) -> bool {
        self.network.is_plain() && self.faults.all_up() && self.faults.none_cut() && self.adversaries.is_none()
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
    /// That of a run in which nothing happened.
    fn nothing() -> EngineOutcome {
        EngineOutcome {
            end: End::Quiescent,
            ended_at: Nanos::ZERO,
            record: shard_outcome::nothing(),
            model_lost: 0,
            model_dropped: 0,
            model_duplicated: 0,
            uplink_dropped: 0,
            lines: AccessLinkRecord::default(),
            receipts: Receipts::Each(Vec::new()),
            traffic: Vec::new(),
            by_order: Vec::new(),
            met: FirstEncounters::default(),
            digest: 0,
            is_rough: false,
        }
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
    /// Adds what another shard counted of the same order.
    fn add(&mut self, other: &OrderTraffic) {
        self.sent += other.sent;
        self.doubled += other.doubled;
        self.received += other.received;
        self.lost += other.lost;
        self.dropped += other.dropped;
        self.expired += other.expired;
        self.under_way += other.under_way;
        self.pending += other.pending;
    }
}

/// Runs to the end. All threads are joined on every path.
///
/// Where the network has no floor there are no windows to share: one worker then handles all events in their order.
///
/// # Errors
///
/// [`RuntimeError::Threads`] where the system gives no thread, and for a defect of this program.
pub fn run<P: Protocol + Clone + Send>(setup: &EngineSetup<'_>, protocol: &P) -> Result<EngineOutcome, RuntimeError> {
    if let Some(latency) = latency_of_hops::<P>(setup) {
        return hopwise(setup, protocol, latency);
    }
    if setup.engine != Engine::General && is_fast::<P>(setup) {
        return settled(setup, protocol, shortest_path::run(setup, protocol)?);
    }
    let ended = if setup.network.floor() == Nanos::ZERO {
        event_by_event::run(setup, protocol.clone())
    } else {
        windowed::run(setup, protocol)?
    };
    Ok(ended.outcome(setup.topology.nodes() as usize, setup.workload.orders() as usize))
}

/// How long a hop takes, if the run is to be computed by hops and can be: one order, and every message takes as long.
fn latency_of_hops<P: Protocol>(setup: &EngineSetup<'_>) -> Option<Nanos> {
    let is_wanted = matches!(setup.engine, Engine::Hops | Engine::Auto);
    let is_open = is_wanted && setup.is_plain() && P::DUPLICATES_ARE_INERT && setup.workload.orders() == 1;
    setup.network.constant().filter(|&latency| is_open && latency > Nanos::ZERO)
}

/// Whether the fast path is open: duplicates are inert, windows have a length, there is one order, and nothing is asked of the
/// network but latency and loss.
fn is_fast<P: Protocol>(setup: &EngineSetup<'_>) -> bool {
    let has_windows = setup.network.floor() > Nanos::ZERO;
    let is_open = P::DUPLICATES_ARE_INERT && has_windows && setup.is_plain();
    is_open && setup.workload.orders() == 1 && shortest_path::fits(setup)
}

/// The ledger of what the fast path did not keep.
fn settled<P: Protocol + Clone + Send>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    spread: ShortestPathOutcome,
) -> Result<EngineOutcome, RuntimeError> {
    let ShortestPathOutcome { end, at, receipts, mut record, mut model_lost, digest } = spread;
    let is_whole = end == End::Quiescent;
    // Who wants to end waits for what takes a moment, and for no more: those who were reached last may have many to send to.
    let patience = match end.is_cut_short() {
        true => (&Interrupt::new(), RECOUNTED_MAX),
        false => (setup.interrupt, u64::MAX),
    };
    let is_long = end.is_cut_short() && record.sent > RECOUNTED_MAX;
    let limit = if is_whole { Nanos::MAX } else { at };
    let books = match (setup.keeps_traffic || !is_whole) && !is_long {
        true => recount::recount(setup, protocol, &receipts, limit, patience)?,
        false => None,
    };
    let mut outcome = EngineOutcome { end, ended_at: at, digest, ..EngineOutcome::nothing() };
    match books {
        Some(books) => {
            outcome.traffic = books.traffic;
            if !is_whole {
                // The windows went beyond the end.
                (record, model_lost) = (books.record, books.model_lost);
            }
        }
        None if is_whole => {}
        None => {
            outcome.is_rough = true;
            outcome.end = if end.is_cut_short() { end } else { End::Interrupted };
            record.reached = receipts.reached();
            record.received = record.reached.saturating_sub(1) + record.duplicates;
            record.carrier.drained = record.sent - model_lost - record.received;
        }
    }
    outcome.by_order = by_order(&record, model_lost);
    Ok(EngineOutcome { record, model_lost, receipts, ..outcome })
}

/// A run by hops. Where figures are kept by node, senders are too, and the ledger are drawn again as those of the fast path.
fn hopwise<P: Protocol + Clone + Send>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    latency: Nanos,
) -> Result<EngineOutcome, RuntimeError> {
    let nodes = setup.topology.nodes();
    let origin = setup.workload.publications().first().map_or(NodeId(0), |publication| publication.origin);
    let tell = |hops::HopsProgress { time, reached, .. }| {
        // Whoever has the order has sent it, or is about to.
        let messages = reached * u64::from(setup.draw.count(setup.topology.mean_degree() as u32));
        setup.observer.progressed(&Progress { reached, time, messages });
    };
    let ran = hops::run(&hops::HopsSetup {
        topology: setup.topology,
        draw: setup.draw,
        order: OrderIndex(0),
        origin,
        ttl: setup.ttl,
        latency,
        exclude_sender: setup.exclude_sender,
        records_senders: setup.keeps_traffic,
        counts_copies: false,
        goal: setup.goal,
        ends_at_target: setup.ends_at_target,
        timeout: setup.timeout,
        cores: &setup.pinning.cores,
        interrupt: setup.interrupt,
        observer: &tell,
    });
    let ran = ran.map_err(|error| match error {
        hops::HopsError::Memory { nodes } => RuntimeError::NoMemory { nodes },
        hops::HopsError::Threads(error) => RuntimeError::Threads(error),
    })?;
    let record = WorkerRecord {
        nodes,
        sent: ran.sent,
        received: ran.received,
        duplicates: ran.duplicates(),
        reached: ran.receipts.reached(),
        spared: ran.spared,
        queued_unsent: ran.queued_unsent,
        carrier: CarrierCounts { drained: ran.in_flight, ..shard_outcome::nothing().carrier },
        ..shard_outcome::nothing()
    };
    // Where time is up and nothing is under way, the run had ended at rest.
    let end = if ran.end == End::Timeout && ran.in_flight == 0 { End::Quiescent } else { ran.end };
    let at = match (end, setup.timeout) {
        (End::Timeout, Some(timeout)) => timeout,
        _ => ran.receipts.time_of(last_arrival(setup, &ran.receipts)),
    };
    let receipts = Receipts::ByHop(ran.receipts);
    let digest = match end {
        end if end.is_cut_short() => 0,
        _ => digest::of_order(OrderIndex(0), &receipts, &setup.pinning.cores)?,
    };
    // Hops know what was under way: after an interrupt only figures by node are to be drawn again, if that is short.
    if setup.keeps_traffic && (end != End::Interrupted || record.sent <= RECOUNTED_MAX) {
        let receipts = Receipts::Each(receipts.iter().collect());
        return settled(setup, protocol, ShortestPathOutcome { end, at, receipts, record, model_lost: 0, digest });
    }
    let by_order = by_order(&record, 0);
    Ok(EngineOutcome { end, ended_at: at, record, receipts, by_order, digest, ..EngineOutcome::nothing() })
}

/// The last hop in which a message came in: the one in which nobody new was reached, unless whoever was to forward for it
/// had nobody to send to.
fn last_arrival(setup: &EngineSetup<'_>, receipts: &ByHop) -> u8 {
    let last = receipts.counts.len().saturating_sub(1) as u8;
    if last == 0 || receipts.counts[usize::from(last)] > 0 {
        return last;
    }
    let mut scratch = TargetScratch::default();
    let mut sends = |node: NodeId| {
        let targets = setup.draw.draw(setup.topology, OrderIndex(0), node, &mut scratch);
        targets.iter().any(|&to| !setup.exclude_sender || to != receipts.get(node).sender)
    };
    let newest = (0..).map(NodeId).zip(&receipts.hop_of).filter(|&(_, &hop)| hop == last - 1).map(|(node, _)| node);
    let mut newest = newest.filter(|&node| last > 1 || node == receipts.origin);
    if newest.any(&mut sends) { last } else { last - 1 }
}

/// From so many nodes on the fast ways to compute leave each node's traffic and degree out: 44 bytes of each, and a third of
/// the time.
pub const NODE_FIGURES_END: u32 = 10_000_000;

/// The most messages that are counted again after an interrupt: less than a second's work.
const RECOUNTED_MAX: u64 = if cfg!(test) { 5_000 } else { 20_000_000 };

/// The messages of the only order are all there are.
fn by_order(record: &WorkerRecord, lost: u64) -> Vec<OrderTraffic> {
    let WorkerRecord { sent, received, .. } = *record;
    vec![OrderTraffic { sent, received, lost, under_way: record.carrier.drained, ..OrderTraffic::default() }]
}
