//! Regions: their names, the latencies between them, and the placement of nodes in them.
//!
//! The region of a node is a draw by weight, keyed by the node alone. It is repeated on every query: 10^9 nodes need no
//! table, and the draw costs less than a table lookup that misses the cache.

use super::by_place::ByPlace;
use super::curves::Curves;
use super::latency::{LATENCY_MAX, Latency, Sampler};
use crate::ids::NodeId;
use crate::random::{Key, Purpose, below_of};
use crate::simd::{self, BLOCK, Lookup, SimdBatch};
use crate::time::Nanos;
use std::cell::OnceCell;
use std::sync::Arc;

/// The index of a region in its set, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionIndex(pub u16);

impl RegionIndex {
    /// Returns the index into an array that covers all regions.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A set of regions: names, weights and the latency of each pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    /// Names, as in the data set.
    pub(super) names: Vec<String>,
    /// Relative numbers of nodes; not all 0, and the sum fits into 64 bits.
    pub(super) weights: Vec<u64>,
    /// Latencies, at index `from * regions + to`.
    pub(super) latencies: Vec<Latency>,
    /// Access rates of the nodes of each region, up and down in bits per second, if the data set has them.
    pub(super) rates: Option<Vec<[u64; 2]>>,
}

impl Regions {
    /// Returns the names in the order of [`RegionIndex`].
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Finds the region of this name.
    pub fn find(&self, name: &str) -> Option<RegionIndex> {
        self.names.iter().position(|known| known == name).map(|at| RegionIndex(at as u16))
    }

    /// Returns the latency from one region to another.
    pub fn latency(&self, from: RegionIndex, to: RegionIndex) -> Latency {
        self.latencies[from.index() * self.names.len() + to.index()]
    }

    /// Returns the access rates of a node of a region, up and down in bits per second, if the data set has them.
    pub fn rates(&self, region: RegionIndex) -> Option<[u64; 2]> {
        self.rates.as_ref().map(|rates| rates[region.index()])
    }

    /// Iterates over the latencies between regions that have nodes.
    fn used(&self, has_nodes: impl Fn(RegionIndex) -> bool) -> impl Iterator<Item = Latency> {
        let has_nodes = move |region: usize| has_nodes(RegionIndex(region as u16));
        let count = self.names.len();
        let pairs = self.latencies.iter().enumerate();
        pairs.filter(move |(pair, _)| has_nodes(pair / count) && has_nodes(pair % count)).map(|(_, latency)| *latency)
    }

    /// Returns the minimum latency of any message if nodes are placed by the weights.
    pub fn floor(&self) -> Nanos {
        self.floor_among(|region| self.weights[region.index()] > 0)
    }

    /// Returns the maximum latency of any message if nodes are placed by the weights, or `None` if there is no limit.
    pub fn ceiling(&self) -> Option<Nanos> {
        self.ceiling_among(|region| self.weights[region.index()] > 0)
    }

    /// Returns the minimum latency of any message between regions that have nodes.
    pub(super) fn floor_among(&self, has_nodes: impl Fn(RegionIndex) -> bool) -> Nanos {
        self.used(has_nodes).map(|latency| latency.floor()).min().unwrap_or(Nanos::ZERO)
    }

    /// Returns the maximum latency of any message between regions that have nodes, or `None` if there is no limit.
    pub(super) fn ceiling_among(&self, has_nodes: impl Fn(RegionIndex) -> bool) -> Option<Nanos> {
        self.used(has_nodes).map(|latency| latency.ceiling()).max().filter(|&most| most < LATENCY_MAX)
    }
}

/// The regions of one run, prepared for sampling.
#[derive(Clone, Debug)]
pub(super) struct RegionMap {
    placement: Placement,
    regions: u32,
    samplers: Vec<Sampler>,
}

impl RegionMap {
    pub(super) fn new(regions: &Regions, placement: Placement) -> RegionMap {
        let built = OnceCell::new();
        let curves = || Arc::clone(built.get_or_init(|| Arc::new(Curves::new())));
        RegionMap {
            placement,
            regions: regions.names.len() as u32,
            samplers: regions.latencies.iter().map(|&latency| Sampler::new(latency, &curves)).collect(),
        }
    }

    /// Returns the index of the first latency from the region of a node.
    #[inline]
    pub(super) fn row(&self, from: NodeId) -> u32 {
        u32::from(self.placement.region(from).0) * self.regions
    }

    /// Returns the latency that a random word maps to, from the region of a row to that of a node, in nanoseconds.
    #[inline]
    pub(super) fn draw(&self, row: u32, to: NodeId, word: u64) -> u64 {
        self.samplers[row as usize + self.placement.region(to).index()].draw(word)
    }

    /// Returns the latencies, at the sums of a row and a region.
    pub(super) fn samplers(&self) -> &[Sampler] {
        &self.samplers
    }

    pub(super) fn placement(&self) -> &Placement {
        &self.placement
    }
}

/// The placement of nodes in regions.
#[derive(Clone, Debug)]
pub enum Placement {
    /// A draw for each node, by the weights of the regions.
    Drawn(DrawnPlacement),
    /// Node i is in region i modulo this number of regions.
    RoundRobin(u32),
    /// The region of each distinct place, by node.
    Listed(ByPlace<u16>),
}

impl Placement {
    /// Creates the placement by draws of the run with this seed.
    pub fn drawn(seed: u64, regions: &Regions) -> Placement {
        Placement::Drawn(DrawnPlacement::new(seed, regions))
    }

    /// Returns the region of a node.
    #[inline]
    pub fn region(&self, node: NodeId) -> RegionIndex {
        match self {
            Placement::Drawn(drawn) => drawn.region(node),
            Placement::RoundRobin(regions) => RegionIndex((node.0 % regions) as u16),
            Placement::Listed(regions) => RegionIndex(*regions.of(node)),
        }
    }

    /// Replaces `found` by the region of each of `nodes`.
    pub(super) fn find(&self, nodes: &[NodeId], found: &mut Vec<u32>) {
        found.clear();
        match self {
            Placement::Drawn(drawn) => drawn.find(nodes, found),
            _ => found.extend(nodes.iter().map(|&node| u32::from(self.region(node).0))),
        }
    }

    /// Returns true if a node may be in this region.
    pub(super) fn reaches(&self, region: RegionIndex, regions: &Regions) -> bool {
        match self {
            Placement::Drawn(_) => regions.weights[region.index()] > 0,
            Placement::RoundRobin(_) => true,
            Placement::Listed(listed) => listed.values().contains(&region.0),
        }
    }
}

/// The placement of nodes in regions by draws.
#[derive(Clone, Debug)]
pub struct DrawnPlacement {
    key: Key,
    /// Cumulative weights of the regions, each including its own.
    sums: Vec<u64>,
    /// For each 256th of the total weight, the first region that lies in it.
    guide: Box<[u32; 256]>,
    /// The most regions that a draw is beyond the first one of its 256th.
    steps_max: u32,
}

/// The regions that lanes try beyond the first one of a 256th, in the usual case and otherwise.
const STEPS: [u32; 2] = [1, 4];

impl DrawnPlacement {
    /// Creates the placement of the run with this seed.
    fn new(seed: u64, regions: &Regions) -> DrawnPlacement {
        let mut sum = 0;
        let sums: Vec<u64> = regions
            .weights
            .iter()
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        let region_of = |word: u64| {
            let drawn = ((u128::from(word) * u128::from(sum)) >> 64) as u64;
            sums.partition_point(|&sum| sum <= drawn) as u32
        };
        let guide = Box::new(std::array::from_fn(|part| region_of((part as u64) << 56)));
        let steps = (0..).zip(&*guide).map(|(part, &first)| region_of(part << 56 | u64::MAX >> 8) - first);
        let steps_max = steps.max().unwrap_or(0);
        DrawnPlacement { key: Key::new(seed, Purpose::Regions), sums, guide, steps_max }
    }

    /// Returns the region of a node: the first whose cumulative weight exceeds a draw below the total weight.
    #[inline]
    fn region(&self, node: NodeId) -> RegionIndex {
        let word = self.key.with(u64::from(node.0)).stream().next_word();
        let whole = self.sums.last().copied().unwrap_or(0);
        // A product instead of a remainder, so that the upper byte of the word selects the entry of the guide.
        let drawn = ((u128::from(word) * u128::from(whole)) >> 64) as u64;
        // The guide leads to the first candidate, so that few of up to 1,024 sums are compared.
        let mut region = self.guide[(word >> 56) as usize];
        while self.sums.get(region as usize).is_some_and(|&sum| sum <= drawn) {
            region += 1;
        }
        RegionIndex(region as u16)
    }

    /// Appends the region of each of `nodes` to `found`, in lanes unless the weights are too large for these or too
    /// uneven.
    fn find(&self, nodes: &[NodeId], found: &mut Vec<u32>) {
        let whole = self.sums.last().map_or(0, |&whole| u32::try_from(whole).unwrap_or(0));
        match Lookup::new(&self.sums) {
            Some(sums) if whole > 0 && self.steps_max <= STEPS[1] => {
                found.resize(nodes.len(), 0);
                let (key, guide) = (self.key, &self.guide);
                if self.steps_max <= STEPS[0] {
                    simd::run(RegionLanes::<{ STEPS[0] }> { key, whole, sums, guide, nodes, found });
                } else {
                    simd::run(RegionLanes::<{ STEPS[1] }> { key, whole, sums, guide, nodes, found });
                }
            }
            _ => found.extend(nodes.iter().map(|&node| u32::from(self.region(node).0))),
        }
    }
}

/// The regions of many nodes, each at most so many beyond the first one of its 256th.
struct RegionLanes<'a, const STEPS: u32> {
    key: Key,
    whole: u32,
    sums: Lookup<'a, u64>,
    guide: &'a [u32; 256],
    nodes: &'a [NodeId],
    found: &'a mut [u32],
}

impl<const STEPS: u32> SimdBatch for RegionLanes<'_, STEPS> {
    #[inline(always)]
    fn run(self) {
        let RegionLanes { key, whole, sums, guide, nodes, found } = self;
        for (nodes, found) in nodes.chunks(BLOCK).zip(found.chunks_mut(BLOCK)) {
            let mut regions = [0; BLOCK];
            for (node, region) in nodes.iter().zip(&mut regions) {
                let word = key.with(u64::from(node.0)).word_at(0);
                let drawn = below_of(word, whole);
                let mut at = u64::from(guide[(word >> 56) as usize]);
                // A step from the region of the draw leads nowhere, so there may be more steps than it takes.
                for _ in 0..STEPS {
                    at += u64::from(sums.at(at) <= drawn);
                }
                *region = at as u32;
            }
            found.copy_from_slice(&regions[..found.len()]);
        }
    }
}
