//! Whom the coverage of an order counts where nodes fail or come and go: those that are up when it is due, and at the end.
//!
//! The end is known only when the run has ended, and who has come or gone by then changes how many nodes make the target. Where that
//! can happen within a run that is to end at its target, the run is computed twice: once to its rest, from which the instant
//! follows at which the target is first met, and once up to that instant.

use crate::ids::NodeId;
use crate::network::Faults;
use crate::ratio::Ratio;
use crate::stats::Receipt;
use crate::time::Nanos;
use crate::workload::Publication;

/// What makes the crowd of each order.
pub(super) struct Crowd<'a> {
    pub(super) faults: &'a Faults,
    pub(super) nodes: u32,
    /// The orders.
    pub(super) publications: &'a [Publication],
}

/// What happens to an order's crowd at an instant: how many nodes it gains, and how many that have the order.
type Step = (Nanos, i64, i64);

impl Crowd<'_> {
    /// Whether coverage counts all nodes, whatever happens.
    pub(super) fn is_everybody(&self) -> bool {
        self.faults.all_up()
    }

    /// Whom the coverage of an order counts in a run that ends at `end`, by node.
    pub(super) fn of(&self, publication: &Publication, end: Nanos) -> Vec<bool> {
        // An order that is due after the end counts whom it would have then.
        let end = end.max(publication.due);
        (0..self.nodes).map(|node| self.faults.is_counted(NodeId(node), publication.due, end)).collect()
    }

    /// How many nodes are up from the start, where nobody comes or goes.
    pub(super) fn steady(&self) -> u64 {
        let up = (0..self.nodes).filter(|&node| self.faults.is_up(NodeId(node), Nanos::ZERO));
        if self.is_everybody() { u64::from(self.nodes) } else { up.count() as u64 }
    }

    /// When the last order first had this share of its crowd; `None` where any never had. `receipts` are those of order 0 by node,
    /// then those of order 1, and so on, up to `end`.
    pub(super) fn target_at(&self, receipts: &[Receipt], target: Ratio, end: Nanos) -> Option<Nanos> {
        let orders = receipts.chunks(self.nodes as usize).zip(self.publications);
        let times = orders.map(|(receipts, publication)| self.target_of(receipts, publication.due, target, end));
        times.collect::<Option<Vec<Nanos>>>()?.into_iter().max()
    }

    fn target_of(&self, receipts: &[Receipt], due: Nanos, target: Ratio, end: Nanos) -> Option<Nanos> {
        let mut steps: Vec<Step> = Vec::new();
        for (node, receipt) in (0..).map(NodeId).zip(receipts) {
            self.steps(node, receipt, due, end, &mut steps);
        }
        steps.sort_unstable();
        let (mut counted, mut reached) = (0_i64, 0_i64);
        for at_once in steps.chunk_by(|one, other| one.0 == other.0) {
            for &(_, node, has) in at_once {
                (counted, reached) = (counted + node, reached + has);
            }
            if reached.unsigned_abs() >= target.ceil_of(counted.unsigned_abs()).max(1) {
                return Some(at_once[0].0);
            }
        }
        None
    }

    /// What one node does to the crowd of an order.
    fn steps(&self, node: NodeId, receipt: &Receipt, due: Nanos, end: Nanos, steps: &mut Vec<Step>) {
        if !self.faults.is_up(node, due) {
            return;
        }
        steps.push((due, 1, 0));
        if receipt.is_reached() {
            steps.push((receipt.time, 0, 1));
        }
        let mut now = due;
        while let Some(change) = self.faults.next_change(node, now).filter(|&change| change <= end) {
            // A receipt of that very instant is counted by its own step.
            let sign = if self.faults.is_up(node, change) { 1 } else { -1 };
            let was_up = self.faults.is_up(node, now);
            if was_up != (sign == 1) {
                steps.push((change, sign, sign * i64::from(receipt.time < change)));
            }
            now = change;
        }
    }
}
