//! Tests orders of any size: what each carrier carries, what is counted of an order that no datagram holds, and how
//! long its copies take on access links.

use crate::command::{bulkprop, output};
use crate::support::{carriers, run, to_quiescence};
use bulk_order_propagation::order::{DATAGRAM_PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX, generated_bytes};
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::scenario::{Choice, Draft, Engine, PayloadBytes, ProtocolKind, TransportKind};
use bulk_order_propagation::theory::postal;
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::TopologySpec;
use bulk_order_propagation::wire::HEADER_BYTES;
use std::fs;
use tempfile::TempDir;

const MIB: usize = 1 << 20;

/// Bytes of the headers of IP and UDP, which an access link carries beside a message.
const DATAGRAM_HEADERS: u64 = 28;

/// Bytes of a message with a payload of this length, as UDP payload.
fn message_bytes(payload: usize) -> u64 {
    (HEADER_BYTES + generated_bytes(payload)) as u64
}

/// Time that a link of so many megabits a second takes for a message with this payload, headers included.
fn transmission(payload: usize, mbit: u64) -> Nanos {
    Nanos(((message_bytes(payload) + DATAGRAM_HEADERS) * 8_000).div_ceil(mbit))
}

fn payload(bytes: usize) -> Option<PayloadBytes> {
    Some(PayloadBytes::exactly(bytes as u32))
}

fn simulated(draft: Draft) -> Draft {
    Draft { transport: Some(TransportKind::Simulated), ..draft }
}

/// Times of all first receipts, in ascending sequence.
fn times(record: &RunRecord) -> Vec<Nanos> {
    let mut times: Vec<_> = record.receipts.iter().filter(|one| one.is_reached()).map(|one| one.time).collect();
    times.sort_unstable();
    times
}

/// A flood from the hub of a star over its uplink.
fn flooded_star(leaves: u32, bandwidth: &str, bytes: usize, threads: u32) -> RunRecord {
    run(simulated(Draft {
        topology: Some(TopologySpec::Star),
        protocol: Some(ProtocolKind::Flood.into()),
        latency: Some("100ms".parse().unwrap()),
        bandwidth: Some(bandwidth.parse().unwrap()),
        payload_bytes: payload(bytes),
        timeout: Some(Nanos::ZERO),
        ..to_quiescence(leaves + 1, threads, 7)
    }))
}

#[test]
fn copies_of_a_mebibyte_leave_a_hub_one_after_the_other() {
    for threads in [1, 2, 3] {
        for bandwidth in ["up=50mbit", "up=50mbit,down=50mbit", "up=50mbit,down=1gbit"] {
            let record = flooded_star(8, bandwidth, MIB, threads);
            // One header for the whole order: 1,048,576 bytes of payload, 58 of order and header, 28 of UDP and IP.
            let each = 167_785_920;
            assert_eq!(transmission(MIB, 50), Nanos(each));
            let expected: Vec<Nanos> =
                (0..=8).map(|k| Nanos(if k == 0 { 0 } else { k * each + 100_000_000 })).collect();
            assert_eq!(times(&record), expected, "{bandwidth}, {threads} threads");
            assert_eq!((record.ledger.sent, record.datagram_bytes), (8, 1_048_634));
            assert_eq!(record.traffic[0].bytes_out, 8 * 1_048_634);
        }
    }
    let shown: Vec<String> = [1, 2, 8].map(|k| format!("{:.1}", (k * 167_785_920 + 100_000_000) as f64 / 1e6)).into();
    assert_eq!(shown, ["267.8", "435.6", "1442.3"], "milliseconds");
}

#[test]
fn the_longest_order_takes_hours_on_a_slow_link() {
    // 16 MiB at a kilobit a second are 37 hours, and at a bit a second more than four years.
    for (bandwidth, bits) in [("up=1kbit", 1_000), ("up=1bit", 1)] {
        let record = flooded_star(3, bandwidth, PAYLOAD_BYTES_MAX, 1);
        let each = (message_bytes(PAYLOAD_BYTES_MAX) + DATAGRAM_HEADERS) * 8_000_000_000 / bits;
        let expected: Vec<Nanos> = (0..=3).map(|k| Nanos(if k == 0 { 0 } else { k * each + 100_000_000 })).collect();
        assert_eq!(times(&record), expected, "{bandwidth}");
    }
}

#[test]
fn without_access_links_a_size_changes_bytes_and_nothing_else() {
    for engine in [Engine::Auto, Engine::General, Engine::Fast] {
        for latency in ["50ms", "uniform:10ms..90ms"] {
            let with = |bytes| {
                run(simulated(Draft {
                    payload_bytes: payload(bytes),
                    engine: Some(engine),
                    latency: Some(latency.parse().unwrap()),
                    ..to_quiescence(3_000, 2, 5)
                }))
            };
            let (least, most) = (with(0), with(PAYLOAD_BYTES_MAX));
            assert_eq!((least.digest, &least.ledger), (most.digest, &most.ledger), "{engine:?} {latency}");
            for (record, payload) in [(&least, 0), (&most, PAYLOAD_BYTES_MAX)] {
                for node in &record.traffic {
                    assert_eq!(node.bytes_out, node.sent * message_bytes(payload), "{engine:?} {latency}");
                    assert_eq!(node.bytes_in, node.copies * message_bytes(payload), "{engine:?} {latency}");
                }
            }
        }
    }
}

#[test]
fn sums_of_bytes_do_not_overflow() {
    // Two million copies of 16 MiB, 23 GB of them at each node.
    let draft = simulated(Draft {
        topology: Some(TopologySpec::Complete),
        protocol: Some(ProtocolKind::Flood.into()),
        payload_bytes: payload(PAYLOAD_BYTES_MAX),
        ..to_quiescence(1_400, 1, 5)
    });
    let record = run(draft);
    let bytes = |sum: u64, messages: u64| assert_eq!(sum, messages * message_bytes(PAYLOAD_BYTES_MAX));
    bytes(record.traffic.iter().map(|node| node.bytes_out).sum(), record.ledger.sent);
    bytes(record.traffic.iter().map(|node| node.bytes_in).sum(), record.ledger.received);
    // All had the order from node 0, so none sends it there.
    assert_eq!(record.ledger.sent, 1_399 + 1_399 * 1_398);
    assert!(record.traffic[1..].iter().all(|node| node.bytes_in > u64::from(u32::MAX)));
    // So many nodes that the traffic of each is not kept: the sum is a product.
    let line = "--transport simulated --topology complete --nodes 10000000 --ttl 12 --seed 5 --payload-bytes 16MiB";
    let (code, stdout, stderr) = output(bulkprop(line.split(' ')).args(["--format", "json"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let messages = report["messages"].as_u64().unwrap();
    assert!(messages > 10_000_000);
    assert_eq!(report["bytes"].as_u64(), Some(messages * message_bytes(PAYLOAD_BYTES_MAX)));
}

#[test]
fn each_carrier_takes_what_it_carries_and_refuses_one_byte_more() {
    for transport in carriers() {
        let most = transport.traits().payload_bytes_max as usize;
        let has_datagrams = transport.traits().socket_owner.is_some();
        assert_eq!(most, if has_datagrams { DATAGRAM_PAYLOAD_BYTES_MAX } else { PAYLOAD_BYTES_MAX });
        for bytes in [1, DATAGRAM_PAYLOAD_BYTES_MAX, DATAGRAM_PAYLOAD_BYTES_MAX + 1, 64 << 10, MIB, PAYLOAD_BYTES_MAX] {
            let draft = Draft { transport: Some(transport), payload_bytes: payload(bytes), ..to_quiescence(40, 2, 5) };
            if bytes > most {
                let error = draft.build().unwrap_err().to_string();
                let start = format!("--payload-bytes {bytes} with --transport {}: there push sends", transport.name());
                let parts = if bytes > MIB { "" } else { "--protocol turbine, which cuts orders into parts, or " };
                let remedy = format!("--payload-bytes 1399, or choose {parts}--transport memory or simulated");
                assert!(error.starts_with(&start) && error.ends_with(&remedy), "{error}");
                continue;
            }
            let record = run(draft);
            assert_eq!(record.reached(), 40, "{transport:?} {bytes}");
            let counts_bytes = transport != TransportKind::Memory;
            let each = if counts_bytes { message_bytes(bytes) } else { 0 };
            assert_eq!(u64::from(record.datagram_bytes), each, "{transport:?} {bytes}");
            assert!(record.traffic.iter().all(|node| node.bytes_out == node.sent * each), "{transport:?} {bytes}");
        }
    }
}

#[test]
fn a_charge_for_serialization_counts_and_checks_every_byte() {
    for (bytes, threads) in [(0, 1), (DATAGRAM_PAYLOAD_BYTES_MAX, 2), (64 << 10, 3), (MIB, 2), (PAYLOAD_BYTES_MAX, 2)] {
        let record = run(Draft {
            transport: Some(TransportKind::Memory),
            charge_serialization: Some(true),
            payload_bytes: payload(bytes),
            ..to_quiescence(40, threads, 5)
        });
        // A first copy that does not decode to its order would be a stray, and its node would not be reached.
        assert_eq!((record.reached(), record.ledger.strays.total()), (40, 0), "{bytes}");
        assert_eq!(u64::from(record.datagram_bytes), message_bytes(bytes));
        for node in &record.traffic {
            assert_eq!(node.bytes_out, node.sent * message_bytes(bytes), "{bytes}");
            assert_eq!(node.bytes_in, node.copies * message_bytes(bytes), "{bytes}");
        }
    }
}

#[test]
fn a_list_of_publications_has_the_same_limits_with_its_line() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sizes.csv");
    fs::write(&path, "time,origin,bytes\n0s,1,1399\n1ms,2,1MiB\n2ms,1,1400\n").unwrap();
    for transport in carriers() {
        let publications = Some(path.to_str().unwrap().to_owned());
        let draft = Draft { transport: Some(transport), publications, ..to_quiescence(40, 2, 5) };
        if transport.traits().socket_owner.is_some() {
            let error = draft.build().unwrap_err().to_string();
            assert!(
                error.contains("sizes.csv, line 3: a payload of 1048576 bytes: there push sends an order"),
                "{error}"
            );
            let remedy = "list smaller orders, or choose --protocol turbine, which cuts orders into parts, or \
                          --transport memory or simulated";
            assert!(error.ends_with(remedy), "{error}");
            continue;
        }
        let record = run(draft);
        let orders = &record.bulk.as_ref().unwrap().orders;
        assert_eq!(orders.iter().map(|order| order.payload_bytes).collect::<Vec<_>>(), [1_399, 1 << 20, 1_400]);
        if transport.is_virtual() {
            let bytes: u64 = record.traffic.iter().map(|node| node.bytes_out).sum();
            let expected = orders.iter().map(|order| order.sent * message_bytes(order.payload_bytes as usize));
            assert_eq!(bytes, expected.sum::<u64>());
        }
    }
    fs::write(&path, "time,origin,bytes\n0s,1,16777217\n").unwrap();
    let line = format!("--transport memory --publications {}", path.display());
    let (code, _, stderr) = output(&mut bulkprop(line.split(' ')));
    assert!(code == Some(2) && stderr.contains("line 2: `16777217` is no size of a payload, write 0 to 16777216"));
}

#[test]
fn no_spread_is_faster_than_the_postal_model() {
    let sends = |topology: TopologySpec, protocol, bytes, seed| {
        run(simulated(Draft {
            topology: Some(topology),
            protocol: Some(protocol),
            latency: Some("uniform:20ms..90ms".parse().unwrap()),
            bandwidth: Some("up=50mbit,down=200mbit".parse().unwrap()),
            payload_bytes: payload(bytes),
            timeout: Some(Nanos::ZERO),
            ..to_quiescence(300, 2, seed)
        }))
    };
    for bytes in [0, 64 << 10, MIB, PAYLOAD_BYTES_MAX] {
        for (topology, protocol) in [
            (TopologySpec::ErdosRenyi, ProtocolKind::Push),
            (TopologySpec::Complete, ProtocolKind::Push),
            (TopologySpec::ErdosRenyi, ProtocolKind::Flood),
            (TopologySpec::Star, ProtocolKind::Flood),
            (TopologySpec::ErdosRenyi, ProtocolKind::Lazy),
        ] {
            let record = sends(topology.clone(), protocol.into(), bytes, 11);
            let bound = postal::times(transmission(bytes, 50).0, Nanos::from_millis(20).0);
            let times = times(&record);
            assert!(times.len() > 290, "{topology} {protocol:?}");
            let is_held = times.iter().zip(bound).all(|(time, earliest)| time.0 >= earliest);
            assert!(is_held, "{topology} {protocol:?} {bytes}");
        }
    }
}

#[test]
fn a_copy_that_would_arrive_after_the_end_of_the_clock_never_does() {
    // A copy takes 4.25 years at a bit a second, so that the 137th leaves in the 583rd year, and the clock has 584.
    let record = flooded_star(300, "up=1bit", PAYLOAD_BYTES_MAX, 1);
    assert_eq!((record.end, record.reached(), record.ledger.queued_unsent), (End::Timeout, 138, 163));
    let times = times(&record);
    assert!(times.is_sorted() && *times.last().unwrap() <= record.elapsed && record.elapsed < Nanos::MAX);
}

/// The notices that a run of these options has about sizes.
fn notices_about_size(options: &str) -> (Vec<String>, RunRecord) {
    let toml: String = options.split(' ').map(|option| option.replacen('=', " = '", 1) + "'\n").collect();
    let record = run(Draft { nodes: Some(100), seed: Some(7), ..Draft::from_toml(&toml).unwrap() });
    let codes = ["retry-early", "size-unmet", "target-too-late"];
    let about_size = record.notices.iter().filter(|notice| codes.contains(&notice.code()));
    (about_size.map(ToString::to_string).collect(), record)
}

#[test]
fn a_size_that_takes_no_time_is_reported() {
    for (options, said) in [
        ("transport=simulated payload-bytes=1399", None),
        ("transport=simulated payload-bytes=1400 bandwidth=down=1Gbit", None),
        ("transport=memory payload-bytes=0..1399", None),
        ("transport=memory payload-bytes=1MiB charge-serialization=true", None),
        (
            "transport=simulated payload-bytes=1400",
            Some(
                "Orders with up to 1,400 bytes of payload took no longer than empty ones: no node has an access link \
                 with a rate, so size costs bytes and no time. Ask for --bandwidth up=RATE,down=RATE to have it take \
                 time.",
            ),
        ),
        (
            "transport=memory payload-bytes=16MiB",
            Some(
                "Orders with up to 16,777,216 bytes of payload took no longer than empty ones: a message in memory \
                 names its order, whose bytes lie there once and are not copied. Ask for --charge-serialization to \
                 count them, and to read them at each node.",
            ),
        ),
    ] {
        let (notices, _) = notices_about_size(options);
        assert_eq!(notices, said.into_iter().collect::<Vec<_>>(), "{options}");
    }
}

#[test]
fn the_retry_time_that_is_advised_prevents_second_copies() {
    let lazy = "transport=simulated protocol=lazy until=quiescent timeout=0 payload-bytes=16MiB bandwidth=up=50Mbit";
    // By default a node waits for that long from the start.
    let (notices, record) = notices_about_size(lazy);
    assert_eq!((notices, record.reached(), record.payload_messages()), (Vec::new(), 100, 99));
    let (notices, record) = notices_about_size(&format!("{lazy} retry=500ms"));
    // The announcements of a node go to 8 peers, and 16 MiB take 50 Mbit/s for 2.684 s.
    let expected = "--retry 500ms: an order with 16,777,216 bytes of payload takes the slowest uplink 2.684 s, and the \
                    8 copies that a node may be asked for take it 21.475 s. Nodes that wait longer than --retry ask \
                    others as well, and get the order more than once. Raise it, as to --retry 22s.";
    assert_eq!(notices, [expected]);
    assert!(record.payload_messages() > 2 * record.reached(), "{}", record.payload_messages());
    let (notices, record) = notices_about_size(&format!("{lazy} retry=22s"));
    assert_eq!((notices, record.reached(), record.payload_messages()), (Vec::new(), 100, 99));
}

#[test]
fn a_time_limit_too_short_for_the_links_is_foreseen() {
    // A ring of 100 nodes: 50 hops of 50 ms and the 167.786 ms that 1 MiB takes at 50 Mbit/s.
    let ring = "transport=simulated topology=ring ttl=255 target=1 protocol=flood payload-bytes=1MiB";
    for (bandwidth, hop) in [("up=50Mbit", "217.786 ms"), ("up=1Gbit,down=50Mbit", "217.786 ms"), ("up=1Gbit", "")] {
        let (notices, record) = notices_about_size(&format!("{ring} bandwidth={bandwidth} timeout=10s"));
        assert_eq!(notices.is_empty(), hop.is_empty(), "{notices:?}");
        assert!(notices.iter().all(|notice| notice.contains(&format!("a hop takes {hop} at least"))), "{notices:?}");
        assert_eq!(record.end == End::Timeout, !hop.is_empty(), "{bandwidth}");
    }
    let (notices, record) = notices_about_size(&format!("{ring} bandwidth=up=50Mbit timeout=11s"));
    assert_eq!((notices.len(), record.end), (0, End::Target));
    assert_eq!(times(&record).last(), Some(&Nanos(50 * (transmission(MIB, 50).0 + 50_000_000))));
}

#[test]
fn a_time_limit_too_short_for_the_uplinks_is_foreseen() {
    // 16 MiB take 5 Mbit/s for 26.844 s: in a minute node 0 sends two copies, and the first receiver one. After 7 times
    // that, 99 of 128 nodes can have it over 4 hops of 50 ms or fewer, and 64 over 3.
    assert_eq!(7 * transmission(PAYLOAD_BYTES_MAX, 5).0 / 1_000_000 + 4 * 50, 188_105);
    let block = "transport=simulated payload-bytes=16MiB topology=complete";
    let (notices, record) = notices_about_size(&format!("{block} bandwidth=up=5Mbit"));
    let expected = "The target cannot be reached in time: a copy takes an uplink 26.844 s at least, and nodes that \
                    send one after the other give an order to at most 4 nodes within 60.000 s, where 95 make 95 %; ask \
                    for more than --timeout 188105ms, a greater --bandwidth or smaller orders.";
    assert_eq!(notices, [expected]);
    assert_eq!((record.end, record.reached()), (End::Timeout, 4));
    // The downlink ends later, and the latency counts: the first receiver has no time to send.
    let (notices, record) = notices_about_size(&format!("{block} bandwidth=up=5Mbit,down=4.9Mbit latency=10s"));
    assert!(notices[0].contains("at most 2 nodes within 60.000 s"), "{notices:?}");
    assert!(record.reached() <= 2);
    for bandwidth in ["up=1Gbit", "down=5Mbit"] {
        let (notices, _) = notices_about_size(&format!("{block} bandwidth={bandwidth}"));
        assert!(notices.iter().all(|notice| !notice.contains("uplink")), "{bandwidth}: {notices:?}");
    }
}
