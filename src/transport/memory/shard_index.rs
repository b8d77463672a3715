//! Finds the worker that owns a node with one multiplication, because it is needed for every message.

use crate::ids::NodeId;

/// The first node of each worker's shard. Shards are contiguous and their sizes differ by one at most.
#[derive(Clone, Debug)]
pub(super) struct ShardIndex {
    /// First node by worker, and a sentinel behind the last.
    starts: Box<[u32]>,
    /// Workers per node, in units of 2^-32, rounded down.
    scale: u64,
}

impl ShardIndex {
    /// Indexes the shards of `starts.len()` workers over `nodes` nodes.
    pub(super) fn new(starts: &[u32], nodes: u32) -> ShardIndex {
        let scale = ((starts.len() as u64) << 32) / u64::from(nodes.max(1));
        ShardIndex { starts: starts.iter().copied().chain([u32::MAX]).collect(), scale }
    }

    /// The worker that owns `node`, one of the run's nodes.
    #[inline]
    pub(super) fn owner(&self, node: NodeId) -> usize {
        // Rounded down twice, the guess is never too high and at most two too low.
        let mut owner = ((u64::from(node.0) * self.scale) >> 32) as usize;
        while self.starts[owner + 1] <= node.0 {
            owner += 1;
        }
        owner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// First nodes of the shards, computed as the shard map computes them.
    fn starts(nodes: u32, workers: u64) -> Vec<u32> {
        (0..workers).map(|worker| (worker * u64::from(nodes) / workers) as u32).collect()
    }

    proptest! {
        #[test]
        fn an_owner_owns(nodes in prop_oneof![1u32..200, 1..=u32::MAX], workers in 1u64..=1_024, share in 0.0..1.0) {
            let workers = workers.min(u64::from(nodes));
            let starts = starts(nodes, workers);
            let shards = ShardIndex::new(&starts, nodes);
            let drawn = (f64::from(nodes) * share) as u32;
            for node in starts.iter().copied().chain([drawn.min(nodes - 1), nodes - 1]) {
                let owner = starts.partition_point(|&start| start <= node) - 1;
                prop_assert_eq!(shards.owner(NodeId(node)), owner);
            }
        }
    }
}
