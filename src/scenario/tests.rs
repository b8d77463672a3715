//! Tests of defaults, of error messages, and of the ways to write a scenario down and read it back.

mod messages;
mod protocol_specs;
mod round_trips;

use super::{BadValue, Draft, Pin, Scenario, Ttl};
use crate::ratio::Ratio;
use crate::time::Nanos;
use crate::topology::TopologySpec;
use clap::{Args, Command, FromArgMatches};
use std::error::Error;

/// Reads a command line that leaves out the command itself.
fn draft(line: &str) -> Result<Draft, BadValue> {
    let arguments = shlex::split(line).expect("a test's command line is well formed");
    let command = Command::new("bulkprop").no_binary_name(true).disable_help_flag(true);
    let matches = Draft::augment_args(command).try_get_matches_from(arguments);
    matches.and_then(|matches| Draft::from_arg_matches(&matches)).map_err(|error| {
        let bad = error.source().and_then(|source| source.downcast_ref::<BadValue>());
        bad.unwrap_or_else(|| panic!("{line}: {error}")).clone()
    })
}

fn scenario(line: &str) -> Scenario {
    let draft = draft(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    draft.build().unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn defaults_adapt_to_the_size() {
    use TopologySpec::*;
    for (line, topology, peers) in [
        ("", Complete, 0),
        ("--nodes 1", Complete, 0),
        ("--nodes 21", Complete, 0),
        ("--nodes 22", ErdosRenyi, 20),
        ("--nodes 1000", ErdosRenyi, 20),
        ("--nodes 10 --peers 3", ErdosRenyi, 3),
        ("--nodes 10 --topology erdos-renyi", ErdosRenyi, 9),
        ("--nodes 10 --topology barabasi-albert", BarabasiAlbert, 8),
        ("--nodes 1000 --topology dials", Dials { reachable: Ratio::new(1, 1).unwrap() }, 8),
        ("--nodes 1000 --topology ring", Ring, 0),
        ("--nodes 1000 --peers 999", ErdosRenyi, 999),
    ] {
        let scenario = scenario(line);
        assert_eq!((&scenario.overlay.topology, scenario.overlay.peers), (&topology, peers), "{line}");
    }
}

#[test]
fn threads_are_never_more_than_nodes() {
    assert_eq!(scenario("--nodes 1").carrier.threads, 1);
    assert_eq!(scenario("--nodes 8 --threads 8").carrier.threads, 8);
}

/// A carrier that encodes gets a second for each 100 MB of an order's copies, and never less than three.
#[test]
fn the_default_time_limit_grows_with_what_an_order_takes() {
    for (line, seconds) in [
        ("--nodes 1000", 3),
        // Two thirds of a million nodes send 8 messages of 56 bytes each.
        ("--nodes 669k --transport udp-shard", 3),
        ("--nodes 1e6 --transport udp-shard", 5),
        ("--nodes 100k --transport udp-shard --payload-bytes 1399", 12),
        ("--nodes 2000 --topology complete --protocol flood --payload-bytes 1399", 59),
        ("--nodes 4e9 --transport udp-shard --topology complete --protocol flood", 3_600),
        ("--nodes 1e6 --transport memory --payload-bytes 1MiB", 3),
        ("--nodes 1e6 --transport simulated --payload-bytes 1MiB", 60),
        ("--nodes 100k --transport udp-shard --payload-bytes 1399 --timeout 2s", 2),
    ] {
        assert_eq!(scenario(line).run.timeout, Some(Nanos::from_secs(seconds)), "{line}");
    }
    // Each node gets 1 MiB and as much of coding parts.
    let turbine = scenario("--nodes 500 --transport udp-shard --protocol turbine --payload-bytes 1MiB").run.timeout;
    assert!((Nanos::from_secs(11)..Nanos::from_secs(15)).contains(&turbine.unwrap()), "{turbine:?}");
    assert_eq!(scenario("--nodes 100k --transport udp-shard --payload-bytes 1399 --until 5s").run.timeout, None);
}

#[test]
fn virtual_time_has_hops_enough_and_a_carrier_six() {
    for (line, ttl) in [
        ("", Ttl::Hops(6)),
        ("--transport memory --latency 5ms", Ttl::Hops(6)),
        ("--transport simulated", Ttl::Auto),
        ("--transport simulated --ttl 6", Ttl::Hops(6)),
    ] {
        assert_eq!(scenario(line).protocol.ttl, ttl, "{line}");
    }
}

#[test]
fn each_run_has_a_seed_of_its_own_unless_one_is_repeated() {
    let seeds = |line: &str| [0, 1, 4].map(|run| scenario(line).seed_of(run));
    assert_eq!(seeds("--seed 18446744073709551611 --runs 5"), [u64::MAX - 4, u64::MAX - 3, u64::MAX]);
    assert_eq!(seeds("--seed 18446744073709551615 --runs 5 --same-seed"), [u64::MAX; 3]);
}

#[test]
fn no_seed_is_drawn_twice() {
    assert_ne!(scenario("").run.seed, scenario("").run.seed);
}

#[test]
fn a_flag_wins_over_a_file() {
    let flags = draft("--nodes 50 --exclude-sender=false").unwrap();
    let file = Draft::from_toml("nodes = 60\nexclude-sender = true\nttl = 'auto'\npin = 'none'").unwrap();
    let scenario = flags.or(file).build().unwrap();
    assert_eq!((scenario.overlay.nodes, scenario.protocol.exclude_sender), (50, false));
    assert_eq!((scenario.protocol.ttl, scenario.carrier.pin), (Ttl::Auto, Pin::None));
}

#[test]
fn no_limit_of_time_is_written_as_zero() {
    assert_eq!(scenario("--timeout 0").run.timeout, None);
    assert_eq!(scenario("--timeout 0s").run.timeout, None);
    assert!(scenario("--timeout 0").to_toml().contains("timeout = \"0s\""));
}
