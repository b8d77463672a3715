//! The links of a shard's nodes: eager or lazy, up or down, and until when no PRUNE goes over them.

use super::knobs::{EagerLinks, PlumtreeKnobs};
use crate::ids::NodeId;
use crate::protocol::ShardView;
use crate::simd::prefetch;
use crate::time::Nanos;
use std::ops::Range;

/// The links of a shard's nodes, by number of the link.
#[derive(Debug)]
pub(super) struct PeerLinks {
    /// A byte of marks per link, 0 for an eager one that is up.
    marks: Vec<u8>,
    /// The time before which no PRUNE goes over a link; empty if nothing holds a PRUNE back.
    prunes_from: Vec<Nanos>,
    /// True if a link may come to lead to another peer once its own has left.
    have_slots: bool,
}

/// The link is lazy.
const LAZY: u8 = 1;
/// The peer is known to be down.
const DOWN: u8 = 2;

/// The purpose of the draws by which a node chooses its first eager peers.
const EAGER: u32 = 1;

impl PeerLinks {
    /// Returns the bytes of a link.
    pub(super) fn link_bytes(knobs: &PlumtreeKnobs) -> usize {
        1 + if holds_prunes(knobs) { size_of::<Nanos>() } else { 0 }
    }

    /// Creates the links of a shard: all of them up, or none while a membership protocol has filled no slot.
    pub(super) fn new(knobs: &PlumtreeKnobs, view: &ShardView<'_>) -> PeerLinks {
        let holds = holds_prunes(knobs);
        let mut links = PeerLinks {
            marks: vec![if view.has_slots() { DOWN } else { 0 }; view.links()],
            prunes_from: vec![Nanos::ZERO; if holds { view.links() } else { 0 }],
            have_slots: view.has_slots(),
        };
        let eager = match knobs.num_eager {
            EagerLinks::All => return links,
            EagerLinks::Count(count) => count as usize,
            EagerLinks::Auto => eager_of(view.network_size()),
        };
        let mut ranks = Vec::new();
        for node in view.nodes().map(NodeId) {
            links.choose_eager(view, node, view.links_of(node), eager, &mut ranks);
        }
        links
    }

    /// Makes all links of a node lazy but `eager` of them, drawn for the node.
    fn choose_eager(
        &mut self,
        view: &ShardView<'_>,
        node: NodeId,
        links: Range<u32>,
        eager: usize,
        ranks: &mut Vec<(u64, u32)>,
    ) {
        if links.len() <= eager {
            return;
        }
        ranks.clear();
        ranks.extend(links.zip(0..).map(|(link, place)| (view.draw(node, EAGER, place), link)));
        ranks.sort_unstable();
        for &(_, link) in &ranks[eager..] {
            self.set_lazy(link);
        }
    }

    #[inline]
    pub(super) fn is_up(&self, link: u32) -> bool {
        self.marks[link as usize] & DOWN == 0
    }

    /// Returns true if a link is up, and eager or lazy as asked for.
    #[inline]
    pub(super) fn is_up_and(&self, link: u32, is_eager: bool) -> bool {
        self.marks[link as usize] == if is_eager { 0 } else { LAZY }
    }

    /// Marks a link as up and eager, or as down.
    pub(super) fn set_up(&mut self, link: u32, is_up: bool) {
        self.marks[link as usize] = if is_up { 0 } else { DOWN };
        if self.have_slots
            && let Some(from) = self.prunes_from.get_mut(link as usize)
        {
            *from = Nanos::ZERO;
        }
    }

    pub(super) fn set_eager(&mut self, link: u32) {
        self.marks[link as usize] &= !LAZY;
    }

    pub(super) fn set_lazy(&mut self, link: u32) {
        self.marks[link as usize] |= LAZY;
    }

    /// Requests the cache lines of a node's links.
    #[inline(always)]
    pub(super) fn prefetch(&self, links: Range<u32>) {
        let (first, last) = (links.start as usize, links.end.saturating_sub(1) as usize);
        prefetch(&self.marks, first);
        prefetch(&self.prunes_from, first);
        prefetch(&self.prunes_from, last);
    }

    /// Returns true if a PRUNE may go over a link.
    pub(super) fn may_prune(&self, link: u32, now: Nanos) -> bool {
        self.prunes_from.get(link as usize).is_none_or(|&from| from <= now)
    }

    /// Holds PRUNEs over a link back until `span` from now, or longer if they are held back longer already.
    pub(super) fn hold_prunes(&mut self, link: u32, now: Nanos, span: Nanos) {
        if let Some(from) = self.prunes_from.get_mut(link as usize) {
            *from = (*from).max(now + span);
        }
    }
}

/// Returns true if PRUNEs may be held back.
fn holds_prunes(knobs: &PlumtreeKnobs) -> bool {
    knobs.prune_throttle.max(knobs.graft_protection) > Nanos::ZERO
}

/// Returns the number of peers that are eager at first in a network of this size: Corrosion's `round(3 log10 N)`, at
/// least 3.
fn eager_of(nodes: u32) -> usize {
    (libm::round(3.0 * libm::log10(f64::from(nodes))) as usize).max(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_eager_peers_is_corrosions() {
        for (nodes, eager) in
            [(1, 3), (10, 3), (11, 3), (50, 5), (200, 7), (300, 7), (1_000, 9), (2_000, 10), (1 << 20, 18)]
        {
            assert_eq!(eager_of(nodes), eager, "{nodes} nodes");
        }
    }

    #[test]
    fn prunes_are_held_back_by_the_longer_span() {
        let knobs = PlumtreeKnobs { prune_throttle: Nanos(10), ..PlumtreeKnobs::default() };
        let mut links =
            PeerLinks { prunes_from: vec![Nanos::ZERO; 2], ..PeerLinks::new(&knobs, &ShardView::isolated(0..2)) };
        links.hold_prunes(1, Nanos(5), Nanos(100));
        links.hold_prunes(1, Nanos(6), Nanos(10));
        assert!(links.may_prune(0, Nanos(5)) && !links.may_prune(1, Nanos(104)) && links.may_prune(1, Nanos(105)));
    }
}
