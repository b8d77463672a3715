//! Exchanges counts between the two ends of a channel, beside its datagrams. A channel leads from one shard to one
//! shard, itself included.
//!
//! The receiver reports how much of the charge has left its socket: the sender's credit. The sender reports how much it
//! has handed over, because a receiver whose last train was dropped cannot learn that from any gap. Before the sender
//! hands a train over, it announces its totals including that train, so that a receiver never accepts a forged datagram
//! as one that the sender has announced. Each count has one writer, and a receiver's count has a cache line per
//! channel, because the sender reads it in the middle of its work.

#![allow(unsafe_code)]

use super::Arena;
use super::arena::{Placed, Zeroed};
use super::atomic::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// The channels between all shards of a run.
pub struct ChannelCredit {
    shards: usize,
    consumed: Placed<[CachePadded<AtomicU64>]>,
    announced: Placed<[SenderCell]>,
}

/// Totals since the start that a sender has handed to the kernel on one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandedOver {
    /// Messages.
    pub messages: u64,
    /// Packets as the kernel counts them: a train is one.
    pub packets: u64,
}

/// Totals since the start on one channel, including the train that is about to leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// Messages.
    pub messages: u64,
    /// Charged bytes.
    pub charge: u64,
}

#[derive(Default)]
struct SenderCell {
    messages: AtomicU64,
    packets: AtomicU64,
    promised_messages: AtomicU64,
    promised_charge: AtomicU64,
}

// SAFETY: atomics, each initially 0: nothing was sent.
unsafe impl Zeroed for SenderCell {}

impl ChannelCredit {
    /// Creates the channels between `shards` shards, with all counts 0.
    pub fn new(arena: &mut Arena, shards: usize) -> ChannelCredit {
        let channels = shards * shards;
        ChannelCredit { shards, consumed: arena.many(channels), announced: arena.many(channels) }
    }

    /// Reports that everything charged on a channel up to `charge` has left the receiver's socket. For the receiver.
    pub fn consume(&self, from: usize, to: usize, charge: u64) {
        // Ordering: Relaxed; the number only means free room in the kernel, and publishes no memory.
        self.consumed[self.channel(from, to)].store(charge, Ordering::Relaxed);
    }

    /// Returns the charge that has left the receiver's socket, in the sender's count. A stale value delays the sender,
    /// and never lets it exceed its credit.
    pub fn consumed(&self, from: usize, to: usize) -> u64 {
        // Ordering: Relaxed; as in `consume`.
        self.consumed[self.channel(from, to)].load(Ordering::Relaxed)
    }

    /// Reports the totals handed to the kernel on a channel. For the sender.
    pub fn announce(&self, from: usize, to: usize, announced: HandedOver) {
        let slot = &self.announced[self.channel(from, to)];
        // Ordering: Relaxed; conclusions are drawn only behind the final barrier, or after the sender's idle mark in
        // the termination detector, and both order these stores.
        slot.messages.store(announced.messages, Ordering::Relaxed);
        // Ordering: Relaxed; as above.
        slot.packets.store(announced.packets, Ordering::Relaxed);
    }

    /// Returns the totals handed to the kernel on a channel.
    pub fn announced(&self, from: usize, to: usize) -> HandedOver {
        let slot = &self.announced[self.channel(from, to)];
        HandedOver {
            // Ordering: Relaxed; as in `announce`.
            messages: slot.messages.load(Ordering::Relaxed),
            // Ordering: Relaxed; as in `announce`.
            packets: slot.packets.load(Ordering::Relaxed),
        }
    }

    /// Announces a channel's totals including the train that is handed to the kernel next. For the sender. The
    /// announcement stands if the kernel refuses that train, until the next call replaces it.
    pub fn promise(&self, from: usize, to: usize, promised: Announced) {
        let slot = &self.announced[self.channel(from, to)];
        // Ordering: Release; a receiver that has the train must read totals that include it. The kernel's queue orders
        // the train behind these stores, and `promised` reads with Acquire.
        slot.promised_messages.store(promised.messages, Ordering::Release);
        // Ordering: Release; as above.
        slot.promised_charge.store(promised.charge, Ordering::Release);
    }

    /// Returns the upper bound on a channel's totals, for its receiver: no train that has arrived lies beyond it.
    pub fn promised(&self, from: usize, to: usize) -> Announced {
        let slot = &self.announced[self.channel(from, to)];
        Announced {
            // Ordering: Acquire; partner: the stores in `promise`.
            messages: slot.promised_messages.load(Ordering::Acquire),
            // Ordering: Acquire; as above.
            charge: slot.promised_charge.load(Ordering::Acquire),
        }
    }

    fn channel(&self, from: usize, to: usize) -> usize {
        from * self.shards + to
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_counts_of_its_own() {
        let channels = ChannelCredit::new(&mut Arena::heap(), 2);
        channels.consume(0, 1, 7);
        channels.announce(1, 0, HandedOver { messages: 3, packets: 1 });
        assert_eq!([channels.consumed(0, 0), channels.consumed(0, 1), channels.consumed(1, 0)], [0, 7, 0]);
        assert_eq!(channels.announced(1, 0), HandedOver { messages: 3, packets: 1 });
        assert_eq!(channels.announced(0, 1), HandedOver::default());
        channels.promise(1, 0, Announced { messages: 9, charge: 70 });
        assert_eq!(channels.promised(1, 0), Announced { messages: 9, charge: 70 });
        assert_eq!((channels.promised(0, 1), channels.announced(1, 0).messages), (Announced::default(), 3));
    }
}
