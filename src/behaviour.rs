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

pub use error::BehaviourError;
pub use spec::{AdversarySpec, Part, PartSpec};
pub use spies::{FirstSpy, Sighting, SpyScore};

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Chance, Key, Purpose};
use crate::time::Nanos;
use crate::topology::NodeNames;

/// What becomes of a forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
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
pub enum Actor {
    /// The part with this place among those that are asked for, the eclipse left out.
    Part(usize),
    /// An owned peer of the victim, which the order comes from.
    Eclipse,
}

/// Who plays which part in one run.
#[derive(Clone, Debug)]
pub struct Behaviours {
    key: Key,
    spared: Option<NodeId>,
    /// Each part with the draw below which a node has it, counted from 0; ascending.
    parts: Vec<(Limit, Ready)>,
    eclipse: Option<Eclipse>,
}

/// The end of a part's range of draws, in 2^63.
type Limit = u64;

/// A part made ready to be asked.
#[derive(Clone, Copy, Debug)]
enum Ready {
    Drop(Chance),
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

impl Behaviours {
    /// Everybody does as the protocol says.
    pub fn none() -> Behaviours {
        let key = Key::new(0, Purpose::Behaviour);
        Behaviours { key, spared: None, parts: Vec::new(), eclipse: None }
    }

    /// The parts of the run with this seed over `nodes` nodes of these `names`; `peers` are asked for the victim of an eclipse. Node
    /// `spared` has no part.
    ///
    /// # Errors
    ///
    /// [`BehaviourError`] where a node is named that does not exist.
    pub fn new(
        spec: &AdversarySpec,
        seed: u64,
        nodes: u32,
        names: &NodeNames,
        peers: impl Fn(NodeId) -> Vec<NodeId>,
        spared: Option<NodeId>,
    ) -> Result<Behaviours, BehaviourError> {
        let key = Key::new(seed, Purpose::Behaviour);
        let mut behaviours = Behaviours { key, spared, parts: Vec::new(), eclipse: None };
        let named = |name, node| {
            let advice = || names.advice(&format!("{name}="), nodes);
            names.find(node, nodes).ok_or_else(|| BehaviourError::NoSuchNode { name, node, nodes, advice: advice() })
        };
        let mut end: u64 = 0;
        for PartSpec { share, part } in &spec.0 {
            let ready = match *part {
                Part::Drop { of } => Ready::Drop(Chance::of(of)),
                Part::Censor { origin } => Ready::Censor(named("origin", origin)?),
                Part::Delay { by } => Ready::Delay(by),
                Part::Flood { times } => Ready::Flood(times),
                Part::Spy => Ready::Spy,
                Part::Eclipse { victim } => {
                    let victim = named("victim", victim)?;
                    let (key, chance) = (key.with(ECLIPSE).with(u64::from(victim.0)), Chance::of(*share));
                    let mut owned = peers(victim);
                    owned.retain(|peer| chance.strikes(key.with(u64::from(peer.0)).stream().next_word()));
                    owned.sort_unstable();
                    behaviours.eclipse = Some(Eclipse { victim, owned });
                    continue;
                }
            };
            end = end.saturating_add(share.ceil_of(1 << 63));
            behaviours.parts.push((end, ready));
        }
        Ok(behaviours)
    }

    /// Whether everybody does as the protocol says.
    #[inline]
    pub fn is_none(&self) -> bool {
        self.parts.is_empty() && self.eclipse.is_none()
    }

    /// What becomes of a node's forward of an order that entered at `origin`.
    #[inline]
    pub fn forward(&self, node: NodeId, order: OrderIndex, origin: NodeId) -> Act {
        if self.is_none() { Act::AsUsual } else { self.act(node, order, origin) }
    }

    /// Whether a node withholds every message from another: an owned peer from its victim.
    #[inline]
    pub fn withholds(&self, from: NodeId, to: NodeId) -> bool {
        self.eclipse.as_ref().is_some_and(|eclipse| eclipse.victim == to && eclipse.owns(from))
    }

    /// Who acts where a node's forward of an order that entered at `origin` is not as usual.
    pub fn actor(&self, node: NodeId, origin: NodeId) -> Option<Actor> {
        match self.eclipse.as_ref().filter(|eclipse| eclipse.victim == origin && eclipse.owns(node)) {
            Some(_) => Some(Actor::Eclipse),
            None => self.place_of_part(node).map(Actor::Part),
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
        matches!(self.part(node), Some(Ready::Spy))
    }

    /// What a node's part is called; `as-usual` for none. Who owns or is the victim of an eclipse has none by that.
    pub fn name_of_part(&self, node: NodeId) -> &'static str {
        match self.part(node) {
            None => "as-usual",
            Some(Ready::Drop(_)) => "drop",
            Some(Ready::Censor(_)) => "censor",
            Some(Ready::Delay(_)) => "delay",
            Some(Ready::Flood(_)) => "flood",
            Some(Ready::Spy) => "spy",
        }
    }

    fn act(&self, node: NodeId, order: OrderIndex, origin: NodeId) -> Act {
        if self.eclipse.as_ref().is_some_and(|eclipse| eclipse.victim == origin && eclipse.owns(node)) {
            return Act::Drop;
        }
        let strikes = |chance: Chance| {
            let key = self.key.with(DROP).with(u64::from(order.0)).with(u64::from(node.0));
            chance.strikes(key.stream().next_word())
        };
        match self.part(node) {
            Some(Ready::Drop(chance)) if strikes(chance) => Act::Drop,
            Some(Ready::Censor(censored)) if censored == origin => Act::Drop,
            Some(Ready::Delay(by)) => Act::Delay(by),
            Some(Ready::Flood(times)) => Act::Flood(times),
            _ => Act::AsUsual,
        }
    }

    fn part(&self, node: NodeId) -> Option<Ready> {
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
