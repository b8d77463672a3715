//! Tests virtual time as a user sees it: one seed, one output, on any number of threads; and exact time limits.

use crate::command::{beside_notices, bulkprop, output};
use crate::support::{run, sentences, to_quiescence};
use bulk_order_propagation::network::Latency;
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Draft, TransportKind, Ttl, Until};
use bulk_order_propagation::time::Nanos;
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

const UNIFORM: Latency = Latency::Uniform { least: Nanos::from_millis(10), greatest: Nanos::from_millis(100) };

fn simulated(draft: Draft, latency: Latency, threads: u32) -> RunRecord {
    let (transport, latency, threads) = (Some(TransportKind::Simulated), Some(latency.into()), Some(threads));
    run(Draft { transport, latency, threads, ..draft })
}

/// The test vector in `docs/DETERMINISM.md`.
#[test]
fn the_digest_is_as_specified() {
    let draft = Draft { ttl: Some(Ttl::Hops(6)), ..to_quiescence(1_000, 1, 7) };
    for threads in [1, 2, 3, 8] {
        assert_eq!(simulated(draft.clone(), UNIFORM, threads).digest, Some(0xFFEB_7CC7_88E3_3311), "{threads} threads");
    }
}

/// The test vector in `docs/DETERMINISM.md`: latency 0 is the limit of ever smaller latencies.
#[test]
fn without_latency_a_hop_is_a_round() {
    let draft = Draft { ttl: Some(Ttl::Hops(40)), ..to_quiescence(1_000, 1, 7) };
    let of = |latency| simulated(draft.clone(), Latency::Constant(Nanos(latency)), 2);
    let (none, least) = (of(0), of(1));
    let paths = |record: &RunRecord| record.receipts.iter().map(|first| (first.sender, first.hop)).collect::<Vec<_>>();
    assert_eq!(paths(&none), paths(&least));
    assert!(none.receipts.iter().all(|first| first.time == Nanos::ZERO));
    let hops: Vec<usize> = (0..6).map(|hop| none.receipts.iter().filter(|first| first.hop == hop).count()).collect();
    assert_eq!((hops, none.digest), (vec![1, 8, 58, 332, 562, 39], Some(0xA0AA_1861_D773_93B7)));
}

#[test]
fn the_same_bytes_come_out_of_any_number_of_threads() {
    let folder = TempDir::new().unwrap();
    for asked in ["--latency uniform:10ms..100ms", "--until quiescent --ttl auto", "--latency uniform:0ms..30ms"] {
        let outputs = [1, 2, 3, 8].map(|threads| {
            let path = folder.path().join("nodes.csv");
            let line = format!("--transport simulated --nodes 3000 --seed 5 --threads {threads} {asked}");
            let (code, stdout, stderr) = output(bulkprop(line.split(' ')).arg("--nodes-csv").arg(&path));
            assert_eq!((code, stderr.as_str()), (Some(0), ""), "{line}: {stdout}");
            // The number of threads, and what the run took of the machine.
            let named = |line: &&str| !["thread", "worker", "Machine time: "].iter().any(|name| line.contains(name));
            (stdout.lines().filter(named).collect::<Vec<_>>().join("\n"), fs::read_to_string(&path).unwrap())
        });
        assert!(outputs[0].0.contains("Balanced"));
        assert!(outputs.iter().all(|output| *output == outputs[0]), "{asked}");
    }
}

#[test]
fn both_engines_give_the_same_report() {
    for asked in [
        "",
        "--until quiescent",
        "--ttl 3 --exclude-sender",
        "--timeout 150ms",
        "--latency uniform:5ms..90ms --target 1",
    ] {
        let [general, fast] = ["general", "fast"].map(|engine| {
            let line = format!("--transport simulated --nodes 2500 --seed 9 --engine {engine} --format json {asked}");
            let (code, stdout, _) = output(&mut bulkprop(line.split_whitespace()));
            assert_ne!(code, Some(2), "{line}");
            let mut report: Value = serde_json::from_str(&stdout.replace(engine, "either")).unwrap();
            // Only the machine's figures differ, and they stand in one object of a run, and of its row.
            let machine = report.as_object_mut().unwrap().remove("machine").unwrap();
            assert_eq!(report["runs"]["each"][0].as_object_mut().unwrap().remove("machine"), Some(machine.clone()));
            assert!(machine["wall_ns"].as_u64() > Some(0) && machine["setup_ns"].as_u64() > Some(0), "{machine}");
            report
        });
        assert_eq!(
            (&general["clock"], &general["virtual_ns"]),
            (&Value::from("virtual"), &general["at_stop"]["time_ns"])
        );
        assert_eq!(general, fast, "{asked}");
    }
}

#[test]
fn determinism_is_checked_on_two_numbers_of_threads() {
    for (line, code, said) in [
        ("--transport simulated --nodes 500", 0, "2 threads"),
        ("--transport simulated --nodes 500 --threads 8 --latency uniform:1ms..9ms", 0, "7 threads"),
        ("--transport simulated --nodes 1", 0, "1 thread"),
        ("--transport memory", 2, "--check-determinism without --transport simulated"),
    ] {
        let (got, stdout, stderr) = output(bulkprop(line.split(' ')).arg("--check-determinism"));
        assert_eq!(got, Some(code), "{line}: {stdout}{stderr}");
        assert!(stdout.contains(said) || stderr.contains(said), "{line}: {stdout}{stderr}");
        assert_eq!(stdout.contains("The digests are equal."), code == 0);
    }
}

#[test]
fn the_target_ends_a_run_to_the_nanosecond() {
    let whole = simulated(to_quiescence(4_000, 1, 3), UNIFORM, 2);
    let until = Draft { until: Some(Until::Target), ..to_quiescence(4_000, 1, 3) };
    let stopped = simulated(until, UNIFORM, 2);
    let target = whole.time_to("0.95".parse().unwrap()).unwrap();
    assert_eq!((stopped.end, stopped.elapsed, stopped.reached()), (End::Target, target, 3_800));
    for (early, late) in stopped.receipts.iter().zip(whole.receipts.iter()) {
        assert!(if late.time <= target { early == late } else { !early.is_reached() });
    }
    assert!(stopped.ledger.in_flight_at_stop > 0 && stopped.ledger.sent < whole.ledger.sent);
}

#[test]
fn constant_latency_makes_hops_of_time() {
    let hop = Nanos::from_millis(50);
    let record = simulated(to_quiescence(2_000, 1, 3), Latency::Constant(hop), 3);
    assert!(
        record.receipts.iter().all(|receipt| !receipt.is_reached() || receipt.time.0 == u64::from(receipt.hop) * hop.0)
    );
    // The limit includes all that happens at its very instant, and nothing after it.
    for (limit, hops) in [(Nanos(150_000_000), 3), (Nanos(149_999_999), 2)] {
        let cut = Draft { timeout: Some(limit), ..to_quiescence(2_000, 1, 3) };
        let cut = simulated(cut, Latency::Constant(hop), 3);
        let expected = record.receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop <= hops).count();
        assert_eq!((cut.end, cut.elapsed, cut.reached()), (End::Timeout, limit, expected as u64));
    }
}

#[test]
fn progress_is_shown_on_request_and_changes_no_figure() {
    let line = "--transport simulated --nodes 200000 --seed 2 --ttl 6 --engine general --threads 1 --quiet";
    let (code, plain, silence) = output(&mut bulkprop(line.split(' ')));
    assert_eq!((code, beside_notices(&silence).as_str()), (Some(1), ""), "{plain}");
    let (_, told, progress) = output(bulkprop(line.split(' ')).arg("--progress"));
    assert_eq!(told, plain);
    // A fast machine may be done before there is any progress to show.
    let told = progress.lines().filter(|line| !line.starts_with("Notice: "));
    assert!(told.clone().all(|line| line.contains(" of 200 k receipts, ") && line.len() < 80), "{progress}");
}

#[test]
fn a_latency_of_zero_is_reported() {
    let none = Latency::Uniform { least: Nanos::ZERO, greatest: Nanos::from_millis(30) };
    let record = simulated(to_quiescence(1_000, 1, 3), none, 2);
    assert!(sentences(&record).iter().any(|notice| notice.contains("least latency is 0")), "{:?}", record.notices);
}
