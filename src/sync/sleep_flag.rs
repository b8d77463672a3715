//! Wakes a worker that sleeps, and costs nothing but a look while it does not.
//!
//! ```text
//! sleeper                        sender
//! lie_down: asleep = true        publish a message
//!           fence                after_publishing: fence
//! look for messages once more    rings: read asleep
//! sleep if there are none        wake the sleeper if it is up
//! ```
//!
//! Each writes, fences, then reads what the other wrote. Of two such fences one comes first, so that either the sleeper
//! sees the message or the sender sees the sleeper; no message waits for a worker that sleeps.

use super::atomic::{AtomicBool, Ordering, fence};
use crossbeam_utils::CachePadded;

/// Whether one worker is asleep.
#[derive(Default)]
pub struct SleepFlag {
    asleep: CachePadded<AtomicBool>,
}

impl SleepFlag {
    /// The sleep flag of a worker that is awake.
    pub fn new() -> SleepFlag {
        SleepFlag::default()
    }

    /// Says that the caller, its owner, is about to sleep. It must look for messages once more before it does.
    pub fn prepare_sleep(&self) {
        // Ordering: Relaxed; the fence below orders it before the caller's last look.
        self.asleep.store(true, Ordering::Relaxed);
        // Ordering: SeqCst; partner: the fence in `after_publishing`.
        fence(Ordering::SeqCst);
    }

    /// Says that the owner is awake again.
    pub fn cancel_sleep(&self) {
        // Ordering: Relaxed; a sender that still reads the old value wakes a waking worker, which does no harm.
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Whether the owner is asleep and nobody else has taken it on to wake it. Call after [`after_publishing`].
    #[inline]
    pub fn take_wake(&self) -> bool {
        // Ordering: Relaxed; the caller's fence orders it behind the caller's publication.
        let asleep = self.asleep.load(Ordering::Relaxed);
        // Ordering: Relaxed; of several senders one takes the waking on, whichever.
        asleep && self.asleep.swap(false, Ordering::Relaxed)
    }
}

/// Orders the caller's publications, all of a batch, before its looks at the sleep flag.
#[inline]
pub fn after_publishing() {
    // Ordering: SeqCst; partner: the fence in `lie_down`.
    fence(Ordering::SeqCst);
}
