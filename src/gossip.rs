//! The protocols, each a pure state machine: it is told of a message and says what to do, and never sees a socket, a
//! clock or a thread.
//!
//! One protocol value serves all nodes of a shard. Whatever it keeps per node it keeps in arrays of plain words.

mod push;
mod targets;

pub use push::Push;
pub use targets::{TargetDraw, TargetScratch, Volley};

use crate::ids::{NodeId, OrderIndex};
use crate::message::{Message, Onward};

/// What a protocol can ask and do while it handles one event of one node.
pub trait Context {
    /// The node whose event this is.
    fn me(&self) -> NodeId;

    /// Takes the order in: marks it as held by this node, and says whether that is news.
    ///
    /// Dedup and coverage are this one verb. Only the first call for an order counts; a message whose order does not
    /// survive its check is never news.
    fn deliver(&mut self, order: OrderIndex) -> bool;

    /// Forwards an order to the node's targets for it: the first `fanout` peers in the order keyed by seed, node, order.
    fn fan_out(&mut self, onward: Onward);
}

/// A gossip protocol.
pub trait Protocol {
    /// Whether a message whose order the node has already changes nothing and causes nothing: no answer, no count, no timer.
    /// And whether what a node does with the first one hangs on that message alone. Virtual time may then hand a node its
    /// first message only.
    const DUPLICATES_ARE_INERT: bool = false;

    /// The order enters the network at this node and may travel `ttl` hops.
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8);

    /// A message has come for this node.
    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message);
}
