//! Batches on stored rows: the draws of a block of nodes run side by side, one SIMD lane per node.
//!
//! The steps of a shuffle depend on each other, but the position picked in a step depends only on the key and the
//! length of the row; and of the contents of positions only those that were picked matter. So positions are drawn for
//! all nodes without reading any row, and each row is read at its targets only.

use super::{DENSE_PEERS_MAX, TargetBatch};
use crate::ids::{NodeId, OrderIndex};
use crate::protocol::TargetDraw;
use crate::random::{Key, below_of};
use crate::simd::{self, SimdBatch};
use crate::topology::Topology;

/// Nodes drawn for side by side.
const NODES: usize = 64;

/// Nodes between the prefetch of a row, or of its offset, and its use.
const ROW_AHEAD: usize = 8;
const DEGREE_AHEAD: usize = 16;

/// One number per node of a block.
type RowLanes = [u8; NODES];

/// The draws of a block of nodes.
#[derive(Debug)]
pub(super) struct RowBlock {
    keys: [Key; NODES],
    /// The lengths of the rows; 1 beyond the last node.
    degrees: [u32; NODES],
    /// By step, the position of each node's target in its row. Meaningless beyond a node's fanout.
    places: Vec<RowLanes>,
    /// By step, the content of that step's own position when its turn comes.
    kept: Vec<RowLanes>,
}

impl RowBlock {
    /// Creates room for `count` targets per node.
    pub(super) fn new(count: u32) -> RowBlock {
        let steps = count.min(DENSE_PEERS_MAX) as usize;
        let lanes = || Vec::with_capacity(steps);
        RowBlock { keys: [Key::default(); NODES], degrees: [1; NODES], places: lanes(), kept: lanes() }
    }

    /// Draws positions for at most [`NODES`] nodes.
    fn draw(&mut self, draw: &TargetDraw, topology: &Topology, order: impl Fn(usize) -> OrderIndex, nodes: &[NodeId]) {
        self.degrees.fill(1);
        for (place, &node) in nodes.iter().enumerate() {
            if let Some(&later) = nodes.get(place + DEGREE_AHEAD) {
                topology.prefetch_degree(later);
            }
            self.degrees[place] = topology.degree(node);
            self.keys[place] = draw.key.with(u64::from(order(place).0)).with(u64::from(node.0));
        }
        // The rows arrive while positions are drawn.
        nodes.iter().take(ROW_AHEAD).for_each(|&node| topology.prefetch_row(node));
        let steps = draw.fanout.min(DENSE_PEERS_MAX) as usize;
        self.places.resize(steps, [0; NODES]);
        self.kept.resize(steps, [0; NODES]);
        let RowBlock { keys, degrees, places, kept } = self;
        simd::run(Steps { keys, degrees, places, kept });
    }
}

impl TargetBatch {
    /// Draws for nodes whose rows are stored. Rows that are too long are drawn from one by one.
    pub(super) fn draw_rows(
        &mut self,
        draw: &TargetDraw,
        topology: &Topology,
        order: impl Fn(usize) -> OrderIndex + Copy,
        nodes: &[NodeId],
        mut between: impl FnMut(usize),
    ) {
        for (place, &node) in nodes.iter().enumerate() {
            let lane = place % NODES;
            if lane == 0 {
                let block = &nodes[place..nodes.len().min(place + NODES)];
                self.block.draw(draw, topology, |lane| order(place + lane), block);
            }
            if let Some(&soon) = nodes.get(place + ROW_AHEAD) {
                topology.prefetch_row(soon);
            }
            match topology.row(node) {
                Some(row) if row.len() <= DENSE_PEERS_MAX as usize => {
                    let steps = &self.block.places[..draw.count(row.len() as u32) as usize];
                    match steps.first_chunk::<8>() {
                        // The usual fanout, for which the compiler unrolls the loop.
                        Some(eight) if steps.len() == 8 => {
                            let targets = std::array::from_fn::<_, 8, _>(|step| row[usize::from(eight[step][lane])]);
                            self.targets.extend_from_slice(&targets);
                        }
                        _ => self.targets.extend(steps.iter().map(|places| row[usize::from(places[lane])])),
                    }
                }
                _ => self.targets.extend_from_slice(draw.draw(topology, order(place), node, &mut self.scratch)),
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
        // A position holds itself, or what the last step that picked it left there: the content of that step's own
        // position at the time.
        for step in 0..places.len() {
            let own = [step as u8; NODES];
            kept[step] = places[..step]
                .iter()
                .zip(&*kept)
                .fold(own, |held, (picked, kept)| where_equal(picked, &own, kept, held));
        }
        // Backwards, because each step needs the positions that were picked before it.
        for step in (0..places.len()).rev() {
            let own = places[step];
            places[step] = places[..step]
                .iter()
                .zip(&*kept)
                .fold(own, |held, (picked, kept)| where_equal(picked, &own, kept, held));
        }
    }
}

/// Returns, per lane, the number in `then` where the two are equal, else the number in `otherwise`.
#[inline(always)]
fn where_equal(one: &RowLanes, other: &RowLanes, then: &RowLanes, otherwise: RowLanes) -> RowLanes {
    let mut chosen = otherwise;
    for lane in 0..NODES {
        // With a mask, because choosing between two memory cells would compile to choosing between their addresses.
        let mask = 0u8.wrapping_sub(u8::from(one[lane] == other[lane]));
        chosen[lane] = (then[lane] & mask) | (otherwise[lane] & !mask);
    }
    chosen
}
