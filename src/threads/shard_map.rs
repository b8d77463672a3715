//! Which worker owns which nodes: contiguous ranges whose sizes differ by one at most.

use crate::ids::NodeId;
use std::ops::Range;

/// The shards of a run, by worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardMap {
    starts: Vec<u32>,
    nodes: u32,
}

impl ShardMap {
    /// Splits `nodes` nodes over `workers` workers, at least one. With more workers than nodes some own none.
    pub fn new(nodes: u32, workers: usize) -> ShardMap {
        let workers = workers.max(1) as u64;
        // At most `nodes`, so it fits.
        let starts = (0..workers).map(|worker| (worker * u64::from(nodes) / workers) as u32).collect();
        ShardMap { starts, nodes }
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.starts.len()
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> u32 {
        self.nodes
    }

    /// The nodes of a worker.
    pub fn shard(&self, worker: usize) -> Range<u32> {
        self.starts[worker]..self.starts.get(worker + 1).copied().unwrap_or(self.nodes)
    }

    /// The sizes of all shards.
    pub fn sizes(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.workers()).map(|worker| self.shard(worker).len() as u32)
    }

    /// The first node of each shard.
    pub fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The worker that owns a node.
    pub fn owner(&self, node: NodeId) -> usize {
        self.starts.partition_point(|&start| start <= node.0).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
