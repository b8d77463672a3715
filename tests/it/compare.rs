//! Tests `bulkprop compare` as a user sees it: its figures against a naive count of the trace, its files, its exit
//! codes.

use crate::command::{bulkprop, json, output};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A row of a trace.
struct Traced {
    decided: u64,
    from: usize,
    to: usize,
    order: u64,
    kind: String,
    hop: u64,
    bytes: u64,
    fate: String,
}

/// Reads the trace of a command line.
fn traced(line: &str) -> Vec<Traced> {
    let (_, trace, stderr) = output(bulkprop(line.split_whitespace()).args(["--until", "quiescent", "--trace", "-"]));
    let rows = trace.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |place: usize| cells[place].parse::<u64>().unwrap();
        let node = |place: usize| number(place) as usize;
        let [kind, fate] = [5, 8].map(|place| cells[place].to_owned());
        let [order, hop, bytes] = [4, 6, 7].map(number);
        Traced { decided: number(1), from: node(2), to: node(3), order, kind, hop, bytes, fate }
    });
    let rows: Vec<Traced> = rows.collect();
    assert!(!rows.is_empty(), "{line}: {stderr}");
    rows
}

/// The least value that at least this share of the values do not exceed.
fn rank(mut values: Vec<u64>, percent: usize) -> f64 {
    values.sort_unstable();
    values[(values.len() * percent).div_ceil(100).max(1) - 1] as f64
}

/// The mean of the times at which this share of the nodes have an order, over orders; `None` if one never has.
fn mean_time(delays: &BTreeMap<u64, Vec<u64>>, nodes: usize, percent: usize) -> Option<f64> {
    let times: Option<Vec<f64>> = delays
        .values()
        .map(|delays| {
            let mut delays = delays.clone();
            delays.sort_unstable();
            delays.get((nodes * percent).div_ceil(100) - 1).map(|&time| time as f64)
        })
        .collect();
    times.map(|times| times.iter().sum::<f64>() / times.len() as f64)
}

/// Counts the figures of the orders from `first` on, in a run of `nodes` nodes, from nothing but its trace.
fn counted(rows: &[Traced], nodes: usize, dues: &[u64], first: u64, origin: usize) -> BTreeMap<String, Option<f64>> {
    let rows: Vec<&Traced> = rows.iter().filter(|row| row.order >= first).collect();
    let orders: Vec<u64> = (first..dues.len() as u64).collect();
    let count = orders.len() as f64;
    let per_node = |sum: f64| sum / nodes as f64 / count;
    let payload = || rows.iter().filter(|row| row.kind == "payload");
    let came = || payload().filter(|row| row.fate == "delivered");
    let arrived = || payload().filter(|row| ["delivered", "duplicate"].contains(&row.fate.as_str()));
    let mut delays: BTreeMap<u64, Vec<u64>> = orders.iter().map(|&order| (order, vec![0])).collect();
    let mut last_hops: BTreeMap<u64, u64> = orders.iter().map(|&order| (order, 0)).collect();
    let mut missed = vec![orders.len() as u64; nodes];
    missed[origin] = 0;
    for row in came() {
        delays.get_mut(&row.order).unwrap().push(row.decided - dues[row.order as usize]);
        let hop = last_hops.get_mut(&row.order).unwrap();
        *hop = (*hop).max(row.hop);
        missed[row.to] -= 1;
    }
    let mut received = vec![0; nodes];
    arrived().for_each(|row| received[row.to] += row.bytes);
    let sum = |rows: &mut dyn Iterator<Item = &&Traced>| rows.map(|row| row.bytes as f64).sum::<f64>();
    let all_delays: Vec<u64> = delays.values().flatten().copied().collect();
    let reached = all_delays.len() as f64 / nodes as f64 / count;
    let firsts = came().count() as f64;
    let mut figures: BTreeMap<String, Option<f64>> = [
        ("reached", reached),
        ("delay_p50", rank(all_delays.clone(), 50)),
        ("delay_p99", rank(all_delays, 99)),
        ("hops_mean", came().map(|row| row.hop as f64).sum::<f64>() / firsts),
        ("ldh", last_hops.values().sum::<u64>() as f64 / count),
        ("rmr", payload().count() as f64 / firsts - 1.0),
        ("control_messages", per_node(rows.iter().filter(|row| row.kind != "payload").count() as f64)),
        ("upkeep", 0.0),
        ("stranded_nodes", missed.iter().filter(|&&orders| orders > 0).count() as f64),
        ("stranded_worst", missed.iter().copied().max().unwrap() as f64),
        ("payload_bytes_p50", rank(received.clone(), 50) / count),
        ("payload_bytes_p99", rank(received, 99) / count),
        ("wasted_bytes", per_node(sum(&mut arrived().filter(|row| row.fate == "duplicate")))),
        ("control_bytes", per_node(sum(&mut rows.iter().filter(|row| row.kind != "payload")))),
        ("bytes", per_node(sum(&mut rows.iter()))),
        ("origin_upload", sum(&mut rows.iter().filter(|row| row.from == origin)) / count),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), Some(value)))
    .collect();
    for (key, percent) in [("time_to_50", 50), ("time_to_95", 95), ("time_to_99", 99), ("time_to_100", 100)] {
        figures.insert(key.to_owned(), mean_time(&delays, nodes, percent));
    }
    for kind in rows.iter().map(|row| row.kind.as_str()).filter(|kind| *kind != "payload").collect::<BTreeSet<_>>() {
        let sent = rows.iter().filter(|row| row.kind == kind).count() as f64;
        figures.insert(format!("control_messages.{kind}"), Some(per_node(sent)));
    }
    figures
}

/// Figures that are kept to three digits.
const ROUNDED: [&str; 2] = ["delay_p50", "delay_p99"];

#[test]
fn every_figure_is_what_a_naive_count_of_the_trace_gives() {
    for (protocol, more) in [
        ("push", "--loss 20% --fanout 5 --payload-bytes 100"),
        ("push", "--topology erdos-renyi --peers 9 --fanout 4 --origin 7"),
        ("flood", "--topology random-regular --peers 6 --loss 30%"),
        ("lazy", "--loss 15% --fanout 6 --payload-bytes 64"),
        ("lazy", "--loss 20% --announce-interval 30ms --retry 200ms"),
        ("push", "--loss 10% --fanout 6 --bandwidth up=2Mbit,down=4Mbit --payload-bytes 400"),
    ] {
        let shared =
            format!("--transport simulated --nodes 120 --seed 11 --orders 9 --rate 1/s --network aws33 {more}");
        let rows = traced(&format!("--protocol {protocol} {shared}"));
        let dues: Vec<u64> = (0..9).map(|order| order * 1_000_000_000).collect();
        let origin = if more.contains("--origin 7") { 7 } else { 0 };
        for warm in [0, 1, 3] {
            let line = format!("compare {protocol} {shared} --runs 1 --warm-orders {warm} --format json");
            let report = json(&line.split_whitespace().collect::<Vec<_>>().join(" "));
            let replicate = &report["rows"][0]["replicates"][0];
            assert_eq!(replicate["is_warm_exact"], true, "{line}");
            let mut expected = counted(&rows, 120, &dues, warm, origin);
            let known = replicate.as_object().unwrap();
            let others = ["seed", "receipts_due", "is_at_rest", "is_warm_exact", "halves"];
            for (key, value) in known.iter().filter(|(key, _)| !others.contains(&key.as_str())) {
                let expected = expected.remove(key).unwrap_or_else(|| panic!("{line}: {key}")).unwrap_or(-1.0);
                let tolerance = if ROUNDED.contains(&key.as_str()) { 2e-3 } else { 1e-9 };
                let found = value.as_f64().unwrap();
                assert!((found - expected).abs() <= tolerance * expected.abs(), "{line}: {key} {found} {expected}");
            }
            expected.retain(|_, value| value.is_some());
            assert!(expected.is_empty(), "{line}: {expected:?}");
        }
    }
}

const LINE: &str = "--nodes 200 --runs 6 --orders 6 --topology random-regular --peers 12";

/// Runs `compare` in a folder.
fn compared(folder: &Path, line: &str) -> (Option<i32>, String, String) {
    let words = ["compare"].into_iter().chain(line.split_whitespace());
    output(bulkprop(words.chain(LINE.split_whitespace())).current_dir(folder))
}

#[test]
fn a_table_and_a_sentence_are_printed() {
    let folder = TempDir::new().unwrap();
    let (code, stdout, stderr) = compared(folder.path(), "push lazy --fanout 8 --seed 4 --progress");
    assert_eq!(code, Some(0), "{stderr}");
    for part in
        ["Protocols side by side: 6 replicates, the first 2 orders left out", "difference", "From push to lazy "]
    {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    assert!(stdout.lines().all(|line| line.chars().count() <= 80), "{stdout}");
    let (_, csv, _) = compared(folder.path(), "push --seed 4 --format csv");
    assert!(csv.starts_with("row,spec,marks,figure,runs,mean,") && csv.contains("\npush,push,,rmr,6,"), "{csv}");
    let (_, markdown, _) = compared(folder.path(), "push lazy --seed 4 --format markdown");
    assert!(markdown.starts_with("| figure | push | lazy | difference |\n| --- |"), "{markdown}");
}

#[test]
fn rows_come_from_files_and_flags_override_them() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.toml"), "protocol = 'push'\nfanout = 5\nnodes = 900\n").unwrap();
    fs::write(folder.path().join("b.toml"), "protocol = 'push'\nfanout = 7\nname = 'seven'\n").unwrap();
    let (code, stdout, stderr) = compared(folder.path(), "--seed 4 --format json --config a.toml b.toml");
    assert_eq!(code, Some(0), "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&report["rows"][0]["name"], &report["rows"][1]["name"]), (&"a.toml".into(), &"seven".into()));
    assert_eq!((&report["scenario"]["nodes"], &report["scenario"]["runs"]), (&200.into(), &6.into()));
    assert!(report["rows"][1]["metrics"]["rmr"]["diff"]["percent"].as_f64().unwrap() > 40.0);
    assert_eq!(report["rows"][0]["replicates"].as_array().unwrap().len(), 6);
}

#[test]
fn two_builds_of_one_source_do_not_differ() {
    let folder = TempDir::new().unwrap();
    let binary = env!("CARGO_BIN_EXE_bulkprop");
    let (code, stdout, stderr) = compared(folder.path(), &format!("push --format json --binary {binary} {binary}"));
    assert_eq!(code, Some(0), "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["rows"][0]["replicates"], report["rows"][1]["replicates"]);
    assert_eq!(report["rows"][1]["metrics"]["bytes"]["diff"]["percent"], 0.0);
    let (code, _, stderr) = compared(folder.path(), "push --binary ./none ./none");
    assert!(code == Some(2) && stderr.contains("--binary \"./none\"") && stderr.contains("name a program"), "{stderr}");
}

#[test]
fn a_saved_result_guards_a_figure() {
    let folder = TempDir::new().unwrap();
    let (code, _, stderr) = compared(folder.path(), "push --seed 4 --save base.json");
    assert_eq!(code, Some(0), "{stderr}");
    let guarded = |more: &str| compared(folder.path(), &format!("push --baseline base.json {more}"));
    // The seeds are those of the file.
    let (code, stdout, _) = guarded("--fail-if delay_p99>5%");
    assert!(code == Some(0) && stdout.contains("delay_p99>5% of push: +0.00 % (+0.00 to +0.00 %), holds"), "{stdout}");
    let (code, stdout, _) = guarded("--fail-if delay_p99>5% --fail-if rmr>-1%");
    assert!(code == Some(1) && stdout.contains("rmr>-1% of push") && stdout.contains("FAILS"), "{stdout}");
    let saved = fs::read_to_string(folder.path().join("base.json")).unwrap();
    let mut report: Value = serde_json::from_str(&saved).unwrap();
    for (place, replicate) in (0..).zip(report["rows"][0]["replicates"].as_array_mut().unwrap()) {
        let factor = if place % 2 == 0 { 0.9 } else { 1.1 };
        replicate["delay_p99"] = (replicate["delay_p99"].as_f64().unwrap() * factor).into();
    }
    fs::write(folder.path().join("base.json"), report.to_string()).unwrap();
    for (strict, expected) in [("", Some(0)), (" --strict", Some(1))] {
        let (code, stdout, _) = guarded(&format!("--fail-if delay_p99>1%{strict}"));
        assert!(code == expected && stdout.contains("undecided"), "{stdout}");
    }
    for (more, parts) in [
        ("--fail-if delay_p99>5% --loss 1%", ["another scenario", "`loss`"]),
        ("--fail-if delay_p99>5% --warm-orders 1", ["another scenario", "`warm-orders`"]),
        ("--fail-if speed>5%", ["speed: no figure has this key", "delay_p99"]),
        ("--fail-if delay", ["--fail-if", "delay_p99>5%"]),
    ] {
        let (code, _, stderr) = guarded(more);
        assert!(code == Some(2) && parts.iter().all(|part| stderr.contains(part)), "{more}: {stderr}");
    }
}

#[test]
fn a_comparison_that_cannot_be_made_says_why() {
    let folder = TempDir::new().unwrap();
    for (line, parts) in [
        ("", ["name the protocols", "compare push lazy"]),
        ("--protocol push", ["--protocol", "without it"]),
        ("shout", ["shout", "push"]),
        ("push flood --fanout 3", ["--fanout", "flood"]),
        ("push --warm-orders 6", ["--warm-orders 6 of --orders 6", "fewer"]),
        ("push --warm-orders x", ["--warm-orders", "0 to 999999"]),
        ("push --baseline none.json --fail-if rmr>1%", ["none.json", "--save"]),
        ("push --save .", ["--save", "."]),
    ] {
        let (code, _, stderr) = compared(folder.path(), line);
        assert!(code == Some(2) && parts.iter().all(|part| stderr.contains(part)), "{line}: {stderr}");
    }
}
