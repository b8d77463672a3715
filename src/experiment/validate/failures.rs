//! Coverage with random nodes down from the start, and the share of failures at which a spread breaks down.
//!
//! Coverage is a share of the nodes that are up. A copy to a node that is down is in effect lost, so a fanout of `f`
//! amounts to `f (1 - loss)(1 - failed)`, and an order may die out in its first hops as it does under loss.

use super::{Bench, Case, EarlyEnd, RunShare, lossy, simulated, survivors_of};
use crate::analysis::Estimate;
use crate::network::{DownSpec, LossSpec, Outage, Selector};
use crate::ratio::Ratio;
use crate::record::RunRecord;
use crate::scenario::Draft;
use crate::theory::chances::{die_out, outgrows, removal_threshold};
use crate::theory::coverage::{RandomGraph, final_coverage};
use crate::theory::effective_fanout;
use crate::time::Nanos;
use crate::topology::TopologySpec;

const GROUP: &str = "Final coverage of those up";
const THRESHOLD_GROUP: &str = "Failures before and beyond the threshold";

/// Error of the form with 10^4 nodes up.
const FORM_ERROR: f64 = 0.000_3;

const UNIFORM_NODES: u32 = 30_000;
const GRAPH_NODES: u32 = 20_000;
const PEERS: u32 = 20;
const REPLICATES: u32 = 32;

/// Shares of failures and of loss, in percent.
#[derive(Clone, Copy)]
struct CrashCost {
    failed: u64,
    loss: u64,
}

impl CrashCost {
    fn failed(self) -> f64 {
        share_of(self.failed).as_f64()
    }

    fn loss(self) -> f64 {
        share_of(self.loss).as_f64()
    }

    /// Returns the effective fanout that remains of `fanout`.
    fn leaves(self, fanout: u32) -> f64 {
        effective_fanout(f64::from(fanout), self.loss(), self.failed())
    }

    /// Applies the failures and the loss to a draft.
    fn applied_to(self, draft: Draft) -> Draft {
        let outage = Outage { share: share_of(self.failed), at: Nanos::ZERO, selector: Selector::Random };
        let draft = Draft { down: Some(DownSpec(vec![outage])), ..draft };
        if self.loss == 0 { draft } else { lossy(draft, LossSpec::Independent(share_of(self.loss))) }
    }

    fn label(self) -> String {
        let loss = if self.loss == 0 { String::new() } else { format!(", loss {}", self.loss()) };
        format!("down {}{loss}", self.failed())
    }
}

/// Checks final coverage.
pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    let rates = |failed, loss| CrashCost { failed, loss };
    for (fanout, rates) in [(4, rates(20, 0)), (8, rates(20, 0)), (8, rates(50, 0)), (8, rates(50, 30))] {
        let nodes = bench.nodes(UNIFORM_NODES);
        let draft = simulated(TopologySpec::Complete, nodes, fanout);
        covered(bench, "complete", draft, (nodes, fanout, rates), final_coverage(rates.leaves(fanout)))?;
    }
    for (fanout, rates) in [(3, rates(20, 0)), (8, rates(20, 0)), (8, rates(50, 0)), (8, rates(20, 30))] {
        let nodes = bench.nodes(GRAPH_NODES);
        let draft = Draft { peers: Some(PEERS), ..simulated(TopologySpec::ErdosRenyi, nodes, fanout) };
        let graph = RandomGraph::new(f64::from(PEERS), f64::from(fanout));
        let form = RandomGraph { loss: rates.loss(), failed: rates.failed(), ..graph }.final_coverage();
        covered(bench, "ER d 20", draft, (nodes, fanout, rates), form)?;
    }
    Ok(())
}

fn covered(
    bench: &Bench<'_>,
    name: &str,
    draft: Draft,
    (nodes, fanout, rates): (u32, u32, CrashCost),
    form: f64,
) -> Result<(), EarlyEnd> {
    let draft = rates.applied_to(draft);
    let runs = bench.runs(&draft, bench.replicates(REPLICATES), RunShare::of)?;
    let case = format!("{name}, {nodes} nodes, f {fanout}, {}", rates.label());
    let estimate = Estimate::mean_of_survivors(&survivors_of(&runs));
    bench.judge(Case::new(GROUP, case, (form, form_error(nodes, rates, fanout)), estimate), &draft)
}

/// Returns the error of the coverage of the nodes up. At a small effective fanout, coverage is a curved function of it:
/// the number of nodes up differs from run to run, and so does the extent of a spread, which shifts the mean by about
/// `5 / N` of `N` nodes up.
fn form_error(nodes: u32, rates: CrashCost, fanout: u32) -> f64 {
    let up = f64::from(nodes) * (1.0 - rates.failed());
    if rates.leaves(fanout) > 3.0 { FORM_ERROR } else { FORM_ERROR.max(5.0 / up) }
}

/// Checks the threshold of push, at which a node informs one other that is up on average.
pub(super) fn thresholds(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    for failed in [60, 80] {
        before(bench, CrashCost { failed, loss: 0 })?;
    }
    beyond(bench, CrashCost { failed: 90, loss: 0 })
}

const FANOUT: u32 = 8;

/// Checks below the threshold most runs survive, and those reach the same share.
fn before(bench: &Bench<'_>, rates: CrashCost) -> Result<(), EarlyEnd> {
    let (nodes, draft) = (bench.nodes(UNIFORM_NODES), at_threshold(bench, rates));
    let runs = bench.runs(&draft, threshold_runs(bench), RunShare::of)?;
    let form = final_coverage(rates.leaves(FANOUT));
    let died = die_out(f64::from(FANOUT), rates.failed());
    let hits: Vec<bool> = runs.iter().map(|run| run.died_out).collect();
    let name = threshold_name(rates);
    let case = Case::new(THRESHOLD_GROUP, format!("{name}: died out"), (died, 0.0), Estimate::share(&hits, died));
    bench.judge(case, &draft)?;
    let survivors = Estimate::mean_of_survivors(&survivors_of(&runs));
    bench.judge(Case::new(THRESHOLD_GROUP, name, (form, form_error(nodes, rates, FANOUT)), survivors), &draft)
}

/// Checks above the threshold no run gets far: some exceed a few nodes, as often as the form says, and none reaches
/// half of those up.
fn beyond(bench: &Bench<'_>, rates: CrashCost) -> Result<(), EarlyEnd> {
    let draft = at_threshold(bench, rates);
    let reached = bench.runs(&draft, threshold_runs(bench), RunRecord::reached)?;
    let up = u64::from(bench.nodes(UNIFORM_NODES)) * (100 - rates.failed) / 100;
    for most in [1, 10, up as u32 / 2] {
        let hits: Vec<bool> = reached.iter().map(|&reached| reached > u64::from(most)).collect();
        let form = outgrows(FANOUT, rates.failed(), most);
        // Copies that meet make it less, but not less than 0.
        let error = form * (f64::from(most).powi(2) / (2.0 * up as f64)).min(1.0);
        let case = format!("{}: above {most} nodes", threshold_name(rates));
        bench.judge(Case::new(THRESHOLD_GROUP, case, (form, error), Estimate::share(&hits, form)), &draft)?;
    }
    Ok(())
}

/// Checks few runs survive near the threshold, and they differ: a quick plan makes fewer of these runs, but still many.
fn threshold_runs(bench: &Bench<'_>) -> u32 {
    bench.replicates(800).min(400)
}

fn at_threshold(bench: &Bench<'_>, rates: CrashCost) -> Draft {
    rates.applied_to(simulated(TopologySpec::Complete, bench.nodes(UNIFORM_NODES), FANOUT))
}

fn threshold_name(rates: CrashCost) -> String {
    format!("complete, {} of {:.3}", rates.label(), removal_threshold(FANOUT.into()))
}

fn share_of(percent: u64) -> Ratio {
    Ratio::new(percent.min(100), 100).unwrap_or(Ratio::new(0, 1).unwrap())
}
