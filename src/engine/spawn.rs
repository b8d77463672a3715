//! The threads of a run: one per shard, let loose together.

use super::EngineSetup;
use crate::runtime::RuntimeError;
use crate::sync::{Barrier, BarrierBroken};
use crate::threads::{ThreadError, WorkerSeat, WorkerThreads};

/// Runs `life` for each of `shares` on a thread of its own, and gives what they report, in order. Whoever fails breaks
/// the barrier, so that nobody waits for it.
pub(super) fn run<S: Send, R: Send>(
    setup: &EngineSetup<'_>,
    barrier: &Barrier,
    shares: impl IntoIterator<Item = S>,
    life: impl Fn(usize, S) -> Result<R, BarrierBroken> + Sync,
) -> Result<Vec<R>, RuntimeError> {
    let worker_threads = WorkerThreads { first: 0, cores: &setup.pinning.cores, give_up: &|| barrier.abort() };
    let homes = worker_threads.run(shares, |WorkerSeat { worker, .. }, share| {
        // What comes before, the start of threads, is no part of the run.
        barrier.wait()?;
        setup.observer.loop_entered(worker);
        let result = life(worker, share);
        setup.observer.loop_left(worker);
        result
    })?;
    Ok(collect(homes)?)
}

/// What all workers reported. A barrier breaks only for a thread that was refused or panicked, of which the crew has told.
pub(super) fn collect<R>(homes: Vec<Result<R, BarrierBroken>>) -> Result<Vec<R>, ThreadError> {
    let left = |worker| ThreadError::Panic { worker, message: "it was left alone".to_owned() };
    homes.into_iter().enumerate().map(|(worker, home)| home.map_err(|BarrierBroken| left(worker))).collect()
}
