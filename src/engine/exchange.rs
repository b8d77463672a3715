//! The meeting after each window: what crosses from shard to shard, and whether the run goes on.
//!
//! All that a worker hands to the others lies in one of two halves, by turns. It is put there before the meeting and taken
//! from there after it; the next time that half is written to is after the next meeting, which nobody passes who still
//! reads. So one meeting a window is enough, and the locks are never waited for.

use super::EngineSetup;
use super::window_length::WindowLength;
use crate::ids::OrderIndex;
use crate::record::End;
use crate::sync::{Arena, Barrier, BarrierBroken};
use crate::threads::{Progress, ThreadError, WorkerThreads};
use crate::time::Nanos;
use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

/// What one worker says of the window that it has handled.
#[derive(Clone, Debug, Default)]
pub(super) struct WindowReport {
    /// The next window for which it knows of anything, its own or handed to others.
    pub(super) next: Option<u64>,
    /// Whether it left anything in this window undone, because it comes after the time limit.
    pub(super) late: bool,
    /// Whether the user wants to end.
    pub(super) interrupted: bool,
    /// Why it left this window in its midst, if it did.
    pub(super) cut_short: Option<End>,
    /// The last event it handled.
    pub(super) last_event: Nanos,
    /// When the last of all messages that it has sent arrives, where what is under way is not stored; else when the last that
    /// waited for a line has left it.
    pub(super) last_arrival: Nanos,
    /// Messages that it has dealt with so far.
    pub(super) messages: u64,
    /// How many nodes newly have which order.
    pub(super) fresh: Vec<(OrderIndex, u64)>,
}

/// Where workers meet and exchange items of type `T`.
pub(super) struct LocalExchange<T> {
    barrier: Barrier,
    halves: [ExchangeHalf<T>; 2],
    /// First receipts of the last window, by worker.
    times: Vec<Mutex<Vec<(OrderIndex, Nanos)>>>,
}

struct ExchangeHalf<T> {
    posts: Vec<CachePadded<Mutex<WindowReport>>>,
    /// By worker, the next window with a time that one of its nodes has asked for.
    wakes: Vec<CachePadded<Mutex<Option<u64>>>>,
    /// By receiving and by sending worker.
    lanes: Vec<Vec<Mutex<Vec<T>>>>,
}

impl<T> LocalExchange<T> {
    /// A meeting of so many workers.
    pub(super) fn new(workers: usize) -> LocalExchange<T> {
        let lanes = || (0..workers).map(|_| Mutex::default()).collect();
        let half = || ExchangeHalf {
            posts: (0..workers).map(|_| CachePadded::default()).collect(),
            wakes: (0..workers).map(|_| CachePadded::default()).collect(),
            lanes: (0..workers).map(|_| lanes()).collect(),
        };
        LocalExchange {
            barrier: Barrier::new(&mut Arena::heap(), workers as u32),
            halves: [half(), half()],
            times: (0..workers).map(|_| Mutex::default()).collect(),
        }
    }

    /// Before the meeting of round `round`: exchanges each of `out`, by receiver, for an empty lane.
    pub(super) fn send(&self, round: usize, worker: usize, out: &mut [Vec<T>]) {
        for (lanes, out) in self.halves[round % 2].lanes.iter().zip(out) {
            std::mem::swap(&mut *lanes[worker].lock(), out);
        }
    }

    /// Before the meeting: says when a node of this worker is to be woken next.
    pub(super) fn ask(&self, round: usize, worker: usize, window: Option<u64>) {
        *self.halves[round % 2].wakes[worker].lock() = window;
    }

    /// After the meeting: the next window with a time that any node has asked for. It keeps no run going, but whatever
    /// goes on must not pass it by.
    pub(super) fn asked(&self, round: usize) -> Option<u64> {
        self.halves[round % 2].wakes.iter().filter_map(|wake| *wake.lock()).min()
    }

    /// Meets the others, and gives what all have said.
    pub(super) fn meet(
        &self,
        round: usize,
        worker: usize,
        post: WindowReport,
    ) -> Result<Vec<WindowReport>, BarrierBroken> {
        let posts = &self.halves[round % 2].posts;
        *posts[worker].lock() = post;
        self.barrier.wait()?;
        Ok(posts.iter().map(|post| post.lock().clone()).collect())
    }

    /// After the meeting: hands every item that is for this worker to `take`, and leaves the lanes empty.
    pub(super) fn receive(&self, round: usize, worker: usize, mut take: impl FnMut(T)) {
        for lane in &self.halves[round % 2].lanes[worker] {
            lane.lock().drain(..).for_each(&mut take);
        }
    }

    /// The same, lane by lane.
    pub(super) fn receive_all(&self, round: usize, worker: usize, mut take: impl FnMut(&[T])) {
        for lane in &self.halves[round % 2].lanes[worker] {
            let mut lane = lane.lock();
            take(&lane);
            lane.clear();
        }
    }

    /// When the last of the `crossing` orders had its target: each has it with its so-manieth receipt of this window. All
    /// workers must call this in the same round.
    pub(super) fn target_at(
        &self,
        worker: usize,
        crossing: &[(OrderIndex, u64)],
        fresh: impl Iterator<Item = (OrderIndex, Nanos)>,
    ) -> Result<Nanos, BarrierBroken> {
        *self.times[worker].lock() = fresh.collect();
        self.barrier.wait()?;
        let mut target = Nanos::ZERO;
        for &(order, rank) in crossing {
            let mut times = Vec::new();
            for all in &self.times {
                times.extend(all.lock().iter().filter(|fresh| fresh.0 == order).map(|fresh| fresh.1));
            }
            let (_, &mut time, _) = times.select_nth_unstable(rank as usize - 1);
            target = target.max(time);
        }
        Ok(target)
    }
}

/// Runs `life` for each of `shares` on a thread of its own, and gives what they report, in order. A thread that fails breaks the
/// barrier, so that none waits for it.
pub(super) fn run_shards<T: Send, S: Send, R: Send>(
    setup: &EngineSetup<'_>,
    exchange: &LocalExchange<T>,
    shares: impl IntoIterator<Item = S>,
    life: impl Fn(usize, S) -> Result<R, BarrierBroken> + Sync,
) -> Result<Vec<R>, ThreadError> {
    let barrier = &exchange.barrier;
    let threads = WorkerThreads { first: 0, cores: &setup.pinning.cores, give_up: &|| barrier.abort() };
    threads.run_together(shares, |worker, share| {
        // What comes before, the start of threads, is no part of the run.
        barrier.wait()?;
        setup.observer.loop_entered(worker);
        let result = life(worker, share);
        setup.observer.loop_left(worker);
        result
    })
}

/// What follows from a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The run goes on with this window.
    On(u64),
    /// It ends at its target, which these orders reach in this window, with so many of its receipts.
    Target(Vec<(OrderIndex, u64)>),
    /// It ends so, at that time.
    Ended(End, Nanos),
    /// It ends so before this window, which somebody has left in its midst; the last event before it was then.
    CutShort(End, Nanos),
}

/// How far the orders have come. Each worker keeps its own, and all are equal.
pub(super) struct GlobalState {
    goal: u64,
    ends_at_target: bool,
    deadline: Nanos,
    width: WindowLength,
    /// Nodes reached, by order.
    reached: Vec<u64>,
    /// Orders that do not have their target.
    short: usize,
    last_event: Nanos,
    last_arrival: Nanos,
    progress: Progress,
}

impl GlobalState {
    /// Nothing reached by any of `orders` orders.
    pub(super) fn new(
        orders: u32,
        goal: u64,
        ends_at_target: bool,
        deadline: Nanos,
        width: WindowLength,
    ) -> GlobalState {
        let reached = vec![0; orders as usize];
        let short = reached.len();
        GlobalState {
            goal: goal.max(1),
            ends_at_target,
            deadline,
            width,
            reached,
            short,
            last_event: Nanos::ZERO,
            last_arrival: Nanos::ZERO,
            progress: Progress { reached: 0, time: Nanos::ZERO, messages: 0 },
        }
    }

    /// Adds what all have said of a window, and says what follows.
    pub(super) fn decide(&mut self, posts: &[WindowReport]) -> Decision {
        if let Some(end) = posts.iter().find_map(|post| post.cut_short) {
            return Decision::CutShort(end, self.last_event);
        }
        let crossing = self.add(posts);
        let fresh = posts.iter().flat_map(|post| &post.fresh);
        self.progress = Progress {
            reached: self.progress.reached + fresh.map(|fresh| fresh.1).sum::<u64>(),
            time: self.last_event,
            messages: posts.iter().map(|post| post.messages).sum(),
        };
        if self.ends_at_target && self.short == 0 && !crossing.is_empty() {
            return Decision::Target(crossing);
        }
        if posts.iter().any(|post| post.interrupted) {
            return Decision::Ended(End::Interrupted, self.last_event);
        }
        let next = posts.iter().filter_map(|post| post.next).min();
        match next {
            _ if posts.iter().any(|post| post.late) => Decision::Ended(End::Timeout, self.deadline),
            None if self.last_arrival > self.deadline => Decision::Ended(End::Timeout, self.deadline),
            None => Decision::Ended(End::Quiescent, self.last_event.max(self.last_arrival)),
            Some(next) if next > self.width.window(self.deadline) => Decision::Ended(End::Timeout, self.deadline),
            Some(next) => Decision::On(next),
        }
    }

    /// How far all have come.
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The orders that come to their goal, and with how many of these receipts.
    fn add(&mut self, posts: &[WindowReport]) -> Vec<(OrderIndex, u64)> {
        let mut before: Vec<(OrderIndex, u64)> = Vec::new();
        for post in posts {
            self.last_event = self.last_event.max(post.last_event);
            self.last_arrival = self.last_arrival.max(post.last_arrival);
            for &(order, count) in &post.fresh {
                let reached = &mut self.reached[order.index()];
                if *reached < self.goal && *reached + count >= self.goal {
                    self.short -= 1;
                    before.push((order, 0));
                }
                *reached += count;
            }
        }
        // How many there were before is how many there are less those that have come.
        for (order, rank) in &mut before {
            let come: u64 =
                posts.iter().flat_map(|post| &post.fresh).filter(|fresh| fresh.0 == *order).map(|f| f.1).sum();
            *rank = self.goal - (self.reached[order.index()] - come);
        }
        before
    }
}
