//! A share in the form that a draw of one word needs: one comparison, no division, the same on every platform.

use crate::ratio::Ratio;

/// A probability, stored as a threshold for one word. Exact to 2^-63; 0 never hits and 1 always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probability(u64);

impl Probability {
    /// Probability 0.
    pub const NEVER: Probability = Probability(0);

    /// Returns true if the probability is 0.
    pub const fn is_never(self) -> bool {
        self.0 == 0
    }

    /// Returns the probability that equals a share.
    pub const fn of(share: Ratio) -> Probability {
        Probability(share.ceil_of(1 << 63))
    }

    /// Returns the probability of `parts` in 2^63; larger values count as certain.
    pub(crate) const fn of_parts(parts: u64) -> Probability {
        Probability(if parts > 1 << 63 { 1 << 63 } else { parts })
    }

    /// Returns true if the event occurs under this word, which must not be used for anything else.
    #[inline]
    pub const fn hits(self, word: u64) -> bool {
        // 63 bits of the word, so that the threshold of certainty, 2^63, fits into the type.
        word >> 1 < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_hits_as_often_as_it_says() {
        let chance = |numerator, denominator| Probability::of(Ratio::new(numerator, denominator).unwrap());
        assert!(!chance(0, 1).hits(0) && !Probability::NEVER.hits(0));
        assert!(chance(1, 1).hits(u64::MAX));
        assert_eq!((chance(1, 2).hits((1 << 63) - 1), chance(1, 2).hits(1 << 63)), (true, false));
        assert_eq!(Probability::of_parts(u64::MAX), chance(1, 1));
        // A third is not a binary fraction: the threshold is rounded up.
        assert_eq!(chance(1, 3), Probability(3_074_457_345_618_258_603));
    }
}
