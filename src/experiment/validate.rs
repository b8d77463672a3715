//! A table that shows that the runner can be trusted: it runs cases with a closed form and compares the results with
//! it.
//!
//! A case agrees if `|measured - form|` is at most four standard errors of the measurement, plus the form's own error.
//! Standard errors come from replicates, which differ in the seed alone. If an order may die out, the measurement is a
//! share of die-outs, a median, or a mean over the surviving runs, and the case says which: a mean over both modes
//! would describe no run.
//!
//! ```text
//! coverage   final coverage
//! hops       coverage by hop
//! cost       messages sent, and copies that a node receives
//! chances    chances that all are reached, that none is, that a graph is connected; the thresholds
//! failures   coverage with nodes down, and how many may be
//! carriers   some of these on the memory carrier
//! rounds     duration of rumour spreading in synchronous rounds
//! queues     waits at a server, and the capacity of an access link
//! windows    orders that arrive after a node's window has passed them
//! bursts     losses in bursts over time
//! spies      how often the first spy names the origin
//! spread     variation of every random quantity with the seed
//! groups     the names of all these
//! ordered_cases  the cases of groups that run side by side, told in the order of the table
//! table      the table for people
//! ```
//!
//! Rejected: reference figures in this file. `theory` computes the forms, and its own tests compare them with the
//! published digits.

mod bursts;
mod carriers;
mod chances;
mod cost;
mod coverage;
mod failures;
mod groups;
mod hops;
mod ordered_cases;
mod queues;
mod rounds;
mod spies;
mod spread;
mod table;
mod windows;

pub use groups::CaseGroup;
pub use table::header;

use super::replicates::{OrderedTurns, in_turns};
use super::run_permits::RunPermits;
use super::seeded_runs::{EarlyEnd, RunFault, SeededRuns, run_to_its_end};
use crate::analysis::Estimate;
use crate::network::{Latency, LossSpec};
use crate::record::{OrderOutcome, RunRecord};
use crate::scenario::{Draft, Pin, TransportKind, Ttl, Until};
use crate::sync::Interrupt;
use crate::time::Nanos;
use crate::topology::TopologySpec;
use ordered_cases::OrderedCases;
use parking_lot::Mutex;
use serde::Serialize;

/// The extent of a validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effort {
    /// Every case.
    Whole,
    /// Fewer replicates, and no network above ten thousand nodes.
    Quick,
}

/// The parameters of a validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CasePlan {
    /// Seed of the plan; the replicates' seeds are `seed * 100000` and those after it. At most [`SEED_MAX`].
    pub seed: u64,
    /// Number of replicates that run at a time, at least one; each runs on one thread.
    pub threads: usize,
    /// The extent.
    pub effort: Effort,
}

/// The greatest seed of a plan.
pub const SEED_MAX: u64 = 1_000_000_000;

/// Number of consecutive seeds that belong to one plan.
const SEEDS: u64 = 100_000;

/// Nodes of a quick plan's networks at most.
const QUICK_NODES: u32 = 10_000;

/// Divisor of a quick plan for the number of replicates.
const QUICK_PART: u32 = 8;
/// Replicates that a quick plan makes at least, if the whole plan makes as many.
const QUICK_LEAST: u32 = 16;

/// Standard errors by which a measurement may deviate.
const STANDARD_ERRORS: f64 = 4.0;

/// A measured figure and its expected value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// The group of figures that it belongs to.
    pub group: &'static str,
    /// Name of the case.
    pub case: String,
    /// Value of the closed form.
    pub form: f64,
    /// Error allowed for the form.
    pub form_error: f64,
    /// The measurement.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// Measurement minus form.
    pub deviation: f64,
    /// Greatest deviation that still agrees.
    pub allowed: f64,
    /// True if the deviation is within that.
    pub agrees: bool,
    /// The command that repeats the first run; `None` if no scenario was run.
    pub replay: Option<String>,
}

impl Case {
    /// Compares an estimate with a form.
    pub fn new(group: &'static str, case: String, (form, form_error): (f64, f64), estimate: Estimate) -> Case {
        let deviation = estimate.measured - form;
        let allowed = STANDARD_ERRORS * estimate.standard_error + form_error;
        // NaN agrees with nothing.
        let agrees = deviation.abs() <= allowed;
        Case { group, case, form, form_error, estimate, deviation, allowed, agrees, replay: None }
    }
}

/// The table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Validation {
    /// The requested seed.
    pub seed: u64,
    /// The extent.
    pub effort: Effort,
    /// Names of the groups that were to be run, in the order of the table.
    pub groups: Vec<&'static str>,
    /// True if an interrupt ended it early.
    pub interrupted: bool,
    /// Number of cases that do not agree.
    pub failed: usize,
    /// Every case measured, in sequence.
    pub cases: Vec<Case>,
}

/// Groups that are under way at a time: the last runs of a case leave cores idle, which the next group has work for.
const GROUPS_AT_ONCE: usize = 2;

/// Runs all cases of these groups, and passes each to `told` once it and all before it in the table are judged. The
/// cases of a group are the same whatever other groups are run.
///
/// # Errors
/// [`RunFault`] of the first run that failed or does not balance.
pub fn validate(
    plan: CasePlan,
    groups: &[CaseGroup],
    interrupt: &Interrupt,
    mut told: impl FnMut(&Case) + Send,
) -> Result<Validation, RunFault> {
    let groups: Vec<CaseGroup> = CaseGroup::all().filter(|group| groups.contains(group)).collect();
    let judged = Mutex::new(OrderedCases::new(groups.len(), &mut told));
    let permits = RunPermits::new(plan.threads);
    let run = |group: u32, interrupt: &Interrupt| {
        let group = group as usize;
        let judged_case = |case| judged.lock().add(group, case);
        match groups[group].run(&Bench { plan, interrupt, permits: &permits, judged: &judged_case }) {
            Ok(()) => {
                judged.lock().end(group);
                Ok(Some(()))
            }
            Err(EarlyEnd::Interrupted) => Ok(None),
            Err(EarlyEnd::Failed(error)) => Err(error),
        }
    };
    let OrderedTurns { done, failed } =
        in_turns(groups.len() as u32, plan.threads.min(GROUPS_AT_ONCE), interrupt, run)?;
    if let Some((_, error)) = failed {
        return Err(error);
    }
    let interrupted = done.len() < groups.len();
    let cases = judged.into_inner().into_cases();
    let failed = cases.iter().filter(|case| !case.agrees).count();
    let groups = groups.into_iter().map(CaseGroup::name).collect();
    Ok(Validation { seed: plan.seed, effort: plan.effort, groups, interrupted, failed, cases })
}

/// Runs and judges the cases of one group of a plan.
struct Bench<'a> {
    plan: CasePlan,
    interrupt: &'a Interrupt,
    /// As many as runs are made at a time, over all groups.
    permits: &'a RunPermits,
    /// Takes each case that is judged.
    judged: &'a (dyn Fn(Case) + Sync),
}

impl Bench<'_> {
    /// Adds a case to the table, with the command that repeats the run of `draft`.
    fn judge(&self, case: Case, draft: &Draft) -> Result<(), EarlyEnd> {
        let replay = Some(Draft { seed: Some(self.seed(0)), ..draft.clone() }.build()?.replay());
        self.take(Case { replay, ..case });
        Ok(())
    }

    /// Adds a case for which no scenario was run.
    fn take(&self, case: Case) {
        (self.judged)(case);
    }

    /// Returns the number of replicates that this plan makes if a whole plan makes `whole`.
    fn replicates(&self, whole: u32) -> u32 {
        match self.plan.effort {
            Effort::Whole => whole,
            Effort::Quick => (whole / QUICK_PART).max(QUICK_LEAST.min(whole)),
        }
    }

    /// Returns the number of nodes that this plan uses if a whole plan uses `whole`.
    fn nodes(&self, whole: u32) -> u32 {
        if self.takes(whole) { whole } else { QUICK_NODES }
    }

    /// Returns true if this plan runs networks of `nodes` nodes.
    fn takes(&self, nodes: u32) -> bool {
        self.plan.effort == Effort::Whole || nodes <= QUICK_NODES
    }

    fn seed(&self, replicate: u32) -> u64 {
        self.plan.seed.min(SEED_MAX) * SEEDS + u64::from(replicate)
    }

    /// Runs a draft `replicates` times and returns a figure of each run, in the sequence of the seeds.
    fn runs<F: Send>(
        &self,
        draft: &Draft,
        replicates: u32,
        figure: impl Fn(&RunRecord) -> F + Sync,
    ) -> Result<Vec<F>, EarlyEnd> {
        self.each(replicates, |seed, interrupt| run_to_its_end(draft, seed, interrupt).map(|record| figure(&record)))
    }

    /// Computes `of` for `replicates` seeds, and returns the results in the sequence of the seeds.
    fn each<F: Send>(
        &self,
        replicates: u32,
        of: impl Fn(u64, &Interrupt) -> Result<F, EarlyEnd> + Sync,
    ) -> Result<Vec<F>, EarlyEnd> {
        let runs = SeededRuns { first_seed: self.seed(0), threads: self.plan.threads, interrupt: self.interrupt };
        runs.each(replicates, |seed, interrupt| {
            let _permit = self.permits.take();
            of(seed, interrupt)
        })
    }
}

/// Returns a forward-once push in virtual time, run to quiescence on one thread, with 50 ms a message, so that all hops
/// take the same time.
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
        // Replicates run side by side, on one thread each: pinned, all would be on the first core.
        pin: Some(Pin::None),
        ..Draft::default()
    }
}

/// Returns the same draft with losses.
fn lossy(draft: Draft, loss: LossSpec) -> Draft {
    Draft { loss: Some(loss), ..draft }
}

/// Returns the share of the nodes up that a run reached.
fn reached(record: &RunRecord) -> f64 {
    record.reached() as f64 / record.counted() as f64
}

/// The extent of one run, in a set of which some die out and the others reach about the same share.
#[derive(Clone, Copy, Debug, PartialEq)]
struct RunShare {
    /// Share of the nodes up that it reached.
    share: f64,
    /// True if its order died out, by the same definition as in every report.
    died_out: bool,
}

impl RunShare {
    fn of(record: &RunRecord) -> RunShare {
        RunShare { share: reached(record), died_out: record.order_outcome() == Some(OrderOutcome::DiedOut) }
    }
}

/// Returns the shares of the runs that did not die out.
fn survivors_of(runs: &[RunShare]) -> Vec<f64> {
    runs.iter().filter(|run| !run.died_out).map(|run| run.share).collect()
}

#[cfg(test)]
mod tests;
