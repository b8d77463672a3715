//! The messages of nodes that are about no order: heartbeats, probes, views.

use serde::{Deserialize, Serialize};

/// The counts of upkeep, apart from all messages that are about an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpkeepCounts {
    /// Messages sent since the end of the warm-up.
    pub sent: u64,
    /// Bytes of the messages sent since the end of the warm-up, as UDP payload.
    pub bytes: u64,
    /// Messages sent in the warm-up.
    pub warm_up_sent: u64,
    /// Bytes of the messages sent in the warm-up, as UDP payload.
    pub warm_up_bytes: u64,
    /// Messages received, in the warm-up and since.
    pub received: u64,
}

impl UpkeepCounts {
    /// Returns true if there was no upkeep.
    pub fn is_none(&self) -> bool {
        *self == UpkeepCounts::default()
    }

    /// Counts messages that were sent, in the warm-up or after it.
    pub const fn send(&mut self, is_warm_up: bool, messages: u64, bytes: u64) {
        if is_warm_up {
            self.warm_up_sent += messages;
            self.warm_up_bytes += bytes;
        } else {
            self.sent += messages;
            self.bytes += bytes;
        }
    }

    /// Uncounts a message that was counted as sent since the warm-up.
    pub const fn take_back(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Counts the messages sent, in the warm-up and since.
    pub const fn sent_in_all(&self) -> u64 {
        self.sent + self.warm_up_sent
    }

    /// Sums the bytes sent, in the warm-up and since.
    pub const fn bytes_in_all(&self) -> u64 {
        self.bytes + self.warm_up_bytes
    }

    /// Adds the upkeep of another worker.
    pub const fn merge(&mut self, other: &UpkeepCounts) {
        let UpkeepCounts { sent, bytes, warm_up_sent, warm_up_bytes, received } = *other;
        self.sent += sent;
        self.bytes += bytes;
        self.warm_up_sent += warm_up_sent;
        self.warm_up_bytes += warm_up_bytes;
        self.received += received;
    }
}

/// Adds `count` at index `what` of a tally, which grows if needed.
pub fn add_tally(tally: &mut Vec<u64>, what: u8, count: u64) {
    let place = usize::from(what);
    // Of nothing there is no entry: the same figures are the same tally, however they were counted.
    if count == 0 {
        return;
    }
    if tally.len() <= place {
        tally.resize(place + 1, 0);
    }
    tally[place] += count;
}
