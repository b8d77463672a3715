//! The standard library's monotonic clock. A run has one process here, so no other needs to share its zero.

use std::sync::OnceLock;
use std::time::Instant;

/// Reads the clock, in nanoseconds since it was first read in this process.
#[expect(clippy::disallowed_methods, reason = "the clock is this room's to read")]
pub(crate) fn monotonic_ns() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    u64::try_from(FIRST.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}
