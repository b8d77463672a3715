//! Messages of one length that gather for one shard: equal segments, as the kernel requires, then room for the trailer.

use crate::ids::OrderIndex;
use crate::message::{Kind, Message};
use crate::wire::{self, TRAILER_BYTES, Token};

/// A train that gathers messages.
pub(super) struct Train {
    bytes: Box<[u8]>,
    pub(super) segment_bytes: usize,
    pub(super) messages: usize,
    pub(super) messages_max: usize,
    /// Number of leading slots that already hold a datagram of the given order, from earlier trains.
    written: (usize, OrderIndex),
    /// Messages that the kernel has accepted already: above 0 only if segments travel one by one.
    pub(super) accepted: usize,
}

impl Train {
    /// Creates an empty train with room for `room` bytes.
    pub(super) fn new(room: usize) -> Train {
        Train {
            bytes: vec![0; room].into(),
            segment_bytes: 0,
            messages: 0,
            messages_max: 0,
            written: (0, OrderIndex(0)),
            accepted: 0,
        }
    }

    /// Returns true if a message of this length can join.
    #[inline]
    pub(super) fn has_room(&self, segment_bytes: usize) -> bool {
        self.messages == 0
            || self.messages < self.messages_max && self.segment_bytes == segment_bytes && self.accepted == 0
    }

    /// Returns true if a message of this length joins others and does not fill the train: the case of nearly all
    /// messages.
    #[inline]
    pub(super) fn joins_without_filling(&self, segment_bytes: usize) -> bool {
        self.messages > 0
            && self.messages + 1 < self.messages_max
            && self.segment_bytes == segment_bytes
            && self.accepted == 0
    }

    /// Adds a message: an order as a copy of its template, a control message with its tail over the slot's old
    /// contents, a part with its body in place of the template.
    #[inline]
    pub(super) fn add(&mut self, template: &[u8], token: Token, message: &Message, tail: &[u64]) {
        match message.kind {
            Kind::PAYLOAD => self.add_order(template, message),
            kind => self.add_control(
                &wire::Header { token, message: *message },
                tail,
                Some(template).filter(|_| kind.is_part()),
            ),
        }
        self.messages += 1;
    }

    #[inline]
    fn add_order(&mut self, template: &[u8], message: &Message) {
        let place = &mut self.bytes[self.messages * self.segment_bytes..][..self.segment_bytes];
        let (written, order) = self.written;
        if self.messages >= written || order != message.order {
            place.copy_from_slice(template);
            // Only an unbroken run of one order's datagrams, from the first slot on, is worth remembering.
            let is_unbroken = self.messages == 0 || (written, order) == (self.messages, message.order);
            self.written = (if is_unbroken { self.messages + 1 } else { 0 }, message.order);
        }
        if let Some(header) = place.first_chunk_mut() {
            wire::patch(header, message);
        }
    }

    fn add_control(&mut self, header: &wire::Header, tail: &[u64], body: Option<&[u8]>) {
        let place = &mut self.bytes[self.messages * self.segment_bytes..][..self.segment_bytes];
        match body {
            Some(body) => wire::encode_part(header, tail, body, place),
            None => wire::encode_control(header, tail, place),
        };
        self.written.0 = 0;
    }

    /// Returns the segments that the kernel has not accepted yet.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        let messages = &self.bytes[..self.messages * self.segment_bytes];
        messages.chunks(self.segment_bytes.max(1)).skip(self.accepted)
    }

    /// Writes the trailer behind the messages.
    pub(super) fn seal(&mut self, trailer: &[u8; TRAILER_BYTES]) {
        let at = self.messages * self.segment_bytes;
        self.written.0 = self.written.0.min(self.messages);
        self.bytes[at..][..TRAILER_BYTES].copy_from_slice(trailer);
    }

    /// Returns the bytes of messages and trailer.
    pub(super) fn sealed(&self) -> &[u8] {
        &self.bytes[..self.messages * self.segment_bytes + TRAILER_BYTES]
    }

    /// Empties the train; returns the number of messages it had.
    pub(super) fn clear(&mut self) -> usize {
        self.accepted = 0;
        std::mem::take(&mut self.messages)
    }
}
