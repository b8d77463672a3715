//! Cost of a mark: by its owner, as a duplicate, and published to a counter that another worker adds to as well. Beside
//! it the floor and the rejected designs: a plain bit, a locked one, one shared addition per mark.

use bulk_order_propagation::coverage::{Coverage, Goals, Scope, SingleOrderWindow, Window};
use bulk_order_propagation::ids::OrderIndex;
use bulk_order_propagation::ratio::Ratio;
use bulk_order_propagation::sync::Arena;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const NODES: u32 = 100_000;

/// Marks per addition to the shared counter, as in a receive batch.
const BATCH: u32 = 16;

/// Local indices in a sequence in which successive ones are far apart in memory, as those of arrivals are.
fn scattered() -> impl Iterator<Item = u32> {
    (0..NODES).map(|i| (u64::from(i) * 40_503 % u64::from(NODES)) as u32)
}

/// The coverage of one order whose target is all nodes.
fn coverage<const SHARDS: usize>(shards: [u32; SHARDS]) -> Coverage {
    let all = Ratio::new(1, 1).expect("a share");
    let goals = Goals::new(shards.iter().sum(), all);
    Coverage::new(&mut Arena::heap(), shards, Scope { orders: 1, window: Window::new(1, 1), goals })
}

fn mark_all(coverage: &mut Coverage) -> u64 {
    let (view, mut markers) = coverage.split::<SingleOrderWindow>();
    for (at, local) in (0u32..).zip(scattered()) {
        black_box(markers[0].mark(local, OrderIndex(0)));
        if at % BATCH == 0 {
            markers[0].publish(|_, _| {});
        }
    }
    view.covered()
}

fn alone(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(format!("mark/{NODES} nodes"));
    group.throughput(Throughput::Elements(u64::from(NODES)));
    group.bench_function("owner", |bencher| {
        bencher.iter_batched_ref(|| coverage([NODES]), mark_all, BatchSize::LargeInput);
    });
    group.bench_function("floor: plain bit", |bencher| {
        bencher.iter_batched_ref(
            || vec![0u64; NODES as usize / 64 + 1],
            |words| {
                for local in scattered() {
                    let word = &mut words[local as usize / 64];
                    black_box(*word & 1 << (local % 64) == 0);
                    *word |= 1 << (local % 64);
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("refused: fetch_or and an addition per mark", |bencher| {
        bencher.iter_batched_ref(
            || ((0..=NODES / 64).map(|_| AtomicU64::new(0)).collect::<Vec<_>>(), AtomicU64::new(0)),
            |(words, count)| locked(words, count),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

/// Sets the same marks with one locked instruction for the bit and one for the count.
fn locked(words: &[AtomicU64], count: &AtomicU64) {
    for local in scattered() {
        // Ordering: Relaxed; as for the marks that it is compared with.
        let before = words[local as usize / 64].fetch_or(1 << (local % 64), Ordering::Relaxed);
        if before & 1 << (local % 64) == 0 {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The same while a second thread keeps marking its own shard.
fn contended(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(format!("mark contended/{NODES} nodes"));
    group.throughput(Throughput::Elements(u64::from(NODES)));
    group.bench_function("owner", |bencher| {
        bencher.iter_batched_ref(
            || coverage([NODES, NODES]),
            |coverage| {
                let (view, mut markers) = coverage.split::<SingleOrderWindow>();
                let over = AtomicBool::new(false);
                let (mine, theirs) = markers.split_at_mut(1);
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        // Ordering: Relaxed; it only ends the second thread.
                        while !over.load(Ordering::Relaxed) {
                            for local in scattered().take(1_000) {
                                theirs[0].mark(local, OrderIndex(0));
                                theirs[0].publish(|_, _| {});
                            }
                        }
                    });
                    for (at, local) in (0u32..).zip(scattered()) {
                        black_box(mine[0].mark(local, OrderIndex(0)));
                        if at % BATCH == 0 {
                            mine[0].publish(|_, _| {});
                        }
                    }
                    // Ordering: Relaxed; as above.
                    over.store(true, Ordering::Relaxed);
                });
                view.covered()
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, alone, contended);
criterion_main!(benches);
