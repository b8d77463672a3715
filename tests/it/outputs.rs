//! Tests the forms of a run's report: text of one screen, the full text, and JSON, CSV and Markdown in files or on
//! standard output, alone and together.

use crate::command::{bulkprop, output};
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

const LINE: &str = "--transport simulated --nodes 1000 --seed 7";

/// Lines and columns of the report on one screen.
const LINES_MAX: usize = 34;
const COLUMNS: usize = 80;

/// The last lines, which a terminal of 24 rows shows under the first half of the bins.
const DECISIVE_LINES: usize = 12;

/// Standard output of a command line that meets its target and says nothing on standard error.
#[track_caller]
fn printed(line: &str, more: &[&str]) -> String {
    let mut command = bulkprop(line.split(' ').chain(more.iter().copied()));
    let (code, stdout, stderr) = output(command.env("COLUMNS", COLUMNS.to_string()));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{line} {more:?}\n{stdout}");
    stdout
}

/// The text without the figures that differ from run to run, which only the machine decides.
fn without_machine(text: &str) -> String {
    let is_machine = |line: &&str| !["Wall", "wall", "Computed", "set-up"].iter().any(|word| line.contains(word));
    text.lines().filter(is_machine).collect::<Vec<_>>().join("\n")
}

/// A report without the machine's times.
fn figures(json: &str) -> Value {
    let mut report: Value = serde_json::from_str(json).unwrap();
    let runs = report["runs"].as_object_mut().unwrap();
    runs["each"].as_array_mut().unwrap().iter_mut().for_each(|run| run["machine"] = Value::Null);
    runs.remove("over");
    report["machine"] = Value::Null;
    report
}

#[test]
fn the_report_fits_one_screen_and_ends_with_what_decides() {
    let simulated = "--transport simulated --seed 7";
    for line in [
        LINE.to_owned(),
        "--transport memory --nodes 1000 --seed 7".to_owned(),
        format!("{simulated} --nodes 1000 --runs 6"),
        format!("{simulated} --nodes 100000 --latency uniform:10ms..100ms --ttl auto"),
        format!("{simulated} --nodes 300 --orders 20 --rate 50/s --network bitcoin6 --loss 5%"),
    ] {
        // Whether workers share a core, which is a notice, depends on the machine; so does meeting a target in time.
        let mut command = bulkprop(line.split(' '));
        let (_, text, stderr) = output(command.env("COLUMNS", COLUMNS.to_string()));
        assert_eq!(stderr, "", "{line}");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() <= LINES_MAX, "{} lines of {line}\n{text}", lines.len());
        // The command that repeats the run is on one line, so that it can be copied.
        let wide = lines.iter().find(|text| text.chars().count() > COLUMNS && !text.starts_with("  bulkprop "));
        assert_eq!(wide, None, "{line}\n{text}");
        let end = lines[lines.len() - DECISIVE_LINES..].join("\n");
        // Many orders have a time each, of which the report tells percentiles.
        let times = if line.contains("--orders") { "orders to 95%: p50 " } else { "time to 50% " };
        for said in ["\nLedger: Balanced: ", "\nCoverage ", times, "\nReplay (", "\n  bulkprop "] {
            assert!(end.contains(said), "{said:?} of {line}\n{text}");
        }
        assert_eq!(end.contains("\nRuns: "), line.contains("--runs"), "{text}");
        let replay = lines.iter().find_map(|text| text.strip_prefix("  bulkprop ")).unwrap();
        assert!(replay.contains("--seed 7"), "{replay}");
    }
}

#[test]
fn a_narrow_terminal_gets_narrow_bars() {
    let widest = |columns: &str| {
        let (_, text, _) = output(bulkprop(LINE.split(' ')).env("COLUMNS", columns));
        let lines = text.lines().filter(|line| !line.starts_with("  bulkprop "));
        lines.map(|line| line.chars().count()).max().unwrap()
    };
    let (narrow, wide) = (widest("70"), widest("100"));
    assert!(narrow <= 70 && narrow < wide && wide <= 100, "{narrow} {wide}");
    // What is no number of columns is as no terminal at all.
    for none in ["", "0", "-3", "many"] {
        assert_eq!(widest(none), wide, "{none:?}");
    }
}

#[test]
fn the_full_report_has_every_table() {
    let (brief, full) = (printed(LINE, &[]), printed(LINE, &["--full"]));
    for table in ["Latency Distribution:", "Time to Coverage", "Hops to First Receipt", "Redundancy:", "Per Node:"] {
        assert!(full.contains(&format!("\n{table}")), "{table}\n{full}");
    }
    assert!(full.contains("bytes per datagram") && !brief.contains("bytes per datagram"), "{full}");
    // No datagram holds an order of this size.
    let large = printed("--transport simulated --nodes 20 --payload-bytes 1MiB", &["--full"]);
    assert!(large.contains("bytes per order") && !large.contains("bytes per datagram"), "{large}");
    assert!(full.lines().count() > LINES_MAX && brief.contains("; --full prints everything\n"), "{brief}");
    // Both are of one run.
    let bins = |text: &str| {
        let bins = text.lines().skip_while(|line| *line != "Latency Distribution:").skip(1).take(10);
        bins.map(|line| line.split(" node").next().unwrap().trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((bins(&brief), bins(&brief).len()), (bins(&full), 10));
}

#[test]
fn every_file_has_the_figures_of_the_text_beside_it() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (json, csv, page) = (at("r.json"), at("r.csv"), at("r.md"));
    let (nodes, orders) = (at("nodes.csv"), at("orders.csv"));
    let line = format!("{LINE} --runs 3");
    let alone = printed(&line, &[]);
    let files = ["--json", &json, "--csv", &csv, "--markdown", &page, "--nodes-csv", &nodes];
    let beside = printed(&line, &files);
    assert_eq!(without_machine(&alone), without_machine(&beside));
    let read = |path: &str| fs::read_to_string(path).unwrap();
    let report: Value = serde_json::from_str(&read(&json)).unwrap();
    assert_eq!((&report["runs"]["count"], &report["ledger"]["balanced"]), (&Value::from(3), &Value::from(true)));
    assert_eq!(figures(&read(&json)), figures(&printed(&line, &["--format", "json"])));
    let rows: Vec<String> = read(&csv).lines().map(str::to_owned).collect();
    assert!(rows.len() == 4 && rows[0].starts_with("run,seed,outcome,"), "{rows:?}");
    let digest = rows[0].split(',').position(|column| column == "digest").unwrap();
    for (row, run) in rows[1..].iter().zip(report["runs"]["each"].as_array().unwrap()) {
        assert_eq!(row.split(',').nth(digest), run["digest"].as_str(), "{row}");
    }
    let digest = report["digest"].as_str().unwrap();
    for said in
        ["### 95% coverage ", "\n| figure | value |\n|---|---:|\n", "\n| ledger | Balanced: ", "\n| over 3 runs |"]
    {
        assert!(read(&page).contains(said), "{said}\n{}", read(&page));
    }
    assert!(read(&page).contains(&format!("\n| digest | `{digest}` |\n")), "{}", read(&page));
    assert_eq!(read(&nodes).lines().count(), 1_001);
    // The file of orders is of a bulk alone, and the text says so.
    assert!(printed(LINE, &["--orders-csv", &orders, "--full"]).contains("header alone"));
    assert_eq!(read(&orders).lines().count(), 1);
}

#[test]
fn a_dash_puts_one_form_on_standard_output_in_place_of_the_text() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("r.json");
    let file = path.to_str().unwrap();
    let json = printed(LINE, &["--json", "-"]);
    assert_eq!(figures(&json), figures(&printed(LINE, &["--format", "json"])));
    let csv = printed(LINE, &["--csv", "-"]);
    assert!(csv.starts_with("run,seed,outcome,") && csv.lines().count() == 2, "{csv}");
    let page = printed(LINE, &["--markdown", "-", "--json", file]);
    assert!(page.starts_with("### ") && page.ends_with("\n```\n"), "{page}");
    assert_eq!(figures(&fs::read_to_string(&path).unwrap()), figures(&json));
    // The file that is named - has not come about.
    assert!(!std::path::Path::new("-").exists());
}

#[test]
fn standard_output_takes_one_form() {
    for (line, named) in [
        ("--json - --markdown -", ["--json -", "--markdown -"]),
        ("--csv - --markdown -", ["--runs-csv -", "--markdown -"]),
        ("--format json --markdown -", ["--format json", "--markdown -"]),
        ("--full --csv -", ["--full", "--runs-csv -"]),
    ] {
        let (code, stdout, stderr) = output(&mut bulkprop(LINE.split(' ').chain(line.split(' '))));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{line}: {stderr}");
        assert!(named.iter().all(|option| stderr.contains(option)), "{line}: {stderr}");
    }
}
