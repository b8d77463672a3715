//! A network in which some nodes run a protocol with knobs of their own, which the others understand.
//!
//! Each shard has a state of either side, and an event goes to that of its node. Both have room for all nodes of the
//! shard, so that a node keeps its place in either. Which protocols can be mixed is not decided here, but where a
//! scenario is made.
//!
//! Rejected: a state of both sides that is compiled for each protocol. A mix is no run that takes hours, and every
//! protocol would be compiled once more.

use super::any_protocol::AnyState;
use super::sides::SecondSide;
use super::{AnyProtocol, Context, Protocol, ProtocolState, ShardView};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, RareTail};
use crate::time::Nanos;

/// Two protocols, and the nodes of the second.
///
/// Its constants are the widest of all, as those of [`AnyProtocol`] are; what the sides declare it knows as values.
pub struct Mixed {
    sides: [AnyProtocol<'static>; 2],
    second: SecondSide,
}

/// The states of both sides in one shard.
pub struct MixedState {
    sides: [AnyState; 2],
    second: SecondSide,
}

impl Mixed {
    /// Mixes two sides, which send messages that either understands.
    pub fn new(sides: [AnyProtocol<'static>; 2], second: SecondSide) -> Mixed {
        Mixed { sides, second }
    }

    /// Returns true if this is so of any side.
    fn any(&self, is_so: impl Fn(&AnyProtocol<'static>) -> bool) -> bool {
        self.sides.iter().any(is_so)
    }
}

impl Protocol for Mixed {
    type State = MixedState;
    type Tail = RareTail;

    const HAS_CONTROL: bool = true;
    const HAS_UPKEEP: bool = true;
    const NEEDS_PEERS: bool = true;
    const STARTS: bool = true;
    const WATCHES_PEERS: bool = true;

    fn has_upkeep(&self) -> bool {
        self.any(Protocol::has_upkeep)
    }

    fn starts(&self) -> bool {
        self.any(Protocol::starts)
    }

    fn watches_peers(&self) -> bool {
        self.any(Protocol::watches_peers)
    }

    fn orders_per_event_max(&self) -> u32 {
        self.sides.iter().map(Protocol::orders_per_event_max).max().unwrap_or(u32::MAX)
    }

    /// Returns the longer warm-up of the sides that have nodes.
    fn warm_up(&self) -> Nanos {
        let sides = self.sides.iter().zip(self.second.counts()).filter(|(_, nodes)| *nodes > 0);
        sides.map(|(side, _)| side.warm_up()).max().unwrap_or_default()
    }

    fn for_shard(&self, view: &ShardView<'_>) -> MixedState {
        MixedState { sides: self.sides.each_ref().map(|side| side.for_shard(view)), second: self.second.clone() }
    }

    /// Returns true if any node could have sent it.
    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        self.any(|side| side.admits(message, tail, orders))
    }

    fn tail_words_max(&self) -> usize {
        self.sides.iter().map(Protocol::tail_words_max).max().unwrap_or(0)
    }
}

impl MixedState {
    /// Returns the state of the side of the event's node.
    fn side(&mut self, context: &impl Context) -> &mut AnyState {
        &mut self.sides[usize::from(self.second.has(context.me()))]
    }
}

impl ProtocolState for MixedState {
    fn start<C: Context>(&mut self, context: &mut C) {
        self.side(context).start(context);
    }

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        self.side(context).publish(context, order, ttl);
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        self.side(context).handle_message(context, message, tail);
    }

    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, order: OrderIndex, kind: Option<Kind>) {
        self.sides[usize::from(self.second.has(node))].prefetch(view, node, order, kind);
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        self.side(context).handle_timeout(context, token);
    }

    fn handle_peer<C: Context>(&mut self, context: &mut C, peer: NodeId, is_up: bool) {
        self.side(context).handle_peer(context, peer, is_up);
    }

    fn awaited(&self) -> u64 {
        self.sides.iter().map(ProtocolState::awaited).sum()
    }

    fn name_awaited(&self, mut name: impl FnMut(OrderIndex)) {
        self.sides.iter().for_each(|side| side.name_awaited(&mut name));
    }

    /// Names them as the first side does: of tails both sides have one understanding.
    fn name_in_tail(&self, tail: &[u64], name: impl FnMut(OrderIndex)) {
        self.sides[0].name_in_tail(tail, name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{KindNames, OrderHop};
    use crate::protocol::recording_context::{Action, RecordingContext};
    use crate::ratio::Ratio;

    /// Sets a timer with its number at the start, and counts what its nodes are told.
    struct Numbered(u64);

    #[derive(Debug)]
    struct NumberedState {
        number: u64,
        told: Vec<(u32, &'static str)>,
    }

    impl Protocol for Numbered {
        type State = NumberedState;
        type Tail = ();

        const KINDS: KindNames = &[(Kind::HAVE, "have")];
        const STARTS: bool = true;

        fn warm_up(&self) -> Nanos {
            Nanos(self.0)
        }

        fn for_shard(&self, _: &ShardView<'_>) -> NumberedState {
            NumberedState { number: self.0, told: Vec::new() }
        }
    }

    impl ProtocolState for NumberedState {
        fn start<C: Context>(&mut self, context: &mut C) {
            self.told.push((context.me().0, "start"));
            context.wake_at(Nanos(1), self.number);
        }

        fn publish<C: Context>(&mut self, context: &mut C, _: OrderIndex, _: u8) {
            context.wake_at(Nanos(2), self.number);
        }

        fn handle_message<C: Context>(&mut self, context: &mut C, _: &Message, _: &[u64]) {
            context.wake_at(Nanos(3), self.number);
        }

        fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
            context.wake_at(Nanos(4), self.number + token);
        }

        fn handle_peer<C: Context>(&mut self, context: &mut C, _: NodeId, _: bool) {
            context.wake_at(Nanos(5), self.number);
        }

        fn awaited(&self) -> u64 {
            self.told.len() as u64
        }
    }

    fn mixed(percent: u64) -> Mixed {
        let sides = [100, 200].map(|number| AnyProtocol::new(Numbered(number)));
        Mixed::new(sides, SecondSide::drawn(7, 20, Ratio::new(percent, 100).unwrap()))
    }

    #[test]
    fn every_event_goes_to_the_side_of_its_node() {
        let (mixed, mut context) = (mixed(30), RecordingContext::isolated(20));
        let mut state = mixed.for_shard(context.view());
        let mut of_second = 0;
        for node in (0..20).map(NodeId) {
            context.be(node);
            let number = if state.second.has(node) { 200 } else { 100 };
            of_second += u32::from(number == 200);
            let message = OrderHop { order: OrderIndex(0), ttl: 4, hop: 1 }.message(Kind::HAVE, NodeId(19), node);
            state.start(&mut context);
            state.publish(&mut context, OrderIndex(0), 5);
            state.handle_message(&mut context, &message, &[]);
            state.handle_timeout(&mut context, 7);
            state.handle_peer(&mut context, NodeId(3), false);
            let expected = [(1, 0), (2, 0), (3, 0), (4, 7), (5, 0)];
            let expected = expected.map(|(time, more)| Action::Asked(Nanos(time), number + more));
            assert_eq!(context.take(), expected, "{node:?}");
        }
        assert_eq!((of_second, state.awaited()), (6, 20), "both sides await");
    }

    #[test]
    fn a_warm_up_is_that_of_the_sides_that_have_nodes() {
        assert_eq!([0, 30, 100].map(|percent| mixed(percent).warm_up()), [100, 200, 200].map(Nanos));
        let mixed = mixed(30);
        assert!(mixed.starts() && !mixed.has_upkeep() && !mixed.watches_peers(), "as both sides say");
        assert_eq!(mixed.tail_words_max(), 0);
    }
}
