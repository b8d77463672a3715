//! The heartbeats of nodes: each has its own phase, and only those that have something to do take place.
//!
//! Beat k of a node is at `delay + phase + k * interval`, with a phase drawn from one interval, since real nodes start
//! at different times. Beats are numbered whether they take place or not, so that windows and backoffs are spans of
//! numbers, and a beat that would do nothing costs nothing.

use crate::ids::NodeId;
use crate::protocol::ShardView;
use crate::time::Nanos;

/// The purpose of the draw of a node's phase.
const PHASE: u32 = 0;

/// The number of beats that a node holds at most; 34 years of one a second. It leaves the two highest bits of a word
/// free.
pub(super) const BEATS_MAX: u32 = (1 << 30) - 1;

/// The times of all beats.
#[derive(Clone, Copy, Debug)]
pub(super) struct BeatClock {
    pub(super) delay: Nanos,
    pub(super) interval: Nanos,
}

impl BeatClock {
    /// Creates the beats of a node, none of which is asked for.
    pub(super) fn beats_of(&self, view: &ShardView<'_>, node: NodeId) -> NodeBeats {
        NodeBeats { first: self.delay + Nanos(view.draw(node, PHASE, 0) % self.interval.0), next: 0 }
    }

    /// Returns the number of beats of a node up to `time`, that is, the number of the first beat after it; at most
    /// [`BEATS_MAX`], the number of a beat that does not take place.
    pub(super) fn next_after(&self, node: &NodeBeats, time: Nanos) -> u32 {
        match time.0.checked_sub(node.first.0) {
            Some(since) => (since / self.interval.0 + 1).min(u64::from(BEATS_MAX)) as u32,
            None => 0,
        }
    }

    /// Returns the time of a beat of a node.
    pub(super) fn time(&self, node: &NodeBeats, beat: u32) -> Nanos {
        Nanos(node.first.0.saturating_add(u64::from(beat).saturating_mul(self.interval.0)))
    }
}

/// The beats of one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeBeats {
    /// The time of beat 0.
    first: Nanos,
    /// One more than the number of the beat that takes place next, 0 if none is asked for; and the bit that the node
    /// gossips.
    next: u32,
}

/// The bit of a node that still has something to gossip. [`BEATS_MAX`] leaves it free.
const GOSSIPS: u32 = 1 << 31;

impl NodeBeats {
    /// Returns true if the node still has something to gossip.
    pub(super) fn gossips(&self) -> bool {
        self.next & GOSSIPS != 0
    }

    /// Notes if the node has something to gossip; returns true if that is new.
    pub(super) fn set_gossips(&mut self, gossips: bool) -> bool {
        let is_new = self.gossips() != gossips;
        self.next ^= if is_new { GOSSIPS } else { 0 };
        is_new
    }

    /// Returns the number of the beat that takes place next, if one is asked for.
    pub(super) fn next_asked(&self) -> Option<u32> {
        (self.next & !GOSSIPS).checked_sub(1)
    }

    /// Asks for a beat below [`BEATS_MAX`], unless an earlier one is asked for already. Returns true if it was not.
    pub(super) fn ask(&mut self, beat: u32) -> bool {
        let is_first = self.next_asked().is_none_or(|next| beat < next);
        if is_first {
            self.next = self.next & GOSSIPS | (beat + 1);
        }
        is_first
    }

    /// Begins a beat; returns false if the timer belongs to one that is no longer asked for.
    pub(super) fn begin(&mut self, beat: u32) -> bool {
        let is_due = self.next_asked() == Some(beat);
        if is_due {
            self.next &= GOSSIPS;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_an_interval_apart_and_numbered_from_the_phase() {
        let clock = BeatClock { delay: Nanos(1_000), interval: Nanos(700) };
        let node = clock.beats_of(&ShardView::isolated(0..2), NodeId(1));
        let first = clock.time(&node, 0);
        assert!((1_000..1_700).contains(&first.0), "{first:?}");
        assert_eq!(clock.time(&node, 3), first + Nanos(2_100));
        for beat in 0..5 {
            let time = clock.time(&node, beat);
            assert_eq!(clock.next_after(&node, time), beat + 1);
            assert_eq!(clock.next_after(&node, Nanos(time.0 - 1)), beat);
        }
    }

    #[test]
    fn of_two_beats_the_earlier_takes_place() {
        let mut node = NodeBeats { first: Nanos::ZERO, next: 0 };
        assert_eq!([7, 9, 7, 3].map(|beat| node.ask(beat)), [true, false, false, true]);
        assert!([true, true, false].map(|gossips| node.set_gossips(gossips)) == [true, false, true]);
        assert!(node.set_gossips(true) && node.gossips() && node.next_asked() == Some(3));
        assert!(!node.begin(7) && node.begin(3) && !node.begin(3) && node.gossips() && node.next_asked().is_none());
    }
}
