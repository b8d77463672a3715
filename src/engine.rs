//! Virtual time: runs a protocol on the modelled network, conservatively and in parallel, bit-identical for one seed.
//!
//! No message takes less than the network's minimum latency. Events within one *window* of that length therefore cannot
//! affect each other: each shard handles the messages of its own nodes in a window as one batch, and all shards meet
//! before the next window. A node handles its messages in the order (time, sender, sequence), which depends neither on
//! threads nor on arrival; on a network where a message may take no time, in the order (time, round, sender, sequence).
//!
//! | file | contents |
//! |---|---|
//! | `cluster` | a run as one process of a cluster |
//! | `choice` | the algorithm that computes a run |
//! | `windowed` | any protocol, window by window |
//! | `event_by_event` | any protocol, one event after another, for a network without a minimum latency |
//! | `shortest_path` | first-message protocols, along shortest paths |
//! | `shortest_path::bulk` | the same for many orders, each by itself |
//! | `hops` | first-message protocols with one latency for all messages: a hop is a set of bits |
//! | `single_order` | the outcome of the last two |
//! | `hops_in_cluster` | hops as one process of a cluster |
//! | `forward_draws` | the targets and fates of many forwards, drawn together |
//! | `recount` | traffic of each node, recomputed if it was not kept |
//! | `exchange` | messages between shards, and their agreement on how the run goes on |
//! | `member_parts` | the outcomes of the shards of a cluster, brought together |
//! | `moving_target` | the end of a run at its target if nodes come and go |
//! | `window_length` | the length of a window |
//! | `shard` | one worker's nodes: a protocol's context, and the journal of a window |
//! | `journal` | the events of a window, before they are counted |
//! | `new_receipts` | the nodes that newly have each order |
//! | `node_traffic` | the traffic of each node, while it is counted |
//! | `pending_event` | a message under way, and its rank among others |
//! | `access_links` | effects of access links and processing time on messages |
//! | `uplink_queue` | messages that wait for the uplink of their node |
//! | `fair_uplinks` | messages that share the uplink of their node with others, until they leave |
//! | `stamped_tail` | the tail of a message in a traced run |
//! | `encounters` | first encounters of messages with faults and adversaries |
//! | `digest` | the hash of all first receipts |
//! | `shard_outcome` | the outcome of each shard, and their merge |
//! | `shard_receipts` | first receipts of shards, in the least memory |
//!
//! Rejected alternatives: a carrier behind the `Transport` trait, whose batch has one time for all messages although
//! each message here has a time of its own; and optimistic execution, which would have to undo the effects of a
//! protocol.

mod access_links;
mod choice;
#[cfg(feature = "cluster")]
mod cluster;
mod digest;
mod encounters;
mod event_by_event;
mod exchange;
mod fair_uplinks;
mod forward_draws;
pub mod hops;
#[cfg(feature = "cluster")]
mod hops_in_cluster;
mod journal;
#[cfg(feature = "cluster")]
mod member_parts;
mod moving_target;
mod new_receipts;
mod node_traffic;
mod pending_event;
mod recount;
mod shard;
mod shard_outcome;
mod shard_receipts;
mod shortest_path;
mod single_order;
mod stamped_tail;
#[cfg(test)]
mod tests;
mod uplink_queue;
mod window_length;
mod windowed;

pub use choice::{Algorithm, EngineError, RunProperties};
#[cfg(feature = "cluster")]
pub use cluster::{ClusterOutcome, MemberNodes, run_first_in_cluster, run_in_cluster};
pub use encounters::FirstEncounters;
#[cfg(feature = "cluster")]
pub use exchange::ClusterMember;
#[cfg(feature = "cluster")]
pub use member_parts::{NodeFiguresRequest, NodeSummary};
pub use shard_outcome::RunTotals;
#[cfg(feature = "cluster")]
pub(crate) use shortest_path::MESSAGES_TOGETHER;
pub use shortest_path::bulk::{OrderReceipts, PLACES_TOGETHER};

use crate::adversary::Adversaries;
use crate::coverage::Window;
use crate::network::{Detection, Faults, Network};
use crate::protocol::{AnyProtocol, FirstMessage, Knowledge, Protocol, TargetDraw};
use crate::ratio::Ratio;
use crate::record::{End, Receipt, Receipts, Traffic};
use crate::scenario::Engine;
use crate::sync::{Allowance, Interrupt};
use crate::threads::{Observer, Pinning, ShardMap};
use crate::time::Nanos;
use crate::topology::Topology;
use crate::trace::TraceSpool;
use crate::workload::Workload;
use exchange::LocalExchange;
use serde::{Deserialize, Serialize};
use shard_outcome::EndedRun;

/// The settings of a run in virtual time.
#[derive(Clone, Copy)]
pub struct EngineSetup<'a> {
    /// The engine that the user asked for.
    pub engine: Engine,
    /// The peers of each node.
    pub topology: &'a Topology,
    /// The nodes of each worker.
    pub partition: &'a ShardMap,
    /// The core of each worker.
    pub pinning: &'a Pinning,
    /// The draw of the peers that a node forwards to.
    pub draw: TargetDraw,
    /// The knowledge that nodes start with.
    pub knowledge: Knowledge<'a>,
    /// The latency of messages, and their losses.
    pub network: &'a Network,
    /// Nodes that are down, and pairs that cannot reach each other, by time.
    pub faults: &'a Faults,
    /// The delays after which nodes learn of failures; `None` if they never do.
    pub detection: Option<Detection>,
    /// Nodes that do not follow the protocol.
    pub adversaries: &'a Adversaries,
    /// The time that nodes are asked to run before time 0; `None` for the protocol's own.
    pub asked_warm_up: Option<Nanos>,
    /// The time that nodes run before time 0; [`run`] adds it to every publication.
    pub warm_up: Nanos,
    /// The orders, with their origins and times of publication.
    pub workload: &'a Workload,
    /// The orders that a node tells apart.
    pub window: Window,
    /// Bytes of a message, by order.
    pub message_bytes: &'a [u32],
    /// Bytes of a message with a part of an order; 0 if the protocol sends none.
    pub part_bytes: u32,
    /// The hops that an order may travel.
    pub ttl: u8,
    /// True if a forward leaves out the peer that the order came from.
    pub exclude_sender: bool,
    /// The nodes that an order must reach for its target.
    pub goal: u64,
    /// True if the run ends when every order has its target.
    pub ends_at_target: bool,
    /// In place of both, if nodes come and go: the run ends when every order has once been held by this share of the
    /// nodes that were up.
    pub moving_target: Option<Ratio>,
    /// True if traffic is kept by node, which costs 40 bytes a node, and time to draw it again after shortest paths and
    /// hops.
    pub keeps_traffic: bool,
    /// The time limit, in virtual time from the last publication.
    pub timeout: Option<Nanos>,
    /// True if nothing but the time limit ends the run, not even rest: it has an instant to end at.
    pub ends_at_instant: bool,
    /// The user's request to end.
    pub interrupt: &'a Interrupt,
    /// The memory for messages under way.
    pub allowance: &'a Allowance,
    /// The observer of workers that enter and leave their loops.
    pub observer: &'a dyn Observer,
    /// Takes the receipts of each order of a bulk whose orders are computed one by one. Without it they are computed
    /// together.
    pub order_receipts: Option<&'a dyn OrderReceipts>,
    /// The spool of the rows of all messages; `None` for a run without a trace.
    pub trace: Option<&'a TraceSpool>,
}

impl EngineSetup<'_> {
    /// Returns the properties that decide which algorithms can compute the run.
    fn properties(&self, duplicates_are_inert: bool) -> RunProperties {
        let EngineSetup { network, faults, adversaries, workload, .. } = *self;
        // A link that carries one message has nothing to keep in order.
        let holds_up = network.is_ordered() && workload.orders() != 1;
        RunProperties {
            duplicates_are_inert,
            is_traced: self.trace.is_some(),
            orders: workload.orders(),
            is_plain: network.is_plain() && !holds_up && faults.all_up() && faults.none_cut() && adversaries.is_none(),
            constant_latency: network.constant(),
            least_latency: network.floor(),
            fits_compact_receipts: shortest_path::fits(network.ceiling(), workload.last_due(), self.deadline()),
        }
    }

    /// Returns the end of a run that came to its rest or to its time limit, as it was asked for.
    fn end_as_asked(&self, end: End, at: Nanos) -> (End, Nanos) {
        match end {
            End::Quiescent | End::Timeout if self.ends_at_instant => (End::Instant, self.deadline()),
            _ => (end, at),
        }
    }

    /// Returns an outcome at the end that was asked for.
    fn ended_as_asked(&self, outcome: EngineOutcome) -> EngineOutcome {
        let (end, ended_at) = self.end_as_asked(outcome.end, outcome.ended_at);
        EngineOutcome { end, ended_at, ..outcome }
    }

    /// Returns the last instant whose events count. An event past the end of the clock, after 584 years, never comes:
    /// its time is [`Nanos::MAX`], which is late even without a time limit.
    fn deadline(&self) -> Nanos {
        let limit = self.timeout.map_or(Nanos::MAX, |timeout| self.workload.last_due() + timeout);
        limit.min(Nanos(u64::MAX - 1))
    }
}

/// The outcome of a run in virtual time. Times are virtual, from the start of the schedule. Every figure counts events
/// up to `ended_at` and none after it.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineOutcome {
    /// The reason for its end.
    pub end: End,
    /// The time of its end: of the receipt that completes the target, the time limit, or else the last event.
    pub ended_at: Nanos,
    /// The sums over all nodes.
    pub totals: RunTotals,
    /// First receipts: those of order 0 by node, then those of order 1, and so on.
    pub receipts: Receipts,
    /// Traffic, by node; empty where it was not to be kept.
    pub traffic: Vec<Traffic>,
    /// True if the user ended the run before the arrivals up to its end were counted: duplicates are then counted as
    /// received when they are sent.
    pub is_rough: bool,
}

/// The messages of one order: `sent + doubled = received + lost + dropped + under_way`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderTraffic {
    /// Messages sent, including lost ones.
    pub sent: u64,
    /// Second copies that the network made.
    pub doubled: u64,
    /// Messages that arrived.
    pub received: u64,
    /// Messages that the network lost, or that arrived at a node that was down.
    pub lost: u64,
    /// Messages dropped because the downlink queue of their receiver was full.
    pub dropped: u64,
    /// Of the messages received, those that were older than the window of their node.
    pub expired: u64,
    /// Messages that had been sent by the end and arrive later.
    pub under_way: u64,
    /// Further events to come of the order: messages that wait for an uplink, control messages under way, messages that
    /// nodes hold back, and answers that the protocol awaits.
    pub pending: u64,
}

impl OrderTraffic {
    /// Returns true if nothing of the order is under way or to come.
    const fn is_at_rest(&self) -> bool {
        self.pending == 0 && self.sent + self.doubled == self.received + self.lost + self.dropped
    }

    /// Merges the counts of other shards for the same order.
    fn merge(&mut self, other: &OrderTraffic) {
        let OrderTraffic { sent, doubled, received, lost, dropped, expired, under_way, pending } = other;
        self.sent += sent;
        self.doubled += doubled;
        self.received += received;
        self.lost += lost;
        self.dropped += dropped;
        self.expired += expired;
        // A shard takes back what it sent to another after the end of the run, so that its own sum may be below 0.
        self.under_way = self.under_way.wrapping_add(*under_way);
        self.pending = self.pending.wrapping_add(*pending);
    }

    /// Counts further events to come; those that turn out not to be, as less than none.
    fn await_more(&mut self, events: i64) {
        self.pending = self.pending.wrapping_add_signed(events);
    }
}

/// Runs to the end. All threads are joined on every path.
///
/// A network whose least latency is 0 has no windows to share, so one worker handles all events in their order.
///
/// # Errors
///
/// [`EngineError`] if the engine that was asked for cannot compute the run, or if the system refuses threads or memory.
pub fn run<P: Protocol>(setup: &EngineSetup<'_>, protocol: &P) -> Result<EngineOutcome, EngineError> {
    run_any(setup, protocol, Algorithm::choose(setup.engine, &setup.properties(false))?)
}

/// Runs a first-message protocol, by hops or along shortest paths if the setup allows it.
///
/// # Errors
///
/// Those of [`run`].
pub fn run_first<P: FirstMessage>(setup: &EngineSetup<'_>, protocol: &P) -> Result<EngineOutcome, EngineError> {
    let algorithm = Algorithm::choose(setup.engine, &setup.properties(true))?;
    // After its rest nothing happens, so that only the end is told otherwise.
    Ok(setup.ended_as_asked(run_along_firsts(setup, protocol, algorithm)?))
}

/// Runs a first-message protocol to its rest or its time limit, and no further.
fn run_along_firsts<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    algorithm: Algorithm,
) -> Result<EngineOutcome, EngineError> {
    match algorithm {
        Algorithm::Hops { latency } => single_order::hopwise(setup, protocol, latency),
        Algorithm::ShortestPath => {
            let ran = shortest_path::run(setup, protocol, &LocalExchange::new(setup.partition.workers()))?;
            single_order::settled(setup, protocol, ran)
        }
        Algorithm::OrderByOrder => {
            let solved = match setup.order_receipts {
                Some(taker) => shortest_path::bulk::run(setup, protocol, taker)?,
                None => None,
            };
            match solved {
                Some(outcome) => Ok(outcome),
                None => {
                    hold_receipts(setup)?;
                    run_any(setup, protocol, Algorithm::Windowed)
                }
            }
        }
        algorithm => run_any(setup, protocol, algorithm),
    }
}

/// Holds the memory for the receipts of all orders of a bulk that was to be computed one by one.
fn hold_receipts(setup: &EngineSetup<'_>) -> Result<(), EngineError> {
    let (nodes, orders) = (u64::from(setup.topology.nodes()), setup.workload.orders());
    // Shards hold them, and they are copied together at the end; two bits stand beside each.
    let copies = if setup.partition.workers() > 1 { 2 } else { 1 };
    let places = nodes.saturating_mul(orders.into());
    let bytes = places.saturating_mul(copies * size_of::<Receipt>() as u64).saturating_add(places / 4);
    if setup.order_receipts.is_none() || setup.allowance.hold_in_steps(&mut 0, bytes) {
        return Ok(());
    }
    Err(EngineError::NoMemoryForReceipts { orders, window: setup.window.orders(), bytes })
}

/// Runs every message through its protocol. Only windows without a trace, which is what large runs are, are compiled
/// for the protocol itself.
fn run_any<P: Protocol>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    algorithm: Algorithm,
) -> Result<EngineOutcome, EngineError> {
    let ended = after_warm_up(setup, protocol, |setup| {
        let workers = setup.partition.workers();
        let mut ended = if algorithm == Algorithm::EventByEvent || setup.trace.is_some() {
            run_erased(setup, &AnyProtocol::of(protocol), algorithm)?
        } else if protocol.tail_words_max() == 0 {
            windowed::run_without_tails(setup, protocol, &LocalExchange::new(workers))?
        } else {
            windowed::run(setup, protocol, &LocalExchange::new(workers))?
        };
        // Time 0 of every figure is the end of the warm-up.
        ended.at = ended.at.since(setup.warm_up);
        Ok(ended)
    })?;
    Ok(ended.outcome(setup.topology.nodes() as usize, setup.workload.orders() as usize))
}

/// Runs event by event, or with a trace, by code that all protocols share.
fn run_erased(
    setup: &EngineSetup<'_>,
    protocol: &AnyProtocol<'_>,
    algorithm: Algorithm,
) -> Result<EndedRun, EngineError> {
    Ok(match (algorithm, setup.trace) {
        (Algorithm::EventByEvent, None) => event_by_event::run(setup, protocol),
        (Algorithm::EventByEvent, Some(_)) => event_by_event::run_traced(setup, protocol),
        _ => windowed::run_traced(setup, protocol, &LocalExchange::new(setup.partition.workers()))?,
    })
}

/// Calls `run` with a setup whose publications come after the warm-up of the protocol.
fn after_warm_up<P: Protocol, R>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    run: impl FnOnce(&EngineSetup<'_>) -> Result<R, EngineError>,
) -> Result<R, EngineError> {
    let warm_up = setup.asked_warm_up.unwrap_or_else(|| protocol.warm_up());
    let delayed = (warm_up > Nanos::ZERO).then(|| setup.workload.delayed(warm_up));
    let setup = &EngineSetup { warm_up, workload: delayed.as_ref().unwrap_or(setup.workload), ..*setup };
    if let Some(spool) = setup.trace {
        spool.restart(warm_up);
    }
    run(setup)
}

/// The number of nodes from which on shortest paths and hops leave out each node's traffic and degree, which cost 44
/// bytes a node and a third of the time.
pub const NODE_FIGURES_END: u32 = 10_000_000;
