//! The trace of a run on a carrier: the messages that a shard sends and receives.

use super::RealtimeShard;
use crate::message::Message;
use crate::runtime::message_log::{MessageLog, received_fate};
use crate::runtime::recorder::Recorder;
use crate::time::Nanos;
use crate::trace::{MessageFate, TraceWriter};
use crate::transport::Arrival;
use crate::wire::control_bytes;

impl<C: Recorder> RealtimeShard<'_, C> {
    /// Returns true if the run has a trace.
    #[inline]
    pub(in crate::runtime) fn is_traced(&self) -> bool {
        self.log.is_some()
    }

    /// Returns true if the trace could not be written.
    pub(in crate::runtime) fn trace_has_failed(&self) -> bool {
        self.log.as_ref().is_some_and(MessageLog::has_failed)
    }

    /// Logs the first `count` messages of the offer as sent at `now`.
    pub(in crate::runtime) fn log_sends(&mut self, count: usize, now: Nanos) {
        let Some(log) = &mut self.log else { return };
        for message in self.outbox.offered(count) {
            let bytes = bytes_sent(message, self.encodes, &self.message_bytes, self.part_bytes);
            log.add(message, now, bytes, MessageFate::Sent);
        }
    }

    /// Logs messages that were taken back at `now`.
    pub(in crate::runtime) fn log_taken_back(&mut self, messages: &[Message], now: Nanos) {
        let Some(log) = &mut self.log else { return };
        for message in messages {
            let bytes = bytes_sent(message, self.encodes, &self.message_bytes, self.part_bytes);
            log.add(message, now, bytes, MessageFate::TakenBack);
        }
    }

    /// Returns the counts by which the fate of the next message is told: duplicates and expired messages so far.
    pub(in crate::runtime) fn receipts_before(&self) -> [u64; 2] {
        [self.record.duplicates, self.record.expired]
    }

    /// Logs a message that was received at `now`; `before` are the duplicates and expired messages before it.
    pub(in crate::runtime) fn log_receipt(&mut self, arrival: &Arrival, now: Nanos, before: [u64; 2]) {
        let Some(log) = &mut self.log else { return };
        let bytes = if self.encodes { arrival.bytes } else { 0 };
        log.add(&arrival.message, now, bytes, received_fate(before, &self.record));
    }

    /// Returns the writer of the trace, at the end of the run.
    pub(in crate::runtime) fn take_trace(&mut self) -> Option<TraceWriter> {
        self.log.take().map(MessageLog::into_writer)
    }
}

/// Returns the bytes of a message on the wire, given those of each order and of a part; 0 if the carrier encodes
/// nothing.
fn bytes_sent(message: &Message, encodes: bool, message_bytes: &[u32], part_bytes: u32) -> u32 {
    match message.kind.is_control() {
        _ if !encodes => 0,
        true if message.kind.is_part() => part_bytes,
        true => control_bytes(message.tail.into()) as u32,
        false => message_bytes[message.order.index()],
    }
}
