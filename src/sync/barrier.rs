//! A reusable barrier: no party passes before all have arrived, unless one of them breaks it.
//!
//! A party that waits for threads of its own process polls for a while and then parks, so that on a machine with other
//! work the party it waits for gets the core. How long it polls follows from the waits before: where they were long,
//! hardly at all. Parties of several processes cannot wake each other and poll at growing intervals.
//!
//! Rejected: `std::sync::Barrier`, because a worker that fails would leave the others waiting for ever. Yielding before
//! parking, because the scheduler then runs whatever else is there for a whole slice, and not the late party.

#![allow(unsafe_code)]

use super::Arena;
use super::arena::{Placed, Zeroed};
use super::atomic::{AtomicBool, AtomicU32, Condvar, Mutex, Ordering, fence, poll, relax};
use crossbeam_utils::CachePadded;
use std::sync::PoisonError;

/// A reusable barrier for a fixed number of parties.
pub struct Barrier {
    parties: u32,
    state: Placed<CachePadded<BarrierState>>,
    /// The place where parties park, if all are threads of this process.
    parking: Option<Box<CachePadded<Parking>>>,
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

/// The parties that sleep until the round ends.
struct Parking {
    /// Parties that sleep or are about to.
    sleepers: AtomicU32,
    /// Polls before a party parks.
    poll_limit: AtomicU32,
    /// Held by a party from its last look at the round until it sleeps.
    asleep: Mutex<()>,
    awake: Condvar,
}

/// The least polls before a party parks: about a microsecond.
const POLLS_MIN: u32 = if cfg!(loom) { 0 } else { 16 };
/// The most polls before a party parks. Of 4,096 polls too many waits on a machine without other work were longer: one
/// order over 10^5 nodes took 4 % more time.
const POLLS_MAX: u32 = if cfg!(loom) { 1 } else { 16_384 };

/// The barrier was broken: some party will never arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierBroken;

impl Barrier {
    /// Creates a barrier for `parties` that may be threads of several processes, if the arena is mapped.
    pub fn new(arena: &mut Arena, parties: u32) -> Barrier {
        Barrier { parties, state: arena.one(), parking: None }
    }

    /// Creates a barrier for `parties` threads of this process, which park while they wait.
    pub fn of_threads(parties: u32) -> Barrier {
        Barrier { parking: Some(Box::default()), ..Barrier::new(&mut Arena::heap(), parties) }
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
            // Ordering: Release; partner: the load in `ends`.
            self.state.round.store(round.wrapping_add(1), Ordering::Release);
            self.wake();
            return Ok(());
        }
        match &self.parking {
            Some(parking) => parking.wait(|| self.ends(round)),
            None => self.poll_until_end(round),
        }
    }

    /// Breaks the barrier: every present and future call of `wait` returns [`BarrierBroken`].
    pub fn abort(&self) {
        // Ordering: Release; partner: the loads in `wait` and `ends`.
        self.state.broken.store(true, Ordering::Release);
        self.wake();
    }

    /// Returns the outcome of the wait for the end of `round`, once there is one.
    fn ends(&self, round: u32) -> Option<Result<(), BarrierBroken>> {
        // Ordering: Acquire; partner: the Release store of `round` by the last to arrive.
        if self.state.round.load(Ordering::Acquire) != round {
            return Some(Ok(()));
        }
        // Ordering: Acquire; partner: `abort`.
        self.state.broken.load(Ordering::Acquire).then_some(Err(BarrierBroken))
    }

    fn poll_until_end(&self, round: u32) -> Result<(), BarrierBroken> {
        let mut looks = 0;
        loop {
            if let Some(end) = self.ends(round) {
                return end;
            }
            relax(looks, self.parties);
            looks = looks.saturating_add(1);
        }
    }

    /// Wakes the parties that are parked.
    fn wake(&self) {
        if let Some(parking) = self.parking.as_ref().filter(|_| self.parties > 1) {
            parking.wake();
        }
    }
}

impl Default for Parking {
    fn default() -> Parking {
        Parking {
            sleepers: AtomicU32::new(0),
            poll_limit: AtomicU32::new(POLLS_MAX),
            asleep: Mutex::new(()),
            awake: Condvar::new(),
        }
    }
}

impl Parking {
    /// Polls `end` until it returns something, and parks at its limit.
    fn wait<T>(&self, end: impl Fn() -> Option<T>) -> T {
        // Ordering: Relaxed; the number only decides how long a party polls, and any value does.
        let polls = self.poll_limit.load(Ordering::Relaxed);
        for _ in 0..polls {
            if let Some(ended) = end() {
                // Waits are short: a longer one is worth waiting for, too.
                if polls < POLLS_MAX {
                    // Ordering: Relaxed; as above.
                    self.poll_limit.store((polls * 2).min(POLLS_MAX), Ordering::Relaxed);
                }
                return ended;
            }
            poll();
        }
        // Ordering: Relaxed; as above.
        self.poll_limit.store((polls / 2).max(POLLS_MIN), Ordering::Relaxed);
        self.sleep(end)
    }

    fn sleep<T>(&self, end: impl Fn() -> Option<T>) -> T {
        let mut asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        // Ordering: Relaxed; the fence orders it.
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        // Ordering: SeqCst; partner: the fence in `wake`. Either this party sees the end of the round below, or the
        // last to arrive sees the sleeper.
        fence(Ordering::SeqCst);
        let ended = loop {
            if let Some(ended) = end() {
                break ended;
            }
            asleep = self.awake.wait(asleep).unwrap_or_else(PoisonError::into_inner);
        };
        // Ordering: Relaxed; a wake that still counts this party is lost on nobody.
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
        ended
    }

    /// Wakes all parties that sleep. The end that they wait for must be stored already.
    fn wake(&self) {
        // Ordering: SeqCst; partner: the fence in `sleep`.
        fence(Ordering::SeqCst);
        // Ordering: Relaxed; the fence orders it.
        if self.sleepers.load(Ordering::Relaxed) > 0 {
            // A party that has looked but does not sleep yet holds the lock.
            drop(self.asleep.lock().unwrap_or_else(PoisonError::into_inner));
            self.awake.notify_all();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::thread;

    /// Barriers of either kind, and one whose parties park at once.
    fn barriers(parties: u32) -> [Barrier; 3] {
        let parks = Barrier::of_threads(parties);
        // Ordering: Relaxed; no other thread has the barrier yet.
        parks.parking.as_ref().unwrap().poll_limit.store(0, Ordering::Relaxed);
        [Barrier::new(&mut Arena::heap(), parties), Barrier::of_threads(parties), parks]
    }

    #[test]
    fn no_party_passes_before_all_have_arrived() {
        for barrier in barriers(3) {
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
    }

    #[test]
    fn a_broken_barrier_holds_no_party() {
        for barrier in barriers(2) {
            thread::scope(|scope| {
                let waiter = scope.spawn(|| barrier.wait());
                barrier.abort();
                assert_eq!(waiter.join().unwrap(), Err(BarrierBroken));
            });
            assert_eq!(barrier.wait(), Err(BarrierBroken));
        }
    }

    #[test]
    fn a_parked_party_is_woken() {
        for breaks in [false, true] {
            let barrier = Barrier::of_threads(2);
            let parking = barrier.parking.as_ref().unwrap();
            thread::scope(|scope| {
                let waiter = scope.spawn(|| barrier.wait());
                // Ordering: Relaxed; only the number matters, and what follows takes the lock.
                while parking.sleepers.load(Ordering::Relaxed) == 0 {
                    thread::yield_now();
                }
                if breaks {
                    barrier.abort()
                } else {
                    barrier.wait().unwrap()
                }
                assert_eq!(waiter.join().unwrap().is_err(), breaks);
            });
            // Ordering: Relaxed; the scope has joined the waiter.
            assert_eq!(parking.sleepers.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn long_waits_end_the_polling_and_short_ones_bring_it_back() {
        let parking = Parking::default();
        // Ordering: Relaxed; there is one thread.
        let poll_limit = || parking.poll_limit.load(Ordering::Relaxed);
        // Each wait ends only after as many polls as it may take, as one does for which another thread is late.
        let delayed = |polls: u32| {
            let left = std::cell::Cell::new(polls);
            parking.wait(|| {
                left.get().checked_sub(1).map_or(Some(()), |fewer| {
                    left.set(fewer);
                    None
                })
            });
        };
        (0..16).for_each(|_| delayed(poll_limit()));
        assert_eq!(poll_limit(), POLLS_MIN);
        (0..16).for_each(|_| delayed(0));
        assert_eq!(poll_limit(), POLLS_MAX);
    }
}
