//! The requested network with all its parts, and its construction.

use super::bandwidth::{BandwidthSpec, LinkRate, Rates};
use super::latency_spec::LatencySpec;
use super::loss_spec::LossSpec;
use super::region_spec::{RegionError, RegionSpec};
use super::regions::{RegionIndex, Regions};
use super::{Network, Probability};
use crate::ratio::Ratio;
use crate::time::Nanos;

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
        }
    }
}

/// An upper bound on latencies between regions of the data sets, which hardly any exceed.
const REGIONS_LONGEST: Nanos = Nanos::from_millis(500);

impl NetworkSpec {
    /// Builds the network of the run with this seed.
    ///
    /// # Errors
    ///
    /// [`NetworkError`] if a matrix cannot be read, or if rates by region are requested and the regions have none.
    pub fn build(&self, seed: u64) -> Result<Network, NetworkError> {
        let (network, regions) = match &self.paths {
            Paths::Latency(latency) => (Network::new(seed, *latency), None),
            Paths::Regions(spec) => {
                let regions = spec.read()?;
                (Network::in_regions(seed, &regions), Some(regions))
            }
        };
        let access_links = match self.bandwidth {
            None => AccessLinkTable::default(),
            Some(bandwidth) => AccessLinkTable::new(bandwidth, regions.as_ref()).ok_or_else(|| self.no_rates())?,
        };
        let network = Network {
            access_links,
            processing: self.processing,
            duplicated: Probability::of(self.duplicate),
            ..network
        };
        Ok(network.with_loss(&self.loss))
    }

    /// Returns the maximum latency, if there is one and it is known without reading a file: 500 ms for regions,
    /// which hardly any latency exceeds, and 0 for a latency without limit.
    pub fn longest(&self) -> Nanos {
        match &self.paths {
            Paths::Latency(latency) => latency.ceiling().unwrap_or_default(),
            Paths::Regions(_) => REGIONS_LONGEST,
        }
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
    pub(super) fn of(&self, region: impl FnOnce() -> Option<RegionIndex>) -> AccessLinkSpecs {
        match self {
            AccessLinkTable::Same(links) => *links,
            AccessLinkTable::ByRegion(links) => {
                region().map_or_else(AccessLinkSpecs::default, |region| links[region.index()])
            }
        }
    }
}
