//! Random regular without stored links: the peers of a node are what keyed permutations of all ids make of its own.
//!
//! With `peers / 2` permutations a node has two *slots* for each: where the permutation sends it, and whom it sends
//! there. The second undoes the first, so whoever is in my slot has me in the one beside it, and the overlay is
//! undirected without anybody having written it down. Slots may hold the node itself, or somebody twice: some 20 and
//! 100 times in all with 20 peers, however many nodes there are. Such slots count for nothing.
//!
//! A permutation is a Feistel network of three rounds (Luby and Rackoff 1988) over a rectangle that just holds all ids;
//! what falls into the rest of it walks on until it is an id (Black and Rogaway 2002, "Ciphers with arbitrary finite
//! domains"). Three rounds read the same from either end, so that forward and back are one piece of code with other
//! keys. Steps and test vectors: `docs/DETERMINISM.md`.
//!
//! What was refused: affine maps, which need no rounds and cover as much in the end, but hop by hop spread like a
//! lattice; and squares of a power of four, of which up to three quarters are no ids and have to be walked over.

mod lanes;

use crate::ids::NodeId;
use crate::random::Key;
use smallvec::SmallVec;

/// The most peers: slots of a draw are told apart one by one, and a byte tells how many there are in a batch.
pub(super) const PEERS_MAX: u32 = 4_096;

/// Up to so many slots over all nodes their links are counted, which takes some 20 ms; above, slots are counted
/// instead.
pub(super) const COUNTED_SLOTS_MAX: u64 = 1 << 22;

/// The two primes of XXH32 that its author multiplies with first.
const FACTORS: [u64; 2] = [0x9E37_79B1, 0x85EB_CA77];

/// The lower half of a word.
const LOWER: u64 = u32::MAX as u64;

/// Peers of which a row is put together on the stack.
const ROW_PEERS: usize = 32;

/// Where a row is put together.
pub(super) type RowArray = [NodeId; ROW_PEERS];

/// The peers of one node, put together.
pub(super) type ImplicitRow = SmallVec<RowArray>;

/// A random regular overlay that is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Implicit {
    shape: Rectangle,
    /// By slot: 2i sends a node on under permutation i, 2i + 1 sends it back.
    slots: Vec<PermutationSlot>,
    links: u64,
    most: u32,
}

/// The ids, wrapped into rows: an id is `row * 2^columns_log2 + column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rectangle {
    nodes: u32,
    columns_log2: u32,
    rows: u64,
}

/// The keys of one permutation in one direction.
///
/// ```text
/// 0: first round: u32 | second round: u32        1: third round: u32 | 31 spare | back: 1
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PermutationSlot([u64; 2]);

impl PermutationSlot {
    const fn new([first, second, third]: [u32; 3], is_back: bool) -> PermutationSlot {
        PermutationSlot([first as u64 | (second as u64) << 32, third as u64 | (is_back as u64) << 63])
    }
}

impl Implicit {
    /// `peers` slots for each of `nodes` nodes; `peers` is even, above 0, at most [`PEERS_MAX`], and less than `nodes`.
    pub(super) fn new(nodes: u32, peers: u32, key: Key) -> Implicit {
        let mut slots = Vec::with_capacity(peers as usize);
        for permutation in 0..u64::from(peers / 2) {
            let mut stream = key.with(permutation).stream();
            let keys = [(); 3].map(|()| (stream.next_word() >> 32) as u32);
            let [first, second, third] = keys;
            slots.extend([PermutationSlot::new(keys, false), PermutationSlot::new([third, second, first], true)]);
        }
        let links = u64::from(nodes) * u64::from(peers) / 2;
        let mut implicit = Implicit { shape: Rectangle::of(nodes), slots, links, most: peers };
        if 2 * links <= COUNTED_SLOTS_MAX {
            let degrees = (0..nodes).map(|node| implicit.row(NodeId(node)).len() as u32);
            let (ends, most) =
                degrees.fold((0, 0), |(ends, most), degree| (ends + u64::from(degree), degree.max(most)));
            (implicit.links, implicit.most) = (ends / 2, most);
        }
        implicit
    }

    /// The number of nodes.
    #[inline]
    pub fn nodes(&self) -> u32 {
        self.shape.nodes
    }

    /// The number of slots of each node, numbered from 0.
    #[inline]
    pub fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Who is in a slot of `node`: perhaps the node itself, or somebody who is in another slot as well.
    #[inline]
    pub fn at(&self, node: NodeId, slot: u32) -> NodeId {
        let slot = self.slots[slot as usize];
        let mut id = self.shape.step(u64::from(node.0), slot);
        while id >= u64::from(self.shape.nodes) {
            id = self.shape.step(id, slot);
        }
        NodeId(id as u32)
    }

    /// The peers of `node`, ascending, each once.
    pub(super) fn row(&self, node: NodeId) -> ImplicitRow {
        let mut row: ImplicitRow =
            (0..self.slots()).map(|slot| self.at(node, slot)).filter(|&peer| peer != node).collect();
        row.sort_unstable();
        row.dedup();
        row
    }

    /// The linked pairs, or half of all slots where those are too many to be looked at.
    pub(super) fn links(&self) -> u64 {
        self.links
    }

    /// The most peers of any node, or the number of slots.
    pub(super) fn most(&self) -> u32 {
        self.most
    }

    /// Whether nobody knows the exact number of links.
    pub(super) fn is_large(&self) -> bool {
        u64::from(self.nodes()) * u64::from(self.slots()) > COUNTED_SLOTS_MAX
    }

    pub(super) fn bytes(&self) -> u64 {
        size_of_val(&self.slots[..]) as u64
    }
}

impl Rectangle {
    /// The rectangle of `nodes` ids, nearly square, with less than a row to spare.
    fn of(nodes: u32) -> Rectangle {
        let bits = u32::BITS - nodes.saturating_sub(1).leading_zeros();
        let columns_log2 = bits / 2;
        Rectangle { nodes, columns_log2, rows: u64::from(nodes).div_ceil(1 << columns_log2) }
    }

    /// Three rounds: the column moves by what the row says, the row by what the column says, and the column again.
    ///
    /// `place` is any of the rectangle, and so is what comes out.
    #[inline(always)]
    fn step(&self, place: u64, PermutationSlot(keys): PermutationSlot) -> u64 {
        let (mask, rows) = ((1 << self.columns_log2) - 1, self.rows);
        // All ones on the way back, so that `turned` negates: forward adds, back subtracts.
        let back = 0u64.wrapping_sub(keys[1] >> 63);
        let turned = |move_by: u64| (move_by ^ back).wrapping_sub(back);
        let (mut column, mut row) = (place & mask, place >> self.columns_log2);
        column = column.wrapping_add(turned(moved_by(row, keys[0], mask + 1))) & mask;
        row = row.wrapping_add(turned(moved_by(column, keys[0] >> 32, rows))).wrapping_add(back & rows);
        row = if row >= rows { row - rows } else { row };
        column = column.wrapping_add(turned(moved_by(row, keys[1], mask + 1))) & mask;
        row << self.columns_log2 | column
    }

    /// Whether a place is an id.
    #[inline(always)]
    fn holds(&self, place: u32) -> bool {
        place < self.nodes
    }
}

/// What a round adds: a number below `range` that hangs on all bits of `half` and of the lower half of `key`.
#[inline(always)]
fn moved_by(half: u64, key: u64, range: u64) -> u64 {
    let once = folded((half ^ key) & LOWER, FACTORS[0]);
    let twice = folded(once, FACTORS[1]);
    (twice * range) >> 32
}

/// A product whose halves are laid over each other: both of them are linear, and their exclusive or is not.
#[inline(always)]
fn folded(value: u64, factor: u64) -> u64 {
    let product = value * factor;
    (product ^ product >> 32) & LOWER
}

#[cfg(test)]
mod tests;
