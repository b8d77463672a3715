//! Logarithms in integers: the same bits on every platform.
//!
//! A table and a parabola; the error is below 2^-30. What was refused: the platform's `ln`, because its last bit
//! differs between C libraries, and it takes 9.6 ns a draw instead of 4.2; and the `libm` crate, which gives the same
//! bits everywhere but takes 14.2 ns, and whose next version may round differently.

/// The binary digits after the point of a logarithm: 7 bits before the point, 57 after.
pub(crate) const ONE_BITS: u32 = 57;

/// ln 2, in units of 2^-64.
const LN_2: u128 = 0xB172_17F7_D1CF_79AB;

/// The number of segments into which the table divides 1..2.
const SEGMENTS: usize = 512;

/// The parabola that approximates log2 near the centre of one segment.
#[derive(Clone, Copy)]
struct Segment {
    /// Logarithm at the centre, in units of 2^-57.
    level: u64,
    /// First derivative, in units of 2^-62.
    slope: i64,
    /// Minus half of the second derivative, in units of 2^-31.
    curve: u64,
}

static TABLE: [Segment; SEGMENTS] = table();

/// Returns -log2((word | 1) / 2^64), in units of 2^-57.
#[inline]
pub(crate) fn minus_log2(word: u64) -> u64 {
    // Odd, so that the logarithm of 0 never occurs; the change is below 2^-63 of the range.
    let word = word | 1;
    let zeros = word.leading_zeros();
    // The bits after the leading one, shifted to the top: the fraction of a number whose integer part is 1.
    let fraction = word << zeros << 1;
    let segment = &TABLE[(fraction >> 55) as usize];
    let offset = (fraction & ((1 << 55) - 1)) as i64 - (1 << 54);
    let line = ((i128::from(segment.slope) * i128::from(offset)) >> 69) as i64;
    // The quadratic term needs few digits, and this way its square fits into 64 bits.
    let coarse = offset >> 23;
    let bend = (((coarse * coarse) as u64 >> 31) * segment.curve) >> 25;
    let mantissa = segment.level.wrapping_add_signed(line).wrapping_sub(bend);
    // Saturating, because the error of the table could take the logarithm of a word of ones below 0.
    (u64::from(zeros + 1) << ONE_BITS).saturating_sub(mantissa)
}

/// Returns `mean * -ln((word | 1) / 2^64)`, rounded down: the exponential draw that a word maps to.
#[inline]
pub(crate) fn exponential(mean: u64, word: u64) -> u64 {
    let logarithm = (u128::from(minus_log2(word)) * LN_2) >> 64;
    u64::try_from((u128::from(mean) * logarithm) >> ONE_BITS).unwrap_or(u64::MAX)
}

/// Returns log2(numerator / denominator) for `1 <= numerator / denominator < 2^32`, in units of 2^-57, rounded down.
///
/// It is computed digit by digit: the square of a number in 1..2 is 2 or more exactly if the next binary digit of its
/// logarithm is 1.
pub(crate) const fn log2(numerator: u64, denominator: u64) -> u64 {
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
    /// log2(e), in units of 2^-62.
    const LOG2_E: u128 = 0x5C55_1D94_AE0B_F85D;
    /// The centres of the segments are odd multiples of 1 / PARTS.
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

    #[test]
    fn the_logarithm_is_a_logarithm() {
        let mut stream = Key::new(1, Purpose::Topology).with(1).stream();
        for shift in (0..64).cycle().take(200_000) {
            let word = stream.next_word() >> shift;
            let exact = 64.0 - ((word | 1) as f64).log2();
            let error = minus_log2(word) as f64 / (1u64 << ONE_BITS) as f64 - exact;
            assert!(error.abs() < 1e-9, "{word}: {error}");
        }
        assert_eq!((log2(8, 1), log2(1, 1)), (3 << ONE_BITS, 0));
    }

    /// The vectors in `docs/DETERMINISM.md`.
    #[test]
    fn logarithms_are_pinned() {
        let words = [0, 1 << 63, 0xC000_0000_0000_0000, 0xE220_A839_7B1D_CDAF, u64::MAX];
        let logarithms = [
            9_223_372_036_790_372_322,
            144_115_188_011_452_386,
            59_813_207_248_006_979,
            25_797_617_446_293_299,
            8_076_971,
        ];
        assert_eq!(words.map(minus_log2), logarithms);
    }
}
