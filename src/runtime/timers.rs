//! The times that the nodes of one worker have asked for, the next one first.
//!
//! Real time decides nothing, so that it is enough that none comes early. It grows with what is asked for, and a
//! protocol bounds that; one that asks for nothing costs a look at an empty heap for each turn of the loop.

use crate::ids::NodeId;
use crate::time::Nanos;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One worker's timers.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Nanos, u64, NodeId, u64)>>,
    /// Number of timers requested so far: timers of one instant fire in the order of their requests.
    asked: u64,
}

impl Timers {
    /// Asks for a node's wake-up.
    pub(super) fn ask(&mut self, time: Nanos, node: NodeId, token: u64) {
        self.heap.push(Reverse((time, self.asked, node, token)));
        self.asked += 1;
    }

    /// Bytes of what has been asked for and not been told.
    pub(super) fn bytes(&self) -> u64 {
        (self.heap.len() * size_of::<Reverse<(Nanos, u64, NodeId, u64)>>()) as u64
    }

    /// Returns the time at which the next timer is due.
    #[inline]
    pub(super) fn next_due(&self) -> Option<Nanos> {
        self.heap.peek().map(|Reverse((time, ..))| *time)
    }

    /// The next one, with its token, if it is due by now.
    #[inline]
    pub(super) fn take_due(&mut self, now: Nanos) -> Option<(NodeId, u64)> {
        if self.next_due()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, _, node, token))| (node, token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_comes_early_and_equal_times_come_as_they_were_asked_for() {
        let mut timers = Timers::default();
        for (time, node, token) in [(9, 1, 0), (5, 3, 1), (5, 2, 2)] {
            timers.ask(Nanos(time), NodeId(node), token);
        }
        assert_eq!((timers.next_due(), timers.take_due(Nanos(4))), (Some(Nanos(5)), None));
        let mut due = || timers.take_due(Nanos(8));
        assert_eq!([due(), due(), due()], [Some((NodeId(3), 1)), Some((NodeId(2), 2)), None]);
        assert_eq!(timers.take_due(Nanos(9)), Some((NodeId(1), 0)));
        assert_eq!(timers.next_due(), None);
    }
}
