//! Why the binary cannot do what it was asked to, and with which exit code it says so.

use super::Exit;
use super::config::CONFIG_BYTES_MAX;
use super::files::OutputError;
use bulk_order_propagation::experiment::{KneeError, ValidateError};
use bulk_order_propagation::scenario::{BadValue, FileError, ScenarioError};
use bulk_order_propagation::simulation::SimulationError;
use clap::error::{ContextKind, ContextValue};
use std::error::Error;
use std::io;
use std::path::PathBuf;

/// What ends the process without a report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Arguments of which clap makes nothing; also `--help` and `--version`, which are no failures.
    #[error(transparent)]
    Arguments(clap::Error),

    /// Options that make no scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),

    /// One line and one whole object at once.
    #[error("--quiet with --format json: json is always one whole object; leave one of them out")]
    QuietJson,

    /// Nothing that a seed alone decides.
    #[error(
        "--check-determinism without --transport simulated: on a real carrier times and hops vary from run to run; choose \
         --transport simulated"
    )]
    NothingToCheck,

    /// A file of options that cannot be read.
    #[error("--config {path:?}: {cause}; name a readable TOML file")]
    ConfigUnreadable { path: PathBuf, cause: io::Error },

    /// A file that is surely something else.
    #[error("--config {path:?}: it is longer than {CONFIG_BYTES_MAX} bytes; name a TOML file of options")]
    ConfigTooLong { path: PathBuf },

    /// A file of options with something wrong in it.
    #[error("--config {path:?}, {error}")]
    ConfigWrong { path: PathBuf, error: FileError },

    /// A file of figures that cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),

    /// No way to hear of signals.
    #[error("the system lets nobody wait for signals such as Ctrl-C ({0}); raise the limit of processes (ulimit -u)")]
    NoSignals(io::Error),

    /// What was sent to a process of a run is no task, or its result finds no taker.
    #[error("--serve is how this program starts itself, and nobody gave it a task ({0}); leave it out")]
    Serve(io::Error),

    /// One of many runs that could not be made or finished, behind others that were.
    #[error("run {run} (seed {seed}): {error}")]
    Run { run: u32, seed: u64, error: SimulationError },

    /// A search that would have to change what was asked for.
    #[error("{0}")]
    Knee(String),

    /// A run that could not be made or finished.
    #[error(transparent)]
    Simulation(#[from] SimulationError),

    /// A table of closed forms that could not be made.
    #[error(transparent)]
    Validate(#[from] ValidateError),

    /// A report that is no JSON.
    #[error("the report cannot be written as JSON: {0}; take --format text")]
    Json(#[from] serde_json::Error),

    /// A standard output that takes no report.
    #[error("standard output takes no more: {0}; send it elsewhere")]
    Print(io::Error),
}

impl Failure {
    /// The exit code: 2 for what another command line would avoid, 3 for the rest.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Arguments(error) if error.exit_code() == 0 => Exit::GoalMet,
            Failure::Run { .. } => Exit::Broken,
            Failure::Simulation(error) if !error.is_usage() => Exit::Broken,
            Failure::Scenario(ScenarioError::NoEntropy { .. }) => Exit::Broken,
            // Nobody asked for these scenarios but this program.
            Failure::Validate(_) => Exit::Broken,
            Failure::Output(error) if !error.is_usage() => Exit::Broken,
            Failure::NoSignals(_) | Failure::Json(_) | Failure::Print(_) => Exit::Broken,
            _ => Exit::Usage,
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

/// A value that the library refuses keeps the library's words, whatever command it was given to; for the rest clap has good
/// ones.
impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Failure {
        bad_value(&error).map_or(Failure::Arguments(error), |bad| Failure::Scenario(bad.into()))
    }
}

/// The value that its reader refused, in the reader's words.
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
