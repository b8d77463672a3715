//! The scenarios on real carriers: runs to rest, with a TTL that does not bind, so that no timing decides which nodes
//! are reached.

use crate::pins::{self, Pins};
use crate::scenario::{Group, Scenario};

/// A scenario on a real carrier, with its pinned figures; it is run twice.
fn real(carrier: &str, name: &'static str, pins: Pins, options: &str) -> Scenario {
    let line = format!("--transport {carrier} {options} --pin none --timeout 300s");
    Scenario { name, line, variants: vec![String::new(); 2], pins }
}

/// The options that every carrier is run with.
fn on(carrier: &str) -> Vec<Scenario> {
    let real = |name, pins, options: &str| real(carrier, name, pins, options);
    vec![
        real("defaults", pins::DEFAULTS, "--nodes 60 --threads 2 --seed 101"),
        real("push", pins::PUSH, "--nodes 400 --threads 1 --fanout 3 --ttl 255 --until quiescent --seed 102"),
        real(
            "push-regular",
            pins::PUSH,
            "--nodes 300 --threads 2 --topology random-regular --peers 6 --fanout 4 --ttl 255 --payload-bytes 100 \
             --until quiescent --seed 103",
        ),
        real(
            "push-complete",
            pins::PUSH,
            "--nodes 150 --threads 3 --topology complete --fanout 2 --ttl 255 --until quiescent --seed 104",
        ),
        real(
            "flood",
            pins::FLOOD,
            "--nodes 300 --threads 2 --protocol flood --topology watts-strogatz:0.2 --peers 6 --ttl 255 --until \
             quiescent --seed 105",
        ),
        // Each node has only one path, so the sender of a first copy does not depend on timing.
        real(
            "flood-star",
            pins::ONE_WAY,
            "--nodes 200 --threads 3 --protocol flood --topology star --origin 3 --until quiescent --seed 106",
        ),
        // A retry would be a race, so the interval is longer than any run.
        real(
            "lazy",
            pins::LAZY,
            "--nodes 200 --threads 2 --protocol lazy --fanout 3 --ttl 255 --retry 200s --until quiescent --seed 107",
        ),
        real(
            "bulk",
            pins::PUSH,
            "--nodes 100 --threads 2 --orders 40 --rate 2000/s --arrivals poisson --origins random --payload-bytes \
             0..300 --fanout 3 --ttl 255 --until quiescent --seed 108",
        ),
        real(
            "losses",
            pins::PUSH,
            "--nodes 200 --threads 2 --fanout 4 --ttl 255 --loss 0.2 --duplicate 0.1 --latency uniform:1ms..5ms \
             --until quiescent --seed 109",
        ),
        real(
            "regions",
            pins::PUSH,
            "--nodes 150 --threads 3 --fanout 4 --ttl 255 --loss 0.1 --network ethereum8 --until quiescent --seed 110",
        ),
        real("runs", pins::PUSH, "--nodes 150 --threads 2 --fanout 2 --ttl 255 --runs 3 --until quiescent --seed 111"),
    ]
}

/// Rings between worker threads.
pub(crate) fn memory() -> Group {
    let mut scenarios = on("memory");
    scenarios.push(real(
        "memory",
        "first-in-first-out",
        pins::ONE_WAY,
        "--nodes 300 --threads 1 --fanout 4 --ttl 5 --until quiescent --seed 112",
    ));
    scenarios.push(real(
        "memory",
        "charged",
        pins::PUSH,
        "--nodes 200 --threads 2 --charge-serialization --fanout 3 --ttl 255 --payload-bytes 50 --until quiescent \
         --seed 113",
    ));
    Group { name: "memory", scenarios }
}

/// A socket for each node.
pub(crate) fn udp() -> Group {
    Group { name: "udp", scenarios: on("udp") }
}

/// A socket for each worker.
pub(crate) fn udp_shard() -> Group {
    Group { name: "udp-shard", scenarios: on("udp-shard") }
}

/// Several processes.
pub(crate) fn processes() -> Group {
    let scenarios = vec![
        real(
            "udp",
            "push-udp",
            pins::PUSH,
            "--nodes 200 --processes 2 --threads 1 --fanout 3 --ttl 255 --until quiescent --seed 121",
        ),
        real(
            "udp-shard",
            "push-udp-shard",
            pins::PUSH,
            "--nodes 200 --processes 2 --threads 2 --fanout 3 --ttl 255 --until quiescent --seed 122",
        ),
        real(
            "udp-shard",
            "flood",
            pins::FLOOD,
            "--nodes 200 --processes 2 --threads 1 --protocol flood --peers 6 --ttl 255 --until quiescent --seed 123",
        ),
        real(
            "udp-shard",
            "bulk",
            pins::PUSH,
            "--nodes 100 --processes 2 --threads 1 --orders 30 --rate 2000/s --origins random --fanout 3 --ttl 255 \
             --until quiescent --seed 124",
        ),
        real(
            "udp",
            "losses",
            pins::PUSH,
            "--nodes 100 --processes 2 --threads 1 --fanout 4 --ttl 255 --loss 0.2 --latency uniform:1ms..5ms \
             --until quiescent --seed 125",
        ),
    ];
    Group { name: "processes", scenarios }
}
