//! Maps nodes to the workers that own them: contiguous ranges whose sizes differ by at most one.

use crate::ids::NodeId;
use std::ops::Range;

/// The shards of a run, by worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardMap {
    /// The first node of each shard, then the number of nodes.
    bounds: Box<[u32]>,
    /// Workers per node, in units of 2^-32, rounded down.
    scale: u64,
}

impl ShardMap {
    /// Splits `nodes` nodes over `workers` workers, at least one. If there are more workers than nodes, some own none.
    pub fn new(nodes: u32, workers: usize) -> ShardMap {
        let workers = workers.max(1) as u64;
        // At most `nodes`, so it fits.
        let bounds = (0..=workers).map(|worker| (worker * u64::from(nodes) / workers) as u32).collect();
        ShardMap { bounds, scale: (workers << 32) / u64::from(nodes.max(1)) }
    }

    /// Returns the number of workers.
    pub fn workers(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Returns the number of nodes.
    pub fn nodes(&self) -> u32 {
        self.bounds[self.workers()]
    }

    /// Returns the nodes of a worker.
    #[inline]
    pub fn shard(&self, worker: usize) -> Range<u32> {
        self.bounds[worker]..self.bounds[worker + 1]
    }

    /// Returns the sizes of all shards.
    pub fn sizes(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.workers()).map(|worker| self.shard(worker).len() as u32)
    }

    /// Returns the first node of each shard.
    pub fn starts(&self) -> &[u32] {
        &self.bounds[..self.workers()]
    }

    /// Returns the worker that owns `node`, which must be below the number of nodes. The time does not depend on the
    /// number of workers.
    #[inline]
    pub fn owner(&self, node: NodeId) -> usize {
        // Rounded down twice, the guess is never too high; it is at most two too low if each worker has a node.
        let mut owner = ((u64::from(node.0) * self.scale) >> 32) as usize;
        while self.bounds[owner + 1] <= node.0 {
            owner += 1;
        }
        owner
    }

    /// Returns the worker that owns `node`, without a branch on the node: for loops over messages, whose targets no
    /// branch predictor can foresee. The time grows with the number of workers.
    #[inline]
    pub fn owner_by_sum(&self, node: NodeId) -> usize {
        self.starts()[1..].iter().map(|&start| usize::from(start <= node.0)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_node_has_one_owner_and_shares_are_even() {
        for (nodes, workers) in [(10, 8), (10, 3), (1, 1), (3, 8), (1_000, 7), (u32::MAX, 1_024)] {
            let partition = ShardMap::new(nodes, workers);
            let sizes: Vec<u32> = partition.sizes().collect();
            assert_eq!(sizes.iter().map(|&size| u64::from(size)).sum::<u64>(), u64::from(nodes));
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
            for worker in 0..workers {
                for node in [partition.shard(worker).start, partition.shard(worker).end.wrapping_sub(1)] {
                    if partition.shard(worker).contains(&node) {
                        assert_eq!(partition.owner(NodeId(node)), worker);
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn an_owner_owns_in_both_forms(
            nodes in prop_oneof![1u32..200, 1..=u32::MAX], workers in 1usize..=1_024, share in 0.0..1.0,
        ) {
            let map = ShardMap::new(nodes, workers);
            let drawn = (f64::from(nodes) * share) as u32;
            for node in map.starts().iter().copied().chain([drawn, nodes - 1]).filter(|&node| node < nodes) {
                let owner = map.starts().partition_point(|&start| start <= node) - 1;
                prop_assert_eq!([map.owner(NodeId(node)), map.owner_by_sum(NodeId(node))], [owner; 2]);
                prop_assert!(map.shard(owner).contains(&node));
            }
        }
    }
}
