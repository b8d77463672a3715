//! Tests `bulkprop knee` as a user sees it.

use crate::command::{bulkprop, output};
use serde_json::Value;

#[test]
fn a_knee_is_found_drawn_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("knee.csv");
    let line = "knee --nodes 20 --threads 2 --transport simulated --latency 1ms --seed 1 --limit 100ms --rate 100/s --most 150/s";
    let (code, text, told) = output(bulkprop(line.split(' ')).arg("--csv").arg(&csv));
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.starts_with("No knee up to 150/s: every rate that was tried holds\nOver the seeds: 150/s to 150/s\n"),
        "{text}"
    );
    assert!(text.contains("--orders 1500 --rate 150/s"), "{text}");
    assert_eq!(told.lines().filter(|line| line.ends_with("0 missed, holds")).count(), 6, "{told}");
    let written = std::fs::read_to_string(&csv).unwrap();
    let lines: Vec<&str> = written.lines().collect();
    assert!(lines[0].starts_with("rate_per_second,seed,orders,judged,missed,p50_ns"));
    assert_eq!(lines.len(), 1 + 6, "two rates, each with three seeds");
    assert!(lines[1].starts_with("100,1,1000,800,0,") && lines[6].starts_with("150,3,1500,1200,0,"), "{written}");
    assert!(lines[1..].iter().all(|line| line.ends_with(",,true")), "{written}");
}

/// The machine determines which rate holds; its load is measured in any case.
#[test]
fn on_a_carrier_the_machine_is_measured() {
    let line = "knee --nodes 20 --threads 1 --transport memory --seed 1 --limit 1s --rate 100/s --least 100/s --most 100/s --format json";
    let run = bulkprop(line.split(' ')).output().unwrap();
    assert!([Some(0), Some(1)].contains(&run.status.code()), "{}", String::from_utf8_lossy(&run.stderr));
    let knee: Value = serde_json::from_slice(&run.stdout).unwrap();
    let probes = knee["probes"].as_array().unwrap();
    let seeds: Vec<&Value> = probes.iter().map(|probe| &probe["seed"]).collect();
    assert_eq!(seeds, [1, 2, 3]);
    assert!(probes.iter().all(|probe| probe["orders"] == 1_000), "{knee}");
    if cfg!(target_os = "linux") {
        let shares = probes.iter().map(|probe| probe["others_share"].as_f64().unwrap());
        let greatest = shares.fold(0.0, f64::max);
        assert!(
            (0.0..=1.0).contains(&greatest) && knee["others_share"] == greatest && knee["busy"] == (greatest > 0.1)
        );
    }
}

#[test]
fn a_limit_that_no_rate_meets_is_a_goal_missed_and_explained() {
    let line = "knee --nodes 20 --transport simulated --seed 1 --limit 1ns --format json";
    let run = bulkprop(line.split(' ')).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    let knee: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&knee["rate"], knee["probes"].as_array().unwrap().len()), (&Value::Null, 0));
    let said = knee["notices"][0].as_str().unwrap();
    assert!(
        said.contains("half of the orders take 100.000 ms or more") && said.contains("the limit is 1 ns"),
        "{said}"
    );
}

#[test]
fn values_that_a_search_cannot_honour_are_rejected() {
    for (line, said) in [
        ("knee --limit 0", "--limit 0: it takes more than no time"),
        ("knee --orders 5", "--orders with knee: "),
        ("knee --span 1s", "--span 1s with --limit 50ms: "),
        ("knee --rate 5/s --least 6/s", "--rate 5/s with --least 6/s: "),
    ] {
        let (code, stdout, wrong) = output(&mut bulkprop(line.split(' ')));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{line}");
        assert!(wrong.contains(said), "{line}: {wrong}");
    }
}
