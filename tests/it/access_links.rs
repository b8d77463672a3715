//! Tests access links as a user sees them: a queue without a limit drops nothing, one with a limit reports its drops
//! first, and no node sends or receives more than its links carry.

use crate::command::{bulkprop, output};
use crate::support::{run, sentences};
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Draft, OriginsKind, PayloadBytes, TransportKind, Ttl, Until};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::TopologySpec;
use bulk_order_propagation::workload::Rate;
use serde_json::Value;

const MBIT: u128 = 1_000_000;

/// Floods a star from its hub; returns exit code, report in JSON, and report as text.
fn flooded_star(lines: &str) -> (Option<i32>, Value, String) {
    let common =
        "--transport simulated --nodes 1000 --seed 7 --topology star --protocol flood --until quiescent --bandwidth";
    let report = |format| {
        let arguments = common.split(' ').chain([lines, "--full", "--format", format]);
        let (code, stdout, stderr) = output(&mut bulkprop(arguments));
        assert_eq!(stderr, "", "{stdout}");
        (code, stdout)
    };
    let (code, json) = report("json");
    (code, serde_json::from_str(&json).unwrap(), report("text").1)
}

/// The figures behind a name in the text.
fn figures<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).split_whitespace().collect()
}

#[test]
fn a_queue_without_a_limit_drops_nothing() {
    let (code, report, text) = flooded_star("up=10mbit");
    assert_eq!((code, &report["reached"], &report["messages"]), (Some(0), &Value::from(1_000), &Value::from(999)));
    assert_eq!((&report["ledger"]["uplink_dropped"], &report["notices"]), (&Value::from(0), &Value::Array(Vec::new())));
    // 999 messages of 56 bytes and 28 of headers.
    let bytes = 999 * 84;
    assert_eq!(report["lines"]["up"]["longest_queue_bytes"], bytes);
    // 67.2 microseconds for each.
    assert_eq!(report["lines"]["up"]["longest_queue_ns"], 999 * 67_200);
    assert_eq!(report["lines"]["down"], Value::Null);
    assert_eq!(figures(&text, "uplinks"), ["83,916", "67.133", "ms", "57.3", "%"]);
    assert!(report["replay"].as_str().unwrap().ends_with("--bandwidth 'up=10mbit'"), "{}", report["replay"]);
}

#[test]
fn drops_of_a_queue_are_reported_first_and_not_sent() {
    let (code, report, text) = flooded_star("up=10mbit,queue=64KiB");
    // 780 of 84 bytes fit in 65,536.
    assert_eq!((code, &report["reached"], &report["messages"]), (Some(1), &Value::from(781), &Value::from(780)));
    assert_eq!((&report["ledger"]["uplink_dropped"], &report["ledger"]["model_dropped"]), (&219.into(), &0.into()));
    assert_eq!(report["bytes"], 780 * 56);
    let notice = report["notices"][0].as_str().unwrap();
    let expected = "The queues overflowed: 219 messages were dropped, 219 of them on uplinks, unsent, and 0 on \
                    downlinks; the busiest link was used 51.2 % of the time. Leave queue= out, so that bytes wait, \
                    or raise it to queue=83916B or more.";
    assert_eq!(notice, expected);
    assert_eq!(figures(&text, "dropped, never sent")[0], "219");
    let (code, report, _) = flooded_star("up=10mbit,queue=83916B");
    assert_eq!((code, &report["ledger"]["uplink_dropped"]), (Some(0), &Value::from(0)));
}

/// A bulk that exceeds its uplinks' capacity.
fn overloaded(lines: &str, timeout: Nanos) -> RunRecord {
    run(Draft {
        transport: Some(TransportKind::Simulated),
        topology: Some(TopologySpec::ErdosRenyi),
        nodes: Some(100),
        seed: Some(7),
        ttl: Some(Ttl::Hops(255)),
        until: Some(Until::Quiescent),
        timeout: Some(timeout),
        latency: Some("20ms".parse().unwrap()),
        payload_bytes: Some(PayloadBytes::exactly(1_000)),
        orders: Some(200),
        rate: Some(Rate::per_second(1_000)),
        origins: Some(OriginsKind::Random),
        bandwidth: Some(lines.parse().unwrap()),
        ..Draft::default()
    })
}

#[test]
fn no_node_sends_more_than_its_uplink_carries() {
    for (lines, up, down) in [
        ("up=1mbit,down=100mbit", 1, 100),
        ("up=1mbit,down=100mbit,queue=64KiB", 1, 100),
        ("up=100mbit,down=1mbit", 100, 1),
        ("up=2mbit,down=1mbit,queue=20KiB", 2, 1),
    ] {
        for timeout in [Nanos::ZERO, Nanos::from_millis(300)] {
            let record = overloaded(lines, timeout);
            let carries = |mbit: u128, bytes: u64, messages: u64| {
                let bits = 8_000_000_000 * u128::from(bytes + 28 * messages);
                bits <= mbit * MBIT * u128::from(record.elapsed.0)
            };
            for node in &record.traffic {
                assert!(carries(up, node.bytes_out, node.sent), "{lines} {timeout}: {node:?}");
                assert!(carries(down, node.bytes_in, node.copies), "{lines} {timeout}: {node:?}");
            }
            let ledger = &record.ledger;
            let is_cut = timeout > Nanos::ZERO;
            assert_eq!(record.end, if is_cut { End::Timeout } else { End::Quiescent }, "{lines}");
            assert!(up == 100 || (ledger.queued_unsent > 0) == is_cut, "{lines} {ledger:?}");
            let dropped = ledger.uplink_dropped + ledger.model_dropped;
            assert_eq!(dropped > 0, lines.contains("queue"), "{lines} {ledger:?}");
            assert_eq!(
                sentences(&record).first().is_some_and(|notice| notice.starts_with("The queues overflowed")),
                dropped > 0
            );
        }
    }
}

/// Once everything that waits has been sent, every node that has the orders without narrow links has them, and the
/// queue was as long as reported.
#[test]
fn waiting_messages_arrive_in_the_end() {
    let record = overloaded("up=1mbit,down=100mbit", Nanos::ZERO);
    assert_eq!(record.reached(), overloaded("up=1gbit", Nanos::ZERO).reached());
    assert_eq!(record.ledger.sent, overloaded("up=1gbit", Nanos::ZERO).ledger.sent);
    let up = record.access_links.up.as_ref().unwrap();
    assert_eq!(up.queue_bytes, up.offered_bytes);
    assert_eq!(up.queue_drains_in.0.div_ceil(8_000), up.queue_bytes);
    assert!(up.busiest <= record.elapsed && up.busiest.0 > record.elapsed.0 / 2, "{up:?}");
}
