//! Names of things: nodes, orders, workers. Plain words, four bytes at most, so that a message stays small.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A node of the overlay, counted from 0. At most 2^32 - 1 nodes take part in a run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[serde(transparent)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The node as a position in an array that covers all nodes.
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
/// An order travels as this index; what it says (symbol, price, payload) stays in a table per worker.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, BorshSerialize, BorshDeserialize,
)]
#[serde(transparent)]
pub struct OrderIndex(pub u32);

impl OrderIndex {
    /// The order as a position in an array that covers all orders.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for OrderIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
