//! A run of which each process of a cluster computes its own shards. Process 0 has the outcome of all.

use super::exchange::ClusterMember;
pub use super::member_parts::MemberNodes;
use super::member_parts::{MemberRun, NodeFiguresRequest, NodeSummary, ProcessPart};
use super::shard_outcome::MergedShards;
use super::{
    Algorithm, EngineError, EngineOutcome, EngineSetup, RunTotals, after_warm_up, hops_in_cluster, shortest_path,
    single_order, windowed,
};
use crate::protocol::{AnyProtocol, FirstMessage};
use crate::record::{ClusterProcessRecord, End};
use crate::scenario::Engine;
use crate::time::Nanos;

/// The outcome of a run in a cluster, as one process knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterOutcome {
    /// In process 0 the outcome, as if one process had computed it.
    pub outcome: Option<EngineOutcome>,
    /// In process 0 the figures of all nodes, if the run was summarized; the outcome then has none by node.
    pub summary: Option<NodeSummary>,
    /// The reason for the end of the run.
    pub end: End,
    /// In process 0 the share of each process.
    pub processes: Vec<ClusterProcessRecord>,
    /// The share of this process.
    pub own: ClusterProcessRecord,
    /// The figures of its nodes, if they were to be kept.
    pub nodes: MemberNodes,
}

/// Runs any protocol as one process of a cluster. The shards of the setup are those of all processes.
///
/// # Errors
///
/// [`EngineError`] if a cluster cannot compute the run, or if the system refuses threads.
pub fn run_in_cluster(
    setup: &EngineSetup<'_>,
    protocol: &AnyProtocol<'_>,
    member: &ClusterMember,
    request: NodeFiguresRequest,
) -> Result<ClusterOutcome, EngineError> {
    match Algorithm::choose(setup.engine, &setup.properties(false))? {
        Algorithm::Windowed => run_windowed(setup, protocol, member, request),
        _ => Err(EngineError::NotInCluster),
    }
}

/// Runs a first-message protocol as one process of a cluster, by hops or along shortest paths if the setup allows it.
///
/// # Errors
///
/// Those of [`run_in_cluster`].
pub fn run_first_in_cluster<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    member: &ClusterMember,
    request: NodeFiguresRequest,
) -> Result<ClusterOutcome, EngineError> {
    match Algorithm::choose(setup.engine, &setup.properties(true))? {
        Algorithm::Hops { latency } => {
            let run = hops_in_cluster::run_in_cluster(setup, protocol, latency, (member, request))?;
            let mut outcome = outcome(run, setup, member, Nanos::ZERO);
            if let Some(outcome) = &mut outcome.outcome {
                complete_hops(&mut outcome.totals);
            }
            Ok(outcome)
        }
        Algorithm::ShortestPath => {
            let run = shortest_path::run_in_cluster(setup, protocol, (member, request))?;
            let mut outcome = outcome(run, setup, member, Nanos::ZERO);
            if let Some(outcome) = &mut outcome.outcome {
                outcome.is_rough = outcome.end.is_cut_short();
                complete_totals(&mut outcome.totals, outcome.is_rough);
            }
            Ok(outcome)
        }
        // The orders of a bulk, each by itself, take the whole overlay and the receipts of all nodes.
        Algorithm::OrderByOrder if setup.engine != Engine::Auto => Err(EngineError::NotInCluster),
        Algorithm::OrderByOrder | Algorithm::Windowed => {
            run_windowed(setup, &AnyProtocol::of(protocol), member, request)
        }
        Algorithm::EventByEvent => Err(EngineError::NotInCluster),
    }
}

fn run_windowed(
    setup: &EngineSetup<'_>,
    protocol: &AnyProtocol<'_>,
    member: &ClusterMember,
    request: NodeFiguresRequest,
) -> Result<ClusterOutcome, EngineError> {
    after_warm_up(setup, protocol, |setup| {
        let run = windowed::run_in_cluster(setup, protocol, (member, request))?;
        Ok(outcome(run, setup, member, setup.warm_up))
    })
}

/// Completes the sums of hops, of which no shard knows the duplicates: a message that does not cross is not told of.
fn complete_hops(sums: &mut RunTotals) {
    let (mut record, digest) = (sums.record.clone(), sums.digest);
    record.duplicates = record.received - (record.reached - 1);
    *sums = single_order::totals(record, digest);
}

/// Completes the sums of a run whose only order has all of its traffic. After an interrupt duplicates count as received
/// when they were sent.
fn complete_totals(sums: &mut RunTotals, is_rough: bool) {
    let (mut record, digest) = (sums.record.clone(), sums.digest);
    if is_rough {
        record.received = record.reached.saturating_sub(1) + record.duplicates;
        record.carrier.drained = record.sent - record.model.lost - record.received;
    }
    *sums = single_order::totals(record, digest);
}

/// Merges the outcomes of all processes, in process 0. Time 0 of every figure is the end of the warm-up.
fn outcome(run: MemberRun, setup: &EngineSetup<'_>, member: &ClusterMember, warm_up: Nanos) -> ClusterOutcome {
    let MemberRun { end, at, parts, own, nodes, summary } = run;
    let (end, at) = setup.end_as_asked(end, at);
    let orders = setup.workload.orders() as usize;
    let (outcomes, processes): (Vec<_>, Vec<_>) =
        parts.into_iter().map(|ProcessPart { outcome, process }| (outcome, process)).unzip();
    let whole = (member.process() == 0).then(|| MergedShards::joined(outcomes, orders));
    let outcome = whole.map(|whole| whole.outcome(end, at.since(warm_up)));
    ClusterOutcome { outcome, summary, end, processes, own, nodes }
}
