//! Volleys on stored rows: the draws of a block of nodes go on side by side, a lane for each node.
//!
//! A node's shuffle is in order of its steps, but what a step picks hangs on the key and the length of the row alone;
//! and of what stands where, only what was put into the places picked has to be known. So positions are drawn for all
//! nodes without a look at any row, and each row is read at its targets only.

use super::{DENSE_PEERS_MAX, TargetBatch};
use crate::ids::{NodeId, OrderIndex};
use crate::protocol::TargetDraw;
use crate::random::{Key, below_of};
use crate::simd::{self, SimdBatch};
use crate::topology::Topology;

/// Nodes that are drawn for side by side.
const NODES: usize = 64;

/// Nodes between the prefetch of a row, or of its place, and its use.
const ROW_AHEAD: usize = 8;
const DEGREE_AHEAD: usize = 16;

/// A number for each node of a block.
type RowLanes = [u8; NODES];

/// The draws of a block of nodes.
#[derive(Debug)]
pub(super) struct RowBlock {
    keys: [Key; NODES],
    /// The lengths of the rows; 1 beyond the last node.
    degrees: [u32; NODES],
    /// By step, where in its row each node's target stands. Beyond a node's fanout it means nothing.
    places: Vec<RowLanes>,
    /// By step, what stands in that step's own place when its turn comes.
    kept: Vec<RowLanes>,
}

impl RowBlock {
    /// Room for so many targets.
    pub(super) fn new(count: u32) -> RowBlock {
        let steps = count.min(DENSE_PEERS_MAX) as usize;
        let lanes = || Vec::with_capacity(steps);
        RowBlock { keys: [Key::default(); NODES], degrees: [1; NODES], places: lanes(), kept: lanes() }
    }

    /// Draws for at most [`NODES`] nodes.
    fn draw(&mut self, draw: &TargetDraw, topology: &Topology, order: OrderIndex, nodes: &[NodeId]) {
        let key = draw.key.with(u64::from(order.0));
        self.degrees.fill(1);
        for (place, &node) in nodes.iter().enumerate() {
            if let Some(&later) = nodes.get(place + DEGREE_AHEAD) {
                topology.prefetch_degree(later);
            }
            self.degrees[place] = topology.degree(node);
            self.keys[place] = key.with(u64::from(node.0));
        }
        // They are on their way while positions are drawn.
        nodes.iter().take(ROW_AHEAD).for_each(|&node| topology.prefetch_row(node));
        let steps = draw.fanout.min(DENSE_PEERS_MAX) as usize;
        self.places.resize(steps, [0; NODES]);
        self.kept.resize(steps, [0; NODES]);
        let RowBlock { keys, degrees, places, kept } = self;
        simd::run(Steps { keys, degrees, places, kept });
    }
}

impl TargetBatch {
    /// Draws for nodes whose rows are stored. Rows that are too long for that are drawn from one by one.
    pub(super) fn draw_rows(
        &mut self,
        draw: &TargetDraw,
        topology: &Topology,
        order: OrderIndex,
        nodes: &[NodeId],
        mut between: impl FnMut(usize),
    ) {
        for (place, &node) in nodes.iter().enumerate() {
            let lane = place % NODES;
            if lane == 0 {
                self.block.draw(draw, topology, order, &nodes[place..nodes.len().min(place + NODES)]);
            }
            if let Some(&soon) = nodes.get(place + ROW_AHEAD) {
                topology.prefetch_row(soon);
            }
            match topology.row(node) {
                Some(row) if row.len() <= DENSE_PEERS_MAX as usize => {
                    let steps = &self.block.places[..draw.count(row.len() as u32) as usize];
                    match steps.first_chunk::<8>() {
                        // The usual fanout, of which the compiler makes no loop.
                        Some(eight) if steps.len() == 8 => {
                            let targets = std::array::from_fn::<_, 8, _>(|step| row[usize::from(eight[step][lane])]);
                            self.targets.extend_from_slice(&targets);
                        }
                        _ => self.targets.extend(steps.iter().map(|places| row[usize::from(places[lane])])),
                    }
                }
                _ => self.targets.extend_from_slice(draw.draw(topology, order, node, &mut self.scratch)),
            }
            self.ends.push(self.targets.len());
            between(place);
        }
    }
}

/// The steps of a block's shuffles.
struct Steps<'a> {
    keys: &'a [Key; NODES],
    degrees: &'a [u32; NODES],
    places: &'a mut [RowLanes],
    kept: &'a mut [RowLanes],
}

impl SimdBatch for Steps<'_> {
    #[inline(always)]
    fn run(self) {
        let Steps { keys, degrees, places, kept } = self;
        for (step, places) in (0u32..).zip(&mut *places) {
            for lane in 0..NODES {
                let below = degrees[lane].saturating_sub(step);
                places[lane] = (step + below_of(keys[lane].word_at(u64::from(step)), below) as u32) as u8;
            }
        }
        // A place holds itself, or what the last step that picked it has left there: what then stood in that step's
        // own.
        for step in 0..places.len() {
            let own = [step as u8; NODES];
            kept[step] = places[..step]
                .iter()
                .zip(&*kept)
                .fold(own, |held, (picked, kept)| where_equal(picked, &own, kept, held));
        }
        // From the last step on, because each looks at what those before it picked.
        for step in (0..places.len()).rev() {
            let own = places[step];
            places[step] = places[..step]
                .iter()
                .zip(&*kept)
                .fold(own, |held, (picked, kept)| where_equal(picked, &own, kept, held));
        }
    }
}

/// In each lane what stands in `then` where the two are equal, else what stands in `otherwise`.
#[inline(always)]
fn where_equal(one: &RowLanes, other: &RowLanes, then: &RowLanes, otherwise: RowLanes) -> RowLanes {
    let mut chosen = otherwise;
    for lane in 0..NODES {
        // By a mask, since a choice of two memory cells would be a choice of their addresses.
        let mask = 0u8.wrapping_sub(u8::from(one[lane] == other[lane]));
        chosen[lane] = (then[lane] & mask) | (otherwise[lane] & !mask);
    }
    chosen
}
