//! All rows of a trace in ascending sequence, merged from the sorted runs of all workers.

use super::trace_part::TracePart;
use super::traced_message::{ROW_BYTES, TracedMessage};
use crate::time::Nanos;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// Bytes of all buffers together.
pub(super) const BUFFERS_BYTES: usize = 64 << 20;

/// The minimum and maximum numbers of rows that a run reads at a time.
const BUFFER_ROWS_MIN: usize = if cfg!(test) { 2 } else { 100 };
const BUFFER_ROWS_MAX: usize = if cfg!(test) { 2 } else { 6_500 };

/// The rows of a trace, in ascending sequence.
#[derive(Debug)]
pub struct TraceRows<'a> {
    runs: Vec<RunReader<'a>>,
    /// The next row of each run that has one.
    next: BinaryHeap<Reverse<(TracedMessage, usize)>>,
}

/// A sorted run that is being read.
#[derive(Debug)]
struct RunReader<'a> {
    file: &'a File,
    /// The first row that has not been read, and the first that is not of the run.
    unread: u64,
    end: u64,
    buffer: Vec<u8>,
    /// Bytes of the buffer that have been taken.
    taken: usize,
    buffer_rows: usize,
    losses_until: Nanos,
}

impl<'a> TraceRows<'a> {
    pub(super) fn new(parts: &'a [TracePart]) -> io::Result<TraceRows<'a>> {
        let count: usize = parts.iter().map(|part| part.runs.len()).sum();
        let buffer_rows = (BUFFERS_BYTES / ROW_BYTES / count.max(1)).clamp(BUFFER_ROWS_MIN, BUFFER_ROWS_MAX);
        let of_part = |part: &'a TracePart| {
            part.runs.iter().map(move |run| RunReader {
                file: &part.file,
                unread: run.first,
                end: run.first + run.rows,
                buffer: Vec::new(),
                taken: 0,
                buffer_rows,
                losses_until: part.losses_until,
            })
        };
        let mut rows = TraceRows { runs: parts.iter().flat_map(of_part).collect(), next: BinaryHeap::new() };
        for run in 0..rows.runs.len() {
            rows.refill(run)?;
        }
        Ok(rows)
    }

    /// Puts the next row of a run among those of the others.
    fn refill(&mut self, run: usize) -> io::Result<()> {
        if let Some(row) = self.runs[run].next()? {
            self.next.push(Reverse((row, run)));
        }
        Ok(())
    }
}

impl Iterator for TraceRows<'_> {
    type Item = io::Result<TracedMessage>;

    fn next(&mut self) -> Option<io::Result<TracedMessage>> {
        let Reverse((row, run)) = self.next.pop()?;
        Some(self.refill(run).map(|()| row))
    }
}

impl RunReader<'_> {
    /// Returns the next row that counts.
    fn next(&mut self) -> io::Result<Option<TracedMessage>> {
        loop {
            let Some(row) = self.next_stored()? else { return Ok(None) };
            if !row.fate.is_loss() || row.decided <= self.losses_until {
                return Ok(Some(row));
            }
        }
    }

    fn next_stored(&mut self) -> io::Result<Option<TracedMessage>> {
        if self.taken == self.buffer.len() {
            let rows = (self.end - self.unread).min(self.buffer_rows as u64);
            self.buffer.resize(rows as usize * ROW_BYTES, 0);
            // The system's own position is of no run, because the runs of a file are read alternately.
            self.file.seek(SeekFrom::Start(self.unread * ROW_BYTES as u64))?;
            self.file.read_exact(&mut self.buffer)?;
            self.unread += rows;
            self.taken = 0;
        }
        let Some(stored) = self.buffer[self.taken..].first_chunk::<ROW_BYTES>() else { return Ok(None) };
        self.taken += ROW_BYTES;
        TracedMessage::from_bytes(stored).map(Some).ok_or_else(|| ErrorKind::InvalidData.into())
    }
}
