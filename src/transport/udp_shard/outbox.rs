//! The way out: a lane to every shard, on which messages gather into trains and wait for credit.
//!
//! A train leaves when it is full or when there is nothing better to do, and only while the receiver's socket has room:
//! every train is charged to its lane with what the kernel will count against the receive buffer, and the receiver gives
//! the charge back once the train has left its socket. A lane without credit keeps its messages.

use super::road::{Departure, Road};
use super::{End, ShardNetwork};
use crate::ids::OrderIndex;
use crate::message::{Kind, Message};
use crate::sync::Announced;
use crate::time::Nanos;
use crate::transport::TransportError;
use crate::transport::system::is_full;
use crate::wire::{self, CONTROL_BYTES, Gate, HEADER_BYTES, Header, MARK_BYTES, Mark, control_bytes};
use std::io;
use std::net::SocketAddrV4;

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

const _: () = assert!(MARK_BYTES < HEADER_BYTES + crate::order::GENERATED_BYTES, "a mark is shorter than an order");
const _: () = assert!(MARK_BYTES <= CONTROL_BYTES, "and no longer than a control message");

/// All lanes out of one shard.
pub(super) struct Outbox {
    lanes: Box<[Lane]>,
    departure: Departure,
    road: Road,
    /// Charge that each lane may have outstanding.
    credit: u64,
    /// Messages that wait, on all lanes.
    waiting: usize,
}

/// Messages on their way to one shard.
struct Lane {
    shard: usize,
    to: SocketAddrV4,
    /// The train that gathers: equal segments, then room for the mark.
    train: Box<[u8]>,
    segment_bytes: usize,
    messages: usize,
    messages_max: usize,
    /// So many places of the train hold this order's datagram already, from trains before.
    written: (usize, OrderIndex),
    /// Messages of this train that the kernel has already: above 0 only where segments travel one by one.
    gone: usize,
    announced: Announced,
    charged: u64,
    /// What the receiver had given back of it when last asked.
    returned: u64,
    /// Since when there has been no credit.
    silent_since: Option<Nanos>,
    /// Bare marks sent since then.
    asked: u32,
}

impl Outbox {
    /// Lanes to all shards of the network.
    pub(super) fn new(network: &ShardNetwork) -> Outbox {
        let road = network.road;
        let credit = credit(network.receive_buffer, network.addresses.len());
        let sizes =
            network.templates.iter().map(|template| template.len()).chain([CONTROL_BYTES, network.control_bytes_max]);
        let room = sizes.map(|bytes| messages_max(road, bytes, credit) * bytes).max().unwrap_or(0) + MARK_BYTES;
        let lanes = network.addresses.iter().enumerate().map(|(shard, &to)| Lane::new(shard, to, room)).collect();
        Outbox { lanes, departure: Departure::new(road), road, credit, waiting: 0 }
    }

    /// Adds a message to its lane's train, which leaves if that fills it; false where the lane has no room.
    #[inline]
    pub(super) fn push(&mut self, message: &Message, tail: &[u64], end: &mut End<'_>) -> Result<bool, TransportError> {
        let network = end.network;
        let index = network.shard_of(message.to);
        let template = &network.templates[message.order.index()];
        let segment_bytes = if message.kind.is_control() { control_bytes(tail.len()) } else { template.len() };
        if !self.lanes[index].has_room(segment_bytes) && !self.dispatch(index, end)? {
            return Ok(false);
        }
        let lane = &mut self.lanes[index];
        if lane.messages == 0 {
            lane.segment_bytes = segment_bytes;
            lane.messages_max = messages_max(self.road, segment_bytes, self.credit);
        }
        match message.kind {
            Kind::Payload => lane.add(template, message),
            Kind::Have | Kind::Want => {
                lane.add_control(&Header { token: network.gate.token, message: *message }, tail);
            }
        }
        self.waiting += 1;
        if lane.messages == lane.messages_max {
            self.dispatch(index, end)?;
        }
        Ok(true)
    }

    /// Sends every train that has a message and credit, full or not.
    pub(super) fn flush(&mut self, end: &mut End<'_>) -> Result<(), TransportError> {
        if self.waiting == 0 {
            return Ok(());
        }
        for index in 0..self.lanes.len() {
            if self.lanes[index].messages > 0 {
                self.dispatch(index, end)?;
            }
        }
        Ok(())
    }

    /// Messages that wait on all lanes.
    #[inline]
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The messages that wait, read back from their trains.
    pub(super) fn messages(&self, gate: &Gate) -> impl Iterator<Item = Message> {
        let segments = self.lanes.iter().flat_map(Lane::waiting);
        segments.filter_map(|segment| gate.admit(segment, |_| true).ok().map(|(message, _)| message))
    }

    /// Sends a lane's train if there is credit for it; true if it has left whole.
    fn dispatch(&mut self, index: usize, end: &mut End<'_>) -> Result<bool, TransportError> {
        let lane = &mut self.lanes[index];
        if lane.gone == 0 && !lane.has_credit(self.road, self.credit, end) {
            lane.ask_for_credit(&mut self.departure, self.road, end)?;
            return Ok(false);
        }
        let length = lane.seal(lane.messages, charge(self.road, lane.messages, lane.segment_bytes), end);
        let before = lane.gone;
        let is_whole = lane.depart(&mut self.departure, self.road, length, end)?;
        self.waiting -= if is_whole { lane.clear() - before } else { lane.gone - before };
        Ok(is_whole)
    }
}

impl Lane {
    fn new(shard: usize, to: SocketAddrV4, room: usize) -> Lane {
        Lane {
            shard,
            to,
            train: vec![0; room].into(),
            segment_bytes: 0,
            messages: 0,
            messages_max: 0,
            written: (0, OrderIndex(0)),
            gone: 0,
            announced: Announced::default(),
            charged: 0,
            returned: 0,
            silent_since: None,
            asked: 0,
        }
    }

    /// Whether a message of this length can join the train.
    #[inline]
    fn has_room(&self, segment_bytes: usize) -> bool {
        self.messages == 0 || self.messages < self.messages_max && self.segment_bytes == segment_bytes && self.gone == 0
    }

    #[inline]
    fn add(&mut self, template: &[u8], message: &Message) {
        let place = &mut self.train[self.messages * self.segment_bytes..][..self.segment_bytes];
        let (written, order) = self.written;
        if self.messages >= written || order != message.order {
            place.copy_from_slice(template);
            // Only an unbroken row of one order's datagrams, from the first place on, is worth remembering.
            let goes_on = self.messages == 0 || (written, order) == (self.messages, message.order);
            self.written = (if goes_on { self.messages + 1 } else { 0 }, message.order);
        }
        if let Some(header) = place.first_chunk_mut() {
            wire::patch(header, message);
        }
        self.messages += 1;
    }

    /// Adds a control message, over whatever the place held.
    fn add_control(&mut self, header: &Header, tail: &[u64]) {
        let place = &mut self.train[self.messages * self.segment_bytes..][..self.segment_bytes];
        wire::encode_control(header, tail, place);
        self.written.0 = 0;
        self.messages += 1;
    }

    /// The segments that the kernel does not have yet.
    fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        let messages = &self.train[..self.messages * self.segment_bytes];
        messages.chunks(self.segment_bytes.max(1)).skip(self.gone)
    }

    /// Whether the train may leave. A lane with nothing outstanding may always send: the kernel takes at least one packet
    /// into an empty buffer, however small that is.
    fn has_credit(&mut self, road: Road, credit: u64, end: &End<'_>) -> bool {
        let wanted = self.charged + charge(road, self.messages, self.segment_bytes);
        if wanted <= self.returned + credit {
            return true;
        }
        self.returned = end.network.lanes.consumed(end.shard, self.shard);
        wanted <= self.returned + credit || self.returned == self.charged
    }

    /// Sends a bare mark if there has been no credit for long.
    fn ask_for_credit(
        &mut self,
        departure: &mut Departure,
        road: Road,
        end: &mut End<'_>,
    ) -> Result<(), TransportError> {
        end.counts.send_blocked += 1;
        let now = end.network.clock.now();
        if now.since(*self.silent_since.get_or_insert(now)).0 < SILENCE_MAX.0 << self.asked.min(DOUBLINGS_MAX) {
            return Ok(());
        }
        self.silent_since = Some(now);
        self.asked += 1;
        let charge = charge(road, 0, 0);
        let mark = self.mark(0, charge, end).bytes(end.network.gate.token);
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

    /// Writes the mark behind the messages; gives the train's length.
    fn seal(&mut self, messages: usize, charge: u64, end: &End<'_>) -> usize {
        let mark = self.mark(messages - self.gone, charge, end).bytes(end.network.gate.token);
        let at = messages * self.segment_bytes;
        self.written.0 = self.written.0.min(messages);
        self.train[at..][..MARK_BYTES].copy_from_slice(&mark);
        at + MARK_BYTES
    }

    /// The mark after so many further messages and so much further charge.
    fn mark(&self, messages: usize, charge: u64, end: &End<'_>) -> Mark {
        Mark {
            from: end.shard as u32,
            to: self.shard as u32,
            messages: self.announced.messages + messages as u64,
            charge: self.charged + charge,
        }
    }

    /// Hands the sealed train to the kernel; true once it has all of it.
    fn depart(
        &mut self,
        departure: &mut Departure,
        road: Road,
        length: usize,
        end: &mut End<'_>,
    ) -> Result<bool, TransportError> {
        loop {
            end.counts.send_calls += 1;
            match departure.send(end.socket, self.to, &self.train[..length], self.segment_bytes, self.gone) {
                Ok(segments) => {
                    // The mark is the last segment, and no message.
                    let messages = segments.min(self.messages - self.gone);
                    self.gone += messages;
                    self.announce(messages, road.packets(segments), end);
                    if segments > messages {
                        self.charged += charge(road, self.messages, self.segment_bytes);
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
    fn announce(&mut self, messages: usize, packets: u64, end: &mut End<'_>) {
        self.announced.messages += messages as u64;
        self.announced.packets += packets;
        end.counts.kernel_datagrams += packets;
        end.network.lanes.announce(end.shard, self.shard, self.announced);
    }

    /// Begins a new train; says how many messages the old one had.
    fn clear(&mut self) -> usize {
        self.gone = 0;
        (self.silent_since, self.asked) = (None, 0);
        std::mem::take(&mut self.messages)
    }

    fn failure(&self, cause: io::Error, end: &End<'_>) -> TransportError {
        TransportError { doing: format!("sending from shard {} to shard {}", end.shard, self.shard), cause }
    }
}

/// The charge that one lane may have outstanding at a receive buffer of so many bytes.
fn credit(receive_buffer: u32, shards: usize) -> u64 {
    u64::from(receive_buffer) * BUFFER_SHARE_PERCENT / 100 / shards as u64
}

/// What a train of so many messages costs its lane: what the kernel will count against the receive buffer.
fn charge(road: Road, messages: usize, segment_bytes: usize) -> u64 {
    road.packets(messages + 1) * PACKET_OVERHEAD_BYTES + (messages * segment_bytes + MARK_BYTES) as u64
}

/// Messages of a train at most: what the kernel takes, and no more than half of the credit, so that the next train can
/// leave while the receiver takes this one in. One message there is always.
fn messages_max(road: Road, segment_bytes: usize, credit: u64) -> usize {
    let overhead = match road {
        Road::Whole { .. } => 0,
        Road::Apart => PACKET_OVERHEAD_BYTES,
    };
    let bytes_max = (credit / 2).saturating_sub(PACKET_OVERHEAD_BYTES).min(TRAIN_BYTES_MAX);
    let fits = bytes_max.saturating_sub(MARK_BYTES as u64) / (segment_bytes as u64 + overhead);
    (fits as usize).clamp(1, road.segments_max() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trains_leave_room_for_a_second_one_at_the_default_buffer() {
        let whole = Road::Whole { segments: 128 };
        for (shards, messages) in [(1, 127), (2, 127), (8, 122), (1_000, 1)] {
            let credit = credit(212_992, shards);
            assert_eq!(messages_max(whole, 56, credit), messages, "{shards} shards");
            assert!(messages == 1 || 2 * charge(whole, messages, 56) <= credit);
        }
        assert_eq!(messages_max(whole, 1_472, credit(8_000_000, 2)), 44);
        let apart = credit(212_992, 2);
        assert!(2 * charge(Road::Apart, messages_max(Road::Apart, 56, apart), 56) <= apart);
    }
}
