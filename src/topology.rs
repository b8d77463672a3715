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

mod alloc;
mod barabasi_albert;
mod bfs;
mod complete;
mod csr;
mod edge_list;
mod edges;
mod erdos_renyi;
mod error;
mod grid;
mod implicit;
mod names;
mod peers;
mod random_regular;
mod ring;
mod skip;
mod spec;
mod star;
#[cfg(test)]
mod tests;
mod watts_strogatz;

pub use bfs::{Reachability, reach, reach_unless};
pub use edge_list::{EdgeList, EdgeListError};
pub use error::TopologyError;
pub use implicit::Implicit;
pub use names::NodeNames;
pub use peers::Peers;
pub use spec::{ParseTopologyError, TopologySpec};

use crate::ids::NodeId;
use csr::CsrGraph;

/// An overlay: `nodes` nodes and, for each, its peers in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    shape: Shape,
}

/// How the peers of a node are found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// Read from compressed sparse rows.
    Stored(CsrGraph),
    /// Everyone but oneself, computed.
    Complete { nodes: u32 },
    /// What keyed permutations make of one's own id.
    Implicit(Implicit),
}

impl Topology {
    fn stored(rows: CsrGraph) -> Topology {
        Topology { shape: Shape::Stored(rows) }
    }

    fn complete(nodes: u32) -> Topology {
        Topology { shape: Shape::Complete { nodes } }
    }

    /// The slots that peers are computed from, where the family has them; the target draw takes slots instead of peers.
    #[inline]
    pub fn implicit(&self) -> Option<&Implicit> {
        match &self.shape {
            Shape::Implicit(implicit) => Some(implicit),
            Shape::Stored(_) | Shape::Complete { .. } => None,
        }
    }

    /// The number of nodes; their ids are `0..nodes`.
    #[inline]
    pub fn nodes(&self) -> u32 {
        match &self.shape {
            Shape::Stored(rows) => rows.nodes(),
            Shape::Complete { nodes } => *nodes,
            Shape::Implicit(implicit) => implicit.nodes(),
        }
    }

    /// The number of peers of `node`, which must be one of [`nodes`](Self::nodes). An implicit family computes them all
    /// to tell.
    #[inline]
    pub fn degree(&self, node: NodeId) -> u32 {
        match &self.shape {
            Shape::Stored(rows) => rows.degree(node),
            Shape::Complete { nodes } => complete::degree(*nodes),
            Shape::Implicit(implicit) => implicit.row(node).len() as u32,
        }
    }

    /// The `k`-th peer of `node` in ascending order; `k` counts from 0 and must be less than its degree.
    /// An implicit family computes them all to tell.
    #[inline]
    pub fn peer(&self, node: NodeId, k: u32) -> NodeId {
        match &self.shape {
            Shape::Stored(rows) => rows.row(node)[k as usize],
            Shape::Complete { .. } => complete::peer(node, k),
            Shape::Implicit(implicit) => implicit.row(node)[k as usize],
        }
    }

    /// All peers of `node`, ascending.
    pub fn peers(&self, node: NodeId) -> Peers<'_> {
        match &self.shape {
            Shape::Stored(rows) => Peers::stored(rows.row(node)),
            Shape::Complete { nodes } => Peers::complete(node, *nodes),
            Shape::Implicit(implicit) => Peers::computed(implicit.row(node)),
        }
    }

    /// The peers of `node` as a slice, ascending, or `None` where the family is computed.
    ///
    /// For loops that copy whole rows; they fall back to [`peer`](Self::peer) where there is no row to copy.
    #[inline]
    pub fn row(&self, node: NodeId) -> Option<&[NodeId]> {
        match &self.shape {
            Shape::Stored(rows) => Some(rows.row(node)),
            Shape::Complete { .. } | Shape::Implicit(_) => None,
        }
    }

    /// Whether rows are stored.
    #[inline]
    pub fn is_stored(&self) -> bool {
        matches!(self.shape, Shape::Stored(_))
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

    /// The number of linked pairs. Large implicit overlays count half of all slots instead, which is too many by some d
    /// / 2N of them for d peers and N nodes.
    pub fn links(&self) -> u64 {
        match &self.shape {
            Shape::Stored(rows) => rows.entries() / 2,
            Shape::Complete { nodes } => complete::links(*nodes),
            Shape::Implicit(implicit) => implicit.links(),
        }
    }

    /// Peers per node, on average; 0 for no nodes.
    pub fn mean_degree(&self) -> f64 {
        2.0 * self.links() as f64 / f64::from(self.nodes().max(1))
    }

    /// The most peers any node has; of large implicit overlays the number of slots, which no node exceeds.
    pub fn max_degree(&self) -> u32 {
        match &self.shape {
            Shape::Stored(rows) => rows.longest(),
            Shape::Complete { nodes } => complete::degree(*nodes),
            Shape::Implicit(implicit) => implicit.most(),
        }
    }

    /// The bytes held in memory for the peers of all nodes; next to nothing where they are computed.
    pub fn bytes(&self) -> u64 {
        match &self.shape {
            Shape::Stored(rows) => rows.bytes(),
            Shape::Complete { .. } => 0,
            Shape::Implicit(implicit) => implicit.bytes(),
        }
    }
}
