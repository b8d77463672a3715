//! The discovery of failures: when a node learns that a peer has gone down or come back.
//!
//! Each pair of a node and a peer has one delay, drawn uniformly and keyed by both, so that what a node learns of a
//! peer keeps its order. Nothing is stored: a node asks for its next discovery after the last one, so that a run holds
//! one timer per node, however many peers fail.

use super::detect_spec::DetectSpec;
use super::faults::Faults;
use crate::ids::NodeId;
use crate::random::{Key, Purpose};
use crate::time::Nanos;

/// The delays of a run after which nodes learn of failures.
#[derive(Clone, Copy, Debug)]
pub struct Detection {
    key: Key,
    spec: DetectSpec,
}

/// A discovery that a node makes. Discoveries of a node are ordered by time, then by peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Discovery {
    /// The time of the discovery, from the start of the warm-up.
    pub time: Nanos,
    /// The peer.
    pub peer: NodeId,
    /// True if the peer has come back, false if it has gone down.
    pub is_up: bool,
}

impl Detection {
    /// Creates the delays of the run with this seed.
    pub fn new(seed: u64, spec: DetectSpec) -> Detection {
        Detection { key: Key::new(seed, Purpose::Faults).with(DETECTION), spec }
    }

    /// Returns the delay with which a node learns of a peer.
    fn delay(&self, node: NodeId, peer: NodeId) -> Nanos {
        let DetectSpec { least, greatest } = self.spec;
        let mut stream = self.key.with(u64::from(node.0)).with(u64::from(peer.0)).stream();
        // A span of all times has 2^64 values, one more than the draw takes; its last is left out.
        least + Nanos(stream.below((greatest - least).0.saturating_add(1)))
    }

    /// Returns a node's first discovery after `last`, or its first one, in a run whose orders begin after `warm_up`.
    /// Throughout the warm-up faults are as they are at its end.
    pub fn next(
        &self,
        (faults, warm_up): (&Faults, Nanos),
        node: NodeId,
        peers: &[NodeId],
        last: Option<Discovery>,
    ) -> Option<Discovery> {
        let of_peer = |&peer: &NodeId| self.next_of(faults, warm_up, peer, self.delay(node, peer), last);
        peers.iter().filter_map(of_peer).min()
    }

    /// Returns the time at which a node learns that `peer` has gone down, if they become peers at `since`, from the
    /// start of the warm-up; `None` if the peer stays up.
    pub fn failure(
        &self,
        (faults, warm_up): (&Faults, Nanos),
        node: NodeId,
        peer: NodeId,
        since: Nanos,
    ) -> Option<Nanos> {
        let delay = self.delay(node, peer);
        let from = since.since(warm_up);
        if !faults.is_up(peer, from) {
            return Some(since + delay);
        }
        // Up until then, it first goes down.
        faults.changes(peer, from).next().map(|(down_at, _)| down_at + warm_up + delay)
    }

    /// Returns the first discovery after `last` that concerns this peer.
    fn next_of(
        &self,
        faults: &Faults,
        warm_up: Nanos,
        peer: NodeId,
        delay: Nanos,
        last: Option<Discovery>,
    ) -> Option<Discovery> {
        // A peer that is down at time 0 was down from the start.
        let at_start = Discovery { time: delay, peer, is_up: false };
        if last.is_none_or(|last| (last.time, last.peer) < (delay, peer)) && !faults.is_up(peer, Nanos::ZERO) {
            return Some(at_start);
        }
        let lag = warm_up + delay;
        // The latest change that has been discovered; of two discoveries at one time the lesser peer comes first.
        let seen =
            last.map_or(Nanos::ZERO, |last| Nanos(last.time.since(lag).0.saturating_sub(u64::from(peer > last.peer))));
        let (changed, is_up) = faults.changes(peer, seen).next()?;
        Some(Discovery { time: changed + lag, peer, is_up })
    }
}

/// The word that separates these draws from those of the faults; part of docs/DETERMINISM.md.
const DETECTION: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{FaultSpec, Latency, Network};
    use crate::sync::Interrupt;

    const NODES: u32 = 400;

    fn faults(down: &str, churn: Option<&str>) -> Faults {
        let spec = FaultSpec {
            down: down.parse().unwrap(),
            churn: churn.map(|churn| churn.parse().unwrap()),
            ..FaultSpec::default()
        };
        let network = Network::new(7, Latency::Constant(Nanos(1)));
        Faults::new(&spec, 7, NODES, &network, |_| 0, Some(NodeId(0)), &Interrupt::new()).unwrap()
    }

    fn detection(detect: &str) -> Detection {
        Detection::new(7, detect.parse().unwrap())
    }

    /// All discoveries of node 0 up to a time, one after the other.
    fn discoveries(detection: Detection, faults: &Faults, warm_up: Nanos, until: Nanos) -> Vec<Discovery> {
        let peers: Vec<NodeId> = (1..NODES).map(NodeId).collect();
        let next = |last: Option<Discovery>| detection.next((faults, warm_up), NodeId(0), &peers, last);
        std::iter::successors(next(None), |&last| next(Some(last))).take_while(|found| found.time <= until).collect()
    }

    /// The same from a list of all changes of all peers.
    fn expected(detection: Detection, faults: &Faults, warm_up: Nanos, until: Nanos) -> Vec<Discovery> {
        let mut all = Vec::new();
        for peer in (1..NODES).map(NodeId) {
            let delay = detection.delay(NodeId(0), peer);
            if !faults.is_up(peer, Nanos::ZERO) {
                all.push(Discovery { time: delay, peer, is_up: false });
            }
            let changes = faults.changes(peer, Nanos::ZERO).take_while(|change| change.0 <= until);
            all.extend(changes.map(|(time, is_up)| Discovery { time: time + warm_up + delay, peer, is_up }));
        }
        all.retain(|discovery| discovery.time <= until);
        all.sort_unstable();
        all
    }

    #[test]
    fn each_change_is_discovered_once_after_its_delay() {
        for (down, churn, detect) in [
            ("30%", None, "2s..8s"),
            ("30%,at=3s+10%", None, "5s"),
            ("none", Some("up=2s,down=1s"), "0..3s"),
            ("20%,at=4s", Some("up=3s,down=1s"), "1s"),
        ] {
            let (detection, faults) = (detection(detect), faults(down, churn));
            for warm_up in [Nanos::ZERO, Nanos::from_secs(2)] {
                let found = discoveries(detection, &faults, warm_up, Nanos::from_secs(12));
                assert!(found.len() > 50, "{down} {churn:?}: {}", found.len());
                assert_eq!(
                    found,
                    expected(detection, &faults, warm_up, Nanos::from_secs(12)),
                    "{down} {churn:?} {detect}"
                );
            }
        }
    }

    /// Held against a search through all times at which the peer changes.
    #[test]
    fn a_new_peer_is_found_to_have_failed_after_the_delay() {
        for (down, churn) in [("30%", None), ("30%,at=3s", None), ("none", Some("up=2s,down=1s"))] {
            let (detection, faults, warm_up) = (detection("1s..2s"), faults(down, churn), Nanos::from_secs(2));
            let mut found = [0; 3];
            for peer in (1..NODES).map(NodeId) {
                for since in [0, 1_500, 2_000, 4_000, 7_500].map(Nanos::from_millis) {
                    let from = since.since(warm_up);
                    let delay = detection.delay(NodeId(0), peer);
                    let down_at = faults.changes(peer, from).find(|change| !change.1).map(|change| change.0);
                    let expected = match faults.is_up(peer, from) {
                        false => Some(since + delay),
                        true => down_at.map(|down_at| down_at + warm_up + delay),
                    };
                    let at = detection.failure((&faults, warm_up), NodeId(0), peer, since);
                    assert_eq!(at, expected, "{down} {churn:?} {peer:?} {since:?}");
                    found[at.map_or(0, |at| 1 + usize::from(at == since + delay))] += 1;
                }
            }
            assert!(found[2] > 100 && (found[0] > 100 || churn.is_some()), "{down} {churn:?}: {found:?}");
        }
    }

    /// The vectors in `docs/DETERMINISM.md`.
    #[test]
    fn delays_are_as_specified() {
        let detection = detection("2s..8s");
        let delays = [(0, 1), (1, 0), (0, 2), (9, 4)].map(|(node, peer)| detection.delay(NodeId(node), NodeId(peer)).0);
        assert_eq!(delays, [3_467_833_789, 2_677_377_824, 3_304_410_194, 7_481_407_595]);
    }

    #[test]
    fn delays_are_uniform_and_differ_by_observer() {
        let detection = detection("2s..8s");
        let pairs = (0..100).flat_map(|node| (0..100).map(move |peer| (NodeId(node), NodeId(peer))));
        let delays: Vec<Nanos> = pairs.map(|(node, peer)| detection.delay(node, peer)).collect();
        let (least, greatest) = (*delays.iter().min().unwrap(), *delays.iter().max().unwrap());
        assert!(least >= Nanos::from_secs(2) && greatest <= Nanos::from_secs(8));
        let mean = delays.iter().map(|delay| delay.as_secs_f64()).sum::<f64>() / delays.len() as f64;
        // The standard deviation of the mean is 6 / sqrt(12 * 10^4) = .0173 s.
        assert!((mean - 5.0).abs() < 5.0 * 0.0173, "{mean}");
        assert_ne!(detection.delay(NodeId(1), NodeId(2)), detection.delay(NodeId(2), NodeId(1)));
    }
}
