//! Tests `--latency ...,ordered`: message by message, in the traces of runs in virtual time.

use crate::command::{bulkprop, json, output};
use crate::support::{run, to_quiescence};
use bulk_order_propagation::scenario::{Draft, Engine, ProtocolKind, TransportKind};
use std::collections::BTreeMap;
use std::fs;
use tempfile::TempDir;

/// A message that was received: times of sending and of its receipt, its number among those of its sender, and its
/// order.
struct Received {
    sent: u64,
    arrived: u64,
    sequence: u64,
    order: u64,
}

/// The trace of a command line in virtual time.
fn trace(line: &str) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("trace.csv");
    let line = format!("--transport simulated --until quiescent --timeout 600s --seed 7 {line}");
    let (code, _, stderr) = output(bulkprop(line.split_whitespace()).arg("--trace").arg(&path));
    assert!(matches!(code, Some(0 | 1)), "{line}: {stderr}");
    fs::read_to_string(path).unwrap()
}

/// The messages of each directed link that were received, in the order in which they were.
fn by_link(trace: &str) -> BTreeMap<(u64, u64), Vec<Received>> {
    let mut links = BTreeMap::<_, Vec<Received>>::new();
    for line in trace.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        if ["delivered", "duplicate", "expired"].contains(&fields[8]) {
            let number = |place: usize| fields[place].parse::<u64>().unwrap_or(u64::MAX);
            let [sent, arrived, from, to, order, sequence] = [0, 1, 2, 3, 4, 9].map(number);
            links.entry((from, to)).or_default().push(Received { sent, arrived, sequence, order });
        }
    }
    links
}

/// The number of messages that were received after one that left later on the same link.
fn overtaken(trace: &str) -> usize {
    let links = by_link(trace);
    let pairs = links.values().flat_map(|messages| messages.windows(2));
    pairs.filter(|pair| pair[0].sequence > pair[1].sequence).count()
}

const OVERLAYS: [&str; 4] = [
    "--nodes 60 --topology random-regular --peers 6",
    "--nodes 24 --topology complete",
    "--nodes 60 --topology regular-implicit --peers 6",
    "--nodes 25 --topology grid",
];

const LATENCIES: [&str; 4] =
    ["exponential:30ms,min=1ms", "pareto:2ms,0.6", "uniform:0ms..80ms", "link:uniform:5ms..9ms+exponential:20ms"];

const OTHERS: [&str; 4] = [
    "--orders 12 --rate 500/s",
    "--orders 12 --rate 500/s --duplicate 30% --loss 10%",
    "--orders 9 --rate 300/s --payload-bytes 0..900 --bandwidth up=2Mbit,down=1Mbit --processing 300us",
    "--orders 12 --rate 2000/s --origins random --adversary delay:20%,by=40ms",
];

#[test]
fn no_message_overtakes_another_on_an_ordered_link() {
    let mut overtaking = 0;
    let mut scenarios = 0;
    for (place, overlay) in OVERLAYS.iter().enumerate() {
        for (number, latency) in LATENCIES.iter().enumerate() {
            let protocol = ["push", "flood", "lazy --announce-interval 10ms"][(place + number) % 3];
            let other = OTHERS[(place + 2 * number + place * number) % OTHERS.len()];
            let line =
                |rest: &str| format!("{overlay} --protocol {protocol} {other} --ttl 30 --latency {latency}{rest}");
            let whole = trace(&line(",ordered --threads 1"));
            assert_eq!(overtaken(&whole), 0, "{}", line(",ordered"));
            assert!(whole.lines().count() > 200, "{}", line(",ordered"));
            for threads in [2, 3, 5] {
                assert!(trace(&line(&format!(",ordered --threads {threads}"))) == whole, "{} on {threads}", line(""));
            }
            overtaking += usize::from(overtaken(&trace(&line(" --threads 1"))) > 0);
            scenarios += 1;
        }
    }
    // Else the test would hold of any links.
    assert!(4 * overtaking > 3 * scenarios, "without order, {overtaking} of {scenarios} scenarios show overtaking");
}

/// The regions keep their latencies, and the links between them the order.
#[test]
fn links_between_regions_keep_order_too() {
    let line = "--nodes 60 --network aws33 --orders 40 --rate 2000/s --protocol flood --threads 2";
    assert_eq!(overtaken(&trace(&format!("{line} --latency ordered"))), 0);
    assert!(overtaken(&trace(line)) > 0);
}

/// The latency of a message is keyed by its order and its ends, so that a run without order shows what was drawn.
#[test]
fn a_message_arrives_with_its_own_draw_or_with_the_message_before_it() {
    for overlay in OVERLAYS {
        for latency in ["exponential:30ms,min=1ms", "pareto:2ms,0.6"] {
            let line = format!("{overlay} --orders 20 --rate 400/s --ttl 255 --threads 2 --latency {latency}");
            let drawn: BTreeMap<(u64, u64, u64), u64> = by_link(&trace(&line))
                .into_iter()
                .flat_map(|((from, to), messages)| {
                    messages.into_iter().map(move |one| ((one.order, from, to), one.arrived - one.sent))
                })
                .collect();
            let mut held_up = 0;
            for ((from, to), messages) in by_link(&trace(&format!("{line},ordered"))) {
                let mut last = 0;
                for Received { sent, arrived, order, .. } in messages {
                    let alone = sent + drawn[&(order, from, to)];
                    assert_eq!(arrived, alone.max(last), "{line}: order {order} from {from} to {to}");
                    held_up += u32::from(arrived > alone);
                    last = arrived;
                }
            }
            assert!(held_up > 50, "{line}: {held_up} messages were held up");
        }
    }
}

#[test]
fn order_changes_nothing_where_nothing_overtakes() {
    for (protocol, rest) in
        [("push", "--bandwidth up=2Mbit,down=3Mbit"), ("lazy", "--loss 10%"), ("flood", "--duplicate 20%")]
    {
        let line =
            format!("--nodes 60 --protocol {protocol} --orders 20 --rate 400/s --threads 2 {rest} --latency 30ms");
        assert!(trace(&line) == trace(&format!("{line},ordered")), "{line}");
    }
}

/// A link carries an only order of push or flood once, so that the engines that know of no other messages are right.
#[test]
fn one_order_is_the_same_by_every_engine_with_order_and_without() {
    for protocol in [ProtocolKind::Push, ProtocolKind::Flood] {
        for latency in ["50ms", "exponential:30ms,min=1ms", "pareto:2ms,0.6"] {
            let digest = |rest: &str, engine: Engine, threads: u32| {
                let draft = Draft {
                    transport: Some(TransportKind::Simulated),
                    protocol: Some(protocol.into()),
                    engine: Some(engine),
                    latency: format!("{latency}{rest}").parse().ok(),
                    ..to_quiescence(500, threads, 5)
                };
                run(draft).digest.unwrap()
            };
            let plain = digest("", Engine::General, 1);
            for threads in [1, 2, 3, 5] {
                for engine in [Engine::Auto, Engine::Fast, Engine::General] {
                    assert_eq!(digest(",ordered", engine, threads), plain, "{latency} {engine:?} on {threads}");
                }
            }
        }
    }
}

#[test]
fn the_word_is_kept_in_the_replay_line() {
    for (asked, said) in [
        ("--latency exponential:5ms,ordered", "--latency exponential:5ms,ordered"),
        ("--latency ordered", "--latency constant:50ms,ordered"),
        ("--network aws33 --latency ordered", "--network aws33 --latency ordered"),
    ] {
        let line = format!("--transport simulated --nodes 20 --threads 1 --seed 5 --format json {asked}");
        let report = json(&line);
        let replay = report["replay"].as_str().unwrap();
        assert!(replay.contains(said), "{replay}");
        let again = json(&format!("{} --format json", replay.strip_prefix("bulkprop ").unwrap()));
        assert_eq!(
            (&again["digest"], &again["scenario"]["latency"]),
            (&report["digest"], &report["scenario"]["latency"])
        );
    }
    let line = "--transport simulated --nodes 20 --network aws33 --latency 5ms,ordered";
    let (code, _, stderr) = output(&mut bulkprop(line.split(' ')));
    assert!(code == Some(2) && stderr.contains("the regions have latencies of their own"), "{stderr}");
    let line = "--transport simulated --latency ordered --bandwidth up=1Mbit,share=fair";
    let (code, _, stderr) = output(&mut bulkprop(line.split(' ')));
    assert!(code == Some(2) && stderr.contains("share=fair with --latency ordered"), "{stderr}");
}
