//! The ids of nodes and orders: plain integers of at most four bytes, so that a message stays small.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A node of the overlay, counted from 0. A run has at most 2^32 - 1 nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u32);

impl NodeId {
    /// Returns the index into an array that covers all nodes.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An order of the run, counted from 0 in order of publication.
///
/// A message carries this index; the content of the order (symbol, price, payload) is in a table per worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderIndex(pub u32);

impl OrderIndex {
    /// Returns the index into an array that covers all orders.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for OrderIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
