//! The way out: a lane to every shard, on which messages gather into trains and wait for credit.
//!
//! The kernel wants the segments of a train equal, so a lane has a train for each of some lengths. A train leaves when it is full or when there is nothing better to do, and only while the receiver's socket has room:
//! every train is charged to its lane with what the kernel will count against the receive buffer, and the receiver gives
//! the charge back once the train has left its socket. A lane without credit keeps its messages.

mod train;

use super::segmentation::{Segmentation, TrainSender};
use super::{Endpoint, UdpShardNetwork};
use crate::message::Message;
use crate::sync::{Announced, HandedOver};
use crate::time::Nanos;
use crate::transport::TransportError;
use crate::transport::system::is_full;
use crate::wire::{Admission, CONTROL_BYTES, HEADER_BYTES, MARK_BYTES, TrainTrailer, WORD_BYTES, control_bytes};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddrV4;
use train::Train;

/// Bytes of receive buffer that the kernel counts for a packet beside its own length, rounded up: 832 measured on
/// Linux 6.18, whatever the length.
const PACKET_OVERHEAD_BYTES: u64 = 1_100;

/// The share of a receive buffer that all lanes into it may fill, in hundredths. The rest is for what has been taken out
/// and the kernel has not yet written off, a quarter of the buffer at most, and for rounding.
const BUFFER_SHARE_PERCENT: u64 = 60;

/// The longest UDP payload over IPv4.
const TRAIN_BYTES_MAX: u64 = 65_507;

/// How long a lane stays without credit before its sender asks with a bare mark: where trains were dropped, their credit
/// comes back with the next mark only. Longer than a worker waits for its turn on a busy core.
const SILENCE_MAX: Nanos = Nanos::from_millis(10);

/// Each further mark waits twice as long as the one before, up to this many doublings: a receiver that gets no turn for
/// seconds would else find its buffer full of marks, and trains that had credit dropped.
const DOUBLINGS_MAX: u32 = 8;

/// Trains of one lane at most. Messages of more lengths than that take turns.
const TRAINS_MAX: usize = 8;

/// Looks for what has come, each with a find, after which trains leave that are not full.
const UNFLUSHED_MAX: u32 = 16;

const _: () = assert!(MARK_BYTES < HEADER_BYTES + crate::order::GENERATED_BYTES, "a mark is shorter than an order");
const _: () = assert!(MARK_BYTES <= CONTROL_BYTES, "and no longer than a control message");

/// All lanes out of one shard.
pub(super) struct TrainOutbox {
    lanes: Box<[OutboundChannel]>,
    departure: TrainSender,
    segmentation: Segmentation,
    /// Charge that each lane may have outstanding.
    credit: u64,
    /// Messages that wait, on all lanes.
    waiting: usize,
    /// Looks for what has come since all trains were sent.
    unflushed: u32,
}

/// Messages on their way to one shard.
struct OutboundChannel {
    shard: usize,
    to: SocketAddrV4,
    /// Each gathers messages of one length. Where all have one length there is one.
    trains: Box<[Train]>,
    announced: HandedOver,
    charged: u64,
    /// What the receiver had given back of it when last asked.
    returned: u64,
    /// Since when there has been no credit.
    silent_since: Option<Nanos>,
    /// Bare marks sent since then.
    asked: u32,
}

impl TrainOutbox {
    /// Lanes to all shards of the network.
    pub(super) fn new(network: &UdpShardNetwork) -> TrainOutbox {
        let segmentation = network.segmentation;
        let credit = credit(network.receive_buffer, network.addresses.len());
        let orders: BTreeSet<usize> = network.templates.iter().map(|template| template.len()).collect();
        let longest = orders.last().copied().max(network.control_bytes_max).unwrap_or(0);
        let room = train_bytes_max(segmentation, longest, credit) + MARK_BYTES;
        let control_lengths = network.control_bytes_max.map_or(0, |most| 1 + (most - CONTROL_BYTES) / WORD_BYTES);
        let trains = (orders.len() + control_lengths).clamp(1, TRAINS_MAX);
        let lane = |(shard, &to)| OutboundChannel::new(shard, to, (0..trains).map(|_| Train::new(room)).collect());
        let lanes = network.addresses.iter().enumerate().map(lane).collect();
        TrainOutbox { lanes, departure: TrainSender::new(segmentation), segmentation, credit, waiting: 0, unflushed: 0 }
    }

    /// Adds a message to a train of its lane, which leaves if that fills it; false where the lane has no room.
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
        let segment_bytes = if message.kind.is_control() { control_bytes(tail.len()) } else { template.len() };
        let lane = &mut self.lanes[index];
        let place = lane.place(segment_bytes);
        let train = &mut lane.trains[place];
        // Nearly all messages end here, with one look at their lane.
        if train.goes_on_with(segment_bytes) {
            train.add(template, network.admission.token, message, tail);
            self.waiting += 1;
            return Ok(true);
        }
        if !self.lanes[index].trains[place].has_room(segment_bytes) && !self.dispatch(index, place, end)? {
            return Ok(false);
        }
        let train = &mut self.lanes[index].trains[place];
        if train.messages == 0 {
            train.segment_bytes = segment_bytes;
            train.messages_max = messages_max(self.segmentation, segment_bytes, self.credit);
        }
        train.add(template, network.admission.token, message, tail);
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
        for index in 0..self.lanes.len() {
            for place in 0..self.lanes[index].trains.len() {
                if self.lanes[index].trains[place].messages > 0 {
                    self.dispatch(index, place, end)?;
                }
            }
        }
        Ok(())
    }

    /// Sends every train now and then, though something has come: the only message of a rare length would else wait for as long
    /// as there is no rest.
    #[inline]
    pub(super) fn flush_the_rare(&mut self, end: &mut Endpoint<'_>) -> Result<(), TransportError> {
        self.unflushed += 1;
        // All lanes have as many trains.
        let has_lengths = self.lanes.first().is_some_and(|lane| lane.trains.len() > 1);
        if has_lengths && self.unflushed >= UNFLUSHED_MAX { self.flush(end) } else { Ok(()) }
    }

    /// Messages that wait on all lanes.
    #[inline]
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The messages that wait, read back from their trains.
    pub(super) fn messages(&self, admission: &Admission) -> impl Iterator<Item = Message> {
        let segments = self.lanes.iter().flat_map(|lane| &lane.trains).flat_map(Train::waiting);
        segments.filter_map(|segment| admission.admit(segment, |_| true).ok().map(|(message, _)| message))
    }

    /// Sends a train of a lane if there is credit for it; true if it has left whole.
    fn dispatch(&mut self, index: usize, place: usize, end: &mut Endpoint<'_>) -> Result<bool, TransportError> {
        let lane = &mut self.lanes[index];
        let Train { messages, segment_bytes, gone: before, .. } = lane.trains[place];
        let charge = charge(self.segmentation, messages, segment_bytes);
        if before == 0 && !lane.has_credit(charge, self.credit, end) {
            lane.ask_for_credit(&mut self.departure, self.segmentation, end)?;
            return Ok(false);
        }
        let mark = lane.promised_mark(messages - before, charge, end).bytes(end.network.admission.token);
        lane.trains[place].seal(&mark);
        let is_whole = lane.depart(place, &mut self.departure, self.segmentation, end)?;
        let train = &mut lane.trains[place];
        self.waiting -= if is_whole { train.clear() - before } else { train.gone - before };
        if is_whole {
            (lane.silent_since, lane.asked) = (None, 0);
        }
        Ok(is_whole)
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
            silent_since: None,
            asked: 0,
        }
    }

    /// The train for messages of this length: one that gathers them, else an empty one, else the one that has most, which is
    /// to leave first.
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

    /// Whether the train may leave. A lane with nothing outstanding may always send: the kernel takes at least one packet
    /// into an empty buffer, however small that is.
    fn has_credit(&mut self, charge: u64, credit: u64, end: &Endpoint<'_>) -> bool {
        let wanted = self.charged + charge;
        if wanted <= self.returned + credit {
            return true;
        }
        self.returned = end.network.lanes.consumed(end.shard, self.shard);
        wanted <= self.returned + credit || self.returned == self.charged
    }

    /// Sends a bare mark if there has been no credit for long.
    fn ask_for_credit(
        &mut self,
        departure: &mut TrainSender,
        segmentation: Segmentation,
        end: &mut Endpoint<'_>,
    ) -> Result<(), TransportError> {
        end.counts.send_blocked += 1;
        let now = end.network.clock.now();
        if now.since(*self.silent_since.get_or_insert(now)).0 < SILENCE_MAX.0 << self.asked.min(DOUBLINGS_MAX) {
            return Ok(());
        }
        self.silent_since = Some(now);
        self.asked += 1;
        let charge = charge(segmentation, 0, 0);
        let mark = self.promised_mark(0, charge, end).bytes(end.network.admission.token);
        end.counts.send_calls += 1;
        match departure.send(end.socket, self.to, &mark, MARK_BYTES, 0) {
            Ok(_) => {
                self.charged += charge;
                self.announce(0, 1, end);
                Ok(())
            }
            Err(error) if is_full(&error) || error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(cause) => Err(self.failure(cause, end)),
        }
    }

    /// The mark after so many further messages and so much further charge, which the receiver is told of: it takes no other.
    fn promised_mark(&self, messages: usize, charge: u64, end: &Endpoint<'_>) -> TrainTrailer {
        let messages = self.announced.messages + messages as u64;
        let charge = self.charged + charge;
        end.network.lanes.promise(end.shard, self.shard, Announced { messages, charge });
        TrainTrailer { from: end.shard as u32, to: self.shard as u32, messages, charge }
    }

    /// Hands the sealed train to the kernel; true once it has all of it.
    fn depart(
        &mut self,
        place: usize,
        departure: &mut TrainSender,
        segmentation: Segmentation,
        end: &mut Endpoint<'_>,
    ) -> Result<bool, TransportError> {
        loop {
            end.counts.send_calls += 1;
            let train = &mut self.trains[place];
            match departure.send(end.socket, self.to, train.sealed(), train.segment_bytes, train.gone) {
                Ok(segments) => {
                    // The mark is the last segment, and no message.
                    let messages = segments.min(train.messages - train.gone);
                    train.gone += messages;
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

    /// Counts what the kernel took, and tells the receiver.
    fn announce(&mut self, messages: usize, packets: u64, end: &mut Endpoint<'_>) {
        self.announced.messages += messages as u64;
        self.announced.packets += packets;
        end.counts.kernel_datagrams += packets;
        end.network.lanes.announce(end.shard, self.shard, self.announced);
    }

    fn failure(&self, cause: io::Error, end: &Endpoint<'_>) -> TransportError {
        TransportError { doing: format!("sending from shard {} to shard {}", end.shard, self.shard), cause }
    }
}

/// The charge that one lane may have outstanding at a receive buffer of so many bytes.
fn credit(receive_buffer: u32, shards: usize) -> u64 {
    u64::from(receive_buffer) * BUFFER_SHARE_PERCENT / 100 / shards as u64
}

/// What a train of so many messages costs its lane: what the kernel will count against the receive buffer.
pub(super) fn charge(segmentation: Segmentation, messages: usize, segment_bytes: usize) -> u64 {
    segmentation.packets(messages + 1) * PACKET_OVERHEAD_BYTES + (messages * segment_bytes + MARK_BYTES) as u64
}

/// Messages of a train at most: what the kernel takes, and no more than half of the credit, so that the next train can
/// leave while the receiver takes this one in. One message there is always.
fn messages_max(segmentation: Segmentation, segment_bytes: usize, credit: u64) -> usize {
    let overhead = match segmentation {
        Segmentation::Whole { .. } => 0,
        Segmentation::Apart => PACKET_OVERHEAD_BYTES,
    };
    let fits = room_for_messages(credit) / (segment_bytes as u64 + overhead);
    (fits as usize).clamp(1, segmentation.segments_max() - 1)
}

/// Bytes that all messages of a train may take.
fn room_for_messages(credit: u64) -> u64 {
    let bytes_max = (credit / 2).saturating_sub(PACKET_OVERHEAD_BYTES).min(TRAIN_BYTES_MAX);
    bytes_max.saturating_sub(MARK_BYTES as u64)
}

/// Bytes that the messages of any train take at most, where none is longer than `longest`.
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

    /// Eight lengths gather beside each other; a ninth takes the place of the one that has most.
    #[test]
    fn each_length_has_its_train() {
        let mut lane = OutboundChannel::new(
            0,
            SocketAddrV4::new([127, 0, 0, 1].into(), 1),
            (0..3).map(|_| Train::new(0)).collect(),
        );
        let mut gather = |bytes: usize, messages: usize| {
            let place = lane.place(bytes);
            let train = &mut lane.trains[place];
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
