//! Time to 95 % on each carrier, each size beside its floor: the same sockets and threads moving as much with no
//! protocol. On `udp` that is 3.2 datagrams a node (what 95 % takes in the mean field, rounded up), on `udp-shard` as
//! many trains as the run beside it sent, of their mean length.
//!
//! Runs and floors alternate in one process and the ratio is the median of their ratios, pair by pair, because the speed
//! of a shared machine drifts. The last column is the wall time of a run to quiescence over its messages.
//! `cargo bench --bench propagation -- [--transport NAME] [--runs N] [--threads T] [nodes...]`

mod floor;

use bulk_order_propagation::ids::NodeId;
use bulk_order_propagation::scenario::{Pin, Scenario, Spin, TransportKind, Ttl, Until};
use bulk_order_propagation::simulation;
use bulk_order_propagation::stats::RunRecord;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::TopologySpec;
use clap::ValueEnum;
use std::time::Duration;

/// A carrier, the sizes it is measured at, and the TTL that lets it come to its target there.
struct Rival {
    transport: TransportKind,
    sizes: &'static [u32],
    ttl: Ttl,
    /// The time that a run's traffic takes without a protocol, and the messages of that.
    floor: fn(&Scenario, &RunRecord) -> (Duration, u64),
}

const RIVALS: [Rival; 2] = [
    Rival {
        transport: TransportKind::Udp,
        sizes: &[10, 100, 1_000, 5_000, 15_000],
        ttl: Ttl::Hops(6),
        floor: floor_of_sockets,
    },
    Rival {
        transport: TransportKind::UdpShard,
        sizes: &[10, 1_000, 10_000, 100_000, 1_000_000],
        ttl: Ttl::Auto,
        floor: floor_of_trains,
    },
];

fn main() {
    let arguments = Arguments::read();
    println!("median of {} runs, {} threads", arguments.runs, arguments.threads);
    println!(
        "{:>10} {:>8} {:>12} {:>12} {:>12} {:>9} {:>9} {:>7} {:>9}",
        "carrier", "nodes", "to 95 %", "least", "floor", "floor/msg", "sent/node", "ratio", "ns/msg"
    );
    for rival in RIVALS.iter().filter(|rival| arguments.transport.is_none_or(|asked| asked == rival.transport)) {
        let sizes = if arguments.sizes.is_empty() { rival.sizes } else { &arguments.sizes };
        for &nodes in sizes {
            println!("{:>10} {}", name(rival.transport), row(rival, nodes, &arguments));
        }
    }
}

/// A carrier's name as its option has it.
fn name(transport: TransportKind) -> String {
    transport.to_possible_value().expect("every carrier has a name").get_name().to_owned()
}

fn floor_of_sockets(scenario: &Scenario, _: &RunRecord) -> (Duration, u64) {
    let datagrams = u64::from(scenario.nodes) * 32 / 10;
    (floor::time(scenario.nodes as usize, scenario.threads, datagrams), datagrams)
}

fn floor_of_trains(scenario: &Scenario, record: &RunRecord) -> (Duration, u64) {
    let trains = record.workers.iter().map(|worker| worker.carrier.kernel_datagrams).sum::<u64>().max(1);
    let length = record.ledger.sent.div_ceil(trains).max(1);
    (floor::trains::time(scenario.threads, trains, length as usize), trains * length)
}

fn row(rival: &Rival, nodes: u32, arguments: &Arguments) -> String {
    let runs = arguments.runs;
    let scenario = scenario(rival, nodes, arguments.threads);
    let (mut times, mut floors, mut ratios, mut sent) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut per_message = Vec::new();
    // One more than asked for: the first pair warms the caches up and is dropped.
    for pair in 0..=runs {
        let record = run(&scenario);
        let (floor, datagrams) = (rival.floor)(&scenario, &record);
        let whole = run(&Scenario { until: Until::Quiescent, ..scenario.clone() });
        let Some(time) = record.time_to(scenario.target).map(|time| Duration::from_nanos(time.0)) else {
            return format!("{nodes:>7} ended with {:?} at {} nodes", record.end, record.reached());
        };
        if pair > 0 {
            times.push(time);
            floors.push((floor, datagrams));
            per_message.push(whole.wall.0 as f64 / whole.ledger.sent.max(1) as f64);
            ratios.push(time.as_secs_f64() / floor.as_secs_f64());
            sent += record.ledger.sent;
        }
    }
    let (time, least) = (median(&mut times), times[0]);
    let (floor, datagrams) = median(&mut floors);
    ratios.sort_by(f64::total_cmp);
    per_message.sort_by(f64::total_cmp);
    format!(
        "{nodes:>8} {:>12} {:>12} {:>12} {:>9.0} {:>9.2} {:>7.2} {:>9.1}",
        Nanos(time.as_nanos() as u64).to_string(),
        Nanos(least.as_nanos() as u64).to_string(),
        Nanos(floor.as_nanos() as u64).to_string(),
        floor.as_nanos() as f64 / datagrams as f64,
        sent as f64 / runs as f64 / f64::from(nodes),
        ratios[ratios.len() / 2],
        per_message[per_message.len() / 2],
    )
}

fn run(scenario: &Scenario) -> RunRecord {
    let mut records = simulation::run(scenario, &Interrupt::new()).expect("the scenario runs");
    records.pop().expect("one run gives one record")
}

/// The middle one; sorts.
fn median<T: Copy + Ord>(times: &mut [T]) -> T {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The defaults at this size.
fn scenario(rival: &Rival, nodes: u32, threads: usize) -> Scenario {
    let topology = TopologySpec::ErdosRenyi;
    Scenario {
        transport: rival.transport,
        nodes,
        threads,
        peers: topology.default_peers(nodes),
        topology,
        fanout: 8,
        ttl: rival.ttl,
        exclude_sender: false,
        target: "0.95".parse().expect("a share"),
        until: Until::Target,
        timeout: Some(Nanos::from_secs(60)),
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
    /// `None` for all.
    transport: Option<TransportKind>,
    runs: usize,
    threads: usize,
    /// Empty for each carrier's own.
    sizes: Vec<u32>,
}

impl Arguments {
    fn read() -> Arguments {
        let mut arguments = Arguments { transport: None, runs: 30, threads: 2, sizes: Vec::new() };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().expect("a value follows");
            match word.as_str() {
                "--runs" => arguments.runs = value().parse().expect("a number of runs"),
                "--threads" => arguments.threads = value().parse().expect("a number of threads"),
                "--transport" => {
                    arguments.transport = Some(TransportKind::from_str(&value(), false).expect("a carrier"));
                }
                // Under `cargo test --benches`: once, small, only to see that it works.
                "--test" => arguments = Arguments { runs: 1, sizes: vec![10, 100], ..arguments },
                "--bench" => {}
                other => arguments.sizes.push(other.parse().expect("a number of nodes")),
            }
        }
        arguments
    }
}
