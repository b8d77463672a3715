//! Messages between nodes, and the filter for those that may be the first to reach their receivers.

use super::forward_batch::ForwardBatch;
#[cfg(feature = "cluster")]
use crate::engine::exchange::CrossingItem;
use crate::ids::NodeId;

/// A message. The time and the hop of its arrival share one word; 0 stands for a lost message, because no message
/// arrives at time 0 with hop 0.
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

/// Candidates at nodes of another process: two words each.
#[cfg(feature = "cluster")]
impl CrossingItem for Candidate {
    fn write(items: &[Self], most: usize, words: &mut Vec<u64>) -> usize {
        let written = items.len().min(most.saturating_sub(words.len()) / 2);
        let of_one = |item: &Candidate| [item.time_hop, u64::from(item.to.0) | u64::from(item.from.0) << u32::BITS];
        words.extend(items[..written].iter().flat_map(of_one));
        written
    }

    fn read(words: &[u64], mut take: impl FnMut(Self)) -> Option<()> {
        let (pairs, rest) = words.as_chunks::<2>();
        for &[time_hop, ends] in pairs {
            take(Candidate { time_hop, to: NodeId(ends as u32), from: NodeId((ends >> u32::BITS) as u32) });
        }
        rest.is_empty().then_some(())
    }
}

/// The result of a filter: the number of messages kept, the number lost, and the time and hop of the last arrival of
/// all.
pub(super) struct Filtered {
    pub(super) kept: usize,
    pub(super) lost: u64,
    pub(super) latest: u64,
}

/// Moves the messages that may be first to the front of `candidates`, which has room for all. No branch depends on a
/// message, because no processor could predict it. It is a function of its own so that the compiler knows that input
/// and output do not overlap.
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
