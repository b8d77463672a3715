//! Times as the binary reports them: a share is reached when it is first held, whatever ends the run.

use crate::command::{bulkprop, output};
use serde_json::Value;

fn report(line: &str) -> Value {
    let words = format!("{line} --format json");
    let (_, stdout, stderr) = output(&mut bulkprop(words.split_whitespace()));
    serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{line}: {stdout}{stderr}"))
}

/// At 1,046.25 ms came the receipt that made 75 % of those who were up at the publication and at the end. 141 of the 190 nodes that were
/// up had the order then, and 144 of 191, the first 75 %, at 1,084.18 ms.
#[test]
fn a_share_counts_those_who_are_up_at_its_instant() {
    let line = "--transport simulated --nodes 200 --seed 18 --topology erdos-renyi --ttl 20 --network aws33 --target 0.75 \
                --churn up=2s,down=100ms --fanout 2 --timeout 20s";
    let stopped = report(line);
    assert_eq!(stopped["outcome"], "target");
    assert_eq!(stopped["time_to_target_ns"], stopped["at_stop"]["time_ns"]);
    assert_eq!(stopped["time_to_target_ns"].as_u64().map(|time| time / 10_000), Some(108_418));
    assert!(stopped["coverage"].as_f64().unwrap() >= 0.75, "{stopped:#}");
}

#[test]
fn one_value_whatever_ends_the_run() {
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

/// A histogram keeps three digits; the greatest of all delays is a time of some order, and is kept as it was.
#[test]
fn the_extremes_of_a_bulk_are_exact() {
    let line = "--transport simulated --nodes 300 --orders 40 --rate 100/s --seed 3 --latency lognormal:p50=40ms,p90=400ms --ttl 30 \
                --until quiescent --timeout 0";
    let of = report(line);
    assert_eq!(of["delay_ns"]["max"], of["bulk"]["time_to_end_ns"]["max"]);
    assert_eq!(of["delay_bins"][9]["to_ns"], of["delay_ns"]["max"]);
    // Two hours are two hours.
    let long =
        "--transport simulated --nodes 2 --peers 1 --orders 2 --rate 1/s --latency 7200s --until quiescent --timeout 0";
    let of = report(long);
    for (figure, expected) in [("max", 7_200_000_000_000u64), ("mean", 3_600_000_000_000), ("p99", 7_200_000_000_000)] {
        assert_eq!(of["delay_ns"][figure], expected, "{of:#}");
    }
}
