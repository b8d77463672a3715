//! Wakes a sleeping worker, at the cost of one load while it is awake.
//!
//! ```text
//! sleeper                        sender
//! prepare_sleep: asleep = true   publish a message
//!                fence           after_publishing: fence
//! poll for messages once more    take_wake: read asleep
//! sleep if there are none        wake the sleeper if it is set
//! ```
//!
//! Each side writes, fences, then reads what the other wrote. Of two such fences one comes first, so either the sleeper
//! sees the message or the sender sees the flag; no message waits for a sleeping worker.

use super::atomic::{AtomicBool, Ordering, fence};
use crossbeam_utils::CachePadded;

/// A flag that is set while one worker is asleep.
#[derive(Default)]
pub struct SleepFlag {
    asleep: CachePadded<AtomicBool>,
}

impl SleepFlag {
    /// Creates the flag of a worker that is awake.
    pub fn new() -> SleepFlag {
        SleepFlag::default()
    }

    /// Announces that the caller, the flag's owner, is about to sleep. It must poll for messages once more before it
    /// does.
    pub fn prepare_sleep(&self) {
        // Ordering: Relaxed; the fence below orders it before the caller's last poll.
        self.asleep.store(true, Ordering::Relaxed);
        // Ordering: SeqCst; partner: the fence in `after_publishing`.
        fence(Ordering::SeqCst);
    }

    /// Announces that the owner is awake again.
    pub fn cancel_sleep(&self) {
        // Ordering: Relaxed; a sender that still reads the old value wakes a worker that is awake, which does no harm.
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Claims the wake-up of the owner: true if it is asleep and no other sender has claimed it. Call after
    /// [`after_publishing`].
    #[inline]
    pub fn take_wake(&self) -> bool {
        // Ordering: Relaxed; the caller's fence orders it behind the caller's publication.
        let asleep = self.asleep.load(Ordering::Relaxed);
        // Ordering: Relaxed; exactly one of several senders claims the wake-up, and it does not matter which.
        asleep && self.asleep.swap(false, Ordering::Relaxed)
    }
}

/// Returns the orders the caller's publications, a whole batch of them, before its reads of the sleep flags.
#[inline]
pub fn after_publishing() {
    // Ordering: SeqCst; partner: the fence in `prepare_sleep`.
    fence(Ordering::SeqCst);
}
