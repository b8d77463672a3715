//! The event that a protocol's context answers for.

use crate::ids::NodeId;
use crate::message::Message;
use crate::time::Nanos;

/// One event of one node. A shard makes a context of it, so that no answer can be about an event before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The node whose event this is.
    pub me: NodeId,
    /// The sender of the message that is handled; the node itself if the event is not a message.
    pub sender: NodeId,
    /// The hop of the message, 0 where there is none.
    pub hop: u8,
    /// The time of the event.
    pub now: Nanos,
}

impl Event {
    /// An event that no message caused: a publication, a timer, a start.
    #[inline]
    pub const fn own(me: NodeId, now: Nanos) -> Event {
        Event { me, sender: me, hop: 0, now }
    }

    /// The receipt of a message.
    #[inline]
    pub const fn receipt(message: &Message, now: Nanos) -> Event {
        Event { me: message.to, sender: message.from, hop: message.hop, now }
    }
}
