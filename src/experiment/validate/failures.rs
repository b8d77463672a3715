//! Who is reached where nodes are down from the start, each by chance; and how many may be before a spread breaks down.
//!
//! Coverage is a share of those up. A copy to a node that is down is as good as lost, so that a fanout of `f` comes to
//! `f (1 - loss)(1 - failed)`, and the first hops may come to nothing as they do under loss.

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

/// By how much the form errs where 10^4 nodes are up.
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

    /// The fanout that is left of one.
    fn leaves(self, fanout: u32) -> f64 {
        effective_fanout(f64::from(fanout), self.loss(), self.failed())
    }

    /// A run of the draft under it.
    fn on(self, draft: Draft) -> Draft {
        let outage = Outage { share: share_of(self.failed), at: Nanos::ZERO, selector: Selector::Random };
        let draft = Draft { down: Some(DownSpec(vec![outage])), ..draft };
        if self.loss == 0 { draft } else { lossy(draft, LossSpec::Independent(share_of(self.loss))) }
    }

    fn words(self) -> String {
        let loss = if self.loss == 0 { String::new() } else { format!(", loss {}", self.loss()) };
        format!("down {}{loss}", self.failed())
    }
}

/// Who is reached in the end.
pub(super) fn cases<T: FnMut(&Case)>(bench: &mut Bench<'_, T>) -> Result<(), EarlyEnd> {
    let crash_cost = |failed, loss| CrashCost { failed, loss };
    for (fanout, crash_cost) in
        [(4, crash_cost(20, 0)), (8, crash_cost(20, 0)), (8, crash_cost(50, 0)), (8, crash_cost(50, 30))]
    {
        let nodes = bench.nodes(UNIFORM_NODES);
        let draft = simulated(TopologySpec::Complete, nodes, fanout);
        covered(bench, "complete", draft, (nodes, fanout, crash_cost), final_coverage(crash_cost.leaves(fanout)))?;
    }
    for (fanout, crash_cost) in
        [(3, crash_cost(20, 0)), (8, crash_cost(20, 0)), (8, crash_cost(50, 0)), (8, crash_cost(20, 30))]
    {
        let nodes = bench.nodes(GRAPH_NODES);
        let draft = Draft { peers: Some(PEERS), ..simulated(TopologySpec::ErdosRenyi, nodes, fanout) };
        let graph = RandomGraph::new(f64::from(PEERS), f64::from(fanout));
        let form = RandomGraph { loss: crash_cost.loss(), failed: crash_cost.failed(), ..graph }.final_coverage();
        covered(bench, "ER d 20", draft, (nodes, fanout, crash_cost), form)?;
    }
    Ok(())
}

fn covered<T: FnMut(&Case)>(
    bench: &mut Bench<'_, T>,
    name: &str,
    draft: Draft,
    (nodes, fanout, crash_cost): (u32, u32, CrashCost),
    form: f64,
) -> Result<(), EarlyEnd> {
    let draft = crash_cost.on(draft);
    let runs = bench.runs(&draft, bench.replicates(REPLICATES), RunShare::of)?;
    let case = format!("{name}, {nodes} nodes, f {fanout}, {}", crash_cost.words());
    let estimate = Estimate::mean_of_survivors(&survivors_of(&runs));
    bench.judge(Case::new(GROUP, case, (form, form_error(nodes, crash_cost, fanout)), estimate), &draft)
}

/// By how much the coverage of those up errs. Where the fanout that is left is small, coverage bends with it: how many nodes
/// are up differs from run to run, and so does how far a spread gets, which shifts the mean by some `5 / N` of `N` nodes up.
fn form_error(nodes: u32, crash_cost: CrashCost, fanout: u32) -> f64 {
    let up = f64::from(nodes) * (1.0 - crash_cost.failed());
    if crash_cost.leaves(fanout) > 3.0 { FORM_ERROR } else { FORM_ERROR.max(5.0 / up) }
}

/// The threshold of push, where a node informs one that is up on average.
pub(super) fn thresholds<T: FnMut(&Case)>(bench: &mut Bench<'_, T>) -> Result<(), EarlyEnd> {
    for failed in [60, 80] {
        before(bench, CrashCost { failed, loss: 0 })?;
    }
    beyond(bench, CrashCost { failed: 90, loss: 0 })
}

const FANOUT: u32 = 8;

/// Before it, most runs survive, and those reach the same share.
fn before<T: FnMut(&Case)>(bench: &mut Bench<'_, T>, crash_cost: CrashCost) -> Result<(), EarlyEnd> {
    let (nodes, draft) = (bench.nodes(UNIFORM_NODES), at_threshold(bench, crash_cost));
    let runs = bench.runs(&draft, threshold_runs(bench), RunShare::of)?;
    let form = final_coverage(crash_cost.leaves(FANOUT));
    let died = die_out(f64::from(FANOUT), crash_cost.failed());
    let hits: Vec<bool> = runs.iter().map(|run| run.died_out).collect();
    let name = threshold_name(crash_cost);
    let case = Case::new(THRESHOLD_GROUP, format!("{name}: died out"), (died, 0.0), Estimate::share(&hits, died));
    bench.judge(case, &draft)?;
    let survivors = Estimate::mean_of_survivors(&survivors_of(&runs));
    bench.judge(Case::new(THRESHOLD_GROUP, name, (form, form_error(nodes, crash_cost, FANOUT)), survivors), &draft)
}

/// Beyond it, no run gets far: some past a few nodes, as often as chance has it, and none to half of those up.
fn beyond<T: FnMut(&Case)>(bench: &mut Bench<'_, T>, crash_cost: CrashCost) -> Result<(), EarlyEnd> {
    let draft = at_threshold(bench, crash_cost);
    let reached = bench.runs(&draft, threshold_runs(bench), RunRecord::reached)?;
    let up = u64::from(bench.nodes(UNIFORM_NODES)) * (100 - crash_cost.failed) / 100;
    for most in [1, 10, up as u32 / 2] {
        let hits: Vec<bool> = reached.iter().map(|&reached| reached > u64::from(most)).collect();
        let form = outgrows(FANOUT, crash_cost.failed(), most);
        // Copies that meet make it less, but no less than nothing.
        let error = form * (f64::from(most).powi(2) / (2.0 * up as f64)).min(1.0);
        let case = format!("{}: above {most} nodes", threshold_name(crash_cost));
        bench.judge(Case::new(THRESHOLD_GROUP, case, (form, error), Estimate::share(&hits, form)), &draft)?;
    }
    Ok(())
}

/// Few survive near the threshold, and they differ: a quick plan makes fewer of these runs, but still many.
fn threshold_runs<T: FnMut(&Case)>(bench: &Bench<'_, T>) -> u32 {
    bench.replicates(800).min(400)
}

fn at_threshold<T: FnMut(&Case)>(bench: &Bench<'_, T>, crash_cost: CrashCost) -> Draft {
    crash_cost.on(simulated(TopologySpec::Complete, bench.nodes(UNIFORM_NODES), FANOUT))
}

fn threshold_name(crash_cost: CrashCost) -> String {
    format!("complete, {} of {:.3}", crash_cost.words(), removal_threshold(FANOUT.into()))
}

fn share_of(percent: u64) -> Ratio {
    Ratio::new(percent.min(100), 100).unwrap_or(Ratio::new(0, 1).unwrap())
}
