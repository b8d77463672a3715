//! The parts of a network in combination.

use super::super::*;

#[test]
fn the_default_is_fifty_milliseconds() {
    let network = NetworkSpec::default().build(7).unwrap();
    assert_eq!((network.floor(), network.ceiling()), (Nanos::from_millis(50), Some(Nanos::from_millis(50))));
    assert_eq!(
        network.outgoing_links(OrderIndex(0), NodeId(0)).fate(NodeId(1), 0),
        Fate::Arrives(Nanos::from_millis(50))
    );
    assert_eq!(network.access_links(NodeId(0)), AccessLinkSpecs::default());
    assert_eq!(network.processing(NodeId(0)), Nanos::ZERO);
    assert_eq!((network.region(NodeId(0)), network.regions().len()), (None, 0));
}

#[test]
fn the_parts_are_independent() {
    let paths = Paths::Latency("uniform:10ms..100ms".parse().unwrap());
    let plain = NetworkSpec { paths, ..NetworkSpec::default() };
    let full = NetworkSpec {
        loss: "0.2".parse().unwrap(),
        duplicate: "0.1".parse().unwrap(),
        bandwidth: Some("up=1mbit,down=2mbit".parse().unwrap()),
        processing: Nanos(1_000),
        ..plain.clone()
    };
    let (plain, full) = (plain.build(7).unwrap(), full.build(7).unwrap());
    for to in 1..1_000 {
        let fate = |network: &Network| network.outgoing_links(OrderIndex(0), NodeId(0)).fate(NodeId(to), 0);
        assert!([fate(&plain), Fate::Lost].contains(&fate(&full)));
    }
    assert_eq!(full.access_links(NodeId(3)).up, Some(LinkRate::new(1_000_000, None)));
    assert_eq!(full.processing(NodeId(3)), Nanos(1_000));
}

#[test]
fn rates_of_regions_need_regions_that_have_them() {
    let spec = |network: Option<&str>| NetworkSpec {
        paths: match network {
            Some(name) => Paths::Regions(name.parse().unwrap()),
            None => Paths::Latency(LatencySpec::default()),
        },
        bandwidth: Some("regions".parse().unwrap()),
        ..NetworkSpec::default()
    };
    let network = spec(Some("bitcoin6")).build(7).unwrap();
    let european = (0..).map(NodeId).find(|&node| network.region(node) == Some(RegionIndex(1))).unwrap();
    let rate = |bits| Some(LinkRate::new(bits, None));
    assert_eq!(network.access_links(european), AccessLinkSpecs { up: rate(20_700_000), down: rate(40_000_000) });
    assert_eq!(network.regions()[1], "europe");
    let refusal = |network| spec(network).build(7).unwrap_err().to_string();
    assert!(
        refusal(Some("aws33")).starts_with("--bandwidth regions with --network aws33: no rates are known there; write")
    );
    assert!(refusal(None).starts_with("--bandwidth regions without --network: no rates"));
    assert!(refusal(Some("/no.csv")).starts_with("--network /no.csv: "));
}
