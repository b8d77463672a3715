//! The shuffle of a shred: all nodes but the origin, in the sequence in which they are places of its tree.
//!
//! With equal stakes it is a keyed permutation, in which both directions are computed without a table. With stakes it
//! is an exact weighted sample without replacement: each node draws an exponential time and divides it by its stake,
//! and the nodes come in the sequence of these times (Efraimidis and Spirakis 2006). That takes a sorted list for
//! each shred, which is made once and shared by all shards; as many lists are kept as fit a bound.

use super::sender_places::SenderPlaces;
use super::stake::StakeKnob;
use super::tree::ShredTree;
use crate::ids::{NodeId, OrderIndex};
use crate::parts::{PartName, SET_PARTS_MAX};
use crate::random::log::{self, minus_log2};
use crate::random::{Key, Purpose};
use crate::topology::KeyedPermutation;
use parking_lot::Mutex;
use std::sync::Arc;

/// The word that separates stakes from other draws; part of docs/DETERMINISM.md.
const STAKE: u64 = 4;

/// Bytes of all lists that are kept at a time, if a few lists do not exceed it.
const LISTS_BYTES: u64 = 256 << 20;

/// Lists that are kept at least: those of one set.
const LISTS_MIN: u64 = 64;

/// Lists that are kept at most.
const LISTS_MAX: u64 = 1 << 16;

/// Digits of a logarithm that are left out, so that a sum fits a word.
const SPARED_BITS: u32 = 8;

/// Binary digits after the point of a logarithm.
const LOGARITHM_BITS: u32 = log::ONE_BITS - SPARED_BITS;

/// The logarithm of no stake: below that of every stake by more than any two draws differ.
const NO_STAKE: i64 = -(1 << 60);

/// The shuffles of all shreds of a run.
#[derive(Debug)]
pub(super) struct Shuffles {
    nodes: u32,
    /// The number of places that send to others.
    senders: u32,
    /// By node, the logarithm of its stake; `None` if all have the same.
    stakes: Option<Box<[i64]>>,
    /// Lists of shreds, each at the place that order and shred give it.
    lists: Box<[Mutex<Option<Arc<WeightedShuffle>>>]>,
}

/// The shuffle of one shred.
pub(super) enum ShredShuffle {
    /// All stakes are equal.
    Keyed { permutation: KeyedPermutation, origin: NodeId },
    /// Stakes differ.
    Weighted(Arc<WeightedShuffle>),
}

/// A list of all nodes but the origin.
#[derive(Debug)]
pub(super) struct WeightedShuffle {
    of: (OrderIndex, PartName, NodeId),
    nodes: Box<[u32]>,
    senders: Arc<SenderPlaces>,
}

/// The places of nodes in the shuffle of one shred.
#[derive(Debug)]
pub(super) enum ShredPlaces {
    /// All stakes are equal.
    Keyed { permutation: KeyedPermutation, origin: NodeId },
    /// Stakes differ.
    Weighted(Arc<SenderPlaces>),
}

impl Shuffles {
    /// Creates the shuffles of a run with this seed, whose shreds go down this tree.
    pub(super) fn new(stake: StakeKnob, seed: u64, nodes: u32, tree: ShredTree) -> Shuffles {
        let stakes = match stake {
            StakeKnob::Equal => None,
            StakeKnob::Pareto(thousandths) => {
                let key = Key::new(seed, Purpose::Protocol).with(STAKE);
                let shape = u128::from(thousandths);
                // A stake is U^(-1/shape), so its logarithm is that of 1/U divided by the shape.
                let logarithm = |node: u32| {
                    let drawn = minus_log2(key.with(node.into()).stream().next_word());
                    ((u128::from(drawn) * 1_000 / shape) >> SPARED_BITS) as i64
                };
                Some((0..nodes).map(logarithm).collect())
            }
        };
        let lists = if stakes.is_some() { Shuffles::kept(nodes.into()) } else { 0 };
        let lists = (0..lists).map(|_| Mutex::new(None)).collect();
        Shuffles { nodes, senders: tree.senders(), stakes, lists }
    }

    /// Creates the shuffles of nodes with these stakes.
    pub(super) fn listed(stakes: &[u64], tree: ShredTree) -> Shuffles {
        let logarithm = |&stake: &u64| match stake {
            // After all others, whatever is drawn.
            0 => NO_STAKE,
            // Shifted to the top, where the bit that a logarithm sets in its argument changes nothing.
            stake => {
                let zeros = stake.leading_zeros();
                let below_top = minus_log2(stake << zeros) >> SPARED_BITS;
                (i64::from(u64::BITS - zeros) << LOGARITHM_BITS) - below_top as i64
            }
        };
        let lists = (0..Shuffles::kept(stakes.len() as u64)).map(|_| Mutex::new(None)).collect();
        let logarithms = stakes.iter().map(logarithm).collect();
        Shuffles { nodes: stakes.len() as u32, senders: tree.senders(), stakes: Some(logarithms), lists }
    }

    /// Returns the bytes of the stakes and of the lists of `nodes` nodes in a run of `shreds` shreds.
    pub(super) fn bytes(has_stakes: bool, nodes: u32, fanout: u32, shreds: u64) -> u64 {
        if !has_stakes {
            return 0;
        }
        let senders = ShredTree::new(fanout, nodes.saturating_sub(1)).senders();
        let nodes = u64::from(nodes);
        let list = nodes * LIST_BYTES_PER_NODE + SenderPlaces::bytes(senders.into(), nodes);
        nodes * size_of::<i64>() as u64 + list.saturating_mul(Shuffles::kept(nodes).min(shreds))
    }

    /// Returns the number of lists that are kept at a time.
    fn kept(nodes: u64) -> u64 {
        (LISTS_BYTES / (LIST_BYTES_PER_NODE * nodes.max(1))).clamp(LISTS_MIN, LISTS_MAX)
    }

    /// Returns a number by which a shred is kept.
    #[inline]
    pub(super) fn number(order: OrderIndex, name: PartName) -> u64 {
        // Shreds of orders with fewer sets than the factor have places of their own where there are enough.
        let set = u64::from(order.0) * 977 + u64::from(name.set);
        set * u64::from(SET_PARTS_MAX) + u64::from(name.place)
    }

    /// Returns the shuffle of a shred; `key` is that of the draws that all nodes share.
    #[inline]
    pub(super) fn of(&self, key: Key, order: OrderIndex, name: PartName, origin: NodeId) -> ShredShuffle {
        let shred = u64::from(name.set) << 8 | u64::from(name.place);
        let key = key.with(order.0.into()).with(shred);
        match &self.stakes {
            None => ShredShuffle::Keyed { permutation: KeyedPermutation::new(self.nodes - 1, key), origin },
            Some(stakes) => {
                let number = Shuffles::number(order, name);
                let mut list = self.lists[(number % self.lists.len() as u64) as usize].lock();
                let of = (order, name, origin);
                let known = list.take().filter(|known| known.of == of);
                let known = known.unwrap_or_else(|| Arc::new(WeightedShuffle::new(of, stakes, key, self.senders)));
                ShredShuffle::Weighted(Arc::clone(list.insert(known)))
            }
        }
    }
}

impl ShredShuffle {
    /// Returns the node at a place.
    #[inline]
    pub(super) fn node_at(&self, place: u32) -> NodeId {
        match self {
            ShredShuffle::Keyed { permutation, origin } => {
                let image = permutation.image(place);
                NodeId(image + u32::from(image >= origin.0))
            }
            ShredShuffle::Weighted(list) => NodeId(list.nodes[place as usize]),
        }
    }

    /// Leaves what it takes to find the places of nodes.
    pub(super) fn into_places(self) -> ShredPlaces {
        match self {
            ShredShuffle::Keyed { permutation, origin } => ShredPlaces::Keyed { permutation, origin },
            ShredShuffle::Weighted(list) => ShredPlaces::Weighted(Arc::clone(&list.senders)),
        }
    }
}

impl ShredPlaces {
    /// Returns the place of a node if it sends on. With equal stakes it returns that of a node that sends to nobody,
    /// too, as no place follows from the tree alone; `None` for the origin.
    #[inline]
    pub(super) fn of_sender(&self, node: NodeId) -> Option<u32> {
        match self {
            ShredPlaces::Keyed { origin, .. } if node == *origin => None,
            ShredPlaces::Keyed { permutation, origin } => Some(permutation.number(node.0 - u32::from(node > *origin))),
            ShredPlaces::Weighted(senders) => senders.of(node.0),
        }
    }
}

impl WeightedShuffle {
    fn new(of: (OrderIndex, PartName, NodeId), stakes: &[i64], key: Key, senders: u32) -> WeightedShuffle {
        let score = |(node, &stake): (u64, &i64)| {
            let time = minus_log2(key.with(node).stream().next_word());
            // The greater, the earlier: the logarithm of the stake less that of the time.
            stake + (minus_log2(time) >> SPARED_BITS) as i64
        };
        let scores: Vec<i64> = (0..).zip(stakes).map(score).collect();
        let nodes = by_score(&scores, of.2);
        let senders = Arc::new(SenderPlaces::new(&nodes[..senders as usize], stakes.len()));
        WeightedShuffle { of, nodes, senders }
    }
}

/// Returns the nodes but one, those with the greatest scores first, of equal ones that with the least number.
///
/// Sorted are words of the upper digits of a score and its node, which takes a quarter of the time of pairs; the few
/// whose upper digits are equal are compared as a whole afterwards. Rejected: words parted by their upper digits first,
/// each part of which fits a cache, which takes a sixth more time for 10^6 nodes.
fn by_score(scores: &[i64], without: NodeId) -> Box<[u32]> {
    let others = || (0..).zip(scores).filter(move |&(node, _)| node != without.0);
    let (least, most) =
        others().fold((i64::MAX, i64::MIN), |(least, most), (_, &score)| (least.min(score), most.max(score)));
    let node_bits = u32::BITS - (scores.len() as u32).leading_zeros();
    let spared = (u64::BITS - most.wrapping_sub(least).leading_zeros()).saturating_sub(u64::BITS - node_bits);
    let word = |(node, &score): (u32, &i64)| most.wrapping_sub(score) as u64 >> spared << node_bits | u64::from(node);
    let mut words: Vec<u64> = others().map(word).collect();
    words.sort_unstable();
    let node = |word: u64| (word & ((1 << node_bits) - 1)) as u32;
    for alike in words.chunk_by_mut(|one, next| one >> node_bits == next >> node_bits) {
        if alike.len() > 1 {
            alike.sort_unstable_by_key(|&word| (std::cmp::Reverse(scores[node(word) as usize]), node(word)));
        }
    }
    words.into_iter().map(node).collect()
}

/// Bytes that a list takes for each node.
const LIST_BYTES_PER_NODE: u64 = size_of::<u32>() as u64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAME: PartName = PartName { set: 0, place: 0 };

    fn shared(seed: u64) -> Key {
        Key::new(seed, Purpose::Protocol).with(3)
    }

    /// Every shred has a shuffle of its own, in which all nodes but the origin stand once.
    #[test]
    fn a_shuffle_has_all_nodes_but_the_origin() {
        for stake in [StakeKnob::Equal, StakeKnob::Pareto(1_160)] {
            // Of a chain each node but the last sends on.
            let shuffles = Shuffles::new(stake, 5, 300, ShredTree::new(1, 299));
            let mut seen = Vec::new();
            for (set, place) in [(0, 0), (0, 1), (1, 0), (1, 63)] {
                let shuffle = shuffles.of(shared(5), OrderIndex(2), PartName { set, place }, NodeId(7));
                let nodes: Vec<NodeId> = (0..299).map(|place| shuffle.node_at(place)).collect();
                let places = shuffle.into_places();
                assert!((0..298).all(|place| places.of_sender(nodes[place as usize]) == Some(place)));
                assert_eq!(places.of_sender(NodeId(7)), None);
                let mut sorted = nodes.clone();
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq((0..300).filter(|&node| node != 7).map(NodeId)));
                seen.push(nodes);
            }
            seen.dedup();
            assert_eq!(seen.len(), 4);
        }
    }

    /// Over many shreds the first node is drawn in proportion to the stakes, and so is the second among the others.
    #[test]
    fn nodes_with_more_stake_come_first_in_proportion() {
        let stakes = [1.0_f64, 2.0, 4.0, 8.0];
        let logarithms = stakes.map(|stake| (stake.log2() * (1_u64 << 49) as f64) as i64);
        let origin = NodeId(9);
        let shreds = 60_000_u64;
        let (mut first, mut pairs) = ([0_u32; 4], [[0_u32; 4]; 4]);
        for shred in 0..shreds {
            let list = WeightedShuffle::new((OrderIndex(0), NAME, origin), &logarithms, shared(1).with(shred), 1);
            first[list.nodes[0] as usize] += 1;
            pairs[list.nodes[0] as usize][list.nodes[1] as usize] += 1;
        }
        let sum: f64 = stakes.iter().sum();
        let is_near = |count: u32, chance: f64| {
            let (mean, deviation) = (shreds as f64 * chance, (shreds as f64 * chance * (1.0 - chance)).sqrt());
            (f64::from(count) - mean).abs() < 5.0 * deviation
        };
        for one in 0..4 {
            assert!(is_near(first[one], stakes[one] / sum), "{first:?}");
            for two in (0..4).filter(|&two| two != one) {
                let chance = stakes[one] / sum * stakes[two] / (sum - stakes[one]);
                assert!(is_near(pairs[one][two], chance), "{pairs:?}");
            }
        }
    }

    /// Stakes above s times the least are a share of s^-shape.
    #[test]
    fn drawn_stakes_have_the_tail_of_their_shape() {
        let shuffles = Shuffles::new(StakeKnob::Pareto(1_500), 2, 100_000, ShredTree::new(200, 99_999));
        let stakes = shuffles.stakes.as_ref().unwrap();
        for factor in [2.0_f64, 10.0, 100.0] {
            let least = (factor.log2() * (1_u64 << 49) as f64) as i64;
            let share = stakes.iter().filter(|&&stake| stake > least).count() as f64 / 100_000.0;
            let chance = factor.powf(-1.5);
            assert!((share - chance).abs() < 5.0 * (chance / 100_000.0).sqrt(), "{factor}: {share}");
        }
    }

    /// Logarithms of stakes from a file; nodes without any come last, in a sequence of their own for each shred.
    #[test]
    fn nodes_without_stake_come_last() {
        let shuffles = Shuffles::listed(&[1, 0, 3, 0, u64::MAX, 0, 1 << 40], ShredTree::new(2, 6));
        let logarithms = shuffles.stakes.as_ref().unwrap();
        for (node, stake) in [(0, 1.0_f64), (2, 3.0), (4, u64::MAX as f64), (6, (1_u64 << 40) as f64)] {
            let found = logarithms[node] as f64 / (1_u64 << LOGARITHM_BITS) as f64;
            assert!((found - stake.log2()).abs() < 1e-6, "{stake}: {found}");
        }
        let mut last = Vec::new();
        for place in 0..64 {
            let shuffle = shuffles.of(shared(2), OrderIndex(0), PartName { set: 0, place }, NodeId(2));
            last.push([3, 4, 5].map(|place| shuffle.node_at(place).0));
        }
        assert!(last.iter().all(|nodes| nodes.iter().all(|node| [1, 3, 5].contains(node))));
        last.sort_unstable();
        last.dedup();
        assert_eq!(last.len(), 6);
    }

    proptest! {
        /// Few and many scores, close ones and distant ones, and equal ones among them.
        #[test]
        fn nodes_come_by_score_and_number(
            scores in prop::collection::vec((-(1_i64 << 60)..1 << 60, 0..64_u32), 1..200), without in 0..200_u32,
        ) {
            let scores: Vec<i64> = scores.into_iter().map(|(score, shift)| score >> shift.min(62)).collect();
            let mut expected: Vec<u32> = (0..scores.len() as u32).filter(|&node| node != without).collect();
            expected.sort_by_key(|&node| std::cmp::Reverse(scores[node as usize]));
            prop_assert_eq!(by_score(&scores, NodeId(without)).to_vec(), expected);
        }
    }

    /// A list that another shred has displaced is made again, the same.
    #[test]
    fn a_list_is_the_same_however_often_it_is_made() {
        let shuffles = Shuffles::new(StakeKnob::Pareto(800), 5, 50, ShredTree::new(200, 49));
        let list = |order| match shuffles.of(shared(5), OrderIndex(order), NAME, NodeId(0)) {
            ShredShuffle::Weighted(list) => list.nodes.clone(),
            ShredShuffle::Keyed { .. } => unreachable!("stakes differ"),
        };
        let before = list(0);
        let others: Vec<_> = (1..3_000).map(list).collect();
        assert!(others.iter().all(|other| *other != before));
        assert_eq!(list(0), before);
        // The root sends on, the 200 below it, and of those below these 24 neighbourhoods of 200.
        let list = 1_000_000 * 4 + 15_625 * 12 + 5_001 * 4;
        assert_eq!(Shuffles::bytes(true, 1_000_000, 200, 64), 1_000_000 * 8 + 64 * list);
        assert_eq!(Shuffles::bytes(false, 1_000_000, 200, 64), 0);
    }
}
