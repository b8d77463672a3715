//! The folder in which the rows of a run lie until it has ended, and the rows after that.
//!
//! The files have no names: whatever ends the process, nothing is left behind.

use super::merge::TraceRows;
use super::trace_part::TracePart;
use super::writer::TraceWriter;
use crate::time::Nanos;
use parking_lot::Mutex;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The rows of a run that goes on. Workers share it, each with a writer of its own.
#[derive(Debug)]
pub struct TraceSpool {
    folder: PathBuf,
    collected: Mutex<CollectedParts>,
}

/// The parts of workers that have ended.
#[derive(Debug, Default)]
struct CollectedParts {
    parts: Vec<TracePart>,
    /// The first failure of any of them.
    failure: Option<io::Error>,
    /// Time 0 of the trace.
    origin: Nanos,
}

/// The rows of a run that has ended.
#[derive(Clone, Debug)]
pub struct TraceLog {
    pub(super) parts: Arc<[TracePart]>,
    origin: Nanos,
}

impl TraceSpool {
    /// Creates a spool whose files lie on the disk of `folder`.
    pub fn new(folder: &Path) -> TraceSpool {
        TraceSpool { folder: folder.to_owned(), collected: Mutex::default() }
    }

    /// Creates the writer of one worker.
    pub fn writer(&self) -> TraceWriter {
        TraceWriter::new(tempfile::tempfile_in(&self.folder))
    }

    /// Collects the rows of a worker whose run has ended; losses later than `losses_until` are left out.
    pub fn collect(&self, writer: TraceWriter, losses_until: Nanos) {
        let part = writer.finish(losses_until);
        let mut collected = self.collected.lock();
        match part {
            Ok(part) => collected.parts.push(part),
            Err(error) => {
                collected.failure.get_or_insert(error);
            }
        }
    }

    /// Forgets the rows so far, because the run is made again; times count from `origin` on.
    pub fn restart(&self, origin: Nanos) {
        *self.collected.lock() = CollectedParts { origin, ..CollectedParts::default() };
    }

    /// Returns all rows, once every writer has been collected.
    ///
    /// # Errors
    ///
    /// The first failure of a writer.
    pub fn finish(&self) -> io::Result<TraceLog> {
        let CollectedParts { parts, failure, origin } = std::mem::take(&mut *self.collected.lock());
        match failure {
            Some(error) => Err(error),
            None => Ok(TraceLog { parts: parts.into(), origin }),
        }
    }
}

impl TraceLog {
    /// Returns all rows in ascending sequence.
    ///
    /// # Errors
    ///
    /// If the files cannot be read.
    pub fn rows(&self) -> io::Result<TraceRows<'_>> {
        TraceRows::new(&self.parts)
    }

    /// Returns a time of a row as it is written: in nanoseconds from the end of the warm-up, before which it is
    /// negative.
    pub fn written_time(&self, time: Nanos) -> i128 {
        i128::from(time.0) - i128::from(self.origin.0)
    }
}
