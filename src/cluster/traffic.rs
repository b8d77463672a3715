//! Counts the bytes that a process exchanges with each other one.

use crate::sync::{Arena, Counters};

/// Bytes of the exchange with each process, without what frames and their tags add.
pub(super) struct ClusterTraffic {
    sent: Counters,
    received: Counters,
    /// Reads that have begun, and those that have ended.
    reads: [Counters; 2],
}

impl ClusterTraffic {
    /// Creates the counts of a cluster of `processes`.
    pub(super) fn new(processes: usize) -> ClusterTraffic {
        let counters = || Counters::new(&mut Arena::heap(), processes);
        ClusterTraffic { sent: counters(), received: counters(), reads: [counters(), counters()] }
    }

    /// Adds to the bytes sent to a process.
    pub(super) fn add_sent(&self, process: usize, bytes: usize) {
        self.sent.add(process, bytes as u64);
    }

    /// Notes that this process begins to wait for bytes of a process.
    pub(super) fn begin_read(&self, process: usize) {
        self.reads[0].add(process, 1);
    }

    /// Notes that bytes have been received from a process, for which this one has waited.
    pub(super) fn end_read(&self, process: usize, bytes: usize) {
        self.received.add(process, bytes as u64);
        self.reads[1].add(process, 1);
    }

    /// Returns true if this process waits for bytes of a process.
    pub(super) fn is_reading(&self, process: usize) -> bool {
        self.reads[0].count(process) != self.reads[1].count(process)
    }

    /// Returns the bytes sent to a process so far.
    pub(super) fn sent(&self, process: usize) -> u64 {
        self.sent.count(process)
    }

    /// Returns the bytes received from a process so far.
    pub(super) fn received(&self, process: usize) -> u64 {
        self.received.count(process)
    }
}
