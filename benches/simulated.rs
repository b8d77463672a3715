//! Virtual time: nanoseconds of real time per message of the propagation alone, from the barrier to the join, with the
//! general and the fast engine.
//!
//! `cargo bench --bench simulated -- [--runs N] [--threads T] [--engine NAME] [--latency TEXT] [--network SET]
//! [nodes...]`

use bulk_order_propagation::scenario::{Choice, Draft, Engine, Scenario};
use bulk_order_propagation::simulation::Runner;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::threads::Observer;
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::transport::Clock;
use std::sync::Mutex;
use std::time::Duration;

const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];

/// Nodes above which the general engine is left out, because it takes too long.
const GENERAL_NODES_MAX: u32 = 1_000_000;

fn main() {
    let arguments = Arguments::read();
    println!("least and median of {} runs, {} threads, {}", arguments.runs, arguments.threads, arguments.paths);
    println!(
        "{:<8} {:>10} {:>12} {:>10} {:>10} {:>10}",
        "engine", "nodes", "messages", "least", "median", "ns/message"
    );
    for engine in
        [Engine::General, Engine::Fast].into_iter().filter(|&one| arguments.engine.is_none_or(|asked| asked == one))
    {
        let named = !arguments.sizes.is_empty();
        for &nodes in if named { &arguments.sizes } else { &SIZES[..] } {
            if named || engine == Engine::Fast || nodes <= GENERAL_NODES_MAX {
                println!("{}", row(engine, nodes, &arguments));
            }
        }
    }
}

fn row(engine: Engine, nodes: u32, arguments: &Arguments) -> String {
    let scenario = scenario(engine, nodes, arguments);
    let watch = Watch { clock: Clock::start(), entered: Mutex::default(), left: Mutex::default() };
    let interrupt = Interrupt::new();
    let runner = Runner::build(&scenario, &interrupt, &watch, None).expect("what a run needs");
    // The first run warms up the caches and is dropped.
    let run = || runner.run(Clock::start()).expect("a run in virtual time").ledger.sent;
    run();
    let messages = (0..arguments.runs).map(|_| run()).max().expect("one run at least");
    let mut times = watch.times(arguments.threads as usize);
    times.remove(0);
    times.sort_unstable();
    let (least, median) = (times[0], times[times.len() / 2]);
    let per_message = |time: Duration| time.as_nanos() as f64 / messages as f64;
    format!(
        "{:<8} {nodes:>10} {messages:>12} {:>10.2?} {:>10.2?} {:>10}",
        engine.name(),
        least,
        median,
        format!("{:.1} {:.1}", per_message(least), per_message(median)),
    )
}

/// Push to quiescence: fanout 8, `--ttl auto`.
fn scenario(engine: Engine, nodes: u32, arguments: &Arguments) -> Scenario {
    let text = format!(
        "transport = 'simulated'\nnodes = {nodes}\nthreads = {}\nttl = 'auto'\nuntil = 'quiescent'\nseed = 7\n\
         {}",
        arguments.threads, arguments.paths
    );
    let draft = Draft { engine: Some(engine), ..Draft::from_toml(&text).expect("a scenario") };
    draft.build().expect("a scenario")
}

/// The instants at which workers entered and left their loops.
struct Watch {
    clock: Clock,
    entered: Mutex<Vec<Nanos>>,
    left: Mutex<Vec<Nanos>>,
}

impl Observer for Watch {
    fn loop_entered(&self, _: usize) {
        self.entered.lock().expect("no worker panics").push(self.clock.now());
    }

    fn loop_left(&self, _: usize) {
        self.left.lock().expect("no worker panics").push(self.clock.now());
    }
}

impl Watch {
    /// The time from the first worker's entry to the last one's exit, for each run, the warm-up first.
    fn times(&self, threads: usize) -> Vec<Duration> {
        let (entered, left) = (self.entered.lock().expect("all have ended"), self.left.lock().expect("all have ended"));
        let runs = entered.chunks(threads).zip(left.chunks(threads));
        let spans =
            runs.map(|(entered, left)| Some(Duration::from_nanos(left.iter().max()?.since(*entered.iter().min()?).0)));
        spans.flatten().collect()
    }
}

struct Arguments {
    runs: usize,
    threads: u32,
    engine: Option<Engine>,
    /// The latency or the network, as a line of a scenario file.
    paths: String,
    sizes: Vec<u32>,
}

impl Arguments {
    /// Reads the arguments. Flags that Cargo adds are ignored. Under `cargo test` everything is small.
    fn read() -> Arguments {
        let is_test = !std::env::args().any(|argument| argument == "--bench");
        let mut arguments = Arguments {
            runs: if is_test { 2 } else { 9 },
            threads: 2,
            engine: None,
            paths: "latency = 'uniform:10ms..100ms'".to_owned(),
            sizes: if is_test { vec![1_000] } else { Vec::new() },
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut next = || words.next().unwrap_or_default();
            match word.as_str() {
                "--runs" => arguments.runs = next().parse().ok().filter(|&runs| runs > 1).unwrap_or(arguments.runs),
                "--threads" => arguments.threads = next().parse().unwrap_or(arguments.threads),
                "--engine" => arguments.engine = Engine::named(&next()),
                "--latency" => arguments.paths = format!("latency = '{}'", next()),
                "--network" => arguments.paths = format!("network = '{}'", next()),
                size => arguments.sizes.extend(size.parse::<u32>()),
            }
        }
        arguments
    }
}
