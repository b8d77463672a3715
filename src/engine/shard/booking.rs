//! The counts of a shard: its journal up to an instant, the messages that have left its uplinks by then, and those that
//! have not.

use super::VirtualShard;
use crate::engine::OrderTraffic;
use crate::engine::access_links::LinkSide;
use crate::engine::journal::{ExpiredReceipt, JournalEntry, JournalEvent, SendCounts};
use crate::engine::pending_event::{EventSink, EventStage};
use crate::engine::shard_outcome::{RunTotals, ShardOutcome, bulk_receipts, digest_of};
use crate::engine::uplink_queue::DepartureSeries;
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Tail};
use crate::protocol::ProtocolState;
use crate::record::{ModelCounts, Receipt, WorkerRecord, add_tally};
use crate::time::Nanos;
use crate::wire::{WORD_BYTES, control_bytes};

impl<S: EventSink> VirtualShard<'_, S> {
    /// Counts what happened at an event, at once or when the journal is booked.
    #[inline(always)]
    pub(super) fn note(&mut self, entry: JournalEntry) {
        self.occurrences += 1;
        if S::Tail::IS_STAMPED {
            self.trace_receipt(&entry);
        }
        if self.is_tentative {
            self.journal.push(entry);
        } else {
            self.count(entry);
        }
    }

    /// Counts the events in the journal up to `limit`, and drops the rest: messages whose arrival is dropped had been
    /// sent by then and are still under way at that instant; messages whose sending is dropped had not been sent.
    pub(in crate::engine) fn book(&mut self, limit: Nanos) {
        let mut journal = std::mem::take(&mut self.journal);
        for entry in journal.drain(..) {
            if entry.time <= limit { self.count(entry) } else { self.leave_out(entry) }
        }
        self.journal = journal;
        if S::Tail::IS_STAMPED {
            self.settle_trace(limit);
        }
    }

    /// Counts the messages that have left their uplinks by `time`, which is no later than the end of the run. Some that
    /// left shortly before may wait for the next call.
    pub(in crate::engine) fn book_departures(&mut self, time: Nanos) {
        let mut left = Vec::new();
        self.departures.take(time, &mut left);
        left.iter().for_each(|series| self.count_departures(series, series.count()));
    }

    /// Returns the time at which the last bit of all messages on uplinks leaves.
    pub(in crate::engine) fn last_departure(&self) -> Nanos {
        self.departures.last()
    }

    /// Counts the pending events as under way. Those that were sent after the end are subtracted when the shard is
    /// closed.
    pub(in crate::engine) fn leave(&mut self) {
        let (by_order, under_way) = (&mut self.by_order, &mut self.under_way);
        self.sink.for_each_pending(|message, _, stage, _| match stage {
            EventStage::Held => by_order[message.order.index()].await_more(1),
            EventStage::Arrives | EventStage::PastDownlink | EventStage::Delivered => {
                left_under_way(&mut by_order[message.order.index()], under_way, message.kind, 1);
            }
        });
    }

    /// Counts, if orders may be under way at the end, the orders for which the protocol is not idle and those in the
    /// tails of messages that are yet to arrive.
    pub(in crate::engine) fn leave_named(&mut self, state: &impl ProtocolState) {
        let by_order = &mut self.by_order;
        let mut name = |order: OrderIndex| by_order[order.index()].await_more(1);
        state.name_awaited(&mut name);
        self.sink.for_each_pending(|message, _, _, tail| {
            if !message.kind.is_upkeep() {
                state.name_in_tail(tail.words(), &mut name);
            }
        });
    }

    /// Counts everything up to `limit`, the end of the run, and returns all counts. A message that was queued at an
    /// uplink by then and has not left it whole was never sent.
    pub(in crate::engine) fn close(mut self, limit: Nanos) -> ShardOutcome {
        self.book(limit);
        if S::Tail::IS_STAMPED {
            self.close_trace(limit);
        }
        let waiting: Vec<DepartureSeries> = self.departures.iter().copied().collect();
        for series in &waiting {
            let left = series.left_by(limit);
            self.count_departures(series, left);
            let unsent = series.target_batch(left..series.count());
            self.retract(series.order, series.kind, &unsent);
            if series.handed_at <= limit {
                self.record.queued_unsent += u64::from(unsent.sent);
                let awaited = if series.kind.is_upkeep() { 0 } else { unsent.sent };
                self.by_order[series.order.index()].await_more(awaited.into());
            }
        }
        // A copy that still shares its uplink leads to no event yet.
        for copy in self.fair_uplinks.iter().filter(|copy| copy.handed_at <= limit) {
            self.record.queued_unsent += 1;
            self.by_order[copy.message.order.index()].await_more(i64::from(!copy.message.kind.is_upkeep()));
        }
        // Time 0 is the end of the warm-up.
        let warm_up = self.setup.warm_up;
        if warm_up > Nanos::ZERO {
            let reached = self.receipts.iter_mut().filter(|receipt| receipt.is_reached());
            reached.for_each(|receipt| receipt.time = receipt.time.since(warm_up));
        }
        let digest = digest_of(NodeId(self.nodes.start), self.nodes.len(), &self.receipts);
        let model = ModelCounts {
            lost: self.model_lost,
            dropped: self.model_dropped,
            uplink_dropped: self.uplink_dropped,
            duplicated: self.model_duplicated,
            // Held messages occur only in front of a real carrier.
            held: 0,
        };
        let totals = RunTotals {
            record: WorkerRecord { model, ..self.record },
            access_links: self.access_links.into_record(),
            by_order: self.by_order,
            bulk_receipts: bulk_receipts(self.setup, self.nodes.len(), &self.receipts),
            met: self.met,
            digest,
            settled_peers: self.settled_peers,
        };
        ShardOutcome { totals, under_way: self.under_way, receipts: self.receipts, traffic: self.traffic }
    }

    /// Counts an event up to the end of the run.
    #[inline(always)]
    fn count(&mut self, JournalEntry { time, local, order, what }: JournalEntry) {
        let is_warm_up = time < self.setup.warm_up;
        match what {
            JournalEvent::Received(kind, tail) => {
                self.record.received += 1;
                if kind.is_control() {
                    self.record.control_received += 1;
                    self.record.upkeep.received += u64::from(kind.is_upkeep());
                    self.record.parts.received += u64::from(kind.is_part());
                } else {
                    self.by_order[order.index()].received += 1;
                    self.traffic.receive_order(local);
                }
                if kind.is_control() || !self.counts_plainly {
                    self.count_bytes_in(is_warm_up, local, order, kind, tail);
                }
            }
            JournalEvent::Missed(kind) => {
                self.model_lost += 1;
                self.by_order[order.index()].lost += u64::from(!kind.is_control());
            }
            JournalEvent::Dropped(kind) => {
                self.model_dropped += 1;
                self.by_order[order.index()].dropped += u64::from(!kind.is_control());
            }
            JournalEvent::HeldBack | JournalEvent::Released => {}
            JournalEvent::Duplicate => self.record.duplicates += 1,
            JournalEvent::Expired(ExpiredReceipt { behind, is_first }) => {
                self.by_order[order.index()].expired += 1;
                self.record.expire(behind, Some(is_first));
            }
            JournalEvent::Delivered => self.record.reached += 1,
            JournalEvent::PartCounted { is_useful } => self.record.parts.count(is_useful),
            JournalEvent::Recovered => self.record.parts.recovered += 1,
            JournalEvent::Sent(kind, target_batch) => self.count_sent(is_warm_up, local, order, kind, target_batch),
            JournalEvent::Tallied(what, count) => add_tally(&mut self.record.tally, what, count),
            JournalEvent::Queued(side, queues) => self.access_links.note_queues(side, self.node(local), queues),
        }
    }

    /// Counts the messages that are under way because an event comes after the end of the run.
    fn leave_out(&mut self, JournalEntry { time: _, local, order, what }: JournalEntry) {
        match what {
            // A message that arrives in a window was sent before it.
            JournalEvent::Received(kind, _) | JournalEvent::Missed(kind) | JournalEvent::Dropped(kind) => {
                self.left_under_way(order, kind, 1);
            }
            JournalEvent::HeldBack => self.by_order[order.index()].await_more(-1),
            JournalEvent::Released => self.by_order[order.index()].await_more(1),
            JournalEvent::Sent(kind, target_batch) => self.retract(order, kind, &target_batch),
            JournalEvent::Delivered => {
                self.receipts[order.index() * self.nodes.len() + local as usize] = Receipt::NONE;
            }
            JournalEvent::Duplicate
            | JournalEvent::Expired(_)
            | JournalEvent::PartCounted { .. }
            | JournalEvent::Recovered
            | JournalEvent::Tallied(..)
            | JournalEvent::Queued(..) => {}
        }
    }

    /// Subtracts pending messages that were sent after the end.
    fn retract(&mut self, order: OrderIndex, kind: Kind, target_batch: &SendCounts) {
        let SendCounts { sent, lost, doubled, .. } = *target_batch;
        self.left_under_way(order, kind, -i64::from(sent - lost + doubled));
    }

    /// Counts the first `left` messages of a series, which have left their uplink.
    fn count_departures(&mut self, series: &DepartureSeries, left: u32) {
        let &DepartureSeries { local, order, kind, words, handed_at, .. } = series;
        let bytes = self.bytes(order, kind, 1, words.into());
        let is_warm_up = handed_at < self.setup.warm_up;
        if !is_warm_up {
            self.access_links.note_carried(LinkSide::Up, self.node(local), bytes as u32, left);
        }
        self.count_sent(is_warm_up, local, order, kind, series.target_batch(0..left));
    }

    /// Counts the bytes of a message that a node has received, where they do not follow from the number of its
    /// messages, and what they take of its downlink.
    fn count_bytes_in(&mut self, is_warm_up: bool, local: u32, order: OrderIndex, kind: Kind, tail: u8) {
        if is_warm_up {
            return;
        }
        let bytes = self.bytes(order, kind, 1, tail.into());
        if kind.is_control() || !self.traffic.has_bytes_of_orders() {
            self.traffic.add_bytes(local, [bytes, 0]);
        }
        if self.access_links.have_downlinks() {
            self.access_links.note_carried(LinkSide::Down, self.node(local), bytes as u32, 1);
        }
    }

    /// Counts the messages that a node has sent, in the warm-up or after it.
    fn count_sent(&mut self, is_warm_up: bool, local: u32, order: OrderIndex, kind: Kind, target_batch: SendCounts) {
        let SendCounts { sent, words, lost, dropped, doubled, spared } = target_batch;
        let (out, of_order) = (self.bytes(order, kind, sent, words), &mut self.by_order[order.index()]);
        self.record.sent += u64::from(sent);
        self.model_lost += u64::from(lost);
        self.uplink_dropped += u64::from(dropped);
        self.model_duplicated += u64::from(doubled);
        if !is_warm_up && (kind.is_control() || !self.traffic.has_bytes_of_orders()) {
            self.traffic.add_bytes(local, [0, out]);
        }
        if kind.is_control() {
            self.record.control_sent += u64::from(sent);
            self.record.control_bytes += out;
            if !is_warm_up {
                add_tally(&mut self.record.sent_by_kind, kind.0, sent.into());
            }
            if kind.is_upkeep() {
                self.record.upkeep.send(is_warm_up, sent.into(), out);
            } else if kind.is_part() {
                self.record.parts.send(sent.into(), out);
            }
        } else {
            of_order.sent += u64::from(sent);
            of_order.lost += u64::from(lost);
            of_order.doubled += u64::from(doubled);
            self.record.spared += u64::from(spared);
            self.traffic.send_orders(local, sent);
        }
    }

    fn left_under_way(&mut self, order: OrderIndex, kind: Kind, messages: i64) {
        left_under_way(&mut self.by_order[order.index()], &mut self.under_way, kind, messages);
    }

    /// Returns the bytes of UDP payload of messages of one kind about an order, with `words` tail words in all.
    fn bytes(&self, order: OrderIndex, kind: Kind, messages: u32, words: u32) -> u64 {
        match kind.is_control() {
            true if kind.is_part() => u64::from(messages) * u64::from(self.setup.part_bytes),
            true => u64::from(messages) * control_bytes(0) as u64 + u64::from(words) * WORD_BYTES as u64,
            false => u64::from(messages) * u64::from(self.setup.message_bytes[order.index()]),
        }
    }

    fn node(&self, local: u32) -> NodeId {
        NodeId(self.nodes.start + local)
    }
}

/// Adds to the number of messages that are under way at the end; a negative count subtracts from it.
fn left_under_way(of_order: &mut OrderTraffic, under_way: &mut i64, kind: Kind, messages: i64) {
    *under_way += messages;
    if kind.is_upkeep() {
        return;
    }
    if kind.is_control() {
        of_order.await_more(messages);
    } else {
        of_order.under_way = of_order.under_way.wrapping_add_signed(messages);
    }
}
