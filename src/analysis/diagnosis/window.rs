//! What is said of a window that was too narrow.

use crate::analysis::RunContext;
use crate::record::RunRecord;
use crate::scenario::limits;

impl RunContext<'_> {
    /// Says that the window threw first copies away. In virtual time these are known. A real carrier knows only which copies were
    /// older than a window, and that no more nodes can be without an order for that reason than are without it.
    pub(super) fn narrow_window(&self, record: &RunRecord) -> Option<String> {
        let bulk = record.bulk.as_ref()?;
        let expired: u64 = record.workers.iter().map(|worker| worker.expired).sum();
        let behind = record.workers.iter().map(|worker| worker.expired_behind_max).max().unwrap_or(0);
        let first = record.workers.iter().map(|worker| worker.expired_first).sum::<Option<u64>>();
        let at_most = first.unwrap_or(expired.min(record.counted() - record.reached()));
        if at_most == 0 {
            return None;
        }
        let news = match first {
            Some(first) => format!("{first} of them news to their node"),
            None => format!("up to {at_most} of them news to their node"),
        };
        let wider = behind.saturating_add(1);
        let fits = self.scenario.transport.is_virtual()
            || wider <= limits::widest_window(self.scenario.nodes, self.workload.orders());
        let advice = match () {
            () if record.overloaded => "The queues of an overloaded machine made them late".to_owned(),
            () if fits => format!("Raise --window to {wider} or more"),
            () => "Lower --rate, or take fewer --nodes, so that a wider --window fits".to_owned(),
        };
        Some(format!(
            "The window of {} orders threw copies away: {expired} were older, {news}, and the oldest lay {behind} orders behind the \
             newest that its node had seen. {advice}.",
            bulk.window
        ))
    }
}
