//! Regions: which there are, how far they are from each other, and in which a node is.
//!
//! A node's region is a draw keyed by the node alone, by weight. It is drawn anew wherever it is asked for: 10^9 nodes need
//! no table, and the draw costs less than a look into one that is out of the cache.

use super::curves::Curves;
use super::error::RegionError;
use super::latency::{LATENCY_MAX, Latency};
use super::matrix;
use super::sampler::Sampler;
use crate::ids::NodeId;
use crate::random::{Key, Purpose};
use crate::time::Nanos;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::OnceCell;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::str::FromStr;
use std::sync::Arc;

/// A set of regions, by name. Written and read as `--network` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegionSpec {
    /// 33 cloud regions, with nodes evenly over them.
    Aws33,
    /// 8 regions of Ethereum nodes.
    Ethereum8,
    /// 6 regions of Bitcoin nodes.
    Bitcoin6,
    /// 7 sites of exchanges.
    ExchangeSites,
    /// Read from a file.
    File {
        /// Where it is.
        path: String,
    },
}

impl RegionSpec {
    /// Every way to write a set of regions, for help texts and errors.
    pub const WRITTEN: &'static str = "aws33, ethereum8, bitcoin6, exchange-sites, FILE.csv";

    /// The regions themselves.
    ///
    /// # Errors
    ///
    /// [`RegionError`] where a file cannot be read or holds no complete matrix.
    pub fn read(&self) -> Result<Regions, RegionError> {
        match self {
            RegionSpec::Aws33 => matrix::read("aws33", AWS33),
            RegionSpec::Ethereum8 => matrix::read("ethereum8", include_str!("data/ethereum8.csv")),
            RegionSpec::Bitcoin6 => matrix::read("bitcoin6", include_str!("data/bitcoin6.csv")),
            RegionSpec::ExchangeSites => {
                matrix::sites(&matrix::read("aws33", AWS33)?, include_str!("data/exchange-sites.csv"))
            }
            RegionSpec::File { path } => {
                let unreadable = |source| RegionError::Unreadable { path: path.clone(), source };
                // A pipe or a device does not tell its length, and may have no end.
                let mut text = Vec::new();
                let mut file = File::open(path).map_err(unreadable)?.take(FILE_BYTES_MAX + 1);
                file.read_to_end(&mut text).map_err(unreadable)?;
                if text.len() as u64 > FILE_BYTES_MAX {
                    return Err(RegionError::TooLong { path: path.clone() });
                }
                let no_text = |_| unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8"));
                matrix::read(path, &String::from_utf8(text).map_err(no_text)?)
            }
        }
    }
}

const AWS33: &str = include_str!("data/aws33.csv");

/// The most bytes of a matrix that are read: the greatest one with long names has fewer.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 28;

impl fmt::Display for RegionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RegionSpec::Aws33 => "aws33",
            RegionSpec::Ethereum8 => "ethereum8",
            RegionSpec::Bitcoin6 => "bitcoin6",
            RegionSpec::ExchangeSites => "exchange-sites",
            RegionSpec::File { path } => path,
        })
    }
}

impl FromStr for RegionSpec {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<RegionSpec, RegionError> {
        match text {
            "aws33" => Ok(RegionSpec::Aws33),
            "ethereum8" => Ok(RegionSpec::Ethereum8),
            "bitcoin6" => Ok(RegionSpec::Bitcoin6),
            "exchange-sites" => Ok(RegionSpec::ExchangeSites),
            path if path.ends_with(".csv") => Ok(RegionSpec::File { path: path.to_owned() }),
            _ => Err(RegionError::Unknown { written: text.to_owned() }),
        }
    }
}

impl Serialize for RegionSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RegionSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RegionSpec, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One of the regions of a set, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionIndex(pub u16);

impl RegionIndex {
    /// The region as a position in an array that covers all regions.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A set of regions: names, weights and the latency from each to each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    /// As the data set calls them.
    pub(super) names: Vec<String>,
    /// How many of the nodes are in each, beside the others; not all 0, and the sum fits.
    pub(super) weights: Vec<u64>,
    /// At `from * regions + to`.
    pub(super) latencies: Vec<Latency>,
    /// The rates of a node's access in each, where the data set knows them: up and down, in bits a second.
    pub(super) rates: Option<Vec<[u64; 2]>>,
}

impl Regions {
    /// The names, in the order of [`RegionIndex`].
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The region of this name.
    pub fn find(&self, name: &str) -> Option<RegionIndex> {
        self.names.iter().position(|known| known == name).map(|at| RegionIndex(at as u16))
    }

    /// How long messages take from one region to another.
    pub fn latency(&self, from: RegionIndex, to: RegionIndex) -> Latency {
        self.latencies[from.index() * self.names.len() + to.index()]
    }

    /// The rates of a node's access in a region, up and down in bits a second, where the data set knows them.
    pub fn rates(&self, region: RegionIndex) -> Option<[u64; 2]> {
        self.rates.as_ref().map(|rates| rates[region.index()])
    }

    /// The latencies between regions that have nodes.
    fn used(&self) -> impl Iterator<Item = Latency> {
        let has_nodes = |region: usize| self.weights[region] > 0;
        let count = self.names.len();
        let pairs = self.latencies.iter().enumerate();
        pairs.filter(move |(pair, _)| has_nodes(pair / count) && has_nodes(pair % count)).map(|(_, latency)| *latency)
    }

    /// The least time any message takes.
    pub fn floor(&self) -> Nanos {
        self.used().map(|latency| latency.floor()).min().unwrap_or(Nanos::ZERO)
    }

    /// The most time any message takes, `None` where there is no limit.
    pub fn ceiling(&self) -> Option<Nanos> {
        self.used().map(|latency| latency.ceiling()).max().filter(|&most| most < LATENCY_MAX)
    }
}

/// The regions of one run, ready to be drawn from.
#[derive(Clone, Debug)]
pub(super) struct RegionMap {
    pinning: Placement,
    regions: u32,
    samplers: Vec<Sampler>,
}

impl RegionMap {
    pub(super) fn new(seed: u64, regions: &Regions) -> RegionMap {
        let built = OnceCell::new();
        let curves = || Arc::clone(built.get_or_init(|| Arc::new(Curves::new())));
        RegionMap {
            pinning: Placement::new(seed, regions),
            regions: regions.names.len() as u32,
            samplers: regions.latencies.iter().map(|&latency| Sampler::new(latency, curves)).collect(),
        }
    }

    /// Where the latencies out of a node's region begin.
    #[inline]
    pub(super) fn row(&self, from: NodeId) -> u32 {
        u32::from(self.pinning.region(from).0) * self.regions
    }

    /// The time that a word stands for between the region of a row and that of a node.
    #[inline]
    pub(super) fn draw(&self, row: u32, to: NodeId, word: u64) -> u64 {
        self.samplers[row as usize + self.pinning.region(to).index()].draw(word)
    }

    pub(super) fn pinning(&self) -> &Placement {
        &self.pinning
    }
}

/// Which node is where.
#[derive(Clone, Debug)]
pub struct Placement {
    key: Key,
    /// The weights of all regions up to each, itself included.
    sums: Vec<u64>,
    /// By 256th of the whole weight the first region that lies in it.
    guide: Vec<u16>,
}

impl Placement {
    /// The placement of the run with this seed.
    pub fn new(seed: u64, regions: &Regions) -> Placement {
        let mut sum = 0;
        let sums: Vec<u64> = regions
            .weights
            .iter()
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        let first_beyond = |part: u64| {
            let drawn = ((u128::from(part) * u128::from(sum)) >> 8) as u64;
            sums.partition_point(|&sum| sum <= drawn) as u16
        };
        let guide = (0..256).map(first_beyond).collect();
        Placement { key: Key::new(seed, Purpose::Regions), sums, guide }
    }

    /// The region of a node: the first whose sum is above a draw below the whole weight.
    #[inline]
    pub fn region(&self, node: NodeId) -> RegionIndex {
        let word = self.key.with(u64::from(node.0)).stream().next_word();
        let whole = self.sums.last().copied().unwrap_or(0);
        let drawn = ((u128::from(word) * u128::from(whole)) >> 64) as u64;
        let mut region = self.guide[(word >> 56) as usize];
        while self.sums.get(usize::from(region)).is_some_and(|&sum| sum <= drawn) {
            region += 1;
        }
        RegionIndex(region)
    }
}
