//! The general path of virtual time in CPU time a message, push against a bare loop of its shape, and two threads
//! against one, in wall time. All are measured in turn in one process, so that the ratios hold on a busy machine too.
//! Control messages count as messages.
//!
//! `cargo bench --bench windowed -- [--runs N] [nodes...]`

#![allow(unsafe_code, reason = "the clock of a thread's CPU time")]

#[path = "floor/windows.rs"]
mod windows;

use bulk_order_propagation::scenario::{Choice, Draft, Engine, Scenario};
use bulk_order_propagation::simulation::Runner;
use bulk_order_propagation::sync::Interrupt;
use bulk_order_propagation::threads::Observer;
use bulk_order_propagation::transport::Clock;
use std::sync::Mutex;
use std::time::Duration;

const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];

fn main() {
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench").peekable();
    let named = words.next_if(|word| word == "--runs").and_then(|_| words.next()?.parse().ok());
    let runs: usize = named.unwrap_or(if is_test { 1 } else { 9 });
    let sizes: Vec<u32> = words.filter_map(|word| word.parse().ok()).collect();
    let sizes = match (sizes.is_empty(), is_test) {
        (true, true) => vec![1_000],
        (true, false) => SIZES.to_vec(),
        (false, _) => sizes,
    };
    println!("least of {runs} runs, ns a message: CPU of one thread, wall of two, and that over the wall of one");
    println!(
        "{:>8} {:>10} {:>8} {:>8} {:>6} {:>8} {:>6}",
        "protocol", "nodes", "floor", "one", "ratio", "two", "share"
    );
    for protocol in ["push", "lazy"] {
        sizes.iter().for_each(|&nodes| row(protocol, nodes, runs));
    }
}

fn row(protocol: &str, nodes: u32, runs: usize) {
    let mut floor = windows::BareWindows::new(nodes as usize);
    let (scenarios, interrupt) = ([1, 2].map(|threads| scenario(protocol, nodes, threads)), Interrupt::new());
    let watches = [Watch::new(), Watch::new()];
    let build = |place: usize| Runner::build(&scenarios[place], &interrupt, &watches[place], None);
    let runners = [0, 1].map(|place| build(place).expect("what a run needs"));
    let (mut of_floor, mut of_one, mut wall_one, mut wall_two) = (f64::MAX, f64::MAX, f64::MAX, f64::MAX);
    // The first round warms up and is dropped.
    for round in 0..=runs {
        let before = cpu();
        let messages = floor.run(round as u64 + 1);
        let bare = (cpu() - before).as_nanos() as f64 / messages as f64;
        let [single, double] = [0, 1].map(|place| run(&runners[place], &watches[place], place + 1));
        if round > 0 {
            of_floor = of_floor.min(bare);
            of_one = of_one.min(single.cpu);
            wall_one = wall_one.min(single.wall);
            wall_two = wall_two.min(double.wall);
        }
    }
    let (ratio, share) = (of_one / of_floor, wall_two / wall_one);
    println!("{protocol:>8} {nodes:>10} {of_floor:>8.1} {of_one:>8.1} {ratio:>6.2} {wall_two:>8.1} {share:>6.2}");
}

/// Nanoseconds a message.
struct Cost {
    cpu: f64,
    wall: f64,
}

/// One order to quiescence, every message through the protocol.
fn scenario(protocol: &str, nodes: u32, threads: usize) -> Scenario {
    let text = format!(
        "transport = 'simulated'\nnodes = {nodes}\nthreads = {threads}\nttl = 'auto'\nuntil = 'quiescent'\nseed = 7\n\
         latency = 'uniform:10ms..100ms'\nprotocol = '{protocol}'"
    );
    let draft = Draft { engine: Engine::named("general"), ..Draft::from_toml(&text).expect("a scenario") };
    draft.build().expect("a scenario")
}

/// The cost of one more run.
fn run(runner: &Runner<'_>, watch: &Watch, threads: usize) -> Cost {
    let messages = runner.run(Clock::start()).expect("a run in virtual time").ledger.sent as f64;
    let times = std::mem::take(&mut *watch.times.lock().expect("no worker panics"));
    let (entered, left) = times.split_at(threads);
    let wall = left.iter().map(|time| time.0).max().zip(entered.iter().map(|time| time.0).min());
    let cpu = left.iter().map(|time| time.1).max().zip(entered.iter().map(|time| time.1).min());
    let span = |spent: Option<(Duration, Duration)>| spent.map_or(0, |(end, begin)| (end - begin).as_nanos());
    Cost { cpu: span(cpu) as f64 / messages, wall: span(wall) as f64 / messages }
}

/// The wall and the CPU time at which workers entered and left their loops.
struct Watch {
    clock: Clock,
    times: Mutex<Vec<(Duration, Duration)>>,
}

impl Watch {
    fn new() -> Watch {
        Watch { clock: Clock::start(), times: Mutex::default() }
    }

    fn note(&self) {
        let now = (Duration::from_nanos(self.clock.now().0), cpu());
        self.times.lock().expect("no worker panics").push(now);
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

/// CPU time of the process.
fn cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock writes one time into the place given.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
