//! The mesh: the links over which a node passes whole orders, and the backoffs of those that were pruned.

use crate::ids::NodeId;
use crate::protocol::{Context, ShardView};
use crate::simd::prefetch;
use crate::sys::touched;
use std::ops::Range;

/// The bit of a link in the mesh.
const IN_MESH: u32 = 1 << 31;

/// The bit of a link whose peer has gone down. The bits below are the number of the first beat that may graft the link
/// again, and [`BEATS_MAX`](super::beats::BEATS_MAX) leaves both free.
const DOWN: u32 = 1 << 30;

const BACKOFF: u32 = DOWN - 1;

/// The links of a node that have a bit in its own state.
const BITS: usize = u64::BITS as usize;

/// The links of a shard's nodes.
#[derive(Debug)]
pub(super) struct TopicMesh {
    /// By link: the bit of the mesh, that of a peer that is down, and the end of its backoff.
    links: Vec<u32>,
    /// True if a link may come to lead to another peer once its own has left.
    have_slots: bool,
}

/// The links of one node in the mesh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NodeMesh {
    /// Of its first 64 links those in the mesh, so that most nodes find them without a look at each link.
    inside: u64,
    /// The number of links.
    pub(super) all: u32,
    /// Those that the node dialled itself.
    pub(super) outbound: u32,
    /// The links of the node that are down, none of which is in the mesh.
    down: u32,
}

impl TopicMesh {
    pub(super) fn new(view: &ShardView<'_>) -> TopicMesh {
        let have_slots = view.has_slots();
        TopicMesh { links: touched(view.links(), if have_slots { DOWN } else { 0 }), have_slots }
    }

    /// Returns true if a link is in the mesh.
    pub(super) fn has(&self, link: u32) -> bool {
        self.links[link as usize] & IN_MESH != 0
    }

    /// Returns true if the peer of a link is not known to be down.
    pub(super) fn is_up(&self, link: u32) -> bool {
        self.links[link as usize] & DOWN == 0
    }

    /// Notes that the peer of a link of the event's node has gone down, which takes it out of the mesh, or has come
    /// back.
    pub(super) fn set_up<C: Context>(&mut self, context: &C, node: &mut NodeMesh, link: u32, is_up: bool) {
        if self.is_up(link) == is_up {
            return;
        }
        self.set(context, node, link, false);
        self.links[link as usize] ^= DOWN;
        if self.have_slots {
            self.links[link as usize] &= !BACKOFF;
        }
        node.down = if is_up { node.down - 1 } else { node.down + 1 };
    }

    /// Adds a link of the event's node, or takes it out; does nothing if it is in, or out, already.
    pub(super) fn set<C: Context>(&mut self, context: &C, node: &mut NodeMesh, link: u32, is_in: bool) {
        if self.has(link) == is_in {
            return;
        }
        self.links[link as usize] ^= IN_MESH;
        let place = link - context.links().start;
        node.inside ^= 1_u64.checked_shl(place).unwrap_or(0);
        let outbound = u32::from(context.dialled(link));
        if is_in {
            (node.all, node.outbound) = (node.all + 1, node.outbound + outbound);
        } else {
            (node.all, node.outbound) = (node.all - 1, node.outbound - outbound);
        }
    }

    /// Keeps a link out of the mesh until this beat; no backoff becomes shorter.
    pub(super) fn back_off(&mut self, link: u32, until: u32) {
        let word = &mut self.links[link as usize];
        *word = *word & !BACKOFF | (*word & BACKOFF).max(until);
    }

    /// Returns the number of the first beat that may graft a link.
    pub(super) fn backoff_end(&self, link: u32) -> u32 {
        self.links[link as usize] & BACKOFF
    }

    /// Calls `each` with the place of each mesh peer of the event's node among its peers, in ascending order.
    fn for_each_inside<C: Context>(&self, context: &C, node: &NodeMesh, mut each: impl FnMut(u32)) {
        let links = context.links();
        if links.len() > BITS {
            return (0..).zip(links).filter(|&(_, link)| self.has(link)).for_each(|(place, _)| each(place));
        }
        for_each_bit(node.inside, each);
    }

    /// Collects the mesh peers of the event's node, without `except`.
    pub(super) fn collect_peers<C: Context>(&self, context: &C, node: &NodeMesh, except: NodeId, to: &mut Vec<NodeId>) {
        to.clear();
        let peers = context.peers();
        self.for_each_inside(context, node, |place| to.push(peers[place as usize]));
        to.retain(|&peer| peer != except);
    }

    /// Collects the peers of the event's node that are not down.
    pub(super) fn collect_all<C: Context>(&self, context: &C, to: &mut Vec<NodeId>) {
        to.clear();
        let peers = context.peers().iter().zip(context.links());
        to.extend(peers.filter(|&(_, link)| self.is_up(link)).map(|(&peer, _)| peer));
    }

    /// Collects the places of the mesh peers of the event's node among its peers.
    pub(super) fn collect_inside<C: Context>(&self, context: &C, node: &NodeMesh, places: &mut Vec<u32>) {
        places.clear();
        self.for_each_inside(context, node, |place| places.push(place));
    }

    /// Collects the places of its other peers that are not down.
    pub(super) fn collect_outside<C: Context>(&self, context: &C, node: &NodeMesh, places: &mut Vec<u32>) {
        places.clear();
        let links = context.links();
        if links.len() <= BITS && node.down == 0 {
            let all = u64::MAX.checked_shr((BITS - links.len()) as u32).unwrap_or(0);
            for_each_bit(all & !node.inside, |place| places.push(place));
        } else {
            let is_one = |link: u32| !self.has(link) && self.is_up(link);
            places.extend((0..).zip(links).filter(|&(_, link)| is_one(link)).map(|(place, _)| place));
        }
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

    /// Requests the cache lines of a node's links.
    #[inline(always)]
    pub(super) fn prefetch(&self, links: Range<u32>) {
        prefetch(&self.links, links.start as usize);
        prefetch(&self.links, links.end.saturating_sub(1) as usize);
    }
}

impl NodeMesh {
    /// Returns the empty mesh of a node, none of whose links is up yet if a membership protocol is to fill their slots.
    pub(super) fn new(view: &ShardView<'_>, node: NodeId) -> NodeMesh {
        let down = if view.has_slots() { view.links_of(node).len() as u32 } else { 0 };
        NodeMesh { down, ..NodeMesh::default() }
    }

    /// Returns true if the event's node has a peer outside of the mesh.
    pub(super) fn has_rest<C: Context>(&self, context: &C) -> bool {
        context.links().len() as u32 > self.all + self.down
    }
}

/// Calls `each` with the place of each bit that is set, the lowest first.
fn for_each_bit(bits: u64, mut each: impl FnMut(u32)) {
    let mut rest = bits;
    while rest != 0 {
        each(rest.trailing_zeros());
        rest &= rest - 1;
    }
}
