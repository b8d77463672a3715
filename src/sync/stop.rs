//! The global stop flag, which is raised once, with a cause, and never lowered; and the user's interrupt.

use super::Arena;
use super::arena::Placed;
use super::atomic::{AtomicBool, AtomicU8, Ordering};
use crossbeam_utils::CachePadded;
use std::sync::Arc;

/// A flag that keeps the first cause it was raised with. Cause 0 means "not raised".
pub struct Stop {
    cause: Placed<CachePadded<AtomicU8>>,
}

impl Stop {
    /// Creates a flag that is not raised.
    pub fn new(arena: &mut Arena) -> Stop {
        Stop { cause: arena.one() }
    }

    /// Raises the flag; returns true if `cause`, which is not 0, is the first.
    pub fn raise(&self, cause: u8) -> bool {
        debug_assert_ne!(cause, 0);
        // Ordering: Release, so that a thread that reads the cause sees what its raiser wrote before; partner: `cause`.
        // Relaxed on failure: the loser reads nothing.
        self.cause.compare_exchange(0, cause, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Returns true if the flag is raised. Read on every turn of every worker's loop.
    #[inline]
    pub fn is_raised(&self) -> bool {
        // Ordering: Relaxed; the loop only leaves on it. Data that must be visible after leaving goes through `cause`
        // or a barrier.
        self.cause.load(Ordering::Relaxed) != 0
    }

    /// Returns the first cause, 0 while the flag is not raised.
    pub fn cause(&self) -> u8 {
        // Ordering: Acquire; partner: `raise`.
        self.cause.load(Ordering::Acquire)
    }
}

/// The user's request to end, which any thread may raise at any time; shared by all runs of an experiment.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<InterruptState>);

#[derive(Debug, Default)]
struct InterruptState {
    raised: AtomicBool,
    /// An outer interrupt that counts as this one, too.
    outer: Option<Interrupt>,
    /// Set once anything was published that a report can describe.
    attended: AtomicBool,
    /// Number of polls left until the interrupt raises itself; 0 if it does not.
    #[cfg(test)]
    polls_left: super::atomic::AtomicU64,
}

impl Interrupt {
    /// Creates an interrupt that is not raised.
    pub fn new() -> Interrupt {
        Interrupt::default()
    }

    /// Creates an interrupt of its own that is also raised with this one: it ends a part without ending the whole.
    pub fn within(&self) -> Interrupt {
        Interrupt(Arc::new(InterruptState { outer: Some(self.clone()), ..InterruptState::default() }))
    }

    /// Raises the interrupt.
    pub fn raise(&self) {
        // Ordering: Relaxed; it carries nothing but itself.
        self.0.raised.store(true, Ordering::Relaxed);
    }

    /// Records that something has been published: from now on the user who interrupts waits for the measurements.
    pub fn attend(&self) {
        // Ordering: Relaxed; it carries nothing but itself.
        self.0.attended.store(true, Ordering::Relaxed);
        if let Some(outer) = &self.0.outer {
            outer.attend();
        }
    }

    /// Returns true if any run so far has published anything.
    pub fn is_attended(&self) -> bool {
        // Ordering: Relaxed; it carries nothing but itself.
        self.0.attended.load(Ordering::Relaxed)
    }

    /// Creates an interrupt that raises itself at the given poll.
    #[cfg(test)]
    pub(crate) fn after(looks: u64) -> Interrupt {
        let interrupt = Interrupt::new();
        // Ordering: Relaxed; it carries nothing but itself.
        interrupt.0.polls_left.store(looks, Ordering::Relaxed);
        interrupt
    }

    #[cfg(test)]
    fn count_poll(&self) {
        // Ordering: Relaxed; a count, and its effect is only another flag.
        let left = self.0.polls_left.load(Ordering::Relaxed);
        // Ordering: Relaxed; as above. One of two concurrent polls may be lost, which delays the interrupt by a poll.
        self.0.polls_left.store(left.saturating_sub(1), Ordering::Relaxed);
        if left == 1 {
            self.raise();
        }
    }

    /// Returns true if this interrupt or an outer one was raised.
    #[inline]
    pub fn is_raised(&self) -> bool {
        #[cfg(test)]
        self.count_poll();
        // Ordering: Relaxed; it carries nothing but itself.
        self.0.raised.load(Ordering::Relaxed) || self.0.outer.as_ref().is_some_and(Interrupt::is_raised)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_with_the_whole_and_not_the_whole_with_a_part() {
        let whole = Interrupt::new();
        let [one, other] = [whole.within(), whole.within()];
        one.raise();
        assert!(one.is_raised() && !other.is_raised() && !whole.is_raised());
        whole.raise();
        assert!(other.is_raised() && whole.within().is_raised());
        one.attend();
        assert!(one.is_attended() && whole.is_attended() && !other.is_attended());
    }
}
