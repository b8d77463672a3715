//! The options of the modelled network: the latency, loss, duplication, queueing and processing of a message.

use super::failures::faults;
use super::parse::{no_nul, time};
use super::{BadValue, Draft, Scenario, ScenarioError, TransportKind};
use crate::adversary::AdversarySpec;
use crate::network::{FaultSpec, LATENCY_MAX, Latency, NetworkSpec, Paths, RegionSpec};
use crate::time::Nanos;

/// Adds the options of this group to the table that [`Draft`] is declared from.
macro_rules! network_options {
    ($then:tt $($given:tt)*) => {
        next_group! { $then $($given)*
            ["Network"]

            /// Regions with measured latencies, or your own [default: none].
            ///
            /// The regions of the nodes and the latencies between them: aws33, ethereum8, bitcoin6, exchange-sites, or
            /// FILE.csv with a matrix of your own, - for standard input. Distance decides more than the overlay does.
            network: RegionSpec = "SET|FILE.csv", network::read_regions;

            /// Time of a message on its way [default: 50ms with simulated].
            ///
            /// On a real carrier it comes before that one's own time: constant:TIME, uniform:LEAST..GREATEST,
            /// `normal:MEAN,DEVIATION`, `lognormal:p50=TIME,p90=TIME`, `exponential:MEAN`, `pareto:LEAST,SHAPE`, with
            /// ,min=TIME and ,max=TIME; after link: drawn once for each link, and with + both. The default is
            /// constant:50ms with simulated, else none. The least latency is what may be computed in parallel; the
            /// spread lets later hops overtake.
            #[arg(allow_hyphen_values = true)]
            latency: LatencySpec = "LATENCY", |text: &str| model::<LatencySpec>("latency", text);

            /// Messages that are lost [default: 0].
            ///
            /// A share, or gilbert-elliott:good=TIME,bad=TIME for bursts, with ,loss=SHARE ,good-loss=SHARE and
            /// ,per=link|sender|receiver. Loss tests how much redundancy is left.
            #[arg(allow_hyphen_values = true)]
            loss: LossSpec = "SHARE|BURSTS", |text: &str| model::<LossSpec>("loss", text);

            /// Share of messages that arrive twice [default: 0].
            ///
            /// The network makes the second copy, which costs like any duplicate.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            duplicate: Ratio = "SHARE", |text: &str| part_of("duplicate", text);

            /// With simulated, the line of a node [default: no limit].
            ///
            /// up=RATE,down=RATE, as up=10Mbit,down=100Mbit; or regions, for the rates that --network knows. Narrow
            /// lines make fanout cost time. Bytes wait, however many; with ,queue=64KiB a message that would make more
            /// than that wait is dropped.
            #[arg(hide_short_help = true)]
            bandwidth: BandwidthSpec = "LINES", |text: &str| model::<BandwidthSpec>("bandwidth", text);

            /// With simulated, work of a node on a message [default: 0s].
            ///
            /// A node is busy for this time with each message that comes. Validation slows every hop.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            processing: Nanos = "TIME", network::read_processing;
        }
    };
}

/// Reads a set of regions.
pub(super) fn read_regions(text: &str) -> Result<RegionSpec, BadValue> {
    no_nul("network", text)?;
    text.parse().map_err(|_| BadValue::new("network", text, format!("choose one of {}", RegionSpec::WRITTEN)))
}

/// Reads the time for which each message keeps a node busy.
pub(super) fn read_processing(text: &str) -> Result<Nanos, BadValue> {
    let rule = "a node is busy with a message for at most a day; write a time such as 10us or 1ms";
    match time("processing", text, rule)? {
        time if time <= LATENCY_MAX => Ok(time),
        _ => Err(BadValue::new("processing", text, rule)),
    }
}

/// The options of the modelled network, as `[network]` in a file takes them; `name` stands there for `network`. The
/// first [`ON_REAL_CARRIERS`] of them apply to real carriers too.
pub(super) const OPTIONS: [&str; 11] = [
    "network",
    "latency",
    "loss",
    "duplicate",
    "bandwidth",
    "processing",
    "down",
    "churn",
    "partition",
    "nat",
    "adversary",
];

/// The number of leading [`OPTIONS`] that a real carrier takes as well.
const ON_REAL_CARRIERS: usize = 4;

/// The models that the options ask for.
pub(super) struct Model {
    pub(super) network: Option<NetworkSpec>,
    pub(super) faults: FaultSpec,
    pub(super) adversary: AdversarySpec,
}

/// Resolves the models that a draft asks for. A real carrier takes the first [`ON_REAL_CARRIERS`] options only: without
/// any of them it has no model, and each of the other options is refused.
pub(super) fn model(draft: &Draft, transport: TransportKind) -> Result<Model, ScenarioError> {
    let asked = asked_for(draft);
    if transport.is_virtual() {
        return Ok(Model {
            network: Some(network(draft, NetworkSpec::default().paths)?),
            faults: faults(draft),
            adversary: draft.adversary.clone().unwrap_or_default(),
        });
    }
    let refused = OPTIONS.into_iter().zip(asked).skip(ON_REAL_CARRIERS).find(|&(_, is_asked)| is_asked);
    if let Some((option, _)) = refused {
        return Err(ScenarioError::NoModel { option, transport });
    }
    // The default latency is zero here, because a real carrier already takes time of its own.
    let at_once = || network(draft, Paths::Latency(Latency::Constant(Nanos::ZERO).into()));
    let network = asked[..ON_REAL_CARRIERS].contains(&true).then(at_once).transpose()?;
    Ok(Model { network, faults: FaultSpec::default(), adversary: AdversarySpec::default() })
}

/// Resolves the network that a draft asks for; `paths` gives the latencies if the draft does not.
fn network(draft: &Draft, paths: Paths) -> Result<NetworkSpec, ScenarioError> {
    let paths = match (&draft.network, draft.latency) {
        (Some(network), Some(latency)) => {
            return Err(ScenarioError::TwoLatencies { latency, network: network.clone() });
        }
        (Some(network), None) => Paths::Regions(network.clone()),
        (None, latency) => latency.map_or(paths, Paths::Latency),
    };
    let default = NetworkSpec::default();
    Ok(NetworkSpec {
        paths,
        loss: draft.loss.unwrap_or(default.loss),
        duplicate: draft.duplicate.unwrap_or(default.duplicate),
        bandwidth: draft.bandwidth,
        processing: draft.processing.unwrap_or(default.processing),
    })
}

/// Returns, for each of [`OPTIONS`], true if it was asked for.
fn asked_for(draft: &Draft) -> [bool; OPTIONS.len()] {
    [
        draft.network.is_some(),
        draft.latency.is_some(),
        draft.loss.is_some(),
        draft.duplicate.is_some(),
        draft.bandwidth.is_some(),
        draft.processing.is_some(),
        draft.down.is_some(),
        draft.churn.is_some(),
        draft.partition.is_some(),
        draft.nat.is_some(),
        draft.adversary.is_some(),
    ]
}

/// Sets the options of this group in `draft` to the values of the scenario.
pub(super) fn ask(scenario: &Scenario, draft: &mut Draft) {
    let Some(network) = &scenario.network else { return };
    match &network.paths {
        Paths::Regions(regions) => draft.network = Some(regions.clone()),
        Paths::Latency(latency) => draft.latency = Some(*latency),
    }
    draft.loss = Some(network.loss);
    draft.duplicate = Some(network.duplicate);
    if scenario.transport.is_virtual() {
        draft.bandwidth = network.bandwidth;
        draft.processing = Some(network.processing);
    }
}
