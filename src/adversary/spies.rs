//! The first-spy estimator: the node that sent an order to the first spy is taken for its origin (Biryukov,
//! Khovratovich, Pustogarov 2014; the estimator that Dandelion, Fanti et al. 2018, is measured against).
//!
//! Spies pool their sightings. If two spies receive an order at the same time, the one with the lower number counts as
//! first, so that the guess does not depend on the number of threads.

use crate::ids::{NodeId, OrderIndex};
use crate::time::Nanos;

/// A spy's first copy of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Time of arrival.
    pub time: Nanos,
    /// The spy that received it.
    pub spy: NodeId,
    /// The node that sent it.
    pub from: NodeId,
}

/// The pooled knowledge of the spies: the first sighting of each order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstSpy {
    first: Vec<Option<Sighting>>,
}

/// The success of the spies' guesses, in orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpyScore {
    /// Orders published.
    pub orders: u32,
    /// Orders that any spy saw.
    pub seen: u32,
    /// Orders seen whose origin was guessed correctly.
    pub right: u32,
}

impl FirstSpy {
    /// Creates empty knowledge of `orders` orders.
    pub fn new(orders: u32) -> FirstSpy {
        FirstSpy { first: vec![None; orders as usize] }
    }

    /// Notes a copy that a spy received. Orders out of range are ignored.
    #[inline]
    pub fn see(&mut self, order: OrderIndex, sighting: Sighting) {
        if let Some(first) = self.first.get_mut(order.index()) {
            // The smallest by time, then spy, so that the order of the calls does not matter.
            *first = Some(first.map_or(sighting, |known| known.min(sighting)));
        }
    }

    /// Returns the guessed origin of an order, or `None` if no spy saw it.
    pub fn guess(&self, order: OrderIndex) -> Option<NodeId> {
        self.first.get(order.index()).copied().flatten().map(|sighting| sighting.from)
    }

    /// Counts the correct guesses; `origin` returns the true origin of an order.
    pub fn score(&self, origin: impl Fn(OrderIndex) -> NodeId) -> SpyScore {
        let mut score = SpyScore { orders: self.first.len() as u32, seen: 0, right: 0 };
        for order in (0..score.orders).map(OrderIndex) {
            if let Some(guess) = self.guess(order) {
                score.seen += 1;
                score.right += u32::from(guess == origin(order));
            }
        }
        score
    }
}
