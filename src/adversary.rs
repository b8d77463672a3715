//! What wraps any protocol: nodes that do not do as it says. They drop, censor, delay or flood what they should forward, own
//! the peers of a victim, or spy.
//!
//! A node has one part at most, by a draw keyed by the node alone; what it does to an order is keyed by order and node. The
//! protocol knows nothing of it: an engine asks at each forward. The node at which the orders enter is spared. What an
//! adversary forges is not here: an order that somebody made up would not be counted.

mod error;
mod spec;
mod spies;
#[cfg(test)]
mod tests;

pub use error::AdversaryError;
pub use spec::{AdversarySpec, Role, RoleSpec};
pub use spies::{FirstSpy, Sighting, SpyScore};

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Probability, Purpose};
use crate::time::Nanos;
use crate::topology::NodeNames;

/// What becomes of a forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tampering {
    /// What the protocol says.
    AsUsual,
    /// Nothing is sent.
    Drop,
    /// It is sent so much later.
    Delay(Nanos),
    /// It is sent to all peers, so many times to each.
    Flood(u32),
}

/// Who it is that does not do as the protocol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// The part with this place among those that are asked for, the eclipse left out.
    Part(usize),
    /// An owned peer of the victim, which the order comes from.
    Eclipse,
}

/// Who plays which part in one run.
#[derive(Clone, Debug)]
pub struct Adversaries {
    key: Key,
    spared: Option<NodeId>,
    /// Each part with the draw below which a node has it, counted from 0; ascending.
    parts: Vec<(Limit, PreparedRole)>,
    eclipse: Option<Eclipse>,
}

/// The end of a part's range of draws, in 2^63.
type Limit = u64;

/// A part made ready to be asked.
#[derive(Clone, Copy, Debug)]
enum PreparedRole {
    Drop(Probability),
    Censor(NodeId),
    Delay(Nanos),
    Flood(u32),
    Spy,
}

/// A victim and those of its peers that an adversary owns, ascending.
#[derive(Clone, Debug)]
struct Eclipse {
    victim: NodeId,
    owned: Vec<NodeId>,
}

impl Adversaries {
    /// Everybody does as the protocol says.
    pub fn none() -> Adversaries {
        let key = Key::new(0, Purpose::Behaviour);
        Adversaries { key, spared: None, parts: Vec::new(), eclipse: None }
    }

    /// The parts of the run with this seed over `nodes` nodes of these `names`; `peers` are asked for the victim of an eclipse. Node
    /// `spared` has no part.
    ///
    /// # Errors
    ///
    /// [`AdversaryError`] where a node is named that does not exist.
    pub fn new(
        spec: &AdversarySpec,
        seed: u64,
        nodes: u32,
        names: &NodeNames,
        peers: impl Fn(NodeId) -> Vec<NodeId>,
        spared: Option<NodeId>,
    ) -> Result<Adversaries, AdversaryError> {
        let key = Key::new(seed, Purpose::Behaviour);
        let mut adversaries = Adversaries { key, spared, parts: Vec::new(), eclipse: None };
        let named = |name, node| {
            let advice = || names.advice(&format!("{name}="), nodes);
            names.find(node, nodes).ok_or_else(|| AdversaryError::NoSuchNode { name, node, nodes, advice: advice() })
        };
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

    /// Whether everybody does as the protocol says.
    #[inline]
    pub fn is_none(&self) -> bool {
        self.parts.is_empty() && self.eclipse.is_none()
    }

    /// What becomes of a node's forward of an order that entered at `origin`.
    #[inline]
    pub fn forward(&self, node: NodeId, order: OrderIndex, origin: NodeId) -> Tampering {
        if self.is_none() { Tampering::AsUsual } else { self.act(node, order, origin) }
    }

    /// Whether a node withholds every message from another: an owned peer from its victim.
    #[inline]
    pub fn withholds(&self, from: NodeId, to: NodeId) -> bool {
        self.eclipse.as_ref().is_some_and(|eclipse| eclipse.victim == to && eclipse.owns(from))
    }

    /// Who acts where a node's forward of an order that entered at `origin` is not as usual.
    pub fn actor(&self, node: NodeId, origin: NodeId) -> Option<Culprit> {
        match self.eclipse.as_ref().filter(|eclipse| eclipse.victim == origin && eclipse.owns(node)) {
            Some(_) => Some(Culprit::Eclipse),
            None => self.place_of_part(node).map(Culprit::Part),
        }
    }

    /// How many of the victim's peers are owned, where one is eclipsed.
    pub fn owned(&self) -> Option<usize> {
        self.eclipse.as_ref().map(|eclipse| eclipse.owned.len())
    }

    /// Which part a node has, by its place among those that are asked for, the eclipse left out.
    pub fn place_of_part(&self, node: NodeId) -> Option<usize> {
        if self.parts.is_empty() || self.spared == Some(node) {
            return None;
        }
        let drawn = self.key.with(PART).with(u64::from(node.0)).stream().next_word() >> 1;
        self.parts.iter().position(|(end, _)| drawn < *end)
    }

    /// Whether a node spies: it does as the protocol says, and notes from whom it first heard of each order.
    pub fn is_spy(&self, node: NodeId) -> bool {
        matches!(self.part(node), Some(PreparedRole::Spy))
    }

    /// What a node's part is called; `as-usual` for none. Who owns or is the victim of an eclipse has none by that.
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
        if self.eclipse.as_ref().is_some_and(|eclipse| eclipse.victim == origin && eclipse.owns(node)) {
            return Tampering::Drop;
        }
        let strikes = |chance: Probability| {
            let key = self.key.with(DROP).with(u64::from(order.0)).with(u64::from(node.0));
            chance.hits(key.stream().next_word())
        };
        match self.part(node) {
            Some(PreparedRole::Drop(chance)) if strikes(chance) => Tampering::Drop,
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

// The word that keeps the draws of the kinds apart; part of docs/DETERMINISM.md.
const PART: u64 = 1;
const DROP: u64 = 2;
const ECLIPSE: u64 = 3;
