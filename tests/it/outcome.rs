//! Tests the results of a finished run: an exit code, and a report in the requested form.

use crate::command::{beside_notices, bulkprop, output};
use serde_json::Value;
use std::fs;
use std::process::Stdio;
use tempfile::TempDir;

#[test]
fn the_exit_code_shows_if_the_goal_was_met() {
    for (line, code) in [
        ("--quiet", 0),
        ("--nodes 100 --until quiescent --quiet", 0),
        ("--nodes 100 --ttl 1 --quiet", 1),
        ("--nodes 100 --ttl 1 --until quiescent --quiet", 1),
    ] {
        let (got, stdout, stderr) = output(&mut bulkprop(line.split(' ')));
        assert_eq!((got, stdout.lines().count()), (Some(code), 1), "{line}: {stdout}");
        assert_eq!(beside_notices(&stderr), "", "{line}");
    }
}

#[test]
fn a_quiet_run_prints_its_notices_to_standard_error() {
    let line = "--transport simulated --nodes 1000 --ttl 1 --seed 1";
    let (_, whole, nothing) = output(bulkprop(line.split(' ')).arg("--full"));
    let (code, headline, notices) = output(bulkprop(line.split(' ')).arg("--quiet"));
    assert_eq!((code, nothing.as_str(), headline.lines().count()), (Some(1), "", 1));
    assert!(notices.lines().count() > 0 && notices.lines().all(|notice| notice.starts_with("Notice: ")), "{notices}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
    assert!(words(&whole).starts_with(&words(&notices)), "{notices}\n{whole}");
}

#[test]
fn json_is_one_object_whose_replay_has_the_same_scenario() {
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
fn an_output_that_cannot_be_written_is_a_failure_of_the_system() {
    let (code, stdout, stderr) = output(&mut bulkprop(["--quiet", "--nodes-csv", "/dev/full"]));
    assert_eq!((code, stdout.lines().count()), (Some(3), 1));
    assert!(stderr.starts_with("error: --nodes-csv \"/dev/full\": "), "{stderr}");
    for line in
        ["--quiet", "--help", "-h", "--version", "knee --help", "validate --help", "--print-config", "--format json"]
    {
        let full = fs::File::create("/dev/full").unwrap();
        let ended = bulkprop(line.split(' ')).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(3), "{line}: {said}");
        assert!(said.contains("standard output"), "{line}: {said}");
    }
}
