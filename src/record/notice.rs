//! Facts that a reader should know before believing a run's figures.
//!
//! A notice is a value: a code for programs, its figures, and a sentence for people. No other room parses the
//! sentences. Notices stand in the order of [`Notice::CODES`]: first the drops of queues that were asked for, then what
//! else decides whether the figures may be believed, then failures that were foreseen, then options that had no effect,
//! then omissions, and last the machine's own part.

mod remedy;
mod sentence;
mod size;

pub use remedy::{TtlAdvice, UnmetCause, WindowRemedy};
pub(crate) use sentence::share_text;

use crate::time::Nanos;
use serde::{Deserialize, Serialize};

/// A fact that a reader should know. [`Display`](std::fmt::Display) writes its sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Notice {
    /// A run of a series failed, and the series ended with it.
    SeriesFailed {
        /// Runs that were measured.
        measured: u64,
        /// Runs that were asked for.
        asked: u64,
        /// Cause of the failure.
        failure: String,
    },
    /// The user ended a series before its last run.
    SeriesInterrupted {
        /// Runs that were measured.
        measured: u64,
        /// Runs that were asked for.
        asked: u64,
    },
    /// Messages found a queue full and were dropped.
    QueuesOverflowed {
        /// Messages dropped at uplinks, unsent.
        uplink_dropped: u64,
        /// Messages dropped at downlinks.
        downlink_dropped: u64,
        /// Use of the busiest access link, in percent of the time.
        busiest_percent: f64,
        /// Bytes of the largest queue that would have been needed, if a queue that holds them may be asked for.
        queue_bytes: Option<u64>,
        /// True if a lower rate would help, because there are several orders.
        has_rate: bool,
    },
    /// Messages are unaccounted for.
    LedgerUnbalanced {
        /// Runs whose ledger does not balance.
        unbalanced: u64,
        /// Runs that were measured, of a series; `None` where one run was asked for.
        of_runs: Option<u64>,
    },
    /// The run ended because its messages had used up the memory left for them.
    MemoryUsedUp {
        /// Bytes that were left for messages under way.
        left_bytes: u64,
    },
    /// Nodes discarded copies as old because their window had moved past the order.
    WindowNarrow {
        /// Width of the window, in orders.
        window: u32,
        /// Copies older than their node's window.
        expired: u64,
        /// Expired copies of orders that their node never had: exact in virtual time, an upper bound elsewhere.
        new_to_node: u64,
        /// True if `new_to_node` is exact.
        is_exact: bool,
        /// Greatest number of orders by which a copy lay behind the newest that its node had seen.
        behind: u32,
        /// The remedy to advise.
        remedy: WindowRemedy,
    },
    /// Orders came faster than the machine carried them.
    Overload {
        /// Delay of publication, 99th percentile.
        published_late: Nanos,
        /// Orders under way when their time limit had passed.
        under_way: u64,
        /// Orders of the schedule.
        orders: u64,
        /// The time limit of an order, if it has one.
        timeout: Option<Nanos>,
        /// Messages waiting to be sent at the end.
        queued: u64,
        /// Number of threads that would have a core each, if it is more than the run had.
        threads: Option<u64>,
    },
    /// Orders came faster than the nodes' access links carried them.
    LinksOverloaded {
        /// True for uplinks, false for downlinks.
        is_up: bool,
        /// Links that were busy for longer than orders were published.
        overloaded: u64,
        /// Links that have a rate.
        links: u64,
        /// Time for which the busiest link was busy, over that for which orders were published.
        load: f64,
        /// The rate of orders at which that would be 1, in the syntax of the option; `None` if none was asked for.
        rate: Option<String>,
    },
    /// Messages left a modelled network in front of a real carrier late.
    DeparturesLate {
        /// Lateness, 99th percentile.
        late: Nanos,
        /// Mean latency of the modelled network.
        latency: Nanos,
    },
    /// Many first receipts came with the last hop that the TTL allows.
    TtlBinds {
        /// Their share of all first receipts, in tenths of a percent.
        permille: u64,
        /// The TTL.
        ttl: u8,
        /// A TTL to try; `None` if there is no greater one.
        raise_to: Option<u8>,
    },
    /// Nodes ask again for an order before its sender's uplink has sent all copies that it may be asked for.
    RetryEarly {
        /// Time after which a node asks again.
        retry: Nanos,
        /// Bytes of the largest payload.
        payload_bytes: u32,
        /// Time that a copy takes on the slowest uplink.
        copy_takes: Nanos,
        /// Copies that a node may be asked for.
        copies: u64,
        /// A time to ask for instead.
        raise_to: Nanos,
    },
    /// Part of the overlay cannot be reached at all.
    OverlayDisconnected {
        /// Nodes connected to the origin by a path.
        reachable: u32,
        /// Nodes of the overlay.
        nodes: u32,
        /// Id of the node that publishes the first order.
        origin: u64,
    },
    /// The overlay is known to be disconnected and is not searched.
    OverlayNotSearched,
    /// Fewer nodes than the target takes lie within the TTL.
    TargetBeyondTtl {
        /// Nodes within the TTL.
        near: u64,
        /// Nodes of the overlay.
        nodes: u32,
        /// The TTL.
        ttl: u8,
        /// The node or nodes from which hops are counted, as a phrase.
        entrance: String,
        /// Nodes that make the target.
        goal: u64,
        /// The target, as a share.
        target: f64,
        /// Hops to the farthest node, if that many suffice for the target.
        farthest: Option<u32>,
        /// The advice.
        advice: TtlAdvice,
    },
    /// Too few nodes for the target lie within the hops that fit into the time limit.
    TargetTooLate {
        /// Least duration of a hop.
        hop: Nanos,
        /// Nodes within those hops.
        near: u64,
        /// Nodes of the overlay.
        nodes: u32,
        /// Hops that fit into the time limit.
        hops: u32,
        /// The node or nodes from which hops are counted, as a phrase.
        entrance: String,
        /// The time limit.
        timeout: Nanos,
        /// Nodes that make the target.
        goal: u64,
        /// The target, as a share.
        target: f64,
        /// Least time that the target takes, with the option that sets the limit.
        needed: String,
    },
    /// Uplinks send too few copies for the target within the time limit.
    TargetBeyondUplinks {
        /// Least time that a copy takes on an uplink.
        copy_takes: Nanos,
        /// Nodes that have an order within the time limit, at most.
        most: u64,
        /// The time limit.
        timeout: Nanos,
        /// Nodes that make the target.
        goal: u64,
        /// The target, as a share.
        target: f64,
        /// Least time that the target takes, with the option that sets the limit; `None` if it was not computed.
        needed: Option<String>,
    },
    /// The mean field predicts fewer nodes than the target takes.
    TargetUnlikely {
        /// Peers that a node forwards to.
        fanout: u32,
        /// The TTL.
        ttl: u8,
        /// True if faults or adversaries were asked for, which the mean field leaves out.
        has_faults: bool,
        /// Share of the messages that the network loses.
        loss: f64,
        /// Predicted share of the nodes.
        expected: f64,
        /// Nodes of the overlay.
        nodes: u32,
        /// Share of the runs in which the order dies out at once; `None` if it is none or all of them.
        dying: Option<f64>,
        /// The target, as a share.
        target: f64,
        /// The advice.
        advice: TtlAdvice,
    },
    /// The interpretation of an edge list.
    EdgeListRead {
        /// The sentence of its reader.
        sentence: String,
    },
    /// A fault or an adversary that was asked for had no effect.
    FaultUnmet {
        /// The option as it was written.
        option: String,
        /// True if the option is about messages.
        of_messages: bool,
        /// The reason.
        cause: UnmetCause,
        /// Time at which the run ended.
        ended_at: Nanos,
    },
    /// No message was lost although a loss was asked for.
    LossUnmet {
        /// The loss as it was written.
        loss: String,
        /// Messages that were sent.
        sent: u64,
    },
    /// No second copy was made although some were asked for.
    DuplicateUnmet {
        /// The share as it was written.
        share: String,
        /// Messages that were sent.
        sent: u64,
    },
    /// Orders that no datagram holds took no longer than small ones.
    SizeUnmet {
        /// Bytes of the largest payload.
        payload_bytes: u32,
        /// True in virtual time, false in memory.
        is_virtual: bool,
    },
    /// No two nodes could be computed independently, because the least latency is 0.
    LatencyWithoutFloor,
    /// The traffic of each node is not kept in a run of this size.
    NodeTrafficNotKept {
        /// Least number of nodes for which it is not kept.
        from_nodes: u32,
    },
    /// The run was cut short, so messages were not recounted by node.
    NodeTrafficCutShort {
        /// True if the sums are rough for the same reason.
        is_rough: bool,
    },
    /// Trains were sent as single datagrams.
    TrainsApart,
    /// The platform has no way to set a receive buffer.
    ReceiveBufferNotSet {
        /// Bytes that were asked for.
        asked: u32,
    },
    /// The kernel granted another receive buffer than was asked for.
    ReceiveBufferGranted {
        /// Bytes that were asked for.
        asked: u32,
        /// Bytes that can be used.
        usable: u32,
    },
    /// Workers share cores.
    CoresShared {
        /// Number of workers.
        workers: u64,
        /// Number of cores available to them.
        cores: u64,
        /// True if the workers are pinned to them.
        is_pinned: bool,
    },
    /// Workers could not be pinned.
    WorkersNotPinned {
        /// Workers that could not be pinned.
        unpinned: u64,
        /// All workers.
        workers: u64,
    },
    /// The file of nodes leaves times empty, because in a bulk each order has its own.
    NodesFileWithoutTimes,
    /// The file of nodes leaves columns empty, because the run does not keep them by node.
    NodesFileWithoutColumns {
        /// Names of the columns.
        columns: String,
    },
    /// The file of orders has no rows, because one order is not a bulk.
    OrdersFileEmpty,
}

impl Notice {
    /// All codes, in the order in which notices stand.
    pub const CODES: [&'static str; 30] = [
        "series-failed",
        "series-interrupted",
        "queues-overflowed",
        "ledger-unbalanced",
        "memory-used-up",
        "window-narrow",
        "overload",
        "links-overloaded",
        "departures-late",
        "ttl-binds",
        "retry-early",
        "overlay-disconnected",
        "overlay-not-searched",
        "target-beyond-ttl",
        "target-too-late",
        "target-unlikely",
        "edge-list-read",
        "fault-unmet",
        "loss-unmet",
        "duplicate-unmet",
        "size-unmet",
        "latency-without-floor",
        "node-traffic-not-kept",
        "node-traffic-cut-short",
        "trains-apart",
        "receive-buffer-not-set",
        "receive-buffer-granted",
        "cores-shared",
        "workers-not-pinned",
        "file-incomplete",
    ];

    /// Returns the stable code for programs.
    pub const fn code(&self) -> &'static str {
        Notice::CODES[self.priority()]
    }

    /// Returns its place in [`Notice::CODES`]; the least stands first.
    pub const fn priority(&self) -> usize {
        match self {
            Notice::SeriesFailed { .. } => 0,
            Notice::SeriesInterrupted { .. } => 1,
            Notice::QueuesOverflowed { .. } => 2,
            Notice::LedgerUnbalanced { .. } => 3,
            Notice::MemoryUsedUp { .. } => 4,
            Notice::WindowNarrow { .. } => 5,
            Notice::Overload { .. } => 6,
            Notice::LinksOverloaded { .. } => 7,
            Notice::DeparturesLate { .. } => 8,
            Notice::TtlBinds { .. } => 9,
            Notice::RetryEarly { .. } => 10,
            Notice::OverlayDisconnected { .. } => 11,
            Notice::OverlayNotSearched => 12,
            Notice::TargetBeyondTtl { .. } => 13,
            Notice::TargetTooLate { .. } | Notice::TargetBeyondUplinks { .. } => 14,
            Notice::TargetUnlikely { .. } => 15,
            Notice::EdgeListRead { .. } => 16,
            Notice::FaultUnmet { .. } => 17,
            Notice::LossUnmet { .. } => 18,
            Notice::DuplicateUnmet { .. } => 19,
            Notice::SizeUnmet { .. } => 20,
            Notice::LatencyWithoutFloor => 21,
            Notice::NodeTrafficNotKept { .. } => 22,
            Notice::NodeTrafficCutShort { .. } => 23,
            Notice::TrainsApart => 24,
            Notice::ReceiveBufferNotSet { .. } => 25,
            Notice::ReceiveBufferGranted { .. } => 26,
            Notice::CoresShared { .. } => 27,
            Notice::WorkersNotPinned { .. } => 28,
            Notice::NodesFileWithoutTimes | Notice::NodesFileWithoutColumns { .. } | Notice::OrdersFileEmpty => 29,
        }
    }

    /// Returns true if it says the same about another run: the same code, for the same option or file.
    pub fn is_same_kind(&self, other: &Notice) -> bool {
        match (self, other) {
            (Notice::FaultUnmet { option, .. }, Notice::FaultUnmet { option: others, .. }) => option == others,
            (Notice::EdgeListRead { sentence }, Notice::EdgeListRead { sentence: others }) => sentence == others,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}
