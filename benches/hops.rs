//! Virtual time with constant latency: push to quiescence with fanout 8, 20 peers and a TTL that does not bind, by
//! overlay, size and threads. Each row has its floor on one thread: as many draws of a node, each looked up and marked
//! in a bitmap.
//!
//! The first columns are the run alone, the least of several; `whole` is the first run including the build of the
//! overlay, and `peak` the most memory that the process has held so far. Small sizes come first, so that a size is not
//! charged with the memory of a larger one.
//! `cargo bench --bench hops -- [--runs N] [--threads T] [--topology FAMILY] [--copies] [--exclude-sender] [nodes...]`

use bulk_order_propagation::engine::hops::{self, HopsOutcome, HopsSetup};
use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::protocol::TargetDraw;
use bulk_order_propagation::random::{Key, Purpose};
use bulk_order_propagation::sync::{AtomicBitset, Interrupt};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::{Topology, TopologySpec};
use bulk_order_propagation::transport::Clock;
use std::time::Duration;

const FANOUT: u32 = 8;
const PEERS: u32 = 20;
const SEED: u64 = 7;

fn main() {
    let arguments = Arguments::read();
    println!("least of {} runs", arguments.runs);
    println!(
        "{:<17} {:>11} {:>7} {:>5} {:>9} {:>12} {:>7} {:>7} {:>9} {:>9}",
        "overlay", "nodes", "threads", "hops", "reached", "run", "ns/msg", "floor", "whole", "peak"
    );
    for family in &arguments.families {
        for &nodes in &arguments.sizes {
            for &threads in &arguments.threads {
                println!("{}", row(family, nodes, threads, &arguments));
            }
        }
    }
}

fn row(family: &TopologySpec, nodes: u32, threads: usize, arguments: &Arguments) -> String {
    let started = Clock::start();
    let topology = family.build(nodes, PEERS.min((nodes - 1) / 2 * 2), SEED).expect("an overlay");
    let (mut least, outcome) = time(&topology, threads, arguments);
    let whole = elapsed(&started);
    for _ in 1..arguments.runs {
        least = least.min(time(&topology, threads, arguments).0);
    }
    let per_message = |time: Duration| time.as_nanos() as f64 / outcome.sent.max(1) as f64;
    format!(
        "{:<17} {nodes:>11} {threads:>7} {:>5} {:>9.6} {:>12} {:>7.2} {:>7.2} {:>8.3}s {:>8}M",
        family.family(),
        outcome.receipts.counts.len() - 1,
        outcome.receipts.reached() as f64 / f64::from(nodes),
        Nanos(least.as_nanos() as u64).to_string(),
        per_message(least),
        per_message(floor(nodes, outcome.sent)),
        whole.as_secs_f64(),
        peak_kib() >> 10,
    )
}

fn time(topology: &Topology, threads: usize, arguments: &Arguments) -> (Duration, HopsOutcome) {
    let interrupt = Interrupt::new();
    let setup = HopsSetup {
        topology,
        draw: TargetDraw::new(SEED, FANOUT),
        order: OrderIndex(0),
        origin: NodeId(0),
        ttl: u8::MAX,
        latency: Nanos::from_millis(50),
        exclude_sender: arguments.exclude_sender,
        records_senders: false,
        counts_copies: arguments.copies,
        goal: u64::from(topology.nodes()),
        ends_at_target: false,
        timeout: None,
        cores: &vec![None; threads],
        interrupt: &interrupt,
        observer: &|_| (),
    };
    let started = Clock::start();
    let outcome = hops::run(&setup).expect("there is memory");
    (elapsed(&started), outcome)
}

/// Time of the draws and marks without an overlay, measured for at most ten million messages.
fn floor(nodes: u32, messages: u64) -> Duration {
    let bits = AtomicBitset::new(nodes).expect("there is memory");
    let mut stream = Key::new(SEED, Purpose::Targets).stream();
    let tried = messages.clamp(1, 10_000_000);
    let started = Clock::start();
    let mut ahead = [0; 64];
    for place in 0..tried as usize {
        let due = std::mem::replace(&mut ahead[place % 64], stream.below(nodes.into()) as u32);
        bits.prefetch(ahead[place % 64]);
        if !bits.holds(due) {
            bits.mark(due);
        }
    }
    elapsed(&started).mul_f64(messages as f64 / tried as f64)
}

fn elapsed(clock: &Clock) -> Duration {
    Duration::from_nanos(clock.now().0)
}

/// Most memory that this process has held, in KiB; 0 if the system does not report it.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

/// The parameters of the measurement.
struct Arguments {
    runs: usize,
    threads: Vec<usize>,
    families: Vec<TopologySpec>,
    sizes: Vec<u32>,
    /// True if copies are counted by node.
    copies: bool,
    exclude_sender: bool,
}

impl Arguments {
    fn read() -> Arguments {
        let mut arguments = Arguments {
            runs: 5,
            threads: vec![1, 2],
            families: vec![TopologySpec::ErdosRenyi, TopologySpec::RegularImplicit],
            sizes: Vec::new(),
            copies: false,
            exclude_sender: false,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut next = || words.next().expect("a value follows");
            match word.as_str() {
                "--runs" => arguments.runs = next().parse().expect("a number of runs"),
                "--threads" => arguments.threads = vec![next().parse().expect("a number of threads")],
                "--topology" => arguments.families = vec![next().parse().expect("a topology")],
                "--copies" => arguments.copies = true,
                "--exclude-sender" => arguments.exclude_sender = true,
                // Under `cargo test --benches`: one small run, only to check that it works.
                "--test" => (arguments.runs, arguments.sizes) = (1, vec![10, 1_000]),
                "--bench" => {}
                other => arguments.sizes.push(other.parse().expect("a number of nodes")),
            }
        }
        if arguments.sizes.is_empty() {
            arguments.sizes = vec![100_000, 1_000_000];
        }
        arguments
    }
}
