//! The clock of the real carriers: the system's monotonic clock, counted from a base that all workers share.

use crate::sys::monotonic_ns;
use crate::time::Nanos;

/// A reader of the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: u64,
}

impl Clock {
    /// Creates a clock whose zero is now. Its copies agree.
    pub fn start() -> Clock {
        Clock { base: monotonic_ns() }
    }

    /// Creates a clock from another one's [`Clock::base`], perhaps of another process on this machine.
    pub fn from_base(base: u64) -> Clock {
        Clock { base }
    }

    /// Returns its zero, in nanoseconds since the system's.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Returns the time since the base.
    #[inline]
    pub fn now(&self) -> Nanos {
        Nanos(monotonic_ns().saturating_sub(self.base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_with_one_base_agree_and_go_forward() {
        let clock = Clock::start();
        let first = clock.now();
        let second = Clock::from_base(clock.base()).now();
        assert!(first <= second && second < first + Nanos::from_secs(60));
    }
}
