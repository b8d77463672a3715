//! Lines held to times worked out by hand and to a queue's closed form, and parts that nodes play.

use super::*;

/// When the nodes other than the origin got the only order, in order.
fn times(outcome: &Outcome) -> Vec<u64> {
    let others = outcome.each().iter().filter(|receipt| receipt.is_reached() && receipt.hop > 0);
    let mut times: Vec<u64> = others.map(|receipt| receipt.time.0).collect();
    times.sort_unstable();
    times
}

#[test]
fn copies_leave_one_after_another() {
    // 60 bytes and 28 of headers at 8 Mbit/s are 88 microseconds. Each of a few nodes is a peer of node 0.
    let latency = Latency::Constant(Nanos::from_millis(50));
    let rates = |up, down, queue_bytes| Some(BandwidthSpec { rates: Rates::Same { up, down }, queue_bytes });
    let (rate, ms) = (8_000_000, 50_000_000);
    let up = Case { bandwidth: rates(Some(rate), None, 1 << 20), ..plain(7, latency) };
    let count = times(&up.general(1)).len() as u64;
    assert!(count >= 4);
    let every = |base: u64| (1..=count).map(|k| base + k * 88_000).collect::<Vec<u64>>();
    assert_eq!(times(&up.general(2)), every(ms));
    // A downlink as fast begins with the first bit, and the work comes after it.
    let both = Case { bandwidth: rates(Some(rate), Some(rate), 1 << 20), processing: Nanos(1_000), ..up.clone() };
    assert_eq!(times(&both.general(2)), every(ms + 1_000));
    // One half as fast takes 88 microseconds more for each, alone at its node.
    let slow = Case { bandwidth: rates(Some(rate), Some(rate / 2), 1 << 20), ..up.clone() };
    assert_eq!(times(&slow.general(2)), every(ms + 88_000));
    // Where two fit, the others are dropped at the sender.
    let full = Case { bandwidth: rates(Some(rate), None, 2 * 88), ..up };
    let outcome = full.general(2);
    assert_eq!((times(&outcome), outcome.model_dropped), (every(ms)[..2].to_vec(), count - 2));
    assert_sound(&full, &outcome);
}

#[test]
fn orders_wait_at_a_line_as_in_the_queue_m_d_1() {
    // Pollaczek and Khinchine: with service D and load rho the mean wait is D rho / (2 (1 - rho)). Every order goes to one peer.
    let (service, latency) = (88_000_u64, 50_000_000);
    for (load, mean) in [(5, 44_000.0), (8, 176_000.0)] {
        let rate = Rate::per_second(load * 1_000_000_000 / 10 / service);
        let bulk = Bulk { orders: 30_000, rate, arrivals: Arrivals::Poisson, origins: Origins::One(NodeId(0)) };
        let rates = Rates::Same { up: Some(8_000_000), down: None };
        let case = Case {
            bandwidth: Some(BandwidthSpec { rates, queue_bytes: 1 << 30 }),
            workload: Workload::bulk(9, 20, bulk),
            fanout: 1,
            ..plain(20, Latency::Constant(Nanos(latency)))
        };
        let outcome = case.general(2);
        let waits = outcome.each().chunks(20).zip(case.workload.publications()).map(|(receipts, publication)| {
            let receipt = receipts.iter().find(|receipt| receipt.hop == 1).expect("its one copy arrives");
            (receipt.time - publication.due).0 - latency - service
        });
        let measured = waits.sum::<u64>() as f64 / 30_000.0;
        assert!((measured - mean).abs() < 0.08 * mean, "load {load}: {measured} ns, not {mean}");
    }
}

#[test]
fn whose_peers_are_owned_hears_nothing() {
    let adversary: AdversarySpec = "eclipse:100%,victim=7".parse().unwrap();
    let free = Case { ttl: 40, ..plain(200, uniform(10, 90)) };
    let eclipsed = Case { adversary, ..free.clone() };
    assert!(free.general(2).each()[7].is_reached());
    let outcome = eclipsed.general(2);
    assert!(!outcome.each()[7].is_reached() && outcome.traffic[7] == Traffic::default());
    // What it publishes goes no further than its peers.
    let outcome = Case { workload: Workload::single(NodeId(7)), ..eclipsed }.general(2);
    assert!(outcome.each().iter().all(|receipt| !receipt.is_reached() || receipt.hop <= 1));
}

#[test]
fn who_holds_back_sends_as_much_later_and_who_floods_to_all() {
    let latency = Latency::Constant(Nanos(50));
    let case = |written: &str| Case { ttl: 3, adversary: written.parse().unwrap(), ..plain(200, latency) };
    // All hold back but none knows it is the origin: each hop takes the latency and the wait.
    let outcome = case("delay:100%,by=1us").general(2);
    for receipt in outcome.each().iter().filter(|receipt| receipt.is_reached()) {
        assert_eq!(receipt.time, Nanos(1_050 * u64::from(receipt.hop)));
    }
    let outcome = case("flood:100%,times=3").general(2);
    case("flood:100%,times=3").with(1, |setup| {
        for (node, traffic) in (0..).map(NodeId).zip(&outcome.traffic) {
            let forwards = outcome.each()[node.index()].is_reached() && outcome.each()[node.index()].hop < 3;
            assert_eq!(traffic.sent, if forwards { u64::from(3 * setup.topology.degree(node)) } else { 0 });
        }
    });
    let outcome = case("censor:100%,origin=0").general(2);
    assert_eq!((outcome.record.sent, outcome.record.reached), (0, 1));
}
