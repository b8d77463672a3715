//! The cause of a run's end.

use serde::Serialize;

/// The cause of a run's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum End {
    /// The target was reached.
    Target = 1,
    /// No message was in flight and every protocol idle.
    Quiescent,
    /// The time limit passed.
    Timeout,
    /// The user stopped it.
    Interrupted,
    /// Messages under way had used up the memory that was left for them.
    OutOfMemory,
    /// The instant came at which it was to end.
    Instant,
}

impl End {
    /// Returns true if the run ended from outside: no seed decides how far it came, so it has no digest.
    pub const fn is_cut_short(self) -> bool {
        matches!(self, End::Interrupted | End::OutOfMemory)
    }
}
