//! What can be said before the run: the TTL that `auto` stands for, and targets that cannot come.
//!
//! Two things are known. Nobody gets an order over more hops than the TTL, whatever is drawn: a bound, from the
//! breadth-first depths. And on random overlays the mean field says what to expect: an expectation, with its own error.

use crate::ids::NodeId;
use crate::message::TTL_MAX;
use crate::network::{DownSpec, FaultSpec, Network};
use crate::scenario::{ProtocolKind, Scenario, Ttl};
use crate::theory::coverage::{RandomGraph, final_coverage};
use crate::theory::hops::{auto_ttl, coverage_by_hop, hops_until, meets};
use crate::time::Nanos;
use crate::topology::{Reach, Topology, TopologySpec};
use std::iter;

/// Below so many nodes the mean field errs too much to warn by it.
const MEAN_FIELD_NODES_MIN: u32 = 100;

/// What is known before an order leaves.
pub(super) struct Forecast {
    /// The TTL in force.
    pub(super) ttl: u8,
    /// Where the first order enters.
    pub(super) origin: NodeId,
    /// What an order could reach if it were forwarded to every peer without end; `None` where nobody knows.
    pub(super) reach: Option<Reach>,
    /// What the user should know first, each a sentence.
    pub(super) notices: Vec<String>,
}

impl Forecast {
    /// Looks at an overlay and what can be `reach`ed on it from the origin of the first order, where that is known.
    /// `network` is what is modelled of one.
    pub(super) fn new(
        scenario: &Scenario,
        topology: &Topology,
        origin: NodeId,
        reach: Option<Reach>,
        network: Option<&Network>,
    ) -> Forecast {
        let outlook = Outlook::new(scenario, topology);
        let hops_to_target = match &outlook {
            Some(outlook) => outlook.hops_to_target(),
            None => reach.as_ref().map(|reach| reach.depth),
        };
        let auto = auto_ttl(hops_to_target, network.is_some_and(Network::is_uneven));
        let floor = network.map_or(Nanos::ZERO, Network::floor);
        let ttl = match scenario.ttl {
            Ttl::Hops(ttl) => ttl,
            Ttl::Auto => auto,
        };
        let expected = || outlook.filter(|_| scenario.nodes >= MEAN_FIELD_NODES_MIN)?.shortfall(ttl, auto);
        let known = reach.as_ref();
        let in_time = || known.and_then(|reach| too_late(scenario, origin, reach, floor));
        let short =
            known.and_then(|reach| bound(scenario, origin, reach, ttl, auto)).or_else(in_time).or_else(expected);
        let apart = match known {
            Some(reach) => disconnected(scenario, origin, reach),
            None => unsearched(scenario),
        };
        let read = scenario.edge_list.as_ref().map_or_else(Vec::new, |list| list.notices(scenario.nodes));
        let notices = apart.into_iter().chain(short).chain(read).collect();
        Forecast { ttl, origin, reach, notices }
    }
}

/// Says that part of the overlay cannot be reached at all.
fn disconnected(scenario: &Scenario, origin: NodeId, reach: &Reach) -> Option<String> {
    let nodes = scenario.nodes;
    (!reach.is_everyone(nodes)).then(|| {
        let reachable = reach.reachable;
        let origin = scenario.names().id(origin);
        format!("The overlay is not connected: {reachable} of {nodes} nodes can be reached from node {origin} at all.")
    })
}

/// Says that an overlay that was not searched is in pieces. From three peers on it nearly never is.
fn unsearched(scenario: &Scenario) -> Option<String> {
    (scenario.peers <= 2).then(|| {
        "The overlay is too large to be searched, and with 2 peers it is some rings of all lengths: an order gets round \
         its own alone."
            .to_owned()
    })
}

/// Says that too few nodes lie within the TTL, whatever is drawn. Where nodes are down fewer make the target, which may come.
fn bound(scenario: &Scenario, origin: NodeId, reach: &Reach, ttl: u8, auto: u8) -> Option<String> {
    let FaultSpec { down, churn, .. } = &scenario.faults;
    if *down != DownSpec::default() || churn.is_some() {
        return None;
    }
    let goal = scenario.target.ceil_of(u64::from(scenario.nodes));
    let near: u64 = reach.by_depth.iter().take(usize::from(ttl) + 1).map(|&nodes| u64::from(nodes)).sum();
    let Scenario { nodes, target, .. } = scenario;
    let origin = scenario.names().id(origin);
    (near < goal).then(|| {
        let advice = if u64::from(reach.reachable) < goal {
            "lower --target or choose an overlay with more --peers".to_owned()
        } else {
            format!("the farthest node is {} away: {}", hops(reach.depth), longer(ttl, auto))
        };
        format!(
            "The target cannot come: {near} of {nodes} nodes lie within {} of node {origin}, and {goal} make {}; \
             {advice}.",
            hops(ttl.into()),
            percent(target.as_f64())
        )
    })
}

/// Says that too few nodes lie within the hops that the time limit leaves room for, whatever is drawn. An order that is asked
/// for crosses each link as an announcement, a request, and itself, and waits where news are gathered. Where nodes fail, fewer
/// may make the target.
fn too_late(scenario: &Scenario, origin: NodeId, reach: &Reach, floor: Nanos) -> Option<String> {
    if scenario.faults != FaultSpec::default() {
        return None;
    }
    let goal = scenario.target.ceil_of(u64::from(scenario.nodes));
    let crossings = if scenario.protocol == ProtocolKind::Lazy { 3 } else { 1 };
    // Of several orders, one may come to a node shortly before it announces another.
    let gathered = scenario.announce_interval.filter(|_| scenario.orders() == 1).unwrap_or_default();
    let hop = Nanos(floor.0.saturating_mul(crossings)) + gathered;
    let timeout = scenario.timeout?;
    let hops_in_time = timeout.0.checked_div(hop.0)?;
    let reached =
        |hops: u64| -> u64 { reach.by_depth.iter().take(hops as usize + 1).map(|&nodes| u64::from(nodes)).sum() };
    let near = reached(hops_in_time.min(u64::from(TTL_MAX)));
    let needed = (0..=u64::from(reach.depth)).find(|&hops| reached(hops) >= goal)?;
    let Scenario { nodes, target, .. } = scenario;
    let origin = scenario.names().id(origin);
    (near < goal).then(|| {
        format!(
            "The target cannot come in time: a hop takes {hop} at least, and {near} of {nodes} nodes lie within the {} of node \
             {origin} that {timeout} leave room for, where {goal} make {}; raise --timeout above {}.",
            hops(hops_in_time as u32),
            percent(target.as_f64()),
            Nanos(hop.0.saturating_mul(needed))
        )
    })
}

/// What to do where the TTL is too short. `auto` is named only where it is longer.
fn longer(ttl: u8, auto: u8) -> String {
    match ttl {
        TTL_MAX => format!("no TTL exceeds {TTL_MAX}, so lower --target or choose an overlay with shorter ways"),
        _ if auto > ttl => format!("raise --ttl, or use --ttl auto, here {auto}"),
        _ => "raise --ttl".to_owned(),
    }
}

/// What the mean field knows of a scenario.
struct Outlook<'a> {
    scenario: &'a Scenario,
    nodes: u64,
    /// To how many peers a node forwards that has as many.
    fanout: f64,
    /// The share of messages that the network loses.
    loss: f64,
    overlay: Overlay,
}

/// A random overlay, as the forms know it.
enum Overlay {
    /// Everyone knows everyone, so that targets are uniform. A fanout cannot exceed the number of the others.
    Complete,
    /// Everyone knows some. A fanout above the mean number of peers still counts: nodes above the mean forward to more.
    Sparse(RandomGraph),
}

impl<'a> Outlook<'a> {
    /// What there is to know, or `None` where the overlay is not random enough for the forms to hold, or nothing is drawn.
    /// An announcement travels as a forward does, so that the forms of push hold for lazy, too.
    fn new(scenario: &'a Scenario, topology: &Topology) -> Option<Outlook<'a>> {
        if scenario.protocol == ProtocolKind::Flood {
            // It forwards to whom it has: what lies within the TTL is all there is to say.
            return None;
        }
        let (fanout, degree) = (f64::from(scenario.fanout), topology.mean_degree());
        let others = f64::from(scenario.nodes) - 1.0;
        let overlay = match scenario.topology {
            // A random overlay of so many peers is built as the complete one.
            TopologySpec::ErdosRenyi | TopologySpec::RandomRegular | TopologySpec::RegularImplicit
                if degree >= others =>
            {
                Overlay::Complete
            }
            TopologySpec::Complete => Overlay::Complete,
            TopologySpec::ErdosRenyi => Overlay::Sparse(RandomGraph::new(degree, fanout)),
            TopologySpec::RandomRegular | TopologySpec::RegularImplicit => {
                Overlay::Sparse(RandomGraph::regular(degree, fanout))
            }
            _ => return None,
        };
        let loss = loss_of(scenario);
        let overlay = match overlay {
            Overlay::Complete => Overlay::Complete,
            Overlay::Sparse(graph) => Overlay::Sparse(RandomGraph { loss, ..graph }),
        };
        Some(Outlook { scenario, nodes: u64::from(scenario.nodes), fanout: fanout.min(others), loss, overlay })
    }

    /// The share of nodes that an order reaches in the end, with this fanout.
    fn at_last(&self, fanout: f64) -> f64 {
        match self.overlay {
            Overlay::Complete => final_coverage(fanout * (1.0 - self.loss)),
            Overlay::Sparse(graph) => RandomGraph { fanout, ..graph }.final_coverage(),
        }
    }

    /// The share of nodes reached within 0, 1, 2 ... hops.
    fn by_hop(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match &self.overlay {
            Overlay::Complete => {
                let fanout = self.fanout * (1.0 - self.loss);
                Box::new(iter::once(1.0 / self.nodes as f64).chain(coverage_by_hop(self.nodes, fanout)))
            }
            Overlay::Sparse(graph) => Box::new(graph.coverage_by_hop(self.nodes)),
        }
    }

    fn hops_to_target(&self) -> Option<u32> {
        hops_until(self.nodes, self.scenario.target, self.by_hop())
    }

    /// Says that fanout and TTL are expected to fall short of the target.
    fn shortfall(&self, ttl: u8, auto: u8) -> Option<String> {
        let Scenario { nodes, fanout, target, .. } = self.scenario;
        let meets = |coverage| meets(self.nodes, coverage, *target);
        let in_time = self.by_hop().nth(usize::from(ttl))?;
        let advice = match self.at_last(self.fanout) {
            _ if meets(in_time) => return None,
            at_last if meets(at_last) => longer(ttl, auto),
            at_last => format!("no TTL makes it more than {}; {}", percent(at_last), self.wider()),
        };
        Some(format!(
            "The target is not expected: fanout {fanout} and TTL {ttl}{} reach about {} of {nodes} nodes (mean field), \
             short of {}; {advice}.",
            lossy(self.loss),
            percent(in_time),
            percent(target.as_f64())
        ))
    }

    /// What to do where no TTL is enough: the least fanout that is, if there are peers for it.
    fn wider(&self) -> String {
        let Scenario { fanout, target, .. } = self.scenario;
        let meets = |fanout: u32| meets(self.nodes, self.at_last(fanout.into()), *target);
        // Nobody has more peers than there are others, and under heavy loss the least fanout may be far away.
        let (mut short, mut enough) = (*fanout, self.scenario.nodes - 1);
        if short >= enough || !meets(enough) {
            return "the target takes more --peers".to_owned();
        }
        while enough - short > 1 {
            let middle = short + (enough - short) / 2;
            (short, enough) = if meets(middle) { (short, middle) } else { (middle, enough) };
        }
        format!("the target takes a fanout of {enough} or more")
    }
}

/// The share of messages that the scenario's network loses in the long run.
fn loss_of(scenario: &Scenario) -> f64 {
    scenario.network.as_ref().map_or(0.0, |network| network.loss.mean())
}

/// So many hops, in words.
fn hops(count: u32) -> String {
    format!("{count} {}", if count == 1 { "hop" } else { "hops" })
}

/// What the network loses, in words; nothing where it loses nothing.
fn lossy(loss: f64) -> String {
    if loss > 0.0 { format!(" under a loss of {}", percent(loss)) } else { String::new() }
}

/// A share as people say it: `95 %`, `99.95 %`.
fn percent(share: f64) -> String {
    let digits = format!("{:.2}", share * 100.0);
    format!("{} %", digits.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests;
