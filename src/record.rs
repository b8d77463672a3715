//! What a run counts: by node, by worker, and the ledger that must balance.
//!
//! A number has three lives: a worker counts it alone in plain words, the join merges it, the report shows it. This
//! file holds the first two.

mod access_links;
mod compact;
mod curve;
mod delays;
mod ledger;
mod notice;
mod orders;
mod outcome;
mod receipts;
mod upkeep;

pub use access_links::{AccessLinkRecord, LinkSideRecord};
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

use crate::ids::NodeId;
use crate::ratio::Ratio;
use crate::time::Nanos;
use crate::topology::NodeNames;
use crate::wire::StrayCounts;
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

/// What one node took in and sent out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Traffic {
    /// Payload messages it received, the first included.
    pub copies: u64,
    /// They that were the first of their order here.
    pub firsts: u32,
    /// Payload messages it sent.
    pub sent: u64,
    /// Bytes received, as UDP payload, those of control messages included.
    pub bytes_in: u64,
    /// Bytes sent, likewise.
    pub bytes_out: u64,
}

/// One worker's counts, of its loop up to the stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WorkerRecord {
    /// Nodes it owns.
    pub nodes: u32,
    /// The core it was pinned to, `None` where it was not.
    pub core: Option<usize>,
    /// Messages that its carrier took; where the network is modelled, those that entered it.
    pub sent: u64,
    /// Messages of this run that it received before the stop.
    pub received: u64,
    /// Of the messages sent, those that carry no order: control messages, upkeep among them.
    pub control_sent: u64,
    /// Bytes of these, as UDP payload.
    pub control_bytes: u64,
    /// Of the messages received, control messages.
    pub control_received: u64,
    /// Of all these, those that are about no order.
    pub upkeep: UpkeepCounts,
    /// What the protocol counted, by the places of its names.
    pub tally: Vec<u64>,
    /// Received messages whose node had the order already.
    pub duplicates: u64,
    /// Nodes that first received the order here, an origin included; with many orders the sum over all.
    pub reached: u64,
    /// Received messages whose order was older than its node's window.
    pub expired: u64,
    /// How many orders the furthest of them lay behind the newest that its node had seen; 0 where there are none.
    pub expired_behind_max: u32,
    /// Orders that expired at nodes that never had them, counted once for each node: what the window kept from being
    /// delivered. `None` on real carriers, where nobody remembers what a window has passed.
    pub expired_first: Option<u64>,
    /// Orders that entered the network here.
    pub published: u64,
    /// Copies that `--exclude-sender` did not send.
    pub spared: u64,
    /// Messages that waited unsent at the stop: the fan-out of every forward still queued; in virtual time what had not left the
    /// line out of its node, or not whole.
    pub queued_unsent: u64,
    /// Receive batches that brought at least one message.
    pub batches: u64,
    /// Turns of the loop.
    pub turns: u64,
    /// Times it slept in the kernel because nothing was left to do.
    pub sleeps: u64,
    /// What the modelled network did to the messages that its nodes sent.
    pub model: ModelCounts,
    /// What its carrier counted.
    pub carrier: CarrierCounts,
}

impl WorkerRecord {
    /// The counts of nobody, to which those of workers are added: what a platform may not count is 0 and not missing.
    pub fn none() -> WorkerRecord {
        let carrier = CarrierCounts { kernel_dropped: Some(0), ..CarrierCounts::default() };
        WorkerRecord { carrier, expired_first: Some(0), ..WorkerRecord::default() }
    }

    /// Adds what another worker counted. What one of them could not count is missing in the sum; which core it had is its own.
    pub fn merge(&mut self, other: &WorkerRecord) {
        // Without `..`, so that a new count is added here or does not compile.
        let &WorkerRecord {
            nodes,
            core: _,
            sent,
            received,
            control_sent,
            control_bytes,
            control_received,
            ref upkeep,
            ref tally,
            duplicates,
            reached,
            expired,
            expired_behind_max,
            expired_first,
            published,
            spared,
            queued_unsent,
            batches,
            turns,
            sleeps,
            ref model,
            ref carrier,
        } = other;
        self.nodes += nodes;
        self.sent += sent;
        self.received += received;
        self.control_sent += control_sent;
        self.control_bytes += control_bytes;
        self.control_received += control_received;
        self.upkeep.merge(upkeep);
        (0..).zip(tally).for_each(|(what, &count)| add_tally(&mut self.tally, what, count));
        self.duplicates += duplicates;
        self.reached += reached;
        self.expired += expired;
        self.expired_behind_max = self.expired_behind_max.max(expired_behind_max);
        self.expired_first = both(self.expired_first, expired_first);
        self.published += published;
        self.spared += spared;
        self.queued_unsent += queued_unsent;
        self.batches += batches;
        self.turns += turns;
        self.sleeps += sleeps;
        self.model.merge(model);
        self.carrier.merge(carrier);
    }

    /// Counts a message whose order lies so many behind the newest that its node has seen; where that is known, whether its node
    /// never had it.
    #[inline]
    pub fn expire(&mut self, behind: u32, is_first: Option<bool>) {
        self.expired += 1;
        self.expired_behind_max = self.expired_behind_max.max(behind);
        self.expired_first = self.expired_first.zip(is_first).map(|(sum, is_first)| sum + u64::from(is_first));
    }
}

/// What a modelled network does to messages; nothing where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ModelCounts {
    /// Messages that it lost.
    pub lost: u64,
    /// Messages that found no room at the line into their node.
    pub dropped: u64,
    /// Messages that found no room at the line out of their node: never sent, and outside the sum.
    pub uplink_dropped: u64,
    /// Second copies that it made.
    pub duplicated: u64,
    /// Messages that it held back at the stop, on a real carrier: their time had not come, or the carrier had not sent them.
    pub held: u64,
}

impl ModelCounts {
    /// Adds what happened to the messages of another worker.
    pub fn merge(&mut self, other: &ModelCounts) {
        let &ModelCounts { lost, dropped, uplink_dropped, duplicated, held } = other;
        self.lost += lost;
        self.dropped += dropped;
        self.uplink_dropped += uplink_dropped;
        self.duplicated += duplicated;
        self.held += held;
    }
}

/// The sum of two counts, if both were taken.
fn both(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.zip(other).map(|(one, other)| one + other)
}

/// What a carrier counts for one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CarrierCounts {
    /// Datagrams handed to the kernel; 0 for carriers that use none.
    pub kernel_datagrams: u64,
    /// Datagrams of this run dropped by the kernel, strays among them where there were any; `None` where the platform
    /// has no such counter. A train that crosses the kernel whole is one.
    pub kernel_dropped: Option<u64>,
    /// What the numbers on the trains say is missing; `None` where messages are not numbered.
    pub missing: Option<Missing>,
    /// Messages of this run found in the sockets after every worker had stopped.
    pub drained: u64,
    /// Datagrams that are not of this run, by kind.
    pub strays: StrayCounts,
    /// Times the kernel had no room for a datagram, which then waited.
    pub send_blocked: u64,
    /// Calls that sent.
    pub send_calls: u64,
    /// Calls that received.
    pub receive_calls: u64,
}

impl CarrierCounts {
    /// Adds what the carrier of another worker counted.
    pub fn merge(&mut self, other: &CarrierCounts) {
        let &CarrierCounts {
            kernel_datagrams,
            kernel_dropped,
            missing,
            drained,
            ref strays,
            send_blocked,
            send_calls,
            receive_calls,
        } = other;
        self.kernel_datagrams += kernel_datagrams;
        self.kernel_dropped = both(self.kernel_dropped, kernel_dropped);
        if let Some(missing) = missing {
            self.missing.get_or_insert_default().add(missing);
        }
        self.drained += drained;
        self.strays.merge(strays);
        self.send_blocked += send_blocked;
        self.send_calls += send_calls;
        self.receive_calls += receive_calls;
    }

    /// Messages known to be lost on their way in: the kernel's drops where each is a message; where messages are
    /// numbered those that are missing, unless more is missing than the kernel says it dropped and may yet come. Where
    /// strays came a drop may be a stray's, and must not pass for a message that is still to be read.
    pub fn lost(&self) -> u64 {
        match (self.missing, self.kernel_dropped) {
            (Some(missing), Some(dropped)) if missing.packets > dropped => 0,
            (Some(missing), _) => missing.messages,
            (None, Some(dropped)) if self.strays.total() == 0 => dropped,
            (None, _) => 0,
        }
    }
}

/// What numbered lanes say was sent and did not come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, BorshSerialize, BorshDeserialize)]
pub struct Missing {
    /// Messages.
    pub messages: u64,
    /// Packets that held them, as the kernel counts: a train that crosses it whole is one.
    pub packets: u64,
}

impl Missing {
    /// Adds what is missing elsewhere.
    pub const fn add(&mut self, other: Missing) {
        self.messages += other.messages;
        self.packets += other.packets;
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
