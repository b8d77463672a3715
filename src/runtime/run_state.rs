//! State that workers share while they run: the state of all workers, in whatever process they are, and the state that
//! one process adds for its own.

use super::{RunPlan, RuntimeOutcome, WorkerOutcome, end_of};
use crate::coverage::{Coverage, Scope};
use crate::record::End;
use crate::sync::{Arena, Barrier, Stop, TerminationDetector, WriteOnce};
use crate::sys::ProcessWaker;
use crate::threads::ShardMap;
use crate::time::Nanos;
use crate::transport::ReceiveWaker;
use parking_lot::Mutex;
use std::sync::Arc;

/// The state that all workers of a run share, in one process or in several. It is the same for all of them because it
/// is built in memory that the processes map.
pub struct RunState {
    pub(super) coverage: Coverage,
    pub(super) signals: Signals,
}

/// The signals by which the workers of a run coordinate its start, its end and its rest.
pub(super) struct Signals {
    pub(super) stop: Stop,
    pub(super) termination: TerminationDetector,
    pub(super) start: Barrier,
    pub(super) end: Barrier,
    /// Time 0: one number, written by the worker that owns the origin.
    pub(super) injected_at: WriteOnce,
    /// Written by whichever workers find a run at rest that goes on to its instant.
    rested: WriteOnce,
}

impl RunState {
    /// Creates the state that the workers of a partition share before any has started.
    pub fn new(arena: &mut Arena, partition: &ShardMap, scope: Scope) -> RunState {
        let workers = partition.workers();
        RunState {
            coverage: Coverage::new(arena, partition.sizes(), scope),
            signals: Signals {
                stop: Stop::new(arena),
                termination: TerminationDetector::new(arena, workers),
                start: Barrier::new(arena, workers as u32),
                end: Barrier::new(arena, workers as u32),
                injected_at: WriteOnce::new(arena, 1),
                rested: WriteOnce::new(arena, 1),
            },
        }
    }

    /// Marks the run as failed, so that no worker waits for the one that failed. Sleeping workers are woken by a
    /// [`ProcessWaker`].
    pub fn abandon(&self) {
        self.signals.abandon();
    }

    /// Ends the run as interrupted, unless it has ended already.
    pub fn interrupt(&self) {
        self.signals.stop.raise(End::Interrupted as u8);
    }

    /// Returns true if the first order was published.
    pub fn has_begun(&self) -> bool {
        self.signals.injected_at().is_some()
    }

    /// Puts together what all workers of a run reported, in their order.
    pub fn outcome(&self, outcomes: impl IntoIterator<Item = WorkerOutcome>) -> RuntimeOutcome {
        let injected_at = self.signals.injected_at().unwrap_or_default();
        let end = end_of(self.signals.stop.cause());
        let mut outcome = RuntimeOutcome {
            end,
            at_rest: end == End::Quiescent || end == End::Instant && self.signals.has_rested(),
            injected_at,
            left_at: injected_at,
            workers: Vec::new(),
            receipts: Vec::new(),
            traffic: Vec::new(),
            bulk: None,
            departures: None,
            settled_peers: Vec::new(),
        };
        outcomes.into_iter().for_each(|worker| outcome.add(worker));
        outcome
    }
}

impl Signals {
    fn abandon(&self) {
        self.start.abort();
        self.end.abort();
        self.stop.raise(FAILED);
    }

    #[inline]
    fn injected_at(&self) -> Option<Nanos> {
        self.injected_at.read(0).map(Nanos)
    }

    fn has_rested(&self) -> bool {
        self.rested.read(0).is_some()
    }
}

/// The stop's cause after a worker's failure; the [`End`]s have the numbers below.
const FAILED: u8 = u8::MAX;

/// The state that the workers of one process share.
pub(super) struct ProcessState<'a> {
    pub(super) plan: &'a RunPlan<'a>,
    pub(super) stop: &'a Stop,
    pub(super) termination: &'a TerminationDetector,
    pub(super) start: &'a Barrier,
    pub(super) end: &'a Barrier,
    signals: &'a Signals,
    /// Wakers of this process's workers. Locked twice in a worker's life: at its set-up, and by the worker that ends
    /// the run.
    pub(super) wakers: Mutex<Vec<Arc<dyn ReceiveWaker>>>,
    /// Wakes the workers of all processes, if there are several.
    pub(super) process_waker: Option<&'a ProcessWaker>,
}

impl<'a> ProcessState<'a> {
    pub(super) fn new(
        plan: &'a RunPlan<'a>,
        signals: &'a Signals,
        process_waker: Option<&'a ProcessWaker>,
    ) -> ProcessState<'a> {
        let Signals { stop, termination, start, end, .. } = signals;
        let wakers = Mutex::new(Vec::with_capacity(plan.partition.workers()));
        ProcessState { plan, stop, termination, start, end, signals, wakers, process_waker }
    }

    /// Ends the run; the first cause counts, and every sleeping worker is woken.
    pub(super) fn end(&self, end: End) {
        if self.stop.raise(end as u8) {
            self.wake_all();
        }
    }

    /// Notes that the run has come to rest, which ends it unless it has an instant to end at.
    pub(super) fn rest(&self) {
        match self.plan.ends_at {
            Some(_) => self.signals.rested.write(0, 0),
            None => self.end(End::Quiescent),
        }
    }

    /// Returns true if the run has come to rest and goes on.
    pub(super) fn has_rested(&self) -> bool {
        self.plan.ends_at.is_some() && self.signals.has_rested()
    }

    /// Marks the run as failed, so that no worker waits for this one.
    pub(super) fn abandon(&self) {
        self.signals.abandon();
        self.wake_all();
    }

    fn wake_all(&self) {
        // A worker that cannot be woken wakes by itself within its longest sleep.
        for waker in self.wakers.lock().iter() {
            let _ = waker.wake();
        }
        if let Some(process_waker) = self.process_waker {
            let _ = process_waker.wake();
        }
    }

    /// Sets time 0.
    pub(super) fn set_injected_at(&self, now: Nanos) {
        self.signals.injected_at.write(0, now.0);
    }

    /// Returns time 0, or `None` before it.
    pub(super) fn injected_at(&self) -> Option<Nanos> {
        self.signals.injected_at()
    }

    /// Returns the instant at which the run is to end, once it is known.
    pub(super) fn instant(&self) -> Option<Nanos> {
        self.plan.ends_at.and_then(|at| Some(self.injected_at()? + at))
    }

    /// Returns the end of the run if its time limit or its instant has passed.
    pub(super) fn end_by(&self, now: Nanos) -> Option<End> {
        let RunPlan { timeout, ends_at, workload, .. } = *self.plan;
        let (limit, end) = match ends_at {
            Some(at) => (at, End::Instant),
            None => (workload.last_due() + timeout?, End::Timeout),
        };
        (now.since(self.injected_at()?) >= limit).then_some(end)
    }
}
