//! Cost of a forward's draw: eight targets of twenty peers, and the sparse and dense methods at a hub. The floor copies
//! the row and takes its first entries.

use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::protocol::{TargetDraw, TargetScratch};
use bulk_order_propagation::topology::{Topology, TopologySpec};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn draw_for_all(topology: &Topology, draw: &TargetDraw, nodes: u32, scratch: &mut TargetScratch) -> u64 {
    let mut sum = 0;
    for node in 0..nodes {
        let targets = draw.draw(topology, OrderIndex(0), NodeId(node), scratch);
        sum += targets.iter().map(|to| u64::from(to.0)).sum::<u64>();
    }
    sum
}

fn stored_peers(criterion: &mut Criterion) {
    const NODES: u32 = 10_000;
    let topology = TopologySpec::ErdosRenyi.build(NODES, 20, 1).expect("it can be built");
    let mut group = criterion.benchmark_group(format!("targets/erdos-renyi {NODES} nodes, 20 peers"));
    for fanout in [3, 8, 64] {
        let draw = TargetDraw::new(1, fanout);
        let messages: u64 = (0..NODES).map(|node| u64::from(draw.count(topology.degree(NodeId(node))))).sum();
        let mut scratch = TargetScratch::new(fanout, &topology);
        group.throughput(Throughput::Elements(messages));
        group.bench_function(format!("fanout {fanout}"), |bencher| {
            bencher.iter(|| draw_for_all(&topology, &draw, NODES, &mut scratch));
        });
    }
    group.throughput(Throughput::Elements(8 * u64::from(NODES)));
    group.bench_function("floor: first 8 peers", |bencher| {
        bencher.iter(|| {
            let row = |node| topology.row(NodeId(node)).expect("the rows are stored");
            (0..NODES).flat_map(|node| row(node).iter().take(8)).map(|peer| u64::from(black_box(peer).0)).sum::<u64>()
        });
    });
    group.finish();
}

fn computed_peers(criterion: &mut Criterion) {
    let topology = TopologySpec::Complete.build(1_000_000, 0, 1).expect("it can be built");
    let mut group = criterion.benchmark_group("targets/complete 1000000 nodes");
    for fanout in [8, 32] {
        let draw = TargetDraw::new(1, fanout);
        let mut scratch = TargetScratch::new(fanout, &topology);
        group.throughput(Throughput::Elements(1_000 * u64::from(fanout)));
        group.bench_function(format!("fanout {fanout}"), |bencher| {
            bencher.iter(|| draw_for_all(&topology, &draw, 1_000, &mut scratch));
        });
    }
    group.finish();
}

criterion_group!(benches, stored_peers, computed_peers);
criterion_main!(benches);
