//! A trace that is asked for, the room that it takes, and the reasons why there is none.

use crate::quantity::grouped;
use crate::quantity::rounded_bytes;
use crate::trace::{TraceLog, TraceSpool};
use std::fs::File;
use std::io;
use std::path::PathBuf;

/// A trace that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRequest {
    /// The file, as it was named.
    pub path: PathBuf,
    /// The folder on whose disk the rows lie until the run has ended.
    pub folder: PathBuf,
    /// True if the file lies on the same disk; false for a pipe or a stream, which takes no room.
    pub shares_disk: bool,
}

/// The room that a trace will take, expected of the overlay and of the protocol. Loss, a target that ends the run and
/// nodes that are down make it less; adversaries that flood and repeated requests make it more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEstimate {
    /// Lines of the file.
    pub lines: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of the rows that lie beside it until the run has ended.
    pub spool_bytes: u64,
}

/// The reason why a run cannot be traced.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// Its disk lacks the room.
    #[error(
        "--trace {path:?}: about {} lines take {}, and there are {} left on the disk of {folder:?}; name a file on \
         another disk, or ask for fewer --nodes or --orders",
        grouped(estimate.lines),
        rounded_bytes(*needed),
        rounded_bytes(*left)
    )]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// The folder on that disk.
        folder: PathBuf,
        /// The room that the trace will take.
        estimate: TraceEstimate,
        /// The bytes of it that this disk takes.
        needed: u64,
        /// The bytes left.
        left: u64,
    },
    /// Its rows could not be written.
    #[error(
        "--trace {path:?}: {cause} in {folder:?}, where the rows lie until the run has ended; the run was broken off \
         and nothing is left there; name a file on a disk with more room"
    )]
    NotSpooled {
        /// The file.
        path: PathBuf,
        /// The folder of the rows.
        folder: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
}

impl TraceError {
    /// Returns true if another command line would avoid it.
    pub fn is_usage(&self) -> bool {
        !matches!(self, TraceError::NotSpooled { .. })
    }
}

impl TraceRequest {
    /// Creates files without a name for the rows of this many workers.
    pub(super) fn files(&self, workers: usize) -> Result<Vec<File>, TraceError> {
        let files: io::Result<_> = (0..workers).map(|_| tempfile::tempfile_in(&self.folder)).collect();
        files.map_err(|cause| self.not_spooled(cause))
    }

    pub(super) fn not_spooled(&self, cause: io::Error) -> TraceError {
        TraceError::NotSpooled { path: self.path.clone(), folder: self.folder.clone(), cause }
    }

    /// Returns the rows of a run that has ended.
    pub(super) fn finish(&self, spool: &TraceSpool) -> Result<TraceLog, TraceError> {
        spool.finish().map_err(|cause| self.not_spooled(cause))
    }
}
