//! Sends trains: a channel to every shard, on which messages gather into trains and wait for credit.
//!
//! The kernel requires the segments of a train to be equally long, so a channel has a separate train for each of
//! several lengths. A train leaves when it is full or when the worker has nothing better to do, and only while the
//! receiver's socket has room. Every train is charged to its channel with the bytes that the kernel will count against
//! the receive buffer, and the receiver returns the charge once the train has left its socket. A channel without credit
//! keeps its messages.

mod train;

use super::segmentation::{Segmentation, TrainSender};
use super::{Endpoint, UdpShardNetwork};
use crate::message::Message;
use crate::sync::{Announced, HandedOver};
use crate::sys::is_full;
use crate::time::Nanos;
use crate::transport::TransportError;
use crate::wire::{
    Admission, CONTROL_BYTES, HEADER_BYTES, TRAILER_BYTES, TrainTrailer, WORD_BYTES, control_bytes, part_bytes,
};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddrV4;
use train::Train;

/// Bytes of receive buffer that the kernel counts for a packet beside its own length, rounded up: 832 measured on Linux
/// 6.18, at any length.
const PACKET_OVERHEAD_BYTES: u64 = 1_100;

/// Share of a receive buffer, in percent, that all channels into it may fill. The rest is for rounding, and for packets
/// that were taken out but that the kernel has not yet written off, a quarter of the buffer at most.
const BUFFER_SHARE_PERCENT: u64 = 60;

/// Bytes of the longest UDP payload over IPv4.
const TRAIN_BYTES_MAX: u64 = 65_507;

/// Time without credit after which the sender probes with a bare trailer: after trains were dropped, their credit
/// returns only with the next trailer. Longer than a worker waits for its turn on a busy core.
const BLOCKED_MAX: Nanos = Nanos::from_millis(10);

/// Doublings of that time at most. Each further probe waits twice as long as the one before; otherwise probes would
/// fill the buffer of a receiver that gets no turn for seconds, and trains that had credit would be dropped.
const DOUBLINGS_MAX: u32 = 8;

/// Trains of one channel at most. If messages have more lengths than that, the lengths take turns.
const TRAINS_MAX: usize = 8;

/// Successive polls that found messages, after which trains leave even if they are not full.
const UNFLUSHED_MAX: u32 = 16;

const _: () =
    assert!(TRAILER_BYTES < HEADER_BYTES + crate::order::GENERATED_BYTES, "a trailer is shorter than an order");
const _: () = assert!(TRAILER_BYTES <= CONTROL_BYTES, "and no longer than a control message");

/// All channels out of one shard.
pub(super) struct TrainOutbox {
    channels: Box<[OutboundChannel]>,
    sender: TrainSender,
    segmentation: Segmentation,
    /// Charge in bytes that each channel may have outstanding.
    credit: u64,
    /// Messages waiting on all channels.
    waiting: usize,
    /// Polls since all trains were sent.
    unflushed: u32,
}

/// Messages on their way to one shard.
struct OutboundChannel {
    shard: usize,
    to: SocketAddrV4,
    /// Trains, each of which gathers messages of one length. A single one if all messages have the same length.
    trains: Box<[Train]>,
    announced: HandedOver,
    charged: u64,
    /// Charge that the receiver had returned when last read.
    returned: u64,
    /// Instant since which there has been no credit, or of the last probe.
    blocked_since: Option<Nanos>,
    /// Bare trailers sent since then.
    asked: u32,
}

impl TrainOutbox {
    /// Creates the channels to all shards of the network.
    pub(super) fn new(network: &UdpShardNetwork) -> TrainOutbox {
        let segmentation = network.segmentation;
        let credit = credit(network.receive_buffer, network.addresses.len());
        // An order that travels in parts is no datagram.
        let parts = network.parts.as_ref().map(|parts| part_bytes(parts.body_bytes()) as usize);
        let whole = network.templates.iter().map(|template| template.len()).filter(|_| parts.is_none());
        let orders: BTreeSet<usize> = whole.chain(parts).collect();
        let longest = orders.last().copied().max(network.control_bytes_max).unwrap_or(0);
        let room = train_bytes_max(segmentation, longest, credit) + TRAILER_BYTES;
        let control_lengths = network.control_bytes_max.map_or(0, |most| 1 + (most - CONTROL_BYTES) / WORD_BYTES);
        let trains = (orders.len() + control_lengths).clamp(1, TRAINS_MAX);
        let channel = |(shard, &to)| OutboundChannel::new(shard, to, (0..trains).map(|_| Train::new(room)).collect());
        let channels = network.addresses.iter().enumerate().map(channel).collect();
        TrainOutbox { channels, sender: TrainSender::new(segmentation), segmentation, credit, waiting: 0, unflushed: 0 }
    }

    /// Adds a message to a train of its channel, and sends the train if that fills it; returns false if the channel has
    /// no room.
    #[inline]
    pub(super) fn push(
        &mut self,
        message: &Message,
        tail: &[u64],
        end: &mut Endpoint<'_>,
    ) -> Result<bool, TransportError> {
        let network = end.network;
        let index = network.shard_of(message.to);
        let template = &network.templates[message.order.index()];
        let (segment_bytes, content) = match message.kind.is_control() {
            true => beside_orders(network, message, tail),
            false => (template.len(), &template[..]),
        };
        let channel = &mut self.channels[index];
        let place = channel.place(segment_bytes);
        let train = &mut channel.trains[place];
        // Nearly all messages take this path, with one access to their channel.
        if train.joins_without_filling(segment_bytes) {
            train.add(content, network.admission.token, message, tail);
            self.waiting += 1;
            return Ok(true);
        }
        // The full train must leave before the message can begin the next one.
        if !self.channels[index].trains[place].has_room(segment_bytes) && !self.dispatch(index, place, end)? {
            return Ok(false);
        }
        let train = &mut self.channels[index].trains[place];
        if train.messages == 0 {
            train.segment_bytes = segment_bytes;
            train.messages_max = messages_max(self.segmentation, segment_bytes, self.credit);
        }
        train.add(content, network.admission.token, message, tail);
        self.waiting += 1;
        if train.messages == train.messages_max {
            self.dispatch(index, place, end)?;
        }
        Ok(true)
    }

    /// Sends every train that has a message and credit, full or not.
    pub(super) fn flush(&mut self, end: &mut Endpoint<'_>) -> Result<(), TransportError> {
        self.unflushed = 0;
        if self.waiting == 0 {
            return Ok(());
        }
        for index in 0..self.channels.len() {
            for place in 0..self.channels[index].trains.len() {
                if self.channels[index].trains[place].messages > 0 {
                    self.dispatch(index, place, end)?;
                }
            }
        }
        Ok(())
    }

    /// Sends every train at intervals even while messages arrive; otherwise the only message of a rare length would
    /// wait until the worker finds nothing to receive.
    #[inline]
    pub(super) fn flush_at_intervals(&mut self, end: &mut Endpoint<'_>) -> Result<(), TransportError> {
        self.unflushed += 1;
        // All channels have the same number of trains.
        let has_lengths = self.channels.first().is_some_and(|channel| channel.trains.len() > 1);
        if has_lengths && self.unflushed >= UNFLUSHED_MAX { self.flush(end) } else { Ok(()) }
    }

    /// Returns the number of messages that wait on all channels.
    #[inline]
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Iterates over the waiting messages, decoded from their trains.
    pub(super) fn messages(&self, admission: &Admission) -> impl Iterator<Item = Message> {
        let segments = self.channels.iter().flat_map(|channel| &channel.trains).flat_map(Train::waiting);
        segments.filter_map(|segment| admission.admit(segment, |_| true).ok().map(|(message, _)| message))
    }

    /// Sends a train of a channel if there is credit for it; returns true if all of it was sent.
    fn dispatch(&mut self, index: usize, place: usize, end: &mut Endpoint<'_>) -> Result<bool, TransportError> {
        let channel = &mut self.channels[index];
        let Train { messages, segment_bytes, accepted: before, .. } = channel.trains[place];
        let charge = charge(self.segmentation, messages, segment_bytes);
        // A train of which a part has left passed this check when it began.
        if before == 0 && !channel.has_credit(charge, self.credit, end) {
            channel.probe_for_credit(&mut self.sender, self.segmentation, end)?;
            return Ok(false);
        }
        // Announced before any of it leaves, because a receiver rejects whatever exceeds the announced sums.
        let trailer = channel.announced_trailer(messages - before, charge, end).bytes(end.network.admission.token);
        channel.trains[place].seal(&trailer);
        let is_whole = channel.send_train(place, &mut self.sender, self.segmentation, end)?;
        let train = &mut channel.trains[place];
        self.waiting -= if is_whole { train.clear() - before } else { train.accepted - before };
        if is_whole {
            (channel.blocked_since, channel.asked) = (None, 0);
        }
        Ok(is_whole)
    }
}

/// Returns the length of a message that carries no whole order, and its body if it is a part.
fn beside_orders<'a>(network: &'a UdpShardNetwork, message: &Message, tail: &[u64]) -> (usize, &'a [u8]) {
    match network.parts.as_ref().filter(|_| message.kind.is_part()) {
        Some(parts) => {
            let body = parts.body_of(message.order, tail);
            (part_bytes(body.len() as u32) as usize, body)
        }
        None => (control_bytes(tail.len()), &[]),
    }
}

impl OutboundChannel {
    fn new(shard: usize, to: SocketAddrV4, trains: Box<[Train]>) -> OutboundChannel {
        OutboundChannel {
            shard,
            to,
            trains,
            announced: HandedOver::default(),
            charged: 0,
            returned: 0,
            blocked_since: None,
            asked: 0,
        }
    }

    /// Returns the train for messages of this length: the one that gathers them, else an empty one, else the one with
    /// the most bytes, which must leave first.
    #[inline]
    fn place(&self, segment_bytes: usize) -> usize {
        if self.trains[0].has_room(segment_bytes) && (self.trains[0].messages > 0 || self.trains.len() == 1) {
            return 0;
        }
        self.place_among_many(segment_bytes)
    }

    fn place_among_many(&self, segment_bytes: usize) -> usize {
        let rank = |train: &Train| match train.messages {
            0 => (1, 0),
            _ if train.segment_bytes == segment_bytes => (2, 0),
            messages => (0, messages * train.segment_bytes),
        };
        (0..self.trains.len()).rev().max_by_key(|&place| rank(&self.trains[place])).unwrap_or(0)
    }

    /// Returns true if the train may leave. A channel with nothing outstanding may always send: the kernel accepts at
    /// least one packet into an empty buffer, however small that is.
    fn has_credit(&mut self, charge: u64, credit: u64, end: &Endpoint<'_>) -> bool {
        let wanted = self.charged + charge;
        if wanted <= self.returned + credit {
            return true;
        }
        // The shared count is read only if the copy does not suffice, because its cache line is the receiver's.
        self.returned = end.network.channels.consumed(end.shard, self.shard);
        wanted <= self.returned + credit || self.returned == self.charged
    }

    /// Sends a bare trailer if there has been no credit for long.
    fn probe_for_credit(
        &mut self,
        sender: &mut TrainSender,
        segmentation: Segmentation,
        end: &mut Endpoint<'_>,
    ) -> Result<(), TransportError> {
        end.counts.send_blocked += 1;
        let now = end.network.clock.now();
        if now.since(*self.blocked_since.get_or_insert(now)).0 < BLOCKED_MAX.0 << self.asked.min(DOUBLINGS_MAX) {
            return Ok(());
        }
        self.blocked_since = Some(now);
        self.asked += 1;
        let charge = charge(segmentation, 0, 0);
        let trailer = self.announced_trailer(0, charge, end).bytes(end.network.admission.token);
        end.counts.send_calls += 1;
        match sender.send(end.socket, self.to, &trailer, TRAILER_BYTES, 0) {
            Ok(_) => {
                self.charged += charge;
                self.announce(0, 1, end);
                Ok(())
            }
            Err(error) if is_full(&error) || error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(cause) => Err(self.failure(cause, end)),
        }
    }

    /// Creates the trailer after `messages` further messages and `charge` further bytes, and announces it to the
    /// receiver, which accepts no other.
    fn announced_trailer(&self, messages: usize, charge: u64, end: &Endpoint<'_>) -> TrainTrailer {
        let messages = self.announced.messages + messages as u64;
        let charge = self.charged + charge;
        end.network.channels.promise(end.shard, self.shard, Announced { messages, charge });
        TrainTrailer { from: end.shard as u32, to: self.shard as u32, messages, charge }
    }

    /// Hands the sealed train to the kernel; returns true once the kernel has all of it.
    fn send_train(
        &mut self,
        place: usize,
        sender: &mut TrainSender,
        segmentation: Segmentation,
        end: &mut Endpoint<'_>,
    ) -> Result<bool, TransportError> {
        loop {
            end.counts.send_calls += 1;
            let train = &mut self.trains[place];
            match sender.send(end.socket, self.to, train.sealed(), train.segment_bytes, train.accepted) {
                Ok(segments) => {
                    // The trailer is the last segment, and not a message.
                    let messages = segments.min(train.messages - train.accepted);
                    train.accepted += messages;
                    let charge = charge(segmentation, train.messages, train.segment_bytes);
                    self.announce(messages, segmentation.packets(segments), end);
                    if segments > messages {
                        self.charged += charge;
                        return Ok(true);
                    }
                }
                Err(error) if is_full(&error) => {
                    end.counts.send_blocked += 1;
                    return Ok(false);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(self.failure(cause, end)),
            }
        }
    }

    /// Counts what the kernel accepted, and reports it to the receiver.
    fn announce(&mut self, messages: usize, packets: u64, end: &mut Endpoint<'_>) {
        self.announced.messages += messages as u64;
        self.announced.packets += packets;
        end.counts.kernel_datagrams += packets;
        end.network.channels.announce(end.shard, self.shard, self.announced);
    }

    fn failure(&self, cause: io::Error, end: &Endpoint<'_>) -> TransportError {
        TransportError { doing: format!("sending from shard {} to shard {}", end.shard, self.shard), cause }
    }
}

/// Returns the charge in bytes that one of `shards` channels may have outstanding at a receive buffer of
/// `receive_buffer` bytes.
fn credit(receive_buffer: u32, shards: usize) -> u64 {
    u64::from(receive_buffer) * BUFFER_SHARE_PERCENT / 100 / shards as u64
}

/// Returns the charge of a train in bytes: what the kernel will count against the receive buffer.
pub(super) fn charge(segmentation: Segmentation, messages: usize, segment_bytes: usize) -> u64 {
    segmentation.packets(messages + 1) * PACKET_OVERHEAD_BYTES + (messages * segment_bytes + TRAILER_BYTES) as u64
}

/// Returns the messages of a train at most: what the kernel accepts, and no more than half of the credit, so that the
/// next train can leave while the receiver reads this one. At least one.
fn messages_max(segmentation: Segmentation, segment_bytes: usize, credit: u64) -> usize {
    let overhead = match segmentation {
        Segmentation::Whole { .. } => 0,
        Segmentation::Apart => PACKET_OVERHEAD_BYTES,
    };
    let fits = room_for_messages(credit) / (segment_bytes as u64 + overhead);
    (fits as usize).clamp(1, segmentation.segments_max() - 1)
}

/// Returns the bytes that all messages of a train may take.
fn room_for_messages(credit: u64) -> u64 {
    let bytes_max = (credit / 2).saturating_sub(PACKET_OVERHEAD_BYTES).min(TRAIN_BYTES_MAX);
    bytes_max.saturating_sub(TRAILER_BYTES as u64)
}

/// Returns the bytes that the messages of any train take at most if none is longer than `longest`.
fn train_bytes_max(segmentation: Segmentation, longest: usize, credit: u64) -> usize {
    let many = (room_for_messages(credit) as usize).min((segmentation.segments_max() - 1) * longest);
    many.max(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trains_leave_room_for_a_second_one_at_the_default_buffer() {
        let whole = Segmentation::Whole { segments: 128 };
        for (shards, messages) in [(1, 127), (2, 127), (8, 122), (1_000, 1)] {
            let credit = credit(212_992, shards);
            assert_eq!(messages_max(whole, 56, credit), messages, "{shards} shards");
            assert!(messages == 1 || 2 * charge(whole, messages, 56) <= credit);
        }
        assert_eq!(messages_max(whole, 1_472, credit(8_000_000, 2)), 44);
        let apart = credit(212_992, 2);
        assert!(2 * charge(Segmentation::Apart, messages_max(Segmentation::Apart, 56, apart), 56) <= apart);
    }

    #[test]
    fn every_train_has_room() {
        for segmentation in [Segmentation::Whole { segments: 128 }, Segmentation::Apart] {
            for shards in [1, 2, 8, 300] {
                let credit = credit(212_992, shards);
                for longest in [40, 56, 1_472] {
                    let room = train_bytes_max(segmentation, longest, credit);
                    assert!(
                        (40..=longest).all(|bytes| messages_max(segmentation, bytes, credit) * bytes <= room),
                        "{shards}"
                    );
                }
            }
        }
    }

    /// Three lengths gather side by side; a fourth takes the place of the one with the most bytes.
    #[test]
    fn each_length_has_its_train() {
        let mut channel = OutboundChannel::new(
            0,
            SocketAddrV4::new([127, 0, 0, 1].into(), 1),
            (0..3).map(|_| Train::new(0)).collect(),
        );
        let mut gather = |bytes: usize, messages: usize| {
            let place = channel.place(bytes);
            let train = &mut channel.trains[place];
            let was_empty = train.messages == 0;
            (train.segment_bytes, train.messages, train.messages_max) = (bytes, train.messages + messages, 99);
            (place, was_empty)
        };
        let places = [(56, 3), (40, 1), (48, 9), (56, 1), (40, 2), (48, 1)].map(|(bytes, count)| gather(bytes, count));
        let first: Vec<usize> = places[..3].iter().map(|place| place.0).collect();
        assert_eq!(places[3..].iter().map(|place| place.0).collect::<Vec<_>>(), first);
        assert!(places[..3].iter().all(|place| place.1) && places[3..].iter().all(|place| !place.1));
        assert_eq!(gather(64, 1), (first[2], false), "480 bytes gathered there");
    }
}
