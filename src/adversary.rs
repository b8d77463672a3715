//! Adversarial nodes, which deviate from any protocol: they drop, censor, delay or flood what they should forward, own
//! the peers of a victim, or spy.
//!
//! A node has at most one role, by a draw keyed by the node alone; what it does to an order is keyed by order and node.
//! The protocol knows nothing of this: an engine applies it to each forward. The node at which the orders enter is
//! exempt. What is not here: forged orders, because no count would include an order that was never published.

mod spec;
mod spies;
#[cfg(test)]
mod tests;

pub use spec::{AdversaryError, AdversarySpec, Role, RoleSpec};
pub use spies::{FirstSpy, Sighting, SpyScore};

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Probability, Purpose};
use crate::time::Nanos;
use crate::topology::NodeNames;

/// The treatment of a forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tampering {
    /// Sent as the protocol says.
    AsUsual,
    /// Not sent.
    Drop,
    /// Sent this much later.
    Delay(Nanos),
    /// Sent to all peers, this many times to each.
    Flood(u32),
}

/// The cause of a forward that is not as the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// The role at this index in the request, not counting an eclipse.
    Part(usize),
    /// The eclipse: the sender is an owned peer of the victim at which the order entered.
    Eclipse,
}

/// The roles of the nodes of one run.
#[derive(Clone, Debug)]
pub struct Adversaries {
    key: Key,
    exempt: Option<NodeId>,
    /// The roles in ascending order of the draw below which a node has them, counted from 0.
    parts: Vec<(DrawLimit, PreparedRole)>,
    eclipse: Option<Eclipse>,
}

/// The end of a role's range of draws, in units of 2^-63.
type DrawLimit = u64;

/// A role with its parameters resolved.
#[derive(Clone, Copy, Debug)]
enum PreparedRole {
    Drop(Probability),
    Censor(NodeId),
    Delay(Nanos),
    Flood(u32),
    Spy,
}

/// A victim and its peers that an adversary owns, in ascending order.
#[derive(Clone, Debug)]
struct Eclipse {
    victim: NodeId,
    owned: Vec<NodeId>,
}

impl Adversaries {
    /// Creates a run without adversaries.
    pub fn none() -> Adversaries {
        let key = Key::new(0, Purpose::Adversary);
        Adversaries { key, exempt: None, parts: Vec::new(), eclipse: None }
    }

    /// Assigns the roles of the run with this seed over `nodes` nodes with these `names`; `peers` returns the peers of
    /// the victim of an eclipse. Node `exempt` has no role.
    ///
    /// # Errors
    ///
    /// [`AdversaryError`] if a node is named that does not exist.
    pub fn new(
        spec: &AdversarySpec,
        seed: u64,
        nodes: u32,
        names: &NodeNames,
        peers: impl Fn(NodeId) -> Vec<NodeId>,
        exempt: Option<NodeId>,
    ) -> Result<Adversaries, AdversaryError> {
        let key = Key::new(seed, Purpose::Adversary);
        let mut adversaries = Adversaries { key, exempt, parts: Vec::new(), eclipse: None };
        let named = |name, node| {
            let advice = || names.advice(&format!("{name}="), nodes);
            names.find(node, nodes).ok_or_else(|| AdversaryError::NoSuchNode { name, node, nodes, advice: advice() })
        };
        // The roles divide the range of one draw, so that a node has at most one of them.
        let mut end: u64 = 0;
        for RoleSpec { share, part } in &spec.0 {
            let ready = match *part {
                Role::Drop { of } => PreparedRole::Drop(Probability::of(of)),
                Role::Censor { origin } => PreparedRole::Censor(named("origin", origin)?),
                Role::Delay { by } => PreparedRole::Delay(by),
                Role::Flood { times } => PreparedRole::Flood(times),
                Role::Spy => PreparedRole::Spy,
                Role::Eclipse { victim } => {
                    let victim = named("victim", victim)?;
                    let (key, chance) = (key.with(ECLIPSE).with(u64::from(victim.0)), Probability::of(*share));
                    let mut owned = peers(victim);
                    owned.retain(|peer| chance.hits(key.with(u64::from(peer.0)).stream().next_word()));
                    // Sorted for the binary search in `owns`.
                    owned.sort_unstable();
                    adversaries.eclipse = Some(Eclipse { victim, owned });
                    continue;
                }
            };
            end = end.saturating_add(share.ceil_of(1 << 63));
            adversaries.parts.push((end, ready));
        }
        Ok(adversaries)
    }

    /// Returns true if every node does as the protocol says.
    #[inline]
    pub fn is_none(&self) -> bool {
        self.parts.is_empty() && self.eclipse.is_none()
    }

    /// Decides the treatment of a node's forward of an order that entered at `origin`.
    #[inline]
    pub fn forward(&self, node: NodeId, order: OrderIndex, origin: NodeId) -> Tampering {
        if self.is_none() { Tampering::AsUsual } else { self.act(node, order, origin) }
    }

    /// Returns true if a node withholds every message from another, as an owned peer does from its victim.
    #[inline]
    pub fn withholds(&self, from: NodeId, to: NodeId) -> bool {
        self.eclipse.as_ref().is_some_and(|eclipse| eclipse.victim == to && eclipse.owns(from))
    }

    /// Returns the cause if a node's forward of an order that entered at `origin` may not be as the protocol says.
    pub fn actor(&self, node: NodeId, origin: NodeId) -> Option<Culprit> {
        match self.eclipse.as_ref().filter(|eclipse| eclipse.victim == origin && eclipse.owns(node)) {
            Some(_) => Some(Culprit::Eclipse),
            None => self.place_of_part(node).map(Culprit::Part),
        }
    }

    /// Returns the number of owned peers of the victim, if there is an eclipse.
    pub fn owned(&self) -> Option<usize> {
        self.eclipse.as_ref().map(|eclipse| eclipse.owned.len())
    }

    /// Returns the index of a node's role in the request, not counting an eclipse.
    pub fn place_of_part(&self, node: NodeId) -> Option<usize> {
        if self.parts.is_empty() || self.exempt == Some(node) {
            return None;
            // The upper 63 bits, because the limits are in units of 2^-63.
        }
        let drawn = self.key.with(PART).with(u64::from(node.0)).stream().next_word() >> 1;
        self.parts.iter().position(|(end, _)| drawn < *end)
    }

    /// Returns true if a node spies: it does as the protocol says, and notes the sender of its first copy of each
    /// order.
    pub fn is_spy(&self, node: NodeId) -> bool {
        matches!(self.part(node), Some(PreparedRole::Spy))
    }

    /// Returns the name of a node's role; `as-usual` for none. Being an owned peer or the victim of an eclipse is not a
    /// role.
    pub fn name_of_part(&self, node: NodeId) -> &'static str {
        match self.part(node) {
            None => "as-usual",
            Some(PreparedRole::Drop(_)) => "drop",
            Some(PreparedRole::Censor(_)) => "censor",
            Some(PreparedRole::Delay(_)) => "delay",
            Some(PreparedRole::Flood(_)) => "flood",
            Some(PreparedRole::Spy) => "spy",
        }
    }

    fn act(&self, node: NodeId, order: OrderIndex, origin: NodeId) -> Tampering {
        // The eclipse takes precedence over the node's own role.
        if self.eclipse.as_ref().is_some_and(|eclipse| eclipse.victim == origin && eclipse.owns(node)) {
            return Tampering::Drop;
        }
        let hits = |chance: Probability| {
            // Keyed by order and node, so that a node drops the same orders on every engine and carrier.
            let key = self.key.with(DROP).with(u64::from(order.0)).with(u64::from(node.0));
            chance.hits(key.stream().next_word())
        };
        match self.part(node) {
            Some(PreparedRole::Drop(chance)) if hits(chance) => Tampering::Drop,
            Some(PreparedRole::Censor(censored)) if censored == origin => Tampering::Drop,
            Some(PreparedRole::Delay(by)) => Tampering::Delay(by),
            Some(PreparedRole::Flood(times)) => Tampering::Flood(times),
            _ => Tampering::AsUsual,
        }
    }

    fn part(&self, node: NodeId) -> Option<PreparedRole> {
        self.place_of_part(node).map(|place| self.parts[place].1)
    }
}

impl Eclipse {
    fn owns(&self, node: NodeId) -> bool {
        self.owned.binary_search(&node).is_ok()
    }
}

// The words that separate the random streams of the kinds of draw; part of docs/DETERMINISM.md.
const PART: u64 = 1;
const DROP: u64 = 2;
const ECLIPSE: u64 = 3;
