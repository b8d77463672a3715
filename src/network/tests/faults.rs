//! Faults: shares, schedules and cuts as requested, and the notation.

use super::super::*;
use crate::ids::NodeId;
use crate::random::{Key, Purpose};
use crate::ratio::Ratio;
use crate::sync::{Interrupt, Interrupted};
use crate::time::Nanos;

const NODES: u32 = 100_000;

fn network() -> Network {
    Network::in_regions(7, &RegionSpec::Ethereum8.read().unwrap())
}

fn spec(down: &str, churn: Option<&str>, partition: &str, nat: &str) -> FaultSpec {
    FaultSpec {
        down: down.parse().unwrap(),
        churn: churn.map(|churn| churn.parse().unwrap()),
        partition: partition.parse().unwrap(),
        nat: nat.parse().unwrap(),
        detect: None,
    }
}

fn faults(down: &str, churn: Option<&str>, partition: &str, nat: &str) -> Faults {
    let spec = spec(down, churn, partition, nat);
    Faults::new(&spec, 7, NODES, &network(), |node| node.0 % 1_000, Some(NodeId(5)), &Interrupt::new()).unwrap()
}

/// Counts the nodes that satisfy a predicate.
fn count(is: impl Fn(NodeId) -> bool) -> f64 {
    (0..NODES).filter(|&node| is(NodeId(node))).count() as f64
}

/// Asserts that a count of nodes is binomial with this share, within five standard deviations.
#[track_caller]
fn assert_share(count: f64, share: f64) {
    let nodes = f64::from(NODES);
    let deviation = (nodes * share * (1.0 - share)).sqrt();
    assert!((count - nodes * share).abs() <= 5.0 * deviation, "{count} of {nodes}, not {share}");
}

#[test]
fn a_share_is_down_from_the_start_and_the_origin_is_not() {
    let faults = faults("30%", None, "none", "0");
    assert_share(count(|node| !faults.is_up(node, Nanos::ZERO)), 0.3);
    assert!((0..NODES).map(NodeId).all(|node| faults.next_change(node, Nanos::ZERO).is_none()));
    let all = self::faults("1", None, "none", "0");
    assert_eq!(count(|node| all.is_up(node, Nanos::MAX)), 1.0);
    assert!(all.is_up(NodeId(5), Nanos::ZERO));
    let none = Faults::none();
    assert!(none.all_up() && none.none_cut() && none.is_up(NodeId(9), Nanos::MAX));
}

#[test]
fn nodes_go_down_at_their_time() {
    let faults = faults("10%,at=2s", None, "none", "0");
    let (before, then) = (Nanos(1_999_999_999), Nanos::from_secs(2));
    assert_eq!(count(|node| faults.is_up(node, before)), f64::from(NODES));
    assert_share(count(|node| !faults.is_up(node, then)), 0.1);
    let down: Vec<NodeId> = (0..NODES).map(NodeId).filter(|&node| !faults.is_up(node, Nanos::MAX)).collect();
    assert!(down.iter().all(|&node| faults.next_change(node, before) == Some(then)));
    assert!(down.iter().all(|&node| faults.next_change(node, then).is_none()));
}

#[test]
fn the_best_connected_go_first() {
    // Degrees 0 to 999, a hundred nodes of each: 2.5 % are those of 975 and more. The origin has degree 5.
    let faults = faults("2.5%,by=degree", None, "none", "0");
    for node in (0..NODES).map(NodeId) {
        assert_eq!(faults.is_up(node, Nanos::ZERO), node.0 % 1_000 < 975, "{node}");
    }
    // Only the required number of equal nodes goes down, and not simply the first ones.
    let some = self::faults("0.05%,by=degree", None, "none", "0");
    let down: Vec<u32> = (0..NODES).filter(|&node| !some.is_up(NodeId(node), Nanos::ZERO)).collect();
    assert_eq!(down.len(), 50);
    assert!(down.iter().all(|node| node % 1_000 == 999) && down[49] > 50_000);
}

#[test]
fn a_region_goes_down_and_no_other() {
    let (faults, network) = (faults("100%,at=1s,region=europe", None, "none", "0"), network());
    let europe = network.regions().iter().position(|name| name == "europe").unwrap();
    for node in (0..NODES).map(NodeId).filter(|&node| node != NodeId(5)) {
        let is_there = network.region(node) == Some(RegionIndex(europe as u16));
        assert_eq!(faults.is_up(node, Nanos::from_secs(1)), !is_there, "{node}");
    }
}

#[test]
fn churn_has_its_share_and_its_times() {
    let faults = faults("none", Some("up=3s,down=1s"), "none", "0");
    for seconds in [0, 1, 10] {
        assert_share(count(|node| !faults.is_up(node, Nanos::from_secs(seconds))), 0.25);
    }
    // From time 0 an up node stays up for an exponential time of mean 3 s, whose standard deviation equals its mean.
    let (mut sum, mut nodes) = (0.0, 0.0f64);
    for node in (0..NODES).map(NodeId).filter(|&node| faults.is_up(node, Nanos::ZERO) && node != NodeId(5)) {
        sum += faults.next_change(node, Nanos::ZERO).unwrap().as_secs_f64();
        nodes += 1.0;
    }
    assert!((sum / nodes - 3.0).abs() < 5.0 * 3.0 / nodes.sqrt(), "{}", sum / nodes);
    assert!(faults.is_up(NodeId(5), Nanos::from_secs(9)) && faults.next_change(NodeId(5), Nanos::ZERO).is_none());
}

#[test]
fn between_two_changes_nothing_changes() {
    let faults = faults("20%,at=7s", Some("up=3s,down=1s"), "none", "0");
    for node in (0..200).map(NodeId) {
        let mut now = Nanos::ZERO;
        while let Some(next) = faults.next_change(node, now).filter(|&next| next < Nanos::from_secs(30)) {
            let is_up = faults.is_up(node, now);
            let middle = Nanos(now.0 + (next - now).0 / 2);
            assert_eq!(faults.is_up(node, middle), is_up);
            assert_eq!(faults.is_up(node, Nanos(next.0 - 1)), is_up);
            assert_ne!(faults.is_up(node, next), is_up, "{node} at {next}");
            now = next;
        }
    }
}

#[test]
fn up_times_agree_with_the_changes() {
    let faults = faults("20%,at=7s+5%", Some("up=3s,down=1s"), "none", "0");
    for node in (0..300).map(NodeId) {
        let changes: Vec<(Nanos, bool)> =
            faults.changes(node, Nanos::ZERO).take_while(|&(time, _)| time <= Nanos::from_secs(30)).collect();
        assert!(changes.is_sorted_by(|one, next| one.0 < next.0), "{node}: {changes:?}");
        for now in (0..300).map(|tenth| Nanos::from_millis(100 * tenth)) {
            let passed = changes.partition_point(|&(time, _)| time <= now);
            let is_up = changes[..passed].last().map_or(faults.is_up(node, Nanos::ZERO), |&(_, is_up)| is_up);
            assert_eq!(faults.is_up(node, now), is_up, "{node} at {now}");
            assert_eq!(faults.changes(node, now).next(), faults.next_change(node, now).map(|time| (time, !is_up)));
        }
    }
}

#[test]
fn a_partition_cuts_until_it_heals() {
    let (start, healed) = (Nanos::from_secs(1), Nanos::from_secs(3));
    let both = faults("none", None, "30%,at=1s,heal=3s", "0");
    let one = faults("none", None, "30%,at=1s,one-way", "0");
    let never = faults("none", None, "30%", "0");
    let pairs = || (0..NODES).map(|node| (NodeId(node), NodeId((node + 7) % NODES)));
    let cut = |faults: &Faults, now| pairs().filter(|&(from, to)| faults.is_cut(from, to, now)).count() as f64;
    assert_eq!((cut(&both, Nanos(start.0 - 1)), cut(&both, healed)), (0.0, 0.0));
    // A share of 2 * .3 * .7 of all pairs has its ends on different sides; half of it counts if only one direction is
    // cut. Pairs share nodes, which widens the spread a little.
    assert!((cut(&both, start) / f64::from(NODES) - 0.42).abs() < 0.01);
    assert!((cut(&one, start) / f64::from(NODES) - 0.21).abs() < 0.01);
    assert!(pairs().all(|(from, to)| both.is_cut(from, to, start) == both.is_cut(to, from, start)));
    assert!(!pairs().any(|(from, to)| one.is_cut(from, to, start) && one.is_cut(to, from, start)));
    // A cut leaves two groups: no third node connects them.
    let side = |node| never.is_cut(NodeId(0), node, Nanos::MAX);
    for (from, to) in pairs() {
        assert_eq!(never.is_cut(from, to, Nanos::ZERO), side(from) != side(to));
        assert_eq!(never.is_cut(from, to, Nanos::MAX), side(from) != side(to));
    }
}

#[test]
fn two_nodes_behind_a_nat_cannot_connect() {
    let faults = faults("none", None, "none", "20%");
    assert_share(count(|node| faults.is_behind_nat(node)), 0.2);
    for (from, to) in (0..1_000).map(|node| (NodeId(node), NodeId(node + 1))) {
        assert_eq!(faults.is_cut(from, to, Nanos::ZERO), faults.is_behind_nat(from) && faults.is_behind_nat(to));
    }
}

#[test]
fn text_round_trips() {
    for (text, written) in [
        ("none", "none"),
        ("10%", "0.1"),
        ("10%,by=random + 1/3,by=degree,at=1500ms", "0.1+1/3,at=1500ms,by=degree"),
        ("100%,region=europe,at=2s", "1,at=2s,region=europe"),
    ] {
        let spec: DownSpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(spec.to_string(), written);
        assert_eq!(written.parse::<DownSpec>().unwrap(), spec);
    }
    for (text, written) in [
        ("50%", "0.5"),
        ("50%,one-way,heal=3s,at=1s", "0.5,at=1s,heal=3s,one-way"),
        ("region=europe,one-way+20%", "region=europe,one-way+0.2"),
    ] {
        let spec: PartitionSpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(spec.to_string(), written);
        assert_eq!(written.parse::<PartitionSpec>().unwrap(), spec);
    }
    let churn: ChurnSpec = "down=5s,up=1min".parse().unwrap();
    assert_eq!(churn.to_string(), "up=60s,down=5s");
}

#[test]
fn bad_faults_are_refused_by_name() {
    for (text, said) in [
        ("", "the share of nodes that go down is ``, which is no share"),
        ("1.5", "the share of nodes that go down is `1.5`, which is no share from 0 to 1; write it as 0.1, 10%"),
        ("10%,at=-1s", "at is `-1s`, which is no time; write a number and a unit"),
        ("10%,by=luck", "by is `luck`; choose random or degree"),
        ("10%,by=degree,region=europe", "by is `degree`; choose random or degree, or leave it out and name a region"),
        ("10%,region=", "region has no name"),
        ("10%,20%", "`20%` is one figure too many; write SHARE[,at=TIME]"),
        ("10%+", "is ``, which is no share"),
    ] {
        let error = text.parse::<DownSpec>().expect_err(text).to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    for (text, said) in [
        ("up=1s", "down= is missing; write up=TIME,down=TIME"),
        ("up=1us,down=1s", "up is 1us, and a node is up or down for 1ms to 31536000s on average"),
        ("up=1s,down=x", "down is `x`, which is no time"),
        ("up=1s,down=1s,2s", "`2s` is one figure too many"),
    ] {
        let error = text.parse::<ChurnSpec>().expect_err(text).to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    for (text, said) in [
        ("2", "the share of nodes that are cut off is `2`, which is no share"),
        ("50%,at=3s,heal=3s", "the cut heals at 3s and begins at 3s; let it heal later"),
        ("50%,two-way", "`two-way` is one figure too many"),
        ("region=a,50%", "`50%` is one figure too many"),
    ] {
        let error = text.parse::<PartitionSpec>().expect_err(text).to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    let refusal = |down: &str, network: &Network| {
        let faults = Faults::new(&spec(down, None, "none", "0"), 7, 10, network, |_| 0, None, &Interrupt::new());
        faults.unwrap_err().to_string()
    };
    let unknown = refusal("1,region=mars", &network());
    assert!(
        unknown.starts_with("--down region=mars: the network has no such region; choose one of australia, "),
        "{unknown}"
    );
    let flat = refusal("1,region=europe", &Network::new(7, Latency::Constant(Nanos(1))));
    assert!(flat.starts_with("--down region=europe without --network: "), "{flat}");
}

#[test]
fn the_best_connected_agree_with_a_sort() {
    let degree = |node: NodeId| node.0 % 7 * u32::from(node.0.is_multiple_of(3));
    let network = network();
    for nodes in [1, 10, 3_000] {
        let key = Key::new(7, Purpose::Faults).with(1).with(0);
        let rank = |node: u32| (!degree(NodeId(node)), key.with(u64::from(node)).stream().next_word(), node);
        let mut ranks: Vec<(u32, u64, u32)> = (0..nodes).map(rank).collect();
        ranks.sort_unstable();
        for share in ["0.1%", "10%", "1/3", "66%", "1"] {
            let spec = spec(&format!("{share},by=degree"), None, "none", "0");
            let faults = Faults::new(&spec, 7, nodes, &network, degree, None, &Interrupt::new()).unwrap();
            let count = share.parse::<Ratio>().unwrap().ceil_of(u64::from(nodes)) as usize;
            let mut wanted: Vec<u32> = ranks[..count].iter().map(|rank| rank.2).collect();
            wanted.sort_unstable();
            let down: Vec<u32> = (0..nodes).filter(|&node| !faults.is_up(NodeId(node), Nanos::ZERO)).collect();
            assert_eq!(down, wanted, "{share} of {nodes}");
        }
    }
}

#[test]
fn ranking_stops_when_interrupted() {
    let spec = spec("1%,by=degree", None, "none", "0");
    for looks in [1, 20, 300] {
        let faults = Faults::new(&spec, 7, NODES, &network(), |_| 3, None, &Interrupt::after(looks)).map(|_| ());
        assert_eq!(faults, Err(FaultError::Interrupted(Interrupted)), "{looks}");
    }
}
