//! The only runner of many runs: those of `--runs`, the knee's probes, and the replicates of `validate`.
//!
//! Run i has the seed of the scenario plus i, and with it an overlay, draws and orders of its own. In virtual time runs
//! are spread over the cores, one thread each, as many side by side as memory allows; the results depend on neither. On
//! a carrier they follow each other, after an uncounted warm-up with the seed of the first.
//!
//! A run is made, reduced to the wanted result, and dropped, so memory grows only by the results. If a run fails, those
//! before it are kept.

use crate::analysis::Row;
use crate::memory::runs_at_once;
use crate::record::{End, RunRecord};
use crate::runtime::RuntimeError;
use crate::scenario::{Pin, Scenario};
use crate::simulation::{Program, Runner, SimulationError, TraceEstimate, TraceRequest};
use crate::sync::{Arena, Counters, Interrupt, Interrupted};
use crate::threads::{Observer, ThreadError, WorkerSeat, WorkerThreads};
use crate::transport::Clock;
use parking_lot::Mutex;
use std::convert::Infallible;

/// The results of many turns.
pub(super) struct OrderedTurns<T, E> {
    /// Results of the turns made to their end, in sequence.
    pub(super) done: Vec<(u32, T)>,
    /// The first turn that failed. All turns before it are in `done`, unless an interrupt came; none after it is.
    pub(super) failed: Option<(u32, E)>,
}

/// Makes `count` turns, numbered from 0, on up to `at_once` threads. `make` returns `None` if its interrupt was raised
/// before it had finished. The results do not depend on the number of threads.
///
/// # Errors
/// [`ThreadError`] if a thread is refused or a turn panics.
pub(super) fn in_turns<T: Send, E: Send>(
    count: u32,
    at_once: usize,
    interrupt: &Interrupt,
    make: impl Fn(u32, &Interrupt) -> Result<Option<T>, E> + Sync,
) -> Result<OrderedTurns<T, E>, ThreadError> {
    let at_once = at_once.clamp(1, count.max(1) as usize);
    let whole = interrupt.within();
    let queue = Mutex::new(ReplicateQueue { next: 0, end: count, under_way: Vec::new(), failed: None });
    let life = |_: WorkerSeat, ()| {
        let mut done = Vec::new();
        while let Some((turn, interrupt)) = take(&queue, &whole) {
            match make(turn, &interrupt) {
                Ok(made) => done.extend(made.map(|made| (turn, made))),
                Err(error) => queue.lock().fail(turn, error),
            }
        }
        Ok::<_, Infallible>(done)
    };
    let done = match at_once {
        // Child processes end with the thread that started them, so this thread must start them.
        1 => vec![life(WorkerSeat { worker: 0, core: None }, ())],
        _ => {
            let worker_threads = WorkerThreads { first: 0, cores: &[], give_up: &|| whole.raise() };
            worker_threads.run(vec![(); at_once], life)?
        }
    };
    let ReplicateQueue { end, failed, .. } = queue.into_inner();
    let mut done: Vec<(u32, T)> = done.into_iter().flatten().flatten().filter(|&(turn, _)| turn < end).collect();
    done.sort_by_key(|&(turn, _)| turn);
    Ok(OrderedTurns { done, failed })
}

/// The turns that are still to be made.
struct ReplicateQueue<E> {
    next: u32,
    /// Number from which no turn is wanted.
    end: u32,
    /// Turns that have begun, each with its interrupt.
    under_way: Vec<(u32, Interrupt)>,
    failed: Option<(u32, E)>,
}

/// Takes the next turn, with an interrupt of its own.
fn take<E>(queue: &Mutex<ReplicateQueue<E>>, whole: &Interrupt) -> Option<(u32, Interrupt)> {
    let mut queue = queue.lock();
    let turn = queue.next;
    if turn >= queue.end || whole.is_raised() {
        return None;
    }
    queue.next += 1;
    let interrupt = whole.within();
    queue.under_way.push((turn, interrupt.clone()));
    Some((turn, interrupt))
}

impl<E> ReplicateQueue<E> {
    /// Records a failed turn, and interrupts those after it, which are no longer wanted.
    fn fail(&mut self, turn: u32, error: E) {
        if turn >= self.end {
            return;
        }
        (self.end, self.failed) = (turn, Some((turn, error)));
        self.under_way.iter().filter(|(other, _)| *other > turn).for_each(|(_, interrupt)| interrupt.raise());
    }
}

/// The runs of a scenario.
#[derive(Debug)]
pub struct Series {
    /// Record of the first run, in full.
    pub first: RunRecord,
    /// Rows of the others, in ascending sequence. A run that an interrupt cut short is not among them.
    pub others: Vec<Row>,
    /// Number of the run that failed, counted from 0, and its error, if that prevented the rest.
    pub failure: Option<(u32, SimulationError)>,
}

/// A trace of the first run.
#[derive(Clone, Copy)]
pub struct FirstRunTrace<'a> {
    /// The trace that is asked for.
    pub request: &'a TraceRequest,
    /// Hears before the run what the trace will take.
    pub announce: &'a (dyn Fn(&TraceEstimate) + Sync),
}

/// Makes all runs of the scenario. `observer` watches the runs that have all threads to themselves, and hears of the
/// others when each has ended; `program` is the executable of further processes; the first run has the trace that is
/// asked for.
///
/// # Errors
/// [`SimulationError`] if the first run could not be made; the error of a later one is part of the series.
pub fn run_replicates(
    scenario: &Scenario,
    interrupt: &Interrupt,
    observer: &dyn Observer,
    program: Option<&Program>,
    trace: Option<FirstRunTrace<'_>>,
) -> Result<Series, SimulationError> {
    let manner = Replication::of(scenario);
    let every_message = trace.map(|_| scenario.with_every_message());
    let repeated = every_message.as_ref().unwrap_or(scenario);
    let shared = match manner {
        Replication::Repeated => Some(Runner::build(repeated, interrupt, observer, program)?),
        Replication::Beside(_) | Replication::InTurn => None,
    };
    let record = |run: u32, interrupt: &Interrupt| -> Result<RunRecord, SimulationError> {
        let clock = Clock::start();
        let trace = trace.filter(|_| run == 0);
        let Some(runner) = &shared else {
            let scenario = every_message.as_ref().filter(|_| run == 0).unwrap_or(scenario);
            let alone = manner.of_run(scenario, scenario.seed_of(run));
            let runner = Runner::build(&alone, interrupt, manner.observer(observer), program)?;
            let request = announced(trace, &runner)?;
            warm_up(scenario, &runner, run)?;
            return runner.run_traced(clock, request);
        };
        let request = announced(trace, runner)?;
        warm_up(scenario, runner, run)?;
        runner.run_traced(if run == 0 { clock } else { Clock::start() }, request)
    };
    let ended = Counters::new(&mut Arena::heap(), 1);
    let told = |run: u32, interrupt: &Interrupt| {
        let record = record(run, interrupt)?;
        if let Replication::Beside(_) = manner {
            observer.run_made(ended.add(0, 1) + 1, scenario.run.runs);
        }
        Ok(record)
    };
    let make = |run: u32, interrupt: &Interrupt| match told(run, interrupt) {
        Ok(record) if run == 0 => Ok(Some(RunResult::First(Box::new(record)))),
        Ok(record) if record.end == End::Interrupted => Ok(None),
        Ok(record) => Ok(Some(RunResult::Other(Row::new(run, scenario.seed_of(run), &record)))),
        Err(SimulationError::Interrupted(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let OrderedTurns { done, failed } =
        in_turns(scenario.run.runs, manner.at_once(), interrupt, make).map_err(RuntimeError::from)?;
    let (mut first, mut others) = (None, Vec::with_capacity(done.len()));
    for (_, made) in done {
        match made {
            RunResult::First(record) => first = Some(*record),
            RunResult::Other(row) => others.push(row),
        }
    }
    match (first, failed) {
        (Some(first), failure) => Ok(Series { first, others, failure }),
        (None, Some((_, error))) => Err(error),
        (None, None) => Err(Interrupted.into()),
    }
}

/// Says what a trace will take, and returns its request.
fn announced<'a>(
    trace: Option<FirstRunTrace<'a>>,
    runner: &Runner<'_>,
) -> Result<Option<&'a TraceRequest>, SimulationError> {
    let Some(FirstRunTrace { request, announce }) = trace else { return Ok(None) };
    announce(&runner.plan_trace(request)?);
    Ok(Some(request))
}

/// The part of a run that is kept.
enum RunResult {
    First(Box<RunRecord>),
    Other(Row),
}

/// Makes an uncounted run before the first of several on a carrier.
fn warm_up(scenario: &Scenario, runner: &Runner<'_>, run: u32) -> Result<(), SimulationError> {
    let is_wanted = run == 0 && scenario.run.runs > 1 && !scenario.carrier.transport.is_virtual();
    if is_wanted { runner.run(Clock::start()).map(|_| ()) } else { Ok(()) }
}

/// The way in which the runs of a scenario are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replication {
    /// One after another on one overlay, with one seed.
    Repeated,
    /// One after another, on all threads.
    InTurn,
    /// This many side by side.
    Beside(usize),
}

impl Replication {
    fn of(scenario: &Scenario) -> Replication {
        match beside(scenario, scenario.run.runs) {
            _ if scenario.run.same_seed => Replication::Repeated,
            0 | 1 => Replication::InTurn,
            several => Replication::Beside(several),
        }
    }

    const fn at_once(self) -> usize {
        match self {
            Replication::Repeated | Replication::InTurn => 1,
            Replication::Beside(several) => several,
        }
    }

    /// Returns the scenario of one run, with this seed.
    fn of_run(self, scenario: &Scenario, seed: u64) -> Scenario {
        let run = scenario.run_of_seed(seed);
        match self {
            Replication::Repeated | Replication::InTurn => run,
            // Pinned, all runs would be on the first core.
            Replication::Beside(several) => run.on_fewer_threads(run.carrier.threads / several, Pin::None),
        }
    }

    /// Returns the observer of a run: none if several runs would report at once.
    fn observer(self, observer: &dyn Observer) -> &dyn Observer {
        match self {
            Replication::Repeated | Replication::InTurn => observer,
            Replication::Beside(_) => &(),
        }
    }
}

/// Returns the number of runs of a scenario that are made side by side.
pub(super) fn beside(scenario: &Scenario, runs: u32) -> usize {
    match scenario.carrier.transport.is_virtual() {
        true if runs > 1 => scenario.carrier.threads.min(runs as usize).min(runs_at_once(scenario)),
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
