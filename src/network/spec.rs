//! The requested network with all its parts, and its construction.

use super::bandwidth::{BandwidthSpec, LinkRate, Rates, UplinkShare};
use super::by_place::ByPlace;
use super::latency_spec::LatencySpec;
use super::link_file::{LinkFault, LinkFile};
use super::loss_spec::LossSpec;
use super::place_file::{PlaceFault, PlaceKind};
use super::place_spec::Places;
use super::region_spec::{RegionError, RegionSpec};
use super::regions::{Placement, RegionIndex, Regions};
use super::{Network, Probability};
use crate::ids::NodeId;
use crate::ratio::Ratio;
use crate::table::TableError;
use crate::time::Nanos;
use std::sync::Arc;

/// The models of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    /// The latencies of messages.
    pub paths: Paths,
    /// The loss of messages.
    pub loss: LossSpec,
    /// The share of the remaining messages of which a second copy is made.
    pub duplicate: Ratio,
    /// The access links of the nodes; `None` if they are unlimited.
    pub bandwidth: Option<BandwidthSpec>,
    /// The time that a node is busy with each message that arrives.
    pub processing: Nanos,
    /// The places of nodes in the regions; of no effect without regions.
    pub places: Places,
    /// True if no message overtakes another on its link in a network of regions; a latency says that itself.
    pub is_ordered: bool,
    /// The links with a latency or a loss of their own.
    pub links: Option<LinkFile>,
}

/// The source of latencies: the same everywhere, or by region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paths {
    /// One distribution.
    Latency(LatencySpec),
    /// A distribution for each pair of regions.
    Regions(RegionSpec),
}

/// The default: 50 ms on every link, and nothing else.
impl Default for NetworkSpec {
    fn default() -> NetworkSpec {
        NetworkSpec {
            paths: Paths::Latency(LatencySpec::default()),
            loss: LossSpec::NONE,
            duplicate: Ratio::new(0, 1).unwrap(),
            bandwidth: None,
            processing: Nanos::ZERO,
            places: Places::Drawn,
            is_ordered: false,
            links: None,
        }
    }
}

/// An upper bound on latencies between regions of the data sets, which hardly any exceed.
const REGIONS_LONGEST: Nanos = Nanos::from_millis(500);

impl NetworkSpec {
    /// Builds the network of the run with this seed, without the figures of single links, whose places only the overlay
    /// tells: see [`Network::with_links`].
    ///
    /// # Errors
    ///
    /// [`NetworkError`] if a matrix cannot be read, or if rates by region are requested and the regions have none.
    #[doc(hidden)]
    pub fn build(&self, seed: u64) -> Result<Network, NetworkError> {
        let (network, regions) = match &self.paths {
            Paths::Latency(latency) => (Network::new(seed, *latency), None),
            Paths::Regions(spec) => {
                let regions = spec.read()?;
                (Network::placed(seed, &regions, self.placement(seed, &regions)?), Some(regions))
            }
        };
        let access_links = match self.bandwidth {
            None => AccessLinkTable::default(),
            Some(bandwidth) => AccessLinkTable::new(bandwidth, regions.as_ref()).ok_or_else(|| self.no_rates())?,
        };
        let network = Network {
            access_links: self.own_access_links(access_links, &network),
            uplink_share: self.bandwidth.map_or(UplinkShare::Serial, |bandwidth| bandwidth.share),
            processing: self.own_processing(),
            classes: self.classes(),
            duplicated: Probability::of(self.duplicate),
            is_ordered: self.keeps_order(),
            ..network
        };
        Ok(network.with_loss(&self.loss))
    }

    /// Returns true if no message overtakes another on its link.
    pub fn keeps_order(&self) -> bool {
        match &self.paths {
            Paths::Latency(latency) => latency.is_ordered,
            Paths::Regions(_) => self.is_ordered,
        }
    }

    /// Returns true if links have losses of their own, so that [`LossSpec::mean`] is not that of all messages.
    pub fn has_own_losses(&self) -> bool {
        self.links.as_ref().is_some_and(LinkFile::has_losses)
    }

    /// Returns true if any link may lose messages.
    pub fn loses(&self) -> bool {
        self.loss.mean() > 0.0 || self.links.as_ref().is_some_and(LinkFile::loses)
    }

    /// Returns the maximum latency, if there is one and it is known without reading a file: 500 ms for regions,
    /// which hardly any latency exceeds, and 0 for a latency without limit.
    pub fn longest(&self) -> Nanos {
        let (_, listed) = self.links.as_ref().and_then(LinkFile::bounds).unwrap_or_default();
        match &self.paths {
            Paths::Latency(latency) => latency.ceiling().map_or(Nanos::ZERO, |ceiling| ceiling.max(listed)),
            Paths::Regions(_) => REGIONS_LONGEST.max(listed),
        }
    }

    /// Returns the number of directions in which access links have limits: 2 if it depends on a file that is not read.
    pub fn limited_directions(&self) -> u64 {
        self.has_rates().map(u64::from).iter().sum()
    }

    /// Returns whether any uplink has a rate, and whether any downlink has; true if it depends on a file that is not
    /// read.
    pub fn has_rates(&self) -> [bool; 2] {
        let own = |rate: fn(&PlaceKind) -> Option<u64>| {
            self.places.listed().is_some_and(|file| file.kinds().any(|kind| rate(kind).is_some()))
        };
        let [up, down] = match self.bandwidth.map(|bandwidth| bandwidth.rates) {
            None => [false; 2],
            Some(Rates::Same { up, down }) => [up.is_some(), down.is_some()],
            // Every published matrix has rates for both.
            Some(Rates::Regions) => [true; 2],
        };
        [up || own(|kind| kind.up), down || own(|kind| kind.down)]
    }

    /// Returns the least rate of an uplink, as far as it is known without reading the file of a network of regions.
    pub fn slowest_uplink(&self) -> Option<LinkRate> {
        let own = self.places.listed().into_iter().flat_map(|file| file.kinds()).filter_map(|kind| kind.up);
        let same = match self.bandwidth.map(|bandwidth| bandwidth.rates) {
            Some(Rates::Same { up, .. }) => up,
            None | Some(Rates::Regions) => None,
        };
        own.chain(same).min().map(|bits| LinkRate::new(bits, None))
    }

    /// Returns the least latency of any message, with that assumed for regions, whose matrix is not read for it.
    pub fn least(&self, regions: Nanos) -> Nanos {
        let others = match &self.paths {
            Paths::Latency(latency) => latency.floor(),
            Paths::Regions(_) => regions,
        };
        self.links.as_ref().and_then(LinkFile::bounds).map_or(others, |(least, _)| others.min(least))
    }

    /// Returns the placement of the nodes of the run with this seed.
    fn placement(&self, seed: u64, regions: &Regions) -> Result<Placement, NetworkError> {
        Ok(match &self.places {
            Places::Drawn => Placement::drawn(seed, regions),
            Places::RoundRobin => Placement::RoundRobin(regions.names().len() as u32),
            Places::Listed(file) => {
                Placement::Listed(ByPlace::new(file.by_node(), file.regions(regions.names())?.into_iter()))
            }
        })
    }

    /// Returns the access links of all nodes: `others`, but for the rates that places of `network` have of their own.
    fn own_access_links(&self, others: AccessLinkTable, network: &Network) -> AccessLinkTable {
        let Some(file) = self.places.listed() else { return others };
        if file.kinds().all(|kind| kind.up.is_none() && kind.down.is_none()) {
            return others;
        }
        let queue_bytes = self.bandwidth.and_then(|bandwidth| bandwidth.queue_bytes);
        let rate = |bits: Option<u64>| bits.map(|bits| LinkRate::new(bits, queue_bytes));
        let mut links: Vec<Option<AccessLinkSpecs>> = vec![None; file.kinds().count()];
        let kinds: Vec<&PlaceKind> = file.kinds().collect();
        // All nodes of a place are in one region, so that the first of them stands for the others.
        for (node, &place) in (0..).map(NodeId).zip(&**file.by_node()) {
            links[place as usize].get_or_insert_with(|| {
                let (kind, other) = (kinds[place as usize], others.of(node, || network.region(node)));
                AccessLinkSpecs { up: rate(kind.up).or(other.up), down: rate(kind.down).or(other.down) }
            });
        }
        AccessLinkTable::ByPlace(ByPlace::new(file.by_node(), links.into_iter().map(Option::unwrap_or_default)))
    }

    /// Returns the processing times of all nodes.
    fn own_processing(&self) -> ProcessingTable {
        match self.places.listed() {
            Some(file) if file.kinds().any(|kind| kind.processing.is_some()) => {
                let times = file.kinds().map(|kind| kind.processing.unwrap_or(self.processing));
                ProcessingTable::ByPlace(ByPlace::new(file.by_node(), times))
            }
            _ => ProcessingTable::Same(self.processing),
        }
    }

    /// Returns the classes of all nodes, if their places have any.
    fn classes(&self) -> Option<ByPlace<Arc<str>>> {
        let file = self.places.listed()?;
        let classes: Vec<Arc<str>> =
            file.kinds().map(|kind| Some(kind.class.as_deref()?.into())).collect::<Option<_>>()?;
        Some(ByPlace::new(file.by_node(), classes.into_iter()))
    }

    fn no_rates(&self) -> NetworkError {
        NetworkError::NoRates {
            network: match &self.paths {
                Paths::Latency(_) => None,
                Paths::Regions(spec) => Some(spec.clone()),
            },
        }
    }
}

/// The reason why a network cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The regions cannot be read.
    #[error("--network {0}")]
    Regions(#[from] RegionError),
    /// A node is placed in a region that the network has not.
    #[error(transparent)]
    Place(#[from] TableError<PlaceFault>),
    /// A file lists a link that the overlay has not.
    #[error(transparent)]
    Link(#[from] Box<TableError<LinkFault>>),
    /// A file lists links of an overlay that has too many to give each an index.
    #[error(
        "--links {}: the overlay has {links} links, each direction counted, and figures of their own take at most \
         2^32 - 1; ask for fewer --nodes, or for --topology random-regular or erdos-renyi",
        super::spec_fields::escaped(path)
    )]
    TooManyLinks {
        /// Path of the file.
        path: String,
        /// The number of links, each direction counted.
        links: u64,
    },
    /// The regions have no rates.
    #[error(
        "--bandwidth regions {}: no rates are known there; write --bandwidth up=RATE,down=RATE, or choose --network \
         bitcoin6 or a file with the columns up_mbit and down_mbit",
        where_from(network)
    )]
    NoRates {
        /// The set of regions, if there is one.
        network: Option<RegionSpec>,
    },
}

fn where_from(network: &Option<RegionSpec>) -> String {
    match network {
        None => "without --network".to_owned(),
        Some(spec) => format!("with --network {}", super::spec_fields::escaped(&spec.to_string())),
    }
}

/// The access links of one node; `None` for an unlimited one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessLinkSpecs {
    /// The uplink, out of the node.
    pub up: Option<LinkRate>,
    /// The downlink, into the node.
    pub down: Option<LinkRate>,
}

/// The access links of all nodes.
#[derive(Clone, Debug)]
pub(super) enum AccessLinkTable {
    Same(AccessLinkSpecs),
    ByRegion(Box<[AccessLinkSpecs]>),
    ByPlace(ByPlace<AccessLinkSpecs>),
}

/// The processing times of all nodes.
#[derive(Clone, Debug)]
pub(super) enum ProcessingTable {
    Same(Nanos),
    ByPlace(ByPlace<Nanos>),
}

impl ProcessingTable {
    /// Returns the processing time of a node.
    #[inline]
    pub(super) fn of(&self, node: NodeId) -> Nanos {
        match self {
            ProcessingTable::Same(time) => *time,
            ProcessingTable::ByPlace(times) => *times.of(node),
        }
    }

    /// Returns true if no node takes any time.
    pub(super) fn is_zero(&self) -> bool {
        match self {
            ProcessingTable::Same(time) => *time == Nanos::ZERO,
            ProcessingTable::ByPlace(times) => times.values().iter().all(|&time| time == Nanos::ZERO),
        }
    }
}

impl Default for AccessLinkTable {
    fn default() -> AccessLinkTable {
        AccessLinkTable::Same(AccessLinkSpecs::default())
    }
}

impl AccessLinkTable {
    /// Returns true if no node has a limited access link.
    pub(super) fn is_unlimited(&self) -> bool {
        matches!(self, AccessLinkTable::Same(AccessLinkSpecs { up: None, down: None }))
    }

    /// Returns whether any node has a limited uplink, and whether any has a limited downlink.
    pub(super) fn limited(&self) -> [bool; 2] {
        let all = match self {
            AccessLinkTable::Same(links) => std::slice::from_ref(links),
            AccessLinkTable::ByRegion(links) => links,
            AccessLinkTable::ByPlace(links) => links.values(),
        };
        [all.iter().any(|links| links.up.is_some()), all.iter().any(|links| links.down.is_some())]
    }

    /// Creates the table, or returns `None` if rates by region are requested and not known.
    fn new(spec: BandwidthSpec, regions: Option<&Regions>) -> Option<AccessLinkTable> {
        let rate = |bits| LinkRate::new(bits, spec.queue_bytes);
        Some(match spec.rates {
            Rates::Same { up, down } => {
                AccessLinkTable::Same(AccessLinkSpecs { up: up.map(rate), down: down.map(rate) })
            }
            Rates::Regions => {
                let regions = regions?;
                let links = (0..regions.names().len() as u16).map(|region| {
                    let [up, down] = regions.rates(RegionIndex(region))?;
                    Some(AccessLinkSpecs { up: Some(rate(up)), down: Some(rate(down)) })
                });
                AccessLinkTable::ByRegion(links.collect::<Option<_>>()?)
            }
        })
    }

    #[inline]
    pub(super) fn of(&self, node: NodeId, region: impl FnOnce() -> Option<RegionIndex>) -> AccessLinkSpecs {
        match self {
            AccessLinkTable::Same(links) => *links,
            AccessLinkTable::ByPlace(links) => *links.of(node),
            AccessLinkTable::ByRegion(links) => {
                region().map_or_else(AccessLinkSpecs::default, |region| links[region.index()])
            }
        }
    }
}
