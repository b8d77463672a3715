//! Callbacks by which a caller watches a run: workers that enter and leave their loops, and the progress of virtual
//! time.

use crate::time::Nanos;

/// The progress of a run in virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// First receipts so far, of all orders.
    pub reached: u64,
    /// Virtual time.
    pub time: Nanos,
    /// Messages handled so far.
    pub messages: u64,
}

/// A receiver of callbacks about a run, each on the worker's own thread, so that measurements can be made inside its
/// event loop.
pub trait Observer: Sync {
    /// Runs when the worker has passed the start barrier.
    fn loop_entered(&self, _worker: usize) {}
    /// Runs when the worker has seen the stop flag.
    fn loop_left(&self, _worker: usize) {}
    /// Reports the progress of virtual time, from time to time and from one worker only.
    fn progressed(&self, _progress: &Progress) {}
    /// Reports that `made` of `runs` runs that are made side by side have ended. Such runs report nothing else.
    fn run_made(&self, _made: u64, _runs: u32) {}
}

/// The observer that ignores all callbacks.
impl Observer for () {}
