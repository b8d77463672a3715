//! `bulkprop knee` as its user sees it.

use crate::command::bulkprop;

#[test]
fn a_knee_is_found_drawn_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("knee.csv");
    // A limit that every rate up to the most keeps, so that the machine's load decides nothing.
    let line =
        "knee --nodes 20 --threads 1 --transport memory --seed 1 --limit 60s --rate 200/s --most 400/s --span 200ms";
    let run = bulkprop(line.split(' ')).arg("--csv").arg(&csv).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.status.code(), Some(0), "{text}");
    assert!(text.starts_with("No knee up to 400/s: every rate that was tried holds\n"), "{text}");
    assert!(text.contains("--orders 100 --rate 400/s"), "{text}");
    let written = std::fs::read_to_string(&csv).unwrap();
    let lines: Vec<&str> = written.lines().collect();
    assert!(lines[0].starts_with("rate_per_second,orders,lost,p50_ns"));
    assert_eq!(lines.len(), 1 + 4, "two rates, each run twice");
    assert!(lines[1..].iter().all(|line| line.ends_with(",true")), "{written}");
}

#[test]
fn a_limit_that_nothing_keeps_is_a_goal_missed() {
    let line = "knee --nodes 20 --threads 1 --transport memory --seed 1 --limit 1ns --rate 4000/s --least 4000/s --span 10ms --format json";
    let run = bulkprop(line.split(' ')).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    let knee: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(knee["rate"], serde_json::Value::Null);
    assert_eq!(knee["probes"][0]["lost"], 0);
}

#[test]
fn a_search_for_nothing_is_refused() {
    let run = bulkprop(["knee", "--limit", "0"]).output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.contains("--limit 0: it takes more than no time"), "{said}");
}
