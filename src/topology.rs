//! Who knows whom: the overlay, fixed for a run.
//!
//! One file per family. A family is either stored, as compressed sparse rows, or computed on demand; whoever asks for
//! a peer need not know which. Every overlay is undirected and simple: no node is its own peer, no two nodes are linked
//! twice, and each is in the other's row.
//!
//! What is not here: which peers an order goes to (`gossip`), and who is a peer after a change (`membership`).
//!
//! What was refused: a trait object per overlay (the innermost loops read rows, and a match that is always taken the
//! same way is free where a virtual call is not), and a graph library (its edges carry weights and lists to thread
//! them on, at several times the memory).

mod barabasi_albert;
mod complete;
mod edge_list;
mod erdos_renyi;
mod error;
mod grid;
mod links;
mod pages;
mod random_regular;
mod reach;
mod ring;
mod rows;
mod skip;
mod spec;
mod star;
#[cfg(test)]
mod tests;
mod watts_strogatz;

pub use edge_list::EdgeListError;
pub use error::TopologyError;
pub use reach::{Reach, reach};
pub use spec::{ParseTopologyError, TopologySpec};

use crate::ids::NodeId;
use rows::Rows;

/// An overlay: `nodes` nodes and, for each, its peers in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    shape: Shape,
}

/// How the peers of a node are found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// Read from compressed sparse rows.
    Stored(Rows),
    /// Everyone but oneself, computed.
    Complete { nodes: u32 },
}

impl Topology {
    fn stored(rows: Rows) -> Topology {
        Topology { shape: Shape::Stored(rows) }
    }

    fn complete(nodes: u32) -> Topology {
        Topology { shape: Shape::Complete { nodes } }
    }

    /// The number of nodes; their ids are `0..nodes`.
    #[inline]
    pub fn nodes(&self) -> u32 {
        match &self.shape {
            Shape::Stored(rows) => rows.nodes(),
            Shape::Complete { nodes } => *nodes,
        }
    }

    /// The number of peers of `node`, which must be one of [`nodes`](Self::nodes).
    #[inline]
    pub fn degree(&self, node: NodeId) -> u32 {
        match &self.shape {
            Shape::Stored(rows) => rows.row(node).len() as u32,
            Shape::Complete { nodes } => complete::degree(*nodes),
        }
    }

    /// The `k`-th peer of `node` in ascending order; `k` counts from 0 and must be less than its degree.
    #[inline]
    pub fn peer(&self, node: NodeId, k: u32) -> NodeId {
        match &self.shape {
            Shape::Stored(rows) => rows.row(node)[k as usize],
            Shape::Complete { .. } => complete::peer(node, k),
        }
    }

    /// All peers of `node`, ascending.
    pub fn peers(&self, node: NodeId) -> impl ExactSizeIterator<Item = NodeId> + '_ {
        (0..self.degree(node)).map(move |k| self.peer(node, k))
    }

    /// The peers of `node` as a slice, ascending, or `None` where the family is computed.
    ///
    /// For loops that copy whole rows; they fall back to [`peer`](Self::peer) where there is no row to copy.
    #[inline]
    pub fn row(&self, node: NodeId) -> Option<&[NodeId]> {
        match &self.shape {
            Shape::Stored(rows) => Some(rows.row(node)),
            Shape::Complete { .. } => None,
        }
    }

    /// Asks the processor for what leads to the row of `node`, which will be read soon.
    #[inline]
    pub fn prefetch_degree(&self, node: NodeId) {
        if let Shape::Stored(rows) = &self.shape {
            rows.prefetch_bounds(node);
        }
    }

    /// Asks the processor for the row of `node`, which will be read soon; better some time after
    /// [`prefetch_degree`](Self::prefetch_degree).
    #[inline]
    pub fn prefetch_row(&self, node: NodeId) {
        if let Shape::Stored(rows) = &self.shape {
            rows.prefetch_row(node);
        }
    }

    /// The number of linked pairs.
    pub fn links(&self) -> u64 {
        match &self.shape {
            Shape::Stored(rows) => rows.entries() / 2,
            Shape::Complete { nodes } => complete::links(*nodes),
        }
    }

    /// Peers per node, on average; 0 for no nodes.
    pub fn mean_degree(&self) -> f64 {
        2.0 * self.links() as f64 / f64::from(self.nodes().max(1))
    }

    /// The most peers any node has.
    pub fn max_degree(&self) -> u32 {
        match &self.shape {
            Shape::Stored(rows) => rows.longest(),
            Shape::Complete { nodes } => complete::degree(*nodes),
        }
    }

    /// The bytes held in memory for the peers of all nodes; 0 where they are computed.
    pub fn bytes(&self) -> u64 {
        match &self.shape {
            Shape::Stored(rows) => rows.bytes(),
            Shape::Complete { .. } => 0,
        }
    }
}
