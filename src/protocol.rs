//! The protocols, each a pure state machine: it is told of a message or that a time has come and says what to do, and
//! never sees a socket, a clock or a thread.
//!
//! A [`Protocol`] is what all nodes have in common. It crosses threads, and makes the [`ProtocolState`] of each shard on
//! the shard's own thread: one value for all nodes of the shard, which keeps what it likes per node and per link in plain
//! vectors. An event reaches it with a [`Context`], which answers for that event alone.
//!
//! | file | what a node does |
//! |---|---|
//! | `push` | forwards news to its targets, once |
//! | `flood` | forwards news to every peer but the one that it came from, once |
//! | `lazy` | announces news to its targets, and hands it to those that ask |
//! | `announcements` | messages about several orders |
//! | `targets` | the draw of a node's targets |
//! | `context`, `event` | what a protocol can ask and do, and about what |
//! | `shard_view` | the nodes, peers and links of a shard, and the nodes' own draws |

mod announcements;
mod context;
mod event;
mod flood;
mod lazy;
mod push;
#[cfg(test)]
mod recording_context;
mod shard_view;
mod targets;

pub use announcements::{Announcement, AnnouncementBatch};
pub use context::Context;
pub use event::Event;
pub use flood::Flood;
pub use lazy::Lazy;
pub use push::Push;
pub use shard_view::{DialRule, Knowledge, ShardView};
pub use targets::{TargetBatch, TargetDraw, TargetScratch};

use crate::ids::OrderIndex;
use crate::message::{Kind, Message, OrderHop, Tail};

/// Whom a protocol's [`Context::fan_out`] goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// The first `fanout` peers in the permutation keyed by seed, order and node, drawn without a look at the sender.
    Drawn,
    /// Every peer but the sender, in the permutation that the fanout takes the first of.
    Others,
}

/// A gossip protocol: what all nodes have in common, and the maker of each shard's state.
pub trait Protocol: Sync {
    /// What the nodes of one shard keep, and how they act.
    type State: ProtocolState;

    /// What stands behind its messages: `()` for nothing, or words.
    type Tail: Tail;

    /// The kinds of its control messages and of its upkeep, each with its name in reports. Of any other kind, one that comes
    /// is no message of the run.
    const KINDS: &'static [(Kind, &'static str)] = &[];

    /// Whether it speaks in control messages or upkeep. It follows from [`KINDS`](Self::KINDS).
    const HAS_CONTROL: bool = !Self::KINDS.is_empty();

    /// Whom a fan-out goes to.
    const TARGETS: Targets = Targets::Drawn;

    /// Whether its nodes must know their peers. An overlay that does not store them is then refused at the start.
    const NEEDS_PEERS: bool = false;

    /// Makes the state of a shard, on the shard's own thread.
    fn for_shard(&self, view: &ShardView<'_>) -> Self::State;

    /// Whether a control message that comes from outside says what this protocol can be told, in a run of so many
    /// orders. One that does not is no message of the run. Without a body of its own: whether it is of one of
    /// [`KINDS`](Self::KINDS), and its tail not too long.
    fn admits(&self, message: &Message, tail: &[u64], _orders: u32) -> bool {
        speaks::<Self>(message.kind) && tail.len() <= self.tail_words_max()
    }

    /// What reports call a kind of message.
    fn kind_name(kind: Kind) -> &'static str {
        match Self::KINDS.iter().find(|known| known.0 == kind) {
            Some(&(_, name)) => name,
            None if kind == Kind::PAYLOAD => "payload",
            None => "unknown",
        }
    }

    /// The most words that stand behind any of its messages. Carriers have room for these, and for no more.
    fn tail_words_max(&self) -> usize {
        Self::Tail::WORDS_MAX
    }

    /// Names the orders that a message's tail is about, beside the message's own.
    fn name_behind(_tail: &[u64], _name: impl FnMut(OrderIndex)) {}
}

/// What the nodes of one shard keep, and how they act.
pub trait ProtocolState {
    /// An order enters the network at this node and may travel `ttl` hops.
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8);

    /// A message has come for this node, with what stands behind it.
    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]);

    /// A time has come that this node asked for.
    fn handle_timeout<C: Context>(&mut self, _context: &mut C, _token: u64) {}

    /// Whether nothing is left to do but what messages may yet ask for: no answer is awaited. A run whose messages have
    /// all arrived ends once every shard is idle, whatever times have been asked for.
    fn is_idle(&self) -> bool {
        true
    }

    /// Names the orders for which it is not idle, once for each answer awaited and each announcement due: they are still
    /// under way where no message is.
    fn name_awaited(&self, _name: impl FnMut(OrderIndex)) {}
}

/// Whether a protocol speaks in messages of this kind.
pub fn speaks<P: Protocol + ?Sized>(kind: Kind) -> bool {
    P::KINDS.iter().any(|known| known.0 == kind)
}

/// A protocol in which a node acts once on each order: the first message that brings it decides what the node forwards to
/// its targets, and every later one changes and causes nothing.
///
/// An order then spreads along shortest paths, and virtual time need not hand a node any message but the first.
pub trait FirstMessage: Protocol {
    /// What a node forwards that has just received an order with this hop, or published it, which is hop 0.
    fn forward_first(&self, received: OrderHop) -> Option<OrderHop>;
}
