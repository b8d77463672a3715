//! Every atomic of the project lives here, behind types whose names say what they are for.
//!
//! | file | what it holds |
//! |---|---|
//! | `arena` | where the others lie: on the heap, or in memory that several processes map |
//! | `shared_memory` | such memory |
//! | `bitmap` | one bit per node, written by the bit's owner, read by all |
//! | `counters` | a count for each order, whose adder learns what stood there |
//! | `dense` | one bit per node that anybody may set, in any order |
//! | `least` | the least number named for each place |
//! | `cursor` | blocks of work for whoever asks next |
//! | `threshold` | a counter that one addition carries over its goal |
//! | `allowance` | what all may hold together of what runs out |
//! | `stop` | the global stop flag and its first cause |
//! | `barrier` | a meeting point for all workers that a failing one can break |
//! | `lanes` | what the two ends of a shard pair have sent and taken out: credit and gaps |
//! | `termination` | who is idle and what each worker sent and received: quiescence |
//! | `write_once` | numbers that are each written once |
//! | `lookout` | looks at the user's wish to end now and then, by the work that is done |
//! | `ring` | a queue from one worker to one other |
//! | `sleep_flag` | wakes a worker that sleeps, without a look lost |
//! | `ahead` | memory ahead of its use: touched pages, prefetched lines |
//!
//! Under `--cfg loom` the same code runs on loom's atomics, which try every interleaving.

#[cfg(loom)]
mod loom_tests;

mod allowance;
mod arena;
mod atomic_bitset;
mod atomic_min;
mod barrier;
mod channel_credit;
mod counters;
mod cursor;
mod lookout;
mod owned_bitmap;
mod prefetch;
mod ring;
mod shared_memory;
mod sleep_flag;
mod stop;
mod termination;
mod threshold;
mod write_once;

pub use allowance::Allowance;
pub use arena::{Arena, Layout};
pub use atomic_bitset::AtomicBitset;
pub use atomic_min::AtomicMinima;
pub use barrier::{Barrier, BarrierBroken};
pub use channel_credit::{Announced, ChannelCredit, HandedOver};
pub use counters::Counters;
pub use cursor::Cursor;
pub use lookout::{Interrupted, Lookout};
pub use owned_bitmap::{BitmapView, OwnedBitmap, Section, SectionView};
pub use prefetch::{prefer_huge, prefetch, touched, touched_room};
pub use ring::{Consumer, MessageWords, Producer, ring};
pub use shared_memory::{SharedMemory, file_in_memory};
pub use sleep_flag::{SleepFlag, after_publishing};
pub use stop::{Interrupt, Stop};
pub use termination::{MessageTotals, PollCounts, Quiescence, TerminationDetector};
pub use threshold::Threshold;
pub use write_once::WriteOnce;

/// The one switch between the machine's atomics and loom's.
mod atomic {
    #[cfg(loom)]
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, fence};
    pub(super) use std::sync::atomic::Ordering;
    #[cfg(not(loom))]
    pub(super) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, fence};

    /// How often a waiter looks before it gives its core away between looks.
    #[cfg(not(loom))]
    const SPINS: u32 = 64;

    /// How often it looks before it sleeps between looks: about a millisecond, longer than any sleeper takes to wake.
    #[cfg(not(loom))]
    const LOOKS: u32 = 4_096;

    /// How long it sleeps at a time, where few wait.
    #[cfg(not(loom))]
    const NAP: std::time::Duration = std::time::Duration::from_micros(50);

    /// So many wait for that long. More of them sleep longer in proportion, or a thousand that wake all the time leave no
    /// core to the one they wait for.
    #[cfg(not(loom))]
    const NAPPERS: u32 = 16;

    /// Gives the core away inside a waiting loop of one of `parties` that has looked `looks` times: spins, then yields,
    /// then naps.
    #[cfg(not(loom))]
    pub(super) fn relax(looks: u32, parties: u32) {
        match looks {
            ..SPINS => std::hint::spin_loop(),
            SPINS..LOOKS => std::thread::yield_now(),
            _ => std::thread::park_timeout(NAP * (parties / NAPPERS).max(1)),
        }
    }

    /// Tells loom that this thread can only go on when another has.
    #[cfg(loom)]
    pub(super) fn relax(_: u32, _: u32) {
        loom::thread::yield_now();
    }
}
