//! Which figures are pinned: in virtual time all, on real carriers those that came out the same each time, idle and
//! beside other work. Times, hops, turns and calls did not; who was first did not, and with it what hangs on it: with
//! `flood` who spared whom a copy, with `lazy` who was asked.

/// Which figures of a report are pinned.
#[derive(Clone, Copy)]
pub(crate) enum Pins {
    /// All but what the options came to.
    All,
    /// All.
    AllAndDefaults,
    /// Those with these paths, or below those of them that end in a slash.
    Some {
        /// Paths in the report, and columns of the files.
        paths: &'static [&'static [&'static str]],
        /// Columns of which it is pinned where they have something, and not what.
        shapes: &'static [&'static str],
    },
}

/// Of a run that ends at its target: what the options came to, and that it got there.
pub(crate) const DEFAULTS: Pins = Pins::Some { paths: &[SETTING, &["scenario/"]], shapes: &[] };

/// Of push, whose targets are drawn without a look at the sender.
pub(crate) const PUSH: Pins = Pins::Some { paths: &[SETTING, SUMS, SENT, RECEIVED], shapes: REACHED };

/// Of flood: who sent how much, and who took in how much in all.
pub(crate) const FLOOD: Pins = Pins::Some { paths: &[SETTING, SUMS, SENT], shapes: REACHED };

/// Of lazy push, without a retry: how much in all.
pub(crate) const LAZY: Pins = Pins::Some { paths: &[SETTING, SUMS], shapes: REACHED };

/// Where each node's first copy can come but one way.
pub(crate) const ONE_WAY: Pins = Pins::Some { paths: &[SETTING, SUMS, SENT, RECEIVED, WAYS], shapes: REACHED };

/// What was asked, and what that is on this seed.
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

/// Sums over all nodes, and who was reached.
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

/// Who sent how much.
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

/// Who took in how much.
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

/// From whom, and over how many hops.
const WAYS: &[&str] = &["hops", "ldh", "nodes-csv/hop", "nodes-csv/sender"];

/// A node that was reached has a time.
const REACHED: &[&str] = &["nodes-csv/time_ns"];
