//! The reasons for which the binary cannot do what was asked, and their exit codes.

use super::Exit;
use super::config::ConfigError;
use super::files::OutputError;
#[cfg(feature = "cluster")]
use crate::experiment::EstimateError;
use crate::experiment::{CompareError, KneeError, RunFault};
use crate::scenario::{BadValue, ScenarioError};
use crate::simulation::SimulationError;
use clap::error::{ContextKind, ContextValue};
use std::error::Error;
use std::io;
use std::path::PathBuf;

/// A failure that ends the process without a report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Arguments that clap rejects; also `--help` and `--version`, which are not failures.
    #[error(transparent)]
    Arguments(clap::Error),

    /// Options that do not form a scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),

    /// One line and one whole object requested at once.
    #[error("--quiet with --format json: json is always one whole object; leave one of them out")]
    QuietJson,

    /// Two inputs from one stream.
    #[error("--{first} and --{second} both read standard input, which can be read once; give one of them a file")]
    TwoOnStandardInput {
        /// The option that reads it.
        first: &'static str,
        /// The option that would read it as well.
        second: &'static str,
    },

    /// A matrix that every run reads, on a stream.
    #[error("--network -: each of several runs reads the matrix, and standard input can be read once; give it a file")]
    MatrixReadOnce,

    /// Two outputs on one stream.
    #[error("{first} and {second}: standard output takes one of them; leave one out, or give it a file")]
    TwoOnStandardOutput {
        /// The option that has it.
        first: String,
        /// The option that asks for it as well.
        second: String,
    },

    /// A trace of a real carrier on a stream.
    #[error(
        "--trace {path:?}: on a real carrier a trace is two files, one of sends and one of receipts; name a file, \
         beside which both are written, or choose --transport simulated"
    )]
    TwoTraces {
        /// The stream.
        path: PathBuf,
    },

    /// A scenario whose result the seed alone does not determine.
    #[error(
        "--check-determinism without --transport simulated: on a real carrier times and hops vary from run to run; \
         choose --transport simulated"
    )]
    NothingToCheck,

    /// A file of options that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),

    /// A file of figures that cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),

    /// A system that cannot report signals.
    #[error("the system lets nobody wait for signals such as Ctrl-C ({0}); raise the limit of processes (ulimit -u)")]
    NoSignals(io::Error),

    /// A process of a run that received no valid task, or whose result cannot be sent.
    #[error("--serve is how this program starts itself, and nobody gave it a task ({0}); leave it out")]
    Serve(io::Error),

    /// One of several runs that could not be started or finished, after others that were.
    #[error("run {run} (seed {seed}): {error}")]
    Run { run: u32, seed: u64, error: SimulationError },

    /// Processes of a cluster that do not come together.
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Cluster(#[from] crate::cluster::ClusterError),

    /// Processes of a cluster that would draw a seed each.
    #[cfg(feature = "cluster")]
    #[error("--cluster without --seed: each process would draw a seed of its own; give all of them the same one")]
    ClusterSeed,

    /// A part of a file on a stream.
    #[cfg(feature = "cluster")]
    #[error("--{option} {path:?} with --cluster: each process writes a part of its own; name a file")]
    ClusterPart {
        /// The option that names it.
        option: &'static str,
        path: PathBuf,
    },

    /// A file of the scenario that a process of a cluster cannot read.
    #[cfg(feature = "cluster")]
    #[error("--{option} {path:?}: {cause}; every process of a cluster reads it, so name a file that each of them has")]
    ClusterInput {
        /// The option that names the file.
        option: &'static str,
        path: PathBuf,
        cause: io::Error,
    },

    /// A search that would have to change the requested options.
    #[error("{0}")]
    Knee(String),

    /// A comparison that contradicts itself, or a saved one that is of no use.
    #[error("{0}")]
    Compare(String),

    /// A run of a comparison that could not be made, or whose counts are in doubt.
    #[error("{0}")]
    ComparedRun(String),

    /// A run that could not be started or finished.
    #[error(transparent)]
    Simulation(#[from] SimulationError),

    /// A table of closed forms that could not be produced.
    #[error(transparent)]
    Validate(#[from] RunFault),

    /// An estimate that could not be made.
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Estimate(EstimateError),

    /// A report that cannot be written as JSON.
    #[error("the report cannot be written as JSON: {0}; take --format text")]
    Json(#[from] serde_json::Error),

    /// A standard output that accepts no report.
    #[error("standard output takes no more: {0}; send it elsewhere")]
    Print(io::Error),
}

impl Failure {
    /// Returns the exit code: 2 if another command line would avoid the failure, 3 otherwise.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Arguments(error) if error.exit_code() == 0 => Exit::GoalMet,
            Failure::Run { .. } | Failure::ComparedRun(_) => Exit::Broken,
            #[cfg(feature = "cluster")]
            Failure::Cluster(error) if !error.is_usage() => Exit::Broken,
            Failure::Simulation(error) if !error.is_usage() => Exit::Broken,
            #[cfg(feature = "cluster")]
            Failure::Estimate(error) if !error.is_usage() => Exit::Broken,
            Failure::Scenario(ScenarioError::NoEntropy { .. }) => Exit::Broken,
            // These scenarios come from this program, not from the user.
            Failure::Validate(_) => Exit::Broken,
            Failure::Output(error) if !error.is_usage() => Exit::Broken,
            Failure::NoSignals(_) | Failure::Json(_) | Failure::Print(_) => Exit::Broken,
            _ => Exit::Usage,
        }
    }
}

impl From<CompareError> for Failure {
    fn from(error: CompareError) -> Failure {
        match error {
            CompareError::Scenario(error) => Failure::Scenario(error),
            CompareError::Simulation(error) => Failure::Simulation(error),
            CompareError::Asked(said) => Failure::Compare(said),
            CompareError::Run { is_usage: true, .. } => Failure::Compare(error.to_string()),
            CompareError::Run { is_usage: false, .. } => Failure::ComparedRun(error.to_string()),
        }
    }
}

impl From<KneeError> for Failure {
    fn from(error: KneeError) -> Failure {
        match error {
            KneeError::Scenario(error) => Failure::Scenario(error),
            KneeError::Simulation(error) => Failure::Simulation(error),
            KneeError::Asked(said) => Failure::Knee(said),
        }
    }
}

#[cfg(feature = "cluster")]
impl From<EstimateError> for Failure {
    fn from(error: EstimateError) -> Failure {
        match error {
            EstimateError::Simulation(error) => Failure::Simulation(error),
            EstimateError::Cluster(error) => Failure::Cluster(error),
            error => Failure::Estimate(error),
        }
    }
}

/// Keeps the library's own message for a value that the library rejects, whatever command it was given to. Clap's
/// messages are good for the rest.
impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Failure {
        bad_value(&error).map_or(Failure::Arguments(error), |bad| Failure::Scenario(bad.into()))
    }
}

/// Returns the value that its parser rejected, with the parser's message.
fn bad_value(error: &clap::Error) -> Option<BadValue> {
    let source = error.source()?;
    if let Some(bad) = source.downcast_ref::<BadValue>() {
        return Some(bad.clone());
    }
    let [Some(ContextValue::String(argument)), Some(ContextValue::String(value))] =
        [ContextKind::InvalidArg, ContextKind::InvalidValue].map(|kind| error.get(kind))
    else {
        return None;
    };
    let option = argument.split(' ').next()?.strip_prefix("--")?;
    Some(BadValue { option: option.to_owned(), value: value.clone(), rule: source.to_string() })
}
