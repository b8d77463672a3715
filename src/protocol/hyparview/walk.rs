//! Random walks, and the draws of a node's choices.

use crate::ids::NodeId;

/// The longest walk that a knob allows.
pub(super) const WALK_MAX: u32 = 64;

/// A random walk: the hops that are left, and the node that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    pub(super) hops: u32,
    pub(super) about: NodeId,
}

impl Walk {
    pub(super) const fn word(self) -> u64 {
        self.hops as u64 | (self.about.0 as u64) << 32
    }

    pub(super) const fn of_word(word: u64) -> Walk {
        Walk { hops: word as u32, about: NodeId((word >> 32) as u32) }
    }
}

/// Selects one of these nodes by a word; `None` if there is none.
pub(super) fn select(nodes: impl Iterator<Item = NodeId> + Clone, word: u64) -> Option<NodeId> {
    let count = nodes.clone().count() as u64;
    { nodes }.nth(below(word, count) as usize)
}

/// Maps a word evenly to a number below `bound`; to 0 if that is 0.
pub(super) fn below(word: u64, bound: u64) -> u64 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_selects_evenly_and_holds_a_walk() {
        let nodes = [3, 4, 5].map(NodeId);
        let selected = [0, u64::MAX / 3 + 1, u64::MAX].map(|word| select(nodes.iter().copied(), word));
        assert_eq!(selected, nodes.map(Some));
        assert_eq!((select(std::iter::empty(), 5), below(u64::MAX, 0)), (None, 0));
        let walk = Walk { hops: 6, about: NodeId(u32::MAX - 1) };
        assert_eq!(Walk::of_word(walk.word()), walk);
    }
}
