//! The counts that only a carrier can take, for one worker: system calls, drops of the kernel, strays.

use crate::wire::StrayCounts;
use serde::{Deserialize, Serialize};

/// Adds two counts; `None` if either was not taken.
pub(super) fn both(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.zip(other).map(|(one, other)| one + other)
}

/// The counts of a carrier for one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierCounts {
    /// Datagrams handed to the kernel; 0 for carriers that use none.
    pub kernel_datagrams: u64,
    /// Datagrams of this run dropped by the kernel, strays included if there were any; `None` where the platform has no
    /// such counter. A train that crosses the kernel whole counts as one.
    pub kernel_dropped: Option<u64>,
    /// Messages missing by the sequence numbers of the trains; `None` where messages are not numbered.
    pub missing: Option<Missing>,
    /// Messages of this run found in the sockets after every worker had stopped.
    pub drained: u64,
    /// Datagrams that do not belong to this run, by kind.
    pub strays: StrayCounts,
    /// Times that the kernel had no room for a datagram, which then waited.
    pub send_blocked: u64,
    /// System calls that sent.
    pub send_calls: u64,
    /// System calls that received.
    pub receive_calls: u64,
}

impl CarrierCounts {
    /// Adds the counts of another worker's carrier.
    pub fn merge(&mut self, other: &CarrierCounts) {
        let &CarrierCounts {
            kernel_datagrams,
            kernel_dropped,
            missing,
            drained,
            ref strays,
            send_blocked,
            send_calls,
            receive_calls,
        } = other;
        self.kernel_datagrams += kernel_datagrams;
        self.kernel_dropped = both(self.kernel_dropped, kernel_dropped);
        if let Some(missing) = missing {
            self.missing.get_or_insert_default().merge(missing);
        }
        self.drained += drained;
        self.strays.merge(strays);
        self.send_blocked += send_blocked;
        self.send_calls += send_calls;
        self.receive_calls += receive_calls;
    }

    /// Returns the number of messages known to be lost on their way in. Where messages are numbered, this is the number
    /// missing, or 0 while more packets are missing than the kernel says it dropped, because the rest may yet come.
    /// Elsewhere it is the kernel's drops, as each is a message, or 0 if strays came: a drop may be a stray's, and must
    /// not pass for a message that is still to be read.
    pub fn lost(&self) -> u64 {
        match (self.missing, self.kernel_dropped) {
            (Some(missing), Some(dropped)) if missing.packets > dropped => 0,
            (Some(missing), _) => missing.messages,
            (None, Some(dropped)) if self.strays.total() == 0 => dropped,
            (None, _) => 0,
        }
    }
}

/// Messages that numbered links say were sent and did not arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Messages.
    pub messages: u64,
    /// Packets that held them, as the kernel counts: a train that crosses it whole is one.
    pub packets: u64,
}

impl Missing {
    /// Adds the missing messages of another link.
    pub const fn merge(&mut self, other: Missing) {
        let Missing { messages, packets } = other;
        self.messages += messages;
        self.packets += packets;
    }
}
