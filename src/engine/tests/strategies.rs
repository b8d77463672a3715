//! Strategies that draw the cases of the engine's tests.

use super::*;

/// Draws the time for which orders are gathered: 0, or long enough that some orders of a bulk are announced together.
pub(super) fn intervals() -> impl Strategy<Value = Nanos> {
    prop_oneof![Just(0), 1..2_000u64].prop_map(Nanos)
}

pub(super) fn latencies() -> impl Strategy<Value = Latency> {
    prop_oneof![
        (1..40u64).prop_map(|time| Latency::Constant(Nanos(time))),
        // Short enough for ties, and one for a calendar that is outgrown.
        (1..20u64, 0..60u64).prop_map(|(least, more)| uniform(least, least + more)),
        Just(uniform(1, 9_000)),
        Just(uniform(10_000_000, 100_000_000)),
    ]
}

pub(super) fn uniform(least: u64, greatest: u64) -> Latency {
    Latency::Uniform { least: Nanos(least), greatest: Nanos(greatest) }
}

pub(super) fn workloads(nodes: u32) -> impl Strategy<Value = Workload> {
    let arrivals = prop::sample::select(vec![Arrivals::Constant, Arrivals::Poisson, Arrivals::Burst]);
    prop_oneof![
        (0..nodes).prop_map(|origin| Workload::single(NodeId(origin))),
        (any::<u64>(), 1..6u32, 0..100u64, arrivals).prop_map(move |(seed, orders, interval, arrivals)| {
            let rate = Rate::per_second(1_000_000_000 / interval.max(1));
            Workload::bulk(seed, nodes, Bulk { orders, rate, arrivals, origins: Origins::Random })
        }),
    ]
}

pub(super) fn losses() -> impl Strategy<Value = LossSpec> {
    // Bursts as long as the longest latencies, so that the instant at which a message is sent decides its fate.
    let bursts = (1..80u64, 1..80u64, prop::sample::select(vec!["link", "sender", "receiver"]));
    let bursts = bursts.prop_map(|(good, bad, per)| {
        format!("gilbert-elliott:good={good}ms,bad={bad}ms,loss=0.9,per={per}").parse().unwrap()
    });
    prop_oneof![
        2 => Just(LossSpec::NONE),
        1 => (1..=100u64).prop_map(|of| LossSpec::Independent(share(of))),
        1 => bursts,
    ]
}

pub(super) fn share(percent: u64) -> Ratio {
    Ratio::new(percent, 100).unwrap()
}

/// Nodes that are down, that fail, that come and go, cuts of both kinds that heal or do not, and NATs.
pub(super) fn faults() -> impl Strategy<Value = FaultSpec> {
    let times = prop_oneof![Just(0..1u64), Just(0..200), Just(0..200_000_000)];
    let outage = (0..60u64, times.prop_flat_map(|times| times), any::<bool>()).prop_map(|(of, at, is_by_degree)| {
        let selector = if is_by_degree { Selector::Degree } else { Selector::Random };
        Outage { share: share(of), at: Nanos(at), selector }
    });
    let churn = (1_000_000..90_000_000u64, 1_000_000..90_000_000u64);
    let churn = churn.prop_map(|(up, down)| ChurnSpec { up: Nanos(up), down: Nanos(down) });
    let cut = (0..=100u64, 0..200u64, prop::option::of(1..200_000_000u64), any::<bool>());
    let cut = cut.prop_map(|(of, at, lasts, is_one_way)| {
        let heal = lasts.map_or(Nanos::MAX, |lasts| Nanos(at + lasts));
        Cut { side: PartitionSide::Share(share(of)), at: Nanos(at), heal, is_one_way }
    });
    let outages = prop::collection::vec(outage, 0..3);
    let all = (outages, prop::option::of(churn), prop::collection::vec(cut, 0..2), 0..60u64);
    all.prop_map(|(outages, churn, cuts, nat)| FaultSpec {
        detect: None,
        down: DownSpec(outages),
        churn,
        partition: PartitionSpec(cuts),
        nat: share(nat),
    })
}

/// Lines on which a message of 88 bytes takes from 1 ns to 7 ms, and which hold from one of them to many.
pub(super) fn bandwidths() -> impl Strategy<Value = BandwidthSpec> {
    let rate = || prop::option::of(prop::sample::select(vec![100_000, 1_000_000_000, 20_000_000_000, 704_000_000_000]));
    let queue_bytes = prop::sample::select(vec![Some(88), Some(300), Some(1 << 20), None]);
    let share = prop::sample::select(vec![UplinkShare::Serial, UplinkShare::Fair]);
    (rate(), rate(), queue_bytes, share).prop_map(|(up, down, queue_bytes, share)| BandwidthSpec {
        rates: Rates::Same { up, down },
        queue_bytes,
        share,
    })
}

pub(super) fn adversaries() -> impl Strategy<Value = AdversarySpec> {
    let written = [
        "none",
        "drop:30%,of=50%",
        "censor:50%,origin=3",
        "delay:50%,by=30ms",
        "delay:30%,by=3ns+flood:20%,times=3",
        "flood:40%,times=2+drop:10%,of=90%",
        "eclipse:80%,victim=5+delay:90%,by=0s",
        "spy:20%",
    ];
    prop::sample::select(written.map(|written| written.parse().unwrap()).to_vec())
}

prop_compose! {
    pub(super) fn cases()(
        nodes in 20..200u32
    )(
        seed in any::<u64>(), fanout in 1..6u32, ttl in 1..12u8, latency in latencies(), workload in workloads(nodes),
        exclude_sender in any::<bool>(), percent in 1..=100u64, ends_at_target in any::<bool>(), nodes in Just(nodes),
        timeout in prop::option::of(0..400u64), loss in losses(), window in 1..7u32
    ) -> Case {
        Case {
            nodes, seed, fanout, ttl, latency, loss, workload, window, exclude_sender, ends_at_target,
            faults: FaultSpec::default(), duplicate: share(0),
            bandwidth: None, processing: Nanos::ZERO, adversary: AdversarySpec::default(),
            target: Ratio::new(percent, 100).unwrap(),
            timeout: timeout.map(Nanos),
            ends_at_instant: seed % 3 == 0,
        }
    }
}
