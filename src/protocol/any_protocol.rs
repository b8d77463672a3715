//! Any protocol behind a trait object: for code that is to be compiled once, and not for each protocol.
//!
//! A protocol sees its context as a trait object there, too, so that its own code is compiled once more and not once
//! for every carrier, engine and trace. An event costs some indirect calls.

use super::context::{pass_on, pass_targets_on};
use super::{Announcement, Context, Protocol, ProtocolState, ShardView};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop, RareTail};
use crate::parts::OrderCut;
use crate::random::Stream;
use crate::time::Nanos;
use std::ops::Range;

/// A protocol of whatever type.
///
/// What other protocols declare as constants it knows as values alone: its own constants are the widest of all.
pub struct AnyProtocol<'p>(Holder<'p>);

/// The protocol, its own or somebody else's.
enum Holder<'p> {
    Owned(Box<dyn ErasedProtocol + 'p>),
    Borrowed(&'p (dyn ErasedProtocol + 'p)),
}

/// The state of the nodes of one shard under a protocol of whatever type.
pub struct AnyState(Box<dyn ErasedState>);

/// The questions to a protocol, without its types.
trait ErasedProtocol: Sync {
    fn has_upkeep(&self) -> bool;
    fn starts(&self) -> bool;
    fn watches_peers(&self) -> bool;
    fn orders_per_event_max(&self) -> u32;
    fn warm_up(&self) -> Nanos;
    fn order_cut(&self) -> Option<OrderCut>;
    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool;
    fn tail_words_max(&self) -> usize;
    fn for_shard(&self, view: &ShardView<'_>) -> Box<dyn ErasedState>;
}

/// The events and questions that reach the state of a shard, without its type.
trait ErasedState {
    fn start(&mut self, context: &mut ErasedContext<'_>);
    fn publish(&mut self, context: &mut ErasedContext<'_>, order: OrderIndex, ttl: u8);
    fn handle_message(&mut self, context: &mut ErasedContext<'_>, message: &Message, tail: &[u64]);
    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, order: OrderIndex, kind: Option<Kind>);
    fn handle_timeout(&mut self, context: &mut ErasedContext<'_>, token: u64);
    fn handle_peer(&mut self, context: &mut ErasedContext<'_>, peer: NodeId, is_up: bool);
    fn awaited(&self) -> u64;
    fn take_settled_peers(&mut self) -> Vec<NodeId>;
    fn name_awaited(&self, name: &mut dyn FnMut(OrderIndex));
    fn name_in_tail(&self, tail: &[u64], name: &mut dyn FnMut(OrderIndex));
}

/// The context of an event, without its type.
struct ErasedContext<'c>(&'c mut dyn Context);

impl<'p> AnyProtocol<'p> {
    /// Takes a protocol.
    pub fn new(protocol: impl Protocol + 'p) -> AnyProtocol<'p> {
        AnyProtocol(Holder::Owned(Box::new(protocol)))
    }

    /// Borrows a protocol.
    pub fn of(protocol: &'p (impl Protocol + 'p)) -> AnyProtocol<'p> {
        AnyProtocol(Holder::Borrowed(protocol))
    }

    fn held(&self) -> &(dyn ErasedProtocol + 'p) {
        match &self.0 {
            Holder::Owned(protocol) => &**protocol,
            Holder::Borrowed(protocol) => *protocol,
        }
    }
}

impl Protocol for AnyProtocol<'_> {
    type State = AnyState;
    type Tail = RareTail;

    const HAS_CONTROL: bool = true;
    const HAS_UPKEEP: bool = true;
    const HAS_PARTS: bool = true;
    const NEEDS_PEERS: bool = true;
    const STARTS: bool = true;
    const WATCHES_PEERS: bool = true;

    fn has_upkeep(&self) -> bool {
        self.held().has_upkeep()
    }

    fn starts(&self) -> bool {
        self.held().starts()
    }

    fn watches_peers(&self) -> bool {
        self.held().watches_peers()
    }

    fn orders_per_event_max(&self) -> u32 {
        self.held().orders_per_event_max()
    }

    fn warm_up(&self) -> Nanos {
        self.held().warm_up()
    }

    fn order_cut(&self) -> Option<OrderCut> {
        self.held().order_cut()
    }

    fn for_shard(&self, view: &ShardView<'_>) -> AnyState {
        AnyState(self.held().for_shard(view))
    }

    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        self.held().admits(message, tail, orders)
    }

    fn tail_words_max(&self) -> usize {
        self.held().tail_words_max()
    }
}

impl ProtocolState for AnyState {
    fn start<C: Context>(&mut self, context: &mut C) {
        self.0.start(&mut ErasedContext(context));
    }

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        self.0.publish(&mut ErasedContext(context), order, ttl);
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        self.0.handle_message(&mut ErasedContext(context), message, tail);
    }

    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, order: OrderIndex, kind: Option<Kind>) {
        self.0.prefetch(view, node, order, kind);
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        self.0.handle_timeout(&mut ErasedContext(context), token);
    }

    fn handle_peer<C: Context>(&mut self, context: &mut C, peer: NodeId, is_up: bool) {
        self.0.handle_peer(&mut ErasedContext(context), peer, is_up);
    }

    fn awaited(&self) -> u64 {
        self.0.awaited()
    }

    fn take_settled_peers(&mut self) -> Vec<NodeId> {
        self.0.take_settled_peers()
    }

    fn name_awaited(&self, mut name: impl FnMut(OrderIndex)) {
        self.0.name_awaited(&mut name);
    }

    fn name_in_tail(&self, tail: &[u64], mut name: impl FnMut(OrderIndex)) {
        self.0.name_in_tail(tail, &mut name);
    }
}

impl Context for ErasedContext<'_> {
    pass_on!(0);
    pass_targets_on!(0);

    fn wake_at(&mut self, time: Nanos, token: u64) {
        self.0.wake_at(time, token);
    }

    fn watch(&mut self, peer: NodeId) {
        self.0.watch(peer);
    }

    fn spare(&mut self, order: OrderIndex, copies: u32) {
        self.0.spare(order, copies);
    }

    fn local(&self) -> usize {
        self.0.local()
    }

    fn peers(&self) -> &[NodeId] {
        self.0.peers()
    }

    fn links(&self) -> Range<u32> {
        self.0.links()
    }

    fn link_of(&self, peer: NodeId) -> Option<u32> {
        self.0.link_of(peer)
    }

    fn contact(&self, purpose: u32, count: u64) -> Option<NodeId> {
        self.0.contact(purpose, count)
    }

    fn dialled(&self, link: u32) -> bool {
        self.0.dialled(link)
    }

    fn draw(&self, purpose: u32, count: u64) -> u64 {
        self.0.draw(purpose, count)
    }

    fn draws(&self, purpose: u32, count: u64) -> Stream {
        self.0.draws(purpose, count)
    }
}

impl<P: Protocol> ErasedProtocol for P {
    fn has_upkeep(&self) -> bool {
        Protocol::has_upkeep(self)
    }

    fn starts(&self) -> bool {
        Protocol::starts(self)
    }

    fn watches_peers(&self) -> bool {
        Protocol::watches_peers(self)
    }

    fn orders_per_event_max(&self) -> u32 {
        Protocol::orders_per_event_max(self)
    }

    fn warm_up(&self) -> Nanos {
        Protocol::warm_up(self)
    }

    fn order_cut(&self) -> Option<OrderCut> {
        Protocol::order_cut(self).filter(|_| P::HAS_PARTS)
    }

    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        Protocol::admits(self, message, tail, orders)
    }

    fn tail_words_max(&self) -> usize {
        Protocol::tail_words_max(self)
    }

    fn for_shard(&self, view: &ShardView<'_>) -> Box<dyn ErasedState> {
        Box::new(Protocol::for_shard(self, view))
    }
}

impl<S: ProtocolState> ErasedState for S {
    fn start(&mut self, context: &mut ErasedContext<'_>) {
        ProtocolState::start(self, context);
    }

    fn publish(&mut self, context: &mut ErasedContext<'_>, order: OrderIndex, ttl: u8) {
        ProtocolState::publish(self, context, order, ttl);
    }

    fn handle_message(&mut self, context: &mut ErasedContext<'_>, message: &Message, tail: &[u64]) {
        ProtocolState::handle_message(self, context, message, tail);
    }

    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, order: OrderIndex, kind: Option<Kind>) {
        ProtocolState::prefetch(self, view, node, order, kind);
    }

    fn handle_timeout(&mut self, context: &mut ErasedContext<'_>, token: u64) {
        ProtocolState::handle_timeout(self, context, token);
    }

    fn handle_peer(&mut self, context: &mut ErasedContext<'_>, peer: NodeId, is_up: bool) {
        ProtocolState::handle_peer(self, context, peer, is_up);
    }

    fn awaited(&self) -> u64 {
        ProtocolState::awaited(self)
    }

    fn take_settled_peers(&mut self) -> Vec<NodeId> {
        ProtocolState::take_settled_peers(self)
    }

    fn name_awaited(&self, name: &mut dyn FnMut(OrderIndex)) {
        ProtocolState::name_awaited(self, name);
    }

    fn name_in_tail(&self, tail: &[u64], name: &mut dyn FnMut(OrderIndex)) {
        ProtocolState::name_in_tail(self, tail, name);
    }
}
