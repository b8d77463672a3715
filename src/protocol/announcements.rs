//! Several orders in one message, like Bitcoin's INV and GossipSub's IHAVE: the first order is a field of the message,
//! the others are words of its tail.
//!
//! A word identifies an order as briefly as this run permits. Real networks do much the same: a compact block
//! identifies a transaction by six bytes (BIP 152).

use super::announcement::Announcement;
use super::{Context, TargetDraw, TargetScratch};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, OrderHop, TAIL_WORDS_MAX};
use crate::topology::Topology;
use smallvec::SmallVec;

/// Iterates over the orders that a message names.
pub(super) fn order_hops(message: &Message, tail: &[u64]) -> impl Iterator<Item = OrderHop> {
    std::iter::once(message.order_hop()).chain(in_tail(tail))
}

/// Iterates over the orders that a tail names.
pub(super) fn in_tail(tail: &[u64]) -> impl Iterator<Item = OrderHop> {
    tail.iter().filter_map(|&word| OrderHop::from_word(word))
}

/// Calls `name` with each order that a tail names.
pub(super) fn name_in_tail(tail: &[u64], name: impl FnMut(OrderIndex)) {
    in_tail(tail).map(|order_hop| order_hop.order).for_each(name);
}

/// Returns true if every word of a tail names one of the run's `orders` orders.
pub(super) fn is_list(tail: &[u64], orders: u32) -> bool {
    tail.iter().all(|&word| OrderHop::from_word(word).is_some_and(|order_hop| order_hop.order.0 < orders))
}

/// Answers a request: sends the orders that it names and this node holds.
pub(super) fn send_requested<C: Context>(context: &mut C, request: &Message, tail: &[u64]) {
    for order_hop in order_hops(request, tail) {
        if context.holds(order_hop.order) {
            context.send(request.from, Kind::PAYLOAD, order_hop);
        }
    }
}

/// Does the same in a protocol that spreads orders by requests, so that adversaries act on what is sent.
pub(super) fn forward_requested<C: Context>(context: &mut C, request: &Message, tail: &[u64]) {
    for order_hop in order_hops(request, tail) {
        if context.holds(order_hop.order) {
            context.forward(&[request.from], Kind::PAYLOAD, order_hop, &[]);
        }
    }
}

/// Sends messages of this kind about these orders to one node: one message, or several if the orders do not fit into
/// one.
pub(super) fn send<C: Context>(context: &mut C, to: NodeId, kind: Kind, orders: &[OrderHop]) {
    for part in orders.chunks(1 + TAIL_WORDS_MAX) {
        let tail: Vec<u64> = part[1..].iter().map(|order_hop| order_hop.to_word()).collect();
        context.send_with(to, kind, part[0], &tail);
    }
}

/// Spreads messages of this kind about these orders to one node, by [`Context::forward`]: one message, or several if
/// the orders do not fit into one.
pub(super) fn forward<C: Context>(context: &mut C, to: NodeId, kind: Kind, orders: &[OrderHop]) {
    for part in orders.chunks(1 + TAIL_WORDS_MAX) {
        let tail: Vec<u64> = part[1..].iter().map(|order_hop| order_hop.to_word()).collect();
        context.forward(&[to], kind, part[0], &tail);
    }
}

/// Announcements grouped by recipient: one message per node, which names all orders announced to it. Recipients are in
/// the order of their first occurrence among the targets, announcement by announcement. That order is drawn, unlike the
/// order of ids, because on a narrow uplink it decides which node waits. The batch keeps its memory from one use to the
/// next.
#[derive(Debug, Default)]
pub struct AnnouncementBatch {
    addressed: Vec<Address>,
    tail: Vec<u64>,
}

/// One announcement to one node.
#[derive(Clone, Copy, Debug)]
struct Address {
    /// Position among the targets of all announcements; once all are known, the first position of this node.
    rank: usize,
    to: NodeId,
    /// Index of the announcement.
    place: u32,
}

impl AnnouncementBatch {
    /// Finds the recipients of each of a node's announcements: its targets for the order, without the node that the
    /// order came from if `exclude_sender` is set.
    pub fn address(
        &mut self,
        (topology, draw): (&Topology, TargetDraw),
        scratch: &mut TargetScratch,
        exclude_sender: bool,
        me: NodeId,
        announcements: &[Announcement],
    ) {
        self.addressed.clear();
        for (place, Announcement { order_hop, from }) in (0..).zip(announcements) {
            let targets = draw.at_hop(order_hop.hop).draw(topology, order_hop.order, me, scratch);
            self.add(place, targets, exclude_sender.then_some(*from));
        }
        self.group();
    }

    /// Does the same for a node whose peers are `peers`.
    pub fn address_among(
        &mut self,
        peers: &[NodeId],
        draw: TargetDraw,
        exclude_sender: bool,
        me: NodeId,
        announcements: &[Announcement],
    ) {
        self.addressed.clear();
        for (place, Announcement { order_hop, from }) in (0..).zip(announcements) {
            let mut peers: SmallVec<[NodeId; 8]> = peers.into();
            let targets = draw.at_hop(order_hop.hop).draw_among(order_hop.order, me, &mut peers);
            self.add(place, targets, exclude_sender.then_some(*from));
        }
        self.group();
    }

    /// Adds the targets of an announcement but one.
    fn add(&mut self, place: u32, targets: &[NodeId], except: Option<NodeId>) {
        for &to in targets.iter().filter(|&&to| Some(to) != except) {
            self.addressed.push(Address { rank: self.addressed.len(), to, place });
        }
    }

    /// Brings the announcements to one node together.
    fn group(&mut self) {
        self.addressed.sort_unstable_by_key(|address| (address.to, address.rank));
        for own in self.addressed.chunk_by_mut(|one, next| one.to == next.to) {
            let first = own[0].rank;
            own.iter_mut().for_each(|address| address.rank = first);
        }
        self.addressed.sort_unstable_by_key(|address| (address.rank, address.place));
    }

    /// Calls `give` with each message: its recipient, the index of its first announcement, and the words of the others.
    pub fn for_each(&mut self, announcements: &[Announcement], mut give: impl FnMut(NodeId, usize, &[u64])) {
        let AnnouncementBatch { addressed, tail } = self;
        for own in addressed.chunk_by(|one, next| one.to == next.to) {
            for part in own.chunks(1 + TAIL_WORDS_MAX) {
                tail.clear();
                tail.extend(part[1..].iter().map(|address| announcements[address.place as usize].order_hop.to_word()));
                give(part[0].to, part[0].place as usize, tail);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::OrderIndex;
    use crate::protocol::recording_context::{Action, RecordingContext};
    use crate::topology::TopologySpec;

    fn announcement(order: u32, from: u32) -> Announcement {
        Announcement {
            order_hop: OrderHop { order: OrderIndex(order), ttl: 5, hop: 1 + order as u8 % 7 },
            from: NodeId(from),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let orders: Vec<OrderHop> = (0..400).map(|order| announcement(order, 0).order_hop).collect();
        let mut context = RecordingContext::default();
        send(&mut context, NodeId(9), Kind::WANT, &orders);
        let mut read = Vec::new();
        for act in &context.acts {
            let Action::SentList(to, kind, order_hop, tail) = act else { panic!("{act:?}") };
            let message = order_hop.message_with(*kind, NodeId(1), *to, tail.len() as u8);
            assert!(is_list(tail, 400) && !is_list(&[tail, &[orders[399].to_word() + 1][..]].concat(), 400));
            read.extend(order_hops(&message, tail));
        }
        assert_eq!((read, context.acts.len()), (orders, 3), "180 to a message");
        send(&mut context, NodeId(9), Kind::WANT, &[]);
        assert_eq!(context.acts.len(), 3, "nothing is said about nothing");
        assert_eq!(Announcement::from_words(announcement(3, 8).to_words()), announcement(3, 8));
    }

    #[test]
    fn each_target_hears_once_of_all_that_is_for_it() {
        let topology = TopologySpec::Complete.build(12, 11, 1).unwrap();
        let (draw, me) = (TargetDraw::new(7, 4), NodeId(3));
        let mut scratch = TargetScratch::new(4, &topology);
        let all: Vec<Announcement> = (0..300).map(|order| announcement(order, order % 12)).collect();
        for exclude_sender in [false, true] {
            let mut announcement_batch = AnnouncementBatch::default();
            announcement_batch.address((&topology, draw), &mut scratch, exclude_sender, me, &all);
            let mut named: Vec<(NodeId, OrderIndex)> = Vec::new();
            announcement_batch.for_each(&all, |to, first, tail| {
                let message = all[first].order_hop.message_with(Kind::HAVE, me, to, tail.len() as u8);
                named.extend(order_hops(&message, tail).map(|step| (to, step.order)));
            });
            let mut expected: Vec<(NodeId, OrderIndex)> = Vec::new();
            for Announcement { order_hop, from } in &all {
                let targets = draw.draw(&topology, order_hop.order, me, &mut scratch).iter();
                expected.extend(targets.filter(|&to| !exclude_sender || to != from).map(|&to| (to, order_hop.order)));
            }
            // By the first occurrence of a node, then in the order of the announcements.
            let nodes: Vec<NodeId> = expected.iter().map(|&(to, _)| to).collect();
            expected.sort_by_key(|&(to, _)| nodes.iter().position(|&node| node == to));
            assert_eq!(named, expected);
            assert!(!named.is_sorted_by_key(|&(to, _)| to));
        }
    }
}
