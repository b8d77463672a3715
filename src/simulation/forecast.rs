//! What can be said before the run: the TTL that `auto` stands for, and targets that cannot come.
//!
//! Two things are known. Nobody gets an order over more hops than the TTL, whatever is drawn: a bound, from the
//! breadth-first depths. And on random overlays the mean field says what to expect: an expectation, with its own error.

use crate::scenario::{Scenario, Ttl};
use crate::theory::coverage::{RandomGraph, fanout_for};
use crate::theory::hops::{Branching, auto_ttl, coverage_within, hops_to_target};
use crate::topology::{Reach, Topology, TopologySpec};

/// Below so many nodes the mean field errs too much to warn by it.
const MEAN_FIELD_NODES_MIN: u32 = 100;

/// What is known before an order leaves.
pub(super) struct Forecast {
    /// The TTL in force.
    pub(super) ttl: u8,
    /// What an order could reach if it were forwarded to every peer without end.
    pub(super) reach: Reach,
    /// What the user should know first, each a sentence.
    pub(super) notices: Vec<String>,
}

impl Forecast {
    /// Looks at an overlay and what can be `reach`ed on it from the origin.
    pub(super) fn new(scenario: &Scenario, topology: &Topology, reach: Reach) -> Forecast {
        let outlook = Outlook::new(scenario, topology);
        let ttl = match scenario.ttl {
            Ttl::Hops(ttl) => ttl,
            Ttl::Auto if outlook.is_mean_field => {
                auto_ttl(hops_to_target(outlook.nodes, outlook.branching, scenario.target))
            }
            Ttl::Auto => auto_ttl(Some(reach.depth)),
        };
        let short = bound(scenario, &reach, ttl).or_else(|| outlook.shortfall(scenario, ttl));
        let notices = disconnected(scenario, &reach).into_iter().chain(short).collect();
        Forecast { ttl, reach, notices }
    }
}

/// Says that part of the overlay cannot be reached at all.
fn disconnected(scenario: &Scenario, reach: &Reach) -> Option<String> {
    let Scenario { nodes, origin, .. } = scenario;
    (!reach.is_everyone(*nodes)).then(|| {
        let reachable = reach.reachable;
        format!("The overlay is not connected: {reachable} of {nodes} nodes can be reached from node {origin} at all.")
    })
}

/// Says that too few nodes lie within the TTL, whatever is drawn.
fn bound(scenario: &Scenario, reach: &Reach, ttl: u8) -> Option<String> {
    let goal = scenario.target.ceil_of(u64::from(scenario.nodes));
    let near: u64 = reach.by_depth.iter().take(usize::from(ttl) + 1).map(|&nodes| u64::from(nodes)).sum();
    let Scenario { nodes, origin, target, .. } = scenario;
    (near < goal).then(|| {
        let advice = if u64::from(reach.reachable) < goal {
            "lower --target or choose an overlay with more --peers".to_owned()
        } else {
            format!("the farthest node is {} hops away: raise --ttl, or use --ttl auto", reach.depth)
        };
        format!(
            "The target cannot come: {near} of {nodes} nodes lie within {ttl} hops of node {origin}, and {goal} make {}; \
             {advice}.",
            percent(target.as_f64())
        )
    })
}

/// What the mean field knows of a scenario.
struct Outlook {
    nodes: u64,
    degree: f64,
    /// Messages of a forward, on average.
    fanout: f64,
    /// Those of them that do not go back where the order came from.
    branching: Branching,
    /// Whether the overlay is random enough and the forward selective enough for the form to hold.
    is_mean_field: bool,
}

impl Outlook {
    fn new(scenario: &Scenario, topology: &Topology) -> Outlook {
        use TopologySpec::{Complete, ErdosRenyi, RandomRegular};
        let degree = topology.mean_degree();
        let fanout = f64::from(scenario.fanout).min(degree);
        Outlook {
            nodes: u64::from(scenario.nodes),
            degree,
            fanout,
            branching: Branching::on_graph(fanout, degree),
            is_mean_field: matches!(scenario.topology, ErdosRenyi | RandomRegular | Complete),
        }
    }

    /// Says that fanout and TTL are expected to fall short of the target.
    fn shortfall(&self, scenario: &Scenario, ttl: u8) -> Option<String> {
        let target = scenario.target.as_f64();
        if !self.is_mean_field || scenario.nodes < MEAN_FIELD_NODES_MIN {
            return None;
        }
        let Scenario { nodes, fanout, .. } = scenario;
        let at_last = RandomGraph::new(self.degree, self.fanout).final_coverage();
        let (expected, advice) = if at_last < target {
            let needed = fanout_for(target);
            (
                at_last,
                format!(
                    "whatever the TTL; the target takes a fanout of {needed:.2} or more, where there are peers enough"
                ),
            )
        } else {
            let auto = auto_ttl(hops_to_target(self.nodes, self.branching, scenario.target));
            (coverage_within(self.nodes, self.branching, ttl), format!("raise --ttl, or use --ttl auto, here {auto}"))
        };
        (expected < target).then(|| {
            format!(
                "The target is not expected: fanout {fanout} and TTL {ttl} reach about {} of {nodes} nodes (mean field), \
                 short of {}; {advice}.",
                percent(expected),
                percent(target)
            )
        })
    }
}

/// A share as people say it: `95 %`, `99.95 %`.
fn percent(share: f64) -> String {
    let digits = format!("{:.2}", share * 100.0);
    format!("{} %", digits.trim_end_matches('0').trim_end_matches('.'))
}
