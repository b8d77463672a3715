//! Tests of SWIM's dissemination by the numbers of its rules.

use super::*;
use crate::protocol::recording_context::{Action, RecordingContext};
use crate::protocol::{DialRule, Knowledge};
use crate::topology::{Topology, TopologySpec};
use proptest::prelude::*;

const ORDER_BYTES: u32 = 100;

/// Ticks of gossip every 100 ms, five transmissions each of `nodes` nodes below 10.
const KNOBS: SwimKnobs = SwimKnobs {
    gossip_interval: Nanos::from_millis(100),
    gossip_nodes: 3,
    retransmit_mult: 5,
    packet: 1_400,
    probe_interval: Nanos::from_secs(1),
    push_pull_interval: Nanos::from_secs(30),
};

/// Returns the state of all nodes of a network in which everyone knows everyone, and the context of its node 1.
fn network(knobs: SwimKnobs, nodes: u32) -> (SwimState, RecordingContext) {
    let complete: &'static Topology = Box::leak(Box::new(TopologySpec::Complete.build(nodes, 0, 1).unwrap()));
    let view = || ShardView::new(0..nodes, 500, Knowledge::new(1, complete, DialRule::Coin));
    (Swim::new(knobs, ORDER_BYTES).for_shard(&view()), RecordingContext::with_view(view()))
}

fn order_hop(order: u32, hop: u8) -> OrderHop {
    OrderHop { order: OrderIndex(order), ttl: 200, hop }
}

fn handle(state: &mut SwimState, context: &mut RecordingContext, kind: Kind, about: OrderHop, tail: &[u64]) {
    state.handle_message(context, &about.message_with(kind, NodeId(0), NodeId(1), tail.len() as u8), tail);
}

fn payload(state: &mut SwimState, context: &mut RecordingContext, order: u32) {
    handle(state, context, Kind::PAYLOAD, order_hop(order, 2), &[]);
}

/// Lets an activity's timer ring; returns the actions.
fn ring(state: &mut SwimState, context: &mut RecordingContext, activity: Activity) -> Vec<Action> {
    context.acts.clear();
    context.time = Nanos(context.time.0 + state.interval(activity).0);
    state.handle_timeout(context, activity as u64);
    context.take()
}

/// Returns who was told which orders, in sequence.
fn told(acts: &[Action]) -> Vec<(NodeId, u32)> {
    let told = |act: &Action| match act {
        Action::ForwardedTo(to, Kind::PAYLOAD, order_hop, _) => Some((to[0], order_hop.order.0)),
        _ => None,
    };
    acts.iter().filter_map(told).collect()
}

fn is_set(acts: &[Action], activity: Activity) -> bool {
    acts.iter().any(|act| matches!(act, Action::Asked(_, token) if *token == activity as u64))
}

/// Rule 2: the timer of the gossip is set with the first item, rings between now and an interval later, and is not set
/// again once the queue is empty.
#[test]
fn a_node_gossips_while_it_has_something_to_tell() {
    let (mut state, mut context) = network(KNOBS, 9);
    context.time = Nanos::from_millis(950);
    payload(&mut state, &mut context, 4);
    let acts = context.take();
    let [Action::Asked(first, 0)] = acts.as_slice() else { panic!("{acts:?}") };
    assert!((context.time.0 + 1..=context.time.0 + KNOBS.gossip_interval.0).contains(&first.0), "{first}");
    payload(&mut state, &mut context, 5);
    assert_eq!(context.take(), [], "the timer is set");

    let acts = ring(&mut state, &mut context, Activity::Gossip);
    let mut nodes: Vec<NodeId> = told(&acts).iter().map(|&(to, _)| to).collect();
    nodes.dedup();
    assert_eq!(nodes.len(), 3, "{acts:?}");
    assert!(!nodes.contains(&NodeId(1)));
    assert!(is_set(&acts, Activity::Gossip));
    let acts = ring(&mut state, &mut context, Activity::Gossip);
    assert!(!is_set(&acts, Activity::Gossip), "five transmissions of each are over");
    payload(&mut state, &mut context, 6);
    assert!(is_set(&context.take(), Activity::Gossip));
}

/// Rule 2: the nodes of a tick are different, and all others where there are no more.
#[test]
fn the_nodes_of_a_tick_are_different() {
    for (nodes, expected) in [(2, 1), (3, 2), (4, 3), (50, 3)] {
        let (mut state, mut context) = network(KNOBS, nodes);
        payload(&mut state, &mut context, 4);
        let acts = ring(&mut state, &mut context, Activity::Gossip);
        let mut to: Vec<_> = told(&acts).into_iter().map(|(to, _)| to).collect();
        to.sort();
        to.dedup();
        assert_eq!(to.len(), expected, "{nodes} nodes");
    }
}

/// Rule 3: as many items as fit the packet go to one node; an item that does not fit goes alone.
#[test]
fn a_packet_bounds_what_is_told_at_once() {
    for (packet, item_bytes, expected) in [(1_400, 100, 13), (1_400, 1_396, 1), (1_400, 5_000, 1), (206, 100, 2)] {
        let knobs = SwimKnobs { packet, ..KNOBS };
        assert_eq!(knobs.items_per_packet(item_bytes), expected);
    }
    let (mut state, mut context) = network(SwimKnobs { packet: 206, gossip_nodes: 1, ..KNOBS }, 9);
    (0..5).for_each(|order| payload(&mut state, &mut context, order));
    assert_eq!(told(&ring(&mut state, &mut context, Activity::Gossip)).len(), 2);
}

/// Rule 4: fewest transmissions first, of these the newest first.
#[test]
fn the_least_told_and_the_newest_are_first() {
    let (mut state, mut context) = network(SwimKnobs { packet: 206, gossip_nodes: 1, ..KNOBS }, 9);
    (0..3).for_each(|order| payload(&mut state, &mut context, order));
    let mut next = || {
        let acts = ring(&mut state, &mut context, Activity::Gossip);
        if context.held.len() == 3 {
            payload(&mut state, &mut context, 3);
        }
        told(&acts).into_iter().map(|(_, order)| order).collect::<Vec<_>>()
    };
    // 2 and 1 first; then 3, which has come, and 0; then those that were told once, the newest first.
    assert_eq!([next(), next(), next(), next()], [vec![2, 1], vec![3, 0], vec![3, 2], vec![1, 0]]);
}

/// Rule 5: 4 ceil(log10(N + 1)) transmissions, by memberlist's own examples, and the scale of its exchanges.
#[test]
fn the_limits_are_those_of_memberlist() {
    let knobs = SwimKnobs::default();
    for (nodes, transmissions) in
        [(1, 4), (9, 4), (10, 8), (30, 8), (99, 8), (100, 12), (1_000, 16), (10_000, 20), (100_000, 24)]
    {
        assert_eq!(knobs.transmissions_among(nodes), transmissions, "{nodes} nodes");
    }
    for (nodes, seconds) in [(2, 30), (32, 30), (33, 60), (64, 60), (65, 90), (128, 90), (1_000, 180), (u32::MAX, 840)]
    {
        assert_eq!(knobs.push_pull_interval_among(nodes), Nanos::from_secs(seconds), "{nodes} nodes");
    }
}

/// Rule 5: each item is told exactly as often, however many there are, by gossip, pings and acknowledgements together.
#[test]
fn an_item_is_told_exactly_as_often_as_its_limit_says() {
    let (mut state, mut context) = network(KNOBS, 9);
    (0..40).for_each(|order| payload(&mut state, &mut context, order));
    let mut counts = [0; 40];
    let mut count = |acts: &[Action]| told(acts).into_iter().for_each(|(_, order)| counts[order as usize] += 1);
    for round in 0..30 {
        count(&ring(&mut state, &mut context, Activity::Gossip));
        if round % 3 == 0 {
            count(&ring(&mut state, &mut context, Activity::Probe));
            handle(&mut state, &mut context, PING, OrderHop::NO_ORDER, &[]);
            count(&context.take());
        }
    }
    assert_eq!(counts, [5; 40]);
    assert!(state.members[1].queue.is_empty() && !state.members[1].gossips);
}

/// Rule 5: a full queue loses the item that was told most.
#[test]
fn a_full_queue_loses_its_last_item() {
    let (mut state, mut context) = network(SwimKnobs { packet: 206, push_pull_interval: Nanos::ZERO, ..KNOBS }, 9);
    (0..4_096).for_each(|order| payload(&mut state, &mut context, order));
    ring(&mut state, &mut context, Activity::Gossip);
    let last = state.members[1].queue.last().unwrap().order_hop.order;
    assert!(last.0 > 4_000, "the newest were told");
    payload(&mut state, &mut context, 5_000);
    assert_eq!(context.take(), [Action::Tallied(DISCARDED, 1)]);
    assert_eq!((state.awaited(), state.members[1].queue.len()), (4_096, 4_096));
    assert!(state.members[1].queue.iter().all(|item| item.order_hop.order != last));
}

/// Rule 6: a ping is acknowledged, and both tell each other what is new.
#[test]
fn pings_and_acknowledgements_carry_orders() {
    let (mut state, mut context) = network(KNOBS, 2);
    payload(&mut state, &mut context, 4);
    let acts = ring(&mut state, &mut context, Activity::Probe);
    assert!(is_set(&acts, Activity::Probe));
    assert!(acts.contains(&Action::Sent(NodeId(0), PING, OrderHop::NO_ORDER)));
    assert_eq!(told(&acts), [(NodeId(0), 4)]);
    handle(&mut state, &mut context, PING, OrderHop::NO_ORDER, &[]);
    let acts = context.take();
    assert_eq!(acts[0], Action::Sent(NodeId(0), ACK, OrderHop::NO_ORDER));
    assert_eq!(told(&acts), [(NodeId(0), 4)]);
    handle(&mut state, &mut context, ACK, OrderHop::NO_ORDER, &[]);
    assert_eq!(context.take(), []);
}

/// Rule 7: an order is offered until the second exchange and named until the fourth.
#[test]
fn an_exchange_sends_what_the_other_lacks() {
    let (mut state, mut context) = network(KNOBS, 2);
    payload(&mut state, &mut context, 4);
    payload(&mut state, &mut context, 5);
    let next = |order| order_hop(order, 2).next().unwrap();
    context.take();
    handle(&mut state, &mut context, DIGEST, OrderHop::NO_ORDER, &[next(5).to_word(), next(9).to_word()]);
    let sent = Action::ForwardedTo(vec![NodeId(0)], Kind::PAYLOAD, next(4), vec![]);
    assert_eq!(context.take(), [sent, Action::Sent(NodeId(0), Kind::WANT, next(9))]);
    handle(&mut state, &mut context, Kind::WANT, order_hop(5, 7), &[]);
    handle(&mut state, &mut context, Kind::WANT, order_hop(8, 7), &[]);
    let sent = Action::ForwardedTo(vec![NodeId(0)], Kind::PAYLOAD, order_hop(5, 7), vec![]);
    assert_eq!(context.take(), [sent], "what it does not hold it cannot send");

    // Told to the end, so that only offers are left.
    (0..3).for_each(|_| drop(ring(&mut state, &mut context, Activity::Gossip)));
    (0..9).for_each(|_| drop(ring(&mut state, &mut context, Activity::Probe)));
    let words = vec![next(4).to_word(), next(5).to_word()];
    for exchange in 0..6 {
        assert_eq!(state.awaited(), if exchange < 2 { 2 } else { 0 }, "before exchange {exchange}");
        handle(&mut state, &mut context, DIGEST, OrderHop::NO_ORDER, &[]);
        assert_eq!(told(&context.take()).len(), if exchange < 2 { 2 } else { 0 });
        let acts = ring(&mut state, &mut context, Activity::PushPull);
        let digest = match exchange < 4 {
            true => Action::SentList(NodeId(0), DIGEST, OrderHop::NO_ORDER, words.clone()),
            false => Action::Sent(NodeId(0), DIGEST, OrderHop::NO_ORDER),
        };
        assert!(acts.contains(&digest), "exchange {exchange}: {acts:?}");
    }
    assert!(state.members[1].recent.is_empty());
}

/// Without probes and exchanges a node is at rest once its queue is empty.
#[test]
fn what_is_turned_off_sets_no_timer() {
    let knobs = SwimKnobs { probe_interval: Nanos::ZERO, push_pull_interval: Nanos::ZERO, ..KNOBS };
    let (mut state, mut context) = network(knobs, 9);
    state.start(&mut context);
    assert_eq!(context.take(), []);
    payload(&mut state, &mut context, 4);
    assert_eq!(state.awaited(), 1);
    (0..2).for_each(|_| drop(ring(&mut state, &mut context, Activity::Gossip)));
    assert!(state.is_idle());
    let (mut state, mut context) = network(KNOBS, 9);
    state.start(&mut context);
    let acts = context.take();
    assert_eq!((is_set(&acts, Activity::Probe), is_set(&acts, Activity::PushPull), acts.len()), (true, true, 2));
}

/// A spent TTL is kept and not told.
#[test]
fn a_spent_ttl_is_kept() {
    let (mut state, mut context) = network(KNOBS, 9);
    handle(&mut state, &mut context, Kind::PAYLOAD, OrderHop { ttl: 0, ..order_hop(4, 3) }, &[]);
    assert!(state.is_idle() && context.held.contains(&OrderIndex(4)) && context.acts.is_empty());
}

#[derive(Clone, Debug)]
enum Event {
    Payload(u32),
    Want(u32),
    Ping,
    Digest(Vec<u32>),
    Ring(u64),
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0_u32..300).prop_map(Event::Payload),
        (0_u32..300).prop_map(Event::Want),
        Just(Event::Ping),
        prop::collection::vec(0_u32..300, 0..20).prop_map(Event::Digest),
        (0_u64..4).prop_map(Event::Ring),
    ]
}

proptest! {
    /// Whatever happens, a node sends only to others, an order only if it holds it, and what it awaits is what its
    /// queue and its offers hold.
    #[test]
    fn random_events_leave_sound_state(events in prop::collection::vec(events(), 1..300), nodes in 2_u32..60) {
        let (mut state, mut context) = network(KNOBS, nodes);
        for event in events {
            context.time = Nanos(context.time.0 + 7_000_000);
            match event {
                Event::Payload(order) => payload(&mut state, &mut context, order),
                Event::Want(order) => handle(&mut state, &mut context, Kind::WANT, order_hop(order, 1), &[]),
                Event::Ping => handle(&mut state, &mut context, PING, OrderHop::NO_ORDER, &[]),
                Event::Digest(orders) => {
                    let words: Vec<u64> = orders.iter().map(|&order| order_hop(order, 1).to_word()).collect();
                    handle(&mut state, &mut context, DIGEST, OrderHop::NO_ORDER, &words);
                }
                Event::Ring(token) => state.handle_timeout(&mut context, token),
            }
            let acts = context.take();
            prop_assert!(acts.len() <= 3 * 13 + 2 * TAIL_WORDS_MAX);
            for act in acts {
                match act {
                    Action::ForwardedTo(to, _, order_hop, _) => {
                        prop_assert!(to.len() == 1 && to[0] != NodeId(1) && to[0].0 < nodes);
                        prop_assert!(context.held.contains(&order_hop.order));
                    }
                    Action::Sent(to, ..) | Action::SentList(to, ..) => prop_assert!(to != NodeId(1) && to.0 < nodes),
                    Action::Asked(time, _) => prop_assert!(time > context.time),
                    Action::Tallied(..) => {}
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            let member = &state.members[1];
            let offers = member.recent.iter().filter(|order| order.is_offered()).count();
            prop_assert_eq!(state.awaited(), (member.queue.len() + offers) as u64);
            let mut named = 0;
            state.name_awaited(|_| named += 1);
            prop_assert_eq!(named, state.awaited());
            prop_assert!(member.queue.iter().all(|item| item.transmissions < state.transmissions_max));
            prop_assert!(member.recent.len() <= TAIL_WORDS_MAX && member.queue.len() <= QUEUE_MAX);
            prop_assert!(member.queue.is_empty() || member.gossips, "what is queued is told");
        }
    }
}
