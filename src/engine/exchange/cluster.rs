//! The exchange between the processes of a cluster: timely connects their workers, each of which has a shard.
//!
//! Shards meet in rounds. In each round a shard sends every other its report, with all that it has for it, and waits
//! until it has as much from each: one message in each direction is the least that a meeting takes, and it carries the
//! items too. The channels of timely keep the order of messages, so that a shard that is ahead is one round ahead, no
//! more.
//!
//! Rejected alternative: a dataflow whose frontier says when a window is complete. Its progress messages tell every
//! worker what each of them has consumed, which takes a second message in each direction after the items: 186 µs for
//! each window of two processes on one machine.

use super::packet::{self, CrossingItem, Packet, Parcel};
use super::{Exchange, ExchangeBroken, ExchangeEnd, WindowReport};
use crate::sync::Interrupt;
use crate::sys::monotonic_ns;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::time::Duration;
use timely::communication::allocator::zero_copy::allocator::TcpBuilder;
use timely::communication::allocator::zero_copy::initialize::{CommsGuard, initialize_networking_from_sockets};
use timely::communication::allocator::zero_copy::stream::Stream;
use timely::communication::allocator::{Allocator, ProcessBuilder};
use timely::communication::{Hooks, Pull, Push};

/// The longest time for which a shard sleeps without a look at the others of its process, one of which may have failed.
const SLEEP_MAX: Duration = Duration::from_millis(20);

/// The most and the least polls before a shard sleeps.
const POLLS: Range<u32> = 1..256;

/// The channels of timely, by number.
const PACKETS: usize = 0;
const PARCELS: usize = 1;

/// The bytes of a parcel, without its head.
const PARCEL_BYTES: usize = 1 << 19;

/// This process as one of a cluster, connected with all others.
pub struct ClusterMember {
    process: usize,
    processes: usize,
    threads: usize,
    /// The ends of the connections, by shard of this process, until the shard takes its own.
    builders: Mutex<Vec<Option<TcpBuilder>>>,
    /// The threads that read and write the connections. They end once all processes have taken leave.
    connections: Option<CommsGuard>,
    /// Raised when a shard of this process fails: the others then wait for it no longer.
    broken: Interrupt,
}

/// The counts of what a shard has sent to other processes, and its waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct ExchangeCounts {
    /// Meetings of the shards.
    pub(in crate::engine) meetings: u64,
    /// Events that crossed to shards of other processes.
    pub(in crate::engine) events: u64,
    /// Bytes of all packets to them.
    pub(in crate::engine) bytes: u64,
    /// Nanoseconds that the shards waited in meetings, all together.
    pub(in crate::engine) waited: u64,
}

impl ExchangeCounts {
    /// Adds the traffic of another shard, which had the same meetings.
    pub(in crate::engine) fn merge(&mut self, other: &ExchangeCounts) {
        let ExchangeCounts { meetings, events, bytes, waited } = other;
        self.meetings = self.meetings.max(*meetings);
        self.events += events;
        self.bytes += bytes;
        self.waited += waited;
    }
}

impl ClusterMember {
    /// Hands connected sockets to timely: one for each process, in order, and `None` for this one. Every process has
    /// `threads` shards.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread or a second handle for a socket.
    pub fn new<S: Stream + 'static>(
        sockets: Vec<Option<S>>,
        process: usize,
        threads: usize,
    ) -> io::Result<ClusterMember> {
        let (processes, hooks) = (sockets.len(), Hooks::default());
        let local = ProcessBuilder::new_typed_vector(threads, hooks.refill.clone(), None);
        let (builders, connections) = initialize_networking_from_sockets(local, sockets, process, threads, hooks)?;
        Ok(ClusterMember {
            process,
            processes,
            threads,
            builders: Mutex::new(builders.into_iter().map(Some).collect()),
            connections: Some(connections),
            broken: Interrupt::new(),
        })
    }

    /// Returns the number of this process.
    pub fn process(&self) -> usize {
        self.process
    }

    /// Returns the number of processes.
    pub fn processes(&self) -> usize {
        self.processes
    }

    /// Returns the shards of this process.
    pub fn shards(&self) -> Range<usize> {
        self.process * self.threads..(self.process + 1) * self.threads
    }

    /// Returns the number of shards of all processes.
    pub fn workers(&self) -> usize {
        self.processes * self.threads
    }
}

impl Drop for ClusterMember {
    fn drop(&mut self) {
        let builders = self.builders.get_mut();
        if self.broken.is_raised() || builders.iter().any(Option::is_some) {
            // The others may never take leave, and this process ends anyway: its connections end with it.
            std::mem::forget((self.connections.take(), std::mem::take(builders)));
        }
    }
}

/// A member is the exchange of its only run.
impl<T: CrossingItem> Exchange<T> for ClusterMember {
    const SHARES_MEMORY: bool = false;

    type End<'a>
        = ClusterEnd<'a, T>
    where
        Self: 'a;

    fn shards(&self) -> Range<usize> {
        self.shards()
    }

    fn end(&self, shard: usize) -> ClusterEnd<'_, T> {
        let builder = self.builders.lock().get_mut(shard - self.shards().start).and_then(Option::take);
        ClusterEnd::new(self, shard, builder.expect("each shard takes its end once, and none after a failure"))
    }

    fn abort(&self) {
        self.broken.raise();
        // Shards wait for the ends of all others to be made, those of shards without a thread too.
        self.builders.lock().clear();
    }
}

/// One shard's end.
pub(in crate::engine) struct ClusterEnd<'a, T> {
    member: &'a ClusterMember,
    shard: usize,
    allocator: Allocator,
    packets: ShardChannel<Packet<T>>,
    parcels: ShardChannel<Parcel>,
    /// Items for the next meeting, by receiving shard.
    out: Vec<Vec<T>>,
    /// Packets that have come in, by sending shard, and those of the last meeting.
    arrived: Vec<VecDeque<Packet<T>>>,
    received: Vec<Packet<T>>,
    /// Room for items that were words.
    read: Vec<T>,
    polls: u32,
    pub(in crate::engine) traffic: ExchangeCounts,
}

/// The two ends of a channel at one worker.
struct ShardChannel<M> {
    /// By receiving worker.
    to: Vec<Box<dyn Push<M>>>,
    from: Box<dyn Pull<M>>,
}

impl<'a, T: CrossingItem> ClusterEnd<'a, T> {
    fn new(member: &'a ClusterMember, shard: usize, builder: TcpBuilder) -> ClusterEnd<'a, T> {
        let mut allocator = Allocator::Tcp(builder.build());
        let (to, from) = allocator.allocate(PACKETS);
        let packets = ShardChannel { to, from };
        let (to, from) = allocator.allocate(PARCELS);
        let shards = member.workers();
        ClusterEnd {
            member,
            shard,
            allocator,
            packets,
            parcels: ShardChannel { to, from },
            out: (0..shards).map(|_| Vec::new()).collect(),
            arrived: (0..shards).map(|_| VecDeque::new()).collect(),
            received: Vec::new(),
            read: Vec::new(),
            polls: POLLS.end,
            traffic: ExchangeCounts::default(),
        }
    }

    /// Sends each other shard what this one has for it, with this report and these counts.
    fn tell(&mut self, report: &WindowReport, counts: &[u64]) {
        self.traffic.meetings += 1;
        for (to, push) in self.packets.to.iter_mut().enumerate().filter(|&(to, _)| to != self.shard) {
            let items = &mut self.out[to];
            if self.member.shards().contains(&to) {
                let (report, counts, items) = (report.clone(), counts.to_vec(), std::mem::take(items));
                push.send(Packet::Here { from: self.shard, report, counts, items });
                push.done();
                continue;
            }
            self.traffic.events += items.len() as u64;
            packet::write(self.shard, report, counts, items, |packet| {
                self.traffic.bytes += packet.bytes();
                push.send(packet);
            });
            push.done();
            items.clear();
        }
        self.allocator.release();
    }

    /// Waits for what all other shards have to say in this meeting, and passes it to `hear`, in the order of the
    /// shards, together with what this one says.
    fn hear(
        &mut self,
        (report, counts): (&WindowReport, &[u64]),
        mut hear: impl FnMut(&WindowReport, &[u64]),
    ) -> Result<(), ExchangeBroken> {
        let mut missing: Vec<bool> = (0..self.arrived.len()).map(|shard| shard != self.shard).collect();
        for (missing, arrived) in missing.iter_mut().zip(&self.arrived) {
            *missing &= !arrived.iter().any(Packet::is_last);
        }
        let mut count = missing.iter().filter(|&&is_missing| is_missing).count();
        let (packets, arrived, began) = (&mut self.packets.from, &mut self.arrived, monotonic_ns());
        poll(self.member, &mut self.allocator, &mut self.polls, || {
            while let Some(packet) = packets.recv() {
                let sender = packet.sender().filter(|&sender| sender < arrived.len()).ok_or(ExchangeBroken)?;
                if packet.is_last() && std::mem::take(&mut missing[sender]) {
                    count -= 1;
                }
                arrived[sender].push_back(packet);
            }
            Ok(count == 0)
        })?;
        self.traffic.waited += monotonic_ns() - began;
        self.received.clear();
        for shard in 0..self.arrived.len() {
            if shard == self.shard {
                hear(report, counts);
                let (report, counts) = (WindowReport::default(), Vec::new());
                let items = std::mem::take(&mut self.out[shard]);
                self.received.push(Packet::Here { from: shard, report, counts, items });
                continue;
            }
            while let Some(packet) = self.arrived[shard].pop_front() {
                match &packet {
                    Packet::Here { report, counts, .. } => hear(report, counts),
                    Packet::Words(words) => {
                        let parts = packet::read(words).ok_or(ExchangeBroken)?;
                        hear(&parts.report, parts.counts);
                    }
                }
                let is_last = packet.is_last();
                self.received.push(packet);
                if is_last {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Tells process 0 something; returns there what every process has told it, by process, and elsewhere nothing. The
    /// first shards of all processes call this together, after their last meeting.
    pub(in crate::engine) fn collect(&mut self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>, ExchangeBroken> {
        let member = self.member;
        if member.process != 0 {
            let mut parts = bytes.chunks(PARCEL_BYTES).peekable();
            loop {
                let part = parts.next().unwrap_or_default();
                let is_last = parts.peek().is_none();
                let head = [&[u8::from(is_last)][..], &(member.process as u32).to_le_bytes()].concat();
                self.parcels.to[0].send(Parcel([&head, part].concat()));
                self.parcels.to[0].done();
                self.allocator.release();
                if is_last {
                    return Ok(Vec::new());
                }
            }
        }
        let mut told = vec![Vec::new(); member.processes];
        told[0] = bytes;
        let (mut missing, parcels) = (member.processes - 1, &mut self.parcels.from);
        poll(member, &mut self.allocator, &mut self.polls, || {
            while let Some(Parcel(part)) = parcels.recv() {
                let (&[is_last, ref from @ ..], part) = part.split_first_chunk::<5>().ok_or(ExchangeBroken)?;
                let from = from.first_chunk::<4>().ok_or(ExchangeBroken)?;
                let of_process = told.get_mut(u32::from_le_bytes(*from) as usize).ok_or(ExchangeBroken)?;
                of_process.extend_from_slice(part);
                missing -= usize::from(is_last == 1);
            }
            Ok(missing == 0)
        })?;
        Ok(told)
    }
}

/// Polls the channels of a worker until `is_done`. A worker that waits for long sleeps until something comes in.
fn poll(
    member: &ClusterMember,
    allocator: &mut Allocator,
    polls_max: &mut u32,
    mut is_done: impl FnMut() -> Result<bool, ExchangeBroken>,
) -> Result<(), ExchangeBroken> {
    let mut polls = 0;
    loop {
        allocator.receive();
        allocator.events().borrow_mut().clear();
        if is_done()? {
            allocator.release();
            // Where waits are short, a sleep would cost more than they do.
            *polls_max = if polls <= *polls_max { polls_max.saturating_mul(2) } else { *polls_max / 2 };
            *polls_max = (*polls_max).clamp(POLLS.start, POLLS.end);
            return Ok(());
        }
        if member.broken.is_raised() {
            return Err(ExchangeBroken);
        }
        polls += 1;
        if polls > *polls_max {
            allocator.await_events(Some(SLEEP_MAX));
        } else {
            std::hint::spin_loop();
        }
    }
}

impl<T: CrossingItem> ExchangeEnd<T> for ClusterEnd<'_, T> {
    fn send(&mut self, out: &mut [Vec<T>]) {
        for (own, items) in self.out.iter_mut().zip(out) {
            // What is left of an earlier batch has room, and is empty.
            std::mem::swap(own, items);
        }
    }

    fn meet(&mut self, report: WindowReport) -> Result<WindowReport, ExchangeBroken> {
        self.tell(&report, &[]);
        let mut merged = WindowReport::default();
        self.hear((&report, &[]), |report, _| merged.merge(report))?;
        Ok(merged)
    }

    fn receive(&mut self, mut take: impl FnMut(&mut Vec<T>)) {
        for packet in &mut self.received {
            let is_last = packet.is_last();
            match packet {
                Packet::Here { items, .. } => take(items),
                Packet::Words(words) => {
                    let items = packet::read(words).map_or(&[][..], |parts| parts.items);
                    let is_whole = T::read(items, |item| self.read.push(item));
                    assert!(is_whole.is_some(), "a process of this version wrote the packet");
                    // The items of a shard are one batch, however many packets they take.
                    if is_last {
                        take(&mut self.read);
                        self.read.clear();
                    }
                }
            }
        }
        self.received.clear();
    }

    fn add_up(&mut self, counts: &mut [u64]) -> Result<(), ExchangeBroken> {
        let own = counts.to_vec();
        self.tell(&WindowReport::default(), &own);
        counts.fill(0);
        self.hear((&WindowReport::default(), &own), |_, of_shard| {
            counts.iter_mut().zip(of_shard).for_each(|(sum, count)| *sum += count);
        })
    }
}
