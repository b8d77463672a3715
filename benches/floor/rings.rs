//! The cost of messages through rings alone: each thread sends its share round robin to all threads, itself included,
//! and receives what arrives; no protocol, no node, no draw.

#![allow(clippy::disallowed_methods)]

use bulk_order_propagation::sync::{Consumer, Producer, ring};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Messages published and taken at a time.
const BATCH: usize = 256;

/// Slots of a ring.
const SLOTS: usize = 8_192;

/// Time to move `messages` between `threads` pinned threads.
pub(crate) fn time(threads: usize, messages: u64) -> Duration {
    let mut ends: Vec<(Vec<Producer>, Vec<Consumer>)> = (0..threads).map(|_| (Vec::new(), Vec::new())).collect();
    for from in 0..threads {
        for to in 0..threads {
            let (producer, consumer) = ring(SLOTS);
            ends[from].0.push(producer);
            ends[to].1.push(consumer);
        }
    }
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let (received, start) = (AtomicU64::new(0), Barrier::new(threads));
    let share = messages.div_ceil(threads as u64);
    std::thread::scope(|scope| {
        let run = |(thread, (mut out, mut into)): (usize, (Vec<Producer>, Vec<Consumer>))| {
            let core = cores.get(thread % cores.len().max(1)).copied();
            let (received, start) = (&received, &start);
            scope.spawn(move || {
                core.map(core_affinity::set_for_current);
                out.iter_mut().for_each(Producer::warm_up);
                start.wait();
                let (began, mut left) = (Instant::now(), share);
                // Ordering: Relaxed; a count of messages that publishes nothing else.
                while received.load(Ordering::Relaxed) < share * threads as u64 {
                    left -= send(&mut out, left);
                    received.fetch_add(receive(&mut into), Ordering::Relaxed);
                    if left == 0 {
                        std::thread::yield_now();
                    }
                }
                began.elapsed()
            })
        };
        let threads: Vec<_> = ends.into_iter().enumerate().map(run).collect();
        threads.into_iter().map(|thread| thread.join().expect("a floor does not panic")).max().unwrap_or_default()
    })
}

/// Sends up to a batch, round robin; returns how many messages were accepted.
fn send(out: &mut [Producer], left: u64) -> u64 {
    let rings = out.len();
    let batch = left.min(BATCH as u64);
    let taken = (0..batch).take_while(|&word| out[word as usize % rings].push([word, left])).count();
    for ring in out {
        ring.publish();
    }
    taken as u64
}

/// Takes up to a batch from each ring; returns how many messages were received.
fn receive(into: &mut [Consumer]) -> u64 {
    let mut sum = 0;
    let mut add = |[word, _]: [u64; 2]| {
        sum ^= word;
        0
    };
    let came: usize = into.iter_mut().map(|ring| ring.take(BATCH, &mut add)).sum();
    std::hint::black_box(sum);
    came as u64
}
