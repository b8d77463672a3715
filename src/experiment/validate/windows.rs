//! Orders that arrive after a node's window has passed them: as many as their arrival times imply, on every carrier.
//!
//! One node publishes, and the other has an order as soon as its one message arrives. An order that is overtaken by
//! more than the window is expired when it arrives. From each message's latency, the expired orders can be counted.

use super::{Bench, Case, EarlyEnd, simulated};
use crate::analysis::Estimate;
use crate::ids::{NodeId, OrderIndex};
use crate::network::Fate;
use crate::record::RunRecord;
use crate::scenario::{Draft, TransportKind, Ttl, WindowSize};
use crate::topology::TopologySpec;
use crate::workload::Rate;

const ORDERS: u32 = 400;
const WINDOW: u32 = 64;
const LATENCY: &str = "uniform:10ms..400ms";

/// Error of the share on real carriers, where a message leaves some time after it is due: with orders a millisecond
/// apart, a few percent then arrive in a different sequence at the edge of a window, and more beside other work.
const REAL_ERROR: f64 = 0.05;

pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    let Ok(latency) = LATENCY.parse() else { return Ok(()) };
    let draft = Draft {
        orders: Some(ORDERS),
        rate: Some(Rate::per_second(1_000)),
        window: Some(WindowSize::Orders(WINDOW)),
        latency: Some(latency),
        // The order goes no further, so nothing comes back to its origin.
        ttl: Some(Ttl::Hops(1)),
        ..simulated(TopologySpec::Complete, 2, 1)
    };
    for (transport, error) in [
        (TransportKind::Simulated, 0.0),
        (TransportKind::Memory, REAL_ERROR),
        (TransportKind::UdpShard, REAL_ERROR),
        (TransportKind::Udp, REAL_ERROR),
    ] {
        let draft = Draft { transport: Some(transport), ..draft.clone() };
        let expired = |record: &RunRecord| record.workers.iter().map(|worker| worker.expired).sum::<u64>();
        let runs = if transport.is_virtual() { 8 } else { 2 };
        let shares: Vec<f64> = bench.runs(&draft, runs, expired)?.into_iter().map(share).collect();
        let forms = (0..runs).map(|run| expired_orders(&draft, bench.seed(run)));
        let forms: Vec<f64> = forms.collect::<Result<Vec<u64>, EarlyEnd>>()?.into_iter().map(share).collect();
        let (form, measured) = (Estimate::mean(&forms), Estimate::mean(&shares));
        // Runs differ from each other by far more than a run from its own form.
        let off: Vec<f64> = shares.iter().zip(&forms).map(|(measured, form)| measured - form).collect();
        let estimate = Estimate { standard_error: Estimate::mean(&off).standard_error, ..measured };
        let name = serde_json::to_value(transport).ok().and_then(|name| name.as_str().map(str::to_owned));
        let case = format!("{}, 2 nodes, window {WINDOW}: share expired", name.unwrap_or_default());
        bench.judge(Case::new("Windows", case, (form.measured, error), estimate), &draft)?;
    }
    Ok(())
}

fn share(orders: u64) -> f64 {
    orders as f64 / f64::from(ORDERS)
}

/// Returns the number of orders that arrive at node 1 after one that is newer by `WINDOW` or more.
fn expired_orders(draft: &Draft, seed: u64) -> Result<u64, EarlyEnd> {
    let scenario = Draft { seed: Some(seed), ..draft.clone() }.build()?;
    let network = scenario.network.as_ref().map(|network| network.build(seed)).transpose();
    let Some(network) = network.map_err(crate::simulation::SimulationError::from)? else { return Ok(0) };
    let mut arrivals: Vec<(u64, u32)> = Vec::new();
    for publication in scenario.workload().publications() {
        let OrderIndex(order) = publication.order;
        if let Fate::Arrives(latency) =
            network.outgoing_links(publication.order, NodeId(0)).at(publication.due).fate(NodeId(1), 0)
        {
            arrivals.push(((publication.due + latency).0, order));
        }
    }
    arrivals.sort_unstable();
    let (mut newest, mut expired) = (0, 0);
    for (_, order) in arrivals {
        newest = newest.max(order);
        expired += u64::from(order + WINDOW <= newest);
    }
    Ok(expired)
}
