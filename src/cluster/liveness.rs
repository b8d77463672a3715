//! Decides from signs of life which process counts as dead. Time comes in as an argument.

use super::loss::{LossCause, SILENCE_MAX};
use crate::time::Nanos;

/// The signs of life of all other processes, and of this one.
pub(super) struct Liveness {
    /// The last look at them.
    looked_at: Nanos,
    signs: Vec<LifeSigns>,
}

/// The signs of life of one process.
#[derive(Clone, Copy)]
struct LifeSigns {
    /// The last heartbeat.
    beat_at: Nanos,
    /// Bytes that the process had written to the exchange at that time.
    announced: u64,
    /// Bytes of the exchange that had come at the last progress.
    received: u64,
    /// The last time at which bytes came, or none were under way.
    progress_at: Nanos,
}

impl Liveness {
    /// Begins to watch `processes` at `now`.
    pub(super) fn new(processes: usize, now: Nanos) -> Liveness {
        let signs = LifeSigns { beat_at: now, announced: 0, received: 0, progress_at: now };
        Liveness { looked_at: now, signs: vec![signs; processes] }
    }

    /// Notes a look at `now`; returns the time since the last one if others take this process for dead after it.
    pub(super) fn look(&mut self, now: Nanos) -> Option<LossCause> {
        let since = Nanos(now.0.saturating_sub(self.looked_at.0));
        self.looked_at = now;
        (since >= SILENCE_MAX).then_some(LossCause::OwnStop { since })
    }

    /// Notes a heartbeat of a process, with the bytes that it has written to the exchange.
    pub(super) fn note_beat(&mut self, process: usize, announced: u64, now: Nanos) {
        let signs = &mut self.signs[process];
        // What was not announced before has been under way since now.
        if signs.announced <= signs.received {
            signs.progress_at = now;
        }
        (signs.beat_at, signs.announced) = (now, announced);
    }

    /// Judges a process of whose exchange `received` bytes have come. Progress is expected only while this process
    /// waits for more: one that is still building its overlay reads nothing.
    pub(super) fn judge(&mut self, process: usize, received: u64, is_waiting: bool, now: Nanos) -> Option<LossCause> {
        let signs = &mut self.signs[process];
        if received > signs.received || received >= signs.announced || !is_waiting {
            (signs.received, signs.progress_at) = (received, now);
        }
        let [silence, standstill] = [signs.beat_at, signs.progress_at].map(|at| Nanos(now.0.saturating_sub(at.0)));
        if silence >= SILENCE_MAX {
            Some(LossCause::Silent { since: silence })
        } else if standstill >= SILENCE_MAX {
            Some(LossCause::Stalled { missing: signs.announced - received, since: standstill })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Nanos {
        Nanos(1_000_000_000_000 + millis * 1_000_000)
    }

    #[test]
    fn silence_of_three_seconds_is_death() {
        let mut liveness = Liveness::new(2, at(0));
        liveness.note_beat(0, 0, at(900));
        assert!(liveness.judge(1, 0, true, at(2_999)).is_none() && liveness.judge(0, 0, true, at(3_899)).is_none());
        assert!(
            matches!(liveness.judge(1, 0, true, at(3_000)), Some(LossCause::Silent { since }) if since == SILENCE_MAX)
        );
        assert!(matches!(liveness.judge(0, 0, true, at(3_900)), Some(LossCause::Silent { .. })));
    }

    #[test]
    fn a_process_that_was_stopped_knows() {
        let mut liveness = Liveness::new(1, at(0));
        assert!(liveness.look(at(250)).is_none() && liveness.look(at(3_249)).is_none());
        assert!(matches!(liveness.look(at(6_249)), Some(LossCause::OwnStop { since }) if since == SILENCE_MAX));
    }

    #[test]
    fn bytes_that_do_not_come_although_the_heart_beats_are_a_stall() {
        let mut liveness = Liveness::new(1, at(0));
        for second in 1..=9 {
            // Until the fifth second, as many come as were announced.
            liveness.note_beat(0, 100 * second, at(1_000 * second));
            let verdict = liveness.judge(0, 100 * second.min(5), true, at(1_000 * second));
            match second {
                ..=8 => assert!(verdict.is_none(), "{second}"),
                _ => assert!(
                    matches!(verdict, Some(LossCause::Stalled { missing: 400, since }) if since == SILENCE_MAX),
                    "{verdict:?}"
                ),
            }
        }
    }

    #[test]
    fn slow_bytes_are_no_stall_and_idle_time_is_none() {
        let mut liveness = Liveness::new(1, at(0));
        for second in 1..=60 {
            liveness.note_beat(0, 1_000_000, at(1_000 * second));
            assert!(liveness.judge(0, second, true, at(1_000 * second)).is_none(), "{second}");
        }
        let mut liveness = Liveness::new(1, at(0));
        for second in 1..=60 {
            liveness.note_beat(0, if second == 60 { 9 } else { 5 }, at(1_000 * second));
            assert!(liveness.judge(0, 5, true, at(1_000 * second)).is_none(), "{second}");
        }
    }

    #[test]
    fn bytes_that_nobody_reads_yet_are_no_stall() {
        let mut liveness = Liveness::new(1, at(0));
        for second in 1..=60 {
            liveness.note_beat(0, 9, at(1_000 * second));
            assert!(liveness.judge(0, 0, false, at(1_000 * second)).is_none(), "{second}");
        }
        assert!(liveness.judge(0, 0, true, at(62_999)).is_none());
        liveness.note_beat(0, 9, at(62_999));
        assert!(matches!(liveness.judge(0, 0, true, at(63_000)), Some(LossCause::Stalled { missing: 9, .. })));
    }
}
