//! Virtual time beside discrete-event crates: the same overlay, the same draws, the same first receipts, with a crate's
//! own queue and dispatch in the place of this project's windows.
//!
//! Each crate gets the most favourable build that it allows: one component for all nodes, and one function that handles
//! a message at a node, the same for all. Every build must reach the same nodes at the same times, or the benchmark
//! ends there. Runs alternate in one process, because the speed of a shared machine drifts; a ratio is that of the
//! least times.
//!
//! `cargo run --release -- [--runs N] [--threads T] [nodes...]`

mod nexosim_net;
mod simcore_net;
mod simrs_net;
mod world;

use bulk_order_propagation::threads::Observer;
use bulk_order_propagation::scenario::Draft;
use bulk_order_propagation::simulation;
use bulk_order_propagation::sync::Interrupt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use world::{World, reached_and_times};

/// A build's name, and a function that returns its time and its reach.
type Rival = (&'static str, fn(&Arc<World>) -> (Duration, (u64, u64)));

const RIVALS: [Rival; 3] = [("nexosim", nexosim_net::run), ("simcore", simcore_net::run), ("simrs", simrs_net::run)];

fn main() {
    let (mut runs, mut threads, mut sizes) = (3, 2, Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--runs" => runs = words.next().and_then(|text| text.parse().ok()).unwrap_or(runs),
            "--threads" => threads = words.next().and_then(|text| text.parse().ok()).unwrap_or(threads),
            size => sizes.extend(size.parse::<u32>()),
        }
    }
    if sizes.is_empty() {
        sizes = vec![10_000, 1_000_000];
    }
    println!("least of {runs} runs, push, fanout 8, uniform:10ms..100ms; ours on {threads} threads");
    println!("{:<10} {:>9} {:>12} {:>10} {:>8}", "engine", "nodes", "time", "ns/message", "to ours");
    for nodes in sizes {
        compare(nodes, threads, runs);
    }
}

fn compare(nodes: u32, threads: u32, runs: u32) {
    let world = Arc::new(World::new(nodes));
    let mut least = [Duration::MAX; RIVALS.len() + 1];
    let mut messages = 0;
    for _ in 0..runs {
        let (time, reach, sent) = ours(nodes, threads);
        (least[0], messages) = (least[0].min(time), sent);
        for ((name, run), least) in RIVALS.iter().zip(&mut least[1..]) {
            let (time, theirs) = run(&world);
            assert_eq!(theirs, reach, "{name} reaches other nodes, or at other times");
            *least = time.min(*least);
        }
    }
    let names = std::iter::once("ours").chain(RIVALS.map(|rival| rival.0));
    for (name, time) in names.zip(least) {
        let ratio = time.as_secs_f64() / least[0].as_secs_f64();
        let each = time.as_nanos() as f64 / messages as f64;
        println!("{name:<10} {nodes:>9} {time:>12.2?} {each:>10.1} {ratio:>8.1}");
    }
}

/// The time from the first worker's entry into its loop to the last one's exit.
#[derive(Default)]
struct Watch(Mutex<(Option<Instant>, Option<Instant>)>);

impl Observer for Watch {
    fn loop_entered(&self, _: usize) {
        self.0.lock().expect("no worker panics").0.get_or_insert_with(Instant::now);
    }

    fn loop_left(&self, _: usize) {
        self.0.lock().expect("no worker panics").1 = Some(Instant::now());
    }
}

/// This project's own run: its time, its reach, and its messages.
fn ours(nodes: u32, threads: u32) -> (Duration, (u64, u64), u64) {
    let text = format!(
        "transport = 'simulated'\nnodes = {nodes}\nthreads = {threads}\nseed = {}\nttl = {}\nuntil = 'quiescent'\n\
         latency = 'uniform:10ms..100ms'",
        world::SEED,
        world::TTL
    );
    let scenario = Draft::from_toml(&text).expect("a scenario").build().expect("a scenario");
    let watch = Watch::default();
    let record = simulation::run_observed(&scenario, &Interrupt::new(), &watch).expect("a run");
    let (entered, left) = *watch.0.lock().expect("all have ended");
    let time = left.expect("workers leave") - entered.expect("workers enter");
    let times = record.receipts.iter().filter(|receipt| receipt.is_reached()).map(|receipt| receipt.time.0);
    (time, reached_and_times(times), record.ledger.sent)
}
