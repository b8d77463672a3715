//! A message of a trace: its row, and the bytes by which it is stored until the run has ended.

use crate::ids::{NodeId, OrderIndex};
use crate::message::Kind;
use crate::time::Nanos;

/// Bytes of a stored row.
pub const ROW_BYTES: usize = 40;

/// The fate of a message, or of the second copy that the network made of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MessageFate {
    /// Its receiver took it: an order that was new to it, or a control message.
    Delivered,
    /// Its receiver had the order.
    Duplicate,
    /// Its order was older than the window of its receiver.
    Expired,
    /// Its receiver was down.
    Down,
    /// The downlink queue of its receiver was full.
    Dropped,
    /// The network lost it.
    Lost,
    /// A partition cut its link.
    Cut,
    /// The uplink queue of its sender was full: it was never sent.
    UplinkDropped,
    /// It had been sent when the run ended, and would have arrived later.
    UnderWay,
    /// On a real carrier: its sender sent it, and does not know more.
    Sent,
    /// On a real carrier: at the end it was found unsent, although it had been taken as sent.
    TakenBack,
}

impl MessageFate {
    /// Every fate, in the sequence of their numbers.
    pub const ALL: [MessageFate; 11] = [
        MessageFate::Delivered,
        MessageFate::Duplicate,
        MessageFate::Expired,
        MessageFate::Down,
        MessageFate::Dropped,
        MessageFate::Lost,
        MessageFate::Cut,
        MessageFate::UplinkDropped,
        MessageFate::UnderWay,
        MessageFate::Sent,
        MessageFate::TakenBack,
    ];

    /// Returns the name of the fate in a file.
    pub const fn name(self) -> &'static str {
        match self {
            MessageFate::Delivered => "delivered",
            MessageFate::Duplicate => "duplicate",
            MessageFate::Expired => "expired",
            MessageFate::Down => "down",
            MessageFate::Dropped => "dropped",
            MessageFate::Lost => "lost",
            MessageFate::Cut => "cut",
            MessageFate::UplinkDropped => "uplink_dropped",
            MessageFate::UnderWay => "under_way",
            MessageFate::Sent => "sent",
            MessageFate::TakenBack => "taken_back",
        }
    }

    /// Returns true if the fate is decided where the message arrives.
    pub const fn is_at_receiver(self) -> bool {
        matches!(
            self,
            MessageFate::Delivered
                | MessageFate::Duplicate
                | MessageFate::Expired
                | MessageFate::Down
                | MessageFate::Dropped
        )
    }

    /// Returns true for a fate on a real carrier that its sender knows.
    pub const fn is_of_sends(self) -> bool {
        matches!(self, MessageFate::Sent | MessageFate::TakenBack)
    }

    /// Returns true if the message was lost once it had left its sender.
    pub const fn is_loss(self) -> bool {
        matches!(self, MessageFate::Lost | MessageFate::Cut)
    }
}

/// A row of a trace. Rows compare in the sequence of the file: by the time at which the fate was decided, receiver,
/// sender, and number among the messages of the sender. Two copies of a message that fall together are told apart by
/// their fate alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TracedMessage {
    /// Time at which its fate was decided.
    pub decided: Nanos,
    /// The receiving node.
    pub to: NodeId,
    /// The sending node.
    pub from: NodeId,
    /// Number of messages that its sender had sent before.
    pub sequence: u32,
    /// Time at which it left its sender.
    pub sent: Nanos,
    /// The order that it is about; without meaning for upkeep.
    pub order: OrderIndex,
    /// Its bytes, as UDP payload.
    pub bytes: u32,
    /// Its kind.
    pub kind: Kind,
    /// Number of its hop: 1 for a message from the origin.
    pub hop: u8,
    /// Its fate.
    pub fate: MessageFate,
}

impl TracedMessage {
    /// Returns the bytes that are stored.
    pub fn to_bytes(self) -> [u8; ROW_BYTES] {
        let TracedMessage { decided, to, from, sequence, sent, order, bytes, kind, hop, fate } = self;
        let mut stored = [0; ROW_BYTES];
        stored[0..8].copy_from_slice(&decided.0.to_le_bytes());
        stored[8..16].copy_from_slice(&sent.0.to_le_bytes());
        let numbers = [to.0, from.0, sequence, order.0, bytes];
        for (place, number) in stored[16..36].chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        stored[36..39].copy_from_slice(&[kind.0, hop, fate as u8]);
        stored
    }

    /// Returns the row that these bytes store; `None` if they store none.
    pub fn from_bytes(stored: &[u8; ROW_BYTES]) -> Option<TracedMessage> {
        let (times, rest) = stored.split_at(16);
        let (numbers, rest) = rest.split_at(20);
        let time = |place: usize| Some(Nanos(u64::from_le_bytes(*times.as_chunks::<8>().0.get(place)?)));
        let number = |place: usize| Some(u32::from_le_bytes(*numbers.as_chunks::<4>().0.get(place)?));
        Some(TracedMessage {
            decided: time(0)?,
            sent: time(1)?,
            to: NodeId(number(0)?),
            from: NodeId(number(1)?),
            sequence: number(2)?,
            order: OrderIndex(number(3)?),
            bytes: number(4)?,
            kind: Kind(*rest.first()?),
            hop: *rest.get(1)?,
            fate: *MessageFate::ALL.get(usize::from(*rest.get(2)?))?,
        })
    }
}
