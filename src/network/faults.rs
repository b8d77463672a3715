//! The faults of one run by node: the nodes that are up at a time, and the pairs that can reach each other.
//!
//! Everything is a function of (seed, node, time), drawn on every query; only the selection of the best connected nodes
//! is a table, with one bit per node. The node at which the orders enter is exempt: it neither goes down nor takes part
//! in churn.
//!
//! Churn is drawn from the start of the run on every query, one random word for each change before the requested time,
//! which is affordable because that time lies within the run. A node starts up with the long-run probability of being
//! up, so that the share of nodes that are up is the same at all times.

use super::Network;
use super::fault_spec::{ChurnSpec, Cut, FaultError, FaultSpec, Outage, PartitionSide, Selector};
use super::regions::{Placement, RegionIndex};
use crate::ids::NodeId;
use crate::random::{Key, Probability, Purpose};
use crate::ratio::Ratio;
use crate::sync::{Interrupt, Interrupted, Lookout};
use crate::time::Nanos;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The faults of one run.
#[derive(Clone, Debug)]
pub struct Faults {
    exempt: Option<NodeId>,
    outages: Vec<(Nanos, Group)>,
    churn: Option<Churn>,
    cuts: Vec<PreparedCut>,
    nat: Group,
}

/// A subset of the nodes.
#[derive(Clone, Debug)]
enum Group {
    /// Each node independently; only nodes of `region` if it is given.
    Drawn { key: Key, chance: Probability, region: Option<(RegionIndex, Placement)> },
    /// The nodes whose bit is set.
    Listed(Vec<u64>),
}

#[derive(Clone, Debug)]
struct Churn {
    key: Key,
    is_up: Probability,
    up: Nanos,
    down: Nanos,
}

#[derive(Clone, Debug)]
struct PreparedCut {
    side: Group,
    at: Nanos,
    heal: Nanos,
    is_one_way: bool,
}

impl Faults {
    /// Creates a run without faults.
    pub fn none() -> Faults {
        Faults { exempt: None, outages: Vec::new(), churn: None, cuts: Vec::new(), nat: Group::empty() }
    }

    /// Creates the faults of the run with this seed over `nodes` nodes; `degree` ranks them for outages of the best
    /// connected. Node `exempt` always stays up.
    ///
    /// # Errors
    ///
    /// [`FaultError`] if an option names a region that the network does not have, or if the user interrupts the ranking
    /// of the nodes.
    pub fn new(
        spec: &FaultSpec,
        seed: u64,
        nodes: u32,
        network: &Network,
        degree: impl Fn(NodeId) -> u32,
        exempt: Option<NodeId>,
        interrupt: &Interrupt,
    ) -> Result<Faults, FaultError> {
        let key = Key::new(seed, Purpose::Faults);
        let outage = |(at, outage): (usize, &Outage)| {
            // Keyed by its index as well, so that two outages with one share select different nodes.
            let key = key.with(DOWN).with(at as u64);
            let group = match &outage.selector {
                Selector::Random => Group::drawn(key, outage.share),
                Selector::Region(name) => Group::drawn_in(key, outage.share, network, ("down", name))?,
                Selector::Degree => {
                    Group::best_connected(key, outage.share, nodes, &degree, &mut Lookout::new(interrupt))?
                }
            };
            Ok((outage.at, group.listed(nodes)))
        };
        let cut = |(at, cut): (usize, &Cut)| {
            let key = key.with(PARTITION).with(at as u64);
            let side = match &cut.side {
                PartitionSide::Share(share) => Group::drawn(key, *share),
                PartitionSide::Region(name) => Group::drawn_in(key, ALL, network, ("partition", name))?,
            };
            Ok(PreparedCut { side: side.listed(nodes), at: cut.at, heal: cut.heal, is_one_way: cut.is_one_way })
        };
        Ok(Faults {
            exempt,
            outages: spec.down.0.iter().enumerate().map(outage).collect::<Result<_, FaultError>>()?,
            churn: spec.churn.map(|ChurnSpec { up, down }| Churn {
                key: key.with(CHURN),
                // The long-run share, so that the number of nodes that are up does not drift from the start on.
                is_up: Probability::of(Ratio::new(up.0, up.0 + down.0).unwrap_or(ALL)),
                up,
                down,
            }),
            cuts: spec.partition.0.iter().enumerate().map(cut).collect::<Result<_, FaultError>>()?,
            nat: Group::drawn(key.with(NAT), spec.nat).listed(nodes),
        })
    }

    /// Returns true if every node is up all the time.
    #[inline]
    pub fn all_up(&self) -> bool {
        self.outages.is_empty() && self.churn.is_none()
    }

    /// Returns true if no node changes: each is up all the time, or down from the start.
    pub fn is_steady(&self) -> bool {
        self.churn.is_none() && self.outages.iter().all(|(at, _)| *at == Nanos::ZERO)
    }

    /// Returns true if every node can reach every other all the time.
    #[inline]
    pub fn none_cut(&self) -> bool {
        self.cuts.is_empty() && self.nat.is_empty()
    }

    /// Returns true if a node is up at a time.
    #[inline]
    pub fn is_up(&self, node: NodeId, now: Nanos) -> bool {
        !self.has_failed(node, now) && (self.churn.is_none() || self.churned(node, now).0)
    }

    fn has_failed(&self, node: NodeId, now: Nanos) -> bool {
        let has_come = |at: Nanos| at <= now && at != Nanos::MAX;
        self.exempt != Some(node) && self.outages.iter().any(|(at, group)| has_come(*at) && group.has(node))
    }

    /// Returns the time at which a node goes down for good; [`Nanos::MAX`] for never.
    pub fn fails_at(&self, node: NodeId) -> Nanos {
        if self.exempt == Some(node) {
            return Nanos::MAX;
        }
        let hits = self.outages.iter().filter(|(_, group)| group.has(node)).map(|(at, _)| *at);
        hits.min().unwrap_or(Nanos::MAX)
    }

    /// Returns the first time after `now` at which a node goes down or comes up; `None` if it stays as it is.
    pub fn next_change(&self, node: NodeId, now: Nanos) -> Option<Nanos> {
        self.changes(node, now).next().map(|(time, _)| time)
    }

    /// Iterates over the times after `now` at which a node goes down or comes up, in ascending order, with true for up.
    pub fn changes(&self, node: NodeId, now: Nanos) -> impl Iterator<Item = (Nanos, bool)> + '_ {
        let (fails_at, mut turns, mut is_over) = (self.fails_at(node), self.turns(node), false);
        let all = std::iter::from_fn(move || {
            let (is_up, until) = turns.next().filter(|_| !is_over)?;
            is_over = fails_at <= until;
            match is_over {
                // A failure while the node is down changes nothing.
                true => (is_up && fails_at < Nanos::MAX).then_some((fails_at, false)),
                false => Some((until, !is_up)),
            }
        });
        all.skip_while(move |&(time, _)| time <= now)
    }

    /// Returns true if a message sent at `now` is blocked for ever, by a partition or because both nodes are behind a
    /// NAT and neither can open the connection. Messages that are under way when a partition begins still arrive.
    #[inline]
    pub fn is_cut(&self, from: NodeId, to: NodeId, now: Nanos) -> bool {
        !self.none_cut() && self.is_cut_at(from, to, now)
    }

    /// Returns the partitions that block such a message, by index in the request.
    pub fn cuts_between(&self, from: NodeId, to: NodeId, now: Nanos) -> impl Iterator<Item = usize> {
        let is_blocking = move |(place, cut): (usize, &PreparedCut)| cut.blocks(from, to, now).then_some(place);
        self.cuts.iter().enumerate().filter_map(is_blocking)
    }

    /// Returns true if a node goes down by the outage with this index in the request, and by no earlier one.
    pub fn is_hit_by(&self, outage: usize, node: NodeId) -> bool {
        let hits = self.outages.get(outage).filter(|(_, group)| group.has(node));
        hits.is_some_and(|(at, _)| self.fails_at(node) == *at)
    }

    /// Returns the number of partitions in the request.
    pub fn partitions(&self) -> usize {
        self.cuts.len()
    }

    /// Returns true if a node is on the side that a partition cuts off.
    pub fn is_cut_off(&self, node: NodeId, partition: usize) -> bool {
        self.cuts[partition].side.has(node)
    }

    /// Returns true if a node can only open outgoing connections. A link that it has opened to another node works in
    /// both directions.
    pub fn is_behind_nat(&self, node: NodeId) -> bool {
        self.nat.has(node)
    }

    fn is_cut_at(&self, from: NodeId, to: NodeId, now: Nanos) -> bool {
        self.cuts.iter().any(|cut| cut.blocks(from, to, now)) || (self.nat.has(from) && self.nat.has(to))
    }

    /// Returns whether churn has a node up at a time, and until when.
    fn churned(&self, node: NodeId, now: Nanos) -> (bool, Nanos) {
        self.turns(node).find(|&(_, until)| now < until || until == Nanos::MAX).unwrap_or((true, Nanos::MAX))
    }

    /// Iterates over the alternating up and down times of a node from the start on: true for up, and the time until
    /// which it lasts. Without churn a single up time lasts for ever, as does the last one with churn.
    fn turns(&self, node: NodeId) -> impl Iterator<Item = (bool, Nanos)> + '_ {
        let churn = self.churn.as_ref().filter(|_| self.exempt != Some(node));
        let mut drawn = churn.map(|churn| {
            let mut stream = churn.key.with(u64::from(node.0)).stream();
            let is_up = churn.is_up.hits(stream.next_word());
            (churn, stream, is_up)
        });
        let mut last = Some(Nanos::ZERO);
        std::iter::from_fn(move || {
            let since = last?;
            let Some((churn, stream, is_next_up)) = &mut drawn else {
                last = None;
                return Some((true, Nanos::MAX));
            };
            let is_up = std::mem::replace(is_next_up, !*is_next_up);
            let mean = if is_up { churn.up } else { churn.down };
            // At least a nanosecond, so that time advances with every change.
            let until = since + Nanos(stream.exponential(mean.0).max(1));
            last = Some(until).filter(|&until| until < Nanos::MAX);
            Some((is_up, until))
        })
    }
}

/// The maximum number of nodes for which a group is drawn at once: half a mebibyte of bits, in some 30 ms.
const LISTED_NODES_MAX: u32 = 1 << 22;

impl PreparedCut {
    #[inline]
    fn blocks(&self, from: NodeId, to: NodeId, now: Nanos) -> bool {
        // `Nanos::MAX` means never, even for a message sent at that time.
        if now < self.at || (self.heal <= now && self.heal != Nanos::MAX) {
            return false;
        }
        let (from, to) = (self.side.has(from), self.side.has(to));
        if self.is_one_way { from && !to } else { from != to }
    }
}

impl Group {
    fn empty() -> Group {
        Group::Drawn { key: Key::new(0, Purpose::Faults), chance: Probability::NEVER, region: None }
    }

    fn drawn(key: Key, share: Ratio) -> Group {
        Group::Drawn { key, chance: Probability::of(share), region: None }
    }

    /// Draws for all nodes at once, unless there are very many: each is asked for several times, and with each message.
    fn listed(self, nodes: u32) -> Group {
        if nodes > LISTED_NODES_MAX || self.is_empty() || matches!(self, Group::Listed(_)) {
            return self;
        }
        let bit = |node: u32| u64::from(self.has(NodeId(node))) << (node % u64::BITS);
        let word = |first: u32| (first..nodes.min(first + u64::BITS)).map(bit).sum();
        Group::Listed((0..nodes).step_by(u64::BITS as usize).map(word).collect())
    }

    /// Selects a share of the region that an option names.
    fn drawn_in(
        key: Key,
        share: Ratio,
        network: &Network,
        (option, name): (&'static str, &str),
    ) -> Result<Group, FaultError> {
        let known = network.regions();
        let Some(placement) = network.placement() else {
            return Err(FaultError::NoRegions { option, name: name.to_owned() });
        };
        match known.iter().position(|known| known == name) {
            Some(at) => {
                let region = Some((RegionIndex(at as u16), placement.clone()));
                Ok(Group::Drawn { key, chance: Probability::of(share), region })
            }
            None => Err(FaultError::UnknownRegion { option, name: name.to_owned(), known: known.join(", ") }),
        }
    }

    /// Selects the share of the nodes with the most peers, rounded up; draws decide among equals.
    ///
    /// Nodes are counted by degree first, so that only those of the degree at which the share ends are ranked by draw.
    fn best_connected(
        key: Key,
        share: Ratio,
        nodes: u32,
        degree: impl Fn(NodeId) -> u32,
        lookout: &mut Lookout<'_>,
    ) -> Result<Group, Interrupted> {
        // Counting takes no memory per node; a ranking of all nodes would take 16 bytes each.
        let mut by_degree = BTreeMap::<u32, u64>::new();
        for node in 0..nodes {
            lookout.work(RANK_UNITS)?;
            *by_degree.entry(degree(NodeId(node))).or_default() += 1;
        }
        // After the loop `last` is the degree at which the share ends: all nodes of higher degree are selected, and
        // `room` of those with this degree.
        let (mut room, mut last) = (share.ceil_of(u64::from(nodes)), u32::MAX);
        for (&degree, &count) in by_degree.iter().rev() {
            last = degree;
            if count >= room {
                break;
            }
            room -= count;
        }
        let mut bits = vec![0u64; (nodes as usize).div_ceil(64)];
        let mut equals: Vec<(u64, u32)> = Vec::new();
        for node in 0..nodes {
            lookout.work(RANK_UNITS)?;
            match degree(NodeId(node)).cmp(&last) {
                Ordering::Greater => bits[node as usize / 64] |= 1 << (node % 64),
                Ordering::Equal => equals.push((key.with(u64::from(node)).stream().next_word(), node)),
                Ordering::Less => {}
            }
        }
        for node in least(equals, room as usize, lookout)? {
            bits[node as usize / 64] |= 1 << (node % 64);
        }
        Ok(Group::Listed(bits))
    }

    fn is_empty(&self) -> bool {
        matches!(self, Group::Drawn { chance: Probability::NEVER, .. })
    }

    #[inline]
    fn has(&self, node: NodeId) -> bool {
        match self {
            Group::Drawn { chance: Probability::NEVER, .. } => false,
            Group::Drawn { key, chance, region } => {
                let is_there = region.as_ref().is_none_or(|(region, placement)| placement.region(node) == *region);
                is_there && chance.hits(key.with(u64::from(node.0)).stream().next_word())
            }
            Group::Listed(bits) => bits.get(node.index() / 64).is_some_and(|bits| bits >> (node.0 % 64) & 1 == 1),
        }
    }
}

/// Returns the nodes with the `count` smallest draws, in no particular order.
///
/// Draws are uniform over all words, so that their upper bits tell nearly all of them apart: whole buckets are taken
/// until one has more nodes than are needed, and only that one is sorted.
fn least(drawn: Vec<(u64, u32)>, count: usize, lookout: &mut Lookout<'_>) -> Result<Vec<u32>, Interrupted> {
    let part = |word: u64| (word >> (u64::BITS - PART_BITS)) as usize;
    let mut sizes = vec![0usize; 1 << PART_BITS];
    for &(word, _) in &drawn {
        lookout.work(1)?;
        sizes[part(word)] += 1;
    }
    let (mut room, mut last) = (count, 0);
    for (at, &size) in sizes.iter().enumerate() {
        last = at;
        if size >= room {
            break;
        }
        room -= size;
    }
    let (mut nodes, mut equals) = (Vec::with_capacity(count), Vec::new());
    for (word, node) in drawn {
        lookout.work(1)?;
        match part(word).cmp(&last) {
            Ordering::Less => nodes.push(node),
            Ordering::Equal => equals.push((word, node)),
            Ordering::Greater => {}
        }
    }
    equals.sort_unstable();
    nodes.extend(equals.iter().take(room).map(|&(_, node)| node));
    Ok(nodes)
}

/// Upper bits of a draw that select its bucket.
const PART_BITS: u32 = 12;

/// The work of counting a node by its degree, in units of one draw.
const RANK_UNITS: u64 = 4;

const ALL: Ratio = Ratio::new(1, 1).unwrap();

// The words that separate the random streams of the kinds of fault; part of docs/DETERMINISM.md.
const DOWN: u64 = 1;
const CHURN: u64 = 2;
const PARTITION: u64 = 3;
const NAT: u64 = 4;
