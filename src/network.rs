//! The modelled network: how long a message takes from node to node, and whether it comes at all.
//!
//! Every draw is keyed by (seed, order, sender, receiver, attempt), so that a message has the same fate on every carrier
//! and any number of threads. Time and chances are integers. What is modelled, from which source, and what is not:
//! `docs/NETWORK.md`.

mod attempts;
mod bandwidth;
mod bursts;
mod curves;
mod error;
mod fates;
mod fault_error;
mod fault_spec;
mod faults;
mod latency;
mod loss;
mod matrix;
mod regions;
mod sampler;
mod spec;
pub(crate) mod spec_fields;
#[cfg(test)]
mod tests;

pub use attempts::{AttemptCache, Attempts};
pub use bandwidth::{AccessLink, BandwidthSpec, HEADER_BYTES, LinkRate, QueueOffer, Rates, process};
pub use error::{BandwidthError, LatencyError, LossError, MatrixLineFault, RegionError};
pub use fates::Fates;
pub use fault_error::FaultError;
pub use fault_spec::{ChurnSpec, Cut, DownSpec, FaultSpec, Outage, PartitionSide, PartitionSpec, Selector};
pub use faults::Faults;
pub use latency::{LATENCY_MAX, Latency, LatencySpec, LinkLatency};
pub use loss::{BurstScope, BurstSpec, LossSpec};
pub use regions::{Placement, RegionIndex, RegionSpec, Regions};
pub use spec::{AccessLinkSpecs, NetworkError, NetworkSpec, Paths};

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Probability, Purpose, Stream};
use crate::ratio::Ratio;
use crate::time::Nanos;
use bursts::Bursts;
use curves::Curves;
use regions::RegionMap;
use sampler::Sampler;
use std::cell::OnceCell;
use std::sync::Arc;

/// Draws by which a slow way is found: sixteen of them lie above it.
const SLOW_WAY_DRAWS: usize = 16_384;

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives after so long.
    Arrives(Nanos),
    /// It is lost.
    Lost,
}

/// The network of one run.
#[derive(Clone, Debug)]
pub struct Network {
    seed: u64,
    key: Key,
    quick: FastPath,
    latency: LatencySource,
    loss: Loss,
    duplicated: Probability,
    lines: spec::AccessLinkTable,
    processing: Nanos,
    region_names: Arc<[String]>,
    floor: Nanos,
    ceiling: Option<Nanos>,
}

/// What can be said of a message in a few nanoseconds, in place of the whole way.
#[derive(Clone, Copy, Debug)]
enum FastPath {
    /// Each message takes this long and none is lost.
    Constant(Nanos),
    /// A message takes evenly from `least` on, one of so many values, and is lost with this chance.
    Uniform { least: u64, values: u64, lost: Probability },
    /// Nothing.
    Never,
}

/// Where a message's time comes from.
#[derive(Clone, Debug)]
enum LatencySource {
    /// A draw for each message.
    Message(Sampler),
    /// A draw for each link, and one for each message.
    Link { key: Key, is_directed: bool, link: Sampler, message: Sampler },
    /// A draw for each message, from a distribution that hangs on where the two nodes are.
    Regions(Box<RegionMap>),
}

/// Which messages are lost.
#[derive(Clone, Debug)]
enum Loss {
    /// Each with this chance.
    Independent(Probability),
    /// Those in bad periods.
    Bursts(Box<Bursts>),
}

impl Network {
    /// The network of the run with this seed.
    pub fn new(seed: u64, latency: impl Into<LatencySpec>) -> Network {
        let latency = latency.into();
        let built = OnceCell::new();
        let curves = || Arc::clone(built.get_or_init(|| Arc::new(Curves::new())));
        let message = Sampler::new(latency.message.unwrap_or(Latency::Constant(Nanos::ZERO)), curves);
        let source = match latency.link {
            None => LatencySource::Message(message),
            Some(LinkLatency { latency, is_directed }) => LatencySource::Link {
                key: Key::new(seed, Purpose::Links),
                is_directed,
                link: Sampler::new(latency, curves),
                message,
            },
        };
        Network::of(seed, source, latency.floor(), latency.ceiling())
    }

    /// The network of the run with this seed, with its nodes in regions.
    pub fn in_regions(seed: u64, regions: &Regions) -> Network {
        let source = LatencySource::Regions(Box::new(RegionMap::new(seed, regions)));
        let network = Network::of(seed, source, regions.floor(), regions.ceiling());
        Network { region_names: regions.names().into(), ..network }
    }

    fn of(seed: u64, latency: LatencySource, floor: Nanos, ceiling: Option<Nanos>) -> Network {
        Network {
            seed,
            key: Key::new(seed, Purpose::Network),
            quick: FastPath::of(&latency, Probability::NEVER),
            latency,
            loss: Loss::Independent(Probability::NEVER),
            duplicated: Probability::NEVER,
            lines: spec::AccessLinkTable::default(),
            processing: Nanos::ZERO,
            region_names: Arc::default(),
            floor,
            ceiling,
        }
    }

    /// The same network, which loses messages.
    pub fn with_loss(mut self, loss: &LossSpec) -> Network {
        (self.loss, self.quick) = match loss {
            LossSpec::Independent(share) => {
                let chance = Probability::of(*share);
                (Loss::Independent(chance), FastPath::of(&self.latency, chance))
            }
            LossSpec::Bursts(spec) => (Loss::Bursts(Box::new(Bursts::new(self.seed, spec))), FastPath::Never),
        };
        self
    }

    /// The same network, which makes a second copy of this share of the messages that it does not lose.
    pub fn with_duplicates(mut self, share: Ratio) -> Network {
        self.duplicated = Probability::of(share);
        self
    }

    /// The least time any message takes: how far nodes can be handled apart.
    pub fn floor(&self) -> Nanos {
        self.floor
    }

    /// The most time any message takes, `None` where there is no limit.
    pub fn ceiling(&self) -> Option<Nanos> {
        self.ceiling
    }

    /// How long a slow message takes between so many nodes: 999 of a thousand draws of its own, between nodes drawn alike, take no
    /// longer. These draws decide nothing else.
    pub fn slow_way(&self, nodes: u32) -> Nanos {
        if let FastPath::Constant(time) = self.quick {
            return time;
        }
        let mut stream = Key::new(self.seed, Purpose::Network).with(u64::MAX).stream();
        let node = |stream: &mut Stream| NodeId(stream.below(u64::from(nodes.max(1))) as u32);
        let mut times: Vec<Nanos> = (0..SLOW_WAY_DRAWS)
            .map(|_| {
                let (from, to) = (node(&mut stream), node(&mut stream));
                self.ways(OrderIndex(0), from).time(to, stream.next_word())
            })
            .collect();
        let rank = SLOW_WAY_DRAWS - SLOW_WAY_DRAWS / 1_000;
        *times.select_nth_unstable(rank - 1).1
    }

    /// Whether one message may take more than ten times as long as another, so that many ways in a row may be sooner there
    /// than one.
    pub fn is_uneven(&self) -> bool {
        self.ceiling.is_none_or(|ceiling| ceiling.0 / 10 > self.floor.0)
    }

    /// The region in which a node is, where there are regions.
    pub fn region(&self, node: NodeId) -> Option<RegionIndex> {
        self.pinning().map(|pinning| pinning.region(node))
    }

    /// Which node is where, where there are regions.
    pub fn pinning(&self) -> Option<&Placement> {
        match &self.latency {
            LatencySource::Regions(map) => Some(map.pinning()),
            LatencySource::Message(_) | LatencySource::Link { .. } => None,
        }
    }

    /// The names of the regions, in the order of [`RegionIndex`]; none where there are no regions.
    pub fn regions(&self) -> &[String] {
        &self.region_names
    }

    /// How long every message takes, if all take as long and none is lost, doubled, queued or worked on; `None` elsewhere.
    pub fn constant(&self) -> Option<Nanos> {
        match self.quick {
            FastPath::Constant(time) if self.is_plain() => Some(time),
            _ => None,
        }
    }

    /// Whether no message is doubled, queued or worked on: each takes the time that was drawn for it, or is lost.
    pub fn is_plain(&self) -> bool {
        self.duplicated.is_never() && self.processing == Nanos::ZERO && self.lines.is_unlimited()
    }

    /// A node's lines; neither where the network has bandwidth without limit.
    #[inline]
    pub fn lines(&self, node: NodeId) -> AccessLinkSpecs {
        self.lines.of(|| self.region(node))
    }

    /// Whether any node's line has a limit: out of the node, and into it.
    pub fn limited(&self) -> [bool; 2] {
        self.lines.limited()
    }

    /// How long a node is busy with each message that comes.
    pub fn processing(&self) -> Nanos {
        self.processing
    }

    /// The ways out of `from` for an order: what all copies of one forward have in common. They lead off at time 0; a
    /// network that changes in time is asked [`at`](OutgoingLinks::at) another.
    #[inline]
    pub fn ways(&self, order: OrderIndex, from: NodeId) -> OutgoingLinks<'_> {
        let key = self.key.with(u64::from(order.0)).with(u64::from(from.0));
        let row = match &self.latency {
            LatencySource::Regions(map) => map.row(from),
            LatencySource::Message(_) | LatencySource::Link { .. } => 0,
        };
        OutgoingLinks { network: self, key, from, row, now: Nanos::ZERO }
    }
}

impl FastPath {
    fn of(latency: &LatencySource, lost: Probability) -> FastPath {
        match latency {
            LatencySource::Message(Sampler::Constant(time)) if lost == Probability::NEVER => {
                FastPath::Constant(Nanos(*time))
            }
            LatencySource::Message(Sampler::Constant(time)) => FastPath::Uniform { least: *time, values: 1, lost },
            LatencySource::Message(Sampler::Uniform { least, values }) => {
                FastPath::Uniform { least: *least, values: *values, lost }
            }
            _ => FastPath::Never,
        }
    }
}

/// The ways out of one node for one order.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingLinks<'a> {
    network: &'a Network,
    key: Key,
    from: NodeId,
    /// Where the latencies out of the sender's region begin.
    row: u32,
    now: Nanos,
}

impl OutgoingLinks<'_> {
    /// The same ways at the time at which messages are sent, which decides where losses come in bursts.
    #[inline]
    pub fn at(mut self, now: Nanos) -> Self {
        self.now = now;
        self
    }

    /// What becomes of the message to `to`; `attempt` counts messages of one order between the same two nodes, from 0.
    #[inline]
    pub fn fate(&self, to: NodeId, attempt: u32) -> Fate {
        match self.network.quick {
            FastPath::Constant(time) => Fate::Arrives(time),
            FastPath::Uniform { least, values, lost } => {
                let mut stream = self.stream(to, attempt);
                let time = Nanos(least + stream.below(values));
                if lost != Probability::NEVER && lost.hits(stream.next_word()) {
                    Fate::Lost
                } else {
                    Fate::Arrives(time)
                }
            }
            FastPath::Never => self.any_fate(to, attempt),
        }
    }

    /// The whole way, kept apart so that the quick ones stay small where they are asked.
    #[inline(never)]
    fn any_fate(&self, to: NodeId, attempt: u32) -> Fate {
        let mut stream = self.stream(to, attempt);
        let word = stream.next_word();
        let chance = match &self.network.loss {
            Loss::Independent(chance) => *chance,
            Loss::Bursts(bursts) => bursts.chance(self.from, to, self.now),
        };
        if chance != Probability::NEVER && chance.hits(stream.next_word()) {
            return Fate::Lost;
        }
        Fate::Arrives(self.time(to, word))
    }

    /// How long the second copy takes that the network makes of a message, if it makes one; asked only for messages that
    /// arrive. The copy has a time of its own, and may come first.
    #[inline]
    pub fn duplicate(&self, to: NodeId, attempt: u32) -> Option<Nanos> {
        if self.network.duplicated == Probability::NEVER {
            return None;
        }
        let mut stream = self.stream(to, attempt);
        let [_time, _loss, duplicated, time] = std::array::from_fn(|_| stream.next_word());
        self.network.duplicated.hits(duplicated).then(|| self.time(to, time))
    }

    /// The words of one message: its time, its loss, its doubling, the time of its double.
    #[inline]
    fn stream(&self, to: NodeId, attempt: u32) -> Stream {
        self.key.with(u64::from(to.0) | u64::from(attempt) << 32).stream()
    }

    fn time(&self, to: NodeId, word: u64) -> Nanos {
        match &self.network.latency {
            LatencySource::Message(message) => Nanos(message.draw(word)),
            LatencySource::Regions(map) => Nanos(map.draw(self.row, to, word)),
            LatencySource::Link { key, is_directed, link, message } => {
                let (one, other) = if *is_directed || self.from < to { (self.from, to) } else { (to, self.from) };
                let mut stream = key.with(u64::from(one.0)).with(u64::from(other.0)).stream();
                Nanos(link.draw(stream.next_word()) + message.draw(word))
            }
        }
    }
}
