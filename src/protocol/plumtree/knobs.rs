//! The knobs of Plumtree, with the names of iroh-gossip and of Corrosion's plum-foca, and three sets of their values.

use crate::protocol::knobs::{flag, knob, span, whole};
use crate::protocol::{BadKnob, Knob, Knobs, Preset};
use crate::time::Nanos;

/// The knobs of Plumtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlumtreeKnobs {
    /// Time for which a node waits for an announced order before the first GRAFT.
    pub graft_timeout_1: Nanos,
    /// Time after a GRAFT before the next one.
    pub graft_timeout_2: Nanos,
    /// Time for which a node gathers announcements; 0 for none.
    pub dispatch_timeout: Nanos,
    /// Hops by which an announcer must be nearer to the origin for the tree to move; `None` for never.
    pub optimization_threshold: Option<u8>,
    /// True if the order's sender is pruned when the tree moves.
    pub optimization_prune: bool,
    /// True if the sender of a new order becomes eager.
    pub promote_sender: bool,
    /// Duplicates of one order for which a node prunes nobody.
    pub prune_threshold: u8,
    /// Time between two PRUNEs to one peer.
    pub prune_throttle: Nanos,
    /// Time after a GRAFT for which its receiver is not pruned.
    pub graft_protection: Nanos,
    /// Peers that are eager at first.
    pub num_eager: EagerLinks,
    /// Time for which a node can send an order on a GRAFT; `None` for as long as the order is within its window.
    pub message_cache_retention: Option<Nanos>,
    /// Orders that a node can send on a GRAFT; `None` for all within its window.
    pub max_cached_payloads: Option<u32>,
}

/// The peers that are eager at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EagerLinks {
    /// All.
    All,
    /// `round(3 log10 N)` in a network of N nodes, at least 3.
    Auto,
    /// This many.
    Count(u32),
}

/// The paper's rules. It leaves its timers open: timer 1 is to be longer than the network is wide, timer 2 about a
/// round trip. These suit latencies of up to 100 ms.
const PAPER: PlumtreeKnobs = PlumtreeKnobs {
    graft_timeout_1: Nanos::from_secs(1),
    graft_timeout_2: Nanos::from_millis(200),
    dispatch_timeout: Nanos::ZERO,
    optimization_threshold: Some(7),
    optimization_prune: true,
    promote_sender: true,
    prune_threshold: 0,
    prune_throttle: Nanos::ZERO,
    graft_protection: Nanos::ZERO,
    num_eager: EagerLinks::All,
    message_cache_retention: None,
    max_cached_payloads: None,
};

/// The defaults of iroh-gossip. Its threshold of 7 compares the announced round with that of the next hop, which is one
/// more than the paper's: 6 here.
const IROH: PlumtreeKnobs = PlumtreeKnobs {
    graft_timeout_1: Nanos::from_millis(80),
    graft_timeout_2: Nanos::from_millis(40),
    dispatch_timeout: Nanos::from_millis(5),
    optimization_threshold: Some(6),
    promote_sender: false,
    message_cache_retention: Some(Nanos::from_secs(30)),
    ..PAPER
};

/// The values with which Corrosion's agent runs plum-foca.
const MULTI: PlumtreeKnobs = PlumtreeKnobs {
    graft_timeout_1: Nanos::from_millis(150),
    graft_timeout_2: Nanos::from_millis(75),
    dispatch_timeout: Nanos::from_millis(150),
    optimization_threshold: None,
    optimization_prune: false,
    promote_sender: false,
    prune_threshold: 5,
    prune_throttle: Nanos::from_secs(1),
    graft_protection: Nanos::from_secs(180),
    num_eager: EagerLinks::Auto,
    message_cache_retention: None,
    max_cached_payloads: Some(8_192),
};

impl Default for PlumtreeKnobs {
    fn default() -> PlumtreeKnobs {
        PAPER
    }
}

impl Knobs for PlumtreeKnobs {
    const PRESETS: &'static [Preset<PlumtreeKnobs>] = &[
        Preset {
            name: "paper",
            source: "Leitao, Pereira, Rodrigues: Epidemic Broadcast Trees, SRDS 2007 (timers are left open there)",
            values: || PAPER,
        },
        Preset { name: "iroh", source: "iroh-gossip 0.101, src/proto/plumtree.rs", values: || IROH },
        Preset {
            name: "multi",
            source: "Corrosion at 0d0dd7a6, crates/plum-foca and corro-agent/src/plumtree",
            values: || MULTI,
        },
    ];

    const KNOBS: &'static [Knob<PlumtreeKnobs>] = &[
        knob!(
            "graft-timeout-1",
            graft_timeout_1,
            "time for which a node waits for an announced order before its first GRAFT",
            timer
        ),
        knob!(
            "graft-timeout-2",
            graft_timeout_2,
            "time after a GRAFT before the next announcer gets one, about a round trip",
            timer
        ),
        knob!(
            "dispatch-timeout",
            dispatch_timeout,
            "time for which a node gathers announcements, 0 to announce each order at once",
            time
        ),
        Knob {
            name: "optimization-threshold",
            help: "hops by which an announcer must be nearer to the origin for the tree to move, or none",
            read: |knobs, text| {
                let hops = or_none(text, |text| whole(text, 1..=255, "a threshold is 1 to 255 hops, or none"));
                hops.map(|hops| knobs.optimization_threshold = hops)
            },
            show: |knobs| shown_or_none(knobs.optimization_threshold, |hops| hops.to_string()),
        },
        knob!(
            "optimization-prune",
            optimization_prune,
            "true if the sender of the order is pruned when the tree moves",
            flag
        ),
        knob!("promote-sender", promote_sender, "true if the sender of a new order becomes eager", flag),
        knob!("prune-threshold", prune_threshold, "duplicates of one order for which a node prunes nobody", |text| {
            whole(text, 0..=254, "a node takes 0 to 254 duplicates of an order without a PRUNE")
        }),
        knob!("prune-throttle", prune_throttle, "time between two PRUNEs to one peer, 0 for no limit", time),
        knob!(
            "graft-protection",
            graft_protection,
            "time after a GRAFT for which its receiver is not pruned, 0 for none",
            time
        ),
        Knob {
            name: "num-eager",
            help: "peers that are eager at first: all, a number, or auto for 3 log10 N",
            read: |knobs, text| eager_links(text).map(|links| knobs.num_eager = links),
            show: |knobs| match knobs.num_eager {
                EagerLinks::All => "all".to_owned(),
                EagerLinks::Auto => "auto".to_owned(),
                EagerLinks::Count(count) => count.to_string(),
            },
        },
        Knob {
            name: "message-cache-retention",
            help: "time for which a node can send an order on a GRAFT, or none for no limit",
            read: |knobs, text| or_none(text, timer).map(|time| knobs.message_cache_retention = time),
            show: |knobs| shown_or_none(knobs.message_cache_retention, Nanos::written),
        },
        Knob {
            name: "max-cached-payloads",
            help: "orders that a node can send on a GRAFT, or none for no limit",
            read: |knobs, text| {
                let most = u64::from(u32::MAX);
                let count = or_none(text, |text| whole(text, 1..=most, "a cache has 1 to 4294967295 orders, or none"));
                count.map(|count| knobs.max_cached_payloads = count)
            },
            show: |knobs| shown_or_none(knobs.max_cached_payloads, |count| count.to_string()),
        },
    ];
}

/// Reads a timer, which takes time.
fn timer(text: &str) -> Result<Nanos, BadKnob> {
    span(text, Nanos(1)..=LONGEST, "a timer is above 0 and at most 24h; write 80ms or 2s")
}

fn time(text: &str) -> Result<Nanos, BadKnob> {
    span(text, Nanos::ZERO..=LONGEST, "a time is at most 24h; write 5ms, 2s or 0")
}

const LONGEST: Nanos = Nanos::from_secs(24 * 3_600);

fn eager_links(text: &str) -> Result<EagerLinks, BadKnob> {
    match text {
        "all" => Ok(EagerLinks::All),
        "auto" => Ok(EagerLinks::Auto),
        text => whole(text, 1..=u64::from(u32::MAX), "at first all, auto or a number from 1 on of peers are eager")
            .map(EagerLinks::Count),
    }
}

/// Reads `none`, or a value.
fn or_none<T>(text: &str, read: impl Fn(&str) -> Result<T, BadKnob>) -> Result<Option<T>, BadKnob> {
    if text == "none" { Ok(None) } else { read(text).map(Some) }
}

fn shown_or_none<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "none".to_owned(), show)
}
