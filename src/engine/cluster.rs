//! A run of which each process of a cluster computes its own shards. Process 0 has the outcome of all.

use super::exchange::ClusterMember;
use super::member_parts::{MemberRun, ProcessPart};
use super::shard_outcome::MergedShards;
use super::{Algorithm, EngineError, EngineOutcome, EngineSetup, after_warm_up, windowed};
use crate::protocol::Protocol;
use crate::record::{ClusterProcessRecord, End, Receipt, Traffic};

/// The outcome of a run in a cluster, as one process knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterOutcome {
    /// In process 0 the outcome, as if one process had computed it.
    pub outcome: Option<EngineOutcome>,
    /// The reason for the end of the run.
    pub end: End,
    /// In process 0 the share of each process.
    pub processes: Vec<ClusterProcessRecord>,
    /// The share of this process.
    pub own: ClusterProcessRecord,
    /// The first receipts of its nodes, order by order, and their traffic, if they were to be kept.
    pub nodes: (Vec<Receipt>, Vec<Traffic>),
}

/// Runs any protocol as one process of a cluster. The shards of the setup are those of all processes. Each process
/// keeps the figures of its nodes if `keeps_nodes` is true.
///
/// # Errors
///
/// [`EngineError`] if a cluster cannot compute the run, or if the system refuses threads.
pub fn run_in_cluster<P: Protocol>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    member: &ClusterMember,
    keeps_nodes: bool,
) -> Result<ClusterOutcome, EngineError> {
    let algorithm = Algorithm::choose(setup.engine, &setup.properties(false))?;
    if algorithm != Algorithm::Windowed {
        return Err(EngineError::NotInCluster);
    }
    let orders = setup.workload.orders() as usize;
    after_warm_up(setup, protocol, |setup| {
        let MemberRun { end, at, parts, own, nodes } =
            windowed::run_in_cluster(setup, protocol, (member, keeps_nodes))?;
        let (outcomes, processes): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|ProcessPart { outcome, process }| (outcome, process)).unzip();
        // Time 0 of every figure is the end of the warm-up.
        let ended_at = at.since(setup.warm_up);
        let outcome = (member.process() == 0).then(|| MergedShards::joined(&outcomes, orders).outcome(end, ended_at));
        Ok(ClusterOutcome { outcome, end, processes, own, nodes })
    })
}
