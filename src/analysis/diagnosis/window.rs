//! The notice about a window that was too narrow.

use crate::analysis::RunContext;
use crate::record::{Notice, RunRecord, WindowRemedy};
use crate::scenario::limits;

impl RunContext<'_> {
    /// Reports that the window discarded first copies. In virtual time these are known. A real carrier knows only the
    /// copies that were older than a window, and that the nodes without an order for this reason are at most all nodes
    /// without it.
    pub(super) fn narrow_window(&self, record: &RunRecord) -> Option<Notice> {
        let bulk = record.bulk.as_ref()?;
        let expired: u64 = record.workers.iter().map(|worker| worker.expired).sum();
        let behind = record.workers.iter().map(|worker| worker.expired_behind_max).max().unwrap_or(0);
        let first = record.workers.iter().map(|worker| worker.expired_first).sum::<Option<u64>>();
        let at_most = first.unwrap_or(expired.min(record.counted().saturating_sub(record.reached())));
        if at_most == 0 {
            return None;
        }
        let wider = behind.saturating_add(1);
        let fits = self.scenario.carrier.transport.is_virtual()
            || wider <= limits::widest_window(self.scenario.overlay.nodes, self.workload.orders());
        let remedy = match fits {
            _ if record.overloaded => WindowRemedy::KeepUp,
            true => WindowRemedy::Widen(wider),
            false => WindowRemedy::AskForLess,
        };
        Some(Notice::WindowNarrow {
            window: bulk.window,
            expired,
            new_to_node: at_most,
            is_exact: first.is_some(),
            behind,
            remedy,
        })
    }
}
