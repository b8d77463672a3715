//! Turbine on every carrier: each node gets each shred once, any 32 of a set bring its data, and what is lost on the
//! way to a node decides by the binomial distribution whether it gets the order.

use crate::support::{carriers, covered, mean_and_error, real_carriers, run, to_quiescence};
use bulk_order_propagation::parts::OrderCut;
use bulk_order_propagation::record::{End, Notice, PartCounts, RunRecord};
use bulk_order_propagation::scenario::{Draft, OriginsKind, PayloadBytes, TransportKind, Until};
use bulk_order_propagation::wire::{order_bytes, part_bytes};

/// A run of one order in virtual time in which a message takes 5 ms.
fn turbine(knobs: &str, payload: u32, nodes: u32, threads: u32, seed: u64) -> Draft {
    Draft {
        protocol: Some(format!("turbine{knobs}").parse().unwrap()),
        transport: Some(TransportKind::Simulated),
        latency: Some("5ms".parse().unwrap()),
        payload_bytes: Some(PayloadBytes::exactly(payload)),
        ..to_quiescence(nodes, threads, seed)
    }
}

/// The parts of a record, which are all of its messages.
fn parts(record: &RunRecord) -> PartCounts {
    let parts = record.parts();
    assert_eq!((parts.sent, record.payload_messages(), record.control_messages()), (record.ledger.sent, 0, 0));
    assert_eq!(record.ledger.parts.unwrap_or_default(), parts);
    parts
}

/// The parts of an order without losses: every node but the origin gets each once, and needs the data's number.
fn lossless(payload: u32, nodes: u32) -> PartCounts {
    let cut = OrderCut { body_bytes: 964, data: 32, coding: 32 };
    let (others, bytes) = (u64::from(nodes) - 1, order_bytes(payload));
    let (all, data) = (u64::from(cut.parts(bytes)), u64::from(cut.data_parts(bytes)));
    PartCounts {
        sent: others * all,
        bytes: others * all * u64::from(part_bytes(964)),
        received: others * all,
        useful: others * data,
        late: others * (all - data),
        recovered: others,
    }
}

/// Row 4: each shred takes N - 1 messages; up to 40,201 nodes an order is there after the root and two hops; the origin
/// sends each shred once, and a node sends it to 200 others at most.
#[test]
fn every_node_gets_each_shred_once_within_three_hops() {
    for (nodes, payload, hops) in [(1, 100, 0), (2, 100, 1), (150, 40_000, 2), (5_000, 900, 3), (40_202, 10, 3)] {
        let record = run(turbine("", payload, nodes, nodes.min(2), 3));
        assert_eq!((record.end, record.reached()), (End::Quiescent, u64::from(nodes)));
        assert_eq!(parts(&record), lossless(payload, nodes), "{nodes} nodes");
        let last = record.receipts.iter().map(|receipt| receipt.hop).max().unwrap();
        assert_eq!(last, hops, "{nodes} nodes");
        let shreds = lossless(payload, 2).sent;
        let bytes = shreds * u64::from(part_bytes(964));
        let origin = record.traffic[0];
        assert_eq!((origin.bytes_in, origin.bytes_out), (0, if nodes > 1 { bytes } else { 0 }));
        let others = &record.traffic[1..];
        assert!(others.iter().all(|node| node.bytes_in == bytes && node.bytes_out <= 200 * bytes));
    }
}

/// Without losses the counts of parts depend on no carrier and no thread. On a real one the bodies are there, each set
/// is decoded, and the bytes are those of the order.
#[test]
fn every_carrier_carries_the_parts_of_virtual_time() {
    for (payload, nodes, knobs) in [(100, 40, ""), (100_000, 25, ",fanout=3"), (2_000, 25, ",stake=pareto:0.8")] {
        for transport in carriers() {
            for threads in [1, 2] {
                let latency = if transport.is_virtual() { "5ms".parse().ok() } else { None };
                // A buffer that holds what comes at a time, so that the kernel drops nothing.
                let receive_buffer = [TransportKind::Udp, TransportKind::UdpShard].contains(&transport);
                let receive_buffer = receive_buffer.then_some(4 << 20);
                let draft = turbine(knobs, payload, nodes, threads, 5);
                let record = run(Draft { transport: Some(transport), latency, receive_buffer, ..draft });
                let said = format!("{transport:?}, {threads} threads, {payload} bytes");
                assert_eq!((record.end, record.reached()), (End::Quiescent, u64::from(nodes)), "{said}");
                if record.ledger.kernel_dropped != Some(0) {
                    continue;
                }
                let expected = lossless(payload, nodes);
                let bytes = if transport == TransportKind::Memory { 0 } else { expected.bytes };
                assert_eq!(parts(&record), PartCounts { bytes, ..expected }, "{said}");
                let longest = if transport == TransportKind::Memory { 0 } else { part_bytes(964) };
                assert_eq!(record.datagram_bytes, longest, "{said}");
            }
        }
    }
}

/// An order of a mebibyte goes over sockets in 34 sets, where one of 1,400 bytes is the longest in a datagram.
#[test]
fn an_order_of_a_mebibyte_crosses_real_carriers() {
    for transport in real_carriers() {
        // One thread reads what it has sent, so that no socket overflows.
        let draft = turbine("", 1 << 20, 5, 1, 8);
        let record = run(Draft { transport: Some(transport), latency: None, until: Some(Until::Target), ..draft });
        assert_eq!(record.reached(), 5, "{transport:?}: {:?}", record.ledger);
        assert!(parts(&record).useful >= 4 * 1_088, "{transport:?}");
        let is_weightless = record.notices.iter().any(|notice| matches!(notice, Notice::SizeUnmet { .. }));
        let is_in_memory = transport == TransportKind::Memory;
        let bytes = if is_in_memory { 0 } else { part_bytes(964) };
        assert_eq!((record.datagram_bytes, is_weightless), (bytes, is_in_memory), "{transport:?}");
    }
}

#[test]
fn virtual_time_is_the_same_on_any_number_of_threads() {
    for knobs in [",fanout=4", ",fanout=5,data-shreds=6,coding-shreds=4,stake=pareto:1.2"] {
        let draft = |threads| Draft {
            orders: Some(12),
            rate: "20/s".parse().ok(),
            origins: Some(OriginsKind::Random),
            payload_bytes: PayloadBytes::new(0, 60_000),
            latency: "uniform:1ms..40ms".parse().ok(),
            loss: "0.08".parse().ok(),
            duplicate: "0.02".parse().ok(),
            ..turbine(knobs, 0, 120, threads, 8)
        };
        let outcome = |record: &RunRecord| (record.digest, covered(record), parts(record), record.traffic.clone());
        let one = run(draft(1));
        assert_eq!(one.end, End::Quiescent);
        assert!(one.digest.is_some() && parts(&one).late > 0);
        for threads in [2, 3, 5] {
            assert!(outcome(&run(draft(threads))) == outcome(&one), "{threads} threads, {knobs}");
        }
    }
}

/// Row 5: an order of one set of 32 and 32 shreds, each of which a node loses with this chance on its whole path,
/// stays away from it with the chance of fewer than 32 successes in 64.
#[test]
fn losses_leave_nodes_out_by_the_binomial_distribution() {
    for (lost, published) in [(0.35_f64, 0.0048), (0.40, 0.040), (0.45, 0.176)] {
        let fewer = |arrives: f64| {
            let mut chance = (1.0 - arrives).powi(64);
            let mut sum = 0.0;
            for count in 0..32 {
                sum += chance;
                chance *= arrives / (1.0 - arrives) * f64::from(64 - count) / f64::from(count + 1);
            }
            sum
        };
        assert!((fewer(1.0 - lost) / published - 1.0).abs() < 0.02, "{}", fewer(1.0 - lost));
        // Of 200 nodes one is the root of a shred, one message away, and the others are two away.
        let per_message = 1.0 - (1.0 - lost).sqrt();
        let arrives = (1.0 - per_message) / 200.0 + (1.0 - per_message).powi(2) * 199.0 / 200.0;
        let missed: Vec<f64> = (0..60)
            .map(|seed| {
                let loss = format!("{per_message:.9}").parse().ok();
                let record = run(Draft { loss, ..turbine("", 30_000, 201, 1, seed) });
                (201 - record.reached()) as f64 / 200.0
            })
            .collect();
        let ((mean, error), expected) = (mean_and_error(&missed), fewer(arrives));
        // A normal 99 % interval, widened for the few seeds; nodes of a run share the fate of roots.
        assert!((mean - expected).abs() < 3.0 * error, "{lost}: {mean} ± {error}, expected {expected}");
    }
}

/// Stakes from a file: nodes with stake are all within one hop of the root, because they come first.
#[test]
fn listed_stakes_decide_who_is_near_the_root() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines: Vec<String> = (100..120).map(|node| format!("{node},{}", node * node)).collect();
    std::fs::write(file.path(), format!("node,stake\n{}\n", lines.join("\n"))).unwrap();
    let stakes = Some(file.path().to_str().unwrap().to_owned());
    let record = run(Draft { stakes, ..turbine(",fanout=20", 20_000, 400, 2, 2) });
    assert_eq!(record.reached(), 400);
    // The root and the 20 nodes below it send on; only 20 have stake, and one without it is among them.
    let senders = record.traffic[1..].iter().filter(|node| node.bytes_out > 0).count();
    let staked: u64 = (100..120).map(|node| record.traffic[node].bytes_out).sum();
    let all: u64 = record.traffic[1..].iter().map(|node| node.bytes_out).sum();
    assert!(senders > 20 && staked as f64 > 0.94 * all as f64, "{senders} senders, {staked} of {all}");
}

/// More stake brings a node nearer to the root: with very uneven stakes few nodes send most of the shreds.
#[test]
fn nodes_with_stake_send_more() {
    let uploads = |knobs: &str| {
        let record = run(turbine(knobs, 20_000, 400, 1, 2));
        assert_eq!(record.reached(), 400);
        let mut sent: Vec<u64> = record.traffic[1..].iter().map(|node| node.bytes_out).collect();
        sent.sort_unstable();
        sent[399 - 10..].iter().sum::<u64>() as f64 / sent.iter().sum::<u64>() as f64
    };
    let (equal, uneven) = (uploads(",fanout=20"), uploads(",fanout=20,stake=pareto:0.5"));
    assert!(uneven > 2.0 * equal, "{uneven} of {equal}");
}
