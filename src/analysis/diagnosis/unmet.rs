//! Faults and adversaries that had no effect, with one notice each: an option that changes nothing is easily taken for
//! an attack that the protocol withstands.
//!
//! Outages, churn and the sides of a partition are judged by the nodes that are down or apart at the end of the run;
//! options that drop messages or act on orders, by whether they ever did so until then.

use crate::adversary::{Adversaries, AdversarySpec, Role, RoleSpec};
use crate::engine::FirstEncounters;
use crate::ids::NodeId;
use crate::network::{ChurnSpec, Cut, FaultSpec, Faults, Outage};
use crate::record::{Notice, RunRecord, SpyRecord, UnmetCause};
use crate::scenario::Scenario;
use crate::time::Nanos;

/// The facts known at the end of a run in virtual time.
pub(crate) struct UnmetFaults<'a> {
    pub(crate) nodes: u32,
    pub(crate) faults: &'a Faults,
    pub(crate) adversaries: &'a Adversaries,
    pub(crate) met: &'a FirstEncounters,
    pub(crate) spies: Option<SpyRecord>,
    /// Time at which the run ended.
    pub(crate) end: Nanos,
}

impl UnmetFaults<'_> {
    /// Returns a notice for each option that had no effect.
    pub(crate) fn notices(&self, faults: &FaultSpec, adversary: &AdversarySpec) -> Vec<Notice> {
        let outages = faults.down.0.iter().enumerate().filter_map(|(place, outage)| self.outage(place, outage));
        let churn = faults.churn.and_then(|churn| self.churn(&churn));
        let cuts = faults.partition.0.iter().enumerate().filter_map(|(place, cut)| self.cut(place, cut));
        let nat = || {
            let option = format!("--nat {}", faults.nat);
            let cause = UnmetCause::Other("none went between two nodes behind a NAT".to_owned());
            Notice::FaultUnmet { option, of_messages: true, cause, ended_at: self.end }
        };
        let nat = (!faults.nat.is_zero() && !self.is_met(self.met.nat)).then(nat);
        let mut place = 0;
        let parts = adversary.0.iter().filter_map(|part| {
            if let Role::Eclipse { victim } = part.part {
                return self.eclipse(part, victim);
            }
            place += 1;
            self.part(place - 1, part)
        });
        outages.chain(churn).chain(cuts).chain(nat).chain(parts).collect()
    }

    /// Makes the notice for an option that had no effect.
    fn unmet(&self, option: String, cause: UnmetCause) -> Notice {
        Notice::FaultUnmet { option, of_messages: false, cause, ended_at: self.end }
    }

    fn outage(&self, place: usize, outage: &Outage) -> Option<Notice> {
        let cause = match outage.at {
            at if at > self.end => UnmetCause::BeginsLate(at),
            _ if self.any(|node| self.faults.is_hit_by(place, node)) => return None,
            _ => UnmetCause::Other("no node of this draw goes down by it".to_owned()),
        };
        Some(self.unmet(format!("--down {outage}"), cause))
    }

    fn churn(&self, churn: &ChurnSpec) -> Option<Notice> {
        let changes = |node: NodeId| match self.faults.is_up(node, Nanos::ZERO) {
            true => self.faults.next_change(node, Nanos::ZERO).unwrap_or(Nanos::MAX),
            false => Nanos::ZERO,
        };
        let first = (0..self.nodes).map(NodeId).map(changes).min().filter(|&first| first < Nanos::MAX);
        let cause = match first {
            Some(first) if first <= self.end => return None,
            Some(first) => format!("the first node would have gone down at {first}"),
            None => "no node of this draw ever goes down".to_owned(),
        };
        Some(self.unmet(format!("--churn {churn}"), UnmetCause::Other(cause)))
    }

    fn cut(&self, place: usize, cut: &Cut) -> Option<Notice> {
        if self.met.cuts.get(place).is_some_and(|&first| first <= self.end) {
            return None;
        }
        let on_side = |node| self.faults.is_cut_off(node, place);
        let cause = match cut.at {
            at if at >= self.end && at > Nanos::ZERO => UnmetCause::BeginsLate(at),
            _ if !self.any(on_side) => UnmetCause::Other("no node of this draw is on its side".to_owned()),
            _ if !self.any(|node| !on_side(node)) => UnmetCause::Other("all nodes are on its side".to_owned()),
            at => {
                let until = cut.heal.min(self.end);
                UnmetCause::Other(format!("none was sent across it between {at} and {until}"))
            }
        };
        Some(Notice::FaultUnmet { option: format!("--partition {cut}"), of_messages: true, cause, ended_at: self.end })
    }

    fn part(&self, place: usize, part: &RoleSpec) -> Option<Notice> {
        let is_met = match (part.part, self.spies) {
            (Role::Spy, Some(spies)) => spies.seen > 0,
            _ => self.met.parts.get(place).is_some_and(|&first| first <= self.end),
        };
        if is_met {
            return None;
        }
        let cause = match part.part {
            _ if !self.any(|node| self.adversaries.place_of_part(node) == Some(place)) => {
                "no node of this draw has the part".to_owned()
            }
            Role::Censor { origin } => format!("none of its nodes had an order from node {origin} to forward"),
            Role::Spy => "no order came to a node that spies".to_owned(),
            Role::Drop { .. } => "none of its nodes had an order to forward that it drops".to_owned(),
            _ => "none of its nodes had an order to forward".to_owned(),
        };
        Some(self.unmet(format!("--adversary {part}"), UnmetCause::Other(cause)))
    }

    fn eclipse(&self, part: &RoleSpec, victim: u64) -> Option<Notice> {
        let cause = match self.adversaries.owned() {
            _ if self.is_met(self.met.eclipse) => return None,
            Some(0) => format!("it owns no peer of node {victim}"),
            _ => format!("no peer that it owns had a message for node {victim}, or one of its orders to forward"),
        };
        Some(self.unmet(format!("--adversary {part}"), UnmetCause::Other(cause)))
    }

    fn is_met(&self, first: Option<Nanos>) -> bool {
        first.is_some_and(|first| first <= self.end)
    }

    fn any(&self, holds: impl Fn(NodeId) -> bool) -> bool {
        (0..self.nodes).map(NodeId).any(holds)
    }
}

/// Returns notices for losses and second copies that were asked for and did not occur.
pub(super) fn untouched(scenario: &Scenario, record: &RunRecord) -> Vec<Notice> {
    let sent = record.ledger.sent;
    let Some(network) = scenario.network.as_ref().filter(|_| sent > 0) else { return Vec::new() };
    // Links with losses of their own may be the only ones that were used.
    let is_unmet = network.loss.mean() > 0.0 && !network.has_own_losses() && record.ledger.model_lost == 0;
    let lost = is_unmet.then(|| Notice::LossUnmet { loss: network.loss.to_string(), sent });
    let doubled = (!network.duplicate.is_zero() && record.ledger.model_duplicated == 0)
        .then(|| Notice::DuplicateUnmet { share: network.duplicate.to_string(), sent });
    lost.into_iter().chain(doubled).collect()
}
