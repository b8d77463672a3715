//! Real time: the worker's event loop, its shard of nodes, and a run's processes.

mod delay_line;
mod idle;
mod message_log;
mod network_emulator;
mod outbox;
pub mod processes;
mod recorder;
mod run_state;
mod schedule;
mod shard;
mod traffic;
mod worker;

pub use run_state::RunState;

use crate::coverage::Marker;
use crate::ids::NodeId;
use crate::network::Network;
use crate::order::Order;
use crate::protocol::{Knowledge, Protocol, TargetDraw};
use crate::record::{DepartureDelays, End, OrderCounts, Receipt, ReceiptTotals, Traffic, WorkerRecord};
use crate::scenario::Spin;
use crate::sync::{Allowance, BarrierBroken, Interrupt};
use crate::sys::ProcessWaker;
use crate::threads::{Observer, Pinning, ShardMap, ThreadError, WorkerSeat, WorkerThreads};
use crate::time::Nanos;
use crate::topology::Topology;
use crate::trace::TraceSpool;
use crate::transport::{TransportBuilder, TransportError};
use crate::wire::OrderParts;
use crate::workload::Workload;
use core_affinity::CoreId;
use recorder::{BulkRecorder, Recorder, SingleRecorder};
use run_state::ProcessState;
use serde::{Deserialize, Serialize};
use shard::RealtimeShard;
use std::sync::Arc;
use worker::Worker;

/// The scenario of a run as all workers see it.
pub struct RunPlan<'a> {
    /// The peers of each node.
    pub topology: &'a Topology,
    /// The nodes of each worker.
    pub partition: &'a ShardMap,
    /// The core that each worker is pinned to.
    pub pinning: &'a Pinning,
    /// The network that is modelled between nodes and carriers; `None` if messages go to the carrier as they are.
    pub network: Option<&'a Network>,
    /// The orders of the run.
    pub orders: &'a [Arc<Order>],
    /// The node and time at which each order is published.
    pub workload: &'a Workload,
    /// The maximum number of hops of an order.
    pub ttl: u8,
    /// The draw of the peers that a node forwards to.
    pub draw: TargetDraw,
    /// The knowledge that nodes have from the start.
    pub knowledge: Knowledge<'a>,
    /// The parts of the orders; `None` if the protocol sends orders whole.
    pub parts: Option<&'a OrderParts>,
    /// The time that nodes are asked to run before the first order; `None` for the protocol's own.
    pub asked_warm_up: Option<Nanos>,
    /// True if a forward leaves out the peer that the order came from.
    pub exclude_sender: bool,
    /// True if the run ends once every order has reached its target.
    pub ends_at_target: bool,
    /// The time limit, from the last publication.
    pub timeout: Option<Nanos>,
    /// The time from the first publication to the end of the run; neither its target nor its rest ends it then.
    pub ends_at: Option<Nanos>,
    /// The policy of idle workers: spin or sleep.
    pub spin: Spin,
    /// The user's request to end.
    pub interrupt: &'a Interrupt,
    /// The memory for messages that wait.
    pub allowance: &'a Allowance,
    /// The observer that is called when a worker enters and leaves its loop.
    pub observer: &'a dyn Observer,
    /// The spool of the messages that the workers see; `None` for a run without a trace.
    pub trace: Option<&'a TraceSpool>,
}

/// The measurements of a run, by worker and by node, with times since the clock's base.
pub struct RuntimeOutcome {
    /// The reason for its end.
    pub end: End,
    /// True if it had come to rest by then.
    pub at_rest: bool,
    /// Time at which the first order was injected.
    pub injected_at: Nanos,
    /// Time at which the last worker left its loop.
    pub left_at: Nanos,
    /// Counts, by worker.
    pub workers: Vec<WorkerRecord>,
    /// First receipts, by node; empty for a bulk of orders.
    pub receipts: Vec<Receipt>,
    /// Traffic, by node.
    pub traffic: Vec<Traffic>,
    /// Counts of a bulk of orders; `None` for a single order.
    pub bulk: Option<BulkCounts>,
    /// Delays with which messages left the modelled network, if there is one.
    pub departures: Option<DepartureDelays>,
    /// The peers of the nodes when the first order was due, if a membership protocol keeps them: an equal number of
    /// slots for each node, an empty one with the node itself.
    pub settled_peers: Vec<NodeId>,
}

/// Counts of a bulk of orders, with times since the clock's base.
#[derive(Serialize, Deserialize)]
pub struct BulkCounts {
    /// By order.
    pub orders: Vec<OrderCounts>,
    /// Of all first receipts.
    pub receipts: ReceiptTotals,
}

/// The reason why a run broke off.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A worker's carrier failed.
    #[error("worker {worker}: {cause}")]
    Transport {
        /// Index of the worker.
        worker: usize,
        /// The carrier's error.
        #[source]
        cause: TransportError,
    },
    /// A thread was refused, or panicked.
    #[error(transparent)]
    Threads(#[from] ThreadError),
    /// A worker of another process failed first, and reports the reason itself.
    #[error("the run was broken off elsewhere")]
    Abandoned,
}

/// The report of one worker, which may run in another process.
#[derive(Serialize, Deserialize)]
pub struct WorkerOutcome {
    record: WorkerRecord,
    receipts: Vec<Receipt>,
    traffic: Vec<Traffic>,
    bulk: Option<BulkCounts>,
    departures: Option<DepartureDelays>,
    left_at: Nanos,
    /// The peers of its nodes when the first order was due, if a membership protocol keeps them.
    settled_peers: Vec<NodeId>,
}

/// The reason why a worker left the run early.
enum WorkerFailure {
    Transport(TransportError),
    /// Another worker failed first.
    Left,
}

impl From<TransportError> for WorkerFailure {
    fn from(error: TransportError) -> WorkerFailure {
        WorkerFailure::Transport(error)
    }
}

impl From<BarrierBroken> for WorkerFailure {
    fn from(BarrierBroken: BarrierBroken) -> WorkerFailure {
        WorkerFailure::Left
    }
}

/// One process's share of a run.
pub struct ProcessShare<'a> {
    /// The state that its workers share with all others.
    pub common: &'a mut RunState,
    /// Its first worker.
    pub first: usize,
    /// Wakes the workers of all processes, if there are several.
    pub process_waker: Option<&'a ProcessWaker>,
}

/// Runs this process's workers, one per carrier end, to the end of the run. All threads are joined on every path.
pub fn run<P: Protocol>(
    plan: &RunPlan<'_>,
    protocol: &P,
    carriers: Vec<Box<dyn TransportBuilder>>,
    share: ProcessShare<'_>,
) -> Result<Vec<WorkerOutcome>, RuntimeError> {
    match plan.workload.orders() {
        1 => run_as::<P, SingleRecorder>(plan, protocol, carriers, share),
        _ => run_as::<P, BulkRecorder>(plan, protocol, carriers, share),
    }
}

/// Runs the workers with the recorder that the workload takes.
fn run_as<P: Protocol, C: Recorder>(
    plan: &RunPlan<'_>,
    protocol: &P,
    carriers: Vec<Box<dyn TransportBuilder>>,
    share: ProcessShare<'_>,
) -> Result<Vec<WorkerOutcome>, RuntimeError> {
    let RunState { coverage, signals } = share.common;
    let (view, markers) = coverage.split();
    let shared = ProcessState::new(plan, signals, share.process_waker);
    let worker_threads = WorkerThreads {
        first: share.first,
        cores: plan.pinning.cores.get(share.first..).unwrap_or_default(),
        give_up: &|| shared.abandon(),
    };
    let seats = carriers.into_iter().zip(markers.into_iter().skip(share.first));
    let results =
        worker_threads.run(seats, |seat, (carrier, marker)| work::<P, C>(&shared, seat, protocol, carrier, marker))?;
    let outcomes = collect(share.first, results)?;
    // Bits and counters record the same marks, so a difference is a defect.
    debug_assert!(view.marked().is_none_or(|marked| marked == view.covered()));
    Ok(outcomes)
}

/// Runs one worker on its thread, from its set-up to its last count.
fn work<P: Protocol, C: Recorder>(
    shared: &ProcessState<'_>,
    WorkerSeat { worker: index, core }: WorkerSeat,
    protocol: &P,
    carrier: Box<dyn TransportBuilder>,
    marker: Marker<'_, C::Keep>,
) -> Result<WorkerOutcome, WorkerFailure> {
    let plan = shared.plan;
    let carrier = carrier.build()?;
    let mut shard = RealtimeShard::<C>::new(plan.partition.shard(index), plan, &*carrier, marker);
    shard.record.core = core.map(|CoreId { id }| id);
    // Before the first barrier, so that a worker that ends the run finds the wakers of all.
    shared.wakers.lock().push(carrier.waker());
    if let Some(process_waker) = shared.process_waker {
        carrier.listen(process_waker)?;
    }
    Worker::new(index, shared, protocol, shard, carrier).run()
}

/// Collects the reports of the workers from `first` on, or the first failure among them.
fn collect(
    first: usize,
    results: Vec<Result<WorkerOutcome, WorkerFailure>>,
) -> Result<Vec<WorkerOutcome>, RuntimeError> {
    let (mut outcomes, mut left) = (Vec::with_capacity(results.len()), false);
    for (worker, result) in (first..).zip(results) {
        match result {
            Ok(outcome) => outcomes.push(outcome),
            Err(WorkerFailure::Transport(cause)) => return Err(RuntimeError::Transport { worker, cause }),
            Err(WorkerFailure::Left) => left = true,
        }
    }
    // The worker that failed is in another process, which reports the cause.
    if left { Err(RuntimeError::Abandoned) } else { Ok(outcomes) }
}

impl RuntimeOutcome {
    fn add(&mut self, outcome: WorkerOutcome) {
        self.left_at = self.left_at.max(outcome.left_at);
        self.workers.push(outcome.record);
        self.receipts.extend(outcome.receipts);
        self.traffic.extend(outcome.traffic);
        self.settled_peers.extend(outcome.settled_peers);
        match (&mut self.bulk, outcome.bulk) {
            (Some(all), Some(bulk)) => all.merge(&bulk),
            (all, bulk) => *all = all.take().or(bulk),
        }
        match (&mut self.departures, outcome.departures) {
            (Some(all), Some(departures)) => all.merge(&departures),
            (all, departures) => *all = all.take().or(departures),
        }
    }
}

impl BulkCounts {
    fn merge(&mut self, other: &BulkCounts) {
        let BulkCounts { orders, receipts } = other;
        self.orders.iter_mut().zip(orders).for_each(|(counts, other)| counts.merge(other));
        self.receipts.merge(receipts);
    }
}

fn end_of(cause: u8) -> End {
    let ends = [End::Target, End::Quiescent, End::Timeout, End::OutOfMemory, End::Instant];
    ends.into_iter().find(|&end| end as u8 == cause).unwrap_or(End::Interrupted)
}
