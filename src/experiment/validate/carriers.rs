//! Repeats some of the cases on the memory carrier: a figure that holds in virtual time must hold with real workers,
//! too.

use super::cost::{RMR_ERROR, redundancy_of};
use super::hops::{FORM_ERROR, by_hop};
use super::{Bench, Case, EarlyEnd, reached, simulated};
use crate::analysis::Estimate;
use crate::scenario::{Draft, Spin, TransportKind};
use crate::theory::coverage::RandomGraph;
use crate::theory::redundancy::push_on_graph;
use crate::time::Nanos;
use crate::topology::TopologySpec;

const GROUP: &str = "On the memory carrier";
const PEERS: u32 = 20;
const NODES: u32 = 10_000;

pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    let degree = f64::from(PEERS);
    for fanout in [2, 8] {
        let draft = in_memory(NODES, fanout);
        let figures = bench.runs(&draft, bench.replicates(16), |record| (reached(record), redundancy_of(record)))?;
        let (shares, redundancy): (Vec<f64>, Vec<f64>) = figures.into_iter().unzip();
        let name = format!("ER d {PEERS}, {NODES} nodes, f {fanout}");
        let form = RandomGraph::new(degree, fanout.into()).final_coverage();
        bench.judge(Case::new(GROUP, format!("{name}: coverage"), (form, 0.000_3), Estimate::mean(&shares)), &draft)?;
        if fanout == 8 {
            let form = push_on_graph(fanout.into(), degree);
            bench.judge(
                Case::new(GROUP, format!("{name}: RMR"), (form, RMR_ERROR), Estimate::mean(&redundancy)),
                &draft,
            )?;
        }
    }
    hops(bench)
}

/// Checks coverage by hop. One worker handles messages first in, first out, so hops take equal time on a real carrier,
/// too.
fn hops(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    let (nodes, fanout) = (1_000, 8);
    let draft = in_memory(nodes, fanout);
    let curves = bench.runs(&draft, bench.replicates(64), |record| by_hop(record, 4))?;
    let form = RandomGraph::new(PEERS.into(), fanout.into()).coverage_by_hop(nodes.into());
    for (hop, form) in form.skip(1).take(4).enumerate().skip(2) {
        let shares: Vec<f64> = curves.iter().map(|curve| curve[hop]).collect();
        let case = format!("ER d {PEERS}, {nodes} nodes, f {fanout}: hop {}", hop + 1);
        bench.judge(Case::new(GROUP, case, (form, FORM_ERROR), Estimate::mean(&shares)), &draft)?;
    }
    Ok(())
}

/// Returns a run in memory, which may take a minute on a busy machine.
fn in_memory(nodes: u32, fanout: u32) -> Draft {
    Draft {
        transport: Some(TransportKind::Memory),
        peers: Some(PEERS),
        latency: None,
        timeout: Some(Nanos::from_secs(60)),
        spin: Some(Spin::Never),
        ..simulated(TopologySpec::ErdosRenyi, nodes, fanout)
    }
}
