//! The rules of the relay, by their numbers, at a node with two links that it dialled and two that it accepted.

use super::missing_transactions::{RequestStage, TransactionAnnouncer};
use super::requests::REQUESTS;
use super::*;
use crate::protocol::recording_context::{Action, RecordingContext};
use crate::protocol::{DialRule, Knowledge};
use crate::topology::TopologySpec;
use proptest::prelude::*;

/// The node in the middle of nine, on a grid that grew: it dialled 1 and 3, and 5 and 7 dialled it.
const ME: NodeId = NodeId(4);
const OUTBOUND: [NodeId; 2] = [NodeId(1), NodeId(3)];
const INBOUND_PEERS: [NodeId; 2] = [NodeId(5), NodeId(7)];

const ORDERS: u32 = 3_000;

struct Node {
    relay: BitcoinRelayState,
    context: RecordingContext,
}

impl Node {
    fn new(knobs: BitcoinKnobs) -> Node {
        let topology = TopologySpec::Grid.build(9, 0, 1).unwrap();
        // Leaked, because the view of a test outlives the test's own variables.
        let knowledge = Knowledge::new(1, Box::leak(Box::new(topology)), DialRule::Newcomer);
        let view = ShardView::new(0..9, ORDERS, knowledge);
        let relay = BitcoinRelay::new(knobs).for_shard(&view);
        Node { relay, context: RecordingContext::at(ME, view) }
    }

    /// Lets a peer announce these orders, and returns what the node does.
    fn hear(&mut self, from: NodeId, orders: &[u32]) -> Vec<Action> {
        let [first, rest @ ..] = orders else { panic!("an announcement names an order") };
        let tail: Vec<u64> = rest.iter().map(|&order| order_hop(order).to_word()).collect();
        let message = order_hop(*first).message_with(Kind::HAVE, from, ME, tail.len() as u8);
        self.relay.handle_message(&mut self.context, &message, &tail);
        self.context.take()
    }

    /// Gives the node an order, and returns what it does.
    fn take_in(&mut self, from: NodeId, order: u32) -> Vec<Action> {
        self.relay.handle_message(&mut self.context, &order_hop(order).copy(from, ME), &[]);
        self.context.take()
    }

    /// Fires a timer, and returns what the node does.
    fn fire(&mut self, (time, token): (Nanos, u64)) -> Vec<Action> {
        self.context.time = time;
        self.relay.handle_timeout(&mut self.context, token);
        self.context.take()
    }
}

fn order_hop(order: u32) -> OrderHop {
    OrderHop { order: OrderIndex(order), ttl: 9, hop: 2 }
}

fn seconds(seconds: u64) -> Nanos {
    Nanos::from_millis(1_000 * seconds)
}

/// Returns the timers among these actions.
fn timers(acts: &[Action]) -> Vec<(Nanos, u64)> {
    let timer = |act: &Action| if let Action::Asked(time, token) = *act { Some((time, token)) } else { None };
    acts.iter().filter_map(timer).collect()
}

/// Returns the peers and numbers of orders of the announcements among these actions.
fn announced(acts: &[Action]) -> Vec<(NodeId, usize)> {
    let announcement = |act: &Action| match act {
        Action::ForwardedTo(to, Kind::HAVE, _, tail) => Some((to[0], 1 + tail.len())),
        _ => None,
    };
    acts.iter().filter_map(announcement).collect()
}

/// Returns the peers that orders are requested from.
fn requested(acts: &[Action]) -> Vec<NodeId> {
    let request = |act: &Action| match *act {
        Action::Sent(to, Kind::WANT, _) | Action::SentList(to, Kind::WANT, _, _) => Some(to),
        _ => None,
    };
    acts.iter().filter_map(request).collect()
}

/// Rule 1: everybody is told but those who announced the order and the one that sent it.
#[test]
fn who_has_announced_an_order_is_not_told_of_it() {
    let mut node = Node::new(BitcoinKnobs::default());
    node.hear(OUTBOUND[0], &[0]);
    node.hear(INBOUND_PEERS[0], &[0]);
    let acts = node.take_in(OUTBOUND[0], 0);
    assert_eq!(node.relay.awaited(), 2, "two peers are to be told");
    let [outbound, inbound] = timers(&acts)[..] else { panic!("{acts:?}") };
    assert_eq!(announced(&node.fire(outbound)), [(OUTBOUND[1], 1)]);
    assert_eq!(announced(&node.fire(inbound)), [(INBOUND_PEERS[1], 1)]);
    assert_eq!(node.relay.awaited(), 0);
    // Who announces it while it waits to be told is taken from the queue.
    node.take_in(OUTBOUND[0], 1);
    node.hear(OUTBOUND[1], &[1]);
    assert_eq!(node.relay.awaited(), 2);
}

/// Rule 2: a timer for each link that the node dialled, and one for all others; none while nothing waits.
#[test]
fn links_that_others_dialled_share_a_timer() {
    let mut node = Node::new(BitcoinKnobs::default());
    node.relay.publish(&mut node.context, OrderIndex(0), 9);
    let first = timers(&node.context.take());
    assert_eq!(first.iter().map(|timer| timer.1).collect::<Vec<_>>(), [0, 1, INBOUND]);
    node.relay.publish(&mut node.context, OrderIndex(1), 9);
    assert_eq!(timers(&node.context.take()), [], "they run already");
    assert_eq!(announced(&node.fire(first[2])), INBOUND_PEERS.map(|peer| (peer, 2)));
    assert_eq!(announced(&node.fire(first[1])), [(OUTBOUND[1], 2)]);
    assert!(announced(&node.fire(first[2])).is_empty(), "nothing waits for it");
}

/// Rule 2: intervals are exponential, with the means of the knobs.
#[test]
fn intervals_are_exponential() {
    let mut node = Node::new(BitcoinKnobs::default());
    let (mut outbound, mut inbound) = (Vec::new(), Vec::new());
    for order in 0..2_000 {
        node.context.time = seconds(1_000 * u64::from(order));
        node.relay.publish(&mut node.context, OrderIndex(order), 9);
        for timer in timers(&node.context.take()) {
            let after = (timer.0 - node.context.time).0 as f64 / 1e9;
            if timer.1 == INBOUND { &mut inbound } else { &mut outbound }.push(after);
            node.fire(timer);
            node.context.time = seconds(1_000 * u64::from(order));
        }
    }
    for (intervals, mean) in [(outbound, 2.0), (inbound, 5.0)] {
        let count = intervals.len() as f64;
        let observed = intervals.iter().sum::<f64>() / count;
        // Five standard deviations of the mean, and of the share e^-1 of intervals above it.
        assert!((observed / mean - 1.0).abs() < 5.0 / count.sqrt(), "{observed} for {mean}");
        let above = intervals.iter().filter(|&&interval| interval > mean).count() as f64 / count;
        assert!((above - (-1.0f64).exp()).abs() < 2.5 / count.sqrt(), "{above}");
    }
}

/// Rule 3: 14 announcements for each of 5 seconds, in messages of at most 180, and more only from long queues.
#[test]
fn a_trickle_is_limited() {
    let knobs = BitcoinKnobs::default();
    let short = knobs.short_trickle_max();
    assert_eq!([0, 999, 1_000, 5_500].map(|queued| knobs.trickle_max(short, queued)), [70, 70, 75, 95]);
    assert_eq!(knobs.trickle_max(short, 1_000_000), 1_000);
    let mut node = Node::new(knobs);
    for order in 0..100 {
        node.relay.publish(&mut node.context, OrderIndex(order), 9);
    }
    let timer = timers(&node.context.take())[0];
    let acts = node.fire(timer);
    assert_eq!(announced(&acts), [(OUTBOUND[0], 70)]);
    let [next] = timers(&acts)[..] else { panic!("the rest has a timer of its own: {acts:?}") };
    assert_eq!(announced(&node.fire(next)), [(OUTBOUND[0], 30)]);
}

/// Rule 4: at once from a peer that the node dialled, 2 s later from one that dialled it.
#[test]
fn a_peer_that_dialled_is_asked_later() {
    let mut node = Node::new(BitcoinKnobs::default());
    let acts = node.hear(OUTBOUND[0], &[0, 1]);
    assert_eq!(requested(&acts), [OUTBOUND[0]], "one request for both");
    assert!(matches!(&acts[..], [Action::SentList(_, Kind::WANT, _, tail), Action::Asked(..)] if tail.len() == 1));
    let acts = node.hear(INBOUND_PEERS[0], &[2]);
    assert_eq!((requested(&acts), timers(&acts)), (vec![], vec![(seconds(2), REQUESTS)]));
    assert_eq!(requested(&node.fire((seconds(2), REQUESTS))), [INBOUND_PEERS[0]]);
    // A preferred peer that announces meanwhile is asked at once.
    node.hear(INBOUND_PEERS[0], &[3]);
    assert_eq!(requested(&node.hear(OUTBOUND[1], &[3])), [OUTBOUND[1]]);
}

/// Rule 4: from the 101st open request on, another 2 s later.
#[test]
fn an_overloaded_peer_is_asked_later() {
    let mut node = Node::new(BitcoinKnobs::default());
    let orders: Vec<u32> = (0..100).collect();
    assert_eq!(requested(&node.hear(OUTBOUND[0], &orders)), [OUTBOUND[0]]);
    let acts = node.hear(OUTBOUND[0], &[100]);
    assert_eq!((requested(&acts), timers(&acts)), (vec![], vec![(seconds(2), REQUESTS)]));
    node.take_in(OUTBOUND[0], 0);
    assert_eq!(requested(&node.hear(OUTBOUND[0], &[101])), [OUTBOUND[0]], "one of them is answered");
}

/// Rules 5 and 6: one request at a time, preferred peers first, nobody twice, and the last failure forgets all.
#[test]
fn peers_are_asked_in_turn_and_once() {
    let mut node = Node::new(BitcoinKnobs::default());
    assert_eq!(requested(&node.hear(OUTBOUND[0], &[0])), [OUTBOUND[0]]);
    for peer in [INBOUND_PEERS[0], INBOUND_PEERS[1], OUTBOUND[1], OUTBOUND[0]] {
        assert!(requested(&node.hear(peer, &[0])).is_empty(), "{peer}: a request is open");
    }
    assert!(requested(&node.fire((seconds(59), REQUESTS))).is_empty());
    assert_eq!(requested(&node.fire((seconds(60), REQUESTS))), [OUTBOUND[1]], "the other preferred peer");
    let mut others = Vec::new();
    for failures in 2..4 {
        others.extend(requested(&node.fire((seconds(60 * failures), REQUESTS))));
    }
    others.sort_unstable();
    assert_eq!((others, node.relay.awaited()), (INBOUND_PEERS.to_vec(), 1));
    assert!(requested(&node.fire((seconds(240), REQUESTS))).is_empty());
    assert_eq!(node.relay.awaited(), 0, "all have failed");
    assert_eq!(requested(&node.hear(OUTBOUND[0], &[0])), [OUTBOUND[0]], "and are forgotten");
}

/// Rule 7.
#[test]
fn a_peer_cannot_announce_without_end() {
    let mut node = Node::new(BitcoinKnobs { announcements: 3, ..BitcoinKnobs::default() });
    node.hear(INBOUND_PEERS[0], &[0, 1, 2, 3, 4]);
    assert_eq!(node.relay.awaited(), 3);
    node.take_in(OUTBOUND[0], 0);
    node.hear(INBOUND_PEERS[0], &[5, 6]);
    assert_eq!(node.relay.missing.count(), 3, "one was answered, one takes its place");
}

#[test]
fn strangers_are_not_answered() {
    let mut node = Node::new(BitcoinKnobs::default());
    assert!(node.hear(NodeId(8), &[0]).is_empty() && node.relay.awaited() == 0);
}

/// One random event.
fn event() -> impl Strategy<Value = (u8, u32, u32, u64)> {
    (0..7u8, 0..9u32, 0..40u32, 0..4_000u64)
}

proptest! {
    /// After any events: nothing is delivered twice, nothing goes to the node itself or to a stranger but answers,
    /// counts are what they count, and once all orders are there and all timers have fired nothing is awaited.
    #[test]
    fn any_events_leave_the_node_consistent(events in prop::collection::vec(event(), 0..120)) {
        let knobs = BitcoinKnobs { in_flight: 3, announcements: 6, broadcast_per_second: 1, ..BitcoinKnobs::default() };
        let mut node = Node::new(knobs);
        let mut due: Vec<(Nanos, u64)> = Vec::new();
        for (what, peer, order, after) in events {
            node.context.time = node.context.time + Nanos::from_millis(after);
            let from = if NodeId(peer) == ME { NodeId(3) } else { NodeId(peer) };
            let acts = match what {
                0 => { node.relay.publish(&mut node.context, OrderIndex(order), 9); node.context.take() }
                1 => node.take_in(from, order),
                2 => node.hear(from, &[order, (order + 1) % 40, (order + 7) % 40]),
                3 => {
                    let message = order_hop(order).message(Kind::WANT, from, ME);
                    node.relay.handle_message(&mut node.context, &message, &[]);
                    node.context.take()
                }
                4 | 5 => {
                    node.relay.handle_peer(&mut node.context, from, what == 4);
                    node.context.take()
                }
                _ => {
                    let now = node.context.time;
                    match due.iter().position(|timer| timer.0 <= now) {
                        Some(place) => { let timer = due.swap_remove(place); node.fire((now, timer.1)) }
                        None => Vec::new(),
                    }
                }
            };
            for (to, _) in announced(&acts) {
                prop_assert!(node.context.view().peers(ME).contains(&to));
            }
            prop_assert!(requested(&acts).iter().all(|to| node.context.view().peers(ME).contains(to)));
            due.extend(timers(&acts));
            check(&node)?;
        }
        finish(&mut node, due)?;
    }
}

/// Asserts that the counts of links and orders equal those of the announcements that are remembered.
fn check(node: &Node) -> Result<(), TestCaseError> {
    let missing = &node.relay.missing;
    let orders: Vec<OrderIndex> = missing.orders().collect();
    let announcers = |order: &OrderIndex| -> Vec<TransactionAnnouncer> {
        let at = missing.find(4, *order).expect("a missing order");
        missing.announcers(4, at).copied().collect()
    };
    let requests: Vec<Vec<TransactionAnnouncer>> = orders.iter().map(announcers).collect();
    let is_open = |announcer: &&TransactionAnnouncer| announcer.stage == RequestStage::Open;
    let mut waiting = 0;
    for (place, link) in (0..).zip(node.context.view().links_of(ME)) {
        let own = || requests.iter().flatten().filter(|announcer| announcer.place == place);
        let counts = node.relay.links.counts(link);
        prop_assert_eq!(usize::from(counts.announcements), own().count());
        prop_assert_eq!(usize::from(counts.in_flight), own().filter(is_open).count());
        prop_assert!(counts.announcements <= node.relay.knobs.announcements, "bounded");
        let queued = node.relay.waiting.count((4, 4), place);
        prop_assert!(!node.relay.links.is_down(link) || (counts.announcements, queued) == (0, 0));
        prop_assert!(queued == 0 || node.relay.is_due(4, link), "a trickle is due wherever an order waits");
        waiting += u64::from(queued);
    }
    prop_assert_eq!(node.relay.waiting.total(), waiting);
    prop_assert_eq!(missing.count(), requests.len() as u64);
    prop_assert!(orders.is_sorted() && requests.iter().all(|request| request.iter().filter(is_open).count() <= 1));
    Ok(())
}

/// Lets all timers fire in their order, and asserts that the node comes to rest.
fn finish(node: &mut Node, mut due: Vec<(Nanos, u64)>) -> Result<(), TestCaseError> {
    for _ in 0..10_000 {
        due.sort_unstable();
        let Some(&timer) = due.first() else { break };
        due.remove(0);
        let acts = node.fire((timer.0.max(node.context.time), timer.1));
        due.extend(timers(&acts));
    }
    prop_assert_eq!((due.len(), node.relay.awaited()), (0, 0));
    Ok(())
}

/// Rule 8.
#[test]
fn a_peer_that_is_down_is_left_out() {
    let mut node = Node::new(BitcoinKnobs::default());
    node.hear(OUTBOUND[0], &[0, 1]);
    node.hear(OUTBOUND[1], &[1]);
    node.take_in(INBOUND_PEERS[0], 2);
    assert_eq!(node.relay.awaited(), 2 + 3, "two orders are missing, and three peers are to hear of a third");
    node.relay.handle_peer(&mut node.context, OUTBOUND[0], false);
    assert_eq!(requested(&node.context.take()), [OUTBOUND[1]], "the other announcer is asked at once");
    assert_eq!(node.relay.awaited(), 1 + 2, "nobody else has announced the first");
    node.take_in(INBOUND_PEERS[0], 3);
    assert!(node.hear(OUTBOUND[0], &[4]).is_empty());
    assert_eq!(node.relay.awaited(), 1 + 2 + 2);
    node.relay.handle_peer(&mut node.context, OUTBOUND[0], true);
    node.take_in(INBOUND_PEERS[0], 5);
    assert_eq!(node.relay.awaited(), 1 + 4 + 3, "it is told again");
    node.relay.handle_peer(&mut node.context, NodeId(8), false);
    assert_eq!(node.relay.awaited(), 1 + 4 + 3, "no peer of this node");
}

proptest! {
    /// Whatever messages arrive, none makes the node panic, and what it keeps stays within its bounds.
    #[test]
    fn arbitrary_messages_do_no_harm(
        messages in prop::collection::vec((any::<u8>(), 0..9u32, any::<(u32, u8, u8)>(),
            prop::collection::vec(any::<u64>(), 0..4), any::<bool>()), 0..80),
    ) {
        let mut node = Node::new(BitcoinKnobs { announcements: 6, ..BitcoinKnobs::default() });
        let relay = BitcoinRelay::default();
        for (kind, from, (order, ttl, hop), words, is_plausible) in messages {
            // Half of them are lists of orders that exist, which get past the check.
            let plausible = |word: u64| OrderHop { order: OrderIndex(word as u32 % ORDERS), ttl, hop }.to_word();
            let spoken = [Kind::HAVE, Kind::WANT, Kind::PAYLOAD];
            let kind = if is_plausible { spoken[usize::from(kind) % 3] } else { Kind(kind) };
            let tail: Vec<u64> = match (is_plausible, kind == Kind::PAYLOAD) {
                (_, true) => Vec::new(),
                (true, false) => words.into_iter().map(plausible).collect(),
                (false, false) => words,
            };
            let order_hop = OrderHop { order: OrderIndex(order % ORDERS), ttl, hop };
            let message = order_hop.message_with(kind, NodeId(from), ME, tail.len() as u8);
            if kind == Kind::PAYLOAD || relay.admits(&message, &tail, ORDERS) {
                node.relay.handle_message(&mut node.context, &message, &tail);
                check(&node)?;
            }
            prop_assert!(node.relay.waiting.total() <= 4 * node.context.held.len() as u64);
        }
    }
}

/// The memory that is counted before a run is what the vectors take: one order takes no allocation of its own.
#[test]
fn the_state_is_as_large_as_counted() {
    let sizes = [RelayLinks::LINK_BYTES, MissingTransactions::ANNOUNCER_BYTES];
    assert_eq!((sizes, MissingTransactions::NODE_BYTES, WaitingOrders::NODE_BYTES), ([5, 24], 32, 64));
    assert_eq!(BitcoinKnobs::state_bytes(10, 40), 10 * (32 + 64) + 40 * (5 + 24));
}
