//! Threads: the nodes' partition over workers, the workers' places on cores, and their life from latch to join.

mod outbox;
mod partition;
mod patience;
mod placement;
mod shard;
mod tally;
mod worker;

pub use partition::Partition;
pub use patience::Spin;
pub use placement::{Pin, Placement};

use crate::coverage::{Coverage, Marker};
use crate::gossip::{Protocol, TargetDraw};
use crate::ids::{NodeId, OrderIndex};
use crate::order::Order;
use crate::stats::{End, Receipt, Traffic, WorkerRecord};
use crate::sync::{Board, Broken, Interrupt, Latch, Stop};
use crate::time::Nanos;
use crate::topology::Topology;
use crate::transport::{Carrier, TransportError};
use core_affinity::CoreId;
use parking_lot::Mutex;
use shard::Shard;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread;
use worker::Worker;

/// What all workers go by.
pub struct Plan<'a> {
    /// Who knows whom.
    pub topology: &'a Topology,
    /// Which worker owns which nodes.
    pub partition: &'a Partition,
    /// Which core each worker is pinned to.
    pub placement: &'a Placement,
    /// The orders of the run.
    pub orders: &'a [Arc<Order>],
    /// What enters where.
    pub published: Published,
    /// Whom a node forwards to.
    pub draw: TargetDraw,
    /// Whether a forward leaves out the peer that the order came from.
    pub exclude_sender: bool,
    /// Nodes that make the target.
    pub goal: u64,
    /// Whether the target ends the run.
    pub ends_at_target: bool,
    /// The time limit, from the injection.
    pub timeout: Option<Nanos>,
    /// Whether idle workers spin.
    pub spin: Spin,
    /// The user's wish to end.
    pub interrupt: &'a Interrupt,
    /// Who is told when a worker enters and leaves its loop.
    pub observer: &'a dyn Observer,
}

/// An order's entry into the network.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// Which order.
    pub order: OrderIndex,
    /// At which node.
    pub origin: NodeId,
    /// With how many hops to go.
    pub ttl: u8,
}

/// Is told, on each worker's own thread, when it enters and leaves its event loop: for measuring what happens in it.
pub trait Observer: Sync {
    /// The worker has passed the start latch.
    fn loop_entered(&self, _worker: usize) {}
    /// The worker has seen the stop flag.
    fn loop_left(&self, _worker: usize) {}
}

/// Observes nothing.
impl Observer for () {}

/// What a run measured, by worker and by node, with times since the clock's base.
pub struct Outcome {
    /// Why it ended.
    pub end: End,
    /// When the order was injected.
    pub injected_at: Nanos,
    /// When the last worker left its loop.
    pub left_at: Nanos,
    /// Counts, by worker.
    pub workers: Vec<WorkerRecord>,
    /// First receipts, by node.
    pub receipts: Vec<Receipt>,
    /// Traffic, by node.
    pub traffic: Vec<Traffic>,
}

/// Why a run broke off.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A worker's carrier failed.
    #[error("worker {worker}: {cause}")]
    Transport {
        /// Which worker.
        worker: usize,
        /// What happened.
        #[source]
        cause: TransportError,
    },
    /// The system gave no thread.
    #[error(
        "worker {worker}: the system gives no thread ({cause}); ask for fewer --threads, or raise the limit (ulimit -u)"
    )]
    Spawn {
        /// The first worker without one.
        worker: usize,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// A worker panicked: a defect of this program.
    #[error("worker {worker} panicked: {message}; this is a defect, please report it with the command")]
    Panic {
        /// Which worker.
        worker: usize,
        /// What it said.
        message: String,
    },
}

/// What workers share while they run.
struct Shared<'a> {
    plan: &'a Plan<'a>,
    stop: Stop,
    board: Board,
    start: Latch,
    end: Latch,
    /// How to wake each worker. Locked twice in a worker's life: at its set-up, and by whoever ends the run.
    wakers: Mutex<Vec<Arc<mio::Waker>>>,
    injected_at: OnceLock<Nanos>,
}

/// What one worker brings home.
struct WorkerOutcome {
    record: WorkerRecord,
    receipts: Vec<Receipt>,
    traffic: Vec<Traffic>,
    left_at: Nanos,
}

/// Why a worker came home early.
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

impl From<Broken> for WorkerFailure {
    fn from(Broken: Broken) -> WorkerFailure {
        WorkerFailure::Left
    }
}

/// Runs one worker per carrier end to the end of the run. All threads are joined on every path.
pub fn run<P: Protocol + Clone + Send>(
    plan: &Plan<'_>,
    protocol: &P,
    carriers: Vec<Box<dyn Carrier>>,
) -> Result<Outcome, RuntimeError> {
    let mut coverage = Coverage::new(plan.partition.sizes(), plan.goal);
    let (view, markers) = coverage.split();
    let shared = Shared::new(plan, carriers.len());
    let (results, refused) = thread::scope(|scope| {
        let (mut threads, mut refused) = (Vec::with_capacity(carriers.len()), None);
        for (index, (carrier, marker)) in carriers.into_iter().zip(markers).enumerate() {
            let (shared, protocol) = (&shared, protocol.clone());
            let life = move || guarded(shared, || work(shared, index, protocol, carrier, marker));
            match thread::Builder::new().spawn_scoped(scope, life) {
                Ok(thread) => threads.push(thread),
                Err(cause) => {
                    // Those that live wait at the latch for one that will never come.
                    shared.abandon();
                    refused = Some(RuntimeError::Spawn { worker: index, cause });
                    break;
                }
            }
        }
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap_or_else(Err)).collect();
        (results, refused)
    });
    if let Some(refused) = refused {
        return Err(refused);
    }
    let outcome = shared.merge(results)?;
    debug_assert_eq!(view.covered(), view.marked());
    Ok(outcome)
}

/// A worker's whole life on its thread.
fn work<P: Protocol>(
    shared: &Shared<'_>,
    index: usize,
    protocol: P,
    carrier: Box<dyn Carrier>,
    marker: Marker<'_>,
) -> Result<WorkerOutcome, WorkerFailure> {
    let plan = shared.plan;
    let pinned = plan.placement.cores[index].filter(|&core| core_affinity::set_for_current(core));
    let carrier = carrier.build()?;
    let mut shard = Shard::new(plan.partition.shard(index), plan, &*carrier, marker);
    shard.record.core = pinned.map(|CoreId { id }| id);
    shared.wakers.lock().push(carrier.waker());
    Worker::new(index, shared, protocol, shard, carrier).run()
}

/// Runs a worker so that the others hear of its failure and do not wait for it.
fn guarded(
    shared: &Shared<'_>,
    work: impl FnOnce() -> Result<WorkerOutcome, WorkerFailure>,
) -> thread::Result<Result<WorkerOutcome, WorkerFailure>> {
    let result = catch_unwind(AssertUnwindSafe(work));
    if !matches!(result, Ok(Ok(_))) {
        shared.abandon();
    }
    result
}

impl<'a> Shared<'a> {
    fn new(plan: &'a Plan<'a>, workers: usize) -> Shared<'a> {
        Shared {
            plan,
            stop: Stop::new(),
            board: Board::new(workers),
            start: Latch::new(workers as u32),
            end: Latch::new(workers as u32),
            wakers: Mutex::new(Vec::with_capacity(workers)),
            injected_at: OnceLock::new(),
        }
    }

    /// Ends the run; the first cause counts, and everybody who sleeps is woken for it.
    fn end(&self, end: End) {
        if self.stop.raise(end as u8) {
            self.wake_all();
        }
    }

    /// A worker has failed: nobody is to wait for it.
    fn abandon(&self) {
        self.start.break_open();
        self.end.break_open();
        self.stop.raise(FAILED);
        self.wake_all();
    }

    fn wake_all(&self) {
        for waker in self.wakers.lock().iter() {
            // A worker that cannot be woken wakes by itself within its longest sleep.
            let _ = waker.wake();
        }
    }

    /// Says when time 0 was, once.
    fn set_injected_at(&self, now: Nanos) {
        let _ = self.injected_at.set(now);
    }

    fn is_past_deadline(&self, now: Nanos) -> bool {
        match (self.plan.timeout, self.injected_at.get()) {
            (Some(timeout), Some(&injected_at)) => now.since(injected_at) >= timeout,
            _ => false,
        }
    }

    /// Puts the workers' results together, or tells the first failure.
    fn merge(
        &self,
        results: Vec<thread::Result<Result<WorkerOutcome, WorkerFailure>>>,
    ) -> Result<Outcome, RuntimeError> {
        let injected_at = self.injected_at.get().copied().unwrap_or_default();
        let mut outcome = Outcome {
            end: end_of(self.stop.cause()),
            injected_at,
            left_at: injected_at,
            workers: Vec::with_capacity(results.len()),
            receipts: Vec::with_capacity(self.plan.topology.nodes() as usize),
            traffic: Vec::with_capacity(self.plan.topology.nodes() as usize),
        };
        for (worker, result) in results.into_iter().enumerate() {
            match result {
                Ok(Ok(home)) => outcome.add(home),
                Ok(Err(WorkerFailure::Transport(cause))) => return Err(RuntimeError::Transport { worker, cause }),
                Ok(Err(WorkerFailure::Left)) => {}
                Err(panic) => return Err(RuntimeError::Panic { worker, message: what_a_panic_said(&*panic) }),
            }
        }
        Ok(outcome)
    }
}

impl Outcome {
    fn add(&mut self, home: WorkerOutcome) {
        self.left_at = self.left_at.max(home.left_at);
        self.workers.push(home.record);
        self.receipts.extend(home.receipts);
        self.traffic.extend(home.traffic);
    }
}

/// The stop's cause after a worker's failure; the [`End`]s have the numbers below.
const FAILED: u8 = u8::MAX;

fn end_of(cause: u8) -> End {
    [End::Target, End::Quiescent, End::Timeout].into_iter().find(|&end| end as u8 == cause).unwrap_or(End::Interrupted)
}

/// What a panic said.
pub(crate) fn what_a_panic_said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "nothing".to_owned())
}
