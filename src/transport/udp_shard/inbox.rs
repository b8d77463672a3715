//! The way in: which datagrams of a train are messages of this run, and what each lane's numbers say is missing.
//!
//! The token and the source address keep out whoever cannot read or forge datagrams on this machine. Against who can, a train is
//! held against what its sender says in memory that both share: a train must end with a mark, no mark and no message goes
//! beyond what the sender has sent, and no mark counts twice. All of that is looked at once for a train.

mod seen;

use super::segmentation::TrainReceiver as Train;
use super::{Endpoint, Received, Segmentation, UdpShardNetwork};
use crate::record::Missing;
use crate::sync::Announced;
use crate::transport::{Arrival, TransportError};
use crate::wire::{self, HEADER_BYTES, Stray, TrainTrailer};
use seen::SeenSequences;
use std::io;
use std::net::SocketAddrV4;
use std::ops::Range;

/// All lanes into one shard.
pub(super) struct TrainInbox {
    train: Train,
    /// This shard's nodes.
    here: Range<u32>,
    lanes: Box<[InboundChannel]>,
    /// Each shard by its address, sorted.
    senders: Box<[(SocketAddrV4, usize)]>,
}

/// What came from one shard.
struct InboundChannel {
    /// Its nodes.
    nodes: Range<u32>,
    /// Messages let in.
    messages: u64,
    /// Packets that held any of this run's.
    packets: u64,
    /// The marks that came.
    seen: SeenSequences,
}

impl TrainInbox {
    /// Lanes from all shards of the network into one.
    pub(super) fn new(network: &UdpShardNetwork, shard: usize) -> TrainInbox {
        let lanes: Box<[InboundChannel]> = (0..network.addresses.len())
            .map(|shard| InboundChannel {
                nodes: network.nodes_of(shard),
                messages: 0,
                packets: 0,
                seen: SeenSequences::default(),
            })
            .collect();
        let mut senders: Box<[_]> = network.addresses.iter().copied().zip(0..).collect();
        senders.sort_unstable();
        TrainInbox { train: Train::new(network.segmentation), here: network.nodes_of(shard), lanes, senders }
    }

    /// Takes in one train and lists its messages; false where none was there.
    pub(super) fn receive(&mut self, end: &mut Endpoint<'_>, came: &mut Received<'_>) -> Result<bool, TransportError> {
        loop {
            end.counts.receive_calls += 1;
            match self.train.receive(end.socket) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    return Err(TransportError { doing: format!("receiving for shard {}", end.shard), cause });
                }
            }
        }
        self.sort(end, came);
        Ok(true)
    }

    /// The encoded order of a message in the last train.
    pub(super) fn body(&self, slot: u16) -> Option<&[u8]> {
        self.train.segment(usize::from(slot)).get(HEADER_BYTES..)
    }

    /// What the lanes' numbers say is missing. Where the last trains were dropped no mark tells of them, and a mark may be
    /// forged: the sender's own numbers say what went, which stand still once everybody is idle.
    pub(super) fn missing(&self, end: &Endpoint<'_>) -> Missing {
        let mut missing = Missing::default();
        for (shard, lane) in self.lanes.iter().enumerate() {
            let announced = end.network.lanes.announced(shard, end.shard);
            missing.messages += announced.messages.saturating_sub(lane.messages);
            missing.packets += announced.packets.saturating_sub(lane.packets);
        }
        missing
    }

    /// Tells messages, marks and strays apart.
    fn sort(&mut self, end: &mut Endpoint<'_>, came: &mut Received<'_>) {
        let mut at = 0;
        while at < self.train.segments() {
            let (source, next) = self.train.source(at);
            match (self.sender(source), end.network.segmentation) {
                (None, _) => self.turn_away(at..next, Stray::WrongSource, end),
                (Some(sender), Segmentation::Whole { .. }) => self.take_whole(at..next, sender, end, came),
                (Some(sender), Segmentation::Apart) => self.take_apart(at..next, sender, end, came),
            }
            at = next;
        }
    }

    /// Takes a packet: messages and their mark, which is judged first.
    fn take_whole(&mut self, segments: Range<usize>, sender: usize, end: &mut Endpoint<'_>, came: &mut Received<'_>) {
        let promised = end.network.lanes.promised(sender, end.shard);
        let messages = segments.start..segments.end - 1;
        let judged = self.judge(messages.end, sender, promised, end);
        // A sender's messages are never more than it has sent, whatever order its trains arrive in.
        let fits = self.lanes[sender].messages + messages.len() as u64 <= promised.messages;
        let mark = match judged {
            Ok(mark) if fits => mark,
            Ok(_) => return self.turn_away(segments, Stray::Forged, end),
            Err(stray) => return self.turn_away(segments, stray, end),
        };
        self.apply_trailer(mark, sender, end);
        self.lanes[sender].packets += 1;
        for at in messages {
            if let Err(stray) = self.admit(at, sender, end, came) {
                end.counts.strays.add(stray);
            }
        }
    }

    /// Takes datagrams that came one by one: a message may come before the mark of its train.
    fn take_apart(&mut self, segments: Range<usize>, sender: usize, end: &mut Endpoint<'_>, came: &mut Received<'_>) {
        let promised = end.network.lanes.promised(sender, end.shard);
        for at in segments {
            let taken = if wire::is_mark(self.train.segment(at)) {
                self.judge(at, sender, promised, end).map(|mark| self.apply_trailer(mark, sender, end))
            } else if self.lanes[sender].messages < promised.messages {
                self.admit(at, sender, end, came)
            } else {
                Err(self.kind_of(at, Stray::Forged, end))
            };
            match taken {
                Ok(()) => self.lanes[sender].packets += 1,
                Err(stray) => end.counts.strays.add(stray),
            }
        }
    }

    /// Counts datagrams as strays: each as what it is by itself, and if it is good by itself as `otherwise`.
    fn turn_away(&mut self, segments: Range<usize>, otherwise: Stray, end: &mut Endpoint<'_>) {
        for at in segments {
            let stray = self.kind_of(at, otherwise, end);
            end.counts.strays.add(stray);
        }
    }

    fn kind_of(&self, at: usize, otherwise: Stray, end: &Endpoint<'_>) -> Stray {
        let (segment, admission) = (self.train.segment(at), end.network.admission);
        let judged = match wire::is_mark(segment) {
            true => admission.admit_mark(segment).map(|_| ()),
            false => admission.admit(segment, |to| self.here.contains(&to.0)).map(|_| ()),
        };
        judged.err().unwrap_or(otherwise)
    }

    /// Lists a segment as a message, if it is one of this lane. Once for each message, so that both callers have it whole.
    #[inline(always)]
    fn admit(&mut self, at: usize, sender: usize, end: &Endpoint<'_>, came: &mut Received<'_>) -> Result<(), Stray> {
        let segment = self.train.segment(at);
        let (message, body) = end.network.admission.admit(segment, |to| self.here.contains(&to.0))?;
        let bytes = segment.len() as u16;
        let lane = &mut self.lanes[sender];
        if !lane.nodes.contains(&message.from.0) {
            return Err(Stray::WrongSource);
        }
        lane.messages += 1;
        if message.tail > 0 {
            came.tails.extend(wire::tail(body));
        }
        came.arrivals.push(Arrival { message, bytes, slot: at as u16 });
        Ok(())
    }

    /// The mark in a segment, if it is one of this lane, says no more than its sender has sent, and has not come before.
    fn judge(&self, at: usize, sender: usize, promised: Announced, end: &Endpoint<'_>) -> Result<TrainTrailer, Stray> {
        let segment = self.train.segment(at);
        if !wire::is_mark(segment) {
            return Err(Stray::Forged);
        }
        let mark = end.network.admission.admit_mark(segment)?;
        if (mark.from as usize, mark.to as usize) != (sender, end.shard) {
            return Err(Stray::UnknownNode);
        }
        if mark.messages > promised.messages || mark.charge > promised.charge {
            return Err(Stray::Forged);
        }
        if self.lanes[sender].seen.has(mark.charge) { Err(Stray::Replayed) } else { Ok(mark) }
    }

    /// Notes a mark and gives the lane its credit back.
    fn apply_trailer(&mut self, mark: TrainTrailer, sender: usize, end: &Endpoint<'_>) {
        // A mark that was overtaken gives nothing back that the later one did not.
        if self.lanes[sender].seen.add(mark.charge) {
            end.network.lanes.consume(sender, end.shard, mark.charge);
        }
    }

    /// Whose address this is.
    fn sender(&self, source: SocketAddrV4) -> Option<usize> {
        let found = self.senders.binary_search_by_key(&source, |&(address, _)| address);
        found.ok().map(|at| self.senders[at].1)
    }
}
