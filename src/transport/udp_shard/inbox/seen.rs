//! Remembers which trailers of a channel have come, so that none counts twice.
//!
//! Each trailer has a charge of its own, because each is charged itself. Most come in sequence, and one comparison
//! shows that they are new. A trailer that was overtaken, which can happen if the kernel handles packets on two cores,
//! is told from a replay by the charges of earlier ones: as in IPsec's replay protection (RFC 6479), a trailer older
//! than all of these is refused.

/// Number of trailers remembered individually: more than a channel's credit allows under way at the default buffer.
const KEPT: usize = 64;

/// The charges of the most recent trailers.
pub(super) struct SeenSequences {
    newest: u64,
    kept: [u64; KEPT],
    /// Number of trailers recorded.
    count: usize,
}

impl Default for SeenSequences {
    fn default() -> SeenSequences {
        SeenSequences { newest: 0, kept: [0; KEPT], count: 0 }
    }
}

impl SeenSequences {
    /// Returns true if the trailer with this charge has come, or is older than all remembered ones.
    #[inline]
    pub(super) fn has(&self, charge: u64) -> bool {
        charge <= self.newest && self.has_older(charge)
    }

    fn has_older(&self, charge: u64) -> bool {
        // No charge is 0, the value of a slot that holds no trailer yet.
        let oldest = self.kept.iter().copied().min().unwrap_or(0);
        charge == 0 || charge < oldest || self.kept.contains(&charge)
    }

    /// Records a trailer that had not come before; returns true if it is the newest.
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
    fn a_trailer_counts_once_in_any_sequence() {
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
    fn a_charge_older_than_all_remembered_has_come() {
        let mut seen = SeenSequences::default();
        (1..=KEPT as u64 + 5).for_each(|number| assert!(seen.add(number * 10)));
        assert!([1, 10, 50, 55].iter().all(|&charge| seen.has(charge)));
        assert!(!seen.has(65) && seen.has(70));
    }
}
