//! Tests `--trace`: its file, what is said before the run, and what it refuses. That it sums to the ledger is tested by
//! the swarm (`tests/swarm/trace.rs`).

use crate::command::{bulkprop, output};
use crate::support::real_carriers;
use bulk_order_propagation::scenario::Choice;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const SIMULATED: &str = "--transport simulated --nodes 300 --threads 2 --seed 7";

/// The binary with this command line, started in a folder.
fn in_folder(folder: &Path, line: &str) -> Command {
    let mut command = bulkprop(line.split_whitespace());
    command.current_dir(folder);
    command
}

/// The files of a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The number of lines by fate.
fn fates(trace: &str) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for line in trace.lines().skip(1) {
        *counts.entry(line.split(',').nth(8).unwrap()).or_default() += 1;
    }
    counts
}

#[test]
fn a_trace_is_announced_and_written_beside_the_report() {
    let folder = TempDir::new().unwrap();
    let (code, stdout, stderr) =
        output(&mut in_folder(folder.path(), &format!("{SIMULATED} --quiet --fanout 5 --loss 10% --trace t.csv")));
    assert_eq!((code, stdout.lines().count()), (Some(0), 1), "{stdout}{stderr}");
    // 300 nodes send 5 messages each at most.
    assert!(stderr.starts_with("--trace: about 1,500 lines, ") && stderr.contains(" more on disk until "), "{stderr}");
    assert_eq!(names(folder.path()), ["t.csv"]);
    let trace = fs::read_to_string(folder.path().join("t.csv")).unwrap();
    assert!(trace.starts_with("sent_ns,decided_ns,from,to,order,kind,hop,bytes,fate,sequence\n"), "{trace}");
    let fates = fates(&trace);
    assert!(["delivered", "duplicate", "lost", "under_way"].iter().all(|fate| fates[fate] > 0), "{fates:?}");
    // On standard output it stands in place of the text.
    let line = format!("{SIMULATED} --fanout 5 --loss 10% --trace -");
    let (code, stdout, stderr) = output(&mut in_folder(folder.path(), &line));
    assert_eq!((code, stdout), (Some(0), trace), "{stderr}");
    assert_eq!(names(folder.path()), ["t.csv"]);
}

#[test]
fn the_times_of_an_uplink_are_those_of_the_last_bit() {
    // 8 messages of 1,250 bytes in all over 10 Mbit/s leave a millisecond after each other.
    let line = "--transport simulated --topology star --nodes 9 --fanout 8 --ttl 1 --threads 1 --seed 7 --origin 0 \
                --until quiescent --latency 5ms --bandwidth up=10Mbit --payload-bytes 1000 --trace -";
    let (_, trace, stderr) = output(&mut bulkprop(line.split_whitespace()));
    let rows: Vec<Vec<&str>> = trace.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 8, "{trace}{stderr}");
    // 28 bytes of UDP and IPv4 for each.
    let each = (rows[0][7].parse::<u64>().unwrap() + 28) * 800;
    for (place, row) in (1..).zip(&rows) {
        let [sent, decided] = [0, 1].map(|column| row[column].parse::<u64>().unwrap());
        assert_eq!((sent, decided - sent, row[2]), (place * each, 5_000_000, "0"), "{trace}");
    }
}

#[test]
fn of_many_runs_the_first_is_traced() {
    let folder = TempDir::new().unwrap();
    let traced = |more: &str, name: &str| {
        let line = format!("{SIMULATED} --quiet {more} --trace {name}");
        let (code, _, stderr) = output(&mut in_folder(folder.path(), &line));
        assert_eq!(code, Some(0), "{stderr}");
        fs::read_to_string(folder.path().join(name)).unwrap()
    };
    let alone = traced("", "alone.csv");
    assert_eq!(alone, traced("--runs 3", "many.csv"));
    assert_eq!(alone, traced("--runs 2 --same-seed", "same.csv"));
}

#[test]
fn a_target_that_moves_is_traced_up_to_its_instant() {
    let line = format!("{SIMULATED} --churn up=2s,down=100ms --trace -");
    let (_, trace, stderr) = output(&mut bulkprop(line.split_whitespace()));
    let fates = fates(&trace);
    assert!(fates["under_way"] > 0 && fates["delivered"] > 200, "{fates:?} {stderr}");
    let last = trace.lines().last().unwrap();
    let ended = last.split(',').nth(1).unwrap();
    let under_way = trace.lines().filter(|line| line.contains(",under_way,"));
    assert!(under_way.clone().all(|line| line.split(',').nth(1) == Some(ended)), "{trace}");
}

#[test]
fn what_cannot_be_traced_is_refused() {
    let folder = TempDir::new().unwrap();
    for (line, parts) in [
        (format!("{SIMULATED} --engine fast --trace t.csv"), ["--engine fast", "--trace"]),
        (format!("{SIMULATED} --engine hops --trace t.csv"), ["--engine", "ask for --engine general"]),
        (format!("{SIMULATED} --trace t.csv --nodes-csv t.csv"), ["--trace \"t.csv\"", "the output of --nodes-csv"]),
        (format!("{SIMULATED} --trace no/t.csv"), ["--trace \"no/t.csv\"", "No such file"]),
        (format!("{SIMULATED} --trace - --json -"), ["--trace -", "--json -"]),
        ("--transport memory --nodes 300 --trace -".to_owned(), ["--trace \"-\"", "is two files"]),
        ("--transport memory --nodes 300 --trace /dev/null".to_owned(), ["--trace \"/dev/null\"", "name a file"]),
        (
            "--transport memory --nodes 300 --trace t --json t.sends.csv".to_owned(),
            ["t.sends.csv", "the output of --trace"],
        ),
    ] {
        let (code, stdout, stderr) = output(&mut in_folder(folder.path(), &line));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{line}: {stderr}");
        assert!(parts.iter().all(|part| stderr.contains(part)), "{line}: {stderr}");
        assert_eq!(names(folder.path()), Vec::<String>::new(), "{line}");
    }
}

/// Lines of a file, without its header.
fn lines(folder: &Path, name: &str) -> Vec<String> {
    fs::read_to_string(folder.join(name)).unwrap().lines().skip(1).map(str::to_owned).collect()
}

/// Runs a line on a real carrier, and checks its two files against the ledger of the same run.
fn check_sides(line: &str) {
    let folder = TempDir::new().unwrap();
    let (code, stdout, stderr) = output(&mut in_folder(folder.path(), &format!("{line} --format json --trace t.csv")));
    let report: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{line}: {stdout}{stderr}"));
    assert!(code.is_some() && stderr.starts_with("--trace: about "), "{line}: {stderr}");
    assert_eq!(names(folder.path()), ["t.receipts.csv", "t.sends.csv"]);
    let [sends, receipts] = ["t.sends.csv", "t.receipts.csv"].map(|name| lines(folder.path(), name));
    let taken_back = sends.iter().filter(|line| line.ends_with(",taken_back")).count();
    let ledger = |name: &str| report["ledger"][name].as_u64().unwrap() as usize;
    let found = [sends.len() - 2 * taken_back, receipts.len()];
    assert_eq!(found, [ledger("sent"), ledger("received")], "{line}: {:#}", report["ledger"]);
    let firsts = receipts.iter().filter(|line| line.contains(",payload,") && line.ends_with(",delivered")).count();
    let reached: u64 =
        report["workers"].as_array().unwrap().iter().map(|worker| worker["reached"].as_u64().unwrap()).sum();
    let published = report["bulk"]["orders"].as_u64().unwrap_or(1);
    assert_eq!(firsts as u64, reached - published, "{line}");
    // No message is received before it was sent.
    let time = |line: &str| line.split(',').next().unwrap().parse::<i64>().unwrap();
    let key = |line: &str| line.split(',').skip(1).take(5).collect::<Vec<_>>().join(",");
    let mut sent = BTreeMap::new();
    for line in sends.iter().rev() {
        sent.insert(key(line), time(line));
    }
    for line in &receipts {
        assert!(sent[&key(line)] <= time(line) && time(line) >= 0, "{line}");
    }
}

#[test]
fn on_a_real_carrier_sends_and_receipts_are_those_of_the_ledger() {
    for carrier in real_carriers().map(Choice::name) {
        for more in [
            "--until quiescent",
            "--protocol lazy",
            "--orders 20 --rate 2000/s --ttl 8",
            "--latency uniform:1ms..20ms --loss 10% --duplicate 10%",
        ] {
            check_sides(&format!("--transport {carrier} --nodes 200 --threads 2 --seed 7 {more}"));
        }
    }
}

#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn several_processes_write_one_trace() {
    for carrier in crate::support::carriers_across_processes().map(Choice::name) {
        for more in ["--until quiescent", "--orders 20 --rate 2000/s --ttl 8 --latency uniform:1ms..20ms"] {
            check_sides(&format!("--transport {carrier} --nodes 200 --processes 2 --threads 2 --seed 7 {more}"));
        }
    }
}

/// Kinds have the names of reports, those of a membership protocol too.
#[test]
fn kinds_of_messages_have_the_names_that_the_protocol_gives_them() {
    let line = "--transport simulated --protocol plumtree@hyparview,settle-time=9s --nodes 40 --threads 1 --seed 7 \
                --orders 3 --rate 1/s --until quiescent --trace -";
    let (code, trace, stderr) = output(&mut bulkprop(line.split_whitespace()));
    let named: BTreeSet<&str> = trace.lines().skip(1).map(|line| line.split(',').nth(5).unwrap()).collect();
    for name in ["payload", "ihave", "prune", "join", "forward-join", "shuffle", "shuffle-reply"] {
        assert!(named.contains(name), "{name}: {named:?} {code:?} {stderr}");
    }
    assert!(named.iter().all(|name| name.parse::<u8>().is_err()), "{named:?}");
}

/// A limit on the size of files stands for a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_run_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let line = format!("trap '' XFSZ; ulimit -f 32; exec \"$0\" {SIMULATED} --trace t.csv");
    let mut shell = Command::new("sh");
    shell.args(["-c", &line, env!("CARGO_BIN_EXE_bulkprop")]).current_dir(folder.path());
    let (code, stdout, stderr) = output(&mut shell);
    assert_eq!((code, stdout.as_str()), (Some(3), ""), "{stderr}");
    assert!(stderr.contains("error: --trace \"t.csv\": File too large"), "{stderr}");
    assert_eq!(names(folder.path()), Vec::<String>::new());
    // The same on a carrier, in one process and in several.
    for more in ["--transport memory", "--transport udp-shard --processes 2 --threads 1"] {
        let line = format!("trap '' XFSZ; ulimit -f 32; exec \"$0\" --nodes 300 --seed 7 {more} --trace t.csv");
        let mut shell = Command::new("sh");
        shell.args(["-c", &line, env!("CARGO_BIN_EXE_bulkprop")]).current_dir(folder.path());
        let (code, stdout, stderr) = output(&mut shell);
        assert_eq!((code, stdout.as_str()), (Some(3), ""), "{more}: {stderr}");
        assert!(stderr.contains("--trace \"t.csv\": File too large"), "{more}: {stderr}");
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
    // A device that takes nothing.
    let (code, _, stderr) = output(&mut in_folder(folder.path(), &format!("{SIMULATED} --trace /dev/full")));
    assert!(code == Some(3) && stderr.contains("error: --trace \"/dev/full\": No space left"), "{stderr}");
}
