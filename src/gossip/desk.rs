//! A node on a desk: what protocols are tested on, without a carrier or an engine.

use super::{Context, News};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, Onward};
use crate::time::Nanos;

/// Node 1, what it holds, and what it was told to do.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) held: Vec<OrderIndex>,
    /// Orders that it had and has no more.
    pub(super) forgotten: Vec<OrderIndex>,
    pub(super) acts: Vec<Act>,
    pub(super) time: Nanos,
}

/// Something that a protocol did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Forwarded(Onward),
    Announced(Kind, Onward),
    Sent(NodeId, Kind, Onward),
    SentList(NodeId, Kind, Onward, Vec<u64>),
    AnnouncedAll(Kind, Vec<News>),
    Asked(Nanos, u64),
}

/// An order that comes to the desk.
pub(super) fn payload(from: NodeId, ttl: u8, hop: u8) -> Message {
    Onward { order: OrderIndex(0), ttl, hop }.copy(from, NodeId(1))
}

impl Context for Desk {
    fn me(&self) -> NodeId {
        NodeId(1)
    }

    fn deliver(&mut self, order: OrderIndex) -> bool {
        let news = !self.knows(order);
        self.held.push(order);
        news
    }

    fn fan_out(&mut self, onward: Onward) {
        self.acts.push(Act::Forwarded(onward));
    }

    fn announce(&mut self, kind: Kind, onward: Onward) {
        self.acts.push(Act::Announced(kind, onward));
    }

    fn announce_all(&mut self, kind: Kind, news: &[News]) {
        self.acts.push(Act::AnnouncedAll(kind, news.to_vec()));
    }

    fn send_with(&mut self, to: NodeId, kind: Kind, onward: Onward, tail: &[u64]) {
        self.acts.push(match tail {
            [] => Act::Sent(to, kind, onward),
            tail => Act::SentList(to, kind, onward, tail.to_vec()),
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
        self.acts.push(Act::Asked(time, token));
    }
}
