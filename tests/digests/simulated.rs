//! The scenarios in virtual time, by each engine that can compute them and on each number of threads.

use crate::pins::Pins;
use crate::scenario::{BY_HOPS, BY_MESSAGES, BY_PATHS, Group, Scenario, knee, simulated};

/// Each protocol by each engine, and each kind of end.
pub(crate) fn engines() -> Group {
    let defaults = simulated(BY_HOPS, "defaults", "--nodes 300 --seed 1");
    let scenarios = vec![
        Scenario { pins: Pins::AllAndDefaults, ..defaults },
        simulated(
            BY_HOPS,
            "hops-to-rest",
            "--nodes 700 --fanout 3 --latency 20ms --ttl 255 --until quiescent --seed 2",
        ),
        simulated(BY_HOPS, "hops-in-time", "--nodes 700 --fanout 3 --latency 20ms --timeout 90ms --target 1 --seed 3"),
        simulated(BY_HOPS, "hops-few", "--nodes 600 --fanout 2 --ttl 5 --exclude-sender --origin 599 --seed 4"),
        simulated(BY_HOPS, "flood-by-hops", "--nodes 400 --protocol flood --peers 6 --target 1/3 --seed 5"),
        simulated(BY_PATHS, "paths", "--nodes 600 --latency uniform:10ms..100ms --payload-bytes 200 --seed 6"),
        simulated(
            BY_PATHS,
            "paths-to-rest",
            "--nodes 600 --fanout 3 --latency uniform:10ms..100ms --loss 0.15 --ttl 9 --until quiescent --seed 7",
        ),
        simulated(
            BY_PATHS,
            "paths-in-time",
            "--nodes 600 --latency exponential:30ms,min=5ms --exclude-sender --timeout 100ms --target 1 --seed 8",
        ),
        simulated(
            BY_PATHS,
            "flood-by-paths",
            "--nodes 300 --protocol flood --peers 8 --latency uniform:5ms..50ms --loss 0.1 --until quiescent --seed 9",
        ),
        simulated(BY_MESSAGES, "strict", "--nodes 400 --latency 0ms --ttl 40 --until quiescent --seed 10"),
        simulated(
            BY_MESSAGES,
            "strict-spread",
            "--nodes 400 --latency uniform:0ms..5ms --loss 0.1 --duplicate 0.1 --fanout 4 --seed 11",
        ),
        simulated(
            BY_MESSAGES,
            "strict-flood",
            "--nodes 300 --protocol flood --peers 6 --latency exponential:2ms --seed 12",
        ),
        simulated(
            BY_MESSAGES,
            "strict-lazy",
            "--nodes 300 --protocol lazy --latency normal:2ms,2ms --loss 0.2 --retry 5ms --until quiescent --seed 13",
        ),
        simulated(BY_MESSAGES, "lazy", "--nodes 400 --protocol lazy --seed 14"),
        simulated(
            BY_MESSAGES,
            "lazy-retries",
            "--nodes 400 --protocol lazy --fanout 5 --latency uniform:5ms..60ms --loss 0.3 --retry 100ms --until \
             quiescent --seed 15",
        ),
        simulated(BY_HOPS, "three-nodes", "--nodes 3 --target 1 --seed 16"),
        knee("knee", "--nodes 16 --bandwidth up=200kbit --latency 5ms --limit 150ms --seed 17"),
    ];
    let scenarios = scenarios.into_iter().chain(gossipsub()).collect();
    Group { name: "engines", scenarios }
}

/// Gossipsub, whose warm-up, heartbeats and repairs take more than its orders.
fn gossipsub() -> Vec<Scenario> {
    vec![
        simulated(
            BY_MESSAGES,
            "gossipsub",
            "--nodes 400 --protocol gossipsub --latency uniform:10ms..100ms --orders 4 --rate 2/s --until quiescent --seed \
             18",
        ),
        simulated(
            BY_MESSAGES,
            "gossipsub-ethereum",
            "--nodes 300 --protocol gossipsub:ethereum,idontwant-bytes=1KiB --topology dials --peers 10 --payload-bytes \
             1200 --latency link:uniform:10ms..100ms --loss 0.02 --seed 19",
        ),
        simulated(
            BY_MESSAGES,
            "gossipsub-announced",
            "--nodes 300 --protocol gossipsub:v2.0 --latency uniform:5ms..50ms --loss 0.1 --until quiescent --seed 20",
        ),
    ]
}

/// Each family of overlays.
pub(crate) fn overlays() -> Group {
    let scenarios = vec![
        simulated(BY_HOPS, "erdos-renyi", "--nodes 900 --peers 4 --until quiescent --seed 21"),
        simulated(BY_HOPS, "random-regular", "--nodes 500 --topology random-regular --peers 10 --seed 22"),
        simulated(
            BY_PATHS,
            "regular-implicit",
            "--nodes 500 --topology regular-implicit --peers 12 --latency uniform:5ms..20ms --until quiescent --seed \
             23",
        ),
        simulated(
            BY_PATHS,
            "watts-strogatz",
            "--nodes 500 --topology watts-strogatz:0.1 --peers 8 --fanout 5 --latency uniform:5ms..20ms --seed 24",
        ),
        simulated(
            BY_HOPS,
            "barabasi-albert",
            "--nodes 500 --topology barabasi-albert --peers 6 --origin 250 --fanout 3 --until quiescent --seed 25",
        ),
        simulated(
            BY_PATHS,
            "dials",
            "--nodes 500 --topology dials:reachable=0.3 --protocol flood --latency uniform:5ms..20ms --until quiescent --seed 48",
        ),
        simulated(BY_HOPS, "ring", "--nodes 90 --topology ring --ttl 255 --target 1 --seed 26"),
        simulated(
            BY_PATHS,
            "grid",
            "--nodes 400 --topology grid --protocol flood --latency link:uniform:2ms..9ms --ttl 255 --until \
             quiescent --seed 27",
        ),
        simulated(BY_HOPS, "star", "--nodes 200 --topology star --origin 5 --fanout 150 --until quiescent --seed 28"),
        simulated(BY_HOPS, "complete", "--nodes 400 --topology complete --fanout 4 --target 0.99 --seed 29"),
        simulated(
            BY_PATHS,
            "file",
            "--topology file:tests/digests/files/overlay.txt --origin 2000 --latency uniform:2ms..9ms --ttl 255 \
             --target 1 --seed 30",
        ),
    ];
    Group { name: "overlays", scenarios }
}

/// Latencies, losses, second copies, access links and processing.
pub(crate) fn networks() -> Group {
    let scenarios = vec![
        simulated(BY_PATHS, "normal", "--nodes 400 --latency normal:50ms,10ms,min=20ms --seed 41"),
        simulated(BY_PATHS, "lognormal", "--nodes 400 --latency lognormal:p50=40ms,p90=90ms,min=10ms --seed 42"),
        simulated(BY_PATHS, "pareto", "--nodes 400 --latency pareto:10ms,1.5,max=400ms --until quiescent --seed 43"),
        simulated(
            BY_PATHS,
            "links-and-jitter",
            "--nodes 400 --latency link:uniform:10ms..100ms+exponential:5ms --until quiescent --seed 44",
        ),
        simulated(BY_PATHS, "directions", "--nodes 400 --latency direction:uniform:10ms..100ms --seed 45"),
        simulated(
            BY_PATHS,
            "bursts-of-senders",
            "--nodes 400 --latency uniform:10ms..50ms --loss gilbert-elliott:good=300ms,bad=100ms,per=sender \
             --fanout 3 --until quiescent --seed 51",
        ),
        simulated(
            BY_PATHS,
            "bursts-of-receivers",
            "--nodes 400 --loss gilbert-elliott:good=300ms,bad=100ms,loss=0.7,good-loss=0.05,per=receiver --fanout 3 \
             --seed 52",
        ),
        simulated(
            BY_MESSAGES,
            "bursts-of-links",
            "--nodes 100 --orders 12 --rate 50/s --loss gilbert-elliott:good=200ms,bad=80ms,per=link --fanout 3 \
             --seed 53",
        ),
        simulated(
            BY_MESSAGES,
            "second-copies",
            "--nodes 400 --latency uniform:5ms..20ms --loss 0.1 --duplicate 0.2 --until quiescent --seed 54",
        ),
        simulated(
            BY_MESSAGES,
            "lines",
            "--nodes 300 --bandwidth up=1mbit,down=10mbit --payload-bytes 800 --latency 20ms --until quiescent \
             --seed 55",
        ),
        simulated(
            BY_MESSAGES,
            "short-queues",
            "--nodes 200 --orders 6 --rate 200/s --bandwidth up=200kbit,down=300kbit,queue=2KiB --payload-bytes 500 \
             --until quiescent --seed 56",
        ),
        simulated(
            BY_MESSAGES,
            "work",
            "--nodes 300 --processing 2ms --latency uniform:5ms..20ms --until quiescent --seed 57",
        ),
    ];
    Group { name: "networks", scenarios }
}

/// Networks of regions.
pub(crate) fn regions() -> Group {
    let scenarios = vec![
        simulated(BY_PATHS, "aws33", "--nodes 500 --network aws33 --loss 0.02 --seed 46"),
        simulated(BY_PATHS, "ethereum8", "--nodes 400 --network ethereum8 --until quiescent --seed 47"),
        simulated(
            BY_MESSAGES,
            "bitcoin6-lines",
            "--nodes 300 --network bitcoin6 --bandwidth regions --payload-bytes 1000 --until quiescent --seed 48",
        ),
        simulated(
            BY_PATHS,
            "exchange-sites",
            "--nodes 300 --network exchange-sites --protocol flood --peers 6 --seed 49",
        ),
        simulated(
            BY_MESSAGES,
            "matrix-of-our-own",
            "--nodes 300 --network tests/digests/files/regions.csv --bandwidth regions --payload-bytes 0..1000 \
             --seed 50",
        ),
    ];
    Group { name: "regions", scenarios }
}

/// Nodes that fail, come and go, are cut off, or deviate from the protocol.
pub(crate) fn faults() -> Group {
    let scenarios = vec![
        simulated(BY_MESSAGES, "down-at-once", "--nodes 400 --down 20% --fanout 4 --until quiescent --seed 61"),
        simulated(
            BY_MESSAGES,
            "down-by-degree",
            "--nodes 400 --topology barabasi-albert --peers 6 --down 5%,by=degree+30%,at=120ms --fanout 3 --until \
             quiescent --seed 62",
        ),
        simulated(
            BY_MESSAGES,
            "down-region",
            "--nodes 300 --network ethereum8 --down 100%,region=europe,at=100ms --until quiescent --seed 63",
        ),
        simulated(
            BY_MESSAGES,
            "churn",
            "--nodes 300 --churn up=300ms,down=100ms --latency uniform:10ms..60ms --seed 64",
        ),
        simulated(
            BY_MESSAGES,
            "churn-lazy",
            "--nodes 300 --protocol lazy --churn up=300ms,down=100ms --latency uniform:10ms..60ms --until quiescent \
             --seed 65",
        ),
        simulated(
            BY_MESSAGES,
            "partition-heals",
            "--nodes 300 --partition 30%,at=60ms,heal=160ms --fanout 4 --seed 66",
        ),
        simulated(
            BY_MESSAGES,
            "partition-one-way",
            "--nodes 300 --network bitcoin6 --partition region=japan,one-way+20%,heal=200ms --until quiescent --seed \
             67",
        ),
        simulated(BY_MESSAGES, "nat", "--nodes 400 --peers 8 --nat 40% --fanout 4 --until quiescent --seed 68"),
        simulated(
            BY_MESSAGES,
            "drop-and-spy",
            "--nodes 300 --orders 8 --rate 100/s --origins random --adversary drop:20%,of=50%+spy:10% --fanout 4 \
             --until quiescent --seed 69",
        ),
        simulated(BY_MESSAGES, "censor", "--nodes 300 --origin 7 --adversary censor:30%,origin=7 --fanout 4 --seed 70"),
        simulated(
            BY_MESSAGES,
            "delay",
            "--nodes 300 --adversary delay:30%,by=200ms --latency uniform:10ms..40ms --fanout 4 --seed 71",
        ),
        simulated(BY_MESSAGES, "flooders", "--nodes 200 --adversary flood:5%,times=3 --until quiescent --seed 72"),
        simulated(
            BY_MESSAGES,
            "eclipse",
            "--nodes 200 --adversary eclipse:100%,victim=9 --target 1 --fanout 20 --until quiescent --seed 73",
        ),
        simulated(
            BY_MESSAGES,
            "all-at-once",
            "--nodes 200 --network aws33 --loss 0.05 --duplicate 0.05 --bandwidth up=5mbit,down=20mbit,queue=64KiB \
             --processing 200us --churn up=2s,down=200ms --down 5%,at=100ms --partition 20%,at=50ms,heal=150ms --nat \
             20% --adversary drop:5%,of=50%+delay:5%,by=50ms --orders 10 --rate 50/s --origins random \
             --payload-bytes 0..500 --until quiescent --seed 74",
        ),
    ];
    Group { name: "faults", scenarios }
}

/// Many orders, and many runs.
pub(crate) fn bulks() -> Group {
    let scenarios = vec![
        simulated(BY_MESSAGES, "constant", "--nodes 150 --orders 30 --rate 500/s --seed 81"),
        simulated(
            BY_MESSAGES,
            "poisson",
            "--nodes 150 --orders 30 --rate 300/s --arrivals poisson --origins random --payload-bytes 0..1000 \
             --latency uniform:5ms..60ms --loss 0.1 --until quiescent --seed 82",
        ),
        simulated(
            BY_MESSAGES,
            "bursts-in-a-window",
            "--nodes 120 --orders 40 --rate 200/s --arrivals burst --window 6 --latency pareto:5ms,1.2,max=300ms \
             --until quiescent --seed 83",
        ),
        simulated(
            BY_MESSAGES,
            "out-of-time",
            "--nodes 150 --orders 20 --rate 400/s --timeout 110ms --fanout 3 --exclude-sender --target 0.99 --seed 84",
        ),
        simulated(
            BY_MESSAGES,
            "flood",
            "--nodes 100 --orders 15 --rate 1000/s --protocol flood --peers 6 --latency uniform:1ms..9ms --seed 85",
        ),
        simulated(
            BY_MESSAGES,
            "lazy-lists",
            "--nodes 120 --orders 40 --rate 1000/s --origins random --protocol lazy --announce-interval 20ms --loss \
             0.05 --retry 150ms --until quiescent --seed 86",
        ),
        simulated(BY_MESSAGES, "strict", "--nodes 100 --orders 20 --rate 1000/s --latency uniform:0ms..4ms --seed 87"),
        simulated(
            BY_MESSAGES,
            "churn",
            "--nodes 120 --orders 20 --rate 100/s --churn up=400ms,down=100ms --origins random --seed 88",
        ),
        simulated(BY_HOPS, "runs-by-hops", "--nodes 200 --fanout 2 --runs 3 --until quiescent --seed 89"),
        simulated(BY_PATHS, "runs-by-paths", "--nodes 200 --fanout 3 --latency uniform:10ms..50ms --runs 6 --seed 90"),
        simulated(BY_MESSAGES, "runs-of-bulks", "--nodes 80 --orders 10 --rate 200/s --fanout 2 --runs 3 --seed 91"),
        simulated(BY_MESSAGES, "runs-same-seed", "--nodes 100 --protocol lazy --runs 2 --same-seed --seed 92"),
    ];
    Group { name: "bulks", scenarios }
}
