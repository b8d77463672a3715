//! What is under way, by the window in which it arrives: a ring of buckets for the windows to come, and an ordered map for
//! what lies beyond the ring.
//!
//! A bucket keeps its items in the order in which they were put; whatever else is to be sorted is left to who handles the
//! window. Virtual time keeps its messages here, and so does the delay line of a real carrier. What was refused: one heap,
//! which at 10^6 messages under way costs 580 ns each.

use std::collections::BTreeMap;

/// Buckets of the smallest ring.
const BUCKETS_MIN: u64 = 64;

/// Buckets of the largest: windows so much narrower than the longest latency hold little each.
const BUCKETS_MAX: u64 = 4_096;

/// Items by window.
pub(crate) struct Calendar<T> {
    /// The window that is being handled; everything lies behind it.
    now: u64,
    /// The bucket of window `w` stands at `w` modulo their number, for the windows `now..now + buckets.len()`.
    buckets: Vec<Vec<T>>,
    /// Which buckets hold anything, a bit each.
    filled: Vec<u64>,
    /// Windows beyond the ring.
    far: BTreeMap<u64, Vec<T>>,
}

impl<T> Calendar<T> {
    /// An empty one, for items that lie up to `reach` windows ahead, or any number where that is not known.
    pub(crate) fn new(reach: Option<u64>) -> Calendar<T> {
        let reach = reach.map_or(BUCKETS_MAX, |windows| windows.saturating_add(2));
        let buckets = reach.clamp(BUCKETS_MIN, BUCKETS_MAX).next_power_of_two();
        Calendar {
            now: 0,
            buckets: (0..buckets).map(|_| Vec::new()).collect(),
            filled: vec![0; buckets.div_ceil(64) as usize],
            far: BTreeMap::new(),
        }
    }

    /// Puts an item into a window, which must not lie before the one that was taken last.
    #[inline(always)]
    pub(crate) fn put(&mut self, window: u64, item: T) {
        debug_assert!(window >= self.now, "{window} lies before {}", self.now);
        if window - self.now < self.buckets.len() as u64 {
            let slot = self.slot(window);
            self.buckets[slot].push(item);
            self.filled[slot / 64] |= 1 << (slot % 64);
        } else {
            self.far.entry(window).or_default().push(item);
        }
    }

    /// Goes on to a window before which nothing is left, and exchanges what it holds for the empty `items`.
    pub(crate) fn take(&mut self, window: u64, items: &mut Vec<T>) {
        debug_assert!(items.is_empty() && window >= self.now);
        self.now = window;
        let buckets = self.buckets.len() as u64;
        while let Some(entry) = self.far.first_entry().filter(|entry| *entry.key() - window < buckets) {
            let (near, mut more) = entry.remove_entry();
            let slot = self.slot(near);
            self.buckets[slot].append(&mut more);
            self.filled[slot / 64] |= 1 << (slot % 64);
        }
        let slot = self.slot(window);
        std::mem::swap(&mut self.buckets[slot], items);
        self.filled[slot / 64] &= !(1 << (slot % 64));
    }

    /// Takes the memory of items back that were [taken](Self::take), for windows to come.
    pub(crate) fn give_back(&mut self, mut items: Vec<T>) {
        items.clear();
        let last = self.slot(self.now.wrapping_sub(1));
        if self.buckets[last].capacity() < items.capacity() && self.buckets[last].is_empty() {
            self.buckets[last] = items;
        }
    }

    /// The next window that holds anything, or `None` where nothing is under way.
    pub(crate) fn next(&self) -> Option<u64> {
        let (words, start) = (self.filled.len(), self.slot(self.now));
        // The first word twice: from the present bit on, and at the end up to it.
        let in_word = |step: usize| {
            let word = (start / 64 + step) % words;
            let mask = match step {
                0 => u64::MAX << (start % 64),
                _ if step == words => !(u64::MAX << (start % 64)),
                _ => u64::MAX,
            };
            let bits = self.filled[word] & mask;
            (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)
        };
        let slot = (0..=words).find_map(in_word);
        let ahead = |slot: usize| (slot as u64).wrapping_sub(start as u64) & (self.buckets.len() as u64 - 1);
        slot.map(|slot| self.now + ahead(slot)).or_else(|| self.far.keys().next().copied())
    }

    /// Everything that is under way.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.buckets.iter().chain(self.far.values()).flatten()
    }

    #[inline]
    fn slot(&self, window: u64) -> usize {
        // The number of buckets is a power of two.
        (window & (self.buckets.len() as u64 - 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn everything_comes_in_its_window(
            steps in prop::collection::vec(prop::collection::vec(0..6_000_u64, 0..4), 1..40),
            reach in prop::option::of(0..5_000_u64),
        ) {
            let (mut calendar, mut model) = (Calendar::new(reach), BTreeMap::<u64, Vec<u64>>::new());
            let mut window = 0;
            for ahead in steps {
                for ahead in ahead {
                    calendar.put(window + 1 + ahead, ahead);
                    model.entry(window + 1 + ahead).or_default().push(ahead);
                }
                prop_assert_eq!(calendar.next(), model.keys().next().copied());
                prop_assert_eq!(calendar.iter().count(), model.values().map(Vec::len).sum::<usize>());
                if let Some((next, mut expected)) = model.pop_first() {
                    let mut items = Vec::new();
                    calendar.take(next, &mut items);
                    items.sort_unstable();
                    expected.sort_unstable();
                    prop_assert_eq!(items, expected);
                    window = next;
                }
            }
        }
    }

    #[test]
    fn the_last_window_of_all_is_one_too() {
        let mut calendar = Calendar::new(None);
        calendar.put(u64::MAX, 1);
        assert_eq!(calendar.next(), Some(u64::MAX));
        let mut items = Vec::new();
        calendar.take(u64::MAX, &mut items);
        assert_eq!((items, calendar.next()), (vec![1], None));
    }
}
