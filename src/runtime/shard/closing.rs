//! The counts of a shard at the end of a run: messages that were not sent, and orders that are not at rest.

use super::{RealtimeShard, local};
use crate::ids::OrderIndex;
use crate::message::Message;
use crate::record::{Receipt, Traffic, WorkerRecord};
use crate::runtime::BulkCounts;
use crate::runtime::recorder::Recorder;

impl<C: Recorder> RealtimeShard<'_, C> {
    /// Counts a message that the carrier accepted and did not send as queued and unsent.
    pub(in crate::runtime) fn take_back(&mut self, message: &Message) {
        self.record.sent -= 1;
        self.record.queued_unsent += 1;
        let local = local(&self.nodes, message.from);
        if message.kind.is_control() {
            let bytes = self.tally.control_taken_back(local, message);
            self.record.control_sent -= 1;
            self.record.control_bytes -= bytes;
            if let Some(sent) = self.record.sent_by_kind.get_mut(usize::from(message.kind.0)) {
                *sent = sent.saturating_sub(1);
            }
            if message.kind.is_upkeep() {
                self.record.upkeep.take_back(bytes);
            } else if message.kind.is_part() {
                self.record.parts.take_back(bytes);
            }
            return;
        }
        self.tally.take_back(local, self.message_bytes[message.order.index()]);
        self.recorder.unsent(message.order, 1, 1);
    }

    /// Counts an order for which the protocol is not idle as not at rest.
    pub(in crate::runtime) fn awaited(&mut self, order: OrderIndex) {
        self.recorder.unsent(order, 1, 0);
    }

    /// Counts the waiting messages as queued and unsent, and returns all counts.
    pub(in crate::runtime) fn close(mut self) -> (WorkerRecord, Vec<Receipt>, Vec<Traffic>, Option<BulkCounts>) {
        // Waiting forwards are expanded like all others, so that each copy that was not sent is counted.
        loop {
            let left = self.offer().messages;
            if left.is_empty() {
                break;
            }
            let count = left.len();
            let about_orders: Vec<OrderIndex> =
                left.iter().filter(|message| !message.kind.is_upkeep()).map(|message| message.order).collect();
            let by_order: Vec<_> = about_orders.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
            by_order.into_iter().for_each(|(order, run)| self.recorder.unsent(order, run as u64, 0));
            self.record.queued_unsent += count as u64;
            self.outbox.take(count);
        }
        let mut traffic = self.tally.into_traffic();
        let (receipts, bulk) = self.recorder.close(&mut traffic);
        (self.record, receipts, traffic, bulk)
    }
}
