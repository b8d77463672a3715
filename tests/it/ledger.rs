//! Tests the identity of `docs/REPORT.md` in the binary's own JSON, on every carrier, plain and behind a modelled
//! network, with one order and with many, in one process and in several.

use crate::command::{bulkprop, output};
use crate::support::carriers;
use bulk_order_propagation::scenario::Choice;
use serde_json::Value;

/// The number in a field of the object, 0 for null.
fn count(object: &Value, name: &str) -> i64 {
    let field = object.get(name).unwrap_or_else(|| panic!("no field {name}: {object}"));
    if field.is_null() { 0 } else { field.as_i64().unwrap_or_else(|| panic!("{name} is no count: {field}")) }
}

/// Runs a command line and checks its ledger against the identity; returns the ledger.
fn checked_ledger(line: &str) -> Value {
    let words = format!("{line} --format json");
    let (_, stdout, stderr) = output(&mut bulkprop(words.split_whitespace()));
    let report: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{line}: {stdout}{stderr}"));
    let ledger = &report["ledger"];
    let [sent, doubled, received, in_flight] =
        ["sent", "model_duplicated", "received", "in_flight_at_stop"].map(|name| count(ledger, name));
    let [held, model_lost, model_dropped, lost] =
        ["held", "model_lost", "model_dropped", "lost"].map(|name| count(ledger, name));
    assert_eq!(sent + doubled, received + in_flight + model_lost + model_dropped + lost, "{line}: {ledger:#}");
    // The loss is what was seen to be missing, and not the remainder.
    let explained = match &ledger["missing"] {
        Value::Null => count(ledger, "kernel_dropped"),
        missing => count(missing, "messages"),
    };
    assert_eq!((lost, count(ledger, "unaccounted")), (explained, 0), "{line}: {ledger:#}");
    assert_eq!((received, &ledger["balanced"]), (count(ledger, "explained_receipts"), &Value::Bool(true)), "{line}");
    assert!((0..=in_flight).contains(&held), "{line}: {ledger:#}");
    assert_eq!(count(&report["at_stop"], "in_flight"), in_flight, "{line}");
    // The workers' own counts add up to it.
    let of_workers = |name: &str| report["workers"].as_array().unwrap().iter().map(|worker| count(worker, name)).sum();
    let found: i64 = of_workers("drained");
    let held_back: i64 = of_workers("held");
    assert_eq!((found + held_back, held_back), (in_flight, held), "{line}: {ledger:#}");
    assert_eq!((of_workers("sent"), of_workers("received")), (sent, received), "{line}");
    ledger.clone()
}

#[test]
fn every_message_is_in_one_place_on_every_carrier() {
    for carrier in carriers().map(Choice::name) {
        for asked in
            ["", "--until quiescent", "--protocol flood", "--protocol lazy", "--orders 20 --rate 2000/s --ttl 8"]
        {
            checked_ledger(&format!("--transport {carrier} --nodes 200 --threads 2 --seed 7 {asked}"));
        }
    }
}

#[test]
fn messages_that_an_emulated_network_holds_are_in_flight() {
    for carrier in carriers().map(Choice::name) {
        let model = "--latency uniform:1ms..2s --loss 0.05 --duplicate 0.1 --target 0.5 --timeout 300ms";
        for asked in ["", "--protocol lazy", "--orders 20 --rate 2000/s --ttl 8"] {
            let line = format!("--transport {carrier} --nodes 200 --threads 2 --seed 7 {model} {asked}");
            let ledger = checked_ledger(&line);
            assert!(count(&ledger, "in_flight_at_stop") > 0, "{line}: {ledger:#}");
            // In virtual time only the network holds messages.
            assert_eq!(count(&ledger, "held") > 0, carrier != "simulated", "{line}: {ledger:#}");
        }
    }
}

#[test]
fn links_and_faults_are_in_the_ledger_of_virtual_time() {
    for asked in [
        "--bandwidth up=1mbit,down=1mbit,queue=300B --payload-bytes 100",
        "--orders 50 --rate 500/s --bandwidth up=1mbit,down=500kbit,queue=2KiB --payload-bytes 300 --origins random",
        "--down 20%,at=60ms --churn up=300ms,down=100ms --loss 0.1 --duplicate 0.2",
        "--partition 40%,at=80ms --nat 20%",
    ] {
        checked_ledger(&format!(
            "--transport simulated --nodes 300 --threads 2 --seed 7 --latency uniform:10ms..90ms {asked}"
        ));
    }
}

#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn several_processes_have_one_ledger() {
    for carrier in crate::support::carriers_across_processes().map(Choice::name) {
        for asked in [
            "",
            "--latency uniform:1ms..10s --loss 0.05 --target 0.5 --timeout 300ms",
            "--orders 20 --rate 2000/s --ttl 8",
        ] {
            checked_ledger(&format!("--transport {carrier} --nodes 200 --processes 2 --threads 1 --seed 7 {asked}"));
        }
    }
}
