//! Receives trains: decides which of their datagrams are messages of this run, and what each channel's counts show to
//! be missing.
//!
//! The token and the source address keep out all who cannot read or forge datagrams on this machine. Against those who
//! can, a train is compared with the sender's totals in memory that both ends share: a train must end with a trailer,
//! no trailer and no message may exceed what the sender has sent, and no trailer counts twice. All of this is checked
//! once per train.

mod seen;

use super::segmentation::TrainReceiver;
use super::{Endpoint, Segmentation, UdpShardNetwork};
use crate::record::Missing;
use crate::sync::Announced;
use crate::transport::{Arrival, ReceiveBatch, TransportError};
use crate::wire::{self, HEADER_BYTES, Stray, TrainTrailer};
use seen::SeenSequences;
use std::io;
use std::net::SocketAddrV4;
use std::ops::Range;

/// All channels into one shard.
pub(super) struct TrainInbox {
    train: TrainReceiver,
    /// This shard's nodes.
    here: Range<u32>,
    channels: Box<[InboundChannel]>,
    /// Each shard by its address, sorted.
    senders: Box<[(SocketAddrV4, usize)]>,
}

/// The state of the channel from one shard.
struct InboundChannel {
    /// The sender's nodes.
    nodes: Range<u32>,
    /// Messages admitted.
    messages: u64,
    /// Packets that held at least one datagram of this run.
    packets: u64,
    /// The trailers received.
    seen: SeenSequences,
}

impl TrainInbox {
    /// Creates the channels from all shards of the network into one.
    pub(super) fn new(network: &UdpShardNetwork, shard: usize) -> TrainInbox {
        let channels: Box<[InboundChannel]> = (0..network.addresses.len())
            .map(|shard| InboundChannel {
                nodes: network.nodes_of(shard),
                messages: 0,
                packets: 0,
                seen: SeenSequences::default(),
            })
            .collect();
        let mut senders: Box<[_]> = network.addresses.iter().copied().zip(0..).collect();
        senders.sort_unstable();
        TrainInbox { train: TrainReceiver::new(network.segmentation), here: network.nodes_of(shard), channels, senders }
    }

    /// Receives one train and adds its messages to `came`; returns false if there was none.
    pub(super) fn receive(&mut self, end: &mut Endpoint<'_>, came: &mut ReceiveBatch) -> Result<bool, TransportError> {
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

    /// Returns the encoded order of a message in the last train.
    pub(super) fn body(&self, slot: u16) -> Option<&[u8]> {
        self.train.segment(usize::from(slot)).get(HEADER_BYTES..)
    }

    /// Computes what is missing on all channels, from the senders' own totals. Trailers do not suffice, because the
    /// last ones may have been dropped, and a trailer may be forged. The totals stand still once all workers are idle.
    pub(super) fn missing(&self, end: &Endpoint<'_>) -> Missing {
        let mut missing = Missing::default();
        for (shard, channel) in self.channels.iter().enumerate() {
            let announced = end.network.channels.announced(shard, end.shard);
            missing.messages += announced.messages.saturating_sub(channel.messages);
            missing.packets += announced.packets.saturating_sub(channel.packets);
        }
        missing
    }

    /// Splits a train into its packets and sorts their datagrams into messages, trailers and strays.
    fn sort(&mut self, end: &mut Endpoint<'_>, came: &mut ReceiveBatch) {
        let mut at = 0;
        // Each source apart: segments that came one by one may be of several senders.
        while at < self.train.segments() {
            let (source, next) = self.train.source(at);
            match (self.sender(source), end.network.segmentation) {
                (None, _) => self.reject(at..next, Stray::WrongSource, end),
                (Some(sender), Segmentation::Whole { .. }) => self.receive_whole(at..next, sender, end, came),
                (Some(sender), Segmentation::Apart) => self.receive_apart(at..next, sender, end, came),
            }
            at = next;
        }
    }

    /// Admits a packet: messages and their trailer, which is checked first.
    fn receive_whole(
        &mut self,
        segments: Range<usize>,
        sender: usize,
        end: &mut Endpoint<'_>,
        came: &mut ReceiveBatch,
    ) {
        let promised = end.network.channels.promised(sender, end.shard);
        let messages = segments.start..segments.end - 1;
        let checked = self.check_trailer(messages.end, sender, promised, end);
        // A channel never carries more messages than its sender has sent, in whatever sequence its trains arrive.
        let fits = self.channels[sender].messages + messages.len() as u64 <= promised.messages;
        let trailer = match checked {
            Ok(trailer) if fits => trailer,
            Ok(_) => return self.reject(segments, Stray::Forged, end),
            Err(stray) => return self.reject(segments, stray, end),
        };
        // Before the messages, so that their credit returns as early as possible.
        self.apply_trailer(trailer, sender, end);
        self.channels[sender].packets += 1;
        for at in messages {
            if let Err(stray) = self.admit(at, sender, end, came) {
                end.counts.strays.add(stray);
            }
        }
    }

    /// Admits datagrams that came one by one: a message may come before the trailer of its train.
    fn receive_apart(
        &mut self,
        segments: Range<usize>,
        sender: usize,
        end: &mut Endpoint<'_>,
        came: &mut ReceiveBatch,
    ) {
        let promised = end.network.channels.promised(sender, end.shard);
        for at in segments {
            let taken = if wire::is_train_trailer(self.train.segment(at)) {
                self.check_trailer(at, sender, promised, end).map(|trailer| self.apply_trailer(trailer, sender, end))
            } else if self.channels[sender].messages < promised.messages {
                self.admit(at, sender, end, came)
            } else {
                Err(self.kind_of(at, Stray::Forged, end))
            };
            match taken {
                Ok(()) => self.channels[sender].packets += 1,
                Err(stray) => end.counts.strays.add(stray),
            }
        }
    }

    /// Counts datagrams as strays: each under its own defect if it has one, else under `otherwise`.
    fn reject(&mut self, segments: Range<usize>, otherwise: Stray, end: &mut Endpoint<'_>) {
        for at in segments {
            let stray = self.kind_of(at, otherwise, end);
            end.counts.strays.add(stray);
        }
    }

    fn kind_of(&self, at: usize, otherwise: Stray, end: &Endpoint<'_>) -> Stray {
        let (segment, admission) = (self.train.segment(at), end.network.admission);
        let checked = match wire::is_train_trailer(segment) {
            true => admission.admit_trailer(segment).map(|_| ()),
            false => admission.admit(segment, |to| self.here.contains(&to.0)).map(|_| ()),
        };
        checked.err().unwrap_or(otherwise)
    }

    /// Admits a segment as a message if it belongs to this channel. Inlined into both callers because it runs once per
    /// message.
    #[inline(always)]
    fn admit(&mut self, at: usize, sender: usize, end: &Endpoint<'_>, came: &mut ReceiveBatch) -> Result<(), Stray> {
        let segment = self.train.segment(at);
        let (message, body) = end.network.admission.admit(segment, |to| self.here.contains(&to.0))?;
        let bytes = segment.len() as u32;
        let channel = &mut self.channels[sender];
        // The token does not tie a node to its shard, so the sender is checked against the channel.
        if !channel.nodes.contains(&message.from.0) {
            return Err(Stray::WrongSource);
        }
        channel.messages += 1;
        if message.tail > 0 {
            came.tails.extend(wire::tail(message.kind, body));
        }
        came.arrivals.push(Arrival { message, bytes, slot: at as u16 });
        Ok(())
    }

    /// Reads the trailer in a segment; an error if it is not one of this channel, claims more than its sender has sent,
    /// or has come before.
    fn check_trailer(
        &self,
        at: usize,
        sender: usize,
        promised: Announced,
        end: &Endpoint<'_>,
    ) -> Result<TrainTrailer, Stray> {
        let segment = self.train.segment(at);
        if !wire::is_train_trailer(segment) {
            return Err(Stray::Forged);
        }
        let trailer = end.network.admission.admit_trailer(segment)?;
        if (trailer.from as usize, trailer.to as usize) != (sender, end.shard) {
            return Err(Stray::UnknownNode);
        }
        if trailer.messages > promised.messages || trailer.charge > promised.charge {
            return Err(Stray::Forged);
        }
        if self.channels[sender].seen.has(trailer.charge) { Err(Stray::Replayed) } else { Ok(trailer) }
    }

    /// Records a trailer and returns the channel's credit.
    fn apply_trailer(&mut self, trailer: TrainTrailer, sender: usize, end: &Endpoint<'_>) {
        // An overtaken trailer returns no credit beyond what the later one returned.
        if self.channels[sender].seen.add(trailer.charge) {
            end.network.channels.consume(sender, end.shard, trailer.charge);
        }
    }

    /// Returns the shard with this address.
    fn sender(&self, source: SocketAddrV4) -> Option<usize> {
        let found = self.senders.binary_search_by_key(&source, |&(address, _)| address);
        found.ok().map(|at| self.senders[at].1)
    }
}
