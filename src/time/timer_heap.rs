//! The times that nodes have asked for, the earliest first.
//!
//! A protocol bounds how many there are. One that asks for nothing pays for a look at an empty heap.

use super::Nanos;
use crate::ids::NodeId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Timers: those of one instant fire in the sequence of their requests; with `BY_NODE` node by node, which does not
/// depend on how nodes are divided among workers.
#[derive(Debug, Default)]
pub(crate) struct TimerHeap<const BY_NODE: bool> {
    heap: BinaryHeap<Reverse<PendingTimer>>,
    /// Number of timers requested so far.
    requests: u64,
}

/// A timer: time, rank within its instant, number of the request, node, token.
type PendingTimer = (Nanos, u32, u64, NodeId, u64);

impl<const BY_NODE: bool> TimerHeap<BY_NODE> {
    /// Requests a wake-up of a node at `time`, to which `token` is returned.
    pub(crate) fn request(&mut self, time: Nanos, node: NodeId, token: u64) {
        let rank = if BY_NODE { node.0 } else { 0 };
        self.heap.push(Reverse((time, rank, self.requests, node, token)));
        self.requests += 1;
    }

    /// Returns the bytes of the timers that have not fired.
    pub(crate) fn bytes(&self) -> u64 {
        (self.heap.len() * size_of::<PendingTimer>()) as u64
    }

    /// Returns the time at which the next timer is due.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<Nanos> {
        self.heap.peek().map(|Reverse((time, ..))| *time)
    }

    /// Takes the next timer if it is due by `now`: its time, its node and its token.
    #[inline]
    pub(crate) fn take_due(&mut self, now: Nanos) -> Option<(Nanos, NodeId, u64)> {
        if self.next_due()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((time, _, _, node, token))| (time, node, token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<const BY_NODE: bool>() -> TimerHeap<BY_NODE> {
        let mut timers = TimerHeap::default();
        for (time, node, token) in [(9, 1, 0), (5, 3, 1), (5, 2, 2)] {
            timers.request(Nanos(time), NodeId(node), token);
        }
        timers
    }

    #[test]
    fn none_comes_early_and_equal_times_come_as_they_were_asked_for() {
        let mut timers = asked::<false>();
        assert_eq!((timers.next_due(), timers.take_due(Nanos(4))), (Some(Nanos(5)), None));
        let mut due = || timers.take_due(Nanos(8)).map(|(_, node, token)| (node, token));
        assert_eq!([due(), due(), due()], [Some((NodeId(3), 1)), Some((NodeId(2), 2)), None]);
        assert_eq!(timers.take_due(Nanos(9)), Some((Nanos(9), NodeId(1), 0)));
        assert_eq!(timers.next_due(), None);
    }

    #[test]
    fn by_node_equal_times_come_node_by_node() {
        let mut timers = asked::<true>();
        timers.request(Nanos(5), NodeId(2), 3);
        let mut due = || timers.take_due(Nanos(9)).map(|(.., token)| token);
        assert_eq!([due(), due(), due(), due(), due()], [Some(2), Some(3), Some(1), Some(0), None]);
    }
}
