//! Tests `--until TIME`: a run goes on to its instant, whatever has become of its orders, and counts nothing after it.

use crate::command::{bulkprop, output};
use crate::support::{real_carriers, run, to_quiescence};
use bulk_order_propagation::record::{End, OrderOutcome};
use bulk_order_propagation::scenario::{Draft, Ttl, Until};
use bulk_order_propagation::time::Nanos;
use serde_json::Value;

/// The report of a run in virtual time, with the exit code.
fn report(line: &str) -> (Option<i32>, Value) {
    let line = format!("--transport simulated --seed 7 --format json {line}");
    let (code, stdout, stderr) = output(&mut bulkprop(line.split_whitespace()));
    (code, serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{line}: {stderr}")))
}

/// What a report says of the model beside the end: receipts, orders, messages and their bytes.
fn figures(report: &Value) -> Vec<Value> {
    let keys = "digest reached order_outcome time_to_ns delay_ns hops messages duplicates control_messages bytes \
                ledger bytes_per_node bulk upkeep tallies";
    keys.split_whitespace().map(|key| report[key].clone()).collect()
}

/// Lines that each engine computes: by hops, along shortest paths, order by order, in windows, event by event.
const LINES: [(&str, &[&str]); 6] = [
    ("--nodes 400 --latency 20ms --fanout 3 --ttl 255", &["auto", "fast", "general"]),
    ("--nodes 400 --latency uniform:10ms..50ms --fanout 3 --ttl 255", &["auto", "general"]),
    ("--nodes 300 --latency uniform:10ms..50ms --fanout 3 --orders 20 --rate 400 --ttl 255", &["auto", "general"]),
    ("--nodes 300 --latency uniform:10ms..50ms --fanout 3 --loss 20% --bandwidth up=1Mbit", &["auto"]),
    ("--nodes 300 --latency uniform:0ms..50ms --fanout 3 --ttl 255", &["auto"]),
    ("--nodes 200 --protocol lazy --retry 90ms --peers 5 --loss 20% --latency uniform:10ms..50ms", &["auto"]),
];

#[test]
fn a_run_goes_on_after_its_rest_and_finds_nothing() {
    for (line, engines) in LINES {
        for engine in engines {
            let line = format!("{line} --engine {engine}");
            let (code, rest) = report(&format!("{line} --until quiescent"));
            let (longer, late) = report(&format!("{line} --until 9s"));
            assert_eq!((&rest["outcome"], &late["outcome"]), (&"quiescent".into(), &"instant".into()), "{line}");
            assert_eq!((late["at_stop"]["time_ns"].as_u64(), longer), (Some(9_000_000_000), code), "{line}");
            assert_eq!(figures(&late), figures(&rest), "{line}");
        }
    }
}

#[test]
fn a_run_that_is_cut_counts_what_a_time_limit_would() {
    for (line, engines) in LINES {
        let mut cut = engines.iter().map(|engine| {
            let line = format!("{line} --engine {engine}");
            // 20 orders at 400/s are due within 47.5 ms, after which a time limit counts.
            let limit = if line.contains("--orders") { "12500us" } else { "60ms" };
            let (_, at_limit) = report(&format!("{line} --until quiescent --timeout {limit}"));
            let (_, at_instant) = report(&format!("{line} --until 60ms"));
            assert_eq!(
                (&at_limit["outcome"], &at_instant["outcome"]),
                (&"timeout".into(), &"instant".into()),
                "{line}"
            );
            // With many orders the limit is that of each, and their outcomes differ.
            let of = |report: &Value| match line.contains("--orders") {
                true => vec![report["digest"].clone(), report["messages"].clone(), report["ledger"].clone()],
                false => figures(report),
            };
            assert_eq!(of(&at_instant), of(&at_limit), "{line}");
            assert!(at_instant["ledger"]["in_flight_at_stop"].as_u64() > Some(0), "{line}");
            figures(&at_instant)
        });
        let first = cut.next().unwrap();
        assert!(cut.all(|others| others == first), "{line}: engines differ");
    }
}

/// Heartbeats of gossipsub with nodes that come and go, and of views under a tree: the messages of a shorter run are
/// those of a longer one's trace up to its instant.
#[test]
fn upkeep_goes_on_and_is_counted_up_to_the_instant() {
    for line in [
        "--nodes 60 --protocol gossipsub --peers 10 --churn up=3s,down=1s --detect 50ms..150ms --latency \
         uniform:5ms..90ms",
        "--nodes 60 --protocol plumtree@hyparview --join-time 2s --latency uniform:5ms..90ms",
        "--nodes 30 --protocol gossipsub --peers 10 --churn up=3s,down=1s --detect 50ms..150ms --latency \
         uniform:0ms..90ms",
    ] {
        let traced = format!("--transport simulated --seed 7 --threads 2 {line} --until 30s --trace -");
        let (_, trace, stderr) = output(&mut bulkprop(traced.split_whitespace()));
        for at in [8_000_000_000_i64, 8_765_432_101] {
            let rows = || trace.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>());
            let is_upkeep = |row: &Vec<&str>| row[4].is_empty();
            let time = |text: &str| text.parse::<i64>().unwrap();
            let sent = |is_warm_up: bool| {
                rows().filter(|row| is_upkeep(row) && time(row[0]) <= at && (time(row[0]) < 0) == is_warm_up).count()
            };
            let arrived =
                rows().filter(|row| time(row[1]) <= at && ["delivered", "duplicate", "control"].contains(&row[8]));
            let (_, shorter) = report(&format!("{line} --threads 1 --until {at}ns"));
            assert_eq!(shorter["outcome"], "instant", "{line}");
            let upkeep = &shorter["upkeep"];
            let counted = [&upkeep["sent"], &upkeep["warm_up_sent"], &shorter["ledger"]["received"]];
            let expected = [sent(false), sent(true), arrived.count()].map(Value::from);
            assert_eq!(counted.map(Value::clone), expected, "{line} {at} {stderr}");
            assert!(sent(false) > 0, "{line}: there is upkeep to count");
            let (_, threads) = report(&format!("{line} --threads 3 --until {at}ns"));
            assert_eq!(figures(&threads), figures(&shorter), "{line} {at}");
        }
    }
}

/// On a real clock the run is awake at its instant, and an order that came to rest before is not under way.
#[test]
fn real_carriers_end_at_the_instant() {
    for transport in real_carriers() {
        let draft = Draft {
            transport: Some(transport),
            ttl: Some(Ttl::Hops(1)),
            until: Some(Until::Instant(Nanos::from_millis(400))),
            timeout: None,
            ..to_quiescence(60, 2, 5)
        };
        let record = run(draft.clone());
        assert_eq!((record.end, record.reached()), (End::Instant, 9), "{transport:?}");
        assert!(record.elapsed >= Nanos::from_millis(400), "{transport:?}: {}", record.elapsed);
        assert!(record.at_rest, "{transport:?}");
        assert_eq!(record.order_outcome(), Some(OrderOutcome::Missed), "{transport:?}");
        let bulk = Draft { orders: Some(3), rate: Some("20/s".parse().unwrap()), ..draft };
        let record = run(bulk);
        assert_eq!((record.end, record.reached()), (End::Instant, 27), "{transport:?}");
        let outcomes = record.bulk.unwrap().orders.into_iter().map(|order| order.outcome);
        assert!(outcomes.eq([OrderOutcome::Missed; 3]), "{transport:?}");
    }
}

#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn processes_end_at_the_instant() {
    let line =
        "--transport udp-shard --nodes 60 --ttl 1 --processes 2 --threads 1 --seed 5 --until 400ms --format json";
    let (code, stdout, stderr) = output(&mut bulkprop(line.split(' ')));
    let report: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stderr}"));
    assert_eq!((code, &report["outcome"]), (Some(1), &"instant".into()), "{stderr}");
    assert_eq!((&report["reached"], &report["order_outcome"]), (&9.into(), &"missed".into()), "{report:#}");
    assert!(report["at_stop"]["time_ns"].as_u64() >= Some(400_000_000), "{report:#}");
}

#[test]
fn an_instant_before_the_last_order_is_refused() {
    let line = "--transport simulated --nodes 100 --orders 100 --rate 10 --until 9899ms --seed 5";
    let (code, stdout, stderr) = output(&mut bulkprop(line.split(' ')));
    let said = "--until 9899ms: the last of 100 orders is due at 9900ms, and this run ends before; ask for --until \
                9900ms or later, or for orders that are due by then";
    assert!(stderr.contains(said), "{stderr}");
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    let (code, report) = report("--nodes 100 --orders 100 --rate 10 --until 9900ms");
    assert_eq!((code, &report["outcome"]), (Some(1), &"instant".into()), "the last order has just been published");
    let (code, _, stderr) = output(&mut bulkprop("knee --nodes 100 --limit 1s --until 20s".split(' ')));
    assert!(code == Some(2) && stderr.contains("--until 20s: each rate is tried"), "{stderr}");
}

#[test]
fn the_text_and_the_replay_name_the_instant() {
    let line = "--transport simulated --nodes 100 --seed 5 --threads 1 --until 12s";
    let (_, text, _) = output(&mut bulkprop(line.split(' ')));
    for said in
        ["(until 12.000 s)", "ended after 12.000 s, as asked, at ", "Captured at 12.000 s, as Asked", "--until 12s"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("--timeout"), "{text}");
    let late = "--transport simulated --nodes 200 --topology ring --latency 40ms --ttl 200 --seed 5 --until 3s";
    let (_, text, _) = output(&mut bulkprop(late.split(' ')));
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.join(" ").contains("ask for more than --until 3800ms."), "{text}");
}

/// The upkeep of a comparison is that of the time between the warm orders' rest and the instant.
#[test]
fn a_comparison_ends_each_run_at_the_instant() {
    let line = "compare push gossipsub swim --nodes 60 --peers 10 --topology random-regular --latency 20ms --churn \
                up=3s,down=1s --detect 100ms --runs 2 --orders 4 --until 20s --seed 5 --format json";
    let (code, stdout, stderr) = output(&mut bulkprop(line.split_whitespace()));
    assert_eq!(code, Some(0), "{stderr}");
    let table: Value = serde_json::from_str(&stdout).unwrap();
    let upkeep = |row: usize| table["rows"][row]["metrics"]["upkeep"]["mean"].as_f64().unwrap();
    assert!(upkeep(0) == 0.0 && upkeep(1) > 0.1, "{table:#}");
    // The warm orders of swim are not at rest by then; what it sends for the others is known all the same.
    let bytes = |row: usize| table["rows"][row]["metrics"]["bytes"]["mean"].as_f64().unwrap();
    assert!(bytes(0) > 0.0 && bytes(2) > bytes(0), "{table:#}");
    let replay = table["scenario"].to_string();
    assert!(replay.contains("20s"), "{replay}");
}
