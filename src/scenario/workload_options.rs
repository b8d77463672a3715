//! The options of the workload: the number of orders, their origins and arrival times, and their size.

use super::bad_value::BadValue;
use super::error::{self, ScenarioError};
use super::kinds::ProtocolKind;
use super::kinds::{Choice, OriginsKind};
use super::overlay_options::OverlayOptions;
use super::parse::no_nul;
use super::payload::PayloadBytes;
use super::transport_kind::TransportKind;
use super::{Draft, ScenarioValues, limits};
use crate::ids::NodeId;
use crate::quantity;
use crate::workload::{Arrivals, Origins, PublicationList, Rate};
use serde::{Serialize, Serializer};

/// The heading of this group in `--help`.
pub(super) const HEADING: &str = "Workload";

/// Adds the options of this group to the table that [`Draft`] is declared from.
macro_rules! workload_options {
    ($then:tt $($given:tt)*) => {
        next_group! { $then $($given)*
            [workload_options::HEADING]

            /// Orders to publish [default: 1].
            ///
            /// Many orders, at a rate of their own, show the effect of load on delay.
            orders: u32 = "M", |text: &str| limits::ORDERS.parse::<u32>(text);

            /// Orders published per second [default: 100/s].
            ///
            /// The rate of many --orders, regardless of how the network copes. Above the capacity of the machine,
            /// delays grow without limit.
            #[arg(allow_hyphen_values = true)]
            rate: Rate = "R/s", workload_options::read_rate;

            /// Distribution of orders over time [default: constant].
            ///
            /// With many --orders: constant intervals; poisson, exponential intervals; burst, all orders of 100 ms at
            /// once. Bursts are the first to fill queues.
            #[arg(hide_short_help = true)]
            arrivals: Arrivals = "constant|poisson|burst", |text: &str| choose::<Arrivals>("arrivals", text);

            /// Nodes at which orders enter [default: one].
            ///
            /// one is the node --origin; random draws a node for each order. A single publisher is a bottleneck of its
            /// own.
            #[arg(hide_short_help = true)]
            origins: OriginsKind = "one|random", |text: &str| choose::<OriginsKind>("origins", text);

            /// Node at which the order enters [default: 0, or the least id].
            ///
            /// An edge list (file:PATH) gives nodes their ids. On overlays with hubs or borders the time depends on the
            /// origin.
            #[serde(serialize_with = "run_options::number_or_text")]
            #[arg(hide_short_help = true)]
            origin: u64 = "NODE", |text: &str| limits::ORIGIN.parse::<u64>(text);

            /// Bytes of opaque payload in each order [default: 0].
            ///
            /// A number, or a range such as 0..1000, drawn uniformly. Up to 16MiB in virtual time and in memory; a
            /// datagram has room for 1399. In virtual time bytes are counted, not made.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            payload_bytes: PayloadBytes = "BYTES|A..B", workload_options::read_payload;

            /// File that lists the publications [default: none].
            ///
            /// A CSV with the columns `time,origin,bytes` and perhaps symbol, - for standard input. A line is an order:
            /// its time with a unit, the id of a node, bytes of payload. The first line is published at the start. It
            /// takes the place of --orders, --rate, --arrivals, --origins, --origin and --payload-bytes. Recorded
            /// orders show bursts and busy publishers as they were.
            #[arg(hide_short_help = true)]
            publications: String = "FILE.csv", workload_options::read_publications;

            /// Orders that a node can tell apart [default: auto].
            ///
            /// They end with the newest order that the node has seen. auto is all orders with simulated; elsewhere it
            /// follows from --rate, --ttl and the latencies, and is at least 1024. An older order counts as expired and
            /// not as new; each further order takes a bit per node.
            #[arg(hide_short_help = true)]
            window: WindowSize = "ORDERS|auto", workload_options::read_window;
        }
    };
}

/// The workload of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadOptions {
    /// Nodes where orders enter.
    pub origins: Origins,
    /// Schedule of many orders; `None` for a single order at the start of the run.
    pub bulk: Option<BulkOptions>,
    /// Bytes of opaque payload in each order.
    pub payload_bytes: PayloadBytes,
    /// The list that the orders come from, read when the draft was built; `None` if they are drawn.
    pub publications: Option<PublicationList>,
}

/// The options of a run of many orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkOptions {
    /// Number of orders, at least two.
    pub orders: u32,
    /// Orders per second, on average.
    pub rate: Rate,
    /// Distribution over time; `None` if a file lists the times.
    pub arrivals: Option<Arrivals>,
    /// Number of orders that a node tells apart, up to the newest it has seen.
    pub window: WindowSize,
}

/// The number of orders that a node tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowSize {
    /// This number, at most all.
    Orders(u32),
    /// All orders in virtual time; on real carriers the number that may be in flight at a time.
    Auto,
}

impl WorkloadOptions {
    /// Resolves the options of this group.
    pub(super) fn resolve(
        draft: &Draft,
        overlay: &OverlayOptions,
        transport: TransportKind,
        read: Option<&ScenarioValues>,
    ) -> Result<WorkloadOptions, ScenarioError> {
        let protocol = draft.protocol.map_or(ProtocolKind::Push, |spec| spec.kind());
        let most = transport.traits().payload_bytes_max_for(&protocol.traits());
        if let Some(path) = &draft.publications {
            let list = listed(path, overlay, read)?;
            list.check_sizes(most, |bytes| {
                format!(
                    "{} with --transport {}; list smaller orders, or choose {}",
                    error::longest_order(transport, protocol),
                    transport.name(),
                    error::carried_by(bytes, transport)
                )
            })?;
            return WorkloadOptions::listed(draft, list, overlay, transport);
        }
        let payload_bytes = draft.payload_bytes.unwrap_or(PayloadBytes::exactly(0));
        limits::PAYLOAD_BYTES.check(payload_bytes.most())?;
        if payload_bytes.most() > most {
            return Err(ScenarioError::PayloadNotCarried { bytes: payload_bytes, transport, protocol });
        }
        Ok(WorkloadOptions {
            origins: origins(draft, overlay)?,
            bulk: bulk(draft, overlay.nodes, transport)?,
            payload_bytes,
            publications: None,
        })
    }

    /// Resolves the options of this group for orders from a list, which takes the place of most of them.
    fn listed(
        draft: &Draft,
        list: PublicationList,
        overlay: &OverlayOptions,
        transport: TransportKind,
    ) -> Result<WorkloadOptions, ScenarioError> {
        let mut replaced =
            Draft::names_under(HEADING).filter(|option| !["publications", "window"].contains(&&**option));
        if let Some(option) = replaced.find(|option| draft.asks_for(option)) {
            return Err(ScenarioError::ListedAnyway { option });
        }
        let orders = list.orders();
        let bulk = match window(draft, overlay.nodes, orders, transport)? {
            None => None,
            Some(window) => {
                // Without a span between the first and the last, the rate has no limit.
                let in_a_second = u128::from(orders - 1) * 1_000_000_000 / u128::from(list.span().0.max(1));
                let rate = Rate::per_second(u64::try_from(in_a_second).unwrap_or(u64::MAX));
                Some(BulkOptions { orders, rate, arrivals: None, window })
            }
        };
        let origin = list.only_origin().and_then(|origin| overlay.names().find(origin, overlay.nodes));
        let sizes = || list.listed().iter().map(|listed| listed.payload_bytes);
        let payload_bytes = PayloadBytes::new(sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
        Ok(WorkloadOptions {
            origins: origin.map_or(Origins::Listed, Origins::One),
            bulk,
            payload_bytes: payload_bytes.unwrap_or(PayloadBytes::exactly(0)),
            publications: Some(list),
        })
    }

    /// Sets the options of this group in a draft.
    pub(super) fn add_to(&self, draft: &mut Draft, overlay: &OverlayOptions) {
        draft.window = self.bulk.map(|bulk| bulk.window);
        if let Some(list) = &self.publications {
            draft.publications = Some(list.path().to_owned());
            return;
        }
        draft.orders = Some(self.bulk.map_or(1, |bulk| bulk.orders));
        draft.rate = self.bulk.map(|bulk| bulk.rate);
        draft.arrivals = self.bulk.and_then(|bulk| bulk.arrivals);
        (draft.origin, draft.origins) = match self.origins {
            Origins::One(origin) => (Some(overlay.names().id(origin)), Some(OriginsKind::One)),
            Origins::Random | Origins::Listed => (None, Some(OriginsKind::Random)),
        };
        draft.payload_bytes = Some(self.payload_bytes);
    }
}

/// Serializes as a whole number, or as the text `auto`.
impl Serialize for WindowSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            WindowSize::Orders(orders) => serializer.serialize_u32(*orders),
            WindowSize::Auto => serializer.serialize_str("auto"),
        }
    }
}

/// Reads a rate in orders per second.
pub(super) fn read_rate(text: &str) -> Result<Rate, BadValue> {
    let rule = "a rate is 0.000001/s to 1000000000/s orders per second, with at most 6 decimals; write 200/s or 0.5/s";
    let question = quantity::rate_millionths(text).err().map(|error| error.question_or(rule));
    text.parse().map_err(|_| BadValue::new("rate", text, question.unwrap_or_else(|| rule.to_owned())))
}

/// Reads a number of orders, or `auto`.
pub(super) fn read_window(text: &str) -> Result<WindowSize, BadValue> {
    if text == "auto" { Ok(WindowSize::Auto) } else { limits::WINDOW.parse(text).map(WindowSize::Orders) }
}

/// Reads a number of bytes or a range of them, both ends included.
pub(super) fn read_payload(text: &str) -> Result<PayloadBytes, BadValue> {
    let number = |text: &str| limits::PAYLOAD_BYTES.parse_bytes::<u32>(text);
    let Some((least, most)) = text.split_once("..") else { return number(text).map(PayloadBytes::exactly) };
    let backwards =
        || BadValue::new("payload-bytes", text, "a range leads from the lesser to the greater; write 0..1000");
    PayloadBytes::new(number(least)?, number(most)?).ok_or_else(backwards)
}

/// Resolves the origins: one node for all orders, by default the one with the least id, or a random node for each.
fn origins(draft: &Draft, overlay: &OverlayOptions) -> Result<Origins, ScenarioError> {
    let (nodes, names) = (overlay.nodes, overlay.names());
    match (draft.origins.unwrap_or(OriginsKind::One), draft.origin) {
        (OriginsKind::Random, None) => Ok(Origins::Random),
        (OriginsKind::Random, Some(origin)) => Err(ScenarioError::OriginNotTaken { origin }),
        (OriginsKind::One, None) => Ok(Origins::One(NodeId(0))),
        (OriginsKind::One, Some(origin)) => {
            let found = names.find(origin, nodes).map(Origins::One);
            found.ok_or_else(|| ScenarioError::NoSuchOrigin { origin, nodes, advice: names.advice("--origin ", nodes) })
        }
    }
}

/// Reads the path of a list of publications.
pub(super) fn read_publications(text: &str) -> Result<String, BadValue> {
    no_nul("publications", text)?;
    if text.is_empty() {
        return Err(BadValue::new(
            "publications",
            text,
            "name a file of comma-separated values, or - for standard input",
        ));
    }
    Ok(text.to_owned())
}

/// Returns the list of publications at `path`, whose origins are nodes of this overlay, and reads it unless it has been
/// read before.
fn listed(
    path: &str,
    overlay: &OverlayOptions,
    read: Option<&ScenarioValues>,
) -> Result<PublicationList, ScenarioError> {
    let (nodes, names) = (overlay.nodes, overlay.names());
    let known = read.and_then(|read| Some((read, read.workload.publications.as_ref()?)));
    let known = known.filter(|(_, list)| list.path() == path);
    let list = match known {
        Some((read, list)) if read.overlay.nodes == nodes && read.overlay.names() == names => return Ok(list.clone()),
        Some((_, list)) => list.clone(),
        None => PublicationList::read(path, limits::PUBLICATIONS)?,
    };
    list.check_origins(|id| names.find(id, nodes), || names.advice("", nodes))?;
    Ok(list)
}

/// Resolves the options that apply only to a run of many orders.
fn bulk(draft: &Draft, nodes: u32, transport: TransportKind) -> Result<Option<BulkOptions>, ScenarioError> {
    let &Draft { orders, rate, arrivals, .. } = draft;
    let orders = limits::ORDERS.check(orders.unwrap_or(1))?;
    if orders == 1 {
        let asked = [("rate", rate.is_some()), ("arrivals", arrivals.is_some())];
        if let Some((option, _)) = asked.into_iter().find(|&(_, is_asked)| is_asked) {
            return Err(ScenarioError::OneOrder { option });
        }
    }
    let Some(window) = window(draft, nodes, orders, transport)? else { return Ok(None) };
    let (rate, arrivals) = (rate.unwrap_or(RATE_DEFAULT), arrivals.unwrap_or(Arrivals::Constant));
    if f64::from(orders - 1) / rate.as_f64() > limits::SCHEDULE_SECS as f64 {
        return Err(ScenarioError::ScheduleTooLong { orders, rate });
    }
    Ok(Some(BulkOptions { orders, rate, arrivals: Some(arrivals), window }))
}

/// Resolves the window of a run of many orders; `None` for a single order, which has none.
fn window(
    draft: &Draft,
    nodes: u32,
    orders: u32,
    transport: TransportKind,
) -> Result<Option<WindowSize>, ScenarioError> {
    if orders == 1 {
        return if draft.window.is_some() { Err(ScenarioError::OneOrder { option: "window" }) } else { Ok(None) };
    }
    let window = match draft.window.unwrap_or(WindowSize::Auto) {
        // A window wider than the number of orders would have no use.
        WindowSize::Orders(window) => WindowSize::Orders(limits::WINDOW.check(window)?.min(orders)),
        WindowSize::Auto => WindowSize::Auto,
    };
    if !transport.is_virtual() {
        // `auto` narrows the window as far as necessary, so only the narrowest one must fit.
        let window = if let WindowSize::Orders(window) = window { window } else { 1 };
        if window > limits::widest_window(nodes, orders) {
            return Err(ScenarioError::WindowTooWide { window, orders, nodes });
        }
    }
    Ok(Some(window))
}

const RATE_DEFAULT: Rate = Rate::per_second(100);
