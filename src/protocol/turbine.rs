//! Turbine, which Solana spreads blocks with: an order is cut into shreds, and each travels down a tree of its own.
//!
//! The rules are those of agave at 03b251f (`turbine/src/cluster_nodes.rs`, `ledger/src/shred`), with an order in place
//! of a block's entries and its origin as the leader:
//!
//! 1. The bytes of an order are cut into data shreds. Up to 32 of them are a set, and coding shreds join it: 32 in a
//!    whole set, and as many as agave's table says in the last one if it has fewer data shreds.
//! 2. For each shred all nodes but the origin are shuffled, by a draw that depends on the run's seed, the order and the
//!    shred alone, so that every node knows the whole tree. A node with more stake is likelier to come early.
//! 3. The origin sends each shred to the first node of its shuffle, the root.
//! 4. The root sends to the nodes 1 to F of the shuffle, where F is the fanout; node k of these to F + k, 2F + k, ...,
//!    F F + k; and so on, layer by layer.
//! 5. A node sends a shred on when it comes for the first time, whether it still needs it or not.
//! 6. A node has an order once it has as many shreds of each set as the set has data shreds, whichever they are.
//!
//! Every node knows all others: an overlay is not asked for. Repair is left out, in which a node asks others for the
//! shreds that it lacks: a node that gets fewer than 32 of 64 stays without the order. Agave puts what is left of less
//! than two whole sets into one of up to 63 data shreds, so that no set has fewer than 32 if an order has more.

mod knobs;
mod listed_trees;
mod received_shreds;
mod recent_shreds;
mod sender_places;
mod shuffle;
mod stake;
mod stake_file;
mod tree;

pub use knobs::TurbineKnobs;
pub use listed_trees::{AGAVE_TREES, ListedTree};
pub use stake::StakeKnob;
pub use stake_file::{StakeFault, StakeFile};

use super::{Context, Protocol, ProtocolState, ShardView, Targets};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, KindNames, Message, OrderHop, WordTail};
use crate::parts::{OrderCut, OrderSets, PartName};
use received_shreds::{ReceivedShreds, ShredBits};
use recent_shreds::RecentShreds;
use shuffle::Shuffles;
use smallvec::SmallVec;
use std::sync::Arc;
use tree::ShredTree;

/// A shred of an order.
const SHRED: Kind = Kind(64);

/// Turbine, with its fanout and its sets.
#[derive(Clone, Debug)]
pub struct Turbine {
    knobs: TurbineKnobs,
    nodes: u32,
    /// Bytes of the longest order.
    order_bytes_max: u32,
    tree: ShredTree,
    shuffles: Arc<Shuffles>,
}

/// The shreds that the nodes of a shard have received.
#[derive(Debug)]
pub struct TurbineState {
    cut: OrderCut,
    /// The sets of the last order that a shred came of: most orders are of one length.
    sets: OrderSets,
    tree: ShredTree,
    shuffles: Arc<Shuffles>,
    recent: RecentShreds,
    received: ReceivedShreds,
}

/// The word that names a shred: the name of the part, and in its upper half the origin of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ShredWord {
    name: PartName,
    origin: NodeId,
}

impl ShredWord {
    #[inline]
    fn to_word(self) -> u64 {
        self.name.to_word() | u64::from(self.origin.0) << 32
    }

    #[inline]
    fn from_word(word: u64) -> ShredWord {
        ShredWord { name: PartName::of_word(word), origin: NodeId((word >> 32) as u32) }
    }
}

impl Turbine {
    /// Creates the protocol for a run of this seed among `nodes` nodes with orders of at most this many bytes.
    pub fn new(knobs: TurbineKnobs, seed: u64, nodes: u32, order_bytes_max: u32) -> Turbine {
        let tree = ShredTree::new(knobs.fanout, nodes.saturating_sub(1));
        Turbine {
            knobs,
            nodes,
            order_bytes_max,
            tree,
            shuffles: Arc::new(Shuffles::new(knobs.stake, seed, nodes, tree)),
        }
    }

    /// Returns the protocol with the stakes of a file, which has as many nodes as the run.
    pub fn with_stakes(self, file: &StakeFile) -> Turbine {
        Turbine { shuffles: Arc::new(Shuffles::listed(file.by_node(), self.tree)), ..self }
    }
}

impl TurbineState {
    /// Sends a shred to the children of the event's node.
    fn send_on<C: Context>(&mut self, context: &mut C, message: &Message, shred: ShredWord) {
        let Some(next) = message.next_hop() else { return };
        let (shuffles, key) = (&self.shuffles, context.view().shared_key());
        let sender = self.recent.sender_place((shuffles, key), message.order, shred, context.me());
        let Some(mut children) = sender.map(|place| self.tree.children(place).peekable()) else { return };
        if children.peek().is_some() {
            let shuffle = shuffles.of(key, message.order, shred.name, shred.origin);
            let children: SmallVec<[NodeId; 8]> = children.map(|child| shuffle.node_at(child)).collect();
            context.forward(&children, SHRED, next, &[shred.to_word()]);
        }
    }

    /// Takes a shred: sends it on if it is new, and delivers its order if it is the last that was missing.
    fn receive<C: Context>(&mut self, context: &mut C, message: &Message, shred: ShredWord) {
        let (order, PartName { set, place }) = (message.order, shred.name);
        let order_bytes = context.order_bytes(order);
        if self.sets.order_bytes != order_bytes {
            self.sets = self.cut.sets_of(order_bytes);
        }
        let sets = self.sets;
        let Some(mut bits) = self.received.of(context.local(), order) else { return context.count_part(false) };
        // A shred that its order does not have is none; only a forged message names one.
        let Some(size) = sets.get(set).filter(|size| place < size.parts()) else { return context.count_part(false) };
        let (before, is_new) = bits.mark(set, place);
        let was_lacking = before < size.data && !context.knows(order);
        context.count_part(is_new && was_lacking);
        if !is_new {
            return;
        }
        let is_recovered = before + 1 == size.data && was_lacking;
        let is_complete = is_recovered && recover(context, order, set, &mut bits) && bits.have_all(&sets);
        if is_complete {
            context.deliver_recovered(order);
        }
        self.send_on(context, message, shred);
    }
}

/// Recovers a set; forgets its shreds if their bytes are not those of the order.
fn recover<C: Context>(context: &mut C, order: OrderIndex, set: u32, bits: &mut ShredBits<'_>) -> bool {
    let is_right = context.recover_set(order, set, bits.of_set(set));
    if !is_right {
        bits.clear(set);
    }
    is_right
}

impl Protocol for Turbine {
    type State = TurbineState;
    type Tail = WordTail;

    const ORDERS_PER_EVENT_MAX: u32 = 1;

    const KINDS: KindNames = &[(SHRED, "shred")];

    const TARGETS: Targets = Targets::Others;

    fn order_cut(&self) -> Option<OrderCut> {
        Some(self.knobs.cut())
    }

    fn for_shard(&self, view: &ShardView<'_>) -> TurbineState {
        let cut = self.knobs.cut();
        TurbineState {
            cut,
            sets: cut.sets_of(self.order_bytes_max),
            tree: self.tree,
            shuffles: Arc::clone(&self.shuffles),
            recent: RecentShreds::new(cut.parts(self.order_bytes_max)),
            received: ReceivedShreds::new(view.size(), view.orders(), view.window(), cut.sets(self.order_bytes_max)),
        }
    }

    fn admits(&self, message: &Message, tail: &[u64], _orders: u32) -> bool {
        message.kind == SHRED && matches!(*tail, [word] if ShredWord::from_word(word).origin.0 < self.nodes)
    }
}

impl ProtocolState for TurbineState {
    fn publish<C: Context>(&mut self, context: &mut C, order: OrderIndex, ttl: u8) {
        if !context.deliver(order) {
            return;
        }
        let Some(order_hop) = OrderHop::from_origin(order, ttl).filter(|_| self.tree.size() > 0) else { return };
        context.encode_parts(order);
        let (order_bytes, origin, key) = (context.order_bytes(order), context.me(), context.view().shared_key());
        for set in 0..self.cut.sets(order_bytes) {
            for place in 0..self.cut.set(order_bytes, set).parts() {
                let name = PartName { set, place };
                let root = self.shuffles.of(key, order, name, origin).node_at(0);
                context.forward(&[root], SHRED, order_hop, &[ShredWord { name, origin }.to_word()]);
            }
        }
    }

    fn handle_message<C: Context>(&mut self, context: &mut C, message: &Message, tail: &[u64]) {
        match (message.kind, tail) {
            (SHRED, &[word]) => self.receive(context, message, ShredWord::from_word(word)),
            // Turbine sends no whole orders; one that comes all the same is an order.
            (Kind::PAYLOAD, _) => _ = context.deliver(message.order),
            _ => {}
        }
    }

    #[inline(always)]
    fn prefetch(&self, view: &ShardView<'_>, node: NodeId, order: OrderIndex, kind: Option<Kind>) {
        if kind.is_some() {
            self.received.prefetch(view.local(node), order);
        }
    }
}

#[cfg(test)]
mod tests;
