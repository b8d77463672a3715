//! The coverage of each order: the shared bitmap, and the counters over it with which one worker detects that a target
//! is reached.
//!
//! A worker marks its own nodes as it handles a batch and adds the whole batch to the shared counters at its end: one
//! contended addition per batch and order instead of one per mark.
//!
//! A node remembers a fixed number of orders up to the newest one it has seen, as IPsec's receivers do against replays
//! (RFC 6479): its bits are a ring of words, and a newer order clears those it moves into. An order from before the
//! window is expired: it is unknown whether the node had it, so it does not count as a first copy. If the window holds
//! all orders of a run, it never moves, and an order takes one bit per node.
//!
//! The position of each node's window is in `coverage/horizon.rs`, which virtual time uses as well. The bits of a
//! marker's nodes are in `coverage/dedup_window.rs`, in one version for a single order, whose marks are the innermost
//! loop of every measured benchmark, and one for many.

mod dedup_window;
mod horizon;

pub use dedup_window::{DedupWindow, SingleOrderWindow, SlidingWindow};
pub use horizon::{Horizon, WindowPosition};

use crate::ids::OrderIndex;
use crate::ratio::Ratio;
use crate::sync::{Arena, BitmapView, Counters, OwnedBitmap, Section, Threshold};
use crate::time::Nanos;

/// The shares of all nodes at which the time of an order is recorded, besides the target.
pub const MILESTONES: [Ratio; 3] =
    [Ratio::new(50, 100).unwrap(), Ratio::new(95, 100).unwrap(), Ratio::new(99, 100).unwrap()];

/// The index of the target among an order's times, after the milestones.
pub const TARGET: usize = MILESTONES.len();

/// The number of times recorded per order.
pub const TIMES: usize = MILESTONES.len() + 1;

/// The number of orders that a node can tell apart, up to the newest one that it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Orders that are told apart, the newest included.
    orders: u32,
    /// Bits per node.
    bits: u32,
    /// True if the window ever moves.
    slides: bool,
}

impl Window {
    /// Creates a window of `asked` orders for a run of `orders`; if `asked` is not smaller, it holds all of them.
    pub const fn new(orders: u32, asked: u32) -> Window {
        if orders <= asked {
            return Window { orders, bits: orders, slides: false };
        }
        // Whole words, plus one beyond the window, which is being filled.
        Window { orders: asked, bits: asked.next_multiple_of(u64::BITS) + u64::BITS, slides: true }
    }

    /// Returns the number of bits per node.
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// Returns the number of orders that a node can tell apart.
    pub const fn orders(self) -> u32 {
        self.orders
    }

    /// Returns true if there are more orders, so that some are pushed out.
    pub const fn slides(self) -> bool {
        self.slides
    }
}

/// The numbers of nodes at an order's milestones and its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goals([u64; TIMES]);

impl Goals {
    /// Computes the goals for `nodes` nodes: each share rounded up, at least one node.
    pub fn new(nodes: u32, target: Ratio) -> Goals {
        // At least one node, so that every goal is crossed by an addition and none is met before the first one.
        let of = |share: Ratio| share.ceil_of(u64::from(nodes)).max(1);
        let [half, most, nearly_all] = MILESTONES;
        Goals([of(half), of(most), of(nearly_all), of(target)])
    }

    /// Returns the number of nodes at each goal.
    pub fn ranks(&self) -> [usize; TIMES] {
        self.0.map(|goal| goal as usize)
    }

    /// Reorders the times at which batches crossed these goals to the order of the count. Workers read their clocks
    /// before they add, so a worker that adds later may have read its clock earlier, by at most a batch.
    pub fn in_order(&self, crossed: [Nanos; TIMES]) -> [Nanos; TIMES] {
        let before = |goal: u64| self.0.iter().zip(crossed).filter(move |&(&other, _)| other <= goal);
        let passed = |goal: u64, time: Nanos| before(goal).map(|(_, time)| time).fold(time, Nanos::max);
        std::array::from_fn(|i| if crossed[i] == Nanos::MAX { Nanos::MAX } else { passed(self.0[i], crossed[i]) })
    }
}

/// The state of an order at a node on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The first copy.
    New,
    /// A repeated copy: the node has the order.
    Duplicate,
    /// The order is older than the node's window.
    Expired {
        /// Distance behind the newest order that the node has seen, in orders.
        behind: u32,
    },
}

/// The dimensions of a run's coverage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Number of orders.
    pub orders: u32,
    /// The window of orders that a node can tell apart.
    pub window: Window,
    /// The numbers of nodes at each order's milestones and its target.
    pub goals: Goals,
}

/// The coverage of a run's orders.
pub struct Coverage {
    bitmap: OwnedBitmap,
    counters: Counters,
    /// The number of orders that have reached their target.
    reached_target: Threshold,
    window: Window,
    goals: Goals,
    orders: u32,
}

impl Coverage {
    /// Creates empty coverage for shards of the given sizes.
    pub fn new(
        arena: &mut Arena,
        shard_nodes: impl IntoIterator<Item = u32>,
        Scope { orders, window, goals }: Scope,
    ) -> Coverage {
        let bits = shard_nodes.into_iter().map(|nodes| nodes as usize * window.bits as usize);
        Coverage {
            bitmap: OwnedBitmap::new(arena, bits),
            counters: Counters::new(arena, orders as usize),
            reached_target: Threshold::new(arena, u64::from(orders)),
            window,
            goals,
            orders,
        }
    }

    /// Splits the coverage into a marker for each shard and a view for all other threads.
    ///
    /// # Panics
    ///
    /// If `K` is [`SingleOrderWindow`] and there is more than one order.
    pub fn split<K: DedupWindow>(&mut self) -> (CoverageView<'_>, Vec<Marker<'_, K>>) {
        let Coverage { bitmap, counters, reached_target, window, goals, orders } = self;
        let (bitmap, sections) = bitmap.split();
        let (counters, reached_target, window) = (&*counters, &*reached_target, *window);
        let (goals, orders) = (*goals, *orders);
        let markers = sections.into_iter().map(|section| Marker {
            dedup: K::new(section.bits() / (window.bits as usize).max(1), orders, window),
            section,
            counters,
            reached_target,
            goals,
        });
        (CoverageView { bitmap, counters, window }, markers.collect())
    }
}

/// A view of the coverage that is readable while workers mark it.
#[derive(Clone, Copy)]
pub struct CoverageView<'a> {
    bitmap: BitmapView<'a>,
    counters: &'a Counters,
    window: Window,
}

impl CoverageView<'_> {
    /// Returns the number of nodes covered, over all orders, as published by the workers.
    pub fn covered(&self) -> u64 {
        self.counters.sum()
    }

    /// Returns the number of marks in the bitmap, or `None` if a window can move, because marks are then cleared. After
    /// the workers have ended it equals [`CoverageView::covered`].
    pub fn marked(&self) -> Option<u64> {
        (!self.window.slides).then(|| self.bitmap.count())
    }
}

/// The exclusive right to mark one shard's nodes.
pub struct Marker<'a, K> {
    section: Section<'a>,
    counters: &'a Counters,
    reached_target: &'a Threshold,
    goals: Goals,
    dedup: K,
}

impl<K: DedupWindow> Marker<'_, K> {
    /// Marks an order as held by the shard's `local`-th node, and returns its previous state there.
    #[inline]
    pub fn mark(&mut self, local: u32, order: OrderIndex) -> Delivery {
        if let Err(behind) = self.dedup.make_room(&mut self.section, local, order) {
            return Delivery::Expired { behind };
        }
        if !self.section.mark(self.dedup.place(local, order)) {
            return Delivery::Duplicate;
        }
        self.dedup.note(order);
        Delivery::New
    }

    /// Returns true if the order would not be a first copy at the shard's `local`-th node.
    #[inline]
    pub fn knows(&self, local: u32, order: OrderIndex) -> bool {
        self.dedup.knows(local, order).unwrap_or_else(|| self.section.contains(self.dedup.place(local, order)))
    }

    /// Returns true if a node may forget an order that it had. Otherwise an order that it knows is one that it holds.
    pub fn forgets(&self) -> bool {
        self.dedup.forgets()
    }

    /// Prefetches the memory that says which orders the shard's `local`-th node knows.
    #[inline]
    pub fn prefetch(&self, local: u32, order: OrderIndex) {
        self.section.prefetch(self.dedup.place(local, order));
    }

    /// Returns true if the shard's `local`-th node has the order within its window, so that it has not forgotten it.
    pub fn holds(&self, local: u32, order: OrderIndex) -> bool {
        // A forgotten order is known but no longer held.
        self.dedup.knows(local, order).is_none() && self.section.contains(self.dedup.place(local, order))
    }

    /// Adds the marks since the last call to the shared counters; returns true for the one batch with which every order
    /// has reached its target. `crossed` is called for each time that this batch sets, with the order and an index
    /// below [`TIMES`].
    #[inline]
    pub fn publish(&mut self, mut crossed: impl FnMut(OrderIndex, usize)) -> bool {
        let Marker { counters, reached_target, goals, dedup, .. } = self;
        let mut is_last = false;
        dedup.drain(|order, fresh| {
            let before = counters.add(order.index(), fresh);
            for (time, &goal) in goals.0.iter().enumerate() {
                // Each addition returns the count before it, so exactly one batch sees a goal crossed, whatever the
                // interleaving.
                if before < goal && goal <= before + fresh {
                    crossed(order, time);
                    is_last |= time == TARGET && reached_target.add(1);
                }
            }
        });
        is_last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const ONE: OrderIndex = OrderIndex(0);

    fn percent(parts: u64) -> Ratio {
        Ratio::new(parts, 100).unwrap()
    }

    fn coverage(shards: [u32; 2], orders: u32, window: u32, target: Ratio) -> Coverage {
        let goals = Goals::new(shards.iter().sum(), target);
        let scope = Scope { orders, window: Window::new(orders, window), goals };
        Coverage::new(&mut Arena::heap(), shards, scope)
    }

    #[test]
    fn one_batch_crosses_the_target() {
        let mut coverage = coverage([4, 4], 1, 1_024, percent(60));
        let (view, mut markers) = coverage.split::<SingleOrderWindow>();
        for local in 0..4 {
            assert_eq!(markers[0].mark(local, ONE), Delivery::New);
            assert_eq!(markers[0].mark(local, ONE), Delivery::Duplicate);
        }
        let mut crossed = Vec::new();
        assert!(!markers[0].publish(|_, time| crossed.push(time)));
        assert_eq!(crossed, [0], "four of eight are half of them");
        markers[1].mark(0, ONE);
        markers[1].mark(3, ONE);
        assert_eq!((view.covered(), view.marked()), (4, Some(6)), "a mark counts when its batch is published");
        assert!(markers[1].publish(|_, time| crossed.push(time)));
        assert_eq!(crossed, [0, TARGET]);
        assert!(!markers[1].publish(|_, _| panic!("nothing is new")));
        assert_eq!((view.covered(), view.marked()), (6, Some(6)));
    }

    #[test]
    fn a_count_passes_its_goals_in_order() {
        let goals = Goals::new(100, percent(90));
        let crossed = [7, 5, u64::MAX, 6].map(Nanos);
        assert_eq!(goals.in_order(crossed), [7, 7, u64::MAX, 7].map(Nanos));
    }

    #[test]
    fn all_orders_must_reach_their_target() {
        let mut coverage = coverage([1, 1], 3, 1_024, percent(100));
        let (_, mut markers) = coverage.split::<SlidingWindow>();
        let mut last = Vec::new();
        for order in [2, 0, 1].map(OrderIndex) {
            for marker in &mut markers {
                marker.mark(0, order);
                last.push(marker.publish(|_, _| {}));
            }
        }
        assert_eq!(last, [false, false, false, false, false, true]);
    }

    #[test]
    fn an_order_from_before_the_window_is_expired() {
        let mut coverage = coverage([2, 0], 10_000, 64, percent(95));
        let (_, mut markers) = coverage.split::<SlidingWindow>();
        let marker = &mut markers[0];
        assert_eq!(marker.mark(1, OrderIndex(1_000)), Delivery::New);
        for (order, delivery, known) in [
            (1_000, Delivery::Duplicate, true),
            (937, Delivery::New, false),
            (937, Delivery::Duplicate, true),
            (936, Delivery::Expired { behind: 64 }, true),
            (5_000, Delivery::New, false),
            (1_000, Delivery::Expired { behind: 4_000 }, true),
        ] {
            assert_eq!(marker.knows(1, OrderIndex(order)), known, "{order}");
            assert_eq!(marker.mark(1, OrderIndex(order)), delivery, "{order}");
        }
        assert_eq!(marker.mark(0, OrderIndex(1)), Delivery::New, "each node has a window of its own");
    }

    proptest! {
        /// Compares a window with a node that remembers everything.
        #[test]
        fn no_order_is_delivered_twice(orders in prop::collection::vec(0..600u32, 1..400), window in 1..200u32) {
            let mut coverage = coverage([1, 0], 600, window, percent(95));
            let (_, mut markers) = coverage.split::<SlidingWindow>();
            let (mut seen, mut newest) = (BTreeSet::new(), 0);
            for order in orders {
                let knows = markers[0].knows(0, OrderIndex(order));
                let delivery = markers[0].mark(0, OrderIndex(order));
                prop_assert_eq!(knows, delivery != Delivery::New);
                match delivery {
                    Delivery::New => prop_assert!(seen.insert(order)),
                    Delivery::Duplicate => prop_assert!(seen.contains(&order)),
                    Delivery::Expired { behind } => prop_assert_eq!(behind, newest - 1 - order),
                }
                let is_expired = matches!(delivery, Delivery::Expired { .. });
                let is_outside = order + window < newest;
                prop_assert_eq!(is_expired, is_outside, "a window of {} holds no more and no less", window);
                newest = newest.max(order + 1);
            }
        }
    }
}
