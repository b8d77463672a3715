//! The share of each process of a cluster in a run, and the figures of its nodes.

#[cfg(feature = "cluster")]
use super::{NodePlaces, Receipt, Traffic};
use crate::time::Nanos;
use serde::{Deserialize, Serialize};

/// One process of a cluster. Its figures are of the machine and not of the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterProcessRecord {
    /// Process id in its operating system.
    pub pid: u32,
    /// Its workers.
    pub workers: u32,
    /// The nodes of these.
    pub nodes: u32,
    /// Time that its workers computed, all together.
    pub busy: Nanos,
    /// Time that they waited for other workers, all together.
    pub waited: Nanos,
    /// The most memory that it has held, in bytes; `None` if its system does not say.
    pub peak_memory_bytes: Option<u64>,
    /// Meetings of its workers with all others.
    pub meetings: u64,
    /// Events that it sent to other processes.
    pub events_sent: u64,
    /// Bytes that it sent to them, those of the connection itself left out.
    pub bytes_sent: u64,
    /// Those of the meetings in which messages were counted again after the run, and the events sent in them.
    pub settling_meetings: u64,
    pub settled_events: u64,
    /// The most bytes of messages that waited in its memory at a time, and of buffers for those that crossed in one
    /// meeting, from which those of other runs are estimated.
    pub waiting_bytes: u64,
    pub crossing_bytes: u64,
}

/// The figures of some nodes that follow each other.
#[cfg(feature = "cluster")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeFigures {
    /// The first of them.
    pub first: u32,
    /// Their number.
    pub count: u32,
    /// First receipts, by node; empty for a bulk of orders.
    pub receipts: Vec<Receipt>,
    /// Traffic, by node; empty where it was not kept.
    pub traffic: Vec<Traffic>,
    /// Number of peers, by node; empty where it was not kept.
    pub degrees: Vec<u32>,
    /// Their regions and classes.
    pub places: NodePlaces,
}
