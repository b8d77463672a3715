//! The order: the item that is published, carried and received. Its content, its limits, and its encoding by postcard.
//!
//! An order is data. The node and time of its publication belong to the workload, its spread to coverage, and the bytes
//! around it to the wire format. An absent payload is an empty one, because a flag would cost a byte and add nothing.
//!
//! Two things were refused. A string as symbol, because eight fixed bytes need no allocation and no length. A varint
//! for the time of publication, because the time grows during a run and the orders of one run should have equal length:
//! the kernel cuts a train of datagrams into equal segments.

use crate::ids::OrderIndex;
use crate::random::{Key, Purpose, Stream};
use crate::time::Nanos;
use rand::TryRng;
use serde::{Deserialize, Serialize};
use std::fmt;

pub use symbol::{ParseSymbolError, Symbol};

mod symbol;

#[cfg(test)]
mod tests;

/// The id of an order. It is unique with overwhelming probability but not dense; arrays are indexed by [`OrderIndex`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub u64);

/// Writes sixteen hexadecimal digits: `0x00c0ffee00c0ffee`.
impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

/// The side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// A bid for the symbol.
    Buy,
    /// An offer of the symbol.
    Sell,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Side::Buy => "buy",
            Side::Sell => "sell",
        })
    }
}

/// An order that borrows its payload, from a receive buffer or an [`Order`].
///
/// Its serialized fields, in this order, are the body of a datagram; [`crate::wire`] shows the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRef<'a> {
    /// Id of the order.
    pub id: OrderId,
    /// Traded symbol.
    pub symbol: Symbol,
    /// Side of the trade.
    pub side: Side,
    /// Price in ticks. Signed, because spreads and futures trade below zero.
    pub price_ticks: i64,
    /// Quantity in the symbol's smallest lot.
    pub quantity: u64,
    /// Time of publication, counted from the start of the run's publications: 0 for the first order.
    #[serde(with = "fixed_nanos")]
    pub published_at: Nanos,
    /// Further data of the publisher; empty if there is none. A datagram has room for [`DATAGRAM_PAYLOAD_BYTES_MAX`]
    /// bytes of it.
    #[serde(with = "payload_bytes")]
    pub payload: &'a [u8],
}

/// An order that owns its payload of at most [`PAYLOAD_BYTES_MAX`] bytes. Workers share it by `Arc`. Virtual time makes
/// none: it carries no bytes, and counts those of [`generated_bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Id of the order.
    pub id: OrderId,
    /// Traded symbol.
    pub symbol: Symbol,
    /// Side of the trade.
    pub side: Side,
    /// Price in ticks.
    pub price_ticks: i64,
    /// Quantity in the symbol's smallest lot.
    pub quantity: u64,
    /// Time of publication, counted from the start of the run's publications.
    pub published_at: Nanos,
    payload: Box<[u8]>,
}

impl Order {
    /// Creates an order with these fields and a copy of the payload.
    ///
    /// # Errors
    ///
    /// [`PayloadTooLong`] if the payload has more than [`PAYLOAD_BYTES_MAX`] bytes.
    #[cfg(any(test, feature = "internals"))]
    pub fn new(view: OrderRef<'_>) -> Result<Order, PayloadTooLong> {
        check_payload(view.payload.len())?;
        let OrderRef { id, symbol, side, price_ticks, quantity, published_at, payload } = view;
        Ok(Order { id, symbol, side, price_ticks, quantity, published_at, payload: payload.into() })
    }

    /// Generates the order of `index` in a run with `seed`, published at 0; the same on every machine.
    ///
    /// Each field is drawn within one varint width, so that all orders of a run with one payload length have encodings
    /// of one length, that of [`generated_bytes`]. The stream is that of `(seed, Workload, index)`; it yields id,
    /// symbol, side, price, quantity, then the words of the payload in little endian.
    ///
    /// # Errors
    ///
    /// [`PayloadTooLong`] if `payload_bytes` is above [`PAYLOAD_BYTES_MAX`].
    pub fn generate(seed: u64, index: OrderIndex, payload_bytes: usize) -> Result<Order, PayloadTooLong> {
        check_payload(payload_bytes)?;
        let mut stream = Key::new(seed, Purpose::Workload).with(u64::from(index.0)).stream();
        Ok(Order {
            // The order of these draws is part of docs/DETERMINISM.md.
            id: OrderId(GENERATED_IDS.draw(&mut stream)),
            symbol: SYMBOLS[stream.below(SYMBOLS.len() as u64) as usize],
            side: if stream.below(2) == 0 { Side::Buy } else { Side::Sell },
            price_ticks: GENERATED_PRICES.draw(&mut stream) as i64,
            quantity: GENERATED_QUANTITIES.draw(&mut stream),
            published_at: Nanos::ZERO,
            payload: draw_payload(&mut stream, payload_bytes),
        })
    }

    /// Returns the further data of the publisher; empty if there is none.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the order with a borrowed payload, which is the form that the wire format encodes and decodes.
    pub fn view(&self) -> OrderRef<'_> {
        let &Order { id, symbol, side, price_ticks, quantity, published_at, ref payload } = self;
        OrderRef { id, symbol, side, price_ticks, quantity, published_at, payload }
    }
}

/// Writes the order as in reports: `buy 200 SOL-USDT at 14950`.
impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} at {}", self.side, self.quantity, self.symbol, self.price_ticks)
    }
}

/// The error of a payload that no order can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a payload of {asked_bytes} bytes is too long: an order carries at most {PAYLOAD_BYTES_MAX}; attach fewer bytes, \
     or their digest"
)]
pub struct PayloadTooLong {
    /// Requested length of the payload, in bytes.
    pub asked_bytes: usize,
}

const fn check_payload(asked_bytes: usize) -> Result<(), PayloadTooLong> {
    if asked_bytes > PAYLOAD_BYTES_MAX { Err(PayloadTooLong { asked_bytes }) } else { Ok(()) }
}

fn draw_payload(stream: &mut Stream, payload_bytes: usize) -> Box<[u8]> {
    let mut payload = vec![0; payload_bytes].into_boxed_slice();
    // The stream cannot fail: its error type is `Infallible`.
    let Ok(()) = stream.try_fill_bytes(&mut payload);
    payload
}

/// A range of integers that all take the same number of bytes as a varint.
struct VarintRange {
    least: u64,
    end: u64,
}

impl VarintRange {
    const fn draw(&self, stream: &mut Stream) -> u64 {
        self.least + stream.below(self.end - self.least)
    }
}

/// Ids of nine bytes.
const GENERATED_IDS: VarintRange = VarintRange { least: 1 << 56, end: 1 << 63 };
/// Prices of three bytes after the zigzag encoding, which doubles them.
const GENERATED_PRICES: VarintRange = VarintRange { least: 1 << 13, end: 1 << 20 };
/// Quantities of two bytes.
const GENERATED_QUANTITIES: VarintRange = VarintRange { least: 1 << 7, end: 1 << 14 };

/// The symbols of generated orders: invented quotes for real pairs; nothing depends on the names.
const SYMBOLS: [Symbol; 8] = [
    Symbol::literal(b"ADA-USDT"),
    Symbol::literal(b"BTC-USDT"),
    Symbol::literal(b"DOT-USDT"),
    Symbol::literal(b"ETH-USDT"),
    Symbol::literal(b"LTC-USDT"),
    Symbol::literal(b"SOL-USDT"),
    Symbol::literal(b"XMR-USDT"),
    Symbol::literal(b"XRP-USDT"),
];

/// The longest payload of an order, in bytes: 16 MiB.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;

/// The longest payload of an order that travels in parts, each in a datagram, in bytes: 1 MiB.
pub const PARTS_PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// The maximum length in bytes of the part of a datagram after its header: an encoded order, payload included.
pub const DATAGRAM_ORDER_BYTES_MAX: usize = 1_448;

/// The length of the longest varint of 64 bits, at seven bits a byte.
const VARINT_BYTES_MAX: usize = varint_bytes(u64::MAX);

/// The maximum length of the order in a datagram without its payload: id, symbol, side, price, quantity, time, payload
/// length.
const FIELDS_BYTES_MAX: usize = VARINT_BYTES_MAX
    + size_of::<Symbol>()
    + 1
    + VARINT_BYTES_MAX
    + VARINT_BYTES_MAX
    + size_of::<Nanos>()
    + varint_bytes(DATAGRAM_ORDER_BYTES_MAX as u64);

/// The longest payload that fits a datagram regardless of the other fields, in bytes.
pub const DATAGRAM_PAYLOAD_BYTES_MAX: usize = DATAGRAM_ORDER_BYTES_MAX - FIELDS_BYTES_MAX;

/// The length of an encoded generated order, without the payload and the payload's length.
pub const GENERATED_BYTES: usize = varint_bytes(GENERATED_IDS.least)
    + size_of::<Symbol>()
    + 1
    + varint_bytes(2 * GENERATED_PRICES.least)
    + varint_bytes(GENERATED_QUANTITIES.least)
    + size_of::<Nanos>();

/// Returns the length of an encoded generated order with a payload of this length, in bytes.
pub const fn generated_bytes(payload_bytes: usize) -> usize {
    GENERATED_BYTES + varint_bytes(payload_bytes as u64) + payload_bytes
}

/// Returns the length of `value` as a varint of seven bits a byte.
const fn varint_bytes(value: u64) -> usize {
    // The lowest bit is set, because 0 takes one byte as well.
    (u64::BITS - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// The encoding of an instant as eight bytes in little endian. The readable form with its unit is for files, not for
/// datagrams.
mod fixed_nanos {
    use crate::time::Nanos;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(instant: &Nanos, serializer: S) -> Result<S::Ok, S::Error> {
        postcard::fixint::le::serialize(&instant.0, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nanos, D::Error> {
        postcard::fixint::le::deserialize(deserializer).map(Nanos)
    }
}

/// The encoding of a payload as one block of bytes. Serde's default for a slice goes byte by byte, which costs a
/// thousand calls.
mod payload_bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(payload: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(payload)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de [u8], D::Error> {
        <&'de [u8]>::deserialize(deserializer)
    }
}
