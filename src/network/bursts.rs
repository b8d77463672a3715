//! Good and bad periods of a link, without stored state: the state of a link is a function of (seed, link, time), so
//! that links can be queried at any time, in any order, by any thread.
//!
//! The periods are those of a Markov chain of two states over slots of time, the chain of Gilbert and Elliott: a slot
//! is a power of two in nanoseconds, between a 128th and a 64th of the shorter mean period, and at its end the state
//! changes with probability slot length over mean period. After 2^k slots with lambda^(2^k) < 2^-63, where lambda is
//! the second eigenvalue of the chain, the arithmetic cannot show any influence of the first state. The states at the
//! borders of such epochs are therefore drawn independently, from the stationary distribution. Within an epoch the
//! state in the middle between two known ones is drawn from its exact distribution given both (P(a, m) P(m, b) / P(a,
//! b), a Markov bridge), then the state in the middle of the half that holds the requested time, at most 13 times until
//! the slot is reached.
//!
//! Rejected alternatives: a stored state per link, because 10^9 nodes leave no memory for it and it would depend on the
//! order of queries; and independent epochs, which would cut every burst at their borders.

use super::loss_spec::{BurstScope, BurstSpec};
use crate::ids::NodeId;
use crate::random::{Key, Probability, Purpose};
use crate::time::Nanos;

/// Certainty, as a probability in units of 2^-63.
const ONE: u64 = 1 << 63;

/// The periods of all links of a run.
#[derive(Clone, Debug)]
pub(super) struct Bursts {
    key: Key,
    per: BurstScope,
    /// Length of a slot in nanoseconds, as a power of two.
    slot_bits: u32,
    /// Probability that the state at the border of an epoch is bad.
    border: Probability,
    /// For each halving of an epoch, the last first, the probabilities of a bad middle, at index `2 a + b` where a is 1
    /// if the left end is bad and b is 1 if the right end is bad.
    middles: Vec<[Probability; 4]>,
    /// Probability of loss in a good and in a bad slot.
    loss: [Probability; 2],
}

impl Bursts {
    /// Creates the periods of the run with this seed.
    pub(super) fn new(seed: u64, spec: &BurstSpec) -> Bursts {
        let slot_bits = (spec.good.0.min(spec.bad.0) / 64).max(1).ilog2();
        let leaves = |period: Nanos| ((u128::from(ONE) << slot_bits) / u128::from(period.0.max(1))) as u64;
        let (to_bad, to_good) = (leaves(spec.good), leaves(spec.bad));
        let bad = divide(to_bad, to_bad + to_good);
        let mut middles = Vec::new();
        let mut decay = ONE - to_bad - to_good;
        // Squaring doubles the distance, until the influence of a state is below the precision.
        while decay != 0 {
            let twice = multiply(decay, decay);
            middles.push([0, 1, 2, 3].map(|ends| middle(bad, decay, twice, ends / 2, ends % 2)));
            decay = twice;
        }
        Bursts {
            key: Key::new(seed, Purpose::Bursts),
            per: spec.per,
            slot_bits,
            border: Probability::of_parts(bad),
            middles,
            loss: [Probability::of(spec.good_loss), Probability::of(spec.bad_loss)],
        }
    }

    /// Returns the probability of loss between two nodes at a time.
    pub(super) fn chance(&self, from: NodeId, to: NodeId, now: Nanos) -> Probability {
        let key = match self.per {
            // In this order, because each direction of a link has its own periods.
            BurstScope::Link => self.key.with(u64::from(from.0)).with(u64::from(to.0)),
            BurstScope::Sender => self.key.with(u64::from(from.0)),
            BurstScope::Receiver => self.key.with(u64::from(to.0)),
        };
        self.loss[usize::from(self.is_bad(key, now))]
    }

    /// Returns true if the link, sender or receiver of this key is bad at a time.
    fn is_bad(&self, key: Key, now: Nanos) -> bool {
        let halvings = self.middles.len();
        let slot = now.0 >> self.slot_bits;
        let epoch = key.with(slot >> halvings);
        let border = |key: Key| self.border.hits(key.stream().next_word());
        let (mut left, mut right) = (border(epoch), border(key.with((slot >> halvings) + 1)));
        // The path to the halving, as in a binary heap: the root is 1, and the children of p are 2 p and 2 p + 1.
        let mut part = 1u64;
        for (halving, middles) in self.middles.iter().enumerate().rev() {
            let chance = middles[2 * usize::from(left) + usize::from(right)];
            let middle = chance.hits(epoch.with(part).stream().next_word());
            let goes_right = slot >> halving & 1;
            if goes_right == 1 {
                left = middle;
            } else {
                right = middle;
            }
            part = 2 * part + goes_right;
        }
        left
    }
}

/// Returns the probability of a bad middle between two ends, each 1 for bad, where `decay` is the remaining influence
/// of a state after half the distance and `twice` the one after the whole distance.
fn middle(bad: u64, decay: u64, twice: u64, left: u64, right: u64) -> Probability {
    // The probability of a transition: the stationary share of the target state, plus the remaining influence of the
    // first.
    let step = |from: u64, to: u64, decay: u64| {
        let share = if to == 1 { bad } else { ONE - bad };
        let reached = multiply(share, ONE - decay);
        if from == to { reached + decay } else { reached }
    };
    // Bayes' rule: the paths through a bad middle, over all paths between the two ends.
    let through_bad = multiply(step(left, 1, decay), step(1, right, decay));
    Probability::of_parts(divide(through_bad, step(left, right, twice).max(1)))
}

fn multiply(one: u64, other: u64) -> u64 {
    ((u128::from(one) * u128::from(other)) >> 63) as u64
}

/// Returns a quotient in units of 2^-63, at most 1.
fn divide(part: u64, whole: u64) -> u64 {
    (((u128::from(part)) << 63) / u128::from(whole.max(1))).min(u128::from(ONE)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::LossSpec;

    fn bursts(text: &str) -> Bursts {
        match text.parse().unwrap() {
            LossSpec::Bursts(spec) => Bursts::new(7, &spec),
            LossSpec::Independent(_) => panic!("{text} is no burst"),
        }
    }

    /// Returns the states of one link, slot by slot: true for bad.
    fn slots(bursts: &Bursts, link: u64, count: u64) -> Vec<bool> {
        let key = bursts.key.with(link);
        (0..count).map(|slot| bursts.is_bad(key, Nanos(slot << bursts.slot_bits))).collect()
    }

    #[test]
    fn an_epoch_forgets_its_beginning_and_has_few_halvings() {
        for text in [
            "good=1us,bad=1us",
            "good=1us,bad=999ms",
            "good=86400s,bad=86400s",
            "good=10s,bad=200ms",
            "good=86400s,bad=87ms",
        ] {
            let bursts = bursts(&format!("gilbert-elliott:{text}"));
            assert!((8..=13).contains(&bursts.middles.len()), "{text}: {}", bursts.middles.len());
        }
    }

    #[test]
    fn periods_have_their_means_and_are_memoryless() {
        // 64 slots of 2^22 ns make a bad period of 268 ms; a good one is three times as long.
        let bursts = bursts("gilbert-elliott:good=805306368ns,bad=268435456ns");
        assert_eq!(bursts.slot_bits, 22);
        let (mut lengths, mut long) = ([Vec::new(), Vec::new()], 0u32);
        for link in 0..200 {
            let slots = slots(&bursts, link, 20_000);
            // The window cuts off the first and the last period of a link.
            let periods: Vec<&[bool]> = slots.chunk_by(|a, b| a == b).collect();
            for period in &periods[1..periods.len() - 1] {
                lengths[usize::from(period[0])].push(period.len() as f64);
                long += u32::from(period[0] && period.len() > 64);
            }
        }
        for (lengths, mean) in lengths.iter().zip([192.0, 64.0]) {
            let measured = lengths.iter().sum::<f64>() / lengths.len() as f64;
            // Geometric: the standard deviation nearly equals the mean. The window misses a few of the longest periods.
            let error = mean / (lengths.len() as f64).sqrt();
            assert!((measured - mean).abs() < 4.0 * error + 0.004 * mean, "{measured} of {mean} +- {error}");
        }
        // A share of (1 - 1/64)^64 of all bad periods is longer than the mean.
        let share = f64::from(long) / lengths[1].len() as f64;
        assert!((share - 0.365).abs() < 4.0 * (0.365 * 0.635 / lengths[1].len() as f64).sqrt() + 0.004, "{share}");
    }

    #[test]
    fn the_border_of_an_epoch_is_no_seam() {
        // How often a link changes between two slots, at the borders of epochs and elsewhere: 2/4 / 64 of the time.
        let bursts = bursts("gilbert-elliott:good=268435456ns,bad=268435456ns");
        let epoch = 1u64 << bursts.middles.len();
        let changes = |slot: u64| {
            let is_bad = |link: u64, slot: u64| bursts.is_bad(bursts.key.with(link), Nanos(slot << bursts.slot_bits));
            (0..100_000).filter(|&link| is_bad(link, slot - 1) != is_bad(link, slot)).count() as f64 / 1e5
        };
        for slot in [epoch, 5 * epoch, epoch / 2, epoch / 4 * 3, epoch + 1, 77] {
            let share = changes(slot);
            assert!((share - 1.0 / 64.0).abs() < 5.0 * (1.0f64 / 64.0 / 1e5).sqrt(), "slot {slot}: {share}");
        }
    }

    #[test]
    fn links_are_bad_as_often_as_they_should_be() {
        let bursts = bursts("gilbert-elliott:good=10s,bad=200ms");
        for now in [Nanos::ZERO, Nanos::from_millis(12_345), Nanos::from_secs(1_000_000), Nanos::MAX] {
            let bad = (0..200_000).filter(|&link| bursts.is_bad(bursts.key.with(link), now)).count() as f64 / 2e5;
            let share = 0.2 / 10.2f64;
            assert!((bad - share).abs() < 5.0 * (share / 2e5).sqrt(), "{now}: {bad}");
        }
    }
}
