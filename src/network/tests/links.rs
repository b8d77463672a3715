//! Links with figures of their own, compared with the network without a file.

use super::super::*;
use crate::ratio::Ratio;
use crate::topology::{Topology, TopologySpec};
use std::fs;

/// Twelve nodes of which each is linked with six others.
fn overlay() -> Arc<Topology> {
    Arc::new(TopologySpec::RandomRegular.build(12, 6, 7).unwrap())
}

/// Reads these lines, below the names of the columns.
fn file(lines: &str) -> LinkFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("from,to,latency,loss\n{lines}")).unwrap();
    let find = |id: u64| Some(NodeId(id as u32));
    LinkFile::read(file.path().to_str().unwrap(), find, |node| node.0.into(), String::new).unwrap()
}

fn table(lines: &str, topology: Arc<Topology>) -> LinkTable {
    LinkTable::new(&file(lines), topology, |node| node.0.into()).unwrap_or_else(|error| panic!("{error}"))
}

/// The first link of the overlay, and the one in the other direction.
fn first_link(topology: &Topology) -> (NodeId, NodeId) {
    (NodeId(0), topology.peer(NodeId(0), 0))
}

fn spec(paths: Paths, loss: &str) -> NetworkSpec {
    NetworkSpec { paths, loss: loss.parse().unwrap(), duplicate: Ratio::new(1, 4).unwrap(), ..NetworkSpec::default() }
}

/// Networks with every fast path and every source of latency and loss.
fn networks() -> Vec<NetworkSpec> {
    let latency = |text: &str| Paths::Latency(text.parse().unwrap());
    let regions = Paths::Regions("aws33".parse().unwrap());
    vec![
        spec(latency("50ms"), "0"),
        spec(latency("50ms"), "30%"),
        spec(latency("uniform:10ms..100ms"), "30%"),
        spec(latency("uniform:1ms..20s"), "30%"),
        spec(latency("exponential:30ms,min=5ms"), "0"),
        spec(latency("link:uniform:10ms..100ms+exponential:5ms"), "10%"),
        spec(latency("uniform:10ms..100ms"), "gilbert-elliott:good=10ms,bad=10ms,loss=0.8"),
        spec(regions, "5%"),
    ]
}

#[test]
fn a_link_without_a_line_has_the_fates_that_it_has_without_a_file() {
    let topology = overlay();
    let (from, to) = first_link(&topology);
    for spec in networks() {
        let plain = spec.build(7).unwrap();
        let listed = spec.build(7).unwrap().with_links(table(&format!("{from},{to},3ms,1/3\n"), Arc::clone(&topology)));
        for (order, sender, receiver, attempt) in (0..40u32)
            .flat_map(|order| (0..12u32).map(move |sender| (order, sender)))
            .flat_map(|(order, sender)| (0..14u32).map(move |receiver| (order, sender, receiver, order % 3)))
        {
            let (sender, receiver) = (NodeId(sender), NodeId(receiver));
            let at = Nanos::from_millis(u64::from(order) * 7);
            let links = |network: &Network| {
                let links = network.outgoing_links(OrderIndex(order), sender).at(at);
                (links.fate(receiver, attempt), links.duplicate(receiver, attempt))
            };
            let (found, expected) = (links(&listed), links(&plain));
            if (sender, receiver) == (from, to) {
                // The latency is the line's; that of a second copy as well.
                assert!(matches!(found.0, Fate::Lost | Fate::Arrives(Nanos(3_000_000))), "{found:?}");
                assert_eq!(found.1, expected.1.map(|_| Nanos(3_000_000)), "{spec:?}");
            } else {
                assert_eq!(found, expected, "{spec:?}: {sender} to {receiver}");
            }
        }
    }
}

#[test]
fn a_loss_of_its_own_is_drawn_as_that_of_all_links() {
    let topology = overlay();
    let (from, to) = first_link(&topology);
    let lossy = |loss: &str| spec(Paths::Latency("uniform:10ms..100ms".parse().unwrap()), loss).build(7).unwrap();
    let all = lossy("1/3");
    for others in ["0", "5%", "gilbert-elliott:good=10ms,bad=10ms"] {
        let one = lossy(others).with_links(table(&format!("{from},{to},,1/3\n"), Arc::clone(&topology)));
        let fates = |network: &Network| -> Vec<Fate> {
            (0..3_000).map(|order| network.outgoing_links(OrderIndex(order), from).fate(to, 0)).collect()
        };
        // Also the latencies are those of the other links, because the line has none.
        assert_eq!(fates(&one), fates(&all), "{others}");
        assert!((900..1_100).contains(&fates(&one).iter().filter(|fate| **fate == Fate::Lost).count()));
    }
}

#[test]
fn bounds_include_the_links_and_no_shortcut_is_left() {
    let topology = overlay();
    let (from, to) = first_link(&topology);
    let built = |text: &str, lines: &str| {
        let plain = spec(Paths::Latency(text.parse().unwrap()), "0").build(7).unwrap();
        Network { duplicated: Probability::NEVER, ..plain }.with_links(table(lines, Arc::clone(&topology)))
    };
    let fast = built("50ms", &format!("{from},{to},3ms,\n{to},{from},2s,\n"));
    assert_eq!((fast.floor(), fast.ceiling()), (Nanos::from_millis(3), Some(Nanos::from_secs(2))));
    assert!(fast.is_plain() && fast.constant().is_none() && fast.is_uneven());
    let lossy = built("50ms", &format!("{from},{to},,100%\n"));
    assert_eq!((lossy.floor(), lossy.ceiling()), (Nanos::from_millis(50), Some(Nanos::from_millis(50))));
    assert_eq!((lossy.constant(), lossy.is_uneven()), (None, false));
    assert_eq!(built("exponential:30ms", &format!("{from},{to},1h,\n")).ceiling(), None);
    // One link in 72 is slow, which is more than one draw in 1,000.
    assert_eq!(built("50ms", &format!("{from},{to},7s,\n")).slow_latency(12), Nanos::from_secs(7));
}

#[test]
fn every_link_of_a_complete_overlay_is_found() {
    let complete = Arc::new(TopologySpec::Complete.build(30, 0, 7).unwrap());
    let pairs = || (0..30u64).flat_map(|from| (0..30).map(move |to| (from, to))).filter(|(from, to)| from != to);
    let lines: String = pairs().map(|(from, to)| format!("{from},{to},{}us,\n", from * 100 + to + 1)).collect();
    let network = Network::new(7, Latency::Constant(Nanos::from_secs(1))).with_links(table(&lines, complete));
    for (from, to) in pairs() {
        let fate = network.outgoing_links(OrderIndex(0), NodeId(from as u32)).fate(NodeId(to as u32), 0);
        assert_eq!(fate, Fate::Arrives(Nanos(1_000 * (from * 100 + to + 1))));
    }
}

#[test]
fn a_link_that_the_overlay_has_not_is_named_with_its_line() {
    let ring = Arc::new(TopologySpec::Ring.build(12, 0, 7).unwrap());
    let refused = |lines: &str, topology: &Arc<Topology>| {
        LinkTable::new(&file(lines), Arc::clone(topology), |node| u64::from(node.0) + 100).unwrap_err().to_string()
    };
    let error = refused("3,4,1ms,\n7,5,1ms,\n0,2,1ms,\n", &ring);
    assert!(
        error.ends_with(
            ", line 3: the overlay has no link from node 107 to node 105; list its own links alone, or \
        bring your own overlay with --topology file:PATH"
        ),
        "{error}"
    );
    let vast = Arc::new(TopologySpec::Complete.build(70_000, 0, 7).unwrap());
    let error = refused("3,4,1ms,\n", &vast);
    assert!(error.contains("the overlay has 4899930000 links") && error.contains("fewer --nodes"), "{error}");
}
