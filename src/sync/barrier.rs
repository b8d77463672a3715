//! A meeting point: nobody passes before all have come, again and again, unless somebody breaks it.
//!
//! `std::sync::Barrier` was refused because a worker that fails would leave the others waiting for ever.

#![allow(unsafe_code)]

use super::Arena;
use super::arena::{Placed, Zeroed};
use super::atomic::{AtomicBool, AtomicU32, Ordering, relax};
use crossbeam_utils::CachePadded;

/// A reusable meeting point for a fixed number of parties.
pub struct Barrier {
    parties: u32,
    door: Placed<CachePadded<BarrierState>>,
}

/// What the parties see of each other.
#[derive(Default)]
struct BarrierState {
    arrived: AtomicU32,
    round: AtomicU32,
    broken: AtomicBool,
}

// SAFETY: three atomics, each 0 at first: nobody has come, in round 0, and the barrier is whole.
unsafe impl Zeroed for BarrierState {}

/// The barrier was broken: some party will never come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierBroken;

impl Barrier {
    /// A barrier for `parties`.
    pub fn new(arena: &mut Arena, parties: u32) -> Barrier {
        Barrier { parties, door: arena.one() }
    }

    /// Waits until all parties have called this as often as the caller.
    ///
    /// What any of them did before its call is seen by all of them after theirs.
    pub fn wait(&self) -> Result<(), BarrierBroken> {
        // Ordering: Acquire; partner: `break_open`.
        if self.door.broken.load(Ordering::Acquire) {
            return Err(BarrierBroken);
        }
        // Ordering: Relaxed; no party can move the round on before this one has arrived below.
        let round = self.door.round.load(Ordering::Relaxed);
        // Ordering: AcqRel; the last arrival acquires what all earlier ones released, and hands it on through `round`.
        if self.door.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.parties {
            // Ordering: Relaxed; the store to `round` below releases it, and nobody arrives again before seeing that.
            self.door.arrived.store(0, Ordering::Relaxed);
            // Ordering: Release; partner: the load in `wait`.
            self.door.round.store(round.wrapping_add(1), Ordering::Release);
            return Ok(());
        }
        self.wait_for_round(round)
    }

    /// Lets everybody through who waits or will wait, with [`BarrierBroken`].
    pub fn abort(&self) {
        // Ordering: Release; partner: the load in `wait`.
        self.door.broken.store(true, Ordering::Release);
    }

    fn wait_for_round(&self, round: u32) -> Result<(), BarrierBroken> {
        let mut looks = 0;
        // Ordering: Acquire; partner: the Release store of `round` by the last to arrive.
        while self.door.round.load(Ordering::Acquire) == round {
            // Ordering: Acquire; partner: `break_open`.
            if self.door.broken.load(Ordering::Acquire) {
                return Err(BarrierBroken);
            }
            relax(looks, self.parties);
            looks = looks.saturating_add(1);
        }
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn nobody_passes_before_all_have_come() {
        let barrier = Barrier::new(&mut Arena::heap(), 3);
        let arrivals = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for round in 1..=200 {
                        // Ordering: Relaxed; the barrier under test is what must order these.
                        arrivals.fetch_add(1, Ordering::Relaxed);
                        barrier.wait().unwrap();
                        assert_eq!(arrivals.load(Ordering::Relaxed), 3 * round);
                        barrier.wait().unwrap();
                    }
                });
            }
        });
    }

    #[test]
    fn a_broken_latch_holds_nobody() {
        let barrier = Barrier::new(&mut Arena::heap(), 2);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| barrier.wait());
            barrier.abort();
            assert_eq!(waiter.join().unwrap(), Err(BarrierBroken));
        });
        assert_eq!(barrier.wait(), Err(BarrierBroken));
    }
}
