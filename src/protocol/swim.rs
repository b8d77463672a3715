//! SWIM's dissemination as memberlist has it: a node keeps a queue of news, and tells each item a bounded number of
//! times, to nodes drawn at random.
//!
//! SWIM piggybacks news on the messages of its failure detector (Das, Gupta, Motivala: *SWIM*, DSN 2002, section 4.1).
//! The rules are those of memberlist (hashicorp/memberlist at 1b4c746: `state.go`, `queue.go`, `util.go`), which adds
//! gossip and push/pull, with an order as a broadcast of the application:
//!
//! 1. Every node knows all others. On an overlay in which not everyone is a peer of everyone, it knows its peers.
//! 2. At ticks of its own, `gossip-interval` apart, a node with a queue that is not empty draws `gossip-nodes`
//!    different nodes and tells each of them something.
//! 3. A node tells another what heads its queue and fits a packet of `packet` bytes, at least one item. Each item told
//!    to one node is a transmission of it.
//! 4. The queue begins with what has the fewest transmissions; of these the newest is first.
//! 5. An item leaves the queue after `retransmit-mult` times the logarithm of N + 1 to the base 10, rounded up,
//!    transmissions. A queue of 4,096 items loses its last one for a new one, as Serf's does.
//! 6. Every `probe-interval` a node pings a node, which acknowledges it. Both tell each other something.
//! 7. Every `push-pull-interval`, longer in networks of more than 32 nodes, a node exchanges with another a digest of
//!    the orders that it got lately: each sends what the other lacks. It offers an order until its second exchange
//!    after the receipt, and names it until the fourth. A run is at rest once no node offers anything.
//!
//! Orders count as equally long in rule 4. Nodes to ping are drawn, and not taken in turn from a shuffled list, which
//! would take a list of all nodes at every node. Which node failed is what `--detect` says to other protocols; here a
//! node that is down is drawn as before. The list of members that push/pull carries is not counted.

mod knobs;

pub use knobs::SwimKnobs;

use super::{Context, Protocol, ProtocolState, ShardView, Targets, announcements, speaks};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, KindNames, Message, OrderHop, RareTail, TAIL_WORDS_MAX};
use crate::simd::prefetch;
use crate::time::Nanos;
use smallvec::SmallVec;
use std::cmp::Reverse;

/// A probe.
const PING: Kind = Kind(128);

/// The answer to a probe.
const ACK: Kind = Kind(129);

/// The orders of a node, at the beginning of an exchange.
const DIGEST: Kind = Kind(130);

/// The purposes of a node's draws: contacts for each activity, and then the phase of its ticks.
const PHASE: u32 = 3;

/// Items of a queue at most.
const QUEUE_MAX: usize = 4_096;

/// Exchanges after a receipt in which an order is offered, and in which it is named.
const OFFERED_EXCHANGES: u8 = 2;
const NAMED_EXCHANGES: u8 = 4;

/// An activity that a node begins at ticks of its own. The number is the token of its timer and the purpose of its
/// draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activity {
    Gossip = 0,
    Probe = 1,
    PushPull = 2,
}

/// SWIM's dissemination, with its intervals.
#[derive(Clone, Copy, Debug)]
pub struct Swim {
    knobs: SwimKnobs,
    /// Bytes of the longest order as a message.
    order_bytes: u32,
}

/// The queues of the nodes of a shard.
#[derive(Debug)]
pub struct SwimState {
    knobs: SwimKnobs,
    /// Time between two exchanges of a node; 0 if there are none.
    push_pull_interval: Nanos,
    /// Transmissions after which an item leaves a queue.
    transmissions_max: u32,
    /// Items told at once at most.
    items_per_packet: usize,
    members: Vec<Member>,
    /// Items in queues and offers, over all nodes.
    awaited: u64,
}

/// The items of one node.
#[derive(Clone, Debug, Default)]
struct Member {
    /// Its news, as rule 4 orders it.
    queue: SmallVec<[QueuedItem; 1]>,
    /// The orders that its digests name, by receipt.
    recent: SmallVec<[KnownOrder; 1]>,
    /// The number of the next item.
    next_number: u32,
    /// True if the timer of its next gossip is set.
    gossips: bool,
}

#[derive(Clone, Copy, Debug)]
struct QueuedItem {
    /// The order, as its next copy travels.
    order_hop: OrderHop,
    transmissions: u32,
    number: u32,
}

/// An order that a node got lately.
#[derive(Clone, Copy, Debug)]
struct KnownOrder {
    order_hop: OrderHop,
    /// The node's exchanges since the receipt.
    exchanges: u8,
}

impl KnownOrder {
    fn is_offered(&self) -> bool {
        self.exchanges < OFFERED_EXCHANGES
    }
}

impl Swim {
    /// Creates the protocol for orders of at most this many bytes as messages.
    pub fn new(knobs: SwimKnobs, order_bytes: u32) -> Swim {
        Swim { knobs, order_bytes }
    }
}

impl SwimState {
    /// Returns the interval of an activity.
    fn interval(&self, activity: Activity) -> Nanos {
        match activity {
            Activity::Gossip => self.knobs.gossip_interval,
            Activity::Probe => self.knobs.probe_interval,
            Activity::PushPull => self.push_pull_interval,
        }
    }

    /// Sets the timer of the node's next tick of an activity, and returns the number of that tick.
    fn await_tick<C: Context>(&self, context: &mut C, activity: Activity) {
        let interval = self.interval(activity).0.max(1);
        let phase = context.draw(PHASE, activity as u64) % interval;
        let tick = context.now().0.checked_sub(phase).map_or(0, |since| since / interval + 1);
        context.wake_at(Nanos(tick.saturating_mul(interval).saturating_add(phase)), activity as u64);
    }

    /// Draws up to `count` different nodes for an activity at this time.
    fn contacts<C: Context>(context: &C, activity: Activity, count: u32) -> SmallVec<[NodeId; 4]> {
        // On an overlay without rows everyone is a peer of everyone.
        let peers = context.peers().len() as u32;
        let candidates = if peers == 0 { context.view().network_size().saturating_sub(1) } else { peers };
        let most = count.min(candidates) as usize;
        let mut contacts = SmallVec::new();
        // As many draws as memberlist makes; few are needed unless nearly all candidates are.
        for attempt in 0..3 * u64::from(candidates) {
            if contacts.len() == most {
                break;
            }
            let key = context.now().0.wrapping_mul(1 << 20).wrapping_add(attempt);
            let Some(drawn) = context.contact(activity as u32, key) else { break };
            if !contacts.contains(&drawn) {
                contacts.push(drawn);
            }
        }
        contacts
    }

    /// Delivers an order; queues and offers it if it is new and may travel on.
    fn receive<C: Context>(&mut self, context: &mut C, order: OrderIndex, next: Option<OrderHop>) {
        if !context.deliver(order) {
            return;
        }
        let Some(order_hop) = next else { return };
        let member = &mut self.members[context.local()];
        if member.queue.len() == QUEUE_MAX {
            member.queue.pop();
            self.awaited -= 1;
            context.tally(DISCARDED, 1);
        }
        // Without a transmission and the newest of all, it is the first.
        member.queue.insert(0, QueuedItem { order_hop, transmissions: 0, number: member.next_number });
        member.next_number = member.next_number.wrapping_add(1);
        self.awaited += 1;
        let gossips = std::mem::replace(&mut member.gossips, true);
        if self.push_pull_interval > Nanos::ZERO {
            // A digest has no room for more.
            if member.recent.len() == TAIL_WORDS_MAX {
                self.awaited -= u64::from(member.recent.remove(0).is_offered());
            }
            member.recent.push(KnownOrder { order_hop, exchanges: 0 });
            self.awaited += 1;
        }
        if !gossips {
            self.await_tick(context, Activity::Gossip);
        }
    }

    /// Tells a node what heads the queue.
    fn tell<C: Context>(&mut self, context: &mut C, to: NodeId) {
        let queue = &mut self.members[context.local()].queue;
        let before = queue.len();
        let count = before.min(self.items_per_packet);
        let mut told: SmallVec<[OrderHop; 8]> = SmallVec::new();
        for item in &mut queue[..count] {
            item.transmissions += 1;
            // What its history no longer holds a node cannot send.
            if context.holds(item.order_hop.order) {
                told.push(item.order_hop);
            } else {
                item.transmissions = self.transmissions_max;
            }
        }
        queue.retain(|item| item.transmissions < self.transmissions_max);
        self.awaited -= (before - queue.len()) as u64;
        queue.sort_by_key(|item| (item.transmissions, Reverse(item.number)));
        for order_hop in told {
            context.forward(&[to], Kind::PAYLOAD, order_hop, &[]);
        }
    }

    /// Tells drawn nodes something, and sets the next tick while there is more.
    fn gossip<C: Context>(&mut self, context: &mut C) {
        for contact in Self::contacts(context, Activity::Gossip, self.knobs.gossip_nodes) {
            self.tell(context, contact);
        }
        let member = &mut self.members[context.local()];
        member.gossips = !member.queue.is_empty();
        if member.gossips {
            self.await_tick(context, Activity::Gossip);
        }
    }

    /// Begins an exchange, and ends the offers that are old enough.
    fn push_pull<C: Context>(&mut self, context: &mut C) {
        self.await_tick(context, Activity::PushPull);
        let recent = &mut self.members[context.local()].recent;
        let tail: SmallVec<[u64; 8]> = recent.iter().map(|order| order.order_hop.to_word()).collect();
        for order in recent.iter_mut() {
            order.exchanges += 1;
            self.awaited -= u64::from(order.exchanges == OFFERED_EXCHANGES);
        }
        recent.retain(|order| order.exchanges < NAMED_EXCHANGES);
        for contact in Self::contacts(context, Activity::PushPull, 1) {
            context.send_upkeep(contact, DIGEST, &tail);
        }
    }

    /// Answers a digest: sends what it lacks, and requests what it names and this node lacks.
    fn receive_digest<C: Context>(&mut self, context: &mut C, from: NodeId, tail: &[u64]) {
        let mut named: SmallVec<[OrderIndex; 8]> = announcements::in_tail(tail).map(|named| named.order).collect();
        named.sort_unstable();
        for order in &self.members[context.local()].recent {
            let order_hop = order.order_hop;
            let is_lacking = order.is_offered() && named.binary_search(&order_hop.order).is_err();
            if is_lacking && context.holds(order_hop.order) {
                context.forward(&[from], Kind::PAYLOAD, order_hop, &[]);
            }
        }
        let wanted: SmallVec<[OrderHop; 4]> =
            announcements::in_tail(tail).filter(|order_hop| !context.knows(order_hop.order)).collect();
        announcements::send(context, from, Kind::WANT, &wanted);
    }
}

/// The place of a tally: items that left a full queue.
const DISCARDED: u8 = 0;

impl Protocol for Swim {
    type State = SwimState;
    type Tail = RareTail;

    const ORDERS_PER_EVENT_MAX: u32 = 1;

    const KINDS: KindNames = &[(Kind::WANT, "want"), (PING, "ping"), (ACK, "ack"), (DIGEST, "digest")];

    const TARGETS: Targets = Targets::Others;

    const NEEDS_PEERS: bool = true;

    const CONTACTS_ANYONE: bool = true;

    const STARTS: bool = true;

    const TALLIES: &'static [&'static str] = &["discarded"];

    fn for_shard(&self, view: &ShardView<'_>) -> SwimState {
        SwimState {
            knobs: self.knobs,
            push_pull_interval: self.knobs.push_pull_interval_among(view.network_size()),
            transmissions_max: self.knobs.transmissions_among(view.network_size()),
            items_per_packet: self.knobs.items_per_packet(self.order_bytes),
            members: vec![Member::default(); view.size()],
            awaited: 0,
        }
    }

    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        speaks::<Swim>(message.kind) && tail.len() <= TAIL_WORDS_MAX && announcements::is_list(tail, orders)
    }

    fn tail_words_max(&self) -> usize {
        TAIL_WORDS_MAX
    }
}

impl ProtocolState for SwimState {
    fn start<C: Context>(&mut self, context: &mut C) {
        for activity in [Activity::Probe, Activity::PushPull] {
            if self.interval(activity) > Nanos::ZERO {
                self.await_tick(context, activity);
            }
        }
    }

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        self.receive(context, order, OrderHop::from_origin(order, ttl));
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        match message.kind {
            Kind::PAYLOAD => self.receive(context, message.order, message.next_hop()),
            Kind::WANT => announcements::forward_requested(context, message, tail),
            PING => {
                context.send_upkeep(message.from, ACK, &[]);
                self.tell(context, message.from);
            }
            DIGEST => self.receive_digest(context, message.from, tail),
            // An acknowledgement is for failure detection alone, and no other kind is admitted.
            _ => {}
        }
    }

    #[inline(always)]
    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, _: OrderIndex, kind: Option<Kind>) {
        let is_answer = matches!(kind, Some(ACK | Kind::WANT));
        if !is_answer {
            prefetch(&self.members, view.local(node));
        }
        if kind.is_none() {
            view.prefetch_peers(node);
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        if token == Activity::Gossip as u64 {
            self.gossip(context);
        } else if token == Activity::Probe as u64 {
            self.await_tick(context, Activity::Probe);
            for contact in Self::contacts(context, Activity::Probe, 1) {
                context.send_upkeep(contact, PING, &[]);
                self.tell(context, contact);
            }
        } else {
            self.push_pull(context);
        }
    }

    /// Counts the items in queues and the offers: while one lasts, another node may get the order.
    fn awaited(&self) -> u64 {
        self.awaited
    }

    fn name_awaited(&self, mut name: impl FnMut(OrderIndex)) {
        for member in &self.members {
            member.queue.iter().for_each(|item| name(item.order_hop.order));
            member.recent.iter().filter(|order| order.is_offered()).for_each(|order| name(order.order_hop.order));
        }
    }

    fn name_in_tail(&self, tail: &[u64], name: impl FnMut(OrderIndex)) {
        announcements::name_in_tail(tail, name);
    }
}

#[cfg(test)]
mod tests;
