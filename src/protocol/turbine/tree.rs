//! The tree of a shred: which places of a shuffle send to which. It is the same for all shreds, whose shuffles differ.
//!
//! ```text
//! root     0
//! layer 1  1, 2, ..., F
//! layer 2  F + 1, ..., F F + F: node k of layer 1 sends to F + k, 2F + k, ..., F F + k
//! ```
//!
//! A layer is divided into neighbourhoods of F places, and a place sends to its own position of each of F
//! neighbourhoods of the next layer.

/// A tree over the places of a shuffle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShredTree {
    fanout: u64,
    /// The number of places.
    size: u64,
}

impl ShredTree {
    /// Creates the tree of this many places; the fanout is above 0.
    pub(super) fn new(fanout: u32, size: u32) -> ShredTree {
        ShredTree { fanout: fanout.into(), size: size.into() }
    }

    /// Returns the number of places.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Returns the number of places that send to others: the first ones.
    pub(super) fn senders(&self) -> u32 {
        let (mut sends, mut does_not) = (0, self.size as u32);
        // No place has a first child before that of an earlier one.
        while sends < does_not {
            let middle = sends + (does_not - sends) / 2;
            if self.children(middle).next().is_some() {
                sends = middle + 1;
            } else {
                does_not = middle;
            }
        }
        sends
    }

    /// Returns the places to which a place sends, ascending.
    #[inline]
    pub(super) fn children(&self, place: u32) -> impl Iterator<Item = u32> + use<> {
        let ShredTree { fanout, size } = *self;
        let place = u64::from(place);
        let (first, step) = if place == 0 { (1, 1) } else { self.below(place) };
        // A place without children, as nearly all are, costs one comparison.
        let count = if first >= size { 0 } else { fanout.min((size - first).div_ceil(step)) };
        (0..count).map(move |child| (first + child * step) as u32)
    }

    /// Returns the first child of a place that is not the root, and the distance between two.
    #[inline]
    fn below(&self, place: u64) -> (u64, u64) {
        // No child of a place lies before it times the fanout, less one neighbourhood.
        if (place - 1).saturating_sub(self.fanout) * self.fanout >= self.size {
            return (self.size, 1);
        }
        let offset = (place - 1) % self.fanout;
        ((place - offset) * self.fanout + offset + 1, self.fanout)
    }

    /// Returns the place that sends to a place; `None` for the root.
    #[cfg(test)]
    pub(super) fn parent(&self, place: u32) -> Option<u32> {
        let (place, fanout) = (u64::from(place), self.fanout);
        let offset = place.saturating_sub(1) % fanout;
        let above = place.checked_sub(1)? / fanout;
        let anchor = above - above.saturating_sub(1) % fanout;
        Some(if anchor == 0 { 0 } else { anchor + offset } as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::super::listed_trees::{AGAVE_TREES, ListedTree};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_trees_are_those_of_agave() {
        for tree in &AGAVE_TREES {
            assert_eq!(tree.matching(), tree.nodes.len(), "fanout {}", tree.fanout);
        }
        assert_eq!(ShredTree::new(3, 36).parent(0), None);
        let of_another = ListedTree { fanout: 3, ..AGAVE_TREES[0] };
        assert!(of_another.matching() < of_another.nodes.len());
    }

    proptest! {
        /// Every place but the root has one parent, which lies before it, and no place sends to more than the fanout.
        #[test]
        fn every_place_is_reached_once(fanout in 1u32..40, size in 1u32..3_000) {
            let tree = ShredTree::new(fanout, size);
            let mut reached = vec![0; size as usize];
            for place in 0..size {
                prop_assert!(tree.children(place).count() <= fanout as usize);
                prop_assert_eq!(tree.children(place).next().is_some(), place < tree.senders());
                for child in tree.children(place) {
                    prop_assert!(child > place && tree.parent(child) == Some(place));
                    reached[child as usize] += 1;
                }
            }
            prop_assert_eq!(reached[0], 0);
            prop_assert!(reached[1..].iter().all(|&times| times == 1));
        }
    }

    /// With a fanout of 200, root and two layers hold 40,201 nodes.
    #[test]
    fn three_layers_hold_forty_thousand_nodes() {
        let depth = |size: u32| {
            let tree = ShredTree::new(200, size);
            let mut depth = vec![0_u8; size as usize];
            (0..size).for_each(|place| {
                tree.children(place).for_each(|child| depth[child as usize] = depth[place as usize] + 1);
            });
            depth.into_iter().max().unwrap()
        };
        assert_eq!((depth(201), depth(202), depth(40_201), depth(40_202)), (1, 2, 2, 3));
    }
}
