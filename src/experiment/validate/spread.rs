//! Checks that every random quantity varies with the seed, and that nothing else does.
//!
//! A flood over a grid with a constant latency draws nothing, so all seeds give the same run. Each case adds one random
//! quantity to it, and the runs must then differ. A replicate that repeats another would make every interval too
//! narrow.

use super::{Bench, Case, EarlyEnd};
use crate::analysis::Estimate;
use crate::record::RunRecord;
use crate::scenario::Draft;
use std::collections::BTreeSet;

const GROUP: &str = "Spread over seeds (1: runs differ)";

const SEEDS: u32 = 4;

/// Options that draw nothing.
const FIXED: &str = "transport = \"simulated\"\nnodes = 100\nthreads = 1\npin = \"none\"\nttl = 255\nuntil = \
                     \"quiescent\"\n\
                     timeout = \"0\"\n";
const GRID: &str = "topology = \"grid\"\nprotocol = \"flood\"\n";
const STEADY: &str = "latency = \"50ms\"\n";

/// One random quantity each: its name, and the options that it replaces and adds.
const RANDOM: [(&str, [&str; 3]); 32] = [
    ("Erdős–Rényi", ["topology = \"erdos-renyi\"\nprotocol = \"flood\"\n", STEADY, ""]),
    ("random regular", ["topology = \"random-regular\"\npeers = 4\nprotocol = \"flood\"\n", STEADY, ""]),
    ("implicit regular", ["topology = \"regular-implicit\"\npeers = 4\nprotocol = \"flood\"\n", STEADY, ""]),
    ("Watts–Strogatz", ["topology = \"watts-strogatz:0.2\"\npeers = 4\nprotocol = \"flood\"\n", STEADY, ""]),
    ("Barabási–Albert", ["topology = \"barabasi-albert\"\npeers = 4\nprotocol = \"flood\"\n", STEADY, ""]),
    ("targets of push", ["topology = \"complete\"\nfanout = 2\n", STEADY, ""]),
    ("targets of lazy", ["topology = \"complete\"\nprotocol = \"lazy\"\nfanout = 2\n", STEADY, ""]),
    ("uniform latency", [GRID, "latency = \"uniform:10ms..100ms\"\n", ""]),
    ("exponential latency", [GRID, "latency = \"exponential:30ms,min=5ms\"\n", ""]),
    ("normal latency", [GRID, "latency = \"normal:50ms,10ms,min=20ms\"\n", ""]),
    ("log-normal latency", [GRID, "latency = \"lognormal:p50=40ms,p90=90ms,min=10ms\"\n", ""]),
    ("Pareto latency", [GRID, "latency = \"pareto:10ms,1.5\"\n", ""]),
    ("latency by link", [GRID, "latency = \"link:uniform:10ms..100ms\"\n", ""]),
    ("latency by direction", [GRID, "latency = \"direction:uniform:10ms..100ms\"\n", ""]),
    ("regions", [GRID, "network = \"exchange-sites\"\n", ""]),
    ("independent losses", [GRID, STEADY, "loss = \"0.2\"\n"]),
    ("losses in bursts", [GRID, STEADY, "loss = \"gilbert-elliott:good=100ms,bad=50ms\"\n"]),
    ("second copies", [GRID, STEADY, "duplicate = \"0.2\"\n"]),
    ("nodes that are down", [GRID, STEADY, "down = \"20%\"\n"]),
    ("nodes that come and go", [GRID, STEADY, "churn = \"up=500ms,down=100ms\"\n"]),
    ("sides of a partition", [GRID, STEADY, "partition = \"30%\"\n"]),
    ("nodes behind a NAT", [GRID, STEADY, "nat = \"50%\"\n"]),
    ("nodes that drop", [GRID, STEADY, "adversary = \"drop:30%\"\n"]),
    ("orders that are dropped", [GRID, STEADY, "adversary = \"drop:100%,of=20%\"\n"]),
    ("nodes that censor", [GRID, STEADY, "adversary = \"censor:20%,origin=0\"\n"]),
    ("nodes that delay", [GRID, STEADY, "adversary = \"delay:20%,by=30ms\"\n"]),
    ("nodes that flood", [GRID, STEADY, "adversary = \"flood:20%,times=3\"\n"]),
    ("peers of a victim", [GRID, STEADY, "adversary = \"eclipse:50%,victim=55\"\n"]),
    ("spies", [GRID, STEADY, "adversary = \"spy:10%\"\n"]),
    ("Poisson arrivals", [GRID, STEADY, "orders = 20\narrivals = \"poisson\"\n"]),
    ("origins", [GRID, STEADY, "orders = 20\norigins = \"random\"\n"]),
    ("payloads", [GRID, STEADY, "payload-bytes = \"0..1000\"\n"]),
];

pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    spread(bench, "nothing random", [GRID, STEADY, ""], 0.0)?;
    RANDOM.into_iter().try_for_each(|(name, options)| spread(bench, name, options, 1.0))
}

fn spread(bench: &Bench<'_>, name: &str, options: [&str; 3], form: f64) -> Result<(), EarlyEnd> {
    let Ok(draft) = Draft::from_toml(&format!("{FIXED}{}", options.concat())) else {
        // A rejected option agrees with nothing.
        bench.take(Case::new(GROUP, name.to_owned(), (form, 0.0), Estimate::share(&[], form)));
        return Ok(());
    };
    let figures = bench.runs(&draft, SEEDS, fingerprint)?;
    let are_different = figures.into_iter().collect::<BTreeSet<_>>().len() > 1;
    let case = Case::new(GROUP, name.to_owned(), (form, 0.0), Estimate::share(&[are_different], form));
    bench.judge(case, &draft)
}

/// Returns everything that may vary in a run: its receipts, its messages and bytes, the spies' guesses, and the orders'
/// due times.
fn fingerprint(record: &RunRecord) -> String {
    let bytes: u64 = record.traffic.iter().map(|traffic| traffic.bytes_out).sum();
    let due: Option<Vec<_>> =
        record.bulk.as_ref().map(|bulk| bulk.orders.iter().map(|order| (order.due, order.origin)).collect());
    let ledger = (record.ledger.sent, record.ledger.model_lost, record.ledger.model_duplicated);
    format!("{:?} {ledger:?} {bytes} {:?} {due:?}", record.digest, record.spies)
}
