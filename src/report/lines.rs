//! The lines of the nodes as they are shown: how long their longest queues were, and how busy the busiest was.

use crate::stats::{RunRecord, WayRecord};
use serde::Serialize;

/// The lines of all nodes; `None` for a way that has no limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LineFigures {
    /// Out of the nodes.
    pub up: Option<WayFigures>,
    /// Into the nodes.
    pub down: Option<WayFigures>,
}

/// The lines one way. What is on a line counts as waiting at it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WayFigures {
    /// Bytes of the longest queue, headers included.
    pub longest_queue_bytes: u64,
    /// How long its line took for them.
    pub longest_queue_ns: u64,
    /// Share of the run's time for which the busiest line carried messages, 0 to 1; `None` where no time passed.
    pub busiest_share: Option<f64>,
}

impl LineFigures {
    /// The lines of a run, where any has a limit.
    pub(super) fn of(record: &RunRecord) -> Option<LineFigures> {
        let figures = |way: WayRecord| WayFigures {
            longest_queue_bytes: way.queue_bytes,
            longest_queue_ns: way.queue_drains_in.0,
            busiest_share: (record.elapsed.0 > 0).then(|| way.busiest.as_secs_f64() / record.elapsed.as_secs_f64()),
        };
        let (up, down) = (record.lines.up.map(figures), record.lines.down.map(figures));
        (up.is_some() || down.is_some()).then_some(LineFigures { up, down })
    }
}
