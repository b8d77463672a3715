//! The places of those nodes of a listed shuffle that send on: a bit for each node, and places for the few whose bit is
//! set.
//!
//! Nearly all nodes are leaves of a shred's tree. That a node is one takes a look at a bit, and the bits of all shreds
//! of an order fit a cache, which a place for each node would not.

/// The nodes at the first places of a shuffle, with these places.
#[derive(Debug)]
pub(super) struct SenderPlaces {
    /// By node, one bit.
    marks: Box<[u64]>,
    /// By word of the marks, the number of marks before it.
    before: Box<[u32]>,
    /// The places of the marked nodes, which ascend.
    places: Box<[u32]>,
}

/// Bytes of a word of marks, with the number of those before it.
const WORD_BYTES: u64 = (size_of::<u64>() + size_of::<u32>()) as u64;

impl SenderPlaces {
    /// Creates the places of `senders`, in the sequence of their places, among nodes below `nodes`.
    pub(super) fn new(senders: &[u32], nodes: usize) -> SenderPlaces {
        let mut marks = vec![0_u64; nodes.div_ceil(64)].into_boxed_slice();
        senders.iter().for_each(|&node| marks[node as usize / 64] |= 1 << (node % 64));
        let before = marks.iter().scan(0, |before, word| Some(std::mem::replace(before, *before + word.count_ones())));
        let before = before.collect();
        let mut known = SenderPlaces { marks, before, places: vec![0; senders.len()].into_boxed_slice() };
        for (place, &node) in (0..).zip(senders) {
            let rank = known.rank_of(node).unwrap_or_default();
            known.places[rank] = place;
        }
        known
    }

    /// Returns the place of a node if it sends on.
    #[inline]
    pub(super) fn of(&self, node: u32) -> Option<u32> {
        self.rank_of(node).map(|rank| self.places[rank])
    }

    /// Returns the number of senders below a node, if that is one.
    #[inline]
    fn rank_of(&self, node: u32) -> Option<usize> {
        let (word, bit) = (node as usize / 64, 1 << (node % 64));
        let marks = self.marks[word];
        (marks & bit != 0).then(|| (self.before[word] + (marks & (bit - 1)).count_ones()) as usize)
    }

    /// Returns the bytes of the places of `senders` among `nodes` nodes.
    pub(super) fn bytes(senders: u64, nodes: u64) -> u64 {
        nodes.div_ceil(64).saturating_mul(WORD_BYTES).saturating_add(senders.saturating_mul(size_of::<u32>() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn senders_have_their_places_and_others_none(
            senders in prop::collection::btree_set(0..300_u32, 0..300).prop_map(Vec::from_iter).prop_shuffle(),
        ) {
            let places = SenderPlaces::new(&senders, 300);
            for node in 0..300 {
                let expected = senders.iter().position(|&sender| sender == node).map(|place| place as u32);
                prop_assert_eq!(places.of(node), expected);
            }
            let bytes = size_of_val(&*places.marks) + size_of_val(&*places.before) + size_of_val(&*places.places);
            prop_assert_eq!(SenderPlaces::bytes(senders.len() as u64, 300), bytes as u64);
        }
    }
}
