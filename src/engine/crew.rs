//! The threads of a run: one per shard, pinned, let loose together, all joined on every path.

use super::Setup;
use crate::runtime::{RuntimeError, what_a_panic_said};
use crate::sync::{Broken, Latch};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// Runs `life` for each of `shares` on a thread of its own, and gives what they bring home, in order. Whoever fails breaks
/// the latch, so that nobody waits for it.
pub(super) fn run<S: Send, R: Send>(
    setup: &Setup<'_>,
    latch: &Latch,
    shares: impl IntoIterator<Item = S>,
    life: impl Fn(usize, S) -> Result<R, Broken> + Sync,
) -> Result<Vec<R>, RuntimeError> {
    let life = |worker: usize, share: S| {
        if let Some(core) = setup.placement.cores.get(worker).copied().flatten() {
            core_affinity::set_for_current(core);
        }
        let result = catch_unwind(AssertUnwindSafe(|| {
            // What comes before, the start of threads, is no part of the run.
            latch.meet()?;
            setup.observer.loop_entered(worker);
            let result = life(worker, share);
            setup.observer.loop_left(worker);
            result
        }));
        if !matches!(result, Ok(Ok(_))) {
            latch.break_open();
        }
        result
    };
    let (results, refused) = thread::scope(|scope| {
        let (mut threads, mut refused) = (Vec::new(), None);
        for (worker, share) in shares.into_iter().enumerate() {
            match thread::Builder::new().spawn_scoped(scope, move || life(worker, share)) {
                Ok(thread) => threads.push(thread),
                Err(cause) => {
                    latch.break_open();
                    refused = Some(RuntimeError::Spawn { worker, cause });
                    break;
                }
            }
        }
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap_or_else(Err)).collect();
        (results, refused)
    });
    if let Some(refused) = refused {
        return Err(refused);
    }
    let mut homes = Vec::with_capacity(results.len());
    let mut broken = None;
    for (worker, result) in results.into_iter().enumerate() {
        match result {
            Ok(Ok(home)) => homes.push(home),
            // Another one's failure, which has a cause of its own.
            Ok(Err(Broken)) => broken = Some(worker),
            Err(panic) => return Err(RuntimeError::Panic { worker, message: what_a_panic_said(&*panic) }),
        }
    }
    match broken {
        Some(worker) => Err(RuntimeError::Panic { worker, message: "it was left alone".to_owned() }),
        None => Ok(homes),
    }
}
