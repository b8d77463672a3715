//! What simulations and measurements of gossipsub published.

use super::bench::{RowBench, column, kind, redundancy, setup};
use super::figure::Tolerance;
use crate::experiment::seeded_runs::EarlyEnd;
use crate::random::{Key, Purpose};
use crate::record::RunRecord;
use tempfile::NamedTempFile;

/// Measures the two runs that the README of simsub prints, up to ten seconds after the last order. It has neither
/// backoff nor quota for dialled links, its first heartbeat comes after 1 to 2 seconds, and it keeps orders for 120
/// heartbeats; version 1.1 draws its listeners by coins.
pub(super) fn simsub(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    const V1_0: &str = "gossipsub:v1.0,heartbeat-delay=1s,mcache-len=120";
    const V1_1: &str = "gossipsub:v1.0,heartbeat-delay=1s,mcache-len=120,gossip-factor=0.25,gossip-by-coin=true,\
                        flood-publish=true";
    let by_count = [Tolerance::Percent(5.0), Tolerance::Percent(5.0), Tolerance::Magnitude, Tolerance::Percent(10.0)];
    let tolerances = by_count.into_iter().chain([Tolerance::PlusMinus(99.0); 3]);
    let metrics = ["payloads", "IHAVE", "IWANT", "GRAFT and PRUNE"].into_iter();
    let metrics = metrics.chain(["receipts within 100 ms", "within 100 to 200 ms", "within 200 to 300 ms"]);
    for (version, protocol, published) in [
        ("v1.0", V1_0, [6_280.0, 7_212.0, 44.0, 379.0, 156.0, 722.0, 112.0]),
        ("v1.1", V1_1, [6_738.0, 9_516.0, 30.0, 379.0, 527.0, 463.0, 0.0]),
    ] {
        let runs = bench.records_of(
            20,
            |seed| {
                let overlay = dials(seed)?;
                let draft = setup(&format!(
                    "protocol = '{protocol}'\norders = 10\nrate = '1/s'\norigins = 'random'\n\
                     until = '19s'\nlatency = 'link:uniform:10ms..150ms+uniform:0ms..8ms'\ntopology = 'file:{}'",
                    overlay.path().display()
                ))?;
                Ok((draft, overlay))
            },
            |record, _| simsub_figures(record),
        )?;
        for (place, ((metric, tolerance), published)) in
            metrics.clone().zip(tolerances.clone()).zip(published).enumerate()
        {
            bench.take(&format!("{version}: {metric}"), (published, tolerance), &column(&runs, place), None);
        }
    }
    Ok(())
}

/// Writes an overlay in which each of 100 nodes dials 20 others; two that dial each other have one link.
fn dials(seed: u64) -> Result<NamedTempFile, EarlyEnd> {
    let mut draws = Key::new(seed, Purpose::Topology).stream();
    let mut text = String::new();
    for node in 0..100 {
        let mut others: Vec<u32> = (0..100).filter(|&other| other != node).collect();
        for step in 0..20 {
            let picked = step + draws.below((others.len() - step) as u64) as usize;
            others.swap(step, picked);
            text += &format!("{node} {}\n", others[step]);
        }
    }
    super::bench::file_of(&text)
}

/// Counts messages by kind, GRAFT and PRUNE from the start to the end, and receipts by delay. Origins, which hold their
/// orders at once, are not in the published histogram.
fn simsub_figures(record: &RunRecord) -> [f64; 7] {
    let [payloads, ihave, iwant] = [record.payload_messages() as f64, kind(record, "ihave"), kind(record, "iwant")];
    // The only upkeep there is.
    let meshing = record.upkeep().sent_in_all() as f64;
    let delays = || record.bulk.iter().flat_map(|bulk| bulk.delays.iter());
    let class = |from: u64, to: u64| {
        let within = delays().filter(|(delay, _)| (from * 1_000_000..to * 1_000_000).contains(&delay.0));
        within.map(|(_, count)| count as f64).sum::<f64>()
    };
    [payloads, ihave, iwant, meshing, class(0, 100) - 10.0, class(100, 200), class(200, 300)]
}

/// Measures the delays of nwaku under Shadow. The proof at the origin takes 150 ms, which are added; validation belongs
/// to each hop. Ten kilobytes fit the first flight of a TCP connection, so that copies leave one after another.
pub(super) fn waku(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    const SLOW_START: &str = "Shadow models TCP, whose windows are small at first; here a line is full from the start";
    const OPEN: &str = "the bounds of a mesh of 3 are not published; 2 to 6 are taken";
    for (metric, knobs, bytes, percent, published, reason) in [
        ("10 kB", "d-out=3", 10_000, 8.0, [507.6, 518.0, 627.0], None),
        ("100 kB", "d-out=3", 100_000, 20.0, [924.7, 856.0, 1_805.0], Some(SLOW_START)),
        ("10 kB, D 3", "d=3,d-low=2,d-high=6,d-out=1", 10_000, 8.0, [609.9, 613.0, 850.0], Some(OPEN)),
    ] {
        let draft = setup(&format!(
            "protocol = 'gossipsub:spec,{knobs}'\nnodes = 1000\ntopology = 'dials'\npeers = 50\n\
             latency = '112ms'\nbandwidth = 'up=38Mbit,down=83Mbit'\npayload-bytes = {bytes}\n\
             orders = 10\nrate = '1/s'\norigins = 'random'"
        ))?;
        let runs = bench.records(&draft, 10, delays_of_waku)?;
        for (place, (name, published)) in ["mean", "p50", "p95"].into_iter().zip(published).enumerate() {
            let within = (published, Tolerance::Percent(percent));
            bench.take(&format!("{metric}: {name} of the delay, ms"), within, &column(&runs, place), reason);
        }
    }
    Ok(())
}

/// Returns mean, median and 95th percentile of the delays, in milliseconds, the proof included.
fn delays_of_waku(record: &RunRecord) -> [f64; 3] {
    const PROOF: f64 = 150.0;
    let Some(bulk) = &record.bulk else { return [f64::NAN; 3] };
    let delays = &bulk.delays;
    let mean = delays.sum() as f64 / delays.count() as f64;
    let at = |permille| delays.permille(permille).map_or(f64::NAN, |delay| delay.0 as f64);
    [mean, at(500), at(950)].map(|nanos| nanos / 1e6 + PROOF)
}

/// Measures the duplicates of version 2.0, and that they do not grow with the network. The five classes of nodes are
/// regions: each has its rate, and between two of them lies the mean of their latencies.
pub(super) fn announcing(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    const CLASSES: &str = "one_way_ms,weight,up_mbit,down_mbit,a,b,c,d,e\n\
                           a,1,40,40,40,51.25,62.5,73.75,85\nb,1,80,80,51.25,62.5,73.75,85,96.25\n\
                           c,1,120,120,62.5,73.75,85,96.25,107.5\nd,1,160,160,73.75,85,96.25,107.5,118.75\n\
                           e,1,200,200,85,96.25,107.5,118.75,130\n";
    const AT_ONCE: &str = "requests leave at once here; there they wait on lines that TCP fills slowly, and more nodes \
                           have the pushed copy before they ask";
    let classes = super::bench::file_of(CLASSES)?;
    let duplicates = |bench: &RowBench<'_>, nodes: u32| {
        let draft = setup(&format!(
            "protocol = 'gossipsub:v2.0,d=8,d-low=6,d-high=12,d-announce=7,gossip-factor=0.05'\nnodes = {nodes}\n\
             topology = 'random-regular'\npeers = 50\nnetwork = '{}'\nbandwidth = 'regions,share=fair'\n\
             payload-bytes = 150000\norders = 7\nrate = '0.1/s'\norigins = 'random'",
            classes.path().display()
        ))?;
        bench.records(&draft, 6, redundancy)
    };
    let (small, large) = (duplicates(bench, 3_000)?, duplicates(bench, 12_000)?);
    let near = |published| (published, Tolerance::PlusMinus(0.1));
    bench.take("duplicates a node, N = 3,000", near(0.65), &small, Some(AT_ONCE));
    bench.take("duplicates a node, N = 12,000", near(0.64), &large, Some(AT_ONCE));
    let ratios: Vec<f64> = small.iter().zip(&large).map(|(small, large)| large / small).collect();
    bench.take("those at N = 12,000 over those at 3,000", (1.0, Tolerance::Percent(5.0)), &ratios, None);
    Ok(())
}

/// Measures the duplicates of a mesh in which every node has eight links, all that there are: from d / 2 - 1, one copy
/// a link, to d - 2, two copies but for those by which a node got the order.
pub(super) fn duplicates(bench: &mut RowBench<'_>) -> Result<(), EarlyEnd> {
    let duplicates = |bench: &RowBench<'_>, latency: &str| {
        let draft = setup(&format!(
            "protocol = 'gossipsub:v1.0,d=8,d-low=8,d-high=8'\nnodes = 1000\ntopology = 'random-regular'\npeers = 8\n\
             latency = '{latency}'\norders = 5\nrate = '1/s'\norigins = 'random'"
        ))?;
        bench.records(&draft, 10, redundancy)
    };
    let (equal, spread) = (duplicates(bench, "50ms")?, duplicates(bench, "link:uniform:5ms..200ms")?);
    // The origin has no first copy, so that d - 2 is exceeded by 8 / N.
    let bounds = Tolerance::Between(3.0, 6.01);
    bench.take("duplicates a node, equal latencies", (6.0, bounds), &equal, None);
    bench.take("the same, 5 to 200 ms a link", (3.0, bounds), &spread, None);
    let reason = "the estimate takes it that a link carries an order in one direction only; without IDONTWANT a node \
                  forwards its first copy at once, before it can know who has it";
    bench.take("beside the estimate (k - 2) / 2", (3.0, Tolerance::PlusMinus(0.5)), &spread, Some(reason));
    Ok(())
}
