//! A context that records the actions of a protocol, for unit tests without a carrier or an engine.

use super::{Announcement, Context, DialRule, Knowledge, ShardView};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop};
use crate::time::Nanos;
use crate::topology::TopologySpec;

/// A node, the orders that it holds, and the actions of its protocol.
#[derive(Debug)]
pub(super) struct RecordingContext {
    view: ShardView<'static>,
    me: NodeId,
    pub(super) held: Vec<OrderIndex>,
    /// Orders that it had and has forgotten.
    pub(super) forgotten: Vec<OrderIndex>,
    pub(super) acts: Vec<Action>,
    pub(super) time: Nanos,
    /// The length of each order.
    pub(super) order_bytes: u32,
    /// True if the bytes of parts are those of their order.
    pub(super) recovers: bool,
}

/// An action of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Forwarded(OrderHop),
    Announced(Kind, OrderHop),
    Sent(NodeId, Kind, OrderHop),
    SentList(NodeId, Kind, OrderHop, Vec<u64>),
    ForwardedTo(Vec<NodeId>, Kind, OrderHop, Vec<u64>),
    Tallied(u8, u64),
    AnnouncedAll(Kind, Vec<Announcement>),
    CountedPart(bool),
    Encoded(OrderIndex),
    Recovered(OrderIndex, u32, u64),
    Asked(Nanos, u64),
    Watched(NodeId),
    Spared(OrderIndex, u32),
}

/// Returns an order as it arrives at node 1.
pub(super) fn payload(from: NodeId, ttl: u8, hop: u8) -> Message {
    OrderHop { order: OrderIndex(0), ttl, hop }.copy(from, NodeId(1))
}

impl Default for RecordingContext {
    fn default() -> RecordingContext {
        RecordingContext::with_view(ShardView::isolated(0..2))
    }
}

impl RecordingContext {
    /// Creates the context of node 1 with this view.
    pub(super) fn with_view(view: ShardView<'static>) -> RecordingContext {
        RecordingContext {
            view,
            me: NodeId(1),
            held: Vec::new(),
            forgotten: Vec::new(),
            acts: Vec::new(),
            time: Nanos::ZERO,
            order_bytes: 60,
            recovers: true,
        }
    }

    /// Creates the context of node 0 in a network of `nodes` nodes that are its peers, and nobody else's.
    pub(super) fn among(nodes: u32, orders: u32) -> RecordingContext {
        let topology = TopologySpec::Star.build(nodes, 0, 1).unwrap();
        // Leaked, because the view of a test outlives the test's own variables.
        let knowledge = Knowledge::new(1, Box::leak(Box::new(topology)), DialRule::Coin);
        let view = ShardView::new(0..nodes, orders, knowledge);
        RecordingContext::at(NodeId(0), view)
    }

    /// Creates the context of a node of this shard.
    pub(super) fn at(me: NodeId, view: ShardView<'static>) -> RecordingContext {
        RecordingContext { view, me, ..RecordingContext::default() }
    }

    /// Creates the context of node 0 in a network of `nodes` nodes that know no peers.
    pub(super) fn isolated(nodes: u32) -> RecordingContext {
        RecordingContext { view: ShardView::isolated(0..nodes), me: NodeId(0), ..RecordingContext::default() }
    }

    /// Makes the next event one of another node.
    pub(super) fn be(&mut self, me: NodeId) {
        self.me = me;
    }

    /// Returns the actions since the last call.
    pub(super) fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.acts)
    }
}

impl Context for RecordingContext {
    fn view(&self) -> &ShardView<'_> {
        &self.view
    }

    fn me(&self) -> NodeId {
        self.me
    }

    fn deliver(&mut self, order: OrderIndex) -> bool {
        let is_new = !self.knows(order);
        self.held.push(order);
        is_new
    }

    fn count_part(&mut self, is_useful: bool) {
        self.acts.push(Action::CountedPart(is_useful));
    }

    fn encode_parts(&mut self, order: OrderIndex) {
        self.acts.push(Action::Encoded(order));
    }

    fn recover_set(&mut self, order: OrderIndex, set: u32, present: u64) -> bool {
        self.acts.push(Action::Recovered(order, set, present));
        self.recovers
    }

    fn deliver_recovered(&mut self, order: OrderIndex) -> bool {
        self.deliver(order)
    }

    fn order_bytes(&self, _: OrderIndex) -> u32 {
        self.order_bytes
    }

    fn fan_out(&mut self, order_hop: OrderHop) {
        self.acts.push(Action::Forwarded(order_hop));
    }

    fn announce(&mut self, kind: Kind, order_hop: OrderHop) {
        self.acts.push(Action::Announced(kind, order_hop));
    }

    fn announce_all(&mut self, kind: Kind, announcements: &[Announcement]) {
        self.acts.push(Action::AnnouncedAll(kind, announcements.to_vec()));
    }

    fn forward(&mut self, to: &[NodeId], kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        self.acts.push(Action::ForwardedTo(to.to_vec(), kind, order_hop, tail.to_vec()));
    }

    fn watch(&mut self, peer: NodeId) {
        self.acts.push(Action::Watched(peer));
    }

    fn spare(&mut self, order: OrderIndex, copies: u32) {
        self.acts.push(Action::Spared(order, copies));
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
