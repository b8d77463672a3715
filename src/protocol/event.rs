//! The event that a protocol's context is about.

use crate::ids::NodeId;
use crate::message::Message;
use crate::time::Nanos;

/// One event of one node. A shard creates a context for each event, so that no action can be about an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The node that the event happens to.
    pub me: NodeId,
    /// The sender of the message, or the node itself if the event is not a message.
    pub sender: NodeId,
    /// The hop of the message, or 0 if the event is not a message.
    pub hop: u8,
    /// The time of the event.
    pub now: Nanos,
}

impl Event {
    /// Creates an event without a message: a publication, a timer, a start.
    #[inline]
    pub const fn own(me: NodeId, now: Nanos) -> Event {
        Event { me, sender: me, hop: 0, now }
    }

    /// Creates the receipt of a message.
    #[inline]
    pub const fn receipt(message: &Message, now: Nanos) -> Event {
        Event { me: message.to, sender: message.from, hop: message.hop, now }
    }
}
