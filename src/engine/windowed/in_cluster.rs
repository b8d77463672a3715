//! Any protocol, window by window, as one process of a cluster, by code that all protocols share.

use super::{CrossingEvent, WindowedWorker};
use crate::engine::exchange::{ClusterEnd, ClusterMember, run_shards};
use crate::engine::member_parts::{MemberParts, MemberRun, NodeFiguresRequest};
use crate::engine::stamped_tail::StampedTail;
use crate::engine::{EngineError, EngineSetup};
use crate::message::{RareTail, Tail};
use crate::protocol::{AnyProtocol, Protocol};

/// Runs virtual time window by window, for the shards of this process. The second of `member` is the use that
/// is made of the figures of nodes.
pub(in crate::engine) fn run_in_cluster(
    setup: &EngineSetup<'_>,
    protocol: &AnyProtocol<'_>,
    member: (&ClusterMember, NodeFiguresRequest),
) -> Result<MemberRun, EngineError> {
    match setup.trace {
        None if protocol.tail_words_max() == 0 => run_member::<()>(setup, protocol, member),
        None => run_member::<RareTail>(setup, protocol, member),
        Some(_) => run_member::<StampedTail<RareTail>>(setup, protocol, member),
    }
}

fn run_member<T: Tail>(
    setup: &EngineSetup<'_>,
    protocol: &AnyProtocol<'_>,
    (member, request): (&ClusterMember, NodeFiguresRequest),
) -> Result<MemberRun, EngineError> {
    let parts = MemberParts::new(member, request);
    let ran = run_shards(setup, member, member.shards(), |shard, mut end: ClusterEnd<'_, CrossingEvent<T>>, _| {
        let (reason, at, outcome) =
            WindowedWorker::<AnyProtocol<'_>, T, _>::new(setup, &mut end, shard, protocol).run()?;
        parts.complete(setup, shard, &mut end, (reason, at, outcome.alone()))
    })?;
    Ok(ran.into_iter().flatten().next().expect("the first shard of a process has told"))
}
