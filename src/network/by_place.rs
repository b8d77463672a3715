//! A value for each node, stored once for each distinct place.

use crate::ids::NodeId;
use std::sync::Arc;

/// The values of all nodes: those of the distinct places, and the index of its place by node.
#[derive(Clone, Debug)]
pub struct ByPlace<T> {
    by_node: Arc<[u32]>,
    values: Arc<[T]>,
}

impl<T> ByPlace<T> {
    /// Creates the values of the nodes whose places have these indices.
    pub(super) fn new(by_node: &Arc<[u32]>, values: impl Iterator<Item = T>) -> ByPlace<T> {
        ByPlace { by_node: Arc::clone(by_node), values: values.collect() }
    }

    /// Returns the value of a node.
    #[inline]
    pub(super) fn of(&self, node: NodeId) -> &T {
        &self.values[self.by_node[node.index()] as usize]
    }

    /// Returns the values of the distinct places.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }
}
