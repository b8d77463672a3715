//! One message as the seam between protocol and carrier sees it: sixteen bytes, whatever it stands for, and where it has
//! more to say, a tail of words behind them.

use crate::ids::{NodeId, OrderIndex};

/// The most hops an order may travel.
pub const TTL_MAX: u8 = 255;

/// The most words that a message's tail has: with them a control message fills one MTU.
pub const TAIL_WORDS_MAX: usize = 179;

/// What a message is. Payload carries an order; the other kinds are control messages, carry nothing and are counted apart.
///
/// 1 is no kind of message: on the wire it is the mark that ends a train.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The order itself.
    Payload = 0,
    /// The sender has the order (IHAVE, INV).
    Have = 2,
    /// The sender wants the order (IWANT, GETDATA).
    Want = 3,
}

impl Kind {
    /// The kinds that messages have; the place of 1, which none has, is filled.
    const BY_NUMBER: [Kind; 4] = [Kind::Payload, Kind::Payload, Kind::Have, Kind::Want];

    /// Whether it carries no order.
    #[inline]
    pub const fn is_control(self) -> bool {
        !matches!(self, Kind::Payload)
    }

    /// The kind with this number, `None` where no message has it.
    #[inline]
    pub const fn from_number(number: u8) -> Option<Kind> {
        match number {
            0 => Some(Kind::Payload),
            2 => Some(Kind::Have),
            3 => Some(Kind::Want),
            _ => None,
        }
    }
}

/// A message from one node to another.
///
/// ```text
/// to: u32 | from: u32 | order: u32 | ttl: u8 | hop: u8 | kind: u8 | tail: u8
/// ```
///
/// The words of its tail travel beside it, whole and in order: what they say is the protocol's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The node it is for.
    pub to: NodeId,
    /// The node that sends it.
    pub from: NodeId,
    /// The order it is about.
    pub order: OrderIndex,
    /// How many further hops the order may travel after this one.
    pub ttl: u8,
    /// Which hop this is: 1 for a message from the origin.
    pub hop: u8,
    /// What it is.
    pub kind: Kind,
    /// How many words stand behind it, at most [`TAIL_WORDS_MAX`]. An order itself has none.
    pub tail: u8,
}

/// What stands behind a protocol's messages, as it is kept while they are under way in virtual time: nothing, which takes no
/// memory, or words.
pub trait Tail: Clone + std::fmt::Debug + PartialEq + Send + Sync {
    /// The most words it has.
    const WORDS_MAX: usize;

    /// A tail of these words.
    fn of(words: &[u64]) -> Self;

    /// Its words.
    fn words(&self) -> &[u64];
}

/// No words.
impl Tail for () {
    const WORDS_MAX: usize = 0;

    #[inline]
    fn of(_: &[u64]) {}

    #[inline]
    fn words(&self) -> &[u64] {
        &[]
    }
}

/// Words; a tail without any takes no memory of its own.
impl Tail for Box<[u64]> {
    const WORDS_MAX: usize = TAIL_WORDS_MAX;

    fn of(words: &[u64]) -> Self {
        words.into()
    }

    fn words(&self) -> &[u64] {
        self
    }
}

/// Messages, and the words of their tails one behind the other, in the same order.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageBatch<'a> {
    /// The messages.
    pub messages: &'a [Message],
    /// The words behind them, and perhaps those of messages to come.
    pub tails: &'a [u64],
}

impl<'a> MessageBatch<'a> {
    /// Messages without tails.
    pub const fn bare(messages: &'a [Message]) -> MessageBatch<'a> {
        MessageBatch { messages, tails: &[] }
    }

    /// Each message with its tail.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = (&'a Message, &'a [u64])> + Clone {
        let mut tails = self.tails;
        self.messages.iter().map(move |message| (message, message.cut(&mut tails)))
    }
}

impl Message {
    /// Cuts the words of this message's tail off those of it and the messages behind it.
    #[inline]
    pub fn cut<'a>(&self, tails: &mut &'a [u64]) -> &'a [u64] {
        let (tail, rest) = tails.split_at(usize::from(self.tail).min(tails.len()));
        *tails = rest;
        tail
    }

    /// The step that this message is, or is about: what an announcement promises, a request asks for and an order makes.
    #[inline]
    pub const fn order_hop(&self) -> OrderHop {
        OrderHop { order: self.order, ttl: self.ttl, hop: self.hop }
    }

    /// How the receiver forwards the order, or `None` where its TTL is spent.
    #[inline]
    pub const fn next_hop(&self) -> Option<OrderHop> {
        match self.ttl.checked_sub(1) {
            Some(ttl) => Some(OrderHop { order: self.order, ttl, hop: self.hop.saturating_add(1) }),
            None => None,
        }
    }

    /// The message as two words.
    #[inline]
    pub const fn to_words(self) -> [u64; 2] {
        let route = self.to.0 as u64 | (self.from.0 as u64) << 32;
        let rest = self.order.0 as u64 | (self.ttl as u64) << 32 | (self.hop as u64) << 40;
        [route, rest | (self.kind as u64) << 48 | (self.tail as u64) << 56]
    }

    /// The message that [`to_words`](Self::to_words) wrote.
    #[inline]
    pub const fn from_words([route, rest]: [u64; 2]) -> Message {
        Message {
            to: NodeId(route as u32),
            from: NodeId((route >> 32) as u32),
            order: OrderIndex(rest as u32),
            ttl: (rest >> 32) as u8,
            hop: (rest >> 40) as u8,
            kind: Kind::BY_NUMBER[(rest >> 48) as usize & 3],
            tail: (rest >> 56) as u8,
        }
    }
}

/// An order on its way out of a node: what all copies of one forward have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderHop {
    /// The order to forward.
    pub order: OrderIndex,
    /// The hops left after this forward.
    pub ttl: u8,
    /// The hop that this forward is, 1 from the origin.
    pub hop: u8,
}

impl OrderHop {
    /// The origin's own forward of an order that may travel `ttl` hops, or `None` where it may not leave.
    pub const fn from_origin(order: OrderIndex, ttl: u8) -> Option<OrderHop> {
        match ttl.checked_sub(1) {
            Some(ttl) => Some(OrderHop { order, ttl, hop: 1 }),
            None => None,
        }
    }

    /// The copy that goes from `from` to `to`.
    #[inline]
    pub const fn copy(&self, from: NodeId, to: NodeId) -> Message {
        self.message(Kind::Payload, from, to)
    }

    /// The message of some kind about it that goes from `from` to `to`.
    #[inline]
    pub const fn message(&self, kind: Kind, from: NodeId, to: NodeId) -> Message {
        Message { to, from, order: self.order, ttl: self.ttl, hop: self.hop, kind, tail: 0 }
    }

    /// The same with so many words behind it.
    #[inline]
    pub const fn message_with(&self, kind: Kind, from: NodeId, to: NodeId, tail: u8) -> Message {
        Message { tail, ..self.message(kind, from, to) }
    }

    /// The step as one word: how a list names an order.
    #[inline]
    pub const fn to_word(self) -> u64 {
        self.order.0 as u64 | (self.ttl as u64) << 32 | (self.hop as u64) << 40
    }

    /// The step that [`to_word`](Self::to_word) wrote; `None` where it wrote no such word.
    #[inline]
    pub const fn from_word(word: u64) -> Option<OrderHop> {
        let (ttl, hop) = ((word >> 32) as u8, (word >> 40) as u8);
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
        for kind in [Kind::Payload, Kind::Have, Kind::Want] {
            let message = order_hop.message_with(kind, NodeId(u32::MAX - 2), NodeId(7), 179);
            assert_eq!(Message::from_words(message.to_words()), message);
            assert_eq!((message.order_hop(), Kind::from_number(kind as u8)), (order_hop, Some(kind)));
        }
        assert_eq!(Kind::from_number(1), None, "1 is the mark of a train");
    }

    #[test]
    fn a_word_names_a_step_or_none() {
        let order_hop = OrderHop { order: OrderIndex(u32::MAX - 1), ttl: 250, hop: 4 };
        assert_eq!(OrderHop::from_word(order_hop.to_word()), Some(order_hop));
        for word in [0, order_hop.to_word() | 1 << 48, order_hop.to_word() + (1 << 41), u64::MAX] {
            assert_eq!(OrderHop::from_word(word), None, "{word:X}");
        }
    }

    #[test]
    fn each_message_of_a_batch_has_its_own_words() {
        let order_hop = OrderHop { order: OrderIndex(0), ttl: 5, hop: 1 };
        let messages = [2, 0, 1].map(|tail| order_hop.message_with(Kind::Have, NodeId(0), NodeId(1), tail));
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
