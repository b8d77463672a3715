//! Coverage by hop, with hops of equal time.

use super::{Bench, Case, EarlyEnd, simulated};
use crate::analysis::Estimate;
use crate::ratio::Ratio;
use crate::record::{Receipts, RunRecord};
use crate::scenario::{Draft, Ttl};
use crate::theory::coverage::RandomGraph;
use crate::theory::hops::{coverage_by_hop, coverage_within, nodes_within};
use crate::topology::TopologySpec;

const GROUP: &str = "Coverage by hop";

/// Error of the forms at the steep hops.
pub(super) const FORM_ERROR: f64 = 0.005;

/// Hops that are compared.
const HOPS: u8 = 6;

const FANOUT: u32 = 8;
const PEERS: u32 = 20;

pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    let graph = RandomGraph::new(f64::from(PEERS), f64::from(FANOUT));
    for (nodes, replicates) in [(1_000, 240), (10_000, 48)] {
        let uniform = coverage_by_hop(nodes.into(), f64::from(FANOUT));
        curve(bench, ("complete", TopologySpec::Complete), nodes, replicates, uniform)?;
        let on_graph = graph.coverage_by_hop(nodes.into()).skip(1);
        curve(bench, ("ER d 20", TopologySpec::ErdosRenyi), nodes, replicates, on_graph)?;
    }
    for (nodes, replicates) in [(100_000, 24), (1_000_000, 6), (10_000_000, 4)] {
        if bench.takes(nodes) {
            last(bench, nodes, FANOUT, replicates)?;
        }
    }
    // The largest networks of which 95 % are reached in time.
    for fanout in [6, 8, 12] {
        let nodes = nodes_within(HOPS, f64::from(fanout), Ratio::new(19, 20).unwrap()) as u32;
        if bench.takes(nodes) {
            last(bench, nodes, fanout, if nodes > 500_000 { 4 } else { 24 })?;
        }
    }
    Ok(())
}

/// Checks every hop of one network, with the coverage within 1, 2, 3 ... hops by the form.
fn curve(
    bench: &Bench<'_>,
    (name, topology): (&str, TopologySpec),
    nodes: u32,
    replicates: u32,
    form: impl Iterator<Item = f64>,
) -> Result<(), EarlyEnd> {
    let draft = Draft { peers: topology.takes_peers().then_some(PEERS), ..simulated(topology, nodes, FANOUT) };
    let curves = bench.runs(&draft, bench.replicates(replicates), |record| by_hop(record, HOPS))?;
    for (hop, form) in form.take(HOPS.into()).enumerate() {
        let shares: Vec<f64> = curves.iter().map(|curve| curve[hop]).collect();
        let case = format!("{name}, {nodes} nodes, f {FANOUT}, hop {}", hop + 1);
        bench.judge(Case::new(GROUP, case, (form, FORM_ERROR), Estimate::mean(&shares)), &draft)?;
    }
    Ok(())
}

/// Checks the last hop on the complete graph, after which nothing is sent.
fn last(bench: &Bench<'_>, nodes: u32, fanout: u32, replicates: u32) -> Result<(), EarlyEnd> {
    let draft = Draft { ttl: Some(Ttl::Hops(HOPS)), ..simulated(TopologySpec::Complete, nodes, fanout) };
    let shares = bench.runs(&draft, bench.replicates(replicates), super::reached)?;
    let form = coverage_within(nodes.into(), f64::from(fanout), HOPS);
    let case = format!("complete, {nodes} nodes, f {fanout}, hop {HOPS}");
    bench.judge(Case::new(GROUP, case, (form, FORM_ERROR), Estimate::mean(&shares)), &draft)
}

/// Returns the share of nodes reached within 1, 2, ... hops.
pub(super) fn by_hop(record: &RunRecord, hops: u8) -> Vec<f64> {
    let mut counts = [0_u64; 256];
    match &record.receipts {
        Receipts::ByHop(by_hop) => by_hop.counts.iter().zip(&mut counts).for_each(|(count, sum)| *sum = *count),
        receipts => {
            receipts
                .iter()
                .filter(|receipt| receipt.is_reached())
                .for_each(|receipt| counts[usize::from(receipt.hop)] += 1);
        }
    }
    let mut within = counts[0];
    let nodes = f64::from(record.nodes);
    let mut next = |hop: u8| {
        within += counts[usize::from(hop)];
        within as f64 / nodes
    };
    (1..=hops).map(&mut next).collect()
}
