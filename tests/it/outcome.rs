//! What a finished run leaves behind: an exit code, and a report in the form that was asked for.

use crate::command::{bulkprop, output};
use serde_json::Value;
use std::fs;
use std::process::Stdio;
use tempfile::TempDir;

#[test]
fn the_exit_code_tells_whether_the_goal_was_met() {
    for (line, code) in [
        ("--quiet", 0),
        ("--nodes 100 --until quiescent --quiet", 0),
        ("--nodes 100 --ttl 1 --quiet", 1),
        ("--nodes 100 --ttl 1 --until quiescent --quiet", 1),
    ] {
        let (got, stdout, stderr) = output(&mut bulkprop(line.split(' ')));
        assert_eq!((got, stdout.lines().count(), stderr.as_str()), (Some(code), 1, ""), "{line}: {stdout}");
    }
}

#[test]
fn json_is_one_object_whose_replay_asks_for_the_same() {
    let line = "--nodes 60 --topology watts-strogatz:0.2 --seed 7 --fanout 6 --format json";
    let (_, stdout, _) = output(&mut bulkprop(line.split(' ')));
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let replay = report["replay"].as_str().unwrap();
    let words = shlex::split(replay).unwrap();
    assert_eq!(words[0], "bulkprop");
    let (_, again, _) = output(bulkprop(&words[1..]).args(["--format", "json"]));
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!((&again["scenario"], &again["replay"]), (&report["scenario"], &report["replay"]));
    assert_eq!(report["scenario"]["topology"], "watts-strogatz:0.2");
}

#[test]
fn the_file_of_nodes_has_a_line_for_each() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nodes.csv");
    let (code, ..) = output(bulkprop(["--nodes", "30", "--quiet", "--nodes-csv"]).arg(&path));
    let lines = fs::read_to_string(&path).unwrap().lines().count();
    assert_eq!((code, lines), (Some(0), 31));
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_a_failure_of_the_system() {
    let (code, stdout, stderr) = output(&mut bulkprop(["--quiet", "--nodes-csv", "/dev/full"]));
    assert_eq!((code, stdout.lines().count()), (Some(3), 1));
    assert!(stderr.starts_with("error: --nodes-csv \"/dev/full\": "), "{stderr}");
    let full = fs::File::create("/dev/full").unwrap();
    let status = bulkprop(["--quiet"]).stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(3));
}
