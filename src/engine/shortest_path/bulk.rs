//! Many orders along shortest paths: each spreads as if it were alone, so that each is solved on one thread, and no
//! thread waits for another.
//!
//! Orders meet in one place only, the window of orders that a node tells apart: a copy that arrives after a node has
//! seen a much newer order is expired. Where that might happen, the orders are not independent, and [`run`] gives up.
//!
//! The end of the run is known once all orders are solved. It is never before the target of any order, so that an order
//! whose last message has arrived by then is final as soon as it is solved; the few others are solved once more, up to
//! the end. No receipt is kept: each order's are handed over and forgotten.

mod order_solver;

use crate::engine::digest::of_receipts;
use crate::engine::{EngineError, EngineOutcome, EngineSetup, OrderTraffic, RunTotals};
use crate::ids::{NodeId, OrderIndex};
use crate::protocol::FirstMessage;
use crate::record::{CompactReceipt, End, Receipts, Traffic, WorkerRecord};
use crate::sync::{Arena, Counters, Cursor};
use crate::threads::{Progress, WorkerSeat, WorkerThreads};
use crate::time::Nanos;
use crate::workload::Publication;
pub use order_solver::PLACES_TOGETHER;
use order_solver::{OrderSolver, SolvedOrder};
use std::convert::Infallible;

/// Takes the first receipts of each order of a bulk.
pub trait OrderReceipts: Sync {
    /// Takes the receipts of an order, by node and up to the end of the run. Each worker is one thread.
    fn take(&self, worker: usize, order: OrderIndex, receipts: &[CompactReceipt]);
}

/// The shared counts, by index.
const RECEIPTS: usize = 0;
const MESSAGES: usize = 1;
const DEPENDENT: usize = 2;

/// The share of a worker.
struct BulkShare {
    /// The last target of the orders that it has solved up to the time limit; `None` if one of them missed it.
    target: Option<Nanos>,
    /// The last event of these orders.
    last_event: Nanos,
    /// The orders that are final.
    counted: Vec<SolvedOrder>,
    /// Orders to be solved up to the end, once that is known.
    unsettled: Vec<Publication>,
    traffic: Vec<Traffic>,
    digest: u64,
    end: ShareEnd,
}

/// The reason why a worker has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ShareEnd {
    /// Nothing is left to do.
    Done,
    /// A copy of an order might come after the order that pushes it out of the window.
    Dependent,
    Interrupted,
}

/// Computes a bulk; `None` if its orders may meet in a node's window.
///
/// # Errors
///
/// [`EngineError`] if the system refuses threads.
pub(in crate::engine) fn run<P: FirstMessage>(
    setup: &EngineSetup<'_>,
    protocol: &P,
    taker: &dyn OrderReceipts,
) -> Result<Option<EngineOutcome>, EngineError> {
    let (workers, publications) = (setup.partition.workers(), setup.workload.publications());
    let progress = Counters::new(&mut Arena::heap(), 3);
    let bulk = BulkSetting { setup, taker, progress: &progress };
    let together = OrderSolver::orders_together(setup.topology.nodes());
    // In the sequence of their publication, so that an interrupt leaves out the last ones.
    let cursor = Cursor::new(publications.len(), together as usize);
    let threads = WorkerThreads { first: 0, cores: &setup.pinning.cores, give_up: &|| () };
    let shares = threads.run(0..workers, |WorkerSeat { worker, .. }, _| {
        setup.observer.loop_entered(worker);
        let share = bulk.solve_all(protocol, worker, &cursor, together);
        setup.observer.loop_left(worker);
        Ok::<BulkShare, Infallible>(share)
    })?;
    let mut shares: Vec<BulkShare> = shares.into_iter().map(|Ok(share)| share).collect();
    if shares.iter().any(|share| share.end == ShareEnd::Dependent) {
        return Ok(None);
    }
    let (mut end, mut at) = bulk.end(&shares);
    let unsettled: Vec<Publication> = shares.iter().flat_map(|share| share.unsettled.iter().copied()).collect();
    if !end.is_cut_short() && !unsettled.is_empty() {
        let cursor = Cursor::new(unsettled.len(), together as usize);
        let more = threads.run(0..workers, |WorkerSeat { worker, .. }, _| {
            Ok::<BulkShare, Infallible>(bulk.settle_all(protocol, worker, &unsettled, &cursor, (together, at)))
        })?;
        shares.extend(more.into_iter().map(|Ok(share)| share));
        if shares.iter().any(|share| share.end == ShareEnd::Interrupted) {
            (end, at) = bulk.end(&shares);
        }
    }
    Ok(Some(bulk.outcome(shares, end, at)))
}

/// The setting that all workers share.
struct BulkSetting<'a> {
    setup: &'a EngineSetup<'a>,
    taker: &'a dyn OrderReceipts,
    /// Receipts and messages of the orders that are final, and the workers that have found orders to depend on each
    /// other.
    progress: &'a Counters,
}

impl BulkSetting<'_> {
    /// Solves orders up to the time limit until none is left.
    fn solve_all<P: FirstMessage>(&self, protocol: &P, worker: usize, cursor: &Cursor, together: u32) -> BulkShare {
        let setup = self.setup;
        let (publications, deadline) = (setup.workload.publications(), setup.deadline());
        let mut share = BulkShare::new(setup.topology.nodes());
        let mut solver = OrderSolver::new(setup, together);
        // The run lasts until here at least, if all orders reach their target.
        let mut least_end = if setup.ends_at_target { setup.workload.last_due() } else { deadline };
        if setup.ends_at_target {
            // The targets of the last orders make nearly all others final at once; they are solved again in their turn.
            let last = &publications[publications.len().saturating_sub(together as usize)..];
            if solver.solve(protocol, last, deadline).is_err() {
                share.end = ShareEnd::Interrupted;
                return share;
            }
            least_end = latest_target(&solver.solved, deadline).max(least_end);
        }
        // Once orders turn out to depend on each other, no worker need solve any more.
        while let Some(part) = cursor.take().filter(|_| self.progress.count(DEPENDENT) == 0) {
            let published = &publications[part];
            if solver.solve(protocol, published, deadline).is_err() {
                share.end = ShareEnd::Interrupted;
                break;
            }
            least_end = latest_target(&solver.solved, deadline).max(least_end);
            for (slot, publication) in published.iter().enumerate() {
                let solved = solver.solved[slot];
                if self.may_expire(&solved) {
                    self.progress.add(DEPENDENT, 1);
                    share.end = ShareEnd::Dependent;
                    return share;
                }
                share.target = share.target.zip(solved.target_at()).map(|(last, target)| last.max(target));
                share.last_event = share.last_event.max(solved.last_event());
                if solved.last_event() <= least_end || least_end >= deadline {
                    self.count(&mut share, &mut solver, slot, worker);
                } else {
                    share.unsettled.push(*publication);
                }
            }
        }
        share
    }

    /// Solves these orders up to the end of the run.
    fn settle_all<P: FirstMessage>(
        &self,
        protocol: &P,
        worker: usize,
        unsettled: &[Publication],
        cursor: &Cursor,
        (together, end): (u32, Nanos),
    ) -> BulkShare {
        let mut share = BulkShare::new(self.setup.topology.nodes());
        let mut solver = OrderSolver::new(self.setup, together);
        while let Some(part) = cursor.take() {
            if solver.solve(protocol, &unsettled[part], end).is_err() {
                share.end = ShareEnd::Interrupted;
                break;
            }
            for slot in 0..solver.solved.len() {
                self.count(&mut share, &mut solver, slot, worker);
            }
        }
        share
    }

    /// Counts an order that is final, and hands its receipts over.
    fn count(&self, share: &mut BulkShare, solver: &mut OrderSolver<'_>, slot: usize, worker: usize) {
        let solved = solver.solved[slot];
        let receipts = solver.take(slot, &mut share.traffic);
        share.digest = share.digest.wrapping_add(of_receipts(solved.order, NodeId(0), receipts));
        self.taker.take(worker, solved.order, receipts);
        share.counted.push(solved);
        let reached = self.progress.add(RECEIPTS, solved.reached) + solved.reached;
        let messages = self.progress.add(MESSAGES, solved.received) + solved.received;
        if worker == 0 {
            self.setup.observer.progressed(&Progress { reached, time: solved.last_event(), messages });
        }
    }

    /// Returns true if a copy of the order may arrive after the publication of the first order that pushes it out of a
    /// node's window.
    fn may_expire(&self, solved: &SolvedOrder) -> bool {
        let window = self.setup.window;
        let next = u64::from(solved.order.0) + u64::from(window.orders());
        let newer = self.setup.workload.publications().get(next as usize).filter(|_| window.slides());
        newer.is_some_and(|newer| solved.last_event() >= newer.due)
    }

    /// Returns how and when the run ends, by all orders as they were solved up to the time limit.
    fn end(&self, shares: &[BulkShare]) -> (End, Nanos) {
        let deadline = self.setup.deadline();
        if shares.iter().any(|share| share.end == ShareEnd::Interrupted) {
            let counted = shares.iter().flat_map(|share| &share.counted).map(SolvedOrder::last_event).max();
            return (End::Interrupted, counted.unwrap_or_default().min(deadline));
        }
        let targets: Option<Vec<Nanos>> = shares.iter().map(|share| share.target).collect();
        let target = targets.and_then(|targets| targets.into_iter().max()).filter(|_| self.setup.ends_at_target);
        match (target, shares.iter().map(|share| share.last_event).max().unwrap_or_default()) {
            (Some(target), _) => (End::Target, target),
            (None, last) if last > deadline => (End::Timeout, deadline),
            (None, last) => (End::Quiescent, last),
        }
    }

    /// Merges the shares of all workers.
    fn outcome(&self, shares: Vec<BulkShare>, end: End, ended_at: Nanos) -> EngineOutcome {
        let nodes = self.setup.topology.nodes();
        let mut totals = RunTotals::none(self.setup.workload.orders() as usize);
        let mut traffic = vec![Traffic::default(); nodes as usize];
        let mut record = WorkerRecord { nodes, ..WorkerRecord::none() };
        for share in shares {
            for solved in share.counted {
                let SolvedOrder { order, reached, sent, received, lost, under_way, spared, .. } = solved;
                totals.by_order[order.index()] =
                    OrderTraffic { sent, received, lost, under_way, ..OrderTraffic::default() };
                record.reached += reached;
                record.sent += sent;
                record.received += received;
                // The origin has its order from nobody.
                record.duplicates += received - (reached - 1);
                record.spared += spared;
                record.model.lost += lost;
                record.carrier.drained += under_way;
            }
            totals.digest = totals.digest.wrapping_add(share.digest);
            traffic.iter_mut().zip(&share.traffic).for_each(|(sum, of_share)| sum.merge(of_share));
        }
        if end.is_cut_short() {
            totals.digest = 0;
        }
        totals.record = record;
        EngineOutcome { end, ended_at, totals, receipts: Receipts::Each(Vec::new()), traffic, is_rough: false }
    }
}

/// Returns the last target of these orders, or the time limit if one missed it: the run then goes on to its rest.
fn latest_target(solved: &[SolvedOrder], deadline: Nanos) -> Nanos {
    solved.iter().map(|solved| solved.target_at().unwrap_or(deadline)).max().unwrap_or_default()
}

impl BulkShare {
    fn new(nodes: u32) -> BulkShare {
        BulkShare {
            target: Some(Nanos::ZERO),
            last_event: Nanos::ZERO,
            counted: Vec::new(),
            unsettled: Vec::new(),
            traffic: vec![Traffic::default(); nodes as usize],
            digest: 0,
            end: ShareEnd::Done,
        }
    }
}
