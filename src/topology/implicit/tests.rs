//! Inverse permutations, symmetric rows, and the vectors of `docs/DETERMINISM.md`.

use super::*;
use crate::random::Purpose;
use proptest::prelude::*;

fn implicit(nodes: u32, peers: u32, seed: u64) -> Implicit {
    Implicit::new(nodes, peers, Key::new(seed, Purpose::Topology).with(5))
}

proptest! {
    /// The two directions of a permutation are inverse to each other, at any size, and at the first and last id.
    #[test]
    fn neighbouring_slots_are_inverse(nodes in 4u32.., node: u32, seed: u64) {
        let overlay = implicit(nodes, 4, seed);
        for node in [node % nodes, 0, nodes - 1].map(NodeId) {
            for slot in 0..4 {
                let peer = overlay.at(node, slot);
                prop_assert!(peer.0 < nodes);
                prop_assert_eq!(overlay.at(peer, slot ^ 1), node);
            }
        }
    }

    #[test]
    fn a_slot_is_a_permutation(nodes in 4u32..3_000, seed: u64) {
        let overlay = implicit(nodes, 2, seed);
        for slot in 0..2 {
            let mut seen = vec![false; nodes as usize];
            (0..nodes).for_each(|node| seen[overlay.at(NodeId(node), slot).index()] = true);
            prop_assert!(seen.iter().all(|&seen| seen));
        }
    }
}

/// A permutation without structure has one fixed point on average, and two slots agree as often as by chance.
#[test]
fn loops_and_repeats_are_as_few_as_by_chance() {
    let (nodes, peers, seeds) = (50_000, 20u32, 40);
    let (mut loops, mut repeats) = (0, 0);
    for seed in 0..seeds {
        let overlay = implicit(nodes, peers, seed);
        for node in (0..nodes).map(NodeId) {
            let mut slots: Vec<NodeId> = (0..peers).map(|slot| overlay.at(node, slot)).collect();
            slots.sort_unstable();
            loops += slots.iter().filter(|&&peer| peer == node).count();
            repeats += slots.windows(2).filter(|pair| pair[0] == pair[1] && pair[0] != node).count();
        }
    }
    // Ten permutations have ten fixed points, each in two slots. Each of the 190 pairs of slots agrees at one node on
    // average; ten of these pairs are a permutation and its inverse, which agree on nodes that swap.
    for (found, mean, weight) in [(loops, 20.0, 2.0), (repeats, 190.0, 2.0)] {
        let (found, mean) = (found as f64, mean * seeds as f64);
        assert!((found - mean).abs() < 5.0 * (mean * weight).sqrt(), "{found} where {mean} were expected");
    }
}

/// The vectors in `docs/DETERMINISM.md`.
#[test]
fn slots_are_pinned() {
    for (nodes, expected) in [
        (1_000, [389, 668, 860, 752, 302, 691]),
        (1_000_000_000, [178_245_016, 537_635_742, 229_347_116, 301_446_730, 119_684_096, 796_670_297]),
    ] {
        let overlay = implicit(nodes, 20, 7);
        assert_eq!([0, 1, 2, 3, 18, 19].map(|slot| overlay.at(NodeId(999), slot).0), expected);
    }
}
