//! Tests of push-pull by the numbers of its rules.

use super::*;
use crate::ids::NodeId;
use crate::protocol::recording_context::{Action, RecordingContext};
use crate::protocol::{DialRule, Knowledge};
use crate::topology::{Topology, TopologySpec};

const ROUND: Nanos = Nanos::from_millis(100);

fn state_of(mode: CallMode) -> PushPullState {
    PushPull::new(PushPullKnobs { round: ROUND, mode, rounds: 3 }).for_shard(&ShardView::isolated(0..2))
}

/// Returns a context of node 1 in a network of two, where node 0 is its only peer.
fn context_of_two() -> RecordingContext {
    let two: &'static Topology = Box::leak(Box::new(TopologySpec::Complete.build(2, 0, 1).unwrap()));
    let view = ShardView::new(0..2, 1, Knowledge::new(1, two, DialRule::Coin));
    RecordingContext::with_view(view)
}

fn order_hop(order: u32, hop: u8) -> OrderHop {
    OrderHop { order: OrderIndex(order), ttl: 200, hop }
}

fn message(kind: Kind, order_hop: OrderHop, tail: &[u64]) -> Message {
    order_hop.message_with(kind, NodeId(0), NodeId(1), tail.len() as u8)
}

fn digest(state: &mut PushPullState, context: &mut RecordingContext, orders: &[OrderHop]) {
    let tail: Vec<u64> = orders.iter().map(|order_hop| order_hop.to_word()).collect();
    state.handle_message(context, &message(DIGEST, OrderHop::NO_ORDER, &tail), &tail);
}

fn payload(state: &mut PushPullState, context: &mut RecordingContext, order_hop: OrderHop) {
    state.handle_message(context, &message(Kind::PAYLOAD, order_hop, &[]), &[]);
}

/// Passes the beginning of a round; returns the acts of the node.
fn begin(state: &mut PushPullState, context: &mut RecordingContext, round: u64) -> Vec<Action> {
    context.time = Nanos(round * ROUND.0);
    state.handle_timeout(context, 0);
    std::mem::take(&mut context.acts)
}

/// Rule 1: rounds begin at multiples of their length, and in each a node calls its peer.
#[test]
fn each_round_calls_one_peer() {
    let (mut state, mut context) = (state_of(CallMode::Both), context_of_two());
    context.time = Nanos(ROUND.0 / 3);
    state.start(&mut context);
    assert_eq!(std::mem::take(&mut context.acts), [Action::Asked(ROUND, 0)]);
    let call = Action::Sent(NodeId(0), DIGEST, OrderHop::NO_ORDER);
    assert_eq!(begin(&mut state, &mut context, 1), [Action::Asked(Nanos(2 * ROUND.0), 0), call]);
    // A node that wakes late keeps to the rounds of the others.
    context.time = Nanos(5 * ROUND.0 + 7);
    state.handle_timeout(&mut context, 0);
    assert_eq!(context.acts[0], Action::Asked(Nanos(6 * ROUND.0), 0));
}

/// Rule 2: a digest names the orders that the caller got lately, the newest first.
#[test]
fn a_digest_names_what_the_caller_has() {
    let (mut state, mut context) = (state_of(CallMode::Both), context_of_two());
    payload(&mut state, &mut context, order_hop(4, 2));
    payload(&mut state, &mut context, order_hop(9, 1));
    let words = [order_hop(9, 1), order_hop(4, 2)].map(|received| received.next().unwrap().to_word());
    let call = Action::SentList(NodeId(0), DIGEST, OrderHop::NO_ORDER, words.to_vec());
    assert_eq!(begin(&mut state, &mut context, 1)[1], call);
}

/// Rule 3: an order that is named and not had is requested once a round, and sent on request.
#[test]
fn push_requests_what_is_lacking_once_a_round() {
    let (mut state, mut context) = (state_of(CallMode::Push), context_of_two());
    for _ in 0..2 {
        digest(&mut state, &mut context, &[order_hop(4, 2)]);
    }
    let wanted = Action::Sent(NodeId(0), Kind::WANT, order_hop(4, 2));
    assert_eq!(std::mem::take(&mut context.acts), std::slice::from_ref(&wanted));
    begin(&mut state, &mut context, 1);
    digest(&mut state, &mut context, &[order_hop(4, 2)]);
    assert_eq!(std::mem::take(&mut context.acts), [wanted], "the first may have been lost");

    payload(&mut state, &mut context, order_hop(4, 2));
    digest(&mut state, &mut context, &[order_hop(4, 2)]);
    assert_eq!(context.acts, [], "it has the order now");
    state.handle_message(&mut context, &message(Kind::WANT, order_hop(4, 3), &[]), &[]);
    state.handle_message(&mut context, &message(Kind::WANT, order_hop(5, 3), &[]), &[]);
    let sent = Action::ForwardedTo(vec![NodeId(0)], Kind::PAYLOAD, order_hop(4, 3), vec![]);
    assert_eq!(context.acts, [sent], "what it does not hold it cannot send");
}

/// Rule 4: the callee sends what the digest lacks, in both modes that pull and in no other.
#[test]
fn pull_sends_what_the_digest_lacks() {
    for (mode, pulls) in [(CallMode::Pull, true), (CallMode::Both, true), (CallMode::Push, false)] {
        let (mut state, mut context) = (state_of(mode), context_of_two());
        payload(&mut state, &mut context, order_hop(4, 2));
        payload(&mut state, &mut context, order_hop(5, 2));
        digest(&mut state, &mut context, &[order_hop(5, 7)]);
        let next = order_hop(4, 2).next().unwrap();
        let sent = Action::ForwardedTo(vec![NodeId(0)], Kind::PAYLOAD, next, vec![]);
        assert_eq!(context.acts, if pulls { vec![sent] } else { vec![] }, "{mode:?}");
    }
    let (mut state, mut context) = (state_of(CallMode::Pull), context_of_two());
    digest(&mut state, &mut context, &[order_hop(4, 2)]);
    assert_eq!(context.acts, [], "a node that only pulls requests nothing of its caller");
    let (mut state, mut context) = (state_of(CallMode::Both), context_of_two());
    digest(&mut state, &mut context, &[OrderHop { ttl: 0, hop: NAMED_ONLY, ..order_hop(4, 2) }]);
    assert_eq!(context.acts, [], "what is no longer offered is not requested");
}

/// Rule 5: an order is offered for three rounds and named for six, and then nothing is awaited.
#[test]
fn an_offer_ends_and_is_named_as_long_again() {
    let (mut state, mut context) = (state_of(CallMode::Both), context_of_two());
    payload(&mut state, &mut context, order_hop(4, 2));
    for round in 1..=8 {
        let acts = begin(&mut state, &mut context, round);
        let is_named = matches!(&acts[1], Action::SentList(..));
        assert_eq!((state.awaited(), is_named), (u64::from(round < 3), round < 6), "round {round}");
        let words = if let Action::SentList(.., tail) = &acts[1] { tail.clone() } else { vec![] };
        let offered = OrderHop {
            hop: if round < 3 { 3 } else { NAMED_ONLY },
            ttl: if round < 3 { 199 } else { 0 },
            ..order_hop(4, 2)
        };
        assert_eq!(words, if is_named { vec![offered.to_word()] } else { vec![] }, "round {round}");
        digest(&mut state, &mut context, &[]);
        assert_eq!(std::mem::take(&mut context.acts).len(), usize::from(round < 3), "round {round}");
    }
    let mut named = Vec::new();
    payload(&mut state, &mut context, order_hop(7, 2));
    state.name_awaited(|order| named.push(order));
    assert_eq!((named, state.is_idle()), (vec![OrderIndex(7)], false));
}

/// Rule 6: without an offer a node that only pushes does not call.
#[test]
fn who_only_pushes_calls_with_an_offer() {
    let (mut state, mut context) = (state_of(CallMode::Push), context_of_two());
    assert_eq!(begin(&mut state, &mut context, 1).len(), 1);
    payload(&mut state, &mut context, order_hop(4, 2));
    assert_eq!(begin(&mut state, &mut context, 2).len(), 2);
    assert_eq!(begin(&mut state, &mut context, 4).len(), 1);
}

/// A digest holds the newest orders that fit, and a spent TTL is kept and not passed on.
#[test]
fn state_and_digests_are_bounded() {
    let (mut state, mut context) = (state_of(CallMode::Both), context_of_two());
    for order in 0..400 {
        payload(&mut state, &mut context, order_hop(order, 1));
    }
    let acts = begin(&mut state, &mut context, 1);
    let Action::SentList(_, _, _, tail) = &acts[1] else { panic!("{acts:?}") };
    assert_eq!((tail.len(), tail[0]), (TAIL_WORDS_MAX, order_hop(399, 1).next().unwrap().to_word()));
    assert_eq!((state.awaited(), begin(&mut state, &mut context, 6).len()), (400, 2));
    assert!(state.is_idle() && state.callers[1].recent.is_empty());
    payload(&mut state, &mut context, OrderHop { ttl: 0, ..order_hop(500, 9) });
    assert!(state.is_idle() && context.held.contains(&OrderIndex(500)));
}
