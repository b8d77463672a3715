//! Gossipsub: whole orders travel over a mesh of few links, and peers outside of the mesh are told at heartbeats which
//! orders there are, so that they can ask for those that they lack.
//!
//! Its rules are those of libp2p's specification: [v1.0], [v1.1], [v1.2], and the draft of v2.0 (pull request 653). The
//! overlay is one topic that every node subscribes to. Tests name the rules by these numbers.
//!
//! - R1 (v1.0). At a heartbeat with fewer than `d_low` mesh peers a node grafts random others, up to `d`, and sends
//!   each GRAFT.
//! - R2 (v1.0). With more than `d_high` it prunes random ones, down to `d`, and sends each PRUNE.
//! - R3 (v1.0). GRAFT puts its sender into the mesh, PRUNE takes it out.
//! - R4 (v1.0). A new order goes to the mesh peers except its sender, once; an origin sends it to its mesh.
//! - R5 (v1.0). A heartbeat announces (IHAVE) the orders of the last `mcache_gossip` heartbeats to `d_lazy` random
//!   peers outside of the mesh.
//! - R6 (v1.0). A node requests (IWANT) announced orders that it has not seen.
//! - R7 (v1.0). An order of the last `mcache_len` heartbeats is sent to a peer that requests it,
//!   `gossip_retransmission` times at most.
//! - R8 (v1.1). Neither end of a pruned link grafts it for `prune_backoff`; PRUNE says how long.
//! - R9 (v1.1). A GRAFT within the backoff is answered with PRUNE, extends the backoff, and is a misbehaviour (P7).
//! - R10 (v1.1). With `flood_publish` an origin sends its order to all of its peers.
//! - R11 (v1.1). R5 goes to `gossip_factor` of the peers outside of the mesh if those are more than `d_lazy`.
//! - R12 (v1.1). Pruning keeps `d_out` peers that the node dialled; with fewer, a heartbeat grafts further ones.
//! - R13 (v1.1). With `d_high` mesh peers a GRAFT is accepted only over a link that the node dialled, otherwise
//!   answered with PRUNE.
//! - R14 (v1.2). A node that receives a new order of `idontwant_bytes` or more tells its mesh peers except the sender
//!   (IDONTWANT) before it forwards it.
//! - R15 (v1.2). An order is not forwarded to a peer that has said so within `idontwant_ttl` heartbeats.
//! - R16 (v2.0). A new order is announced (IANNOUNCE) instead of sent to each mesh peer with probability `d_announce /
//!   d`; an origin announces only if that is 1.
//! - R17 (v2.0). A node requests (INEED) an order so announced that it lacks, from one announcer at a time, the next
//!   after `announce_timeout`.
//! - R18 (v1.0). A peer that has failed is in no mesh, is told nothing and is asked for nothing, and heartbeats graft
//!   others in its place. One that comes back is a peer outside of the mesh, at both ends of the link.
//! - R19 (v1.2). The two ends of a link have told each other their versions: a message of R14, R16 or R17 goes to those
//!   alone whose version has it. A node without backoffs (v1.0) does not read that of a PRUNE.
//!
//! *Heartbeats take place on demand* (`gossipsub/beats`): only while a node has something to announce, its mesh is out
//! of bounds and can be mended, or once a backoff that stands in the way of that has ended. A network at rest is
//! silent. A node counts as awaiting something while it will announce an order, and while a request of its own is open:
//! a run is at rest once the last order has left the windows that are announced.
//!
//! *The mesh forms in the warm-up*, at the first heartbeats of the nodes. GRAFT and PRUNE are upkeep.
//!
//! *Of the scores of v1.1* there is what the rules above need. The specification gives no weights, and every network
//! has its own. Misbehaviour (P7) is counted; its sender stays out of the mesh for the backoff that it extends.
//! Accordingly there is no opportunistic grafting, no graylist, and of the peers that pruning keeps none is best.
//! Left out as well: peer exchange, since the overlay is fixed; explicit peers; fanouts of nodes that do not subscribe;
//! and limits on IHAVE messages by count, because a node answers each with one IWANT.
//!
//! [v1.0]: https://github.com/libp2p/specs/blob/7740c07/pubsub/gossipsub/gossipsub-v1.0.md
//! [v1.1]: https://github.com/libp2p/specs/blob/7740c07/pubsub/gossipsub/gossipsub-v1.1.md
//! [v1.2]: https://github.com/libp2p/specs/blob/7740c07/pubsub/gossipsub/gossipsub-v1.2.md

mod beats;
mod forwarding;
mod heartbeat;
mod knobs;
mod mesh;
mod message_cache;
mod requesting;
mod requests;
mod unwanted;
mod versions;

#[cfg(test)]
mod tests;

pub use knobs::GossipsubKnobs;

use super::{Context, Protocol, ProtocolState, ShardView, Targets, announcements, speaks};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, KindNames, Message, OrderHop, RareTail, TAIL_WORDS_MAX};
use crate::random::Probability;
use crate::simd::prefetch;
use crate::sys::prefer_huge;
use crate::time::Nanos;
use beats::{BeatClock, NodeBeats};
use mesh::{NodeMesh, TopicMesh};
use message_cache::{CacheWindows, CachedOrders};
use requests::{Answers, OpenRequests};
use unwanted::UnwantedOrders;
use versions::PeerVersions;

/// The sender has the order and does not want it.
const IDONTWANT: Kind = Kind(4);
/// The sender has the order and would send it to this mesh peer on request.
const IANNOUNCE: Kind = Kind(5);
/// The sender requests an order that was announced to it as a mesh peer.
const INEED: Kind = Kind(6);
/// The sender has put the receiver into its mesh.
const GRAFT: Kind = Kind(128);
/// The sender has taken the receiver out of its mesh. The tail is the backoff in milliseconds.
const PRUNE: Kind = Kind(129);

/// The purposes of the draws of this protocol, beside the phase of heartbeats.
const COINS: u32 = 1;

// The upper half of a token says what the timer is for; the lower half is the number of a beat, or an order.
const BEAT: u64 = 1;
const FOLLOWUP: u64 = 2;
const NEED: u64 = 3;

// Places in `Protocol::TALLIES`.
const SPARED: u8 = 0;
const IN_BACKOFF: u8 = 1;
const IN_VAIN: u8 = 2;

/// Gossipsub, with its parameters.
#[derive(Clone, Debug)]
pub struct Gossipsub {
    knobs: GossipsubKnobs,
    /// The versions of nodes; `None` if all have one.
    versions: Option<PeerVersions>,
}

/// The state of the nodes of a shard.
#[derive(Debug)]
pub struct GossipsubState {
    knobs: GossipsubKnobs,
    /// The versions of peers; `None` if all have one.
    versions: Option<PeerVersions>,
    /// The probability of announcing an order to a mesh peer instead of sending it.
    announces: Probability,
    clock: BeatClock,
    windows: CacheWindows,
    /// By node.
    nodes: Vec<NodeState>,
    /// The number of nodes that still have something to gossip.
    gossiping: u64,
    mesh: TopicMesh,
    /// Requests by IWANT.
    wants: OpenRequests,
    /// Requests by INEED.
    needs: OpenRequests,
    answers: Answers,
    unwanted: UnwantedOrders,
    /// Scratch memory: recipients, and places among the peers of a node.
    to: Vec<NodeId>,
    places: Vec<u32>,
}

/// The state of one node: a cache line, because an event touches a random one.
#[derive(Debug)]
#[repr(align(64))]
struct NodeState {
    beats: NodeBeats,
    mesh: NodeMesh,
    cached: CachedOrders,
}

impl Gossipsub {
    /// Creates the protocol with these parameters.
    pub fn new(knobs: GossipsubKnobs) -> Gossipsub {
        Gossipsub { knobs, versions: None }
    }
}

impl GossipsubKnobs {
    /// Returns the bytes of the state of `nodes` nodes with `links` links, seen from both ends, if a node's cache has
    /// `cached` orders at a time.
    pub fn state_bytes(&self, nodes: u64, links: u64, cached: u64) -> u64 {
        // Lists grow by doubling, notes from four entries on; a single cached order lies in the node's state.
        let heap = |entries: u64, entry: usize| entries.next_power_of_two() * entry as u64 + ALLOCATION_BYTES;
        let cached = if cached > 1 { heap(cached, message_cache::ENTRY_BYTES) } else { 0 };
        let unwanted =
            if self.version().has_idontwant { heap(4, unwanted::NOTE_BYTES) + size_of::<Vec<u8>>() as u64 } else { 0 };
        let needs = if self.announces().is_never() { 0 } else { OpenRequests::bytes(nodes) };
        let by_node = size_of::<NodeState>() as u64 + TIMER_BYTES + cached + unwanted;
        nodes
            .saturating_mul(by_node)
            .saturating_add(needs)
            .saturating_add(links.saturating_mul(size_of::<u32>() as u64))
    }
}

impl Protocol for Gossipsub {
    type State = GossipsubState;
    type Tail = RareTail;

    const KINDS: KindNames = &[
        (Kind::HAVE, "ihave"),
        (Kind::WANT, "iwant"),
        (IDONTWANT, "idontwant"),
        (IANNOUNCE, "iannounce"),
        (INEED, "ineed"),
        (GRAFT, "graft"),
        (PRUNE, "prune"),
    ];
    // It names its recipients itself.
    const TARGETS: Targets = Targets::Others;
    const NEEDS_PEERS: bool = true;
    const STARTS: bool = true;
    const WATCHES_PEERS: bool = true;
    const ORDERS_PER_EVENT_MAX: u32 = 1;
    const TALLIES: &'static [&'static str] = &["copies spared", "grafts in a backoff", "requests in vain"];

    /// Returns the time of a node's first heartbeats: the mesh settles in three of them.
    fn warm_up(&self) -> Nanos {
        let GossipsubKnobs { heartbeat_delay, heartbeat_interval, .. } = self.knobs;
        heartbeat_delay + Nanos(heartbeat_interval.0.saturating_mul(WARM_UP_BEATS))
    }

    fn for_shard(&self, view: &ShardView<'_>) -> GossipsubState {
        let knobs = self.knobs;
        let hears_idontwant = if knobs.version().has_idontwant { view.size() } else { 0 };
        let clock = BeatClock { delay: knobs.heartbeat_delay, interval: knobs.heartbeat_interval };
        let mut nodes = Vec::with_capacity(view.size());
        prefer_huge(nodes.spare_capacity_mut());
        nodes.extend(view.nodes().map(|node| NodeState {
            beats: clock.beats_of(view, NodeId(node)),
            mesh: NodeMesh::new(view, NodeId(node)),
            cached: CachedOrders::default(),
        }));
        GossipsubState {
            announces: knobs.announces(),
            clock,
            windows: CacheWindows { len: knobs.mcache_len, gossip: knobs.mcache_gossip },
            nodes,
            gossiping: 0,
            mesh: TopicMesh::new(view),
            // Few are open at a time.
            wants: OpenRequests::new(1),
            needs: OpenRequests::new(if knobs.announces().is_never() { 1 } else { view.size() }),
            answers: Answers::default(),
            unwanted: UnwantedOrders::new(hears_idontwant),
            to: Vec::new(),
            places: Vec::new(),
            versions: self.versions.clone(),
            knobs,
        }
    }

    fn admits(&self, message: &Message, tail: &[u64], orders: u32) -> bool {
        speaks::<Gossipsub>(message.kind)
            && match message.kind {
                Kind::HAVE | Kind::WANT => tail.len() <= TAIL_WORDS_MAX && announcements::is_list(tail, orders),
                PRUNE => tail.len() <= 1,
                _ => tail.is_empty(),
            }
    }
}

impl ProtocolState for GossipsubState {
    fn start<C: Context>(&mut self, context: &mut C) {
        self.plan_beat(context);
    }

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        if context.deliver(order) {
            self.close_requests(context, order);
            if let Some(order_hop) = OrderHop::from_origin(order, ttl) {
                self.keep(context, self.next_beat(context), order_hop);
                self.send_own(context, order_hop);
            }
        }
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        match message.kind {
            Kind::PAYLOAD => self.receive_order(context, message),
            Kind::HAVE => self.receive_ihave(context, message, tail),
            Kind::WANT => self.receive_iwant(context, message, tail),
            IDONTWANT => self.receive_idontwant(context, message),
            IANNOUNCE => self.receive_iannounce(context, message),
            INEED => self.receive_ineed(context, message),
            GRAFT => self.receive_graft(context, message.from),
            PRUNE => self.receive_prune(context, message.from, tail),
            // No other kind is admitted.
            _ => {}
        }
    }

    #[inline(always)]
    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, order: OrderIndex, kind: Option<Kind>) {
        // An announced order is known as a rule, and an announcement of it touches nothing here.
        if kind == Some(Kind::HAVE) {
            return;
        }
        let local = view.local(node);
        prefetch(&self.nodes, local);
        if !self.announces.is_never() && matches!(kind, Some(Kind::PAYLOAD | IANNOUNCE)) {
            self.needs.prefetch(local, order);
        }
        if kind == Some(Kind::PAYLOAD) {
            return self.unwanted.prefetch(local);
        }
        // Of a timer, or of a message that its sender must be found for.
        view.prefetch_peers(node);
        if kind.is_some() {
            self.mesh.prefetch(view.links_of(node));
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        let number = token as u32;
        match token >> 32 {
            BEAT => self.beat(context, number),
            FOLLOWUP => self.follow_up(context, OrderIndex(number)),
            _ => self.need_next(context, OrderIndex(number)),
        }
    }

    fn handle_peer<C: Context>(&mut self, context: &mut C, peer: NodeId, is_up: bool) {
        self.note_peer(context, peer, is_up);
    }

    fn awaited(&self) -> u64 {
        self.gossiping + self.wants.count() + self.needs.count()
    }

    fn name_awaited(&self, mut name: impl FnMut(OrderIndex)) {
        self.name_gossiped(&mut name);
        self.wants.name(&mut name);
        self.needs.name(name);
    }

    fn name_in_tail(&self, tail: &[u64], name: impl FnMut(OrderIndex)) {
        announcements::name_in_tail(tail, name);
    }
}

/// Returns the token of a timer.
const fn token(purpose: u64, number: u32) -> u64 {
    purpose << 32 | number as u64
}

/// Heartbeat intervals of the warm-up: in the first all nodes beat for the first time, and the mesh settles in the two
/// after it; further ones let the backoffs of those that were pruned be the only thing left.
const WARM_UP_BEATS: u64 = 5;

/// Bytes that the heap adds to each allocation.
const ALLOCATION_BYTES: u64 = 16;

/// Bytes of the timer of a node's next heartbeat while it waits, an event of virtual time.
const TIMER_BYTES: u64 = 32;

const _: () = assert!(size_of::<NodeState>() == 64, "a node takes one cache line");
