//! Time to 95 % on each carrier, with every size beside its floor, which has no protocol. On `udp` the floor is the
//! same sockets and threads moving 3.2 datagrams a node (the copies a node that 95 % takes in the mean field, rounded
//! up). On `udp-shard` it is a bare loop of as many trains as the run beside it sent, of their mean length. In `memory`
//! it is the same threads moving as many messages through rings, and beside it a plain build on tokio.
//!
//! Runs, floors and rivals alternate in one process, and a ratio is the median over pairs, because the speed of a
//! shared machine drifts. The last column is the wall time of a run to quiescence divided by its messages.
//! `cargo bench --bench propagation -- [--runs N] [--threads T] [--transport NAME] [nodes...]`

mod floor;
mod rival;

use bulk_order_propagation::record::RunRecord;
use bulk_order_propagation::scenario::{Choice, Draft, Scenario, TransportKind, Ttl, Until};
use bulk_order_propagation::simulation;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::time::Nanos;
use std::sync::Arc;
use std::time::Duration;

/// Sizes with a socket per node: above 15,000 sockets many systems need a higher limit.
const UDP_SIZES: [u32; 5] = [10, 100, 1_000, 5_000, 15_000];

/// Sizes without a socket per node.
const SHARED_SIZES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

const CARRIERS: [(TransportKind, &[u32]); 4] = [
    (TransportKind::Udp, &UDP_SIZES),
    (TransportKind::Unix, &UDP_SIZES),
    (TransportKind::UdpShard, &SHARED_SIZES),
    (TransportKind::Memory, &SHARED_SIZES),
];

/// Nodes above which the tokio build is left out, because it takes minutes.
const RIVAL_NODES_MAX: u32 = 10_000;

fn main() {
    let arguments = Arguments::read();
    println!("median of {} runs, {} threads", arguments.runs, arguments.threads);
    println!(
        "{:<9} {:>9} {:>12} {:>12} {:>12} {:>9} {:>9} {:>9} {:>8} {:>7} {:>7}",
        "carrier",
        "nodes",
        "to 95 %",
        "least",
        "floor",
        "ns/unit",
        "sent/node",
        "to floor",
        "to tokio",
        "ns/msg",
        "missed"
    );
    for (transport, sizes) in CARRIERS {
        let sizes = if arguments.sizes.is_empty() { sizes } else { &arguments.sizes };
        if arguments.transport.is_none_or(|asked| asked == transport) {
            for &nodes in sizes {
                println!("{}", row(&scenario(transport, nodes, arguments.threads), arguments.runs));
            }
        }
    }
}

fn row(scenario: &Scenario, runs: usize) -> String {
    let (nodes, transport) = (scenario.overlay.nodes, scenario.carrier.transport);
    let topology =
        scenario.overlay.topology.build(nodes, scenario.overlay.peers, scenario.run.seed).expect("an overlay");
    let topology = Arc::new(topology);
    let has_rival = transport == TransportKind::Memory && nodes <= RIVAL_NODES_MAX;
    let (mut times, mut floors, mut to_floor, mut to_rival, mut sent) = (vec![], vec![], vec![], vec![], 0);
    let (mut per_message, mut missed) = (vec![], 0);
    // One more than requested: the first pair warms up the caches and is dropped.
    let to_the_end = Draft { until: Some(Until::Quiescent), ..Draft::default() };
    let until_quiescent = scenario.with(to_the_end).expect("a scenario");
    for pair in 0..=runs {
        let record = run(scenario);
        let (floor, units) = floor(scenario, &record);
        let whole = run(&until_quiescent);
        let rival = has_rival.then(|| rival::time(scenario, &topology));
        // With a short TTL, a run whose first copies took longer paths may end below the target; it is counted.
        let Some(time) = record.time_to(scenario.run.target).map(|time| Duration::from_nanos(time.0)) else {
            missed += u32::from(pair > 0);
            continue;
        };
        if pair > 0 {
            times.push(time);
            floors.push((floor, units));
            per_message.push(whole.elapsed.0 as f64 / whole.ledger.sent.max(1) as f64);
            to_floor.push(time.as_secs_f64() / floor.as_secs_f64());
            to_rival.extend(rival.map(|rival| rival.as_secs_f64() / time.as_secs_f64()));
            sent += record.ledger.sent;
        }
    }
    if times.is_empty() {
        return format!("{nodes:>9} nodes: no run reached the target");
    }
    let hits = times.len() as f64;
    let (time, least) = (median(&mut times), times[0]);
    let (floor, units) = median(&mut floors);
    format!(
        "{:<9} {nodes:>9} {:>12} {:>12} {:>12} {:>9.1} {:>9.2} {:>9} {:>8} {:>7} {missed:>7}",
        transport.name(),
        Nanos(time.as_nanos() as u64).to_string(),
        Nanos(least.as_nanos() as u64).to_string(),
        Nanos(floor.as_nanos() as u64).to_string(),
        floor.as_nanos() as f64 / units as f64,
        sent as f64 / hits / f64::from(nodes),
        middle(&mut to_floor),
        middle(&mut to_rival),
        middle(&mut per_message),
    )
}

/// Time that a run's traffic takes without a protocol, and the number of its datagrams or messages.
fn floor(scenario: &Scenario, record: &RunRecord) -> (Duration, u64) {
    let (nodes, threads) = (scenario.overlay.nodes, scenario.carrier.threads);
    let units = u64::from(nodes) * 32 / 10;
    match scenario.carrier.transport {
        // The floor of `unix` is that of UDP too, so that their ratio shows what IP costs.
        TransportKind::Udp | TransportKind::Unix => (floor::time(nodes as usize, threads, units), units),
        TransportKind::UdpShard => {
            let trains = record.workers.iter().map(|worker| worker.carrier.kernel_datagrams).sum::<u64>().max(1);
            let length = record.ledger.sent.div_ceil(trains).max(1);
            (floor::trains::time(threads, trains, length as usize), trains * length)
        }
        TransportKind::Memory => (floor::rings::time(threads, units), units),
        TransportKind::Simulated => unreachable!("virtual time is not among the carriers above"),
    }
}

/// The median as text; sorts.
fn middle(ratios: &mut [f64]) -> String {
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
}

fn run(scenario: &Scenario) -> RunRecord {
    simulation::run(scenario, &Interrupt::new()).expect("the scenario runs")
}

/// The median; sorts.
fn median<T: Copy + Ord>(times: &mut [T]) -> T {
    times.sort_unstable();
    times[(times.len() - 1) / 2]
}

/// The default scenario of this size.
fn scenario(transport: TransportKind, nodes: u32, threads: usize) -> Scenario {
    let draft = Draft {
        transport: Some(transport),
        nodes: Some(nodes),
        threads: u32::try_from(threads).ok(),
        // Six hops do not reach 95 % of a hundred thousand nodes.
        ttl: (nodes > 50_000).then_some(Ttl::Auto),
        seed: Some(7),
        ..Draft::default()
    };
    draft.build().unwrap_or_else(|error| panic!("{error}"))
}

/// The parameters of the measurement.
struct Arguments {
    runs: usize,
    threads: usize,
    /// One carrier, or all.
    transport: Option<TransportKind>,
    /// Empty for each carrier's own sizes.
    sizes: Vec<u32>,
}

impl Arguments {
    fn read() -> Arguments {
        let mut arguments = Arguments { runs: 30, threads: 2, transport: None, sizes: Vec::new() };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut next = || words.next().expect("a value follows");
            match word.as_str() {
                "--runs" => arguments.runs = next().parse().expect("a number of runs"),
                "--threads" => arguments.threads = next().parse().expect("a number of threads"),
                "--transport" => arguments.transport = TransportKind::named(&next()),
                // Under `cargo test --benches`: one small run, only to check that it works.
                "--test" => (arguments.runs, arguments.sizes) = (1, vec![10, 100]),
                "--bench" => {}
                other => arguments.sizes.push(other.parse().expect("a number of nodes")),
            }
        }
        arguments
    }
}
