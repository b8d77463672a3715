//! The outcomes of the shards of a cluster, brought together: each process merges those of its shards, and the first
//! shards of all processes then find the figures of nodes together, or tell process 0, which merges what it is told as
//! it merges the outcomes of its own shards.

mod selection;
mod summary;

pub use summary::NodeSummary;

use super::EngineSetup;
use super::exchange::{ClusterEnd, ClusterMember, CrossingItem, ExchangeBroken, ExchangeCounts, ExchangeEnd};
use super::node_traffic::ShardTraffic;
use super::shard_outcome::MergedShards;
use super::shard_receipts::ShardReceipts;
use crate::ids::NodeId;
use crate::record::{ClusterProcessRecord, End, Receipt, Traffic};
use crate::sys::{monotonic_ns, peak_memory_bytes};
use crate::time::Nanos;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use summary::summarize;

/// The use that the processes of a cluster make of the figures of nodes. All must ask for the same summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeFiguresRequest {
    /// True if each process keeps those of its nodes.
    pub keeps: bool,
    /// True if all find together what the report says of them, so that no process has those of all. Every node must
    /// count, in all respects alike.
    pub summarizes: bool,
}

/// A run that has ended, as one process knows it.
pub(super) struct MemberRun {
    pub(super) end: End,
    pub(super) at: Nanos,
    /// In process 0 the parts of all processes.
    pub(super) parts: Vec<ProcessPart>,
    pub(super) own: ClusterProcessRecord,
    pub(super) nodes: MemberNodes,
    pub(super) summary: Option<NodeSummary>,
}

/// The figures of the nodes of one process, if it keeps them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberNodes {
    /// Their first receipts, order by order.
    pub receipts: Vec<Receipt>,
    /// Their traffic.
    pub traffic: Vec<Traffic>,
    /// Their peers when the first order was due, if a membership protocol keeps them.
    pub settled_peers: Vec<NodeId>,
}

/// The outcomes of the shards of one process, as they come in.
pub(super) struct MemberParts<'a> {
    member: &'a ClusterMember,
    request: NodeFiguresRequest,
    began: u64,
    parts: Mutex<Vec<Option<(MergedShards, ExchangeCounts)>>>,
}

/// The part of a process in the outcome, as it tells process 0.
#[derive(Serialize, Deserialize)]
pub(super) struct ProcessPart {
    pub(super) outcome: MergedShards,
    pub(super) process: ClusterProcessRecord,
}

impl MemberNodes {
    fn of(MergedShards { totals, receipts, traffic, .. }: &MergedShards) -> MemberNodes {
        let settled_peers = totals.settled_peers.clone();
        MemberNodes { receipts: receipts.clone().into_each(), traffic: traffic.by_node().collect(), settled_peers }
    }
}

impl<'a> MemberParts<'a> {
    pub(super) fn new(member: &'a ClusterMember, request: NodeFiguresRequest) -> MemberParts<'a> {
        let parts = member.shards().map(|_| None).collect();
        MemberParts { member, request, began: monotonic_ns(), parts: Mutex::new(parts) }
    }

    /// Takes the outcome of a shard. Once all shards have handed theirs over, the first one of each process tells
    /// process 0, and returns what its process then knows; the others return nothing.
    pub(super) fn complete<T: CrossingItem>(
        &self,
        setup: &EngineSetup<'_>,
        shard: usize,
        end: &mut ClusterEnd<'_, T>,
        (reason, at, outcome): (End, Nanos, MergedShards),
    ) -> Result<Option<MemberRun>, ExchangeBroken> {
        let first = self.member.shards().start;
        self.parts.lock()[shard - first] = Some((outcome, end.traffic));
        end.free_room();
        // All shards of this process have handed over when all shards of all processes have.
        end.add_up(&mut [])?;
        if shard != first {
            return Ok(None);
        }
        let (outcomes, traffic): (Vec<MergedShards>, Vec<ExchangeCounts>) =
            self.parts.lock().iter_mut().filter_map(Option::take).unzip();
        let process = self.process_record(setup, &traffic);
        let orders = setup.workload.orders() as usize;
        let mut part = ProcessPart { outcome: MergedShards::joined(outcomes, orders), process };
        let nodes = if self.request.keeps { MemberNodes::of(&part.outcome) } else { MemberNodes::default() };
        let summary = match self.request.summarizes {
            true => Some(summarize(setup, &mut part.outcome, &mut |counts| end.add_up_processes(counts))?),
            false => {
                let MergedShards { receipts, traffic, .. } = &mut part.outcome;
                *receipts = ShardReceipts::Each(std::mem::take(receipts).into_each());
                *traffic = ShardTraffic::Each(std::mem::take(traffic).into_each());
                None
            }
        };
        let told = if self.member.process() == 0 {
            end.collect(Vec::new())?
        } else {
            let written = postcard::to_extend(&part, Vec::new()).map_err(|_| ExchangeBroken)?;
            end.collect(written)?
        };
        let mut parts = Vec::with_capacity(told.len());
        for written in told.into_iter().skip(1) {
            parts.push(postcard::from_bytes(&written).map_err(|_| ExchangeBroken)?);
        }
        if self.member.process() == 0 {
            parts.insert(0, part);
        }
        Ok(Some(MemberRun { end: reason, at, parts, own: process, nodes, summary }))
    }

    /// Returns the share of this process in the run, given the traffic of its shards.
    fn process_record(&self, setup: &EngineSetup<'_>, traffic: &[ExchangeCounts]) -> ClusterProcessRecord {
        let (workers, mut sum) = (traffic.len(), ExchangeCounts::default());
        traffic.iter().for_each(|traffic| sum.merge(traffic));
        let ExchangeCounts { meetings, settling, settled, events, bytes, waited, buffered } = sum;
        let passed = (monotonic_ns() - self.began) * workers as u64;
        ClusterProcessRecord {
            pid: std::process::id(),
            workers: workers as u32,
            nodes: self.member.shards().map(|shard| setup.partition.shard(shard).len() as u32).sum(),
            busy: Nanos(passed.saturating_sub(waited)),
            waited: Nanos(waited),
            peak_memory_bytes: peak_memory_bytes(),
            meetings,
            events_sent: events,
            bytes_sent: bytes,
            settling_meetings: settling,
            settled_events: settled,
            waiting_bytes: setup.allowance.most_held(),
            crossing_bytes: buffered,
        }
    }
}
