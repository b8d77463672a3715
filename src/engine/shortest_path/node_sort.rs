//! Sorts the nodes of a window roughly by number: nodes that are near each other in memory then follow each other, and
//! share cache lines and pages. The messages sent do not depend on the sequence.

/// The size of a shard from which on sorting pays: the receipts of fewer nodes fit the second-level cache.
const NODES_MIN: u32 = 1 << 17;

/// The number of nodes in a window from which on sorting pays: fewer are far apart in any sequence.
const WINDOW_MIN: usize = 1_024;

/// The number of upper bits of a node's number by which nodes are sorted: their counts fit the first-level cache.
const BITS: u32 = 11;

/// Sorts nodes by the upper bits of their numbers.
pub(super) struct NodeSort {
    /// The number of lower bits that are ignored; `None` if nothing is sorted.
    shift: Option<u32>,
    /// By the upper bits, the position of the next node with them.
    places: Vec<u32>,
    room: Vec<u32>,
}

impl NodeSort {
    /// Creates the sort for a shard of this many nodes.
    pub(super) fn new(nodes: u32) -> NodeSort {
        let bits = u32::BITS - nodes.leading_zeros();
        let shift = (nodes >= NODES_MIN).then(|| bits.saturating_sub(BITS));
        NodeSort { shift, places: Vec::new(), room: Vec::new() }
    }

    /// Sorts the nodes of a window.
    pub(super) fn sort(&mut self, nodes: &mut Vec<u32>) {
        let Some(shift) = self.shift.filter(|_| nodes.len() >= WINDOW_MIN) else { return };
        self.places.clear();
        self.places.resize((1 << BITS) + 1, 0);
        for &node in &*nodes {
            self.places[(node >> shift) as usize + 1] += 1;
        }
        let mut before = 0;
        for place in &mut self.places {
            before += *place;
            *place = before;
        }
        self.room.resize(nodes.len(), 0);
        for &node in &*nodes {
            let place = &mut self.places[(node >> shift) as usize];
            self.room[*place as usize] = node;
            *place += 1;
        }
        std::mem::swap(nodes, &mut self.room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_stay_the_same_and_ascend_by_their_upper_bits() {
        for nodes in [NODES_MIN, 1_000_003, u32::MAX] {
            let mut node_sort = NodeSort::new(nodes);
            let window = |step: u64| (0..5_000u64).map(|k| (k * step % u64::from(nodes)) as u32).collect::<Vec<_>>();
            for step in [1_000_033, 77, u64::from(nodes) - 1] {
                let mut sorted = window(step);
                node_sort.sort(&mut sorted);
                let shift = node_sort.shift.unwrap();
                assert!(sorted.is_sorted_by_key(|node| node >> shift) && nodes >> shift < 1 << BITS);
                let mut expected = window(step);
                expected.sort_unstable();
                sorted.sort_unstable();
                assert_eq!(sorted, expected);
            }
        }
    }

    #[test]
    fn few_nodes_stay_where_they_are() {
        let descending: Vec<u32> = (0..5_000).rev().collect();
        let mut nodes = descending.clone();
        NodeSort::new(NODES_MIN - 1).sort(&mut nodes);
        assert_eq!(nodes, descending);
        nodes.truncate(WINDOW_MIN - 1);
        NodeSort::new(NODES_MIN).sort(&mut nodes);
        assert_eq!(nodes, descending[..WINDOW_MIN - 1]);
    }
}
