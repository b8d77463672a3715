//! The questions and actions open to a protocol while it handles one event of one node.

use super::{Announcement, ShardView};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, OrderHop};
use crate::time::Nanos;
use std::ops::Range;

/// One event of one node, as its protocol sees it: what the node knows, and what it can do about it.
pub trait Context {
    /// The node whose event this is.
    fn me(&self) -> NodeId;

    /// The time of the event.
    fn now(&self) -> Nanos;

    /// The nodes and links of the event's shard.
    fn view(&self) -> &ShardView<'_>;

    /// Takes an order in: marks it as held by this node, and says whether that is news.
    ///
    /// Dedup and coverage are this one verb. Only the first call for an order counts; a message whose order does not
    /// survive its check is never news.
    fn deliver(&mut self, order: OrderIndex) -> bool;

    /// Returns true if the order would be no news to this node: it has it, or has forgotten it.
    fn knows(&self, order: OrderIndex) -> bool;

    /// Returns true if this node can still hand the order on: it has it within its window, which is its history.
    fn holds(&self, order: OrderIndex) -> bool;

    /// Forwards an order to the node's targets for it: those that [`Protocol::TARGETS`](super::Protocol::TARGETS)
    /// names.
    fn fan_out(&mut self, order_hop: OrderHop);

    /// Sends a message of this kind, and not the order, to the same targets.
    fn announce(&mut self, kind: Kind, order_hop: OrderHop);

    /// Announces several orders at once: each of the node's targets for any of them gets one message about all that it
    /// is a target for, or as many as they fill. With `--exclude-sender` a target is not told of an order that it sent.
    fn announce_all(&mut self, kind: Kind, news: &[Announcement]);

    /// Sends a message to each of these nodes, with these words behind it: what spreads news to nodes of the protocol's
    /// own choice.
    ///
    /// An adversary does to it what it does to a [`fan_out`](Self::fan_out): it drops, censors, delays or floods. An
    /// answer, which spreads nothing, goes through [`send_with`](Self::send_with).
    fn forward(&mut self, to: &[NodeId], kind: Kind, order_hop: OrderHop, tail: &[u64]);

    /// Sends a message to one node with these words behind it, which arrive whole and in order, or not at all: an
    /// answer, which adversaries leave alone.
    fn send_with(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop, tail: &[u64]);

    /// Asks for [`ProtocolState::handle_timeout`](super::ProtocolState::handle_timeout) of this node with this token at
    /// `time`, or as soon after as the carrier's clock is read. Nothing takes it back: a node that no longer needs it
    /// lets it pass.
    fn wake_at(&mut self, time: Nanos, token: u64);

    /// Counts `count` actions of the protocol under the name with this place in
    /// [`Protocol::TALLIES`](super::Protocol::TALLIES). Actions in the warm-up count as well.
    fn tally(&mut self, what: u8, count: u64);

    /// Sends a message about no order to one node. Its kind is one of those that are upkeep.
    fn send_upkeep(&mut self, to: NodeId, kind: Kind, tail: &[u64]) {
        self.send_with(to, kind, OrderHop::NO_ORDER, tail);
    }

    /// Sends a message without a tail to one node.
    fn send(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop) {
        self.send_with(to, kind, order_hop, &[]);
    }

    /// The place of this node among the nodes of its shard: the index for a `Vec` of what each node keeps.
    #[inline]
    fn local(&self) -> usize {
        self.view().local(self.me())
    }

    /// The node's peers, ascending. Empty on an overlay that stores no rows, which a protocol with
    /// [`NEEDS_PEERS`](super::Protocol::NEEDS_PEERS) never runs on.
    fn peers(&self) -> &[NodeId] {
        self.view().peers(self.me())
    }

    /// The numbers of the node's links, one for each of its [`peers`](Self::peers), among all links of its shard: the
    /// index for a `Vec` of what each link keeps.
    fn links(&self) -> Range<u32> {
        self.view().links_of(self.me())
    }

    /// The number of the link to a peer; `None` where the node is no peer.
    fn link_of(&self, peer: NodeId) -> Option<u32> {
        let place = self.peers().binary_search(&peer).ok()?;
        Some(self.links().start + place as u32)
    }

    /// Returns true if this node opened a link of its own, rather than the peer at the other end. Exactly one of both
    /// did.
    fn dialled(&self, link: u32) -> bool {
        let place = link.wrapping_sub(self.links().start) as usize;
        self.peers().get(place).is_some_and(|&peer| self.view().dialled(self.me(), peer))
    }

    /// Draws 64 bits that hang on the run's seed, this node, `purpose` and `count`, and on nothing else: the same on
    /// any number of threads. A protocol numbers its purposes as it likes.
    fn draw(&self, purpose: u32, count: u64) -> u64 {
        self.view().draw(self.me(), purpose, count)
    }
}
