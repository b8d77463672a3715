//! The load of the nodes' access links: longest queues, busiest times, and what each node's links carried.

use super::RankedValues;
use crate::time::Nanos;
use serde::{Deserialize, Serialize};

/// The access links of all nodes; `None` for a direction without a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLinkRecord {
    /// Uplinks, out of the nodes.
    pub up: Option<LinkSideRecord>,
    /// Downlinks, into the nodes.
    pub down: Option<LinkSideRecord>,
}

/// The use of one node's link in one direction by messages that were sent, or received, after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkUse {
    /// Bytes, headers included.
    pub bytes: u64,
    /// Time that the link took for them.
    pub busy: Nanos,
}

/// The access links in one direction. A message in transmission counts as queued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSideRecord {
    /// Bytes of the longest queue, headers included.
    pub queue_bytes: u64,
    /// Time that the link takes to transmit that queue.
    pub queue_drains_in: Nanos,
    /// Bytes of the longest queue if every link had accepted all that it was offered.
    pub offered_bytes: u64,
    /// Transmission time of the busiest link, counting only messages that were sent, or received.
    pub busiest: Nanos,
    /// The use of each link that has a rate, by node; empty if only its spread is known.
    pub used: Vec<LinkUse>,
    /// The spread of that use over all nodes, in bytes and in time, where no process has that of each.
    pub spread: Option<[RankedValues; 2]>,
}

impl AccessLinkRecord {
    /// Merges the access links of other nodes.
    pub fn merge(&mut self, other: &AccessLinkRecord) {
        let AccessLinkRecord { up, down } = other;
        for (one, other) in [(&mut self.up, up), (&mut self.down, down)] {
            match (&mut *one, other) {
                (Some(one), Some(other)) => one.merge(other),
                (None, other) => one.clone_from(other),
                (Some(_), None) => {}
            }
        }
    }
}

impl LinkSideRecord {
    fn merge(&mut self, other: &LinkSideRecord) {
        let queue = |side: &LinkSideRecord| (side.queue_bytes, side.queue_drains_in);
        (self.queue_bytes, self.queue_drains_in) = queue(self).max(queue(other));
        // The first two are one figure: the longest queue, and its link's time for it.
        let LinkSideRecord { queue_bytes: _, queue_drains_in: _, offered_bytes, busiest, used, spread } = other;
        self.offered_bytes = self.offered_bytes.max(*offered_bytes);
        self.busiest = self.busiest.max(*busiest);
        self.used.extend_from_slice(used);
        // Each process has the spread over all nodes.
        self.spread = self.spread.take().or_else(|| spread.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_queue_and_the_busiest_line_of_all_are_kept() {
        let side = |bytes, drains, offered, busiest| LinkSideRecord {
            queue_bytes: bytes,
            queue_drains_in: Nanos(drains),
            offered_bytes: offered,
            busiest: Nanos(busiest),
            used: vec![LinkUse { bytes, busy: Nanos(busiest) }],
            spread: None,
        };
        let with = |side: LinkSideRecord, used: [LinkSideRecord; 2]| {
            Some(LinkSideRecord { used: used.iter().flat_map(|side| side.used.clone()).collect(), ..side })
        };
        let mut all = AccessLinkRecord { up: Some(side(100, 9, 100, 7)), down: None };
        all.merge(&AccessLinkRecord { up: Some(side(90, 12, 300, 8)), down: Some(side(1, 1, 1, 1)) });
        all.merge(&AccessLinkRecord::default());
        let up = with(side(100, 9, 300, 8), [side(100, 9, 100, 7), side(90, 12, 300, 8)]);
        assert_eq!(all, AccessLinkRecord { up, down: Some(side(1, 1, 1, 1)) });
    }
}
