//! Admission: the checks by which a datagram is recognised as a message or a train trailer of this run.

use super::{CONTROL_BYTES, HEADER_BYTES, Stray, Token, TrainTrailer, message_of, split, token_of};
use crate::ids::NodeId;
use crate::message::Message;

/// The bytes behind the header of a control message.
const CONTROL_BODY: [u8; CONTROL_BYTES - HEADER_BYTES] = [0; CONTROL_BYTES - HEADER_BYTES];

/// The values that a datagram must agree with to be admitted to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Token of the run.
    pub token: Token,
    /// Number of nodes.
    pub nodes: u32,
    /// Number of orders.
    pub orders: u32,
}

impl Admission {
    /// Returns the message of a datagram and the bytes of its order, for
    /// [`decode_order_unbounded`](super::decode_order_unbounded).
    ///
    /// `is_here` returns true for the nodes that receive at the socket: one node, or all nodes of a shard. The token is
    /// checked right after length and version, so that a datagram of another run is counted as such. The nodes and the
    /// order of an admitted message are below the counts of the run, so that they can be used as indices. The bytes of
    /// the order are not checked, because only the first copy needs them and most copies are duplicates. The body of a
    /// control message is checked, but its tail is left to the protocol, and so is a part to the runtime.
    ///
    /// # Errors
    ///
    /// Every [`Stray`] except [`Stray::WrongSource`], [`Stray::Forged`] and [`Stray::Replayed`].
    #[inline]
    pub fn admit<'a>(
        &self,
        datagram: &'a [u8],
        is_here: impl FnOnce(NodeId) -> bool,
    ) -> Result<(Message, &'a [u8]), Stray> {
        let (header, body) = split(datagram)?;
        if token_of(header) != self.token {
            return Err(Stray::WrongToken);
        }
        let message = message_of(header, body)?;
        if message.from.0 >= self.nodes || message.to.0 >= self.nodes || !is_here(message.to) {
            return Err(Stray::UnknownNode);
        }
        let has_zeros = message.kind.is_control() && !message.kind.is_part();
        if message.order.0 >= self.orders || has_zeros && !body.starts_with(&CONTROL_BODY) {
            return Err(Stray::Malformed);
        }
        Ok((message, body))
    }

    /// Returns the train trailer in a datagram for which [`super::is_train_trailer`] is true. The checks come in the
    /// sequence of [`Admission::admit`]; its shards are left to the carrier.
    ///
    /// # Errors
    ///
    /// [`Stray::BadVersion`], [`Stray::WrongToken`], [`Stray::Truncated`], [`Stray::Oversized`] or
    /// [`Stray::Malformed`].
    pub fn admit_trailer(&self, datagram: &[u8]) -> Result<TrainTrailer, Stray> {
        let (header, body) = split(datagram)?;
        if token_of(header) != self.token {
            return Err(Stray::WrongToken);
        }
        TrainTrailer::read(header, body)
    }
}
