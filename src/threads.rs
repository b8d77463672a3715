//! Threads: which worker owns which nodes, which core runs it, and the one function that starts workers, for every
//! engine, carrier and experiment.
//!
//! | file | contents |
//! |---|---|
//! | `shard_map` | the contiguous range of nodes that each worker owns |
//! | `pinning` | the core that each worker is pinned to |
//! | `spawn` | one thread for each share of the work, pinned, all joined on every path |
//! | `background` | a thread that waits for something outside the run, and that nobody joins |
//! | `observer` | callbacks at the start and end of each worker's loop, and on progress |

#[cfg(feature = "cluster")]
mod background;
mod observer;
mod pinning;
mod shard_map;
mod spawn;

#[cfg(feature = "cluster")]
pub use background::spawn_background;
pub use observer::{Observer, Progress};
pub use pinning::Pinning;
pub use shard_map::ShardMap;
#[cfg(test)]
pub(crate) use spawn::refusing_from;
pub use spawn::{ThreadError, WorkerSeat, WorkerThreads};
