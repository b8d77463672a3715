//! The figures of each process of a cluster.

use crate::record::{ClusterProcessRecord, RunRecord};
use serde::Serialize;

/// One process of a cluster. All of this is of the machine: no figure of the model depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterProcessFigures {
    /// Process id in its operating system.
    pub pid: u32,
    /// Its worker threads.
    pub workers: u32,
    /// Nodes of these workers.
    pub nodes: u32,
    /// Time that its workers computed, all together, in nanoseconds.
    pub busy_ns: u64,
    /// Time that they waited for workers, all together, in nanoseconds.
    pub waited_ns: u64,
    /// The most memory that it has held, in bytes; `None` if its system does not say.
    pub peak_memory_bytes: Option<u64>,
    /// Meetings of its workers with all others.
    pub meetings: u64,
    /// Events that it sent to other processes.
    pub events_sent: u64,
    /// Bytes that it sent to them, those of the connection itself left out.
    pub bytes_sent: u64,
}

impl ClusterProcessFigures {
    /// Lists the processes of the cluster that computed a run; none if one process did alone.
    pub(crate) fn all(record: &RunRecord) -> Vec<ClusterProcessFigures> {
        record.cluster.iter().map(ClusterProcessFigures::of).collect()
    }

    /// Returns the figures of one process.
    pub(crate) fn of(process: &ClusterProcessRecord) -> ClusterProcessFigures {
        let &ClusterProcessRecord {
            pid,
            workers,
            nodes,
            busy,
            waited,
            peak_memory_bytes,
            meetings,
            events_sent,
            bytes_sent,
            settling_meetings: _,
            settled_events: _,
            waiting_bytes: _,
            crossing_bytes: _,
        } = process;
        ClusterProcessFigures {
            pid,
            workers,
            nodes,
            busy_ns: busy.0,
            waited_ns: waited.0,
            peak_memory_bytes,
            meetings,
            events_sent,
            bytes_sent,
        }
    }
}
