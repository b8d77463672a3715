//! What spies that pool what they hear make of it.

use super::RunContext;
use crate::adversary::{Adversaries, FirstSpy, Role, Sighting, SpyScore};
use crate::ids::NodeId;
use crate::record::{Receipt, Receipts, SpyRecord};

impl RunContext<'_> {
    /// What the spies make of what came to them first.
    pub(crate) fn spies(&self, receipts: &Receipts, adversaries: &Adversaries) -> Option<SpyRecord> {
        let (Receipts::Each(receipts), publications) = (receipts, self.workload.publications()) else { return None };
        let spies: Vec<NodeId> =
            (0..self.scenario.nodes).map(NodeId).filter(|&node| adversaries.is_spy(node)).collect();
        if !self.scenario.adversary.0.iter().any(|part| part.part == Role::Spy) {
            return None;
        }
        let mut first = FirstSpy::new(publications.len() as u32);
        for (receipts, publication) in receipts.chunks(self.scenario.nodes as usize).zip(publications) {
            for &spy in &spies {
                let Receipt { time, sender: from, hop } = receipts[spy.index()];
                // What a spy publishes nobody told it.
                if hop > 0 && receipts[spy.index()].is_reached() {
                    first.see(publication.order, Sighting { time, spy, from });
                }
            }
        }
        let SpyScore { orders, seen, right } = first.score(|order| publications[order.index()].origin);
        Some(SpyRecord { nodes: spies.len() as u32, orders, seen, right })
    }
}
