//! The number of threads that the work of a run in virtual time feeds, estimated before anything is built.
//!
//! Threads meet after each window of virtual time, which is as long as the least latency. Where little happens in a
//! window, a second thread mostly waits, and beside other programs each wait can last as long as theirs do. No figure
//! depends on the number of threads, so a rough estimate is enough.

use super::order_traffic::order_messages;
use super::{OverlayOptions, ProtocolOptions, WorkloadOptions};
use crate::network::NetworkSpec;
use crate::time::Nanos;
use crate::topology::TopologySpec;

/// Messages of a whole run that feed a thread: a few milliseconds of work.
const MESSAGES_EACH: u64 = 100_000;

/// Messages between two meetings that feed a thread: ten microseconds of work, several times the cost of a meeting.
const MESSAGES_EACH_MEETING: u64 = 500;

/// Hops that an order takes to most nodes of an overlay without long paths.
const HOPS: u64 = 8;

/// Least latency assumed between regions, whose table is not read yet.
const REGIONS_LEAST: Nanos = Nanos::from_millis(1);

/// Ratio of the longest to the least latency that is assumed if the longest has no limit.
const LONGEST_TO_LEAST: u64 = 10;

/// Returns the number of threads that a run feeds, at least one.
pub(super) fn threads_fed(
    overlay: &OverlayOptions,
    protocol: &ProtocolOptions,
    workload: &WorkloadOptions,
    network: &NetworkSpec,
) -> usize {
    let orders = workload.bulk.map_or(1, |bulk| bulk.orders);
    let messages = order_messages(overlay, protocol, workload).saturating_mul(orders.into());
    let Some(meetings) = meetings(overlay, workload, network) else { return 1 };
    let fed = (messages / MESSAGES_EACH).min(messages / meetings.saturating_mul(MESSAGES_EACH_MEETING));
    usize::try_from(fed).unwrap_or(usize::MAX).max(1)
}

/// Returns the number of windows in which something happens, at least one; `None` if the least latency is 0, so that
/// one thread handles all events.
fn meetings(overlay: &OverlayOptions, workload: &WorkloadOptions, network: &NetworkSpec) -> Option<u64> {
    let least = network.least(REGIONS_LEAST);
    let longest = match network.longest() {
        Nanos::ZERO => Nanos(least.0.saturating_mul(LONGEST_TO_LEAST)),
        longest => longest,
    };
    let hops = match overlay.topology {
        TopologySpec::Ring => u64::from(overlay.nodes / 2),
        TopologySpec::Grid => u64::from(overlay.nodes.isqrt()),
        _ => HOPS,
    };
    let spreading = (least.0.midpoint(longest.0)).saturating_mul(hops);
    let publishing = workload.bulk.map_or(0.0, |bulk| f64::from(bulk.orders) / bulk.rate.as_f64() * 1e9);
    // A float becomes the nearest integer in range.
    Some((publishing as u64).saturating_add(spreading).checked_div(least.0)?.max(1))
}

#[cfg(test)]
mod tests {
    use super::super::{Draft, PayloadBytes};
    use super::*;
    use crate::scenario::TransportKind;
    use crate::workload::Rate;

    /// Returns the estimate for push in virtual time, with a latency as an option has it.
    fn fed(nodes: u32, latency: &str, bulk: Option<(u32, u64)>) -> usize {
        let draft = Draft {
            transport: Some(TransportKind::Simulated),
            nodes: Some(nodes),
            latency: Some(latency.parse().unwrap()),
            orders: bulk.map(|(orders, _)| orders),
            rate: bulk.map(|(_, rate)| Rate::per_second(rate)),
            ..Draft::default()
        };
        of(draft)
    }

    fn of(draft: Draft) -> usize {
        let scenario = draft.build().unwrap();
        threads_fed(&scenario.overlay, &scenario.protocol, &scenario.workload, scenario.network.as_ref().unwrap())
    }

    #[test]
    fn parts_are_work() {
        let turbine = |payload| {
            of(Draft {
                transport: Some(TransportKind::Simulated),
                nodes: Some(10_000),
                protocol: "turbine".parse().ok(),
                payload_bytes: Some(PayloadBytes::exactly(payload)),
                latency: "uniform:10ms..100ms".parse().ok(),
                ..Draft::default()
            })
        };
        // 18 parts to each node, and 2,176 in 34 sets.
        assert_eq!((turbine(100), turbine(1 << 20)), (1, 217));
    }

    #[test]
    fn little_work_feeds_one_thread() {
        assert_eq!(fed(1_000, "uniform:10ms..100ms", Some((20, 20))), 1);
        assert_eq!(fed(1_000, "uniform:10ms..100ms", Some((20, 1_000))), 1);
        assert_eq!(fed(10_000, "constant:50ms", None), 1);
        assert_eq!(fed(100_000, "uniform:10us..100ms", None), 1, "its windows are short");
        assert_eq!(fed(1_000_000, "uniform:0ms..100ms", None), 1, "it has no windows");
        assert_eq!(fed(1_000, "constant:50ms", Some((1_000, 1))), 1, "its orders come one by one");
    }

    #[test]
    fn much_work_feeds_threads_in_proportion() {
        assert!(fed(100_000, "uniform:10ms..100ms", None) >= 2);
        assert!(fed(10_000, "uniform:10ms..100ms", Some((20, 20))) >= 2);
        assert!(fed(10_000_000, "constant:50ms", None) >= 64);
        assert!(fed(1_000_000, "lognormal:p50=40ms,p90=90ms,min=10ms", None) >= 8);
    }

    #[test]
    fn an_overlay_with_long_paths_feeds_fewer() {
        let draft = |topology: &str| Draft {
            transport: Some(TransportKind::Simulated),
            nodes: Some(1_000_000),
            topology: Some(topology.parse().unwrap()),
            latency: Some("constant:50ms".parse().unwrap()),
            ..Draft::default()
        };
        assert_eq!(of(draft("ring")), 1);
        assert!(of(draft("grid")) < of(draft("erdos-renyi")));
    }

    #[test]
    fn only_a_default_depends_on_the_work() {
        let draft = Draft { transport: Some(TransportKind::Simulated), nodes: Some(100), ..Draft::default() };
        assert_eq!(draft.clone().build().unwrap().carrier.threads, 1);
        assert_eq!(Draft { threads: Some(5), ..draft.clone() }.build().unwrap().carrier.threads, 5);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // Runs are spread over all cores, one thread each.
        assert_eq!(Draft { runs: Some(3), ..draft }.build().unwrap().carrier.threads, cores.min(100));
    }
}
