//! The datagram: a header of fixed width that every copy patches, and an order that is encoded once.
//!
//! ```text
//!  at  bytes  field                                    patched per copy
//!   0      1  version, 1
//!   1      1  kind, 0 = payload, 2 = have, 3 = want; 1 = the mark that ends a train, laid out in `wire/mark.rs`
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
//! A control message (have, want) has 16 zeros in the order's place: there a network without a table of its orders would
//! name one by a hash. They make it as long as a mark, which must not be longer than the messages of its train. Behind them
//! stands its tail, up to 179 words of 8 bytes, little endian, which say what the protocol has them say.
//!
//! All of it is postcard: a test holds the header's layout against postcard's own encoding. The header is still written
//! by offset, because a forward differs from the next in ten bytes, and a duplicate is told by its header alone.
//!
//! Every decoder takes any bytes and gives a value or an error. None allocates: a payload is borrowed from the datagram.
//! Receive into at least [`RECEIVE_BYTES`]; a datagram that fills that is too long, not cut in silence.
//!
//! What was refused: a checksum (UDP has one, and a payload's own is the publisher's), a length field (a datagram has
//! one), and varints in the header (its length would depend on who sends to whom).

use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, Message, TAIL_WORDS_MAX, TTL_MAX};
use crate::order::{ORDER_BYTES_MAX, OrderRef, PAYLOAD_BYTES_MAX};

pub use admission::{Admission, Stray, StrayCounts};
pub use train_trailer::{MARK_BYTES, TrainTrailer, is_train_trailer};

mod admission;
mod train_trailer;

#[cfg(test)]
mod tests;

/// The layout above. A datagram of another version is a stray.
pub const VERSION: u8 = 1;

/// The length of the header.
pub const HEADER_BYTES: usize = 24;

/// The longest datagram: Ethernet's 1,500 bytes without the headers of IPv4 (20) and UDP (8).
pub const DATAGRAM_BYTES_MAX: usize = 1_472;

/// The shortest receive buffer that can tell a datagram that is too long from one that just fits.
pub const RECEIVE_BYTES: usize = DATAGRAM_BYTES_MAX + 1;

const _: () = assert!(HEADER_BYTES + ORDER_BYTES_MAX == DATAGRAM_BYTES_MAX, "an order fills what the header leaves");

/// The length of a control message without a tail.
pub const CONTROL_BYTES: usize = HEADER_BYTES + 16;

/// The length of a word of a tail.
pub const WORD_BYTES: usize = 8;

const _: () = assert!(control_bytes(TAIL_WORDS_MAX) == DATAGRAM_BYTES_MAX, "the longest tail fills a datagram");

const _: () = assert!(MARK_BYTES <= CONTROL_BYTES, "a mark is no longer than any message");

const VERSION_AT: usize = 0;
const KIND_AT: usize = 1;
const TTL_AT: usize = 2;
const HOP_AT: usize = 3;
const TO_AT: usize = 4;
const FROM_AT: usize = 8;
const ORDER_AT: usize = 12;
const TOKEN_AT: usize = 16;

/// What the datagrams of one run have in common and those of another have not. Drawn from the operating system, never
/// from the seed: two runs with one seed must not hear each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub u64);

/// What stands before the order in a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The run it belongs to.
    pub token: Token,
    /// What it says.
    pub message: Message,
}

/// Writes a whole datagram to the start of `into`; gives its length.
///
/// # Errors
/// [`NoRoom`] where header and order take more than `into` has, or the payload is longer than [`PAYLOAD_BYTES_MAX`].
/// What `into` then holds is of no use. [`DATAGRAM_BYTES_MAX`] bytes are enough for every [`crate::order::Order`].
pub fn encode(header: &Header, order: &OrderRef<'_>, into: &mut [u8]) -> Result<usize, NoRoom> {
    let no_room = NoRoom { room_bytes: into.len(), payload_bytes: order.payload.len() };
    let (head, body) = into.split_first_chunk_mut().ok_or(no_room)?;
    encode_header(header, head);
    Ok(HEADER_BYTES + encode_order(order, body).map_err(|_| no_room)?)
}

/// Writes all of a header.
#[inline]
pub fn encode_header(header: &Header, into: &mut [u8; HEADER_BYTES]) {
    into[VERSION_AT] = VERSION;
    into[KIND_AT] = header.message.kind as u8;
    put(into, ORDER_AT, header.message.order.0.to_le_bytes());
    put(into, TOKEN_AT, header.token.0.to_le_bytes());
    patch(into, &header.message);
}

/// Readdresses an encoded datagram: what one copy of a forward, or one forward of an order, has of its own.
///
/// Writes destination, sender, TTL and hop of `message`; its order and kind are those that were encoded.
#[inline]
pub fn patch(header: &mut [u8; HEADER_BYTES], message: &Message) {
    header[TTL_AT] = message.ttl;
    header[HOP_AT] = message.hop;
    put(header, TO_AT, message.to.0.to_le_bytes());
    put(header, FROM_AT, message.from.0.to_le_bytes());
}

/// The length of a control message with a tail of so many words.
#[inline]
pub const fn control_bytes(tail: usize) -> usize {
    CONTROL_BYTES + tail * WORD_BYTES
}

/// Writes a whole control message to the start of `into`; gives its length. Into fewer than [`control_bytes`] of the tail it
/// writes what fits.
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

/// The words of a control message's tail, from the bytes behind its header.
#[inline]
pub fn tail(body: &[u8]) -> impl Iterator<Item = u64> {
    let words = body.get(CONTROL_BYTES - HEADER_BYTES..).unwrap_or_default();
    words.chunks_exact(WORD_BYTES).map(|word| word.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
}

/// Writes an order to the start of `into`, as it stands behind a header; gives its length.
///
/// # Errors
/// [`NoRoom`] where it takes more than `into` has, or its payload is longer than [`PAYLOAD_BYTES_MAX`].
pub fn encode_order(order: &OrderRef<'_>, into: &mut [u8]) -> Result<usize, NoRoom> {
    let no_room = NoRoom { room_bytes: into.len(), payload_bytes: order.payload.len() };
    if order.payload.len() > PAYLOAD_BYTES_MAX {
        return Err(no_room);
    }
    postcard::to_slice(order, into).map(|written| written.len()).map_err(|_| no_room)
}

/// Reads a datagram's header and gives the bytes behind it, which are looked at only by [`decode_order`].
///
/// # Errors
/// Each [`WireError`] but those about the order. What the run cannot know of (token, nodes, orders) is [`Admission`]'s.
#[inline]
pub fn decode_header(datagram: &[u8]) -> Result<(Header, &[u8]), WireError> {
    let (header, body) = split(datagram)?;
    Ok((Header { token: token_of(header), message: message_of(header, body)? }, body))
}

/// Reads the order behind a header. The payload stays where it is, and is short enough to be sent on.
///
/// A number may be written longer than it need be, as postcard allows; sent on, it is written shortest.
///
/// # Errors
/// [`WireError::OrderCut`], [`WireError::BadOrder`] or [`WireError::TrailingBytes`].
pub fn decode_order(body: &[u8]) -> Result<OrderRef<'_>, WireError> {
    match postcard::take_from_bytes(body) {
        Ok((OrderRef { payload, .. }, _)) if payload.len() > PAYLOAD_BYTES_MAX => Err(WireError::BadOrder),
        Ok((order, [])) => Ok(order),
        Ok((_, rest)) => Err(WireError::TrailingBytes { bytes: rest.len() }),
        Err(postcard::Error::DeserializeUnexpectedEnd) => Err(WireError::OrderCut { bytes: body.len() }),
        Err(_) => Err(WireError::BadOrder),
    }
}

/// The header and the body of a datagram whose length and version are right.
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
    // The origin sends hop 1 with the TTL less one, and each hop takes from one what it adds to the other.
    if hop == 0 || ttl > TTL_MAX - hop {
        return Err(WireError::BadHops { ttl, hop });
    }
    let to = NodeId(u32::from_le_bytes(get(header, TO_AT)));
    let from = NodeId(u32::from_le_bytes(get(header, FROM_AT)));
    let order = OrderIndex(u32::from_le_bytes(get(header, ORDER_AT)));
    let tail = if kind.is_control() { tail_words(body)? } else { 0 };
    Ok(Message { to, from, order, ttl, hop, kind, tail })
}

/// How many words stand behind a control message, from the bytes behind its header.
fn tail_words(body: &[u8]) -> Result<u8, WireError> {
    let bytes = HEADER_BYTES + body.len();
    match bytes.checked_sub(CONTROL_BYTES) {
        // A datagram is too short for more than fit a byte.
        Some(tail) if tail.is_multiple_of(WORD_BYTES) => Ok((tail / WORD_BYTES) as u8),
        _ => Err(WireError::BadControl { bytes }),
    }
}

/// The `N` bytes of a field. Both ends are constants within the header, so that nothing is checked at run time.
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
     {DATAGRAM_BYTES_MAX} bytes and a payload of at most {PAYLOAD_BYTES_MAX}"
)]
pub struct NoRoom {
    /// The length of the buffer.
    pub room_bytes: usize,
    /// The length of the order's payload.
    pub payload_bytes: usize,
}

/// Why bytes are not a datagram. Nothing is kept of one; [`Stray`] says how it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Longer than any datagram of ours.
    #[error("the datagram has {bytes} bytes, more than the {DATAGRAM_BYTES_MAX} of one MTU; drop it")]
    Oversized {
        /// The length received.
        bytes: usize,
    },
    /// Shorter than a header.
    #[error("the datagram ends after {bytes} bytes, within its header of {HEADER_BYTES}; drop it")]
    HeaderCut {
        /// The length received.
        bytes: usize,
    },
    /// Not our layout.
    #[error("the datagram has version {found}, this build speaks {VERSION}; run the same build on both sides")]
    BadVersion {
        /// The version received.
        found: u8,
    },
    /// No kind of message that this version knows.
    #[error("the datagram is of kind {found}, version {VERSION} knows only 0, payload, 2, have, and 3, want; drop it")]
    BadKind {
        /// The kind received.
        found: u8,
    },
    /// A hop that cannot be: 0, or one that with the hops left passes [`TTL_MAX`].
    #[error(
        "the datagram has {ttl} hops left at hop {hop}; hops count from 1 and add up to at most {TTL_MAX}; drop it"
    )]
    BadHops {
        /// The hops left.
        ttl: u8,
        /// The hops travelled.
        hop: u8,
    },
    /// A length that no control message has.
    #[error(
        "the control message has {bytes} bytes; it takes {CONTROL_BYTES} and {WORD_BYTES} for each word behind it; drop it"
    )]
    BadControl {
        /// The length received.
        bytes: usize,
    },
    /// The bytes end within the order.
    #[error("the order ends after {bytes} bytes, before its last field; drop it")]
    OrderCut {
        /// The length behind the header.
        bytes: usize,
    },
    /// A field that no order has: a symbol that is no ASCII text, a side beyond sell, a number past 64 bits, a payload
    /// past [`PAYLOAD_BYTES_MAX`].
    #[error("the order has a symbol, side, number or payload length that no order can have; drop it")]
    BadOrder,
    /// More than an order.
    #[error("{bytes} bytes follow the order, where a datagram ends; drop it")]
    TrailingBytes {
        /// How many follow.
        bytes: usize,
    },
}
