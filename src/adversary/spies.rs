//! The first spy's guess: whoever told the first spy of an order is taken for its origin (Biryukov, Khovratovich, Pustogarov
//! 2014; the estimator that Dandelion, Fanti et al. 2018, is measured against).
//!
//! Spies pool what they hear. Where two hear at one time, the one with the lesser number counts as first, so that the guess is
//! the same on any number of threads.

use crate::ids::{NodeId, OrderIndex};
use crate::time::Nanos;

/// A spy's first copy of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// When it came.
    pub time: Nanos,
    /// To which spy.
    pub spy: NodeId,
    /// From whom.
    pub from: NodeId,
}

/// What the spies know: of each order the first sighting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstSpy {
    first: Vec<Option<Sighting>>,
}

/// How well the spies guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpyScore {
    /// The orders that were published.
    pub orders: u32,
    /// Those that any spy saw.
    pub seen: u32,
    /// Those of them whose origin was named right.
    pub right: u32,
}

impl FirstSpy {
    /// Knows nothing yet of this many orders.
    pub fn new(orders: u32) -> FirstSpy {
        FirstSpy { first: vec![None; orders as usize] }
    }

    /// Notes a copy that came to a spy. Orders out of range are nobody's.
    #[inline]
    pub fn see(&mut self, order: OrderIndex, sighting: Sighting) {
        if let Some(first) = self.first.get_mut(order.index()) {
            *first = Some(first.map_or(sighting, |known| known.min(sighting)));
        }
    }

    /// Takes over what others of the spies know.
    pub fn merge(&mut self, other: &FirstSpy) {
        for (order, sighting) in (0..).map(OrderIndex).zip(&other.first) {
            if let Some(sighting) = sighting {
                self.see(order, *sighting);
            }
        }
    }

    /// Whom the spies take for the origin of an order; `None` where none saw it.
    pub fn guess(&self, order: OrderIndex) -> Option<NodeId> {
        self.first.get(order.index()).copied().flatten().map(|sighting| sighting.from)
    }

    /// How often the guess is right, where `origin` knows.
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

impl SpyScore {
    /// The share of the published orders whose origin was named right; 0 where none was published.
    pub fn precision(&self) -> f64 {
        f64::from(self.right) / f64::from(self.orders.max(1))
    }
}
