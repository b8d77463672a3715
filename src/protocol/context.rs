//! The questions and actions open to a protocol while it handles one event of one node.

use super::{Announcement, ShardView};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, OrderHop};
use crate::random::Stream;
use crate::time::Nanos;
use std::ops::Range;

/// One event of one node, as its protocol sees it: what the node knows, and the actions open to it.
pub trait Context {
    /// Returns the node that the event happens to.
    fn me(&self) -> NodeId;

    /// Returns the time of the event.
    fn now(&self) -> Nanos;

    /// Returns the nodes and links of the event's shard.
    fn view(&self) -> &ShardView<'_>;

    /// Delivers an order: marks it as held by this node, and returns true if it is new to it.
    ///
    /// This one method both recognises duplicates and counts coverage. Only the first call for an order returns true;
    /// for a message whose order fails its check it returns false.
    fn deliver(&mut self, order: OrderIndex) -> bool;

    /// Counts the part of an order that this event brought, once: useful if its node had not received it yet and lacked
    /// its set, late if not.
    fn count_part(&mut self, is_useful: bool);

    /// Encodes the parts of an order, as the node does that publishes it. Only a real carrier has bytes to encode.
    fn encode_parts(&mut self, order: OrderIndex);

    /// Recovers a set of an order from those of its parts whose bits are set; returns true if the bytes are those of
    /// the order. Virtual time has no bytes, so that it takes the protocol's word.
    fn recover_set(&mut self, order: OrderIndex, set: u32, present: u64) -> bool;

    /// Delivers an order whose sets this node has recovered, as [`deliver`](Self::deliver) does one that came whole.
    fn deliver_recovered(&mut self, order: OrderIndex) -> bool;

    /// Returns true if the order would not be new to this node: the node has it, or has forgotten it.
    fn knows(&self, order: OrderIndex) -> bool;

    /// Returns true if this node can still send the order: it has it within its window, which is its history.
    fn holds(&self, order: OrderIndex) -> bool;

    /// Returns the bytes of an order on the wire, without the header of its message.
    fn order_bytes(&self, order: OrderIndex) -> u32;

    /// Forwards an order to the node's targets for it, as [`Protocol::TARGETS`](super::Protocol::TARGETS) defines them.
    fn fan_out(&mut self, order_hop: OrderHop);

    /// Sends a message of this kind about the order, without its content, to the same targets.
    fn announce(&mut self, kind: Kind, order_hop: OrderHop);

    /// Announces several orders at once: each target of any of them gets one message about all that it is a target of,
    /// or several if they do not fit into one. With `--exclude-sender` a target is not told about an order that it
    /// sent.
    fn announce_all(&mut self, kind: Kind, announcements: &[Announcement]);

    /// Sends a message with this tail to each of the given nodes: for spreading orders to nodes that the protocol
    /// chooses itself.
    ///
    /// Adversaries act on it as on [`fan_out`](Self::fan_out): they drop, censor, delay or flood. An answer, which
    /// spreads nothing, uses [`send_with`](Self::send_with).
    fn forward(&mut self, to: &[NodeId], kind: Kind, order_hop: OrderHop, tail: &[u64]);

    /// Sends a message with this tail to one node: an answer, which adversaries leave alone. The tail arrives whole and
    /// in order, or the message does not arrive.
    fn send_with(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop, tail: &[u64]);

    /// Sets a timer: calls [`ProtocolState::handle_timeout`](super::ProtocolState::handle_timeout) for this node with
    /// this token at `time`, or as soon after it as the carrier's clock is read. A timer cannot be cancelled: a node
    /// that no longer needs it ignores it.
    fn wake_at(&mut self, time: Nanos, token: u64);

    /// Counts `count` actions of the protocol under the name at index `what` of
    /// [`Protocol::TALLIES`](super::Protocol::TALLIES). Actions in the warm-up count as well.
    fn tally(&mut self, what: u8, count: u64);

    /// Asks to be told by [`ProtocolState::handle_peer`](super::ProtocolState::handle_peer) when this node learns that
    /// `peer`, which has become its peer now, has gone down. For a protocol that
    /// [`WATCHES_PEERS`](super::Protocol::WATCHES_PEERS); peers that the overlay gives are watched in any case.
    fn watch(&mut self, _peer: NodeId) {}

    /// Counts copies of an order that a forward has left out because the order came from there.
    fn spare(&mut self, _order: OrderIndex, _copies: u32) {}

    /// Sends a message about no order to one node. Its kind must be upkeep.
    fn send_upkeep(&mut self, to: NodeId, kind: Kind, tail: &[u64]) {
        self.send_with(to, kind, OrderHop::NO_ORDER, tail);
    }

    /// Sends a message without a tail to one node.
    fn send(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop) {
        self.send_with(to, kind, order_hop, &[]);
    }

    /// Returns the index of this node among the nodes of its shard, for a `Vec` of data per node.
    #[inline]
    fn local(&self) -> usize {
        self.view().local(self.me())
    }

    /// Returns the node's peers in ascending order. Empty on an overlay that stores no rows; a protocol with
    /// [`NEEDS_PEERS`](super::Protocol::NEEDS_PEERS) never runs on one.
    fn peers(&self) -> &[NodeId] {
        self.view().peers(self.me())
    }

    /// Returns the numbers of the node's links among all links of its shard, one for each of its
    /// [`peers`](Self::peers): indices for a `Vec` of data per link.
    fn links(&self) -> Range<u32> {
        self.view().links_of(self.me())
    }

    /// Returns the number of the link to a peer, or `None` if the node is not a peer.
    fn link_of(&self, peer: NodeId) -> Option<u32> {
        let place = self.peers().binary_search(&peer).ok()?;
        Some(self.links().start + place as u32)
    }

    /// Draws one of the node's peers uniformly; on an overlay in which everyone is a peer of everyone, one of all other
    /// nodes. `None` if it has no peer. Of a purpose and a count it is always the same peer.
    fn contact(&self, purpose: u32, count: u64) -> Option<NodeId> {
        self.view().contact(self.me(), purpose, count)
    }

    /// Returns true if this node opened one of its links, and false if the peer at the other end did.
    fn dialled(&self, link: u32) -> bool {
        let place = link.wrapping_sub(self.links().start) as usize;
        self.peers().get(place).is_some_and(|&peer| self.view().dialled(self.me(), peer))
    }

    /// Draws 64 bits that depend only on the run's seed, this node, `purpose` and `count`, so that they are the same on
    /// any number of threads. A protocol numbers its purposes as it likes.
    fn draw(&self, purpose: u32, count: u64) -> u64 {
        self.view().draw(self.me(), purpose, count)
    }

    /// Returns the stream of which [`draw`](Self::draw) returns the first word, for an event that draws several.
    fn draws(&self, purpose: u32, count: u64) -> Stream {
        self.view().draws(self.me(), purpose, count)
    }
}

/// Passes the methods that every context over another leaves alone on to that one.
macro_rules! pass_on {
    ($field:tt) => {
        fn me(&self) -> NodeId {
            self.$field.me()
        }

        fn now(&self) -> Nanos {
            self.$field.now()
        }

        fn view(&self) -> &ShardView<'_> {
            self.$field.view()
        }

        fn deliver(&mut self, order: OrderIndex) -> bool {
            self.$field.deliver(order)
        }

        fn count_part(&mut self, is_useful: bool) {
            self.$field.count_part(is_useful);
        }

        fn encode_parts(&mut self, order: OrderIndex) {
            self.$field.encode_parts(order);
        }

        fn recover_set(&mut self, order: OrderIndex, set: u32, present: u64) -> bool {
            self.$field.recover_set(order, set, present)
        }

        fn deliver_recovered(&mut self, order: OrderIndex) -> bool {
            self.$field.deliver_recovered(order)
        }

        fn knows(&self, order: OrderIndex) -> bool {
            self.$field.knows(order)
        }

        fn holds(&self, order: OrderIndex) -> bool {
            self.$field.holds(order)
        }

        fn order_bytes(&self, order: OrderIndex) -> u32 {
            self.$field.order_bytes(order)
        }

        fn forward(&mut self, to: &[NodeId], kind: Kind, order_hop: OrderHop, tail: &[u64]) {
            self.$field.forward(to, kind, order_hop, tail);
        }

        fn send_with(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop, tail: &[u64]) {
            self.$field.send_with(to, kind, order_hop, tail);
        }

        fn tally(&mut self, what: u8, count: u64) {
            self.$field.tally(what, count);
        }
    };
}

/// Passes the methods that send to drawn targets on to the context below.
macro_rules! pass_targets_on {
    ($field:tt) => {
        fn fan_out(&mut self, order_hop: OrderHop) {
            self.$field.fan_out(order_hop);
        }

        fn announce(&mut self, kind: Kind, order_hop: OrderHop) {
            self.$field.announce(kind, order_hop);
        }

        fn announce_all(&mut self, kind: Kind, announcements: &[Announcement]) {
            self.$field.announce_all(kind, announcements);
        }
    };
}

pub(super) use {pass_on, pass_targets_on};
