//! The whole network as it is asked for, and how it is made.

use super::bandwidth::{BandwidthSpec, LinkRate, Rates};
use super::error::RegionError;
use super::latency::LatencySpec;
use super::loss::LossSpec;
use super::regions::{RegionIndex, RegionSpec, Regions};
use super::{Network, Probability};
use crate::ratio::Ratio;
use crate::time::Nanos;

/// What a network is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    /// How long messages take.
    pub paths: Paths,
    /// Which are lost.
    pub loss: LossSpec,
    /// Of which share of the others a second copy is made.
    pub duplicate: Ratio,
    /// The lines of the nodes; `None` for lines without limit.
    pub bandwidth: Option<BandwidthSpec>,
    /// How long a node is busy with each message that comes.
    pub processing: Nanos,
}

/// How long messages take: the same everywhere, or by region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paths {
    /// From one distribution.
    Latency(LatencySpec),
    /// From a distribution for each pair of regions.
    Regions(RegionSpec),
}

/// What is modelled where nobody asks for anything: 50 ms on every link, and nothing else.
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

/// What no way between two regions of the data sets exceeds by much.
const REGIONS_LONGEST: Nanos = Nanos::from_millis(500);

impl NetworkSpec {
    /// The network of the run with this seed.
    ///
    /// # Errors
    ///
    /// [`NetworkError`] where a matrix cannot be read, or where rates by region are asked of one that knows none.
    pub fn build(&self, seed: u64) -> Result<Network, NetworkError> {
        let (network, regions) = match &self.paths {
            Paths::Latency(latency) => (Network::new(seed, *latency), None),
            Paths::Regions(spec) => {
                let regions = spec.read()?;
                (Network::in_regions(seed, &regions), Some(regions))
            }
        };
        let lines = match self.bandwidth {
            None => AccessLinkTable::default(),
            Some(bandwidth) => AccessLinkTable::new(bandwidth, regions.as_ref()).ok_or_else(|| self.no_rates())?,
        };
        let network =
            Network { lines, processing: self.processing, duplicated: Probability::of(self.duplicate), ..network };
        Ok(network.with_loss(&self.loss))
    }

    /// The most time that a message takes, where there is a most and it is known without reading any file.
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

/// Why a network cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// There is no matrix.
    #[error("--network {0}")]
    Regions(#[from] RegionError),
    /// The regions have no rates.
    #[error(
        "--bandwidth regions {}: no rates are known there; write --bandwidth up=RATE,down=RATE, or choose --network bitcoin6 \
         or a file with the columns up_mbit and down_mbit",
        where_from(network)
    )]
    NoRates {
        /// The set of regions, where there is one.
        network: Option<RegionSpec>,
    },
}

fn where_from(network: &Option<RegionSpec>) -> String {
    match network {
        None => "without --network".to_owned(),
        Some(spec) => format!("with --network {}", super::error::escaped(&spec.to_string())),
    }
}

/// The lines of one node; `None` for one without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessLinkSpecs {
    /// Out of the node.
    pub up: Option<LinkRate>,
    /// Into the node.
    pub down: Option<LinkRate>,
}

/// The lines of all nodes.
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
    /// Whether nobody's line has a limit.
    pub(super) fn is_unlimited(&self) -> bool {
        matches!(self, AccessLinkTable::Same(AccessLinkSpecs { up: None, down: None }))
    }

    /// Whether anybody's line has one: out of the node, and into it.
    pub(super) fn limited(&self) -> [bool; 2] {
        let all = match self {
            AccessLinkTable::Same(lines) => std::slice::from_ref(lines),
            AccessLinkTable::ByRegion(lines) => lines,
        };
        [all.iter().any(|lines| lines.up.is_some()), all.iter().any(|lines| lines.down.is_some())]
    }

    /// `None` where rates by region are asked for and not known.
    fn new(spec: BandwidthSpec, regions: Option<&Regions>) -> Option<AccessLinkTable> {
        let rate = |bits| LinkRate::new(bits, spec.queue_bytes);
        Some(match spec.rates {
            Rates::Same { up, down } => {
                AccessLinkTable::Same(AccessLinkSpecs { up: up.map(rate), down: down.map(rate) })
            }
            Rates::Regions => {
                let regions = regions?;
                let lines = (0..regions.names().len() as u16).map(|region| {
                    let [up, down] = regions.rates(RegionIndex(region))?;
                    Some(AccessLinkSpecs { up: Some(rate(up)), down: Some(rate(down)) })
                });
                AccessLinkTable::ByRegion(lines.collect::<Option<_>>()?)
            }
        })
    }

    #[inline]
    pub(super) fn of(&self, region: impl FnOnce() -> Option<RegionIndex>) -> AccessLinkSpecs {
        match self {
            AccessLinkTable::Same(lines) => *lines,
            AccessLinkTable::ByRegion(lines) => {
                region().map_or_else(AccessLinkSpecs::default, |region| lines[region.index()])
            }
        }
    }
}
