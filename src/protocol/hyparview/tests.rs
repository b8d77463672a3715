//! The rules by their numbers, whole networks in which every message takes a millisecond, and arbitrary messages.

use super::*;
use crate::protocol::recording_context::{Action, RecordingContext};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MILLISECOND: Nanos = Nanos::from_millis(1);

fn ids(nodes: &[u32]) -> Vec<NodeId> {
    nodes.iter().copied().map(NodeId).collect()
}

/// Node 0 of a network of a hundred, which is the contact unless another node is.
struct TestNode {
    state: HyParViewState,
    context: RecordingContext,
}

impl TestNode {
    fn new(active: &[u32], passive: &[u32]) -> TestNode {
        let context = RecordingContext::isolated(100);
        let hyparview = HyParView::new(HyParViewKnobs::default(), 100, NodeId(99), Nanos::ZERO);
        let mut state = hyparview.for_shard(context.view());
        active.iter().for_each(|&peer| state.active.add(0, NodeId(peer), false));
        passive.iter().for_each(|&peer| state.passive.push(0, NodeId(peer)));
        TestNode { state, context }
    }

    /// What the node sends when it receives a message, as (recipient, kind, tail).
    fn receive(&mut self, from: u32, kind: Kind, tail: &[u64]) -> Vec<(u32, Kind, Vec<u64>)> {
        let message = crate::message::OrderHop::NO_ORDER.message_with(kind, NodeId(from), NodeId(0), tail.len() as u8);
        assert!(self.state.hyparview.admits(&message, tail), "{message:?} {tail:?}");
        self.state.handle_message(&mut self.context, &message, tail);
        self.sent()
    }

    fn time_out(&mut self, token: u64) -> Vec<(u32, Kind, Vec<u64>)> {
        self.state.handle_timeout(&mut self.context, token);
        self.sent()
    }

    fn sent(&mut self) -> Vec<(u32, Kind, Vec<u64>)> {
        let sent = |act| match act {
            Action::Sent(to, kind, _) => Some((to.0, kind, Vec::new())),
            Action::SentList(to, kind, _, tail) => Some((to.0, kind, tail)),
            Action::Asked(..) => None,
            other => panic!("{other:?}"),
        };
        self.context.take().into_iter().filter_map(sent).collect()
    }

    fn active(&self) -> Vec<NodeId> {
        self.state.active.of(0).collect()
    }
}

fn walk(hops: u32, about: u32) -> u64 {
    Walk { hops, about: NodeId(about) }.word()
}

#[test]
fn rule_1_a_newcomer_takes_the_place_of_a_random_member_and_walks_from_all_others() {
    let mut node = TestNode::new(&[1, 2, 3, 4, 5], &[]);
    let sent = node.receive(50, JOIN, &[]);
    let (dropped, kind, _) = sent[0].clone();
    assert_eq!((kind, sent[1].clone()), (DISCONNECT, (50, NEIGHBOR, vec![ANSWER])));
    assert!(node.active().contains(&NodeId(50)) && node.state.passive.of(0) == [NodeId(dropped)]);
    let others: Vec<_> =
        (1..=5).filter(|&other| other != dropped).map(|to| (to, FORWARD_JOIN, vec![walk(6, 50)])).collect();
    assert_eq!(sent[2..], others);
}

#[test]
fn rule_2_a_walk_ends_where_no_hop_is_left_or_at_a_node_with_one_member() {
    let asked = |to: u32| vec![(to, NEIGHBOR, vec![HIGH])];
    assert_eq!(TestNode::new(&[1, 2, 3], &[]).receive(1, FORWARD_JOIN, &[walk(0, 50)]), asked(50));
    assert_eq!(TestNode::new(&[1], &[]).receive(1, FORWARD_JOIN, &[walk(6, 50)]), asked(50));
    let mut node = TestNode::new(&[1, 2], &[]);
    assert_eq!(node.receive(1, FORWARD_JOIN, &[walk(6, 50)]), [(2, FORWARD_JOIN, vec![walk(5, 50)])]);
    assert!(node.state.passive.of(0).is_empty());
    assert_eq!(node.receive(2, FORWARD_JOIN, &[walk(3, 51)]), [(1, FORWARD_JOIN, vec![walk(2, 51)])]);
    assert_eq!(node.state.passive.of(0), ids(&[51]), "the passive walk length is 3");
    for known in [0, 2] {
        assert!(node.receive(1, FORWARD_JOIN, &[walk(0, known)]).is_empty(), "itself, and a member");
    }
    assert_eq!(node.active(), ids(&[1, 2]), "who is asked is no member before it answers");
}

#[test]
fn rule_3_only_a_request_of_low_priority_is_refused_and_only_without_a_free_slot() {
    let mut node = TestNode::new(&[1, 2, 3, 4], &[]);
    assert_eq!(node.receive(50, NEIGHBOR, &[LOW]), [(50, NEIGHBOR, vec![ANSWER])]);
    assert_eq!(node.receive(51, NEIGHBOR, &[LOW]), [(51, DISCONNECT, vec![])]);
    let sent = node.receive(52, NEIGHBOR, &[HIGH]);
    assert_eq!((sent.len(), sent[0].1, sent[1].clone()), (2, DISCONNECT, (52, NEIGHBOR, vec![ANSWER])));
    assert!(node.active().contains(&NodeId(52)) && node.active().len() == 5);
    assert_eq!(node.receive(52, NEIGHBOR, &[LOW]), [(52, NEIGHBOR, vec![ANSWER])], "a member is one already");
    assert_eq!(node.receive(53, NEIGHBOR, &[ANSWER]), [(53, DISCONNECT, vec![])], "it was not asked, or long ago");
}

#[test]
fn rule_3_the_end_that_asks_opens_the_link_and_of_two_the_lesser() {
    let mut node = TestNode::new(&[1], &[]);
    node.receive(50, NEIGHBOR, &[LOW]);
    node.receive(1, FORWARD_JOIN, &[walk(0, 51)]);
    assert!(node.receive(51, NEIGHBOR, &[ANSWER]).is_empty());
    node.receive(1, FORWARD_JOIN, &[walk(0, 52)]);
    assert_eq!(node.receive(52, NEIGHBOR, &[HIGH]), [(52, NEIGHBOR, vec![ANSWER])]);
    assert!(node.receive(52, NEIGHBOR, &[ANSWER]).is_empty());
    assert_eq!((node.active(), node.state.opened(0)), (ids(&[1, 50, 51, 52]), 0b1100));
}

#[test]
fn rule_4_who_is_dropped_keeps_the_other_in_its_passive_view() {
    let mut node = TestNode::new(&[1, 2], &[]);
    assert!(node.receive(1, DISCONNECT, &[]).is_empty(), "it knows nobody else to ask");
    assert_eq!((node.active(), node.state.passive.of(0)), (ids(&[2]), &ids(&[1])[..]));
    assert!(node.receive(7, DISCONNECT, &[]).is_empty());
    assert_eq!(node.state.passive.of(0), ids(&[1]), "a stranger is none the two keep");
}

#[test]
fn rule_5_a_passive_node_replaces_a_lost_member() {
    let mut node = TestNode::new(&[1, 2], &[7, 8]);
    node.state.handle_failure(&mut node.context, NodeId(1));
    let (first, second) = match &node.sent()[..] {
        [(first, NEIGHBOR, tail)] if tail[..] == [LOW] => (*first, if *first == 7 { 8 } else { 7 }),
        sent => panic!("{sent:?}"),
    };
    assert_eq!(node.receive(first, DISCONNECT, &[]), [(second, NEIGHBOR, vec![LOW])], "one that refuses is followed");
    assert_eq!(node.state.passive.of(0).len(), 2);
    assert_eq!(node.time_out(u64::from(second)), [(first, NEIGHBOR, vec![LOW])], "and so is one that is silent");
    assert_eq!(node.state.passive.of(0), ids(&[first]), "and forgotten");
    assert!(node.receive(first, NEIGHBOR, &[ANSWER]).is_empty());
    assert!(node.time_out(u64::from(first)).is_empty(), "it has answered");
    assert_eq!((node.active(), node.state.passive.of(0)), (ids(&[first, 2]), &[][..]));
    let mut alone = TestNode::new(&[1], &[7]);
    alone.state.handle_failure(&mut alone.context, NodeId(1));
    assert_eq!(alone.sent(), [(7, NEIGHBOR, vec![HIGH])], "without a member the priority is high");
}

/// A network all of whose other nodes are full is asked a bounded number of times.
#[test]
fn rule_5_refusals_end() {
    let mut node = TestNode::new(&[1], &[7, 8]);
    node.state.handle_failure(&mut node.context, NodeId(1));
    let mut count = 0;
    let mut sent = node.sent();
    while let Some((asked, NEIGHBOR, _)) = sent.first() {
        count += 1;
        sent = node.receive(*asked, DISCONNECT, &[]);
    }
    assert_eq!(count, usize::from(HyParViewKnobs::default().passive_view_capacity));
    assert!(matches!(&node.time_out(SHUFFLE_TIMER)[..], [(99, JOIN, _)]), "the next shuffle begins anew");
}

/// The nodes that a message names, two to a word.
fn named(words: &[u64]) -> Vec<u32> {
    let mut named: Vec<u32> = words.iter().flat_map(|&word| [word as u32, (word >> 32) as u32]).collect();
    named.dedup();
    named
}

#[test]
fn rule_6_a_shuffle_walks_and_is_answered_at_its_end() {
    let mut node = TestNode::new(&[1, 2], &[20, 21, 22, 23, 24, 25]);
    let sent = node.time_out(SHUFFLE_TIMER);
    let [.., (first, SHUFFLE, tail)] = &sent[..] else { panic!("{sent:?}") };
    let names = named(&tail[1..]);
    assert_eq!((tail[0], names[0], names[1]), (walk(6, 0), 0, if *first == 1 { 2 } else { 1 }));
    assert_eq!(names.len(), 1 + 1 + 4, "itself, its other member, and four of its passive view");
    assert_eq!(names[2..], node.state.passive.of(0)[..4].iter().map(|node| node.0).collect::<Vec<_>>());
    let body = [40 | 41 << 32, 42 | 43 << 32];
    let with = |hops| [&[walk(hops, 40)][..], &body].concat();
    assert_eq!(node.receive(1, SHUFFLE, &with(2)), [(2, SHUFFLE, with(1))], "it goes on, but not back");
    let sent = node.receive(1, SHUFFLE, &with(1));
    let [(40, SHUFFLE_REPLY, tail)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(named(tail).len(), 4, "as many nodes as came");
    assert!([40, 41, 42, 43].iter().all(|&node_| node.state.passive.of(0).contains(&NodeId(node_))));
}

#[test]
fn rule_6_what_was_sent_makes_room_first() {
    let full: Vec<u32> = (20..50).collect();
    let mut node = TestNode::new(&[1, 2, 3, 4, 5], &full);
    let sent = node.time_out(SHUFFLE_TIMER);
    let lent: Vec<u32> = named(&sent[0].2[1..]).into_iter().filter(|node| *node >= 20).collect();
    assert_eq!(lent.len(), 4);
    node.receive(60, SHUFFLE_REPLY, &[60 | 61 << 32, 62 | 63 << 32]);
    let left: Vec<u32> = node.state.passive.of(0).iter().map(|node| node.0).collect();
    assert!(left.len() == 30 && (60..64).all(|new| left.contains(&new)));
    assert!(full.iter().all(|old| left.contains(old) != lent.contains(old)));
    node.receive(70, SHUFFLE_REPLY, &[1 | 60 << 32]);
    assert_eq!(node.state.passive.of(0).len(), 30, "members of either view are no news");
}

#[test]
fn rule_7_a_stranger_is_told_so() {
    let mut node = TestNode::new(&[1, 2], &[]);
    assert_eq!(node.receive(7, FORWARD_JOIN, &[walk(6, 50)])[0], (7, DISCONNECT, vec![]));
    node.state.handle_stranger(&mut node.context, NodeId(8));
    assert_eq!(node.sent(), [(8, DISCONNECT, vec![])]);
    node.receive(1, FORWARD_JOIN, &[walk(0, 50)]);
    for known in [1, 50] {
        node.state.handle_stranger(&mut node.context, NodeId(known));
        assert!(node.sent().is_empty(), "a member, and one that was asked");
    }
}

#[test]
fn rule_8_a_shuffle_fills_a_slot_or_joins_again() {
    let sent = TestNode::new(&[1, 2], &[7]).time_out(SHUFFLE_TIMER);
    assert_eq!(sent[0], (7, NEIGHBOR, vec![LOW]));
    let mut alone = TestNode::new(&[], &[7]);
    assert_eq!(alone.time_out(SHUFFLE_TIMER), [(99, JOIN, vec![])]);
    assert!(alone.time_out(SHUFFLE_TIMER).is_empty(), "the contact has been asked");
}

#[test]
fn messages_that_no_node_sends_are_strays() {
    let node = TestNode::new(&[], &[]);
    let admits = |kind: Kind, tail: &[u64]| {
        let message = crate::message::OrderHop::NO_ORDER.message_with(kind, NodeId(1), NodeId(0), tail.len() as u8);
        node.state.hyparview.admits(&message, tail)
    };
    for (kind, tail) in [
        (JOIN, &[0][..]),
        (NEIGHBOR, &[]),
        (NEIGHBOR, &[3]),
        (FORWARD_JOIN, &[walk(65, 1)]),
        (FORWARD_JOIN, &[walk(1, 100)]),
        (SHUFFLE, &[]),
        (SHUFFLE, &[walk(1, 1), 100]),
        (SHUFFLE_REPLY, &[100 << 32]),
        (SHUFFLE_REPLY, &[1; 90]),
        (Kind(198), &[]),
    ] {
        assert!(!admits(kind, tail), "{kind:?} {tail:?}");
    }
}

proptest! {
    /// Whatever comes, no view holds its owner or a node twice, nothing grows, and one event leads to few messages.
    #[test]
    fn arbitrary_messages_leave_sound_views(
        events in prop::collection::vec((0..8u8, 0..100u32, 0..100u32, 0..8u32), 0..300),
    ) {
        let mut node = TestNode::new(&[], &[]);
        for (event, from, about, hops) in events {
            let (from, about_word) = (from.max(1), u64::from(about) | u64::from(about ^ 1) << 32);
            let sent = match event {
                0 => node.receive(from, JOIN, &[]),
                1 => node.receive(from, FORWARD_JOIN, &[walk(hops, about)]),
                2 => node.receive(from, NEIGHBOR, &[u64::from(hops % 3)]),
                3 => node.receive(from, DISCONNECT, &[]),
                4 => node.receive(from, SHUFFLE, &[walk(hops, about), about_word]),
                5 => node.receive(from, SHUFFLE_REPLY, &[about_word]),
                6 => node.time_out(if hops == 0 { SHUFFLE_TIMER } else { u64::from(about) }),
                _ => {
                    node.state.handle_failure(&mut node.context, NodeId(from));
                    node.sent()
                }
            };
            prop_assert!(sent.len() <= 6, "{sent:?}");
            prop_assert!(sent.iter().all(|&(to, ..)| to != 0), "{sent:?}");
            let passive = node.state.passive.of(0).iter().copied();
            let views: Vec<NodeId> = node.active().into_iter().chain(passive).collect();
            let mut distinct = views.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert!(distinct.len() == views.len() && !views.contains(&NodeId(0)), "{views:?}");
            prop_assert!(node.active().len() <= 5 && node.state.passive.of(0).len() <= 30);
            prop_assert!(node.state.asked.of(0).len() <= 5 && node.state.words.is_empty());
        }
    }
}

/// A network of nodes whose messages take a millisecond each.
struct TestNetwork {
    state: HyParViewState,
    context: RecordingContext,
    nodes: u32,
    /// Messages and timers by time, in the order in which they were sent and set.
    events: BTreeMap<(Nanos, u64), Due>,
    sequence: u64,
    is_down: Vec<bool>,
    /// One in so many messages is lost; 0 for none.
    loss_in: u64,
}

#[derive(Clone, Debug)]
enum Due {
    Message(NodeId, NodeId, Kind, Vec<u64>),
    Timer(NodeId, u64),
}

impl TestNetwork {
    fn new(nodes: u32, loss_in: u64) -> TestNetwork {
        let context = RecordingContext::isolated(nodes);
        let hyparview = HyParView::new(HyParViewKnobs::default(), nodes, NodeId(0), Nanos::from_secs(10));
        let state = hyparview.for_shard(context.view());
        let (events, is_down) = (BTreeMap::new(), vec![false; nodes as usize]);
        let mut network = TestNetwork { state, context, nodes, events, sequence: 0, is_down, loss_in };
        for node in (0..nodes).map(NodeId) {
            network.at(node, |state, context| state.start(context));
        }
        network
    }

    /// Lets something happen at a node, and takes on what it does.
    fn at(&mut self, me: NodeId, act: impl FnOnce(&mut HyParViewState, &mut RecordingContext)) {
        self.context.be(me);
        act(&mut self.state, &mut self.context);
        for act in self.context.take() {
            self.sequence += 1;
            let arrives = self.context.time + MILLISECOND;
            let (time, due) = match act {
                Action::Sent(to, kind, _) => (arrives, Due::Message(me, to, kind, vec![])),
                Action::SentList(to, kind, _, tail) => (arrives, Due::Message(me, to, kind, tail)),
                Action::Asked(time, token) => (time, Due::Timer(me, token)),
                other => panic!("{other:?}"),
            };
            let is_lost = self.loss_in > 0 && self.sequence.wrapping_mul(0x9E37_79B9).is_multiple_of(self.loss_in);
            if matches!(due, Due::Timer(..)) || !is_lost {
                self.events.insert((time, self.sequence), due);
            }
        }
    }

    fn run(&mut self, until: Nanos) {
        while let Some(((time, _), due)) =
            self.events.first_entry().filter(|next| next.key().0 <= until).map(|next| next.remove_entry())
        {
            self.context.time = time;
            match due {
                Due::Message(from, to, kind, tail) if !self.is_down[to.index()] && !self.is_down[from.index()] => {
                    let message = crate::message::OrderHop::NO_ORDER.message_with(kind, from, to, tail.len() as u8);
                    assert!(self.state.hyparview.admits(&message, &tail), "{message:?} {tail:?}");
                    self.at(to, |state, context| state.handle_message(context, &message, &tail));
                }
                Due::Timer(me, token) if !self.is_down[me.index()] => {
                    self.at(me, |state, context| state.handle_timeout(context, token));
                }
                _ => {}
            }
        }
        self.context.time = until;
    }

    /// Lets nodes fail, and tells all neighbours of each.
    fn fail(&mut self, failed: impl Fn(u32) -> bool) {
        let down: Vec<NodeId> = (0..self.nodes).filter(|&node| failed(node)).map(NodeId).collect();
        down.iter().for_each(|node| self.is_down[node.index()] = true);
        for node in (0..self.nodes).map(NodeId).filter(|node| !failed(node.0)) {
            for &peer in down.iter().filter(|&&peer| self.neighbours(node).contains(&peer)).collect::<Vec<_>>() {
                self.at(node, |state, context| state.handle_failure(context, peer));
            }
        }
    }

    fn neighbours(&self, node: NodeId) -> Vec<NodeId> {
        self.state.active.of(node.index()).collect()
    }

    fn up(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0..self.nodes).map(NodeId).filter(|node| !self.is_down[node.index()])
    }

    /// Links that one end has and the other has not.
    fn one_sided(&self) -> usize {
        let ends = self.up().flat_map(|node| self.neighbours(node).into_iter().map(move |peer| (node, peer)));
        ends.filter(|&(node, peer)| self.is_down[peer.index()] || !self.neighbours(peer).contains(&node)).count()
    }

    /// Links that neither end or both ends have opened.
    fn disputed(&self) -> usize {
        let opened = |node: NodeId, peer: NodeId| {
            let slot = self.state.slots(node.index()).iter().position(|&slot| slot == peer).unwrap();
            self.state.opened(node.index()) >> slot & 1
        };
        let ends = self.up().flat_map(|node| self.neighbours(node).into_iter().map(move |peer| (node, peer)));
        ends.filter(|&(node, peer)| opened(node, peer) == opened(peer, node)).count()
    }

    /// Nodes that are up and that the first of them reaches.
    fn connected(&self) -> usize {
        let mut stack: Vec<NodeId> = self.up().take(1).collect();
        let mut seen = stack.clone();
        while let Some(node) = stack.pop() {
            for peer in self.neighbours(node) {
                if !self.is_down[peer.index()] && !seen.contains(&peer) {
                    seen.push(peer);
                    stack.push(peer);
                }
            }
        }
        seen.len()
    }

    fn mean_degree(&self) -> f64 {
        self.up().map(|node| self.neighbours(node).len()).sum::<usize>() as f64 / self.up().count() as f64
    }
}

#[test]
fn a_network_joins_through_its_contact_and_is_symmetric() {
    for (nodes, degree) in [(1, 0.0), (2, 1.0), (3, 2.0), (10, 4.0), (300, 4.9)] {
        let mut network = TestNetwork::new(nodes, 0);
        network.run(Nanos::from_secs(20));
        assert_eq!((network.connected(), network.one_sided(), network.disputed()), (nodes as usize, 0, 0), "{nodes}");
        assert!(network.mean_degree() >= degree, "{nodes} nodes: {}", network.mean_degree());
    }
}

#[test]
fn a_network_heals_after_three_and_after_eight_in_ten_have_failed() {
    for share in [3, 8] {
        let mut network = TestNetwork::new(500, 0);
        network.run(Nanos::from_secs(30));
        network.fail(|node| node != 0 && (node * 7_919) % 10 < share);
        let (up, before) = (network.up().count(), network.mean_degree());
        network.run(Nanos::from_secs(50));
        assert_eq!((network.connected(), network.one_sided()), (up, 0), "{share} in ten");
        let mean = network.mean_degree();
        assert!(before < 5.0 - 0.3 * f64::from(share) && mean > 4.5, "{share} in ten: {before}, then {mean}");
    }
}

/// Of 1,500 links few have one end at a time where every twentieth message is lost.
#[test]
fn lost_messages_leave_few_links_with_one_end() {
    let mut network = TestNetwork::new(300, 20);
    network.run(Nanos::from_secs(60));
    assert_eq!(network.connected(), 300);
    assert!(network.one_sided() < 120, "{}", network.one_sided());
}
