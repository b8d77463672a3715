//! An order that a node has to announce.

use crate::ids::{NodeId, OrderIndex};
use crate::message::OrderHop;

/// An order that a node has to announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The step that it would be from here.
    pub order_hop: OrderHop,
    /// The node that it came from; at an origin, the origin itself.
    pub from: NodeId,
}

/// News as two words, for those who let it wait.
impl Announcement {
    /// The words.
    pub const fn to_words(self) -> [u64; 2] {
        [self.order_hop.to_word(), self.from.0 as u64]
    }

    /// The news that [`to_words`](Self::to_words) wrote.
    pub const fn from_words([step, from]: [u64; 2]) -> Announcement {
        let order_hop = match OrderHop::from_word(step) {
            Some(order_hop) => order_hop,
            // No such word was written.
            None => OrderHop { order: OrderIndex(step as u32), ttl: 0, hop: 1 },
        };
        Announcement { order_hop, from: NodeId(from as u32) }
    }
}
