//! Waits at a server, and the capacity of an access link.
//!
//! Orders that enter at the leaves of a star in a Poisson stream, and go no further than its hub, are customers of one
//! server with a constant service time s: M/D/1, whose mean wait at load rho is rho s / (2 (1 - rho)) (Khinchine,
//! Pollaczek). With a thousand leaves few orders enter at the hub itself, and those are excluded.

use super::{Bench, Case, EarlyEnd, simulated};
use crate::analysis::{Estimate, Statistic};
use crate::experiment::knee::{KneeQuestion, find_knee};
use crate::ids::NodeId;
use crate::network::{HEADER_BYTES, Latency};
use crate::record::{RunRecord, Traffic};
use crate::scenario::{Draft, OriginsKind, PayloadBytes, Ttl, Until};
use crate::simulation::Program;
use crate::time::Nanos;
use crate::topology::TopologySpec;
use crate::workload::{Arrivals, Rate};
use std::path::PathBuf;

const LEAVES: u32 = 1_000;
const ORDERS: u32 = 20_000;

/// Service time at the hub.
const SERVICE: Nanos = Nanos::from_millis(1);
/// Latency of an order to the hub.
const LATENCY: Nanos = Nanos::from_millis(50);

/// Orders in a batch. Successive waits are correlated, over some hundred orders at the greatest load. Means over
/// batches much longer than that are not, so their scatter gives the error of the mean.
const BATCH: usize = 2_000;

/// Orders excluded at the start, because the queue starts empty and takes a while to reach its steady state.
const WARM_UP: usize = 2_000;

const REPLICATES: u32 = 8;

pub(super) fn cases(bench: &Bench<'_>) -> Result<(), EarlyEnd> {
    for percent in [30, 60, 90] {
        waits(bench, percent)?;
    }
    for lines in [
        "up=1mbit,down=100mbit",
        "up=1mbit,down=100mbit,queue=64KiB",
        "up=1mbit,down=1mbit,queue=8KiB",
        "up=1mbit,down=100mbit,share=fair",
    ] {
        carried(bench, lines)?;
    }
    for limit_ms in [300, 1_000, 3_000] {
        ceiling(bench, limit_ms)?;
    }
    Ok(())
}

fn waits(bench: &Bench<'_>, percent: u64) -> Result<(), EarlyEnd> {
    let draft = Draft {
        processing: Some(SERVICE),
        orders: Some(ORDERS),
        // A server with a service time of a millisecond is saturated at a thousand orders a second.
        rate: Some(Rate::per_second(10 * percent)),
        arrivals: Some(Arrivals::Poisson),
        origins: Some(OriginsKind::Random),
        peers: None,
        ttl: Some(Ttl::Hops(1)),
        ..simulated(TopologySpec::Star, LEAVES + 1, 1)
    };
    let batches = bench.runs(&draft, bench.replicates(REPLICATES).min(REPLICATES), batch_means)?;
    let load = percent as f64 / 100.0;
    let form = SERVICE.0 as f64 / 1e3 * load / (2.0 * (1.0 - load));
    let case = format!("M/D/1 at a star's hub, load {load}: mean wait, in μs");
    // The hub's own orders, one in a thousand, are missing from its load.
    let error = form / (1.0 - load) / f64::from(LEAVES);
    let estimate = Estimate::mean(&batches.concat());
    bench.judge(Case::new("Waits", case, (form, error), estimate), &draft)
}

/// Checks a bulk that exceeds its uplinks' capacity: no node sends more bytes, headers included, than rate x time.
fn carried(bench: &Bench<'_>, lines: &str) -> Result<(), EarlyEnd> {
    let Ok(bandwidth) = lines.parse() else { return Ok(()) };
    let draft = Draft {
        bandwidth: Some(bandwidth),
        latency: Some(Latency::Constant(Nanos::from_millis(20)).into()),
        payload_bytes: Some(PayloadBytes::exactly(1_000)),
        orders: Some(500),
        rate: Some(Rate::per_second(1_000)),
        origins: Some(OriginsKind::Random),
        peers: Some(20),
        until: Some(Until::Target),
        ..simulated(TopologySpec::ErdosRenyi, 100, 8)
    };
    let excess = bench.runs(&draft, bench.replicates(8).min(8), |record| {
        let bytes = |traffic: &Traffic| traffic.bytes_out + u64::from(HEADER_BYTES) * traffic.sent;
        let most = record.traffic.iter().map(bytes).max().unwrap_or(0) as f64;
        // A megabit a second is an eighth of a byte per microsecond.
        (most - record.elapsed.0 as f64 / 8e3).max(0.0)
    })?;
    let case = format!("{lines}: bytes over");
    bench.judge(Case::new("Lines", case, (0.0, 0.0), Estimate::mean(&excess)), &draft)
}

/// Checks no knee lies above the capacity of the origin's uplink, whatever delay is allowed.
fn ceiling(bench: &Bench<'_>, limit_ms: u64) -> Result<(), EarlyEnd> {
    const LINES: &str = "up=200kbit,queue=4GiB";
    let Ok(bandwidth) = LINES.parse() else { return Ok(()) };
    let draft = Draft {
        seed: Some(bench.seed(0)),
        bandwidth: Some(bandwidth),
        latency: Some(Latency::Constant(Nanos::from_millis(20)).into()),
        rate: Some(Rate::per_second(20)),
        peers: Some(20),
        ..simulated(TopologySpec::ErdosRenyi, 40, 8)
    };
    let limit = Nanos::from_millis(limit_ms);
    let asked = KneeQuestion { draft, limit, span: None, least: None, most: None, precision_percent: 5 };
    let search = asked.prepare()?;
    // The scenario has one process, so no program is started.
    let program = Program { path: PathBuf::new(), arguments: Vec::new() };
    // Its runs follow each other.
    let permit = bench.permits.take();
    let knee = find_knee(&search, bench.interrupt, &program, |_| ())?;
    drop(permit);
    if knee.interrupted {
        return Err(EarlyEnd::Interrupted);
    }
    // 8 copies per order, each of 56 bytes and 28 of UDP and IPv4.
    let carried = 200_000.0 / f64::from(8 * 8 * (56 + HEADER_BYTES));
    // If no rate holds, the result agrees with nothing.
    let excess = knee.rate.map_or(f64::NAN, |rate| (rate.as_f64() / carried - 1.0).max(0.0));
    let estimate = Estimate { statistic: Statistic::Mean, runs: 1, measured: excess, standard_error: 0.0 };
    let case = format!("{LINES}, knee within {limit_ms} ms: rate over");
    bench.take(Case::new("Lines", case, (0.0, 0.0), estimate));
    Ok(())
}

/// Returns the mean waits, in microseconds, of batches of orders at the hub of one run.
fn batch_means(record: &RunRecord) -> Vec<f64> {
    let orders = record.bulk.iter().flat_map(|bulk| &bulk.orders).filter(|order| order.origin != NodeId(0));
    let waits = orders.skip(WARM_UP).filter_map(|order| order.time_to_end?.0.checked_sub(SERVICE.0 + LATENCY.0));
    let waits: Vec<f64> = waits.map(|wait| wait as f64 / 1e3).collect();
    waits.chunks_exact(BATCH).map(|batch| batch.iter().sum::<f64>() / BATCH as f64).collect()
}
