//! Rules 1 to 6 at one node, message by message.

use super::*;
use crate::protocol::recording_context::{Action, RecordingContext};
use proptest::prelude::*;

const NODES: u32 = 12;

/// Sets of four data and four coding shreds, of 20 bytes each: an order of 100 bytes has a whole set, and one of a
/// single data shred.
fn turbine() -> Turbine {
    let knobs =
        TurbineKnobs { fanout: 3, data_shreds: 4, coding_shreds: 4, shred_bytes: 20, ..TurbineKnobs::default() };
    Turbine::new(knobs, 7, NODES, 100)
}

fn state() -> TurbineState {
    turbine().for_shard(&ShardView::isolated(0..NODES))
}

fn context(me: u32) -> RecordingContext {
    let mut context = RecordingContext::at(NodeId(me), ShardView::isolated(0..NODES));
    context.order_bytes = 100;
    context
}

/// Every shred of the order, by set and place.
fn names() -> impl Iterator<Item = PartName> {
    [(0, 8), (1, 2)].into_iter().flat_map(|(set, parts)| (0..parts).map(move |place| PartName { set, place }))
}

const ORIGIN: NodeId = NodeId(5);

/// The shred as it arrives at node `to`.
fn arrival(name: PartName, to: u32, ttl: u8) -> (Message, u64) {
    let order_hop = OrderHop { order: OrderIndex(0), ttl, hop: 1 };
    let word = ShredWord { name, origin: ORIGIN }.to_word();
    (order_hop.message_with(SHRED, NodeId(9), NodeId(to), 1), word)
}

/// Lets a node handle a shred, and returns its actions.
fn receive(state: &mut TurbineState, context: &mut RecordingContext, name: PartName) -> Vec<Action> {
    let (message, word) = arrival(name, context.me().0, 200);
    state.handle_message(context, &message, &[word]);
    context.take()
}

/// The nodes to which a node sends a shred: those of its place's children.
fn children(state: &TurbineState, me: u32, name: PartName) -> Vec<NodeId> {
    let shuffle = state.shuffles.of(ShardView::isolated(0..NODES).shared_key(), OrderIndex(0), name, ORIGIN);
    let place = (0..NODES - 1).find(|&place| shuffle.node_at(place) == NodeId(me)).unwrap();
    state.tree.children(place).map(|child| shuffle.node_at(child)).collect()
}

/// Rules 1 and 3.
#[test]
fn the_origin_sends_each_shred_to_its_root() {
    let (mut state, mut context) = (state(), context(ORIGIN.0));
    state.publish(&mut context, OrderIndex(0), 200);
    assert_eq!((&context.held[..], &context.acts[0]), (&[OrderIndex(0)][..], &Action::Encoded(OrderIndex(0))));
    let order_hop = OrderHop { order: OrderIndex(0), ttl: 199, hop: 1 };
    let sent = names().map(|name| {
        let key = ShardView::isolated(0..NODES).shared_key();
        let root = state.shuffles.of(key, OrderIndex(0), name, ORIGIN).node_at(0);
        assert_ne!(root, ORIGIN);
        let word = ShredWord { name, origin: ORIGIN }.to_word();
        Action::ForwardedTo(vec![root], SHRED, order_hop, vec![word])
    });
    assert!(sent.eq(context.acts.drain(1..)));
    state.publish(&mut context, OrderIndex(0), 200);
    assert_eq!(context.take(), [Action::Encoded(OrderIndex(0))], "an order that it has is not published again");
}

/// Rules 4 and 5: a shred goes on once, to the children of the node's place, needed or not.
#[test]
fn a_shred_goes_on_when_it_comes_for_the_first_time() {
    let (mut state, mut context) = (state(), context(1));
    for (count, name) in names().enumerate() {
        let acts = receive(&mut state, &mut context, name);
        let is_useful = if name.set == 0 { count < 4 } else { name.place == 0 };
        assert_eq!(acts[0], Action::CountedPart(is_useful), "{name:?}");
        let expected = children(&state, 1, name);
        let sent: Vec<&Action> = acts.iter().filter(|act| matches!(act, Action::ForwardedTo(..))).collect();
        match &sent[..] {
            [] => assert!(expected.is_empty(), "{name:?}"),
            [Action::ForwardedTo(to, SHRED, hop, tail)] => {
                assert_eq!((to, hop.ttl, hop.hop), (&expected, 199, 2));
                assert_eq!(ShredWord::from_word(tail[0]), ShredWord { name, origin: ORIGIN });
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(receive(&mut state, &mut context, name), [Action::CountedPart(false)], "{name:?}");
    }
    let sends = |me| names().filter(|&name| !children(&state, me, name).is_empty()).count();
    assert!((0..NODES).filter(|&me| me != ORIGIN.0).map(sends).sum::<usize>() > 0);
}

/// Rule 6: any four shreds of the whole set and one of the small one, in any sequence.
#[test]
fn an_order_is_delivered_with_enough_shreds_of_each_set() {
    let places = [(0, 7), (1, 1), (0, 2), (0, 2), (0, 5), (0, 4), (0, 0)];
    let (mut state, mut context) = (state(), context(1));
    let mut recovered = Vec::new();
    for (at, (set, place)) in places.into_iter().enumerate() {
        let acts = receive(&mut state, &mut context, PartName { set, place });
        recovered.extend(acts.into_iter().filter(|act| matches!(act, Action::Recovered(..))));
        assert_eq!(context.held.len(), usize::from(at >= 5), "{at}");
    }
    let sets = [Action::Recovered(OrderIndex(0), 1, 0b10), Action::Recovered(OrderIndex(0), 0, 0b1011_0100)];
    assert_eq!(recovered, sets, "each set is decoded once");
}

#[test]
fn bytes_that_are_not_those_of_the_order_are_forgotten() {
    let (mut state, mut context) = (state(), context(1));
    receive(&mut state, &mut context, PartName { set: 1, place: 0 });
    context.recovers = false;
    (0..4).for_each(|place| _ = receive(&mut state, &mut context, PartName { set: 0, place }));
    assert_eq!(context.held, []);
    context.recovers = true;
    (0..4).for_each(|place| _ = receive(&mut state, &mut context, PartName { set: 0, place }));
    assert_eq!(context.held, [OrderIndex(0)]);
}

#[test]
fn a_shred_without_hops_left_goes_no_further() {
    let (mut state, mut context) = (state(), context(1));
    for name in names() {
        let (message, word) = arrival(name, 1, 0);
        state.handle_message(&mut context, &message, &[word]);
    }
    assert!(!context.acts.iter().any(|act| matches!(act, Action::ForwardedTo(..))));
    assert_eq!(context.held, [OrderIndex(0)]);
}

#[test]
fn only_named_shreds_of_known_origins_are_admitted() {
    let admits = |kind, tail: &[u64]| {
        let (message, _) = arrival(PartName { set: 0, place: 0 }, 1, 3);
        turbine().admits(&Message { kind, tail: tail.len() as u8, ..message }, tail, 1)
    };
    let word = |origin| ShredWord { name: PartName { set: 3, place: 63 }, origin: NodeId(origin) }.to_word();
    assert!(admits(SHRED, &[word(NODES - 1)]));
    assert!(!admits(SHRED, &[word(NODES)]) && !admits(SHRED, &[]) && !admits(SHRED, &[word(0); 2]));
    assert!(!admits(Kind(65), &[word(0)]) && !admits(Kind::HAVE, &[]));
    assert_eq!(ShredWord::from_word(word(4)), ShredWord { name: PartName { set: 3, place: 63 }, origin: NodeId(4) });
}

proptest! {
    /// Whatever arrives, a node counts each shred once, delivers at most once, and sends to others alone, to no more
    /// than the fanout.
    #[test]
    fn arbitrary_shreds_do_no_harm(
        me in 0..NODES,
        words in prop::collection::vec((0u32..3, 0u32..256, 0..NODES), 0..80),
    ) {
        let (mut state, mut context) = (state(), context(me));
        let mut counted = 0;
        for &(set, place, origin) in &words {
            let (message, _) = arrival(PartName { set, place }, me, 9);
            let word = ShredWord { name: PartName { set, place }, origin: NodeId(origin) }.to_word();
            state.handle_message(&mut context, &message, &[word]);
            for act in context.take() {
                match act {
                    Action::CountedPart(_) => counted += 1,
                    Action::Recovered(..) => {}
                    Action::ForwardedTo(to, ..) => {
                        prop_assert!(to.len() <= 3 && to.iter().all(|node| node.0 < NODES && node.0 != me));
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
        prop_assert_eq!(counted, words.len());
        prop_assert!(context.held.len() <= 1);
    }
}
