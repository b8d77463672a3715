//! The nodes of either side of a mixed network.
//!
//! What the sides run is not here: `mixed` has it.

use crate::ids::NodeId;
use crate::random::{Key, Purpose};
use crate::ratio::Ratio;
use std::sync::Arc;

/// The nodes of the second side, a bit each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondSide {
    bits: Arc<[u64]>,
    /// The nodes of the first side and of this.
    counts: [usize; 2],
}

impl SecondSide {
    /// Draws a share of the nodes, rounded up: those with the least draws, so that a greater share has all nodes of a
    /// lesser one.
    pub fn drawn(seed: u64, nodes: u32, share: Ratio) -> SecondSide {
        let key = Key::new(seed, Purpose::Protocol).with(SIDES);
        let mut drawn: Vec<(u64, u32)> =
            (0..nodes).map(|node| (key.with(u64::from(node)).stream().next_word(), node)).collect();
        let count = share.ceil_of(nodes.into()) as usize;
        if count > 0 && count < drawn.len() {
            drawn.select_nth_unstable(count - 1);
        }
        let mut bits = vec![0; (nodes as usize).div_ceil(64)];
        for &(_, node) in drawn.iter().take(count) {
            bits[node as usize / 64] |= 1 << (node % 64);
        }
        SecondSide { bits: bits.into(), counts: [drawn.len() - count, count] }
    }

    /// Returns the numbers of nodes of the first side and of this.
    pub const fn counts(&self) -> [usize; 2] {
        self.counts
    }

    /// Returns true if a node is of the second side.
    #[inline]
    pub fn has(&self, node: NodeId) -> bool {
        self.bits[node.index() / 64] >> (node.0 % 64) & 1 == 1
    }
}

/// The word that separates the draw of sides from other draws of protocols; part of docs/DETERMINISM.md.
const SIDES: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second(nodes: u32, percent: u64) -> Vec<u32> {
        let side = SecondSide::drawn(7, nodes, Ratio::new(percent, 100).unwrap());
        (0..nodes).filter(|&node| side.has(NodeId(node))).collect()
    }

    /// The vector of docs/DETERMINISM.md.
    #[test]
    fn the_nodes_of_the_second_side_are_those_with_the_least_draws() {
        assert_eq!(second(20, 30), VECTOR);
        let key = Key::new(7, Purpose::Protocol).with(SIDES);
        let mut all: Vec<u32> = (0..20).collect();
        all.sort_by_key(|&node| key.with(node.into()).stream().next_word());
        let mut least = all[..6].to_vec();
        least.sort_unstable();
        assert_eq!(least, VECTOR);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// The share is met to the node, and a greater share has the nodes of a lesser one.
        #[test]
        fn the_share_is_met(seed: u64, nodes in 1..700_u32, parts in 0..=1_000_u64, more in 0..=1_000_u64) {
            let of = |parts: u64| SecondSide::drawn(seed, nodes, Ratio::new(parts, 1_000).unwrap());
            let (some, all) = (of(parts), of(parts.max(more)));
            let count = (0..nodes).filter(|&node| some.has(NodeId(node))).count();
            prop_assert_eq!(count as u64, (parts * u64::from(nodes)).div_ceil(1_000));
            prop_assert_eq!(some.counts(), [nodes as usize - count, count]);
            prop_assert!((0..nodes).map(NodeId).all(|node| !some.has(node) || all.has(node)));
        }
    }

    /// Each node is as likely to be of it: of 400 seeds, binomial(400, 0.3) with mean 120 and deviation 9.2.
    #[test]
    fn no_node_is_favoured() {
        let share = Ratio::new(30, 100).unwrap();
        let sides: Vec<SecondSide> = (0..400).map(|seed| SecondSide::drawn(seed, 20, share)).collect();
        let counts = (0..20).map(|node| sides.iter().filter(|side| side.has(NodeId(node))).count());
        let counts: Vec<usize> = counts.collect();
        assert!(counts.iter().all(|count| (75..=165).contains(count)), "{counts:?}");
    }

    const VECTOR: [u32; 6] = [1, 8, 9, 11, 17, 19];
}
