//! Cost of a message's fate in each model of the network: eight messages a forward, to nodes far apart. The floor is
//! the key and the 64-bit word that every draw needs.

use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::network::{
    AccessLink, Fate, FaultSpec, Faults, LatencySpec, LinkRate, Network, RegionSpec,
};
use bulk_order_propagation::random::{Key, Purpose};
use bulk_order_propagation::time::Nanos;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const FORWARDS: u32 = 1_000;
const FANOUT: u32 = 8;

/// Sum of all arrival times of one order from many senders.
fn fates(network: &Network, order: u32) -> u64 {
    let mut sum = 0u64;
    for from in 0..FORWARDS {
        let links = network.outgoing_links(OrderIndex(order), NodeId(from)).at(Nanos(u64::from(from) * 1_000_000));
        for to in 0..FANOUT {
            if let Fate::Arrives(time) = links.fate(NodeId(from.wrapping_mul(7_919) + to * 104_729), 0) {
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

fn regions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("network/regions");
    for name in ["ethereum8", "bitcoin6", "aws33"] {
        let spec: RegionSpec = name.parse().expect("it is a preset");
        measure(&mut group, name, &Network::in_regions(7, &spec.read().expect("it is complete")));
    }
    group.finish();
}

fn losses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("network/loss on uniform:10ms..100ms");
    let latency: LatencySpec = "uniform:10ms..100ms".parse().expect("it is well written");
    for loss in ["0.1", "gilbert-elliott:good=10s,bad=200ms", "gilbert-elliott:good=10s,bad=200ms,per=sender"] {
        let network = Network::new(7, latency).with_loss(&loss.parse().expect("it is well written"));
        measure(&mut group, loss, &network);
    }
    group.finish();
}

fn faults(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("network/faults, a node and a link");
    group.throughput(Throughput::Elements(u64::from(FORWARDS)));
    let network = Network::new(7, LatencySpec::default());
    for (name, down, churn, cut) in [
        ("none", "none", None, "none"),
        ("down:0.1", "0.1", None, "none"),
        ("churn:up=60s,down=5s", "none", Some("up=60s,down=5s"), "none"),
        ("partition:0.5", "none", None, "0.5"),
    ] {
        let spec = FaultSpec {
            down: down.parse().expect("it is well written"),
            churn: churn.map(|churn: &str| churn.parse().expect("it is well written")),
            partition: cut.parse().expect("it is well written"),
            ..FaultSpec::default()
        };
        let faults =
            Faults::new(&spec, 7, FORWARDS, &network, |_| 0, None, &bulk_order_propagation::sync::Interrupt::new())
                .expect("no region is named");
        let now = black_box(Nanos::from_secs(30));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let nodes = (0..FORWARDS).map(NodeId);
                nodes.filter(|&node| faults.is_up(node, now) && !faults.is_cut(node, NodeId(1), now)).count()
            });
        });
    }
    group.finish();
}

fn access_links(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("network/bandwidth");
    group.throughput(Throughput::Elements(u64::from(FORWARDS)));
    let rate = LinkRate::new(10_000_000, Some(64 << 10));
    group.bench_function("an offer to a line of 10 Mbit/s, mostly full", |bencher| {
        bencher.iter(|| {
            let mut link = AccessLink::default();
            let offers =
                (0..FORWARDS).map(|message| rate.send(&mut link, Nanos(u64::from(message) * 50_000), black_box(128)));
            offers.filter(|offer| offer.departs.is_some()).count()
        });
    });
    group.finish();
}

criterion_group!(benches, latencies, regions, losses, faults, access_links);
criterion_main!(benches);
