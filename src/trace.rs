//! The trace of a run: a row for each message, with the time at which it was sent and the time at which its fate was
//! decided.
//!
//! Workers write their rows to files of their own while the run goes on, in sorted runs of bounded length. When the run
//! has ended, its rows are read back merged, in one sequence that depends on neither threads nor the length of the
//! sorted runs. Memory therefore does not grow with the number of messages.
//!
//! | file | contents |
//! |---|---|
//! | `traced_message` | a row, its fate, and its bytes on disk |
//! | `spool` | the folder of a run's rows, and the rows once the run has ended |
//! | `writer` | the end of one worker |
//! | `trace_part` | the rows of one worker on disk |
//! | `merge` | all rows in their sequence |
//!
//! Not here: when a fate is decided (`engine`, `runtime`), and the columns of the file (`report`).
//!
//! Rejected alternatives: a merge in each window, which needs all workers at one meeting and holds a window whole,
//! although one window may bring a third of all messages; and one file for all workers, which needs a lock.

mod merge;
mod spool;
#[cfg(test)]
mod tests;
mod trace_part;
mod traced_message;
mod writer;

pub use merge::TraceRows;
pub use spool::{FilledFiles, TraceLog, TraceSpool};
pub use trace_part::SortedRun;
pub use traced_message::{MessageFate, ROW_BYTES, TracedMessage};
pub use writer::TraceWriter;

/// Bytes of memory that a worker's rows take before they are written.
pub const WRITER_BYTES: u64 = (writer::CHUNK_ROWS * size_of::<TracedMessage>()) as u64;

/// Bytes of memory that the merge of all rows takes at most, after the run.
pub const MERGE_BYTES: u64 = merge::BUFFERS_BYTES as u64;
