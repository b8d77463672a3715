//! The first step of a worker's turn: messages that wait go to the carrier, or enter the modelled network.

use super::{Worker, WorkerFailure};
use crate::message::{Message, MessageBatch};
use crate::protocol::Protocol;
use crate::runtime::recorder::Recorder;

impl<P: Protocol, C: Recorder> Worker<'_, P, C> {
    /// 1. Sends waiting messages, a batch of whole forwards. Those that the carrier does not accept keep their place.
    pub(super) fn send_some(&mut self) -> Result<(), WorkerFailure> {
        if self.emulator.is_some() {
            return self.send_through_the_model();
        }
        // Before the messages leave, so that none is received before it was sent.
        let now = self.shard.is_traced().then(|| self.carrier.now());
        let MessageBatch { messages, tails } = self.shard.offer();
        if !messages.is_empty() {
            let messages = &messages[..messages.len().min(self.offer_max)];
            let taken = self.carrier.send(MessageBatch { messages, tails })?;
            if let Some(now) = now {
                self.shard.log_sends(taken, now);
            }
            self.shard.sent::<P>(taken);
        }
        Ok(())
    }

    /// Sends through a modelled network: all waiting messages enter it, at the time of their cause, and those that are
    /// due leave it, one batch at most.
    fn send_through_the_model(&mut self) -> Result<(), WorkerFailure> {
        let Some(emulator) = &mut self.emulator else { return Ok(()) };
        // Even if the carrier is blocked: latencies count from the cause of a message.
        loop {
            let forward = self.shard.next_forward();
            let Some(&Message { order, kind, .. }) = forward.messages.first() else { break };
            let (sent, passed) =
                (forward.messages.len(), emulator.enter(forward, self.now, self.began.unwrap_or(self.now)));
            self.shard.log_sends(sent, self.now);
            self.shard.sent::<P>(sent);
            if !kind.is_control() {
                self.shard.passed(order, passed);
            }
        }
        let due = emulator.due(self.now, self.offer_max);
        if !due.messages.is_empty() {
            let taken = self.carrier.send(due)?;
            let upkeep = if P::HAS_UPKEEP { upkeep_in(&due.messages[..taken]) } else { 0 };
            emulator.leave(taken, upkeep, self.now);
        }
        Ok(())
    }
}

/// Counts the upkeep among these messages.
fn upkeep_in(messages: &[Message]) -> u64 {
    messages.iter().filter(|message| message.kind.is_upkeep()).count() as u64
}
