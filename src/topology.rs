//! The overlay: which nodes are peers, fixed for a run.
//!
//! One file per family. A family is either stored as compressed sparse rows or computed on demand; the code that asks
//! for a peer need not know which. Every overlay is undirected and simple: no node is its own peer, no two nodes are
//! linked twice, and each of two linked nodes appears in the other's row.
//!
//! The choice of the peers that an order goes to is not made here but in `protocol`.
//!
//! Rejected alternatives: a trait object per overlay, because the innermost loops read rows, and a match that always
//! takes the same branch is free where a virtual call is not; and a graph library, because its edges carry weights and
//! linked lists at several times the memory.

mod alloc;
mod barabasi_albert;
mod bfs;
mod complete;
mod csr;
mod dials;
mod edge_list;
mod edges;
mod erdos_renyi;
mod error;
mod grid;
mod implicit;
mod names;
#[cfg(feature = "cluster")]
mod part;
mod peers;
mod random_regular;
mod ring;
mod skip;
mod spec;
mod star;
#[cfg(test)]
mod tests;
mod watts_strogatz;

pub use alloc::StorageError;
pub use bfs::{Reachability, reach, reach_along, reach_unless};
pub use edge_list::{EdgeLineFault, EdgeList, EdgeListError};
pub use error::TopologyError;
pub use implicit::{Implicit, KeyedPermutation};
pub use names::NodeNames;
#[cfg(feature = "cluster")]
pub use part::{OverlayPartError, PartExchange};
pub use peers::Peers;
pub use spec::{ParseTopologyError, TopologySpec};

use crate::ids::NodeId;
use crate::sync::{Interrupt, Lookout};
use csr::{CsrBuilder, CsrGraph};
use dials::DialBits;

/// Rows that are stored at a time where a computed overlay is materialized.
const MATERIALIZED_BATCH: usize = 4_096;

/// The maximum number of nodes of a complete overlay that is stored for a protocol with a state for each peer.
const COMPLETE_STORED_MAX: u32 = 128;

/// An overlay: `nodes` nodes and, for each, its peers in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    shape: Shape,
    /// The ends that opened the links, in the family that records them.
    dials: Option<DialBits>,
    /// The figures of all rows, if only a part of them is stored.
    whole: Option<WholeOverlay>,
}

/// Figures of an overlay of which a part of the rows is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WholeOverlay {
    links: u64,
    max_degree: u32,
}

/// The representation from which the peers of a node are read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// Compressed sparse rows.
    Stored(CsrGraph),
    /// All other nodes, computed.
    Complete { nodes: u32 },
    /// The images of the node's own id under keyed permutations, computed.
    Implicit(Implicit),
    /// None: a membership protocol keeps the peers.
    Unlinked { nodes: u32 },
}

impl Topology {
    fn stored(rows: CsrGraph) -> Topology {
        Topology { shape: Shape::Stored(rows), dials: None, whole: None }
    }

    fn dialled_rows(rows: CsrGraph, dials: DialBits) -> Topology {
        Topology { shape: Shape::Stored(rows), dials: Some(dials), whole: None }
    }

    fn complete(nodes: u32) -> Topology {
        Topology { shape: Shape::Complete { nodes }, dials: None, whole: None }
    }

    fn unlinked(nodes: u32) -> Topology {
        Topology { shape: Shape::Unlinked { nodes }, dials: None, whole: None }
    }

    /// Returns the slots from which peers are computed, if the family has them; target selection then draws slots
    /// instead of peers.
    #[inline]
    pub fn implicit(&self) -> Option<&Implicit> {
        match &self.shape {
            Shape::Implicit(implicit) => Some(implicit),
            Shape::Stored(_) | Shape::Complete { .. } | Shape::Unlinked { .. } => None,
        }
    }

    /// Returns the number of nodes; their ids are `0..nodes`.
    #[inline]
    pub fn nodes(&self) -> u32 {
        match &self.shape {
            Shape::Stored(rows) => rows.nodes(),
            Shape::Complete { nodes } | Shape::Unlinked { nodes } => *nodes,
            Shape::Implicit(implicit) => implicit.nodes(),
        }
    }

    /// Returns the number of peers of `node`, which must be below [`nodes`](Self::nodes). An implicit family computes
    /// the whole row for it.
    #[inline]
    pub fn degree(&self, node: NodeId) -> u32 {
        match &self.shape {
            Shape::Stored(rows) => rows.degree(node),
            Shape::Complete { nodes } => complete::degree(*nodes),
            Shape::Implicit(implicit) => implicit.row(node).len() as u32,
            Shape::Unlinked { .. } => 0,
        }
    }

    /// Returns the `k`-th peer of `node` in ascending order; `k` counts from 0 and must be less than the degree. An
    /// implicit family computes the whole row for it.
    #[inline]
    pub fn peer(&self, node: NodeId, k: u32) -> NodeId {
        match &self.shape {
            Shape::Stored(rows) => rows.row(node)[k as usize],
            Shape::Complete { .. } => complete::peer(node, k),
            Shape::Implicit(implicit) => implicit.row(node)[k as usize],
            // Not called, because no `k` is less than the degree.
            Shape::Unlinked { .. } => node,
        }
    }

    /// Iterates over all peers of `node` in ascending order.
    pub fn peers(&self, node: NodeId) -> Peers<'_> {
        match &self.shape {
            Shape::Stored(rows) => Peers::stored(rows.row(node)),
            Shape::Complete { nodes } => Peers::complete(node, *nodes),
            Shape::Implicit(implicit) => Peers::computed(implicit.row(node)),
            Shape::Unlinked { .. } => Peers::stored(&[]),
        }
    }

    /// Returns the peers of `node` as a slice in ascending order, or `None` if the family is computed.
    ///
    /// Meant for loops that copy whole rows; they fall back to [`peer`](Self::peer) if there is no row to copy.
    #[inline]
    pub fn row(&self, node: NodeId) -> Option<&[NodeId]> {
        match &self.shape {
            Shape::Stored(rows) => Some(rows.row(node)),
            Shape::Complete { .. } | Shape::Implicit(_) => None,
            Shape::Unlinked { .. } => Some(&[]),
        }
    }

    /// Returns the number of entries in the stored rows before that of `node`, which may be one past the last; 0 if no
    /// rows are stored.
    #[inline]
    pub fn entries_before(&self, node: NodeId) -> u32 {
        match &self.shape {
            Shape::Stored(rows) => rows.entries_before(node),
            Shape::Complete { .. } | Shape::Implicit(_) | Shape::Unlinked { .. } => 0,
        }
    }

    /// Returns the number of entries of all rows, two for each link; for large implicit overlays the number of slots.
    pub fn entries(&self) -> u64 {
        2 * self.links()
    }

    /// Returns the position of the directed link from `from` to `to` among the entries of all rows, node by node;
    /// `None` if the two are no peers, and for an implicit overlay, which has no such positions.
    #[inline]
    pub fn entry(&self, from: NodeId, to: NodeId) -> Option<usize> {
        match &self.shape {
            Shape::Stored(rows) => rows.entry(from, to),
            Shape::Complete { nodes } => complete::entry(from, to, *nodes),
            Shape::Implicit(_) | Shape::Unlinked { .. } => None,
        }
    }

    /// Returns true if `node` opened the link to `peer`; `None` if the overlay has no record of it, or if the two are
    /// not peers.
    #[inline]
    pub fn dialled(&self, node: NodeId, peer: NodeId) -> Option<bool> {
        let dials = self.dials.as_ref()?;
        self.entry(node, peer).map(|entry| dials.has(entry))
    }

    /// Returns the same overlay with its rows stored, or `None` for a complete one of more than 128 nodes, which would
    /// take memory quadratic in their number.
    ///
    /// # Errors
    ///
    /// [`TopologyError`] if there are too many rows to store, memory is short, or the user interrupts the work.
    pub fn materialized(&self, interrupt: &Interrupt) -> Result<Option<Topology>, TopologyError> {
        match &self.shape {
            Shape::Stored(_) | Shape::Unlinked { .. } => return Ok(Some(self.clone())),
            Shape::Complete { nodes } if *nodes > COMPLETE_STORED_MAX => return Ok(None),
            Shape::Complete { .. } | Shape::Implicit(_) => {}
        }
        let (nodes, mut lookout) = (self.nodes(), Lookout::new(interrupt));
        let mut rows = CsrBuilder::with_room(nodes, self.entries())?;
        for first in (0..nodes).step_by(MATERIALIZED_BATCH) {
            rows.begin(MATERIALIZED_BATCH as u32);
            for node in first..nodes.min(first.saturating_add(MATERIALIZED_BATCH as u32)) {
                let row = self.peers(NodeId(node));
                lookout.work(row.len() as u64 + 1)?;
                row.for_each(|peer| rows.add(node, peer.0));
            }
            rows.end()?;
        }
        Ok(Some(Topology::stored(rows.finish())))
    }

    /// Returns true if the rows are stored.
    #[inline]
    pub fn is_stored(&self) -> bool {
        matches!(self.shape, Shape::Stored(_))
    }

    /// Returns true if everyone is a peer of everyone, so that no rows are stored.
    pub fn is_complete(&self) -> bool {
        matches!(self.shape, Shape::Complete { .. })
    }

    /// Prefetches the bounds of the row of `node`, which will be read soon.
    #[inline]
    pub fn prefetch_degree(&self, node: NodeId) {
        if let Shape::Stored(rows) = &self.shape {
            rows.prefetch_bounds(node);
        }
    }

    /// Prefetches the row of `node`, which will be read soon; works best some time after
    /// [`prefetch_degree`](Self::prefetch_degree), because it reads the bounds.
    #[inline]
    pub fn prefetch_row(&self, node: NodeId) {
        if let Shape::Stored(rows) = &self.shape {
            rows.prefetch_row(node);
        }
    }

    /// Returns the number of links. For large implicit overlays this is half the number of slots, which overcounts by a
    /// share of about d / 2N for d peers and N nodes, because loops and repeats are not subtracted.
    pub fn links(&self) -> u64 {
        match &self.shape {
            _ if let Some(whole) = self.whole => whole.links,
            Shape::Stored(rows) => rows.entries() / 2,
            Shape::Complete { nodes } => complete::links(*nodes),
            Shape::Implicit(implicit) => implicit.links(),
            Shape::Unlinked { .. } => 0,
        }
    }

    /// Returns the mean number of peers per node; 0 for no nodes.
    pub fn mean_degree(&self) -> f64 {
        // At least 1, so that an overlay without nodes has mean degree 0 and not a quotient of zeros.
        2.0 * self.links() as f64 / f64::from(self.nodes().max(1))
    }

    /// Returns the largest number of peers of any node; for large implicit overlays the number of slots, which no node
    /// exceeds.
    pub fn max_degree(&self) -> u32 {
        match &self.shape {
            _ if let Some(whole) = self.whole => whole.max_degree,
            Shape::Stored(rows) => rows.longest(),
            Shape::Complete { nodes } => complete::degree(*nodes),
            Shape::Implicit(implicit) => implicit.most(),
            Shape::Unlinked { .. } => 0,
        }
    }

    /// Returns the bytes of memory that hold the peers of all nodes; next to nothing for computed families.
    #[cfg(test)]
    pub fn bytes(&self) -> u64 {
        match &self.shape {
            Shape::Stored(rows) => rows.bytes(),
            Shape::Complete { .. } | Shape::Unlinked { .. } => 0,
            Shape::Implicit(implicit) => implicit.bytes(),
        }
    }
}
