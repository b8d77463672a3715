//! The reasons why a run over several processes fails.

use crate::runtime::processes::StartError;
use crate::sys::remedy;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why several processes do not bring a run outcome.
#[derive(Debug, thiserror::Error)]
pub enum ProcessesError {
    /// Nobody said what is to be started.
    #[error(
        "--processes {processes}: only the command `bulkprop` starts other processes; run that, or leave --processes out"
    )]
    NoProgram {
        /// The processes asked for.
        processes: usize,
    },
    /// The overlay or the network comes from what can be read once.
    #[error(
        "--processes {processes} with --{option} {path:?}: each process reads it, and it is no plain file; write its \
         lines to one"
    )]
    ReadOnce {
        /// The processes asked for.
        processes: usize,
        /// The option that names it.
        option: &'static str,
        /// What was to be read.
        path: PathBuf,
    },
    /// The system gives no memory that processes share.
    #[error("{bytes} bytes of memory for all processes cannot be had ({cause}); {}", to_map(cause))]
    Memory {
        /// The bytes asked for.
        bytes: u64,
        /// What the system said.
        cause: io::Error,
    },
    /// The system gives no alarm.
    #[error("an alarm for all processes cannot be had: {cause}; {}", remedy(cause))]
    ProcessWaker {
        /// What the system said.
        cause: io::Error,
    },
    /// The system starts no further process.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The processes cannot be waited for.
    #[error("the processes cannot be waited for ({0}); they were killed")]
    Wait(io::Error),
    /// A process has built another overlay than its parent.
    #[error("its overlay is another than the first process built: a file changed meanwhile; run again")]
    Differs,
    /// The scenario did not cross.
    #[error("its scenario cannot be read: {0}; this is a defect, please report it with the command")]
    Scenario(String),
    /// A process died of something that was not its own doing.
    #[error("process {process} (pid {pid}) died ({status}); the run was stopped and nothing it measured is kept")]
    Died {
        /// Which process of the run.
        process: usize,
        /// Its number in the system.
        pid: u32,
        /// What the system said of its end.
        status: ExitStatus,
    },
    /// A process has failed and says why.
    #[error("process {process} (pid {pid}): {said}")]
    Failed {
        /// Which process of the run.
        process: usize,
        /// Its number in the system.
        pid: u32,
        /// Its own error.
        said: String,
        /// Whether the user asked for what cannot be.
        is_usage: bool,
    },
}

/// What a person can do about memory that is refused.
fn to_map(cause: &io::Error) -> &'static str {
    match cause.kind() {
        // A file in memory says so as a file system does.
        io::ErrorKind::StorageFull | io::ErrorKind::OutOfMemory => {
            "ask for fewer --nodes or --threads, or end other programs"
        }
        _ => remedy(cause),
    }
}

impl ProcessesError {
    pub(in crate::simulation) fn is_usage(&self) -> bool {
        match self {
            ProcessesError::NoProgram { .. } | ProcessesError::ReadOnce { .. } => true,
            ProcessesError::Failed { is_usage, .. } => *is_usage,
            _ => false,
        }
    }
}
