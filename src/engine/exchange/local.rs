//! The exchange between threads of one process.
//!
//! All data that shards hand over lies in one of two halves, used alternately. A half is written before a meeting and
//! read after it; it is written again only after the next meeting, which no shard passes while it still reads. One
//! barrier per meeting is therefore enough, and no lock is ever contended.

use super::{Exchange, ExchangeBroken, ExchangeEnd, WindowReport};
use crate::sync::{Barrier, BarrierBroken};
use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use std::ops::Range;

/// The meeting point at which the threads of one process exchange items of type `T`.
pub(in crate::engine) struct LocalExchange<T> {
    barrier: Barrier,
    halves: [ExchangeHalf<T>; 2],
}

/// Data that shards write before every other meeting.
struct ExchangeHalf<T> {
    reports: Vec<CachePadded<Mutex<WindowReport>>>,
    counts: Vec<CachePadded<Mutex<Vec<u64>>>>,
    /// By receiving and by sending shard.
    channels: Vec<Vec<Mutex<Vec<T>>>>,
}

/// One shard's end.
pub(in crate::engine) struct LocalEnd<'a, T> {
    exchange: &'a LocalExchange<T>,
    shard: usize,
    /// Meetings so far.
    meetings: usize,
}

impl<T> LocalExchange<T> {
    /// Creates an exchange between this many shards.
    pub(in crate::engine) fn new(shards: usize) -> LocalExchange<T> {
        let channels = || (0..shards).map(|_| Mutex::default()).collect();
        let half = || ExchangeHalf {
            reports: (0..shards).map(|_| CachePadded::default()).collect(),
            counts: (0..shards).map(|_| CachePadded::default()).collect(),
            channels: (0..shards).map(|_| channels()).collect(),
        };
        LocalExchange { barrier: Barrier::of_threads(shards as u32), halves: [half(), half()] }
    }
}

impl<T: Send> Exchange<T> for LocalExchange<T> {
    const SHARES_MEMORY: bool = true;

    type End<'a>
        = LocalEnd<'a, T>
    where
        T: 'a;

    fn shards(&self) -> Range<usize> {
        0..self.halves[0].reports.len()
    }

    fn end(&self, shard: usize) -> LocalEnd<'_, T> {
        LocalEnd { exchange: self, shard, meetings: 0 }
    }

    fn abort(&self) {
        self.barrier.abort();
    }
}

impl<'a, T> LocalEnd<'a, T> {
    /// Returns the half that is written before the next meeting.
    fn next(&self) -> &'a ExchangeHalf<T> {
        &self.exchange.halves[self.meetings % 2]
    }

    /// Returns the half that was written before the last meeting.
    fn last(&self) -> &'a ExchangeHalf<T> {
        &self.exchange.halves[(self.meetings + 1) % 2]
    }

    fn wait(&mut self) -> Result<(), ExchangeBroken> {
        self.exchange.barrier.wait().map_err(|BarrierBroken| ExchangeBroken)?;
        self.meetings += 1;
        Ok(())
    }
}

impl<T> ExchangeEnd<T> for LocalEnd<'_, T> {
    /// Swaps each vector with the empty one in its channel, so that no item is copied.
    fn send(&mut self, out: &mut [Vec<T>]) {
        for (channels, out) in self.next().channels.iter().zip(out) {
            std::mem::swap(&mut *channels[self.shard].lock(), out);
        }
    }

    fn meet(&mut self, report: WindowReport) -> Result<WindowReport, ExchangeBroken> {
        *self.next().reports[self.shard].lock() = report;
        self.wait()?;
        let mut merged = WindowReport::default();
        self.last().reports.iter().for_each(|report| merged.merge(&report.lock()));
        Ok(merged)
    }

    fn receive(&mut self, mut take: impl FnMut(&mut Vec<T>)) {
        for channel in &self.last().channels[self.shard] {
            let mut items = channel.lock();
            take(&mut items);
            // Emptied but kept, so that the sender gets a vector with room in exchange for its next batch.
            items.clear();
        }
    }

    fn add_up(&mut self, counts: &mut [u64]) -> Result<(), ExchangeBroken> {
        counts.clone_into(&mut self.next().counts[self.shard].lock());
        self.wait()?;
        counts.fill(0);
        for of_shard in &self.last().counts {
            counts.iter_mut().zip(&*of_shard.lock()).for_each(|(sum, count)| *sum += count);
        }
        Ok(())
    }
}
