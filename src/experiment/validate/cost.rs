//! The cost of a spread: messages per node reached, and copies that a node receives.

use super::{Bench, Case, EarlyEnd, simulated};
use crate::analysis::Estimate;
use crate::record::RunRecord;
use crate::scenario::{Draft, ProtocolKind};
use crate::theory::coverage::final_coverage;
use crate::theory::redundancy::{copies_chance, flood_messages, push, push_on_graph, push_sparing_the_sender, rmr};
use crate::topology::TopologySpec;

/// Error of the closed forms of redundancy.
pub(super) const RMR_ERROR: f64 = 0.02;

const NODES: u32 = 10_000;
const PEERS: u32 = 20;
const REPLICATES: u32 = 24;

pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    let degree = f64::from(PEERS);
    redundancy(bench, "complete", simulated(TopologySpec::Complete, NODES, 8), push(8.0))?;
    let on_graph = |fanout| Draft { peers: Some(PEERS), ..simulated(TopologySpec::ErdosRenyi, NODES, fanout) };
    redundancy(bench, "ER d 20", on_graph(8), push_on_graph(8.0, degree))?;
    redundancy(bench, "ER d 20", on_graph(12), push_on_graph(12.0, degree))?;
    for fanout in [8, 12] {
        let spared = Draft { exclude_sender: Some(true), ..on_graph(fanout) };
        redundancy(bench, "ER d 20, sender spared", spared, push_sparing_the_sender(fanout.into(), degree))?;
    }
    let lazy = Draft { protocol: Some(ProtocolKind::Lazy.into()), ..on_graph(8) };
    redundancy(bench, "announced, asked for", lazy, 0.0)?;
    flood(bench)?;
    copies(bench, 4)?;
    copies(bench, 8)
}

/// Checks a flood crosses each link twice, except those by which the order first arrived, so its number of messages is
/// exact.
fn flood(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    let regular = Draft { peers: Some(PEERS), ..simulated(TopologySpec::RandomRegular, NODES, 8) };
    let draft = Draft { protocol: Some(ProtocolKind::Flood.into()), fanout: None, ..regular };
    let beyond = |record: &RunRecord| {
        let links = (record.overlay.mean_degree * f64::from(record.nodes) / 2.0).round() as u64;
        record.payload_messages() as f64 - flood_messages(links, record.nodes.into()) as f64
    };
    let figures = bench.runs(&draft, bench.replicates(REPLICATES), beyond)?;
    let case = format!("flood beyond 2E - (N - 1), regular, {NODES} nodes");
    bench.judge(Case::new("Messages", case, (0.0, 0.0), Estimate::mean(&figures)), &draft)
}

/// Checks relative message redundancy.
fn redundancy(bench: &Bench<'_>, name: &str, draft: Draft, form: f64) -> Result<(), EarlyEnd> {
    let figures = bench.runs(&draft, bench.replicates(REPLICATES), redundancy_of)?;
    let case = format!("{name}, {NODES} nodes, f {}", draft.fanout.unwrap_or_default());
    bench.judge(Case::new("Redundancy (RMR)", case, (form, RMR_ERROR), Estimate::mean(&figures)), &draft)
}

/// Returns a run's redundancy; NaN if it reached no other node.
pub(super) fn redundancy_of(record: &RunRecord) -> f64 {
    rmr(record.payload_messages(), record.reached()).unwrap_or(f64::NAN)
}

/// Checks distribution of the copies that nodes receive: Poisson, around the messages sent per node.
fn copies(bench: &Bench<'_>, fanout: u32) -> Result<(), EarlyEnd> {
    let draft = simulated(TopologySpec::Complete, NODES, fanout);
    let spreads = bench.runs(&draft, bench.replicates(REPLICATES), |record| CopiesCase::of(record, fanout))?;
    let mean = f64::from(fanout) * final_coverage(f64::from(fanout));
    // A network of N nodes is off by about f^2 / N, in variance and chances alike.
    let error = f64::from(fanout * fanout) / f64::from(NODES);
    let of = |figure: fn(&CopiesCase) -> f64| spreads.iter().map(figure).collect::<Vec<f64>>();
    for (what, form, measured) in [
        ("mean", mean, of(|copies| copies.mean)),
        ("variance", mean, of(|copies| copies.variance)),
        ("chance of f", copies_chance(mean, fanout), of(|copies| copies.chance_of_fanout)),
    ] {
        let case = format!("complete, {NODES} nodes, f {fanout}: {what}");
        bench.judge(Case::new("Copies per node", case, (form, error), Estimate::mean(&measured)), &draft)?;
    }
    Ok(())
}

/// Statistics of the copies that the nodes of one run received.
struct CopiesCase {
    mean: f64,
    variance: f64,
    chance_of_fanout: f64,
}

impl CopiesCase {
    fn of(record: &RunRecord, fanout: u32) -> CopiesCase {
        let nodes = f64::from(record.nodes);
        let copies = || record.traffic.iter().map(|traffic| traffic.copies);
        let mean = copies().map(|copies| copies as f64).sum::<f64>() / nodes;
        let variance = copies().map(|copies| (copies as f64 - mean).powi(2)).sum::<f64>() / nodes;
        let chance_of_fanout = copies().filter(|&copies| copies == u64::from(fanout)).count() as f64 / nodes;
        CopiesCase { mean, variance, chance_of_fanout }
    }
}
