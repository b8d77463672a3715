//! The datagram: a header of fixed width that every copy patches, and an order that is encoded once.
//!
//! ```text
//!  at  bytes  field                                    patched per copy
//!   0      1  version, 1
//!   1      1  kind, 0 = payload, 1 = the trailer of a train (`wire/train_trailer.rs`), else a control message
//!   2      1  TTL: hops left after this one            yes
//!   3      1  hop: hops travelled with this one, >= 1  yes
//!   4      4  destination node, little endian          yes
//!   8      4  sending node, little endian              yes
//!  12      4  order index, little endian
//!  16      8  the run's token, little endian
//!  24     14  to 1,448 bytes: the order
//!             id          varint, 1 to 10 bytes
//!             symbol      8 bytes, ASCII, zeros at the end
//!             side        1 byte, 0 = buy, 1 = sell
//!             price       zigzag varint, 1 to 10 bytes
//!             quantity    varint, 1 to 10 bytes
//!             published   8 bytes, little endian, nanoseconds since injection
//!             payload     varint length, then the bytes
//! ```
//!
//! A control message (2 = have, 3 = want, other numbers of the protocol's own) has 16 zeros in the order's place, where
//! a network without a table of its orders would identify one by a hash. The zeros make it as long as a trailer, which
//! must not be longer than the messages of its train. Its tail follows: up to 179 words of 8 bytes, little endian,
//! whose meaning the protocol defines.
//!
//! A part of an order (kinds 64 to 127) has the word that names it in the order's place, 8 bytes, little endian, and
//! then its body, an even number of bytes from 16 to 1,440.
//!
//! The whole layout is postcard: a test compares the header with postcard's own encoding. The header is still written
//! by offset, because one forward differs from the next in ten bytes, and because a duplicate is recognised from its
//! header alone.
//!
//! Every decoder accepts any bytes and returns a value or an error. None allocates: a payload is borrowed from the
//! datagram. Receive into at least [`RECEIVE_BYTES`]; a datagram that fills that is too long, and is reported instead
//! of being cut silently.
//!
//! Rejected: a checksum (UDP has one, and a payload's own is the publisher's), a length field (a datagram has one), and
//! varints in the header (its length would depend on sender and destination).

use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, TAIL_WORDS_MAX, TTL_MAX};
use crate::order::{DATAGRAM_ORDER_BYTES_MAX, DATAGRAM_PAYLOAD_BYTES_MAX, OrderRef, generated_bytes};

pub use admission::Admission;
pub use order_parts::OrderParts;
pub use stray::{Stray, StrayCounts};
pub use train_trailer::{TRAILER_BYTES, TrainTrailer, is_train_trailer};

mod admission;
mod order_parts;
mod stray;
mod train_trailer;

#[cfg(test)]
mod tests;

/// The version of this layout. A datagram of another version is a stray.
pub const VERSION: u8 = 1;

/// Length of the header in bytes.
pub const HEADER_BYTES: usize = 24;

/// Length of the longest datagram in bytes: Ethernet's 1,500 without the headers of IPv4 (20) and UDP (8).
pub const DATAGRAM_BYTES_MAX: usize = 1_472;

/// Length in bytes of the shortest receive buffer that tells a datagram that is too long from one that just fits.
pub const RECEIVE_BYTES: usize = DATAGRAM_BYTES_MAX + 1;

const _: () =
    assert!(HEADER_BYTES + DATAGRAM_ORDER_BYTES_MAX == DATAGRAM_BYTES_MAX, "an order fills what the header leaves");

/// Length in bytes of a control message without a tail.
pub const CONTROL_BYTES: usize = HEADER_BYTES + 16;

/// Length in bytes of a part without its body: the header, and the word that names the part.
pub const PART_HEADER_BYTES: usize = HEADER_BYTES + WORD_BYTES;

/// Length in bytes of a word of a tail.
pub const WORD_BYTES: usize = 8;

const _: () = assert!(control_bytes(TAIL_WORDS_MAX) == DATAGRAM_BYTES_MAX, "the longest tail fills a datagram");

const _: () = assert!(TRAILER_BYTES <= CONTROL_BYTES, "a trailer is no longer than any message");

const VERSION_AT: usize = 0;
const KIND_AT: usize = 1;
const TTL_AT: usize = 2;
const HOP_AT: usize = 3;
const TO_AT: usize = 4;
const FROM_AT: usize = 8;
const ORDER_AT: usize = 12;
const TOKEN_AT: usize = 16;

/// A number that all datagrams of one run share and those of another do not. It comes from the operating system, never
/// from the seed, because two runs with one seed must not accept each other's datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub u64);

/// The part of a datagram before the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The token of the run it belongs to.
    pub token: Token,
    /// The message it carries.
    pub message: Message,
}

/// Writes a whole datagram to the start of `into`; returns its length in bytes.
///
/// # Errors
/// [`NoRoom`] if header and order take more than `into` has, or if the payload is longer than
/// [`DATAGRAM_PAYLOAD_BYTES_MAX`]. The contents of `into` are then unspecified. [`DATAGRAM_BYTES_MAX`] bytes are enough
/// for every other order.
pub fn encode(header: &Header, order: &OrderRef<'_>, into: &mut [u8]) -> Result<usize, NoRoom> {
    if order.payload.len() > DATAGRAM_PAYLOAD_BYTES_MAX {
        return Err(NoRoom { room_bytes: into.len(), payload_bytes: order.payload.len() });
    }
    encode_unbounded(header, order, into)
}

/// Writes header and order of a message that no datagram carries, so that only its buffer bounds it; returns its length
/// in bytes.
///
/// # Errors
/// [`NoRoom`] if they take more than `into` has, whose contents are then unspecified.
pub fn encode_unbounded(header: &Header, order: &OrderRef<'_>, into: &mut [u8]) -> Result<usize, NoRoom> {
    let no_room = NoRoom { room_bytes: into.len(), payload_bytes: order.payload.len() };
    let (head, body) = into.split_first_chunk_mut().ok_or(no_room)?;
    encode_header(header, head);
    postcard::to_slice(order, body).map(|written| HEADER_BYTES + written.len()).map_err(|_| no_room)
}

/// Writes a whole header.
#[inline]
pub fn encode_header(header: &Header, into: &mut [u8; HEADER_BYTES]) {
    into[VERSION_AT] = VERSION;
    into[KIND_AT] = header.message.kind.0;
    put(into, ORDER_AT, header.message.order.0.to_le_bytes());
    put(into, TOKEN_AT, header.token.0.to_le_bytes());
    patch(into, &header.message);
}

/// Patches an encoded datagram with the fields that differ between copies and between forwards of one order.
///
/// Writes destination, sender, TTL and hop of `message`; its order and kind must be those that were encoded.
#[inline]
pub fn patch(header: &mut [u8; HEADER_BYTES], message: &Message) {
    header[TTL_AT] = message.ttl;
    header[HOP_AT] = message.hop;
    put(header, TO_AT, message.to.0.to_le_bytes());
    put(header, FROM_AT, message.from.0.to_le_bytes());
}

/// Returns the length in bytes of a message with a generated order: one header, however long its payload is.
pub const fn message_bytes(payload_bytes: u32) -> u32 {
    (HEADER_BYTES + generated_bytes(payload_bytes as usize)) as u32
}

/// Returns the length in bytes of a generated order as it is encoded, without a header.
pub const fn order_bytes(payload_bytes: u32) -> u32 {
    generated_bytes(payload_bytes as usize) as u32
}

/// Returns the length in bytes of a control message with a tail of `tail` words.
#[inline]
pub const fn control_bytes(tail: usize) -> usize {
    CONTROL_BYTES + tail * WORD_BYTES
}

/// Returns the length in bytes of a message with a part of an order.
pub const fn part_bytes(body_bytes: u32) -> u32 {
    PART_HEADER_BYTES as u32 + body_bytes
}

/// Writes a whole message with a part to the start of `into`; returns its length in bytes. If `into` is shorter, it
/// writes as much as fits.
pub fn encode_part(header: &Header, tail: &[u64], body: &[u8], into: &mut [u8]) -> usize {
    if let Some((head, rest)) = into.split_first_chunk_mut() {
        encode_header(header, head);
        let (name, rest) = rest.split_at_mut(rest.len().min(WORD_BYTES));
        let word = tail.first().copied().unwrap_or_default().to_le_bytes();
        name.copy_from_slice(&word[..name.len()]);
        let fitting = rest.len().min(body.len());
        rest[..fitting].copy_from_slice(&body[..fitting]);
    }
    PART_HEADER_BYTES + body.len()
}

/// Writes a whole control message to the start of `into`; returns its length in bytes. If `into` has fewer than
/// [`control_bytes`] of the tail, it writes as much as fits.
#[inline]
pub fn encode_control(header: &Header, tail: &[u64], into: &mut [u8]) -> usize {
    if let Some((head, rest)) = into.split_first_chunk_mut() {
        encode_header(header, head);
        let (zeros, rest) = rest.split_at_mut(rest.len().min(CONTROL_BYTES - HEADER_BYTES));
        zeros.fill(0);
        for (place, word) in rest.chunks_exact_mut(WORD_BYTES).zip(tail) {
            place.copy_from_slice(&word.to_le_bytes());
        }
    }
    control_bytes(tail.len())
}

/// Decodes the words of the tail of a message of this kind from the bytes behind its header.
#[inline]
pub fn tail(kind: Kind, body: &[u8]) -> impl Iterator<Item = u64> {
    let words = if kind.is_part() { body.get(..WORD_BYTES) } else { body.get(CONTROL_BYTES - HEADER_BYTES..) };
    let words = words.unwrap_or_default();
    words.chunks_exact(WORD_BYTES).map(|word| word.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
}

/// Decodes a datagram's header; returns it with the bytes behind it, which only [`decode_order`] examines.
///
/// # Errors
/// Each [`WireError`] except those about the order. Token, nodes and orders, which this module does not know, are
/// checked by [`Admission`].
#[inline]
#[cfg(any(test, feature = "internals"))]
pub fn decode_header(datagram: &[u8]) -> Result<(Header, &[u8]), WireError> {
    let (header, body) = split(datagram)?;
    Ok((Header { token: token_of(header), message: message_of(header, body)? }, body))
}

/// Decodes the order behind the header of a datagram. The payload is borrowed, and is short enough to be forwarded.
///
/// # Errors
/// Those of [`decode_order_unbounded`], and [`WireError::BadOrder`] for a payload that is longer than
/// [`DATAGRAM_PAYLOAD_BYTES_MAX`].
#[cfg(any(test, feature = "internals"))]
pub fn decode_order(body: &[u8]) -> Result<OrderRef<'_>, WireError> {
    let order = decode_order_unbounded(body)?;
    if order.payload.len() > DATAGRAM_PAYLOAD_BYTES_MAX { Err(WireError::BadOrder) } else { Ok(order) }
}

/// Decodes the order behind a header, however long its payload is. A run needs no other bound: it accepts the orders
/// only that it published itself.
///
/// A number may be encoded longer than necessary, as postcard allows; a forward encodes it in the shortest form.
///
/// # Errors
/// [`WireError::OrderCut`], [`WireError::BadOrder`] or [`WireError::TrailingBytes`].
pub fn decode_order_unbounded(body: &[u8]) -> Result<OrderRef<'_>, WireError> {
    match postcard::take_from_bytes(body) {
        Ok((order, [])) => Ok(order),
        Ok((_, rest)) => Err(WireError::TrailingBytes { bytes: rest.len() }),
        Err(postcard::Error::DeserializeUnexpectedEnd) => Err(WireError::OrderCut { bytes: body.len() }),
        Err(_) => Err(WireError::BadOrder),
    }
}

/// Returns the header and the body of a datagram whose length and version are right.
#[inline]
fn split(datagram: &[u8]) -> Result<(&[u8; HEADER_BYTES], &[u8]), WireError> {
    let bytes = datagram.len();
    if bytes > DATAGRAM_BYTES_MAX {
        return Err(WireError::Oversized { bytes });
    }
    let (header, body) = datagram.split_first_chunk().ok_or(WireError::HeaderCut { bytes })?;
    match header[VERSION_AT] {
        VERSION => Ok((header, body)),
        found => Err(WireError::BadVersion { found }),
    }
}

#[inline]
fn token_of(header: &[u8; HEADER_BYTES]) -> Token {
    Token(u64::from_le_bytes(get(header, TOKEN_AT)))
}

#[inline]
fn message_of(header: &[u8; HEADER_BYTES], body: &[u8]) -> Result<Message, WireError> {
    let kind = Kind::from_number(header[KIND_AT]).ok_or(WireError::BadKind { found: header[KIND_AT] })?;
    let (ttl, hop) = (header[TTL_AT], header[HOP_AT]);
    // The origin sends hop 1 with the TTL less one, and each hop moves one from TTL to hop.
    if hop == 0 || ttl > TTL_MAX - hop {
        return Err(WireError::BadHops { ttl, hop });
    }
    let to = NodeId(u32::from_le_bytes(get(header, TO_AT)));
    let from = NodeId(u32::from_le_bytes(get(header, FROM_AT)));
    let order = OrderIndex(u32::from_le_bytes(get(header, ORDER_AT)));
    let tail = match kind.is_control() {
        true if kind.is_part() && body.len() >= WORD_BYTES => 1,
        true if kind.is_part() => return Err(WireError::PartCut { bytes: HEADER_BYTES + body.len() }),
        true => tail_words(body)?,
        false => 0,
    };
    Ok(Message { to, from, order, ttl, hop, kind, tail })
}

/// Returns the number of tail words of a control message, from the bytes behind its header.
fn tail_words(body: &[u8]) -> Result<u8, WireError> {
    let bytes = HEADER_BYTES + body.len();
    match bytes.checked_sub(CONTROL_BYTES) {
        // The most words of a datagram fit a byte.
        Some(tail) if tail.is_multiple_of(WORD_BYTES) => Ok((tail / WORD_BYTES) as u8),
        _ => Err(WireError::BadControl { bytes }),
    }
}

/// Returns the `N` bytes of a field. Both ends are constants within the header, so nothing is checked at run time.
#[inline(always)]
fn get<const N: usize>(header: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    std::array::from_fn(|i| header[at + i])
}

#[inline(always)]
fn put<const N: usize>(header: &mut [u8; HEADER_BYTES], at: usize, field: [u8; N]) {
    header[at..at + N].copy_from_slice(&field);
}

/// A datagram that does not fit its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an order with a payload of {payload_bytes} bytes does not fit the {room_bytes} bytes given; give \
     {DATAGRAM_BYTES_MAX} bytes and a payload of at most {DATAGRAM_PAYLOAD_BYTES_MAX}"
)]
pub struct NoRoom {
    /// Length of the buffer.
    pub room_bytes: usize,
    /// Length of the order's payload.
    pub payload_bytes: usize,
}

/// A reason why bytes are not a datagram. Such bytes are dropped; [`Stray`] is the kind under which they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Longer than any datagram of this layout.
    #[error("the datagram has {bytes} bytes, more than the {DATAGRAM_BYTES_MAX} of one MTU; drop it")]
    Oversized {
        /// Length received.
        bytes: usize,
    },
    /// Shorter than a header.
    #[error("the datagram ends after {bytes} bytes, within its header of {HEADER_BYTES}; drop it")]
    HeaderCut {
        /// Length received.
        bytes: usize,
    },
    /// Another layout.
    #[error("the datagram has version {found}, this build speaks {VERSION}; run the same build on both sides")]
    BadVersion {
        /// Version received.
        found: u8,
    },
    /// The trailer of a train in the place of a message.
    #[error("the datagram is of kind {found}, which is no message but the trailer that ends a train; drop it")]
    BadKind {
        /// Kind received.
        found: u8,
    },
    /// An impossible hop: 0, or one that with the hops left exceeds [`TTL_MAX`].
    #[error(
        "the datagram has {ttl} hops left at hop {hop}; hops count from 1 and add up to at most {TTL_MAX}; drop it"
    )]
    BadHops {
        /// Hops left.
        ttl: u8,
        /// Hops travelled.
        hop: u8,
    },
    /// A length that no control message has.
    #[error(
        "the control message has {bytes} bytes; it takes {CONTROL_BYTES} and {WORD_BYTES} for each word behind it; \
         drop it"
    )]
    BadControl {
        /// Length received.
        bytes: usize,
    },
    /// The bytes end within the name of a part.
    #[error("the part ends after {bytes} bytes, before its body; drop it")]
    PartCut {
        /// Length received.
        bytes: usize,
    },
    /// The bytes end within the order.
    #[error("the order ends after {bytes} bytes, before its last field; drop it")]
    OrderCut {
        /// Length behind the header.
        bytes: usize,
    },
    /// A field that no order has: a symbol that is not ASCII text, a side beyond sell, a number beyond 64 bits, or a
    /// payload longer than [`DATAGRAM_PAYLOAD_BYTES_MAX`].
    #[error("the order has a symbol, side, number or payload length that no order can have; drop it")]
    BadOrder,
    /// Bytes after the order.
    #[error("{bytes} bytes follow the order, where a datagram ends; drop it")]
    TrailingBytes {
        /// Number of bytes that follow.
        bytes: usize,
    },
}
