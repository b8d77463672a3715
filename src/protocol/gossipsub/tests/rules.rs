//! One node, rule by rule; the numbers are those of the protocol's file.

use super::*;
use crate::ratio::Ratio;

const SPEC: GossipsubKnobs = GossipsubKnobs::SPEC;
const V1_0: GossipsubKnobs = GossipsubKnobs::V1_0;

/// A mesh without a quota for links that were dialled, so that every graft is taken.
fn open_mesh(knobs: GossipsubKnobs) -> GossipsubKnobs {
    GossipsubKnobs { d_out: 0, flood_publish: false, ..knobs }
}

#[test]
fn r1_a_heartbeat_grafts_up_to_d_if_the_mesh_is_below_d_low() {
    for (grafted, expected) in [(0, 6), (3, 3), (4, 0), (7, 0), (12, 0)] {
        let mut node = OneNode::new(open_mesh(SPEC));
        node.state.start(&mut node.context);
        let peers = node.peers();
        for &peer in &peers[..grafted] {
            assert!(node.receive(GRAFT, peer, 0).is_empty());
        }
        let acts = node.beats(1);
        let told = sent(GRAFT, &acts);
        assert_eq!(told.len(), expected, "with {grafted} in the mesh");
        assert!(told.iter().all(|peer| !peers[..grafted].contains(peer)));
        assert_eq!((node.mesh()[0].len(), acts.len()), (grafted + expected, expected));
        assert!(node.beats(100).is_empty(), "a mesh within its bounds is left alone");
    }
}

/// The mesh is above `d_high` with 13 of 12; with `prune_at_d_high` 12 are too many.
#[test]
fn r2_a_heartbeat_prunes_down_to_d_if_the_mesh_is_above_d_high() {
    for (grafted, at, pruned) in [(12, false, 0), (13, false, 7), (20, false, 14), (11, true, 0), (12, true, 6)] {
        let mut node = OneNode::new(GossipsubKnobs { prune_at_d_high: at, ..open_mesh(SPEC) });
        node.state.start(&mut node.context);
        node.peers()[..grafted].iter().for_each(|&peer| _ = node.receive(GRAFT, peer, 0));
        assert_eq!(node.mesh()[0].len(), grafted);
        let told = sent(PRUNE, &node.beats(1));
        assert_eq!((told.len(), node.mesh()[0].len()), (pruned, grafted - pruned), "of {grafted}");
        assert!(told.iter().all(|peer| node.mesh()[1].contains(peer)));
    }
}

#[test]
fn r3_graft_and_prune_change_the_mesh() {
    let mut node = OneNode::meshed(V1_0);
    let [inside, outside] = node.mesh();
    assert_eq!(node.receive(GRAFT, outside[0], 0), []);
    assert_eq!(node.receive(GRAFT, outside[0], 0), [], "twice is once");
    assert!(node.mesh()[0].contains(&outside[0]));
    assert_eq!(node.receive(PRUNE, inside[0], 0), []);
    assert!(node.mesh()[1].contains(&inside[0]) && node.mesh()[0].len() == 6);
    let peers = node.peers();
    for stranger in (0..30).map(NodeId).filter(|node| !peers.contains(node)) {
        assert_eq!((node.receive(GRAFT, stranger, 0), node.receive(PRUNE, stranger, 0)), (vec![], vec![]));
    }
    assert_eq!(node.mesh()[0].len(), 6);
}

#[test]
fn r4_a_new_order_goes_to_the_mesh_without_its_sender_once() {
    let mut node = OneNode::meshed(SPEC);
    let [inside, outside] = node.mesh();
    let acts = node.receive(Kind::PAYLOAD, inside[2], 0);
    let others: Vec<NodeId> = inside.iter().copied().filter(|&peer| peer != inside[2]).collect();
    assert_eq!(acts, [Action::ForwardedTo(others, Kind::PAYLOAD, OrderHop { ttl: 199, ..hop_of(0, 4) }, vec![])]);
    assert_eq!(node.receive(Kind::PAYLOAD, inside[3], 0), [], "a duplicate");
    assert_eq!(sent(Kind::PAYLOAD, &node.receive(Kind::PAYLOAD, outside[0], 1)), inside, "from outside of the mesh");
    let mut origin = OneNode::meshed(GossipsubKnobs { flood_publish: false, ..SPEC });
    assert_eq!(sent(Kind::PAYLOAD, &origin.publish(3)), origin.mesh()[0]);
    assert_eq!(origin.publish(3), []);
}

#[test]
fn r5_an_order_is_announced_at_three_heartbeats_outside_of_the_mesh() {
    let mut node = OneNode::meshed(V1_0);
    let [inside, outside] = node.mesh();
    node.receive(Kind::PAYLOAD, inside[0], 0);
    assert_eq!(node.state.awaited(), 1);
    for beat in 0..3 {
        let acts = node.beats(1);
        let told = sent(Kind::HAVE, &acts);
        assert_eq!((told.len(), acts.len()), (6, 1), "heartbeat {beat}");
        assert!(told.iter().all(|peer| outside.contains(peer)));
    }
    assert_eq!((node.beats(10), node.state.awaited()), (vec![], 0));
    // Of two orders in one message, the newer is the message's own.
    let acts = [1, 2].map(|order| node.receive(Kind::PAYLOAD, inside[0], order));
    assert!(acts.iter().all(|acts| acts.len() == 1));
    let [Action::ForwardedTo(_, Kind::HAVE, first, tail)] = &node.beats(1)[..] else { panic!() };
    assert_eq!((first.order, tail.len()), (OrderIndex(2), 1));
    assert_eq!(OrderHop::from_word(tail[0]), Some(OrderHop { ttl: 199, ..hop_of(1, 4) }));
}

#[test]
fn r6_announced_orders_that_are_new_are_requested() {
    let mut node = OneNode::meshed(SPEC);
    let [inside, outside] = node.mesh();
    node.receive(Kind::PAYLOAD, inside[0], 0);
    node.beats(3);
    assert_eq!(node.state.awaited(), 0);
    let words = [0, 2, 3].map(|order| hop_of(order, 3).to_word());
    let acts = node.receive_with(Kind::HAVE, outside[0], 1, &words);
    let tail = words[1..].to_vec();
    assert_eq!(acts, [Action::SentList(outside[0], Kind::WANT, hop_of(1, 3), tail)]);
    assert_eq!(node.state.awaited(), 3);
    // Another announcer is asked as well, or not while the first has time to answer.
    assert_eq!(sent(Kind::WANT, &node.receive(Kind::HAVE, outside[1], 1)), [outside[1]]);
    node.receive(Kind::PAYLOAD, outside[0], 1);
    assert_eq!(sent(Kind::WANT, &node.receive(Kind::HAVE, outside[1], 1)), []);
    assert_eq!(node.state.awaited(), 3, "two requests, and an order to be announced");
    let acts = node.advance(node.context.time + Nanos::from_secs(3));
    assert_eq!(acts.iter().filter(|act| **act == Action::Tallied(IN_VAIN, 1)).count(), 2);
    assert_eq!(node.state.wants.count(), 0);
    let mut once = OneNode::meshed(GossipsubKnobs { iwant_once: true, ..SPEC });
    assert_eq!(sent(Kind::WANT, &once.receive(Kind::HAVE, outside[0], 1)), [outside[0]]);
    assert_eq!(once.receive(Kind::HAVE, outside[1], 1), []);
    once.advance(once.context.time + Nanos::from_secs(3));
    assert_eq!(sent(Kind::WANT, &once.receive(Kind::HAVE, outside[1], 1)), [outside[1]]);
}

#[test]
fn r7_a_cached_order_is_sent_on_request_three_times() {
    let mut node = OneNode::meshed(SPEC);
    let [inside, outside] = node.mesh();
    node.receive(Kind::PAYLOAD, inside[0], 0);
    let answer = Action::Sent(outside[0], Kind::PAYLOAD, OrderHop { ttl: 199, ..hop_of(0, 4) });
    for _ in 0..3 {
        assert_eq!(node.receive(Kind::WANT, outside[0], 0), std::slice::from_ref(&answer));
    }
    assert_eq!(node.receive(Kind::WANT, outside[0], 0), []);
    assert_eq!(sent(Kind::PAYLOAD, &node.receive(Kind::WANT, outside[1], 0)), [outside[1]], "by peer");
    assert_eq!(node.receive(Kind::WANT, outside[2], 9), [], "unknown");
    node.beats(4);
    assert_eq!(sent(Kind::PAYLOAD, &node.receive(Kind::WANT, outside[3], 0)), [outside[3]]);
    node.beats(1);
    assert_eq!(node.receive(Kind::WANT, outside[4], 0), [], "five heartbeats later");
}

/// Neither end grafts within a minute of the PRUNE; then both may.
#[test]
fn r8_a_pruned_link_is_not_grafted_within_its_backoff() {
    let minute = Nanos::from_secs(60);
    // All peers but five prune the node: it lacks mesh peers, and there is nobody to graft.
    let mut node = OneNode::meshed(open_mesh(SPEC));
    let pruning: Vec<NodeId> = node.peers()[5..].to_vec();
    let pruned_at = node.context.time;
    for &peer in &pruning {
        node.receive_with(PRUNE, peer, 0, &[60_000]);
    }
    let acts = node.advance(pruned_at + minute);
    assert!(sent(GRAFT, &acts).iter().all(|peer| !pruning.contains(peer)));
    // A shorter backoff counts from its own PRUNE, and the longer one stays.
    let mut short = OneNode::meshed(open_mesh(SPEC));
    short.peers().iter().for_each(|&peer| _ = short.receive_with(PRUNE, peer, 0, &[10_000]));
    let [first, ..] = short.peers()[..] else { panic!() };
    short.receive_with(PRUNE, first, 0, &[5_000]);
    assert_eq!(short.beats(10), []);
    let grafted = sent(GRAFT, &short.beats(3));
    assert_eq!(grafted.len(), 6);
    // Who prunes says so, and keeps to it.
    let mut crowded = OneNode::new(open_mesh(SPEC));
    crowded.state.start(&mut crowded.context);
    crowded.peers().iter().for_each(|&peer| _ = crowded.receive(GRAFT, peer, 0));
    let acts = crowded.beats(1);
    let tails = acts.iter().map(|act| match act {
        Action::SentList(_, PRUNE, _, tail) => tail.clone(),
        other => panic!("{other:?}"),
    });
    assert!(tails.clone().count() == 14 && tails.clone().all(|tail| tail == [60_000]));
}

#[test]
fn r9_a_graft_within_the_backoff_is_pruned_and_extends_it() {
    let mut node = OneNode::meshed(open_mesh(SPEC));
    let [inside, _] = node.mesh();
    node.receive_with(PRUNE, inside[0], 0, &[60_000]);
    for _ in 0..3 {
        node.advance(node.context.time + Nanos::from_secs(50));
        let acts = node.receive(GRAFT, inside[0], 0);
        assert_eq!(acts[0], Action::Tallied(IN_BACKOFF, 1));
        assert_eq!((sent(PRUNE, &acts), acts.len()), (vec![inside[0]], 2));
        assert!(node.mesh()[1].contains(&inside[0]));
    }
    node.advance(node.context.time + Nanos::from_secs(61));
    assert_eq!(node.receive(GRAFT, inside[0], 0), []);
    assert!(node.mesh()[0].contains(&inside[0]));
}

#[test]
fn r10_an_origin_floods_its_order() {
    let mut node = OneNode::meshed(SPEC);
    assert_eq!(sent(Kind::PAYLOAD, &node.publish(0)), node.peers());
    let [inside, _] = node.mesh();
    assert_eq!(sent(Kind::PAYLOAD, &node.receive(Kind::PAYLOAD, inside[0], 1)), inside[1..]);
}

/// Fourteen peers are outside of the mesh; a share of them is rounded down. By coins, the number varies around it.
#[test]
fn r11_a_share_of_the_peers_outside_is_told_if_that_is_more() {
    for (parts, told) in [(0, 6), (25, 6), (50, 7), (55, 7), (100, 14)] {
        let gossip_factor = Ratio::new(parts, 100).unwrap();
        let mut node = OneNode::meshed(GossipsubKnobs { gossip_factor, ..open_mesh(SPEC) });
        node.publish(0);
        assert_eq!(sent(Kind::HAVE, &node.beats(1)).len(), told, "{parts} %");
    }
    let knobs = GossipsubKnobs {
        gossip_factor: Ratio::new(50, 100).unwrap(),
        gossip_by_coin: true,
        d_lazy: 0,
        mcache_len: 400,
        mcache_gossip: 400,
        ..open_mesh(SPEC)
    };
    let mut node = OneNode::meshed(knobs);
    node.publish(0);
    let told: Vec<usize> = (0..400).map(|_| sent(Kind::HAVE, &node.beats(1)).len()).collect();
    // Binomial(14, 1/2), 400 times: mean 2,800, standard deviation 37; five of them either way.
    assert!(told.iter().sum::<usize>().abs_diff(2_800) < 187, "{told:?}");
    assert!(told.iter().any(|&told| told != 7));
}

#[test]
fn r12_links_that_the_node_dialled_are_kept_and_grafted() {
    // All peers are in the mesh; of those that are kept, d_out were dialled.
    for d_out in [0, 2, 3] {
        let mut node = OneNode::new(GossipsubKnobs { d: 6, d_out, d_high: 19, ..open_mesh(SPEC) });
        node.state.start(&mut node.context);
        node.peers().iter().for_each(|&peer| _ = node.receive(GRAFT, peer, 0));
        node.beats(1);
        let [inside, _] = node.mesh();
        assert!(inside.len() == 6 && node.outbound(&inside) >= d_out, "{d_out}");
    }
    // Five inbound peers are enough, but two that were dialled are grafted all the same.
    let mut node = OneNode::new(SPEC);
    node.state.start(&mut node.context);
    let peers = node.peers();
    let inbound: Vec<NodeId> = peers.iter().copied().filter(|peer| node.outbound(&[*peer]) == 0).collect();
    inbound[..5].iter().for_each(|&peer| _ = node.receive(GRAFT, peer, 0));
    let told = sent(GRAFT, &node.beats(1));
    assert_eq!((told.len(), node.outbound(&told)), (2, 2));
    assert_eq!(node.beats(50), []);
}

#[test]
fn r13_a_full_mesh_takes_only_links_that_the_node_dialled() {
    let mut node = OneNode::new(SPEC);
    node.state.start(&mut node.context);
    let [inside, outside] = {
        let peers = node.peers();
        peers[..12].iter().for_each(|&peer| _ = node.receive(GRAFT, peer, 0));
        node.mesh()
    };
    assert_eq!(inside.len(), 12);
    let dialled = outside.iter().copied().find(|peer| node.outbound(&[*peer]) == 1).unwrap();
    let other = outside.iter().copied().find(|peer| node.outbound(&[*peer]) == 0).unwrap();
    assert_eq!(sent(PRUNE, &node.receive(GRAFT, other, 0)), [other]);
    assert_eq!(node.receive(GRAFT, dialled, 0), []);
    assert!(node.mesh()[0].contains(&dialled) && !node.mesh()[0].contains(&other));
    let mut open = OneNode::new(open_mesh(SPEC));
    open.state.start(&mut open.context);
    open.peers().iter().for_each(|&peer| assert_eq!(open.receive(GRAFT, peer, 0), []));
}

#[test]
fn r14_a_large_order_is_named_as_unwanted_before_it_is_forwarded() {
    for (bytes, told) in [(1_023, 0), (1_024, 5)] {
        let mut node = OneNode::meshed(GossipsubKnobs::V1_2);
        node.context.order_bytes = bytes;
        let [inside, _] = node.mesh();
        let acts = node.receive(Kind::PAYLOAD, inside[0], 0);
        assert_eq!(sent(IDONTWANT, &acts).len(), told, "{bytes} bytes");
        assert!(matches!(acts.last(), Some(Action::ForwardedTo(to, Kind::PAYLOAD, ..)) if to == &inside[1..]));
        assert_eq!(sent(IDONTWANT, &node.receive(Kind::PAYLOAD, inside[1], 0)), [], "once");
        assert_eq!(sent(IDONTWANT, &node.publish(1)), [], "nobody else has it");
    }
}

#[test]
fn r15_an_unwanted_order_is_not_forwarded_within_three_heartbeats() {
    for (beats, spared) in [(0, 2), (2, 2), (3, 0)] {
        let mut node = OneNode::meshed(GossipsubKnobs::V1_2);
        let [inside, _] = node.mesh();
        for peer in [inside[1], inside[3], inside[1]] {
            assert_eq!(node.receive(IDONTWANT, peer, 0), []);
        }
        if beats > 0 {
            node.beats(beats);
        }
        let acts = node.receive(Kind::PAYLOAD, inside[0], 0);
        assert_eq!(sent(Kind::PAYLOAD, &acts).len(), 5 - spared, "after {beats} heartbeats");
        assert_eq!(acts.contains(&Action::Tallied(SPARED, 2)), spared > 0);
        assert_eq!(sent(Kind::PAYLOAD, &node.receive(Kind::PAYLOAD, inside[0], 1)).len(), 5, "another order");
    }
}

/// Of 64 orders, two thirds of the copies are announced; each peer gets one or the other.
#[test]
fn r16_some_mesh_peers_are_sent_an_announcement_instead() {
    let mut node = OneNode::meshed(GossipsubKnobs::V2_0);
    let [inside, _] = node.mesh();
    let mut announced = 0;
    for order in 0..60 {
        let acts = node.receive(Kind::PAYLOAD, inside[0], order);
        let (eager, lazy) = (sent(Kind::PAYLOAD, &acts), sent(IANNOUNCE, &acts));
        announced += lazy.len();
        let mut all = [eager, lazy].concat();
        all.sort_unstable();
        assert_eq!(all, inside[1..]);
    }
    // Binomial(300, 4/6): mean 200, standard deviation 8.2; five of them either way.
    assert!(announced.abs_diff(200) < 41, "{announced}");
    assert_eq!(sent(Kind::PAYLOAD, &node.publish(60)), inside, "an origin sends");
    let mut shy = OneNode::meshed(GossipsubKnobs { d_announce: 6, ..GossipsubKnobs::V2_0 });
    assert_eq!(sent(IANNOUNCE, &shy.publish(60)), shy.mesh()[0], "unless nobody sends unasked");
    assert_eq!(sent(IANNOUNCE, &shy.receive(Kind::PAYLOAD, inside[0], 0)), inside[1..]);
}

#[test]
fn r17_one_announcer_is_asked_at_a_time() {
    let mut node = OneNode::meshed(GossipsubKnobs::V2_0);
    let [inside, _] = node.mesh();
    assert_eq!(node.receive(IANNOUNCE, inside[2], 0), [Action::Sent(inside[2], INEED, hop_of(0, 3))]);
    for announcer in [1, 4, 1] {
        assert_eq!(node.receive(IANNOUNCE, inside[announcer], 0), []);
    }
    let asked_at = node.context.time;
    for (ms, next) in [(399, None), (400, Some(1)), (799, None), (800, Some(4)), (1_199, None)] {
        let acts = node.advance(asked_at + Nanos::from_millis(ms));
        assert_eq!(sent(INEED, &acts), Vec::from_iter(next.map(|next: usize| inside[next])), "{ms} ms");
        assert_eq!(node.state.needs.count(), 1);
    }
    let acts = node.advance(asked_at + Nanos::from_millis(1_200));
    assert!(acts.contains(&Action::Tallied(IN_VAIN, 1)) && node.state.needs.count() == 0);
    // A later announcement starts again, and the order ends it.
    assert_eq!(sent(INEED, &node.receive(IANNOUNCE, inside[2], 0)), [inside[2]]);
    node.receive(Kind::PAYLOAD, inside[2], 0);
    assert_eq!((node.state.needs.count(), node.receive(IANNOUNCE, inside[1], 0)), (0, vec![]));
    assert_eq!(sent(Kind::PAYLOAD, &node.receive(INEED, inside[1], 0)), [inside[1]]);
    assert_eq!(node.receive(INEED, inside[1], 9), [], "not in the cache");
}

#[test]
fn r18_a_peer_that_has_failed_is_left_out_and_replaced() {
    let mut node = OneNode::meshed(open_mesh(SPEC));
    let [inside, _] = node.mesh();
    let (failed, rest) = inside.split_at(3);
    for &peer in failed {
        assert!(node.learn_of(peer, false).is_empty() && node.learn_of(peer, false).is_empty());
    }
    assert_eq!(node.mesh()[0], rest);
    let grafted = sent(GRAFT, &node.beats(1));
    assert_eq!((grafted.len(), node.mesh()[0].len()), (3, 6), "below d_low, so up to d");
    assert!(grafted.iter().all(|peer| !failed.contains(peer)));
    for kind in [GRAFT, PRUNE, Kind::HAVE, Kind::WANT, IANNOUNCE, INEED] {
        assert_eq!(node.receive(kind, failed[0], 9), [], "{kind:?} over a connection that has ended");
    }
    // An order that was on its way is an order all the same.
    let mesh = node.mesh()[0].clone();
    assert_eq!(sent(Kind::PAYLOAD, &node.receive(Kind::PAYLOAD, failed[0], 0)), mesh);
    let told = sent(Kind::HAVE, &node.beats(3));
    assert!(told.len() == 18 && told.iter().all(|peer| !failed.contains(peer)));
    // One that comes back is told that the link is out of the mesh, and may be grafted at once.
    let back = [Action::SentList(failed[0], PRUNE, OrderHop::NO_ORDER, vec![0])];
    assert_eq!(node.learn_of(failed[0], true), back);
    assert_eq!(node.mesh()[0], mesh);
    assert!(node.receive(GRAFT, failed[0], 0).is_empty() && node.mesh()[0].contains(&failed[0]));
}

#[test]
fn r18_an_origin_floods_to_peers_that_are_up_and_a_lonely_node_rests() {
    let mut node = OneNode::meshed(SPEC);
    let peers = node.peers();
    node.learn_of(peers[4], false);
    let up: Vec<NodeId> = peers.iter().copied().filter(|&peer| peer != peers[4]).collect();
    assert_eq!(sent(Kind::PAYLOAD, &node.publish(0)), up);
    assert_eq!(node.state.awaited(), 1);
    for &peer in &up {
        node.learn_of(peer, false);
    }
    assert_eq!((node.state.awaited(), node.mesh()[0].len()), (0, 0), "nobody is left to be told");
    assert_eq!(node.beats(20), []);
    assert_eq!(sent(Kind::PAYLOAD, &node.publish(1)), []);
    // All come back, and the mesh forms again.
    for &peer in &up {
        node.learn_of(peer, true);
    }
    assert_eq!(sent(GRAFT, &node.beats(1)).len(), 6);
}

#[test]
fn r18_what_a_failed_peer_has_announced_is_forgotten() {
    let mut node = OneNode::meshed(GossipsubKnobs::V2_0);
    let [inside, _] = node.mesh();
    for announcer in [1, 2, 3] {
        node.receive(IANNOUNCE, inside[announcer], 0);
    }
    let asked_at = node.context.time;
    node.learn_of(inside[2], false);
    let acts = node.advance(asked_at + Nanos::from_millis(400));
    assert_eq!(sent(INEED, &acts), [inside[3]], "the second announcer has failed");
    let mut node = OneNode::meshed(GossipsubKnobs { prune_backoff: Nanos::ZERO, ..GossipsubKnobs::V1_2 });
    node.receive(IDONTWANT, inside[1], 0);
    node.learn_of(inside[1], false);
    node.learn_of(inside[1], true);
    node.receive(GRAFT, inside[1], 0);
    assert!(sent(Kind::PAYLOAD, &node.receive(Kind::PAYLOAD, inside[0], 0)).contains(&inside[1]));
}

/// Heartbeats take place on demand: none without orders, and those that gossip an order.
#[test]
fn a_node_at_rest_sets_no_timer() {
    let mut node = OneNode::meshed(SPEC);
    node.beats(3);
    assert_eq!((node.timers.len(), node.state.awaited()), (0, 0));
    node.publish(0);
    assert_eq!(node.timers.len(), 1);
    node.beats(4);
    assert_eq!((node.timers.len(), node.state.awaited()), (0, 0));
    // With every peer in the mesh there is nobody to gossip to.
    let mut all_in = OneNode::new(GossipsubKnobs { d: 20, d_high: 20, ..SPEC });
    all_in.state.start(&mut all_in.context);
    all_in.beats(1);
    all_in.publish(0);
    assert_eq!((all_in.timers.len(), all_in.state.awaited()), (0, 0));
}

#[test]
fn only_sound_control_messages_are_admitted() {
    let gossipsub = Gossipsub::new(SPEC);
    let admits = |kind: Kind, tail: &[u64]| {
        gossipsub.admits(&hop_of(0, 3).message_with(kind, NodeId(2), NodeId(1), tail.len() as u8), tail, 8)
    };
    let (known, unknown) = (hop_of(7, 3).to_word(), hop_of(8, 3).to_word());
    for kind in [Kind::HAVE, Kind::WANT] {
        assert!(admits(kind, &[]) && admits(kind, &[known, known]) && !admits(kind, &[known, unknown]));
    }
    for kind in [IDONTWANT, IANNOUNCE, INEED, GRAFT] {
        assert!(admits(kind, &[]) && !admits(kind, &[known]), "{kind:?}");
    }
    assert!(admits(PRUNE, &[60_000]) && admits(PRUNE, &[]) && !admits(PRUNE, &[1, 2]));
    assert!(![7, 64, 127, 130].iter().any(|&kind| admits(Kind(kind), &[])));
    // A backoff is no order.
    let (state, mut named) = (OneNode::new(SPEC).state, 0);
    state.name_in_tail(&[60_000], |_| named += 1);
    state.name_in_tail(&[24 * 3_600_000], |_| named += 1);
    assert_eq!(named, 0);
}
