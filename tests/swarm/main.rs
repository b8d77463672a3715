//! A swarm of random scenarios over carriers, protocols, networks, faults and bulks, each run by the real binary and held to
//! what is true of every run: ledger and sums, times in their order, the exit code, JSON that parses, an end in its time, and
//! in virtual time the same figures on any number of threads, by any engine, and from the replay command.
//!
//! `cargo test --test swarm` runs 300. `SWARM_RUNS=5000 SWARM_SEED=9 cargo test --test swarm` (or `just swarm 5000 9`) runs
//! others. A failure is shrunk to the fewest options that still fail and printed as a command.

mod draw;
mod invariants;

use draw::Options;
use invariants::violation;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Scenarios without a word from the environment.
const RUNS: u64 = 300;

/// At most one scenario in so many may be refused: more would mean that the swarm draws nonsense and checks nothing.
const REFUSED_SHARE: u64 = 5;

/// The number that an environment variable names.
fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text}: a whole number is needed")),
        Err(_) => default,
    }
}

#[test]
fn every_run_keeps_its_invariants() {
    let (runs, first) = (number("SWARM_RUNS", RUNS), number("SWARM_SEED", 1));
    let next = AtomicU64::new(0);
    let (refused, failures) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            // Ordering: Relaxed, because the counter hands out numbers and guards nothing else.
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= runs || !failures.lock().unwrap().is_empty() {
                return;
            }
            let seed = first.wrapping_mul(1_000_003).wrapping_add(run);
            let options = Options::drawn(seed);
            match violation(&options) {
                Ok(is_refused) => {
                    // Ordering: Relaxed, because the sum is read after the threads have been joined.
                    refused.fetch_add(u64::from(is_refused), Ordering::Relaxed);
                }
                Err(what) => {
                    let whole = format!("scenario {seed}: {what}\n  bulkprop {options}");
                    let (least, what) = shrunk(options, what);
                    failures.lock().unwrap().push(format!("{whole}\nshrunk: {what}\n  bulkprop {least}"));
                }
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let refused = refused.into_inner();
    println!("{runs} scenarios, {refused} of them refused");
    assert!(refused * REFUSED_SHARE <= runs, "{refused} of {runs} scenarios were refused");
}

/// Leaves out one option after the other as long as any invariant is still violated.
fn shrunk(mut options: Options, mut what: String) -> (Options, String) {
    let mut place = 0;
    while place < options.0.len() {
        let mut fewer = options.clone();
        // Without its seed a scenario is another one each time, and without its carrier it is one of another kind.
        if ["seed", "transport"].contains(&fewer.0.remove(place).0) {
            place += 1;
            continue;
        }
        match violation(&fewer) {
            Err(still) => (options, what, place) = (fewer, still, 0),
            Ok(_) => place += 1,
        }
    }
    (options, what)
}
