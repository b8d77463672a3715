//! The options of the protocol: the handling of an order by a node, and the hops that the order may travel.

use super::bad_value::BadValue;
use super::error::ScenarioError;
use super::kinds::ProtocolKind;
use super::mix_check;
use super::mix_spec::MixSpec;
use super::parse::time;
use super::protocol_mismatch::ProtocolMismatch;
use super::protocol_spec::{ProtocolKnobs, ProtocolSpec};
use super::transport_kind::TransportKind;
use super::{Draft, limits, warm_up};
use crate::message::TTL_MAX;
use crate::network::{HEADER_BYTES, NetworkSpec};
use crate::protocol::{HopFanouts, LazyKnobs, PushFanout, PushKnobs, StakeFile};
use crate::time::Nanos;
use serde::{Serialize, Serializer};

/// The heading of this group in `--help`.
pub(super) const HEADING: &str = "Protocol";

/// Adds the options of this group to the table that [`Draft`] is declared from.
macro_rules! protocol_options {
    ($then:tt $($given:tt)*) => {
        next_group! { $then $($given)*
            [protocol_options::HEADING]

            /// Gossip protocol of every node [default: push].
            ///
            /// push forwards each new order to --fanout peers; flood forwards it to every peer except its sender; lazy
            /// announces it to --fanout peers and sends it to those that request it; plumtree sends it over the links
            /// of a tree that the first orders leave, and announces it over the others; gossipsub sends it over a mesh
            /// of few links, and tells other peers at heartbeats; lazy:bitcoin announces it to all peers with the
            /// timers of Bitcoin Core. Push and flood are fast and send duplicates; lazy and plumtree carry the order
            /// about once per node, at the price of control messages. With push-pull a node calls one peer in each
            /// round, and the two exchange what one of them lacks: everyone is reached, at the price of rounds; swim
            /// tells an order to nodes drawn among all, a bounded number of times, as memberlist does. turbine cuts an
            /// order into shreds and sends each down a tree of its own over all nodes, as Solana does, which suits
            /// large orders. A name may have a preset and knobs, `NAME[:PRESET][,knob=value...]`, as lazy,retry=2s:
            /// `bulkprop protocols` lists them. With @hyparview behind it, which may have knobs in the same notation,
            /// no overlay is drawn: nodes join, and each keeps a few neighbours, which it replaces when they fail.
            #[arg(short = 'p')]
            protocol: ProtocolSpec = "PROTOCOL", |text: &str| text.parse::<ProtocolSpec>();

            /// Share of the nodes that run another protocol, and which [default: none].
            ///
            /// Written as 20%:gossipsub:go: this share of the nodes, rounded up and drawn with the seed, runs that
            /// protocol, all others that of --protocol. It shows what a new version brings while few have it: two peers
            /// send each other only what both versions have, and the report has a group for either side. Protocols
            /// whose nodes do not understand each other's messages are refused.
            #[arg(hide_short_help = true)]
            mix: MixSpec = "SHARE:PROTOCOL", |text: &str| text.parse::<MixSpec>();

            /// Peers to which a node forwards an order [default: 8].
            ///
            /// A node with fewer peers sends to all of them. A larger fanout is faster and misses fewer nodes, but
            /// sends more duplicates.
            #[arg(short = 'f')]
            fanout: u32 = "N", |text: &str| limits::FANOUT.parse::<u32>(text);

            /// Maximum hops of an order [default: 6; simulated: auto].
            ///
            /// With plumtree, gossipsub, push-pull, swim, turbine and lazy:bitcoin, whose orders may travel far, and
            /// with @hyparview, the default is 255. `auto` is twice the hops to the target plus 2, or four times plus 2
            /// if one message may take more than ten times as long as another. A lower TTL saves messages and misses
            /// distant nodes.
            #[arg(hide_short_help = true)]
            ttl: Ttl = "HOPS|auto", protocol_options::read_ttl;

            /// Do not send an order back to its sender [default: false].
            ///
            /// This saves a few messages and does not change which nodes are reached.
            #[arg(hide_short_help = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
            exclude_sender: bool = "true|false", |text: &str| truth("exclude-sender", text);

            /// With lazy, time before a node requests again [default: 500ms].
            ///
            /// The time that a node waits for an order that it has requested. The default is longer if three times the
            /// longest modelled latency exceeds 500 ms, or a round trip and the time in which the slowest uplink sends
            /// an order to as many nodes as fanout says. A shorter time causes duplicates.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            retry: Nanos = "TIME", protocol_options::read_retry;

            /// With lazy, time between announcements [default: 0].
            ///
            /// A node gathers new orders for this time, as 10ms, and sends each peer one message about all of them;
            /// with 0 it announces each order at once. A longer interval saves messages if there are many orders, and
            /// adds time at every hop.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            announce_interval: Nanos = "TIME", protocol_options::read_announce_interval;

            /// With turbine, file with the stakes of the nodes [default: none].
            ///
            /// A CSV with the columns node and stake, a whole number; - for standard input. A node with more stake is
            /// likelier to be near the root of a shred's tree; nodes without a line come after all others.
            #[arg(hide_short_help = true)]
            stakes: String = "FILE", stake_options::read_stakes;

            /// Time for which nodes run before the first order [default: the protocol's].
            ///
            /// Meshes form in it; its messages are counted apart, and times count from its end. On a real carrier it
            /// takes real time, and a protocol that warms up for more than 10s of its own accord is refused there
            /// without this option. A shorter one measures a network that is still forming.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            warm_up: Nanos = "TIME", warm_up::read_warm_up;
        }
    };
}

/// The protocol of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtocolOptions {
    /// Gossip protocol of every node, or of all but the share of a mix. Knobs that are options too are not in it, but
    /// in the fields below.
    pub spec: ProtocolSpec,
    /// The share of the nodes that run another protocol, and which; `None` if all run one.
    pub mix: Option<MixSpec>,
    /// Number of peers to which a node forwards an order, or the greatest of any hop; the upper limit if the protocol
    /// forwards to all.
    pub fanout: u32,
    /// Maximum hops of an order.
    pub ttl: Ttl,
    /// True if forwarding skips the peer that the order came from.
    pub exclude_sender: bool,
    /// Time after which a node repeats a request, if the protocol makes requests.
    pub retry: Option<Nanos>,
    /// Time for which a node gathers orders before it announces them, if the protocol announces.
    pub announce_interval: Option<Nanos>,
    /// Stakes of the nodes, read when the draft was built; `None` if no file lists them.
    pub stakes: Option<StakeFile>,
    /// Time for which nodes run before the first order; `None` for the protocol's own.
    pub warm_up: Option<Nanos>,
}

/// The maximum hops of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// This number of hops.
    Hops(u8),
    /// Twice the hops to the target plus 2, at most 255.
    Auto,
}

impl ProtocolOptions {
    /// Resolves the options of this group.
    pub(super) fn resolve(
        draft: &Draft,
        transport: TransportKind,
        network: Option<&NetworkSpec>,
        order_bytes: u32,
        auto_fanout: impl FnOnce() -> Result<u32, ScenarioError>,
        stakes: impl FnOnce(ProtocolSpec) -> Result<Option<StakeFile>, ScenarioError>,
    ) -> Result<ProtocolOptions, ScenarioError> {
        let asked = draft.protocol.unwrap_or(ProtocolKind::Push.into()).checked()?;
        let shared = SharedKnobs::asked(draft, asked)?;
        let (spec, kind) = (asked.without_options(), asked.kind());
        let fanout = match spec.own_fanout() {
            None | Some(PushFanout::Same(_)) => fanout(shared.fanout, kind)?,
            Some(PushFanout::ByHop(fanouts)) => fanouts.greatest(),
            Some(PushFanout::Auto) => auto_fanout()?,
        };
        Ok(ProtocolOptions {
            spec,
            mix: mix_check::resolve(draft, asked)?,
            fanout,
            ttl: ttl(draft.ttl, spec, transport)?,
            exclude_sender: exclude_sender(draft.exclude_sender, kind)?,
            retry: retry(shared.retry, kind, || retry_default(fanout, network, order_bytes))?,
            announce_interval: announce_interval(shared.announce_interval, kind)?,
            stakes: stakes(asked)?,
            warm_up: warm_up::resolve(draft.warm_up, spec)?,
        })
    }

    /// Returns the kind of the protocol.
    pub const fn kind(&self) -> ProtocolKind {
        self.spec.kind()
    }

    /// Returns the fanout of each hop, if it depends on the hop.
    pub fn fanout_by_hop(&self) -> Option<HopFanouts> {
        match self.spec.own_fanout() {
            Some(PushFanout::ByHop(fanouts)) => Some(fanouts),
            _ => None,
        }
    }

    /// Returns true if the fanout follows from the target.
    pub fn has_auto_fanout(&self) -> bool {
        self.spec.own_fanout() == Some(PushFanout::Auto)
    }

    /// Sets the options of this group in a draft.
    pub(super) fn add_to(&self, draft: &mut Draft) {
        let takes_fanout = self.kind().traits().takes_fanout;
        draft.protocol = Some(self.spec);
        draft.mix = self.mix;
        draft.fanout = (takes_fanout && self.spec.own_fanout().is_none()).then_some(self.fanout);
        draft.ttl = Some(self.ttl);
        draft.exclude_sender = takes_fanout.then_some(self.exclude_sender);
        draft.retry = self.retry;
        draft.announce_interval = self.announce_interval;
        draft.stakes = self.stakes.as_ref().map(|file| file.path().to_owned());
        draft.warm_up = self.warm_up;
    }
}

impl ProtocolSpec {
    /// Returns the fanout that the knobs say, which no option says then.
    fn own_fanout(&self) -> Option<PushFanout> {
        match self.protocol {
            ProtocolKnobs::Push(knobs) => knobs.fanout,
            _ => None,
        }
    }

    /// Returns the protocol without the knobs whose values the options of the same names can have.
    fn without_options(self) -> ProtocolSpec {
        let protocol = match self.protocol {
            ProtocolKnobs::Push(PushKnobs { fanout: Some(PushFanout::Same(_)) }) => {
                ProtocolKnobs::Push(PushKnobs { fanout: None })
            }
            ProtocolKnobs::Lazy(_) => {
                ProtocolKnobs::Lazy(LazyKnobs { fanout: None, retry: None, announce_interval: None })
            }
            other => other,
        };
        ProtocolSpec { protocol, ..self }
    }
}

/// The options that are knobs of protocols, too.
#[derive(Clone, Copy, Debug, Default)]
struct SharedKnobs {
    fanout: Option<u32>,
    retry: Option<Nanos>,
    announce_interval: Option<Nanos>,
}

impl SharedKnobs {
    /// Returns what is asked for, in either form.
    ///
    /// # Errors
    ///
    /// [`ProtocolMismatch::KnobTwice`] if one is given as a knob and as an option.
    fn asked(draft: &Draft, spec: ProtocolSpec) -> Result<SharedKnobs, ScenarioError> {
        let knobs = SharedKnobs::of(spec);
        let twice = |option| ScenarioError::from(ProtocolMismatch::KnobTwice { option, spec: Box::new(spec) });
        if draft.fanout.is_some() && spec.own_fanout().is_some() {
            return Err(twice("fanout"));
        }
        Ok(SharedKnobs {
            fanout: either(knobs.fanout, draft.fanout).ok_or_else(|| twice("fanout"))?,
            retry: either(knobs.retry, draft.retry).ok_or_else(|| twice("retry"))?,
            announce_interval: either(knobs.announce_interval, draft.announce_interval)
                .ok_or_else(|| twice("announce-interval"))?,
        })
    }

    fn of(spec: ProtocolSpec) -> SharedKnobs {
        match spec.protocol {
            ProtocolKnobs::Push(PushKnobs { fanout: Some(PushFanout::Same(fanout)) }) => {
                SharedKnobs { fanout: Some(fanout), ..SharedKnobs::default() }
            }
            ProtocolKnobs::Lazy(LazyKnobs { fanout, retry, announce_interval }) => {
                SharedKnobs { fanout, retry, announce_interval }
            }
            _ => SharedKnobs::default(),
        }
    }
}

/// Returns the one of two values that is given; `None` if both are.
fn either<T>(knob: Option<T>, option: Option<T>) -> Option<Option<T>> {
    if knob.is_some() && option.is_some() { None } else { Some(knob.or(option)) }
}

/// Serializes as a whole number, or as the text `auto`.
impl Serialize for Ttl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Ttl::Hops(hops) => serializer.serialize_u8(*hops),
            Ttl::Auto => serializer.serialize_str("auto"),
        }
    }
}

/// Reads a number of hops, or `auto`.
pub(super) fn read_ttl(text: &str) -> Result<Ttl, BadValue> {
    if text == "auto" { Ok(Ttl::Auto) } else { limits::TTL.parse(text).map(Ttl::Hops) }
}

/// Reads the time to wait for an answer, which must be above 0.
pub(super) fn read_retry(text: &str) -> Result<Nanos, BadValue> {
    match time("retry", text, RETRY_RULE)? {
        Nanos::ZERO => Err(BadValue::new("retry", text, RETRY_RULE)),
        time => Ok(time),
    }
}

/// Reads the time for which a node gathers orders before it announces them.
pub(super) fn read_announce_interval(text: &str) -> Result<Nanos, BadValue> {
    let rule =
        "an interval is a number with its unit, below 584 years; write 10ms or 2s, or 0 to announce each order at once";
    time("announce-interval", text, rule)
}

/// Resolves the fanout. Protocols that choose among all peers take none.
fn fanout(asked: Option<u32>, protocol: ProtocolKind) -> Result<u32, ScenarioError> {
    match (protocol.traits().takes_fanout, asked) {
        (false, None) => Ok(limits::FANOUT.most as u32),
        (false, Some(_)) => Err(ProtocolMismatch::SendsToAllPeers { option: "fanout", protocol }.into()),
        (true, asked) => Ok(limits::FANOUT.check(asked.unwrap_or(FANOUT_DEFAULT))?),
    }
}

/// Returns true if forwarding excludes the sender, as that of protocols that choose among all peers always does.
fn exclude_sender(asked: Option<bool>, protocol: ProtocolKind) -> Result<bool, ScenarioError> {
    match (protocol.traits().takes_fanout, asked) {
        (false, None) => Ok(true),
        (false, Some(_)) => Err(ProtocolMismatch::SendsToAllPeers { option: "exclude-sender", protocol }.into()),
        (true, asked) => Ok(asked.unwrap_or(false)),
    }
}

/// Resolves the retry time of a protocol that makes requests.
fn retry(
    asked: Option<Nanos>,
    protocol: ProtocolKind,
    default: impl FnOnce() -> Nanos,
) -> Result<Option<Nanos>, ScenarioError> {
    match (protocol, asked) {
        (ProtocolKind::Lazy, None) => Ok(Some(default())),
        (ProtocolKind::Lazy, Some(Nanos::ZERO)) => Err(BadValue::new("retry", "0", RETRY_RULE).into()),
        (ProtocolKind::Lazy, asked) => Ok(asked),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(ProtocolMismatch::NothingToRetry { protocol }.into()),
    }
}

/// Returns the default retry time, which exceeds the time in which an answer can come: three times the longest modelled
/// latency, and a round trip with an order on the slowest uplink. A node may be asked by all to whom it has announced
/// the order, and serves them one after the other.
fn retry_default(fanout: u32, network: Option<&NetworkSpec>, order_bytes: u32) -> Nanos {
    let longest = network.map_or(Nanos::ZERO, NetworkSpec::longest);
    let uplink = network.and_then(NetworkSpec::slowest_uplink);
    let copy_takes = uplink.map_or(Nanos::ZERO, |uplink| uplink.time(order_bytes.saturating_add(HEADER_BYTES)));
    let copies_take = Nanos(copy_takes.0.saturating_mul(fanout.into()));
    let answer = whole_millis(copies_take + longest + longest);
    RETRY_DEFAULT.max(Nanos(longest.0.saturating_mul(3))).max(answer)
}

/// Rounds up to a whole millisecond.
fn whole_millis(time: Nanos) -> Nanos {
    Nanos(time.0.checked_next_multiple_of(1_000_000).unwrap_or(u64::MAX))
}

/// Resolves the announce interval of a protocol that announces.
fn announce_interval(asked: Option<Nanos>, protocol: ProtocolKind) -> Result<Option<Nanos>, ScenarioError> {
    match (protocol, asked) {
        (ProtocolKind::Lazy, asked) => Ok(Some(asked.unwrap_or(Nanos::ZERO))),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(ProtocolMismatch::NothingToAnnounce { protocol }.into()),
    }
}

/// Resolves the TTL. The default is `auto` in virtual time, and six hops on real carriers, as the seed document has it;
/// for a protocol whose orders may travel any way it is the maximum.
fn ttl(asked: Option<Ttl>, protocol: ProtocolSpec, transport: TransportKind) -> Result<Ttl, ScenarioError> {
    let ttl = match asked {
        Some(ttl) => ttl,
        None if !protocol.traits().bounds_hops => Ttl::Hops(TTL_MAX),
        None if transport.is_virtual() => Ttl::Auto,
        None => TTL_DEFAULT,
    };
    if let Ttl::Hops(hops) = ttl {
        limits::TTL.check(hops)?;
    }
    Ok(ttl)
}

/// The rule for a retry time.
const RETRY_RULE: &str =
    "a time to ask again is a number above 0 with its unit, below 584 years; write 500ms, 2s or 40us";

const FANOUT_DEFAULT: u32 = 8;

const TTL_DEFAULT: Ttl = Ttl::Hops(6);

const RETRY_DEFAULT: Nanos = Nanos::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message_bytes;

    /// 16 MiB, 84 bytes and their header take 50 Mbit/s for 2.684 s, and 8 of them for 21.475 s; an answer takes two
    /// latencies of 50 ms as well.
    #[test]
    fn the_default_retry_time_covers_the_copies_of_a_slow_uplink() {
        let bandwidth = |text: &str| NetworkSpec { bandwidth: Some(text.parse().unwrap()), ..NetworkSpec::default() };
        let default = |network: &NetworkSpec, payload| retry_default(8, Some(network), message_bytes(payload));
        for (network, payload, expected) in [
            (NetworkSpec::default(), 16 << 20, RETRY_DEFAULT),
            (bandwidth("up=50mbit"), 1_000, RETRY_DEFAULT),
            (bandwidth("down=50mbit"), 16 << 20, RETRY_DEFAULT),
            (bandwidth("up=50mbit"), 16 << 20, Nanos::from_millis(21_575)),
        ] {
            assert_eq!(default(&network, payload), expected, "{network:?} {payload}");
        }
        let copies = 8 * 8 * u64::from(message_bytes(1) + HEADER_BYTES);
        assert_eq!(default(&bandwidth("up=1bit"), 1), Nanos::from_secs(copies) + Nanos::from_millis(100));
        assert_eq!(retry_default(u32::MAX, Some(&bandwidth("up=1bit")), u32::MAX), whole_millis(Nanos::MAX));
        assert_eq!(retry_default(8, None, u32::MAX), RETRY_DEFAULT);
    }
}
