//! The workload: the order, node and time of each publication, as an open-loop schedule drawn before the run or listed
//! in a file.
//!
//! The schedule never waits for the system. A worker that is late publishes late, and the delay of an order counts from
//! the time at which it was due, so that a stall shows instead of hiding (coordinated omission, Tene 2013).
//!
//! Rejected alternative: a closed loop, in which the next order waits for the previous one, because it never loads the
//! system more than the system allows.

mod publication_list;
mod rate;

pub use publication_list::{ListLimits, ListedPublication, PublicationFault, PublicationList};
pub use rate::{ParseRateError, Rate};

use crate::ids::{NodeId, OrderIndex};
use crate::random::{Key, Purpose};
use crate::time::Nanos;
use serde::Serialize;
use std::ops::RangeInclusive;

/// The interval whose orders are all published at its start under [`Arrivals::Burst`].
pub const BURST: Nanos = Nanos::from_millis(100);

/// The words that separate the streams of `(seed, Workload, order)`; the order's own fields use the stream without a
/// further word.
const DISTANCE: u64 = 1;
const ORIGIN: u64 = 2;
const PAYLOAD: u64 = 3;

/// The publication of an order at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The order; orders are numbered as they are due.
    pub order: OrderIndex,
    /// The node at which it enters.
    pub origin: NodeId,
    /// The time at which it is due, since the start of the schedule. The first order is due at 0.
    pub due: Nanos,
}

/// The distribution of the times at which orders are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// At constant intervals.
    Constant,
    /// At exponentially distributed intervals, as from many independent publishers.
    Poisson,
    /// In bursts: the orders due within each 100 ms at a constant rate are all due at its start.
    Burst,
}

/// The nodes at which orders enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origins {
    /// All at this node.
    One(NodeId),
    /// Each at a node drawn for it.
    Random,
    /// Each at the node that its list of publications names.
    Listed,
}

/// The parameters of a bulk of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Number of orders.
    pub orders: u32,
    /// Mean rate in orders per second.
    pub rate: Rate,
    /// Distribution over time.
    pub arrivals: Arrivals,
    /// Nodes at which they enter.
    pub origins: Origins,
}

/// The publications of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    publications: Vec<Publication>,
}

impl Workload {
    /// Creates a workload of one order, due at 0.
    #[cfg(test)]
    pub fn single(origin: NodeId) -> Workload {
        Workload { publications: vec![Publication { order: OrderIndex(0), origin, due: Nanos::ZERO }] }
    }

    /// Creates orders that one node publishes at these times, the first of which is 0.
    #[cfg(test)]
    pub fn at(origin: NodeId, dues: &[Nanos]) -> Workload {
        let publications = (0..).map(OrderIndex).zip(dues);
        Workload { publications: publications.map(|(order, &due)| Publication { order, origin, due }).collect() }
    }

    /// Creates the schedule of a bulk over `nodes` nodes.
    pub fn bulk(seed: u64, nodes: u32, bulk: Bulk) -> Workload {
        let key = Key::new(seed, Purpose::Workload);
        let stream = |order: u32, word: u64| key.with(u64::from(order)).with(word).stream();
        // Intervals are summed in picoseconds: at a million orders a second one is only a thousand nanoseconds long.
        let mut passed_ps: u128 = 0;
        let publications = (0..bulk.orders).map(|order| {
            // The first order is due at 0 for every distribution.
            if order > 0 && bulk.arrivals == Arrivals::Poisson {
                passed_ps += u128::from(stream(order, DISTANCE).exponential(bulk.rate.distance_ps()));
            }
            let even = bulk.rate.due(order);
            let due = match bulk.arrivals {
                Arrivals::Constant => even,
                Arrivals::Poisson => Nanos(u64::try_from(passed_ps / 1_000).unwrap_or(u64::MAX)),
                Arrivals::Burst => Nanos(even.0 - even.0 % BURST.0),
            };
            let origin = match bulk.origins {
                Origins::One(node) => node,
                // Below `nodes`, so it fits into 32 bits.
                Origins::Random | Origins::Listed => NodeId(stream(order, ORIGIN).below(u64::from(nodes)) as u32),
            };
            Publication { order: OrderIndex(order), origin, due }
        });
        Workload { publications: publications.collect() }
    }

    /// Returns the same schedule, delayed by `by`.
    pub fn delayed(&self, by: Nanos) -> Workload {
        let delayed = |&publication: &Publication| Publication { due: publication.due + by, ..publication };
        Workload { publications: self.publications.iter().map(delayed).collect() }
    }

    /// Returns all publications as they are due.
    pub fn publications(&self) -> &[Publication] {
        &self.publications
    }

    /// Returns the number of orders.
    pub fn orders(&self) -> u32 {
        self.publications.len() as u32
    }

    /// Returns the time at which the last order is due; 0 if there is none.
    pub fn last_due(&self) -> Nanos {
        self.publications.last().map_or(Nanos::ZERO, |publication| publication.due)
    }
}

/// Draws the payload length of an order uniformly from `bytes`.
pub fn payload_bytes(seed: u64, order: OrderIndex, bytes: RangeInclusive<u32>) -> u32 {
    let span = u64::from(bytes.end().saturating_sub(*bytes.start())) + 1;
    let mut stream = Key::new(seed, Purpose::Workload).with(u64::from(order.0)).with(PAYLOAD).stream();
    // Below the length of the range, so it fits.
    bytes.start() + stream.below(span) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(arrivals: Arrivals, origins: Origins) -> Vec<Publication> {
        let rate = "1000/s".parse().unwrap();
        Workload::bulk(7, 50, Bulk { orders: 10_000, rate, arrivals, origins }).publications
    }

    #[test]
    fn orders_are_numbered_in_the_order_of_their_times() {
        for arrivals in [Arrivals::Constant, Arrivals::Poisson, Arrivals::Burst] {
            let publications = bulk(arrivals, Origins::Random);
            assert!(publications.is_sorted_by_key(|publication| publication.due));
            assert!((0..).zip(&publications).all(|(order, publication)| publication.order.0 == order));
            assert_eq!(publications[0].due, Nanos::ZERO);
            // The sum of ten thousand exponential intervals has a relative standard deviation of a hundredth; the bound
            // is five of them either way.
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
        // Binomial(10,000, 1/50): mean 200, standard deviation 14; the bound is five of them either way.
        assert!(counts.iter().all(|count| count.abs_diff(200) < 70), "{counts:?}");
    }

    #[test]
    fn payloads_stay_in_their_range_and_fill_it() {
        let drawn: Vec<u32> = (0..1_000).map(|order| payload_bytes(7, OrderIndex(order), 10..=14)).collect();
        assert!((10..=14).all(|bytes| drawn.contains(&bytes)));
        assert!(drawn.iter().all(|bytes| (10..=14).contains(bytes)));
        assert_eq!(payload_bytes(7, OrderIndex(0), 5..=5), 5);
    }

    /// The vectors in `docs/DETERMINISM.md`.
    #[test]
    fn a_schedule_is_as_specified() {
        let publications = bulk(Arrivals::Poisson, Origins::Random);
        let shown: Vec<_> = publications[..4].iter().map(|one| (one.due.0, one.origin.0)).collect();
        assert_eq!(shown, [(0, 27), (301_401, 34), (323_121, 21), (661_089, 27)]);
        let bytes: Vec<u32> = (0..4).map(|order| payload_bytes(7, OrderIndex(order), 0..=1_000)).collect();
        assert_eq!(bytes, [687, 971, 876, 568]);
    }
}
