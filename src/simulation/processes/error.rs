//! The reasons why a run over several processes fails.

use crate::runtime::processes::StartError;
use crate::sys::remedy;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// The reason why a run over several processes failed.
#[derive(Debug, thiserror::Error)]
pub enum ProcessesError {
    /// The caller named no program to start.
    #[error(
        "--processes {processes}: only the command `bulkprop` starts other processes; run that, or leave --processes \
         out"
    )]
    NoProgram {
        /// Number of processes asked for.
        processes: usize,
    },
    /// The overlay or the network comes from a source that can be read only once.
    #[error(
        "--processes {processes} with --{option} {path:?}: each process reads it, and it is no plain file; write its \
         lines to one"
    )]
    ReadOnce {
        /// Number of processes asked for.
        processes: usize,
        /// Option that names the source.
        option: &'static str,
        /// Path of the source.
        path: PathBuf,
    },
    /// The system refuses memory that processes share.
    #[error("{bytes} bytes of memory for all processes cannot be had ({cause}); {}", to_map(cause))]
    Memory {
        /// Number of bytes asked for.
        bytes: u64,
        /// Error of the system.
        cause: io::Error,
    },
    /// The system refuses a descriptor that wakes all processes.
    #[error("an alarm for all processes cannot be had: {cause}; {}", remedy(cause))]
    ProcessWaker {
        /// Error of the system.
        cause: io::Error,
    },
    /// The system refuses to start a further process.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The processes cannot be waited for.
    #[error("the processes cannot be waited for ({0}); they were killed")]
    Wait(io::Error),
    /// A process has built another overlay than its parent.
    #[error("its overlay is another than the first process built: a file changed meanwhile; run again")]
    Differs,
    /// The scenario of the task cannot be read.
    #[error("its scenario cannot be read: {0}; this is a defect, please report it with the command")]
    Scenario(String),
    /// A process died of a cause that it did not report.
    #[error("process {process} (pid {pid}) died ({status}); the run was stopped and nothing it measured is kept")]
    Died {
        /// Number of the process in the run, from 0.
        process: usize,
        /// Process id in the operating system.
        pid: u32,
        /// Exit status.
        status: ExitStatus,
    },
    /// A process failed and reports why.
    #[error("process {process} (pid {pid}): {said}")]
    Failed {
        /// Number of the process in the run, from 0.
        process: usize,
        /// Process id in the operating system.
        pid: u32,
        /// Error that the process reports.
        said: String,
        /// True if the user asked for something impossible.
        is_usage: bool,
    },
}

/// Returns advice on memory that the system refuses.
fn to_map(cause: &io::Error) -> &'static str {
    match cause.kind() {
        // A file in memory reports a lack of memory like a file system.
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
