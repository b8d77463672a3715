//! The messages that one worker saw, for a trace: each that it sent, and each that it received.
//!
//! A worker knows of a message what it sees at its own end. No clock and no order is shared but that of the machine, so
//! that sends and receipts are two lists and not one.

use crate::message::Message;
use crate::record::WorkerRecord;
use crate::time::Nanos;
use crate::trace::{MessageFate, TraceWriter, TracedMessage};

/// The log of one worker.
pub(super) struct MessageLog {
    writer: TraceWriter,
    /// Messages so far, which tells those of one time and one pair of nodes apart.
    messages: u32,
}

impl MessageLog {
    pub(super) fn new(writer: TraceWriter) -> MessageLog {
        MessageLog { writer, messages: 0 }
    }

    /// Adds a message of this many bytes.
    pub(super) fn add(&mut self, message: &Message, time: Nanos, bytes: u32, fate: MessageFate) {
        let Message { to, from, order, hop, kind, .. } = *message;
        let (decided, sent, sequence) = (time, time, self.messages);
        self.messages = self.messages.wrapping_add(1);
        self.writer.put(TracedMessage { decided, to, from, sequence, sent, order, bytes, kind, hop, fate }, false);
    }

    /// Returns true if messages could not be written.
    pub(super) fn has_failed(&self) -> bool {
        self.writer.has_failed()
    }

    pub(super) fn into_writer(self) -> TraceWriter {
        self.writer
    }
}

/// Returns the fate of a message that was counted between two states of a worker's record.
pub(super) fn received_fate(before: [u64; 2], after: &WorkerRecord) -> MessageFate {
    let [duplicates, expired] = before;
    if after.expired > expired {
        MessageFate::Expired
    } else if after.duplicates > duplicates {
        MessageFate::Duplicate
    } else {
        MessageFate::Delivered
    }
}
