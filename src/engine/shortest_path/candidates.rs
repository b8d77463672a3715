//! Messages on their way from node to node, and which of them may be news.

use super::forward_batch::ForwardBatch;
use crate::ids::NodeId;

/// A message. When and by which hop it arrives is one word; 0 stands for one that is lost, since none comes at once or
/// without a hop.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Candidate {
    pub(super) time_hop: u64,
    pub(super) to: NodeId,
    pub(super) from: NodeId,
}

impl Candidate {
    /// None.
    pub(super) const NONE: Candidate = Candidate { time_hop: 0, to: NodeId(0), from: NodeId(0) };
}

/// What came of a sift: how much may be news, how much is lost, and when the last of all arrives, and by which hop.
pub(super) struct Filtered {
    pub(super) news: usize,
    pub(super) lost: u64,
    pub(super) latest: u64,
}

/// Puts what may be news to the front of `news`, which has room for all. No branch hangs on a message, because no
/// processor could foresee it. A function of its own, since the compiler then knows that nothing it writes to is
/// anything it reads.
#[inline(never)]
pub(super) fn filter(
    forward_batch: &ForwardBatch,
    news: &mut [Candidate],
    is_known: impl Fn(NodeId) -> bool,
) -> Filtered {
    let mut filtered = Filtered { news: 0, lost: 0, latest: 0 };
    for sent in forward_batch.sent() {
        for (&to, &time_hop) in sent.to.iter().zip(sent.arrivals) {
            let is_lost = time_hop == 0;
            news[filtered.news] = Candidate { time_hop, to, from: sent.from };
            filtered.news += usize::from(!is_lost & !is_known(to));
            filtered.lost += u64::from(is_lost);
            filtered.latest = filtered.latest.max(time_hop);
        }
    }
    filtered
}
