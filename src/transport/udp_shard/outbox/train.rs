//! Messages of one length that gather for one shard: equal segments, as the kernel wants them, then room for the mark.

use crate::ids::OrderIndex;
use crate::message::{Kind, Message};
use crate::wire::{self, MARK_BYTES, Token};

/// A train that gathers.
pub(super) struct Train {
    bytes: Box<[u8]>,
    pub(super) segment_bytes: usize,
    pub(super) messages: usize,
    pub(super) messages_max: usize,
    /// So many places hold this order's datagram already, from trains before.
    written: (usize, OrderIndex),
    /// Messages that the kernel has already: above 0 only where segments travel one by one.
    pub(super) gone: usize,
}

impl Train {
    /// An empty one with room for so many bytes.
    pub(super) fn new(room: usize) -> Train {
        Train {
            bytes: vec![0; room].into(),
            segment_bytes: 0,
            messages: 0,
            messages_max: 0,
            written: (0, OrderIndex(0)),
            gone: 0,
        }
    }

    /// Whether a message of this length can join.
    #[inline]
    pub(super) fn has_room(&self, segment_bytes: usize) -> bool {
        self.messages == 0 || self.messages < self.messages_max && self.segment_bytes == segment_bytes && self.gone == 0
    }

    /// Whether a message of this length joins others and does not fill the train: what happens to nearly all.
    #[inline]
    pub(super) fn goes_on_with(&self, segment_bytes: usize) -> bool {
        self.messages > 0
            && self.messages + 1 < self.messages_max
            && self.segment_bytes == segment_bytes
            && self.gone == 0
    }

    /// Adds a message: an order is a copy of its template, what is none is written with its tail over whatever the place held.
    #[inline]
    pub(super) fn add(&mut self, template: &[u8], token: Token, message: &Message, tail: &[u64]) {
        match message.kind {
            Kind::Payload => self.add_order(template, message),
            Kind::Have | Kind::Want => self.add_control(&wire::Header { token, message: *message }, tail),
        }
        self.messages += 1;
    }

    #[inline]
    fn add_order(&mut self, template: &[u8], message: &Message) {
        let place = &mut self.bytes[self.messages * self.segment_bytes..][..self.segment_bytes];
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
    }

    fn add_control(&mut self, header: &wire::Header, tail: &[u64]) {
        let place = &mut self.bytes[self.messages * self.segment_bytes..][..self.segment_bytes];
        wire::encode_control(header, tail, place);
        self.written.0 = 0;
    }

    /// The segments that the kernel does not have yet.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        let messages = &self.bytes[..self.messages * self.segment_bytes];
        messages.chunks(self.segment_bytes.max(1)).skip(self.gone)
    }

    /// Writes the mark behind the messages.
    pub(super) fn seal(&mut self, mark: &[u8; MARK_BYTES]) {
        let at = self.messages * self.segment_bytes;
        self.written.0 = self.written.0.min(self.messages);
        self.bytes[at..][..MARK_BYTES].copy_from_slice(mark);
    }

    /// Messages and mark.
    pub(super) fn sealed(&self) -> &[u8] {
        &self.bytes[..self.messages * self.segment_bytes + MARK_BYTES]
    }

    /// Begins anew; says how many messages it had.
    pub(super) fn clear(&mut self) -> usize {
        self.gone = 0;
        std::mem::take(&mut self.messages)
    }
}
