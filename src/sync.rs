//! Holds every atomic of the project, behind types that are named after their purpose.
//!
//! | file | contents |
//! |---|---|
//! | `arena` | storage for the other types: the heap, or memory that several processes map |
//! | `owned_bitmap` | one bit per node, written by the bit's owner, read by all |
//! | `counters` | one count per order; an addition returns the count before it |
//! | `atomic_bitset` | one bit per node that any thread may set, in any sequence |
//! | `atomic_min` | one minimum per index |
//! | `cursor` | blocks of work for the next worker that is free |
//! | `threshold` | a counter of which exactly one addition reaches the goal |
//! | `allowance` | a limit on what all workers together hold of a scarce resource |
//! | `stop` | the global stop flag and its first cause; the user's interrupt |
//! | `barrier` | a reusable barrier for all workers that a failing worker can break |
//! | `channel_credit` | what both ends of a pair of shards have sent and consumed: flow-control credit and gaps |
//! | `termination` | which workers are idle and what each has sent and received: quiescence |
//! | `write_once` | numbers that are each written once |
//! | `lookout` | polls the user's interrupt each time a fixed amount of work is done |
//! | `ring` | a queue from one worker to one other |
//! | `sleep_flag` | wakes a sleeping worker without losing a wake-up |
//!
//! Under `--cfg loom` the same code runs on loom's atomics, which try every interleaving.

#[cfg(all(loom, test))]
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
mod ring;
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
pub use ring::{Consumer, MessageWords, Producer, ring};
pub use sleep_flag::{SleepFlag, after_publishing};
pub use stop::{Interrupt, Stop};
pub use termination::{MessageTotals, PollCounts, Quiescence, TerminationDetector};
pub use threshold::Threshold;
pub use write_once::WriteOnce;

/// The one switch between the machine's atomics and loom's.
mod atomic {
    #[cfg(loom)]
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, fence};
    #[cfg(loom)]
    pub(super) use loom::sync::{Condvar, Mutex};
    pub(super) use std::sync::atomic::Ordering;
    #[cfg(not(loom))]
    pub(super) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, fence};
    #[cfg(not(loom))]
    pub(super) use std::sync::{Condvar, Mutex};

    /// Number of polls in which a waiter spins, before it yields its core between polls.
    #[cfg(not(loom))]
    const SPINS: u32 = 64;

    /// Number of polls before a waiter sleeps between them: about a millisecond, longer than any sleeper takes to wake.
    #[cfg(not(loom))]
    const LOOKS: u32 = 4_096;

    /// Length of one sleep while few threads wait.
    #[cfg(not(loom))]
    const NAP: std::time::Duration = std::time::Duration::from_micros(50);

    /// Number of waiting threads up to which a sleep lasts one `NAP`. More threads sleep longer in proportion, because
    /// a thousand that keep waking would leave no core to the thread they wait for.
    #[cfg(not(loom))]
    const NAPPERS: u32 = 16;

    /// Backs off inside the waiting loop of one of `parties` that has polled `looks` times: spins, then yields, then
    /// sleeps.
    #[cfg(not(loom))]
    pub(super) fn relax(looks: u32, parties: u32) {
        match looks {
            ..SPINS => std::hint::spin_loop(),
            SPINS..LOOKS => std::thread::yield_now(),
            _ => std::thread::park_timeout(NAP * (parties / NAPPERS).max(1)),
        }
    }

    /// Passes the time between two polls of a waiter that soon parks.
    #[cfg(not(loom))]
    pub(super) fn poll() {
        std::hint::spin_loop();
    }

    /// Tells loom that this thread can proceed only when another has.
    #[cfg(loom)]
    pub(super) fn poll() {
        loom::thread::yield_now();
    }

    /// Tells loom that this thread can proceed only when another has.
    #[cfg(loom)]
    pub(super) fn relax(_: u32, _: u32) {
        loom::thread::yield_now();
    }
}
