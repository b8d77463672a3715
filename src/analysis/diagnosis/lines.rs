//! Signs that the orders of a bulk come faster than the nodes' access links carry them, in virtual time.
//!
//! How much a link was offered is not recorded. What it had carried by the end is no more than that, so a link counts
//! as overloaded if it was busy for longer than orders were published.

use crate::analysis::RunContext;
use crate::record::{Notice, RunRecord};
use crate::time::Nanos;
use crate::workload::Rate;

/// The rate from which advice names whole orders per second.
const WHOLE_FROM: f64 = 10.0;

impl RunContext<'_> {
    /// Reports that access links were offered more than they carry, in the direction with the busiest link. If they
    /// dropped messages for lack of room, that is reported in its place.
    pub(super) fn overloaded_links(&self, record: &RunRecord) -> Option<Notice> {
        let dropped = record.ledger.uplink_dropped + record.ledger.model_dropped;
        if !self.scenario.carrier.transport.is_virtual() || dropped > 0 {
            return None;
        }
        let published_for = self.published_for()?;
        let sides = [(true, &record.access_links.up), (false, &record.access_links.down)].into_iter();
        let limited = sides.filter_map(|(is_up, links)| Some((is_up, links.as_ref()?)));
        let (is_up, links) = limited.max_by_key(|(_, links)| links.busiest)?;
        let overloaded = links.used.iter().filter(|used| used.busy > published_for).count() as u64;
        let load = links.busiest.as_secs_f64() / published_for.as_secs_f64();
        (overloaded > 0).then(|| Notice::LinksOverloaded {
            is_up,
            overloaded,
            links: links.used.len() as u64,
            load,
            rate: self.rate_for(load).map(|rate| rate.to_string()),
        })
    }

    /// Returns the time for which the orders of a bulk were published: as many mean intervals as there are orders.
    /// `None` if all are due at once, or if there is no bulk.
    fn published_for(&self) -> Option<Nanos> {
        let publications = self.workload.publications();
        let (first, last) = (publications.first()?.due, publications.last()?.due);
        let (orders, intervals) = (publications.len() as u128, publications.len() as u128 - 1);
        let span = u128::from(last.since(first).0) * orders;
        let published_for = span.checked_div(intervals).and_then(|time| u64::try_from(time).ok()).map(Nanos);
        published_for.filter(|&time| time > Nanos::ZERO)
    }

    /// Returns a rate at which no link has a load above 1, given the load at the present rate; `None` if a file lists
    /// the times of the orders.
    fn rate_for(&self, load: f64) -> Option<Rate> {
        let bulk = self.scenario.workload.bulk.filter(|bulk| bulk.arrivals.is_some())?;
        let rate = bulk.rate.scaled(1_000, (load * 1_000.0).ceil() as u64);
        Some(if rate.as_f64() >= WHOLE_FROM { Rate::per_second(rate.as_f64() as u64) } else { rate })
    }
}
