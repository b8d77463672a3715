//! Access links, compared with times worked out by hand and with the closed form of a queue; and the roles of
//! adversaries.

use super::*;

/// Returns the times at which the nodes other than the origin received the only order, in ascending order.
fn times(outcome: &EngineOutcome) -> Vec<u64> {
    let others = outcome.each().iter().filter(|receipt| receipt.is_reached() && receipt.hop > 0);
    let mut times: Vec<u64> = others.map(|receipt| receipt.time.0).collect();
    times.sort_unstable();
    times
}

#[test]
fn copies_leave_one_after_another() {
    // 60 bytes and 28 of headers at 8 Mbit/s are 88 microseconds. Each of a few nodes is a peer of node 0.
    let latency = Latency::Constant(Nanos::from_millis(50));
    let rates = |up, down, queue_bytes| {
        Some(BandwidthSpec { rates: Rates::Same { up, down }, queue_bytes, share: UplinkShare::Serial })
    };
    let (rate, ms) = (8_000_000, 50_000_000);
    let up = Case { bandwidth: rates(Some(rate), None, None), ..plain(7, latency) };
    let count = times(&up.general(1)).len() as u64;
    assert!(count >= 4);
    let every = |base: u64| (1..=count).map(|k| base + k * 88_000).collect::<Vec<u64>>();
    assert_eq!(times(&up.general(2)), every(ms));
    // A downlink as fast begins with the first bit, and the work comes after it.
    let both = Case { bandwidth: rates(Some(rate), Some(rate), None), processing: Nanos(1_000), ..up.clone() };
    assert_eq!(times(&both.general(2)), every(ms + 1_000));
    // One half as fast takes 88 microseconds more for each, alone at its node.
    let slow = Case { bandwidth: rates(Some(rate), Some(rate / 2), None), ..up.clone() };
    assert_eq!(times(&slow.general(2)), every(ms + 88_000));
    // Where two fit, the others are dropped at the sender.
    let full = Case { bandwidth: rates(Some(rate), None, Some(2 * 88)), ..up.clone() };
    let outcome = full.general(2);
    assert_eq!((times(&outcome), outcome.totals.record.model.uplink_dropped), (every(ms)[..2].to_vec(), count - 2));
    assert_eq!((outcome.totals.record.sent, outcome.totals.record.model.dropped), (2, 0));
    assert_sound(&full, &outcome);
    // The longest queue is what was taken, and what would have done is what was offered.
    let uplink = |outcome: &EngineOutcome| outcome.totals.access_links.up.clone().unwrap();
    assert_eq!((uplink(&outcome).queue_bytes, uplink(&outcome).queue_drains_in), (2 * 88, Nanos(2 * 88_000)));
    assert_eq!((uplink(&outcome).offered_bytes, uplink(&outcome).busiest), (count * 88, Nanos(2 * 88_000)));
    assert_eq!((uplink(&up.general(2)).queue_bytes, up.general(2).totals.access_links.down), (count * 88, None));
}

#[test]
fn what_has_not_left_its_uplink_was_not_sent() {
    // Of copies that take 88 microseconds each two are sent and half of the third after 220; none has arrived.
    let rates = Rates::Same { up: Some(8_000_000), down: None };
    let bandwidth = Some(BandwidthSpec { rates, queue_bytes: None, share: UplinkShare::Serial });
    let whole = Case { bandwidth, ..plain(7, Latency::Constant(Nanos::from_millis(50))) };
    let count = whole.general(1).totals.record.sent;
    for timeout in [220_000, 263_999] {
        let cut = Case { timeout: Some(Nanos(timeout)), ..whole.clone() };
        for outcome in [cut.strict(), cut.general(1), cut.general(3)] {
            assert_eq!((outcome.end, outcome.ended_at), (End::Timeout, Nanos(timeout)));
            assert_eq!((outcome.totals.record.sent, outcome.totals.record.carrier.drained), (2, 2));
            assert_eq!((outcome.totals.record.queued_unsent, outcome.traffic[0].bytes_out), (count - 2, 2 * 60));
            assert_sound(&cut, &outcome);
        }
    }
    // What is lost leaves all the same, and the run is not at rest before.
    let lost = Case { loss: LossSpec::Independent(share(100)), ..whole };
    for outcome in [lost.strict(), lost.general(2)] {
        assert_eq!((outcome.end, outcome.ended_at), (End::Quiescent, Nanos(count * 88_000)));
        assert_eq!((outcome.totals.record.sent, outcome.totals.record.model.lost), (count, count));
    }
    let cut = Case { timeout: Some(Nanos(100_000)), ..lost };
    for outcome in [cut.strict(), cut.general(2)] {
        assert_eq!((outcome.end, outcome.totals.record.sent, outcome.totals.record.model.lost), (End::Timeout, 1, 1));
        assert_sound(&cut, &outcome);
    }
}

/// A case whose uplinks carry 88 bytes in 88 microseconds, shared by all copies under way.
fn shared(queue_bytes: Option<u64>, latency: Latency) -> Case {
    let rates = Rates::Same { up: Some(8_000_000), down: None };
    Case { bandwidth: Some(BandwidthSpec { rates, queue_bytes, share: UplinkShare::Fair }), ..plain(7, latency) }
}

#[test]
fn copies_that_share_an_uplink_arrive_together() {
    for latency in [50_000_000, 1_000, 0] {
        let case = shared(None, Latency::Constant(Nanos(latency)));
        let of_all = |case: &Case| match latency {
            0 => vec![case.strict()],
            _ => vec![case.strict(), case.general(1), case.general(3)],
        };
        for outcome in of_all(&case) {
            let count = outcome.totals.record.sent;
            assert!(count >= 4);
            assert_eq!(times(&outcome), vec![latency + count * 88_000; count as usize]);
            let up = outcome.totals.access_links.up.as_ref().unwrap();
            assert_eq!((up.queue_bytes, up.queue_drains_in), (count * 88, Nanos(count * 88_000)));
            assert_eq!((up.busiest, up.used[0].bytes), (Nanos(count * 88_000), count * 88));
            assert_sound(&case, &outcome);
        }
        // The sum that waits is the same as one after another, so that as many are dropped.
        let full = shared(Some(2 * 88), Latency::Constant(Nanos(latency)));
        for outcome in of_all(&full) {
            let (count, model) = (case.strict().totals.record.sent, &outcome.totals.record.model);
            assert_eq!((times(&outcome), model.uplink_dropped), (vec![latency + 2 * 88_000; 2], count - 2));
            let up = outcome.totals.access_links.up.as_ref().unwrap();
            assert_eq!((up.queue_bytes, up.offered_bytes, up.busiest), (2 * 88, count * 88, Nanos(2 * 88_000)));
            assert_sound(&full, &outcome);
        }
    }
}

#[test]
fn what_still_shares_its_uplink_at_the_end_was_not_sent() {
    let whole = shared(None, Latency::Constant(Nanos::from_millis(50)));
    let count = whole.general(1).totals.record.sent;
    for (timeout, sent) in [(0, 0), (220_000, 0), (count * 88_000 - 1, 0), (count * 88_000, count)] {
        let cut = Case { timeout: Some(Nanos(timeout)), ..whole.clone() };
        for outcome in [cut.strict(), cut.general(1), cut.general(3)] {
            assert_eq!((outcome.end, outcome.ended_at), (End::Timeout, Nanos(timeout)));
            let record = &outcome.totals.record;
            assert_eq!((record.sent, record.carrier.drained, record.queued_unsent), (sent, sent, count - sent));
            assert_eq!(outcome.traffic[0].bytes_out, sent * 60);
            assert_sound(&cut, &outcome);
        }
    }
    // What is lost leaves all the same, and the run is not at rest before.
    let lost = Case { loss: LossSpec::Independent(share(100)), ..whole };
    for outcome in [lost.strict(), lost.general(2)] {
        assert_eq!((outcome.end, outcome.ended_at), (End::Quiescent, Nanos(count * 88_000)));
        assert_eq!((outcome.totals.record.sent, outcome.totals.record.model.lost), (count, count));
    }
}

#[test]
fn orders_share_a_line_as_in_the_queue_m_g_1_ps() {
    // Kleinrock: with processor sharing the mean time from the hand-over to the last bit is S / (1 - rho), whatever the
    // distribution of sizes. Every order goes to one peer.
    let (service, latency) = (88_000_u64, 50_000_000);
    for (load, mean) in [(5, 176_000.0), (8, 440_000.0)] {
        let rate = Rate::per_second(load * 1_000_000_000 / 10 / service);
        let bulk = Bulk { orders: 30_000, rate, arrivals: Arrivals::Poisson, origins: Origins::One(NodeId(0)) };
        let case = Case {
            workload: Workload::bulk(9, 20, bulk),
            fanout: 1,
            nodes: 20,
            ..shared(None, Latency::Constant(Nanos(latency)))
        };
        let outcome = case.general(2);
        let shares = outcome.each().chunks(20).zip(case.workload.publications()).map(|(receipts, publication)| {
            let receipt = receipts.iter().find(|receipt| receipt.hop == 1).expect("its one copy arrives");
            (receipt.time - publication.due).0 - latency
        });
        let measured = shares.sum::<u64>() as f64 / 30_000.0;
        assert!((measured - mean).abs() < 0.08 * mean, "load {load}: {measured} ns, not {mean}");
    }
}

#[test]
fn a_receiver_must_be_up_when_a_message_comes_is_through_the_line_and_is_done() {
    // One copy of 88 bytes comes at 50 ms, its first bit included, is through the line 1 ms later and done 1 ms after
    // that.
    let rates = Rates::Same { up: None, down: Some(704_000) };
    let bandwidth = Some(BandwidthSpec { rates, queue_bytes: None, share: UplinkShare::Serial });
    let latency = Latency::Constant(Nanos::from_millis(50));
    let case = Case { bandwidth, processing: Nanos::from_millis(1), fanout: 1, ..plain(20, latency) };
    let outcome = case.general(1);
    assert_eq!(times(&outcome), [52_000_000]);
    let reached = outcome.each().iter().position(|receipt| receipt.hop == 1).unwrap();
    let (mut seen, mut taken) = ([false; 3], 0);
    for seed in 0..3_000 {
        let churn = Some(ChurnSpec { up: Nanos::from_millis(2), down: Nanos::from_millis(1) });
        let faults = FaultSpec { churn, ..FaultSpec::default() };
        let case = Case { faults, ..case.clone() };
        // The overlay and the target are those of the case's own seed, and those who come and go those of another.
        let (outcome, is_up) = case.with_faults_of(seed, 1, |setup| {
            let is_up = [0, 50, 51, 52].map(Nanos::from_millis).map(|time| {
                let node = NodeId(if time == Nanos::ZERO { 0 } else { reached as u32 });
                setup.faults.is_up(node, time)
            });
            (case.outcome(windowed::run(setup, &Push, &LocalExchange::new(setup.partition.workers())).unwrap()), is_up)
        });
        if is_up[0] {
            let has_it = outcome.each()[reached].is_reached();
            assert_eq!(has_it, is_up[1..] == [true; 3], "seed {seed}: {is_up:?}");
            assert_eq!(outcome.totals.record.model.lost, u64::from(!has_it));
            taken += u32::from(has_it);
            for (seen, pattern) in seen.iter_mut().zip([[true, true, false], [true, false, true], [false, true, true]])
            {
                *seen |= is_up[1..] == pattern;
            }
        }
    }
    assert!(taken > 0 && seen == [true; 3], "{taken} {seen:?}");
}

#[test]
fn orders_wait_at_a_line_as_in_the_queue_m_d_1() {
    // Pollaczek and Khinchine: with service D and load rho the mean wait is D rho / (2 (1 - rho)). Every order goes to
    // one peer.
    let (service, latency) = (88_000_u64, 50_000_000);
    for (load, mean) in [(5, 44_000.0), (8, 176_000.0)] {
        let rate = Rate::per_second(load * 1_000_000_000 / 10 / service);
        let bulk = Bulk { orders: 30_000, rate, arrivals: Arrivals::Poisson, origins: Origins::One(NodeId(0)) };
        let rates = Rates::Same { up: Some(8_000_000), down: None };
        let case = Case {
            bandwidth: Some(BandwidthSpec { rates, queue_bytes: None, share: UplinkShare::Serial }),
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
    assert_eq!((outcome.totals.record.sent, outcome.totals.record.reached), (0, 1));
}
