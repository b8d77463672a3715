//! All nodes of a small network, whose messages take a drawn time: a loop over a heap, which knows nothing of the
//! engines.

use super::*;
use crate::random::{Key, Purpose};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// What is due: a message with its tail, or the timer of a node.
type Due = Reverse<(Nanos, u64, u32, Option<([u64; 2], Vec<u64>)>, u64)>;

struct Network {
    state: GossipsubState,
    world: World,
}

/// All but the protocol.
struct World {
    view: ShardView<'static>,
    now: Nanos,
    me: NodeId,
    queue: BinaryHeap<Due>,
    events: u64,
    held: BTreeSet<(NodeId, OrderIndex)>,
    /// Nodes that neither send nor receive.
    down: BTreeSet<NodeId>,
    /// Messages sent, by kind.
    sent: BTreeMap<u8, u64>,
    /// Actions, by their place among those that are counted.
    tallied: BTreeMap<u8, u64>,
    order_bytes: u32,
    longest: u64,
}

impl World {
    fn send_one(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        if self.down.contains(&self.me) {
            return;
        }
        self.events += 1;
        *self.sent.entry(kind.0).or_default() += 1;
        let latency = Key::new(1, Purpose::Network).with(self.events).stream().below(self.longest) + 1_000_000;
        let message = order_hop.message_with(kind, self.me, to, tail.len() as u8).to_words();
        let due = (self.now + Nanos(latency), self.events, to.0, Some((message, tail.to_vec())), 0);
        self.queue.push(Reverse(due));
    }
}

impl Context for World {
    fn me(&self) -> NodeId {
        self.me
    }

    fn now(&self) -> Nanos {
        self.now
    }

    fn view(&self) -> &ShardView<'_> {
        &self.view
    }

    fn deliver(&mut self, order: OrderIndex) -> bool {
        self.held.insert((self.me, order))
    }

    fn knows(&self, order: OrderIndex) -> bool {
        self.held.contains(&(self.me, order))
    }

    fn holds(&self, order: OrderIndex) -> bool {
        self.knows(order)
    }

    fn count_part(&mut self, _: bool) {
        unreachable!("gossipsub sends orders whole");
    }

    fn encode_parts(&mut self, _: OrderIndex) {
        unreachable!("gossipsub sends orders whole");
    }

    fn recover_set(&mut self, _: OrderIndex, _: u32, _: u64) -> bool {
        unreachable!("gossipsub sends orders whole")
    }

    fn deliver_recovered(&mut self, _: OrderIndex) -> bool {
        unreachable!("gossipsub sends orders whole")
    }

    fn order_bytes(&self, _: OrderIndex) -> u32 {
        self.order_bytes
    }

    fn fan_out(&mut self, _: OrderHop) {
        panic!("the protocol chooses its recipients")
    }

    fn announce(&mut self, _: Kind, _: OrderHop) {
        panic!("the protocol chooses its recipients")
    }

    fn announce_all(&mut self, _: Kind, _: &[crate::protocol::Announcement]) {
        panic!("the protocol chooses its recipients")
    }

    fn forward(&mut self, to: &[NodeId], kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        to.iter().for_each(|&to| self.send_one(to, kind, order_hop, tail));
    }

    fn send_with(&mut self, to: NodeId, kind: Kind, order_hop: OrderHop, tail: &[u64]) {
        self.send_one(to, kind, order_hop, tail);
    }

    fn wake_at(&mut self, time: Nanos, token: u64) {
        self.events += 1;
        self.queue.push(Reverse((time, self.events, self.me.0, None, token)));
    }

    fn tally(&mut self, what: u8, count: u64) {
        *self.tallied.entry(what).or_default() += count;
    }
}

impl Network {
    fn new(knobs: GossipsubKnobs, [nodes, peers]: [u32; 2], seed: u64) -> Network {
        let view = shard(nodes, peers, seed);
        let mut state = Gossipsub::new(knobs).for_shard(&view);
        let mut world = World {
            view,
            now: Nanos::ZERO,
            me: NodeId(0),
            queue: BinaryHeap::new(),
            events: 0,
            held: BTreeSet::new(),
            down: BTreeSet::new(),
            sent: BTreeMap::new(),
            tallied: BTreeMap::new(),
            order_bytes: 2_000,
            longest: 100_000_000,
        };
        for node in 0..nodes {
            world.me = NodeId(node);
            state.start(&mut world);
        }
        Network { state, world }
    }

    /// Handles all that is due by `until`.
    fn advance(&mut self, until: Nanos) {
        while let Some(Reverse((time, _, node, message, token))) = self.world.queue.pop() {
            if time > until {
                self.world.queue.push(Reverse((time, 0, node, message, token)));
                break;
            }
            (self.world.now, self.world.me) = (time, NodeId(node));
            match message {
                Some(_) if self.world.down.contains(&NodeId(node)) => {}
                Some((words, tail)) => {
                    let message = Message::from_words(words);
                    self.state.handle_message(&mut self.world, &message, &tail);
                }
                None => self.state.handle_timeout(&mut self.world, token),
            }
        }
        self.world.now = until;
    }

    /// Lets nodes fail or come back, which their peers learn at once.
    fn change(&mut self, nodes: &[NodeId], is_up: bool) {
        for &node in nodes {
            if is_up {
                self.world.down.remove(&node)
            } else {
                self.world.down.insert(node)
            };
        }
        for &node in nodes {
            for &peer in &self.world.view.peers(node).to_vec() {
                self.world.me = peer;
                self.state.handle_peer(&mut self.world, node, is_up);
            }
        }
    }

    fn publish(&mut self, order: u32, node: u32) {
        self.world.me = NodeId(node);
        self.state.publish(&mut self.world, OrderIndex(order), 255);
    }

    /// Returns the links in the mesh from both ends, each once.
    fn mesh_links(&self) -> BTreeSet<(NodeId, NodeId)> {
        let view = &self.world.view;
        let of = |node: NodeId| {
            let linked = view.peers(node).iter().zip(view.links_of(node));
            linked.filter(|&(_, link)| self.state.mesh.has(link)).map(move |(&peer, _)| (node, peer))
        };
        view.nodes().map(NodeId).flat_map(of).collect()
    }

    fn sent(&self, kind: Kind) -> u64 {
        self.world.sent.get(&kind.0).copied().unwrap_or(0)
    }

    /// Runs for as long as anything is awaited or under way, at most a minute.
    fn come_to_rest(&mut self) {
        for _ in 0..600 {
            let is_message = |due: &Due| due.0.3.is_some();
            if self.state.awaited() == 0 && !self.world.queue.iter().any(is_message) {
                return;
            }
            self.advance(self.world.now + Nanos::from_millis(100));
        }
        panic!("{} awaited", self.state.awaited());
    }
}

/// After the warm-up both ends of a link agree, every mesh is within its bounds and has its quota of dialled links,
/// and nobody has anything left to mend.
#[test]
fn the_mesh_is_within_its_bounds_after_the_warm_up() {
    for (place, knobs) in super::super::knobs::ALL.into_iter().enumerate() {
        for seed in 0..3 {
            let mut network = Network::new(knobs, [200, 20], seed);
            let warm_up = Gossipsub::new(knobs).warm_up();
            network.advance(warm_up);
            let links = network.mesh_links();
            assert!(links.iter().all(|&(a, b)| links.contains(&(b, a))), "preset {place}: one-sided");
            for node in 0..200 {
                let degree = network.state.nodes[node].mesh;
                assert!((knobs.d_low..=knobs.d_high).contains(&degree.all), "preset {place}, node {node}: {degree:?}");
                let dials = network.world.view.peers(NodeId(node as u32)).iter();
                let dials = dials.filter(|&&peer| network.world.view.dialled(NodeId(node as u32), peer)).count() as u32;
                assert!(degree.outbound >= knobs.d_out.min(dials), "preset {place}, node {node}: {degree:?}");
            }
            let control = network.sent(GRAFT) + network.sent(PRUNE);
            network.advance(warm_up + Nanos::from_secs(200));
            assert_eq!(network.sent(GRAFT) + network.sent(PRUNE), control, "preset {place}: a settled mesh");
            assert!(network.world.queue.is_empty(), "preset {place}: a network at rest sets no timers");
        }
    }
}

/// Three nodes in ten fail: the others mend their meshes, and orders reach all of them over these alone. Then they come
/// back, and both ends of each link agree again, although none of them has heard that it was given up.
#[test]
fn the_mesh_heals_after_failures_and_takes_back_who_returns() {
    for (place, knobs) in super::super::knobs::ALL.into_iter().enumerate() {
        let knobs = GossipsubKnobs { mcache_gossip: 0, ..knobs };
        let mut network = Network::new(knobs, [200, 20], 3);
        // Messages of a link then keep their order, as on a connection.
        network.world.longest = 1;
        network.advance(Gossipsub::new(knobs).warm_up());
        let failed: Vec<NodeId> = (0..200).step_by(10).flat_map(|first| first..first + 3).map(NodeId).collect();
        network.change(&failed, false);
        let beats = |network: &mut Network, count: u64| {
            network.advance(network.world.now + Nanos(count * knobs.heartbeat_interval.0));
        };
        beats(&mut network, 4);
        let links = network.mesh_links();
        let is_up = |node: &NodeId| !failed.contains(node);
        let alive = links.iter().filter(|link| is_up(&link.0));
        assert!(alive.clone().all(|&(a, b)| is_up(&b) && links.contains(&(b, a))), "preset {place}");
        for node in (0..200).filter(|&node| is_up(&NodeId(node))) {
            let degree = network.state.nodes[node as usize].mesh.all;
            assert!((knobs.d_low..=knobs.d_high).contains(&degree), "preset {place}, node {node}: {degree}");
        }
        network.publish(0, 5);
        beats(&mut network, 3);
        assert_eq!(network.world.held.len(), 140, "preset {place}");
        network.change(&failed, true);
        beats(&mut network, 4);
        let links = network.mesh_links();
        assert!(links.iter().all(|&(a, b)| links.contains(&(b, a))), "preset {place}: one-sided");
        network.publish(1, 0);
        beats(&mut network, 3);
        assert_eq!(network.world.held.len(), 340, "preset {place}");
    }
}

/// Each node that receives an order names it to its mesh peers but the sender, so that an origin's links are all that
/// sets apart the notices from the copies of a flood; every copy is either sent or spared by a notice.
#[test]
fn notices_and_copies_add_up_to_a_flood_of_the_mesh() {
    let knobs = GossipsubKnobs { mcache_gossip: 0, flood_publish: false, ..GossipsubKnobs::V1_2 };
    let mut network = Network::new(knobs, [200, 20], 5);
    network.advance(Gossipsub::new(knobs).warm_up());
    let links = network.mesh_links();
    let of_origin = links.iter().filter(|link| link.0 == NodeId(3)).count() as u64;
    network.publish(0, 3);
    network.come_to_rest();
    assert_eq!((network.world.held.len(), network.sent(Kind::HAVE)), (200, 0));
    let flood = links.len() as u64 - 199;
    let spared = network.world.tallied[&SPARED];
    assert_eq!(network.sent(Kind::PAYLOAD) + spared, flood);
    assert_eq!(network.sent(IDONTWANT), flood - of_origin);
    assert!(spared > 0);
}

/// Without loss everybody gets every order. A mesh of E links carries each 2E - (N - 1) times, as a flood of its links
/// does, plus the answers to IWANT; IDONTWANT and announcements lower that, never below N - 1.
#[test]
fn each_order_crosses_the_mesh_as_often_as_its_links_say() {
    for knobs in [GossipsubKnobs::V1_0, GossipsubKnobs::V1_2, GossipsubKnobs::V2_0, GossipsubKnobs::ETHEREUM] {
        let knobs = GossipsubKnobs { flood_publish: false, ..knobs };
        let mut network = Network::new(knobs, [200, 20], 5);
        network.advance(Gossipsub::new(knobs).warm_up());
        let links = network.mesh_links().len() as u64;
        let orders = 10;
        for order in 0..orders {
            network.publish(order, 17 * order);
            network.come_to_rest();
        }
        assert_eq!(network.world.held.len() as u32, 200 * orders, "all have all");
        let flood = u64::from(orders) * (links - 199);
        let (payloads, answers) = (network.sent(Kind::PAYLOAD), network.sent(Kind::WANT));
        assert!(payloads >= u64::from(orders) * 199);
        if knobs.idontwant_bytes == u32::MAX {
            // Who gets it from outside of the mesh first passes it on to the whole mesh.
            assert!((flood..=flood + 2 * answers).contains(&payloads), "{payloads} of {flood}, {answers}");
        } else {
            assert!(payloads < flood && network.sent(IDONTWANT) > 0, "{payloads} of {flood}");
        }
        // Duplicates of a node and order: between D/2 - 1 and D - 2 for a mesh of mean degree D, without answers.
        let mean = links as f64 / 200.0;
        let duplicates = payloads as f64 / (200.0 * f64::from(orders)) - 1.0;
        let asked = answers as f64 / (200.0 * f64::from(orders));
        assert!(duplicates <= mean - 2.0 + 2.0 * asked + 0.02, "{duplicates} with a mean degree of {mean}");
        // An announced copy costs no payload.
        assert!(knobs.d_announce > 0 || duplicates >= mean / 2.0 - 1.0, "{duplicates} with a mean degree of {mean}");
    }
}

/// With every copy announced, each node gets each order once.
#[test]
fn v2_0_without_eager_copies_has_no_duplicates() {
    // A heartbeat longer than an order takes, so that no gossip comes in between.
    let knobs = GossipsubKnobs { d_announce: 6, heartbeat_interval: Nanos::from_secs(20), ..GossipsubKnobs::V2_0 };
    let mut network = Network::new(knobs, [200, 20], 5);
    network.advance(Gossipsub::new(knobs).warm_up());
    network.publish(0, 3);
    network.advance(network.world.now + Nanos::from_secs(19));
    let payloads = network.sent(Kind::PAYLOAD);
    assert_eq!(network.world.held.len(), 200);
    assert!(payloads - 199 <= network.sent(Kind::WANT), "{payloads}");
}
