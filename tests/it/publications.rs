//! Tests publications from a file: each order enters where and when its line says, with its size, on every carrier.

use crate::command::{bulkprop, json, output};
use crate::support::{carriers, run, scenario, to_quiescence};
use bulk_order_propagation::record::{BulkRecord, OrderOutcome, RunRecord};
use bulk_order_propagation::scenario::{Draft, TransportKind};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::workload::Origins;
use std::fs;
use tempfile::TempDir;

/// Five orders of three publishers.
const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/publications.csv");

fn replay(transport: TransportKind, threads: u32) -> Draft {
    let publications = Some(LIST.to_owned());
    Draft { transport: Some(transport), publications, ..to_quiescence(50, threads, 5) }
}

fn bulk(record: &RunRecord) -> &BulkRecord {
    record.bulk.as_ref().expect("a bulk")
}

#[test]
fn every_carrier_publishes_what_the_file_lists() {
    for transport in carriers() {
        for threads in [1, 2, 3] {
            let record = run(replay(transport, threads));
            let orders = &bulk(&record).orders;
            let lines = orders.iter().map(|order| (order.due.0, order.origin.0, order.payload_bytes));
            assert_eq!(
                lines.collect::<Vec<_>>(),
                [(0, 7, 120), (0, 3, 0), (2_000_000, 7, 250), (20_000_000, 49, 1_000), (21_000_000, 3, 16)],
                "{transport:?}"
            );
            assert!(orders.iter().all(|order| order.outcome == OrderOutcome::Reached), "{transport:?}");
        }
    }
}

#[test]
fn virtual_time_is_the_same_on_any_number_of_threads() {
    let records = [1, 2, 3].map(|threads| run(replay(TransportKind::Simulated, threads)));
    assert!(records[0].digest.is_some());
    assert!(records.iter().all(|record| record.digest == records[0].digest && record.bulk == records[0].bulk));
}

#[test]
fn a_listed_schedule_is_the_drawn_one_where_they_agree() {
    let drawn = Draft { transport: Some(TransportKind::Simulated), orders: Some(40), ..to_quiescence(50, 1, 5) };
    let drawn = Draft { rate: "1000/s".parse().ok(), payload_bytes: None, ..drawn };
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("even.csv");
    let lines: String = (0..40).map(|order| format!("{order}ms,0,0\n")).collect();
    fs::write(&path, format!("time,origin,bytes\n{lines}")).unwrap();
    let publications = Some(path.to_str().unwrap().to_owned());
    let listed = Draft { publications, ..Draft { orders: None, rate: None, ..drawn.clone() } };
    assert_eq!(scenario(listed.clone()).workload.origins, Origins::One(bulk_order_propagation::NodeId(0)));
    let [drawn, listed] = [drawn, listed].map(run);
    assert_eq!((drawn.digest, &drawn.bulk, drawn.ledger), (listed.digest, &listed.bulk, listed.ledger));
}

#[test]
fn one_line_is_a_single_order() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("one.csv");
    fs::write(&path, "time,origin,bytes\n3h,4,100\n").unwrap();
    let publications = Some(path.to_str().unwrap().to_owned());
    let transport = Some(TransportKind::Simulated);
    let record = run(Draft { publications, transport, ..to_quiescence(50, 2, 5) });
    assert!(record.bulk.is_none() && record.overlay.origin == 4 && record.reached() == 50);
    assert!(record.elapsed < Nanos::from_secs(1), "the schedule begins with the first line");
}

#[test]
fn the_replay_line_names_the_file_and_gives_the_same() {
    let line = format!("--transport simulated -n 50 --seed 5 --threads 1 --format json --publications {LIST}");
    let report = json(&line);
    let replay = report["replay"].as_str().unwrap();
    assert!(replay.contains(&format!("--publications {LIST}")) && !replay.contains("--orders"), "{replay}");
    let again = json(&format!("{} --format json", replay.strip_prefix("bulkprop ").unwrap()));
    assert_eq!((&again["digest"], &again["bulk"]), (&report["digest"], &report["bulk"]));
    let (_, text, _) = output(&mut bulkprop(line.replace("--format json", "--full").split(' ')));
    assert!(
        text.contains("5 orders, each into the node that its line names, at the times of --publications"),
        "{text}"
    );
}

#[test]
fn faults_are_usage_errors_with_their_line() {
    for (asked, said) in [
        ("--publications late.csv", "--publications late.csv, line 3: 1s is before 2s, the time of the line above"),
        (
            "--publications far.csv",
            "--publications far.csv, line 2: there is no node 50 to publish at: nodes are numbered",
        ),
        ("--publications none.csv", "--publications none.csv: "),
        ("--publications good.csv --orders 5", "--orders with --publications: "),
        ("--publications good.csv --origin 5", "--origin with --publications: "),
        ("--publications good.csv --window 5", "--window with one order: "),
        ("--publications - --config -", "standard input"),
    ] {
        let folder = TempDir::new().unwrap();
        for (name, lines) in [("late", "2s,0,0\n1s,0,0\n"), ("far", "0,50,0\n"), ("good", "0,49,0\n")] {
            fs::write(folder.path().join(format!("{name}.csv")), format!("time,origin,bytes\n{lines}")).unwrap();
        }
        let line = format!("--transport simulated --nodes 50 {asked}");
        let (code, _, stderr) = output(bulkprop(line.split(' ')).current_dir(folder.path()));
        assert!(code == Some(2) && stderr.contains(said), "{asked}: {code:?} {stderr}");
    }
}
