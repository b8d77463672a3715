//! Charges the cost of serialization: each message is encoded and decoded as a datagram is, though the bytes are not
//! needed.
//!
//! A ring carries messages, not bytes, so the receiver writes the bytes that it then reads once more: ten bytes of a
//! datagram that is in memory already, about a nanosecond beyond the cost on a carrier of bytes.

use crate::ids::OrderIndex;
use crate::message::Message;
use crate::wire::{self, Admission, DATAGRAM_BYTES_MAX, HEADER_BYTES, Header, control_bytes};
use std::hint::black_box;
use std::sync::Arc;

/// One worker's buffers for encoding and decoding.
#[derive(Clone)]
pub(crate) struct SerializationCharge {
    /// An encoded datagram of each order.
    templates: Arc<[Box<[u8]>]>,
    admission: Admission,
    /// Buffers for datagrams, one of each order.
    datagrams: Vec<Box<[u8]>>,
    /// Buffer for a control message.
    control: Box<[u8; DATAGRAM_BYTES_MAX]>,
}

impl SerializationCharge {
    /// Charges for datagrams like `templates`, which `admission` must accept.
    pub(crate) fn new(templates: Arc<[Box<[u8]>]>, admission: Admission) -> SerializationCharge {
        SerializationCharge {
            datagrams: templates.to_vec(),
            templates,
            admission,
            control: Box::new([0; DATAGRAM_BYTES_MAX]),
        }
    }

    /// Returns the bytes of a message's datagram.
    #[inline]
    pub(super) fn bytes(&self, message: &Message) -> u16 {
        let control = control_bytes(usize::from(message.tail)) as u32;
        let bytes = if message.kind.is_control() { control } else { self.datagram_bytes(message.order) };
        bytes as u16
    }

    /// Returns the bytes of an order's datagram.
    pub(crate) fn datagram_bytes(&self, order: OrderIndex) -> u32 {
        self.templates[order.index()].len() as u32
    }

    /// Encodes a message.
    #[inline]
    pub(super) fn encode(&mut self, message: &Message, tail: &[u64]) {
        if message.kind.is_control() {
            let header = Header { token: self.admission.token, message: *message };
            wire::encode_control(&header, tail, &mut self.control[..]);
            black_box(&self.control);
            return;
        }
        if let Some(header) = self.datagrams[message.order.index()].first_chunk_mut() {
            wire::patch(header, message);
        }
        black_box(&self.datagrams[message.order.index()]);
    }

    /// Decodes a message; returns the one that the bytes represent.
    #[inline]
    pub(super) fn decode(&mut self, message: &Message, tail: &[u64]) -> Message {
        self.encode(message, tail);
        let datagram: &[u8] = match message.kind.is_control() {
            true => black_box(&self.control[..control_bytes(tail.len())]),
            false => black_box(&self.datagrams[message.order.index()]),
        };
        // The bytes were written above, so `admit` accepts them.
        self.admission.admit(datagram, |to| to == message.to).map_or(*message, |(decoded, _)| decoded)
    }

    /// Returns the encoded order.
    pub(super) fn body(&self, order: OrderIndex) -> &[u8] {
        self.templates[order.index()].get(HEADER_BYTES..).unwrap_or_default()
    }
}
