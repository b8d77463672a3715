//! The earliest times of a spread if each node sends one copy after the other: the postal model (Bar-Noy, Kipnis 1992).
//!
//! Exact, and a bound for every protocol that sends whole orders over uplinks: no schedule gives more nodes the order
//! by any instant. Nor do more copies leave by then if they share an uplink, because together they have its rate. Times
//! are integers in one unit, such as nanoseconds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Returns the earliest times at which one node, two nodes, and so on can have an order, from 0 on and without end. A
/// copy takes `sending` to leave, during which its node sends no other, and arrives `latency` after it has left.
pub fn times(sending: u64, latency: u64) -> impl Iterator<Item = u64> {
    let copy = move |starts: u64| Reverse(starts.saturating_add(sending).saturating_add(latency));
    let mut arrivals = BinaryHeap::from([copy(0)]);
    let others = std::iter::from_fn(move || {
        let Reverse(time) = arrivals.pop()?;
        // Its sender sends the next copy, and the new node its first one.
        arrivals.extend([Reverse(time.saturating_add(sending)), copy(time)]);
        Some(time)
    });
    std::iter::once(0).chain(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the nodes that have the order by `time`: `N(t) = N(t - s) + N(t - s - l)`, for what the first node can
    /// do after its first copy, and what the receiver of that copy can do.
    fn nodes_by(time: i64, sending: i64, latency: i64) -> usize {
        if time < sending + latency {
            return 1;
        }
        nodes_by(time - sending, sending, latency) + nodes_by(time - sending - latency, sending, latency)
    }

    #[test]
    fn counts_follow_the_recurrence() {
        for (sending, latency) in [(1, 0), (1, 1), (1, 3), (3, 1), (2, 5), (4, 4)] {
            for time in 0..16 {
                let counted = times(sending, latency).take_while(|&at| at <= time).count();
                let expected = nodes_by(time as i64, sending as i64, latency as i64);
                assert_eq!(counted, expected, "{sending} {latency} by {time}");
            }
        }
    }

    #[test]
    fn without_latency_nodes_double_and_with_the_time_of_a_copy_they_are_fibonacci_numbers() {
        let by = |latency: u64, time| times(1, latency).take_while(|&at| at <= time).count();
        assert_eq!([0, 1, 2, 3, 10].map(|time| by(0, time)), [1, 2, 4, 8, 1_024]);
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(|time| by(1, time)), [1, 2, 3, 5, 8, 13, 21]);
        assert!(times(u64::MAX, 1).take(9).is_sorted());
    }
}
