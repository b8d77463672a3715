//! The table that shows whether the runner can be believed: cases with a closed form, run and held against it.
//!
//! A case agrees where `|measured - form|` is at most four standard errors of what was measured, plus the form's own
//! error. Standard errors come from replicates, which differ in the seed alone. Where an order may die out, what is
//! measured is a share of die-outs, a median, or a mean over the runs that did not, and the case says which: a mean
//! over both humps would describe no run.
//!
//! ```text
//! coverage   who is reached in the end
//! hops       who is reached after how many hops
//! cost       messages sent, and copies that a node receives
//! chances    that all are reached, that none is, that a graph is in one piece; the thresholds
//! failures   who is reached where nodes are down, and how many may be
//! carriers   some of these on the memory carrier
//! rounds     how long calls in rounds take
//! queues     how long messages wait at a server, and what a line carries
//! windows    how many orders come behind a node's window
//! bursts     how losses in bursts are spread over time
//! spies      how often the first spy names the origin
//! spread     that every random thing varies with the seed
//! table      the lines that a person reads
//! ```
//!
//! What was refused: figures in this file to compare with. A form is computed by `theory`, whose own tests hold it to
//! the published digits.

mod bursts;
mod carriers;
mod chances;
mod cost;
mod coverage;
mod failures;
mod hops;
mod queues;
mod rounds;
mod spies;
mod spread;
mod table;
mod windows;

pub use table::header;

use super::replicates::{OrderedTurns, in_turns};
use crate::analysis::Estimate;
use crate::experiment::knee::KneeError;
use crate::network::{Latency, LossSpec};
use crate::record::{End, OrderOutcome, RunRecord};
use crate::scenario::{Draft, Pin, ScenarioError, TransportKind, Ttl, Until};
use crate::simulation::{self, SimulationError};
use crate::sync::Interrupt;
use crate::threads::ThreadError;
use crate::time::Nanos;
use crate::topology::{TopologyError, TopologySpec};
use serde::Serialize;

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effort {
    /// Every case.
    Whole,
    /// Fewer replicates, and no network above ten thousand nodes.
    Quick,
}

/// What to validate with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CasePlan {
    /// Names the replicates' seeds: `seed * 100000` and those after it. At most [`SEED_MAX`].
    pub seed: u64,
    /// How many replicates run at a time, at least one; each is computed on one thread.
    pub threads: usize,
    /// How much is run.
    pub effort: Effort,
}

/// The greatest seed of a plan.
pub const SEED_MAX: u64 = 1_000_000_000;

/// Seeds that a plan has to itself.
const SEEDS: u64 = 100_000;

/// The networks of a quick plan have so many nodes at most.
const QUICK_NODES: u32 = 10_000;

/// A quick plan makes one replicate of so many, but some at least.
const QUICK_PART: u32 = 8;
const QUICK_LEAST: u32 = 16;

/// Standard errors that a measurement may be off.
const STANDARD_ERRORS: f64 = 4.0;

/// One figure and what it should be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// What kind of figure it is.
    pub group: &'static str,
    /// Which one.
    pub case: String,
    /// What the closed form says.
    pub form: f64,
    /// By how much the form may err.
    pub form_error: f64,
    /// What the runs say.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// Measured less form.
    pub deviation: f64,
    /// How far the deviation may be from 0.
    pub allowed: f64,
    /// Whether it is within that.
    pub agrees: bool,
    /// The command that makes the first of the runs; `None` where it is no run of a scenario.
    pub replay: Option<String>,
}

impl Case {
    /// Judges an estimate by a form.
    pub fn new(group: &'static str, case: String, (form, form_error): (f64, f64), estimate: Estimate) -> Case {
        let deviation = estimate.measured - form;
        let allowed = STANDARD_ERRORS * estimate.standard_error + form_error;
        // What is no number agrees with nothing.
        let agrees = deviation.abs() <= allowed;
        Case { group, case, form, form_error, estimate, deviation, allowed, agrees, replay: None }
    }
}

/// The whole table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Validation {
    /// The seed that was asked for.
    pub seed: u64,
    /// How much was run.
    pub effort: Effort,
    /// Whether an interrupt ended it early.
    pub interrupted: bool,
    /// How many cases do not agree.
    pub failed: usize,
    /// Every case that was measured, in order.
    pub cases: Vec<Case>,
}

/// Why no table could be made.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// A scenario of the table cannot be asked for.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A run could not be made.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// A knee could not be looked for.
    #[error(transparent)]
    Knee(#[from] KneeError),
    /// An overlay could not be built.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The runs could not go on beside each other.
    #[error(transparent)]
    Threads(#[from] ThreadError),
    /// A run whose figures mean nothing.
    #[error("messages are unaccounted for, so that no figure of the run can be held against a form; see {replay}")]
    Unbalanced {
        /// The command that makes the run again.
        replay: String,
    },
    /// A run that did not come to rest.
    #[error("the run was still under way at its time limit, so that its coverage is not the final one; see {replay}")]
    CutOff {
        /// The command that makes the run again.
        replay: String,
    },
}

/// What ends the table early.
enum EarlyEnd {
    Interrupted,
    Failed(ValidateError),
}

impl<E: Into<ValidateError>> From<E> for EarlyEnd {
    fn from(error: E) -> EarlyEnd {
        EarlyEnd::Failed(error.into())
    }
}

/// Runs all cases. `told` hears of each as it is judged.
///
/// # Errors
/// [`ValidateError`] of the first run that could not be made or does not balance.
pub fn validate(plan: CasePlan, interrupt: &Interrupt, told: impl FnMut(&Case)) -> Result<Validation, ValidateError> {
    let mut bench = Bench { plan, interrupt, told, cases: Vec::new() };
    let groups = [
        coverage::cases,
        failures::cases,
        hops::cases,
        cost::cases,
        chances::cases,
        failures::thresholds,
        carriers::cases,
        rounds::cases,
        queues::cases,
        windows::cases,
        bursts::cases,
        spies::cases,
        spread::cases,
    ];
    let interrupted = match groups.into_iter().try_for_each(|cases| cases(&mut bench)) {
        Ok(()) => false,
        Err(EarlyEnd::Interrupted) => true,
        Err(EarlyEnd::Failed(error)) => return Err(error),
    };
    let failed = bench.cases.iter().filter(|case| !case.agrees).count();
    Ok(Validation { seed: plan.seed, effort: plan.effort, interrupted, failed, cases: bench.cases })
}

/// Where the cases are run and judged.
struct Bench<'a, T> {
    plan: CasePlan,
    interrupt: &'a Interrupt,
    told: T,
    cases: Vec<Case>,
}

impl<T: FnMut(&Case)> Bench<'_, T> {
    /// Takes a case into the table. `draft` is what was run for it.
    fn judge(&mut self, case: Case, draft: &Draft) -> Result<(), EarlyEnd> {
        let replay = Some(Draft { seed: Some(self.seed(0)), ..draft.clone() }.build()?.replay());
        self.take(Case { replay, ..case });
        Ok(())
    }

    /// Takes a case for which no scenario was run.
    fn take(&mut self, case: Case) {
        (self.told)(&case);
        self.cases.push(case);
    }

    /// So many replicates of a whole plan, as many as this one makes.
    fn replicates(&self, whole: u32) -> u32 {
        match self.plan.effort {
            Effort::Whole => whole,
            Effort::Quick => (whole / QUICK_PART).max(QUICK_LEAST.min(whole)),
        }
    }

    /// The size of a network, as this plan has it.
    fn nodes(&self, whole: u32) -> u32 {
        if self.takes(whole) { whole } else { QUICK_NODES }
    }

    /// Whether a network of so many nodes is run at all.
    fn takes(&self, nodes: u32) -> bool {
        self.plan.effort == Effort::Whole || nodes <= QUICK_NODES
    }

    fn seed(&self, replicate: u32) -> u64 {
        self.plan.seed.min(SEED_MAX) * SEEDS + u64::from(replicate)
    }

    /// A figure of each of so many runs of a draft, in the order of their seeds.
    fn runs<F: Send>(
        &self,
        draft: &Draft,
        replicates: u32,
        figure: impl Fn(&RunRecord) -> F + Sync,
    ) -> Result<Vec<F>, EarlyEnd> {
        self.each(replicates, |seed, interrupt| {
            let scenario = Draft { seed: Some(seed), ..draft.clone() }.build()?;
            let records = match simulation::run(&scenario, interrupt) {
                Err(SimulationError::Interrupted(_)) => return Err(EarlyEnd::Interrupted),
                records => records?,
            };
            let Some(record) = records.first().filter(|record| record.end != End::Interrupted) else {
                return Err(EarlyEnd::Interrupted);
            };
            if matches!(record.end, End::Timeout | End::OutOfMemory) {
                return Err(ValidateError::CutOff { replay: scenario.replay() }.into());
            }
            if !record.ledger.is_balanced() {
                return Err(ValidateError::Unbalanced { replay: scenario.replay() }.into());
            }
            Ok(figure(record))
        })
    }

    /// What comes of so many seeds, in their order.
    fn each<F: Send>(
        &self,
        replicates: u32,
        of: impl Fn(u64, &Interrupt) -> Result<F, EarlyEnd> + Sync,
    ) -> Result<Vec<F>, EarlyEnd> {
        let first_seed = self.seed(0);
        let make = |replicate: u32, interrupt: &Interrupt| match of(first_seed + u64::from(replicate), interrupt) {
            Ok(figure) => Ok(Some(figure)),
            Err(EarlyEnd::Interrupted) => Ok(None),
            Err(failed) => Err(failed),
        };
        let OrderedTurns { done, failed } = in_turns(replicates, self.plan.threads, self.interrupt, make)?;
        match failed {
            Some((_, stop)) => Err(stop),
            None if done.len() < replicates as usize => Err(EarlyEnd::Interrupted),
            None => Ok(done.into_iter().map(|(_, figure)| figure).collect()),
        }
    }
}

/// Forward-once push in virtual time, to the end, on one thread: 50 ms a message, so that hops take equal time.
fn simulated(topology: TopologySpec, nodes: u32, fanout: u32) -> Draft {
    Draft {
        transport: Some(TransportKind::Simulated),
        nodes: Some(nodes),
        topology: Some(topology),
        fanout: Some(fanout),
        threads: Some(1),
        ttl: Some(Ttl::Hops(255)),
        until: Some(Until::Quiescent),
        timeout: Some(Nanos::ZERO),
        latency: Some(Latency::Constant(Nanos::from_millis(50)).into()),
        // Replicates run beside each other, and one thread each: pinned, all would be on the first core.
        pin: Some(Pin::None),
        ..Draft::default()
    }
}

/// The same, where a share of all messages is lost.
fn lossy(draft: Draft, loss: LossSpec) -> Draft {
    Draft { loss: Some(loss), ..draft }
}

/// The share of nodes that a run reached, of those that are up.
fn reached(record: &RunRecord) -> f64 {
    record.reached() as f64 / record.counted() as f64
}

/// How far a run came, where some die out and the others come to about the same share.
#[derive(Clone, Copy, Debug, PartialEq)]
struct RunShare {
    /// The share of nodes that it reached, of those that are up.
    share: f64,
    /// Whether its order died out, as every report has it.
    died_out: bool,
}

impl RunShare {
    fn of(record: &RunRecord) -> RunShare {
        RunShare { share: reached(record), died_out: record.order_outcome() == Some(OrderOutcome::DiedOut) }
    }
}

/// The shares of the runs that did not die out.
fn survivors_of(runs: &[RunShare]) -> Vec<f64> {
    runs.iter().filter(|run| !run.died_out).map(|run| run.share).collect()
}

#[cfg(test)]
mod tests;
