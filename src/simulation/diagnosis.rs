//! What a run itself shows to be doubtful: queues that were full; orders that came over as many hops as they may, and went no
//! further; messages that left late.

use super::Runner;
use crate::message::TTL_MAX;
use crate::network::BandwidthSpec;
use crate::record::{AccessLinkRecord, DepartureDelays, End, ModelCounts, Receipts, RunRecord};
use crate::time::Nanos;

/// One first receipt in so many with the last hop is worth a word.
const NOTICEABLE: u64 = 100;

impl Runner<'_> {
    /// Says what the queues that were asked for dropped, and what would have done.
    pub(super) fn overflow(&self, model: &ModelCounts, lines: &AccessLinkRecord, ended_at: Nanos) -> Option<String> {
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
    pub(super) fn binding_ttl(&self, record: &RunRecord, hops_are_equal: bool) -> Option<String> {
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
pub(super) fn lateness(departures: Option<&DepartureDelays>) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use crate::ids::NodeId;
    use crate::network::Latency;
    use crate::record::RunRecord;
    use crate::scenario::{Draft, TransportKind, Ttl, Until};
    use crate::simulation::run;
    use crate::sync::Interrupt;
    use crate::time::Nanos;
    use crate::topology::TopologySpec;

    fn record(draft: Draft) -> RunRecord {
        let scenario = Draft { seed: Some(7), ..draft }.build().unwrap();
        run(&scenario, &Interrupt::new()).unwrap().remove(0)
    }

    fn doubts(record: &RunRecord) -> Vec<&String> {
        record.notices.iter().filter(|notice| notice.starts_with("The TTL may bind")).collect()
    }

    fn simulated(latency: Latency, ttl: u8, until: Until) -> Draft {
        Draft {
            transport: Some(TransportKind::Simulated),
            nodes: Some(5_000),
            latency: Some(latency.into()),
            ttl: Some(Ttl::Hops(ttl)),
            until: Some(until),
            ..Draft::default()
        }
    }

    const EQUAL: Latency = Latency::Constant(Nanos(50_000_000));
    const SPREAD: Latency = Latency::Uniform { least: Nanos(10_000_000), greatest: Nanos(100_000_000) };

    #[test]
    fn a_ttl_that_cuts_is_named() {
        // The mean field expects the target within six hops, and where latency is spread many first copies come over more.
        let cut = record(simulated(SPREAD, 6, Until::Quiescent));
        let last = cut.receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop == 6).count() as u64;
        let permille = last * 1_000 / cut.reached();
        let said = format!("{}.{} % of the first receipts came with hop 6", permille / 10, permille % 10);
        assert!(permille >= 10 && doubts(&cut).len() == 1 && doubts(&cut)[0].contains(&said), "{:?}", cut.notices);
        assert!(doubts(&cut)[0].ends_with("Ask for more, as --ttl 12, to see whether it does."));
        assert_eq!(doubts(&record(simulated(SPREAD, 40, Until::Quiescent))), Vec::<&String>::new());
    }

    #[test]
    fn a_target_that_came_by_the_shortest_ways_was_not_cut() {
        let on_time = record(simulated(EQUAL, 5, Until::Target));
        let last = on_time.receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop == 5).count() as u64;
        assert!(last * 100 >= on_time.reached() && on_time.reached() < 5_000);
        assert_eq!(doubts(&on_time), Vec::<&String>::new());
    }

    #[test]
    fn a_bulk_is_looked_at_over_all_orders() {
        let bulk = Draft { orders: Some(20), ..simulated(SPREAD, 6, Until::Quiescent) };
        assert_eq!(doubts(&record(bulk)).len(), 1);
    }

    #[test]
    fn plain_runs_and_what_was_said_before_are_left_alone() {
        for nodes in [10, 1_000] {
            let plain = Draft {
                transport: Some(TransportKind::Memory),
                nodes: Some(nodes),
                threads: Some(1),
                ..Draft::default()
            };
            assert_eq!(doubts(&record(plain)), Vec::<&String>::new(), "{nodes}");
        }
        // A ring of which six hops reach twelve: that was foreseen.
        let ring =
            Draft { topology: Some(TopologySpec::Ring), nodes: Some(100), ..simulated(EQUAL, 6, Until::Quiescent) };
        let ring = record(ring);
        assert!(ring.notices.iter().any(|notice| notice.starts_with("The target cannot come")), "{:?}", ring.notices);
        assert_eq!(doubts(&ring), Vec::<&String>::new());
        assert!(ring.receipts.get(NodeId(6)).is_reached());
    }
}
