//! The behaviour of a node that announces and requests orders, message by message.

use super::*;
use crate::protocol::recording_context::{Action, RecordingContext, payload};

const RETRY: Nanos = Nanos(100);

fn state(retry: Nanos, interval: Nanos) -> LazyState {
    Lazy::waiting(retry, interval).for_shard(&ShardView::isolated(0..2))
}

fn received(kind: Kind, from: u32) -> Message {
    step(from).message(kind, NodeId(from), NodeId(1))
}

/// Returns the step that node `from` announces: each has a hop of its own, so that they can be told apart.
fn step(from: u32) -> OrderHop {
    OrderHop { order: OrderIndex(0), ttl: 5, hop: from as u8 }
}

fn asked(peer: u32) -> Action {
    Action::Sent(NodeId(peer), Kind::WANT, step(peer))
}

/// Fires the timer of a node that has heard of the order `times` times, and returns its actions.
fn ring(lazy: &mut LazyState, context: &mut RecordingContext, times: u64) -> Vec<Action> {
    for _ in 0..times {
        context.time = context.time + RETRY;
        lazy.handle_timeout(context, 0);
    }
    context.acts.drain(..).filter(|act| matches!(act, Action::Sent(..))).collect()
}

#[test]
fn the_first_announcer_is_asked_and_the_order_is_announced_once() {
    let (mut lazy, mut context) = (state(RETRY, Nanos::ZERO), RecordingContext::default());
    for from in [2, 3, 2] {
        lazy.handle_message(&mut context, &received(Kind::HAVE, from), &[]);
    }
    assert_eq!(context.acts, [Action::Asked(RETRY, 0), asked(2)]);
    assert!(!lazy.is_idle());
    context.acts.clear();
    for from in [2, 3] {
        lazy.handle_message(&mut context, &payload(NodeId(from), 5, 2), &[]);
        lazy.handle_message(&mut context, &received(Kind::HAVE, from), &[]);
    }
    assert_eq!(context.acts, [Action::Announced(Kind::HAVE, OrderHop { order: OrderIndex(0), ttl: 4, hop: 3 })]);
    assert!(lazy.is_idle());
    context.acts.clear();
    assert!(ring(&mut lazy, &mut context, 3).is_empty(), "what rings late asks nobody");
}

#[test]
fn others_are_asked_by_turns_and_not_for_ever() {
    let (mut lazy, mut context) = (state(RETRY, Nanos::ZERO), RecordingContext::default());
    lazy.handle_message(&mut context, &received(Kind::HAVE, 2), &[]);
    assert_eq!(ring(&mut lazy, &mut context, 1), [asked(2), asked(2)], "nobody else is known");
    for from in [3, 4, 5, 6] {
        lazy.handle_message(&mut context, &received(Kind::HAVE, from), &[]);
    }
    assert_eq!(ring(&mut lazy, &mut context, 99), [4, 5, 2, 3, 4, 5].map(asked), "6 comes too late to be remembered");
    assert!(lazy.is_idle(), "after {TRIES} times it lets it be");
    lazy.handle_message(&mut context, &received(Kind::HAVE, 6), &[]);
    assert_eq!(ring(&mut lazy, &mut context, 0), [asked(6)], "and begins anew");
}

#[test]
fn what_rings_before_it_is_due_was_meant_for_another_request() {
    let (mut lazy, mut context) = (state(RETRY, Nanos::ZERO), RecordingContext::default());
    lazy.handle_message(&mut context, &received(Kind::HAVE, 2), &[]);
    context.acts.clear();
    context.time = Nanos(RETRY.0 - 1);
    lazy.handle_timeout(&mut context, 0);
    assert!(context.acts.is_empty() && !lazy.is_idle());
}

#[test]
fn who_asks_gets_what_is_held_and_nothing_else() {
    let (mut lazy, mut context) = (state(RETRY, Nanos::ZERO), RecordingContext::default());
    lazy.handle_message(&mut context, &received(Kind::WANT, 7), &[]);
    assert!(context.acts.is_empty());
    lazy.publish(&mut context, OrderIndex(0), 6);
    lazy.handle_message(&mut context, &received(Kind::WANT, 7), &[]);
    let announced = Action::Announced(Kind::HAVE, OrderHop { order: OrderIndex(0), ttl: 5, hop: 1 });
    assert_eq!(context.acts, [announced, Action::Sent(NodeId(7), Kind::PAYLOAD, step(7))]);

    context.forgotten.append(&mut context.held);
    context.acts.clear();
    lazy.handle_message(&mut context, &received(Kind::WANT, 7), &[]);
    lazy.handle_message(&mut context, &received(Kind::HAVE, 7), &[]);
    assert!(context.acts.is_empty(), "what is forgotten is neither handed on nor asked for");
}

#[test]
fn what_is_gathered_is_announced_together_and_asked_for_together() {
    const INTERVAL: Nanos = Nanos(30);
    let (mut lazy, mut context) = (state(RETRY, INTERVAL), RecordingContext::default());
    let of = |order, ttl, hop| OrderHop { order: OrderIndex(order), ttl, hop };
    let list = [of(1, 5, 2), of(2, 4, 3)].map(OrderHop::to_word);
    lazy.handle_message(&mut context, &received(Kind::HAVE, 2), &list);
    let want = Action::SentList(NodeId(2), Kind::WANT, step(2), list.to_vec());
    assert_eq!(context.acts[3..], [want], "three times, and one message");

    context.acts.clear();
    for order in [1, 0] {
        let came = of(order, 5, 2).copy(NodeId(2), NodeId(1));
        lazy.handle_message(&mut context, &came, &[]);
    }
    assert_eq!(context.acts, [Action::Asked(INTERVAL, ANNOUNCE)], "nothing is said before its time");
    context.acts.clear();
    lazy.handle_timeout(&mut context, ANNOUNCE);
    let gathered = [1, 0].map(|order| Announcement { order_hop: of(order, 4, 3), from: NodeId(2) });
    assert_eq!(context.acts, [Action::AnnouncedAll(Kind::HAVE, gathered.to_vec())]);
    assert!(!lazy.is_idle(), "2 has not come");
    lazy.handle_message(&mut context, &of(2, 0, 6).copy(NodeId(2), NodeId(1)), &[]);
    assert!(lazy.is_idle());

    context.acts.clear();
    lazy.handle_message(&mut context, &received(Kind::WANT, 7), &list);
    let handed: Vec<_> = context.acts.drain(..).collect();
    let orders = [step(7), of(1, 5, 2), of(2, 4, 3)].map(|step| Action::Sent(NodeId(7), Kind::PAYLOAD, step));
    assert_eq!(handed, orders);
}

#[test]
fn a_spent_ttl_is_not_announced() {
    let (mut lazy, mut context) = (state(RETRY, Nanos::ZERO), RecordingContext::default());
    lazy.handle_message(&mut context, &payload(NodeId(3), 0, 6), &[]);
    assert!(context.knows(OrderIndex(0)) && context.acts.is_empty());
}

#[test]
fn who_gathers_nothing_has_nothing_behind_a_message() {
    let word = [step(2).to_word()];
    for (interval, words) in [(Nanos::ZERO, 0), (Nanos(1), TAIL_WORDS_MAX)] {
        let lazy = Lazy::waiting(RETRY, interval);
        assert_eq!(lazy.tail_words_max(), words);
        assert!(lazy.admits(&received(Kind::HAVE, 2), &[], 1));
        assert_eq!(lazy.admits(&received(Kind::HAVE, 2), &word, 1), words > 0);
        assert!(!lazy.admits(&received(Kind::HAVE, 2), &word, 0), "of no order of the run");
        assert!(!lazy.admits(&received(Kind(9), 2), &[], 1), "of no kind that it speaks");
    }
}

#[test]
fn reports_call_its_kinds_by_name() {
    let names = [Kind::PAYLOAD, Kind::HAVE, Kind::WANT, Kind(200)].map(Lazy::kind_name);
    assert_eq!(names, ["payload", "have", "want", "unknown"]);
}

/// A request with its node, its order and its place in a list.
#[test]
fn a_request_takes_48_bytes() {
    assert_eq!(RequestTable::<Request>::ENTRY_BYTES, 48);
}
