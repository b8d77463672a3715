//! The latency and loss of single links, beside the rows of the overlay: four bytes for each of their entries.

use super::link_file::{LinkFile, ListedLink};
use super::spec::NetworkError;
use crate::ids::NodeId;
use crate::random::{Probability, Stream};
use crate::time::Nanos;
use crate::topology::Topology;
use std::sync::Arc;

/// The largest number of links of an overlay, each direction counted, for which a table is kept.
const LINKS_MAX: u64 = u32::MAX as u64;

/// The latency and loss that a link has of its own, ready for draws; `None` leaves a message to the draws of the other
/// links.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OwnDraws {
    pub(super) latency: Option<Nanos>,
    pub(super) loss: Option<Probability>,
}

/// The links of an overlay that have a latency or a loss of their own. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LinkTable {
    /// An overlay whose rows can be indexed.
    topology: Arc<Topology>,
    /// The index of its draws, by entry of the rows.
    indices: Arc<[u32]>,
    /// The distinct draws; the first are those of a link without a line.
    draws: Arc<[OwnDraws]>,
    /// The least and the greatest latency, if any link has one.
    bounds: Option<(Nanos, Nanos)>,
}

impl LinkTable {
    /// Finds the links of a file in an overlay, which is stored or complete; `id` returns the id of a node.
    ///
    /// # Errors
    ///
    /// [`NetworkError`] with the line of the first link that the overlay has not, or if it has too many links.
    #[doc(hidden)]
    pub fn new(
        file: &LinkFile,
        topology: Arc<Topology>,
        id: impl Fn(NodeId) -> u64,
    ) -> Result<LinkTable, NetworkError> {
        let entries = topology.entries();
        if entries > LINKS_MAX {
            return Err(NetworkError::TooManyLinks { path: file.path().to_owned(), links: entries });
        }
        let mut indices = vec![0; entries as usize];
        let mut missing = None;
        for link in file.links() {
            match topology.entry(link.from, link.to) {
                Some(entry) => indices[entry] = link.figures + 1,
                None if missing.is_none_or(|first: &ListedLink| first.line > link.line) => missing = Some(link),
                None => {}
            }
        }
        if let Some(link) = missing {
            return Err(Box::new(file.no_link(link, id)).into());
        }
        let own = file
            .figures()
            .iter()
            .map(|figures| OwnDraws { latency: figures.latency, loss: figures.loss.map(Probability::of) });
        let draws = std::iter::once(OwnDraws::default()).chain(own).collect();
        Ok(LinkTable { topology, indices: indices.into(), draws, bounds: file.bounds() })
    }

    /// Returns the draws of a link; those of a link without a line if the two nodes are no peers.
    #[inline]
    pub(super) fn of(&self, from: NodeId, to: NodeId) -> OwnDraws {
        self.topology.entry(from, to).map_or_else(OwnDraws::default, |entry| self.draws[self.indices[entry] as usize])
    }

    /// Returns the least and the greatest latency of a link, if any has one of its own.
    pub(super) fn bounds(&self) -> Option<(Nanos, Nanos)> {
        self.bounds
    }

    /// Draws a peer of a node, if it has any.
    pub(super) fn draw_peer(&self, from: NodeId, stream: &mut Stream) -> Option<NodeId> {
        let degree = self.topology.degree(from);
        (degree > 0).then(|| self.topology.peer(from, stream.below(u64::from(degree)) as u32))
    }
}
