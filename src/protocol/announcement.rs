//! An order that a node is to announce.

use crate::ids::{NodeId, OrderIndex};
use crate::message::OrderHop;

/// An order that a node is to announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The order, at the hop that a forward from this node would have.
    pub order_hop: OrderHop,
    /// The node that the order came from; at an origin, the origin itself.
    pub from: NodeId,
}

/// The encoding as two words, in which an announcement waits in a queue.
impl Announcement {
    /// Encodes the announcement.
    pub const fn to_words(self) -> [u64; 2] {
        [self.order_hop.to_word(), self.from.0 as u64]
    }

    /// Decodes the announcement that [`to_words`](Self::to_words) encoded.
    pub const fn from_words([step, from]: [u64; 2]) -> Announcement {
        let order_hop = match OrderHop::from_word(step) {
            Some(order_hop) => order_hop,
            // Unreachable for words of `to_words`; a value instead of a panic.
            None => OrderHop { order: OrderIndex(step as u32), ttl: 0, hop: 1 },
        };
        Announcement { order_hop, from: NodeId(from as u32) }
    }
}
