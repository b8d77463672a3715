//! The messages that carry parts of orders.

use serde::{Deserialize, Serialize};

/// The counts of parts, apart from whole orders and control messages. Of those received, `received = useful + late`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartCounts {
    /// Parts sent.
    pub sent: u64,
    /// Bytes of the parts sent, as UDP payload.
    pub bytes: u64,
    /// Parts received.
    pub received: u64,
    /// Parts received that were new to their node while it lacked their set.
    pub useful: u64,
    /// Parts received that their node had already or no longer needed.
    pub late: u64,
    /// Orders that nodes put together from parts.
    pub recovered: u64,
}

impl PartCounts {
    /// Returns true if there were no parts.
    pub fn is_none(&self) -> bool {
        *self == PartCounts::default()
    }

    /// Counts parts that were sent.
    pub const fn send(&mut self, messages: u64, bytes: u64) {
        self.sent += messages;
        self.bytes += bytes;
    }

    /// Uncounts a part that was counted as sent.
    pub const fn take_back(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Counts a received part as useful or late.
    #[inline]
    pub const fn count(&mut self, is_useful: bool) {
        self.useful += is_useful as u64;
        self.late += !is_useful as u64;
    }

    /// Returns the parts sent for each useful one, less one; `None` if none was useful.
    pub fn rmr(&self) -> Option<f64> {
        (self.useful > 0).then(|| self.sent as f64 / self.useful as f64 - 1.0)
    }

    /// Returns the parts without `others`, which are among them.
    pub const fn without(&self, others: &PartCounts) -> PartCounts {
        PartCounts {
            sent: self.sent.saturating_sub(others.sent),
            bytes: self.bytes.saturating_sub(others.bytes),
            received: self.received.saturating_sub(others.received),
            useful: self.useful.saturating_sub(others.useful),
            late: self.late.saturating_sub(others.late),
            recovered: self.recovered.saturating_sub(others.recovered),
        }
    }

    /// Adds the parts of another worker.
    pub const fn merge(&mut self, other: &PartCounts) {
        let PartCounts { sent, bytes, received, useful, late, recovered } = *other;
        self.sent += sent;
        self.bytes += bytes;
        self.received += received;
        self.useful += useful;
        self.late += late;
        self.recovered += recovered;
    }
}
