//! The one runner of many runs: of `--runs`, of the knee's probes, of what `validate` holds against its forms.
//!
//! Run i has the seed of the scenario plus i, and with it an overlay, draws and orders of its own. In virtual time runs go over
//! the cores, one thread each and as many beside each other as memory allows; what comes out hangs on neither. On a carrier they
//! follow each other, behind a warm-up with the first one's seed that nobody counts.
//!
//! A run is made, turned into what is wanted of it, and let go: memory grows by that alone, however many there are. Where a run
//! fails, those before it are kept.

use crate::analysis::Row;
use crate::memory::runs_at_once;
use crate::record::{End, RunRecord};
use crate::runtime::RuntimeError;
use crate::scenario::{Pin, Scenario};
use crate::simulation::{Program, Runner, SimulationError};
use crate::sync::{Interrupt, Interrupted};
use crate::threads::{Observer, ThreadError, WorkerSeat, WorkerThreads};
use crate::transport::Clock;
use parking_lot::Mutex;
use std::convert::Infallible;

/// What came of many turns.
pub(super) struct OrderedTurns<T, E> {
    /// What those that were made to their end came to, in their order.
    pub(super) done: Vec<(u32, T)>,
    /// The first that failed. Those before it are all done, unless an interrupt came; those behind it are not among them.
    pub(super) failed: Option<(u32, E)>,
}

/// Makes so many turns, counted from 0, on up to `at_once` threads. `make` gives nothing where its interrupt was raised before it
/// was through. What comes out does not hang on how many threads there are.
///
/// # Errors
/// [`ThreadError`] where a thread is refused or a turn panics.
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
        // Processes end with the thread that started them, which is therefore this one.
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

/// The turns that are yet to be made.
struct ReplicateQueue<E> {
    next: u32,
    /// No turn from here on is wanted.
    end: u32,
    /// Those that have begun, and what ends them.
    under_way: Vec<(u32, Interrupt)>,
    failed: Option<(u32, E)>,
}

/// The next turn, with an interrupt of its own.
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
    /// Notes that a turn failed, and ends those behind it, which nobody wants any more.
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
    /// The first run in full.
    pub first: RunRecord,
    /// The others, in ascending order. A run that an interrupt cut short is not among them.
    pub others: Vec<Row>,
    /// What kept the rest from being made, and which of the runs, counted from 0, it befell.
    pub failure: Option<(u32, SimulationError)>,
}

/// Makes all runs that the scenario asks for. `observer` hears of those that have all threads to themselves; `program` is what
/// several processes are started from.
///
/// # Errors
/// [`SimulationError`] where the first run could not be made; that of another is in the series.
pub fn run_replicates(
    scenario: &Scenario,
    interrupt: &Interrupt,
    observer: &dyn Observer,
    program: Option<&Program>,
) -> Result<Series, SimulationError> {
    let manner = Replication::of(scenario);
    let shared = match manner {
        Replication::Repeated => Some(Runner::build(scenario, interrupt, observer, program)?),
        Replication::Beside(_) | Replication::InTurn => None,
    };
    let record = |run: u32, interrupt: &Interrupt| -> Result<RunRecord, SimulationError> {
        let clock = Clock::start();
        let Some(runner) = &shared else {
            let alone = manner.of_run(scenario, scenario.seed_of(run));
            let runner = Runner::build(&alone, interrupt, manner.observer(observer), program)?;
            warm_up(scenario, &runner, run)?;
            return runner.run(clock);
        };
        warm_up(scenario, runner, run)?;
        runner.run(if run == 0 { clock } else { Clock::start() })
    };
    let make = |run: u32, interrupt: &Interrupt| match record(run, interrupt) {
        Ok(record) if run == 0 => Ok(Some(RunResult::First(Box::new(record)))),
        Ok(record) if record.end == End::Interrupted => Ok(None),
        Ok(record) => Ok(Some(RunResult::Other(Row::new(run, scenario.seed_of(run), &record)))),
        Err(SimulationError::Interrupted(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let OrderedTurns { done, failed } =
        in_turns(scenario.runs, manner.at_once(), interrupt, make).map_err(RuntimeError::from)?;
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

/// What is kept of a run.
enum RunResult {
    First(Box<RunRecord>),
    Other(Row),
}

/// Makes a run that nobody counts, before the first of several on a carrier.
fn warm_up(scenario: &Scenario, runner: &Runner<'_>, run: u32) -> Result<(), SimulationError> {
    let is_wanted = run == 0 && scenario.runs > 1 && !scenario.transport.is_virtual();
    if is_wanted { runner.run(Clock::start()).map(|_| ()) } else { Ok(()) }
}

/// How the runs of a scenario are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replication {
    /// One after the other on one overlay, with one seed.
    Repeated,
    /// One after the other, on all threads.
    InTurn,
    /// So many beside each other.
    Beside(usize),
}

impl Replication {
    fn of(scenario: &Scenario) -> Replication {
        match beside(scenario, scenario.runs) {
            _ if scenario.same_seed => Replication::Repeated,
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

    /// One run of a scenario, with this seed.
    fn of_run(self, scenario: &Scenario, seed: u64) -> Scenario {
        let run = scenario.run_of_seed(seed);
        match self {
            Replication::Repeated | Replication::InTurn => run,
            // Pinned, all would be on the first core.
            Replication::Beside(several) => run.on_fewer_threads(run.threads / several, Pin::None),
        }
    }

    /// Who is told of the progress of runs: nobody where several would speak at once.
    fn observer(self, observer: &dyn Observer) -> &dyn Observer {
        match self {
            Replication::Repeated | Replication::InTurn => observer,
            Replication::Beside(_) => &(),
        }
    }
}

/// How many of so many runs of a scenario are made beside each other.
pub(super) fn beside(scenario: &Scenario, runs: u32) -> usize {
    match scenario.transport.is_virtual() {
        true if runs > 1 => scenario.threads.min(runs as usize).min(runs_at_once(scenario)),
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
