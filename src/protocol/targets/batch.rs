//! The targets of many nodes at once, for engines in which many nodes forward at the same time.
//!
//! A batch draws the same targets as [`TargetDraw::draw`], node by node. Only the sequence of the work differs: on an
//! implicit overlay all slots of the batch are drawn first and then computed side by side, at a third of the cost; on
//! stored rows all random words are drawn first, and a row is prefetched while earlier rows are drawn from.

mod row_block;

use super::{DENSE_PEERS_MAX, TargetDraw, TargetScratch};
use crate::ids::{NodeId, OrderIndex};
use crate::random::Stream;
use crate::topology::{Implicit, Topology};
use row_block::RowBlock;

/// Nodes between the prefetch of a stored row and its use.
const ROW_AHEAD: usize = 8;

/// Nodes between the prefetch of a row's offset and its use.
const DEGREE_AHEAD: usize = 16;

/// The maximum number of targets for which room is reserved.
const ROOM_MAX: usize = 1 << 16;

/// The targets of a batch of nodes.
#[derive(Debug)]
pub struct TargetBatch {
    /// The end of each node's targets, by node of the batch.
    ends: Vec<usize>,
    targets: Vec<NodeId>,
    /// The node of each slot to compute.
    senders: Vec<NodeId>,
    slots: Vec<u16>,
    block: RowBlock,
    scratch: TargetScratch,
}

impl TargetBatch {
    /// Creates room for batches of `nodes` nodes of `topology`. It grows later if some nodes have far more peers than
    /// most.
    pub fn new(draw: &TargetDraw, topology: &Topology, nodes: usize) -> TargetBatch {
        let count = draw.count(topology.max_degree()) as usize;
        let room = nodes.saturating_mul(count).min(ROOM_MAX);
        let computed = if topology.implicit().is_some() { room } else { 0 };
        TargetBatch {
            ends: Vec::with_capacity(nodes),
            targets: Vec::with_capacity(room),
            senders: Vec::with_capacity(computed),
            slots: Vec::with_capacity(computed),
            block: RowBlock::new(draw.count(topology.max_degree())),
            scratch: TargetScratch::new(draw.fanout, topology),
        }
    }

    /// Replaces the content by the targets of each of `nodes`; `order` returns the order that the node at an index of
    /// the batch forwards. Calls `between` with each index, once or twice, so that a little other work overlaps with
    /// the draws.
    pub fn draw(
        &mut self,
        draw: &TargetDraw,
        topology: &Topology,
        order: impl Fn(usize) -> OrderIndex + Copy,
        nodes: &[NodeId],
        mut between: impl FnMut(usize),
    ) {
        self.targets.clear();
        self.ends.clear();
        let is_drawn = match topology.implicit() {
            Some(implicit) if !draw.takes_all => self.draw_lanes(draw, implicit, order, nodes, &mut between),
            None if topology.is_stored() && !draw.takes_all => {
                self.draw_rows(draw, topology, order, nodes, &mut between);
                true
            }
            _ => false,
        };
        if !is_drawn {
            self.draw_each(draw, topology, order, nodes, between);
        }
    }

    /// Returns the targets of the node at an index of the batch; empty if there is no such index.
    #[inline]
    pub fn targets_of(&self, place: usize) -> &[NodeId] {
        let Some(&end) = self.ends.get(place) else { return &[] };
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.targets[begin..end]
    }

    /// Returns all targets, node by node.
    #[inline]
    pub fn targets(&self) -> &[NodeId] {
        &self.targets
    }

    /// Returns the end of each node's targets among all, by node of the batch.
    #[inline]
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Iterates over the targets of each node of the batch.
    #[inline]
    pub fn by_node(&self) -> impl Iterator<Item = &[NodeId]> {
        let mut begin = 0;
        self.ends.iter().map(move |&end| {
            let targets = &self.targets[begin..end];
            begin = end;
            targets
        })
    }

    fn draw_each(
        &mut self,
        draw: &TargetDraw,
        topology: &Topology,
        order: impl Fn(usize) -> OrderIndex + Copy,
        nodes: &[NodeId],
        mut between: impl FnMut(usize),
    ) {
        nodes.iter().take(DEGREE_AHEAD).for_each(|&node| topology.prefetch_degree(node));
        nodes.iter().take(ROW_AHEAD).for_each(|&node| topology.prefetch_row(node));
        for (place, &node) in nodes.iter().enumerate() {
            if let Some(&later) = nodes.get(place + DEGREE_AHEAD) {
                topology.prefetch_degree(later);
            }
            if let Some(&soon) = nodes.get(place + ROW_AHEAD) {
                topology.prefetch_row(soon);
            }
            self.targets.extend_from_slice(draw.draw(topology, order(place), node, &mut self.scratch));
            self.ends.push(self.targets.len());
            between(place);
        }
    }

    /// Draws and computes all slots. Draws nothing and returns false if a slot holds its own node or repeats a target,
    /// or if a node has too many slots to be drawn in lanes.
    fn draw_lanes(
        &mut self,
        draw: &TargetDraw,
        implicit: &Implicit,
        order: impl Fn(usize) -> OrderIndex + Copy,
        nodes: &[NodeId],
        mut between: impl FnMut(usize),
    ) -> bool {
        let slots = implicit.slots();
        let count = draw.count(slots);
        if slots > DENSE_PEERS_MAX || count == 0 {
            return false;
        }
        self.senders.clear();
        self.slots.clear();
        for (place, &node) in nodes.iter().enumerate() {
            between(place);
            self.senders.extend(std::iter::repeat_n(node, count as usize));
            drawn_slots(draw.stream(order(place), node), slots as u16, count, &mut self.slots);
        }
        self.targets.resize(self.senders.len(), NodeId(0));
        implicit.fill(&self.senders, &self.slots, &mut self.targets);
        let rows = nodes.iter().zip(self.targets.chunks_exact(count as usize));
        // Without a branch per row, because repeats are rare: nearly always all rows are examined anyway.
        if !rows.fold(true, |plain, (&node, targets)| plain & is_plain(node, targets)) {
            self.targets.clear();
            return false;
        }
        self.ends.extend((1..=nodes.len()).map(|place| place * count as usize));
        true
    }
}

/// Draws the first `count` of a shuffle of `0..slots`; there are at most [`DENSE_PEERS_MAX`] slots.
#[inline]
fn drawn_slots(mut stream: Stream, slots: u16, count: u32, drawn: &mut Vec<u16>) {
    let mut places = IN_ORDER;
    drawn.extend((0..count as usize).map(|step| {
        let picked = step + stream.below(u64::from(slots) - step as u64) as usize;
        // The remainder changes nothing, and shows the compiler that the index is within the table.
        let slot = places[picked % places.len()];
        places[picked % places.len()] = places[step % places.len()];
        u16::from(slot)
    }));
}

/// The identity permutation of slots.
const IN_ORDER: [u8; DENSE_PEERS_MAX as usize] = {
    let mut places = [0; DENSE_PEERS_MAX as usize];
    let mut place = 0;
    while place < places.len() {
        places[place] = place as u8;
        place += 1;
    }
    places
};

/// Returns true if all targets differ from the node and from each other.
#[inline]
fn is_plain(node: NodeId, targets: &[NodeId]) -> bool {
    match targets.try_into() {
        Ok(eight) => is_plain_eight(node, eight),
        Err(_) => targets.iter().enumerate().all(|(place, to)| *to != node && !targets[..place].contains(to)),
    }
}

/// Checks eight targets, the usual fanout, without a branch: compares each with the 1 to 4 targets after it,
/// cyclically.
#[inline]
fn is_plain_eight(node: NodeId, targets: &[NodeId; 8]) -> bool {
    let mut equal = targets.iter().fold(0, |equal, &to| equal | u32::from(to == node));
    for distance in 1..=4 {
        for place in 0..8 {
            equal |= u32::from(targets[place] == targets[(place + distance) % 8]);
        }
    }
    equal == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::TopologySpec;
    use proptest::prelude::*;

    proptest! {
        /// On overlays so small that slots repeat often, and on others.
        #[test]
        fn a_batch_is_what_its_nodes_draw(
            family in prop::sample::select(vec!["regular-implicit", "erdos-renyi", "complete", "star"]),
            nodes in 12u32..4_000, fanout in 1u32..14, seed: u64,
        ) {
            let topology = family.parse::<TopologySpec>().unwrap().build(nodes, 10, seed).unwrap();
            let draw = TargetDraw::new(seed, fanout);
            let mut target_batch = TargetBatch::new(&draw, &topology, 64);
            let mut scratch = TargetScratch::new(fanout, &topology);
            let batch: Vec<NodeId> = (0..nodes.min(64)).map(|k| NodeId(k * (nodes / 64).max(1))).collect();
            // All of one order, or of three orders in turn.
            for modulus in [1, 3] {
                let order_of = |place: usize| OrderIndex((place % modulus) as u32 + 2);
                let mut places = vec![];
                target_batch.draw(&draw, &topology, order_of, &batch, |place| places.push(place));
                prop_assert!((0..batch.len()).all(|place| places.contains(&place)));
                prop_assert_eq!(target_batch.by_node().count(), batch.len());
                for (place, (&node, targets)) in batch.iter().zip(target_batch.by_node()).enumerate() {
                    prop_assert_eq!(targets, draw.draw(&topology, order_of(place), node, &mut scratch));
                    prop_assert_eq!(targets, target_batch.targets_of(place));
                }
                prop_assert_eq!(target_batch.by_node().flatten().count(), target_batch.targets().len());
            }
        }
    }

    #[test]
    fn every_repeat_of_eight_is_found() {
        let apart: [NodeId; 8] = std::array::from_fn(|place| NodeId(place as u32));
        assert!(is_plain(NodeId(9), &apart));
        for one in 0..8 {
            assert!(!is_plain(apart[one], &apart));
            for other in (0..8).filter(|&other| other != one) {
                let mut repeated = apart;
                repeated[one] = repeated[other];
                assert!(!is_plain(NodeId(9), &repeated));
            }
        }
    }
}
