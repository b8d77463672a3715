//! Iterates over the peers of one node, for stored and computed families alike.

use super::complete;
use super::implicit::{ImplicitRow, RowArray};
use crate::ids::NodeId;
use std::iter::Copied;
use std::ops::Range;
use std::slice;

/// An iterator over the peers of one node in ascending order.
pub struct Peers<'a>(From<'a>);

enum From<'a> {
    Stored(Copied<slice::Iter<'a, NodeId>>),
    Complete { node: NodeId, places: Range<u32> },
    Computed(smallvec::IntoIter<RowArray>),
}

impl<'a> Peers<'a> {
    pub(super) fn stored(row: &'a [NodeId]) -> Peers<'a> {
        Peers(From::Stored(row.iter().copied()))
    }

    pub(super) fn complete(node: NodeId, nodes: u32) -> Peers<'a> {
        Peers(From::Complete { node, places: 0..complete::degree(nodes) })
    }

    pub(super) fn computed(row: ImplicitRow) -> Peers<'a> {
        Peers(From::Computed(row.into_iter()))
    }
}

impl Iterator for Peers<'_> {
    type Item = NodeId;

    #[inline]
    fn next(&mut self) -> Option<NodeId> {
        match &mut self.0 {
            From::Stored(row) => row.next(),
            From::Complete { node, places } => places.next().map(|place| complete::peer(*node, place)),
            From::Computed(row) => row.next(),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            From::Stored(row) => row.size_hint(),
            From::Complete { places, .. } => places.size_hint(),
            From::Computed(row) => row.size_hint(),
        }
    }
}

impl ExactSizeIterator for Peers<'_> {}
