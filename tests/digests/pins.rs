//! The figures that are pinned: in virtual time all, on real carriers those that were the same each time, idle and
//! beside other work. Times, hops, loop turns and calls were not; nor were the senders of first copies, and the figures
//! that depend on them: with `flood` the copies not sent back to a sender, with `lazy` the peers asked.

/// The selection of figures of a report that are pinned.
#[derive(Clone, Copy)]
pub(crate) enum Pins {
    /// All but the resolved options.
    All,
    /// All.
    AllAndDefaults,
    /// Those with these paths, or below those of them that end in a slash.
    Some {
        /// Paths in the report, and columns of the files.
        paths: &'static [&'static [&'static str]],
        /// Columns of which only the presence of a value is pinned.
        shapes: &'static [&'static str],
    },
}

/// For a run that ends at its target: the resolved options, and that it reached the target.
pub(crate) const DEFAULTS: Pins = Pins::Some { paths: &[SETTING, &["scenario/"]], shapes: &[] };

/// For push, whose targets do not depend on the sender.
pub(crate) const PUSH: Pins = Pins::Some { paths: &[SETTING, SUMS, SENT, RECEIVED], shapes: REACHED };

/// For flood: the messages that each node sent, and the sum of those received.
pub(crate) const FLOOD: Pins = Pins::Some { paths: &[SETTING, SUMS, SENT], shapes: REACHED };

/// For lazy push, without a retry: sums only.
pub(crate) const LAZY: Pins = Pins::Some { paths: &[SETTING, SUMS], shapes: REACHED };

/// For overlays in which each node's first copy has only one possible path.
pub(crate) const ONE_WAY: Pins = Pins::Some { paths: &[SETTING, SUMS, SENT, RECEIVED, PATHS], shapes: REACHED };

/// The requested options, and what they resolve to for this seed.
const SETTING: &[&str] = &[
    "exit",
    "schema",
    "seed",
    "transport",
    "clock",
    "nodes",
    "ttl",
    "datagram_bytes",
    "target/",
    "overlay/",
    "outcome",
    "order_outcome",
    "goal_met",
    "nodes-csv/node",
    "nodes-csv/shard",
    "nodes-csv/degree",
    "orders-csv/order",
    "orders-csv/origin",
    "orders-csv/due_ns",
    "orders-csv/payload_bytes",
    "bulk/orders",
    "bulk/window",
    "bulk/schedule_ns",
    "workers/*/nodes",
    "processes/*/nodes",
    "processes/*/workers",
    "groups/*/kind",
    "groups/*/name",
    "groups/*/nodes",
    "runs/asked",
    "runs/count",
    "runs/same_seed",
    "runs/goal_met/",
    "runs/died_out/",
    "died_out",
    "run",
];

/// Sums over all nodes, and the nodes reached.
const SUMS: &[&str] = &[
    "at_stop/reached",
    "at_stop/coverage",
    "at_stop/in_flight",
    "at_stop/queued_unsent",
    "counted",
    "reached",
    "residue",
    "coverage",
    "coverage_of_all",
    "messages",
    "control_messages",
    "control_bytes",
    "bytes",
    "spared",
    "rmr",
    "duplicates",
    "duplicates_per_node/mean",
    "bytes_per_node/in/mean",
    "bytes_per_node/out/mean",
    "expired",
    "expired_behind_max",
    "expired_first",
    "ledger/sent",
    "ledger/received",
    "ledger/explained_receipts",
    "ledger/in_flight_at_stop",
    "ledger/queued_unsent",
    "ledger/held",
    "ledger/lost",
    "ledger/model_lost",
    "ledger/model_dropped",
    "ledger/model_duplicated",
    "ledger/uplink_dropped",
    "ledger/unaccounted",
    "ledger/balanced",
    "workers/*/reached",
    "workers/*/published",
    "processes/*/reached",
    "groups/*/counted",
    "groups/*/reached",
    "groups/*/coverage",
    "groups/*/residue",
    "bulk/reached",
    "bulk/died_out",
    "bulk/missed",
    "bulk/not_published",
    "bulk/under_way",
    "bulk/residue_per_order/",
    "orders-csv/outcome",
    "orders-csv/reached",
    "orders-csv/sent",
    "orders-csv/received",
    "runs/lost",
    "runs/unbalanced",
];

/// Messages that each node sent.
const SENT: &[&str] = &[
    "bytes_per_node/out/",
    "workers/*/sent",
    "workers/*/model_lost",
    "workers/*/model_duplicated",
    "processes/*/sent",
    "nodes-csv/sent",
    "nodes-csv/bytes_out",
    "groups/*/bytes_out",
];

/// Messages that each node received.
const RECEIVED: &[&str] = &[
    "duplicates_per_node/",
    "bytes_per_node/in/",
    "workers/*/received",
    "workers/*/duplicates",
    "processes/*/received",
    "nodes-csv/copies",
    "nodes-csv/bytes_in",
    "groups/*/bytes_in",
];

/// Senders and hops of first copies.
const PATHS: &[&str] = &["hops", "ldh", "nodes-csv/hop", "nodes-csv/sender"];

/// The column that has a value for exactly the nodes that were reached.
const REACHED: &[&str] = &["nodes-csv/time_ns"];
