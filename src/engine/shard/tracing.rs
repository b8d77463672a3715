//! The rows of a traced run.
//!
//! | fate | decided |
//! |---|---|
//! | delivered, duplicate, expired | when the node receives the message, after its downlink and its processing |
//! | down | when the message reaches the node, or has passed its downlink |
//! | dropped | when the message reaches the full queue of the downlink |
//! | lost, cut | when the message leaves its sender: its last bit has left the uplink |
//! | uplink_dropped | when the message is offered to the full queue of the uplink |
//! | under_way | at the end of the run |
//!
//! A message that waits for its uplink at the end was never sent and has no row, as in the ledger. Without a trace all
//! of this is compiled away: [`Tail::IS_STAMPED`] is false.

use super::{VirtualContext, VirtualShard, message_bytes};
use crate::engine::journal::{JournalEntry, JournalEvent};
use crate::engine::pending_event::{EventSink, EventStage, PendingEvent};
use crate::ids::OrderIndex;
use crate::message::{Message, Tail};
use crate::time::Nanos;
use crate::trace::{MessageFate, TraceWriter, TracedMessage};

/// The trace of a shard.
pub(super) struct ShardTrace {
    writer: TraceWriter,
    /// The fate that the protocol gave the order of a message, since the message was handed over.
    receipt: Option<(OrderIndex, MessageFate)>,
    /// The last instant of which every event counts, however the run ends.
    counted_until: Nanos,
}

impl ShardTrace {
    pub(super) fn new(writer: TraceWriter) -> ShardTrace {
        ShardTrace { writer, receipt: None, counted_until: Nanos::ZERO }
    }
}

impl<S: EventSink> VirtualContext<'_, '_, S> {
    /// Records the fate of a pending message at its receiver, decided now.
    #[inline(always)]
    pub(super) fn trace_arrival(&mut self, pending: &PendingEvent<S::Tail>, fate: MessageFate) {
        if S::Tail::IS_STAMPED {
            let (sequence, times) = (pending.sequence, [pending.tail.sent(), self.event.now]);
            self.shard.trace(&pending.message, sequence, times, fate);
        }
    }
}

impl<S: EventSink> VirtualShard<'_, S> {
    /// Records the fate of a message; `times` are those of sending and of the decision.
    pub(super) fn trace(&mut self, message: &Message, sequence: u32, times: [Nanos; 2], fate: MessageFate) {
        if !S::Tail::IS_STAMPED {
            return;
        }
        let row = traced(message, sequence, times, message_bytes(self.setup, message), fate);
        if let Some(trace) = &mut self.trace {
            trace.writer.put(row, self.is_tentative);
        }
    }

    /// Returns the fate of a message that its node has received, and that the protocol has handled.
    pub(super) fn received_fate(&self, message: &Message) -> MessageFate {
        match self.trace.as_ref().and_then(|trace| trace.receipt) {
            Some((order, fate)) if !message.kind.is_control() && order == message.order => fate,
            _ => MessageFate::Delivered,
        }
    }

    /// Keeps the fate that an event gives to an order.
    #[inline(always)]
    pub(super) fn trace_receipt(&mut self, entry: &JournalEntry) {
        let fate = match entry.what {
            // The protocol has not seen this message yet.
            JournalEvent::Received(..) => None,
            JournalEvent::Delivered => Some(MessageFate::Delivered),
            JournalEvent::Duplicate => Some(MessageFate::Duplicate),
            JournalEvent::Expired(_) => Some(MessageFate::Expired),
            _ => return,
        };
        if let Some(trace) = &mut self.trace {
            trace.receipt = fate.map(|fate| (entry.order, fate));
        }
    }

    /// Notes that all events up to `time` count, however the run ends, unless those of this moment are tentative.
    pub(in crate::engine) fn count_until(&mut self, time: Nanos) {
        if S::Tail::IS_STAMPED
            && !self.is_tentative
            && let Some(trace) = &mut self.trace
        {
            trace.counted_until = trace.counted_until.max(time);
        }
    }

    /// Decides on the tentative rows of a run that counts events up to `limit`.
    pub(super) fn settle_trace(&mut self, limit: Nanos) {
        let sent_by = self.sent_by(limit);
        if let Some(trace) = &mut self.trace {
            trace.writer.settle(limit, sent_by);
        }
    }

    /// Records the messages under way at `end`, and hands over all rows.
    pub(super) fn close_trace(&mut self, end: Nanos) {
        let sent_by = self.sent_by(end);
        let Some(ShardTrace { mut writer, .. }) = self.trace.take() else { return };
        let setup = self.setup;
        self.sink.for_each_pending(|message, sequence, stage, tail| {
            if stage != EventStage::Held && tail.sent() <= sent_by {
                let bytes = message_bytes(setup, message);
                let row = traced(message, sequence, [tail.sent(), end], bytes, MessageFate::UnderWay);
                writer.put_under_way(row, end);
            }
        });
        if let Some(spool) = setup.trace {
            // Without uplinks a message leaves when it is sent.
            spool.collect(writer, if self.access_links.have_uplinks() { end } else { Nanos::MAX });
        }
    }

    /// Returns true if rows could not be written.
    pub(in crate::engine) fn trace_has_failed(&self) -> bool {
        self.trace.as_ref().is_some_and(|trace| trace.writer.has_failed())
    }

    /// Returns the bytes of tentative rows.
    pub(super) fn trace_bytes(&self) -> u64 {
        self.trace.as_ref().map_or(0, |trace| trace.writer.tentative_bytes())
    }

    /// Returns the last instant at which a message that left its sender counts as sent in a run that ends at `end`.
    fn sent_by(&self, end: Nanos) -> Nanos {
        let counted = self.trace.as_ref().map_or(Nanos::ZERO, |trace| trace.counted_until);
        // An uplink counts a message when it leaves. Upkeep may have been counted after the last event of a run that
        // was cut short.
        if self.access_links.have_uplinks() { end } else { end.max(counted) }
    }
}

fn traced(
    message: &Message,
    sequence: u32,
    [sent, decided]: [Nanos; 2],
    bytes: u32,
    fate: MessageFate,
) -> TracedMessage {
    let Message { to, from, order, hop, kind, .. } = *message;
    TracedMessage { decided, to, from, sequence, sent, order, bytes, kind, hop, fate }
}
