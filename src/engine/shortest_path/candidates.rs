//! Messages on their way from node to node, and the filter for those that may be the first to reach theirs.

use super::forward_batch::ForwardBatch;
use crate::ids::NodeId;

/// A message. The time and the hop of its arrival share one word; 0 stands for a lost message, since none arrives at
/// once or without a hop.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Candidate {
    pub(super) time_hop: u64,
    pub(super) to: NodeId,
    pub(super) from: NodeId,
}

impl Candidate {
    /// The placeholder in unused room.
    pub(super) const NONE: Candidate = Candidate { time_hop: 0, to: NodeId(0), from: NodeId(0) };
}

/// The result of a filter: the messages that may be first, those lost, and the time and hop of the last arrival of all.
pub(super) struct Filtered {
    pub(super) kept: usize,
    pub(super) lost: u64,
    pub(super) latest: u64,
}

/// Puts the messages that may be first to the front of `candidates`, which has room for all. No branch depends on a
/// message, because no processor could predict it. It is a function of its own so that the compiler knows that what it
/// writes does not overlap what it reads.
#[inline(never)]
pub(super) fn filter(
    forward_batch: &ForwardBatch,
    candidates: &mut [Candidate],
    is_known: impl Fn(NodeId) -> bool,
) -> Filtered {
    let mut filtered = Filtered { kept: 0, lost: 0, latest: 0 };
    for sent in forward_batch.sent() {
        for (&to, &time_hop) in sent.to.iter().zip(sent.arrivals) {
            let is_lost = time_hop == 0;
            candidates[filtered.kept] = Candidate { time_hop, to, from: sent.from };
            filtered.kept += usize::from(!is_lost & !is_known(to));
            filtered.lost += u64::from(is_lost);
            filtered.latest = filtered.latest.max(time_hop);
        }
    }
    filtered
}
