//! The options of the modelled network: the latency, loss, duplication, queueing and processing of a message.

use super::bad_value::BadValue;
use super::error::ScenarioError;
use super::overlay_options::OverlayOptions;
use super::parse::{no_nul, time};
use super::transport_kind::TransportKind;
use super::{Draft, ScenarioValues};
use crate::network::{
    BandwidthSpec, BandwidthUseError, LATENCY_MAX, Latency, LatencySpec, LinkFile, NetworkSpec, Paths, PlaceFile,
    PlaceSpec, Places, RegionSpec, UplinkShare,
};
use crate::time::Nanos;

/// The heading of this group in `--help`.
pub(super) const HEADING: &str = "Network";

/// Adds the options of this group to the table that [`Draft`] is declared from.
macro_rules! network_options {
    ($then:tt $($given:tt)*) => {
        next_group! { $then $($given)*
            [network_options::HEADING]

            /// Regions with measured latencies, or your own [default: none].
            ///
            /// The regions of the nodes and the latencies between them: aws33, ethereum8, bitcoin6, exchange-sites, or
            /// FILE.csv with a matrix of your own, - for standard input. Distance often matters more than the overlay.
            network: RegionSpec = "SET|FILE.csv", network_options::read_regions;

            /// Places of nodes in the regions of --network [default: drawn].
            ///
            /// drawn by the weights of the regions; round-robin, the regions in turn; or FILE.csv with a line for each
            /// node, - for standard input: `node,region` and perhaps class, up, down, processing, with units in the
            /// values. Empty cells of the last three, which need simulated, are left to --bandwidth and --processing.
            /// Where the nodes stand decides how far an order travels.
            #[arg(hide_short_help = true)]
            place: PlaceSpec = "PLACES", network_options::read_place;

            /// Latency of a message [default: 50ms with simulated].
            ///
            /// On a real carrier it is added to the carrier's own latency: constant:TIME, uniform:LEAST..GREATEST,
            /// `normal:MEAN,DEVIATION`, `lognormal:p50=TIME,p90=TIME`, `exponential:MEAN`, `pareto:LEAST,SHAPE`,
            /// `weibull:SCALE,SHAPE`, with ,min=TIME and ,max=TIME; after link: it is drawn once per link, and + joins
            /// both. The default is constant:50ms with simulated, else none. A minimum above 0 allows parallel
            /// computation; a wide spread lets later hops overtake. With ,ordered no message overtakes an earlier one
            /// on its link, as in a stream; ordered alone keeps the default latency, or those of --network.
            #[arg(allow_hyphen_values = true)]
            latency: LatencySpec = "LATENCY", |text: &str| model::<LatencySpec>("latency", text);

            /// Messages that are lost [default: 0].
            ///
            /// A share, or gilbert-elliott:good=TIME,bad=TIME for bursts, with ,loss=SHARE ,good-loss=SHARE and
            /// ,per=link|sender|receiver. Loss shows how much redundancy there is.
            #[arg(allow_hyphen_values = true)]
            loss: LossSpec = "SHARE|BURSTS", |text: &str| model::<LossSpec>("loss", text);

            /// Latency and loss of single links [default: none].
            ///
            /// FILE.csv with a line for each directed link that has its own, - for standard input:
            /// `from,to,latency,loss`, as 0,1,20ms,1%. Empty cells, and links without a line, are left to --latency or
            /// --network, and to --loss. A slow or lossy link shows what the others make up for.
            #[arg(hide_short_help = true)]
            links: String = "FILE.csv", network_options::read_links;

            /// Share of messages that arrive twice [default: 0].
            ///
            /// The network makes the second copy, which costs as much as any duplicate.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            duplicate: Ratio = "SHARE", |text: &str| part_of("duplicate", text);

            /// With simulated, rates of a node's access link [default: no limit].
            ///
            /// up=RATE,down=RATE, as up=10Mbit,down=100Mbit; or regions, for the rates that --network knows. On a slow
            /// link fanout costs time. Copies leave one after another; with ,share=fair all copies under way have equal
            /// parts of the uplink at once, as flows of TCP do. Queues have no limit; with ,queue=64KiB a message that
            /// does not fit the queue is dropped.
            #[arg(hide_short_help = true)]
            bandwidth: BandwidthSpec = "RATES", |text: &str| model::<BandwidthSpec>("bandwidth", text);

            /// With simulated, processing time per message [default: 0s].
            ///
            /// A node is busy for this time with each message that arrives. Validation slows every hop.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            processing: Nanos = "TIME", network_options::read_processing;
        }
    };
}

/// Reads a set of regions.
pub(super) fn read_regions(text: &str) -> Result<RegionSpec, BadValue> {
    no_nul("network", text)?;
    text.parse().map_err(|_| BadValue::new("network", text, format!("choose one of {}", RegionSpec::WRITTEN)))
}

/// Reads the places of nodes.
pub(super) fn read_place(text: &str) -> Result<PlaceSpec, BadValue> {
    no_nul("place", text)?;
    text.parse().map_err(|_| BadValue::new("place", text, "write drawn, round-robin or FILE.csv"))
}

/// Reads the path of a file of links.
pub(super) fn read_links(text: &str) -> Result<String, BadValue> {
    no_nul("links", text)?;
    if text.is_empty() {
        return Err(BadValue::new("links", text, "name a file of comma-separated values, or - for standard input"));
    }
    Ok(text.to_owned())
}

/// Reads the time for which each message keeps a node busy.
pub(super) fn read_processing(text: &str) -> Result<Nanos, BadValue> {
    let rule = "a node is busy with a message for at most a day; write a time such as 10us or 1ms";
    match time("processing", text, rule)? {
        time if time <= LATENCY_MAX => Ok(time),
        _ => Err(BadValue::new("processing", text, rule)),
    }
}

/// The options that a real carrier takes as well.
const ON_REAL_CARRIERS: [&str; 6] = ["network", "place", "latency", "loss", "links", "duplicate"];

/// Resolves the options of this group. A real carrier takes some of them only, and without any of these it has no
/// model.
pub(super) fn resolve(draft: &Draft, transport: TransportKind) -> Result<Option<NetworkSpec>, ScenarioError> {
    refuse_unmodelled(draft, HEADING, &ON_REAL_CARRIERS, transport)?;
    match transport.is_virtual() {
        true => network(draft, NetworkSpec::default().paths).map(Some),
        // The default latency is zero here, because a real carrier already takes time of its own.
        false if ON_REAL_CARRIERS.iter().any(|option| draft.asks_for(option)) => {
            network(draft, Paths::Latency(Latency::Constant(Nanos::ZERO).into())).map(Some)
        }
        false => Ok(None),
    }
}

/// Refuses the options under `heading` on a real carrier, but for those that it takes.
pub(super) fn refuse_unmodelled(
    draft: &Draft,
    heading: &str,
    taken: &[&str],
    transport: TransportKind,
) -> Result<(), ScenarioError> {
    let mut options = Draft::names_under(heading).filter(|option| !taken.contains(&option.as_str()));
    match options.find(|option| draft.asks_for(option)) {
        Some(option) if !transport.is_virtual() => Err(ScenarioError::NoModel { option, transport }),
        _ => Ok(()),
    }
}

/// Resolves the network that a draft asks for; `paths` gives the latencies if the draft does not.
fn network(draft: &Draft, paths: Paths) -> Result<NetworkSpec, ScenarioError> {
    let paths = match (&draft.network, draft.latency) {
        (Some(network), Some(latency)) if !latency.is_open() => {
            return Err(ScenarioError::TwoLatencies { latency: Box::new(latency), network: network.clone() });
        }
        (Some(network), _) => Paths::Regions(network.clone()),
        (None, Some(latency)) if !latency.is_open() => Paths::Latency(latency),
        (None, Some(LatencySpec { is_ordered, .. })) => match paths {
            Paths::Latency(default) => Paths::Latency(LatencySpec { is_ordered, ..default }),
            regions => regions,
        },
        (None, None) => paths,
    };
    let default = NetworkSpec::default();
    let network = NetworkSpec {
        paths,
        loss: draft.loss.unwrap_or(default.loss),
        duplicate: draft.duplicate.unwrap_or(default.duplicate),
        bandwidth: draft.bandwidth,
        processing: draft.processing.unwrap_or(default.processing),
        places: default.places,
        is_ordered: draft.network.is_some() && draft.latency.is_some_and(|latency| latency.is_ordered),
        links: default.links,
    };
    match network.bandwidth {
        Some(BandwidthSpec { share: UplinkShare::Fair, .. }) if network.keeps_order() => {
            Err(BandwidthUseError::FlowsInOrder.into())
        }
        _ => Ok(network),
    }
}

/// Checks that links have the rates that the rest of `--bandwidth` is about. A place file may have them.
pub(super) fn check_rates(network: Option<&NetworkSpec>) -> Result<(), ScenarioError> {
    let Some((network, bandwidth)) = network.and_then(|network| Some((network, network.bandwidth?))) else {
        return Ok(());
    };
    match network.has_rates() {
        [false, _] if bandwidth.share == UplinkShare::Fair => {
            Err(BandwidthUseError::NothingToShare { bandwidth }.into())
        }
        [false, false] => Err(BandwidthUseError::NothingToQueue { bandwidth }.into()),
        _ => Ok(()),
    }
}

/// Resolves the places of nodes. If the draft names a file, reads it, unless it is the one of the scenario `read`.
pub(super) fn places(
    draft: &Draft,
    overlay: &OverlayOptions,
    transport: TransportKind,
    read: Option<&ScenarioValues>,
) -> Result<Places, ScenarioError> {
    let path = match &draft.place {
        Some(_) if draft.network.is_none() => return Err(ScenarioError::NoRegionsToPlace),
        None | Some(PlaceSpec::Drawn) => return Ok(Places::Drawn),
        Some(PlaceSpec::RoundRobin) => return Ok(Places::RoundRobin),
        Some(PlaceSpec::File { path }) => path,
    };
    let (nodes, names) = (overlay.nodes, overlay.names());
    let known = read.filter(|read| read.overlay.nodes == nodes && read.overlay.names() == names);
    let known = known.and_then(|read| read.network.as_ref()?.places.listed()).filter(|file| file.path() == path);
    let file = match known {
        Some(file) => file.clone(),
        None => {
            let advice = || names.advice("", nodes);
            PlaceFile::read(path, nodes, |id| names.find(id, nodes), |node| names.id(node), advice)?
        }
    };
    match file.own_lines() {
        Some(column) if !transport.is_virtual() => Err(ScenarioError::NoPlaceModel { column, transport }),
        _ => Ok(Places::Listed(file)),
    }
}

/// Resolves the links with figures of their own. If the draft names a file, reads it, unless it is the one of the
/// scenario `read`.
pub(super) fn links(
    draft: &Draft,
    overlay: &OverlayOptions,
    read: Option<&ScenarioValues>,
) -> Result<Option<LinkFile>, ScenarioError> {
    let Some(path) = &draft.links else { return Ok(None) };
    let (nodes, names) = (overlay.nodes, overlay.names());
    let known = read.filter(|read| read.overlay.nodes == nodes && read.overlay.names() == names);
    let known = known.and_then(|read| read.network.as_ref()?.links.as_ref()).filter(|file| file.path() == path);
    match known {
        Some(file) => Ok(Some(file.clone())),
        None => {
            let advice = || names.advice("", nodes);
            Ok(Some(LinkFile::read(path, |id| names.find(id, nodes), |node| names.id(node), advice)?))
        }
    }
}

/// Sets the options of this group in a draft.
pub(super) fn add_to(network: &NetworkSpec, draft: &mut Draft, transport: TransportKind) {
    match &network.paths {
        Paths::Regions(regions) => {
            draft.network = Some(regions.clone());
            draft.place = Some(network.places.spec());
            // The word alone: the regions have the latencies.
            draft.latency = network.is_ordered.then_some(LatencySpec { link: None, message: None, is_ordered: true });
        }
        Paths::Latency(latency) => draft.latency = Some(*latency),
    }
    draft.loss = Some(network.loss);
    draft.links = network.links.as_ref().map(|file| file.path().to_owned());
    draft.duplicate = Some(network.duplicate);
    if transport.is_virtual() {
        draft.bandwidth = network.bandwidth;
        draft.processing = Some(network.processing);
    }
}
