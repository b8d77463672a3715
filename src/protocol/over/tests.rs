//! A protocol that takes note over a membership protocol that does as it is told.

use super::*;
use crate::message::{KindNames, OrderHop};
use crate::protocol::recording_context::{Action, RecordingContext};
use crate::protocol::{Announcement, Flood};

/// Takes the slots of its node from each message.
struct Told;

#[derive(Debug)]
struct ToldState {
    slots: Vec<NodeId>,
    opened: u64,
    failed: Vec<NodeId>,
    strangers: Vec<NodeId>,
}

impl Membership for Told {
    type State = ToldState;

    const KINDS: KindNames = &[(FIRST_KIND, "slots")];

    fn slots(&self) -> u32 {
        3
    }

    fn warm_up(&self) -> Nanos {
        Nanos(100)
    }

    fn for_shard(&self, view: &ShardView<'_>) -> ToldState {
        let slots = view.nodes().flat_map(|node| [NodeId(node); 3]).collect();
        ToldState { slots, opened: 0, failed: Vec::new(), strangers: Vec::new() }
    }

    fn admits(&self, message: &Message, _: &[u64]) -> bool {
        message.kind == FIRST_KIND
    }

    fn tail_words_max(&self) -> usize {
        3
    }
}

impl MembershipState for ToldState {
    fn start<C: Context>(&mut self, context: &mut C) {
        context.wake_at(Nanos(9), 5);
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        let first = 3 * context.local();
        self.slots[first..first + 3].iter_mut().zip(tail).for_each(|(slot, &node)| *slot = NodeId(node as u32));
        self.opened = message.hop.into();
    }

    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64) {
        assert_eq!(token, 5);
        context.wake_at(Nanos(context.draw(7, 8)), token);
    }

    fn handle_failure<C: Context>(&mut self, context: &mut C, neighbour: NodeId) {
        let (me, first) = (context.me(), 3 * context.local());
        self.slots[first..first + 3].iter_mut().filter(|slot| **slot == neighbour).for_each(|slot| *slot = me);
        self.failed.push(neighbour);
    }

    fn handle_stranger<C: Context>(&mut self, _: &mut C, stranger: NodeId) {
        self.strangers.push(stranger);
    }

    fn slots(&self, local: usize) -> &[NodeId] {
        &self.slots[3 * local..][..3]
    }

    fn opened(&self, _: usize) -> u64 {
        self.opened
    }
}

/// Notes what it is told of peers, with their links.
struct Witness;

#[derive(Debug, Default)]
struct WitnessState {
    told: Vec<(u32, bool, u32, bool)>,
    links: usize,
    tokens: Vec<u64>,
}

impl Protocol for Witness {
    type State = WitnessState;
    type Tail = ();

    const NEEDS_PEERS: bool = true;

    fn for_shard(&self, view: &ShardView<'_>) -> WitnessState {
        WitnessState { links: view.links(), ..WitnessState::default() }
    }
}

impl ProtocolState for WitnessState {
    fn publish<C: Context>(&mut self, context: &mut C, _: OrderIndex, _: u8) {
        context.wake_at(Nanos(context.draw(7, 8)), 5);
    }

    fn handle_message<C: Context>(&mut self, _: &mut C, _: &Message, _: &[u64]) {}

    fn handle_timeout<C: Context>(&mut self, _: &mut C, token: u64) {
        self.tokens.push(token);
    }

    fn handle_peer<C: Context>(&mut self, context: &mut C, peer: NodeId, is_up: bool) {
        let link = context.link_of(peer).unwrap();
        assert_eq!(context.peers()[(link - context.links().start) as usize], peer);
        self.told.push((peer.0, is_up, link, context.dialled(link)));
    }
}

/// Node 1 of three, whose slots a message to it fills. The hop of the message is the mask of the links it has opened.
struct TestNode<P: Protocol> {
    state: OverState<ToldState, P::State>,
    context: RecordingContext,
}

impl<P: Protocol> TestNode<P> {
    fn new(protocol: P, fanout: u32, exclude_sender: bool) -> TestNode<P> {
        let mut context = RecordingContext::isolated(10);
        context.be(NodeId(1));
        let over = Over::new(Told, protocol, P::TARGETS, TargetDraw::new(7, fanout), exclude_sender);
        let mut state = over.for_shard(context.view());
        state.start(&mut context);
        assert_eq!((over.warm_up(), context.take()), (Nanos(100), vec![Action::Asked(Nanos(9), 5 | MEMBERSHIP)]));
        TestNode { state, context }
    }

    fn fill(&mut self, slots: [u64; 3], opened: u8) -> Vec<Action> {
        let order_hop = OrderHop { hop: opened, ..OrderHop::NO_ORDER };
        let message = order_hop.message_with(FIRST_KIND, NodeId(9), NodeId(1), 3);
        self.state.handle_message(&mut self.context, &message, &slots);
        self.context.take()
    }

    fn receive(&mut self, from: u32, kind: Kind) -> Vec<Action> {
        let message = OrderHop { order: OrderIndex(0), ttl: 5, hop: 1 }.message(kind, NodeId(from), NodeId(1));
        self.state.handle_message(&mut self.context, &message, &[]);
        self.context.take()
    }
}

#[test]
fn losses_are_told_before_gains_each_with_its_link() {
    let mut node = TestNode::new(Witness, 8, false);
    assert_eq!(node.state.protocol.links, 30);
    assert_eq!(node.fill([4, 1, 5], 0b100), [Action::Watched(NodeId(4)), Action::Watched(NodeId(5))]);
    assert_eq!(std::mem::take(&mut node.state.protocol.told), [(4, true, 3, false), (5, true, 5, true)]);
    assert_eq!(node.fill([4, 1, 5], 0b100), []);
    // One takes the slot of another, and a third moves.
    assert_eq!(node.fill([6, 4, 1], 0b010), [Action::Watched(NodeId(6)), Action::Watched(NodeId(4))]);
    let told = std::mem::take(&mut node.state.protocol.told);
    assert_eq!(told, [(4, false, 3, false), (5, false, 5, true), (6, true, 3, false), (4, true, 4, true)]);
    for (peer, is_up) in [(4, true), (5, false), (4, false), (4, false)] {
        node.state.handle_peer(&mut node.context, NodeId(peer), is_up);
    }
    assert_eq!(
        (&node.state.membership.failed, &node.state.protocol.told),
        (&vec![NodeId(4)], &vec![(4, false, 4, true)])
    );
}

#[test]
fn timers_draws_and_messages_of_the_two_are_apart() {
    let mut node = TestNode::new(Witness, 8, false);
    node.state.publish(&mut node.context, OrderIndex(0), 6);
    let [Action::Asked(own, 5)] = node.context.take()[..] else { panic!() };
    node.state.handle_timeout(&mut node.context, 5 | MEMBERSHIP);
    let [Action::Asked(other, token)] = node.context.take()[..] else { panic!() };
    assert!(own != other && token == 5 | MEMBERSHIP && node.state.protocol.tokens.is_empty());
    node.state.handle_timeout(&mut node.context, 5);
    assert_eq!(node.state.protocol.tokens, [5]);
    node.fill([4, 1, 1], 0);
    for from in [4, 6] {
        node.receive(from, Kind::PAYLOAD);
    }
    assert_eq!(node.state.membership.strangers, [NodeId(6)]);
}

#[test]
fn a_fan_out_goes_to_neighbours_alone() {
    let mut node = TestNode::new(Flood, 8, false);
    node.fill([4, 1, 5], 0);
    let hop = OrderHop { order: OrderIndex(0), ttl: 4, hop: 2 };
    let [Action::Spared(OrderIndex(0), 1), Action::ForwardedTo(to, Kind::PAYLOAD, sent, _)] =
        &node.receive(4, Kind::PAYLOAD)[..]
    else {
        panic!()
    };
    assert_eq!((&to[..], *sent), (&[NodeId(5)][..], hop));
    let mut reached = [0; 10];
    for order in 0..300 {
        let mut drawn = TestNode::new(crate::protocol::Push, 1, false);
        drawn.fill([4, 6, 5], 0);
        drawn.state.publish(&mut drawn.context, OrderIndex(order), 6);
        let [Action::ForwardedTo(to, ..)] = &drawn.context.take()[..] else { panic!() };
        assert_eq!(to.len(), 1);
        reached[to[0].index()] += 1;
    }
    // Binomial(300, 1/3): mean 100, standard deviation 8.2; five of them either way.
    assert!([4, 5, 6].iter().all(|&node| (59..=141).contains(&reached[node])), "{reached:?}");
}

#[test]
fn announcements_to_one_neighbour_go_together() {
    let mut node = TestNode::new(Witness, 2, true);
    node.fill([4, 6, 5], 0);
    let announcements = [0, 1, 2].map(|order| Announcement {
        order_hop: OrderHop { order: OrderIndex(order), ttl: 5, hop: 1 },
        from: NodeId(4 + order),
    });
    let (me, spread) = (NodeId(1), node.state.spread);
    let slots = node.state.membership.slots(1).to_vec();
    spread.over(&slots, 0, me, &mut node.context).announce_all(Kind::HAVE, &announcements);
    let mut told = Vec::new();
    for action in node.context.take() {
        let Action::ForwardedTo(to, Kind::HAVE, first, tail) = action else { panic!("{action:?}") };
        let orders = std::iter::once(first).chain(tail.iter().filter_map(|&word| OrderHop::from_word(word)));
        told.extend(orders.map(|order_hop| (order_hop.order.0, to[0])));
    }
    let mut expected = Vec::new();
    for Announcement { order_hop, from } in announcements {
        let mut all = [4, 5, 6].map(NodeId);
        let targets = spread.draw.draw_among(order_hop.order, me, &mut all);
        expected.extend(targets.iter().filter(|&&to| to != from).map(|&to| (order_hop.order.0, to)));
    }
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[test]
fn a_contact_is_a_neighbour_and_each_as_likely() {
    let mut node = TestNode::new(Witness, 8, false);
    let spread = node.state.spread;
    let mut counts = [0; 10];
    for (slots, most) in [([1, 1, 1], 0), ([4, 1, 6], 2)] {
        let slots = slots.map(NodeId);
        let context = spread.over(&slots, 0, NodeId(1), &mut node.context);
        let drawn: Vec<NodeId> = (0..600).filter_map(|count| context.contact(3, count)).collect();
        assert_eq!(drawn.len(), 300 * most);
        drawn.iter().for_each(|node| counts[node.index()] += 1);
    }
    // Binomial(600, 1/2): mean 300, standard deviation 12.2; five of them either way.
    assert!([4, 6].iter().all(|&node| (239..=361).contains(&counts[node])), "{counts:?}");
}

#[test]
fn the_peers_are_kept_that_a_node_has_when_the_first_order_is_due() {
    let mut node = TestNode::new(Witness, 8, false);
    node.fill([4, 1, 5], 0);
    node.context.time = Nanos(100);
    node.fill([6, 1, 5], 0);
    node.fill([7, 1, 5], 0);
    let settled = node.state.take_settled_peers();
    let of = |node: usize| settled[3 * node..][..3].iter().map(|node| node.0).collect::<Vec<_>>();
    assert_eq!((settled.len(), of(0), of(1), of(9)), (30, vec![0; 3], vec![4, 1, 5], vec![9; 3]));
}
