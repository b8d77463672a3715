//! An event of a shard as it is stored until its window: 24 bytes and the tail, its time relative to the window.
//!
//! The fields of an event are packed into three words. A shard writes an event to memory that it last touched a window
//! ago; three stores let twice as many such writes be under way as the nine of separate fields.

use crate::engine::pending_event::{EventStage, PendingEvent};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop, Tail};
use crate::time::Nanos;
use crate::workload::Publication;
use std::cmp::Ordering;

/// The numbers of occurrences, in the order in which those of one instant come: a publication, a timer, and the stages
/// of a message from this number on.
const PUBLISHED: u8 = 0;
const TIMER: u8 = 1;
const MESSAGE: u8 = 2;

/// An event of one node in one window.
///
/// | word | publication | timer | message |
/// |---|---|---|---|
/// | `place` | node, nanoseconds from the start of the window | | |
/// | `source` | order | token | sender, number among the messages of its sender |
/// | `content` | 0, order | 1, place among the timers | stage, kind, hop, TTL, order |
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct WindowEvent<T> {
    place: u64,
    source: u64,
    content: u64,
    tail: T,
}

/// The description of a batch of events that cross from one shard to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub(super) window: u64,
    pub(super) count: u32,
    /// Their block among those of the receiving shard.
    pub(super) block: u32,
    pub(super) is_upkeep: bool,
}

/// An event to handle.
pub(super) enum DueEvent<T> {
    Published(OrderIndex),
    Timer(u64),
    Message(PendingEvent<T>),
}

/// The order of a shard's events in a window: by node and time; at one time publications first, then timers in the
/// order in which they were set, then messages by sender and sequence.
pub(super) type WindowRank = (u64, u8, u64);

impl<T: Tail> WindowEvent<T> {
    /// Creates the event of a pending message, `offset` into its window. A message has a latency here, so that its
    /// round is 0.
    #[inline(always)]
    pub(super) fn of_message(pending: PendingEvent<T>, offset: u32) -> WindowEvent<T> {
        let PendingEvent { message, sequence, stage, tail, .. } = pending;
        let Message { to, from, order, ttl, hop, kind, .. } = message;
        let stage = MESSAGE + stage as u8;
        let content = u32::from_be_bytes([stage, kind.0, hop, ttl]);
        WindowEvent { place: pack(to.0, offset), source: pack(from.0, sequence), content: pack(content, order.0), tail }
    }

    /// Creates the arrival of a message of a forward, as [`of_message`](Self::of_message) does: `source` and
    /// `content` are those of [`forward_words`](Self::forward_words), the former with the number of the message.
    #[inline(always)]
    pub(super) fn of_forward(to: NodeId, offset: u32, source: u64, content: u64, tail: &[u64]) -> WindowEvent<T> {
        WindowEvent { place: pack(to.0, offset), source, content, tail: T::of(tail) }
    }

    /// Returns the words that the messages of a forward share: the first is to be completed by the number of a message
    /// among those of its sender.
    #[inline(always)]
    pub(super) fn forward_words(from: NodeId, kind: Kind, OrderHop { order, ttl, hop }: OrderHop) -> (u64, u64) {
        let content = u32::from_be_bytes([MESSAGE + EventStage::Arrives as u8, kind.0, hop, ttl]);
        (pack(from.0, 0), pack(content, order.0))
    }

    /// Creates the header of a batch that crosses between shards: no event, but the numbers of its window, of its
    /// events and of their block, and whether they are upkeep.
    pub(super) fn of_header(BatchHeader { window, count, block, is_upkeep }: BatchHeader) -> WindowEvent<T> {
        WindowEvent { place: window, source: pack(count, block), content: is_upkeep.into(), tail: T::of(&[]) }
    }

    /// Returns the numbers of a header.
    pub(super) fn header(&self) -> BatchHeader {
        let (count, block) = ((self.source >> u32::BITS) as u32, self.source as u32);
        BatchHeader { window: self.place, count, block, is_upkeep: self.content != 0 }
    }

    /// Creates the event of a node's timer.
    pub(super) fn of_timer(node: NodeId, offset: u32, token: u64) -> WindowEvent<T> {
        let content = pack(u32::from_be_bytes([TIMER, 0, 0, 0]), 0);
        WindowEvent { place: pack(node.0, offset), source: token, content, tail: T::of(&[]) }
    }

    /// Creates the event of an order's publication.
    pub(super) fn of_publication(publication: &Publication, offset: u32) -> WindowEvent<T> {
        let (origin, order) = (publication.origin.0, u64::from(publication.order.0));
        WindowEvent { place: pack(origin, offset), source: order, content: order, tail: T::of(&[]) }
    }

    /// Creates an event that fills a place until a real one takes it.
    pub(super) fn blank() -> WindowEvent<T> {
        WindowEvent { place: 0, source: 0, content: 0, tail: T::of(&[]) }
    }

    /// Takes the event, and leaves one without a tail in its place.
    #[inline(always)]
    pub(super) fn take(&mut self) -> WindowEvent<T> {
        if std::mem::needs_drop::<T>() {
            let tail = std::mem::replace(&mut self.tail, T::of(&[]));
            WindowEvent { tail, ..*self }
        } else {
            self.clone()
        }
    }

    /// Replaces a stale event, which has no tail. It is not read, because its line was last touched a window ago and a
    /// read would wait for it; a write does not.
    #[inline(always)]
    pub(super) fn overwrite(&mut self, event: WindowEvent<T>) {
        std::mem::forget(std::mem::replace(self, event));
    }

    #[inline(always)]
    pub(super) fn rank(&self) -> WindowRank {
        match self.occurrence() {
            PUBLISHED => (self.place, PUBLISHED, self.source),
            TIMER => (self.place, TIMER, u64::from(self.content as u32)),
            _ => (self.place, MESSAGE, self.source),
        }
    }

    /// Compares it with another event by [rank](Self::rank). Few events have the same node and time.
    #[inline(always)]
    pub(super) fn compare(&self, other: &WindowEvent<T>) -> Ordering {
        self.place.cmp(&other.place).then_with(|| self.rank().cmp(&other.rank()))
    }

    /// Returns true if it may come no later than the event `before` it, whose node is the same or precedes its own.
    #[inline(always)]
    pub(super) fn may_precede(&self, before: &WindowEvent<T>) -> bool {
        self.place <= before.place
    }

    /// Appends the event to `words`: its three words, the time of sending if it is kept, and the length and the words
    /// of its tail if there may be any.
    #[cfg(feature = "cluster")]
    #[inline]
    pub(super) fn write(&self, words: &mut Vec<u64>) {
        words.extend([self.place, self.source, self.content]);
        if T::IS_STAMPED {
            words.push(self.tail.sent().0);
        }
        if T::WORDS_MAX > 0 {
            words.push(self.tail.words().len() as u64);
            words.extend_from_slice(self.tail.words());
        }
    }

    /// Takes an event that [`write`](Self::write) wrote from the front of `words`; `None` if there is none.
    #[cfg(feature = "cluster")]
    #[inline]
    pub(super) fn read(words: &mut &[u64]) -> Option<WindowEvent<T>> {
        let (&[place, source, content], mut rest) = words.split_first_chunk::<3>()?;
        let mut next = |count: u64| {
            let (taken, after) = rest.split_at_checked(usize::try_from(count).ok()?)?;
            rest = after;
            Some(taken)
        };
        let sent = if T::IS_STAMPED { Nanos(next(1)?[0]) } else { Nanos::ZERO };
        let length = if T::WORDS_MAX > 0 { next(1)?[0] } else { 0 };
        let tail = T::stamped(next(length)?, sent);
        *words = rest;
        Some(WindowEvent { place, source, content, tail })
    }

    /// Returns the node that it happens to.
    #[inline(always)]
    pub(super) fn node(&self) -> NodeId {
        NodeId((self.place >> u32::BITS) as u32)
    }

    /// Returns its time, in a window that begins at `start`.
    #[inline(always)]
    pub(super) fn time(&self, start: Nanos) -> Nanos {
        start + Nanos(u64::from(self.place as u32))
    }

    /// Returns the number of a message among those of its sender.
    pub(super) fn sequence(&self) -> u32 {
        self.source as u32
    }

    /// Returns its tail; empty unless it is a message.
    pub(super) fn tail(&self) -> &T {
        &self.tail
    }

    /// Gives a timer its place among those of its window: of one node and instant they fire in the order in which they
    /// were set.
    pub(super) fn set_timer_place(&mut self, place: u32) {
        self.content = pack((self.content >> u32::BITS) as u32, place);
    }

    #[inline(always)]
    pub(super) fn is_upkeep(&self) -> bool {
        self.is_message() && self.kind().is_upkeep()
    }

    #[inline(always)]
    pub(super) fn is_timer(&self) -> bool {
        self.occurrence() == TIMER
    }

    #[inline(always)]
    pub(super) fn is_message(&self) -> bool {
        self.occurrence() >= MESSAGE
    }

    /// Returns the order that an event may bring, for a prefetch.
    #[inline(always)]
    pub(super) fn order(&self) -> OrderIndex {
        OrderIndex(self.content as u32)
    }

    /// Returns true if it is the arrival of a message.
    #[inline(always)]
    pub(super) fn is_arrival(&self) -> bool {
        self.occurrence() == MESSAGE + EventStage::Arrives as u8
    }

    /// Returns the kind of the message that it is, if it is one.
    #[inline(always)]
    pub(super) fn message_kind(&self) -> Option<Kind> {
        self.is_message().then(|| self.kind())
    }

    /// Returns the message that arrives, if it [is an arrival](Self::is_arrival), in a window that begins at `start`.
    #[inline(always)]
    pub(super) fn into_arrival(self, start: Nanos) -> PendingEvent<T> {
        let [_, kind, hop, ttl] = ((self.content >> u32::BITS) as u32).to_be_bytes();
        let (from, tail) = (NodeId((self.source >> u32::BITS) as u32), self.tail.words().len() as u8);
        let message = Message { to: self.node(), from, order: self.order(), ttl, hop, kind: Kind(kind), tail };
        let (time, sequence, stage) = (self.time(start), self.source as u32, EventStage::Arrives);
        PendingEvent { time, message, sequence, round: 0, stage, tail: self.tail }
    }

    /// Returns the message that the event stands for and its stage; `None` for a timer or a publication.
    #[inline(always)]
    pub(super) fn message(&self) -> Option<(Message, EventStage)> {
        if !self.is_message() {
            return None;
        }
        let [stage, _, hop, ttl] = ((self.content >> u32::BITS) as u32).to_be_bytes();
        let stage = match stage - MESSAGE {
            0 => EventStage::Arrives,
            1 => EventStage::PastDownlink,
            2 => EventStage::Delivered,
            _ => EventStage::Held,
        };
        let (from, tail) = (NodeId((self.source >> u32::BITS) as u32), self.tail.words().len() as u8);
        Some((Message { to: self.node(), from, order: self.order(), ttl, hop, kind: self.kind(), tail }, stage))
    }

    /// Returns the event in the form that is handled, for a window that begins at `start`.
    #[inline(always)]
    pub(super) fn into_due(self, start: Nanos) -> DueEvent<T> {
        if let Some((message, stage)) = self.message() {
            let (time, sequence) = (self.time(start), self.source as u32);
            return DueEvent::Message(PendingEvent { time, message, sequence, round: 0, stage, tail: self.tail });
        }
        if self.is_timer() { DueEvent::Timer(self.source) } else { DueEvent::Published(self.order()) }
    }

    #[inline(always)]
    fn occurrence(&self) -> u8 {
        (self.content >> 56) as u8
    }

    #[inline(always)]
    fn kind(&self) -> Kind {
        Kind((self.content >> 48) as u8)
    }
}

#[inline(always)]
fn pack(high: u32, low: u32) -> u64 {
    u64::from(high) << u32::BITS | u64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_message_comes_out_as_it_was_put(
            nodes in any::<[u32; 2]>(), numbers in any::<[u32; 3]>(), bytes in any::<[u8; 3]>(), stage in 0..4usize,
            words in prop::collection::vec(any::<u64>(), 0..3), start in 0..1_u64 << 60,
        ) {
            let [order, sequence, offset] = numbers;
            let [ttl, hop, kind] = bytes;
            let stages = [EventStage::Arrives, EventStage::PastDownlink, EventStage::Delivered, EventStage::Held];
            let [to, from] = nodes.map(NodeId);
            let (order, kind, tail) = (OrderIndex(order), Kind(kind), words.len() as u8);
            let message = Message { to, from, order, ttl, hop, kind, tail };
            let time = Nanos(start + u64::from(offset));
            let tail: Box<[u64]> = words.into();
            let pending = PendingEvent { time, message, sequence, round: 0, stage: stages[stage], tail };
            let mut event = WindowEvent::of_message(pending.clone(), offset);
            prop_assert_eq!((event.node(), event.order(), event.is_timer()), (to, order, false));
            prop_assert_eq!(event.is_upkeep(), kind.is_upkeep());
            let taken = event.take();
            prop_assert!(event.tail().is_empty());
            prop_assert_eq!((taken.is_arrival(), taken.message_kind()), (stage == 0, Some(kind)));
            if taken.is_arrival() {
                prop_assert_eq!(taken.clone().into_arrival(Nanos(start)), pending.clone());
            }
            if pending.tail.is_empty() && stage == 0 {
                let (source, content) = WindowEvent::<()>::forward_words(from, kind, message.order_hop());
                let forwarded = WindowEvent::of_forward(to, offset, source | u64::from(sequence), content, &[]);
                prop_assert_eq!(&forwarded, &taken);
            }
            prop_assert!(matches!(taken.into_due(Nanos(start)), DueEvent::Message(out) if out == pending));
        }

        #[test]
        fn a_timer_keeps_its_token_and_its_place(node: u32, offset: u32, token: u64, place: u32) {
            let mut event = WindowEvent::<()>::of_timer(NodeId(node), offset, token);
            event.set_timer_place(place);
            prop_assert_eq!(event.rank(), (pack(node, offset), TIMER, u64::from(place)));
            prop_assert!(event.message().is_none());
            prop_assert!(matches!(event.into_due(Nanos(0)), DueEvent::Timer(out) if out == token));
        }
    }

    #[test]
    fn a_header_keeps_its_numbers() {
        for is_upkeep in [false, true] {
            let header = BatchHeader { window: u64::MAX - 1, count: u32::MAX - 2, block: 255, is_upkeep };
            assert_eq!(WindowEvent::<()>::of_header(header).header(), header);
        }
    }

    #[test]
    fn of_one_instant_what_is_published_comes_first_and_then_timers() {
        let publication = Publication { order: OrderIndex(9), origin: NodeId(3), due: Nanos(5) };
        let published = WindowEvent::<()>::of_publication(&publication, 5);
        let timer = WindowEvent::<()>::of_timer(NodeId(3), 5, u64::MAX);
        let message = Message {
            to: NodeId(3),
            from: NodeId(0),
            order: OrderIndex(0),
            ttl: 1,
            hop: 1,
            kind: Kind::PAYLOAD,
            tail: 0,
        };
        let (time, stage) = (Nanos(5), EventStage::Arrives);
        let arrival =
            WindowEvent::of_message(PendingEvent { time, message, sequence: 0, round: 0, stage, tail: () }, 5);
        assert!(published.rank() < timer.rank() && timer.rank() < arrival.rank());
        assert!(matches!(published.into_due(Nanos(0)), DueEvent::Published(OrderIndex(9))));
    }
}
