//! Links that keep the order of their messages, as a stream does: none overtakes an earlier one on its link.
//!
//! A message arrives at its own time, or with the last message before it on the same link if that comes later; equal
//! arrivals are received in the order of sending. The state is the sender's, who sends in the order of time. What was
//! refused: sorting at the receiver, who would have to know what is still to come.
//!
//! Arrivals only become later, and never later than the longest latency allows: a message that another holds up arrives
//! with one that left before it. The bounds of the network therefore hold on such links, too.

use super::Network;
use crate::ids::NodeId;
use crate::time::Nanos;
use crate::topology::Topology;
use std::collections::BTreeMap;
use std::ops::Range;

/// The least number of links outside of rows that are looked through for those whose last message has arrived.
const PRUNED_LEAST: usize = 1_024;

/// Bytes of an entry of the map of links, with its share of the tree.
const OTHER_BYTES: usize = 2 * size_of::<((NodeId, NodeId), Nanos)>();

/// The last arrival on each link of some nodes.
pub struct LinkOrder<'a> {
    topology: &'a Topology,
    /// The time by which an event of another node may precede the current one.
    behind: Nanos,
    /// The first entry of the nodes' rows.
    first: usize,
    /// Last arrivals, by entry of the rows; empty if no rows are stored.
    in_rows: Vec<Nanos>,
    /// Last arrivals on links that no row has, while they matter.
    others: BTreeMap<(NodeId, NodeId), Nanos>,
    /// The number of links in `others` from which it is looked through.
    full: usize,
}

impl<'a> LinkOrder<'a> {
    /// Creates the links of these nodes, on which nothing has been sent; `None` if the network does not keep order.
    pub fn new(network: &Network, topology: &'a Topology, nodes: &Range<u32>) -> Option<LinkOrder<'a>> {
        let before = |node: u32| topology.entries_before(NodeId(node)) as usize;
        network.is_ordered().then(|| LinkOrder {
            topology,
            behind: network.floor(),
            first: before(nodes.start),
            in_rows: vec![Nanos::ZERO; before(nodes.end) - before(nodes.start)],
            others: BTreeMap::new(),
            full: PRUNED_LEAST,
        })
    }

    /// Returns the arrival of a message that `from` sends at `now`, and that would arrive at `at` if it were alone on
    /// its link. A node's messages must be passed in the order in which it sends them; those of other nodes may be
    /// ahead of it by less than the least latency.
    pub fn arrival(&mut self, from: NodeId, to: NodeId, now: Nanos, at: Nanos) -> Nanos {
        let entry = if self.in_rows.is_empty() { None } else { self.topology.entry(from, to) };
        let last = match entry.and_then(|entry| self.in_rows.get_mut(entry - self.first)) {
            Some(last) => last,
            None => {
                if self.others.len() >= self.full {
                    self.prune(now);
                }
                self.others.entry((from, to)).or_default()
            }
        };
        *last = at.max(*last);
        *last
    }

    /// Forgets links whose last message holds up none that is yet to be sent.
    fn prune(&mut self, now: Nanos) {
        let past = now.since(self.behind);
        self.others.retain(|_, &mut last| last > past);
        self.full = PRUNED_LEAST.max(2 * self.others.len());
    }

    /// Returns the bytes that the links outside of rows take.
    pub fn bytes(&self) -> u64 {
        (self.others.len() * OTHER_BYTES) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::LatencySpec;
    use crate::topology::TopologySpec;
    use proptest::prelude::*;

    fn network(latency: &str) -> Network {
        Network::new(7, latency.parse::<LatencySpec>().unwrap())
    }

    #[test]
    fn only_an_ordered_network_has_the_state() {
        let ring = TopologySpec::Ring.build(9, 0, 7).unwrap();
        assert!(LinkOrder::new(&network("50ms"), &ring, &(3..6)).is_none());
        let order = LinkOrder::new(&network("50ms,ordered"), &ring, &(3..6)).unwrap();
        assert_eq!((order.first, order.in_rows.len(), order.bytes()), (6, 6, 0));
        let complete = TopologySpec::Complete.build(9, 0, 7).unwrap();
        assert_eq!(LinkOrder::new(&network("50ms,ordered"), &complete, &(3..6)).unwrap().in_rows, []);
    }

    proptest! {
        /// Links of rows and others against the greatest arrival so far of every link.
        #[test]
        fn an_arrival_is_the_latest_so_far_on_its_link(
            messages in prop::collection::vec((3..6_u32, 0..9_u32, 0..20_u64, 0..400_u64), 1..300),
            is_stored in any::<bool>(),
        ) {
            let family = if is_stored { TopologySpec::Ring } else { TopologySpec::Complete };
            let overlay = family.build(9, 0, 7).unwrap();
            let mut order = LinkOrder::new(&network("exponential:1ms,min=10ns,ordered"), &overlay, &(3..6)).unwrap();
            // Looked through with every message.
            order.full = 0;
            let (mut latest, mut now) = (BTreeMap::<(u32, u32), Nanos>::new(), Nanos(0));
            for (from, to, pause, latency) in messages {
                now = now + Nanos(pause);
                let at = now + Nanos(10 + latency);
                let expected = latest.entry((from, to)).or_default();
                *expected = at.max(*expected);
                prop_assert_eq!(order.arrival(NodeId(from), NodeId(to), now, at), *expected);
                prop_assert!(*expected <= now + Nanos(410), "above the longest latency");
            }
        }
    }

    #[test]
    fn links_whose_messages_have_arrived_are_forgotten() {
        let complete = TopologySpec::Complete.build(3_000, 0, 7).unwrap();
        let mut order = LinkOrder::new(&network("1ms,ordered"), &complete, &(0..3_000)).unwrap();
        for now in 0..100_000_u64 {
            let (from, to) = (NodeId((now % 3_000) as u32), NodeId((now * 7 % 2_999) as u32));
            order.arrival(from, to, Nanos::from_millis(now), Nanos::from_millis(now + 1));
            assert!(order.others.len() <= PRUNED_LEAST);
        }
    }
}
