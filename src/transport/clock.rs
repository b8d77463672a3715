//! The clock of the real carriers: the system's monotonic clock, counted from a base that all workers share.

#![cfg_attr(all(target_os = "linux", not(portable)), allow(unsafe_code))]

use crate::time::Nanos;

/// A reader of the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: u64,
}

impl Clock {
    /// Creates a clock whose zero is now. Its copies agree.
    pub fn start() -> Clock {
        Clock { base: monotonic() }
    }

    /// Creates a clock from another one's [`Clock::base`], perhaps of another process on this machine.
    pub fn from_base(base: u64) -> Clock {
        Clock { base }
    }

    /// Its zero, in nanoseconds since the system's.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The time since the base.
    #[inline]
    pub fn now(&self) -> Nanos {
        Nanos(monotonic().saturating_sub(self.base))
    }
}

/// Nanoseconds since an instant that all processes of the machine share.
#[cfg(all(target_os = "linux", not(portable)))]
#[inline]
fn monotonic() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable and of the type the call expects. The call fails for unknown clocks only.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds since the first call. Other systems need no common instant because a run there has one process.
#[cfg(not(all(target_os = "linux", not(portable))))]
#[expect(clippy::disallowed_methods, reason = "the clock of real carriers is this room's to read")]
fn monotonic() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;

    static FIRST: OnceLock<Instant> = OnceLock::new();
    u64::try_from(FIRST.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(loom)))]
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
