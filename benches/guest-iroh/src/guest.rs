//! iroh-gossip's protocol core (its Plumtree over its HyParView) as a protocol of this project.
//!
//! The core is a state machine without input and output, one for each node. Its driver plays the rest:
//!
//! 1. A message opens a connection between its two ends, if none is open; it arrives one latency later.
//! 2. `DisconnectPeer` closes the connection: the other end, if the connection is open there, learns of it one
//!    latency later (`PeerDisconnected`), after all messages sent before. A node that handles a DISCONNECT tells
//!    nobody, because the sender has closed the connection itself. iroh-gossip's own simulator does not tell one
//!    connection between two nodes from the next, and such a close may end a link that has been made meanwhile: there
//!    the link of a newcomer and the contact often ends and comes back ten times a second, for good.
//!    [`ConnectionRule`] has both.
//! 3. A timer fires after its delay in virtual time. The core asks for instants of the machine's clock: the time at
//!    which the run was prepared stands for the start, and virtual time is added to it, so that no clock decides
//!    anything.
//! 4. Every node but the contact joins at a drawn time; the first order follows after the time to settle.
//!
//! All random choices of a node come from a generator whose seed is a keyed draw of the run, so that a run is the same
//! on any number of threads and in every process.

use crate::guest_node::{GuestNode, GuestTimer};
use crate::settled_overlay::SettledOverlay;
use crate::translation::{
    CLOSE, DISCONNECT, GuestMessage, KINDS, OrderContents, PeerId, TOPIC, announced, rebuild, translate,
};
use bulk_order_propagation::{
    Context, Kind, Message, Nanos, NodeId, OrderHop, OrderIndex, Protocol, ProtocolState, ShardView,
};
use iroh_gossip::proto::{Command, Config, Event, InEvent, OutEvent, PeerData, Scope, State, TopicId};
use n0_future::time::Instant;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The node through which all others join.
const CONTACT: NodeId = NodeId(0);

/// The token of the timer at which a node joins; all others are numbers of the core's own timers.
const JOIN_TIMER: u64 = u64::MAX;

/// The purposes of a node's draws.
const GENERATOR: u32 = 0;
const JOIN_TIME: u32 = 1;

/// The longest tail in bytes.
const TAIL_BYTES_MAX: usize = 178 * 8;

/// The greatest length of a node's identifier and data in a message, in bytes.
const PEER_BYTES: usize = 40;

pub(crate) const PAYLOAD_BYTES: &str = "payload bytes as encoded";
pub(crate) const CONTROL_BYTES: &str = "control bytes as encoded";
/// Counts what must not occur: a message that could not be translated or rebuilt, or that a node sends to itself, and
/// an order that the core delivers twice or not at all.
pub(crate) const FAULTS: &str = "faults of the driver";

const TALLIES: [&str; 3] = [PAYLOAD_BYTES, CONTROL_BYTES, FAULTS];
const PAYLOAD_BYTES_TALLY: u8 = 0;
const CONTROL_BYTES_TALLY: u8 = 1;
const FAULT_TALLY: u8 = 2;

/// The connections of which a node is told that they are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionRule {
    /// Those that are open at its end, each once.
    Once,
    /// All, as in iroh-gossip's simulator; one over which a message has come since the close remains open.
    Simulator,
}

/// iroh-gossip with its configuration.
#[derive(Clone, Debug)]
pub(crate) struct IrohGossip {
    config: Config,
    connection_rule: ConnectionRule,
    join_time: Nanos,
    settle_time: Nanos,
    /// The start of virtual time on the clock that the core asks for.
    base: Instant,
    overlay: Arc<Mutex<SettledOverlay>>,
}

/// The state of a shard's nodes.
#[derive(Debug)]
pub(crate) struct IrohGossipState {
    nodes: Vec<GuestNode>,
    contents: OrderContents,
    connection_rule: ConnectionRule,
    base: Instant,
    join_time: Nanos,
    settled_at: Nanos,
    overlay: Arc<Mutex<SettledOverlay>>,
    first: NodeId,
    /// Neighbours that nodes have gained and lost since the first order was due.
    changes: u64,
    repair_delays: [Duration; 3],
    dispatch_timeout: Duration,
    /// Timers of all nodes after which orders or announcements may follow.
    repairs: u64,
    /// Words of one message; empty between events.
    words: Vec<u64>,
}

impl IrohGossip {
    /// Creates the protocol. Nodes join within `join_time`; the first order follows `settle_time` later.
    ///
    /// # Errors
    ///
    /// The reason why this driver cannot run the configuration.
    pub(crate) fn new(config: Config, join_time: Nanos, settle_time: Nanos) -> Result<IrohGossip, String> {
        let upkeep = [
            config.membership.shuffle_interval,
            config.membership.neighbor_request_timeout,
            config.broadcast.cache_evict_interval,
        ];
        // The core does not say what a timer is for, so its delay has to.
        if let Some(both) = repair_delays(&config).iter().find(|delay| upkeep.contains(delay)) {
            return Err(format!(
                "a timer of {both:?} is one of Plumtree and one of upkeep; make one of them 1 ms longer"
            ));
        }
        let peers = 1 + config.membership.shuffle_active_view_count + config.membership.shuffle_passive_view_count;
        if (1 + peers) * PEER_BYTES > TAIL_BYTES_MAX {
            return Err(format!("a SHUFFLE of {peers} nodes is longer than {TAIL_BYTES_MAX} bytes; take fewer"));
        }
        let connection_rule = ConnectionRule::Once;
        Ok(IrohGossip {
            config,
            connection_rule,
            join_time,
            settle_time,
            base: Instant::now(),
            overlay: Arc::default(),
        })
    }

    /// Closes connections by this rule.
    pub(crate) fn with_connections(self, connection_rule: ConnectionRule) -> IrohGossip {
        IrohGossip { connection_rule, ..self }
    }

    /// Returns the place of the overlay that nodes will have found; it is empty until a run has ended.
    pub(crate) fn overlay(&self) -> Arc<Mutex<SettledOverlay>> {
        Arc::clone(&self.overlay)
    }
}

/// Returns the delays of the timers after which orders or announcements may follow.
fn repair_delays(config: &Config) -> [Duration; 3] {
    let broadcast = &config.broadcast;
    [broadcast.graft_timeout_1, broadcast.graft_timeout_2, broadcast.dispatch_timeout]
}

impl Protocol for IrohGossip {
    type State = IrohGossipState;
    type Tail = Box<[u64]>;

    const KINDS: &'static [(Kind, &'static str)] = KINDS;
    const STARTS: bool = true;
    const ORDERS_PER_EVENT_MAX: u32 = 1;
    const TALLIES: &'static [&'static str] = &TALLIES;

    fn warm_up(&self) -> Nanos {
        self.join_time + self.settle_time
    }

    fn for_shard(&self, view: &ShardView<'_>) -> IrohGossipState {
        let node = |node: NodeId| {
            let generator = ChaCha8Rng::seed_from_u64(view.draw(node, GENERATOR, 0));
            GuestNode::new(State::new(PeerId::of(node), PeerData::default(), self.config.clone(), generator))
        };
        IrohGossipState {
            nodes: view.nodes().map(NodeId).map(node).collect(),
            contents: OrderContents::default(),
            connection_rule: self.connection_rule,
            base: self.base,
            join_time: self.join_time,
            settled_at: self.warm_up(),
            overlay: Arc::clone(&self.overlay),
            first: NodeId(view.nodes().start),
            changes: 0,
            repair_delays: repair_delays(&self.config),
            dispatch_timeout: self.config.broadcast.dispatch_timeout,
            repairs: 0,
            words: Vec::new(),
        }
    }
}

impl ProtocolState for IrohGossipState {
    fn name_in_tail(&self, tail: &[u64], name: impl FnMut(OrderIndex)) {
        tail.iter().filter_map(|&word| OrderHop::from_word(word)).map(|other| other.order).for_each(name);
    }

    fn start<C: Context>(&mut self, context: &mut C) {
        match context.me() {
            CONTACT => self.join(context, Vec::new()),
            _ => {
                let share = u128::from(context.draw(JOIN_TIME, 0)) * u128::from(self.join_time.0);
                context.wake_at(context.now() + Nanos((share >> 64) as u64), JOIN_TIMER);
            }
        }
    }

    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, _ttl: u8) {
        let (_, content) = self.contents.of(order, context.order_bytes(order));
        context.deliver(order);
        self.nodes[context.local()].announce_with_others(order, self.dispatch_timeout);
        self.handle(context, InEvent::Command(topic(), Command::Broadcast(content, Scope::Swarm)), &[order]);
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        let (local, from) = (context.local(), PeerId::of(message.from));
        if message.kind == CLOSE {
            return self.handle_close(context, from, tail);
        }
        let is_new = message.kind == Kind::PAYLOAD && context.deliver(message.order);
        let rebuilt = rebuild(message, tail, &mut self.contents, |order| context.order_bytes(order));
        let Some(rebuilt) = rebuilt else { return context.tally(FAULT_TALLY, 1) };
        self.nodes[local].connections.insert(from, context.now());
        let about: Vec<OrderIndex> = match message.kind.is_upkeep() {
            true => Vec::new(),
            false => announced(message, tail).collect(),
        };
        if is_new {
            self.nodes[local].announce_with_others(message.order, self.dispatch_timeout);
        }
        let event = InEvent::RecvMessage(from, rebuilt);
        let is_closed = message.kind == DISCONNECT && self.connection_rule == ConnectionRule::Once;
        let closing = is_closed.then_some(from);
        let delivered = self.handle_while_closing(context, event, &about, closing);
        if is_new != (delivered == Some(message.order)) {
            context.tally(FAULT_TALLY, 1);
        }
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        if token == JOIN_TIMER {
            return self.join(context, vec![PeerId::of(CONTACT)]);
        }
        let timers = &mut self.nodes[context.local()].timers;
        let Some(place) = timers.iter().position(|timer| timer.number == token) else { return };
        let GuestTimer { timer, about, .. } = timers.swap_remove(place);
        self.repairs -= u64::from(about.is_some());
        self.handle(context, InEvent::TimerExpired(timer), &about.unwrap_or_default());
    }

    /// Counts the timers after which orders or announcements may follow, although the order may have come meanwhile:
    /// the core does not tell.
    fn awaited(&self) -> u64 {
        self.repairs
    }

    fn name_awaited(&self, name: impl FnMut(OrderIndex)) {
        let timers = self.nodes.iter().flat_map(|node| &node.timers);
        timers.flat_map(|timer| timer.about.iter().flatten().copied()).for_each(name);
    }
}

/// Leaves the overlay to the program when the run has ended.
impl Drop for IrohGossipState {
    fn drop(&mut self) {
        // A poisoned lock means that another shard has panicked, which ends the run anyway.
        let Ok(mut overlay) = self.overlay.lock() else { return };
        overlay.changes += self.changes;
        for (node, me) in self.nodes.iter().zip(self.first.0..) {
            let neighbours = node.settled.as_ref().unwrap_or(&node.neighbours);
            overlay.links.extend(neighbours.iter().map(|peer| [NodeId(me), peer.node()]));
        }
    }
}

impl IrohGossipState {
    /// Makes a node a member of the topic, through these nodes.
    fn join<C: Context>(&mut self, context: &mut C, contacts: Vec<PeerId>) {
        self.handle(context, InEvent::Command(topic(), Command::Join(contacts)), &[]);
    }

    /// Learns that another node has closed the connection. The tail has the time at which it did.
    fn handle_close<C: Context>(&mut self, context: &mut C, from: PeerId, tail: &[u64]) {
        let connections = &mut self.nodes[context.local()].connections;
        let last = connections.get(&from).copied();
        let closed_at = tail.first().copied().map_or(Nanos::ZERO, Nanos);
        let (is_told, is_open) = match self.connection_rule {
            ConnectionRule::Once => (last.is_some(), false),
            ConnectionRule::Simulator => (true, last.is_some_and(|last| last > closed_at)),
        };
        if !is_open {
            connections.remove(&from);
        }
        if is_told {
            self.handle(context, InEvent::PeerDisconnected(from), &[]);
        }
    }

    /// Lets the core handle an event about these orders, and carries out what follows. Returns the order that the core
    /// delivers.
    fn handle<C: Context>(
        &mut self,
        context: &mut C,
        event: InEvent<PeerId>,
        about: &[OrderIndex],
    ) -> Option<OrderIndex> {
        self.handle_while_closing(context, event, about, None)
    }

    /// Does the same while `closing` closes its connection to this node, which then need not be told.
    fn handle_while_closing<C: Context>(
        &mut self,
        context: &mut C,
        event: InEvent<PeerId>,
        about: &[OrderIndex],
        closing: Option<PeerId>,
    ) -> Option<OrderIndex> {
        let now = self.base + Duration::from_nanos(context.now().0);
        let GuestNode { core, connections, neighbours, settled, timers, requests } = &mut self.nodes[context.local()];
        if context.now() >= self.settled_at {
            settled.get_or_insert_with(|| neighbours.clone());
        }
        let mut delivered = None;
        for out in core.handle(event, now, None) {
            match out {
                OutEvent::SendMessage(to, message) => {
                    connections.insert(to, context.now());
                    let order = about.first().copied().unwrap_or(OrderIndex(0));
                    send(context, to.node(), &message, order, &self.contents, &mut self.words);
                }
                OutEvent::ScheduleTimer(delay, timer) => {
                    *requests += 1;
                    let is_repair = self.repair_delays.contains(&delay);
                    self.repairs += u64::from(is_repair);
                    let about = is_repair.then(|| about.to_vec());
                    timers.push(GuestTimer { number: *requests, timer, delay, about });
                    context.wake_at(context.now() + Nanos(delay.as_nanos() as u64), *requests);
                }
                OutEvent::EmitEvent(_, Event::Received(received)) => {
                    delivered = OrderContents::order_of(&received.content);
                }
                OutEvent::EmitEvent(_, Event::NeighborUp(peer)) => {
                    neighbours.insert(peer);
                    self.changes += u64::from(settled.is_some());
                }
                OutEvent::EmitEvent(_, Event::NeighborDown(peer)) => {
                    neighbours.remove(&peer);
                    self.changes += u64::from(settled.is_some());
                }
                OutEvent::DisconnectPeer(peer) => {
                    if connections.remove(&peer).is_some() && closing != Some(peer) {
                        context.send_upkeep(peer.node(), CLOSE, &[context.now().0]);
                    }
                }
                OutEvent::PeerData(..) => {}
            }
        }
        delivered
    }
}

/// Sends a message of the core, and counts its bytes as the core encodes it.
fn send<C: Context>(
    context: &mut C,
    to: NodeId,
    message: &GuestMessage,
    about: OrderIndex,
    contents: &OrderContents,
    words: &mut Vec<u64>,
) {
    let translated = translate(message, about, contents, words).filter(|_| to != context.me());
    let Some(translated) = translated else { return context.tally(FAULT_TALLY, 1) };
    if !translated.kind.is_upkeep() {
        let tally = if translated.kind == Kind::PAYLOAD { PAYLOAD_BYTES_TALLY } else { CONTROL_BYTES_TALLY };
        context.tally(tally, translated.bytes.into());
    }
    context.send_with(to, translated.kind, translated.order_hop, words);
    words.clear();
}

fn topic() -> TopicId {
    TopicId::from_bytes(TOPIC)
}
