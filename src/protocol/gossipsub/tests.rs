//! The behaviour of one node, rule by rule, and of arbitrary sequences of events.

mod rules;
mod versions;
mod whole_network;

use super::*;
use crate::protocol::recording_context::{Action, RecordingContext};
use crate::protocol::{DialRule, Knowledge};
use crate::topology::TopologySpec;
use proptest::prelude::*;

/// Returns the shard of all nodes of a regular overlay in which each has `peers` peers.
fn shard(nodes: u32, peers: u32, seed: u64) -> ShardView<'static> {
    let topology = TopologySpec::RandomRegular.build(nodes, peers, seed).unwrap();
    // The view borrows it, and a recording context keeps its view for ever.
    let topology = Box::leak(Box::new(topology));
    ShardView::new(0..nodes, 64, Knowledge::new(seed, topology, DialRule::Coin))
}

/// Node 1 with 20 peers, and the timers that it has set.
struct OneNode {
    state: GossipsubState,
    context: RecordingContext,
    timers: Vec<(Nanos, u64)>,
}

impl OneNode {
    fn new(knobs: GossipsubKnobs) -> OneNode {
        OneNode::of(Gossipsub::new(knobs))
    }

    fn of(gossipsub: Gossipsub) -> OneNode {
        let view = shard(26, 20, 7);
        let state = gossipsub.for_shard(&view);
        OneNode { state, context: RecordingContext::with_view(view), timers: Vec::new() }
    }

    /// Starts a node and lets it hold its first heartbeat, with a mesh of `d`.
    fn meshed(knobs: GossipsubKnobs) -> OneNode {
        OneNode::new(knobs).with_mesh()
    }

    fn with_mesh(mut self) -> OneNode {
        self.state.start(&mut self.context);
        self.beats(1);
        self
    }

    /// Takes the actions since the last call, without timers, and keeps the timers.
    fn acts(&mut self) -> Vec<Action> {
        let (timers, acts): (Vec<Action>, Vec<Action>) =
            self.context.acts.drain(..).partition(|act| matches!(act, Action::Asked(..)));
        self.timers.extend(timers.iter().map(|timer| match timer {
            Action::Asked(time, token) => (*time, *token),
            other => panic!("{other:?}"),
        }));
        acts
    }

    /// Fires all timers up to `until`, and returns the actions.
    fn advance(&mut self, until: Nanos) -> Vec<Action> {
        let mut all = self.acts();
        while let Some(place) = (0..self.timers.len()).min_by_key(|&place| self.timers[place]) {
            if self.timers[place].0 > until {
                break;
            }
            let (time, token) = self.timers.swap_remove(place);
            self.context.time = self.context.time.max(time);
            self.state.handle_timeout(&mut self.context, token);
            all.extend(self.acts());
        }
        self.context.time = self.context.time.max(until);
        all
    }

    /// Passes the next `count` heartbeats, those that take place or not, and returns the actions.
    fn beats(&mut self, count: u32) -> Vec<Action> {
        let (clock, beats) = (self.state.clock, self.state.nodes[1].beats);
        let next = clock.next_after(&beats, self.context.time);
        self.advance(clock.time(&beats, next + count - 1))
    }

    fn receive(&mut self, kind: Kind, from: NodeId, order: u32) -> Vec<Action> {
        self.receive_with(kind, from, order, &[])
    }

    fn receive_with(&mut self, kind: Kind, from: NodeId, order: u32, tail: &[u64]) -> Vec<Action> {
        let mut all = self.acts();
        let message = hop_of(order, 3).message_with(kind, from, NodeId(1), tail.len() as u8);
        self.state.handle_message(&mut self.context, &message, tail);
        all.extend(self.acts());
        all
    }

    fn publish(&mut self, order: u32) -> Vec<Action> {
        self.state.publish(&mut self.context, OrderIndex(order), 255);
        self.acts()
    }

    /// Lets the node learn that a peer has gone down or come back.
    fn learn_of(&mut self, peer: NodeId, is_up: bool) -> Vec<Action> {
        let mut all = self.acts();
        self.state.handle_peer(&mut self.context, peer, is_up);
        all.extend(self.acts());
        all
    }

    fn peers(&self) -> Vec<NodeId> {
        self.context.peers().to_vec()
    }

    /// Returns the peers in the mesh, and those outside.
    fn mesh(&self) -> [Vec<NodeId>; 2] {
        let linked = self.context.peers().iter().zip(self.context.links());
        let (inside, outside): (Vec<_>, Vec<_>) = linked.partition(|&(_, link)| self.state.mesh.has(link));
        [inside, outside].map(|part| part.into_iter().map(|(&peer, _)| peer).collect())
    }

    fn outbound(&self, peers: &[NodeId]) -> u32 {
        let dialled = |peer: &&NodeId| self.context.dialled(self.context.link_of(**peer).unwrap());
        peers.iter().filter(dialled).count() as u32
    }

    /// Checks what must hold after every event.
    fn check(&self) {
        let [inside, _] = self.mesh();
        let mesh = self.state.nodes[1].mesh;
        assert_eq!([mesh.all, mesh.outbound], [inside.len() as u32, self.outbound(&inside)]);
        let mut collected = Vec::new();
        self.state.mesh.collect_peers(&self.context, &mesh, NodeId(1), &mut collected);
        assert_eq!(collected, inside);
        assert!(inside.iter().all(|&peer| self.state.mesh.is_up(self.context.link_of(peer).unwrap())));
        assert!(self.state.awaited() <= 1 + 2 * 64, "one entry for the node, two for each order");
        if self.state.awaited() > 0 {
            assert!(!self.timers.is_empty(), "who awaits something has set a timer");
            let mut named = 0;
            self.state.name_awaited(|_| named += 1);
            assert!(named > 0);
        }
    }
}

/// An order as it arrives at this hop.
fn hop_of(order: u32, hop: u8) -> OrderHop {
    OrderHop { order: OrderIndex(order), ttl: 200, hop }
}

fn sent(kind: Kind, acts: &[Action]) -> Vec<NodeId> {
    let to = acts.iter().flat_map(|act| match act {
        Action::Sent(to, of, _) | Action::SentList(to, of, ..) if *of == kind => vec![*to],
        Action::ForwardedTo(to, of, ..) if *of == kind => to.clone(),
        _ => Vec::new(),
    });
    let mut to: Vec<NodeId> = to.collect();
    to.sort_unstable();
    to
}

/// An event of the one node, drawn.
#[derive(Clone, Debug)]
enum Drawn {
    Waits(u64),
    Publishes(u32),
    Learns(u32, bool),
    Hears { kind: u8, from: u32, order: u32, tail: Vec<u64> },
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let word = prop_oneof![any::<u64>(), (0u64..64, 0u64..9).prop_map(|(order, hop)| order | 9 << 32 | hop << 40),];
    let hears = (prop_oneof![Just(0u8), Just(2), Just(3), 4u8..7, 128u8..130, any::<u8>()], 0u32..30, 0u32..64)
        .prop_flat_map(move |(kind, from, order)| {
            let tail = prop::collection::vec(word.clone(), 0..5);
            tail.prop_map(move |tail| Drawn::Hears { kind, from, order, tail })
        });
    let learns = (0u32..30, any::<bool>()).prop_map(|(peer, is_up)| Drawn::Learns(peer, is_up));
    prop_oneof![
        2 => (0u64..2_000).prop_map(Drawn::Waits),
        2 => (0u32..64).prop_map(Drawn::Publishes),
        1 => learns,
        4 => hears,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever a node hears, it passes each order on once, sends to its peers alone and never to itself or to one that
    /// has failed, and sends a bounded number of messages for each event; its counts agree, and in silence it comes to
    /// rest.
    #[test]
    fn arbitrary_events_are_answered_within_bounds(
        events in prop::collection::vec(drawn(), 1..120),
        preset in 0usize..7,
        bytes in prop_oneof![Just(60u32), Just(5_000)],
    ) {
        let knobs = super::knobs::ALL[preset];
        let mut node = OneNode::meshed(knobs);
        node.context.order_bytes = bytes;
        let mut peers = node.peers();
        let mut passed_on = vec![0; 64];
        let mut check = |node: &OneNode, peers: &[NodeId], acts: &[Action], bound: usize| {
            let mut messages = 0;
            for act in acts {
                let (to, kind, order) = match act {
                    Action::Sent(to, kind, hop) | Action::SentList(to, kind, hop, _) => (vec![*to], *kind, hop.order),
                    Action::ForwardedTo(to, kind, hop, _) => (to.clone(), *kind, hop.order),
                    Action::Tallied(..) => continue,
                    other => panic!("{other:?}"),
                };
                messages += to.len();
                assert!(to.iter().all(|to| peers.contains(to)), "{act:?}");
                let mut once = to.clone();
                once.sort_unstable();
                once.dedup();
                assert_eq!(once.len(), to.len(), "{act:?}");
                let is_forward = matches!(act, Action::ForwardedTo(..)) && [Kind::PAYLOAD, IANNOUNCE].contains(&kind);
                passed_on[order.index()] += u32::from(is_forward && kind == Kind::PAYLOAD);
                assert!(passed_on[order.index()] <= 1, "{order:?} passed on twice");
            }
            assert!(messages <= bound, "{messages} messages: {acts:?}");
            node.check();
        };
        for event in events {
            match event {
                Drawn::Waits(ms) => {
                    let (before, until) = (node.context.time, node.context.time + Nanos::from_millis(ms));
                    let acts = node.advance(until);
                    let beats = 2 + (until.0 - before.0) / knobs.heartbeat_interval.0;
                    // A heartbeat gossips to all peers at most, and mends the mesh; each order may need announcers.
                    check(&node, &peers, &acts, beats as usize * 3 * 20 + 64);
                }
                Drawn::Publishes(order) => {
                    let acts = node.publish(order);
                    check(&node, &peers, &acts, 20);
                }
                Drawn::Learns(peer, is_up) => {
                    peers.retain(|&known| known != NodeId(peer));
                    if is_up && node.peers().contains(&NodeId(peer)) {
                        peers.push(NodeId(peer));
                    }
                    let acts = node.learn_of(NodeId(peer), is_up);
                    check(&node, &peers, &acts, 1);
                }
                Drawn::Hears { kind, from, order, tail } => {
                    let acts = node.receive_with(Kind(kind), NodeId(from), order, &tail);
                    // Two messages to each mesh peer, or an answer for each order named.
                    check(&node, &peers, &acts, 40);
                }
            }
        }
        node.advance(node.context.time + Nanos::from_secs(60));
        prop_assert_eq!(node.state.awaited(), 0);
        let mut named = 0;
        node.state.name_awaited(|_| named += 1);
        prop_assert_eq!(named, 0);
    }
}
