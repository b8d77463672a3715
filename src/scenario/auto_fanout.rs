//! The fanout of `push:auto`: the least whole number whose expected coverage is the target.
//!
//! With k the target, e the share of messages that arrive at a node that is up, and N nodes:
//!
//! - `f = -ln(1 - k) / (k e)` for k below 1, the inverse of the giant component `k = 1 - exp(-f e k)` (Eugster,
//!   Guerraoui, Kermarrec, Massoulié 2004);
//! - `f = (ln N + c) / e` for all nodes, with `c = 4.6`: one run in a hundred misses a node, because all are reached
//!   with probability `exp(-exp(-c))` (Kermarrec, Massoulié, Ganesh 2003);
//! - on random graphs the least `f` for which the form of the graph ([`RandomGraph`]) leaves no more nodes out: a node
//!   has few peers, and its copies go to different ones.
//!
//! The result is rounded up. `e` is `(1 - loss)(1 - failures)`, both as long-run means; failed nodes count as spread
//! at random, so that hubs that fail take more.

use super::error::ScenarioError;
use super::protocol_mismatch::ProtocolMismatch;
use super::{FailureOptions, OverlayOptions};
use crate::network::NetworkSpec;
use crate::ratio::Ratio;
use crate::theory::coverage::{RandomGraph, fanout_for};
use crate::topology::TopologySpec;

/// The constant of the form for all nodes: `exp(-exp(-4.6))` is .99.
const ATOMIC: f64 = 4.6;

/// Returns the fanout of `push:auto`. `views` is the size of full active views, if a membership protocol keeps them:
/// their members are as random as the peers on a random regular graph.
///
/// # Errors
///
/// [`ProtocolMismatch::NoFanoutReaches`] if no fanout is enough on this overlay.
pub(super) fn auto_fanout(
    overlay: &OverlayOptions,
    views: Option<u32>,
    network: Option<&NetworkSpec>,
    failures: &FailureOptions,
    target: Ratio,
) -> Result<u32, ScenarioError> {
    let loss = network.map_or(0.0, |network| network.loss.mean());
    let failed = failed(failures);
    let (nodes, kept) = (f64::from(overlay.nodes), (1.0 - loss) * (1.0 - failed));
    let (share, others) = (target.as_f64(), overlay.nodes.saturating_sub(1).max(1));
    let unreachable = || ProtocolMismatch::NoFanoutReaches { target, nodes: overlay.nodes, loss, failed }.into();
    if kept <= 0.0 {
        return Err(unreachable());
    }
    let uniform = if share < 1.0 { fanout_for(share) / kept } else { (nodes.ln() + ATOMIC) / kept };
    // A fanout beyond all other nodes is all of them.
    let uniform = (uniform.ceil() as u32).clamp(1, others);
    let peers = views.unwrap_or(overlay.peers);
    let graph = match overlay.topology {
        _ if peers >= others => None,
        TopologySpec::ErdosRenyi => Some(RandomGraph::new(peers.into(), 0.0)),
        TopologySpec::RandomRegular | TopologySpec::RegularImplicit | TopologySpec::Membership => {
            Some(RandomGraph::regular(peers.into(), 0.0))
        }
        _ => None,
    };
    let Some(graph) = graph else { return Ok(uniform) };
    // Nodes that may be missing: of all nodes, as many as the uniform form leaves out on average.
    let missing = if share < 1.0 { 1.0 - share } else { (-ATOMIC).exp() / nodes };
    let is_enough = |fanout: u32| {
        let graph = RandomGraph { fanout: fanout.into(), loss, failed, ..graph };
        1.0 - graph.final_coverage() <= missing
    };
    // A node with many peers forwards to more than the mean number of them.
    let most = others.min(peers.saturating_mul(4).max(64));
    (1..=most).find(|&fanout| is_enough(fanout)).ok_or_else(unreachable)
}

/// Returns the share of nodes that are down in the long run.
fn failed(failures: &FailureOptions) -> f64 {
    let faults = &failures.faults;
    let outages = faults.down.0.iter().map(|outage| 1.0 - outage.share.as_f64()).product::<f64>();
    let churn = faults.churn.map_or(1.0, |churn| churn.up.as_secs_f64() / (churn.up + churn.down).as_secs_f64());
    1.0 - outages * churn
}
