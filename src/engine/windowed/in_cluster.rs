//! Any protocol, window by window, as one process of a cluster.

use super::{CrossingEvent, WindowedWorker};
use crate::engine::exchange::{ClusterEnd, ClusterMember, run_shards};
use crate::engine::member_parts::{MemberParts, MemberRun};
use crate::engine::stamped_tail::StampedTail;
use crate::engine::{EngineError, EngineSetup};
use crate::message::Tail;
use crate::protocol::Protocol;

/// Runs virtual time window by window, for the shards of this process. If the second of `member` is true, it keeps the
/// figures of its nodes.
pub(in crate::engine) fn run_in_cluster<P: Protocol>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    member: (&ClusterMember, bool),
) -> Result<MemberRun, EngineError> {
    match setup.trace {
        None if protocol.tail_words_max() == 0 => run_member::<P, ()>(setup, protocol, member),
        None => run_member::<P, P::Tail>(setup, protocol, member),
        Some(_) => run_member::<P, StampedTail<P::Tail>>(setup, protocol, member),
    }
}

fn run_member<P: Protocol, T: Tail>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    (member, keeps_nodes): (&ClusterMember, bool),
) -> Result<MemberRun, EngineError> {
    let parts = MemberParts::new(member, keeps_nodes);
    let ran = run_shards(setup, member, member.shards(), |shard, mut end: ClusterEnd<'_, CrossingEvent<T>>, _| {
        let outcome = WindowedWorker::<P, T, _>::new(setup, &mut end, shard, protocol).run()?;
        parts.complete(setup, shard, &mut end, outcome)
    })?;
    Ok(ran.into_iter().flatten().next().expect("the first shard of a process has told"))
}
