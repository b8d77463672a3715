//! The end of a worker's run: the detection of quiescence while it runs, and the counts after the stop.
//!
//! A worker with nothing to do publishes its sums. If all workers are idle and their sums balance, no message is under
//! way and the run ends. If messages are missing from the sums, they are on their way, dropped by the kernel, or lost:
//! the kernel is asked after a millisecond, and they are given up after fifty.

use super::{Worker, WorkerFailure};
use crate::protocol::Protocol;
use crate::runtime::recorder::Recorder;
use crate::sync::{MessageTotals, Quiescence};
use crate::time::Nanos;

/// The time after which missing messages are given up, with all workers idle.
const SHORT_MAX: Nanos = Nanos::from_millis(50);

/// The time for which they are missing before the kernel is asked for its drops.
const SHORT_BEFORE_ASKING: Nanos = Nanos::from_millis(1);

/// Rounds, a millisecond each, in which messages that were on their way at the stop may still turn up.
const SETTLE_ROUNDS: u32 = 50;

/// Sums by which messages have been missing for a while.
#[derive(Clone, Copy)]
pub(super) struct Shortfall {
    since: Nanos,
    sums: MessageTotals,
    /// True if this worker has asked the kernel for its drops meanwhile.
    asked: bool,
}

impl Shortfall {
    /// Returns the time at which the missing messages are given up.
    pub(super) fn given_up_at(&self) -> Nanos {
        self.since + SHORT_MAX
    }
}

impl<P: Protocol, C: Recorder> Worker<'_, P, C> {
    /// Publishes this worker as idle, and notes the rest of the run if no message can arrive any more.
    pub(super) fn look_for_quiescence(&mut self, now: Nanos) -> Result<(), WorkerFailure> {
        self.shared.termination.count_poll(self.index);
        if !self.posted {
            self.post(0);
        }
        match self.shared.termination.quiescence() {
            Quiescence::Busy => self.short = None,
            Quiescence::Idle(sums) if sums.sent == sums.received + sums.dropped => self.shared.rest(),
            Quiescence::Idle(sums) => self.wait_for_the_missing(now, sums)?,
        }
        Ok(())
    }

    /// Waits while all workers are idle and messages are missing: under way for a moment, dropped by the kernel, or
    /// lost.
    fn wait_for_the_missing(&mut self, now: Nanos, sums: MessageTotals) -> Result<(), WorkerFailure> {
        // Other sums mean that a message has turned up, so the wait begins anew.
        let known = self.short.filter(|short| short.sums == sums);
        if known.is_none() {
            self.shared.termination.remember_polls(&mut self.polls_then);
        }
        let short = self.short.insert(known.unwrap_or(Shortfall { since: now, sums, asked: false }));
        let short_for = now.since(short.since);
        // Time alone proves nothing: a worker that waits for a core looks idle with messages in its socket.
        if short_for >= SHORT_MAX && self.shared.termination.all_polled_since(&self.polls_then) {
            self.shared.rest();
        } else if short_for >= SHORT_BEFORE_ASKING && !std::mem::replace(&mut short.asked, true) {
            self.carrier.count_drops()?;
            // The drops may explain the missing messages, so all workers must see them.
            self.post(0);
        }
        Ok(())
    }

    /// Publishes this worker's sums, as handed to the carrier; `found` messages were drained after the stop.
    fn post(&mut self, found: u64) {
        let record = &self.shard.record;
        // After the stop the sums serve the ledger, which covers upkeep too.
        if self.protocol.has_upkeep() && !self.shared.stop.is_raised() {
            return self.post_without_upkeep();
        }
        let dropped = self.carrier.counts().lost();
        let sent = self.emulator.as_ref().map_or(record.sent, |emulator| emulator.handed);
        self.shared
            .termination
            .set_idle(self.index, MessageTotals { sent, received: record.received + found, dropped });
        self.posted = true;
    }

    /// Publishes the sums without upkeep, which holds no run open. A drop may have been upkeep, so drops are not
    /// published: missing messages are given up in time.
    fn post_without_upkeep(&mut self) {
        let record = &self.shard.record;
        let sent = match &self.emulator {
            Some(emulator) => emulator.handed - emulator.handed_upkeep,
            None => record.sent - record.upkeep.sent_in_all(),
        };
        let received = record.received - record.upkeep.received;
        self.shared.termination.set_idle(self.index, MessageTotals { sent, received, dropped: 0 });
        self.posted = true;
    }

    /// Takes back, after the stop, the messages that the carrier accepted and did not send: they were never sent, or
    /// are still in the modelled network.
    pub(super) fn take_back(&mut self) {
        if let Some(emulator) = &mut self.emulator {
            return emulator.close(self.carrier.unsent().len() as u64);
        }
        let unsent = self.carrier.unsent();
        self.shard.log_taken_back(&unsent, self.carrier.now());
        for message in unsent {
            self.shard.take_back(&message);
        }
    }

    /// Finds and counts, after the stop, the messages that are still under way once no worker sends any more.
    pub(super) fn settle(&mut self) -> Result<(), WorkerFailure> {
        self.shared.end.wait()?;
        // Several rounds, because the kernel may deliver a datagram a moment after its sender has stopped.
        for round in 1.. {
            self.carrier.drain()?;
            self.carrier.count_drops()?;
            self.post(self.carrier.counts().drained);
            self.shared.end.wait()?;
            // No worker publishes between these two barriers, so all workers see the same sums and reach the same
            // conclusion.
            let balance = self.shared.termination.quiescence();
            self.shared.end.wait()?;
            // The kernel counts dropped strays as well, so drops may exceed the missing messages.
            let is_even = matches!(balance, Quiescence::Idle(sums) if sums.sent <= sums.received + sums.dropped);
            if is_even || round == SETTLE_ROUNDS {
                break;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
        Ok(())
    }
}
