//! What a run itself shows to be doubtful: queues that were full; orders that came over as many hops as they may, and went no
//! further; messages that left late.

mod overload;
mod unmet;
mod window;

pub(crate) use unmet::UnmetFaults;

use crate::analysis::RunContext;
use crate::message::TTL_MAX;
use crate::network::BandwidthSpec;
use crate::record::{AccessLinkRecord, DepartureDelays, End, ModelCounts, Receipts, RunRecord};
use crate::time::Nanos;

/// One first receipt in so many with the last hop is worth a word.
const NOTICEABLE: u64 = 100;

impl RunContext<'_> {
    /// Adds to a record what casts doubt on its figures, the most doubtful first.
    pub(crate) fn diagnose(&self, record: &mut RunRecord) {
        // Without a model in front of it a carrier takes much the same time for each message.
        let hops_are_equal = self.network.is_none_or(|network| network.constant().is_some());
        let doubt = self.binding_ttl(record, hops_are_equal);
        record.notices.extend(doubt);
        record.notices.extend(unmet::untouched(self.scenario, record));
        let overload = self.overload(record);
        record.overloaded = overload.is_some();
        let overloaded = overload.map(|overload| self.overloaded(record, &overload));
        // A window that bit comes first: it decides figures, and nobody may have asked for it.
        let first = self.narrow_window(record).into_iter().chain(overloaded);
        record.notices.splice(..0, first);
    }

    /// Says what the queues that were asked for dropped, and what would have done.
    pub(crate) fn overflow(&self, model: &ModelCounts, lines: &AccessLinkRecord, ended_at: Nanos) -> Option<String> {
        if model.uplink_dropped + model.dropped == 0 {
            return None;
        }
        let ways = || [lines.up, lines.down].into_iter().flatten();
        let percent = ways().map(|way| way.busiest.as_secs_f64()).fold(0.0, f64::max) * 100.0;
        let used = percent / ended_at.as_secs_f64().max(f64::MIN_POSITIVE);
        let wanted = ways().map(|way| way.offered_bytes).max().unwrap_or(0);
        let raise = match wanted {
            wanted if wanted <= BandwidthSpec::QUEUE_BYTES_MAX => format!(", or raise it to queue={wanted}B or more"),
            _ => String::new(),
        };
        let slower = if self.workload.orders() > 1 { ", or lower --rate" } else { "" };
        let messages = if model.uplink_dropped + model.dropped == 1 { "message was" } else { "messages were" };
        Some(format!(
            "The queues overflowed: {} {messages} dropped, {} of them at the lines out of their nodes, unsent, and {} at the lines \
             into nodes; the busiest line was used {used:.1} % of the time. Leave queue= out, so that bytes wait{raise}{slower}.",
            model.uplink_dropped + model.dropped,
            model.uplink_dropped,
            model.dropped,
        ))
    }

    /// Says that the TTL may have kept nodes from an order, or slowed it down. `hops_are_equal` where every hop takes as long, or
    /// nearly so: the target then comes by the shortest ways, so that a TTL that let it come has cut nothing before.
    pub(crate) fn binding_ttl(&self, record: &RunRecord, hops_are_equal: bool) -> Option<String> {
        let (reached, counted) = (record.reached(), record.counted());
        let last = receipts_with_hop(record, record.ttl);
        let is_said = self.forecast.notices.iter().any(|notice| notice.contains("--ttl"));
        let cut_nothing = record.end == End::Target && hops_are_equal;
        if last == 0 || last.saturating_mul(NOTICEABLE) < reached || reached == counted || is_said || cut_nothing {
            return None;
        }
        let tenths = (u128::from(last) * 1_000 / u128::from(reached.max(1))) as u64;
        let advice = match record.ttl {
            TTL_MAX => format!("No TTL exceeds {TTL_MAX}; an overlay with shorter ways does without."),
            ttl => format!("Ask for more, as --ttl {}, to see whether it does.", ttl.saturating_mul(2)),
        };
        Some(format!(
            "The TTL may bind: {}.{} % of the first receipts came with hop {}, the last that it allows, and were not forwarded. \
             {advice}",
            tenths / 10,
            tenths % 10,
            record.ttl
        ))
    }
}

/// Says that messages left a modelled network so late that times are the machine's as much as the model's.
pub(crate) fn lateness(departures: Option<&DepartureDelays>) -> Option<String> {
    let departures = departures.filter(|departures| departures.is_late())?;
    let (late, latency) = (departures.late.permille(990)?, departures.mean_latency()?);
    Some(format!(
        "Messages left the modelled network late: one in a hundred by {late} or more, where their mean latency is {latency}. Times \
         include that. Leave the cores to this run alone, or ask for less at a time; in virtual time no message is late."
    ))
}

/// How many first receipts, of all orders, came over so many hops, at the nodes that coverage counts.
fn receipts_with_hop(record: &RunRecord, hop: u8) -> u64 {
    if let Some(bulk) = &record.bulk {
        return bulk.hops.get(usize::from(hop)).copied().unwrap_or(0);
    }
    match &*record.counted_receipts() {
        Receipts::ByHop(by_hop) => by_hop.counts.get(usize::from(hop)).copied().unwrap_or(0),
        receipts => receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop == hop).count() as u64,
    }
}
