//! Runs of both implementations in the same network, with the same joins, settling time and orders.

use crate::guest::{CONTROL_BYTES, ConnectionRule, FAULTS, IrohGossip, PAYLOAD_BYTES};
use crate::settled_overlay::SettledOverlay;
use bulk_order_propagation::analysis::{ReplicateFigures, WarmCounts};
use bulk_order_propagation::options::{PlumtreeKnobs, ProtocolKnobs};
use bulk_order_propagation::record::{End, RunRecord};
use bulk_order_propagation::simulation::Runner;
use bulk_order_propagation::transport::Clock;
use bulk_order_propagation::wire::message_bytes;
use bulk_order_propagation::{Draft, Interrupt, Nanos, Scenario};
use iroh_gossip::proto::{Config, PlumtreeConfig};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::time::Duration;

/// Our Plumtree, with iroh-gossip's defaults.
const PLUMTREE: &str = "plumtree:iroh";

/// The time over which nodes join for each of them, in milliseconds: about that of a message, as walks that introduce
/// a newcomer need.
const JOIN_MILLIS_PER_NODE: u64 = 55;

/// The nodes at which orders enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Senders {
    /// Node 0 sends all.
    One,
    /// A node is drawn for each.
    Random,
}

impl fmt::Display for Senders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Senders::One => "one sender",
            Senders::Random => "random senders",
        })
    }
}

/// The properties of a run that both implementations share.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) nodes: u32,
    pub(crate) senders: Senders,
    pub(crate) latency: String,
    /// The time from the last join to the first order.
    pub(crate) settle_time: Nanos,
    pub(crate) connections: ConnectionRule,
    pub(crate) threads: u32,
}

/// The outcome of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunOutcome {
    /// Figures by key, as `bulkprop compare` has them.
    pub(crate) figures: BTreeMap<String, f64>,
    /// Digest of all first receipts.
    pub(crate) digest: u64,
}

impl Setting {
    /// Runs our protocol over one of our membership protocols.
    pub(crate) fn run_ours(&self, membership: &str, seed: u64) -> Result<RunOutcome, Box<dyn Error>> {
        let (settles, joins) = (self.settle_time.written(), self.join_time().written());
        let protocol = format!("protocol = '{PLUMTREE}@{membership},settle-time={settles}'");
        self.run(&format!("{protocol}\njoin-time = '{joins}'"), seed)
    }

    /// Runs our protocol on an overlay that does not change.
    pub(crate) fn run_on_overlay(&self, overlay: &SettledOverlay, seed: u64) -> Result<RunOutcome, Box<dyn Error>> {
        let mut list = String::new();
        // A node without links must be named, too, or those after it have other numbers.
        for node in 0..self.nodes {
            writeln!(list, "{node} {node}")?;
        }
        for [node, peer] in &overlay.links {
            writeln!(list, "{node} {peer}")?;
        }
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(list.as_bytes())?;
        self.run(&format!("protocol = '{PLUMTREE}'\ntopology = 'file:{}'", file.path().display()), seed)
    }

    /// Runs iroh-gossip, and returns the overlay that its nodes had found when the first order was due.
    pub(crate) fn run_guest(&self, seed: u64) -> Result<(RunOutcome, SettledOverlay), Box<dyn Error>> {
        let ours = self.scenario(&format!("protocol = '{PLUMTREE}'"), seed)?;
        let ProtocolKnobs::Plumtree(knobs) = ours.protocol.spec.protocol else {
            return Err(format!("{PLUMTREE}: iroh-gossip's broadcast is Plumtree").into());
        };
        let config = Config { broadcast: broadcast_of(&knobs)?, ..Config::default() };
        let guest = IrohGossip::new(config, self.join_time(), self.settle_time)?.with_connections(self.connections);
        // The peers of the overlay that a scenario must have are not used.
        let (scenario, interrupt, overlay) = (self.scenario("", seed)?, Interrupt::new(), guest.overlay());
        let runner = Runner::with_protocol(&scenario, &interrupt, &(), guest)?;
        let record = runner.measuring_from(0).run(Clock::start())?;
        let mut overlay = std::mem::take(&mut *overlay.lock().map_err(|_| "a shard of the guest has panicked")?);
        overlay.links.sort_unstable();
        let mut outcome = outcome(seed, &record)?;
        let degree = overlay.links.len() as f64 / f64::from(self.nodes);
        outcome.figures.insert("degree".to_owned(), degree);
        Ok((outcome, overlay))
    }

    fn join_time(&self) -> Nanos {
        Nanos::from_millis(JOIN_MILLIS_PER_NODE * u64::from(self.nodes))
    }

    fn run(&self, options: &str, seed: u64) -> Result<RunOutcome, Box<dyn Error>> {
        let (scenario, interrupt) = (self.scenario(options, seed)?, Interrupt::new());
        let runner = Runner::build(&scenario, &interrupt, &(), None)?;
        outcome(seed, &runner.measuring_from(0).run(Clock::start())?)
    }

    /// Builds the scenario of both with these further options.
    fn scenario(&self, options: &str, seed: u64) -> Result<Scenario, Box<dyn Error>> {
        let Setting { nodes, senders, latency, threads, .. } = self;
        let senders = if *senders == Senders::One { "one" } else { "random" };
        // All orders count, the first too, which floods: the tree grows in it.
        let text = format!(
            "transport = 'simulated'\nnodes = {nodes}\nthreads = {threads}\nseed = {seed}\nttl = 255\norders = 30\n\
             rate = '1/s'\norigins = '{senders}'\nlatency = '{latency}'\nuntil = 'quiescent'\n{options}"
        );
        Ok(Draft::from_toml(&text)?.build()?)
    }
}

/// Translates our knobs of Plumtree.
fn broadcast_of(knobs: &PlumtreeKnobs) -> Result<PlumtreeConfig, String> {
    let (Some(hops), Some(retention)) = (knobs.optimization_threshold, knobs.message_cache_retention) else {
        return Err("iroh-gossip has a threshold and a retention; take plumtree:iroh".to_owned());
    };
    Ok(PlumtreeConfig {
        graft_timeout_1: duration(knobs.graft_timeout_1),
        graft_timeout_2: duration(knobs.graft_timeout_2),
        dispatch_timeout: duration(knobs.dispatch_timeout),
        // Its threshold counts the hop to the next node, too.
        optimization_threshold: (u16::from(hops) + 1).into(),
        message_cache_retention: duration(retention),
        ..PlumtreeConfig::default()
    })
}

fn duration(time: Nanos) -> Duration {
    Duration::from_nanos(time.0)
}

/// Takes the figures of a run, after checking that it counts.
fn outcome(seed: u64, record: &RunRecord) -> Result<RunOutcome, Box<dyn Error>> {
    if record.end != End::Quiescent || !record.ledger.is_balanced() {
        let unaccounted = record.ledger.unaccounted();
        return Err(format!("seed {seed}: the run ended {:?} with {unaccounted} messages missing", record.end).into());
    }
    let tally = |name: &str| record.tallies.iter().find(|tally| tally.0 == name).map(|tally| tally.1);
    if let Some(faults) = tally(FAULTS).filter(|&faults| faults > 0) {
        return Err(format!("seed {seed}: the driver of the guest has made {faults} faults").into());
    }
    let mut figures = ReplicateFigures::new(seed, record, &WarmCounts::default()).values;
    figures.insert("degree".to_owned(), record.overlay.mean_degree);
    let orders = record.bulk.as_ref().map_or(&[][..], |bulk| &bulk.orders);
    let bytes = match (tally(PAYLOAD_BYTES), tally(CONTROL_BYTES)) {
        (Some(payload), Some(control)) => payload + control,
        _ => {
            let payload = orders.iter().map(|order| order.sent * u64::from(message_bytes(order.payload_bytes)));
            payload.sum::<u64>() + record.control_bytes()
        }
    };
    figures.insert("broadcast_bytes".to_owned(), bytes as f64 / f64::from(record.nodes) / orders.len() as f64);
    let digest = record.digest.ok_or("virtual time has a digest, and this run has none")?;
    Ok(RunOutcome { figures, digest })
}
