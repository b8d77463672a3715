//! Time to 95 % on real sockets, each size beside its floor: the same sockets and threads moving 3.2 datagrams a node
//! with no protocol (3.2 copies a node is what 95 % takes in the mean field, rounded up).
//!
//! Runs and floors alternate in one process and the last column is the median of their ratios, pair by pair, because
//! the speed of a shared machine drifts. `cargo bench --bench propagation -- [--runs N] [--threads T] [nodes...]`

mod floor;

use bulk_order_propagation::ids::NodeId;
use bulk_order_propagation::scenario::{Pin, Scenario, Spin, TransportKind, Ttl, Until};
use bulk_order_propagation::simulation;
use bulk_order_propagation::stats::RunRecord;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::TopologySpec;
use std::time::Duration;

const SIZES: [u32; 5] = [10, 100, 1_000, 5_000, 15_000];

fn main() {
    let mut arguments = Arguments::read();
    if arguments.once {
        arguments = Arguments { runs: 1, threads: arguments.threads, sizes: vec![10, 100], once: true };
    }
    println!("median of {} runs, {} threads", arguments.runs, arguments.threads);
    println!(
        "{:>7} {:>12} {:>12} {:>12} {:>9} {:>9} {:>7}",
        "nodes", "to 95 %", "least", "floor", "ns/dgram", "sent/node", "ratio"
    );
    for &nodes in &arguments.sizes {
        println!("{}", row(nodes, arguments.threads, arguments.runs));
    }
}

fn row(nodes: u32, threads: usize, runs: usize) -> String {
    let scenario = scenario(nodes, threads);
    let datagrams = u64::from(nodes) * 32 / 10;
    let (mut times, mut floors, mut ratios, mut sent) = (Vec::new(), Vec::new(), Vec::new(), 0);
    // One more than asked for: the first pair warms the caches up and is dropped.
    for pair in 0..=runs {
        let record = run(&scenario);
        let floor = floor::time(nodes as usize, threads, datagrams);
        let Some(time) = record.time_to(scenario.target).map(|time| Duration::from_nanos(time.0)) else {
            return format!("{nodes:>7} ended with {:?} at {} nodes", record.end, record.reached());
        };
        if pair > 0 {
            times.push(time);
            floors.push(floor);
            ratios.push(time.as_secs_f64() / floor.as_secs_f64());
            sent += record.ledger.sent;
        }
    }
    let (time, least) = (median(&mut times), times[0]);
    let floor = median(&mut floors);
    ratios.sort_by(f64::total_cmp);
    format!(
        "{nodes:>7} {:>12} {:>12} {:>12} {:>9.0} {:>9.2} {:>7.2}",
        Nanos(time.as_nanos() as u64).to_string(),
        Nanos(least.as_nanos() as u64).to_string(),
        Nanos(floor.as_nanos() as u64).to_string(),
        floor.as_nanos() as f64 / datagrams as f64,
        sent as f64 / runs as f64 / f64::from(nodes),
        ratios[ratios.len() / 2],
    )
}

fn run(scenario: &Scenario) -> RunRecord {
    let mut records = simulation::run(scenario, &Interrupt::new()).expect("the scenario runs");
    records.pop().expect("one run gives one record")
}

/// The middle one; sorts.
fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The defaults at this size.
fn scenario(nodes: u32, threads: usize) -> Scenario {
    let topology = TopologySpec::ErdosRenyi;
    Scenario {
        transport: TransportKind::Udp,
        nodes,
        threads,
        peers: topology.default_peers(nodes),
        topology,
        fanout: 8,
        ttl: Ttl::Hops(6),
        exclude_sender: false,
        target: "0.95".parse().expect("a share"),
        until: Until::Target,
        timeout: Some(Nanos::from_secs(3)),
        seed: 7,
        origin: NodeId(0),
        payload_bytes: 0,
        pin: Pin::Spread,
        spin: Spin::Auto,
        receive_buffer: None,
        charge_serialization: false,
        runs: 1,
    }
}

/// What to measure.
struct Arguments {
    runs: usize,
    threads: usize,
    sizes: Vec<u32>,
    /// Under `cargo test --benches`: once, small, only to see that it works.
    once: bool,
}

impl Arguments {
    fn read() -> Arguments {
        let mut arguments = Arguments { runs: 30, threads: 2, sizes: Vec::new(), once: false };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|word| word.parse().ok()).expect("a number follows");
            match word.as_str() {
                "--runs" => arguments.runs = number(),
                "--threads" => arguments.threads = number(),
                "--test" => arguments.once = true,
                "--bench" => {}
                other => arguments.sizes.push(other.parse().expect("a number of nodes")),
            }
        }
        if arguments.sizes.is_empty() {
            arguments.sizes = SIZES.to_vec();
        }
        arguments
    }
}
