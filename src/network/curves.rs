//! The two functions that skewed latencies need, in integers: the quantiles of the normal distribution, and powers of
//! two. Both are tables with linear interpolation.
//!
//! The tables are built at the start of a run by `libm`, which is software and thus the same everywhere; they hold
//! correctly rounded values, so that another program can build the same tables without it (`docs/DETERMINISM.md`). What
//! was refused: the platform's `exp` and `ln`, whose last bits differ; and a table per distribution, because those of a
//! matrix of regions would fill the caches.

use std::f64::consts::{PI, SQRT_2};

/// The binary digits after the point of the arguments and values.
pub(super) const ONE_BITS: u32 = 32;
const ONE: u64 = 1 << ONE_BITS;

/// The number of linear segments for the quantiles of one halving of the tail, as a power of two.
const CELL_BITS: u32 = 6;
const CELLS: usize = 1 << CELL_BITS;

/// The number of linear segments for 2^x over one unit of x, as a power of two.
const PART_BITS: u32 = 10;
const PARTS: usize = 1 << PART_BITS;

/// The bits of a word that interpolate between two quantiles.
const REST_BITS: u32 = 24;

/// The bits of a cell of the quantiles that hold the distance to the quantile before.
const STEP_BITS: u32 = 28;

/// The cells of the quantiles, those of all halvings.
const KNOTS: usize = CELLS * u64::BITS as usize;

/// The tables of both functions. A cell holds a value and the difference to its neighbour, so that a draw reads one
/// word of each table.
#[derive(Debug)]
pub(super) struct Curves {
    /// At index `64 z + 63 - c` the upper quantile of 2^-(z + 2) (1 + c / 64), in units of 2^-32, and in the lowest 28
    /// bits its distance to that of c + 1.
    quantiles: [u64; KNOTS],
    /// At index `i` the power 2^(i / 1024) less 1 in the upper half, and its distance to the next in the lower one, in
    /// units of 2^-32.
    powers: [u64; PARTS],
}

/// The tables of both functions, as SIMD lanes read them.
#[derive(Clone, Copy, Debug)]
pub(super) struct CurveLanes<'a> {
    quantiles: &'a [u64; KNOTS],
    powers: &'a [u64; PARTS],
}

impl Curves {
    /// Computes both tables, which takes about a millisecond.
    pub(super) fn new() -> Curves {
        // The tail of c = 64 of the first halving is a half, and its quantile 0.
        let mut near = 0;
        let quantiles = std::array::from_fn(|knot| {
            let halvings = (knot / CELLS) as i32;
            let within = (CELLS - 1 - knot % CELLS) as f64 / CELLS as f64;
            let far = fixed(upper_quantile(libm::scalbn(1.0 + within, -(halvings + 2))));
            // A quantile is below 2^4, and those of one halving lie within 0.7 of each other.
            far << STEP_BITS | (far - std::mem::replace(&mut near, far))
        });
        let power = |part: usize| fixed(libm::exp2(part as f64 / PARTS as f64));
        let powers = std::array::from_fn(|part| (power(part) - ONE) << ONE_BITS | (power(part + 1) - power(part)));
        Curves { quantiles, powers }
    }

    /// Returns the tables as SIMD lanes read them.
    #[inline(always)]
    pub(super) fn lanes(&self) -> CurveLanes<'_> {
        CurveLanes { quantiles: &self.quantiles, powers: &self.powers }
    }

    /// Returns the standard normal quantile that a word maps to, in units of 2^-32. Its first bit decides the sign, the
    /// others the distance, down to a tail of 2^-64.
    #[inline]
    pub(super) fn normal(&self, word: u64) -> i64 {
        // Without a branch, because it would be mispredicted half of the time.
        let sign = (word as i64 >> 63) | 1;
        -sign * self.lanes().distance(word) as i64
    }

    /// Returns `scale` times 2^`exponent`, rounded down, with the exponent in units of 2^-32; `u64::MAX` if the result
    /// exceeds it.
    #[inline]
    pub(super) fn scaled(&self, scale: u64, exponent: i64) -> u64 {
        let product = u128::from(scale) * u128::from(self.lanes().power(exponent));
        // The product has at most 97 bits, so a left shift by up to 31 fits; beyond that the result has 65 bits or
        // more.
        match i64::from(ONE_BITS) - (exponent >> ONE_BITS) {
            shift @ 0..128 => u64::try_from(product >> shift).unwrap_or(u64::MAX),
            shift @ -31..0 => u64::try_from(product << -shift).unwrap_or(u64::MAX),
            shift if shift < 0 && scale != 0 => u64::MAX,
            _ => 0,
        }
    }
}

impl CurveLanes<'_> {
    /// Returns the distance from 0 of the normal quantile that a word maps to, below 2^4, in units of 2^-32.
    #[inline(always)]
    pub(super) fn distance(self, word: u64) -> u64 {
        // The lowest bit is set, so that the tail is never 0 and always has a leading one.
        let tail = (word << 1) | 1;
        let halvings = tail.leading_zeros();
        let fraction = tail << halvings << 1;
        let cell = fraction >> (u64::BITS - CELL_BITS);
        let rest = (fraction << CELL_BITS) >> (u64::BITS - REST_BITS);
        // The same as 64 z + 63 - c, in a form that shows the compiler that the index is within the table.
        let far = self.quantiles[(u64::from(halvings) << CELL_BITS | cell ^ (CELLS as u64 - 1)) as usize];
        (far >> STEP_BITS) - (((far & ((1 << STEP_BITS) - 1)) * rest) >> REST_BITS)
    }

    /// Returns 2 to the power of the part of an exponent below 1, from 1 to 2; all are in units of 2^-32.
    #[inline(always)]
    pub(super) fn power(self, exponent: i64) -> u64 {
        let rest_bits = ONE_BITS - PART_BITS;
        let part = exponent as u64 & (ONE - 1);
        let low = self.powers[(part >> rest_bits) as usize];
        ONE + (low >> ONE_BITS) + (((low & (ONE - 1)) * (part & ((1 << rest_bits) - 1))) >> rest_bits)
    }
}

/// Returns the nearest multiple of 2^-32 to a value of 0..2^31.
fn fixed(value: f64) -> u64 {
    libm::round(libm::scalbn(value, ONE_BITS as i32)) as u64
}

/// Returns the point beyond which the standard normal distribution has `tail`, at most 1/2: a first guess (Hastings
/// 1955), then Halley's method on the complementary error function until it no longer improves.
fn upper_quantile(tail: f64) -> f64 {
    let t = libm::sqrt(-2.0 * libm::log(tail));
    let mut guess = t - (2.30753 + 0.27061 * t) / (1.0 + 0.99229 * t + 0.04481 * t * t);
    // Halley's method converges cubically, so four steps exhaust the precision of a double.
    for _ in 0..4 {
        let density = libm::exp(-guess * guess / 2.0) / libm::sqrt(2.0 * PI);
        let step = (libm::erfc(guess / SQRT_2) / 2.0 - tail) / density;
        guess += step / (1.0 - step * guess / 2.0);
    }
    if tail == 0.5 { 0.0 } else { guess }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_textbooks() {
        for (tail, quantile) in [
            (0.1, 1.281_551_565_544_600_4),
            (0.025, 1.959_963_984_540_054),
            (1e-6, 4.753_424_308_822_899),
            (1e-12, 7.034_483_825_301_131),
        ] {
            assert!((upper_quantile(tail) - quantile).abs() < 1e-12, "{tail}");
        }
        let curves = Curves::new();
        let one = (1u64 << ONE_BITS) as f64;
        for tail in [0.5, 0.499, 0.3, 0.1, 0.01, 1e-5, 1e-10] {
            let word = (1 << 63) | libm::scalbn(tail, 64) as u64;
            let word = if tail == 0.5 { u64::MAX } else { word };
            let (above, below) = (curves.normal(word) as f64 / one, curves.normal(word ^ (1 << 63)) as f64 / one);
            assert!((above - upper_quantile(tail)).abs() < 2e-5, "{tail}: {above}");
            assert_eq!(above, -below);
        }
    }

    #[test]
    fn quantiles_never_rise_with_the_tail() {
        let curves = Curves::new();
        let tails = (0..=62).flat_map(|shift| (0..500u64).map(move |part| ((part << 54) | (1 << 63)) >> shift));
        let mut words: Vec<u64> = tails.map(|tail| (tail >> 1) | (1 << 63)).collect();
        words.sort_unstable();
        assert!(words.is_sorted_by_key(|&word| std::cmp::Reverse(curves.normal(word))));
        assert!((0..4).contains(&curves.normal(u64::MAX)), "the median is 0 but for the last bits");
    }

    #[test]
    fn powers_are_powers() {
        let curves = Curves::new();
        let exact = |exponent: f64| 1e9 * exponent.exp2();
        for exponent in [0.0, 1.0, -1.0, 0.3, 5.75, -3.21, 20.0] {
            let power = curves.scaled(1_000_000_000, (exponent * (1u64 << ONE_BITS) as f64) as i64) as f64;
            assert!((power - exact(exponent)).abs() < 1e-7 * exact(exponent) + 1.0, "{exponent}: {power}");
        }
        assert_eq!(curves.scaled(1, 63 << ONE_BITS), 1 << 63);
        assert_eq!((curves.scaled(1, 64 << ONE_BITS), curves.scaled(3, i64::MAX)), (u64::MAX, u64::MAX));
        assert_eq!((curves.scaled(u64::MAX, i64::MIN), curves.scaled(0, i64::MAX)), (0, 0));
    }

    /// The digests in `docs/DETERMINISM.md`.
    #[test]
    fn the_tables_are_pinned() {
        let curves = Curves::new();
        let digest = |table: &[u64]| {
            let bytes = table.iter().flat_map(|word| word.to_le_bytes());
            bytes.fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
        };
        let [mut quantiles, mut powers] = [vec![0], vec![ONE]];
        for cell in curves.quantiles {
            assert_eq!(cell & ((1 << STEP_BITS) - 1), (cell >> STEP_BITS) - quantiles.last().unwrap());
            quantiles.push(cell >> STEP_BITS);
        }
        for cell in curves.powers {
            assert_eq!(ONE + (cell >> ONE_BITS), *powers.last().unwrap());
            powers.push(powers.last().unwrap() + (cell & (ONE - 1)));
        }
        assert_eq!((quantiles.len(), powers.len()), (4_097, 1_025));
        assert_eq!(
            format!("{:016X} {:016X}", digest(&quantiles), digest(&powers)),
            "FB0B96F604A6C90A E70256D22B6B319A"
        );
    }
}
