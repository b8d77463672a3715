//! The figures of the nodes' access links: longest queues and busiest times.

use crate::record::{LinkSideRecord, RunRecord};
use serde::Serialize;

/// The access links of all nodes; `None` for a direction without a limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AccessLinkFigures {
    /// Uplinks, out of the nodes.
    pub up: Option<LinkSideFigures>,
    /// Downlinks, into the nodes.
    pub down: Option<LinkSideFigures>,
}

/// The access links in one direction. A message in transmission counts as queued.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LinkSideFigures {
    /// Bytes of the longest queue, headers included.
    pub longest_queue_bytes: u64,
    /// Time that the link takes to transmit that queue, in nanoseconds.
    pub longest_queue_ns: u64,
    /// Share of the run's time for which the busiest link transmitted messages, 0 to 1; `None` if no time passed.
    pub busiest_share: Option<f64>,
}

impl AccessLinkFigures {
    /// Computes the figures of a run's links; `None` if no link has a limit.
    pub(crate) fn of(record: &RunRecord) -> Option<AccessLinkFigures> {
        let figures = |side: LinkSideRecord| LinkSideFigures {
            longest_queue_bytes: side.queue_bytes,
            longest_queue_ns: side.queue_drains_in.0,
            busiest_share: (record.elapsed.0 > 0).then(|| side.busiest.as_secs_f64() / record.elapsed.as_secs_f64()),
        };
        let (up, down) = (record.access_links.up.map(figures), record.access_links.down.map(figures));
        (up.is_some() || down.is_some()).then_some(AccessLinkFigures { up, down })
    }
}
