//! Runs a scenario with the real binary, in each of its variants, and extracts the pinned figures from its report.

use crate::figures::{self, Figures};
use crate::pins::Pins;
use crate::scenario::Scenario;
use crate::table;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Names that no table has: sentences, names of the program or the machine, the machine's figures, how the run was
/// computed, and figures that are newer than the tables.
const UNPINNED: [&str; 20] = [
    "version",
    "notices",
    "notice_codes",
    "replay",
    "host",
    "machine",
    "verdict",
    "failure",
    "pid",
    "core",
    "pinned",
    "threads",
    "engine",
    "bytes_per_receipt",
    "place",
    "region",
    "class",
    "side",
    "used_bits_per_second",
    "used_share",
];

/// Figures that are newer than the tables, and have the name of another that is in them.
const UNPINNED_PATHS: [&str; 1] = ["groups/*/duplicates"];

/// The command of a scenario, without the arguments of its variants.
pub(crate) fn command(scenario: &Scenario) -> String {
    format!("bulkprop {}", scenario.line)
}

/// The figures of a scenario in each of its variants, or the error, by the variant's arguments.
pub(crate) fn variants(scenario: &Scenario) -> Vec<(String, Result<Figures, String>)> {
    scenario.variants.iter().map(|variant| (variant.clone(), run(scenario, variant))).collect()
}

fn run(scenario: &Scenario, variant: &str) -> Result<Figures, String> {
    let folder = TempDir::new().unwrap();
    let is_knee = scenario.line.starts_with("knee ");
    let files = if is_knee { &[][..] } else { &["nodes-csv", "orders-csv"][..] };
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulkprop"));
    command.env("RUST_BACKTRACE", "0").current_dir(env!("CARGO_MANIFEST_DIR")).args(scenario.line.split(' '));
    command.args(variant.split(' ').filter(|word| !word.is_empty())).args(["--format", "json"]);
    for file in files {
        command.arg(format!("--{file}")).arg(folder.path().join(file));
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    if !matches!(status.code(), Some(0 | 1)) {
        return Err(format!("it ended with {status}: {}", String::from_utf8_lossy(&stderr)));
    }
    let report: Value = serde_json::from_slice(&stdout).map_err(|error| format!("its report is no JSON: {error}"))?;

    let mut figures = figures::of(&report, |path| is_pinned(scenario, path));
    figures.insert("exit".to_owned(), status.code().map_or_else(String::new, |code| code.to_string()));
    for file in files {
        figures.extend(of_file(scenario, folder.path(), file));
    }
    let is_series = report["runs"]["count"].as_u64().is_some_and(|runs| runs > 1);
    let is_virtual = report["clock"] == "virtual";
    let branch_of = |path: &str| {
        let is_twice = (is_virtual && path.starts_with("workers/")) || (!is_series && path.starts_with("runs/each/"));
        branch_of(path, is_twice)
    };
    Ok(table::with_hash(figures::fold(figures, branch_of)))
}

/// The branch of a path whose figures the table reduces to one hash: figures that the report has twice, as in the row
/// of the only run or of the only worker; the many parts of rows, and summaries, of several runs; the edges of bins,
/// which the greatest delay decides; and strays, of which there are none.
fn branch_of(path: &str, is_twice: bool) -> Option<String> {
    let start = |names: usize| Some(path.split('/').take(names).collect::<Vec<&str>>().join("/"));
    match path.split('/').collect::<Vec<&str>>()[..] {
        ["workers", ..] if is_twice => start(1),
        ["runs", "each", ..] if is_twice => start(2),
        ["runs", "each", "*", _, _, ..] => start(4),
        ["runs", "over", ..] => start(3),
        ["delay_bins", "*", "from_ns" | "to_ns"] => Some("delay_bins/*/edges".to_owned()),
        _ => path.split_once("/strays/").map(|(before, _)| format!("{before}/strays")),
    }
}

/// The columns of a file that the run wrote.
fn of_file(scenario: &Scenario, folder: &Path, file: &str) -> Figures {
    let text = fs::read_to_string(folder.join(file)).unwrap();
    let is_shape = |path: &str| matches!(scenario.pins, Pins::Some { shapes, .. } if is_among(shapes, path));
    match text.lines().count() {
        // With one order, the file of orders has only its header.
        0 | 1 => Figures::new(),
        _ => figures::of_csv(file, &text, |path| is_pinned(scenario, path), is_shape),
    }
}

/// True if the table of a scenario has the figure at this path.
fn is_pinned(scenario: &Scenario, path: &str) -> bool {
    let is_known = path.split('/').all(|name| !UNPINNED.contains(&name)) && !UNPINNED_PATHS.contains(&path);
    let is_wanted = match scenario.pins {
        Pins::All => !path.starts_with("scenario/"),
        Pins::AllAndDefaults => true,
        Pins::Some { paths, .. } => paths.iter().any(|paths| is_among(paths, of_a_run(path))),
    };
    is_known && is_wanted
}

/// The path in the report of a figure that a row of runs, or a summary over runs, has at this path.
fn of_a_run(path: &str) -> &str {
    match (path.strip_prefix("runs/each/*/"), path.strip_prefix("runs/over/").and_then(|path| path.rsplit_once('/'))) {
        (Some(path), _) | (None, Some((path, _))) => path,
        (None, None) => path,
    }
}

/// True if a path is one of these, or lies below one that ends in a slash.
fn is_among(paths: &[&str], path: &str) -> bool {
    paths.iter().any(|wanted| path == *wanted || (wanted.ends_with('/') && path.starts_with(wanted)))
}
