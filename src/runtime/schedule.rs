//! The publications that one worker is still to make, in the order of their times.

use crate::time::Nanos;
use crate::workload::Publication;

/// One worker's share of the schedule.
pub(super) struct PublicationQueue {
    /// Publications whose origin is in its shard, the last due first.
    ahead: Vec<Publication>,
}

impl PublicationQueue {
    /// Creates the queue of the publications of a schedule that are `mine`.
    pub(super) fn new(schedule: &[Publication], mine: impl Fn(&Publication) -> bool) -> PublicationQueue {
        PublicationQueue { ahead: schedule.iter().rev().filter(|&publication| mine(publication)).copied().collect() }
    }

    /// Returns true if nothing is left to publish.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.ahead.is_empty()
    }

    /// Returns the time at which the next publication is due, since the start of the schedule.
    #[inline]
    pub(super) fn next_due(&self) -> Option<Nanos> {
        self.ahead.last().map(|publication| publication.due)
    }

    /// Removes the next publication if it is due by now.
    #[inline]
    pub(super) fn take_due(&mut self, passed: Nanos) -> Option<Publication> {
        self.ahead.pop_if(|publication| publication.due <= passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{NodeId, OrderIndex};

    #[test]
    fn only_mine_and_not_before_they_are_due() {
        let publication = |order: u32| Publication {
            order: OrderIndex(order),
            origin: NodeId(order % 2),
            due: Nanos(u64::from(order) * 10),
        };
        let schedule: Vec<Publication> = (0..4).map(publication).collect();
        let mut publication_queue = PublicationQueue::new(&schedule, |publication| publication.origin == NodeId(1));
        assert_eq!((publication_queue.next_due(), publication_queue.take_due(Nanos(9))), (Some(Nanos(10)), None));
        assert_eq!(publication_queue.take_due(Nanos(100)), Some(publication(1)));
        assert_eq!(publication_queue.take_due(Nanos(30)), Some(publication(3)));
        assert!(publication_queue.is_over() && publication_queue.take_due(Nanos::MAX).is_none());
    }
}
