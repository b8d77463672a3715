//! A figure of many runs that differ in the seed alone, side by side on one thread each.

use super::knee::KneeError;
use super::replicates::{OrderedTurns, in_turns};
use crate::record::{End, RunRecord};
use crate::scenario::{Draft, FileError, Scenario, ScenarioError};
use crate::simulation::{self, SimulationError};
use crate::sync::Interrupt;
use crate::threads::ThreadError;
use crate::topology::TopologyError;

/// Runs with consecutive seeds.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeededRuns<'a> {
    /// Seed of the first run.
    pub(super) first_seed: u64,
    /// Number of runs at a time.
    pub(super) threads: usize,
    /// Ends all of them.
    pub(super) interrupt: &'a Interrupt,
}

/// The reason why a run gave no figure.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// The options form no scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The options are not what a file may hold.
    #[error(transparent)]
    Options(#[from] FileError),
    /// The run failed.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// A search for a knee failed.
    #[error(transparent)]
    Knee(#[from] KneeError),
    /// An overlay could not be built.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The runs could not continue side by side.
    #[error(transparent)]
    Threads(#[from] ThreadError),
    /// A file for a run to read could not be written.
    #[error("a temporary file could not be written: {0}; make room in the temporary folder, or set TMPDIR")]
    File(std::io::Error),
    /// A run whose figures are meaningless.
    #[error("messages are unaccounted for, so that no figure of the run can be compared; see {replay}")]
    Unbalanced {
        /// The command that repeats the run.
        replay: String,
    },
    /// A run that did not come to rest.
    #[error("the run was still under way at its time limit, so that its figures are not the final ones; see {replay}")]
    CutOff {
        /// The command that repeats the run.
        replay: String,
    },
}

/// The reason why many runs end early.
pub(super) enum EarlyEnd {
    Interrupted,
    Failed(RunFault),
}

impl<E: Into<RunFault>> From<E> for EarlyEnd {
    fn from(error: E) -> EarlyEnd {
        EarlyEnd::Failed(error.into())
    }
}

/// Returns the record of a run of the scenario that came to its end and balances.
pub(super) fn to_its_end(scenario: &Scenario, run: Result<RunRecord, SimulationError>) -> Result<RunRecord, EarlyEnd> {
    let record = match run {
        Err(SimulationError::Interrupted(_)) => return Err(EarlyEnd::Interrupted),
        record => record?,
    };
    match record.end {
        End::Interrupted => Err(EarlyEnd::Interrupted),
        End::Timeout | End::OutOfMemory => Err(RunFault::CutOff { replay: scenario.replay() }.into()),
        _ if !record.ledger.is_balanced() => Err(RunFault::Unbalanced { replay: scenario.replay() }.into()),
        _ => Ok(record),
    }
}

/// Makes one run of a draft under a seed, to its end.
pub(super) fn run_to_its_end(draft: &Draft, seed: u64, interrupt: &Interrupt) -> Result<RunRecord, EarlyEnd> {
    let scenario = Draft { seed: Some(seed), ..draft.clone() }.build()?;
    to_its_end(&scenario, simulation::run(&scenario, interrupt))
}

impl SeededRuns<'_> {
    /// Computes `of` for `replicates` seeds, and returns the results in the sequence of the seeds.
    pub(super) fn each<F: Send>(
        &self,
        replicates: u32,
        of: impl Fn(u64, &Interrupt) -> Result<F, EarlyEnd> + Sync,
    ) -> Result<Vec<F>, EarlyEnd> {
        let make = |replicate: u32, interrupt: &Interrupt| match of(self.first_seed + u64::from(replicate), interrupt) {
            Ok(figure) => Ok(Some(figure)),
            Err(EarlyEnd::Interrupted) => Ok(None),
            Err(failed) => Err(failed),
        };
        let OrderedTurns { done, failed } = in_turns(replicates, self.threads, self.interrupt, make)?;
        match failed {
            Some((_, stop)) => Err(stop),
            None if done.len() < replicates as usize => Err(EarlyEnd::Interrupted),
            None => Ok(done.into_iter().map(|(_, figure)| figure).collect()),
        }
    }
}
