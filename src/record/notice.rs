//! What a reader should know before believing a run's figures.
//!
//! A notice is a value: a code for programs, its figures, and a sentence for people. Nothing reads another room's sentences.
//! Notices stand in the order of [`Notice::CODES`]: first what decides whether the figures may be believed, then what was
//! expected to go wrong, then what was asked for and met nothing, then what is left out, and last how the machine took part.

mod sentence;

pub(crate) use sentence::{rounded_bytes, share_text};

use crate::time::Nanos;
use borsh::{BorshDeserialize, BorshSerialize};

/// Something that a reader should know. [`Display`](std::fmt::Display) writes its sentence.
#[derive(Clone, Debug, PartialEq, BorshSerialize, BorshDeserialize)]
pub enum Notice {
    /// A run of a series failed, and the series ended with it.
    SeriesFailed {
        /// Runs that were measured.
        measured: u64,
        /// Runs that were asked for.
        asked: u64,
        /// Why the next one failed.
        failure: String,
    },
    /// The user ended a series before its last run.
    SeriesInterrupted {
        /// Runs that were measured.
        measured: u64,
        /// Runs that were asked for.
        asked: u64,
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
    /// Nodes took copies for old because their window had moved past the order.
    WindowNarrow {
        /// Orders that a node told apart.
        window: u32,
        /// Copies that were older than their node's window.
        expired: u64,
        /// Copies of them that were news to their node: exactly in virtual time, at most elsewhere.
        news: u64,
        /// Whether `news` is exact.
        is_exact: bool,
        /// Orders that the oldest copy lay behind the newest order its node had seen.
        behind: u32,
        /// What to do about it.
        remedy: WindowRemedy,
    },
    /// Orders came faster than the machine carried them.
    Overload {
        /// Delay of publication, 99th percentile.
        published_late: Nanos,
        /// Orders that were under way when their time limit had passed.
        under_way: u64,
        /// Orders of the schedule.
        orders: u64,
        /// The time limit of an order, if it has one.
        timeout: Option<Nanos>,
        /// Messages that waited to be sent at the end.
        queued: u64,
        /// Threads that would have a core each, where that is more than the run had.
        threads: Option<u64>,
    },
    /// Messages found a queue full and were dropped.
    QueuesOverflowed {
        /// Messages dropped at uplinks, unsent.
        uplink_dropped: u64,
        /// Messages dropped at downlinks.
        downlink_dropped: u64,
        /// Share of the time for which the busiest line was used, in percent.
        busiest_percent: f64,
        /// Bytes that a queue would have held at most, where a queue may be asked for that holds them.
        queue_bytes: Option<u64>,
        /// Whether a lower rate would help, because there are several orders.
        has_rate: bool,
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
        /// Share of the first receipts, in tenths of a percent.
        permille: u64,
        /// The TTL.
        ttl: u8,
        /// A TTL to try, unless there is no greater one.
        raise_to: Option<u8>,
    },
    /// Part of the overlay cannot be reached at all.
    OverlayDisconnected {
        /// Nodes that a path leads to.
        reachable: u32,
        /// Nodes of the overlay.
        nodes: u32,
        /// Id of the node where the first order enters.
        origin: u64,
    },
    /// The overlay is known to be in pieces and is not searched.
    OverlayNotSearched,
    /// Fewer nodes than the target takes lie within the TTL.
    TargetBeyondTtl {
        /// Nodes within the TTL.
        near: u64,
        /// Nodes of the overlay.
        nodes: u32,
        /// The TTL.
        ttl: u8,
        /// Where the hops are counted from.
        entrance: String,
        /// Nodes that make the target.
        goal: u64,
        /// The target, as a share.
        target: f64,
        /// Hops to the farthest node, where they are enough to make the target.
        farthest: Option<u32>,
        /// What to do about it.
        advice: TtlAdvice,
    },
    /// Fewer nodes than the target takes lie within the hops that the time limit leaves room for.
    TargetTooLate {
        /// The least time that a hop takes.
        hop: Nanos,
        /// Nodes within those hops.
        near: u64,
        /// Nodes of the overlay.
        nodes: u32,
        /// Hops that the time limit leaves room for.
        hops: u32,
        /// Where the hops are counted from.
        entrance: String,
        /// The time limit.
        timeout: Nanos,
        /// Nodes that make the target.
        goal: u64,
        /// The target, as a share.
        target: f64,
        /// The least time that the target takes, as an option is written.
        needed: String,
    },
    /// The mean field expects fewer nodes than the target takes.
    TargetUnlikely {
        /// Peers that a node forwards to.
        fanout: u32,
        /// The TTL.
        ttl: u8,
        /// Whether faults and adversaries, which the form leaves out, were asked for.
        has_faults: bool,
        /// The share of messages that the network loses.
        loss: f64,
        /// The share of nodes that is expected.
        expected: f64,
        /// Nodes of the overlay.
        nodes: u32,
        /// The share of runs in which the order dies out at once, where it is some of them.
        dying: Option<f64>,
        /// The target, as a share.
        target: f64,
        /// What to do about it.
        advice: TtlAdvice,
    },
    /// What an edge list was read as.
    EdgeListRead {
        /// The sentence of its reader.
        sentence: String,
    },
    /// A fault or an adversary that was asked for met nothing.
    FaultUnmet {
        /// The option as it was asked for.
        option: String,
        /// Whether it is messages that it did not meet.
        of_messages: bool,
        /// Why it met nothing.
        cause: UnmetCause,
        /// When the run was over.
        ended_at: Nanos,
    },
    /// No message was lost although a loss was asked for.
    LossUnmet {
        /// The loss as it was asked for.
        loss: String,
        /// Messages that were sent.
        sent: u64,
    },
    /// No second copy was made although some were asked for.
    DuplicateUnmet {
        /// The share as it was asked for.
        share: String,
        /// Messages that were sent.
        sent: u64,
    },
    /// No two nodes could be computed apart, because the least latency is 0.
    LatencyWithoutFloor,
    /// The traffic of each node is not kept in so large a run.
    NodeTrafficNotKept {
        /// The least number of nodes for which it is not kept.
        from_nodes: u32,
    },
    /// The run was cut short, and messages were not counted again node by node.
    NodeTrafficCutShort {
        /// Whether the sums are rough for the same reason.
        is_rough: bool,
    },
    /// Datagrams crossed the kernel one by one.
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
        /// Workers.
        workers: u64,
        /// Cores that they may use.
        cores: u64,
        /// Whether they are pinned to them.
        is_pinned: bool,
    },
    /// Workers could not be pinned.
    WorkersNotPinned {
        /// Workers that could not.
        unpinned: u64,
        /// All workers.
        workers: u64,
    },
    /// The file of nodes leaves times empty, because a bulk has one for each order.
    NodesFileWithoutTimes,
    /// The file of nodes leaves columns empty, because the run does not keep them by node.
    NodesFileWithoutColumns {
        /// The columns.
        columns: String,
    },
    /// The file of orders has no line, because one order is no bulk.
    OrdersFileEmpty,
}

/// What helps against a window that was too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum WindowRemedy {
    /// A machine that keeps up: it was overloaded.
    KeepUp,
    /// A wider window, of so many orders.
    Widen(u32),
    /// Less of everything, because no wider window fits.
    AskForLess,
}

/// Advice where the target is out of reach.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TtlAdvice {
    /// What to do.
    pub text: String,
    /// Whether it is to raise the TTL.
    pub raises_ttl: bool,
}

/// Why a fault or an adversary met nothing.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum UnmetCause {
    /// It would have begun when the run was over.
    BeginsLate(Nanos),
    /// Another cause, as a clause.
    Other(String),
}

impl Notice {
    /// All codes, in the order in which notices stand.
    pub const CODES: [&'static str; 27] = [
        "series-failed",
        "series-interrupted",
        "ledger-unbalanced",
        "memory-used-up",
        "window-narrow",
        "overload",
        "queues-overflowed",
        "departures-late",
        "ttl-binds",
        "overlay-disconnected",
        "overlay-not-searched",
        "target-beyond-ttl",
        "target-too-late",
        "target-unlikely",
        "edge-list-read",
        "fault-unmet",
        "loss-unmet",
        "duplicate-unmet",
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

    /// The code that programs know it by.
    pub const fn code(&self) -> &'static str {
        Notice::CODES[self.priority()]
    }

    /// Its place in [`Notice::CODES`]: the least stands first.
    pub const fn priority(&self) -> usize {
        match self {
            Notice::SeriesFailed { .. } => 0,
            Notice::SeriesInterrupted { .. } => 1,
            Notice::LedgerUnbalanced { .. } => 2,
            Notice::MemoryUsedUp { .. } => 3,
            Notice::WindowNarrow { .. } => 4,
            Notice::Overload { .. } => 5,
            Notice::QueuesOverflowed { .. } => 6,
            Notice::DeparturesLate { .. } => 7,
            Notice::TtlBinds { .. } => 8,
            Notice::OverlayDisconnected { .. } => 9,
            Notice::OverlayNotSearched => 10,
            Notice::TargetBeyondTtl { .. } => 11,
            Notice::TargetTooLate { .. } => 12,
            Notice::TargetUnlikely { .. } => 13,
            Notice::EdgeListRead { .. } => 14,
            Notice::FaultUnmet { .. } => 15,
            Notice::LossUnmet { .. } => 16,
            Notice::DuplicateUnmet { .. } => 17,
            Notice::LatencyWithoutFloor => 18,
            Notice::NodeTrafficNotKept { .. } => 19,
            Notice::NodeTrafficCutShort { .. } => 20,
            Notice::TrainsApart => 21,
            Notice::ReceiveBufferNotSet { .. } => 22,
            Notice::ReceiveBufferGranted { .. } => 23,
            Notice::CoresShared { .. } => 24,
            Notice::WorkersNotPinned { .. } => 25,
            Notice::NodesFileWithoutTimes | Notice::NodesFileWithoutColumns { .. } | Notice::OrdersFileEmpty => 26,
        }
    }

    /// Whether its advice is to raise the TTL.
    pub const fn raises_ttl(&self) -> bool {
        match self {
            Notice::TargetBeyondTtl { advice, .. } | Notice::TargetUnlikely { advice, .. } => advice.raises_ttl,
            _ => false,
        }
    }

    /// Whether it says the same of another run: the same code, of the same option or file.
    pub fn is_same_kind(&self, other: &Notice) -> bool {
        match (self, other) {
            (Notice::FaultUnmet { option, .. }, Notice::FaultUnmet { option: others, .. }) => option == others,
            (Notice::EdgeListRead { sentence }, Notice::EdgeListRead { sentence: others }) => sentence == others,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}
