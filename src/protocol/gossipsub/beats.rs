//! The heartbeats of nodes: each has its own phase, and only those that have something to do take place.
//!
//! Beat k of a node is at `delay + phase + k * interval`, with a phase drawn from one interval, since real nodes start
//! at different times. Beats are numbered whether they take place or not, so that windows and backoffs are spans of
//! numbers, and a beat that would do nothing costs nothing.

use crate::protocol::Context;
use crate::time::Nanos;

/// The purpose of the draw of a node's phase.
const PHASE: u32 = 0;

/// The number of beats that a node holds at most; 34 years of one a second. It leaves the two highest bits of a word
/// free.
pub(super) const BEATS_MAX: u32 = (1 << 30) - 1;

/// Bytes of a node's entry in the schedule.
pub(super) const NODE_BYTES: usize = size_of::<u32>();

/// The times of all beats.
#[derive(Clone, Copy, Debug)]
pub(super) struct BeatClock {
    pub(super) delay: Nanos,
    pub(super) interval: Nanos,
}

impl BeatClock {
    /// Returns the number of beats of the event's node up to `time`, that is, the number of the first beat after it; at
    /// most [`BEATS_MAX`], the number of a beat that does not take place.
    pub(super) fn next_after<C: Context>(&self, context: &C, time: Nanos) -> u32 {
        match time.0.checked_sub(self.first(context).0) {
            Some(since) => (since / self.interval.0 + 1).min(u64::from(BEATS_MAX)) as u32,
            None => 0,
        }
    }

    /// Returns the time of a beat of the event's node.
    pub(super) fn time<C: Context>(&self, context: &C, beat: u32) -> Nanos {
        Nanos(self.first(context).0.saturating_add(u64::from(beat).saturating_mul(self.interval.0)))
    }

    fn first<C: Context>(&self, context: &C) -> Nanos {
        self.delay + Nanos(context.draw(PHASE, 0) % self.interval.0)
    }
}

/// The beats that nodes have asked for, and the nodes that still have something to gossip.
#[derive(Debug)]
pub(super) struct BeatSchedule {
    /// By node: one more than the number of the beat that takes place next, 0 if none is asked for; and the bit that it
    /// gossips.
    nodes: Vec<u32>,
    gossiping: u64,
}

/// The bit of a node that still has something to gossip. [`BEATS_MAX`] leaves it free.
const GOSSIPS: u32 = 1 << 31;

impl BeatSchedule {
    pub(super) fn new(nodes: usize) -> BeatSchedule {
        BeatSchedule { nodes: vec![0; nodes], gossiping: 0 }
    }

    /// Returns the number of nodes that still have something to gossip.
    pub(super) fn gossiping(&self) -> u64 {
        self.gossiping
    }

    /// Returns true if a node still has something to gossip.
    pub(super) fn gossips(&self, local: usize) -> bool {
        self.nodes[local] & GOSSIPS != 0
    }

    /// Iterates over the nodes that still have something to gossip, each with the number of its next beat.
    pub(super) fn gossiping_beats(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let nodes = self.nodes.iter().enumerate().filter(|(_, node)| **node & GOSSIPS != 0);
        nodes.map(|(local, node)| (local, (node & !GOSSIPS).saturating_sub(1)))
    }

    /// Notes if a node has something to gossip.
    pub(super) fn set_gossips(&mut self, local: usize, gossips: bool) {
        if self.gossips(local) != gossips {
            self.nodes[local] ^= GOSSIPS;
            self.gossiping = if gossips { self.gossiping + 1 } else { self.gossiping - 1 };
        }
    }

    /// Asks for a beat below [`BEATS_MAX`], unless an earlier one is asked for already. Returns true if it was not.
    pub(super) fn ask(&mut self, local: usize, beat: u32) -> bool {
        let node = &mut self.nodes[local];
        let next = *node & !GOSSIPS;
        let is_first = next == 0 || beat < next - 1;
        if is_first {
            *node = *node & GOSSIPS | (beat + 1);
        }
        is_first
    }

    /// Begins a beat; returns false if the timer belongs to one that is no longer asked for.
    pub(super) fn begin(&mut self, local: usize, beat: u32) -> bool {
        let node = &mut self.nodes[local];
        let is_due = *node & !GOSSIPS == beat.saturating_add(1);
        if is_due {
            *node &= GOSSIPS;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::recording_context::RecordingContext;

    #[test]
    fn beats_are_an_interval_apart_and_numbered_from_the_phase() {
        let clock = BeatClock { delay: Nanos(1_000), interval: Nanos(700) };
        let context = RecordingContext::default();
        let first = clock.time(&context, 0);
        assert!((1_000..1_700).contains(&first.0), "{first:?}");
        assert_eq!(clock.time(&context, 3), first + Nanos(2_100));
        for beat in 0..5 {
            let time = clock.time(&context, beat);
            assert_eq!(clock.next_after(&context, time), beat + 1);
            assert_eq!(clock.next_after(&context, Nanos(time.0 - 1)), beat);
        }
    }

    #[test]
    fn of_two_beats_the_earlier_takes_place() {
        let mut schedule = BeatSchedule::new(2);
        assert_eq!(
            [schedule.ask(0, 7), schedule.ask(0, 9), schedule.ask(0, 7), schedule.ask(0, 3)],
            [true, false, false, true]
        );
        assert!(!schedule.begin(0, 7) && !schedule.begin(1, 3) && schedule.begin(0, 3) && !schedule.begin(0, 3));
        schedule.set_gossips(1, true);
        schedule.set_gossips(1, true);
        assert!(schedule.gossips(1) && schedule.gossiping() == 1);
        schedule.set_gossips(1, false);
        assert_eq!(schedule.gossiping(), 0);
    }
}
