//! Detects that a run has come to rest, from which workers are idle and what each has sent and received.
//!
//! A worker publishes its sums when it runs out of work, and clears its idle mark before it handles a message. A reader
//! reads all cells twice. If all were idle and nothing changed between the two readings, then at every instant between
//! them each worker had exactly the published sums, so messages in flight = sent - received - dropped at one common
//! instant (Mattern 1987, the four-counter method). A worker that has taken a message from its socket but not yet
//! cleared its mark has not published it either, so the sums still show the message in flight.
//!
//! Sums that stay unequal mean loss only if no worker has anything to read. A worker that waits for a core looks idle
//! until it gets one, so each counts its polls that found nothing, and messages are believed missing once all workers
//! have polled again.

#![allow(unsafe_code)]

use super::Arena;
use super::arena::{Placed, Zeroed};
use super::atomic::{AtomicBool, AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// Totals of messages that a worker has sent, received, and knows to be dropped on their way in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageTotals {
    /// Messages that the carrier accepted.
    pub sent: u64,
    /// Messages received and handled.
    pub received: u64,
    /// Messages that the kernel dropped before this worker's nodes, where known.
    pub dropped: u64,
}

/// The state of the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiescence {
    /// Some worker is at work, or was between the readings.
    Busy,
    /// All are idle; these are the sums of all.
    Idle(MessageTotals),
}

/// A four-counter termination detector with one cell per worker.
pub struct TerminationDetector {
    slots: Placed<[CachePadded<WorkerCell>]>,
}

#[derive(Default)]
struct WorkerCell {
    idle: AtomicBool,
    sent: AtomicU64,
    received: AtomicU64,
    dropped: AtomicU64,
    polls: AtomicU64,
}

// SAFETY: atomics, each initially 0: at work, with nothing sent, received, dropped or polled.
unsafe impl Zeroed for WorkerCell {}

/// Each worker's number of empty polls at one instant.
pub struct PollCounts(Box<[u64]>);

impl TerminationDetector {
    /// Creates a detector on which all `workers` are at work.
    pub fn new(arena: &mut Arena, workers: usize) -> TerminationDetector {
        TerminationDetector { slots: arena.many(workers) }
    }

    /// Clears a worker's idle mark. Call before handling a message.
    pub fn set_busy(&self, worker: usize) {
        // Ordering: SeqCst, as in all of this file: the proof above speaks of instants common to all workers. These
        // calls happen when work runs out or comes back, not per message.
        self.slots[worker].idle.store(false, Ordering::SeqCst);
    }

    /// Publishes a worker's sums and sets its idle mark.
    pub fn set_idle(&self, worker: usize, sums: MessageTotals) {
        let slot = &self.slots[worker];
        // Ordering: SeqCst; the sums are stored before the mark.
        slot.sent.store(sums.sent, Ordering::SeqCst);
        // Ordering: SeqCst; as above.
        slot.received.store(sums.received, Ordering::SeqCst);
        // Ordering: SeqCst; as above.
        slot.dropped.store(sums.dropped, Ordering::SeqCst);
        // Ordering: SeqCst; last, so that a reader that sees the mark sees the sums.
        slot.idle.store(true, Ordering::SeqCst);
    }

    /// Counts a poll of a worker that found no messages.
    pub fn count_poll(&self, worker: usize) {
        let polls = &self.slots[worker].polls;
        // Ordering: Relaxed; the cell's worker is the only writer.
        let before = polls.load(Ordering::Relaxed);
        // Ordering: SeqCst; as above. A poll that is seen was over before it was counted.
        polls.store(before + 1, Ordering::SeqCst);
    }

    /// Creates room for the poll counts of all workers.
    pub fn poll_counts(&self) -> PollCounts {
        PollCounts(self.slots.iter().map(|_| 0).collect())
    }

    /// Copies the present poll counts of all workers.
    pub fn remember_polls(&self, polls: &mut PollCounts) {
        for (polled, slot) in polls.0.iter_mut().zip(&*self.slots) {
            // Ordering: SeqCst; as above.
            *polled = slot.polls.load(Ordering::SeqCst);
        }
    }

    /// Returns true if every worker has begun a poll since `then`, and ended it with nothing found. That takes two more
    /// polls, because the first may have begun before.
    pub fn all_polled_since(&self, then: &PollCounts) -> bool {
        // Ordering: SeqCst; as above.
        then.0.iter().zip(&*self.slots).all(|(&polled, slot)| slot.polls.load(Ordering::SeqCst) >= polled + 2)
    }

    /// Reads all cells twice.
    pub fn quiescence(&self) -> Quiescence {
        match (self.read(), self.read()) {
            (Some(first), Some(second)) if first == second => Quiescence::Idle(first),
            _ => Quiescence::Busy,
        }
    }

    /// Returns the sums of all workers, or `None` if one is at work. Each sum only grows, so equal totals mean equal
    /// parts.
    fn read(&self) -> Option<MessageTotals> {
        let mut total = MessageTotals::default();
        for slot in &*self.slots {
            // Ordering: SeqCst; received before sent, so that a message between two reads shows as in flight, not as
            // received without having been sent.
            let received = slot.received.load(Ordering::SeqCst);
            // Ordering: SeqCst; as above.
            let dropped = slot.dropped.load(Ordering::SeqCst);
            // Ordering: SeqCst; as above.
            let sent = slot.sent.load(Ordering::SeqCst);
            // Ordering: SeqCst; last, so that sums read from a cell whose worker was at work meanwhile are not used.
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
    fn a_poll_that_may_have_begun_before_does_not_count() {
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
