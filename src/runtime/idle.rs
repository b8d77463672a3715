//! The choice of an idle worker: to poll again, to yield its core, or to sleep in the kernel.
//!
//! Sleeping saves the core but costs a wake-up of some tens of microseconds on every hop. A worker with a core of its
//! own therefore polls for a while before it sleeps. A worker that shares its core yields between polls, because the
//! message that it waits for can only come from a worker that is not running.

use crate::scenario::Spin;
use crate::time::Nanos;

/// Time for which an idle worker polls before it sleeps, under `--spin auto`.
const POLLING: Nanos = Nanos(100_000);

/// Time for which it polls before it tests for quiescence. A worker between two messages of a busy run does not test,
/// because the test costs the workers on both sides.
const ASKING: Nanos = Nanos(2_000);

/// Longest sleep before it checks again for an interrupt, the time limit and quiescence.
const SLEEP_MAX: Nanos = Nanos::from_millis(10);

/// Time before an event by which a sleeper must be awake: the kernel's poll oversleeps by up to 1.1 ms, or 2.1 ms if it
/// is asked for more than a millisecond.
const NEAR: Nanos = Nanos::from_millis(3);

/// The idle strategy of one worker.
pub(super) struct IdleStrategy {
    spin: Spin,
    has_core: bool,
    idle_since: Option<Nanos>,
}

/// The next action of a worker with nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdleAction {
    /// Poll again.
    Poll,
    /// Yield the core, then poll.
    Yield,
    /// Sleep until this instant.
    Sleep(Nanos),
}

impl IdleStrategy {
    /// Creates the strategy; `has_core` is true if the worker shares its core with no other.
    pub(super) fn new(spin: Spin, has_core: bool) -> IdleStrategy {
        IdleStrategy { spin, has_core, idle_since: None }
    }

    /// Notes that there is work.
    #[inline]
    pub(super) fn reset(&mut self) {
        self.idle_since = None;
    }

    /// Returns true if no message has arrived for so long that perhaps none ever will.
    #[inline]
    pub(super) fn is_thin(&self, now: Nanos) -> bool {
        self.spin == Spin::Never || self.idle_since.is_some_and(|since| now.since(since) >= ASKING)
    }

    /// Chooses the next action at `now`, without work and with something else to do at `due`.
    pub(super) fn next_action(&mut self, now: Nanos, due: Nanos) -> IdleAction {
        let idle = now.since(*self.idle_since.get_or_insert(now));
        let wants_sleep = self.spin == Spin::Never || self.spin == Spin::Auto && idle >= POLLING;
        // Earlier by the time that the kernel may oversleep; anything due sooner is awaited by polling.
        let until = (now + SLEEP_MAX).min(due - NEAR);
        match self.has_core {
            _ if wants_sleep && until > now => IdleAction::Sleep(until),
            true => IdleAction::Poll,
            false => IdleAction::Yield,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_polls_then_sleeps_and_work_starts_it_anew() {
        let mut idle = IdleStrategy::new(Spin::Auto, true);
        assert_eq!(idle.next_action(Nanos(5), Nanos::MAX), IdleAction::Poll);
        assert_eq!(idle.next_action(Nanos(5) + POLLING, Nanos::MAX), IdleAction::Sleep(Nanos(5) + POLLING + SLEEP_MAX));
        assert!(idle.is_thin(Nanos(5) + ASKING) && !idle.is_thin(Nanos(4) + ASKING));
        idle.reset();
        assert!(!idle.is_thin(Nanos(900_000)));
        assert_eq!(idle.next_action(Nanos(900_000), Nanos::MAX), IdleAction::Poll);
    }

    #[test]
    fn a_worker_without_a_core_yields() {
        assert_eq!(IdleStrategy::new(Spin::Auto, false).next_action(Nanos(0), Nanos::MAX), IdleAction::Yield);
        assert_eq!(IdleStrategy::new(Spin::Always, false).next_action(Nanos(0), Nanos::MAX), IdleAction::Yield);
        assert_eq!(
            IdleStrategy::new(Spin::Never, true).next_action(Nanos(0), Nanos::MAX),
            IdleAction::Sleep(SLEEP_MAX)
        );
    }

    #[test]
    fn a_worker_that_must_publish_soon_does_not_sleep() {
        let mut idle = IdleStrategy::new(Spin::Never, true);
        let now = Nanos::from_millis(100);
        assert_eq!(idle.next_action(now, now + Nanos::from_millis(5)), IdleAction::Sleep(now + Nanos::from_millis(2)));
        assert_eq!(idle.next_action(now, now + NEAR), IdleAction::Poll);
        assert_eq!(idle.next_action(now, Nanos::ZERO), IdleAction::Poll);
    }
}
