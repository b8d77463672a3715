//! What the fate of a message costs on each model of the network: eight messages a forward, to nodes far apart. The floor
//! is the key and the word that every draw needs.

use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::network::{Fate, LatencySpec, Network};
use bulk_order_propagation::random::{Key, Purpose};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const FORWARDS: u32 = 1_000;
const FANOUT: u32 = 8;

/// The sum of all times, for one order over many senders.
fn fates(network: &Network, order: u32) -> u64 {
    let mut sum = 0u64;
    for from in 0..FORWARDS {
        let ways = network.ways(OrderIndex(order), NodeId(from));
        for to in 0..FANOUT {
            if let Fate::Arrives(time) = ways.fate(NodeId(from.wrapping_mul(7_919) + to * 104_729), 0) {
                sum = sum.wrapping_add(time.0);
            }
        }
    }
    sum
}

fn measure(group: &mut BenchmarkGroup<'_, impl criterion::measurement::Measurement>, name: &str, network: &Network) {
    group.throughput(Throughput::Elements(u64::from(FORWARDS * FANOUT)));
    group.bench_function(name, |bencher| bencher.iter(|| fates(network, black_box(0))));
}

fn latencies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("network/latency");
    group.throughput(Throughput::Elements(u64::from(FORWARDS * FANOUT)));
    group.bench_function("floor: one keyed word", |bencher| {
        let key = black_box(Key::new(7, Purpose::Network));
        bencher.iter(|| {
            let words = (0..FORWARDS).flat_map(|from| {
                let key = key.with(0).with(u64::from(from));
                (0..FANOUT).map(move |to| key.with(u64::from(to)).stream().next_word())
            });
            words.fold(0u64, u64::wrapping_add)
        });
    });
    for text in [
        "constant:50ms",
        "uniform:10ms..100ms",
        "exponential:30ms,min=5ms",
        "normal:50ms,10ms,min=20ms",
        "lognormal:p50=40ms,p90=90ms,min=10ms",
        "pareto:10ms,1.5",
        "link:uniform:10ms..100ms",
        "link:uniform:10ms..100ms+exponential:5ms",
    ] {
        let spec: LatencySpec = text.parse().expect("it is well written");
        measure(&mut group, text, &Network::new(7, spec));
    }
    group.finish();
}

criterion_group!(benches, latencies);
criterion_main!(benches);
