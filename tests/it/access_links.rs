//! Tests access links as a user sees them: a queue without a limit drops nothing, one with a limit reports its drops
//! first, no node sends or receives more than its links carry, copies share an uplink if asked to, and no order spreads
//! faster than the postal model.

use crate::command::{bulkprop, json, output};
use crate::support::{run, sentences, to_quiescence};
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Draft, OriginsKind, PayloadBytes, ProtocolKind, TransportKind, Ttl, Until};
use bulk_order_propagation::theory::postal;
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::TopologySpec;
use bulk_order_propagation::workload::Rate;
use proptest::prelude::*;
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
        ("up=1mbit,down=100mbit,share=fair", 1, 100),
        ("up=2mbit,down=1mbit,queue=20KiB,share=fair", 2, 1),
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

/// Random spreads of one order over lines.
fn spreads() -> impl Strategy<Value = (Draft, u64, u64)> {
    let network = (1..40_u32, 0..200_u64, prop::sample::select(vec!["", ",down=8mbit", ",down=1gbit", ",queue=20KiB"]));
    let overlay =
        (2..250_u32, 0..3_usize, any::<bool>(), prop_oneof![0..1_200_u32, 0..1_u32 << 21], any::<u64>(), 1..4_u32);
    (network, overlay, any::<bool>()).prop_map(|((mbit, least_ms, more), overlay, is_fair)| {
        let (nodes, protocol, is_complete, bytes, seed, threads) = overlay;
        let share = if is_fair { ",share=fair" } else { "" };
        let topology = if is_complete { TopologySpec::Complete } else { TopologySpec::ErdosRenyi };
        let draft = Draft {
            transport: Some(TransportKind::Simulated),
            topology: Some(topology),
            protocol: Some([ProtocolKind::Push, ProtocolKind::Flood, ProtocolKind::Lazy][protocol].into()),
            latency: Some(format!("uniform:{least_ms}ms..{}ms", 2 * least_ms).parse().unwrap()),
            bandwidth: Some(format!("up={mbit}mbit{more}{share}").parse().unwrap()),
            payload_bytes: Some(PayloadBytes::exactly(bytes)),
            timeout: Some(Nanos::ZERO),
            ..to_quiescence(nodes, threads.min(nodes), seed)
        };
        (draft, mbit.into(), least_ms)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// No node has the order before the postal model allows, whether copies leave one after another or share the
    /// uplink.
    #[test]
    fn no_spread_is_faster_than_the_postal_model((draft, mbit, least_ms) in spreads()) {
        let record = run(draft);
        let sending = Nanos(u64::from(record.datagram_bytes + 28) * 8_000 / mbit);
        let nodes = record.receipts.iter().count();
        let bound: Vec<u64> = postal::times(sending.0, least_ms * 1_000_000).take(nodes).collect();
        let mut times: Vec<Nanos> =
            record.receipts.iter().filter(|receipt| receipt.is_reached()).map(|receipt| receipt.time).collect();
        times.sort_unstable();
        prop_assert!(times.iter().zip(&bound).all(|(time, earliest)| time.0 >= *earliest), "{:?}\n{:?}", times, bound);
        // The times of coverage are those of the receipts at these ranks.
        for percent in [50, 95, 100] {
            let rank = (times.len() * percent).div_ceil(100) - 1;
            prop_assert!(times[rank].0 >= bound[rank]);
        }
    }
}

/// A flood from the hub of a star over its uplink.
fn flood(leaves: u32, lines: &str, bytes: u32, threads: u32) -> RunRecord {
    run(Draft {
        transport: Some(TransportKind::Simulated),
        topology: Some(TopologySpec::Star),
        protocol: Some(ProtocolKind::Flood.into()),
        latency: Some("100ms".parse().unwrap()),
        bandwidth: Some(lines.parse().unwrap()),
        payload_bytes: Some(PayloadBytes::exactly(bytes)),
        timeout: Some(Nanos::ZERO),
        ..to_quiescence(leaves + 1, threads, 7)
    })
}

/// The times at which eight leaves of a star have its hub's order, in ascending sequence.
fn times_of_leaves(lines: &str, bytes: u32, threads: u32) -> Vec<u64> {
    let record = flood(8, lines, bytes, threads);
    let leaves = record.receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop > 0);
    let mut times: Vec<u64> = leaves.map(|receipt| receipt.time.0).collect();
    times.sort_unstable();
    times
}

#[test]
fn copies_leave_one_after_another_or_all_together() {
    // 1,000 bytes of payload, 57 of order and header and 28 of UDP and IPv4 take 173.6 microseconds at 50 Mbit/s; 1
    // MiB takes 167.786 ms.
    for (bytes, each) in [(1_000, 173_600), (1 << 20, 167_785_920)] {
        for threads in [1, 2, 3, 5] {
            for down in ["", ",down=50mbit", ",down=1gbit"] {
                let serial: Vec<u64> = (1..=8).map(|k| 100_000_000 + k * each).collect();
                assert_eq!(times_of_leaves(&format!("up=50mbit{down}"), bytes, threads), serial);
                let fair = vec![100_000_000 + 8 * each; 8];
                assert_eq!(times_of_leaves(&format!("up=50mbit{down},share=fair"), bytes, threads), fair);
            }
        }
    }
    assert_eq!(format!("{:.1}", (8 * 167_785_920 + 100_000_000) as f64 / 1e6), "1442.3", "milliseconds");
}

#[test]
fn copies_that_would_leave_after_the_end_of_the_clock_never_do() {
    // 300 copies take 1,275 years at a bit a second, and the clock has 584.
    let record = flood(300, "up=1bit,share=fair", 16 << 20, 2);
    assert_eq!((record.end, record.reached(), record.ledger.queued_unsent), (End::Timeout, 1, 300));
    // Half as many share it for 4.25 years each.
    let record = flood(130, "up=1bit,share=fair", 16 << 20, 2);
    assert_eq!((record.end, record.reached(), record.ledger.queued_unsent), (End::Quiescent, 131, 0));
}

#[test]
fn a_shared_uplink_is_reported_and_replayed() {
    let (code, report, text) = flooded_star("up=10mbit,share=fair");
    assert_eq!((code, &report["reached"], &report["messages"]), (Some(0), &Value::from(1_000), &Value::from(999)));
    let up = &report["lines"]["up"];
    assert_eq!((&up["longest_queue_bytes"], &up["longest_queue_ns"]), (&(999 * 84).into(), &(999 * 67_200).into()));
    assert_eq!(report["scenario"]["bandwidth"], "up=10mbit,share=fair");
    assert!(report["replay"].as_str().unwrap().ends_with("--bandwidth 'up=10mbit,share=fair'"), "{}", report["replay"]);
    // The last copies arrive with all others after 67.1328 ms and 50 ms; only the hub has sent.
    assert_eq!(report["virtual_ns"], 999 * 67_200 + 50_000_000);
    let bits = 999 * 84 * 8;
    assert_eq!(up["used_bits_per_second"]["max"], bits * 1_000_000_000_u64 / (999 * 67_200 + 50_000_000));
    assert_eq!(up["used_bits_per_second"]["p50"], 0);
    assert_eq!(up["used_share"]["max"], up["busiest_share"]);
    assert!(text.contains("uplinks, bit/s") && text.contains("uplinks, share"), "{text}");
}

#[test]
fn a_full_queue_of_a_shared_uplink_drops_as_a_serial_one_does() {
    let (code, report, _) = flooded_star("up=10mbit,queue=64KiB,share=fair");
    assert_eq!((code, &report["reached"], &report["messages"]), (Some(1), &Value::from(781), &Value::from(780)));
    let notice = report["notices"][0].as_str().unwrap();
    assert!(notice.starts_with("The queues overflowed: 219 messages were dropped"), "{notice}");
    assert!(notice.ends_with("raise it to queue=83916B or more."), "{notice}");
    assert_eq!(report["notice_codes"][0], "queues-overflowed");
    let (code, report, _) = flooded_star("up=10mbit,queue=83916B,share=fair");
    assert_eq!((code, &report["ledger"]["uplink_dropped"]), (Some(0), &Value::from(0)));
}

#[test]
fn orders_that_come_faster_than_uplinks_carry_them_are_reported() {
    // 8 copies of 84 bytes take an uplink of 1 Mbit/s for 5.376 ms, and 186 orders a second leave it 5.3763 ms.
    let line = "--transport simulated --nodes 100 --bandwidth up=1Mbit --orders 200 --arrivals constant --latency 20ms \
                --until quiescent --seed 7 --format json --rate";
    for (rate, said) in [
        (
            "1000/s",
            Some(
                "Orders came faster than the access links carried them: while they were published, 100 of 100 uplinks \
                 were offered more than their rate, the busiest at least 5.38 times as much. Messages wait longer with \
                 each order, so the delays depend on the number of orders. Lower --rate to 186/s, or raise --bandwidth \
                 up= that many times.",
            ),
        ),
        ("186/s", None),
    ] {
        let report = json(&format!("{line} {rate}"));
        let notices = report["notice_codes"].as_array().unwrap().iter().zip(report["notices"].as_array().unwrap());
        let found = notices.filter(|(code, _)| *code == "links-overloaded").map(|(_, said)| said.as_str().unwrap());
        assert_eq!(found.collect::<Vec<_>>(), said.into_iter().collect::<Vec<_>>(), "{rate}");
    }
}

#[test]
fn a_share_that_cannot_be_is_refused_by_name() {
    for (line, said) in [
        ("--transport simulated --bandwidth up=1Mbit,share=tcp", "share is `tcp`; write share=serial"),
        (
            "--transport simulated --bandwidth down=1Mbit,share=fair",
            "share=fair is about the uplink, which has no rate; add up=RATE, or name a --place file",
        ),
        ("--transport simulated --bandwidth share=fair", "--bandwidth share=fair: share=fair is about the uplink"),
        ("--transport simulated --bandwidth queue=64KiB", "--bandwidth queue=64KiB: no access link has a rate"),
        ("--transport memory --bandwidth up=1Mbit,share=fair", "--bandwidth"),
        ("--transport simulated --engine fast --bandwidth up=1Mbit,share=fair", "--engine fast"),
    ] {
        let (code, _, stderr) = output(&mut bulkprop(line.split(' ')));
        assert!(code == Some(2) && stderr.contains(said), "{line}: {code:?} {stderr}");
    }
}
