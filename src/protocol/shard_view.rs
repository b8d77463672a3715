//! The initial knowledge of a shard's nodes: their peers, the links that lead to them, and their own draws.

use crate::ids::NodeId;
use crate::random::{Key, Purpose, Stream};
use crate::topology::Topology;
use std::ops::Range;

/// The rule that determines which end of a link opened it. Both ends arrive at the same answer without a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialRule {
    /// The node with the greater id: on an overlay that grows, the newcomer dials existing nodes.
    Newcomer,
    /// The end on record in the overlay.
    Recorded,
    /// Either end, by a fair draw keyed by the seed and both nodes.
    Coin,
}

/// The knowledge that nodes have before any message.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge<'a> {
    /// The stored rows of the overlay, or `None` if it stores none.
    rows: Option<&'a Topology>,
    /// The number of nodes in the network; `None` in a test without an overlay.
    nodes: Option<u32>,
    /// The number of nodes, if everyone is a peer of everyone.
    everyone: Option<u32>,
    /// The number of orders that a node tells apart, if not all.
    window: u32,
    dial: DialRule,
    /// The keys of the nodes' own draws, of the draws that decide who opened a link, and of those that all nodes share.
    draws: Key,
    dials: Key,
    shared: Key,
}

/// The nodes of one shard, and their knowledge: peers, links, and draws of their own.
///
/// Sizes the vectors of a [`ProtocolState`](super::ProtocolState): [`size`](Self::size) for data per node, indexed by
/// [`local`](Self::local), and [`links`](Self::links) for data per link, indexed by [`links_of`](Self::links_of).
#[derive(Clone, Debug)]
pub struct ShardView<'a> {
    nodes: Range<u32>,
    orders: u32,
    knowledge: Knowledge<'a>,
    /// Links of each node that a membership protocol keeps; 0 if the overlay gives them.
    slots: u32,
    /// The number of links of the network's nodes before those of the shard.
    links_before: u32,
}

impl<'a> Knowledge<'a> {
    /// Creates the knowledge of nodes in the run with this seed, whose peers are the rows of `topology`, if it stores
    /// any.
    pub fn new(seed: u64, topology: &'a Topology, dial: DialRule) -> Knowledge<'a> {
        let everyone = topology.is_complete().then(|| topology.nodes());
        let rows = topology.is_stored().then_some(topology);
        Knowledge { rows, nodes: Some(topology.nodes()), everyone, ..Knowledge::without_peers(seed, dial) }
    }

    /// Returns the knowledge of nodes that tell this number of orders apart.
    pub fn within(self, window: u32) -> Knowledge<'a> {
        Knowledge { window, ..self }
    }

    /// Returns the number of links of the network's nodes before `node`, which may be one past the last.
    #[inline]
    fn links_before(&self, node: NodeId) -> u32 {
        self.rows.map_or(0, |rows| rows.entries_before(node))
    }

    fn without_peers(seed: u64, dial: DialRule) -> Knowledge<'a> {
        let key = Key::new(seed, Purpose::Protocol);
        let [draws, dials, shared] = [DRAW, DIAL, SHARED].map(|use_of_key| key.with(use_of_key));
        Knowledge { rows: None, nodes: None, everyone: None, window: u32::MAX, dial, draws, dials, shared }
    }
}

impl<'a> ShardView<'a> {
    /// Creates the view of the shard that owns `nodes`, in a run of `orders` orders.
    #[doc(hidden)]
    pub fn new(nodes: Range<u32>, orders: u32, knowledge: Knowledge<'a>) -> ShardView<'a> {
        let links_before = knowledge.links_before(NodeId(nodes.start));
        ShardView { nodes, orders, knowledge, slots: 0, links_before }
    }

    /// Creates the view of a shard of these nodes without an overlay, in a run of one order: for tests of a protocol.
    pub fn isolated(nodes: Range<u32>) -> ShardView<'static> {
        ShardView::new(nodes, 1, Knowledge::without_peers(0, DialRule::Coin))
    }

    /// Returns the same shard with `slots` links a node, which a membership protocol fills.
    pub(super) fn with_slots(&self, slots: u32) -> ShardView<'a> {
        ShardView { slots, ..self.clone() }
    }

    /// Returns true if a membership protocol fills the links of the nodes, which are empty at first.
    pub fn has_slots(&self) -> bool {
        self.slots > 0
    }

    /// Returns the shard's nodes.
    pub fn nodes(&self) -> Range<u32> {
        self.nodes.clone()
    }

    /// Returns the number of nodes in the shard.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the number of nodes in the network; in a view without an overlay, of those up to the shard's last.
    pub fn network_size(&self) -> u32 {
        self.knowledge.nodes.unwrap_or(self.nodes.end)
    }

    /// Returns the number of orders in the run.
    pub fn orders(&self) -> u32 {
        self.orders
    }

    /// Returns the number of orders that a node tells apart, at most those of the run.
    pub fn window(&self) -> u32 {
        self.knowledge.window.min(self.orders)
    }

    /// Returns the key of draws that all nodes of the network make alike.
    pub(crate) fn shared_key(&self) -> Key {
        self.knowledge.shared
    }

    /// Returns the index of a node among the shard's nodes.
    #[inline]
    pub fn local(&self, node: NodeId) -> usize {
        (node.0 - self.nodes.start) as usize
    }

    /// Returns the number of links of the shard's nodes; a link between two of them counts at both ends.
    pub fn links(&self) -> usize {
        if self.has_slots() {
            return self.size() * self.slots as usize;
        }
        (self.knowledge.links_before(NodeId(self.nodes.end)) - self.links_before) as usize
    }

    /// Returns the peers of a node in ascending order; empty on an overlay that stores no rows.
    #[inline]
    pub fn peers(&self, node: NodeId) -> &'a [NodeId] {
        self.knowledge.rows.and_then(|rows| rows.row(node)).unwrap_or_default()
    }

    /// Requests the cache lines of a node's row.
    #[inline(always)]
    pub(crate) fn prefetch_peers(&self, node: NodeId) {
        if let Some(rows) = self.knowledge.rows {
            rows.prefetch_row(node);
        }
    }

    /// Returns the numbers of a node's links among those of the shard, one for each of its peers.
    #[inline]
    pub fn links_of(&self, node: NodeId) -> Range<u32> {
        if self.has_slots() {
            let first = self.local(node) as u32 * self.slots;
            return first..first + self.slots;
        }
        let [begin, end] = [node.0, node.0 + 1].map(|node| self.knowledge.links_before(NodeId(node)));
        begin - self.links_before..end - self.links_before
    }

    /// Returns true if `node` opened the link to `peer`.
    pub fn dialled(&self, node: NodeId, peer: NodeId) -> bool {
        match self.knowledge.dial {
            DialRule::Newcomer => node > peer,
            DialRule::Recorded => self.knowledge.rows.and_then(|rows| rows.dialled(node, peer)).unwrap_or_default(),
            DialRule::Coin => {
                let (lesser, greater) = (node.min(peer), node.max(peer));
                let key = self.knowledge.dials.with(u64::from(lesser.0)).with(u64::from(greater.0));
                let dialled_by_greater = key.stream().next_word() >> 63 == 1;
                dialled_by_greater == (node == greater)
            }
        }
    }

    /// Draws 64 bits for a node's own use.
    pub fn draw(&self, node: NodeId, purpose: u32, count: u64) -> u64 {
        self.draws(node, purpose, count).next_word()
    }

    /// Draws one of a node's peers.
    pub fn contact(&self, node: NodeId, purpose: u32, count: u64) -> Option<NodeId> {
        let peers = self.peers(node);
        let others = self.knowledge.everyone.map_or(peers.len() as u32, |nodes| nodes.saturating_sub(1));
        if others == 0 {
            return None;
        }
        let picked = self.draws(node, purpose, count).below(others.into()) as u32;
        match self.knowledge.everyone {
            Some(_) => Some(NodeId(picked + u32::from(picked >= node.0))),
            None => peers.get(picked as usize).copied(),
        }
    }

    /// Returns the stream of which [`draw`](Self::draw) returns the first word, for a node that draws several.
    pub fn draws(&self, node: NodeId, purpose: u32, count: u64) -> Stream {
        self.knowledge.draws.with(u64::from(node.0)).with(u64::from(purpose)).with(count).stream()
    }
}

// The words that separate the uses of `Purpose::Protocol`; part of docs/DETERMINISM.md.
const DRAW: u64 = 1;
const DIAL: u64 = 2;
const SHARED: u64 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::TopologySpec;

    /// On every shard the links of its nodes are numbered without a gap, and each link was dialled from one end.
    #[test]
    fn links_are_dense_and_dialled_from_one_end() {
        for (family, dial) in [
            ("erdos-renyi", DialRule::Coin),
            ("barabasi-albert", DialRule::Newcomer),
            ("dials:reachable=0.2", DialRule::Recorded),
        ] {
            let topology = family.parse::<TopologySpec>().unwrap().build(300, 6, 7).unwrap();
            let (mut dialled, mut links) = (0, 0);
            for nodes in [0..100, 100..101, 101..300] {
                let view = ShardView::new(nodes.clone(), 1, Knowledge::new(7, &topology, dial));
                let mut next = 0;
                for node in nodes.map(NodeId) {
                    assert_eq!(view.links_of(node).start, next);
                    next = view.links_of(node).end;
                    assert!(view.peers(node).iter().copied().eq(topology.peers(node)));
                    for &peer in view.peers(node) {
                        assert_ne!(view.dialled(node, peer), view.dialled(peer, node));
                        dialled += u64::from(view.dialled(node, peer));
                    }
                }
                assert_eq!(view.links(), next as usize);
                links += u64::from(next);
            }
            assert_eq!((dialled, links), (topology.links(), 2 * topology.links()));
        }
    }

    /// Contacts are peers, each as likely, and on the complete overlay all other nodes are.
    #[test]
    fn contacts_are_drawn_uniformly() {
        for (family, peers) in [("complete", 0), ("ring", 0), ("erdos-renyi", 4)] {
            let topology = family.parse::<TopologySpec>().unwrap().build(12, peers, 7).unwrap();
            let view = ShardView::new(0..12, 1, Knowledge::new(7, &topology, DialRule::Coin));
            let node = NodeId(5);
            let mut drawn = [0u32; 12];
            (0..12_000).for_each(|count| drawn[view.contact(node, 3, count).unwrap().index()] += 1);
            let known: Vec<NodeId> = topology.peers(node).collect();
            let mean = 12_000.0 / known.len() as f64;
            for peer in (0..12).map(NodeId) {
                let count = f64::from(drawn[peer.index()]);
                // Binomial, with a standard deviation below the root of its mean; five of them either way.
                let expected = if known.contains(&peer) { mean } else { 0.0 };
                assert!((count - expected).abs() <= 5.0 * expected.sqrt(), "{family}: {peer:?} {count}");
            }
        }
        let alone = TopologySpec::Complete.build(1, 0, 7).unwrap();
        let view = ShardView::new(0..1, 1, Knowledge::new(7, &alone, DialRule::Coin));
        assert_eq!(view.contact(NodeId(0), 0, 0), None);
    }

    #[test]
    fn an_overlay_without_rows_has_no_links() {
        let topology = TopologySpec::Complete.build(10, 0, 7).unwrap();
        let view = ShardView::new(2..7, 1, Knowledge::new(7, &topology, DialRule::Coin));
        assert_eq!((view.links(), view.peers(NodeId(3)), view.links_of(NodeId(3))), (0, &[][..], 0..0));
    }

    /// Half of a node's links are its own, on average.
    #[test]
    fn a_coin_is_fair() {
        let topology = TopologySpec::RandomRegular.build(10_000, 20, 3).unwrap();
        let view = ShardView::new(0..10_000, 1, Knowledge::new(3, &topology, DialRule::Coin));
        let lesser = (0..10_000)
            .map(NodeId)
            .map(|node| view.peers(node).iter().filter(|&&peer| node < peer && view.dialled(node, peer)).count());
        // Binomial(100,000, 1/2): mean 50,000, standard deviation 158; five of them either way.
        assert!(lesser.sum::<usize>().abs_diff(50_000) < 790);
    }

    /// The vectors in `docs/DETERMINISM.md`.
    #[test]
    fn draws_are_as_specified() {
        let topology = TopologySpec::Ring.build(10, 2, 7).unwrap();
        let view = |nodes| ShardView::new(nodes, 1, Knowledge::new(7, &topology, DialRule::Coin));
        let draws = [(0, 0, 0), (3, 0, 0), (3, 1, 0), (3, 1, 2)]
            .map(|(node, purpose, count)| view(0..10).draw(NodeId(node), purpose, count));
        assert_eq!(draws, DRAWN, "{draws:#X?}");
        assert_eq!(view(3..4).draw(NodeId(3), 1, 2), draws[3], "a shard decides nothing");
        let dials: Vec<bool> = (0..9).map(|node| view(0..10).dialled(NodeId(node), NodeId(node + 1))).collect();
        assert_eq!(dials, DIALLED);
    }

    const DRAWN: [u64; 4] =
        [0x2E1F_F0E1_6E0D_C177, 0x9FC9_F75A_5A86_6F5C, 0x7625_FBA7_E639_494F, 0x3FFB_65D0_341B_6560];
    const DIALLED: [bool; 9] = [true, false, false, false, false, false, true, false, true];
}
