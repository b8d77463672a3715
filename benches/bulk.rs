//! A bulk of orders in virtual time, computed order by order: the time a message on one thread, as a ratio to that of a
//! single order of 10,000 nodes, and two threads against one. All are measured in turn in one process, so that the
//! ratios hold on a busy machine too.
//!
//! `cargo bench --bench bulk -- [--runs N] [--orders N]`

use bulk_order_propagation::scenario::{Draft, Scenario};
use bulk_order_propagation::simulation::Runner;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::transport::Clock;

const NETWORKS: [&str; 2] = ["latency = 'uniform:10ms..50ms'", "network = 'aws33'"];

fn main() {
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let named = |name: &str| words.iter().skip_while(|word| *word != name).nth(1).and_then(|word| word.parse().ok());
    let runs = named("--runs").unwrap_or(if is_test { 1 } else { 5 });
    let orders = named("--orders").unwrap_or(if is_test { 20 } else { 2_000 });
    println!("least of {runs} runs, ns a message on one thread; wall time of two over wall time of one");
    println!("{:>32} {:>8} {:>8} {:>8} {:>6} {:>6}", "network", "nodes", "single", "bulk", "ratio", "two");
    for network in NETWORKS {
        for nodes in if is_test { [100, 200] } else { [1_000, 10_000] } {
            row(network, nodes, orders, runs);
        }
    }
}

fn row(network: &str, nodes: u32, orders: u32, runs: u32) {
    let interrupt = Interrupt::new();
    let single = format!("nodes = {}\nthreads = 1", nodes.max(10_000));
    let bulk = |threads: u32| format!("nodes = {nodes}\nthreads = {threads}\norders = {orders}\nrate = '1000/s'");
    let scenarios = [single, bulk(1), bulk(2)].map(|what| scenario(network, &what));
    let build = |place: usize| Runner::build(&scenarios[place], &interrupt, &(), None).expect("what a run needs");
    let runners = [0, 1, 2].map(build);
    let mut least = [f64::MAX; 3];
    // The first round warms up and is dropped.
    for round in 0..=runs {
        for (runner, least) in runners.iter().zip(&mut least) {
            let record = runner.run(Clock::start()).expect("a run in virtual time");
            let cost = record.machine.wall.0 as f64 / record.ledger.sent as f64;
            *least = if round > 0 { least.min(cost) } else { *least };
        }
    }
    let [single, one, two] = least;
    let (ratio, of_two) = (one / single, two / one);
    println!("{network:>32} {nodes:>8} {single:>8.1} {one:>8.1} {ratio:>6.2} {of_two:>6.2}");
}

/// Push to 95 % of the nodes.
fn scenario(network: &str, what: &str) -> Scenario {
    let draft = Draft::from_toml(&format!("transport = 'simulated'\nseed = 7\n{network}\n{what}"));
    draft.expect("a scenario").build().expect("a scenario")
}
