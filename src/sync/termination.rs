//! Who is idle, and what each worker has sent and received: enough to know that nothing will ever come.
//!
//! A worker posts its sums when it runs out of work, and takes its idle mark down before it handles a message. Whoever
//! wants to know reads all slots twice. If all were idle and nothing changed between the two readings, then at every
//! instant between them each worker had just the posted sums, so messages in flight = sent - received - dropped at one
//! common instant (Mattern 1987, the four-counter method). A worker that has taken a message from its socket but not yet
//! taken its mark down has not posted it either, so the sums are short and nobody is fooled.
//!
//! Sums that stay short mean loss only if nobody has anything to read. A worker that waits for a core looks idle for as
//! long as that takes, so each counts its looks that found nothing, and shortness is believed once all have looked again.

#![allow(unsafe_code)]

use super::Arena;
use super::arena::{Placed, Zeroed};
use super::atomic::{AtomicBool, AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// What a worker has sent, received, and knows to be dropped on its way in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageTotals {
    /// Messages the carrier took.
    pub sent: u64,
    /// Messages received and handled.
    pub received: u64,
    /// Messages the kernel dropped before this worker's nodes, where known.
    pub dropped: u64,
}

/// What the board says of the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiescence {
    /// Some worker is at work, or was between the readings.
    Busy,
    /// All are idle; these are the sums of all.
    Idle(MessageTotals),
}

/// One slot per worker.
pub struct TerminationDetector {
    slots: Placed<[CachePadded<WorkerCell>]>,
}

#[derive(Default)]
struct WorkerCell {
    idle: AtomicBool,
    sent: AtomicU64,
    received: AtomicU64,
    dropped: AtomicU64,
    looks: AtomicU64,
}

// SAFETY: atomics, each 0 at first: at work, with nothing sent, received, dropped or looked for.
unsafe impl Zeroed for WorkerCell {}

/// How often each worker had looked for messages and found none, at some time.
pub struct PollCounts(Box<[u64]>);

impl TerminationDetector {
    /// A board on which all `workers` are at work.
    pub fn new(arena: &mut Arena, workers: usize) -> TerminationDetector {
        TerminationDetector { slots: arena.many(workers) }
    }

    /// Takes a worker's idle mark down. Call before handling a message.
    pub fn set_busy(&self, worker: usize) {
        // Ordering: SeqCst, as all of this file: the proof above speaks of instants common to all workers. These calls
        // happen when work runs out or comes back, not per message.
        self.slots[worker].idle.store(false, Ordering::SeqCst);
    }

    /// Posts a worker's sums and puts its idle mark up.
    pub fn set_idle(&self, worker: usize, sums: MessageTotals) {
        let slot = &self.slots[worker];
        // Ordering: SeqCst; the sums stand before the mark does.
        slot.sent.store(sums.sent, Ordering::SeqCst);
        // Ordering: SeqCst; as above.
        slot.received.store(sums.received, Ordering::SeqCst);
        // Ordering: SeqCst; as above.
        slot.dropped.store(sums.dropped, Ordering::SeqCst);
        // Ordering: SeqCst; last, so that who sees the mark sees the sums.
        slot.idle.store(true, Ordering::SeqCst);
    }

    /// Counts that a worker has looked for messages and found none.
    pub fn count_poll(&self, worker: usize) {
        let looks = &self.slots[worker].looks;
        // Ordering: Relaxed; the slot's worker is the only writer.
        let before = looks.load(Ordering::Relaxed);
        // Ordering: SeqCst; as above. A look that is seen was over before it was.
        looks.store(before + 1, Ordering::SeqCst);
    }

    /// Room to remember everybody's looks.
    pub fn poll_counts(&self) -> PollCounts {
        PollCounts(self.slots.iter().map(|_| 0).collect())
    }

    /// Remembers everybody's looks as they are now.
    pub fn remember_polls(&self, looks: &mut PollCounts) {
        for (look, slot) in looks.0.iter_mut().zip(&*self.slots) {
            // Ordering: SeqCst; as above.
            *look = slot.looks.load(Ordering::SeqCst);
        }
    }

    /// Whether everybody has begun a look since then, and ended it with nothing found: two more looks, for the first may
    /// have begun before.
    pub fn all_polled_since(&self, then: &PollCounts) -> bool {
        // Ordering: SeqCst; as above.
        then.0.iter().zip(&*self.slots).all(|(&look, slot)| slot.looks.load(Ordering::SeqCst) >= look + 2)
    }

    /// Reads the board twice.
    pub fn quiescence(&self) -> Quiescence {
        match (self.read(), self.read()) {
            (Some(first), Some(second)) if first == second => Quiescence::Idle(first),
            _ => Quiescence::Busy,
        }
    }

    /// The sums of all workers, or `None` if one is at work. Each sum only grows, so equal totals mean equal parts.
    fn read(&self) -> Option<MessageTotals> {
        let mut total = MessageTotals::default();
        for slot in &*self.slots {
            // Ordering: SeqCst; received before sent, so that a message between two reads shows as in flight, not as
            // received from nowhere.
            let received = slot.received.load(Ordering::SeqCst);
            // Ordering: SeqCst; as above.
            let dropped = slot.dropped.load(Ordering::SeqCst);
            // Ordering: SeqCst; as above.
            let sent = slot.sent.load(Ordering::SeqCst);
            // Ordering: SeqCst; last, so that sums read from a slot that was at work meanwhile are not used.
            if !slot.idle.load(Ordering::SeqCst) {
                return None;
            }
            total.received += received;
            total.dropped += dropped;
            total.sent += sent;
        }
        Some(total)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_worker_at_work_keeps_all_busy() {
        let termination = TerminationDetector::new(&mut Arena::heap(), 2);
        assert_eq!(termination.quiescence(), Quiescence::Busy);
        termination.set_idle(0, MessageTotals { sent: 3, received: 0, dropped: 0 });
        assert_eq!(termination.quiescence(), Quiescence::Busy);
        termination.set_idle(1, MessageTotals { sent: 0, received: 2, dropped: 1 });
        assert_eq!(termination.quiescence(), Quiescence::Idle(MessageTotals { sent: 3, received: 2, dropped: 1 }));
        termination.set_busy(0);
        assert_eq!(termination.quiescence(), Quiescence::Busy);
    }

    #[test]
    fn a_look_that_may_have_begun_before_does_not_count() {
        let termination = TerminationDetector::new(&mut Arena::heap(), 2);
        let mut then = termination.poll_counts();
        termination.count_poll(0);
        termination.remember_polls(&mut then);
        for worker in [0, 0, 1] {
            termination.count_poll(worker);
        }
        assert!(!termination.all_polled_since(&then));
        termination.count_poll(1);
        assert!(termination.all_polled_since(&then));
    }
}
