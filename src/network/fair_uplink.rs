//! An uplink that its copies share equally: processor sharing, the fluid model of flows that a transport such as TCP
//! makes share a bottleneck (Kleinrock 1967, "Time-shared systems").
//!
//! With n copies under way each of them is sent at 1/n of the rate. A clock of *virtual work* runs at that pace: it
//! shows the bits that a copy under way since the clock's start would have been sent. A copy of S bits that is handed
//! over when the clock shows V leaves when it shows V + S, its *tag*, whatever comes later; later copies only slow the
//! clock. So copies leave in the order of their tags, and one step of a heap per copy replaces the subtraction of
//! shares from all copies (the same clock orders packets in fair queueing: Demers, Keshav and Shenker 1989).
//!
//! All is in integers. Work is in *quanta* of 2^-20 * 10^-9 bits, of which the uplink does a whole number per
//! nanosecond. The clock advances by whole quanta when a copy is handed over; the rest of the division, less than one
//! quantum per copy, is not lost but shared out in the next step. So the uplink never idles while a copy waits, and
//! does exactly its rate: the last copy of a busy period leaves at the exact time, rounded up to 1 ns. Another copy,
//! which shares with at most n copies and sees k of them handed over, leaves within n k quanta of work of its exact
//! time: that is less than 1 ns if n k is below 2^20 times the rate in bits per second.

use super::bandwidth::LinkRate;
use crate::time::Nanos;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Binary digits of a quantum below 10^-9 bits.
const QUANTUM_DIGITS: u32 = 20;

/// The copies under way on an uplink. The owner names each copy by a number of its own.
#[derive(Clone, Debug, Default)]
pub struct FairUplink {
    /// The instant up to which work is shared out, as the quanta that the uplink would do until then from time 0 on.
    shared_out: u128,
    /// The clock of virtual work, in quanta; 0 at the start of a busy period.
    clock: u128,
    /// By tag, and of equal tags in the sequence of the hand-over, the copies under way.
    under_way: BinaryHeap<Reverse<(u128, u64, u32)>>,
    /// Number of copies ever handed over.
    handed_over: u64,
}

impl FairUplink {
    /// Hands over a copy of `bytes` bytes, headers included, at `now`. All copies that leave by then must have been
    /// taken.
    pub fn hand_over(&mut self, rate: &LinkRate, now: Nanos, bytes: u32, copy: u32) {
        let instant = quanta_until(rate, now);
        match self.under_way.len() as u128 {
            0 => (self.shared_out, self.clock) = (instant, 0),
            copies => {
                let each = instant.saturating_sub(self.shared_out) / copies;
                self.clock += each;
                self.shared_out += each * copies;
            }
        }
        let tag = self.clock + quanta_of(bytes);
        self.under_way.push(Reverse((tag, self.handed_over, copy)));
        self.handed_over += 1;
    }

    /// Returns the time at which the next copy leaves, rounded up, if no other is handed over before; `None` if none is
    /// under way.
    pub fn next_departure(&self, rate: &LinkRate) -> Option<Nanos> {
        self.next_instant().map(|instant| time_at(rate, instant))
    }

    /// Takes the next copy that leaves by `until`, with the time at which it does. No copy may be handed over before
    /// `until` any more.
    pub fn take_departure(&mut self, rate: &LinkRate, until: Nanos) -> Option<(Nanos, u32)> {
        let instant = self.next_instant()?;
        let time = time_at(rate, instant);
        if time > until {
            return None;
        }
        let Reverse((tag, _, copy)) = self.under_way.pop()?;
        (self.shared_out, self.clock) = (instant, tag);
        Some((time, copy))
    }

    /// Returns the instant at which the next copy leaves, in quanta.
    fn next_instant(&self) -> Option<u128> {
        let Reverse((tag, ..)) = self.under_way.peek()?;
        // 2^32 copies of 2^32 bytes are 2^117 quanta, and the longest time at the highest rate is 2^124.
        Some(self.shared_out + (tag - self.clock) * self.under_way.len() as u128)
    }

    /// Returns the bytes of memory per copy under way.
    pub const fn bytes_per_copy() -> usize {
        size_of::<Reverse<(u128, u64, u32)>>()
    }
}

/// Returns the quanta that the uplink does from time 0 until `time`.
fn quanta_until(rate: &LinkRate, time: Nanos) -> u128 {
    rate.bits_in(time) << QUANTUM_DIGITS
}

/// Returns the quanta of a message.
fn quanta_of(bytes: u32) -> u128 {
    (u128::from(bytes) * 8_000_000_000) << QUANTUM_DIGITS
}

/// Returns the first nanosecond by which the uplink has done so many quanta.
fn time_at(rate: &LinkRate, quanta: u128) -> Nanos {
    Nanos(u64::try_from(quanta.div_ceil(quanta_until(rate, Nanos(1)))).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{AccessLink, HEADER_BYTES};
    use proptest::prelude::*;

    const MBIT: u64 = 1_000_000;

    /// Hands over copies of these bytes at these times, ascending; returns the time at which each leaves.
    fn departures(rate: LinkRate, copies: &[(Nanos, u32)]) -> Vec<Nanos> {
        let (mut uplink, mut left) = (FairUplink::default(), vec![Nanos::MAX; copies.len()]);
        for (copy, &(now, bytes)) in (0..).zip(copies) {
            while let Some((time, copy)) = uplink.take_departure(&rate, now) {
                left[copy as usize] = time;
            }
            uplink.hand_over(&rate, now, bytes, copy);
        }
        while let Some((time, copy)) = uplink.take_departure(&rate, Nanos::MAX) {
            left[copy as usize] = time;
        }
        assert_eq!(uplink.next_departure(&rate), None);
        left
    }

    #[test]
    fn copies_handed_over_together_leave_together() {
        // D copies of S bytes over a rate of R all leave at D S / R.
        for (mbit, count, bytes) in [(50, 8, 1_048_634 + HEADER_BYTES), (10, 1_000, 84), (3, 7, 1_001), (1_000, 3, 1)] {
            let copies = vec![(Nanos(5), bytes); count];
            let bits = 8 * u64::from(bytes) * count as u64;
            let expected = Nanos(5 + (bits * 1_000).div_ceil(mbit));
            assert_eq!(departures(LinkRate::new(mbit * MBIT, None), &copies), vec![expected; count]);
        }
        // 1 MiB with its headers to 8 neighbours at 50 Mbit/s: one copy after another the first has left after 167.8
        // ms.
        let last = departures(LinkRate::new(50 * MBIT, None), &[(Nanos::ZERO, 1_048_662); 8])[0];
        assert_eq!(last, Nanos(8 * 167_785_920));
    }

    #[test]
    fn sizes_and_times_share_as_worked_out_by_hand() {
        let (rate, ms) = (LinkRate::new(8 * MBIT, None), Nanos::from_millis);
        // At 8 Mbit/s 1,000 bytes alone take 1 ms. Of sizes 1, 2 and 4 the first has a third of the rate until 3 ms,
        // the second a half for 1 ms more of it, and the third the rest.
        let at_once = [(ms(0), 1_000), (ms(0), 2_000), (ms(0), 4_000)];
        assert_eq!(departures(rate, &at_once), [ms(3), ms(5), ms(7)]);
        // A copy that comes when half of another has left takes as much time as what is left of both.
        assert_eq!(departures(rate, &[(ms(0), 2_000), (ms(1), 1_000)]), [ms(3), ms(3)]);
        // A short one passes a long one.
        assert_eq!(departures(rate, &[(ms(0), 10_000), (ms(2), 1_000)]), [ms(11), ms(4)]);
        // After a pause nothing is left of what was before.
        assert_eq!(departures(rate, &[(ms(0), 1_000), (ms(9), 1_000)]), [ms(1), ms(10)]);
        // A rest of a nanosecond counts as one: 3 and 6 bits at 2 Gbit/s and 8 bits at 3 bits a second.
        assert_eq!(departures(LinkRate::new(3, None), &[(ms(0), 1), (ms(0), 1)]), [Nanos(5_333_333_334); 2]);
    }

    #[test]
    fn the_longest_times_and_the_highest_rates_do_not_overflow() {
        for rate in [1, crate::network::bandwidth::RATE_MAX] {
            let copies = [(Nanos(u64::MAX / 2), u32::MAX); 300];
            let left = departures(LinkRate::new(rate, None), &copies);
            let exact =
                u128::from(u64::MAX / 2) + (300 * u128::from(u32::MAX) * 8_000_000_000).div_ceil(u128::from(rate));
            assert_eq!(left, [Nanos(u64::try_from(exact).unwrap_or(u64::MAX)); 300]);
        }
    }

    /// Processor sharing as it is defined: finds the next copy that ends, subtracts its share from every copy, and goes
    /// on. Work is in 2^-50 * 10^-9 bits, a billionth of a quantum.
    fn naive_departures(rate: u64, copies: &[(Nanos, u32)]) -> Vec<Nanos> {
        const DIGITS: u32 = 50;
        let until = |time: Nanos| (i128::from(time.0) * i128::from(rate)) << DIGITS;
        let (mut left, mut now, mut next) = (vec![Nanos::MAX; copies.len()], 0, 0);
        let mut under_way: Vec<(usize, i128)> = Vec::new();
        loop {
            let handed_at = copies.get(next).map_or(i128::MAX, |&(time, _)| until(time));
            let count = under_way.len() as i128;
            let least = under_way.iter().map(|copy| copy.1).min();
            if let Some(least) = least.filter(|least| now + least * count <= handed_at) {
                now += least * count;
                under_way.iter_mut().for_each(|copy| copy.1 -= least);
                let time = now.unsigned_abs().div_ceil(until(Nanos(1)).unsigned_abs());
                under_way.iter().filter(|copy| copy.1 == 0).for_each(|copy| left[copy.0] = Nanos(time as u64));
                under_way.retain(|copy| copy.1 > 0);
            } else if next < copies.len() {
                under_way.iter_mut().for_each(|copy| copy.1 -= (handed_at - now) / count);
                now = handed_at;
                under_way.push((next, (i128::from(copies[next].1) * 8_000_000_000) << DIGITS));
                next += 1;
            } else {
                return left;
            }
        }
    }

    /// Copies of up to 3,000 bytes with gaps of up to 2 ms, sometimes none.
    fn arrivals() -> impl Strategy<Value = Vec<(Nanos, u32)>> {
        let gap = prop_oneof![Just(0), 0..2_000_000_u64, 0..20_000_u64];
        let bytes = prop_oneof![1..3_000_u32, Just(88)];
        prop::collection::vec((gap, bytes), 1..60).prop_map(|copies| {
            let mut now = 0;
            let add = |(gap, bytes)| {
                now += gap;
                (Nanos(now), bytes)
            };
            copies.into_iter().map(add).collect()
        })
    }

    fn rates() -> impl Strategy<Value = u64> {
        prop_oneof![Just(1_000), 10_000..3_000_000_u64, 3 * MBIT..100 * MBIT, Just(20_000 * MBIT)]
    }

    proptest! {
        #[test]
        fn departures_are_those_of_shares_subtracted_one_by_one(copies in arrivals(), rate in rates()) {
            let naive = naive_departures(rate, &copies);
            let ours = departures(LinkRate::new(rate, None), &copies);
            for (copy, (ours, naive)) in ours.iter().zip(&naive).enumerate() {
                prop_assert!(ours.0.abs_diff(naive.0) <= 1, "copy {}: {} and not {}", copy, ours, naive);
            }
        }

        /// An uplink that always works while anything waits is done at the same time in any sequence: one copy after
        /// another rounds up each, and shares round up once.
        #[test]
        fn a_busy_period_ends_as_it_does_one_after_another(copies in arrivals(), rate in rates()) {
            let (link, mut serial) = (LinkRate::new(rate, None), AccessLink::default());
            let mut by_turns = Nanos::ZERO;
            for &(now, bytes) in &copies {
                by_turns = link.send(&mut serial, now, bytes).departs.unwrap();
            }
            let last = *departures(link, &copies).iter().max().unwrap();
            prop_assert!(last <= by_turns && by_turns.0 - last.0 <= copies.len() as u64, "{} {}", last, by_turns);
            // Where every message takes whole nanoseconds, to the nanosecond.
            let whole = LinkRate::new(8_000_000, None);
            let (mut serial, mut by_turns) = (AccessLink::default(), Nanos::ZERO);
            for &(now, bytes) in &copies {
                by_turns = whole.send(&mut serial, now, bytes).departs.unwrap();
            }
            prop_assert_eq!(*departures(whole, &copies).iter().max().unwrap(), by_turns);
        }

        /// No copy leaves before its own bits could have left alone, and together they never exceed the rate.
        #[test]
        fn copies_never_exceed_the_rate(copies in arrivals(), rate in rates()) {
            let link = LinkRate::new(rate, None);
            let left = departures(link, &copies);
            for (&(now, bytes), &time) in copies.iter().zip(&left) {
                prop_assert!(time >= now + link.time(bytes));
            }
            for &time in &left {
                let gone = copies.iter().zip(&left).filter(|(_, left)| **left <= time);
                let sent: u64 = gone.map(|(copy, _)| u64::from(copy.1)).sum();
                prop_assert!(link.time_of_sum(sent) <= time.since(copies[0].0));
            }
        }

        /// The times at which copies are taken in between change nothing.
        #[test]
        fn it_does_not_matter_when_departures_are_taken(
            copies in arrivals(), rate in rates(), window in 10_000..3_000_000_u64,
        ) {
            let rate = LinkRate::new(rate, None);
            let (mut uplink, mut left) = (FairUplink::default(), vec![Nanos::MAX; copies.len()]);
            let (mut next, mut until) = (0, 0);
            while left.contains(&Nanos::MAX) {
                until += window;
                while let Some(&(now, bytes)) = copies.get(next).filter(|copy| copy.0.0 <= until) {
                    while let Some((time, copy)) = uplink.take_departure(&rate, now) {
                        left[copy as usize] = time;
                    }
                    uplink.hand_over(&rate, now, bytes, next as u32);
                    next += 1;
                }
                while let Some((time, copy)) = uplink.take_departure(&rate, Nanos(until)) {
                    left[copy as usize] = time;
                }
                // A slow rate takes many windows.
                until = until.max(uplink.next_departure(&rate).map_or(until, |time| time.0.saturating_sub(window)));
            }
            prop_assert_eq!(left, departures(rate, &copies));
        }
    }
}
