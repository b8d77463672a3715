//! The threads of a run: one per shard, let loose together.

use super::Setup;
use crate::runtime::RuntimeError;
use crate::sync::{Broken, Latch};
use crate::threads::{Crew, Seat, ThreadError};

/// Runs `life` for each of `shares` on a thread of its own, and gives what they bring home, in order. Whoever fails breaks
/// the latch, so that nobody waits for it.
pub(super) fn run<S: Send, R: Send>(
    setup: &Setup<'_>,
    latch: &Latch,
    shares: impl IntoIterator<Item = S>,
    life: impl Fn(usize, S) -> Result<R, Broken> + Sync,
) -> Result<Vec<R>, RuntimeError> {
    let crew = Crew { first: 0, cores: &setup.placement.cores, give_up: &|| latch.break_open() };
    let homes = crew.run(shares, |Seat { worker, .. }, share| {
        // What comes before, the start of threads, is no part of the run.
        latch.meet()?;
        setup.observer.loop_entered(worker);
        let result = life(worker, share);
        setup.observer.loop_left(worker);
        result
    })?;
    Ok(all_home(homes)?)
}

/// What all workers brought home. A latch breaks only for a thread that was refused or panicked, of which the crew has told.
pub(super) fn all_home<R>(homes: Vec<Result<R, Broken>>) -> Result<Vec<R>, ThreadError> {
    let left = |worker| ThreadError::Panic { worker, message: "it was left alone".to_owned() };
    homes.into_iter().enumerate().map(|(worker, home)| home.map_err(|Broken| left(worker))).collect()
}
