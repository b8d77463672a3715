//! Parts of an order: how its bytes are cut into sets of data parts, what coding parts join them, and how the data of a
//! set is recovered from any of its parts.
//!
//! A set has as many data parts as coding parts by default, and any parts of it, as many as it has data parts, recover
//! its data (Reed and Solomon 1960; the code is that of the crate `reed-solomon-simd`, over 2^16 elements). All parts
//! of a run have bodies of one length: the last data part of an order is filled up with zeros.

use std::ops::Range;

/// Parts of a set at most: a node notes those that it has in one word.
pub const SET_PARTS_MAX: u32 = 64;

/// Parts of a set with up to 32 data parts, data and coding together, so that it is recovered as often as one of 32 and
/// 32 (agave at 03b251f, ledger/src/shredder.rs, `ERASURE_BATCH_SIZE`).
const BATCH_SIZES: [u32; 33] = [
    0, 18, 20, 22, 23, 25, 27, 28, 30, 32, 33, 35, 36, 38, 39, 41, 42, 43, 45, 46, 48, 49, 51, 52, 53, 55, 56, 58, 59,
    60, 62, 63, 64,
];

/// The rule by which a protocol cuts orders into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderCut {
    /// Bytes of the body of each part; even.
    pub body_bytes: u32,
    /// Data parts of a whole set.
    pub data: u32,
    /// Coding parts of a whole set; with the data parts at most 64 (`SET_PARTS_MAX`).
    pub coding: u32,
}

/// The number of parts in one set of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartSet {
    /// Data parts, which come first.
    pub data: u32,
    /// Coding parts.
    pub coding: u32,
}

/// The sets of an order of one length, so that a message about one of them takes no division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderSets {
    /// Bytes of the order.
    pub order_bytes: u32,
    /// The number of sets.
    pub count: u32,
    whole: PartSet,
    last: PartSet,
}

/// The name of a part: its set within the order, and its place within the set. It is the lower half of the word that
/// names a part in a message, whose upper half is the protocol's own.
///
/// ```text
/// place: u8 | set: u24
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartName {
    /// The set, from 0.
    pub set: u32,
    /// The place within it: first those of data, then those of coding parts.
    pub place: u32,
}

impl PartName {
    /// Encodes the name as the lower half of a word.
    #[inline]
    pub const fn to_word(self) -> u64 {
        self.place as u64 | (self.set as u64) << 8
    }

    /// Decodes the name in the lower half of a word.
    #[inline]
    pub const fn of_word(word: u64) -> PartName {
        PartName { set: word as u32 >> 8, place: word as u32 & 0xFF }
    }
}

impl PartSet {
    /// Returns the number of parts.
    pub const fn parts(self) -> u32 {
        self.data + self.coding
    }
}

impl OrderSets {
    /// Returns the size of a set; `None` if the order has fewer.
    #[inline]
    pub const fn get(&self, set: u32) -> Option<PartSet> {
        if set >= self.count {
            None
        } else if set + 1 == self.count {
            Some(self.last)
        } else {
            Some(self.whole)
        }
    }
}

impl OrderCut {
    /// Returns the sets of an order with this many bytes.
    pub fn sets_of(self, order_bytes: u32) -> OrderSets {
        let count = self.sets(order_bytes);
        let whole = PartSet { data: self.data, coding: self.coding };
        OrderSets { order_bytes, count, whole, last: self.set(order_bytes, count - 1) }
    }

    /// Returns the number of data parts of an order with this many bytes, at least one.
    pub const fn data_parts(self, order_bytes: u32) -> u32 {
        let parts = order_bytes.div_ceil(self.body_bytes);
        if parts == 0 { 1 } else { parts }
    }

    /// Returns the number of sets of an order with this many bytes.
    pub const fn sets(self, order_bytes: u32) -> u32 {
        self.data_parts(order_bytes).div_ceil(self.data)
    }

    /// Returns the size of one of these sets. All but the last are whole.
    pub fn set(self, order_bytes: u32, set: u32) -> PartSet {
        let data = (self.data_parts(order_bytes) - set * self.data).min(self.data);
        PartSet { data, coding: self.coding_parts(data) }
    }

    /// Returns the number of parts of an order with this many bytes.
    pub fn parts(self, order_bytes: u32) -> u32 {
        let last = self.sets(order_bytes) - 1;
        last * (self.data + self.coding) + self.set(order_bytes, last).parts()
    }

    /// Returns the number of coding parts for a set of `data` data parts: agave's table where a whole set is one of 32
    /// and 32, else as many for each data part as in a whole set, rounded up.
    fn coding_parts(self, data: u32) -> u32 {
        if (self.data, self.coding) == (32, 32) {
            return BATCH_SIZES[data as usize] - data;
        }
        (data * self.coding).div_ceil(self.data)
    }
}

/// The parts of one order, with their bodies.
#[derive(Debug)]
pub struct EncodedParts {
    cut: OrderCut,
    order_bytes: u32,
    /// The bodies, set by set; each set but the last takes the same room.
    bodies: Box<[u8]>,
}

impl EncodedParts {
    /// Cuts the bytes of an order, and computes the coding parts of each set.
    pub fn encode(cut: OrderCut, order: &[u8]) -> EncodedParts {
        let order_bytes = order.len() as u32;
        let body_bytes = cut.body_bytes as usize;
        let mut bodies = Vec::with_capacity(cut.parts(order_bytes) as usize * body_bytes);
        for (set, data) in (0..cut.sets(order_bytes)).zip(order.chunks(body_bytes * cut.data as usize)) {
            let PartSet { data: originals, coding } = cut.set(order_bytes, set);
            let begin = bodies.len();
            bodies.extend_from_slice(data);
            bodies.resize(begin + originals as usize * body_bytes, 0);
            let parts = bodies[begin..].chunks_exact(body_bytes);
            let coded = reed_solomon_simd::encode(originals as usize, coding as usize, parts);
            // It fails only for numbers and lengths of parts that no cut has.
            coded.into_iter().flatten().for_each(|body| bodies.extend(body));
        }
        EncodedParts { cut, order_bytes, bodies: bodies.into() }
    }

    /// Returns the body of a part; empty for one that the order does not have.
    pub fn body(&self, part: PartName) -> &[u8] {
        self.bodies.get(self.place_of(part)).unwrap_or_default()
    }

    /// Recovers the data of a set from the parts whose bits are set in `present`. Returns true if there are enough of
    /// them and the data is that of the order.
    pub fn recover(&self, set: u32, present: u64) -> bool {
        let PartSet { data, coding } = self.cut.set(self.order_bytes, set);
        let is_present = |place: u32| present >> place & 1 == 1;
        if (0..data).all(is_present) {
            return true;
        }
        let body = |place| self.body(PartName { set, place });
        let numbered = |places: Range<u32>| {
            let first = places.start;
            places.filter(|&place| is_present(place)).map(move |place| ((place - first) as usize, body(place)))
        };
        let (data_parts, coding_parts) = (numbered(0..data), numbered(data..data + coding));
        let decoded = reed_solomon_simd::decode(data as usize, coding as usize, data_parts, coding_parts);
        let is_right = |place: u32, restored: Option<&Vec<u8>>| restored.is_some_and(|bytes| bytes == body(place));
        decoded.is_ok_and(|restored| {
            (0..data).filter(|&place| !is_present(place)).all(|place| is_right(place, restored.get(&(place as usize))))
        })
    }

    fn place_of(&self, PartName { set, place }: PartName) -> Range<usize> {
        let part = set as usize * (self.cut.data + self.cut.coding) as usize + place as usize;
        let body_bytes = self.cut.body_bytes as usize;
        part * body_bytes..(part + 1) * body_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AGAVE: OrderCut = OrderCut { body_bytes: 964, data: 32, coding: 32 };

    #[test]
    fn sets_are_whole_but_for_the_last() {
        let sets = |bytes| {
            let sets: Vec<PartSet> = (0..AGAVE.sets(bytes)).map(|set| AGAVE.set(bytes, set)).collect();
            let same = AGAVE.sets_of(bytes);
            assert!((0..).map_while(|set| same.get(set)).eq(sets.iter().copied()), "{bytes}");
            sets
        };
        let whole = PartSet { data: 32, coding: 32 };
        assert_eq!(sets(0), [PartSet { data: 1, coding: 17 }]);
        assert_eq!(sets(964), [PartSet { data: 1, coding: 17 }]);
        assert_eq!(sets(965), [PartSet { data: 2, coding: 18 }]);
        assert_eq!(sets(32 * 964), [whole]);
        assert_eq!(sets(32 * 964 + 1), [whole, PartSet { data: 1, coding: 17 }]);
        assert_eq!(sets((64 + 20) * 964), [whole, whole, PartSet { data: 20, coding: 28 }]);
        assert_eq!(AGAVE.parts((64 + 20) * 964), 2 * 64 + 48);
        let half = OrderCut { data: 30, coding: 15, ..AGAVE };
        assert_eq!(half.set(31 * 964, 1), PartSet { data: 1, coding: 1 });
        assert_eq!(half.set(37 * 964, 1), PartSet { data: 7, coding: 4 });
    }

    /// Every number of data parts has a set, and no set has more parts than a word has bits.
    #[test]
    fn every_set_fits_a_word() {
        for data in 1..=32 {
            let set = AGAVE.set(data * 964, 0);
            assert!(set.data == data && set.coding > 0 && set.parts() <= SET_PARTS_MAX, "{set:?}");
        }
    }

    proptest! {
        /// Any parts, as many as there are data parts, recover a set, and one fewer do not.
        #[test]
        fn as_many_parts_as_data_recover_a_set(
            (data, coding) in (1u32..=32, 1u32..=32),
            bytes in prop::collection::vec(any::<u8>(), 1..3_000),
            order in any::<u64>(),
        ) {
            let cut = OrderCut { body_bytes: 66, data, coding };
            let encoded = EncodedParts::encode(cut, &bytes);
            let length = bytes.len() as u32;
            let mut content: Vec<u8> = Vec::new();
            for set in 0..cut.sets(length) {
                let PartSet { data, coding } = cut.set(length, set);
                (0..data).for_each(|place| content.extend(encoded.body(PartName { set, place })));
                // Parts in an arbitrary sequence.
                let mut places: Vec<u32> = (0..data + coding).collect();
                places.sort_by_key(|&place| order.wrapping_mul(0x9E37_79B9_7F4A_7C15 + 2 * u64::from(place)) >> 7);
                let bits = |count: u32| places[..count as usize].iter().fold(0, |bits, place| bits | 1u64 << place);
                prop_assert!(encoded.recover(set, bits(data)));
                prop_assert!(!encoded.recover(set, bits(data - 1)));
            }
            prop_assert_eq!(&content[..bytes.len()], &bytes[..]);
            prop_assert!(content[bytes.len()..].iter().all(|&byte| byte == 0));
        }
    }

    #[test]
    fn wrong_bytes_are_not_recovered() {
        let mut encoded = EncodedParts::encode(AGAVE, &[7; 5_000]);
        let coding = 0b1111_1111 << 8;
        assert!(encoded.recover(0, coding));
        let broken = encoded.place_of(PartName { set: 0, place: 9 }).start;
        encoded.bodies[broken] ^= 1;
        assert!(!encoded.recover(0, coding));
        assert_eq!(encoded.body(PartName { set: 1, place: 0 }), &[0; 0]);
    }
}
