//! The folder in which the rows of a run lie until it has ended, and the rows after that.
//!
//! The files have no names: whatever ends the process, nothing is left behind.

use super::merge::TraceRows;
use super::trace_part::{SortedRun, TracePart};
use super::writer::TraceWriter;
use crate::message::{Kind, KindNames};
use crate::time::Nanos;
use parking_lot::Mutex;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The rows of a run that goes on. Workers share it, each with a writer of its own.
#[derive(Debug)]
pub struct TraceSpool {
    source: SpoolSource,
    collected: Mutex<CollectedParts>,
}

/// The source of the writers' files.
#[derive(Debug)]
enum SpoolSource {
    /// Each is created on the disk of this folder.
    Folder(PathBuf),
    /// The parent of this process opened them, and keeps them. Each has its place among those of all processes.
    Inherited(Mutex<Vec<(usize, File)>>),
}

/// The sorted runs of each file that a process has filled, with the file's place.
pub type FilledFiles = Vec<(usize, Vec<SortedRun>)>;

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
    kinds: [KindNames; 2],
}

impl TraceSpool {
    /// Creates a spool whose files lie on the disk of `folder`.
    pub fn new(folder: &Path) -> TraceSpool {
        TraceSpool { source: SpoolSource::Folder(folder.to_owned()), collected: Mutex::default() }
    }

    /// Creates the writer of one worker.
    pub fn writer(&self) -> TraceWriter {
        match &self.source {
            SpoolSource::Folder(folder) => TraceWriter::new(tempfile::tempfile_in(folder), 0),
            SpoolSource::Inherited(files) => match files.lock().pop() {
                Some((place, file)) => TraceWriter::new(Ok(file), place),
                None => TraceWriter::new(Err(ErrorKind::NotFound.into()), 0),
            },
        }
    }

    /// Creates the spool of a process that inherits a file for each of its workers.
    pub fn inherited(files: Vec<(usize, File)>) -> TraceSpool {
        TraceSpool { source: SpoolSource::Inherited(Mutex::new(files)), collected: Mutex::default() }
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
            None => Ok(TraceLog { parts: parts.into(), origin, kinds: [&[]; 2] }),
        }
    }
}

impl TraceLog {
    /// Puts together the rows that several processes have written to these files.
    pub fn of_processes(files: Vec<File>, filled: FilledFiles) -> TraceLog {
        let mut files: Vec<Option<File>> = files.into_iter().map(Some).collect();
        let part = |(place, runs): (usize, Vec<SortedRun>)| {
            let file = files.get_mut(place)?.take()?;
            Some(TracePart { file, place, runs, losses_until: Nanos::MAX })
        };
        let parts: Vec<TracePart> = filled.into_iter().filter_map(part).collect();
        TraceLog { parts: parts.into(), origin: Nanos::ZERO, kinds: [&[]; 2] }
    }

    /// Returns the sorted runs of each file, for the parent of this process.
    pub fn filled_files(&self) -> FilledFiles {
        self.parts.iter().map(|part| (part.place, part.runs.clone())).collect()
    }

    /// Counts times from `origin` on.
    pub fn counted_from(self, origin: Nanos) -> TraceLog {
        TraceLog { origin, ..self }
    }

    /// Names the kinds of messages as the protocol does.
    pub fn named_by(self, kinds: [KindNames; 2]) -> TraceLog {
        TraceLog { kinds, ..self }
    }

    /// Returns the name of a kind; `None` for one that the protocol does not name.
    pub fn kind_name(&self, kind: Kind) -> Option<&'static str> {
        if kind == Kind::PAYLOAD {
            return Some("payload");
        }
        self.kinds.iter().flat_map(|names| *names).find(|(named, _)| *named == kind).map(|&(_, name)| name)
    }

    /// Returns all rows in ascending sequence.
    ///
    /// # Errors
    ///
    /// If the files cannot be read.
    pub fn rows(&self) -> io::Result<TraceRows<'_>> {
        TraceRows::new(&self.parts)
    }

    /// Returns a time of a row as it is written: in nanoseconds from time 0 of the report, before which it is negative.
    pub fn written_time(&self, time: Nanos) -> i128 {
        i128::from(time.0) - i128::from(self.origin.0)
    }
}
