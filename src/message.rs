//! The message in the form that protocols and carriers share: sixteen bytes for every kind, followed by a tail of
//! 64-bit words if it has more to say.

use crate::ids::{NodeId, OrderIndex};
use crate::time::Nanos;
use smallvec::SmallVec;
use std::fmt;

/// The maximum number of hops of an order.
pub const TTL_MAX: u8 = 255;

/// The maximum number of words in the tail of a message: with them a control message fills one MTU.
pub const TAIL_WORDS_MAX: usize = 179;

/// The kind of a message: a number that carriers pass on unchanged, and whose meaning the protocol defines.
///
/// | number | kind |
/// |---|---|
/// | 0 | payload: the order itself |
/// | 1 | none: on the wire it marks the trailer of a train |
/// | 2..=63 | control: about an order, without any of its content |
/// | 64..=127 | part: about an order, carries a part of it, which the only word of its tail names |
/// | 128.. | upkeep: about no order; it holds no run open |
///
/// All kinds but payload are counted apart from whole orders.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Kind(pub u8);

/// Kinds of messages, each with its name in reports.
pub type KindNames = &'static [(Kind, &'static str)];

impl Kind {
    /// The order itself.
    pub const PAYLOAD: Kind = Kind(0);
    /// The sender has the order (IHAVE, INV).
    pub const HAVE: Kind = Kind(2);
    /// The sender wants the order (IWANT, GETDATA).
    pub const WANT: Kind = Kind(3);

    /// Returns true for the kinds that carry no whole order: control messages, upkeep, and parts.
    #[inline]
    pub const fn is_control(self) -> bool {
        self.0 != Kind::PAYLOAD.0
    }

    /// Returns true if the message is about no order, such as a heartbeat or a probe.
    #[inline]
    pub const fn is_upkeep(self) -> bool {
        self.0 >= 128
    }

    /// Returns true if the message carries a part of an order.
    #[inline]
    pub const fn is_part(self) -> bool {
        self.0 & 0xC0 == 0x40
    }

    /// Returns the kind with this number, or `None` for the number of train trailers.
    #[inline]
    pub const fn from_number(number: u8) -> Option<Kind> {
        match number {
            1 => None,
            number => Some(Kind(number)),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Kind::PAYLOAD => f.write_str("payload"),
            Kind::HAVE => f.write_str("have"),
            Kind::WANT => f.write_str("want"),
            Kind(number) => write!(f, "kind {number}"),
        }
    }
}

/// A message from one node to another.
///
/// ```text
/// to: u32 | from: u32 | order: u32 | ttl: u8 | hop: u8 | kind: u8 | tail: u8
/// ```
///
/// The words of its tail travel beside it, complete and in order; their meaning belongs to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The receiving node.
    pub to: NodeId,
    /// The sending node.
    pub from: NodeId,
    /// The order that the message is about.
    pub order: OrderIndex,
    /// Further hops that the order may travel after this one.
    pub ttl: u8,
    /// Number of this hop: 1 for a message from the origin.
    pub hop: u8,
    /// The kind of the message.
    pub kind: Kind,
    /// Length of the tail in words, at most 179 (`TAIL_WORDS_MAX`). A payload message has none.
    pub tail: u8,
}

/// The tail of a protocol's messages, as it is stored while they are pending in virtual time: empty, which takes no
/// memory, or words.
pub trait Tail: Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The maximum length of a tail in words.
    const WORDS_MAX: usize;

    /// True if a time of sending is stored beside the words, as it is in a run with a trace.
    #[doc(hidden)]
    const IS_STAMPED: bool = false;

    /// Creates a tail of these words.
    fn of(words: &[u64]) -> Self;

    /// Returns the words.
    fn words(&self) -> &[u64];

    /// Creates a tail of these words, stamped with the time of sending if it stores that.
    #[doc(hidden)]
    fn stamped(words: &[u64], _sent: Nanos) -> Self {
        Self::of(words)
    }

    /// Returns the time of sending; without meaning if it is not stored.
    #[doc(hidden)]
    fn sent(&self) -> Nanos {
        Nanos::ZERO
    }
}

/// The empty tail.
impl Tail for () {
    const WORDS_MAX: usize = 0;

    #[inline]
    fn of(_: &[u64]) {}

    #[inline]
    fn words(&self) -> &[u64] {
        &[]
    }
}

/// A tail of words; an empty one does not allocate.
impl Tail for Box<[u64]> {
    const WORDS_MAX: usize = TAIL_WORDS_MAX;

    fn of(words: &[u64]) -> Self {
        words.into()
    }

    fn words(&self) -> &[u64] {
        self
    }
}

/// A tail of words behind one pointer, for a protocol whose messages rarely have one: an event of virtual time takes 32
/// bytes with it, and 40 with [`Box<[u64]>`](Box).
#[derive(Clone, Debug, PartialEq)]
pub struct RareTail(Option<Box<RareWords>>);

/// The words of a tail that is not empty: few of them take one allocation, more of them two.
#[derive(Clone, Debug, PartialEq)]
struct RareWords(SmallVec<[u64; 7]>);

impl Tail for RareTail {
    const WORDS_MAX: usize = TAIL_WORDS_MAX;

    #[inline]
    fn of(words: &[u64]) -> Self {
        RareTail(if words.is_empty() { None } else { Some(Box::new(RareWords(words.into()))) })
    }

    #[inline]
    fn words(&self) -> &[u64] {
        self.0.as_ref().map_or(&[], |words| &words.0)
    }
}

/// A tail of words for a protocol whose messages often have a single one, which takes no allocation.
#[derive(Clone, Debug, PartialEq)]
pub struct ShortTail(ShortWords);

/// The words of a short tail.
#[derive(Clone, Debug, PartialEq)]
enum ShortWords {
    None,
    One(u64),
    Many(Box<RareWords>),
}

impl Tail for ShortTail {
    const WORDS_MAX: usize = TAIL_WORDS_MAX;

    #[inline]
    fn of(words: &[u64]) -> Self {
        ShortTail(match *words {
            [] => ShortWords::None,
            [word] => ShortWords::One(word),
            _ => ShortWords::Many(Box::new(RareWords(words.into()))),
        })
    }

    #[inline]
    fn words(&self) -> &[u64] {
        match &self.0 {
            ShortWords::None => &[],
            ShortWords::One(word) => std::slice::from_ref(word),
            ShortWords::Many(words) => &words.0,
        }
    }
}

/// A tail of at most one word, which takes eight bytes and no allocation. Its word may have any value but the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordTail(u64);

impl WordTail {
    /// The mark of an empty tail.
    const EMPTY: u64 = u64::MAX;
}

impl Tail for WordTail {
    const WORDS_MAX: usize = 1;

    #[inline]
    fn of(words: &[u64]) -> Self {
        WordTail(words.first().copied().unwrap_or(WordTail::EMPTY))
    }

    #[inline]
    fn words(&self) -> &[u64] {
        if self.0 == WordTail::EMPTY { &[] } else { std::slice::from_ref(&self.0) }
    }
}

/// A batch of messages, and the words of their tails one after the other in the same order.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageBatch<'a> {
    /// The messages.
    pub messages: &'a [Message],
    /// The words of their tails; words of later messages may follow.
    pub tails: &'a [u64],
}

impl<'a> MessageBatch<'a> {
    /// Creates a batch of messages without tails.
    #[cfg(test)]
    pub const fn bare(messages: &'a [Message]) -> MessageBatch<'a> {
        MessageBatch { messages, tails: &[] }
    }

    /// Iterates over the messages with their tails.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = (&'a Message, &'a [u64])> + Clone {
        let mut tails = self.tails;
        self.messages.iter().map(move |message| (message, message.cut(&mut tails)))
    }
}

impl Message {
    /// Splits the tail of this message from the front of `tails`.
    #[inline]
    pub fn cut<'a>(&self, tails: &mut &'a [u64]) -> &'a [u64] {
        // Clamped, so that a batch with too few words gives a short tail instead of a panic.
        let (tail, rest) = tails.split_at(usize::from(self.tail).min(tails.len()));
        *tails = rest;
        tail
    }

    /// Returns the order with its TTL and hop: the one that an announcement promises, a request asks for, or a payload
    /// carries.
    #[inline]
    pub const fn order_hop(&self) -> OrderHop {
        OrderHop { order: self.order, ttl: self.ttl, hop: self.hop }
    }

    /// Returns the receiver's forward of the order, or `None` if the TTL is used up.
    #[inline]
    pub const fn next_hop(&self) -> Option<OrderHop> {
        self.order_hop().next()
    }

    /// Encodes the message as two words.
    #[inline]
    pub const fn to_words(self) -> [u64; 2] {
        let route = self.to.0 as u64 | (self.from.0 as u64) << 32;
        let rest = self.order.0 as u64 | (self.ttl as u64) << 32 | (self.hop as u64) << 40;
        [route, rest | (self.kind.0 as u64) << 48 | (self.tail as u64) << 56]
    }

    /// Decodes the message that [`to_words`](Self::to_words) encoded.
    #[inline]
    pub const fn from_words([route, rest]: [u64; 2]) -> Message {
        Message {
            to: NodeId(route as u32),
            from: NodeId((route >> 32) as u32),
            order: OrderIndex(rest as u32),
            ttl: (rest >> 32) as u8,
            hop: (rest >> 40) as u8,
            kind: Kind((rest >> 48) as u8),
            tail: (rest >> 56) as u8,
        }
    }
}

/// An order at a certain hop: the fields that all copies of one forward share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderHop {
    /// The order to forward.
    pub order: OrderIndex,
    /// Hops left after this forward.
    pub ttl: u8,
    /// Number of this hop: 1 from the origin.
    pub hop: u8,
}

impl OrderHop {
    /// Returns the origin's own forward of an order that may travel `ttl` hops, or `None` for a TTL of 0.
    pub const fn from_origin(order: OrderIndex, ttl: u8) -> Option<OrderHop> {
        OrderHop::published(order, ttl).next()
    }

    /// Returns the order at hop 0 with `ttl` hops left, as if its origin had received it.
    #[inline]
    pub const fn published(order: OrderIndex, ttl: u8) -> OrderHop {
        OrderHop { order, ttl, hop: 0 }
    }

    /// Returns the next hop, or `None` if the TTL is spent.
    #[inline]
    pub const fn next(self) -> Option<OrderHop> {
        match self.ttl.checked_sub(1) {
            Some(ttl) => Some(OrderHop { order: self.order, ttl, hop: self.hop.saturating_add(1) }),
            None => None,
        }
    }

    /// Returns the copy from `from` to `to`.
    #[inline]
    pub const fn copy(&self, from: NodeId, to: NodeId) -> Message {
        self.message(Kind::PAYLOAD, from, to)
    }

    /// Returns a message of this kind about the order, from `from` to `to`.
    #[inline]
    pub const fn message(&self, kind: Kind, from: NodeId, to: NodeId) -> Message {
        Message { to, from, order: self.order, ttl: self.ttl, hop: self.hop, kind, tail: 0 }
    }

    /// Returns a message of this kind about the order with a tail of `tail` words.
    #[inline]
    pub const fn message_with(&self, kind: Kind, from: NodeId, to: NodeId, tail: u8) -> Message {
        Message { tail, ..self.message(kind, from, to) }
    }

    /// The order and hop in a message that is about no order.
    pub const NO_ORDER: OrderHop = OrderHop { order: OrderIndex(0), ttl: 0, hop: 1 };

    /// Encodes the order and its hop as one word, the form that announcements use.
    #[inline]
    pub const fn to_word(self) -> u64 {
        self.order.0 as u64 | (self.ttl as u64) << 32 | (self.hop as u64) << 40
    }

    /// Decodes the word that [`to_word`](Self::to_word) encoded, or returns `None` if it encoded no such word.
    #[inline]
    pub const fn from_word(word: u64) -> Option<OrderHop> {
        let (ttl, hop) = ((word >> 32) as u8, (word >> 40) as u8);
        // Words come from the wire, so all fields are checked: spare bits 0, hops counted from 1, their sum within the
        // limit.
        if word >> 48 != 0 || hop == 0 || ttl > TTL_MAX - hop {
            return None;
        }
        Some(OrderHop { order: OrderIndex(word as u32), ttl, hop })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_sixteen_bytes() {
        assert_eq!(size_of::<Message>(), 16);
    }

    #[test]
    fn two_words_hold_all_of_a_message() {
        let order_hop = OrderHop { order: OrderIndex(u32::MAX - 1), ttl: 250, hop: 4 };
        for kind in [Kind::PAYLOAD, Kind::HAVE, Kind::WANT, Kind(4), Kind(77), Kind(128), Kind(255)] {
            let message = order_hop.message_with(kind, NodeId(u32::MAX - 2), NodeId(7), 179);
            assert_eq!(Message::from_words(message.to_words()), message);
            assert_eq!((message.order_hop(), Kind::from_number(kind.0)), (order_hop, Some(kind)));
        }
        assert_eq!(Kind::from_number(1), None, "1 is the mark of a train");
    }

    #[test]
    fn a_rare_tail_keeps_its_words_behind_one_pointer() {
        for words in [&[][..], &[7], &[0; TAIL_WORDS_MAX]] {
            let tail = RareTail::of(words);
            assert_eq!((tail.words(), &tail.clone()), (words, &tail));
        }
        assert_eq!(size_of::<RareTail>(), size_of::<usize>());
    }

    #[test]
    fn a_short_tail_keeps_one_word_in_its_place() {
        for words in [&[][..], &[7], &[7, 8], &[0; TAIL_WORDS_MAX]] {
            let tail = ShortTail::of(words);
            assert_eq!((tail.words(), &tail.clone()), (words, &tail));
        }
        assert_eq!(size_of::<ShortTail>(), 16);
    }

    #[test]
    fn a_tail_of_one_word_takes_eight_bytes() {
        for words in [&[][..], &[0], &[u64::MAX - 1]] {
            assert_eq!(WordTail::of(words).words(), words);
        }
        assert_eq!(size_of::<WordTail>(), 8);
    }

    #[test]
    fn a_word_decodes_to_an_order_hop_or_none() {
        let order_hop = OrderHop { order: OrderIndex(u32::MAX - 1), ttl: 250, hop: 4 };
        assert_eq!(OrderHop::from_word(order_hop.to_word()), Some(order_hop));
        for word in [0, order_hop.to_word() | 1 << 48, order_hop.to_word() + (1 << 41), u64::MAX] {
            assert_eq!(OrderHop::from_word(word), None, "{word:X}");
        }
    }

    #[test]
    fn each_message_of_a_batch_has_its_own_words() {
        let order_hop = OrderHop { order: OrderIndex(0), ttl: 5, hop: 1 };
        let messages = [2, 0, 1].map(|tail| order_hop.message_with(Kind::HAVE, NodeId(0), NodeId(1), tail));
        let tails: Vec<_> =
            MessageBatch { messages: &messages, tails: &[7, 8, 9, 10] }.iter().map(|pair| pair.1).collect();
        assert_eq!(tails, [&[7, 8][..], &[], &[9]]);
    }

    #[test]
    fn ttl_six_ends_at_hop_six() {
        let mut order_hop = OrderHop::from_origin(OrderIndex(0), 6);
        let mut hops = Vec::new();
        while let Some(forward) = order_hop {
            hops.push((forward.hop, forward.ttl));
            order_hop = forward.copy(NodeId(0), NodeId(1)).next_hop();
        }
        assert_eq!(hops, [(1, 5), (2, 4), (3, 3), (4, 2), (5, 1), (6, 0)]);
    }
}
