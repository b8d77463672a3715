//! An event of a shard as it is stored until its window: 24 bytes and the tail, its time relative to the window.

use crate::engine::pending_event::{EventStage, PendingEvent};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, Tail};
use crate::time::Nanos;
use crate::workload::Publication;

/// An event of one node in one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct WindowEvent<T> {
    /// The node that it happens to.
    pub(super) node: NodeId,
    /// Nanoseconds from the start of its window.
    pub(super) offset: u32,
    /// The sender of a message; the lower half of a timer's token.
    from: u32,
    /// The number of a message among those of its sender.
    sequence: u32,
    /// The order of a message or publication; the upper half of a timer's token.
    order: u32,
    ttl: u8,
    hop: u8,
    kind: Kind,
    stage: WindowStage,
    pub(super) tail: T,
}

/// The occurrence that an event stands for; occurrences of one instant are handled in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WindowStage {
    Published,
    Timer,
    Message(EventStage),
}

/// An event to handle.
pub(super) enum DueEvent<T> {
    Published(OrderIndex),
    Timer(u64),
    Message(PendingEvent<T>),
}

/// The order of one node's events in a window: by time; at one time publications first, then timers, then messages by
/// sender and sequence. Publications and timers of equal rank keep the order in which they were put.
pub(super) type WindowRank = (u32, u8, u32, u32);

impl<T: Tail> WindowEvent<T> {
    /// Creates the event of a pending message, `offset` into its window. A message has a latency here, so that its
    /// round is 0.
    #[inline(always)]
    pub(super) fn of_message(pending: PendingEvent<T>, offset: u32) -> WindowEvent<T> {
        let PendingEvent { message, sequence, stage, tail, .. } = pending;
        let Message { to, from, order, ttl, hop, kind, .. } = message;
        WindowEvent {
            node: to,
            offset,
            from: from.0,
            sequence,
            order: order.0,
            ttl,
            hop,
            kind,
            stage: WindowStage::Message(stage),
            tail,
        }
    }

    /// Creates the event of a node's timer.
    pub(super) fn of_timer(node: NodeId, offset: u32, token: u64) -> WindowEvent<T> {
        WindowEvent {
            from: token as u32,
            order: (token >> u32::BITS) as u32,
            stage: WindowStage::Timer,
            ..WindowEvent::blank(node, offset)
        }
    }

    /// Creates the event of an order's publication.
    pub(super) fn of_publication(publication: &Publication, offset: u32) -> WindowEvent<T> {
        WindowEvent { order: publication.order.0, ..WindowEvent::blank(publication.origin, offset) }
    }

    /// Creates an event that fills a place until a real one takes it.
    pub(super) fn blank(node: NodeId, offset: u32) -> WindowEvent<T> {
        WindowEvent {
            node,
            offset,
            from: 0,
            sequence: 0,
            order: 0,
            ttl: 0,
            hop: 0,
            kind: Kind::PAYLOAD,
            stage: WindowStage::Published,
            tail: T::of(&[]),
        }
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

    #[inline(always)]
    pub(super) fn rank(&self) -> WindowRank {
        match self.stage {
            WindowStage::Message(_) => (self.offset, 2, self.from, self.sequence),
            // The order of a publication, and the place of a timer among those of its window.
            WindowStage::Published => (self.offset, 0, self.order, 0),
            WindowStage::Timer => (self.offset, 1, self.sequence, 0),
        }
    }

    /// Gives a timer its place among those of its window.
    pub(super) fn set_place(&mut self, place: u32) {
        self.sequence = place;
    }

    pub(super) fn is_upkeep(&self) -> bool {
        self.is_message() && self.kind.is_upkeep()
    }

    pub(super) fn is_timer(&self) -> bool {
        self.stage == WindowStage::Timer
    }

    pub(super) fn is_message(&self) -> bool {
        matches!(self.stage, WindowStage::Message(_))
    }

    /// Returns the order that an event may bring, for a prefetch.
    #[inline(always)]
    pub(super) fn order(&self) -> OrderIndex {
        OrderIndex(self.order)
    }

    /// Returns the message that the event stands for and its stage; `None` for a timer or a publication.
    #[inline(always)]
    pub(super) fn message(&self) -> Option<(Message, EventStage)> {
        let WindowStage::Message(stage) = self.stage else { return None };
        let &WindowEvent { node: to, ttl, hop, kind, .. } = self;
        let tail = self.tail.words().len() as u8;
        Some((Message { to, from: NodeId(self.from), order: OrderIndex(self.order), ttl, hop, kind, tail }, stage))
    }

    /// Returns the event in the form that is handled, for a window that begins at `start`.
    #[inline(always)]
    pub(super) fn into_due(self, start: Nanos) -> DueEvent<T> {
        if let Some((message, stage)) = self.message() {
            let time = start + Nanos(self.offset.into());
            let WindowEvent { sequence, tail, .. } = self;
            return DueEvent::Message(PendingEvent { time, message, sequence, round: 0, stage, tail });
        }
        match self.stage {
            WindowStage::Timer => DueEvent::Timer(u64::from(self.from) | u64::from(self.order) << u32::BITS),
            WindowStage::Published | WindowStage::Message(_) => DueEvent::Published(OrderIndex(self.order)),
        }
    }
}
