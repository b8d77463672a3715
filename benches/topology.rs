//! Time to build and to search an overlay, beside the floor: writing as many 32-bit words into memory.
//!
//! Groups are named by their parameters. The floors are the least that any builder pays: `stream` writes the entries in
//! sequence, `scatter` writes them at random rows, as a builder without buckets or strips would. Memory is warm after
//! the first iteration; the first in a fresh process is up to twice as slow on a virtual machine, whose host must find
//! the pages. 10^7 nodes run only with `BULKPROP_BENCH_LARGE=1`, because they need 2.5 GB of memory, and minutes.
#![allow(missing_docs, reason = "criterion's macros make public items without any")]

use bulk_order_propagation::ids::NodeId;
use bulk_order_propagation::random::{Key, Purpose};
use bulk_order_propagation::topology::{TopologySpec, reach};
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use std::hint::black_box;

const PEERS: u32 = 20;
const SEED: u64 = 1;

/// The families whose build is more than a loop.
const FAMILIES: [&str; 4] = ["erdos-renyi", "random-regular", "watts-strogatz", "barabasi-albert"];

fn benches(criterion: &mut Criterion) {
    let large = std::env::var_os("BULKPROP_BENCH_LARGE").is_some_and(|value| value == "1");
    let sizes: &[u32] = if large { &[10_000, 1_000_000, 10_000_000] } else { &[10_000, 1_000_000] };
    for &nodes in sizes {
        let mut group = criterion.benchmark_group(format!("topology/nodes={nodes},peers={PEERS}"));
        group.sample_size(10).throughput(Throughput::Elements(u64::from(nodes) * u64::from(PEERS)));
        floors(&mut group, nodes);
        builds(&mut group, nodes);
        searches(&mut group, nodes);
    }
}

fn floors(group: &mut BenchmarkGroup<'_, WallTime>, nodes: u32) {
    let entries = nodes * PEERS;
    group.bench_function("floor/stream", |bencher| bencher.iter(|| (0..entries).collect::<Vec<u32>>()));
    group.bench_function("floor/scatter", |bencher| {
        let mut rows = vec![0u32; entries as usize];
        bencher.iter(|| {
            let mut stream = Key::new(SEED, Purpose::Topology).stream();
            for entry in 0..entries {
                rows[stream.below(u64::from(entries)) as usize] = entry;
            }
            black_box(rows.last().copied())
        });
    });
}

fn builds(group: &mut BenchmarkGroup<'_, WallTime>, nodes: u32) {
    for family in FAMILIES {
        let spec: TopologySpec = family.parse().unwrap();
        group.bench_function(BenchmarkId::new("build", family), |bencher| {
            bencher.iter(|| spec.build(nodes, PEERS, SEED).unwrap());
        });
    }
}

fn searches(group: &mut BenchmarkGroup<'_, WallTime>, nodes: u32) {
    for family in ["erdos-renyi", "watts-strogatz", "ring"] {
        let overlay = family.parse::<TopologySpec>().unwrap().build(nodes, PEERS, SEED).unwrap();
        group.bench_function(BenchmarkId::new("reach", family), |bencher| {
            bencher.iter(|| reach(&overlay, NodeId(0)));
        });
    }
}

/// Slots of an implicit overlay, which it has instead of rows: one after another, and with SIMD. The floor is a draw.
fn slots(criterion: &mut Criterion) {
    const BATCH: usize = 4_096;
    let overlay = TopologySpec::RegularImplicit.build(1_000_000_000, PEERS, SEED).unwrap();
    let implicit = overlay.implicit().unwrap();
    let mut stream = Key::new(SEED, Purpose::Targets).stream();
    let nodes: Vec<NodeId> = (0..BATCH).map(|_| NodeId(stream.below(1_000_000_000) as u32)).collect();
    let asked: Vec<u16> = (0..BATCH).map(|_| stream.below(PEERS.into()) as u16).collect();
    let mut peers = vec![NodeId(0); BATCH];
    let mut group = criterion.benchmark_group(format!("topology/implicit,nodes=1000000000,peers={PEERS}"));
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("floor/draw", |bencher| {
        bencher.iter(|| (0..BATCH).map(|_| stream.below(1_000_000_000)).sum::<u64>());
    });
    group.bench_function("singly", |bencher| {
        bencher.iter(|| {
            nodes.iter().zip(&asked).map(|(&node, &slot)| implicit.at(node, slot.into()).index()).sum::<usize>()
        });
    });
    group.bench_function("lanes", |bencher| bencher.iter(|| implicit.fill(&nodes, &asked, black_box(&mut peers))));
    group.finish();
}

criterion_group!(topology, benches, slots);
criterion_main!(topology);
