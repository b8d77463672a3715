//! Which order enters where, and when: an open-loop schedule, drawn before the run.
//!
//! The schedule never waits for the system. A worker that is late publishes late, and the delay of an order counts from
//! the time it was due, so that a stall shows instead of hiding (coordinated omission, Tene 2013).

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Purpose, Stream};
use crate::time::Nanos;

/// The span whose orders come all at once under [`Arrivals::Burst`].
pub const BURST: Nanos = Nanos::from_millis(100);

/// An order's entry into the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Which order; orders are numbered as they are due.
    pub order: OrderIndex,
    /// At which node.
    pub origin: NodeId,
    /// When it is due, since the start of the schedule. The first is due at 0.
    pub due: Nanos,
}

/// How the times at which orders are due lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// At even distances.
    Constant,
    /// At exponential distances, as from many who know nothing of each other.
    Poisson,
    /// In bursts: what is due within each [`BURST`] at an even rate comes at its start.
    Burst,
}

/// Where orders enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origins {
    /// All at this node.
    One(NodeId),
    /// Each at a node of its own draw.
    Random,
}

/// What is published in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    publications: Vec<Publication>,
}

impl Workload {
    /// One order, at once.
    pub fn single(origin: NodeId) -> Workload {
        Workload { publications: vec![Publication { order: OrderIndex(0), origin, due: Nanos::ZERO }] }
    }

    /// `orders` orders over `nodes` nodes, `interval` apart on average.
    ///
    /// The draws are those of `(seed, Workload, order)` with one word more: 1 for the distance to the order before, 2 for
    /// the origin.
    pub fn bulk(seed: u64, orders: u32, nodes: u32, interval: Nanos, arrivals: Arrivals, origins: Origins) -> Workload {
        let key = Key::new(seed, Purpose::Workload);
        let mut due = Nanos::ZERO;
        let publications = (0..orders).map(|order| {
            let stream = |word: u64| key.with(u64::from(order)).with(word).stream();
            if order > 0 {
                due = next_due(due, order, interval, arrivals, stream(1));
            }
            let origin = match origins {
                Origins::One(node) => node,
                // Below `nodes`, so it fits.
                Origins::Random => NodeId(stream(2).below(u64::from(nodes)) as u32),
            };
            Publication { order: OrderIndex(order), origin, due }
        });
        Workload { publications: publications.collect() }
    }

    /// All publications, as they are due.
    pub fn publications(&self) -> &[Publication] {
        &self.publications
    }

    /// How many orders there are.
    pub fn orders(&self) -> u32 {
        self.publications.len() as u32
    }

    /// When the last order is due; 0 where there is none.
    pub fn last_due(&self) -> Nanos {
        self.publications.last().map_or(Nanos::ZERO, |publication| publication.due)
    }
}

fn next_due(before: Nanos, order: u32, interval: Nanos, arrivals: Arrivals, mut distance: Stream) -> Nanos {
    let even = Nanos(interval.0.saturating_mul(u64::from(order)));
    match arrivals {
        Arrivals::Constant => even,
        Arrivals::Poisson => before + Nanos(distance.exponential(interval.0)),
        Arrivals::Burst => Nanos(even.0 - even.0 % BURST.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Nanos = Nanos(1_000_000);

    fn bulk(arrivals: Arrivals, origins: Origins) -> Vec<Publication> {
        Workload::bulk(7, 10_000, 50, INTERVAL, arrivals, origins).publications
    }

    #[test]
    fn orders_are_numbered_as_they_are_due() {
        for arrivals in [Arrivals::Constant, Arrivals::Poisson, Arrivals::Burst] {
            let publications = bulk(arrivals, Origins::Random);
            assert!(publications.is_sorted_by_key(|publication| publication.due));
            assert!((0..).zip(&publications).all(|(order, publication)| publication.order.0 == order));
            assert_eq!(publications[0].due, Nanos::ZERO);
            // Ten thousand distances of a mean have a hundredth of it as the deviation of theirs; five either way.
            let span = publications[9_999].due.as_secs_f64();
            assert!((span - 10.0).abs() < 0.5, "{arrivals:?}: {span}");
        }
    }

    #[test]
    fn bursts_come_at_once() {
        let publications = bulk(Arrivals::Burst, Origins::One(NodeId(3)));
        assert!(publications[..100].iter().all(|publication| publication.due == Nanos::ZERO));
        assert!(publications[100..200].iter().all(|publication| publication.due == BURST));
        assert!(publications.iter().all(|publication| publication.origin == NodeId(3)));
    }

    #[test]
    fn random_origins_are_spread_over_all_nodes() {
        let mut counts = [0u32; 50];
        for publication in bulk(Arrivals::Constant, Origins::Random) {
            counts[publication.origin.index()] += 1;
        }
        // Binomial(10,000, 1/50): mean 200, standard deviation 14; five of them either way.
        assert!(counts.iter().all(|count| count.abs_diff(200) < 70), "{counts:?}");
    }

    #[test]
    fn the_longest_schedule_does_not_wrap() {
        let workload = Workload::bulk(1, 3, 1, Nanos::MAX, Arrivals::Constant, Origins::Random);
        assert_eq!(workload.last_due(), Nanos::MAX);
    }
}
