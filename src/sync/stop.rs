//! The global stop flag. It is raised once, with a cause, and never lowered.

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
    /// A flag that is down.
    pub fn new(arena: &mut Arena) -> Stop {
        Stop { cause: arena.one() }
    }

    /// Raises the flag; true if `cause`, which is not 0, is the first.
    pub fn raise(&self, cause: u8) -> bool {
        debug_assert_ne!(cause, 0);
        // Ordering: Release, so that who reads the cause sees what its raiser wrote before; partner: `cause`. Relaxed on
        // failure: the loser reads nothing.
        self.cause.compare_exchange(0, cause, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Whether the flag is up. Read on every turn of every worker's loop.
    #[inline]
    pub fn is_raised(&self) -> bool {
        // Ordering: Relaxed; the loop only leaves on it. What must be seen after leaving goes through `cause` or a barrier.
        self.cause.load(Ordering::Relaxed) != 0
    }

    /// The first cause, 0 while the flag is down.
    pub fn cause(&self) -> u8 {
        // Ordering: Acquire; partner: `raise`.
        self.cause.load(Ordering::Acquire)
    }
}

/// The user's wish to end, which any thread may utter at any time; shared by all runs of an experiment.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<InterruptState>);

#[derive(Default)]
struct InterruptState {
    uttered: AtomicBool,
    /// A wish that counts as this one, too.
    outer: Option<Interrupt>,
    /// Whether anything was published that a report can tell of.
    attended: AtomicBool,
    /// How many looks are left until it utters itself, where that is wished for.
    #[cfg(test)]
    looks_left: super::atomic::AtomicU64,
}

impl Interrupt {
    /// A wish not yet uttered.
    pub fn new() -> Interrupt {
        Interrupt::default()
    }

    /// A wish of its own, which is raised with this one, too: to end a part without ending the whole.
    pub fn within(&self) -> Interrupt {
        Interrupt(Arc::new(InterruptState { outer: Some(self.clone()), ..InterruptState::default() }))
    }

    /// Utters it.
    pub fn raise(&self) {
        // Ordering: Relaxed; it carries nothing but itself.
        self.0.uttered.store(true, Ordering::Relaxed);
    }

    /// Tells that something has been published: from now on whoever utters the wish waits for what was measured.
    pub fn attend(&self) {
        // Ordering: Relaxed; it carries nothing but itself.
        self.0.attended.store(true, Ordering::Relaxed);
        if let Some(outer) = &self.0.outer {
            outer.attend();
        }
    }

    /// Whether anything has been published, by any run so far.
    pub fn is_attended(&self) -> bool {
        // Ordering: Relaxed; it carries nothing but itself.
        self.0.attended.load(Ordering::Relaxed)
    }

    /// A wish that utters itself at the so-manieth look at it.
    #[cfg(test)]
    pub(crate) fn after(looks: u64) -> Interrupt {
        let interrupt = Interrupt::new();
        // Ordering: Relaxed; it carries nothing but itself.
        interrupt.0.looks_left.store(looks, Ordering::Relaxed);
        interrupt
    }

    #[cfg(test)]
    fn count_look(&self) {
        // Ordering: Relaxed; a count, and what it leads to is one, too.
        let left = self.0.looks_left.load(Ordering::Relaxed);
        // Ordering: Relaxed; as above. Of two who look at once one may be lost, which makes it a look later.
        self.0.looks_left.store(left.saturating_sub(1), Ordering::Relaxed);
        if left == 1 {
            self.raise();
        }
    }

    /// Whether it was uttered.
    #[inline]
    pub fn is_raised(&self) -> bool {
        #[cfg(test)]
        self.count_look();
        // Ordering: Relaxed; it carries nothing but itself.
        self.0.uttered.load(Ordering::Relaxed) || self.0.outer.as_ref().is_some_and(Interrupt::is_raised)
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
