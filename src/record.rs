//! What a run counts: by node, by worker, and the ledger that must balance.
//!
//! A number has three lives: a worker counts it alone in plain words, the join merges it, the report shows it. This
//! file holds the first two.

mod access_links;
mod carrier;
mod compact;
mod curve;
mod delays;
mod ledger;
mod notice;
mod orders;
mod outcome;
mod receipts;
mod upkeep;
mod worker;

pub use access_links::{AccessLinkRecord, LinkSideRecord};
pub use carrier::{CarrierCounts, Missing};
pub use compact::CompactReceipt;
pub use curve::{CoverageCurve, CurvePoint};
pub use delays::{DelayHistogram, DepartureDelays};
pub use ledger::Ledger;
pub use notice::{Notice, TtlAdvice, UnmetCause, WindowRemedy};
pub(crate) use notice::{rounded_bytes, share_text};
pub use orders::{BulkRecord, OrderCounts, OrderRecord};
pub use outcome::{OrderFacts, OrderOutcome};
pub use receipts::{ByHop, Receipts};
pub use upkeep::{UpkeepCounts, add_tally};
pub use worker::{ModelCounts, Traffic, WorkerRecord};

use crate::ids::NodeId;
use crate::ratio::Ratio;
use crate::time::Nanos;
use crate::topology::NodeNames;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::borrow::Cow;

/// A node's first receipt of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Receipt {
    /// When; while a worker runs since its clock's base, in a [`RunRecord`] since the injection.
    pub time: Nanos,
    /// From whom; the origin names itself.
    pub sender: NodeId,
    /// After how many hops; the origin's is 0.
    pub hop: u8,
}

impl Receipt {
    /// What stands for a node that the order did not reach.
    pub const NONE: Receipt = Receipt { time: Nanos::MAX, sender: NodeId(u32::MAX), hop: u8::MAX };

    /// Whether the order came at all.
    pub const fn is_reached(&self) -> bool {
        self.time.0 != Nanos::MAX.0
    }
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum End {
    /// The target was reached.
    Target = 1,
    /// No message was in flight and every protocol idle.
    Quiescent,
    /// The time limit passed.
    Timeout,
    /// The user stopped it.
    Interrupted,
    /// Messages under way had used up the memory that was left for them.
    OutOfMemory,
}

impl End {
    /// Whether it came anywhere, so that no seed decides where.
    pub const fn is_cut_short(self) -> bool {
        matches!(self, End::Interrupted | End::OutOfMemory)
    }
}

/// What the overlay of a run looks like.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OverlayFacts {
    /// Mean number of peers per node, as drawn.
    pub mean_degree: f64,
    /// Most peers of any node.
    pub max_degree: u32,
    /// Where the first order enters, by its id.
    pub origin: u64,
    /// Nodes that a path connects with it, itself included; `None` where the overlay is too large to search.
    pub reachable: Option<u32>,
    /// Hops from there to the farthest of them; `None` where the overlay is too large to search.
    pub depth: Option<u32>,
}

/// One of the processes that a run's workers lived in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessRecord {
    /// Its number in the system.
    pub pid: u32,
    /// How many workers it had, after those of the processes before it.
    pub workers: u32,
}

/// What the nodes of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// The region they are in.
    Region,
    /// Whether they are behind a NAT.
    Access,
    /// The part they play against the protocol, if any.
    Part,
    /// The side of a partition that they are on.
    Partition,
}

/// What some of the nodes came to. With many orders, counts are sums over all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRecord {
    /// What they have in common.
    pub kind: GroupKind,
    /// What they are called.
    pub name: String,
    /// How many they are.
    pub nodes: u64,
    /// Those that coverage counts.
    pub counted: u64,
    /// The delays of those of them that were reached, ascending, in nanoseconds since their order was due.
    pub delays: Vec<u64>,
    /// Bytes that all of them received, as UDP payload; `None` where traffic was not kept by node.
    pub bytes_in: Option<u64>,
    /// Bytes that all of them sent, as UDP payload; `None` where traffic was not kept by node.
    pub bytes_out: Option<u64>,
}

/// How often spies that pool what they hear named an order's origin right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SpyRecord {
    /// Nodes that spy.
    pub nodes: u32,
    /// Orders of the schedule.
    pub orders: u32,
    /// Those that came to any spy.
    pub seen: u32,
    /// Those of them whose origin was the node from which the first spy had them.
    pub right: u32,
}

/// What a run took of the machine, on its monotonic clock. In virtual time none of it is a figure of the model: it differs from run
/// to run, and whoever compares records leaves it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineTimes {
    /// From the injection until the last worker left its loop; in virtual time as long as the run took to compute.
    pub wall: Nanos,
    /// From the start of the set-up (overlay, sockets, threads) until all workers stood at the barrier; in virtual time until
    /// computing began.
    pub setup: Nanos,
}

/// Everything one run measured, merged from its workers. Times are since the injection.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// Why it ended.
    pub end: End,
    /// How many nodes took part.
    pub nodes: u32,
    /// Their ids.
    pub names: NodeNames,
    /// From the injection until the last worker left its loop; in virtual time until the run's end on the model's own clock.
    pub elapsed: Nanos,
    /// Whether that is the model's own time.
    pub is_virtual: bool,
    /// What it took of the machine.
    pub machine: MachineTimes,
    /// The overlay.
    pub overlay: OverlayFacts,
    /// The share of the nodes that was to be reached.
    pub target: Ratio,
    /// Whether orders came faster than the machine carried them; never in virtual time.
    pub overloaded: bool,
    /// The TTL in force, `auto` resolved.
    pub ttl: u8,
    /// Bytes of the longest datagram (UDP payload), 0 where the carrier has none.
    pub datagram_bytes: u32,
    /// First receipts, by node; empty for a bulk of orders.
    pub receipts: Receipts,
    /// Which nodes the coverage of the only order counts, by node: under faults those that were up at the end. `None` where it
    /// counts all. For a bulk each order says how many it counts.
    pub counted: Option<Vec<bool>>,
    /// How the coverage of the only order rose under faults; `None` where all nodes are up all the time.
    pub curve: Option<CoverageCurve>,
    /// Each order of a bulk; `None` where there is one order.
    pub bulk: Option<BulkRecord>,
    /// Traffic, by node; empty where it was not kept.
    pub traffic: Vec<Traffic>,
    /// Peers of each node, by node; empty where they were not kept.
    pub degrees: Vec<u32>,
    /// The first node of each worker, by worker.
    pub shard_starts: Vec<u32>,
    /// Counts, by worker.
    pub workers: Vec<WorkerRecord>,
    /// The processes they lived in.
    pub processes: Vec<ProcessRecord>,
    /// Where every message went.
    pub ledger: Ledger,
    /// How messages left a modelled network in front of a real carrier; `None` where there is none.
    pub departures: Option<DepartureDelays>,
    /// The digest of all first receipts, where one seed decides it: in virtual time.
    pub digest: Option<u64>,
    /// What the lines of the nodes had to carry.
    pub lines: AccessLinkRecord,
    /// What spies found out; `None` where there are none.
    pub spies: Option<SpyRecord>,
    /// The nodes by region and by class, where there are any.
    pub groups: Vec<GroupRecord>,
    /// What the protocol counted, by name; empty where it counts nothing.
    pub tallies: Vec<(&'static str, u64)>,
    /// What a reader should know first, in the order of [`Notice::CODES`].
    pub notices: Vec<Notice>,
}

impl RunRecord {
    /// The time that has passed on the model's clock; `None` on a real one.
    pub fn virtual_time(&self) -> Option<Nanos> {
        self.is_virtual.then_some(self.elapsed)
    }

    /// Messages handed to the carrier that carried an order.
    pub fn payload_messages(&self) -> u64 {
        self.ledger.sent - self.control_messages() - self.upkeep().sent_in_all()
    }

    /// Messages handed to the carrier that were about an order and carried none.
    pub fn control_messages(&self) -> u64 {
        self.workers.iter().map(|worker| worker.control_sent - worker.upkeep.sent_in_all()).sum()
    }

    /// Bytes of these, as UDP payload.
    pub fn control_bytes(&self) -> u64 {
        self.workers.iter().map(|worker| worker.control_bytes - worker.upkeep.bytes_in_all()).sum()
    }

    /// What was sent about no order.
    pub fn upkeep(&self) -> UpkeepCounts {
        let mut upkeep = UpkeepCounts::default();
        self.workers.iter().for_each(|worker| upkeep.merge(&worker.upkeep));
        upkeep
    }

    /// How many of the nodes that coverage counts have the order; with many orders the sum over all.
    pub fn reached(&self) -> u64 {
        match &self.bulk {
            Some(bulk) => bulk.orders.iter().map(|order| order.reached).sum(),
            None => self.counted_receipts().reached(),
        }
    }

    /// How many nodes coverage counts; with many orders the sum over those that were published.
    pub fn counted(&self) -> u64 {
        match (&self.bulk, &self.counted) {
            (Some(bulk), _) => bulk.published().map(|order| order.counted).sum(),
            (None, Some(counted)) => counted.iter().filter(|&&is_counted| is_counted).count() as u64,
            (None, None) => u64::from(self.nodes),
        }
    }

    /// The first receipts of the nodes that coverage counts, and of no other.
    pub fn counted_receipts(&self) -> Cow<'_, Receipts> {
        let Some(counted) = &self.counted else { return Cow::Borrowed(&self.receipts) };
        let receipts = self.receipts.iter().zip(counted).filter(|(_, is_counted)| **is_counted);
        Cow::Owned(Receipts::Each(receipts.map(|(receipt, _)| receipt).collect()))
    }

    /// When the order was first held by this share of the nodes that were up then: where all are, the k-th least first receipt, k
    /// rounded up. `None` with many orders, each of which has times of its own.
    pub fn time_to(&self, share: Ratio) -> Option<Nanos> {
        match &self.curve {
            Some(curve) => curve.time_to(share),
            None => self.receipts.time_to(share),
        }
    }

    /// What became of the order; `None` with many orders, each of which has an outcome of its own. The time limit is the
    /// run's, so that what came by its end came in time.
    pub fn order_outcome(&self) -> Option<OrderOutcome> {
        if self.bulk.is_some() {
            return None;
        }
        Some(OrderOutcome::of(&OrderFacts {
            published: self.receipts_with_hop(0) > 0,
            reached_target: self.time_to(self.target).is_some(),
            at_rest: self.end == End::Quiescent,
            reached: self.reached(),
            target_nodes: self.target.ceil_of(self.counted()),
            cut_off: self.receipts_with_hop(self.ttl),
        }))
    }

    /// Whether the goal was met: every order that was published reached its target, and one at least was published.
    pub fn is_goal_met(&self) -> bool {
        match &self.bulk {
            None => self.order_outcome() == Some(OrderOutcome::Reached),
            Some(bulk) => {
                bulk.published().next().is_some()
                    && bulk.published().all(|order| order.outcome == OrderOutcome::Reached)
            }
        }
    }

    /// How many first receipts came with this hop, of the only order and at any node.
    fn receipts_with_hop(&self, hop: u8) -> u64 {
        match &self.receipts {
            Receipts::ByHop(by_hop) => by_hop.counts.get(usize::from(hop)).copied().unwrap_or(0),
            receipts => receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop == hop).count() as u64,
        }
    }
}
