//! The protocols, each a pure state machine: it is told of a message or that a time has come and says what to do, and
//! never sees a socket, a clock or a thread.
//!
//! One protocol value serves all nodes of a shard. What it keeps per node is plain values in structures of bounded size.
//!
//! | file | what a node does |
//! |---|---|
//! | `push` | forwards news to its targets, once |
//! | `flood` | forwards news to every peer but the one that it came from, once |
//! | `lazy` | announces news to its targets, and hands it to those that ask |
//! | `list` | messages about several orders |
//! | `targets` | the draw of a node's targets |
//!
//! A new protocol is a file here, a line in `scenario::ProtocolKind` and one in `simulation/protocols.rs`. Should it speak of
//! something new, that is a [`Kind`], which every carrier takes as it is.

mod announcements;
mod event;
mod flood;
mod lazy;
mod push;
#[cfg(test)]
mod recording_context;
mod targets;

pub use announcements::{Announcement, AnnouncementBatch};
pub use event::Event;
pub use flood::Flood;
pub use lazy::Lazy;
pub use push::Push;
pub use targets::{TargetBatch, TargetDraw, TargetScratch};

use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop, Tail};
use crate::time::Nanos;

/// Whom a protocol's [`Context::fan_out`] goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// The first `fanout` peers in the order keyed by seed, node, order, drawn without a look at the sender.
    Drawn,
    /// Every peer but the sender, in the order that the fanout takes the first of.
    Others,
}

/// What a protocol can ask and do while it handles one event of one node.
///
/// The first three are all that a protocol whose duplicates are inert may use; the others have a body for the places
/// that serve only such protocols, and never run there.
pub trait Context {
    /// The node whose event this is.
    fn me(&self) -> NodeId;

    /// Takes the order in: marks it as held by this node, and says whether that is news.
    ///
    /// Dedup and coverage are this one verb. Only the first call for an order counts; a message whose order does not
    /// survive its check is never news.
    fn deliver(&mut self, order: OrderIndex) -> bool;

    /// Forwards an order to the node's targets for it: those that [`Protocol::TARGETS`] names.
    fn fan_out(&mut self, order_hop: OrderHop);

    /// Sends a message of this kind, and not the order, to the same targets.
    fn announce(&mut self, _kind: Kind, _onward: OrderHop) {
        first_messages_only()
    }

    /// Announces several orders at once: each of the node's targets for any of them gets one message about all that it is a
    /// target for, or as many as they fill. One that is not to be looked at for an order does not hear of that.
    fn announce_all(&mut self, _kind: Kind, _news: &[Announcement]) {
        first_messages_only()
    }

    /// Sends a message to one node. Whom a protocol knows of it knows from messages that came.
    fn send(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop) {
        self.send_with(to, kind, order_hop, &[]);
    }

    /// Sends a control message to one node with so many words behind it, which come whole and in order, or not at all.
    fn send_with(&mut self, _to: NodeId, _kind: Kind, _onward: OrderHop, _tail: &[u64]) {
        first_messages_only()
    }

    /// Whether the order would be no news to this node: it has it, or has forgotten it.
    fn knows(&self, _order: OrderIndex) -> bool {
        first_messages_only()
    }

    /// Whether this node can still hand the order on: it has it within its window, which is its history.
    fn holds(&self, _order: OrderIndex) -> bool {
        first_messages_only()
    }

    /// The time of this event.
    fn now(&self) -> Nanos {
        first_messages_only()
    }

    /// Asks for [`Protocol::handle_timeout`] of this node with this token at `time`, or as soon after as the carrier's
    /// clock is read. Nothing takes it back: whoever no longer needs it lets it pass.
    fn wake_at(&mut self, _time: Nanos, _token: u64) {
        first_messages_only()
    }
}

/// Only what uses first messages and no more runs where this stands in for a context's answer.
fn first_messages_only() -> ! {
    unreachable!("a protocol whose duplicates are inert takes orders in and fans out, and does nothing else")
}

/// A gossip protocol.
pub trait Protocol {
    /// Whether a message whose order the node has already changes nothing and causes nothing: no answer, no count, no timer.
    /// And whether what a node does with the first one hangs on that message alone, and is to take the order in and fan
    /// it out. Virtual time may then hand a node its first message only.
    const DUPLICATES_ARE_INERT: bool = false;

    /// Whether it speaks in control messages. Where it does not, one that comes is no message of the run.
    const HAS_CONTROL: bool = false;

    /// Whom a fan-out goes to.
    const TARGETS: Targets = Targets::Drawn;

    /// What stands behind its messages.
    type Tail: Tail;

    /// Whether a control message that comes from outside says what this protocol can be told, in a run of so many orders.
    /// One that does not is no message of the run.
    fn admits(&self, _message: &Message, _tail: &[u64], _orders: u32) -> bool {
        Self::HAS_CONTROL
    }

    /// The most words that stand behind any of its messages. Carriers have room for so many, and no more.
    fn tail_words_max(&self) -> usize {
        Self::Tail::WORDS_MAX
    }

    /// The order enters the network at this node and may travel `ttl` hops.
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8);

    /// A message has come for this node, with what stands behind it.
    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]);

    /// A time has come that this node asked for.
    fn handle_timeout<C: Context>(&mut self, _context: &mut C, _token: u64) {}

    /// Whether nothing is left to do but what messages may yet ask for: no answer is awaited. A run whose messages have
    /// all arrived ends once every protocol is idle, whatever times have been asked for.
    fn is_idle(&self) -> bool {
        true
    }

    /// Names the orders for which it is not idle, as often as it awaits or has to say anything about them: they are still under way
    /// where no message is.
    fn name_awaited(&self, _name: impl FnMut(OrderIndex)) {}

    /// Names the orders that a message's tail is about, beside the message's own.
    fn name_behind(_tail: &[u64], _name: impl FnMut(OrderIndex)) {}
}
