//! The population to which the coverage of an order refers where nodes fail or come and go: the nodes that are up, at
//! each instant.
//!
//! A node keeps its orders while it is down. Coverage therefore moves with every first receipt and with every node that
//! goes down or comes up, and a share is reached at the first instant at which it is held. An engine whose run ends at
//! that instant counts as it computes (`engine/moving_target.rs`); here the whole rise is traced afterwards.

use crate::ids::NodeId;
use crate::network::Faults;
use crate::record::{CoverageCurve, Receipt};
use crate::sync::{Interrupt, Interrupted, Lookout};
use crate::time::Nanos;
use crate::workload::Publication;

/// The nodes, faults and publications that determine the population of each order.
pub(crate) struct Population<'a> {
    pub(crate) faults: &'a Faults,
    pub(crate) nodes: u32,
    /// The orders, sorted by due time.
    pub(crate) publications: &'a [Publication],
}

/// A node that goes down or comes up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PopulationChange {
    time: Nanos,
    node: NodeId,
    is_up: bool,
}

/// Cost of asking if a node is up, which may take some draws, in units of interruptible work.
const DRAW_UNITS: u64 = 4;

impl Population<'_> {
    /// Returns true if coverage counts all nodes, whatever happens.
    pub(crate) fn is_everybody(&self) -> bool {
        self.faults.all_up()
    }

    /// Returns for each node if coverage counts it at a time.
    pub(crate) fn at(&self, time: Nanos) -> Vec<bool> {
        (0..self.nodes).map(|node| self.faults.is_up(NodeId(node), time)).collect()
    }

    /// Counts the nodes that are up from the start, for faults under which no node comes or goes later.
    pub(crate) fn steady(&self, interrupt: &Interrupt) -> Result<u64, Interrupted> {
        if self.is_everybody() {
            return Ok(u64::from(self.nodes));
        }
        let (mut up, mut lookout) = (0, Lookout::new(interrupt));
        for node in 0..self.nodes {
            lookout.work(DRAW_UNITS)?;
            up += u64::from(self.faults.is_up(NodeId(node), Nanos::ZERO));
        }
        Ok(up)
    }

    /// Traces the rise of each order's coverage, in the sequence of the orders. `receipts` are those of order 0 by
    /// node, then those of order 1, and so on, up to `end`.
    pub(crate) fn curves(&self, receipts: &[Receipt], end: Nanos) -> impl Iterator<Item = CoverageCurve> {
        let (mut up, changes) = (self.at(Nanos::ZERO), self.changes(end));
        let mut passed = 0;
        let orders = receipts.chunks(self.nodes as usize).zip(self.publications);
        orders.map(move |(receipts, publication)| {
            while let Some(change) = changes.get(passed).filter(|change| change.time <= publication.due) {
                up[change.node.index()] = change.is_up;
                passed += 1;
            }
            rise(receipts, up.clone(), &changes[passed..], publication.due)
        })
    }

    /// Lists the nodes that go down or come up after the start and until `end`, by time.
    fn changes(&self, end: Nanos) -> Vec<PopulationChange> {
        if self.faults.is_steady() {
            return Vec::new();
        }
        let of = |node| {
            let changes = self.faults.changes(node, Nanos::ZERO).take_while(|&(time, _)| time <= end);
            changes.map(move |(time, is_up)| PopulationChange { time, node, is_up })
        };
        let mut changes: Vec<PopulationChange> = (0..self.nodes).map(NodeId).flat_map(of).collect();
        changes.sort_unstable();
        changes
    }
}

/// Traces the rise of an order's coverage from its `due` time, given the nodes that were `up` then and the later
/// `changes`.
fn rise(receipts: &[Receipt], mut up: Vec<bool>, changes: &[PopulationChange], due: Nanos) -> CoverageCurve {
    let reached = (0..).map(NodeId).zip(receipts).filter(|(_, receipt)| receipt.is_reached());
    let mut firsts: Vec<(Nanos, NodeId)> = reached.map(|(node, receipt)| (receipt.time, node)).collect();
    firsts.sort_unstable();
    let (mut firsts, mut changes) = (firsts.into_iter().peekable(), changes.iter().copied().peekable());
    let mut has = vec![false; receipts.len()];
    let mut count_up = up.iter().filter(|&&is_up| is_up).count() as u32;
    let (mut curve, mut holders, mut now) = (CoverageCurve::default(), 0, due);
    loop {
        // All events of one instant take effect together.
        while let Some((_, node)) = firsts.next_if(|&(time, _)| time <= now) {
            has[node.index()] = true;
            holders += u32::from(up[node.index()]);
        }
        while let Some(PopulationChange { node, is_up, .. }) = changes.next_if(|change| change.time <= now) {
            up[node.index()] = is_up;
            let of_them = u32::from(has[node.index()]);
            (count_up, holders) =
                if is_up { (count_up + 1, holders + of_them) } else { (count_up - 1, holders - of_them) };
        }
        curve.note(now, holders, count_up);
        let next = [firsts.peek().map(|first| first.0), changes.peek().map(|change| change.time)];
        match next.into_iter().flatten().min() {
            Some(next) if !curve.is_full() => now = next,
            _ => return curve,
        }
    }
}
