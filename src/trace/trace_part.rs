//! The rows of one worker, as they lie on disk.

use crate::time::Nanos;
use serde::{Deserialize, Serialize};
use std::fs::File;

/// Some rows of a file that ascend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortedRun {
    /// The first of its rows, counted from the start of the file.
    pub(super) first: u64,
    pub(super) rows: u64,
}

/// The rows of one worker.
#[derive(Debug)]
pub(super) struct TracePart {
    pub(super) file: File,
    /// Place of the file among those that the parent of the process opened.
    pub(super) place: usize,
    pub(super) runs: Vec<SortedRun>,
    /// The last instant whose losses count: a message that was lost later had not left its uplink, and was never sent.
    pub(super) losses_until: Nanos,
}
