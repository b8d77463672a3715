//! Runs a swarm of random scenarios over carriers, protocols, networks, faults and bulks with the real binary, and
//! checks the invariants of every run: ledger and sums, ascending times, the exit code, JSON that parses, an end in
//! time, and in virtual time the same figures on any number of threads, by any engine, and from the replay command, and
//! a trace that sums to them.
//!
//! `cargo test --test swarm` runs 300 scenarios. `SWARM_RUNS=5000 SWARM_SEED=9 cargo test --test swarm` (or
//! `just swarm 5000 9`) runs others. A failing one is shrunk to the fewest options that still fail, and printed as a
//! command.

mod draw;
mod invariants;
mod trace;

use draw::Options;
use invariants::violation;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Scenarios by default.
const RUNS: u64 = 300;

/// Divisor of the scenarios for the number that may be rejected: more would mean that the swarm draws nonsense and
/// checks nothing.
const REFUSED_SHARE: u64 = 5;

/// The number in an environment variable.
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
            // Ordering: Relaxed; the counter hands out numbers and publishes nothing else.
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= runs || !failures.lock().unwrap().is_empty() {
                return;
            }
            let seed = first.wrapping_mul(1_000_003).wrapping_add(run);
            let options = Options::drawn(seed);
            match violation(&options) {
                Ok(is_refused) => {
                    // Ordering: Relaxed; the sum is read after the threads have been joined.
                    refused.fetch_add(u64::from(is_refused), Ordering::Relaxed);
                }
                Err(what) => {
                    let whole = format!("scenario {seed}: {what}\n  bulkprop {options}");
                    let (least, what) = shrink(options, what);
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

/// Removes one option after the other as long as an invariant is still violated.
fn shrink(mut options: Options, mut what: String) -> (Options, String) {
    let mut place = 0;
    while place < options.0.len() {
        let mut fewer = options.clone();
        // Without its seed a scenario differs each time, and without its carrier it is of another kind.
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
