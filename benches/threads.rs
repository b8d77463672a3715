//! Threads in virtual time: whole runs on the default threads and on one, alone and beside busy threads; many runs side
//! by side and one by one; and what a meeting of two threads costs.
//!
//! `cargo bench --bench threads -- [--runs N] [--busy THREADS]`

use bulk_order_propagation::experiment::run_replicates;
use bulk_order_propagation::scenario::{Draft, Scenario};
use bulk_order_propagation::simulation::run;
use bulk_order_propagation::sync::{Arena, Barrier, Interrupt};
use bulk_order_propagation::transport::Clock;
use std::hint::{black_box, spin_loop};
use std::num::NonZero;
use std::thread::{self, available_parallelism};

/// Scenarios whose runs are compared: a name, and options as in a file.
const SCENARIOS: [(&str, &str); 4] = [
    ("one order, 10^5 nodes", "nodes = 100000\nlatency = 'uniform:10ms..100ms'"),
    ("20 orders x 10^3 nodes", "nodes = 1000\norders = 20\nrate = '20/s'\nlatency = 'uniform:10ms..100ms'"),
    ("20 orders x 10^4 nodes", "nodes = 10000\norders = 20\nrate = '20/s'\nlatency = 'uniform:10ms..100ms'"),
    ("hops, 10^6 nodes", "nodes = 1000000\nlatency = 'constant:50ms'"),
];

/// Runs that are made side by side, and their nodes.
const SERIES: (u32, u32) = (20, 100_000);

/// Meetings that are timed together.
const MEETINGS: u32 = 20_000;

fn main() {
    let arguments = Arguments::read();
    println!("median and least of {} runs in milliseconds, beside {} busy threads", arguments.runs, arguments.busy);
    println!("{:<24} {:>7} {:>18} {:>18} {:>7}", "scenario", "threads", "default threads", "one thread", "ratio");
    beside_busy_threads(arguments.busy, || {
        for (name, options) in SCENARIOS.iter().take(if arguments.is_test { 2 } else { SCENARIOS.len() }) {
            println!("{}", row(name, options, arguments.runs));
        }
    });
    if arguments.busy == 0 {
        println!("{}", series(&arguments));
        println!("meeting of two threads: {:.0} ns parking, {:.0} ns polling", meeting(true), meeting(false));
    }
}

/// Times a scenario on the default threads and on one, in turn.
fn row(name: &str, options: &str, runs: usize) -> String {
    let by_default = scenario(options, None);
    let [default, one] = in_turn(runs, [&by_default, &scenario(options, Some(1))], |scenario| {
        black_box(run(scenario, &Interrupt::new()).expect("a run in virtual time"));
    });
    let (threads, ratio) = (by_default.carrier.threads, default[0] / one[0]);
    let shown = |[median, least]: [f64; 2]| format!("{median:.1} ({least:.1})");
    format!("{name:<24} {threads:>7} {:>18} {:>18} {ratio:>7.2}", shown(default), shown(one))
}

/// Times a series of runs on every core and on one thread, in turn.
fn series(arguments: &Arguments) -> String {
    let (runs, nodes) = if arguments.is_test { (4, 1_000) } else { SERIES };
    let options = format!("runs = {runs}\nnodes = {nodes}\nlatency = 'uniform:10ms..100ms'");
    let (all, one) = (scenario(&options, None), scenario(&options, Some(1)));
    let repeats = arguments.runs.div_ceil(3);
    let [all, one] = in_turn(repeats, [&all, &one], |scenario| {
        let series = run_replicates(scenario, &Interrupt::new(), &(), None, None).expect("runs in virtual time");
        assert_eq!(series.others.len(), runs as usize - 1);
    });
    let cores = available_parallelism().map_or(1, NonZero::get);
    format!(
        "{runs} runs of {nodes} nodes: {:.0} ms side by side on {cores} cores, {:.0} ms one by one, {:.2} times faster",
        all[0],
        one[0],
        one[0] / all[0]
    )
}

/// Calls `act` for each scenario in turn, `runs` times after a first that is dropped; returns the median and the least
/// time of each in milliseconds.
fn in_turn<const N: usize>(runs: usize, scenarios: [&Scenario; N], act: impl Fn(&Scenario)) -> [[f64; 2]; N] {
    let clock = Clock::start();
    let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for turn in 0..=runs {
        for (times, scenario) in times.iter_mut().zip(scenarios) {
            let began = clock.now();
            act(scenario);
            if turn > 0 {
                times.push(clock.now().since(began).0 as f64 / 1e6);
            }
        }
    }
    times.map(|mut times| {
        times.sort_unstable_by(f64::total_cmp);
        [times[times.len() / 2], times[0]]
    })
}

/// Returns the nanoseconds that a meeting of two threads without work takes, the least of several.
fn meeting(parks: bool) -> f64 {
    let clock = Clock::start();
    let once = || {
        let barrier = if parks { Barrier::of_threads(2) } else { Barrier::new(&mut Arena::heap(), 2) };
        let meet = || (0..MEETINGS).for_each(|_| barrier.wait().expect("nobody breaks it"));
        let began = clock.now();
        thread::scope(|scope| {
            scope.spawn(meet);
            meet();
        });
        clock.now().since(began).0 as f64 / f64::from(MEETINGS)
    };
    (0..9).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// Calls `act` while so many threads do nothing but use a core.
fn beside_busy_threads(count: usize, act: impl FnOnce()) {
    let done = Interrupt::new();
    thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                while !done.is_raised() {
                    spin_loop();
                }
            });
        }
        act();
        done.raise();
    });
}

/// Makes a scenario of push to quiescence in virtual time.
fn scenario(options: &str, threads: Option<u32>) -> Scenario {
    let text = format!("transport = 'simulated'\nttl = 'auto'\nuntil = 'quiescent'\nseed = 7\n{options}");
    let draft = Draft { threads, ..Draft::from_toml(&text).expect("a scenario") };
    draft.build().expect("a scenario")
}

struct Arguments {
    runs: usize,
    busy: usize,
    is_test: bool,
}

impl Arguments {
    /// Reads the arguments. Flags that Cargo adds are ignored. Under `cargo test` everything is small.
    fn read() -> Arguments {
        let is_test = !std::env::args().any(|argument| argument == "--bench");
        let mut arguments = Arguments { runs: if is_test { 1 } else { 9 }, busy: 0, is_test };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut next = || words.next().unwrap_or_default().parse().ok();
            match word.as_str() {
                "--runs" => arguments.runs = next().filter(|&runs| runs > 0).unwrap_or(arguments.runs),
                "--busy" => arguments.busy = next().unwrap_or(arguments.busy),
                _ => {}
            }
        }
        arguments
    }
}
