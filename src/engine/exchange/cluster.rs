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

use super::cluster_member::ClusterMember;
use super::connections::{ShardChannel, ShardConnections};
use super::packet::{self, CrossingItem, Packet};
use super::process_talk::ProcessTalk;
use super::{Exchange, ExchangeBroken, ExchangeEnd, WindowReport};
use crate::sys::monotonic_ns;
use std::collections::VecDeque;
use std::ops::Range;
use timely::communication::Push;
use timely::communication::allocator::zero_copy::allocator::TcpBuilder;

/// The channels of timely, by number: packets, parcels, and packets of other items than the first ones.
const PACKETS: usize = 0;
const PARCELS: usize = 1;
const OTHER_PACKETS: usize = 2;

/// The bytes of items that are sent ahead of their meeting.
const AHEAD_BYTES: usize = 1 << 19;

/// The counts of what a shard has sent to other processes, and its waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct ExchangeCounts {
    /// Meetings of the shards.
    pub(in crate::engine) meetings: u64,
    /// Those in which messages were counted again after the run, and the events that crossed in them.
    pub(in crate::engine) settling: u64,
    pub(in crate::engine) settled: u64,
    /// Events that crossed to shards of other processes.
    pub(in crate::engine) events: u64,
    /// Bytes of all packets to them.
    pub(in crate::engine) bytes: u64,
    /// Nanoseconds that the shards waited in meetings, all together.
    pub(in crate::engine) waited: u64,
    /// The most bytes of buffers that a meeting took: items to other processes, packets from them, and both again
    /// within their connections.
    pub(in crate::engine) buffered: u64,
}

impl ExchangeCounts {
    /// Adds the traffic of another shard, which had the same meetings.
    pub(in crate::engine) fn merge(&mut self, other: &ExchangeCounts) {
        let ExchangeCounts { meetings, settling, settled, events, bytes, waited, buffered } = other;
        self.meetings = self.meetings.max(*meetings);
        self.settling = self.settling.max(*settling);
        self.settled += settled;
        self.events += events;
        self.bytes += bytes;
        self.waited += waited;
        self.buffered += buffered;
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
    connections: ShardConnections,
    packets: ShardChannel<Packet<T>>,
    talk: ProcessTalk,
    /// Items for the next meeting, by receiving shard.
    out: Vec<Vec<T>>,
    /// Packets that have come in, by sending shard, and those of the last meeting.
    arrived: Vec<VecDeque<Packet<T>>>,
    received: Vec<Packet<T>>,
    /// Room for items that were words, and for the words of a packet.
    read: Vec<T>,
    words: Vec<u64>,
    /// Bytes of buffers in this meeting, as in [`ExchangeCounts`].
    buffered: u64,
    /// Those of the last meeting.
    met: u64,
    pub(in crate::engine) traffic: ExchangeCounts,
}

impl<'a, T: CrossingItem> ClusterEnd<'a, T> {
    fn new(member: &'a ClusterMember, shard: usize, builder: TcpBuilder) -> ClusterEnd<'a, T> {
        let mut connections = ShardConnections::new(builder);
        let packets = connections.channel(PACKETS);
        let talk = ProcessTalk::new(connections.channel(PARCELS), member.processes);
        ClusterEnd::over(member, shard, connections, (packets, talk))
    }

    /// Returns the end of an exchange of other items between the same shards, which all do so after the same meeting,
    /// and once. Its counts go on.
    pub(in crate::engine) fn turned<U: CrossingItem>(self) -> ClusterEnd<'a, U> {
        let ClusterEnd { member, shard, mut connections, talk, traffic, .. } = self;
        let packets = connections.channel(OTHER_PACKETS);
        ClusterEnd { traffic, ..ClusterEnd::over(member, shard, connections, (packets, talk)) }
    }

    fn over(
        member: &'a ClusterMember,
        shard: usize,
        connections: ShardConnections,
        (packets, talk): (ShardChannel<Packet<T>>, ProcessTalk),
    ) -> ClusterEnd<'a, T> {
        let shards = member.workers();
        ClusterEnd {
            member,
            shard,
            connections,
            packets,
            talk,
            out: (0..shards).map(|_| Vec::new()).collect(),
            arrived: (0..shards).map(|_| VecDeque::new()).collect(),
            received: Vec::new(),
            read: Vec::new(),
            words: Vec::new(),
            buffered: 0,
            met: 0,
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
            let sent = Sent { traffic: &mut self.traffic, buffered: &mut self.buffered, words: &mut self.words };
            sent.write(self.shard, push, (report, counts), items, true);
        }
        self.connections.release();
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
        let buffered = &mut self.buffered;
        self.connections.poll(self.member, || {
            while let Some(packet) = packets.recv() {
                let sender = packet.sender().filter(|&sender| sender < arrived.len()).ok_or(ExchangeBroken)?;
                *buffered += packet.bytes();
                if packet.is_last() && std::mem::take(&mut missing[sender]) {
                    count -= 1;
                }
                arrived[sender].push_back(packet);
            }
            Ok(count == 0)
        })?;
        self.traffic.waited += monotonic_ns() - began;
        self.met = std::mem::take(&mut self.buffered);
        self.traffic.buffered = self.traffic.buffered.max(self.met);
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
                    Packet::Words(_) => return Err(ExchangeBroken),
                    Packet::Bytes(bytes) => {
                        let words = packet::words(packet::before_items(bytes), &mut self.words);
                        let parts = words.and_then(packet::read).ok_or(ExchangeBroken)?;
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
        self.talk.collect(self.member, &mut self.connections, bytes)
    }

    /// Replaces counts by their sums over all processes. The first shards of all processes call this together, after
    /// their last meeting, with as many counts.
    pub(in crate::engine) fn add_up_processes(&mut self, counts: &mut [u64]) -> Result<(), ExchangeBroken> {
        self.talk.add_up(self.member, &mut self.connections, counts)
    }

    /// Frees the room of earlier meetings, of which a run that has ended needs no more.
    pub(in crate::engine) fn free_room(&mut self) {
        self.out.iter_mut().for_each(|items| *items = Vec::new());
        (self.received, self.read, self.words) = Default::default();
    }
}

/// The counts of what a shard sends, and room for the words of a packet.
struct Sent<'a> {
    traffic: &'a mut ExchangeCounts,
    buffered: &'a mut u64,
    words: &'a mut Vec<u64>,
}

impl Sent<'_> {
    /// Writes a piece of what shard `from` has for one of another process, and forgets the items.
    fn write<T: CrossingItem>(
        self,
        from: usize,
        push: &mut Box<dyn Push<Packet<T>>>,
        head: (&WindowReport, &[u64]),
        items: &mut Vec<T>,
        is_last: bool,
    ) {
        let Sent { traffic, buffered, words } = self;
        traffic.events += items.len() as u64;
        // What is sent ahead has been forgotten when the rest is sent.
        *buffered += if is_last { size_of_val(&items[..]) as u64 } else { 0 };
        packet::write((from, is_last), head, items, words, |packet| {
            let bytes = packet.as_ref().map_or(0, Packet::bytes);
            traffic.bytes += bytes;
            *buffered += bytes;
            push.push(packet);
        });
        push.done();
        items.clear();
    }
}

impl<T: CrossingItem> ExchangeEnd<T> for ClusterEnd<'_, T> {
    fn send_ahead(&mut self, to: usize, items: &mut Vec<T>) {
        if size_of_val(&items[..]) < AHEAD_BYTES || self.member.shards().contains(&to) {
            return;
        }
        let sent = Sent { traffic: &mut self.traffic, buffered: &mut self.buffered, words: &mut self.words };
        sent.write(self.shard, &mut self.packets.to[to], (&WindowReport::default(), &[]), items, false);
        self.connections.release();
    }

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
        // Each packet is dropped once it has been read, so that bytes and items never take the memory of both.
        for packet in self.received.drain(..) {
            let ends_piece = packet.ends_piece();
            match packet {
                Packet::Here { mut items, .. } => take(&mut items),
                Packet::Words(_) => {}
                Packet::Bytes(bytes) => {
                    let parts = packet::words(&bytes, &mut self.words).and_then(packet::read);
                    let is_whole = parts.and_then(|parts| T::read(parts.items, |item| self.read.push(item)));
                    assert!(is_whole.is_some(), "a process of this version wrote the packet");
                    // Items that were sent together are one batch, however many packets they take.
                    if ends_piece {
                        let items = size_of_val(&self.read[..]) as u64;
                        self.traffic.buffered = self.traffic.buffered.max(self.met + items);
                        take(&mut self.read);
                        self.read.clear();
                    }
                }
            }
        }
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
