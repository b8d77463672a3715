//! What serialization would cost: each message is encoded and decoded as a datagram is, though nobody needs the bytes.
//!
//! A ring carries messages, not bytes, so the receiver writes the bytes it then reads once more: ten bytes of a datagram
//! that is there already, about a nanosecond beyond what a carrier of bytes pays.

use crate::ids::OrderIndex;
use crate::message::Message;
use crate::wire::{self, Gate, HEADER_BYTES};
use std::hint::black_box;
use std::sync::Arc;

/// One worker's means to encode and decode.
#[derive(Clone)]
pub(crate) struct Toll {
    /// An encoded datagram of each order.
    templates: Arc<[Box<[u8]>]>,
    gate: Gate,
    /// The datagrams being written, one of each order.
    datagrams: Vec<Box<[u8]>>,
}

impl Toll {
    /// Charges for datagrams like these, let in by this gate.
    pub(crate) fn new(templates: Arc<[Box<[u8]>]>, gate: Gate) -> Toll {
        Toll { datagrams: templates.to_vec(), templates, gate }
    }

    /// Bytes of an order's datagram.
    pub(crate) fn datagram_bytes(&self, order: OrderIndex) -> u32 {
        self.templates[order.index()].len() as u32
    }

    /// Encodes a message.
    #[inline]
    pub(super) fn encode(&mut self, message: &Message) {
        if let Some(header) = self.datagrams[message.order.index()].first_chunk_mut() {
            wire::patch(header, message);
        }
        black_box(&self.datagrams[message.order.index()]);
    }

    /// Decodes a message; gives what the bytes say.
    #[inline]
    pub(super) fn decode(&mut self, message: &Message) -> Message {
        self.encode(message);
        let datagram = black_box(&self.datagrams[message.order.index()]);
        // The bytes were written above, so that the gate lets them in.
        self.gate.admit(datagram, |to| to == message.to).map_or(*message, |(decoded, _)| decoded)
    }

    /// The encoded order.
    pub(super) fn body(&self, order: OrderIndex) -> &[u8] {
        self.templates[order.index()].get(HEADER_BYTES..).unwrap_or_default()
    }
}
