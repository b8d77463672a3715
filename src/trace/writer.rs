//! The end of one worker: keeps rows until a chunk is full, sorts them, and writes them to the worker's file.

use super::trace_part::{SortedRun, TracePart};
use super::traced_message::{MessageFate, ROW_BYTES, TracedMessage};
use crate::time::Nanos;
use std::fs::File;
use std::io::{self, Write};

/// Rows that are sorted and written together.
pub(super) const CHUNK_ROWS: usize = if cfg!(test) { 64 } else { 1 << 17 };

/// Rows that are encoded between two writes.
const ROWS_PER_WRITE: usize = 1_024;

/// The writer of one worker's rows. A failure to write is kept, and ends the run: see [`has_failed`](Self::has_failed).
#[derive(Debug)]
pub struct TraceWriter {
    file: io::Result<File>,
    place: usize,
    /// Rows that are not written yet.
    chunk: Vec<TracedMessage>,
    /// Rows of events that count only if the run does not end before them.
    tentative: Vec<TracedMessage>,
    runs: Vec<SortedRun>,
    /// The last row that was written.
    last: Option<TracedMessage>,
    written: u64,
}

impl TraceWriter {
    /// Creates a writer to an empty file.
    pub(super) fn new(file: io::Result<File>, place: usize) -> TraceWriter {
        TraceWriter { file, place, chunk: Vec::new(), tentative: Vec::new(), runs: Vec::new(), last: None, written: 0 }
    }

    /// Adds a row; a tentative one only until [`settle`](Self::settle) decides on it.
    #[inline]
    pub fn put(&mut self, row: TracedMessage, is_tentative: bool) {
        if is_tentative {
            return self.tentative.push(row);
        }
        self.chunk.push(row);
        if self.chunk.len() >= CHUNK_ROWS {
            self.flush();
        }
    }

    /// Adds the tentative rows of a run that counts events up to `limit`. Of the messages whose fate was decided later,
    /// those that had been sent by `sent_by` are under way; the others were never sent.
    pub fn settle(&mut self, limit: Nanos, sent_by: Nanos) {
        let mut tentative = std::mem::take(&mut self.tentative);
        for row in tentative.drain(..) {
            if row.decided <= limit {
                self.put(row, false);
            } else if row.fate.is_at_receiver() && row.sent <= sent_by {
                self.put_under_way(row, limit);
            }
        }
        self.tentative = tentative;
    }

    /// Adds a message that is under way at the end of the run.
    pub fn put_under_way(&mut self, row: TracedMessage, end: Nanos) {
        // No fate is decided before its message is sent.
        let decided = end.max(row.sent);
        self.put(TracedMessage { decided, fate: MessageFate::UnderWay, ..row }, false);
    }

    /// Returns the bytes of tentative rows.
    pub fn tentative_bytes(&self) -> u64 {
        (self.tentative.len() * size_of::<TracedMessage>()) as u64
    }

    /// Returns true if rows could not be written, so that there is no point in going on.
    pub fn has_failed(&self) -> bool {
        self.file.is_err()
    }

    /// Writes the rows that are left, and returns the file with all rows.
    pub(super) fn finish(mut self, losses_until: Nanos) -> io::Result<TracePart> {
        self.flush();
        Ok(TracePart { file: self.file?, place: self.place, runs: self.runs, losses_until })
    }

    /// Writes the rows of the chunk.
    fn flush(&mut self) {
        self.chunk.sort_unstable();
        let (Some(&first), Some(&last)) = (self.chunk.first(), self.chunk.last()) else { return };
        if let Ok(file) = &mut self.file
            && let Err(error) = write_rows(file, &self.chunk)
        {
            self.file = Err(error);
        }
        let rows = self.chunk.len() as u64;
        match self.runs.last_mut() {
            // Windows follow each other in time, so that most chunks continue the sorted run before them.
            Some(run) if self.last.is_some_and(|last| last <= first) => run.rows += rows,
            _ => self.runs.push(SortedRun { first: self.written, rows }),
        }
        self.last = Some(last);
        self.written += rows;
        self.chunk.clear();
    }
}

fn write_rows(file: &mut File, rows: &[TracedMessage]) -> io::Result<()> {
    let mut encoded = Vec::with_capacity(ROWS_PER_WRITE * ROW_BYTES);
    for rows in rows.chunks(ROWS_PER_WRITE) {
        encoded.clear();
        rows.iter().for_each(|row| encoded.extend_from_slice(&row.to_bytes()));
        file.write_all(&encoded)?;
    }
    Ok(())
}
