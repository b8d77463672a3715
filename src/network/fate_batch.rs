//! Draws the fates of many messages at once: the results of [`OutgoingLinks::fate`](super::OutgoingLinks::fate), side
//! by side in SIMD lanes if a few random words decide them.

use super::latency::LogNormalLanes;
use super::{FastPath, Fate, LatencySource, Loss, Network};
use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Probability, below_of};
use crate::simd::{self, BLOCK, SimdBatch};
use crate::time::Nanos;

/// A forward whose fates are drawn.
#[derive(Clone, Copy, Debug)]
pub struct FatedForward {
    /// The order.
    pub order: OrderIndex,
    /// The node that sends it.
    pub from: NodeId,
    /// The number of times that the node has sent it before.
    pub attempt: u32,
    /// The time of sending.
    pub at: Nanos,
    /// The number of its receivers.
    pub count: usize,
}

impl FatedForward {
    /// Returns the key of its messages but for the receiver: see [`OutgoingLinks`](super::OutgoingLinks).
    #[inline(always)]
    fn key(&self, network: &Network) -> Key {
        let FatedForward { order, from, attempt, .. } = *self;
        // Receiver and attempt are halves of one word, so that the attempt can be folded in before the receiver.
        network.key.with(u64::from(order.0)).with(u64::from(from.0)).before(u64::from(attempt) << 32)
    }
}

/// The fates of a batch of messages.
#[derive(Debug, Default)]
pub struct Fates {
    /// The key of the sender, by message.
    keys: Vec<Key>,
    /// By message, the index of the first latency from the sender's region, and the receiver's region.
    rows: Vec<u32>,
    regions: Vec<u32>,
    latencies: Vec<Nanos>,
}

impl Fates {
    /// The mark of a lost message; no latency is this long.
    pub const LOST: Nanos = Nanos::MAX;

    /// Draws the messages of some forwards to `to`, which has the receivers of each forward in turn, replacing the
    /// previous batch.
    pub fn draw(&mut self, network: &Network, forwards: impl Iterator<Item = FatedForward> + Clone, to: &[NodeId]) {
        self.latencies.clear();
        match network.fast_path {
            FastPath::Constant(time) => self.latencies.resize(to.len(), time),
            // More than 2^32 values would need 128-bit products, which SIMD lanes do not have.
            FastPath::Uniform { least, values, lost } if let Ok(values) = u32::try_from(values) => {
                self.fill_keys(network, forwards);
                self.latencies.resize(to.len(), Nanos::ZERO);
                simd::run(Uniform { keys: &self.keys, to, latencies: &mut self.latencies, least, values, lost });
            }
            FastPath::Never
                if let (Some(cells), Loss::Independent(lost)) = (&network.cells, &network.loss)
                    && let Some(lanes) = cells.lanes() =>
            {
                self.find_regions(&network.latency, forwards.clone(), to);
                self.fill_keys(network, forwards);
                self.latencies.resize(to.len(), Nanos::ZERO);
                let Fates { keys, rows, regions, latencies } = self;
                simd::run(Skewed { keys, to, rows, regions, latencies, lanes, lost: *lost });
            }
            FastPath::Uniform { .. } | FastPath::Listed | FastPath::Never => {
                let mut rest = to;
                for FatedForward { order, from, attempt, at, count } in forwards {
                    let (to, others) = rest.split_at(count);
                    rest = others;
                    let links = network.outgoing_links(order, from).at(at);
                    self.latencies.extend(to.iter().map(|&to| match links.fate(to, attempt) {
                        Fate::Arrives(latency) => latency,
                        Fate::Lost => Fates::LOST,
                    }));
                }
            }
        }
    }

    /// Sets the key of the sender of each message.
    #[inline]
    fn fill_keys(&mut self, network: &Network, forwards: impl Iterator<Item = FatedForward>) {
        simd::fill(&mut self.keys, forwards.map(|forward| (forward.key(network), forward.count)));
    }

    /// Sets the region of each receiver and the row of each sender; both are 0 without regions.
    fn find_regions(&mut self, latency: &LatencySource, forwards: impl Iterator<Item = FatedForward>, to: &[NodeId]) {
        if let LatencySource::Regions(map) = latency {
            map.placement().find(to, &mut self.regions);
            simd::fill(&mut self.rows, forwards.map(|forward| (map.row(forward.from), forward.count)));
        } else {
            for places in [&mut self.regions, &mut self.rows] {
                places.clear();
                places.resize(to.len(), 0);
            }
        }
    }

    /// Returns the latency of each message in the order of the receivers, or [`LOST`](Self::LOST).
    #[inline]
    pub fn latencies(&self) -> &[Nanos] {
        &self.latencies
    }
}

/// A batch of messages with uniform latencies.
struct Uniform<'a> {
    keys: &'a [Key],
    to: &'a [NodeId],
    latencies: &'a mut [Nanos],
    least: u64,
    values: u32,
    lost: Probability,
}

impl SimdBatch for Uniform<'_> {
    #[inline(always)]
    fn run(self) {
        let Uniform { keys, to, latencies, least, values, lost } = self;
        let messages = keys.iter().zip(to).map(|(key, to)| key.with(u64::from(to.0)));
        // Two loops, so that a network without loss does not pay for the second word.
        if lost == Probability::NEVER {
            for (key, latency) in messages.zip(latencies) {
                *latency = Nanos(least + below_of(key.word_at(0), values));
            }
        } else {
            for (key, latency) in messages.zip(latencies) {
                let time = Nanos(least + below_of(key.word_at(0), values));
                *latency = if lost.hits(key.word_at(1)) { Fates::LOST } else { time };
            }
        }
    }
}

/// A batch of messages with skewed latencies.
struct Skewed<'a> {
    keys: &'a [Key],
    to: &'a [NodeId],
    rows: &'a [u32],
    regions: &'a [u32],
    latencies: &'a mut [Nanos],
    lanes: LogNormalLanes<'a>,
    lost: Probability,
}

impl SimdBatch for Skewed<'_> {
    #[inline(always)]
    fn run(self) {
        let lost = self.lost;
        if lost == Probability::NEVER {
            self.draw(|_| false);
        } else {
            self.draw(|key| lost.hits(key.word_at(1)));
        }
    }
}

impl Skewed<'_> {
    #[inline(always)]
    fn draw(self, is_lost: impl Fn(Key) -> bool) {
        let Skewed { keys, to, rows, regions, latencies, lanes, .. } = self;
        let messages = keys.chunks(BLOCK).zip(to.chunks(BLOCK));
        let places = rows.chunks(BLOCK).zip(regions.chunks(BLOCK));
        for (((keys, to), (rows, regions)), latencies) in messages.zip(places).zip(latencies.chunks_mut(BLOCK)) {
            // Lanes read tables only while nothing is written that could be a part of them.
            let mut drawn = [Nanos::ZERO; BLOCK];
            for ((((key, to), &row), &region), drawn) in keys.iter().zip(to).zip(rows).zip(regions).zip(&mut drawn) {
                let key = key.with(u64::from(to.0));
                let time = Nanos(lanes.draw(u64::from(row) + u64::from(region), key.word_at(0)));
                *drawn = if is_lost(key) { Fates::LOST } else { time };
            }
            latencies.copy_from_slice(&drawn[..latencies.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{LatencySpec, LossSpec, RegionSpec};
    use crate::ratio::Ratio;

    /// All kinds of networks, and message counts that do not fill the lanes.
    #[test]
    fn batched_and_single_fates_agree() {
        let latencies = ["50ms", "uniform:10ms..100ms", "uniform:1ms..20s", "lognormal:p50=40ms,p90=90ms,min=10ms"];
        let networks = latencies.iter().map(|text| Network::new(7, text.parse::<LatencySpec>().expect(text)));
        let regions =
            ["aws33", "bitcoin6", "ethereum8"].map(|name| name.parse::<RegionSpec>().unwrap().read().unwrap());
        let networks = networks.chain(regions.iter().map(|regions| Network::in_regions(7, regions)));
        let loss = LossSpec::Independent(Ratio::new(1, 3).unwrap());
        let lossy = networks.clone().map(|network| network.with_loss(&loss));
        for network in networks.chain(lossy) {
            let to: Vec<NodeId> = (0..203).map(|node| NodeId(node * 7)).collect();
            let mut fates = Fates::default();
            for (orders, attempts) in [([0, 0], [0, 0]), ([3, 0], [0, 2]), ([1, 1], [1, 700])] {
                let [one, other] = orders.map(OrderIndex);
                let of = |order, from, attempt, at, count| FatedForward {
                    order,
                    from: NodeId(from),
                    attempt,
                    at: Nanos(at),
                    count,
                };
                let forwards =
                    [of(one, 5, attempts[0], 9, 100), of(one, 6, attempts[0], 1, 0), of(other, 0, attempts[1], 2, 103)];
                fates.draw(&network, forwards.into_iter(), &to);
                let forward = |place| if place < 100 { forwards[0] } else { forwards[2] };
                for (place, (&to, &latency)) in to.iter().zip(fates.latencies()).enumerate() {
                    let FatedForward { order, from, attempt, at, .. } = forward(place);
                    let links = network.outgoing_links(order, from).at(at);
                    let fate = if latency == Fates::LOST { Fate::Lost } else { Fate::Arrives(latency) };
                    assert_eq!(fate, links.fate(to, attempt), "{place}");
                }
                assert_eq!(fates.latencies().len(), to.len());
            }
        }
    }
}
