//! Tests `--runs` as a user sees it: new draws, a row for each run, and the figures over all of them.

use crate::command::{bulkprop, output};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

fn report(line: &str) -> (Option<i32>, Value) {
    let (code, text, wrong) = output(bulkprop(line.split(' ')).args(["--format", "json"]));
    assert_eq!(wrong, "", "{line}");
    (code, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error} in {text}")))
}

const LOSSY: &str =
    "--transport simulated --nodes 400 --topology complete --loss 0.5 --until quiescent --ttl auto --seed 1";

#[test]
fn each_run_is_the_run_of_its_own_seed() {
    let (_, many) = report(&format!("{LOSSY} --runs 20 --threads 2"));
    let rows = many["runs"]["each"].as_array().unwrap();
    let reached: BTreeSet<u64> = rows.iter().map(|row| row["reached"].as_u64().unwrap()).collect();
    assert!(rows.len() == 20 && reached.len() > 4, "{reached:?}");
    for run in [0, 1, 7, 19] {
        let (_, alone) = report(&LOSSY.replace("--seed 1", &format!("--seed {} --threads 1", 1 + run)));
        let mut row = rows[run].clone();
        assert_eq!((&row["run"], &row["seed"]), (&run.into(), &(1 + run).into()));
        // Alone it is the first run, and the machine's figures are its own.
        row["run"] = 0.into();
        let mut alone = alone["runs"]["each"][0].clone();
        for row in [&mut row, &mut alone] {
            row.as_object_mut().unwrap().remove("machine");
        }
        assert_eq!(row, alone, "run {run}");
    }
    let over = &many["runs"]["over"]["reached"];
    let mean = rows.iter().map(|row| row["reached"].as_f64().unwrap()).sum::<f64>() / 20.0;
    assert_eq!(over["mean"].as_f64(), Some(mean));
    assert!(over["standard_deviation"].as_f64().unwrap() > 0.0 && over["interval_95"][0].as_f64().unwrap() < mean);
}

#[test]
fn no_figure_depends_on_the_number_of_parallel_runs() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("runs.csv");
    let files = [1, 2, 5].map(|threads| {
        let line =
            format!("--transport simulated --nodes 300 --seed 3 --fanout 3 --runs 12 --threads {threads} --quiet");
        let (code, text, _) = output(bulkprop(line.split(' ')).arg("--runs-csv").arg(&csv));
        assert!(code == Some(0) || code == Some(1), "{text}");
        let file = std::fs::read_to_string(&csv).unwrap();
        let titles: Vec<&str> = file.lines().next().unwrap().split(',').collect();
        let machine: Vec<usize> = (0..titles.len()).filter(|&at| titles[at].starts_with("machine")).collect();
        let kept = |line: &str| {
            let cells = line.split(',').enumerate().filter(|(at, _)| !machine.contains(at));
            cells.map(|(_, cell)| cell.to_owned()).collect::<Vec<_>>()
        };
        file.lines().map(kept).collect::<Vec<_>>()
    });
    assert_eq!(files[0].len(), 13);
    assert_eq!(files[0][0][..5], ["run", "seed", "outcome", "goal_met", "died_out"]);
    assert!(files[0][12].starts_with(&["11".to_owned(), "14".to_owned()]), "{:?}", files[0][12]);
    assert!(files.iter().all(|file| *file == files[0]));
}

/// The question in the README.
#[test]
fn a_fanout_of_four_is_enough_for_a_thousand() {
    let line = "--transport simulated --nodes 1000 --fanout 4 --seed 1 --runs 20";
    let (code, report) = report(line);
    assert_eq!((code, &report["runs"]["goal_met"]["runs"]), (Some(0), &20.into()));
    let interval = &report["runs"]["goal_met"]["interval_95"];
    assert!(interval[0].as_f64().unwrap() > 0.83 && interval[1] == 1.0, "{interval}");
    let (_, text, _) = output(bulkprop(line.split(' ')).arg("--full"));
    assert!(
        text.contains("Runs (20, seeds 1 to 20):\n  goal met in  20 of 20, 100.0% (95% interval 83.9% to 100.0%)"),
        "{text}"
    );
}

#[test]
fn one_seed_is_repeated_on_request_and_reported() {
    let (_, report) = report(&format!("{LOSSY} --runs 5 --same-seed"));
    assert_eq!(report["runs"]["same_seed"], true);
    let over = &report["runs"]["over"]["reached"];
    assert_eq!((over["least"].as_f64(), over["standard_deviation"].as_f64()), (over["greatest"].as_f64(), Some(0.0)));
    let (_, text, _) = output(&mut bulkprop(format!("{LOSSY} --runs 5 --same-seed --full").split(' ')));
    assert!(text.contains("Runs (5, all with seed 1: they differ in what the machine did alone):"), "{text}");
}

#[test]
fn an_interrupted_series_in_virtual_time_reports_its_complete_runs() {
    let line = "--transport simulated --nodes 3000 --seed 3 --runs 10000 --threads 2 --format json";
    let child = bulkprop(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Long enough for the signal handler to be installed; ten thousand runs take far longer.
    std::thread::park_timeout(Duration::from_millis(1_500));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    if output.stdout.is_empty() {
        // A busy machine may not have come that far.
        return;
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (count, rows) = (report["runs"]["count"].as_u64().unwrap(), report["runs"]["each"].as_array().unwrap());
    assert!(count < 10_000 && rows.len() as u64 == count && report["runs"]["asked"] == 10_000);
    assert!(rows.iter().skip(1).all(|row| row["outcome"] != "interrupted"));
}
