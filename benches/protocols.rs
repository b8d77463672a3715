//! The time of a message of any kind, upkeep and control included, in virtual time on two threads, for each protocol
//! and its main presets; and the peak memory of the process during a row, its overlay included.
//!
//! `cargo bench --bench protocols -- [--runs N] [--orders N] [--rate RATE] [nodes...] [protocols...]`
//!
//! A row is one order to rest, or `--orders` at 1/s, or at `--rate`, from origins that are drawn. A protocol is the
//! name of a row, or any other as `--protocol` takes it, on the overlay of most rows.

use bulk_order_propagation::scenario::{Draft, Scenario};
use bulk_order_propagation::simulation::Runner;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::threads::Observer;
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::transport::Clock;
use std::sync::Mutex;

const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];

/// A name, the protocol, and what else its scenario says.
type Row = (&'static str, &'static str, &'static str);

/// The overlay of most rows.
const REGULAR: &str = "topology = 'random-regular'\npeers = 16";

/// A tenth of the nodes is reachable and has 88 links, the others 8.
const DIALS: &str = "topology = 'dials:reachable=0.1'\npeers = 8";

/// Its upkeep never rests, and its last exchange is minutes away: 5 s of it are measured.
const SWIM: &str = "topology = 'complete'\ntimeout = '5s'";

const ROWS: [Row; 20] = [
    ("push", "push", REGULAR),
    ("flood", "flood", REGULAR),
    ("lazy", "lazy", REGULAR),
    ("push-pull", "push-pull", REGULAR),
    ("swim", "swim", SWIM),
    ("plumtree", "plumtree", REGULAR),
    ("plumtree:iroh", "plumtree:iroh", REGULAR),
    ("plumtree:multi", "plumtree:multi", REGULAR),
    ("gossipsub", "gossipsub", REGULAR),
    ("gossipsub:go", "gossipsub:go", REGULAR),
    ("gossipsub:rust", "gossipsub:rust", REGULAR),
    ("gossipsub:ethereum", "gossipsub:ethereum", REGULAR),
    ("gossipsub:v1.2", "gossipsub:v1.2", REGULAR),
    ("gossipsub:v2.0", "gossipsub:v2.0", REGULAR),
    ("lazy:bitcoin", "lazy:bitcoin", REGULAR),
    ("lazy:bitcoin-dials", "lazy:bitcoin", DIALS),
    // The trees of turbine are of all nodes, and HyParView's nodes find their peers themselves.
    ("turbine", "turbine", ""),
    ("turbine:pareto", "turbine,stake=pareto:1.16", ""),
    ("flood@hyparview", "flood@hyparview", ""),
    ("plumtree@hyparview", "plumtree@hyparview", ""),
];

fn main() {
    let arguments = Arguments::read();
    let (runs, orders) = (arguments.runs, arguments.orders);
    println!("{orders} orders, least of {runs} runs on two threads: messages, wall time, ns a message, peak memory");
    println!("{:<20} {:>8} {:>12} {:>9} {:>8} {:>8}", "protocol", "nodes", "messages", "ms", "ns each", "peak MB");
    for name in &arguments.names {
        let known = ROWS.into_iter().find(|row| row.0 == name);
        let row = known.unwrap_or((name, name, REGULAR));
        arguments.sizes.iter().for_each(|&nodes| measure(row, nodes, &arguments));
    }
}

struct Arguments {
    runs: usize,
    orders: u32,
    rate: String,
    sizes: Vec<u32>,
    names: Vec<String>,
}

impl Arguments {
    fn read() -> Arguments {
        let is_test = !std::env::args().any(|argument| argument == "--bench");
        let all = if is_test { vec![1_000] } else { SIZES.to_vec() };
        let runs = if is_test { 1 } else { 5 };
        let mut arguments = Arguments { runs, orders: 1, rate: "1/s".to_owned(), sizes: vec![], names: vec![] };
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench" && word != "--test");
        while let Some(word) = words.next() {
            let mut value = || words.next().expect("a value");
            match (word.as_str(), word.parse()) {
                ("--runs", _) => arguments.runs = value().parse().expect("a number of runs"),
                ("--orders", _) => arguments.orders = value().parse().expect("a number of orders"),
                ("--rate", _) => arguments.rate = value(),
                (_, Ok(nodes)) => arguments.sizes.push(nodes),
                (_, Err(_)) => arguments.names.push(word),
            }
        }
        if arguments.sizes.is_empty() {
            arguments.sizes = all;
        }
        if arguments.names.is_empty() {
            arguments.names = ROWS.map(|row| row.0.to_owned()).to_vec();
        }
        arguments
    }
}

fn measure((name, protocol, others): (&str, &str, &str), nodes: u32, arguments: &Arguments) {
    forget_peak();
    let &Arguments { runs, orders, ref rate, .. } = arguments;
    let bulk =
        if orders > 1 { format!("orders = {orders}\nrate = '{rate}'\norigins = 'random'") } else { String::new() };
    let scenario = scenario(protocol, &format!("{others}\n{bulk}"), nodes);
    let (interrupt, watch) = (Interrupt::new(), Watch { clock: Clock::start(), times: Mutex::default() });
    let runner = Runner::build(&scenario, &interrupt, &watch, None).expect("what a run needs");
    let (mut least, mut messages) = (f64::MAX, 0);
    for _ in 0..runs {
        let record = runner.run(Clock::start()).expect("a run in virtual time");
        let all = u64::from(nodes) * u64::from(orders);
        assert!(record.reached() * 100 > all * 99, "{protocol}: {} of {all}", record.reached());
        messages = record.ledger.sent;
        let times = std::mem::take(&mut *watch.times.lock().expect("no worker panics"));
        let wall =
            times.iter().max().zip(times.iter().min()).map_or(0.0, |(left, entered)| (left.0 - entered.0) as f64);
        least = least.min(wall);
    }
    let (ms, each, peak) = (least / 1e6, least / messages as f64, peak_mb());
    println!("{name:<20} {nodes:>8} {messages:>12} {ms:>9.1} {each:>8.1} {peak:>8}");
}

/// Orders to rest, every message through the protocol.
fn scenario(protocol: &str, others: &str, nodes: u32) -> Scenario {
    let timeout = if others.contains("timeout") { "" } else { "timeout = '10min'" };
    let text = format!(
        "transport = 'simulated'\nprotocol = '{protocol}'\nnodes = {nodes}\n{others}\n{timeout}\n\
         threads = 2\nttl = 255\nuntil = 'quiescent'\nseed = 7\nengine = 'general'\nlatency = 'uniform:10ms..100ms'\n\
         payload-bytes = 1200"
    );
    Draft::from_toml(&text).expect("a scenario").build().expect("a scenario")
}

/// Lets the peak of the process begin anew, where the system has a way to.
fn forget_peak() {
    // Without it the peak is that of all rows so far.
    _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Returns the peak resident memory of the process in megabytes; `-` where the system does not say.
fn peak_mb() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map_or_else(|| "-".to_owned(), |kib| (kib * 1_024 / 1_000_000).to_string())
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
