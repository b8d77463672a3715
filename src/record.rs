//! The counts of a run: by node, by worker, and the ledger that must balance.
//!
//! A number has three lives: a worker counts it alone in plain integers, the join merges it, the report shows it. This
//! room holds the first two.

mod access_links;
mod carrier;
mod cluster;
mod compact;
mod counted_receipts;
mod curve;
mod delays;
mod end;
mod group_delays;
mod kind_count;
mod ledger;
mod measured;
mod node_counters;
mod notice;
mod orders;
mod outcome;
mod parts;
mod ranked_values;
mod receipts;
mod upkeep;
mod worker;

pub use access_links::{AccessLinkRecord, LinkSideRecord, LinkUse};
pub use carrier::{CarrierCounts, Missing};
pub use cluster::ClusterProcessRecord;
#[cfg(feature = "cluster")]
pub use cluster::NodeFigures;
pub use compact::CompactReceipt;
pub use curve::{CoverageCurve, CurvePoint};
pub use delays::{DelayHistogram, DepartureDelays};
pub use end::End;
pub use group_delays::GroupDelays;
pub use kind_count::KindCount;
pub use ledger::Ledger;
pub use measured::MeasuredReceipts;
pub(crate) use node_counters::{CarryList, CarryPerNode, NodeCounters};
pub(crate) use notice::share_text;
pub use notice::{Notice, TtlAdvice, UnmetCause, WindowRemedy};
pub use orders::{BulkRecord, OrderCounts, OrderRecord, ReceiptTotals};
pub use outcome::{OrderFacts, OrderOutcome};
pub use parts::PartCounts;
pub use ranked_values::RankedValues;
#[cfg(feature = "cluster")]
pub use receipts::ReceiptSummary;
pub use receipts::{ByHop, Receipts};
pub use upkeep::{UpkeepCounts, add_tally};
pub use worker::{ModelCounts, Traffic, TrafficSummary, WorkerRecord};

use crate::ids::NodeId;
use crate::ratio::Ratio;
use crate::time::Nanos;
use crate::topology::NodeNames;
use crate::trace::TraceLog;
use serde::{Deserialize, Serialize};

/// A node's first receipt of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Nanoseconds since the base of the clock while a worker runs; since the injection in a [`RunRecord`].
    pub time: Nanos,
    /// The node that sent this copy; the origin names itself.
    pub sender: NodeId,
    /// Hops from the origin, whose own receipt has hop 0.
    pub hop: u8,
}

impl Receipt {
    /// The receipt of a node that the order did not reach.
    pub const NONE: Receipt = Receipt { time: Nanos::MAX, sender: NodeId(u32::MAX), hop: u8::MAX };

    /// Returns true if the order reached the node.
    pub const fn is_reached(&self) -> bool {
        self.time.0 != Nanos::MAX.0
    }
}

/// The shape of a run's overlay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OverlayFacts {
    /// Mean number of peers per node, as drawn.
    pub mean_degree: f64,
    /// Most peers of any node.
    pub max_degree: u32,
    /// Id of the node that publishes the first order.
    pub origin: u64,
    /// Nodes connected to the origin by a path, itself included; `None` where the overlay is too large to search.
    pub reachable: Option<u32>,
    /// Hops from the origin to the farthest of them; `None` where the overlay is too large to search.
    pub depth: Option<u32>,
}

/// One of the processes that held a run's workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessRecord {
    /// Process id in the operating system.
    pub pid: u32,
    /// Number of its workers, which follow those of the processes before it.
    pub workers: u32,
}

/// The property that the nodes of a group share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// Their region.
    Region,
    /// Their class, by the file of places.
    Class,
    /// Their access: public or behind a NAT.
    Access,
    /// Their part against the protocol, if any.
    Part,
    /// Their side of a partition.
    Partition,
    /// Their side of a mix: the protocol with its knobs.
    Mix,
}

/// The results of a group of nodes. With many orders, counts are sums over all orders.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRecord {
    /// The property that they share.
    pub kind: GroupKind,
    /// Name of the group.
    pub name: String,
    /// Number of nodes in the group.
    pub nodes: u64,
    /// Nodes of the group that coverage counts.
    pub counted: u64,
    /// Delays of the counted nodes that were reached, since their order was due.
    pub delays: GroupDelays,
    /// Messages with an order that its node had already, or had forgotten; `None` where traffic was not kept by node.
    pub duplicates: Option<u64>,
    /// Bytes received by the group, as UDP payload; `None` where traffic was not kept by node.
    pub bytes_in: Option<u64>,
    /// Bytes sent by the group, as UDP payload; `None` where traffic was not kept by node.
    pub bytes_out: Option<u64>,
}

/// The success of pooled spies in naming the origins of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SpyRecord {
    /// Number of spies.
    pub nodes: u32,
    /// Orders of the schedule.
    pub orders: u32,
    /// Orders that reached at least one spy.
    pub seen: u32,
    /// Orders whose first copy at a spy came directly from the origin: a guess at that sender is right.
    pub right: u32,
}

/// The time that a run took on the machine's monotonic clock. In virtual time neither figure belongs to the model: both
/// differ from run to run, so comparisons of records leave them out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineTimes {
    /// From the injection until the last worker left its loop; in virtual time the duration of the computation.
    pub wall: Nanos,
    /// From the start of the set-up (overlay, sockets, threads) until all workers stood at the barrier; in virtual time
    /// until the computation began.
    pub setup: Nanos,
}

/// The origin of the protocol that a run's nodes follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolSource {
    /// The scenario names it.
    Scenario,
    /// The caller brought it: the scenario's own protocol and its options played no part.
    Caller,
}

/// The regions and the classes of all nodes, and their sides in a mix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodePlaces {
    /// Names of the regions; empty if there are none.
    pub regions: Vec<String>,
    /// Names of the classes; empty if there are none.
    pub classes: Vec<String>,
    /// The indices of region and class, by node; empty where figures by node were not kept.
    pub by_node: Vec<[u16; 2]>,
    /// By node, true for one of the second side of a mix; empty without a mix, and where figures by node were not kept.
    pub second_side: Vec<bool>,
}

impl NodePlaces {
    /// Returns the names of the region and of the class of a node, empty where it has none.
    pub fn names(&self, node: usize) -> [&str; 2] {
        let [region, class] = self.by_node.get(node).copied().unwrap_or_default().map(usize::from);
        let is_kept = node < self.by_node.len();
        [(&self.regions, region), (&self.classes, class)]
            .map(|(names, index)| if is_kept { names.get(index).map_or("", String::as_str) } else { "" })
    }

    /// Returns the number of the side of a node in a mix, 1 or 2; empty without a mix.
    pub fn side(&self, node: usize) -> &'static str {
        match self.second_side.get(node) {
            Some(true) => "2",
            Some(false) => "1",
            None => "",
        }
    }
}

/// All measurements of one run, merged from its workers. Times are since the injection.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// The cause of the run's end.
    pub end: End,
    /// True if no message about an order was under way at the end, and no answer awaited.
    pub at_rest: bool,
    /// Number of nodes.
    pub nodes: u32,
    /// The ids of the nodes.
    pub names: NodeNames,
    /// The regions and the classes of the nodes.
    pub places: NodePlaces,
    /// The origin of the protocol.
    pub protocol: ProtocolSource,
    /// From the injection until the last worker left its loop; in virtual time until the run's end on the model's own
    /// clock.
    pub elapsed: Nanos,
    /// True if `elapsed` is the model's own time.
    pub is_virtual: bool,
    /// Time spent on the machine's clock.
    pub machine: MachineTimes,
    /// The shape of the overlay.
    pub overlay: OverlayFacts,
    /// Share of the nodes to be reached.
    pub target: Ratio,
    /// True if orders came faster than the machine carried them; never in virtual time.
    pub overloaded: bool,
    /// The TTL in force, `auto` resolved.
    pub ttl: u8,
    /// Bytes of the longest datagram (UDP payload), 0 where the carrier has none.
    pub datagram_bytes: u32,
    /// First receipts, by node; empty for a bulk of orders.
    pub receipts: Receipts,
    /// For each node, true if the coverage of the only order counts it: under faults, if it was up at the end. `None`
    /// where all nodes count. In a bulk each order has its own number of counted nodes.
    pub counted: Option<Vec<bool>>,
    /// The rising coverage of the only order under faults; `None` where all nodes are up all the time.
    pub curve: Option<CoverageCurve>,
    /// Each order of a bulk; `None` where there is one order.
    pub bulk: Option<BulkRecord>,
    /// Traffic, by node; empty where it was not kept.
    pub traffic: Vec<Traffic>,
    /// The spread of traffic over all nodes, where no process has that of each.
    pub traffic_summary: Option<TrafficSummary>,
    /// Number of peers, by node; empty where it was not kept.
    pub degrees: Vec<u32>,
    /// First node of each worker's shard, by worker.
    pub shard_starts: Vec<u32>,
    /// Counts, by worker.
    pub workers: Vec<WorkerRecord>,
    /// The processes that held the workers.
    pub processes: Vec<ProcessRecord>,
    /// The processes of the cluster that computed the run; empty if this process did alone.
    pub cluster: Vec<ClusterProcessRecord>,
    /// The ledger of all messages.
    pub ledger: Ledger,
    /// Lateness of messages that left a modelled network in front of a real carrier; `None` where there is none.
    pub departures: Option<DepartureDelays>,
    /// Digest of all first receipts; only in virtual time, where one seed decides them.
    pub digest: Option<u64>,
    /// Load of the nodes' access links.
    pub access_links: AccessLinkRecord,
    /// Findings of the spies; `None` where there are none.
    pub spies: Option<SpyRecord>,
    /// Results by group of nodes (region, access, part, partition, side of a mix); empty where there are no groups.
    pub groups: Vec<GroupRecord>,
    /// Counts of the protocol, by name; empty where it counts nothing.
    pub tallies: Vec<(&'static str, u64)>,
    /// Messages sent since the warm-up, by kind; payload is not among the kinds.
    pub kinds: Vec<KindCount>,
    /// First receipts of the measured orders of a bulk; `None` where they were not asked for.
    pub measured: Option<MeasuredReceipts>,
    /// Each message of the run; `None` where no trace was asked for.
    pub trace: Option<TraceLog>,
    /// Notices to read before the figures, in the order of [`Notice::CODES`].
    pub notices: Vec<Notice>,
}

impl RunRecord {
    /// Returns the time that has passed on the model's clock; `None` on a real one.
    pub fn virtual_time(&self) -> Option<Nanos> {
        self.is_virtual.then_some(self.elapsed)
    }

    /// Counts the messages handed to the carrier that carried a whole order.
    pub fn payload_messages(&self) -> u64 {
        self.ledger.sent.saturating_sub(self.control_messages() + self.upkeep().sent_in_all() + self.parts().sent)
    }

    /// Counts the messages handed to the carrier that were about an order and carried none.
    pub fn control_messages(&self) -> u64 {
        let others = |worker: &WorkerRecord| worker.upkeep.sent_in_all() + worker.parts.sent;
        self.workers.iter().map(|worker| worker.control_sent.saturating_sub(others(worker))).sum()
    }

    /// Sums the bytes of the [control messages](Self::control_messages), as UDP payload.
    pub fn control_bytes(&self) -> u64 {
        let others = |worker: &WorkerRecord| worker.upkeep.bytes_in_all() + worker.parts.bytes;
        self.workers.iter().map(|worker| worker.control_bytes.saturating_sub(others(worker))).sum()
    }

    /// Sums the upkeep of all workers: the messages about no order.
    pub fn upkeep(&self) -> UpkeepCounts {
        let mut upkeep = UpkeepCounts::default();
        self.workers.iter().for_each(|worker| upkeep.merge(&worker.upkeep));
        upkeep
    }

    /// Sums the parts of all workers: the messages that carried a part of an order.
    pub fn parts(&self) -> PartCounts {
        let mut parts = PartCounts::default();
        self.workers.iter().for_each(|worker| parts.merge(&worker.parts));
        parts
    }

    /// Counts the nodes that have the order, of those that coverage counts; with many orders the sum over all.
    pub fn reached(&self) -> u64 {
        match &self.bulk {
            Some(bulk) => bulk.orders.iter().map(|order| order.reached).sum(),
            None => match &self.counted {
                None => self.receipts.reached(),
                Some(counted) => self.count_receipts(counted, Receipt::is_reached),
            },
        }
    }

    /// Counts the nodes that coverage counts; with many orders the sum over those that were published.
    pub fn counted(&self) -> u64 {
        match (&self.bulk, &self.counted) {
            (Some(bulk), _) => bulk.published().map(|order| order.counted).sum(),
            (None, Some(counted)) => counted.iter().filter(|&&is_counted| is_counted).count() as u64,
            (None, None) => u64::from(self.nodes),
        }
    }

    /// Returns the first time at which this share of the nodes that were up held the order. Where all nodes are up,
    /// this is the k-th least first receipt, k rounded up. `None` with many orders, because each has times of its own.
    pub fn time_to(&self, share: Ratio) -> Option<Nanos> {
        match &self.curve {
            Some(curve) => curve.time_to(share),
            None => self.receipts.time_to(share),
        }
    }

    /// Classifies the order; `None` with many orders, because each has an outcome of its own. The time limit is the
    /// run's, so that whatever arrived by its end arrived in time.
    pub fn order_outcome(&self) -> Option<OrderOutcome> {
        if self.bulk.is_some() {
            return None;
        }
        Some(OrderOutcome::of(&OrderFacts {
            published: self.receipts_with_hop(0) > 0,
            reached_target: self.time_to(self.target).is_some(),
            at_rest: self.at_rest,
            reached: self.reached(),
            target_nodes: self.target.ceil_of(self.counted()),
            cut_off: self.receipts_with_hop(self.ttl),
        }))
    }

    /// Returns true if every published order reached its target, and at least one was published.
    pub fn is_goal_met(&self) -> bool {
        match &self.bulk {
            None => self.order_outcome() == Some(OrderOutcome::Reached),
            Some(bulk) => {
                bulk.published().next().is_some()
                    && bulk.published().all(|order| order.outcome == OrderOutcome::Reached)
            }
        }
    }
}
