//! The modelled network: the latency of a message between two nodes, and its loss.
//!
//! Every draw is keyed by (seed, order, sender, receiver, attempt), so that a message has the same fate on every
//! carrier and with any number of threads. Times and probabilities are integers. The models, their sources and their
//! limits: `docs/NETWORK.md`.

mod attempts;
mod bandwidth;
mod bursts;
mod by_place;
mod curves;
mod detect_spec;
mod detection;
mod fair_uplink;
mod fate;
mod fate_batch;
mod fault_spec;
mod faults;
mod latency;
mod latency_spec;
mod link_file;
mod link_order;
mod link_table;
mod loss_spec;
mod matrix;
mod matrix_cells;
mod place_file;
mod place_spec;
mod region_spec;
mod regions;
mod spec;
pub(crate) mod spec_fields;
#[cfg(test)]
mod tests;

pub use attempts::{AttemptCache, Attempts};
pub use bandwidth::{
    AccessLink, BandwidthError, BandwidthSpec, BandwidthUseError, HEADER_BYTES, LinkRate, QueueOffer, Rates,
    UplinkShare, process,
};
pub use detect_spec::{DetectSpec, ParseDetectError};
pub use detection::{Detection, Discovery};
pub use fair_uplink::FairUplink;
pub use fate::{Fate, OutgoingLinks};
pub use fate_batch::{FatedForward, Fates};
pub use fault_spec::{ChurnSpec, Cut, DownSpec, FaultError, FaultSpec, Outage, PartitionSide, PartitionSpec, Selector};
pub use faults::Faults;
pub use latency::{
    Exponential, LATENCY_MAX, Latency, LatencyError, LogNormal, Normal, Pareto, ShapeParameter, Weibull,
};
pub use latency_spec::{LatencySpec, LinkLatency};
pub use link_file::{LinkFault, LinkFigures, LinkFile, ListedLink};
pub use link_order::LinkOrder;
pub use link_table::LinkTable;
pub use loss_spec::{BurstScope, BurstSpec, LossError, LossSpec};
pub use matrix::MatrixError;
pub use matrix_cells::MatrixLineFault;
pub use place_file::{PlaceFault, PlaceFile, PlaceKind};
pub use place_spec::{ParsePlaceError, PlaceSpec, Places};
pub use region_spec::{RegionError, RegionSpec};
pub use regions::{Placement, RegionIndex, Regions};
pub use spec::{AccessLinkSpecs, NetworkError, NetworkSpec, Paths};

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Probability, Purpose, Stream};
#[cfg(test)]
use crate::ratio::Ratio;
use crate::time::Nanos;
use bursts::Bursts;
use by_place::ByPlace;
use curves::Curves;
use latency::{LogNormalCells, Sampler};
use regions::RegionMap;
use std::cell::OnceCell;
use std::sync::Arc;

/// The number of draws from which a slow latency is taken: sixteen of them lie above it.
const SLOW_LATENCY_DRAWS: usize = 16_384;

/// The network of one run.
#[derive(Clone, Debug)]
pub struct Network {
    seed: u64,
    key: Key,
    fast_path: FastPath,
    latency: LatencySource,
    /// The latencies of `latency` for SIMD lanes, if these can draw from all of them.
    cells: Option<LogNormalCells>,
    loss: Loss,
    /// The links with a latency or a loss of their own.
    links: Option<LinkTable>,
    /// True if no message overtakes another on its link.
    is_ordered: bool,
    duplicated: Probability,
    access_links: spec::AccessLinkTable,
    uplink_share: UplinkShare,
    processing: spec::ProcessingTable,
    region_names: Arc<[String]>,
    /// The class of each distinct place, by node; `None` without classes.
    classes: Option<ByPlace<Arc<str>>>,
    floor: Nanos,
    ceiling: Option<Nanos>,
}

/// The decision on a message in a few nanoseconds, for networks that allow it.
#[derive(Clone, Copy, Debug)]
enum FastPath {
    /// Every message has this latency, and none is lost.
    Constant(Nanos),
    /// A message has a latency uniform over `values` nanoseconds from `least` on, and is lost with probability `lost`.
    Uniform { least: u64, values: u64, lost: Probability },
    /// No shortcut, because links have figures of their own; see [`OutgoingLinks::listed_fate`].
    Listed,
    /// No shortcut; see [`OutgoingLinks::any_fate`].
    Never,
}

/// The source of a message's latency.
#[derive(Clone, Debug)]
enum LatencySource {
    /// One draw per message.
    Message(Sampler),
    /// One draw per link, plus one per message.
    Link { key: Key, is_directed: bool, link: Sampler, message: Sampler },
    /// One draw per message, from a distribution that depends on the regions of the two nodes.
    Regions(Box<RegionMap>),
}

/// The model of loss.
#[derive(Clone, Debug)]
enum Loss {
    /// Each message is lost with this probability.
    Independent(Probability),
    /// Messages are lost in bad periods.
    Bursts(Box<Bursts>),
}

impl Network {
    /// Creates the network of the run with this seed.
    pub fn new(seed: u64, latency: impl Into<LatencySpec>) -> Network {
        let latency = latency.into();
        let built = OnceCell::new();
        let curves = || Arc::clone(built.get_or_init(|| Arc::new(Curves::new())));
        // Without a part per message, the latency is that of the link alone.
        let message = Sampler::new(latency.message.unwrap_or(Latency::Constant(Nanos::ZERO)), &curves);
        let source = match latency.link {
            None => LatencySource::Message(message),
            Some(LinkLatency { latency, is_directed }) => LatencySource::Link {
                key: Key::new(seed, Purpose::Links),
                is_directed,
                link: Sampler::new(latency, &curves),
                message,
            },
        };
        Network { is_ordered: latency.is_ordered, ..Network::of(seed, source, latency.floor(), latency.ceiling()) }
    }

    /// Creates the network of the run with this seed, with its nodes in regions.
    pub fn in_regions(seed: u64, regions: &Regions) -> Network {
        Network::placed(seed, regions, Placement::drawn(seed, regions))
    }

    /// Creates the network of the run with this seed, with its nodes in regions as `placement` says.
    fn placed(seed: u64, regions: &Regions, placement: Placement) -> Network {
        let has_nodes = |region| placement.reaches(region, regions);
        let (floor, ceiling) = (regions.floor_among(has_nodes), regions.ceiling_among(has_nodes));
        let source = LatencySource::Regions(Box::new(RegionMap::new(regions, placement)));
        let network = Network::of(seed, source, floor, ceiling);
        Network { region_names: regions.names().into(), ..network }
    }

    fn of(seed: u64, latency: LatencySource, floor: Nanos, ceiling: Option<Nanos>) -> Network {
        Network {
            seed,
            key: Key::new(seed, Purpose::Network),
            fast_path: FastPath::of(&latency, Probability::NEVER),
            cells: latency.cells(),
            latency,
            loss: Loss::Independent(Probability::NEVER),
            links: None,
            is_ordered: false,
            duplicated: Probability::NEVER,
            access_links: spec::AccessLinkTable::default(),
            uplink_share: UplinkShare::Serial,
            processing: spec::ProcessingTable::Same(Nanos::ZERO),
            region_names: Arc::default(),
            classes: None,
            floor,
            ceiling,
        }
    }

    /// Adds loss to the network.
    pub fn with_loss(mut self, loss: &LossSpec) -> Network {
        (self.loss, self.fast_path) = match loss {
            LossSpec::Independent(share) => {
                let chance = Probability::of(*share);
                (Loss::Independent(chance), FastPath::of(&self.latency, chance))
            }
            // A burst depends on the time of sending, which the fast path does not consider.
            LossSpec::Bursts(spec) => (Loss::Bursts(Box::new(Bursts::new(self.seed, spec))), FastPath::Never),
        };
        self
    }

    /// Gives the links of a table their own latencies and losses. Called last, because no shortcut holds then.
    #[doc(hidden)]
    pub fn with_links(mut self, links: LinkTable) -> Network {
        if let Some((least, greatest)) = links.bounds() {
            self.floor = self.floor.min(least);
            self.ceiling = self.ceiling.map(|ceiling| ceiling.max(greatest));
        }
        (self.links, self.fast_path) = (Some(links), FastPath::Listed);
        self
    }

    /// Adds second copies of this share of the messages that are not lost.
    #[cfg(test)]
    pub fn with_duplicates(mut self, share: Ratio) -> Network {
        self.duplicated = Probability::of(share);
        self
    }

    /// Returns the minimum latency of any message. Within this time nodes cannot affect each other, so they can be
    /// simulated apart.
    pub fn floor(&self) -> Nanos {
        self.floor
    }

    /// Returns the maximum latency of any message, or `None` if there is no limit.
    pub fn ceiling(&self) -> Option<Nanos> {
        self.ceiling
    }

    /// Returns a high latency between nodes drawn uniformly from `nodes`, or, if links have latencies of their own,
    /// between a node and one of its peers: 999 of 1,000 of its own draws take no longer. These draws affect nothing
    /// else.
    pub fn slow_latency(&self, nodes: u32) -> Nanos {
        // Every draw would give the same.
        if let (LatencySource::Message(Sampler::Constant(time)), None) = (&self.latency, &self.links) {
            return Nanos(*time);
        }
        // No order has this key, so that the draws of messages stay as they are.
        let mut stream = Key::new(self.seed, Purpose::Network).with(u64::MAX).stream();
        let node = |stream: &mut Stream| NodeId(stream.below(u64::from(nodes.max(1))) as u32);
        let mut times: Vec<Nanos> = (0..SLOW_LATENCY_DRAWS)
            .map(|_| {
                let from = node(&mut stream);
                let peer = self.links.as_ref().and_then(|links| links.draw_peer(from, &mut stream));
                let to = peer.unwrap_or_else(|| node(&mut stream));
                self.outgoing_links(OrderIndex(0), from).time_on(to, stream.next_word())
            })
            .collect();
        let rank = SLOW_LATENCY_DRAWS - SLOW_LATENCY_DRAWS / 1_000;
        *times.select_nth_unstable(rank - 1).1
    }

    /// Returns true if one message may take more than ten times as long as another, so that a path of many hops may be
    /// faster than a direct one.
    pub fn is_uneven(&self) -> bool {
        self.ceiling.is_none_or(|ceiling| ceiling.0 / 10 > self.floor.0)
    }

    /// Returns the region of a node, if there are regions.
    pub fn region(&self, node: NodeId) -> Option<RegionIndex> {
        self.placement().map(|placement| placement.region(node))
    }

    /// Returns the placement of nodes in regions, if there are regions.
    pub fn placement(&self) -> Option<&Placement> {
        match &self.latency {
            LatencySource::Regions(map) => Some(map.placement()),
            LatencySource::Message(_) | LatencySource::Link { .. } => None,
        }
    }

    /// Returns the names of the regions in the order of [`RegionIndex`]; empty if there are no regions.
    pub fn regions(&self) -> &[String] {
        &self.region_names
    }

    /// Returns the constant latency, if every message has the same one and nothing else can happen to it; else `None`.
    pub fn constant(&self) -> Option<Nanos> {
        match self.fast_path {
            FastPath::Constant(time) if self.is_plain() => Some(time),
            _ => None,
        }
    }

    /// Returns true if no message overtakes an earlier one on its link: see [`LinkOrder`].
    pub fn is_ordered(&self) -> bool {
        self.is_ordered
    }

    /// Returns true if no message is duplicated, queued or processed: each takes the latency drawn for it, or is lost.
    pub fn is_plain(&self) -> bool {
        !self.has_duplicates() && !self.has_processing() && self.access_links.is_unlimited()
    }

    /// Returns true if the network makes second copies of messages.
    pub fn has_duplicates(&self) -> bool {
        !self.duplicated.is_never()
    }

    /// Returns the access links of a node; neither if bandwidth is unlimited.
    #[inline]
    pub fn access_links(&self, node: NodeId) -> AccessLinkSpecs {
        self.access_links.of(node, || self.region(node))
    }

    /// Returns whether any node has a limited uplink, and whether any has a limited downlink.
    pub fn limited(&self) -> [bool; 2] {
        self.access_links.limited()
    }

    /// Returns the way in which the copies on an uplink share its rate.
    pub fn uplink_share(&self) -> UplinkShare {
        self.uplink_share
    }

    /// Returns the time that this node is busy with each message that arrives.
    #[inline]
    pub fn processing(&self, node: NodeId) -> Nanos {
        self.processing.of(node)
    }

    /// Returns true if any node is busy with messages that arrive.
    pub fn has_processing(&self) -> bool {
        !self.processing.is_zero()
    }

    /// Returns the class of a node, if nodes have classes.
    pub fn class(&self, node: NodeId) -> Option<&str> {
        self.classes.as_ref().map(|classes| &**classes.of(node))
    }

    /// Returns the outgoing links of `from` for an order: the part of the draws that all copies of one forward share.
    /// They apply to messages sent at time 0; see [`at`](OutgoingLinks::at) for another time.
    #[inline]
    pub fn outgoing_links(&self, order: OrderIndex, from: NodeId) -> OutgoingLinks<'_> {
        // Hashed once per forward, so that each of its messages costs a single further step.
        let key = self.key.with(u64::from(order.0)).with(u64::from(from.0));
        let row = match &self.latency {
            LatencySource::Regions(map) => map.row(from),
            LatencySource::Message(_) | LatencySource::Link { .. } => 0,
        };
        OutgoingLinks { network: self, key, from, row, now: Nanos::ZERO }
    }
}

impl LatencySource {
    /// Returns the latencies for SIMD lanes, if these can draw from all of them.
    fn cells(&self) -> Option<LogNormalCells> {
        match self {
            LatencySource::Message(sampler) => LogNormalCells::new(std::slice::from_ref(sampler)),
            LatencySource::Regions(map) => LogNormalCells::new(map.samplers()),
            LatencySource::Link { .. } => None,
        }
    }
}

impl FastPath {
    fn of(latency: &LatencySource, lost: Probability) -> FastPath {
        match latency {
            LatencySource::Message(Sampler::Constant(time)) if lost == Probability::NEVER => {
                FastPath::Constant(Nanos(*time))
            }
            // A single value still takes a draw, so that the loss uses the second word here too.
            LatencySource::Message(Sampler::Constant(time)) => FastPath::Uniform { least: *time, values: 1, lost },
            LatencySource::Message(Sampler::Uniform { least, values }) => {
                FastPath::Uniform { least: *least, values: *values, lost }
            }
            _ => FastPath::Never,
        }
    }
}
