//! The guesses of spies that pool their sightings.

use super::RunContext;
use crate::adversary::{Adversaries, FirstSpy, Role, Sighting, SpyScore};
use crate::ids::NodeId;
use crate::record::{Receipt, Receipts, SpyRecord};

impl RunContext<'_> {
    /// Judges the guesses that the spies make from their first sightings; `None` if nothing is known of them.
    pub(crate) fn spies(&self, receipts: &Receipts, adversaries: &Adversaries) -> Option<SpyRecord> {
        let (Receipts::Each(receipts), publications) = (receipts, self.workload.publications()) else { return None };
        let spies: Vec<NodeId> =
            (0..self.scenario.overlay.nodes).map(NodeId).filter(|&node| adversaries.is_spy(node)).collect();
        if !self.scenario.failures.adversary.0.iter().any(|part| part.part == Role::Spy) {
            return None;
        }
        let mut first = FirstSpy::new(publications.len() as u32);
        for (receipts, publication) in receipts.chunks(self.scenario.overlay.nodes as usize).zip(publications) {
            for &spy in &spies {
                let Receipt { time, sender: from, hop } = receipts[spy.index()];
                // An order that a spy publishes itself has no sender to suspect.
                if hop > 0 && receipts[spy.index()].is_reached() {
                    first.see(publication.order, Sighting { time, spy, from });
                }
            }
        }
        let SpyScore { orders, seen, right } = first.score(|order| publications[order.index()].origin);
        Some(SpyRecord { nodes: spies.len() as u32, orders, seen, right })
    }
}
