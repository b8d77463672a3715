//! How many pairs to skip until the next one that is linked: geometric draws, the same bits on every platform.
//!
//! Visiting all pairs would take the square of the nodes; skipping from link to link takes one draw each (Batagelj and
//! Brandes 2005, "Efficient generation of large random networks"). A skip is the floor of log(U) / log(1 - p) for a
//! uniform U. Here both logarithms are whole numbers of 2^-57, from a table and a parabola, so that no platform's
//! `ln` can change an overlay. Their error is below 2^-30: it moves a skip by one pair at most while p is above 2^-30,
//! and does so for at most one in 3,000 skips at 10^7 nodes with 20 peers.
//!
//! What was refused: the platform's `ln` (its last bit differs between C libraries; 9.6 ns a draw where this takes
//! 4.2), and the `libm` crate (the same bits everywhere, but 14.2 ns, and its next version may round otherwise).

use crate::random::Stream;

/// A logarithm of 1 in fixed point, as a power of two: 7 bits before the point, 57 after.
const ONE_BITS: u32 = 57;

/// The parts into which the table divides 1..2.
const SEGMENTS: usize = 512;

/// The parabola that stands for log2 near the centre of one segment.
#[derive(Clone, Copy)]
struct Segment {
    /// The logarithm at the centre, in 2^-57.
    level: u64,
    /// Its first derivative, in 2^-62.
    slope: i64,
    /// Minus half of its second, in 2^-31.
    curve: u64,
}

static TABLE: [Segment; SEGMENTS] = table();

/// The distribution of skips for one probability.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skips {
    /// 1 / -log2(1 - p), scaled to fill 63 bits.
    reciprocal: u64,
    /// By how many bits more than 64 a product is too large.
    excess: u32,
}

impl Skips {
    /// Skips for the probability `chances / out_of`, which lies strictly between 0 and 1; `out_of` is below 2^32.
    pub(super) const fn new(chances: u32, out_of: u32) -> Skips {
        debug_assert!(0 < chances && chances < out_of);
        let decay = log2(out_of as u64, (out_of - chances) as u64);
        let bits = u64::BITS - decay.leading_zeros();
        Skips { reciprocal: ((1 << (bits + 62)) / decay as u128) as u64, excess: bits - 2 }
    }

    /// The number of pairs without a link before the next pair with one; less than 2^38.
    #[inline]
    pub(super) fn draw(self, stream: &mut Stream) -> u64 {
        let product = u128::from(minus_log2(stream.next_word())) * u128::from(self.reciprocal);
        (product >> 64) as u64 >> self.excess
    }
}

/// -log2((word | 1) / 2^64), in 2^-57.
#[inline]
fn minus_log2(word: u64) -> u64 {
    let word = word | 1;
    let zeros = word.leading_zeros();
    // The bits after the leading one, moved to the top: what is in front of the point is 1, what is here is behind it.
    let fraction = word << zeros << 1;
    let segment = &TABLE[(fraction >> 55) as usize];
    let offset = (fraction & ((1 << 55) - 1)) as i64 - (1 << 54);
    let line = ((i128::from(segment.slope) * i128::from(offset)) >> 69) as i64;
    let coarse = offset >> 23;
    let bend = (((coarse * coarse) as u64 >> 31) * segment.curve) >> 25;
    let mantissa = segment.level.wrapping_add_signed(line).wrapping_sub(bend);
    (u64::from(zeros + 1) << ONE_BITS).saturating_sub(mantissa)
}

/// log2(numerator / denominator) for `1 <= numerator / denominator < 2^32`, in 2^-57, rounded down.
///
/// Digit by digit: a number of 1..2 squared is 2 or more exactly where the next binary digit of its logarithm is 1.
const fn log2(numerator: u64, denominator: u64) -> u64 {
    let mut digits = 0;
    let mut power = denominator;
    while numerator >= 2 * power {
        power *= 2;
        digits += 1;
    }
    let mut rest = ((numerator as u128) << 63) / power as u128;
    let mut place = 0;
    while place < ONE_BITS {
        rest = (rest * rest) >> 63;
        let digit = (rest >> 64) as u64;
        rest >>= digit;
        digits = 2 * digits + digit;
        place += 1;
    }
    digits
}

const fn table() -> [Segment; SEGMENTS] {
    /// log2(e), in 2^-62.
    const LOG2_E: u128 = 0x5C55_1D94_AE0B_F85D;
    /// The segments' centres are odd multiples of 1 / PARTS.
    const PARTS: u64 = 2 * SEGMENTS as u64;

    let mut table = [Segment { level: 0, slope: 0, curve: 0 }; SEGMENTS];
    let mut i = 0;
    while i < SEGMENTS {
        let centre = PARTS + 2 * i as u64 + 1;
        let slope = LOG2_E * PARTS as u128 / centre as u128;
        let curve = (slope * PARTS as u128 / centre as u128) >> 32;
        table[i] = Segment { level: log2(centre, PARTS), slope: slope as i64, curve: curve as u64 };
        i += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose};

    fn stream(word: u64) -> Stream {
        Key::new(1, Purpose::Topology).with(word).stream()
    }

    #[test]
    fn the_logarithm_is_a_logarithm() {
        let mut stream = stream(1);
        for shift in (0..64).cycle().take(200_000) {
            let word = stream.next_word() >> shift;
            let exact = 64.0 - ((word | 1) as f64).log2();
            let error = minus_log2(word) as f64 / (1u64 << ONE_BITS) as f64 - exact;
            assert!(error.abs() < 1e-9, "{word}: {error}");
        }
        assert_eq!((log2(8, 1), log2(1, 1)), (3 << ONE_BITS, 0));
    }

    /// The mean is (1 - p) / p and the standard deviation nearly as much, so that of the mean of a million draws is a
    /// thousandth of it; five of them either way.
    #[test]
    fn skips_have_the_mean_of_their_probability() {
        for (chances, out_of) in [(1, 2), (998, 999), (20, 999), (20, 9_999_999), (1, u32::MAX - 1)] {
            let skips = Skips::new(chances, out_of);
            let mut stream = stream(u64::from(out_of));
            let sum: u128 = (0..1_000_000).map(|_| u128::from(skips.draw(&mut stream))).sum();
            let p = f64::from(chances) / f64::from(out_of);
            let (mean, expected, deviation) = (sum as f64 / 1e6, (1.0 - p) / p, (1.0 - p).sqrt() / p);
            assert!((mean - expected).abs() < 0.005 * deviation, "{chances}/{out_of}: {mean} {expected}");
        }
    }

    /// Skips of 0 have the probability p, and each next one (1 - p) times that of the one before.
    #[test]
    fn short_skips_are_geometric() {
        let skips = Skips::new(3, 10);
        let mut stream = stream(2);
        let mut counts = [0u32; 12];
        for _ in 0..1_000_000 {
            if let Some(count) = counts.get_mut(skips.draw(&mut stream) as usize) {
                *count += 1;
            }
        }
        let mut expected = 300_000.0;
        for count in counts {
            assert!((f64::from(count) - expected).abs() < 5.0 * f64::sqrt(expected), "{counts:?}");
            expected *= 0.7;
        }
    }

    /// The vectors in `docs/DETERMINISM.md`.
    #[test]
    fn logarithms_and_skips_are_pinned() {
        let words = [0, 1 << 63, 0xC000_0000_0000_0000, 0xE220_A839_7B1D_CDAF, u64::MAX];
        let logarithms = [
            9_223_372_036_790_372_322,
            144_115_188_011_452_386,
            59_813_207_248_006_979,
            25_797_617_446_293_299,
            8_076_971,
        ];
        assert_eq!(words.map(minus_log2), logarithms);
        let skips = Skips::new(20, 999);
        assert_eq!((skips.reciprocal, skips.excess), (4_939_542_299_847_396_901, 50));
        let mut stream = Key::new(7, Purpose::Topology).stream();
        assert_eq!([(); 8].map(|()| skips.draw(&mut stream)), [37, 0, 3, 93, 3, 57, 26, 78]);
    }
}
