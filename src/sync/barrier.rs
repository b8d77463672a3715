//! A reusable barrier: no party passes before all have arrived, unless one of them breaks it.
//!
//! `std::sync::Barrier` was rejected because a worker that fails would leave the others waiting for ever.

#![allow(unsafe_code)]

use super::Arena;
use super::arena::{Placed, Zeroed};
use super::atomic::{AtomicBool, AtomicU32, Ordering, relax};
use crossbeam_utils::CachePadded;

/// A reusable barrier for a fixed number of parties.
pub struct Barrier {
    parties: u32,
    state: Placed<CachePadded<BarrierState>>,
}

/// The state that all parties share.
#[derive(Default)]
struct BarrierState {
    arrived: AtomicU32,
    round: AtomicU32,
    broken: AtomicBool,
}

// SAFETY: three atomics, each initially 0: no party has arrived, the round is 0, and the barrier is whole.
unsafe impl Zeroed for BarrierState {}

/// The barrier was broken: some party will never arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierBroken;

impl Barrier {
    /// Creates a barrier for `parties`.
    pub fn new(arena: &mut Arena, parties: u32) -> Barrier {
        Barrier { parties, state: arena.one() }
    }

    /// Waits until all parties have called this as often as the caller.
    ///
    /// Each party's writes before its call are visible to all parties after theirs.
    pub fn wait(&self) -> Result<(), BarrierBroken> {
        // Ordering: Acquire; partner: `abort`.
        if self.state.broken.load(Ordering::Acquire) {
            return Err(BarrierBroken);
        }
        // Ordering: Relaxed; the round cannot advance before this party has arrived below.
        let round = self.state.round.load(Ordering::Relaxed);
        // Ordering: AcqRel; the last arrival acquires what all earlier ones released, and hands it on through `round`.
        if self.state.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.parties {
            // Ordering: Relaxed; the store to `round` below releases it, and no party arrives again before it has seen
            // that store.
            self.state.arrived.store(0, Ordering::Relaxed);
            // Ordering: Release; partner: the load in `wait_for_round`.
            self.state.round.store(round.wrapping_add(1), Ordering::Release);
            return Ok(());
        }
        self.wait_for_round(round)
    }

    /// Breaks the barrier: every present and future call of `wait` returns [`BarrierBroken`].
    pub fn abort(&self) {
        // Ordering: Release; partner: the loads in `wait` and `wait_for_round`.
        self.state.broken.store(true, Ordering::Release);
    }

    fn wait_for_round(&self, round: u32) -> Result<(), BarrierBroken> {
        let mut looks = 0;
        // Ordering: Acquire; partner: the Release store of `round` by the last to arrive.
        while self.state.round.load(Ordering::Acquire) == round {
            // Ordering: Acquire; partner: `abort`.
            if self.state.broken.load(Ordering::Acquire) {
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
    fn no_party_passes_before_all_have_arrived() {
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
    fn a_broken_barrier_holds_no_party() {
        let barrier = Barrier::new(&mut Arena::heap(), 2);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| barrier.wait());
            barrier.abort();
            assert_eq!(waiter.join().unwrap(), Err(BarrierBroken));
        });
        assert_eq!(barrier.wait(), Err(BarrierBroken));
    }
}
