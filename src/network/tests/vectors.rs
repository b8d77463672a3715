//! The vectors in `docs/DETERMINISM.md`, all with seed 7.

use super::super::*;

fn times(text: &str) -> [u64; 4] {
    let network = Network::new(7, text.parse::<LatencySpec>().unwrap());
    times_of(&network)
}

/// Returns the latencies of order 3 from node 5 to nodes 0 to 3.
fn times_of(network: &Network) -> [u64; 4] {
    [0, 1, 2, 3].map(|to| match network.outgoing_links(OrderIndex(3), NodeId(5)).fate(NodeId(to), 0) {
        Fate::Arrives(time) => time.0,
        Fate::Lost => 0,
    })
}

#[test]
fn latencies_are_pinned() {
    let cases = [
        "uniform:10ms..100ms",
        "exponential:30ms,min=5ms",
        "normal:50ms,10ms,min=20ms",
        "lognormal:p50=40ms,p90=90ms,min=10ms",
        "pareto:10ms,1.5",
        "link:uniform:10ms..100ms",
        "direction:uniform:10ms..100ms",
    ];
    let drawn: Vec<String> = cases.iter().map(|case| format!("{case} {:?}", times(case))).collect();
    assert_eq!(
        drawn.join("\n"),
        "uniform:10ms..100ms [57452331, 98124593, 98934735, 91110861]\n\
         exponential:30ms,min=5ms [21002100, 5526450, 5297672, 7599820]\n\
         normal:50ms,10ms,min=20ms [69228745, 50522571, 50296735, 52501626]\n\
         lognormal:p50=40ms,p90=90ms,min=10ms [140694175, 41224159, 40689112, 46330521]\n\
         pareto:10ms,1.5 [15322277, 10141377, 10079695, 10717883]\n\
         link:uniform:10ms..100ms [16744762, 71871084, 82007276, 97640946]\n\
         direction:uniform:10ms..100ms [37321325, 57851747, 81838053, 44962872]"
    );
}

#[test]
fn regions_are_pinned() {
    let mut drawn = Vec::new();
    for name in ["ethereum8", "bitcoin6", "aws33"] {
        let network = Network::in_regions(7, &name.parse::<RegionSpec>().unwrap().read().unwrap());
        let regions = (0..8).map(|node| network.region(NodeId(node)).unwrap().0).collect::<Vec<_>>();
        drawn.push(format!("{name} {regions:?} {:?}", times_of(&network)));
    }
    assert_eq!(
        drawn.join("\n"),
        "ethereum8 [2, 2, 2, 1, 2, 1, 2, 4] [125000000, 125000000, 125000000, 4000000]\n\
         bitcoin6 [0, 0, 1, 0, 0, 0, 1, 1] [29840007, 27088985, 119057153, 27442303]\n\
         aws33 [8, 8, 12, 0, 8, 1, 11, 25] [21287470, 18803546, 21744224, 178346899]"
    );
}

#[test]
fn losses_are_pinned() {
    let latency = Latency::Constant(Nanos(1));
    let mut drawn = Vec::new();
    for text in ["0.25", "gilbert-elliott:good=1s,bad=1s", "gilbert-elliott:good=3s,bad=200ms,loss=0.5,per=sender"] {
        let network = Network::new(7, latency).with_loss(&text.parse().unwrap());
        let lost = (0..40).filter(|&message| {
            let links =
                network.outgoing_links(OrderIndex(0), NodeId(5)).at(Nanos::from_millis(100 * u64::from(message)));
            links.fate(NodeId(if text.starts_with('0') { message } else { 6 }), message) == Fate::Lost
        });
        drawn.push(format!("{text} {:?}", lost.collect::<Vec<u32>>()));
    }
    let doubled = Network::new(7, latency).with_duplicates("0.25".parse().unwrap());
    let links = doubled.outgoing_links(OrderIndex(0), NodeId(5));
    let copies = (0..40).filter(|&to| links.duplicate(NodeId(to), 0).is_some());
    drawn.push(format!("duplicate {:?}", copies.collect::<Vec<u32>>()));
    assert_eq!(
        drawn.join("\n"),
        "0.25 [0, 2, 10, 16, 17, 19, 25, 29, 33]\n\
         gilbert-elliott:good=1s,bad=1s [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 25, 26, 27, \
         28, 29, 30, 31, 32, 33, 34]\n\
         gilbert-elliott:good=3s,bad=200ms,loss=0.5,per=sender [23, 25]\n\
         duplicate [2, 7, 10, 15, 27, 29, 31, 35]"
    );
}

#[test]
fn faults_are_pinned() {
    let spec = FaultSpec {
        down: "30%,at=1s".parse().unwrap(),
        churn: Some("up=3s,down=1s".parse().unwrap()),
        partition: "50%".parse().unwrap(),
        nat: "30%".parse().unwrap(),
        detect: Some("2s..8s".parse().unwrap()),
    };
    let network = Network::new(7, Latency::Constant(Nanos(1)));
    let faults = Faults::new(&spec, 7, 20, &network, |_| 0, None, &crate::sync::Interrupt::new()).unwrap();
    let nodes = |is: &dyn Fn(NodeId) -> bool| (0..20).filter(|&node| is(NodeId(node))).collect::<Vec<u32>>();
    let drawn = [
        format!("fail {:?}", nodes(&|node| faults.fails_at(node) < Nanos::MAX)),
        format!("away at 0 {:?}", nodes(&|node| !faults.is_up(node, Nanos::ZERO))),
        format!("changes {:?}", [0, 1, 2].map(|node| faults.next_change(NodeId(node), Nanos::ZERO).map(|next| next.0))),
        format!("nat {:?}", nodes(&|node| faults.is_behind_nat(node))),
        format!("cut from 0 {:?}", nodes(&|node| faults.is_cut(NodeId(0), node, Nanos::ZERO))),
    ];
    assert_eq!(
        drawn.join("\n"),
        "fail [2, 4, 6, 7, 9, 10, 17, 19]\n\
         away at 0 [8, 9, 15]\n\
         changes [Some(4159217108), Some(3383504855), Some(1000000000)]\n\
         nat [3, 5, 9, 14]\n\
         cut from 0 [1, 2, 6, 7, 9, 10, 12, 13, 17, 18, 19]"
    );
}
