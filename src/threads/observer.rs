//! Watches a run from outside: when workers enter and leave their loops, and how far virtual time has come.

use crate::time::Nanos;

/// The progress of a run in virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// First receipts up to now, of all orders.
    pub reached: u64,
    /// Virtual time.
    pub time: Nanos,
    /// Messages handled up to now.
    pub messages: u64,
}

/// Receives word of each worker, on its own thread, for measurements of what happens inside its event loop.
pub trait Observer: Sync {
    /// The worker has passed the start barrier.
    fn loop_entered(&self, _worker: usize) {}
    /// The worker has seen the stop flag.
    fn loop_left(&self, _worker: usize) {}
    /// Virtual time has advanced. One worker alone calls this, now and then.
    fn progressed(&self, _progress: &Progress) {}
}

/// Observes nothing.
impl Observer for () {}
