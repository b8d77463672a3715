//! Forecasts before the run: the TTL that `auto` stands for, and targets that cannot be reached.
//!
//! There are two sources. No node gets an order over more hops than the TTL, whatever is drawn: a bound, from the
//! breadth-first depths. On random overlays the mean field gives an expectation, with its own error.

mod advice;
mod mean_field;

use crate::ids::NodeId;
use crate::message::TTL_MAX;
use crate::network::{BandwidthSpec, DownSpec, FaultSpec, HEADER_BYTES, LinkRate, Network, Rates};
use crate::record::{Notice, ProtocolSource, TtlAdvice};
use crate::scenario::{Scenario, Ttl};
use crate::theory::hops::auto_ttl;
use crate::theory::postal;
use crate::time::Nanos;
use crate::topology::{Reachability, Topology};
use crate::wire::message_bytes;
use crate::workload::Origins;
use mean_field::MeanField;

/// Below this many nodes the mean field is too inaccurate for a warning.
const MEAN_FIELD_NODES_MIN: u64 = 100;

/// The findings before the first order leaves.
pub(crate) struct Forecast {
    /// The TTL in force.
    pub(crate) ttl: u8,
    /// The node that publishes the first order.
    pub(crate) origin: NodeId,
    /// The nodes that an order could reach if it were forwarded to every peer without end; `None` if the overlay was
    /// not searched.
    pub(crate) reach: Option<Reachability>,
    /// Notices for the user to read first.
    pub(crate) notices: Vec<Notice>,
}

impl Forecast {
    /// Examines an overlay, with the nodes that can be reached on it from the first order's origin where they are
    /// known. `network` is the modelled network, if there is one. For a protocol of the caller's own only bounds are
    /// reported that hold for any protocol.
    pub(crate) fn new(
        scenario: &Scenario,
        protocol: ProtocolSource,
        topology: &Topology,
        origin: NodeId,
        reach: Option<Reachability>,
        network: Option<&Network>,
    ) -> Forecast {
        let mean_field = MeanField::new(scenario, topology);
        let hops_to_target = match &mean_field {
            Some(mean_field) => mean_field.hops_to_target(),
            None => reach.as_ref().map(|reach| reach.depth),
        };
        // In rounds an order takes many hops on any overlay.
        let hops_to_target = hops_to_target.filter(|_| !scenario.protocol.kind().traits().acts_in_rounds);
        let auto = auto_ttl(hops_to_target, network.is_some_and(Network::is_uneven));
        let floor = network.map_or(Nanos::ZERO, Network::floor);
        let ttl = match scenario.protocol.ttl {
            Ttl::Hops(ttl) => ttl,
            Ttl::Auto => auto,
        };
        let expected = || mean_field.filter(|_| protocol == ProtocolSource::Scenario)?.shortfall(ttl, auto);
        let known = reach.as_ref();
        let in_time = || known.and_then(|reach| too_late(scenario, protocol, origin, reach, floor));
        let short = known.and_then(|reach| bound(scenario, origin, reach, ttl, auto)).or_else(in_time);
        let short = short.or_else(|| beyond_uplinks(scenario, protocol, floor)).or_else(expected);
        let apart = match known {
            Some(reach) => disconnected(scenario, origin, reach),
            None => unsearched(scenario),
        };
        let read =
            scenario.overlay.edge_list.as_ref().map_or_else(Vec::new, |list| list.notices(scenario.overlay.nodes));
        let read = read.into_iter().map(|sentence| Notice::EdgeListRead { sentence });
        let notices = apart.into_iter().chain(short).chain(read).collect();
        Forecast { ttl, origin, reach, notices }
    }
}

/// Reports that part of the overlay cannot be reached at all.
fn disconnected(scenario: &Scenario, origin: NodeId, reach: &Reachability) -> Option<Notice> {
    let nodes = scenario.overlay.nodes;
    (!reach.is_everyone(nodes)).then(|| {
        let origin = scenario.names().id(origin);
        Notice::OverlayDisconnected { reachable: reach.reachable, nodes, origin }
    })
}

/// Reports that an overlay that is not searched is disconnected. From three peers on it hardly ever is.
fn unsearched(scenario: &Scenario) -> Option<Notice> {
    let is_drawn = scenario.membership.is_none();
    (is_drawn && scenario.overlay.peers <= 2).then_some(Notice::OverlayNotSearched)
}

/// Reports that too few nodes lie within the TTL, whatever is drawn. If nodes may be down, fewer make the target, and
/// it may still be reached, so there is nothing to report.
fn bound(scenario: &Scenario, origin: NodeId, reach: &Reachability, ttl: u8, auto: u8) -> Option<Notice> {
    let FaultSpec { down, churn, .. } = &scenario.failures.faults;
    if *down != DownSpec::default() || churn.is_some() {
        return None;
    }
    let (nodes, target) = (scenario.overlay.nodes, scenario.run.target);
    let goal = target.ceil_of(u64::from(nodes));
    let near = within(reach, ttl.into());
    (near < goal).then(|| {
        let (farthest, advice) = match hops_to(reach, goal) {
            None => (None, TtlAdvice { text: advice::denser(scenario, near), raises_ttl: false }),
            Some(needed) => (Some(reach.depth), advice::longer(scenario, needed, ttl, auto, near)),
        };
        let (entrance, target) = (entrance(scenario, origin), target.as_f64());
        Notice::TargetBeyondTtl { near, nodes, ttl, entrance, goal, target, farthest, advice }
    })
}

/// Counts the nodes within this many hops.
fn within(reach: &Reachability, hops: u32) -> u64 {
    reach.by_depth.iter().take(hops as usize + 1).map(|&nodes| u64::from(nodes)).sum()
}

/// Returns the least number of hops within which `goal` nodes lie, without a limit; `None` if there are too few nodes.
fn hops_to(reach: &Reachability, goal: u64) -> Option<u32> {
    let mut near = 0;
    let mut sums = reach.by_depth.iter().map(|&nodes| {
        near += u64::from(nodes);
        near
    });
    sums.position(|near| near >= goal).map(|hops| hops as u32)
}

/// Names the node from which the bounds hold.
fn entrance(scenario: &Scenario, origin: NodeId) -> String {
    let id = scenario.names().id(origin);
    match scenario.workload.origins {
        Origins::Random | Origins::Listed if scenario.orders() > 1 => {
            format!("node {id}, where the first order enters")
        }
        _ => format!("node {id}"),
    }
}

/// Reports that too few nodes lie within the hops that fit into the time limit, whatever is drawn. An order takes its
/// time on access links, and one that is requested crosses each link as an announcement, a request and itself, and
/// waits while announcements are gathered. If nodes fail, fewer may make the target, so there is nothing to report.
fn too_late(
    scenario: &Scenario,
    protocol: ProtocolSource,
    origin: NodeId,
    reach: &Reachability,
    floor: Nanos,
) -> Option<Notice> {
    if scenario.failures.faults != FaultSpec::default() {
        return None;
    }
    let (nodes, target) = (scenario.overlay.nodes, scenario.run.target);
    let goal = target.ceil_of(u64::from(nodes));
    let (crossings, interval) = match protocol {
        ProtocolSource::Scenario => {
            (scenario.protocol.kind().traits().messages_per_hop, scenario.protocol.announce_interval)
        }
        ProtocolSource::Caller => (1, None),
    };
    // Of both access links the slower one decides.
    let transmission = transmission(scenario).into_iter().flatten().max().unwrap_or_default();
    // With several orders, one may arrive at a node shortly before it sends announcements of another.
    let gathered = interval.filter(|_| scenario.orders() == 1).unwrap_or_default();
    let hop = Nanos(floor.0.saturating_mul(crossings.into())) + gathered + transmission;
    let (timeout, option) = scenario.run.longest()?;
    let hops_in_time = timeout.0.checked_div(hop.0)?.min(TTL_MAX.into()) as u32;
    let near = within(reach, hops_in_time);
    let needed = hops_to(reach, goal)?;
    (near < goal).then(|| Notice::TargetTooLate {
        hop,
        near,
        nodes,
        hops: hops_in_time,
        entrance: entrance(scenario, origin),
        timeout,
        goal,
        target: target.as_f64(),
        needed: format!("{option} {}", Nanos(hop.0.saturating_mul(needed.into())).written()),
    })
}

/// Reports that nodes that send one copy after the other give an order to too few within the time limit, whatever is
/// drawn. A protocol of the caller's own may tell of an order in other messages.
fn beyond_uplinks(scenario: &Scenario, protocol: ProtocolSource, floor: Nanos) -> Option<Notice> {
    if scenario.failures.faults != FaultSpec::default() || protocol == ProtocolSource::Caller {
        return None;
    }
    let [up, down] = transmission(scenario);
    let (copy_takes, (timeout, option)) = (up?, scenario.run.longest()?);
    let target = scenario.run.target;
    let goal = target.ceil_of(scenario.overlay.nodes.into());
    // A downlink that is slower than the uplink ends later.
    let latency = floor + down.unwrap_or_default().since(copy_takes);
    let times = || postal::times(copy_takes.0, latency.0).take(POSTAL_NODES_MAX);
    let most = times().position(|time| time > timeout.0)? as u64;
    (most < goal).then(|| Notice::TargetBeyondUplinks {
        copy_takes,
        most,
        timeout,
        goal,
        target: target.as_f64(),
        needed: times()
            .nth(goal.saturating_sub(1) as usize)
            .map(|time| format!("{option} {}", whole_millis(time).written())),
    })
}

/// Rounds down to a whole millisecond from a second on, because digits behind it say nothing of a bound.
fn whole_millis(time: u64) -> Nanos {
    Nanos(if time < 1_000_000_000 { time } else { time - time % 1_000_000 })
}

/// Nodes of the postal model that are computed: with more of them in time, a target is not late because of uplinks.
const POSTAL_NODES_MAX: usize = 10_000;

/// Returns the least times that a message with an order takes on an uplink and on a downlink; `None` for one without a
/// rate. Nodes with rates of their own may be faster, so that nothing is known.
fn transmission(scenario: &Scenario) -> [Option<Nanos>; 2] {
    let Some(network) = scenario.network.as_ref().filter(|network| network.places.listed().is_none()) else {
        return [None; 2];
    };
    let Some(BandwidthSpec { rates: Rates::Same { up, down }, .. }) = network.bandwidth else { return [None; 2] };
    let bytes = message_bytes(*scenario.workload.payload_bytes.range().start()) + HEADER_BYTES;
    [up, down].map(|rate| rate.map(|bits| LinkRate::new(bits, None).time(bytes)))
}

#[cfg(test)]
mod tests;
