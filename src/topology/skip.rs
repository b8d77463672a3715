//! Draws the number of pairs to skip until the next linked one: geometric draws with the same bits on every platform.
//!
//! Visiting all pairs would take time quadratic in the number of nodes; skipping from link to link takes one draw each
//! (Batagelj and Brandes 2005, "Efficient generation of large random networks"). For a uniform U a skip is the floor of
//! log(U) / log(1 - p). Both logarithms are computed in integers (`random::log`), so that an overlay is the same on
//! every platform. Their error is below 2^-30: it moves a skip by at most one pair while p is above 2^-30, and does so
//! for at most one in 3,000 skips at 10^7 nodes with 20 peers.

use crate::random::Stream;
use crate::random::log::{log2, minus_log2};

/// The geometric distribution of skips for one probability.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skips {
    /// 1 / -log2(1 - p), scaled to fill 63 bits.
    reciprocal: u64,
    /// The scale of a product beyond 64 bits, in bits: a draw shifts by this much more.
    excess: u32,
}

impl Skips {
    /// Creates the distribution for the probability `chances / out_of`, which lies strictly between 0 and 1; `out_of`
    /// is below 2^32.
    pub(super) const fn new(chances: u32, out_of: u32) -> Skips {
        debug_assert!(0 < chances && chances < out_of);
        let decay = log2(out_of as u64, (out_of - chances) as u64);
        let bits = u64::BITS - decay.leading_zeros();
        Skips { reciprocal: ((1 << (bits + 62)) / decay as u128) as u64, excess: bits - 2 }
    }

    /// Draws the number of unlinked pairs before the next linked one; less than 2^38.
    #[inline]
    pub(super) fn draw(self, stream: &mut Stream) -> u64 {
        let product = u128::from(minus_log2(stream.next_word())) * u128::from(self.reciprocal);
        (product >> 64) as u64 >> self.excess
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose};

    fn stream(word: u64) -> Stream {
        Key::new(1, Purpose::Topology).with(word).stream()
    }

    /// The mean is (1 - p) / p and the standard deviation nearly the same, so that of the mean of a million draws is a
    /// thousandth of it; the bound is five of these either way.
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

    /// A skip of 0 has probability p, and each longer one (1 - p) times that of the skip before.
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
    fn skips_are_pinned() {
        let skips = Skips::new(20, 999);
        assert_eq!((skips.reciprocal, skips.excess), (4_939_542_299_847_396_901, 50));
        let mut stream = Key::new(7, Purpose::Topology).stream();
        assert_eq!([(); 8].map(|()| skips.draw(&mut stream)), [37, 0, 3, 93, 3, 57, 26, 78]);
    }
}
