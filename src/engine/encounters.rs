//! The times at which each fault and each role of an adversary first affected a message. One that never did is
//! reported, because the figures then do not depend on an option that the user gave.

use super::EngineSetup;
use crate::adversary::Culprit;
use crate::ids::{NodeId, OrderIndex};
use crate::time::Nanos;
use serde::{Deserialize, Serialize};

/// First encounters up to the end of the run; [`Nanos::MAX`] if there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstEncounters {
    /// Of each partition, in the order of the request.
    pub cuts: Vec<Nanos>,
    /// Of two nodes behind a NAT.
    pub nat: Option<Nanos>,
    /// Of each role but the eclipse, in the order of the request.
    pub parts: Vec<Nanos>,
    /// Of the eclipse.
    pub eclipse: Option<Nanos>,
}

impl FirstEncounters {
    /// Notes a message that a partition or NAT blocked.
    #[cold]
    pub(super) fn cut(&mut self, setup: &EngineSetup<'_>, from: NodeId, to: NodeId, now: Nanos) {
        for cut in setup.faults.cuts_between(from, to, now) {
            meet(&mut self.cuts, cut, now);
        }
        if setup.faults.is_behind_nat(from) && setup.faults.is_behind_nat(to) {
            sooner(&mut self.nat, now);
        }
    }

    /// Notes that a node tampered with an order.
    #[cold]
    pub(super) fn act(&mut self, setup: &EngineSetup<'_>, node: NodeId, order: OrderIndex, now: Nanos) {
        let origin = setup.workload.publications()[order.index()].origin;
        match setup.adversaries.actor(node, origin) {
            Some(Culprit::Eclipse) => self.withhold(now),
            Some(Culprit::Part(part)) => meet(&mut self.parts, part, now),
            None => {}
        }
    }

    /// Notes a message that was withheld from a victim.
    pub(super) fn withhold(&mut self, now: Nanos) {
        sooner(&mut self.eclipse, now);
    }

    /// Merges the encounters of another shard.
    pub(super) fn merge(&mut self, other: &FirstEncounters) {
        let FirstEncounters { cuts, nat, parts, eclipse } = other;
        for (sum, more) in [(&mut self.cuts, cuts), (&mut self.parts, parts)] {
            for (place, &now) in more.iter().enumerate() {
                meet(sum, place, now);
            }
        }
        for (sum, more) in [(&mut self.nat, nat), (&mut self.eclipse, eclipse)] {
            if let Some(now) = more {
                sooner(sum, *now);
            }
        }
    }
}

impl FirstEncounters {
    /// Returns the encounters up to `end`. A window looks beyond the end by an amount that is not a figure of the
    /// model.
    pub(super) fn up_to(mut self, end: Nanos) -> FirstEncounters {
        for firsts in [&mut self.cuts, &mut self.parts] {
            firsts.iter_mut().filter(|first| **first > end).for_each(|first| *first = Nanos::MAX);
            // Entries at the end of a list without an encounter are left out, as if the list had never grown to them.
            while firsts.last() == Some(&Nanos::MAX) {
                firsts.pop();
            }
        }
        for first in [&mut self.nat, &mut self.eclipse] {
            *first = first.filter(|&first| first <= end);
        }
        self
    }
}

/// Notes an encounter of one entry of a list.
fn meet(firsts: &mut Vec<Nanos>, place: usize, now: Nanos) {
    if firsts.len() <= place {
        firsts.resize(place + 1, Nanos::MAX);
    }
    firsts[place] = firsts[place].min(now);
}

fn sooner(first: &mut Option<Nanos>, now: Nanos) {
    *first = Some(first.map_or(now, |first| first.min(now)));
}
