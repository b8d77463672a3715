//! A node on a desk: what protocols are tested on, without a carrier or an engine.

use super::{Announcement, Context, ShardView};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop};
use crate::time::Nanos;

/// Node 1, what it holds, and what it was told to do.
#[derive(Debug)]
pub(super) struct RecordingContext {
    view: ShardView<'static>,
    pub(super) held: Vec<OrderIndex>,
    /// Orders that it had and has no more.
    pub(super) forgotten: Vec<OrderIndex>,
    pub(super) acts: Vec<Action>,
    pub(super) time: Nanos,
}

/// Something that a protocol did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Forwarded(OrderHop),
    Announced(Kind, OrderHop),
    Sent(NodeId, Kind, OrderHop),
    SentList(NodeId, Kind, OrderHop, Vec<u64>),
    ForwardedTo(Vec<NodeId>, Kind, OrderHop, Vec<u64>),
    Tallied(u8, u64),
    AnnouncedAll(Kind, Vec<Announcement>),
    Asked(Nanos, u64),
}

/// An order that comes to the desk.
pub(super) fn payload(from: NodeId, ttl: u8, hop: u8) -> Message {
    OrderHop { order: OrderIndex(0), ttl, hop }.copy(from, NodeId(1))
}

impl Default for RecordingContext {
    fn default() -> RecordingContext {
        let view = ShardView::isolated(0..2);
        RecordingContext { view, held: Vec::new(), forgotten: Vec::new(), acts: Vec::new(), time: Nanos::ZERO }
    }
}

impl Context for RecordingContext {
    fn view(&self) -> &ShardView<'_> {
        &self.view
    }

    fn me(&self) -> NodeId {
        NodeId(1)
    }

    fn deliver(&mut self, order: OrderIndex) -> bool {
        let news = !self.knows(order);
        self.held.push(order);
        news
    }

    fn fan_out(&mut self, order_hop: OrderHop) {
        self.acts.push(Action::Forwarded(order_hop));
    }

    fn announce(&mut self, kind: Kind, order_hop: OrderHop) {
        self.acts.push(Action::Announced(kind, order_hop));
    }

    fn announce_all(&mut self, kind: Kind, news: &[Announcement]) {
        self.acts.push(Action::AnnouncedAll(kind, news.to_vec()));
    }

    fn forward(&mut self, to: &[NodeId], kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        self.acts.push(Action::ForwardedTo(to.to_vec(), kind, order_hop, tail.to_vec()));
    }

    fn tally(&mut self, what: u8, count: u64) {
        self.acts.push(Action::Tallied(what, count));
    }

    fn send_with(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        self.acts.push(match tail {
            [] => Action::Sent(to, kind, order_hop),
            tail => Action::SentList(to, kind, order_hop, tail.to_vec()),
        });
    }

    fn knows(&self, order: OrderIndex) -> bool {
        self.held.contains(&order) || self.forgotten.contains(&order)
    }

    fn holds(&self, order: OrderIndex) -> bool {
        self.held.contains(&order)
    }

    fn now(&self) -> Nanos {
        self.time
    }

    fn wake_at(&mut self, time: Nanos, token: u64) {
        self.acts.push(Action::Asked(time, token));
    }
}
