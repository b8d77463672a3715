//! Chances that every node is reached, that an order dies out at its origin, and that a graph is connected; and the
//! loss that a spread survives.

use super::{Bench, Case, EarlyEnd, RunShare, lossy, simulated, survivors_of};
use crate::analysis::Estimate;
use crate::ids::NodeId;
use crate::network::LossSpec;
use crate::ratio::Ratio;
use crate::scenario::Draft;
use crate::sync::Interrupt;
use crate::theory::chances::{connected, die_out, every_node_reached, every_node_reached_on_graph, removal_threshold};
use crate::theory::coverage::{RandomGraph, final_coverage};
use crate::theory::effective_fanout;
use crate::topology::{TopologySpec, reach};

pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    // N = e^(f - c), with c = 0, 1, 2.
    for (nodes, replicates) in [(2_981, 800), (1_097, 1_600), (403, 1_600)] {
        every_node(bench, nodes, replicates)?;
    }
    every_node_on_graph(bench)?;
    for (percent, replicates) in [(50, 4_000), (60, 2_000)] {
        early_die_out(bench, percent, replicates)?;
    }
    for (nodes, degree, replicates) in [(1_000, 7, 2_000), (10_000, 10, 400), (100_000, 12, 32)] {
        if bench.takes(nodes) {
            connected_graph(bench, nodes, degree, replicates)?;
        }
    }
    for percent in [80, 85, 90] {
        threshold_of_push(bench, percent)?;
    }
    for percent in [90, 97] {
        threshold_on_graph(bench, percent)?;
    }
    Ok(())
}

/// Checks the chance that every node is reached, with a fanout of `ln N + c`.
fn every_node(bench: &Bench<'_>, nodes: u32, replicates: u32) -> Result<(), EarlyEnd> {
    let fanout = 8;
    let draft = simulated(TopologySpec::Complete, nodes, fanout);
    let form = every_node_reached(nodes.into(), f64::from(fanout));
    let hits = bench.runs(&draft, bench.replicates(replicates), |record| record.reached() == u64::from(nodes))?;
    let surplus = f64::from(fanout) - f64::from(nodes).ln();
    let case = format!("complete, {nodes} nodes, f {fanout}: c {surplus:+.2}");
    // The chance that all miss a node is (1 - f/(N - 1))^N, not e^-f: the relative error of the exponent is f^2 / 2N.
    let exponent_error = f64::from(fanout * fanout) / (2.0 * f64::from(nodes));
    let error = -form * form.ln() * exponent_error;
    bench.judge(Case::new("Every node reached", case, (form, error), Estimate::share(&hits, form)), &draft)
}

/// Checks the same chance on a random graph, where the final coverage gives the nodes missed.
fn every_node_on_graph(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    let (nodes, peers, fanout) = (1_000, 20, 8);
    let draft = Draft { peers: Some(peers), ..simulated(TopologySpec::ErdosRenyi, nodes, fanout) };
    let coverage = RandomGraph::new(f64::from(peers), f64::from(fanout)).final_coverage();
    let form = every_node_reached_on_graph(nodes.into(), coverage);
    let hits = bench.runs(&draft, bench.replicates(800), |record| record.reached() == u64::from(nodes))?;
    let case = format!("ER d {peers}, {nodes} nodes, f {fanout}");
    // Degrees are binomial, not Poisson: the relative error of the exponent is about d^2 / 2N.
    let error = -form * form.ln() * f64::from(peers * peers) / (2.0 * f64::from(nodes));
    bench.judge(Case::new("Every node reached", case, (form, error), Estimate::share(&hits, form)), &draft)
}

/// Checks two modes under loss: the share of the lower one, and the median, which lies in the upper.
fn early_die_out(bench: &Bench<'_>, percent: u64, replicates: u32) -> Result<(), EarlyEnd> {
    let (nodes, fanout) = (400, 8);
    let loss = share_of(percent);
    let draft = lossy(simulated(TopologySpec::Complete, nodes, fanout), LossSpec::Independent(loss));
    let runs = bench.runs(&draft, bench.replicates(replicates), RunShare::of)?;
    let shares: Vec<f64> = runs.iter().map(|run| run.share).collect();
    let final_share = final_coverage(effective_fanout(f64::from(fanout), loss.as_f64(), 0.0));
    let died: Vec<bool> = runs.iter().map(|run| run.died_out).collect();
    let form = die_out(f64::from(fanout), loss.as_f64());
    let name = format!("complete, {nodes} nodes, f {fanout}, loss {}", loss.as_f64());
    let estimate = Estimate::share(&died, form);
    bench.judge(Case::new("Early die-out", name.clone(), (form, 0.0), estimate), &draft)?;
    // Below 10^4 nodes the coverage is off by about 1/N.
    let error = 1.5 / f64::from(nodes);
    bench.judge(Case::new("Early die-out", name, (final_share, error), Estimate::median(&shares)), &draft)
}

/// Checks the chance that a random graph is connected. It is measured without any order.
fn connected_graph(bench: &Bench<'_>, nodes: u32, degree: u32, replicates: u32) -> Result<(), EarlyEnd> {
    let form = connected(nodes.into(), degree.into());
    let is_connected = |seed, _: &Interrupt| {
        let overlay = TopologySpec::ErdosRenyi.build(nodes, degree, seed)?;
        Ok(reach(&overlay, NodeId(0)).is_some_and(|reach| reach.is_everyone(nodes)))
    };
    let hits = bench.each(bench.replicates(replicates), is_connected)?;
    let exponent_error = f64::from(degree * degree) / (2.0 * f64::from(nodes));
    let error = -form * form.ln() * exponent_error;
    let case = format!("ER d {degree}, {nodes} nodes");
    let draft = Draft { peers: Some(degree), ..simulated(TopologySpec::ErdosRenyi, nodes, 8) };
    bench.judge(Case::new("Graph in one piece", case, (form, error), Estimate::share(&hits, form)), &draft)
}

/// Checks the threshold of loss for push. Loss thins a spread as random failures do: below the threshold most runs
/// survive, above it none.
fn threshold_of_push(bench: &Bench<'_>, percent: u64) -> Result<(), EarlyEnd> {
    let (nodes, fanout) = (bench.nodes(20_000), 8);
    let loss = share_of(percent);
    let draft = lossy(simulated(TopologySpec::Complete, nodes, fanout), LossSpec::Independent(loss));
    let final_share = final_coverage(effective_fanout(f64::from(fanout), loss.as_f64(), 0.0));
    let died = die_out(f64::from(fanout), loss.as_f64());
    at_threshold(bench, &draft, ("complete", removal_threshold(fanout.into())), loss, (final_share, died))
}

/// Checks the same threshold where each node sends to all its peers, as a flood does.
fn threshold_on_graph(bench: &Bench<'_>, percent: u64) -> Result<(), EarlyEnd> {
    let (nodes, peers, fanout) = (10_000, 20, 1_000);
    let loss = share_of(percent);
    let draft = Draft { peers: Some(peers), ..simulated(TopologySpec::ErdosRenyi, nodes, fanout) };
    let draft = lossy(draft, LossSpec::Independent(loss));
    let degree = f64::from(peers);
    let graph = RandomGraph { loss: loss.as_f64(), ..RandomGraph::new(degree, f64::from(fanout)) };
    let final_share = graph.final_coverage();
    // Lost copies thin the links, and a graph with fewer links is a random graph again. The share that does not die out
    // is therefore the share of nodes in its giant component.
    let name = ("ER d 20, to all peers", removal_threshold(degree));
    at_threshold(bench, &draft, name, loss, (final_share, 1.0 - final_share))
}

fn at_threshold(
    bench: &Bench<'_>,
    draft: &Draft,
    (name, threshold): (&str, f64),
    loss: Ratio,
    (final_share, died): (f64, f64),
) -> Result<(), EarlyEnd> {
    let group = "Loss before and beyond the threshold";
    // Few runs survive near the threshold, and they differ, so a quick plan still makes half of the 200 runs.
    let runs = bench.runs(draft, bench.replicates(800).min(200), RunShare::of)?;
    let name = format!("{name}, loss {} of {threshold:.3}", loss.as_f64());
    if final_share == 0.0 {
        let shares: Vec<f64> = runs.iter().map(|run| run.share).collect();
        let case = Case::new(group, name, (0.0, 0.000_5), Estimate::mean(&shares));
        return bench.judge(case, draft);
    }
    let hits: Vec<bool> = runs.iter().map(|run| run.died_out).collect();
    let case = Case::new(group, format!("{name}: died out"), (died, 0.0), Estimate::share(&hits, died));
    bench.judge(case, draft)?;
    let survivors = Estimate::mean_of_survivors(&survivors_of(&runs));
    bench.judge(Case::new(group, name, (final_share, NEAR_THRESHOLD_ERROR), survivors), draft)
}

/// Error of the survivors' coverage near the threshold, at 10^4 nodes.
const NEAR_THRESHOLD_ERROR: f64 = 0.001;

fn share_of(percent: u64) -> Ratio {
    Ratio::new(percent.min(100), 100).unwrap_or(Ratio::new(0, 1).unwrap())
}
