//! Charges the cost of serialization: each message is encoded and decoded as a datagram is, though the bytes are not
//! needed.
//!
//! A datagram is encoded once, and each copy of it differs in its header: a header is written and read for every
//! message, and a first copy is decoded and compared, payload included. The bytes behind the header are never copied,
//! because no kernel takes them; all workers read the same ones, so an order may be longer than a datagram. A ring
//! carries messages, not bytes, so the receiver writes the header that it then reads once more: about a nanosecond
//! beyond the cost on a carrier of bytes.

use crate::ids::OrderIndex;
use crate::message::Message;
use crate::wire::{self, Admission, DATAGRAM_BYTES_MAX, HEADER_BYTES, Header, PART_HEADER_BYTES, control_bytes};
use std::hint::black_box;
use std::sync::Arc;

/// One worker's buffers for encoding and decoding.
#[derive(Clone)]
pub(crate) struct SerializationCharge {
    /// An encoded message of each order.
    templates: Arc<[Box<[u8]>]>,
    /// Bytes of a message with a part of an order.
    part_bytes: u32,
    admission: Admission,
    /// Buffers for headers, one of each order.
    headers: Box<[[u8; HEADER_BYTES]]>,
    /// Buffer for a control message.
    control: Box<[u8; DATAGRAM_BYTES_MAX]>,
}

impl SerializationCharge {
    /// Charges for messages like `templates`, whose headers `admission` must accept.
    pub(crate) fn new(templates: Arc<[Box<[u8]>]>, part_bytes: u32, admission: Admission) -> SerializationCharge {
        let header = |template: &[u8]| template.first_chunk().copied().unwrap_or([0; HEADER_BYTES]);
        SerializationCharge {
            headers: templates.iter().map(|template| header(template)).collect(),
            templates,
            part_bytes,
            admission,
            control: Box::new([0; DATAGRAM_BYTES_MAX]),
        }
    }

    /// Returns the bytes of a message.
    #[inline]
    pub(super) fn bytes(&self, message: &Message) -> u32 {
        match message.kind.is_control() {
            true if message.kind.is_part() => self.part_bytes,
            true => control_bytes(usize::from(message.tail)) as u32,
            false => self.message_bytes(message.order),
        }
    }

    /// Returns the bytes of a message with an order.
    pub(crate) fn message_bytes(&self, order: OrderIndex) -> u32 {
        self.templates[order.index()].len() as u32
    }

    /// Encodes a message.
    #[inline]
    pub(super) fn encode(&mut self, message: &Message, tail: &[u64]) {
        if message.kind.is_control() {
            let header = Header { token: self.admission.token, message: *message };
            match message.kind.is_part() {
                // Its body is not copied, as an order is not.
                true => wire::encode_part(&header, tail, &[], &mut self.control[..]),
                false => wire::encode_control(&header, tail, &mut self.control[..]),
            };
            black_box(&self.control);
            return;
        }
        let header = &mut self.headers[message.order.index()];
        wire::patch(header, message);
        black_box(header);
    }

    /// Decodes a message; returns the one that the bytes represent.
    #[inline]
    pub(super) fn decode(&mut self, message: &Message, tail: &[u64]) -> Message {
        self.encode(message, tail);
        let bytes: &[u8] = match message.kind.is_control() {
            true if message.kind.is_part() => black_box(&self.control[..PART_HEADER_BYTES]),
            true => black_box(&self.control[..control_bytes(tail.len())]),
            // Admission reads no further than the header of an order.
            false => black_box(&self.headers[message.order.index()]),
        };
        // The bytes were written above, so `admit` accepts them.
        self.admission.admit(bytes, |to| to == message.to).map_or(*message, |(decoded, _)| decoded)
    }

    /// Returns the encoded order.
    pub(super) fn body(&self, order: OrderIndex) -> &[u8] {
        self.templates[order.index()].get(HEADER_BYTES..).unwrap_or_default()
    }
}
