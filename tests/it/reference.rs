//! Compares push in virtual time with a second implementation, `tests/reference/push.py`, which was written from
//! `docs/DETERMINISM.md` alone: the same first receipts, node for node.

use crate::command::{bulkprop, output};
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// The columns that both write, by name.
const COLUMNS: [&str; 4] = ["node", "time_ns", "hop", "sender"];

/// The common columns of a file of nodes, as lines without the header.
fn receipts(csv: &str) -> Vec<Vec<String>> {
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let places = COLUMNS.map(|column| header.iter().position(|name| *name == column).expect(column));
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        places.iter().map(|&place| fields[place].to_owned()).collect()
    };
    lines.map(line).collect()
}

/// Runs both on the same scenario and compares every first receipt.
#[track_caller]
fn assert_same_receipts(reference: &str, ours: &str) {
    let python = Command::new("python3").arg("tests/reference/push.py").args(reference.split(' ')).output();
    let python = match python {
        Ok(output) => output,
        // Locally the comparison is skipped without Python; in CI it is required.
        Err(error) if std::env::var_os("CI").is_none() => return eprintln!("not compared, no python3: {error}"),
        Err(error) => panic!("python3 is needed to run the reference: {error}"),
    };
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let expected = receipts(&String::from_utf8(python.stdout).unwrap());

    let directory = TempDir::new().unwrap();
    let file = directory.path().join("nodes.csv");
    let always = ["--transport", "simulated", "--until", "quiescent", "--timeout", "0", "--quiet", "--nodes-csv"];
    let mut command = bulkprop(always);
    command.arg(&file).args(ours.split(' '));
    let (code, _, stderr) = output(&mut command);
    assert!(matches!(code, Some(0 | 1)), "{stderr}");
    let found = receipts(&fs::read_to_string(&file).unwrap());

    assert_eq!(found.len(), expected.len(), "{ours}");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{COLUMNS:?} of {ours}");
    }
    assert!(found.iter().filter(|receipt| !receipt[1].is_empty()).count() > 1, "{ours} reached nobody");
}

#[test]
fn constant_latency_and_a_ttl_that_binds() {
    assert_same_receipts("--nodes 1000 --seed 7 --ttl 4", "--nodes 1000 --seed 7 --ttl 4");
    assert_same_receipts(
        "--nodes 3000 --peers 10 --fanout 4 --ttl 9 --seed 3 --origin 17",
        "--nodes 3000 --peers 10 --fanout 4 --ttl 9 --seed 3 --origin 17",
    );
}

#[test]
fn latency_that_varies_by_message() {
    assert_same_receipts(
        "--nodes 1000 --seed 7 --ttl 6 --least 10000000 --greatest 100000000",
        "--nodes 1000 --seed 7 --ttl 6 --latency uniform:10ms..100ms",
    );
}

#[test]
fn independent_losses() {
    assert_same_receipts(
        "--nodes 20000 --seed 5 --ttl 20 --loss 0.3 --least 1000000 --greatest 3000000",
        "--nodes 20000 --seed 5 --ttl 20 --loss 0.3 --latency uniform:1ms..3ms",
    );
    assert_same_receipts(
        "--nodes 400 --peers 399 --seed 1 --ttl 20 --loss 0.5",
        "--nodes 400 --topology complete --seed 1 --ttl 20 --loss 0.5",
    );
}

#[test]
fn every_engine_agrees_with_the_reference() {
    for engine in ["general", "fast"] {
        assert_same_receipts(
            "--nodes 500 --seed 11 --ttl 12 --loss 0.1 --least 1000000 --greatest 9000000",
            &format!("--nodes 500 --seed 11 --ttl 12 --loss 0.1 --latency uniform:1ms..9ms --engine {engine}"),
        );
    }
}

#[test]
fn messages_of_no_latency_go_round_by_round() {
    assert_same_receipts(
        "--nodes 1000 --seed 7 --ttl 255 --least 0 --greatest 0",
        "--nodes 1000 --seed 7 --ttl 255 --latency 0ms",
    );
    assert_same_receipts(
        "--nodes 1000 --seed 9 --ttl 20 --loss 0.2 --least 0 --greatest 2",
        "--nodes 1000 --seed 9 --ttl 20 --loss 0.2 --latency uniform:0ns..2ns",
    );
}
