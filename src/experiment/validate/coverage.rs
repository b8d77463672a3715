//! Final coverage: on the complete graph, at the effective fanouts of common targets, and on random graphs.

use super::{Bench, Case, EarlyEnd, RunShare, lossy, reached, simulated, survivors_of};
use crate::analysis::Estimate;
use crate::network::LossSpec;
use crate::ratio::Ratio;
use crate::scenario::Draft;
use crate::theory::coverage::{RandomGraph, fanout_for, final_coverage};
use crate::theory::effective_fanout;
use crate::topology::TopologySpec;

const GROUP: &str = "Final coverage";

/// Error of the form from 10^4 nodes on.
const FORM_ERROR: f64 = 0.000_3;

/// Nodes of the complete graph, where targets are uniform.
const UNIFORM_NODES: u32 = 30_000;

/// Nodes of a random graph.
const GRAPH_NODES: u32 = 10_000;

const REPLICATES: u32 = 32;

pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    for fanout in [2, 3, 4, 5, 6, 8, 10] {
        uniform(bench, fanout)?;
    }
    for (share, fanout) in [(0.9, 3), (0.95, 4), (0.99, 5), (0.999, 7)] {
        effective(bench, share, fanout)?;
    }
    let random = |fanout| RandomGraph::new(20.0, fanout);
    let erdos_renyi = TopologySpec::ErdosRenyi;
    on_graph(bench, "ER d 20", &erdos_renyi, 2, random(2.0))?;
    on_graph(bench, "ER d 20", &erdos_renyi, 3, random(3.0))?;
    for loss in [0.0, 0.3, 0.5] {
        on_graph(bench, "ER d 20", &erdos_renyi, 8, RandomGraph { loss, ..random(8.0) })?;
    }
    // A node that excludes the sender, and draws no other target in its place, reaches the same nodes.
    on_graph(bench, "ER d 20, sender spared", &erdos_renyi, 8, RandomGraph { loss: 0.5, ..random(8.0) })?;
    on_graph(bench, "regular d 20", &TopologySpec::RandomRegular, 3, RandomGraph::regular(20.0, 3.0))?;
    on_graph(bench, "implicit d 20", &TopologySpec::RegularImplicit, 3, RandomGraph::regular(20.0, 3.0))?;
    on_graph(bench, "regular d 3", &TopologySpec::RandomRegular, 2, RandomGraph::regular(3.0, 2.0))
}

/// Checks uniform targets without loss; if few nodes are missed, also their number.
fn uniform(bench: &Bench<'_>, fanout: u32) -> Result<(), EarlyEnd> {
    let draft = simulated(TopologySpec::Complete, bench.nodes(UNIFORM_NODES), fanout);
    let nodes = bench.nodes(UNIFORM_NODES);
    let form = final_coverage(f64::from(fanout));
    let shares = bench.runs(&draft, bench.replicates(REPLICATES), reached)?;
    let case = format!("complete, {nodes} nodes, f {fanout}");
    bench.judge(Case::new(GROUP, case, (form, FORM_ERROR), Estimate::mean(&shares)), &draft)?;
    if fanout >= 6 {
        // Nearly all are reached, so the allowance above exceeds the share missed. A count of them is exact to a node.
        let missed: Vec<f64> = shares.iter().map(|share| (1.0 - share) * f64::from(nodes)).collect();
        let case = format!("complete, {nodes} nodes, f {fanout}: nodes missed");
        let form = (1.0 - form) * f64::from(nodes);
        bench.judge(Case::new(GROUP, case, (form, MISSED_ERROR), Estimate::rare(&missed, form)), &draft)?;
    }
    Ok(())
}

/// Error of the number of nodes missed, because the form assumes an infinite network: about `f^2 / 2N` of them.
const MISSED_ERROR: f64 = 0.1;

/// Checks a fanout and a loss that together should reach this share.
fn effective(bench: &Bench<'_>, share: f64, fanout: u32) -> Result<(), EarlyEnd> {
    let needed = fanout_for(share);
    let millionths = ((1.0 - needed / f64::from(fanout)) * 1e6).round() as u64;
    let loss = ratio(millionths);
    let nodes = bench.nodes(UNIFORM_NODES);
    let draft = lossy(simulated(TopologySpec::Complete, nodes, fanout), LossSpec::Independent(loss));
    let f_eff = effective_fanout(f64::from(fanout), loss.as_f64(), 0.0);
    let runs = bench.runs(&draft, bench.replicates(REPLICATES), RunShare::of)?;
    let case = format!("complete, {nodes} nodes, f_eff {f_eff:.4}");
    let estimate = Estimate::mean_of_survivors(&survivors_of(&runs));
    bench.judge(Case::new(GROUP, case, (share, FORM_ERROR), estimate), &draft)
}

/// Checks a random graph with the parameters of the form.
fn on_graph(
    bench: &Bench<'_>,
    name: &str,
    topology: &TopologySpec,
    fanout: u32,
    form: RandomGraph,
) -> Result<(), EarlyEnd> {
    let nodes = bench.nodes(GRAPH_NODES);
    let draft = Draft {
        peers: Some(form.degree as u32),
        exclude_sender: Some(name.contains("spared")),
        loss: Some(LossSpec::Independent(ratio((form.loss * 1e6).round() as u64))),
        ..simulated(topology.clone(), nodes, fanout)
    };
    let runs = bench.runs(&draft, bench.replicates(REPLICATES), RunShare::of)?;
    let loss = if form.loss > 0.0 { format!(", loss {}", form.loss) } else { String::new() };
    let (case, form) = (format!("{name}, {nodes} nodes, f {fanout}{loss}"), form.final_coverage());
    let estimate = Estimate::mean_of_survivors(&survivors_of(&runs));
    bench.judge(Case::new(GROUP, case, (form, FORM_ERROR), estimate), &draft)
}

/// Returns the ratio of that many millionths, at most 1.
fn ratio(millionths: u64) -> Ratio {
    Ratio::new(millionths.min(1_000_000), 1_000_000).unwrap_or(Ratio::new(0, 1).unwrap())
}
