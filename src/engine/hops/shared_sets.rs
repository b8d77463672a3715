//! The sets of nodes that the workers share.

use super::{HopsSetup, time_of};
use crate::ids::NodeId;
use crate::message::TTL_MAX;
use crate::record::End;
use crate::sync::{Arena, AtomicBitset, AtomicMinima, Barrier, Cursor, Stop, Threshold};
use std::collections::TryReserveError;
use std::ops::Range;

/// The maximum number of words of 64 nodes that a worker takes at a time.
const BLOCK_WORDS_MAX: usize = 1_024;

/// The minimum number of blocks per worker, so that all workers end at about the same time.
const BLOCKS_PER_WORKER: usize = 8;

/// The nodes of a run, as sets.
pub(super) struct SharedSets {
    /// Nodes that have the order. All workers mark nodes here while a hop is sent.
    pub(super) seen: AtomicBitset,
    /// Nodes that had it before the hop that is being sent.
    pub(super) before: AtomicBitset,
    /// Nodes that have it since the last hop, and forward in this one.
    pub(super) latest: AtomicBitset,
    /// The least sender among those of the hop that reached each node.
    pub(super) minima: Option<AtomicMinima>,
    /// The words of `latest` that no worker has taken yet.
    pub(super) cursor: Cursor,
    pub(super) barrier: Barrier,
    pub(super) stop: Stop,
    /// Nodes newly reached, by hop.
    newest: Vec<Threshold>,
}

impl SharedSets {
    /// Creates the sets in which only the origin has the order.
    pub(super) fn new(setup: &HopsSetup<'_>, threads: usize) -> Result<SharedSets, TryReserveError> {
        let nodes = setup.topology.nodes();
        let seen = AtomicBitset::new(nodes)?;
        let blocks = threads * BLOCKS_PER_WORKER;
        let field = SharedSets {
            cursor: Cursor::new(seen.words(), (seen.words() / blocks).clamp(1, BLOCK_WORDS_MAX)),
            seen,
            before: AtomicBitset::new(nodes)?,
            latest: AtomicBitset::new(nodes)?,
            minima: setup.needs_senders().then(|| AtomicMinima::new(nodes)).transpose()?,
            barrier: Barrier::of_threads(threads as u32),
            stop: Stop::new(&mut Arena::heap()),
            newest: (0..=TTL_MAX).map(|_| Threshold::new(&mut Arena::heap(), u64::MAX)).collect(),
        };
        for bits in [&field.seen, &field.before, &field.latest] {
            bits.mark(setup.origin.0);
        }
        // An origin counts as its own sender.
        if let Some(minima) = &field.minima {
            minima.lower(setup.origin.index(), setup.origin.0);
        }
        field.add_newest(0, 1);
        Ok(field)
    }

    /// Returns the range of words that each of `threads` workers owns.
    pub(super) fn parts(&self, threads: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let words = self.seen.words();
        (0..threads).map(move |worker| worker * words / threads..(worker + 1) * words / threads)
    }

    pub(super) fn add_newest(&self, hop: u8, nodes: u64) {
        self.newest[usize::from(hop)].add(nodes);
    }

    /// Returns the number of nodes that a hop reached.
    pub(super) fn newest(&self, hop: u8) -> u64 {
        self.newest[usize::from(hop)].count()
    }

    /// Returns the number of nodes that have the order after a hop.
    pub(super) fn reached(&self, hop: u8) -> u64 {
        (0..=hop).map(|hop| self.newest(hop)).sum()
    }

    /// Returns the reason for the end if the run is over after a hop. All workers that call this between the same two
    /// barriers get the same answer.
    pub(super) fn decision(&self, setup: &HopsSetup<'_>, hop: u8) -> Option<End> {
        decision(setup, hop, self.newest(hop), self.reached(hop))
    }

    /// Returns the sender of each node's first copy, for the nodes that `has` accepts: a hop that was cut short has
    /// left senders that do not count.
    pub(super) fn senders(&self, has: impl Fn(usize) -> bool) -> Option<Vec<NodeId>> {
        let minima = self.minima.as_ref()?;
        let sender = |node| if has(node) { minima.get(node) } else { u32::MAX };
        Some((0..minima.count()).map(|node| NodeId(sender(node))).collect())
    }

    /// Returns the messages of the nodes reached in the last hop, which have not forwarded; on an implicit overlay
    /// an upper bound.
    pub(super) fn waiting(&self, setup: &HopsSetup<'_>, hop: u8) -> u64 {
        let forwards = (0..self.latest.words()).flat_map(|at| nodes_in(at, self.latest.word(at)));
        setup.waiting(hop, self.newest(hop), forwards)
    }
}

/// Returns the reason for the end if the run is over after a hop that was the first to reach `newest` of all nodes
/// `reached`.
pub(super) fn decision(setup: &HopsSetup<'_>, hop: u8, newest: u64, reached: u64) -> Option<End> {
    let next = time_of(hop, setup.latency).0.saturating_add(setup.latency.0);
    if setup.ends_at_target && reached >= setup.goal {
        Some(End::Target)
    } else if hop == setup.ttl || newest == 0 {
        Some(End::Quiescent)
    } else {
        setup.timeout.is_some_and(|timeout| next > timeout.0).then_some(End::Timeout)
    }
}

/// Returns the nodes whose bits are set in a word.
#[inline]
pub(super) fn nodes_in(at: usize, mut bits: u64) -> impl Iterator<Item = NodeId> {
    std::iter::from_fn(move || {
        let lowest = bits.trailing_zeros();
        bits = if bits == 0 { return None } else { bits & (bits - 1) };
        Some(NodeId(at as u32 * 64 + lowest))
    })
}
