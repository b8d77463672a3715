//! Membership protocols: each keeps the peers of every node, in place of an overlay that is drawn.

use super::{Context, ShardView};
use crate::ids::NodeId;
use crate::message::{KindNames, Message};
use crate::time::Nanos;

/// The maximum number of neighbours of a node: one for each bit of [`MembershipState::opened`].
pub(super) const NEIGHBOURS_MAX: u32 = u64::BITS;

/// A membership protocol: the configuration that all nodes share, and the factory of each shard's state.
///
/// All of its messages are upkeep, of kinds 192 and above; those below belong to the protocol that runs over it.
pub trait Membership: Sync {
    /// The views of the nodes of one shard, and their behaviour.
    type State: MembershipState + 'static;

    /// The kinds of its messages, each with its name in reports.
    const KINDS: KindNames;

    /// Returns the maximum number of neighbours of a node, each of which has a slot: the number of its link, which a
    /// neighbour keeps for as long as it stays.
    fn slots(&self) -> u32;

    /// Returns the time for which nodes join and settle before the first order.
    fn warm_up(&self) -> Nanos;

    /// Creates the views of a shard, on the shard's own thread.
    fn for_shard(&self, view: &ShardView<'_>) -> Self::State;

    /// Returns true if a message from outside is valid.
    fn admits(&self, message: &Message, tail: &[u64]) -> bool;

    /// Returns the maximum length of a tail, in words.
    fn tail_words_max(&self) -> usize;
}

/// The views of the nodes of one shard, and their behaviour.
pub trait MembershipState {
    /// Starts a node, before any other event.
    fn start<C: Context>(&mut self, context: &mut C);

    /// Handles a message of the membership protocol to this node.
    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]);

    /// Handles a timer that this node has set.
    fn handle_timeout<C: Context>(&mut self, context: &mut C, token: u64);

    /// Handles the failure of a neighbour.
    fn handle_failure<C: Context>(&mut self, context: &mut C, neighbour: NodeId);

    /// Handles a message of the protocol over it from a node that is no neighbour of this one.
    fn handle_stranger<C: Context>(&mut self, context: &mut C, stranger: NodeId);

    /// Requests the cache lines of the slots of a node, and of all else that a message of the membership protocol or a
    /// timer touches, if `handles` is true. It changes nothing but time.
    #[inline(always)]
    fn prefetch(&self, _local: usize, _handles: bool) {}

    /// Returns the slots of a node. An empty one holds the node itself.
    fn slots(&self, local: usize) -> &[NodeId];

    /// Returns a bit for each slot of a node, the lowest for the first: set if the node opened the link to its
    /// neighbour.
    fn opened(&self, local: usize) -> u64;
}
