//! Tests times as the binary reports them: a share is reached when it is first held, whatever ends the run.

use crate::command::{bulkprop, output};
use crate::support::real_carriers;
use bulk_order_propagation::scenario::Choice;
use serde_json::Value;
use tempfile::TempDir;

fn report(line: &str) -> Value {
    let words = format!("{line} --format json");
    let (_, stdout, stderr) = output(&mut bulkprop(words.split_whitespace()));
    serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{line}: {stdout}{stderr}"))
}

/// At 1,046.25 ms came the receipt that made 75 % of the nodes that were up at the publication and at the end. 141 of
/// the 190 nodes that were up had the order then, and 144 of 191, the first 75 %, at 1,084.18 ms.
#[test]
fn a_share_counts_the_nodes_up_at_its_instant() {
    let line = "--transport simulated --nodes 200 --seed 18 --topology erdos-renyi --ttl 20 --network aws33 --target 0.75 \
                --churn up=2s,down=100ms --fanout 2 --timeout 20s";
    let stopped = report(line);
    assert_eq!(stopped["outcome"], "target");
    assert_eq!(stopped["time_to_target_ns"], stopped["at_stop"]["time_ns"]);
    assert_eq!(stopped["time_to_target_ns"].as_u64().map(|time| time / 10_000), Some(108_418));
    assert!(stopped["coverage"].as_f64().unwrap() >= 0.75, "{stopped:#}");
}

#[test]
fn the_time_to_the_target_does_not_depend_on_the_end() {
    for (seed, faults) in (0..12).flat_map(|seed| {
        ["--churn up=2s,down=100ms", "--churn up=300ms,down=200ms", "--down 30%,at=200ms"].map(|faults| (seed, faults))
    }) {
        let ended = |until: &str| {
            let line = format!(
                "--transport simulated --nodes 100 --seed {seed} --topology erdos-renyi --ttl 20 --network aws33 --target 0.6 \
                 --fanout 3 --timeout 20s {faults} --until {until}"
            );
            report(&line)
        };
        let (stopped, whole) = (ended("target"), ended("quiescent"));
        assert_eq!(stopped["time_to_target_ns"], whole["time_to_target_ns"], "{seed} {faults}");
        assert_eq!(stopped["time_to_ns"]["50"], whole["time_to_ns"]["50"], "{seed} {faults}");
    }
}

/// A histogram keeps three digits; the greatest of all delays is a time of some order, and is kept exactly.
#[test]
fn the_extremes_of_a_bulk_are_exact() {
    let line = "--transport simulated --nodes 300 --orders 40 --rate 100/s --seed 3 --latency lognormal:p50=40ms,p90=400ms --ttl 30 \
                --until quiescent --timeout 0";
    let of = report(line);
    assert_eq!(of["delay_ns"]["max"], of["bulk"]["time_to_end_ns"]["max"]);
    assert_eq!(of["delay_bins"][9]["to_ns"], of["delay_ns"]["max"]);
    // Two hours are reported as two hours.
    let long =
        "--transport simulated --nodes 2 --peers 1 --orders 2 --rate 1/s --latency 7200s --until quiescent --timeout 0";
    let of = report(long);
    for (figure, expected) in [("max", 7_200_000_000_000u64), ("mean", 3_600_000_000_000), ("p99", 7_200_000_000_000)] {
        assert_eq!(of["delay_ns"][figure], expected, "{of:#}");
    }
}

#[test]
fn the_time_of_the_model_and_that_of_the_machine_stand_apart() {
    let of = report("--transport simulated --nodes 100 --seed 1 --until quiescent");
    assert_eq!((&of["virtual_ns"], &of["clock"]), (&of["at_stop"]["time_ns"], &Value::from("virtual")));
    assert!(of["machine"]["wall_ns"].as_u64() > Some(0) && of["wall_ns"].is_null(), "{of:#}");
    let of = report("--transport memory --nodes 100 --seed 1 --until quiescent");
    assert_eq!((&of["virtual_ns"], &of["at_stop"]["time_ns"]), (&Value::Null, &of["machine"]["wall_ns"]));
    for (carrier, said, other) in [("simulated", "virtual time", "wall time"), ("memory", "wall time", "Machine time")]
    {
        let line = format!("--transport {carrier} --nodes 100 --seed 1 --full");
        let (_, text, _) = output(&mut bulkprop(line.split(' ')));
        assert!(text.contains(said) && !text.contains(other), "{text}");
    }
}

#[test]
fn late_departures_of_held_messages_are_reported() {
    for carrier in real_carriers().map(Choice::name) {
        let line = format!("--transport {carrier} --nodes 100 --threads 1 --seed 1 --until quiescent");
        assert!(report(&line)["departure_late_ns"].is_null(), "{line}");
        let of = report(&format!("{line} --latency uniform:1ms..2ms"));
        let late = &of["departure_late_ns"];
        assert_eq!(late["messages"], of["ledger"]["sent"], "{of:#}");
        let [p50, p99, max] = ["p50", "p99", "max"].map(|figure| late[figure].as_u64().unwrap());
        assert!(p50 <= p99 && p99 <= max, "{late}");
        // A latency of some nanoseconds is always less than a tenth of a loop's delay.
        let of = report(&format!("{line} --latency 1ns"));
        let notices = of["notices"].to_string();
        assert!(notices.contains("Messages left the modelled network late: one in a hundred by"), "{of:#}");
    }
    assert!(report("--transport simulated --nodes 100 --latency 1ms")["departure_late_ns"].is_null());
}

#[test]
fn columns_that_a_file_cannot_have_are_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("figures.csv");
    for (line, option, said) in [
        ("--orders 3", "nodes", Some("The file of nodes leaves time_ns, hop and sender empty")),
        ("--orders 3", "orders", None),
        ("--nodes 30", "nodes", None),
        ("--nodes 30", "orders", Some("The file of orders has its header alone")),
    ] {
        for carrier in ["memory", "simulated"] {
            let words = format!("--transport {carrier} --seed 1 --threads 1 {line} --format json --{option}-csv");
            let (_, stdout, stderr) = output(bulkprop(words.split(' ')).arg(&path));
            let of: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{words}: {stdout}{stderr}"));
            let notices = of["notices"].to_string();
            assert_eq!(notices.contains("The file of"), said.is_some(), "{words}: {notices}");
            assert!(said.is_none_or(|said| notices.contains(said)), "{words}: {notices}");
        }
    }
}
