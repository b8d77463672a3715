//! Protocols, each a pure state machine: it is told of messages and timers and answers with actions, and never sees a
//! socket, a clock or a thread.
//!
//! A [`Protocol`] value holds the configuration that all nodes share, and crosses threads. On each shard's own thread
//! it creates a [`ProtocolState`]: one value for all nodes of the shard, which may keep data per node and per link in
//! plain vectors. Each event comes with a [`Context`], through which the state acts on that event alone.
//!
//! | file | contents |
//! |---|---|
//! | `push` | a node forwards each new order to its targets, once |
//! | `flood` | a node forwards each new order to every peer but its sender, once |
//! | `lazy` | a node announces each new order to its targets, and sends it to those that request it |
//! | `plumtree` | a node sends each new order over the links of a tree, and announces it over the others |
//! | `bitcoin_relay` | a node announces each new order to its peers in trickles, as Bitcoin Core does |
//! | `push_pull` | in rounds, a node calls one peer, and the two exchange what one of them lacks |
//! | `gossipsub` | orders travel over a mesh of few links, and heartbeats tell other peers of them |
//! | `request_table` | the open requests of nodes, by node and order |
//! | `turbine` | an order travels in shreds, each down a tree of its own |
//! | `swim` | a node keeps a queue, and tells each order to drawn nodes a bounded number of times |
//! | `membership`, `over` | protocols that keep the peers of nodes, and a protocol over such a one |
//! | `hyparview` | each node keeps a small active view, and replaces from a passive one those that fail |
//! | `any_protocol` | one type for all protocols |
//! | `mixed`, `sides` | a network in which some nodes run another protocol, and which nodes those are |
//! | `announcement`, `announcements` | messages about several orders |
//! | `knobs` | the values that a protocol lets people choose, and their reader |
//! | `targets` | the draw of a node's targets |
//! | `context`, `event` | the queries and actions open to a protocol, and the event that they are about |
//! | `shard_view` | the nodes, peers and links of a shard, and the nodes' own random draws |

mod announcement;
mod announcements;
mod any_protocol;
mod bitcoin_relay;
mod context;
mod event;
mod flood;
mod gossipsub;
mod hyparview;
mod knobs;
mod lazy;
mod membership;
mod mixed;
mod over;
mod plumtree;
mod push;
mod push_pull;
#[cfg(test)]
mod recording_context;
mod request_table;
mod shard_view;
mod sides;
mod swim;
mod targets;
mod turbine;

pub use announcement::Announcement;
pub use announcements::AnnouncementBatch;
pub use any_protocol::AnyProtocol;
pub use bitcoin_relay::{BitcoinKnobs, BitcoinRelay};
pub use context::Context;
pub use event::Event;
pub use flood::{Flood, FloodKnobs};
pub use gossipsub::{Gossipsub, GossipsubKnobs};
pub use hyparview::{HyParView, HyParViewKnobs};
pub use knobs::{BadKnob, DEFAULT, Knob, Knobs, Preset, most_similar, read as read_knobs, write as write_knobs};
pub use lazy::{Lazy, LazyKnobs};
pub use membership::{Membership, MembershipState};
pub use mixed::Mixed;
pub use over::Over;
pub use plumtree::{EagerLinks, Plumtree, PlumtreeKnobs};
pub use push::{Push, PushFanout, PushKnobs};
pub use push_pull::{CallMode, PushPull, PushPullKnobs};
pub use shard_view::{DialRule, Knowledge, ShardView};
pub use sides::SecondSide;
pub use swim::{Swim, SwimKnobs};
pub use targets::{HopFanouts, TargetBatch, TargetDraw, TargetScratch};
pub use turbine::{AGAVE_TREES, ListedTree, StakeFault, StakeFile, StakeKnob, Turbine, TurbineKnobs};

use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, KindNames, Message, OrderHop, Tail};
use crate::parts::OrderCut;
use crate::time::Nanos;

/// The recipients of a protocol's [`Context::fan_out`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// The first `fanout` peers in the permutation keyed by seed, order and node, drawn regardless of the sender.
    Drawn,
    /// Every peer but the sender, in the order of that same permutation.
    Others,
}

/// A gossip protocol: the configuration that all nodes share, and the factory of each shard's state.
pub trait Protocol: Sync {
    /// The state of the nodes of one shard, and their behaviour.
    type State: ProtocolState + 'static;

    /// The type of its messages' tails: `()` if no message has one, else words.
    type Tail: Tail;

    /// The kinds of its control messages, of its upkeep and of its parts, each with its name in reports. A message of
    /// any other kind is dropped as a stray.
    const KINDS: KindNames = &[];

    /// True if it sends control messages, upkeep or parts. Derived from [`KINDS`](Self::KINDS).
    const HAS_CONTROL: bool = !Self::KINDS.is_empty();

    /// The recipients of a fan-out.
    const TARGETS: Targets = Targets::Drawn;

    /// True if its nodes must know their peers. An overlay that does not store peers is then refused before the run.
    const NEEDS_PEERS: bool = false;

    /// True if its nodes draw contacts with [`Context::contact`] and need nothing else of their peers, so that an
    /// overlay in which everyone is a peer of everyone need not store them.
    const CONTACTS_ANYONE: bool = false;

    /// True if it sends upkeep. Derived from [`KINDS`](Self::KINDS).
    const HAS_UPKEEP: bool = has_upkeep(Self::KINDS);

    /// True if it sends parts of orders. Derived from [`KINDS`](Self::KINDS).
    const HAS_PARTS: bool = has_parts(Self::KINDS);

    /// True if its nodes act before any message arrives, so that [`start`](ProtocolState::start) is called for each.
    const STARTS: bool = false;

    /// True if its nodes act when they learn that a peer went down or came back, so that
    /// [`handle_peer`](ProtocolState::handle_peer) is called in a run with `--detect`. The tokens of its timers are
    /// then below 2^63.
    const WATCHES_PEERS: bool = false;

    /// The maximum number of orders that one message or timer delivers at its node, together with the timers that it
    /// sets; `u32::MAX` for no bound. Virtual time keeps a journal of windows in which the run may end; the smaller the
    /// bound, the fewer those are.
    const ORDERS_PER_EVENT_MAX: u32 = u32::MAX;

    /// True if a message about an order that its node has had before changes nothing and causes nothing, as in every
    /// `FirstMessage` protocol. Real carriers then count such messages without a call for each.
    const IGNORES_REPEATS: bool = false;

    /// The names of the actions that its nodes count with [`Context::tally`].
    const TALLIES: &'static [&'static str] = &[];

    /// Returns true if this value of the type [`HAS_UPKEEP`](Self::HAS_UPKEEP): a type that stands for several
    /// protocols knows it only here, as it does the next three.
    fn has_upkeep(&self) -> bool {
        Self::HAS_UPKEEP
    }

    /// Returns true if this value of the type [`STARTS`](Self::STARTS).
    fn starts(&self) -> bool {
        Self::STARTS
    }

    /// Returns true if this value of the type [`WATCHES_PEERS`](Self::WATCHES_PEERS).
    fn watches_peers(&self) -> bool {
        Self::WATCHES_PEERS
    }

    /// Returns the bound [`ORDERS_PER_EVENT_MAX`](Self::ORDERS_PER_EVENT_MAX) of this value of the type.
    fn orders_per_event_max(&self) -> u32 {
        Self::ORDERS_PER_EVENT_MAX
    }

    /// Returns the time for which nodes run before the first order is published, which is time 0 of every figure.
    /// Messages sent before it are counted apart. Throughout the warm-up a modelled network is as it is at time 0: a
    /// node that is down at time 0 is down from the start.
    fn warm_up(&self) -> Nanos {
        Nanos::ZERO
    }

    /// Returns the rule by which it cuts orders into parts; `None` if it sends none. The bytes of parts follow from it.
    fn order_cut(&self) -> Option<OrderCut> {
        None
    }

    /// Creates the state of a shard, on the shard's own thread.
    fn for_shard(&self, view: &ShardView<'_>) -> Self::State;

    /// Returns true if a control message from outside is valid for this protocol in a run of `orders` orders; an
    /// invalid one is dropped as a stray. By default a message is valid if its kind is one of [`KINDS`](Self::KINDS)
    /// and its tail is not too long.
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

    /// Returns the maximum length of a tail, in words. Carriers allocate for this length and no more.
    fn tail_words_max(&self) -> usize {
        Self::Tail::WORDS_MAX
    }
}

/// The state of the nodes of one shard, and their behaviour.
pub trait ProtocolState {
    /// Starts a node. Called once per node before any other event, if the protocol [`STARTS`](Protocol::STARTS). It is
    /// called for a node that is down, too, which sends nothing until it is up.
    fn start<C: Context>(&mut self, _context: &mut C) {}

    /// Publishes an order at this node, from where it may travel `ttl` hops.
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8);

    /// Handles a message to this node, and the tail of it.
    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]);

    /// Requests the cache lines of what an event of a node will touch, a few events ahead: a message of this kind about
    /// this order, or a timer or a publication if there is no kind. It changes nothing but time.
    #[inline(always)]
    fn prefetch(&self, _view: &ShardView<'_>, _node: NodeId, _order: OrderIndex, _kind: Option<Kind>) {}

    /// Handles a timer that this node has set.
    fn handle_timeout<C: Context>(&mut self, _context: &mut C, _token: u64) {}

    /// Handles the discovery that a peer of this node has gone down or come back. Called if the protocol
    /// [`WATCHES_PEERS`](Protocol::WATCHES_PEERS), after a delay that is drawn for the pair (`--detect`), for a node
    /// that is down, too. Peers that are down at the start are discovered then.
    fn handle_peer<C: Context>(&mut self, _context: &mut C, _peer: NodeId, _is_up: bool) {}

    /// Returns the number of answers that this shard awaits and of repairs that its nodes can still make: 0 if only
    /// further messages can give it anything to do. A run without messages in flight ends once every shard is idle,
    /// regardless of timers and upkeep. A shard that is not idle must have set a timer; an idle one sends nothing but
    /// upkeep of its own accord.
    fn awaited(&self) -> u64 {
        0
    }

    /// Returns true if nothing is awaited.
    fn is_idle(&self) -> bool {
        self.awaited() == 0
    }

    /// Returns, at the end of a run, the peers that the nodes of the shard had when the first order was due: an equal
    /// number of slots for each, an empty one with the node itself. Empty if the overlay gives the peers.
    fn take_settled_peers(&mut self) -> Vec<NodeId> {
        Vec::new()
    }

    /// Calls `name` with each order for which the shard is not idle, once per awaited answer and due announcement: such
    /// an order is still under way although no message is in flight.
    fn name_awaited(&self, _name: impl FnMut(OrderIndex)) {}

    /// Calls `name` with each order that the tail of a message is about, in addition to the message's own.
    fn name_in_tail(&self, _tail: &[u64], _name: impl FnMut(OrderIndex)) {}
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

/// Returns true if any of these kinds is that of parts.
const fn has_parts(kinds: &[(Kind, &str)]) -> bool {
    let mut place = 0;
    while place < kinds.len() {
        if kinds[place].0.is_part() {
            return true;
        }
        place += 1;
    }
    false
}

/// Returns true if a protocol sends messages of this kind.
pub fn speaks<P: Protocol + ?Sized>(kind: Kind) -> bool {
    P::KINDS.iter().any(|known| known.0 == kind)
}

/// A protocol in which a node acts once on each order: the first message with it determines what the node forwards to
/// its targets, and every later one changes nothing and causes nothing.
///
/// An order then spreads along shortest paths, and virtual time may skip every message to a node but the first.
pub trait FirstMessage: Protocol {
    /// Returns the forward of a node that has just received an order at this hop; hop 0 means that the node published
    /// it.
    fn forward_first(&self, received: OrderHop) -> Option<OrderHop>;
}
