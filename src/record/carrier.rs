//! The counts that only a carrier can take, for one worker: system calls, drops of the kernel, strays.

use crate::wire::StrayCounts;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

/// The sum of two counts, if both were taken.
pub(super) fn both(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.zip(other).map(|(one, other)| one + other)
}

/// What a carrier counts for one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CarrierCounts {
    /// Datagrams handed to the kernel; 0 for carriers that use none.
    pub kernel_datagrams: u64,
    /// Datagrams of this run dropped by the kernel, strays among them where there were any; `None` where the platform
    /// has no such counter. A train that crosses the kernel whole is one.
    pub kernel_dropped: Option<u64>,
    /// What the numbers on the trains say is missing; `None` where messages are not numbered.
    pub missing: Option<Missing>,
    /// Messages of this run found in the sockets after every worker had stopped.
    pub drained: u64,
    /// Datagrams that are not of this run, by kind.
    pub strays: StrayCounts,
    /// Times the kernel had no room for a datagram, which then waited.
    pub send_blocked: u64,
    /// Calls that sent.
    pub send_calls: u64,
    /// Calls that received.
    pub receive_calls: u64,
}

impl CarrierCounts {
    /// Adds what the carrier of another worker counted.
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
            self.missing.get_or_insert_default().add(missing);
        }
        self.drained += drained;
        self.strays.merge(strays);
        self.send_blocked += send_blocked;
        self.send_calls += send_calls;
        self.receive_calls += receive_calls;
    }

    /// Messages known to be lost on their way in: the kernel's drops where each is a message; where messages are
    /// numbered those that are missing, unless more is missing than the kernel says it dropped and may yet come. Where
    /// strays came a drop may be a stray's, and must not pass for a message that is still to be read.
    pub fn lost(&self) -> u64 {
        match (self.missing, self.kernel_dropped) {
            (Some(missing), Some(dropped)) if missing.packets > dropped => 0,
            (Some(missing), _) => missing.messages,
            (None, Some(dropped)) if self.strays.total() == 0 => dropped,
            (None, _) => 0,
        }
    }
}

/// What numbered lanes say was sent and did not come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, BorshSerialize, BorshDeserialize)]
pub struct Missing {
    /// Messages.
    pub messages: u64,
    /// Packets that held them, as the kernel counts: a train that crosses it whole is one.
    pub packets: u64,
}

impl Missing {
    /// Adds what is missing elsewhere.
    pub const fn add(&mut self, other: Missing) {
        self.messages += other.messages;
        self.packets += other.packets;
    }
}
