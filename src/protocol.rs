//! The protocols, each a pure state machine: it is told of a message or that a time has come and says what to do, and
//! never sees a socket, a clock or a thread.
//!
//! A [`Protocol`] is what all nodes have in common. It crosses threads, and makes the [`ProtocolState`] of each shard
//! on the shard's own thread: one value for all nodes of the shard, which keeps what it likes per node and per link in
//! plain vectors. An event reaches it with a [`Context`], which answers for that event alone.
//!
//! | file | what a node does |
//! |---|---|
//! | `push` | forwards news to its targets, once |
//! | `flood` | forwards news to every peer but the one that it came from, once |
//! | `lazy` | announces news to its targets, and hands it to those that ask |
//! | `announcement`, `announcements` | messages about several orders |
//! | `targets` | the draw of a node's targets |
//! | `context`, `event` | what a protocol can ask and do, and about what |
//! | `shard_view` | the nodes, peers and links of a shard, and the nodes' own draws |

mod announcement;
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

pub use announcement::Announcement;
pub use announcements::AnnouncementBatch;
pub use context::Context;
pub use event::Event;
pub use flood::Flood;
pub use lazy::Lazy;
pub use push::Push;
pub use shard_view::{DialRule, Knowledge, ShardView};
pub use targets::{TargetBatch, TargetDraw, TargetScratch};

use crate::ids::OrderIndex;
use crate::message::{Kind, Message, OrderHop, Tail};
use crate::time::Nanos;

/// The recipients of a protocol's [`Context::fan_out`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// The first `fanout` peers in the permutation keyed by seed, order and node, drawn without a look at the sender.
    Drawn,
    /// Every peer but the sender, in the permutation that the fanout takes the first of.
    Others,
}

/// A gossip protocol: what all nodes have in common, and the maker of each shard's state.
pub trait Protocol: Sync {
    /// The state of the nodes of one shard, and their behaviour.
    type State: ProtocolState;

    /// The tail of its messages: `()` for none, or words.
    type Tail: Tail;

    /// The kinds of its control messages and of its upkeep, each with its name in reports. Of any other kind, one that
    /// comes is no message of the run.
    const KINDS: &'static [(Kind, &'static str)] = &[];

    /// True if it speaks in control messages or upkeep. It follows from [`KINDS`](Self::KINDS).
    const HAS_CONTROL: bool = !Self::KINDS.is_empty();

    /// The recipients of a fan-out.
    const TARGETS: Targets = Targets::Drawn;

    /// True if its nodes must know their peers. An overlay that does not store them is then refused at the start.
    const NEEDS_PEERS: bool = false;

    /// True if any of its messages is upkeep. It follows from [`KINDS`](Self::KINDS).
    const HAS_UPKEEP: bool = has_upkeep(Self::KINDS);

    /// True if its nodes act before any message comes: each is then told to [`start`](ProtocolState::start).
    const STARTS: bool = false;

    /// The names of what its nodes count with [`Context::tally`].
    const TALLIES: &'static [&'static str] = &[];

    /// Returns the time for which its nodes run before the first order is published, which is time 0 of every figure.
    /// Messages sent before are counted apart. A modelled network stays as it is at time 0 throughout: a node that is
    /// down at 0 is down before.
    fn warm_up(&self) -> Nanos {
        Nanos::ZERO
    }

    /// Makes the state of a shard, on the shard's own thread.
    fn for_shard(&self, view: &ShardView<'_>) -> Self::State;

    /// Returns true if a control message that comes from outside says what this protocol can be told, in a run of so
    /// many orders. One that does not is no message of the run. Without a body of its own: whether it is of one of
    /// [`KINDS`](Self::KINDS), and its tail not too long.
    fn admits(&self, message: &Message, tail: &[u64], _orders: u32) -> bool {
        speaks::<Self>(message.kind) && tail.len() <= self.tail_words_max()
    }

    /// Returns the name of a kind of message in reports.
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

/// The state of the nodes of one shard, and their behaviour.
pub trait ProtocolState {
    /// The run begins for this node. Called once for each node, before anything else, where the protocol
    /// [`STARTS`](Protocol::STARTS); also for one that is down, which says nothing until it is up.
    fn start<C: Context>(&mut self, _context: &mut C) {}

    /// An order enters the network at this node and may travel `ttl` hops.
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8);

    /// A message has come for this node, with what stands behind it.
    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]);

    /// A time has come that this node asked for.
    fn handle_timeout<C: Context>(&mut self, _context: &mut C, _token: u64) {}

    /// Returns true if nothing is left to do but what messages may yet ask for: no answer is awaited, and no node can
    /// still repair another. A run whose messages have all arrived ends once every shard is idle, whatever times have
    /// been asked for and whatever upkeep is under way. A shard that is not idle has asked for a time; one that is
    /// sends nothing but upkeep of its own accord.
    fn is_idle(&self) -> bool {
        true
    }

    /// Names the orders for which it is not idle, once for each answer awaited and each announcement due: they are
    /// still under way where no message is.
    fn name_awaited(&self, _name: impl FnMut(OrderIndex)) {}
}

/// Returns true if any of these kinds is upkeep.
const fn has_upkeep(kinds: &[(Kind, &str)]) -> bool {
    let mut place = 0;
    while place < kinds.len() {
        if kinds[place].0.is_upkeep() {
            return true;
        }
        place += 1;
    }
    false
}

/// Returns true if a protocol speaks in messages of this kind.
pub fn speaks<P: Protocol + ?Sized>(kind: Kind) -> bool {
    P::KINDS.iter().any(|known| known.0 == kind)
}

/// A protocol in which a node acts once on each order: the first message that brings it decides what the node forwards
/// to its targets, and every later one changes and causes nothing.
///
/// An order then spreads along shortest paths, and virtual time need not hand a node any message but the first.
pub trait FirstMessage: Protocol {
    /// Returns the forward of a node that has just received an order with this hop, or published it, which is hop 0.
    fn forward_first(&self, received: OrderHop) -> Option<OrderHop>;
}
