//! Random regular without stored links: the peers of a node are the images of its id under keyed permutations of all
//! ids.
//!
//! With `peers / 2` permutations a node has two *slots* for each: the image of the node, and the node of which it is
//! the image. The second undoes the first, so if node b is in a slot of node a, then a is in the neighbouring slot of
//! b, and the overlay is undirected although no link is stored. A slot may hold the node itself, or a node that is in
//! another slot as well: with 20 peers some 20 and 100 times in all, whatever the number of nodes. Such slots do not
//! count as peers.
//!
//! A permutation is a Feistel network of three rounds (Luby and Rackoff 1988) over a rectangle that just holds all ids;
//! a result outside the ids is permuted again until it is an id (cycle walking; Black and Rogaway 2002, "Ciphers with
//! arbitrary finite domains"). Three rounds are symmetric, so that forward and back are the same code with other keys.
//! Steps and test vectors: `docs/DETERMINISM.md`.
//!
//! Rejected alternatives: affine maps, which need no rounds and cover the same share in the end, but spread hop by hop
//! like a lattice; and squares of a power of four, of which up to three quarters are not ids and have to be walked
//! over.

mod lanes;
mod permutation;

pub use permutation::KeyedPermutation;

use crate::ids::NodeId;
use crate::random::Key;
use smallvec::SmallVec;

/// The maximum number of peers: the slots of a draw are checked for distinctness one by one, and a row takes time
/// linear in it.
pub(super) const PEERS_MAX: u32 = 4_096;

/// The maximum number of slots over all nodes for which links are counted exactly, which takes some 20 ms; above it,
/// slots are counted instead.
const COUNTED_SLOTS_MAX: u64 = 1 << 22;

/// Returns true if the links of an overlay with this many nodes and slots of each are counted exactly.
pub(super) fn are_counted(nodes: u32, slots: u32) -> bool {
    u64::from(nodes) * u64::from(slots) <= COUNTED_SLOTS_MAX
}

/// The first two primes of the multiplications in XXH32.
const FACTORS: [u64; 2] = [0x9E37_79B1, 0x85EB_CA77];

/// The mask of the lower half of a 64-bit word.
const LOWER: u64 = u32::MAX as u64;

/// The number of peers for which a row is assembled on the stack.
const ROW_PEERS: usize = 32;

/// The inline storage of a row.
pub(super) type RowArray = [NodeId; ROW_PEERS];

/// The peers of one node, assembled from its slots.
pub(super) type ImplicitRow = SmallVec<RowArray>;

/// A computed random regular overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Implicit {
    shape: Rectangle,
    /// Keys by slot: slot 2i applies permutation i, slot 2i + 1 its inverse.
    slots: Vec<PermutationSlot>,
    links: u64,
    most: u32,
}

/// The ids, arranged in rows: an id is `row * 2^columns_log2 + column`.
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
    /// Creates `peers` slots for each of `nodes` nodes; `peers` is even, above 0, at most [`PEERS_MAX`], and less than
    /// `nodes`.
    pub(super) fn new(nodes: u32, peers: u32, key: Key) -> Implicit {
        let mut slots = Vec::with_capacity(peers as usize);
        for permutation in 0..u64::from(peers / 2) {
            let mut stream = key.with(permutation).stream();
            let keys = [(); 3].map(|()| (stream.next_word() >> 32) as u32);
            let [first, second, third] = keys;
            // The inverse applies the rounds in reverse order, so the first and the third key change places.
            slots.extend([PermutationSlot::new(keys, false), PermutationSlot::new([third, second, first], true)]);
        }
        let links = u64::from(nodes) * u64::from(peers) / 2;
        let mut implicit = Implicit { shape: Rectangle::of(nodes), slots, links, most: peers };
        // Loops and repeats make the exact count smaller than the slots.
        if !implicit.is_large() {
            let degrees = (0..nodes).map(|node| implicit.row(NodeId(node)).len() as u32);
            let (ends, most) =
                degrees.fold((0, 0), |(ends, most), degree| (ends + u64::from(degree), degree.max(most)));
            (implicit.links, implicit.most) = (ends / 2, most);
        }
        implicit
    }

    /// Returns the number of nodes.
    #[inline]
    pub fn nodes(&self) -> u32 {
        self.shape.nodes
    }

    /// Returns the number of slots of each node, numbered from 0.
    #[inline]
    pub fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Returns the node in a slot of `node`: possibly `node` itself, or a node that is in another slot as well.
    #[inline]
    pub fn at(&self, node: NodeId, slot: u32) -> NodeId {
        let slot = self.slots[slot as usize];
        let mut id = self.shape.step(u64::from(node.0), slot);
        // Fewer places than a row holds are not ids, so a second step is rare.
        while id >= u64::from(self.shape.nodes) {
            id = self.shape.step(id, slot);
        }
        NodeId(id as u32)
    }

    /// Returns the peers of `node` in ascending order, each once.
    pub(super) fn row(&self, node: NodeId) -> ImplicitRow {
        let mut row: ImplicitRow =
            (0..self.slots()).map(|slot| self.at(node, slot)).filter(|&peer| peer != node).collect();
        row.sort_unstable();
        row.dedup();
        row
    }

    /// Returns the number of links, or half of all slots if there are too many to examine.
    pub(super) fn links(&self) -> u64 {
        self.links
    }

    /// Returns the largest number of peers of any node, or the number of slots if there are too many to examine.
    pub(super) fn most(&self) -> u32 {
        self.most
    }

    /// Returns true if the overlay is too large for its links to be counted exactly.
    pub(super) fn is_large(&self) -> bool {
        !are_counted(self.nodes(), self.slots())
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        size_of_val(&self.slots[..]) as u64
    }
}

impl Rectangle {
    /// Creates the rectangle of `nodes` ids, nearly square, with less than a row to spare.
    fn of(nodes: u32) -> Rectangle {
        let bits = u32::BITS - nodes.saturating_sub(1).leading_zeros();
        // A power of two, so that a place splits into row and column by shift and mask.
        let columns_log2 = bits / 2;
        Rectangle { nodes, columns_log2, rows: u64::from(nodes).div_ceil(1 << columns_log2) }
    }

    /// Applies three rounds: the column moves by a function of the row, the row by a function of the column, and the
    /// column again.
    ///
    /// Argument and result are places of the rectangle, which need not be ids.
    #[inline(always)]
    fn step(&self, place: u64, PermutationSlot(keys): PermutationSlot) -> u64 {
        let (mask, rows) = ((1 << self.columns_log2) - 1, self.rows);
        // All ones on the way back, so that `turned` negates: forward adds, back subtracts.
        let back = 0u64.wrapping_sub(keys[1] >> 63);
        let turned = |move_by: u64| (move_by ^ back).wrapping_sub(back);
        let (mut column, mut row) = (place & mask, place >> self.columns_log2);
        column = column.wrapping_add(turned(moved_by(row, keys[0], mask + 1))) & mask;
        row = row.wrapping_add(turned(moved_by(column, keys[0] >> 32, rows))).wrapping_add(back & rows);
        // One subtraction is enough, because both summands are below `rows`; a division would cost several times the
        // round.
        row = if row >= rows { row - rows } else { row };
        column = column.wrapping_add(turned(moved_by(row, keys[1], mask + 1))) & mask;
        row << self.columns_log2 | column
    }

    /// Returns true if a place is an id.
    #[inline(always)]
    fn holds(&self, place: u32) -> bool {
        place < self.nodes
    }
}

/// Returns the shift of a round: a number below `range` that depends on all bits of `half` and of the lower half of
/// `key`.
#[inline(always)]
fn moved_by(half: u64, key: u64, range: u64) -> u64 {
    let once = folded((half ^ key) & LOWER, FACTORS[0]);
    let twice = folded(once, FACTORS[1]);
    (twice * range) >> 32
}

/// Returns the exclusive or of the two halves of a product: each half is linear in `value`, and their combination is
/// not.
#[inline(always)]
fn folded(value: u64, factor: u64) -> u64 {
    let product = value * factor;
    (product ^ product >> 32) & LOWER
}

#[cfg(test)]
mod tests;
