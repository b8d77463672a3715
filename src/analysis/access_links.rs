//! The lines of the nodes as they are shown: how long their longest queues were, and how busy the busiest was.

use crate::record::{LinkSideRecord, RunRecord};
use serde::Serialize;

/// The lines of all nodes; `None` for a way that has no limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AccessLinkFigures {
    /// Out of the nodes.
    pub up: Option<LinkSideFigures>,
    /// Into the nodes.
    pub down: Option<LinkSideFigures>,
}

/// The lines one way. What is on a line counts as waiting at it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LinkSideFigures {
    /// Bytes of the longest queue, headers included.
    pub longest_queue_bytes: u64,
    /// How long its line took for them.
    pub longest_queue_ns: u64,
    /// Share of the run's time for which the busiest line carried messages, 0 to 1; `None` where no time passed.
    pub busiest_share: Option<f64>,
}

impl AccessLinkFigures {
    /// The lines of a run, where any has a limit.
    pub(crate) fn of(record: &RunRecord) -> Option<AccessLinkFigures> {
        let figures = |way: LinkSideRecord| LinkSideFigures {
            longest_queue_bytes: way.queue_bytes,
            longest_queue_ns: way.queue_drains_in.0,
            busiest_share: (record.elapsed.0 > 0).then(|| way.busiest.as_secs_f64() / record.elapsed.as_secs_f64()),
        };
        let (up, down) = (record.lines.up.map(figures), record.lines.down.map(figures));
        (up.is_some() || down.is_some()).then_some(AccessLinkFigures { up, down })
    }
}
