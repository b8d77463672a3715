//! A share as the draw of one word takes it: one comparison, no division, the same on every platform.

use crate::ratio::Ratio;

/// The chance that something happens, as a threshold for one word. Exact to 2^-63; 0 never happens and 1 always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probability(u64);

impl Probability {
    /// What never happens.
    pub const NEVER: Probability = Probability(0);

    /// Whether it never happens.
    pub const fn is_never(self) -> bool {
        self.0 == 0
    }

    /// The chance that equals a share.
    pub const fn of(share: Ratio) -> Probability {
        Probability(share.ceil_of(1 << 63))
    }

    /// The chance of `parts` in 2^63; more than that is certain.
    pub(crate) const fn of_parts(parts: u64) -> Probability {
        Probability(if parts > 1 << 63 { 1 << 63 } else { parts })
    }

    /// Whether it happens under this word, which must not decide anything else.
    #[inline]
    pub const fn hits(self, word: u64) -> bool {
        word >> 1 < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_strikes_as_often_as_it_says() {
        let chance = |numerator, denominator| Probability::of(Ratio::new(numerator, denominator).unwrap());
        assert!(!chance(0, 1).hits(0) && !Probability::NEVER.hits(0));
        assert!(chance(1, 1).hits(u64::MAX));
        assert_eq!((chance(1, 2).hits((1 << 63) - 1), chance(1, 2).hits(1 << 63)), (true, false));
        assert_eq!(Probability::of_parts(u64::MAX), chance(1, 1));
        // A third is no binary fraction: the threshold is rounded up.
        assert_eq!(chance(1, 3), Probability(3_074_457_345_618_258_603));
    }
}
