//! Doubts that a run itself gives rise to: full queues, first receipts at the last hop that the TTL allows, late
//! departures, sizes without effect.

mod lines;
mod overload;
mod size;
mod unmet;
mod window;

pub(crate) use unmet::UnmetFaults;

use crate::analysis::RunContext;
use crate::message::TTL_MAX;
use crate::network::BandwidthSpec;
use crate::record::{AccessLinkRecord, DepartureDelays, End, ModelCounts, Notice, RunRecord};
use crate::time::Nanos;

/// The TTL is worth a notice if at least one first receipt in this many has the last hop.
const NOTICEABLE: u64 = 100;

impl RunContext<'_> {
    /// Adds notices that cast doubt on the record's figures, the most doubtful first.
    pub(crate) fn diagnose(&self, record: &mut RunRecord) {
        // Without a modelled network a carrier takes about the same time for each message.
        let hops_are_equal = self.network.is_none_or(|network| network.constant().is_some());
        let overload = self.overload(record);
        record.overloaded = overload.is_some();
        let window = self.narrow_window(record);
        let ttl = self.binding_ttl(record, hops_are_equal);
        let untouched = unmet::untouched(self.scenario, record);
        let size = self.early_retry(record).into_iter().chain(self.weightless_orders(record));
        let doubts = overload.into_iter().chain(self.overloaded_links(record)).chain(ttl);
        record.notices.extend(window.into_iter().chain(doubts).chain(size).chain(untouched));
        record.notices.sort_by_key(Notice::priority);
    }

    /// Reports the messages that the queues dropped, and the queue that would have held them.
    pub(crate) fn overflow(
        &self,
        model: &ModelCounts,
        access_links: &AccessLinkRecord,
        ended_at: Nanos,
    ) -> Option<Notice> {
        if model.uplink_dropped + model.dropped == 0 {
            return None;
        }
        let sides = || [&access_links.up, &access_links.down].into_iter().flatten();
        let percent = sides().map(|side| side.busiest.as_secs_f64()).fold(0.0, f64::max) * 100.0;
        let used = percent / ended_at.as_secs_f64().max(f64::MIN_POSITIVE);
        let wanted = sides().map(|side| side.offered_bytes).max().unwrap_or(0);
        Some(Notice::QueuesOverflowed {
            uplink_dropped: model.uplink_dropped,
            downlink_dropped: model.dropped,
            busiest_percent: used,
            queue_bytes: (wanted <= BandwidthSpec::QUEUE_BYTES_MAX).then_some(wanted),
            has_rate: self.workload.orders() > 1,
        })
    }

    /// Reports that the TTL may have kept nodes from an order, or delayed it. `hops_are_equal` is true if all hops take
    /// the same time, or nearly so: the target is then reached over the shortest paths, so a TTL that let it be reached
    /// cut off nothing before.
    pub(crate) fn binding_ttl(&self, record: &RunRecord, hops_are_equal: bool) -> Option<Notice> {
        let (reached, counted) = (record.reached(), record.counted());
        let last = receipts_with_hop(record, record.ttl);
        let is_said = self.forecast.notices.iter().any(Notice::raises_ttl);
        let cut_nothing = record.end == End::Target && hops_are_equal;
        if last == 0 || last.saturating_mul(NOTICEABLE) < reached || reached == counted || is_said || cut_nothing {
            return None;
        }
        Some(Notice::TtlBinds {
            permille: (u128::from(last) * 1_000 / u128::from(reached.max(1))) as u64,
            ttl: record.ttl,
            raise_to: (record.ttl < TTL_MAX).then(|| record.ttl.saturating_mul(2)),
        })
    }
}

/// Reports that messages left a modelled network so late that times are the machine's as much as the model's.
pub(crate) fn lateness(departures: Option<&DepartureDelays>) -> Option<Notice> {
    let departures = departures.filter(|departures| departures.is_late())?;
    let (late, latency) = (departures.late.permille(990)?, departures.mean_latency()?);
    Some(Notice::DeparturesLate { late, latency })
}

/// Counts the first receipts of all orders with this hop, at the nodes that coverage counts.
fn receipts_with_hop(record: &RunRecord, hop: u8) -> u64 {
    if let Some(bulk) = &record.bulk {
        return bulk.hops.get(usize::from(hop)).copied().unwrap_or(0);
    }
    record.counted_with_hop(hop)
}
