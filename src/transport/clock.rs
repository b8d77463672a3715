//! The clock of the real carriers: the system's monotonic one, counted from a base that all workers share.

use crate::time::Nanos;
use std::time::Instant;

/// Reads the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: Instant,
}

impl Clock {
    /// A clock whose zero is now. Its copies agree.
    #[expect(clippy::disallowed_methods, reason = "the clock of real carriers is this room's to read")]
    pub fn start() -> Clock {
        Clock { base: Instant::now() }
    }

    /// The time since the base.
    #[inline]
    pub fn now(&self) -> Nanos {
        Nanos(u64::try_from(self.base.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}
