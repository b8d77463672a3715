//! The end of a run at its target if nodes come and go: the first instant by which each order has been held by the
//! requested share of the nodes that were up.
//!
//! Coverage then rises and falls with every receipt and with every node that goes down or comes up. Each shard lists
//! the shifts of its own nodes in a span; all shards add up how many there are, and look closer, part by part, only
//! where these could bring an order to its goal.

use super::EngineSetup;
use crate::ids::{NodeId, OrderIndex};
use crate::ratio::Ratio;
use crate::time::Nanos;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// The parts into which a span is divided to look closer.
const PARTS: u64 = 64;

/// The target of one run, as one shard knows it. What concerns all nodes is equal in all shards.
pub(super) struct MovingTarget<'a> {
    setup: &'a EngineSetup<'a>,
    share: Ratio,
    /// The next change of each node of this shard: its time, the node, and true if it comes up.
    changes: BinaryHeap<Reverse<(Nanos, NodeId, bool)>>,
    /// The first instant that is not examined yet. Instants here count from the end of the warm-up.
    from: Nanos,
    /// Nodes of all shards that are up.
    up: u64,
    /// The orders that have not had their target, ascending.
    open: Vec<OpenOrder>,
    /// The last of the instants at which the others had theirs.
    latest: Nanos,
    /// Room for the shifts of a span.
    shifts: Shifts,
}

/// An order that has not had its target.
#[derive(Clone, Copy, Debug)]
struct OpenOrder {
    order: OrderIndex,
    due: Nanos,
    /// Nodes of all shards that are up and hold the order.
    holders: u64,
}

/// The shifts of a shard's nodes in a span.
#[derive(Debug, Default)]
struct Shifts {
    /// Nodes that come up, or go down, by time.
    population: Vec<(Nanos, bool)>,
    /// Nodes that are up and begin to hold an order, or cease to, by order and time.
    holders: Vec<(OrderIndex, Nanos, bool)>,
}

/// The numbers of shifts in a span at the nodes of all shards.
#[derive(Clone, Copy, Debug)]
struct ShiftCounts {
    came: u64,
    went: u64,
    gained: u64,
    lost: u64,
}

/// A first receipt: the order, its time, and the node.
pub(super) type NodeReceipt = (OrderIndex, Nanos, NodeId);

impl<'a> MovingTarget<'a> {
    /// Creates the target of a run for the shard of these nodes; `None` if the target does not move. All shards call
    /// this together; `add_up` adds the counts of all of them.
    pub(super) fn new<E>(
        setup: &'a EngineSetup<'a>,
        nodes: Range<u32>,
        add_up: impl FnOnce(&mut [u64]) -> Result<(), E>,
    ) -> Result<Option<MovingTarget<'a>>, E> {
        let Some(share) = setup.moving_target else { return Ok(None) };
        let (mut changes, mut up) = (Vec::new(), [0]);
        for node in nodes.map(NodeId) {
            up[0] += u64::from(setup.faults.is_up(node, Nanos::ZERO));
            let next = setup.faults.changes(node, Nanos::ZERO).next();
            changes.extend(next.map(|(time, is_up)| Reverse((time, node, is_up))));
        }
        add_up(&mut up)?;
        let publications = setup.workload.publications().iter();
        let open = publications.map(|publication| OpenOrder {
            order: publication.order,
            due: publication.due.since(setup.warm_up),
            holders: 0,
        });
        Ok(Some(MovingTarget {
            setup,
            share,
            changes: changes.into(),
            from: Nanos::ZERO,
            up: up[0],
            open: open.collect(),
            latest: Nanos::ZERO,
            shifts: Shifts::default(),
        }))
    }

    /// Examines the instants up to `to`; returns the one at which the last order has its target, if it is among them.
    /// `fresh` are the first receipts at this shard's nodes since the last call; `received` returns the time of a
    /// node's first receipt. All shards call this together; `add_up` adds the counts of all of them.
    pub(super) fn advance<E>(
        &mut self,
        to: Nanos,
        fresh: impl Iterator<Item = NodeReceipt>,
        received: impl Fn(OrderIndex, NodeId) -> Nanos,
        mut add_up: impl FnMut(&mut [u64]) -> Result<(), E>,
    ) -> Result<Option<Nanos>, E> {
        if self.is_examined(to) {
            return Ok(None);
        }
        let warm_up = self.setup.warm_up;
        let to = to.since(warm_up);
        let active = self.open.partition_point(|order| order.due <= to);
        self.list_shifts(to, active, fresh, received);
        let mut counts = vec![0; 2 + 2 * active];
        for &(_, is_up) in &self.shifts.population {
            counts[usize::from(!is_up)] += 1;
        }
        for &(order, _, is_gain) in &self.shifts.holders {
            let place = self.open[..active].partition_point(|open| open.order < order);
            counts[2 + 2 * place + usize::from(!is_gain)] += 1;
        }
        add_up(&mut counts)?;
        let (came, went) = (counts[0], counts[1]);
        let mut found = Vec::new();
        for (place, of_order) in counts[2..].chunks_exact(2).enumerate() {
            let counts = ShiftCounts { came, went, gained: of_order[0], lost: of_order[1] };
            let OpenOrder { order, holders, .. } = self.open[place];
            let now = OrderCoverage { share: self.share, holders, up: self.up };
            if now.may_reach_goal(counts)
                && let Some(at) = self.shifts.first_at_goal(order, [self.from.0, to.0], now, &mut add_up)?
            {
                self.latest = self.latest.max(Nanos(at));
                found.push(order);
            }
            self.open[place].holders = now.after(counts).holders;
        }
        self.open.retain(|open| found.binary_search(&open.order).is_err());
        self.up = self.up + came - went;
        self.from = Nanos(to.0.saturating_add(1));
        Ok(self.open.is_empty().then(|| self.latest + warm_up))
    }

    /// Returns true if no instant up to `to` is left to examine.
    pub(super) fn is_examined(&self, to: Nanos) -> bool {
        to < self.setup.warm_up || to.since(self.setup.warm_up) < self.from
    }

    /// Lists the shifts at this shard's nodes up to `to`, of the first `active` of the open orders.
    fn list_shifts(
        &mut self,
        to: Nanos,
        active: usize,
        fresh: impl Iterator<Item = NodeReceipt>,
        received: impl Fn(OrderIndex, NodeId) -> Nanos,
    ) {
        let MovingTarget { setup, changes, open, shifts, .. } = self;
        let (open, Shifts { population, holders }) = (&open[..active], shifts);
        population.clear();
        holders.clear();
        while let Some(&Reverse((time, node, is_up))) = changes.peek().filter(|change| change.0.0 <= to) {
            changes.pop();
            let next = setup.faults.changes(node, time).next();
            changes.extend(next.map(|(time, is_up)| Reverse((time, node, is_up))));
            population.push((time, is_up));
            // A receipt at this very instant is listed for itself.
            let held = open.iter().filter(|open| received(open.order, node) < time + setup.warm_up);
            holders.extend(held.map(|open| (open.order, time, is_up)));
        }
        let fresh = fresh.map(|(order, time, node)| (order, time.since(setup.warm_up), node));
        let of_open = fresh.filter(|fresh| open.binary_search_by_key(&fresh.0, |open| open.order).is_ok());
        let up = of_open.filter(|&(_, time, node)| setup.faults.is_up(node, time));
        holders.extend(up.map(|(order, time, _)| (order, time, true)));
        population.sort_unstable();
        holders.sort_unstable();
    }
}

/// The coverage of an order at an instant.
#[derive(Clone, Copy, Debug)]
struct OrderCoverage {
    /// The share of the nodes that are up which makes the target.
    share: Ratio,
    holders: u64,
    up: u64,
}

impl OrderCoverage {
    /// Returns true if the nodes that hold the order are the share asked for; none of nobody is no share.
    fn is_at_goal(self) -> bool {
        self.holders >= self.share.ceil_of(self.up).max(1)
    }

    /// Returns true if these shifts might bring the order to its goal in some sequence.
    fn may_reach_goal(self, counts: ShiftCounts) -> bool {
        // A node that came within the span may have gone again.
        let up = self.up.saturating_sub(counts.went);
        OrderCoverage { holders: self.holders + counts.gained, up, ..self }.is_at_goal()
    }

    /// Returns the coverage after these shifts.
    fn after(self, ShiftCounts { came, went, gained, lost }: ShiftCounts) -> OrderCoverage {
        OrderCoverage { holders: self.holders + gained - lost, up: self.up + came - went, ..self }
    }
}

impl Shifts {
    /// Finds the first instant of a span, given by its first and its last one, at which an order is at its goal;
    /// `now` is its coverage before the span.
    fn first_at_goal<E>(
        &self,
        order: OrderIndex,
        [first, last]: [u64; 2],
        mut now: OrderCoverage,
        add_up: &mut impl FnMut(&mut [u64]) -> Result<(), E>,
    ) -> Result<Option<u64>, E> {
        let length = (last - first) / PARTS + 1;
        let parts = (0..=(last - first) / length).map(|part| first + part * length);
        let parts = parts.map(|begin| [begin, begin.saturating_add(length - 1).min(last)]);
        let mut counts: Vec<u64> = parts.clone().flat_map(|part| self.count(order, part)).collect();
        add_up(&mut counts)?;
        for (part, counts) in parts.zip(counts.chunks_exact(4)) {
            let counts = ShiftCounts { came: counts[0], went: counts[1], gained: counts[2], lost: counts[3] };
            if now.may_reach_goal(counts) {
                // All shifts of one instant take effect together.
                let found = match length {
                    1 => now.after(counts).is_at_goal().then_some(part[0]),
                    _ => self.first_at_goal(order, part, now, add_up)?,
                };
                if found.is_some() {
                    return Ok(found);
                }
            }
            now = now.after(counts);
        }
        Ok(None)
    }

    /// Counts the shifts at this shard's nodes in a span: nodes that came and went, holders gained and lost.
    fn count(&self, order: OrderIndex, [first, last]: [u64; 2]) -> [u64; 4] {
        let (first, last) = (Nanos(first), Nanos(last));
        let begin = self.population.partition_point(|shift| shift.0 < first);
        let end = self.population.partition_point(|shift| shift.0 <= last);
        let came = self.population[begin..end].iter().filter(|shift| shift.1).count();
        let went = end - begin - came;
        let begin = self.holders.partition_point(|shift| (shift.0, shift.1) < (order, first));
        let end = self.holders.partition_point(|shift| (shift.0, shift.1) <= (order, last));
        let gained = self.holders[begin..end].iter().filter(|shift| shift.2).count();
        let lost = end - begin - gained;
        [came, went, gained, lost].map(|count| count as u64)
    }
}
