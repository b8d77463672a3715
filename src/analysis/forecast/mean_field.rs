//! The mean field's expectation of push on a random overlay, and advice if it expects too little.

use super::MEAN_FIELD_NODES_MIN;
use super::advice;
use crate::adversary::AdversarySpec;
use crate::network::{FaultSpec, NetworkSpec};
use crate::protocol::HopFanouts;
use crate::record::{Notice, TtlAdvice, share_text};
use crate::scenario::{OverlayOptions, Scenario};
use crate::theory::chances::die_out;
use crate::theory::coverage::{RandomGraph, final_coverage};
use crate::theory::hops::{coverage_by_fanouts, coverage_by_hop, coverage_to_meet, hops_until, meets};
use crate::topology::{Topology, TopologySpec};
use std::iter;

/// The share of orders that die out at once from which a notice mentions it.
const DYING_NOTICEABLE: f64 = 0.01;

/// Standard deviations below the target from which a shortfall is reported; at one, every sixth run reaches it all the
/// same.
const DEVIATIONS: f64 = 1.0;

/// The mean field of a scenario.
#[derive(Clone, Copy)]
pub(super) struct MeanField<'a> {
    scenario: &'a Scenario,
    nodes: u64,
    /// Peers that a node forwards to, if it has that many.
    fanout: f64,
    /// Share of the messages that the network loses.
    loss: f64,
    /// The fanout of each hop, if it depends on the hop.
    by_hop: Option<HopFanouts>,
    overlay: OverlayModel,
}

/// A random overlay, in the terms of the formulas.
#[derive(Clone, Copy)]
enum OverlayModel {
    /// Every node is a peer of every other, so that targets are uniform. A fanout cannot exceed the number of other
    /// nodes.
    Complete,
    /// Each node has some of the others as peers. A fanout above the mean number of peers still counts, because nodes
    /// above the mean forward to more.
    Sparse(RandomGraph),
}

impl<'a> MeanField<'a> {
    /// Builds the mean field; `None` if the overlay is not random enough for the formulas to hold, or nothing is drawn.
    /// An announcement travels like a forward, so the formulas of push hold for lazy too.
    pub(super) fn new(scenario: &'a Scenario, topology: &Topology) -> Option<MeanField<'a>> {
        if !scenario.protocol.kind().traits().takes_fanout {
            // Such a protocol forwards to the peers that it has: the nodes within the TTL say everything.
            return None;
        }
        let (fanout, degree) = (f64::from(scenario.protocol.fanout), topology.mean_degree());
        let others = f64::from(scenario.overlay.nodes) - 1.0;
        let overlay = match scenario.overlay.topology {
            // A random overlay with this many peers is built as the complete one.
            TopologySpec::ErdosRenyi | TopologySpec::RandomRegular | TopologySpec::RegularImplicit
                if degree >= others =>
            {
                OverlayModel::Complete
            }
            TopologySpec::Complete => OverlayModel::Complete,
            TopologySpec::ErdosRenyi => OverlayModel::Sparse(RandomGraph::new(degree, fanout)),
            TopologySpec::RandomRegular | TopologySpec::RegularImplicit => {
                OverlayModel::Sparse(RandomGraph::regular(degree, fanout))
            }
            _ => return None,
        };
        let loss = loss_of(scenario);
        let overlay = match overlay {
            OverlayModel::Complete => OverlayModel::Complete,
            OverlayModel::Sparse(graph) => OverlayModel::Sparse(RandomGraph { loss, ..graph }),
        };
        Some(MeanField {
            scenario,
            nodes: u64::from(scenario.overlay.nodes),
            fanout: fanout.min(others),
            loss,
            by_hop: scenario.protocol.fanout_by_hop(),
            overlay,
        })
    }

    /// Returns the share of nodes that an order reaches in the end, with this fanout.
    fn at_last(&self, fanout: f64) -> f64 {
        match self.overlay {
            OverlayModel::Complete => final_coverage(fanout * (1.0 - self.loss)),
            OverlayModel::Sparse(graph) => RandomGraph { fanout, ..graph }.final_coverage(),
        }
    }

    /// Iterates over the share of nodes reached within 0, 1, 2 ... hops.
    fn by_hop(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        let start = iter::once(1.0 / self.nodes as f64);
        match &self.overlay {
            // Of a fanout by hop the chain on the complete graph is the form on any random overlay, a little early.
            _ if self.by_hop.is_some() => {
                let hops = self.by_hop.into_iter().flat_map(|fanouts| (1..=u8::MAX).map(move |hop| fanouts.at(hop)));
                let most = self.nodes as f64 - 1.0;
                let fanouts = hops.map(move |fanout| f64::from(fanout).min(most) * (1.0 - self.loss));
                Box::new(start.chain(coverage_by_fanouts(self.nodes, fanouts)))
            }
            OverlayModel::Complete => {
                let fanout = self.fanout * (1.0 - self.loss);
                Box::new(start.chain(coverage_by_hop(self.nodes, fanout)))
            }
            OverlayModel::Sparse(graph) => Box::new(graph.coverage_by_hop(self.nodes)),
        }
    }

    /// Returns the hops to the target; `None` if none are enough, or if links have losses of their own, because the
    /// formulas have one loss for all.
    pub(super) fn hops_to_target(&self) -> Option<u32> {
        if self.has_own_losses() {
            return None;
        }
        hops_until(self.nodes, self.scenario.run.target, self.by_hop())
    }

    /// Reports that fanout and TTL are expected to fall short of the target. Faults and adversaries only reduce
    /// coverage further. Nothing is expected if links have losses of their own.
    pub(super) fn shortfall(&self, ttl: u8, auto: u8) -> Option<Notice> {
        // The advice names a fanout for all hops.
        if self.has_own_losses() || self.by_hop.is_some() {
            return None;
        }
        let in_time = self.by_hop().nth(usize::from(ttl))?;
        let chance = DEVIATIONS * (in_time * (1.0 - in_time) / self.nodes as f64).max(0.0).sqrt();
        if self.nodes < MEAN_FIELD_NODES_MIN || self.meets(in_time + chance) {
            return None;
        }
        // The form by hops counts in nodes, which is right early on and in an order that dies out; the final form
        // counts in shares, which neglect single nodes. The greater of the two is the limit.
        let at_last = self.at_last(self.fanout).max(in_time);
        let advice = match self.hops_to_target() {
            Some(needed) => advice::longer(self.scenario, needed.max(u32::from(ttl) + 1), ttl, auto, 0),
            None => TtlAdvice {
                text: format!("no TTL makes it more than {}; {}", share_text(at_last), self.wider()),
                raises_ttl: false,
            },
        };
        Some(Notice::TargetUnlikely {
            fanout: self.scenario.protocol.fanout,
            ttl,
            has_faults: self.scenario.failures.faults != FaultSpec::default()
                || self.scenario.failures.adversary != AdversarySpec::default(),
            loss: self.loss,
            expected: in_time,
            nodes: self.scenario.overlay.nodes,
            dying: self.dying(),
            target: self.scenario.run.target.as_f64(),
            advice,
        })
    }

    /// Advises on a target that no TTL reaches: the least fanout that does, or the fewest peers, or else options to
    /// relax.
    fn wider(&self) -> String {
        let OverlayOptions { nodes, peers, .. } = self.scenario.overlay;
        let fanout = self.scenario.protocol.fanout;
        if let Some(enough) = least(fanout, nodes - 1, |fanout| self.meets_at_last(fanout.into())) {
            return format!("the target takes --fanout {enough} or more");
        }
        let flooded = |peers: u32| {
            let degree = f64::from(peers);
            let overlay = match &self.overlay {
                _ if peers == nodes - 1 => OverlayModel::Complete,
                OverlayModel::Complete => OverlayModel::Complete,
                OverlayModel::Sparse(graph) => OverlayModel::Sparse(RandomGraph { degree, ..*graph }),
            };
            let all = f64::from(nodes - 1);
            MeanField { overlay, ..*self }.meets_at_last(all)
        };
        let denser = least(peers, nodes - 1, flooded).and_then(|enough| advice::peers_from(self.scenario, enough));
        match denser {
            Some(enough) if fanout >= enough => format!("the target takes --peers {enough} or more"),
            Some(enough) => format!("the target takes --peers {enough} or more, and as great a --fanout"),
            None if self.loss > 0.0 => "ask for less --loss or a lower --target".to_owned(),
            None => "ask for a lower --target".to_owned(),
        }
    }

    fn has_own_losses(&self) -> bool {
        self.scenario.network.as_ref().is_some_and(NetworkSpec::has_own_losses)
    }

    fn meets(&self, coverage: f64) -> bool {
        meets(self.nodes, coverage, self.scenario.run.target)
    }

    /// Returns true if the nodes that an order reaches in the end, with this fanout, are enough.
    fn meets_at_last(&self, fanout: f64) -> bool {
        match self.overlay {
            OverlayModel::Complete => self.meets(self.at_last(fanout)),
            OverlayModel::Sparse(graph) => {
                RandomGraph { fanout, ..graph }.covers(coverage_to_meet(self.nodes, self.scenario.run.target))
            }
        }
    }

    /// Returns the share of orders that die out at once; `None` if hardly any does, or all do.
    fn dying(&self) -> Option<f64> {
        let fanout = match self.overlay {
            OverlayModel::Complete => self.fanout,
            OverlayModel::Sparse(graph) => self.fanout.min(graph.degree),
        };
        Some(die_out(fanout, self.loss)).filter(|share| (DYING_NOTICEABLE..1.0).contains(share))
    }
}

/// Returns the least number above `short`, up to `most`, that is `enough`, if there is one. Every number above it must
/// be enough, too.
fn least(short: u32, most: u32, enough: impl Fn(u32) -> bool) -> Option<u32> {
    if short >= most || !enough(most) {
        return None;
    }
    let (mut short, mut found) = (short, most);
    while found - short > 1 {
        let middle = short + (found - short) / 2;
        (short, found) = if enough(middle) { (short, middle) } else { (middle, found) };
    }
    Some(found)
}

/// Returns the share of messages that the scenario's network loses in the long run.
fn loss_of(scenario: &Scenario) -> f64 {
    scenario.network.as_ref().map_or(0.0, |network| network.loss.mean())
}
