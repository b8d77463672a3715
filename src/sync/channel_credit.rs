//! What the two ends of a lane tell each other beside the datagrams. A lane leads from one shard to one shard, its own
//! included.
//!
//! The receiver says how much of what was charged has left its socket: the sender's credit. The sender says how much it
//! has handed over: what a receiver whose last train was dropped cannot learn from any gap. And before it hands a train over
//! it says what will have gone with it, so that a receiver takes nothing for the sender's that the sender has not announced,
//! whoever can forge a datagram. Each number has one writer, and a receiver's numbers have a cache line for each lane, because
//! the sender reads them in the middle of its work.

#![allow(unsafe_code)]

use super::Arena;
use super::arena::{Placed, Zeroed};
use super::atomic::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// The lanes between all shards of a run.
pub struct ChannelCredit {
    shards: usize,
    consumed: Placed<[CachePadded<AtomicU64>]>,
    announced: Placed<[SenderCell]>,
}

/// What a sender has handed to the kernel on one lane, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandedOver {
    /// Messages.
    pub messages: u64,
    /// Packets as the kernel counts them: a train is one.
    pub packets: u64,
}

/// What will have gone on one lane with the train that is about to leave, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// Messages.
    pub messages: u64,
    /// Bytes charged.
    pub charge: u64,
}

#[derive(Default)]
struct SenderCell {
    messages: AtomicU64,
    packets: AtomicU64,
    promised_messages: AtomicU64,
    promised_charge: AtomicU64,
}

// SAFETY: atomics, each 0 at first: nothing has gone.
unsafe impl Zeroed for SenderCell {}

impl ChannelCredit {
    /// Lanes between so many shards, on which nothing has gone yet.
    pub fn new(arena: &mut Arena, shards: usize) -> ChannelCredit {
        let lanes = shards * shards;
        ChannelCredit { shards, consumed: arena.many(lanes), announced: arena.many(lanes) }
    }

    /// Says that whatever was charged on a lane up to `charge` has left the receiver's socket. For its receiver.
    pub fn consume(&self, from: usize, to: usize, charge: u64) {
        // Ordering: Relaxed; the number says that room is free in the kernel, and no memory hangs on it.
        self.consumed[self.channel(from, to)].store(charge, Ordering::Relaxed);
    }

    /// What has left the receiver's socket, in the sender's charges. A number read late holds back, and never lets
    /// through too much.
    pub fn consumed(&self, from: usize, to: usize) -> u64 {
        // Ordering: Relaxed; as in `consume`.
        self.consumed[self.channel(from, to)].load(Ordering::Relaxed)
    }

    /// Says what was handed to the kernel on a lane. For its sender.
    pub fn announce(&self, from: usize, to: usize, announced: HandedOver) {
        let slot = &self.announced[self.channel(from, to)];
        // Ordering: Relaxed; who draws conclusions reads after the end barrier, or after the sender's idle mark on the
        // board, and both order it.
        slot.messages.store(announced.messages, Ordering::Relaxed);
        // Ordering: Relaxed; as above.
        slot.packets.store(announced.packets, Ordering::Relaxed);
    }

    /// What was handed to the kernel on a lane.
    pub fn announced(&self, from: usize, to: usize) -> HandedOver {
        let slot = &self.announced[self.channel(from, to)];
        HandedOver {
            // Ordering: Relaxed; as in `announce`.
            messages: slot.messages.load(Ordering::Relaxed),
            // Ordering: Relaxed; as in `announce`.
            packets: slot.packets.load(Ordering::Relaxed),
        }
    }

    /// Says what will have gone on a lane with the train that is handed to the kernel next. For its sender. A train that the
    /// kernel then refuses stays promised, until the next is.
    pub fn promise(&self, from: usize, to: usize, promised: Announced) {
        let slot = &self.announced[self.channel(from, to)];
        // Ordering: Release; whoever has the train in hand must find no less than it. The kernel's queue orders the train
        // behind this, and `promised` reads with Acquire.
        slot.promised_messages.store(promised.messages, Ordering::Release);
        // Ordering: Release; as above.
        slot.promised_charge.store(promised.charge, Ordering::Release);
    }

    /// The most that can have gone on a lane, for its receiver: no train in hand says more.
    pub fn promised(&self, from: usize, to: usize) -> Announced {
        let slot = &self.announced[self.channel(from, to)];
        Announced {
            // Ordering: Acquire; with the stores in `promise`.
            messages: slot.promised_messages.load(Ordering::Acquire),
            // Ordering: Acquire; as above.
            charge: slot.promised_charge.load(Ordering::Acquire),
        }
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.shards
    }

    fn channel(&self, from: usize, to: usize) -> usize {
        from * self.shards + to
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_lane_has_numbers_of_its_own() {
        let lanes = ChannelCredit::new(&mut Arena::heap(), 2);
        lanes.consume(0, 1, 7);
        lanes.announce(1, 0, HandedOver { messages: 3, packets: 1 });
        assert_eq!([lanes.consumed(0, 0), lanes.consumed(0, 1), lanes.consumed(1, 0)], [0, 7, 0]);
        assert_eq!(lanes.announced(1, 0), HandedOver { messages: 3, packets: 1 });
        assert_eq!(lanes.announced(0, 1), HandedOver::default());
        lanes.promise(1, 0, Announced { messages: 9, charge: 70 });
        assert_eq!(lanes.promised(1, 0), Announced { messages: 9, charge: 70 });
        assert_eq!((lanes.promised(0, 1), lanes.announced(1, 0).messages), (Announced::default(), 3));
    }
}
