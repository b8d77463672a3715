//! Which marks of a lane have come, so that none counts twice.
//!
//! Each mark has a charge of its own, since each is charged itself. Most come in order, and are known as new by one comparison.
//! One that was overtaken, as can be where the kernel handles packets on two cores, is told from one that comes again by the
//! charges of those before: as against replays of IPsec's packets (RFC 6479), what is older than all of these is refused.

/// How many marks are known by themselves: more than a lane's credit lets be under way at the default buffer.
const KEPT: usize = 64;

/// The charges of the marks that came last.
pub(super) struct SeenSequences {
    newest: u64,
    kept: [u64; KEPT],
    /// How many came.
    count: usize,
}

impl Default for SeenSequences {
    fn default() -> SeenSequences {
        SeenSequences { newest: 0, kept: [0; KEPT], count: 0 }
    }
}

impl SeenSequences {
    /// Whether the mark of this charge has come, or is older than what is known.
    #[inline]
    pub(super) fn has(&self, charge: u64) -> bool {
        charge <= self.newest && self.has_older(charge)
    }

    fn has_older(&self, charge: u64) -> bool {
        // No charge is 0, which the places hold that no mark has yet.
        let oldest = self.kept.iter().copied().min().unwrap_or(0);
        charge == 0 || charge < oldest || self.kept.contains(&charge)
    }

    /// Notes a mark that had not come; true if it is the newest.
    #[inline]
    pub(super) fn add(&mut self, charge: u64) -> bool {
        self.kept[self.count % KEPT] = charge;
        self.count = self.count.wrapping_add(1);
        let is_newest = charge > self.newest;
        self.newest = self.newest.max(charge);
        is_newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_once_in_whatever_order_it_comes() {
        let mut seen = SeenSequences::default();
        assert!(seen.has(0));
        for (charge, is_newest) in [(10, true), (30, true), (20, false), (40, true)] {
            assert!(!seen.has(charge));
            assert_eq!(seen.add(charge), is_newest);
            assert!(seen.has(charge));
        }
        assert!([10, 20, 30, 40].iter().all(|&charge| seen.has(charge)) && !seen.has(35) && !seen.has(50));
    }

    #[test]
    fn what_is_older_than_all_that_is_known_has_come() {
        let mut seen = SeenSequences::default();
        (1..=KEPT as u64 + 5).for_each(|number| assert!(seen.add(number * 10)));
        assert!([1, 10, 50, 55].iter().all(|&charge| seen.has(charge)));
        assert!(!seen.has(65) && seen.has(70));
    }
}
