//! The rules of the paper by their numbers in the door-plate, the variants of the presets, and properties over random
//! events.

use super::*;
use crate::protocol::recording_context::{Action, RecordingContext};
use crate::protocol::{Knobs, knobs as grammar};
use proptest::prelude::*;

/// Orders of a test run.
const ORDERS: u32 = 400;

/// Node 0 of six, with the others as its peers.
fn node(knobs: PlumtreeKnobs) -> (PlumtreeState, RecordingContext) {
    let context = RecordingContext::among(6, ORDERS);
    (Plumtree::new(knobs).for_shard(context.view()), context)
}

fn preset(name: &str) -> PlumtreeKnobs {
    (PlumtreeKnobs::PRESETS.iter().find(|preset| preset.name == name).unwrap().values)()
}

fn paper() -> (PlumtreeState, RecordingContext) {
    node(preset("paper"))
}

fn hop(order: u32, hop: u8) -> OrderHop {
    OrderHop { order: OrderIndex(order), ttl: 20 - hop, hop }
}

/// Lets a message about an order at this hop arrive at node 0, and returns what the node does.
fn arrive(node: &mut (PlumtreeState, RecordingContext), kind: Kind, from: u32, order_hop: OrderHop) -> Vec<Action> {
    let (state, context) = node;
    state.handle_message(context, &order_hop.message(kind, NodeId(from), NodeId(0)), &[]);
    context.take()
}

fn publish(node: &mut (PlumtreeState, RecordingContext), order: u32) -> Vec<Action> {
    node.0.publish(&mut node.1, OrderIndex(order), 20);
    node.1.take()
}

/// Advances the time and fires a timer.
fn fire(node: &mut (PlumtreeState, RecordingContext), after: Nanos, token: u64) -> Vec<Action> {
    node.1.time = node.1.time + after;
    node.0.handle_timeout(&mut node.1, token);
    node.1.take()
}

fn forwarded(to: &[u32], kind: Kind, order_hop: OrderHop) -> Action {
    Action::ForwardedTo(to.iter().copied().map(NodeId).collect(), kind, order_hop, Vec::new())
}

/// The messages among these actions.
fn messages(acts: Vec<Action>) -> Vec<Action> {
    acts.into_iter().filter(|act| !matches!(act, Action::Tallied(..) | Action::Asked(..))).collect()
}

#[test]
fn rule_1_every_link_begins_eager() {
    assert_eq!(publish(&mut paper(), 0), [forwarded(&[1, 2, 3, 4, 5], Kind::PAYLOAD, hop(0, 1))]);
}

#[test]
fn rule_2_a_new_order_goes_to_the_eager_and_is_announced_to_the_lazy() {
    let mut node = paper();
    for lazy in [2, 4] {
        assert!(arrive(&mut node, PRUNE, lazy, hop(0, 1)).is_empty());
    }
    let passed_on = [forwarded(&[1, 5], Kind::PAYLOAD, hop(1, 3)), forwarded(&[2, 4], Kind::HAVE, hop(1, 3))];
    assert_eq!(arrive(&mut node, Kind::PAYLOAD, 3, hop(1, 2)), passed_on);
    // The sender becomes eager; it is told nothing of its own order.
    assert_eq!(arrive(&mut node, Kind::PAYLOAD, 4, hop(2, 2))[1], forwarded(&[2], Kind::HAVE, hop(2, 3)));
    assert_eq!(publish(&mut node, 3)[0], forwarded(&[1, 3, 4, 5], Kind::PAYLOAD, hop(3, 1)));
    // In the variants it does not.
    for name in ["iroh", "multi"] {
        let mut node = self::node(PlumtreeKnobs { num_eager: EagerLinks::All, ..preset(name) });
        arrive(&mut node, PRUNE, 4, hop(0, 1));
        arrive(&mut node, Kind::PAYLOAD, 4, hop(2, 2));
        assert_eq!(publish(&mut node, 3)[0], forwarded(&[1, 2, 3, 5], Kind::PAYLOAD, hop(3, 1)), "{name}");
    }
}

#[test]
fn a_spent_ttl_is_kept_and_neither_sent_nor_announced() {
    let mut node = paper();
    arrive(&mut node, PRUNE, 2, hop(0, 1));
    let last = OrderHop { order: OrderIndex(0), ttl: 0, hop: 20 };
    assert!(arrive(&mut node, Kind::PAYLOAD, 3, last).is_empty() && node.1.holds(OrderIndex(0)));
}

#[test]
fn rule_3_a_duplicate_is_pruned() {
    let mut node = paper();
    arrive(&mut node, Kind::PAYLOAD, 3, hop(0, 2));
    let pruned = [Action::Sent(NodeId(5), PRUNE, hop(0, 4)), Action::Tallied(PRUNES, 1)];
    assert_eq!(arrive(&mut node, Kind::PAYLOAD, 5, hop(0, 4)), pruned);
    let pushed = [forwarded(&[1, 2, 3, 4], Kind::PAYLOAD, hop(1, 1)), forwarded(&[5], Kind::HAVE, hop(1, 1))];
    assert_eq!(publish(&mut node, 1), pushed);
}

#[test]
fn rule_4_who_prunes_becomes_lazy() {
    let mut node = paper();
    arrive(&mut node, PRUNE, 3, hop(9, 2));
    let pushed = [forwarded(&[1, 2, 4, 5], Kind::PAYLOAD, hop(1, 1)), forwarded(&[3], Kind::HAVE, hop(1, 1))];
    assert_eq!(publish(&mut node, 1), pushed);
}

#[test]
fn rules_5_and_6_announcers_get_a_graft_one_after_another() {
    let mut node = paper();
    let (first, second) = (preset("paper").graft_timeout_1, preset("paper").graft_timeout_2);
    assert_eq!(arrive(&mut node, Kind::HAVE, 4, hop(7, 3)), [Action::Asked(first, 7)]);
    for again in [2, 4] {
        assert!(arrive(&mut node, Kind::HAVE, again, hop(7, 5)).is_empty(), "one timer runs");
    }
    assert_eq!(node.0.awaited(), 1);
    let early = Nanos(first.0 - 1);
    assert!(fire(&mut node, early, 7).is_empty(), "a timer that is not due asks nobody");
    let graft = |to: u32, at: u8, due: Nanos| {
        [Action::Asked(due, 7), Action::Sent(NodeId(to), GRAFT, hop(7, at)), Action::Tallied(GRAFTS, 1)]
    };
    assert_eq!(fire(&mut node, Nanos(1), 7), graft(4, 3, first + second));
    assert_eq!(fire(&mut node, second, 7), graft(2, 5, first + second + second));
    assert!(!node.0.is_idle());
    assert!(fire(&mut node, second, 7).is_empty() && node.0.is_idle(), "all were asked");
    // A later announcement starts again, and ends with the order.
    arrive(&mut node, Kind::HAVE, 5, hop(7, 3));
    arrive(&mut node, Kind::PAYLOAD, 3, hop(7, 4));
    assert!(node.0.is_idle() && fire(&mut node, first, 7).is_empty());
    assert!(arrive(&mut node, Kind::HAVE, 5, hop(7, 3)).is_empty(), "a known order is not missed");
}

#[test]
fn rule_6_makes_the_announcer_eager() {
    let mut node = paper();
    arrive(&mut node, PRUNE, 4, hop(0, 1));
    arrive(&mut node, Kind::HAVE, 4, hop(7, 3));
    fire(&mut node, Nanos::from_secs(1), 7);
    assert_eq!(publish(&mut node, 1), [forwarded(&[1, 2, 3, 4, 5], Kind::PAYLOAD, hop(1, 1))]);
}

#[test]
fn rule_7_a_graft_is_answered_with_what_is_cached() {
    let mut node = node(PlumtreeKnobs { message_cache_retention: Some(Nanos(50)), ..preset("paper") });
    publish(&mut node, 0);
    arrive(&mut node, PRUNE, 2, hop(0, 1));
    let answered = [Action::Sent(NodeId(2), Kind::PAYLOAD, hop(0, 1)), Action::Tallied(REPAIRS, 1)];
    assert_eq!(arrive(&mut node, GRAFT, 2, hop(0, 1)), answered);
    assert_eq!(publish(&mut node, 1), [forwarded(&[1, 2, 3, 4, 5], Kind::PAYLOAD, hop(1, 1))], "and is eager");
    assert!(arrive(&mut node, GRAFT, 2, hop(5, 1)).is_empty(), "nobody has order 5");
    node.1.time = Nanos(51);
    assert!(arrive(&mut node, GRAFT, 2, hop(0, 1)).is_empty(), "it is cached no longer");
    node.1.forgotten.append(&mut node.1.held);
    assert!(arrive(&mut node, GRAFT, 2, hop(1, 1)).is_empty(), "it has left the window");
}

#[test]
fn rule_8_the_tree_moves_to_an_announcer_that_is_nearer_by_the_threshold() {
    for (came, moves) in [(9, false), (10, true)] {
        let mut node = paper();
        arrive(&mut node, PRUNE, 2, hop(0, 1));
        arrive(&mut node, Kind::HAVE, 4, hop(7, 8));
        arrive(&mut node, Kind::HAVE, 2, hop(7, 3));
        let moved = [Action::Sent(NodeId(2), LINK_GRAFT, hop(7, 3)), Action::Sent(NodeId(5), PRUNE, hop(7, came))];
        let done = messages(arrive(&mut node, Kind::PAYLOAD, 5, hop(7, came)));
        assert_eq!(done[2..], moved[..if moves { 2 } else { 0 }], "hop {came}");
        let eager: &[u32] = if moves { &[1, 2, 3, 4] } else { &[1, 3, 4, 5] };
        assert_eq!(publish(&mut node, 1)[0], forwarded(eager, Kind::PAYLOAD, hop(1, 1)));
    }
    // In the variant for many senders nobody is pruned, and by default the tree does not move at all.
    let knobs = PlumtreeKnobs { optimization_threshold: Some(7), num_eager: EagerLinks::All, ..preset("multi") };
    for (knobs, grafts) in [(knobs, 1), (preset("multi"), 0)] {
        let mut node = node(knobs);
        arrive(&mut node, Kind::HAVE, 2, hop(7, 3));
        let done = messages(arrive(&mut node, Kind::PAYLOAD, 5, hop(7, 15)));
        let sent = |kind: Kind| done.iter().filter(|act| matches!(act, Action::Sent(_, of, _) if *of == kind)).count();
        assert_eq!((sent(LINK_GRAFT), sent(PRUNE)), (grafts, 0));
    }
}

#[test]
fn rule_9_a_peer_that_goes_down_is_forgotten_and_one_that_returns_is_eager() {
    let mut node = self::node(preset("iroh"));
    let interval = preset("iroh").dispatch_timeout;
    arrive(&mut node, PRUNE, 2, hop(0, 1));
    publish(&mut node, 1);
    arrive(&mut node, Kind::HAVE, 2, hop(7, 3));
    arrive(&mut node, Kind::HAVE, 5, hop(7, 4));
    for peer in [2, 3, 9] {
        node.0.handle_peer(&mut node.1, NodeId(peer), false);
    }
    assert!(node.1.take().is_empty());
    assert!(fire(&mut node, interval, ANNOUNCE).is_empty(), "2 is told nothing");
    let asked = messages(fire(&mut node, preset("iroh").graft_timeout_1, 7));
    assert_eq!(asked, [Action::Sent(NodeId(5), GRAFT, hop(7, 4))], "and not asked");
    assert_eq!(messages(publish(&mut node, 2)), [forwarded(&[1, 4, 5], Kind::PAYLOAD, hop(2, 1))]);
    // What is under way from it changes nothing but the order that it brings.
    assert!(arrive(&mut node, LINK_GRAFT, 3, hop(2, 1)).is_empty());
    assert_eq!(messages(arrive(&mut node, Kind::PAYLOAD, 3, hop(3, 2))).len(), 1);
    node.0.handle_peer(&mut node.1, NodeId(2), true);
    assert_eq!(messages(publish(&mut node, 4)), [forwarded(&[1, 2, 4, 5], Kind::PAYLOAD, hop(4, 1))]);
}

#[test]
fn a_graft_without_an_order_only_makes_eager() {
    let mut node = paper();
    publish(&mut node, 0);
    arrive(&mut node, PRUNE, 2, hop(0, 1));
    assert!(arrive(&mut node, LINK_GRAFT, 2, hop(0, 1)).is_empty());
    assert_eq!(publish(&mut node, 1), [forwarded(&[1, 2, 3, 4, 5], Kind::PAYLOAD, hop(1, 1))]);
}

#[test]
fn announcements_are_gathered_for_those_who_were_lazy_when_the_order_came() {
    let mut node = node(preset("iroh"));
    let interval = preset("iroh").dispatch_timeout;
    for lazy in [2, 4] {
        arrive(&mut node, PRUNE, lazy, hop(0, 1));
    }
    let sent = [forwarded(&[1, 5], Kind::PAYLOAD, hop(1, 3)), Action::Asked(interval, ANNOUNCE)];
    assert_eq!(arrive(&mut node, Kind::PAYLOAD, 3, hop(1, 2)), sent);
    arrive(&mut node, LINK_GRAFT, 2, hop(0, 1));
    assert_eq!(messages(publish(&mut node, 0)), [forwarded(&[1, 2, 3, 5], Kind::PAYLOAD, hop(0, 1))]);
    assert_eq!(node.0.awaited(), 1);
    let list =
        |to: u32, first: OrderHop, more: Vec<u64>| Action::ForwardedTo(vec![NodeId(to)], Kind::HAVE, first, more);
    let announced = fire(&mut node, interval, ANNOUNCE);
    // 2 was lazy for the first order alone, 4 for both.
    assert_eq!(announced, [list(2, hop(1, 3), vec![]), list(4, hop(1, 3), vec![hop(0, 1).to_word()])]);
    assert!(node.0.is_idle() && fire(&mut node, interval, ANNOUNCE).is_empty());
    // One order for all of them is one forward.
    publish(&mut node, 2);
    arrive(&mut node, PRUNE, 5, hop(0, 1));
    publish(&mut node, 3);
    let mut named = Vec::new();
    node.0.name_awaited(|order| named.push(order.0));
    assert_eq!(named, [2, 3, 3], "4 is lazy for both, 5 for one");
    // More orders than one message holds.
    (4..4 + 200).for_each(|order| _ = publish(&mut node, order));
    let sizes: Vec<(u32, usize)> = fire(&mut node, interval, ANNOUNCE)
        .into_iter()
        .map(|act| match act {
            Action::ForwardedTo(to, Kind::HAVE, _, more) => (to[0].0, 1 + more.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sizes, [(4, 180), (4, 22), (5, 180), (5, 21)]);
}

#[test]
fn many_senders_prune_late_seldom_and_not_those_they_asked() {
    let mut node = node(PlumtreeKnobs { num_eager: EagerLinks::All, ..preset("multi") });
    arrive(&mut node, Kind::PAYLOAD, 3, hop(0, 2));
    let duplicate = |node: &mut _, order| messages(arrive(node, Kind::PAYLOAD, 5, hop(order, 4))).len();
    assert_eq!([0; 6].map(|order| duplicate(&mut node, order)), [0, 0, 0, 0, 0, 1], "after five");
    assert_eq!([duplicate(&mut node, 0), duplicate(&mut node, 0)], [0, 0], "once a second");
    node.1.time = Nanos::from_secs(1);
    assert_eq!([duplicate(&mut node, 0), duplicate(&mut node, 0)], [1, 0]);
    arrive(&mut node, Kind::HAVE, 5, hop(7, 3));
    fire(&mut node, Nanos::from_millis(150), 7);
    node.1.time = Nanos::from_secs(181);
    assert_eq!(duplicate(&mut node, 0), 0, "not within three minutes of a GRAFT");
    node.1.time = Nanos::from_millis(181_150);
    assert_eq!(duplicate(&mut node, 0), 1);
}

#[test]
fn the_first_eager_peers_are_drawn_by_each_node() {
    let eager = |count: EagerLinks| {
        let mut node = node(PlumtreeKnobs { num_eager: count, ..preset("paper") });
        let acts = publish(&mut node, 0);
        let of = |kind: Kind| {
            let to = acts.iter().find_map(|act| match act {
                Action::ForwardedTo(to, of, ..) if *of == kind => Some(to.clone()),
                _ => None,
            });
            to.unwrap_or_default()
        };
        (of(Kind::PAYLOAD), of(Kind::HAVE))
    };
    for (asked, count) in
        [(EagerLinks::All, 5), (EagerLinks::Auto, 3), (EagerLinks::Count(2), 2), (EagerLinks::Count(9), 5)]
    {
        let (sent, told) = eager(asked);
        assert_eq!((sent.len(), sent.len() + told.len()), (count, 5), "{asked:?}");
    }
    assert_eq!(eager(EagerLinks::Count(2)), eager(EagerLinks::Count(2)));
}

#[test]
fn strangers_change_nothing() {
    // Node 6 is not a peer of node 0, and neither is node 0 itself.
    for stranger in [6, 0] {
        let mut node = paper();
        for kind in [Kind::HAVE, GRAFT, PRUNE, LINK_GRAFT, Kind(9)] {
            assert!(arrive(&mut node, kind, stranger, hop(0, 1)).is_empty());
        }
        assert_eq!(arrive(&mut node, Kind::PAYLOAD, stranger, hop(0, 1)).len(), 1, "an order is an order");
        assert!(arrive(&mut node, Kind::PAYLOAD, stranger, hop(0, 1)).is_empty(), "and gets no answer");
        assert!(node.0.is_idle());
    }
}

#[test]
fn messages_of_other_protocols_are_strays() {
    let message = |kind: Kind| hop(3, 1).message(kind, NodeId(2), NodeId(0));
    let word = [hop(3, 1).to_word()];
    for (name, lists) in [("paper", false), ("iroh", true)] {
        let plumtree = Plumtree::new(preset(name));
        for kind in [Kind::HAVE, GRAFT, PRUNE, LINK_GRAFT] {
            assert!(plumtree.admits(&message(kind), &[], ORDERS));
            assert_eq!(plumtree.admits(&message(kind), &word, ORDERS), lists && kind == Kind::HAVE, "{name} {kind:?}");
        }
        assert!(!plumtree.admits(&message(Kind::HAVE), &word, 3), "of no order of the run");
        assert!(!plumtree.admits(&message(Kind::WANT), &[], ORDERS));
        assert_eq!(plumtree.tail_words_max() > 0, lists);
    }
    let mut named = Vec::new();
    paper().0.name_in_tail(&word, |order| named.push(order.0));
    assert_eq!((named, Plumtree::kind_name(LINK_GRAFT)), (vec![3], "graft-link"));
}

#[test]
fn knobs_are_read_and_shown() {
    assert_eq!(PlumtreeKnobs::default(), (PlumtreeKnobs::PRESETS[0].values)());
    for preset in PlumtreeKnobs::PRESETS {
        let knobs = (preset.values)();
        let texts: Vec<String> =
            PlumtreeKnobs::KNOBS.iter().map(|knob| format!(",{}={}", knob.name, (knob.show)(&knobs))).collect();
        assert_eq!(grammar::read("plumtree", &texts.concat()), Ok(knobs), "{}", preset.name);
    }
    for (text, said) in [
        (",graft-timeout-1=0", "a timer is above 0"),
        (",optimization-threshold=256", "a threshold is 1 to 255 hops, or none"),
        (",prune-threshold=255", "a node takes 0 to 254 duplicates"),
        (",num-eager=0", "at first all, auto or a number from 1 on"),
        (",promote-sender=yes", "true or false"),
        (",max-cached-payloads=0", "a cache has 1 to"),
        (",message-cache-retention=25h", "above 0 and at most 24h"),
    ] {
        let refused = grammar::read::<PlumtreeKnobs>("plumtree", text).unwrap_err().to_string();
        assert!(refused.contains(said), "{text}: {refused}");
    }
}

#[test]
fn the_state_of_links_and_nodes_is_counted() {
    assert_eq!(preset("paper").state_bytes(10, 40), 16 * 4 + 40);
    assert_eq!(preset("iroh").state_bytes(10, 40), 16 * 4 + 10 * (32 + 32) + 40);
    assert_eq!(preset("multi").state_bytes(10, 40), 16 * 4 + 10 * (32 + 32) + 40 * 9);
}

/// An event at node 0.
#[derive(Clone, Debug)]
enum RandomEvent {
    Publish(u32),
    Message { kind: u8, from: u32, orders: Vec<(u32, u8)> },
    Wait(u64),
    Peer(u32, bool),
}

fn random_event() -> impl Strategy<Value = RandomEvent> {
    let orders = prop::collection::vec((0..12u32, 1..20u8), 1..4);
    prop_oneof![
        1 => (0..12u32).prop_map(RandomEvent::Publish),
        8 => (prop::sample::select(vec![0, 0, 0, 2, 2, 2, 4, 4, 5, 5, 6, 77, 200]), 0..8u32, orders)
            .prop_map(|(kind, from, orders)| RandomEvent::Message { kind, from, orders }),
        2 => (0..400u64).prop_map(RandomEvent::Wait),
        1 => (0..8u32, any::<bool>()).prop_map(|(peer, is_up)| RandomEvent::Peer(peer, is_up)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever happens, an order is forwarded once, to peers other than its sender; nothing goes to the node itself or
    /// to a stranger; an event causes few messages; and the node comes to rest.
    #[test]
    fn a_node_keeps_to_its_peers_and_comes_to_rest(
        events in prop::collection::vec(random_event(), 1..120),
        name in prop::sample::select(vec!["paper", "iroh", "multi"]),
    ) {
        let mut node = node(preset(name));
        let (mut timers, mut pushed) = (Vec::new(), Vec::new());
        for event in events {
            let mut sender = None;
            match event {
                RandomEvent::Publish(order) => node.0.publish(&mut node.1, OrderIndex(order), 20),
                RandomEvent::Message { kind, from, orders } => {
                    sender = Some(NodeId(from));
                    let mut all = orders.iter().map(|&(order, at)| hop(order, at));
                    let first = all.next().unwrap();
                    let tail: Vec<u64> = if kind == 2 { all.map(OrderHop::to_word).collect() } else { Vec::new() };
                    let message = first.message_with(Kind(kind), NodeId(from), NodeId(0), tail.len() as u8);
                    node.0.handle_message(&mut node.1, &message, &tail);
                }
                RandomEvent::Peer(peer, is_up) => node.0.handle_peer(&mut node.1, NodeId(peer), is_up),
                RandomEvent::Wait(millis) => node.1.time = node.1.time + Nanos::from_millis(millis),
            }
            check(&mut node, sender, &mut timers, &mut pushed);
            run_due(&mut node, &mut timers, &mut pushed);
        }
        for _ in 0..40 {
            node.1.time = node.1.time + Nanos::from_secs(1);
            run_due(&mut node, &mut timers, &mut pushed);
        }
        prop_assert!(node.0.is_idle() && timers.is_empty());
        let (mut named, orders) = (0, pushed.len());
        node.0.name_awaited(|_| named += 1);
        pushed.sort_unstable();
        pushed.dedup();
        prop_assert_eq!((named, pushed.len()), (0, orders), "an order is pushed once");
    }
}

/// Fires the timers that are due.
fn run_due(node: &mut (PlumtreeState, RecordingContext), timers: &mut Vec<(Nanos, u64)>, pushed: &mut Vec<u32>) {
    while let Some(at) = timers.iter().position(|timer| timer.0 <= node.1.time) {
        let (_, token) = timers.swap_remove(at);
        node.0.handle_timeout(&mut node.1, token);
        check(node, None, timers, pushed);
    }
}

/// Checks the actions of one event.
fn check(
    (state, context): &mut (PlumtreeState, RecordingContext),
    sender: Option<NodeId>,
    timers: &mut Vec<(Nanos, u64)>,
    pushed: &mut Vec<u32>,
) {
    let (acts, mut sent) = (context.take(), 0);
    for act in acts {
        let to = match act {
            Action::ForwardedTo(to, kind, order_hop, _) => {
                if kind == Kind::PAYLOAD {
                    assert!(!to.iter().any(|&to| Some(to) == sender), "an order does not go back");
                    pushed.push(order_hop.order.0);
                }
                to
            }
            Action::Sent(to, ..) => vec![to],
            Action::Asked(at, token) => {
                timers.push((at, token));
                vec![]
            }
            Action::Tallied(..) => vec![],
            other => panic!("{other:?}"),
        };
        sent += to.len();
        assert!(to.iter().all(|&to| to != context.me() && context.link_of(to).is_some()), "{to:?}");
    }
    assert!(sent <= 12, "{sent} messages: at most two to a peer and two more");
    assert!(state.awaited() <= timers.len() as u64, "a timer runs for all that is awaited");
}
