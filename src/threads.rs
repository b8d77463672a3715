//! Threads: the one way to start them, for every engine, carrier and experiment.
//!
//! | file | what it holds |
//! |---|---|
//! | `spawn` | one thread for each share of the work, pinned, all joined on every path |

mod spawn;

#[cfg(test)]
pub(crate) use spawn::refusing_from;
pub use spawn::{ThreadError, WorkerSeat, WorkerThreads};
