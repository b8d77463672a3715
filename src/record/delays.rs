//! Delays in numbers too large to keep one by one: a histogram to three digits, with the exact least, greatest and sum.

use crate::time::Nanos;
use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A high-dynamic-range histogram (Tene) of delays in nanoseconds, each kept to three digits. The extremes and the mean
/// are exact.
#[derive(Clone, Debug, PartialEq)]
pub struct DelayHistogram {
    steps: Histogram<u64>,
    least: Nanos,
    greatest: Nanos,
    /// Nanoseconds: 2^64 delays of 2^64 ns each fit.
    sum: u128,
}

/// Significant digits of each delay.
const DIGITS: u8 = 3;

impl Default for DelayHistogram {
    fn default() -> DelayHistogram {
        DelayHistogram::new()
    }
}

impl DelayHistogram {
    /// Makes an empty histogram. It allocates all the memory it will ever need, 450 kB, which covers every possible
    /// delay, so that no delay is cut down to a maximum.
    pub fn new() -> DelayHistogram {
        let steps = Histogram::new_with_bounds(1, u64::MAX, DIGITS).expect("bounds that the type allows");
        DelayHistogram { steps, least: Nanos::MAX, greatest: Nanos::ZERO, sum: 0 }
    }

    /// Counts a delay.
    #[inline]
    pub fn record(&mut self, delay: Nanos) {
        // No delay is out of bounds, and the saturating call is faster than the checked one.
        self.steps.saturating_record(delay.0);
        self.least = self.least.min(delay);
        self.greatest = self.greatest.max(delay);
        self.sum += u128::from(delay.0);
    }

    /// Adds the delays of another histogram.
    pub fn merge(&mut self, other: &DelayHistogram) {
        let DelayHistogram { steps: _, least, greatest, sum } = other;
        for (delay, count) in other.iter() {
            self.steps.saturating_record_n(delay.0, count);
        }
        self.least = self.least.min(*least);
        self.greatest = self.greatest.max(*greatest);
        self.sum += sum;
    }

    /// Counts the delays.
    pub fn count(&self) -> u64 {
        self.steps.len()
    }

    /// Returns the least delay, exactly; `None` if there is none.
    #[cfg(test)]
    pub fn least(&self) -> Option<Nanos> {
        (self.count() > 0).then_some(self.least)
    }

    /// Returns the greatest delay, exactly; `None` if there is none.
    #[cfg(test)]
    pub fn greatest(&self) -> Option<Nanos> {
        (self.count() > 0).then_some(self.greatest)
    }

    /// Sums all delays, in nanoseconds.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Returns the mean, exact to the nearest nanosecond; `None` if there is none.
    #[cfg(test)]
    pub fn mean(&self) -> Option<Nanos> {
        let count = u128::from(self.count());
        (self.sum + count / 2).checked_div(count).map(|mean| Nanos(mean as u64))
    }

    /// Returns the delay that `permille` of a thousand do not exceed, by nearest rank and to three digits; `None` if
    /// there is none.
    pub fn permille(&self, permille: u64) -> Option<Nanos> {
        let rank = (u128::from(self.count()) * u128::from(permille)).div_ceil(1_000).max(1);
        let mut passed = 0;
        let mut steps = self.iter();
        steps.find_map(|(delay, count)| {
            passed += u128::from(count);
            (passed >= rank).then_some(delay)
        })
    }

    /// Iterates over the delays that occurred, ascending and to three digits, each with its count. None is above the
    /// greatest.
    pub fn iter(&self) -> impl Iterator<Item = (Nanos, u64)> + '_ {
        self.steps
            .iter_recorded()
            .map(|step| (Nanos(step.value_iterated_to()).min(self.greatest), step.count_since_last_iteration()))
    }
}

/// Writes the delays that occurred with their counts, and the exact figures.
impl Serialize for DelayHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs: Vec<(Nanos, u64)> = self.iter().collect();
        (pairs, self.least, self.greatest, self.sum).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DelayHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DelayHistogram, D::Error> {
        let (pairs, least, greatest, sum) = <(Vec<(Nanos, u64)>, Nanos, Nanos, u128)>::deserialize(deserializer)?;
        let mut histogram = DelayHistogram { least, greatest, sum, ..DelayHistogram::new() };
        for (delay, count) in pairs {
            histogram.steps.saturating_record_n(delay.0, count);
        }
        Ok(histogram)
    }
}

/// The lateness of messages that left a modelled network in front of a real carrier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DepartureDelays {
    /// Delay of each departure after its modelled time. It is read from the clock before the carrier takes the message,
    /// so the true departure is later by less than one iteration of the loop.
    pub late: DelayHistogram,
    /// Messages that entered the model, second copies included.
    pub entered: u64,
    /// Sum of the latencies that the model gave them, in nanoseconds.
    pub held: u128,
}

/// Lateness is small where 99 % of the messages are late by at most the model's mean latency divided by this.
const SMALL_PART: u64 = 10;

impl DepartureDelays {
    /// Adds the departures of another worker.
    pub fn merge(&mut self, other: &DepartureDelays) {
        let DepartureDelays { late, entered, held } = other;
        self.late.merge(late);
        self.entered += entered;
        self.held += held;
    }

    /// Returns the mean latency that the model gave to messages; `None` if none entered.
    pub fn mean_latency(&self) -> Option<Nanos> {
        self.held.checked_div(self.entered.into()).map(|mean| Nanos(mean as u64))
    }

    /// Returns true if lateness affects times as much as the model's latency does: one message in a hundred is late by
    /// more than a tenth of the mean latency. Without a modelled latency no message is late.
    pub fn is_late(&self) -> bool {
        let (late, latency) = (self.late.permille(990), self.mean_latency());
        latency.zip(late).is_some_and(|(latency, late)| latency > Nanos::ZERO && late.0 > latency.0 / SMALL_PART)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(delays: &[u64]) -> DelayHistogram {
        let mut histogram = DelayHistogram::new();
        delays.iter().for_each(|&delay| histogram.record(Nanos(delay)));
        histogram
    }

    #[test]
    fn no_delay_is_too_long() {
        // The longest delay that is not "never", which is one nanosecond more.
        let longest = u64::MAX - 1;
        let histogram = of(&[0, 7_200_000_000_000, longest]);
        assert_eq!((histogram.least(), histogram.greatest()), (Some(Nanos::ZERO), Some(Nanos(longest))));
        assert_eq!(histogram.permille(1_000), Some(Nanos(longest)));
        assert_eq!(histogram.sum(), 7_200_000_000_000 + u128::from(longest));
        assert!(histogram.permille(500).unwrap().0.abs_diff(7_200_000_000_000) <= 7_200_000_000);
        let none = DelayHistogram::new();
        assert_eq!((none.least(), none.greatest(), none.mean(), none.permille(500)), (None, None, None, None));
    }

    #[test]
    fn lateness_is_small_against_a_tenth_of_the_latency() {
        let departures = |late: u64, latency: u64| {
            let mut late_ones = of(&[0; 98]);
            (0..2).for_each(|_| late_ones.record(Nanos(late)));
            DepartureDelays { late: late_ones, entered: 100, held: 100 * u128::from(latency) }
        };
        for (late, latency, expected) in [(1_000, 10_000, false), (1_001, 10_000, true), (1_001, 0, false)] {
            assert_eq!(departures(late, latency).is_late(), expected, "{late} {latency}");
        }
        let mut both = departures(1_001, 10_000);
        both.merge(&departures(0, 30_000));
        assert_eq!((both.mean_latency(), both.late.count(), both.is_late()), (Some(Nanos(20_000)), 200, false));
        assert!(!DepartureDelays::default().is_late());
    }

    proptest! {
        #[test]
        fn extremes_and_mean_are_exact_and_the_rest_is_to_three_digits(
            mut delays in prop::collection::vec(
                prop_oneof![0..5_000u64, 0..10_000_000_000_000u64, any::<u64>()],
                1..200,
            ),
            split in any::<prop::sample::Index>(),
        ) {
            let split = split.index(delays.len());
            let mut merged = of(&delays[..split]);
            merged.merge(&of(&delays[split..]));
            prop_assert_eq!(&merged, &of(&delays));
            let bytes = postcard::to_extend(&merged, Vec::new()).unwrap();
            prop_assert_eq!(&postcard::from_bytes::<DelayHistogram>(&bytes).unwrap(), &merged);
            let sum: u128 = delays.iter().map(|&delay| u128::from(delay)).sum();
            let count = delays.len() as u128;
            delays.sort_unstable();
            prop_assert_eq!(merged.least(), delays.first().copied().map(Nanos));
            prop_assert_eq!(merged.greatest(), delays.last().copied().map(Nanos));
            prop_assert_eq!(merged.mean(), Some(Nanos(((sum + count / 2) / count) as u64)));
            prop_assert_eq!((merged.sum(), u128::from(merged.count())), (sum, count));
            for permille in [1, 500, 950, 990, 999, 1_000] {
                let exact = delays[(delays.len() as u64 * permille).div_ceil(1_000) as usize - 1];
                let found = merged.permille(permille).unwrap().0;
                prop_assert!(exact <= found && found - exact <= exact / 1_000, "{}: {} for {}", permille, found, exact);
            }
            prop_assert_eq!(merged.permille(1_000), merged.greatest());
        }
    }
}
