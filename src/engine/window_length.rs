//! The length of a window, and the window of an instant: a division per message, done as a multiplication.

use crate::time::Nanos;

/// The length of a window, in nanoseconds, at least 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowLength {
    nanos: u64,
    /// 2^64 divided by it, rounded down; 2^64 - 1 for 1.
    reciprocal: u64,
}

impl WindowLength {
    /// The longest window within which a distance fits 32 bits.
    pub(super) const LONGEST: Nanos = Nanos(u32::MAX as u64);

    /// Creates windows of this length, which is above 0.
    pub(super) fn new(Nanos(nanos): Nanos) -> WindowLength {
        let nanos = nanos.max(1);
        WindowLength { nanos, reciprocal: u64::try_from((1 << 64) / u128::from(nanos)).unwrap_or(u64::MAX) }
    }

    /// Creates windows for a network of this least latency. Shorter ones than it allows do no harm.
    pub(super) fn of(floor: Nanos) -> WindowLength {
        WindowLength::new(floor.min(WindowLength::LONGEST))
    }

    /// Returns the window in which `time` lies, and the nanoseconds of it that are left from that instant on, that
    /// instant included.
    #[inline]
    pub(super) fn split(self, Nanos(time): Nanos) -> (u64, u64) {
        // The reciprocal is too low by less than 1, so the product is too low by at most 1.
        let short = ((u128::from(time) * u128::from(self.reciprocal)) >> 64) as u64;
        let beyond = time - short * self.nanos;
        let one = u64::from(beyond >= self.nanos);
        (short + one, self.nanos - (beyond - one * self.nanos))
    }

    /// Returns the window in which `time` lies.
    #[inline]
    pub(super) fn window(self, time: Nanos) -> u64 {
        self.split(time).0
    }

    /// Returns the window in which `time` lies, and its distance from the start of the window, which must not be
    /// longer than [`LONGEST`](Self::LONGEST).
    #[inline]
    pub(super) fn offset(self, time: Nanos) -> (u64, u32) {
        let (window, left) = self.split(time);
        (window, (self.nanos - left) as u32)
    }

    /// Returns the first instant of a window.
    pub(super) fn start(self, window: u64) -> Nanos {
        Nanos(window.saturating_mul(self.nanos))
    }

    /// Returns the last instant of a window.
    pub(super) fn end(self, window: u64) -> Nanos {
        let next = window.checked_add(1).and_then(|next| next.checked_mul(self.nanos));
        next.map_or(Nanos::MAX, |next| Nanos(next - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_multiplication_divides(
            time in prop_oneof![any::<u64>(), 0..1_000u64], nanos in prop_oneof![1..=u64::MAX, 1..99u64],
        ) {
            let width = WindowLength::new(Nanos(nanos));
            prop_assert_eq!(width.split(Nanos(time)), (time / nanos, nanos - time % nanos));
            let window = width.window(Nanos(time));
            prop_assert!((width.start(window)..=width.end(window)).contains(&Nanos(time)));
        }
    }
}
