//! Closed forms: the expected results of a run, before and after it.
//!
//! Each form is a small pure function that names its source, its domain and its error. None affects a run, so floating
//! point is enough; the values shown beside a measurement, or proposed as a TTL, come from here. The forms are
//! mean-field: they know counts and shares, never single nodes.
//!
//! No input panics, and none gives a value that is not a number: a share below 0 or not a number counts as 0, one above
//! 1 as 1, and a negative fanout as 0.
//!
//! Rejected alternatives: a solver crate, because one bisection finds every root here to the last digits; and forms for
//! lattices, because their hops follow from a breadth-first search of the graph itself.
//!
//! ```text
//! coverage     the share of nodes reached in the end
//! hops         the share reached by hop, and the TTL that follows
//! links        the same on overlays with few peers
//! redundancy   the cost in messages
//! chances      that all are reached, that none is, that a graph is connected
//! rounds       the duration if nodes contact each other in rounds
//! postal       the earliest times if nodes send one copy after the other
//! intervals    the error of a mean and a share over runs
//! comparison   the significance of a difference over runs
//! ```

pub mod chances;
pub mod comparison;
pub mod coverage;
pub mod hops;
pub mod intervals;
pub mod postal;
pub mod redundancy;
pub mod rounds;

mod links;
mod poisson;

/// Returns the mean number of copies of a forward that arrive at a node that is up: `fanout (1 - loss) (1 - failed)`.
///
/// `loss` is the share of datagrams lost, `failed` the share of nodes that are down. Exact if losses and failures are
/// independent. The forms that take a fanout take this one.
pub fn effective_fanout(fanout: f64, loss: f64, failed: f64) -> f64 {
    not_negative(fanout) * (1.0 - share(loss)) * (1.0 - share(failed))
}

/// The maximum number of bisections of 0..=1: one for each bit of a double's fraction, and some for values near 0.
const BISECTIONS: u32 = 100;

/// Returns the largest `x` in 0..=1 with `gain(x) = x`, for a concave `gain` with `gain(0) = 0`; 0 if that is the only
/// one.
///
/// Such a gain lies above `x` before the root and below it afterwards, so that bisection cannot miss. Iterating `x <-
/// gain(x)` was refused, because near the threshold, where the root leaves 0, it needs millions of steps.
fn largest_root(gain: impl Fn(f64) -> f64) -> f64 {
    // The bisection below would only approach 1.
    if gain(1.0) >= 1.0 {
        return 1.0;
    }
    let (mut below, mut above) = (0.0, 1.0);
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (below + above);
        // No double lies between the two, so nothing would change any more.
        if middle == below || middle == above {
            break;
        }
        if gain(middle) > middle {
            below = middle;
        } else {
            above = middle;
        }
    }
    below
}

/// Returns `1 - (1 - chance)^times`, the probability that at least one of `times` trials succeeds; accurate for small
/// chances.
fn at_least_one(chance: f64, times: f64) -> f64 {
    at_least_one_after(chance)(times)
}

/// Returns the same as a function of `times`: many values take one logarithm.
fn at_least_one_after(chance: f64) -> impl Fn(f64) -> f64 {
    // `ln_1p` and `exp_m1` keep the digits of a small chance, which `1 - chance` would lose.
    let logarithm = (-chance).ln_1p();
    move |times| match chance {
        _ if chance <= 0.0 || times <= 0.0 => 0.0,
        _ if chance >= 1.0 => 1.0,
        _ => -(times * logarithm).exp_m1(),
    }
}

/// Clamps a share to 0..=1; not-a-number becomes 0.
const fn share(value: f64) -> f64 {
    // `max` returns the other operand for not-a-number.
    value.max(0.0).min(1.0)
}

/// Clamps a number to finite values from 0 up; not-a-number becomes 0.
const fn not_negative(value: f64) -> f64 {
    value.max(0.0).min(f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_failures_thin_a_forward() {
        assert!((effective_fanout(8.0, 0.5, 0.25) - 3.0).abs() < 1e-12);
        assert_eq!(effective_fanout(8.0, 2.0, -1.0), 0.0);
        assert_eq!(effective_fanout(f64::NAN, 0.0, 0.0), 0.0);
    }

    #[test]
    fn a_root_is_found_on_both_sides_of_the_threshold() {
        assert_eq!(largest_root(|x| 0.9 * x), 0.0);
        assert_eq!(largest_root(|x| at_least_one(x, f64::INFINITY)), 1.0);
        let root = largest_root(|x| 1.5 * x - x * x);
        assert!((root - 0.5).abs() < 1e-15, "{root}");
    }

    #[test]
    fn at_least_one_keeps_its_digits() {
        assert!((at_least_one(1e-18, 2.0) - 2e-18).abs() < 1e-30);
        assert_eq!(at_least_one(1.0, 0.0), 0.0);
        assert_eq!(at_least_one(1.0, 3.0), 1.0);
    }
}
