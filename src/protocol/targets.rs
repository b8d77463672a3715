//! The draw of the peers that a node forwards an order to: a prefix of a permutation of its peers, drawn regardless of
//! the sender.
//!
//! The draw is a partial Fisher-Yates shuffle of the peer list under the key (seed, order, node): step i takes one of
//! the peers not yet taken. A larger fanout therefore extends the same list, and the sender of the order does not
//! affect it, so the covered set is the same on every carrier. Steps and test vectors: `docs/DETERMINISM.md`. If every
//! peer is a target, the shuffle determines the order in which they are sent to; if that order has no observable
//! effect, nothing is drawn. A fanout may depend on the hop; the targets are then a shorter or longer prefix of the
//! same list.
//!
//! On an implicit overlay the slots are shuffled instead, because listing the peers would require computing all of
//! them. A slot that holds the node itself, or a target already drawn, is skipped, and the shuffle goes on to the next.

mod batch;
mod hop_fanouts;

pub use batch::TargetBatch;
pub use hop_fanouts::HopFanouts;

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Purpose, Stream};
use crate::topology::{Implicit, Topology};
use smallvec::SmallVec;

/// The maximum number of peers that are copied and shuffled in place. Above it, only the positions touched by a swap
/// are stored.
const DENSE_PEERS_MAX: u32 = 64;

/// The maximum number of targets for which the touched positions are searched linearly.
const SPARSE_TARGETS_MAX: u32 = 32;

/// The target draw of one run.
#[derive(Clone, Copy, Debug)]
pub struct TargetDraw {
    key: Key,
    /// The fanout, or the greatest of any hop.
    fanout: u32,
    /// The fanout of each hop, if they differ.
    by_hop: Option<HopFanouts>,
    /// True if all peers are targets in any order, so that nothing is drawn.
    takes_all: bool,
}

/// Scratch memory, reused from draw to draw.
#[derive(Debug, Default)]
pub struct TargetScratch {
    /// The peers being shuffled, or only the targets.
    peers: Vec<NodeId>,
}

impl TargetScratch {
    /// Creates scratch for draws of `fanout` among the peers of any node of `topology`; no such draw allocates later.
    pub fn new(fanout: u32, topology: &Topology) -> TargetScratch {
        let max_degree = topology.max_degree();
        let is_sparse = max_degree > DENSE_PEERS_MAX && fanout <= SPARSE_TARGETS_MAX;
        // Only the sparse draw does without a copy of the row.
        let room = match topology.implicit() {
            Some(implicit) => implicit.slots(),
            None if is_sparse => DENSE_PEERS_MAX.max(fanout),
            None => max_degree,
        };
        TargetScratch { peers: Vec::with_capacity(room as usize) }
    }
}

impl TargetDraw {
    /// Creates the draw of the run with this seed, with `fanout` targets per forward.
    pub fn new(seed: u64, fanout: u32) -> TargetDraw {
        TargetDraw { key: Key::new(seed, Purpose::Targets), fanout, by_hop: None, takes_all: false }
    }

    /// Creates the draw of the run with this seed, whose fanout depends on the hop.
    pub fn by_hop(seed: u64, fanouts: HopFanouts) -> TargetDraw {
        TargetDraw { by_hop: Some(fanouts), ..TargetDraw::new(seed, fanouts.greatest()) }
    }

    /// Creates the draw in which every peer is a target, in the permutation of which other draws of the seed take a
    /// prefix.
    pub fn everyone(seed: u64) -> TargetDraw {
        TargetDraw::new(seed, u32::MAX)
    }

    /// Creates the draw in which every peer is a target, for a run in which the order of simultaneous sends has no
    /// observable effect.
    pub fn unordered() -> TargetDraw {
        TargetDraw { takes_all: true, ..TargetDraw::everyone(0) }
    }

    /// Returns the draw of all peers, of whose permutation this draw takes a prefix.
    pub fn widened(&self) -> TargetDraw {
        TargetDraw { fanout: u32::MAX, by_hop: None, ..*self }
    }

    /// Returns the draw of forwards whose copies arrive at this hop; 1 is the origin's.
    #[inline]
    pub fn at_hop(&self, hop: u8) -> TargetDraw {
        match &self.by_hop {
            None => *self,
            Some(fanouts) => TargetDraw { fanout: fanouts.at(hop), by_hop: None, ..*self },
        }
    }

    /// Returns true if the fanout depends on the hop.
    #[inline]
    pub fn is_by_hop(&self) -> bool {
        self.by_hop.is_some()
    }

    /// Returns true if a node sends to all of its peers.
    #[inline]
    pub fn takes_all(&self) -> bool {
        self.takes_all
    }

    /// Returns the number of targets of a node with `degree` peers.
    pub fn count(&self, degree: u32) -> u32 {
        self.fanout.min(degree)
    }

    #[inline]
    fn stream(&self, order: OrderIndex, node: NodeId) -> Stream {
        self.key.with(u64::from(order.0)).with(u64::from(node.0)).stream()
    }

    /// Returns the targets of `node` for `order`, in the order of the draw: `fanout` of its peers, or all of them.
    ///
    /// Short stored rows, the usual case, are handled inline.
    #[inline(always)]
    pub fn draw<'s>(
        &self,
        topology: &Topology,
        order: OrderIndex,
        node: NodeId,
        scratch: &'s mut TargetScratch,
    ) -> &'s [NodeId] {
        let stream = self.stream(order, node);
        match topology.row(node) {
            Some(row) if row.len() <= DENSE_PEERS_MAX as usize && !self.takes_all => {
                let peers = &mut scratch.peers;
                peers.clear();
                peers.extend_from_slice(row);
                shuffled_prefix(stream, peers, self.count(row.len() as u32))
            }
            _ => self.draw_from_afar(topology, stream, node, scratch),
        }
    }

    /// Returns the targets of `node` for `order` among these peers, as [`draw`](Self::draw) does among those of an
    /// overlay. Shuffles the peers.
    pub fn draw_among<'p>(&self, order: OrderIndex, node: NodeId, peers: &'p mut [NodeId]) -> &'p [NodeId] {
        let count = self.count(peers.len() as u32);
        shuffled_prefix(self.stream(order, node), peers, count)
    }

    /// Draws from long rows and from computed peers.
    #[inline(never)]
    fn draw_from_afar<'s>(
        &self,
        topology: &Topology,
        stream: Stream,
        node: NodeId,
        scratch: &'s mut TargetScratch,
    ) -> &'s [NodeId] {
        let peers = &mut scratch.peers;
        peers.clear();
        // In stored order: a draw without an observable effect is not made.
        if self.takes_all {
            match topology.row(node) {
                Some(row) => peers.extend_from_slice(row),
                None => peers.extend(topology.peers(node)),
            }
            return peers;
        }
        if let Some(implicit) = topology.implicit() {
            return slotted_prefix(stream, implicit, node, peers, self.fanout);
        }
        let degree = topology.degree(node);
        let count = self.count(degree);
        if degree > DENSE_PEERS_MAX && count <= SPARSE_TARGETS_MAX {
            sparse_prefix(stream, degree, count, |position| peers.push(topology.peer(node, position)));
            return peers;
        }
        match topology.row(node) {
            Some(row) => peers.extend_from_slice(row),
            None => peers.extend(topology.peers(node)),
        }
        shuffled_prefix(stream, peers, count)
    }
}

/// Applies the first `count` steps of a Fisher-Yates shuffle from the front.
#[inline(always)]
fn shuffled_prefix(mut stream: Stream, peers: &mut [NodeId], count: u32) -> &[NodeId] {
    let count = (count as usize).min(peers.len());
    for step in 0..count {
        let picked = step + stream.below((peers.len() - step) as u64) as usize;
        peers.swap(step, picked);
    }
    &peers[..count]
}

/// Applies the same steps to slots, until they hold `fanout` distinct targets or all slots are used. `room` is empty.
fn slotted_prefix<'s>(
    mut stream: Stream,
    implicit: &Implicit,
    node: NodeId,
    room: &'s mut Vec<NodeId>,
    fanout: u32,
) -> &'s [NodeId] {
    let slots = implicit.slots();
    room.extend((0..slots).map(NodeId));
    let mut found = 0;
    for step in 0..slots as usize {
        if found == fanout as usize {
            break;
        }
        room.swap(step, step + stream.below(u64::from(slots) - step as u64) as usize);
        let target = implicit.at(node, room[step].0);
        if target != node && !room[..found].contains(&target) {
            // Never overwrites a slot that is yet to be drawn, because at most one target is found per step.
            room[found] = target;
            found += 1;
        }
    }
    &room[..found]
}

/// Applies the same steps to positions `0..degree`, and stores only the positions touched by a swap.
fn sparse_prefix(mut stream: Stream, degree: u32, count: u32, mut take: impl FnMut(u32)) {
    // (position, its content after swaps); a position that is not listed still holds itself.
    let mut moved: SmallVec<[(u32, u32); SPARSE_TARGETS_MAX as usize]> = SmallVec::new();
    for step in 0..count {
        let picked = step + stream.below(u64::from(degree - step)) as u32;
        let at = |moved: &[(u32, u32)], position| {
            moved.iter().find(|entry| entry.0 == position).map_or(position, |entry| entry.1)
        };
        let (here, there) = (at(&moved, step), at(&moved, picked));
        match moved.iter_mut().find(|entry| entry.0 == picked) {
            Some(entry) => entry.1 = here,
            None => moved.push((picked, here)),
        }
        take(there);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::TopologySpec;
    use proptest::prelude::*;

    fn peers(degree: u32) -> Vec<NodeId> {
        (100..100 + degree).map(NodeId).collect()
    }

    fn dense(stream: &Stream, degree: u32, count: u32) -> Vec<NodeId> {
        shuffled_prefix(stream.clone(), &mut peers(degree), count).to_vec()
    }

    fn sparse(stream: &Stream, degree: u32, count: u32) -> Vec<NodeId> {
        let mut taken = Vec::new();
        sparse_prefix(stream.clone(), degree, count, |position| taken.push(NodeId(100 + position)));
        taken
    }

    proptest! {
        #[test]
        fn dense_and_sparse_shuffles_agree(seed: u64, degree in 1u32..200, count in 0u32..=32) {
            let stream = Key::new(seed, Purpose::Targets).stream();
            let count = count.min(degree);
            prop_assert_eq!(dense(&stream, degree, count), sparse(&stream, degree, count));
        }

        #[test]
        fn targets_are_distinct_and_a_larger_fanout_extends_them(seed: u64, degree in 1u32..64) {
            let stream = Key::new(seed, Purpose::Targets).stream();
            let all = dense(&stream, degree, degree);
            let mut sorted = all.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, peers(degree));
            for count in 0..=degree {
                prop_assert_eq!(&dense(&stream, degree, count)[..], &all[..count as usize]);
            }
        }
    }

    /// The vectors in `docs/DETERMINISM.md`.
    #[test]
    fn targets_are_as_specified() {
        let topology = TopologySpec::Complete.build(1_000, 0, 7).unwrap();
        for (node, expected) in [
            (0, [268, 277, 993, 15, 154, 546, 733, 982]),
            (3, [344, 473, 223, 592, 476, 908, 431, 868]),
            (999, [24, 879, 386, 380, 68, 127, 791, 488]),
        ] {
            let mut scratch = TargetScratch::default();
            let targets = TargetDraw::new(7, 8).draw(&topology, OrderIndex(0), NodeId(node), &mut scratch);
            assert_eq!(targets, expected.map(NodeId));
        }
    }

    /// The vectors in `docs/DETERMINISM.md`, and on ten nodes, where slots repeat, every peer there is.
    #[test]
    fn targets_in_slots_are_as_specified() {
        let far = [178245016, 404876139, 307665356, 884903572, 13714180, 294484014, 537635742, 964214125];
        for (nodes, peers, node, expected) in [
            (1_000_000_000, 20, 999, &far[..]),
            (1_000, 20, 3, &[535, 0, 282, 213, 373, 74, 585, 40]),
            (10, 6, 4, &[8, 5, 2, 3, 9]),
        ] {
            let topology = TopologySpec::RegularImplicit.build(nodes, peers, 7).unwrap();
            let mut scratch = TargetScratch::new(8, &topology);
            let targets = TargetDraw::new(7, 8).draw(&topology, OrderIndex(0), NodeId(node), &mut scratch);
            assert!(targets.iter().map(|to| to.0).eq(expected.iter().copied()), "{targets:?}");
        }
    }

    proptest! {
        /// Targets in slots are distinct peers, all of them if the fanout allows, and a larger fanout extends them.
        #[test]
        fn targets_in_slots_are_distinct_peers(nodes in 6u32..200, peers in 1u32..40, node in 0u32..200, seed: u64) {
            let peers = (2 * peers).min((nodes - 2) / 2 * 2);
            let node = NodeId(node % nodes);
            let topology = TopologySpec::RegularImplicit.build(nodes, peers, seed).unwrap();
            let drawn = |fanout| {
                let mut scratch = TargetScratch::new(fanout, &topology);
                let capacity = scratch.peers.capacity();
                let targets = TargetDraw::new(seed, fanout).draw(&topology, OrderIndex(1), node, &mut scratch).to_vec();
                assert_eq!(scratch.peers.capacity(), capacity);
                targets
            };
            let all = drawn(u32::MAX);
            let mut sorted = all.clone();
            sorted.sort_unstable();
            prop_assert!(sorted.into_iter().eq(topology.peers(node)));
            for fanout in 0..all.len() {
                prop_assert_eq!(&drawn(fanout as u32), &all[..fanout]);
            }
        }
    }

    /// On rows that are stored and computed, short and long, of which a fanout takes the first.
    #[test]
    fn everyone_is_every_peer_in_the_order_that_a_fanout_takes_the_first_of() {
        let families = [
            (TopologySpec::Complete, 40),
            (TopologySpec::Complete, 1_000),
            (TopologySpec::Star, 1_000),
            (TopologySpec::ErdosRenyi, 200),
            (TopologySpec::RegularImplicit, 200),
        ];
        for (family, nodes) in families {
            let topology = family.build(nodes, if family == TopologySpec::Complete { 0 } else { 20 }, 7).unwrap();
            let drawn = |draw: TargetDraw, order| {
                draw.draw(&topology, OrderIndex(order), NodeId(0), &mut TargetScratch::default()).to_vec()
            };
            let all: Vec<NodeId> = topology.peers(NodeId(0)).collect();
            assert_eq!(drawn(TargetDraw::unordered(), 3), all, "{family} {nodes}");
            let ordered = drawn(TargetDraw::everyone(7), 3);
            let mut sorted = ordered.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, all, "{family} {nodes}");
            assert_ne!(ordered, all, "{family} {nodes}");
            for fanout in [1, 8, 15] {
                assert_eq!(drawn(TargetDraw::new(7, fanout), 3), ordered[..fanout as usize], "{family} {nodes}");
            }
            assert_eq!(drawn(TargetDraw::new(7, 2).widened(), 3), ordered);
            assert!(drawn(TargetDraw::everyone(8), 3) != ordered && drawn(TargetDraw::everyone(7), 4) != ordered);
        }
    }

    /// The vectors in `docs/DETERMINISM.md`.
    #[test]
    fn the_order_of_a_flood_is_as_specified() {
        for (family, nodes, node, expected) in [
            (TopologySpec::Complete, 10, 3, [4, 5, 0, 7, 2, 9, 8, 6, 1]),
            (TopologySpec::Star, 10, 0, [3, 4, 9, 2, 5, 8, 1, 7, 6]),
        ] {
            let topology = family.build(nodes, 0, 7).unwrap();
            let mut scratch = TargetScratch::default();
            let targets = TargetDraw::everyone(7).draw(&topology, OrderIndex(0), NodeId(node), &mut scratch);
            assert_eq!(targets, expected.map(NodeId));
        }
    }

    #[test]
    fn every_peer_is_as_likely_a_target() {
        let mut hits = [0u32; 20];
        for node in 0..50_000 {
            let stream = Key::new(3, Purpose::Targets).with(0).with(node).stream();
            for peer in dense(&stream, 20, 8) {
                hits[(peer.0 - 100) as usize] += 1;
            }
        }
        // Binomial(50,000, 8/20): mean 20,000, standard deviation 110; five of them either way.
        assert!(hits.iter().all(|hit| hit.abs_diff(20_000) < 550), "{hits:?}");
    }
}
