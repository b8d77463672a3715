//! The time of a message of any kind, upkeep and control included, in virtual time on two threads, for each protocol
//! under whose rules every message matters.
//!
//! `cargo bench --bench protocols -- [--runs N] [nodes...] [protocols...]`

use bulk_order_propagation::scenario::{Draft, Scenario};
use bulk_order_propagation::simulation::Runner;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::threads::Observer;
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::transport::Clock;
use std::sync::Mutex;

const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];

const PROTOCOLS: [&str; 7] =
    ["push", "lazy", "gossipsub", "gossipsub:ethereum", "gossipsub:v2.0", "lazy:bitcoin", "turbine"];

fn main() {
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench" && word != "--test").peekable();
    let named = words.next_if(|word| word == "--runs").and_then(|_| words.next()?.parse().ok());
    let runs: usize = named.unwrap_or(if is_test { 1 } else { 5 });
    let (numbers, names): (Vec<String>, Vec<String>) = words.partition(|word| word.parse::<u32>().is_ok());
    let sizes: Vec<u32> = numbers.iter().filter_map(|word| word.parse().ok()).collect();
    let sizes = match (sizes.is_empty(), is_test) {
        (true, true) => vec![1_000],
        (true, false) => SIZES.to_vec(),
        (false, _) => sizes,
    };
    let protocols = if names.is_empty() { PROTOCOLS.map(str::to_owned).to_vec() } else { names };
    println!("least of {runs} runs on two threads: wall time, messages, ns a message");
    println!("{:<20} {:>10} {:>12} {:>10} {:>8}", "protocol", "nodes", "messages", "ms", "ns each");
    for protocol in &protocols {
        sizes.iter().for_each(|&nodes| row(protocol, nodes, runs));
    }
}

fn row(protocol: &str, nodes: u32, runs: usize) {
    let (scenario, interrupt, watch) =
        (scenario(protocol, nodes), Interrupt::new(), Watch { clock: Clock::start(), times: Mutex::default() });
    let runner = Runner::build(&scenario, &interrupt, &watch, None).expect("what a run needs");
    let (mut least, mut messages) = (f64::MAX, 0);
    for _ in 0..runs {
        let record = runner.run(Clock::start()).expect("a run in virtual time");
        assert!(record.reached() * 100 > u64::from(nodes) * 99, "{protocol}: {}", record.reached());
        messages = record.ledger.sent;
        let times = std::mem::take(&mut *watch.times.lock().expect("no worker panics"));
        let wall =
            times.iter().max().zip(times.iter().min()).map_or(0.0, |(left, entered)| (left.0 - entered.0) as f64);
        least = least.min(wall);
    }
    let (ms, each) = (least / 1e6, least / messages as f64);
    println!("{protocol:<20} {nodes:>10} {messages:>12} {ms:>10.1} {each:>8.1}");
}

/// One order to quiescence, every message through the protocol.
fn scenario(protocol: &str, nodes: u32) -> Scenario {
    // The trees of turbine are of all nodes.
    let overlay = if protocol.starts_with("turbine") { "" } else { "peers = 16\ntopology = 'random-regular'\n" };
    let text = format!(
        "transport = 'simulated'\nprotocol = '{protocol}'\nnodes = {nodes}\n{overlay}\
         threads = 2\nttl = 255\nuntil = 'quiescent'\nseed = 7\nengine = 'general'\nlatency = 'uniform:10ms..100ms'\n\
         payload-bytes = 1200"
    );
    Draft::from_toml(&text).expect("a scenario").build().expect("a scenario")
}

/// The times at which workers entered and left their loops.
struct Watch {
    clock: Clock,
    times: Mutex<Vec<Nanos>>,
}

impl Watch {
    fn note(&self) {
        self.times.lock().expect("no worker panics").push(self.clock.now());
    }
}

impl Observer for Watch {
    fn loop_entered(&self, _: usize) {
        self.note();
    }

    fn loop_left(&self, _: usize) {
        self.note();
    }
}
