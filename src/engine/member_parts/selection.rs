//! Order statistics of values that lie in several processes: all of them divide the range of values together and add up
//! counts alone, so that none sees the values of another.

use crate::record::RankedValues;
use std::collections::BTreeSet;

/// The parts into which each round divides the range in which a value lies: sixteen rounds find any.
const PARTS: usize = 16;

/// Adds counts of all processes; every process calls it with as many counts, and gets the sums.
pub(super) type AddUp<'a, E> = dyn FnMut(&mut [u64]) -> Result<(), E> + 'a;

/// Values of this process.
pub(super) trait OwnValues {
    /// Counts them.
    fn count(&self) -> u64;

    /// Returns their sum.
    fn sum(&self) -> u128;

    /// Counts those up to a value.
    fn up_to(&self, value: u64) -> u64;
}

/// The most different values that are counted instead of listed.
const STEPS_MAX: usize = 1 << 16;

/// Values that are sorted at a time before they are counted.
const SORTED_TOGETHER: usize = 1 << 16;

/// Values as they are found: counted while few of them differ, and listed from then on.
#[derive(Default)]
pub(super) struct ValueList {
    /// Each value, ascending, with its number, of those that are no longer in `latest`.
    steps: Vec<(u64, u64)>,
    latest: Vec<u64>,
    is_listed: bool,
}

impl ValueList {
    pub(super) fn of(values: impl Iterator<Item = u64>) -> ValueList {
        let mut list = ValueList::default();
        values.for_each(|value| list.push(value));
        list.settle();
        list
    }

    /// Adds a value.
    pub(super) fn push(&mut self, value: u64) {
        if self.latest.len() >= SORTED_TOGETHER && !self.is_listed {
            self.settle();
        }
        self.latest.push(value);
    }

    /// Sorts the latest values, and counts them with those before: after the last value it must be called.
    pub(super) fn settle(&mut self) {
        self.latest.sort_unstable();
        if self.is_listed {
            return;
        }
        let mut counted = self.latest.chunk_by(u64::eq).map(|equal| (equal[0], equal.len() as u64)).peekable();
        let mut before = std::mem::take(&mut self.steps).into_iter().peekable();
        while let Some(value) = before.peek().into_iter().chain(counted.peek()).map(|step| step.0).min() {
            let counts = [before.next_if(|step| step.0 == value), counted.next_if(|step| step.0 == value)];
            self.steps.push((value, counts.into_iter().flatten().map(|step| step.1).sum()));
        }
        self.latest.clear();
        if self.steps.len() > STEPS_MAX {
            self.is_listed = true;
            let steps = std::mem::take(&mut self.steps);
            self.latest.extend(steps.iter().flat_map(|&(value, count)| std::iter::repeat_n(value, count as usize)));
        }
    }
}

impl OwnValues for ValueList {
    fn count(&self) -> u64 {
        if self.is_listed { self.latest.count() } else { self.steps.count() }
    }

    fn sum(&self) -> u128 {
        if self.is_listed { self.latest.sum() } else { self.steps.sum() }
    }

    fn up_to(&self, value: u64) -> u64 {
        if self.is_listed { self.latest.up_to(value) } else { self.steps.up_to(value) }
    }
}

/// Every value, ascending.
impl OwnValues for Vec<u64> {
    fn count(&self) -> u64 {
        self.len() as u64
    }

    fn sum(&self) -> u128 {
        self.iter().map(|&value| u128::from(value)).sum()
    }

    fn up_to(&self, value: u64) -> u64 {
        self.partition_point(|&own| own <= value) as u64
    }
}

/// Values of which there are few different ones: each, ascending, with its number.
impl OwnValues for Vec<(u64, u64)> {
    fn count(&self) -> u64 {
        self.iter().map(|step| step.1).sum()
    }

    fn sum(&self) -> u128 {
        self.iter().map(|&(value, count)| u128::from(value) * u128::from(count)).sum()
    }

    fn up_to(&self, value: u64) -> u64 {
        self.iter().take_while(|step| step.0 <= value).map(|step| step.1).sum()
    }
}

/// Finds the values at ranks, counted from 1, among those of all processes. Each query names a list and a rank, which
/// does not exceed the number of the list's values in all processes. `lists` are this process's.
pub(super) fn select<E>(
    lists: &[impl OwnValues],
    queries: &[(usize, u64)],
    add_up: &mut AddUp<'_, E>,
) -> Result<Vec<u64>, E> {
    let mut spans = vec![[0, u64::MAX]; queries.len()];
    let mut counts = vec![0; queries.len() * (PARTS - 1)];
    while spans.iter().any(|[least, most]| least < most) {
        for ((counts, &(list, _)), &span) in counts.chunks_exact_mut(PARTS - 1).zip(queries).zip(&spans) {
            for (count, cut) in counts.iter_mut().zip(cuts(span)) {
                *count = lists[list].up_to(cut);
            }
        }
        add_up(&mut counts)?;
        for ((span, &(_, rank)), counts) in spans.iter_mut().zip(queries).zip(counts.chunks_exact(PARTS - 1)) {
            let [mut least, mut most] = *span;
            for (cut, &count) in cuts(*span).zip(counts) {
                if count >= rank {
                    most = cut;
                    break;
                }
                least = cut + 1;
            }
            *span = [least, most];
        }
    }
    Ok(spans.into_iter().map(|[least, _]| least).collect())
}

/// Returns the last values of all parts of a range but the last part, ascending. Those of a short range repeat.
fn cuts([least, most]: [u64; 2]) -> impl Iterator<Item = u64> {
    (1..PARTS as u128).map(move |part| least + (u128::from(most - least) * part / PARTS as u128) as u64)
}

/// Sorts the values of this process, and makes the distribution of those of all. It is exact at the ranks that `ranks`
/// returns for the number of all values, and where it is cut by the values that `cuts` returns for a distribution that
/// is exact at these ranks: as many values lie below each of them as in truth.
pub(super) fn distribution<E>(
    values: impl OwnValues,
    ranks: impl Fn(u64) -> Vec<u64>,
    cuts: impl Fn(&RankedValues) -> Vec<u64>,
    add_up: &mut AddUp<'_, E>,
) -> Result<RankedValues, E> {
    let sum = values.sum();
    // In four parts, so that the sums of parts do not overflow.
    let part = |place: u32| u64::from((sum >> (32 * place)) as u32);
    let mut totals = [values.count(), part(0), part(1), part(2), part(3)];
    add_up(&mut totals)?;
    let [count, parts @ ..] = totals;
    let sum = (0..).zip(parts).map(|(place, part)| u128::from(part) << (32 * place)).sum();
    let lists = [values];
    let wanted: BTreeSet<u64> = ranks(count).into_iter().chain([count]).collect();
    let known = known_at(&lists, &wanted, count, add_up)?;
    let cuts = cuts(&RankedValues::new(&known, sum));
    let below = cuts.iter().map(|&cut| cut.checked_sub(1).map_or(0, |last| lists[0].up_to(last)));
    let mut below: Vec<u64> = below.collect();
    add_up(&mut below)?;
    let further: BTreeSet<u64> = below.into_iter().filter(|rank| !wanted.contains(rank)).collect();
    let mut known = known;
    known.extend(known_at(&lists, &further, count, add_up)?);
    known.sort_unstable();
    Ok(RankedValues::new(&known, sum))
}

/// Finds the values at these ranks of the only list, of those that it has.
fn known_at<E>(
    lists: &[impl OwnValues; 1],
    ranks: &BTreeSet<u64>,
    count: u64,
    add_up: &mut AddUp<'_, E>,
) -> Result<Vec<(u64, u64)>, E> {
    let queries: Vec<(usize, u64)> =
        ranks.iter().filter(|&&rank| (1..=count).contains(&rank)).map(|&rank| (0, rank)).collect();
    let values = select(lists, &queries, add_up)?;
    Ok(queries.into_iter().map(|query| query.1).zip(values).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::WorkerThreads;
    use parking_lot::Mutex;
    use proptest::prelude::*;
    use std::convert::Infallible;
    use std::sync::Barrier;

    #[test]
    fn few_values_are_counted_and_many_are_listed() {
        for (count, modulus) in [(0, 1), (5, 3), (3 * SORTED_TOGETHER as u64 + 7, 1_000), (300_000, 200_000)] {
            let values = || (0..count).map(move |number| number * 7_919 % modulus * 3);
            let (list, mut sorted) = (ValueList::of(values()), values().collect::<Vec<u64>>());
            sorted.sort_unstable();
            assert_eq!(list.is_listed, modulus > STEPS_MAX as u64);
            assert_eq!((list.count(), list.sum()), (sorted.count(), sorted.sum()));
            for value in [0, 1, 3, 2_999, 3_000, 400_000, u64::MAX] {
                assert_eq!(list.up_to(value), sorted.up_to(value), "{count} {modulus} {value}");
            }
        }
    }

    /// Calls `act` for each of these on a thread of its own, with sums over all of them.
    fn together<R: Send>(parts: &[Vec<u64>], act: impl Fn(&[u64], &mut AddUp<'_, Infallible>) -> R + Sync) -> Vec<R> {
        let (barrier, sums) = (Barrier::new(parts.len()), Mutex::new(Vec::new()));
        let life = |_: usize, part: &Vec<u64>| {
            let mut add_up = |counts: &mut [u64]| {
                barrier.wait();
                sums.lock().resize(counts.len(), 0);
                barrier.wait();
                sums.lock().iter_mut().zip(&*counts).for_each(|(sum, count)| *sum += count);
                barrier.wait();
                counts.copy_from_slice(&sums.lock());
                barrier.wait();
                sums.lock().clear();
                Ok(())
            };
            Ok::<R, Infallible>(act(part, &mut add_up))
        };
        WorkerThreads { first: 0, cores: &[], give_up: &|| () }.run_together(parts, life).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_distribution_is_that_of_all_values(
            parts in prop::collection::vec(prop::collection::vec(prop_oneof![0..40_u64, any::<u64>()], 0..30), 1..4),
            ranks in prop::collection::vec(0..100_u64, 0..5), cuts in prop::collection::vec(any::<u64>(), 0..3),
        ) {
            let mut all: Vec<u64> = parts.concat();
            all.sort_unstable();
            let cuts: Vec<u64> = cuts.into_iter().chain(all.get(all.len() / 2).copied()).chain([0, 7]).collect();
            let found = together(&parts, |part, add_up| {
                let mut part = part.to_vec();
                part.sort_unstable();
                let steps = part.chunk_by(u64::eq).map(|equal| (equal[0], equal.len() as u64));
                let steps: Vec<(u64, u64)> = steps.collect();
                let Ok(found) = distribution(part, |_| ranks.clone(), |_| cuts.clone(), add_up);
                let Ok(of_steps) = distribution(steps, |_| ranks.clone(), |_| cuts.clone(), add_up);
                assert_eq!(found, of_steps);
                found
            });
            for found in found {
                prop_assert_eq!(found.count(), all.len() as u64);
                prop_assert_eq!(found.sum(), all.iter().map(|&value| u128::from(value)).sum::<u128>());
                for &rank in ranks.iter().filter(|&&rank| rank > 0) {
                    prop_assert_eq!(found.at_rank(rank), all.get(rank as usize - 1).copied());
                }
                for &cut in &cuts {
                    let below = found.steps().iter().take_while(|step| step.0 < cut).map(|step| step.1).sum::<u64>();
                    prop_assert_eq!(below, all.partition_point(|&value| value < cut) as u64, "{} {:?}", cut, all);
                }
            }
        }
    }
}
