//! The guards of two implementations of Plumtree: what their own simulations must keep.

use super::bench::{RowBench, column, figures, file_of, kind, redundancy, setup, tally};
use super::figure::Tolerance;
use crate::experiment::seeded_runs::EarlyEnd;
use crate::random::{Key, Purpose};
use crate::record::RunRecord;
use tempfile::NamedTempFile;

/// Measures Plumtree over HyParView as in Sobral's runs: one timer of one hop, so that more than half of the nodes
/// graft. An order that comes at the instant of the timer is in time there; here a timer comes first, and is a
/// microsecond longer.
pub(super) fn sobral(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    const ORDERS: u32 = 300;
    for (nodes, active, passive, shuffled, replicates, published) in [
        (500, 4, 24, [2, 4], 5, [1.996, 0.908, 225.6, 773.0, 12.8, 6.95]),
        (1_000, 4, 24, [2, 4], 5, [1.996, 0.914, 455.0, 1_543.0, 14.3, 7.83]),
        (5_000, 5, 30, [3, 5], 5, [2.994, 1.221, 3_040.0, 11_931.0, 15.2, 8.56]),
    ] {
        let [of_active, of_passive] = shuffled;
        let draft = setup(&format!(
            "protocol = 'plumtree,graft-timeout-1=1001us,graft-timeout-2=500us,optimization-threshold=3\
             @hyparview,active-view-capacity={active},passive-view-capacity={passive},\
             shuffle-active-view-count={of_active},shuffle-passive-view-count={of_passive},settle-time=50s'\n\
             nodes = {nodes}\nlatency = '1ms'\njoin-time = '200s'\norders = {ORDERS}\nrate = '2/s'\norigins = 'random'"
        ))?;
        let runs = bench.records(&draft, replicates, figures_of_sobral)?;
        let metrics = ["RMR of the first order", "RMR", "GRAFTs an order", "IHAVEs an order", "LDH", "hops"];
        let by_mean = Tolerance::Percent(7.0);
        let one = Tolerance::PlusMinus(1.0);
        let tolerances = [Tolerance::PlusMinus(0.01), by_mean, by_mean, by_mean, one, one];
        for (place, ((metric, published), tolerance)) in metrics.into_iter().zip(published).zip(tolerances).enumerate()
        {
            bench.take(&format!("{metric}, N = {nodes}"), (published, tolerance), &column(&runs, place), None);
        }
        bench.take(&format!("share reached, N = {nodes}"), (1.0, Tolerance::Exact), &column(&runs, 6), None);
    }
    Ok(())
}

/// Returns the redundancy of the first order, the mean one, GRAFT and IHAVE messages an order, the mean of the orders'
/// last hops, the mean hops, and the share reached.
fn figures_of_sobral(record: &RunRecord) -> [f64; 7] {
    let orders = record.bulk.as_ref().map_or(&[][..], |bulk| &bulk.orders);
    let first = orders.first().map_or(f64::NAN, |order| order.sent as f64 / f64::from(record.nodes - 1) - 1.0);
    let an_order = |messages: f64| messages / orders.len() as f64;
    let [grafts, ihave] = [an_order(tally(record, "grafts")), an_order(kind(record, "ihave"))];
    let [redundancy, ldh, hops, reached] = figures(record, ["rmr", "ldh", "hops_mean", "reached"]);
    [first, redundancy, grafts, ihave, ldh, hops, reached]
}

/// Measures the bounds of iroh-gossip: redundancy, hops and nobody left out, with one sender, random ones, and all at
/// once.
pub(super) fn iroh_guards(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    const NODES: u32 = 100;
    let orders = |origins: &str| format!("orders = 30\nrate = '1/s'\norigins = '{origins}'");
    let mut bursts = String::from("time,origin,bytes\n");
    for round in 0..5 {
        (0..NODES).for_each(|origin| bursts += &format!("{round}s,{origin},0\n"));
    }
    let bursts = file_of(&bursts)?;
    let of_file = format!("publications = '{}'", bursts.path().display());
    for (name, workload, rmr_max, ldh_max) in [
        ("one sender", orders("one"), 0.2, 15.0),
        ("random senders", orders("random"), 1.0, 18.0),
        ("all at once, 5 rounds", of_file, 3.0, 30.0),
    ] {
        let draft = setup(&format!(
            "protocol = 'plumtree:iroh@hyparview:iroh'\nnodes = {NODES}\njoin-time = '10s'\n\
             latency = 'link:uniform:10ms..100ms'\n{workload}"
        ))?;
        let runs = bench.records(&draft, 10, |record| figures(record, ["rmr", "ldh", "reached"]))?;
        bench.take(&format!("RMR, {name}"), (rmr_max, Tolerance::Below), &column(&runs, 0), None);
        bench.take(&format!("LDH, {name}"), (ldh_max, Tolerance::Below), &column(&runs, 1), None);
        bench.take(&format!("share reached, {name}"), (1.0, Tolerance::Exact), &column(&runs, 2), None);
    }
    Ok(())
}

/// Measures the guards of plum-foca. A node there has `num_eager` eager peers and twice as many lazy ones, here an
/// overlay of as many peers.
pub(super) fn corrosion_guards(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    const PLUMTREE: &str = "plumtree:multi,graft-timeout-1=200ms,graft-timeout-2=100ms,dispatch-timeout=200ms,\
                            optimization-threshold=5,prune-throttle=0s";
    let regions = file_of(&fly_regions())?;
    let network = format!("network = '{}'", regions.path().display());
    let tree = |eager: u32| {
        format!("protocol = '{PLUMTREE},num-eager={eager}'\ntopology = 'random-regular'\npeers = {}", 3 * eager)
    };
    let everyone = |bench: &RowBench<'_>, nodes: u32, options: String, replicates| {
        let made = |seed| {
            let publications = each_node_once(nodes, seed)?;
            let options =
                format!("nodes = {nodes}\n{network}\n{options}\npublications = '{}'", publications.path().display());
            Ok((setup(&options)?, publications))
        };
        bench.records_of(replicates, made, |record, _| guarded_figures(record))
    };
    let quiet = everyone(bench, 200, tree(5), 5)?;
    bench.take("share delivered, N = 200", (1.0, Tolerance::Exact), &column(&quiet, 0), None);
    let lossy = everyone(bench, 200, format!("{}\nloss = '2%'", tree(5)), 5)?;
    bench.take("share delivered, 2 % lost", (0.999, Tolerance::Above), &column(&lossy, 0), None);
    bench.take("GRAFTs, 2 % lost", (0.0, Tolerance::Above), &column(&lossy, 1), None);
    // As foca does it: 3 nodes at a time, or one in 130 of 2,000, and 9 or 13 times.
    let gossip = |nodes: u32, times: u32| {
        format!(
            "protocol = 'swim,gossip-interval=100ms,gossip-nodes={nodes},retransmit-mult={times},probe-interval=0,\
             push-pull-interval=0'"
        )
    };
    let small = everyone(bench, 200, gossip(3, 9), 5)?;
    bench.take("share delivered by gossip, N = 200", (0.99, Tolerance::Above), &column(&small, 0), None);
    bench.take("duplicates a delivery of gossip, N = 200", (1.0, Tolerance::Above), &column(&small, 2), None);
    bench.leave_out(
        "fewer sends over long links with rings by round trip",
        "eager peers are not chosen by round-trip time here: no node knows that of a link",
    );
    let trees = everyone(bench, 2_000, tree(8), 1)?;
    let large = format!("nodes = 2000\n{network}\n{}\norders = 20\nrate = '1/s'\norigins = 'random'", gossip(15, 49));
    let gossip = bench.records(&setup(&large)?, 1, redundancy)?;
    let ratio: Vec<f64> = trees.iter().zip(gossip).map(|(tree, gossip)| tree[3] / gossip).collect();
    bench.take("duplicates over those of gossip, N = 2,000, last tenth", (0.2, Tolerance::Below), &ratio, None);
    Ok(())
}

/// Returns the share delivered, GRAFTs, duplicates for each delivery, and these in the last tenth of the orders.
fn guarded_figures(record: &RunRecord) -> [f64; 4] {
    let orders = record.bulk.as_ref().map_or(&[][..], |bulk| &bulk.orders);
    let last = &orders[orders.len() - orders.len() / 10..];
    let others = f64::from(record.nodes - 1);
    let in_last = last.iter().map(|order| order.sent as f64 / others - 1.0).sum::<f64>() / last.len() as f64;
    let [reached, redundancy] = figures(record, ["reached", "rmr"]);
    [reached, tally(record, "grafts"), redundancy, in_last]
}

/// Writes a list of publications: every node once, in random order, five milliseconds apart in the mean.
fn each_node_once(nodes: u32, seed: u64) -> Result<NamedTempFile, EarlyEnd> {
    let mut draws = Key::new(seed, Purpose::Workload).stream();
    let span = u64::from(nodes) * 5_000;
    let mut times: Vec<(u64, u32)> = (0..nodes).map(|origin| (draws.below(span), origin)).collect();
    times.sort_unstable();
    let first = times.first().map_or(0, |first| first.0);
    let mut text = String::from("time,origin,bytes\n");
    times.iter().for_each(|(time, origin)| text += &format!("{}us,{origin},0\n", time - first));
    file_of(&text)
}

/// Latitude, longitude and weight of the regions of Fly.io, from plum-foca's simulation (Apache-2.0).
const FLY: [(&str, f64, f64, u32); 19] = [
    ("ams", 52.31, 4.76, 274),
    ("arn", 59.65, 17.92, 20),
    ("bom", 19.09, 72.87, 33),
    ("cdg", 49.01, 2.55, 175),
    ("dfw", 32.90, -97.04, 528),
    ("ewr", 40.69, -74.17, 245),
    ("fra", 50.03, 8.57, 347),
    ("gru", -23.43, -46.47, 111),
    ("iad", 38.94, -77.46, 442),
    ("jnb", -26.14, 28.25, 16),
    ("lax", 33.94, -118.41, 306),
    ("lhr", 51.47, -0.45, 74),
    ("nrt", 35.77, 140.39, 76),
    ("ord", 41.97, -87.91, 559),
    ("qmx", 19.43, -99.13, 42),
    ("sin", 1.36, 103.99, 209),
    ("sjc", 37.36, -121.93, 682),
    ("syd", -33.95, 151.18, 200),
    ("yyz", 43.68, -79.63, 114),
];

/// Writes the regions as `--network` reads them: half of a round trip of 4 ms and a millisecond for each 75 km of great
/// circle, or of 1 ms within a region, 7.5 % longer for the mean of the source's jitter.
fn fly_regions() -> String {
    const JITTER: f64 = 1.075;
    let mut text = String::from("one_way_ms,weight");
    FLY.iter().for_each(|(name, ..)| text += &format!(",{name}"));
    for from in FLY {
        text += &format!("\n{},{}", from.0, from.3);
        for to in FLY {
            let round_trip = if from.0 == to.0 { 1.0 } else { (4.0 + kilometres(from, to) / 75.0).floor() };
            text += &format!(",{:.4}", round_trip / 2.0 * JITTER);
        }
    }
    text + "\n"
}

/// Returns the distance of two regions along the great circle, by the haversine.
fn kilometres(from: (&str, f64, f64, u32), to: (&str, f64, f64, u32)) -> f64 {
    const RADIUS: f64 = 6_371.0;
    let square_of_half = |angle: f64| libm::pow(libm::sin(angle / 2.0), 2.0);
    let [from_latitude, to_latitude] = [from.1, to.1].map(f64::to_radians);
    let across = libm::cos(from_latitude) * libm::cos(to_latitude) * square_of_half((to.2 - from.2).to_radians());
    2.0 * RADIUS * libm::asin(libm::sqrt(square_of_half(to_latitude - from_latitude) + across))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_as_far_apart_as_on_the_globe() {
        let [ams, sjc, syd] =
            ["ams", "sjc", "syd"].map(|name| FLY.into_iter().find(|region| region.0 == name).unwrap());
        assert!((kilometres(ams, sjc) - 8_840.0).abs() < 60.0, "{}", kilometres(ams, sjc));
        assert!((kilometres(syd, sjc) - 11_950.0).abs() < 80.0, "{}", kilometres(syd, sjc));
        assert_eq!(kilometres(ams, ams), 0.0);
        assert_eq!(fly_regions().lines().count(), 20);
    }

    #[test]
    fn every_node_publishes_once() {
        let file = each_node_once(200, 3).ok().unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let mut origins: Vec<u32> =
            text.lines().skip(1).map(|l| l.split(',').nth(1).unwrap().parse().unwrap()).collect();
        origins.sort_unstable();
        assert!(origins.into_iter().eq(0..200) && text.lines().nth(1).unwrap().starts_with("0us,"));
    }
}
