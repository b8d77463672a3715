//! Tests that a scenario written as TOML or as a command reads back unchanged.

use super::super::{
    Choice, Draft, Engine, MixSpec, OriginsKind, PayloadBytes, Pin, ProtocolKind, ProtocolSpec, Scenario, Spin,
    TransportKind, Ttl, Until, WindowSize, limits,
};
use super::{draft, scenario};
use crate::adversary::AdversarySpec;
use crate::network::{
    BandwidthSpec, ChurnSpec, DetectSpec, DownSpec, Exponential, LATENCY_MAX, Latency, LatencySpec, LinkLatency,
    LossSpec, PartitionSpec, RegionSpec,
};
use crate::protocol::{HopFanouts, LazyKnobs, PushFanout, PushKnobs};
use crate::ratio::Ratio;
use crate::time::Nanos;
use crate::topology::TopologySpec;
use crate::workload::{Arrivals, Rate};
use proptest::option::of;
use proptest::prelude::*;
use std::fmt::Debug;
use std::str::FromStr;

fn topologies() -> impl Strategy<Value = TopologySpec> {
    use TopologySpec::*;
    let paths = "[^\0]{1,20}".prop_map(|path| File { path });
    let rewired = shares().prop_map(|rewired| WattsStrogatz { rewired });
    let reachable = shares().prop_map(|reachable| Dials { reachable });
    let plain = prop::sample::select(vec![
        ErdosRenyi,
        RandomRegular,
        RegularImplicit,
        BarabasiAlbert,
        Ring,
        Grid,
        Star,
        Complete,
    ]);
    prop_oneof![3 => plain, 1 => paths, 1 => rewired, 1 => reachable]
}

fn shares() -> impl Strategy<Value = Ratio> {
    let decimals = prop::sample::select(vec![10u64, 100, 1_000_000, 10u64.pow(15), 10u64.pow(17), 10u64.pow(19)]);
    let denominators = prop_oneof![decimals, 1..=u64::MAX];
    denominators
        .prop_flat_map(|denominator| (1..=denominator, Just(denominator)))
        .prop_filter_map("a share", |(numerator, denominator)| Ratio::new(numerator, denominator))
}

fn latencies() -> impl Strategy<Value = LatencySpec> {
    let times = || prop_oneof![0..=86_400_000_000_000u64, (0..=86_400u64).prop_map(|time| time * 1_000_000_000)];
    let latency = || {
        prop_oneof![
            times().prop_map(|time| Latency::Constant(Nanos(time))),
            (times(), times())
                .prop_map(|(a, b)| Latency::Uniform { least: Nanos(a.min(b)), greatest: Nanos(a.max(b)) }),
            (times(), times(), any::<bool>()).prop_map(|(a, b, is_cut)| {
                let greatest = if is_cut { Nanos(a.max(b)) } else { LATENCY_MAX };
                Exponential { mean: Nanos(a.max(b)), least: Nanos(a.min(b)), greatest }.into()
            }),
        ]
    };
    let link = (latency(), any::<bool>()).prop_map(|(latency, is_directed)| LinkLatency { latency, is_directed });
    let latencies = prop_oneof![
        latency().prop_map(LatencySpec::from),
        (link, of(latency())).prop_map(|(link, message)| LatencySpec { link: Some(link), message, is_ordered: false }),
    ];
    let ordered = LatencySpec { link: None, message: None, is_ordered: true };
    prop_oneof![
        1 => Just(ordered),
        9 => (latencies, any::<bool>()).prop_map(|(latency, is_ordered)| LatencySpec { is_ordered, ..latency }),
    ]
}

fn ttls() -> impl Strategy<Value = Ttl> {
    prop_oneof![Just(Ttl::Auto), (1..=u8::MAX).prop_map(Ttl::Hops)]
}

/// Draws one of the values of `texts`, each of which its option accepts.
fn written<T: FromStr<Err: Debug> + Clone + Debug + 'static>(texts: &[&str]) -> impl Strategy<Value = T> + use<T> {
    let values: Vec<T> = texts.iter().map(|text| text.parse().unwrap()).collect();
    prop::sample::select(values)
}

type Models = (Option<RegionSpec>, Option<LossSpec>, Option<Ratio>, Option<BandwidthSpec>, Option<Nanos>);

fn models() -> impl Strategy<Value = Models> {
    let bursts = written(&["gilbert-elliott:good=10s,bad=200ms,loss=0.8,good-loss=0.001,per=receiver", "0"]);
    let losses = prop_oneof![shares().prop_map(LossSpec::Independent), bursts];
    let rates = written(&["up=10mbit,down=1500kbit", "regions,queue=1500B", "down=1gbit"]);
    let times = (0..=86_400_000_000_000u64).prop_map(Nanos);
    let networks = written(&["aws33", "ethereum8", "bitcoin6", "exchange-sites", "it's, a/file.csv"]);
    (of(networks), of(losses), rare(shares()), rare(rates), rare(times))
}

type Faults = (
    (Option<DownSpec>, Option<DetectSpec>),
    Option<ChurnSpec>,
    Option<PartitionSpec>,
    Option<Ratio>,
    Option<AdversarySpec>,
);

fn faults() -> impl Strategy<Value = Faults> {
    let outages = written(&["none", "0.1+1/3,at=1500ms,by=degree", "1,at=2s,region=europe"]);
    let churns = written(&["up=60s,down=5s"]);
    let cuts = written(&["none", "0.5,at=1s,heal=3s,one-way", "region=europe"]);
    let parts = written(&["none", "drop:0.1,of=0.5+spy:0.05", "flood:0.01,times=10+eclipse:1,victim=7"]);
    let detections = written(&["2s..8s", "5s"]);
    ((rare(outages), rare(detections)), rare(churns), rare(cuts), rare(shares()), rare(parts))
}

/// Draws `Some` for one draft in twenty only, because these options often contradict others: enough drafts must make a
/// scenario.
fn rare<T: Clone + Debug>(values: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.05, values)
}

type OverlayValues = (Option<u32>, Option<u32>, Option<TopologySpec>, Option<u32>, Option<u32>);

fn overlays() -> impl Strategy<Value = OverlayValues> {
    // Most drafts leave the processes out, because only carriers with sockets take more than one.
    let processes = prop_oneof![4 => Just(None), 1 => of(1..=4u32)];
    let nodes = prop_oneof![1..50u32, 1..=u32::MAX];
    (of(nodes), of(1..5u32), of(topologies()), of(0..60u32), processes)
}

type GossipValues = (
    Option<u32>,
    Option<Ttl>,
    Option<bool>,
    Option<Ratio>,
    (Option<ProtocolSpec>, Option<MixSpec>),
    Option<Nanos>,
    Option<Nanos>,
    JoinValues,
);

type JoinValues = (Option<u32>, Option<Nanos>);

/// Draws the protocols of a mix, a few of which contradict each other.
fn mixes() -> impl Strategy<Value = (Option<ProtocolSpec>, Option<MixSpec>)> {
    let pairs = written::<ProtocolSpec>(&["gossipsub:go", "gossipsub,d=4", "gossipsub:v1.2@hyparview", "lazy", "push"]);
    let others = written::<ProtocolSpec>(&["gossipsub:v2.0", "gossipsub:v1.2,d-high=20", "lazy,retry=1s", "flood"]);
    (of(pairs), others, shares(), any::<bool>()).prop_map(|(first, second, share, fits)| {
        // Most of those that are drawn alike cannot be mixed; a side with the defaults of the other always can.
        let protocol = if fits { first.map_or(second, |first| first.kind().into()) } else { second };
        (first, Some(MixSpec { share, protocol }))
    })
}

fn gossip() -> impl Strategy<Value = GossipValues> {
    let protocols = prop_oneof![
        8 => prop::sample::select(ProtocolKind::ALL).prop_map(ProtocolSpec::from),
        1 => (1..=u32::MAX).prop_map(|fanout| PushKnobs { fanout: Some(PushFanout::Same(fanout)) }.into()),
        1 => proptest::collection::vec(1..=u16::MAX, 2..=8).prop_map(|fanouts| {
            PushKnobs { fanout: HopFanouts::new(&fanouts).map(PushFanout::ByHop) }.into()
        }),
        1 => Just(PushKnobs { fanout: Some(PushFanout::Auto) }.into()),
        1 => written(&["flood@hyparview", "plumtree:iroh@hyparview:iroh,settle-time=1s"]),
        1 => (of(1..=u64::MAX), of(any::<u64>())).prop_map(|(retry, interval)| {
            let (retry, announce_interval) = (retry.map(Nanos), interval.map(Nanos));
            LazyKnobs { retry, announce_interval, ..LazyKnobs::default() }.into()
        }),
    ];
    let retries = prop_oneof![2 => Just(None), 1 => of((1..=u64::MAX).prop_map(Nanos))];
    let intervals = prop_oneof![2 => Just(None), 1 => of(any::<u64>().prop_map(Nanos))];
    let joins = (rare(0..20u32), rare((0..=86_400_000_000_000u64).prop_map(Nanos)));
    let protocols = prop_oneof![9 => of(protocols).prop_map(|protocol| (protocol, None)), 1 => mixes()];
    (of(1..=u32::MAX), of(ttls()), of(any::<bool>()), of(shares()), protocols, retries, intervals, joins)
}

type RunValues = (Option<Until>, Option<Nanos>, Option<u64>, Option<u64>);

fn runs() -> impl Strategy<Value = RunValues> {
    let events = prop::sample::select(vec![Until::Target, Until::Quiescent]);
    let ends = prop_oneof![2 => events, 1 => any::<u64>().prop_map(|at| Until::Instant(Nanos(at)))];
    let ids = prop_oneof![4 => 0..10u64, 1 => any::<u64>()];
    (of(ends), of(any::<u64>().prop_map(Nanos)), of(0..=limits::SEED.most), of(ids))
}

type BulkValues = (Option<u32>, Option<Rate>, Option<Arrivals>, Option<OriginsKind>, Option<WindowSize>);

fn bulks() -> impl Strategy<Value = BulkValues> {
    let arrivals = prop::sample::select(vec![Arrivals::Constant, Arrivals::Poisson, Arrivals::Burst]);
    let origins = prop::sample::select(vec![OriginsKind::One, OriginsKind::Random]);
    let rate = any::<u64>().prop_map(|millionths| Rate::LEAST.scaled(millionths, 1));
    let orders = prop_oneof![Just(1), 2..=limits::ORDERS.most as u32];
    let windows = prop_oneof![(1..=2_000u32).prop_map(WindowSize::Orders), Just(WindowSize::Auto)];
    (of(orders), of(rate), of(arrivals), of(origins), of(windows))
}

type MachineValues = (
    Option<PayloadBytes>,
    Option<Pin>,
    Option<Spin>,
    Option<u32>,
    Option<u32>,
    Option<TransportKind>,
    Option<bool>,
    Option<LatencySpec>,
    Option<Engine>,
    Option<bool>,
);

fn machines() -> impl Strategy<Value = MachineValues> {
    let bytes = prop_oneof![4 => 0..=1_399_u32, 1 => 0..=limits::PAYLOAD_BYTES.most as u32];
    let payload_bytes = (bytes.clone(), bytes).prop_map(|(a, b)| PayloadBytes::new(a.min(b), a.max(b)).unwrap());
    let pins = prop::sample::select(vec![Pin::Spread, Pin::Compact, Pin::None]);
    let spins = prop::sample::select(vec![Spin::Auto, Spin::Always, Spin::Never]);
    let carriers = prop::sample::select(vec![TransportKind::Udp, TransportKind::Memory, TransportKind::Simulated]);
    let engines = prop::sample::select(vec![Engine::Auto, Engine::General, Engine::Fast]);
    let buffer = of(1_152..1_000_000u32);
    (
        of(payload_bytes),
        of(pins),
        of(spins),
        buffer,
        of(1..=10_000u32),
        of(carriers),
        of(any::<bool>()),
        of(latencies()),
        of(engines),
        rare(any::<bool>()),
    )
}

/// Draws drafts whose values are each within their limit; together they may still contradict each other.
fn drafts() -> impl Strategy<Value = Draft> {
    let names =
        prop::sample::select(vec!["baseline", "true", "--seed", "5", "it's \"5 %\", auf 東京", r"a\b $HOME", " "]);
    let names = of(names.prop_map(str::to_owned));
    // Boxed, because an unoptimised build copies what is drawn from frame to frame of its stack.
    let first = (overlays().boxed(), gossip().boxed(), runs().boxed(), machines().boxed());
    let second = (models().boxed(), faults().boxed(), bulks().boxed(), names);
    let parts = (first.boxed(), second.boxed()).prop_map(|((a, b, c, d), (e, f, g, h))| (a, b, c, d, e, f, g, h));
    parts.prop_map(|(network, gossip, run, machine, model, faults, bulk, name)| Draft {
        nodes: network.0,
        threads: network.1,
        processes: network.4,
        transport: machine.5,
        topology: network.2,
        peers: network.3,
        fanout: gossip.0,
        ttl: gossip.1,
        exclude_sender: gossip.2,
        target: gossip.3,
        protocol: gossip.4.0,
        mix: gossip.4.1,
        retry: gossip.5,
        announce_interval: gossip.6,
        // A file, as is that of publications.
        stakes: None,
        contact: gossip.7.0,
        join_time: gossip.7.1,
        warm_up: None,
        until: run.0,
        timeout: run.1,
        seed: run.2,
        origin: run.3,
        orders: bulk.0,
        rate: bulk.1,
        arrivals: bulk.2,
        origins: bulk.3,
        // A list takes the place of the other options of the workload; its own test has the files.
        publications: None,
        window: bulk.4,
        payload_bytes: machine.0,
        pin: machine.1,
        spin: machine.2,
        receive_buffer: machine.3,
        charge_serialization: machine.6,
        network: model.0,
        place: None,
        latency: machine.7,
        loss: model.1,
        links: None,
        duplicate: model.2,
        bandwidth: model.3,
        processing: model.4,
        down: faults.0.0,
        detect: faults.0.1,
        churn: faults.1,
        partition: faults.2,
        nat: faults.3,
        adversary: faults.4,
        engine: machine.8,
        runs: machine.4,
        same_seed: machine.9,
        name,
    })
}

fn scenarios() -> impl Strategy<Value = Scenario> {
    drafts().prop_filter_map("contradictions", |draft| draft.build().ok())
}

proptest! {
    #[test]
    fn a_draft_survives_toml(draft in drafts()) {
        prop_assert_eq!(Draft::from_toml(&draft.to_toml()), Ok(draft));
    }

    #[test]
    fn a_scenario_survives_toml(scenario in scenarios()) {
        prop_assert_eq!(Draft::from_toml(&scenario.to_toml()).unwrap().build().unwrap(), scenario);
    }

    #[test]
    fn a_scenario_survives_its_replay_command(scenario in scenarios()) {
        let replay = scenario.replay();
        let options = replay.strip_prefix("bulkprop ").unwrap();
        prop_assert_eq!(draft(options).unwrap().build().unwrap(), scenario, "{}", replay);
    }

    #[test]
    fn any_text_is_a_draft_or_an_error(text in "\\PC*") {
        let _ = Draft::from_toml(&text);
    }

    #[test]
    fn any_value_is_taken_or_refused(name in prop::sample::select(super::super::replay::names()), text in ".*") {
        let _ = Draft::from_option(&name, &text).map(Draft::build);
    }
}

#[test]
fn a_replay_names_what_differs_and_what_was_drawn() {
    for (asked, replay) in [
        ("--threads 2 --seed 7", "--threads 2 --seed 7"),
        ("--seed 7 --threads 1 --fanout 8 --ttl 6 --nodes 10 --target 95%", "--threads 1 --seed 7"),
        ("--nodes 1000 --threads 2 --seed 7 --peers 20", "--nodes 1000 --threads 2 --seed 7"),
        ("--nodes 1000 --threads 2 --seed 7 --topology ring", "--nodes 1000 --threads 2 --topology ring --seed 7"),
        ("--threads 20 --seed 7 --nodes 20", "--nodes 20 --threads 20 --seed 7"),
        ("--threads 2 --seed 7 --loss 0.1", "--threads 2 --seed 7 --loss 0.1"),
        (
            "--threads 2 --seed 7 --mix 20%:gossipsub:go@hyparview --protocol gossipsub@hyparview",
            "--threads 2 --protocol gossipsub@hyparview --mix 0.2:gossipsub:go --seed 7",
        ),
        ("--threads 2 --seed 7 --runs 3 --same-seed", "--threads 2 --seed 7 --runs 3 --same-seed"),
        ("--threads 2 --seed 18446744073709551615", "--threads 2 --seed 18446744073709551615"),
        (
            "--threads 2 --seed 18446744073709551615 --same-seed --runs 2",
            "--threads 2 --seed 18446744073709551615 --runs 2 --same-seed",
        ),
        ("--name 'fanout 8' --threads 2 --seed 7", "--threads 2 --seed 7 --name 'fanout 8'"),
        ("--threads 2 --seed 7 --name true", "--threads 2 --seed 7 --name true"),
        ("--threads 2 --seed 7 --latency 0", "--threads 2 --seed 7 --latency constant:0s"),
    ] {
        assert_eq!(scenario(asked).replay(), format!("bulkprop {replay}"), "{asked}");
    }
}

/// A replay command leaves out the options that the edge list decides, and names an origin by its id there.
#[test]
fn edge_lists_survive_toml_and_replay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it's here");
    std::fs::write(&path, "7 18446744073709551000\n12 7\n").unwrap();
    let path = path.to_str().unwrap();
    let quoted = path.replace('\'', r"'\''");
    for (asked, given) in [
        ("", ""),
        (" --origin 7 --nodes 3", ""),
        (" --origin 12", " --origin 12"),
        (" --origin 18446744073709551000", " --origin 18446744073709551000"),
        (" --nodes 5 --origin 18446744073709551002", " --origin 18446744073709551002"),
    ] {
        let scenario = scenario(&format!("--threads 1 --seed 0 --topology \"file:{path}\"{asked}"));
        let (replay, given) = (scenario.replay(), format!("--topology 'file:{quoted}' --seed 0{given}"));
        let nodes = if asked.contains("--nodes 5") { "--nodes 5 " } else { "" };
        assert_eq!(replay, format!("bulkprop {nodes}--threads 1 {given}"));
        assert_eq!(draft(replay.strip_prefix("bulkprop ").unwrap()).unwrap().build().unwrap(), scenario);
        assert_eq!(Draft::from_toml(&scenario.to_toml()).unwrap().build().unwrap(), scenario);
    }
}

#[test]
fn a_replay_names_the_ttl_and_window_that_auto_came_to_but_not_for_many_runs() {
    for (asked, replay) in [
        ("--threads 1 --seed 7", "--threads 1 --ttl 14 --seed 7"),
        ("--transport simulated --threads 1 --seed 7", "--threads 1 --transport simulated --ttl 14 --seed 7"),
        ("--threads 1 --seed 7 --orders 2001 --ttl 14", "--threads 1 --ttl 14 --seed 7 --orders 2001 --window 2000"),
        ("--threads 1 --seed 7 --orders 2000 --ttl 14", "--threads 1 --ttl 14 --seed 7 --orders 2000"),
        ("--threads 1 --seed 7 --ttl auto --runs 3", "--threads 1 --ttl auto --seed 7 --runs 3"),
        ("--transport simulated --threads 1 --seed 7 --runs 3", "--threads 1 --transport simulated --seed 7 --runs 3"),
    ] {
        assert_eq!(scenario(asked).replay_under(14, Some(2_000)), format!("bulkprop {replay}"), "{asked}");
    }
}

#[test]
fn a_file_takes_natural_types() {
    let text = "nodes = 1_000\ntarget = 0.95\ntimeout = '3s'\nttl = 6\nseed = 0xff\nexclude-sender = true";
    let flags = "--nodes 1000 --target 19/20 --timeout 3s --ttl 6 --seed 255 --exclude-sender";
    assert_eq!(Draft::from_toml(text).unwrap(), draft(flags).unwrap());
    let texts = "nodes = '1000'\ntarget = '95%'\ntimeout = '3000ms'\nttl = '6'\nseed = '255'\nexclude-sender = 'true'";
    assert_eq!(Draft::from_toml(texts).unwrap(), draft(flags).unwrap());
}

/// Reads each number in many notations, as a flag and from a file.
#[test]
fn numbers_are_read_as_people_write_them() {
    for (option, plain, forms) in [
        ("nodes", "10000", ["10_000", "10k", "1e4", "0.01M"].as_slice()),
        ("orders", "1000000", &["1M", "1e6", "1_000_000"]),
        ("seed", "1000000000", &["1G", "1e9"]),
        ("payload-bytes", "1024", &["1KiB", "1024B", "1.024kB"]),
        ("payload-bytes", "0..1000", &["0..1kB", "0B..1e3"]),
        ("receive-buffer", "65536", &["64KiB", "65_536"]),
        ("rate", "10000/s", &["10k/s", "10k", "1e4/s", "10_000"]),
        ("timeout", "90s", &["1m30s", "1.5min", "90_000ms", "0.025h"]),
        ("retry", "250ms", &["0.25s", "250_000us"]),
        ("target", "0.95", &["95%", "19/20", "950e-3"]),
        ("latency", "constant:100ms", &["0.1s", "100ms", "1e5us"]),
        (
            "bandwidth",
            "up=25mbit,queue=64KiB",
            &["up=25Mbit,queue=65536B", "up=25Mbps,queue=64KiB", "up=25e6bit/s,queue=0.0625MiB"],
        ),
        ("adversary", "flood:0.1,times=100", &["flood:10%,times=1e2"]),
    ] {
        let expected = Draft::from_option(option, plain).unwrap();
        for form in forms {
            assert_eq!(Draft::from_option(option, form), Ok(expected.clone()), "--{option} {form}");
            assert_eq!(Draft::from_toml(&format!("{option} = '{form}'")), Ok(expected.clone()), "{option} = {form}");
        }
    }
    for text in ["nodes = 1e4", "nodes = 10_000", "nodes = 10_000.0"] {
        assert_eq!(Draft::from_toml(text), Ok(Draft { nodes: Some(10_000), ..Draft::default() }), "{text}");
    }
}

#[test]
fn the_network_may_stand_in_a_table_of_its_own() {
    let table = "nodes = 100\ntransport = 'simulated'\n[network]\nname = 'aws33'\nloss = 0.1\nnat = '20%'";
    let flat = "nodes = 100\ntransport = 'simulated'\nnetwork = 'aws33'\nloss = '10%'\nnat = 0.2";
    let flags = "--nodes 100 --transport simulated --network aws33 --loss 1/10 --nat 1/5";
    assert_eq!(Draft::from_toml(table), Draft::from_toml(flat));
    assert_eq!(Draft::from_toml(table).unwrap(), draft(flags).unwrap());
}
