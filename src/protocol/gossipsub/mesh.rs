//! The mesh: the links over which a node passes whole orders, and the backoffs of those that were pruned.

use super::beats::{BEATS_MAX, BeatClock};
use crate::ids::NodeId;
use crate::protocol::{Context, ShardView};
use crate::time::Nanos;

/// The bit of a link in the mesh.
const IN_MESH: u32 = 1 << 31;

/// The bit of a link whose peer has gone down. The bits below are the number of the first beat that may graft the link
/// again, and [`BEATS_MAX`] leaves both free.
const DOWN: u32 = 1 << 30;

const BACKOFF: u32 = DOWN - 1;

/// Bytes of a node's degree.
pub(super) const NODE_BYTES: usize = size_of::<MeshDegree>();

/// The links of a shard's nodes, and each node's degree in the mesh.
#[derive(Debug)]
pub(super) struct TopicMesh {
    /// By link: the bit of the mesh, that of a peer that is down, and the end of its backoff.
    links: Vec<u32>,
    /// By node.
    degrees: Vec<MeshDegree>,
}

/// The links of one node in the mesh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MeshDegree {
    /// The number of links.
    pub(super) all: u32,
    /// Those that the node dialled itself.
    pub(super) outbound: u32,
    /// The links of the node that are down, none of which is in the mesh.
    down: u32,
}

impl TopicMesh {
    pub(super) fn new(view: &ShardView<'_>) -> TopicMesh {
        TopicMesh { links: vec![0; view.links()], degrees: vec![MeshDegree::default(); view.size()] }
    }

    /// Returns the degree of a node.
    pub(super) fn degree(&self, local: usize) -> MeshDegree {
        self.degrees[local]
    }

    /// Returns true if a link is in the mesh.
    pub(super) fn has(&self, link: u32) -> bool {
        self.links[link as usize] & IN_MESH != 0
    }

    /// Returns true if the peer of a link is not known to be down.
    pub(super) fn is_up(&self, link: u32) -> bool {
        self.links[link as usize] & DOWN == 0
    }

    /// Returns true if the event's node has a peer outside of the mesh.
    pub(super) fn has_rest<C: Context>(&self, context: &C) -> bool {
        let MeshDegree { all, down, .. } = self.degrees[context.local()];
        context.links().len() as u32 > all + down
    }

    /// Notes that the peer of a link of the event's node has gone down, which takes it out of the mesh, or has come
    /// back.
    pub(super) fn set_up<C: Context>(&mut self, context: &C, link: u32, is_up: bool) {
        if self.is_up(link) == is_up {
            return;
        }
        self.set(context, link, false);
        self.links[link as usize] ^= DOWN;
        let down = &mut self.degrees[context.local()].down;
        *down = if is_up { *down - 1 } else { *down + 1 };
    }

    /// Adds a link of the event's node, or takes it out; does nothing if it is in, or out, already.
    pub(super) fn set<C: Context>(&mut self, context: &C, link: u32, is_in: bool) {
        if self.has(link) == is_in {
            return;
        }
        self.links[link as usize] ^= IN_MESH;
        let degree = &mut self.degrees[context.local()];
        let outbound = u32::from(context.dialled(link));
        if is_in {
            (degree.all, degree.outbound) = (degree.all + 1, degree.outbound + outbound);
        } else {
            (degree.all, degree.outbound) = (degree.all - 1, degree.outbound - outbound);
        }
    }

    /// Keeps a link of the event's node out of the mesh for this time from now on, and for `slack` beats more; no
    /// backoff becomes shorter.
    pub(super) fn back_off<C: Context>(
        &mut self,
        context: &C,
        beats: BeatClock,
        (link, backoff): (u32, Nanos),
        slack: u32,
    ) {
        if backoff == Nanos::ZERO {
            return;
        }
        let until = beats.next_after(context, context.now() + backoff).saturating_add(slack).min(BEATS_MAX);
        let word = &mut self.links[link as usize];
        *word = *word & !BACKOFF | (*word & BACKOFF).max(until);
    }

    /// Returns the number of the first beat that may graft a link.
    pub(super) fn backoff_end(&self, link: u32) -> u32 {
        self.links[link as usize] & BACKOFF
    }

    /// Collects the mesh peers of the event's node, without `except`.
    pub(super) fn collect_peers<C: Context>(&self, context: &C, except: NodeId, to: &mut Vec<NodeId>) {
        to.clear();
        let peers = context.peers().iter().zip(context.links());
        to.extend(peers.filter(|&(&peer, link)| self.has(link) && peer != except).map(|(&peer, _)| peer));
    }

    /// Collects the peers of the event's node that are not down.
    pub(super) fn collect_all<C: Context>(&self, context: &C, to: &mut Vec<NodeId>) {
        to.clear();
        let peers = context.peers().iter().zip(context.links());
        to.extend(peers.filter(|&(_, link)| self.is_up(link)).map(|(&peer, _)| peer));
    }

    /// Collects the places, among the peers of the event's node that are not down, of those in the mesh or of those
    /// outside.
    pub(super) fn collect_places<C: Context>(&self, context: &C, is_in: bool, places: &mut Vec<u32>) {
        places.clear();
        let is_one = |link: u32| self.has(link) == is_in && self.is_up(link);
        places.extend((0..).zip(context.links()).filter(|&(_, link)| is_one(link)).map(|(place, _)| place));
    }

    /// Collects the places of the peers that a beat of the event's node may graft.
    pub(super) fn collect_candidates<C: Context>(
        &self,
        context: &C,
        beat: u32,
        only_outbound: bool,
        places: &mut Vec<u32>,
    ) {
        places.clear();
        let is_candidate = |link: u32| {
            let is_free = !self.has(link) && self.is_up(link) && beat >= self.backoff_end(link);
            is_free && (!only_outbound || context.dialled(link))
        };
        places.extend((0..).zip(context.links()).filter(|&(_, link)| is_candidate(link)).map(|(place, _)| place));
    }

    /// Returns the number of the first beat, `next` or later, that may graft any peer of the event's node; `None` if
    /// there is nobody to graft.
    pub(super) fn first_graft<C: Context>(&self, context: &C, next: u32, only_outbound: bool) -> Option<u32> {
        let is_free = |&link: &u32| !self.has(link) && self.is_up(link) && (!only_outbound || context.dialled(link));
        let outside = context.links().filter(is_free);
        outside.map(|link| self.backoff_end(link).max(next)).min()
    }
}
