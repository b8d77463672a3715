//! Messages that take no time: each belongs to the next round of its instant.

use super::*;

/// Returns the sender and the hop of each node's first receipt of each order.
fn senders_and_hops(outcome: &EngineOutcome) -> Vec<(NodeId, u8)> {
    outcome.each().iter().map(|receipt| (receipt.sender, receipt.hop)).collect()
}

/// Returns a case without faults or an end before the rest, in which every message takes `latency`. It has no
/// deduplication window: a latency decides which orders a node has seen by the time that others are published, so a
/// window would tell one latency from another.
fn constant(case: &Case, latency: u64) -> Case {
    let latency = Latency::Constant(Nanos(latency));
    Case { latency, ends_at_target: false, timeout: None, window: u32::MAX, ..case.clone() }
}

proptest! {
    /// Holds for any TTL, loss, duplication, drop and fan-out to all: a hop without latency is a round, as one of a
    /// nanosecond is an instant.
    #[test]
    fn no_latency_is_what_ever_smaller_latencies_come_to(
        case in cases(), doubled in 0..=100u64, loss in prop_oneof![Just(0), 0..60u64],
        adversary in prop::sample::select(vec!["none", "drop:30%,of=50%", "flood:40%,times=2", "delay:50%,by=0s"]),
    ) {
        let (loss, adversary) = (LossSpec::Independent(share(loss)), adversary.parse().unwrap());
        let case = Case { loss, duplicate: share(doubled), adversary, ..case };
        let (none, least) = (constant(&case, 0).strict(), constant(&case, 1).strict());
        prop_assert_eq!(senders_and_hops(&none), senders_and_hops(&least));
        prop_assert_eq!(&none.totals.record, &least.totals.record);
        prop_assert_eq!(&none.traffic, &least.traffic);
        let due = case.workload.publications().iter().map(|publication| publication.due);
        for (receipts, due) in none.each().chunks(case.nodes as usize).zip(due) {
            prop_assert!(receipts.iter().all(|receipt| !receipt.is_reached() || receipt.time == due));
        }
        assert_sound(&constant(&case, 0), &none);
    }

    /// Announcements, requests and orders take a round each.
    #[test]
    fn lazy_without_latency_is_what_smaller_latencies_come_to(case in cases()) {
        let case = Case { loss: LossSpec::NONE, workload: Workload::single(NodeId(3)), ..case };
        let of = |latency| constant(&case, latency).strict_of(&Lazy::waiting(Nanos(1_000_000), Nanos::ZERO));
        prop_assert_eq!(senders_and_hops(&of(0)), senders_and_hops(&of(1)));
        prop_assert_eq!(of(0).totals.record, of(1).totals.record);
    }
}
