//! A protocol as people write it: `NAME[:PRESET][,knob=value...]`, such as `lazy,retry=2s`, and behind it a membership
//! protocol in the same notation, such as `plumtree@hyparview,shuffle-interval=1s`.
//!
//! The same text stands in flags, files, replay commands and reports. Each protocol declares its own knobs
//! (`protocol/knobs.rs`); the one list of protocols with their knobs is here.

use super::bad_value::{BadValue, shown};
use super::kinds::{Choice, ProtocolKind};
use super::protocol_traits::ProtocolTraits;
use super::{Draft, Scenario};
use crate::ids::NodeId;
use crate::message::KindNames;
use crate::parts::OrderCut;
use crate::protocol::{
    BadKnob, BitcoinKnobs, BitcoinRelay, Flood, FloodKnobs, Gossipsub, GossipsubKnobs, HyParViewKnobs, Knobs, Lazy,
    LazyKnobs, Plumtree, PlumtreeKnobs, Protocol, Push, PushKnobs, PushPull, PushPullKnobs, Swim, SwimKnobs, Turbine,
    TurbineKnobs, most_similar, read_knobs, write_knobs,
};
use crate::time::Nanos;
use crate::wire::order_bytes;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A protocol with its knobs, and the membership protocol under it.
///
/// Prints the shortest text that reads back to the same value: the preset, then only the knobs that differ from it.
///
/// ```
/// use bulk_order_propagation::options::{LazyKnobs, ProtocolSpec};
/// use bulk_order_propagation::{Draft, Nanos};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let spec: ProtocolSpec = "lazy,retry=2000ms".parse()?;
/// assert_eq!(spec, LazyKnobs { retry: Some(Nanos::from_secs(2)), ..LazyKnobs::default() }.into());
/// assert_eq!(spec.to_string(), "lazy,retry=2s");
/// let draft = Draft { protocol: Some(spec), ..Draft::default() };
/// # draft.build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProtocolSpec {
    /// The protocol and its knobs.
    pub protocol: ProtocolKnobs,
    /// The membership protocol that keeps each node's peers, in place of an overlay that is drawn; `None` for none.
    pub membership: Option<MembershipSpec>,
}

/// A membership protocol with its knobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembershipSpec {
    /// HyParView: a small active view, and a passive one to replace its members from.
    HyParView(HyParViewKnobs),
}

/// Declares the knobs of each protocol, with its type and its description in one line.
macro_rules! protocols {
    ($($Kind:ident($Knobs:ident) = $Protocol:ty, $about:literal);+ $(;)?) => {
        /// The knobs of a protocol, by its kind.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum ProtocolKnobs {
            $(
                #[doc = concat!("Of the kind ", stringify!($Kind), ", which ", $about, ".")]
                $Kind($Knobs),
            )+
        }

        impl ProtocolKnobs {
            /// Returns the kind of the protocol.
            pub const fn kind(&self) -> ProtocolKind {
                match self {
                    $(ProtocolKnobs::$Kind(_) => ProtocolKind::$Kind),+
                }
            }

            /// Reads the part of a text that follows the name of the protocol.
            fn read(kind: ProtocolKind, text: &str) -> Result<ProtocolKnobs, BadKnob> {
                match kind {
                    $(ProtocolKind::$Kind => read_knobs(kind.name(), text).map(ProtocolKnobs::$Kind)),+
                }
            }

            /// Writes the part of a text that follows the name of the protocol.
            fn written(&self) -> String {
                match self {
                    $(ProtocolKnobs::$Kind(knobs) => write_knobs(knobs)),+
                }
            }
        }

        impl From<ProtocolKind> for ProtocolSpec {
            /// Takes the default of every knob.
            fn from(kind: ProtocolKind) -> ProtocolSpec {
                match kind {
                    $(ProtocolKind::$Kind => $Knobs::default().into()),+
                }
            }
        }

        $(
            impl From<$Knobs> for ProtocolSpec {
                fn from(knobs: $Knobs) -> ProtocolSpec {
                    ProtocolSpec { protocol: ProtocolKnobs::$Kind(knobs), membership: None }
                }
            }
        )+

        impl ProtocolKind {
            /// Returns the kinds of the messages of the protocol beside orders, each with its name.
            pub(super) const fn messages(self) -> KindNames {
                match self {
                    $(ProtocolKind::$Kind => <$Protocol as Protocol>::KINDS),+
                }
            }

            /// Describes the protocol, with its presets and knobs.
            pub fn sheet(self) -> ProtocolSheet {
                match self {
                    $(ProtocolKind::$Kind => sheet_of::<$Knobs>(self.name(), self.into(), $about)),+
                }
            }
        }
    };
}

protocols! {
    Push(PushKnobs) = Push, "forwards the first copy of an order to a number of peers";
    Flood(FloodKnobs) = Flood, "forwards the first copy of an order to every peer but its sender";
    Lazy(LazyKnobs) = Lazy, "announces an order to a number of peers, and sends it to those that request it";
    LazyBitcoin(BitcoinKnobs) = BitcoinRelay, "announces an order to all peers in trickles, as Bitcoin Core does";
    Plumtree(PlumtreeKnobs) = Plumtree, "sends an order over the links of a tree, and announces it over the others";
    PushPull(PushPullKnobs) = PushPull,
        "calls a peer in each round, and the two exchange the orders that one of them lacks";
    Gossipsub(GossipsubKnobs) = Gossipsub,
        "sends an order over a mesh of few links, and tells other peers of it at heartbeats";
    Swim(SwimKnobs) = Swim, "tells an order to drawn nodes a bounded number of times, from a queue, as memberlist does";
    Turbine(TurbineKnobs) = Turbine, "cuts an order into shreds and sends each down a tree of its own, as Solana does";
}

impl ProtocolSpec {
    /// Returns the kind of the protocol.
    pub const fn kind(&self) -> ProtocolKind {
        self.protocol.kind()
    }

    /// Returns the static properties of the protocol over its membership protocol, if it has one.
    #[doc(hidden)]
    pub const fn traits(&self) -> ProtocolTraits {
        let traits = self.kind().traits();
        match self.membership {
            None => traits,
            // Views are sparse, and are no rows of an overlay.
            Some(_) => ProtocolTraits {
                has_control: true,
                is_first_message: false,
                needs_peers: false,
                contacts_anyone: false,
                knows_everybody: false,
                bounds_hops: false,
                starts: true,
                ..traits
            },
        }
    }

    /// Returns the maximum number of neighbours of a node; `None` without a membership protocol.
    pub(super) fn neighbours_max(&self) -> Option<u32> {
        let MembershipSpec::HyParView(knobs) = self.membership?;
        Some(knobs.active_view_capacity.into())
    }

    /// Returns the bytes that the state of the membership protocol takes from the start, and the number of links that
    /// it keeps, counted at both ends; `None` without one.
    pub(crate) fn membership_state(&self, nodes: u64) -> Option<(u64, u64)> {
        let MembershipSpec::HyParView(knobs) = self.membership?;
        let links = nodes.saturating_mul(knobs.active_view_capacity.into());
        // The slots stand twice: as they are, and as they were when the first order was due.
        let settled = links.saturating_mul(size_of::<NodeId>() as u64);
        Some((knobs.state_bytes(nodes).saturating_add(settled), links))
    }

    /// Returns the bytes that the protocol's own state takes from the start, with `links` links counted at both ends; 0
    /// for one that keeps next to nothing.
    pub(crate) fn state_bytes(&self, nodes: u64, links: u64) -> u64 {
        match self.protocol {
            ProtocolKnobs::LazyBitcoin(_) => BitcoinKnobs::state_bytes(nodes, links),
            ProtocolKnobs::Plumtree(knobs) => knobs.state_bytes(nodes, links),
            ProtocolKnobs::Gossipsub(knobs) => knobs.state_bytes(nodes, links, 1),
            ProtocolKnobs::Lazy(_) => Lazy::state_bytes(nodes),
            ProtocolKnobs::PushPull(knobs) => knobs.state_bytes(nodes),
            ProtocolKnobs::Swim(knobs) => knobs.state_bytes(nodes),
            // Bits for each order and shred: see `Scenario::protocol_state_bytes`.
            ProtocolKnobs::Push(_) | ProtocolKnobs::Flood(_) | ProtocolKnobs::Turbine(_) => 0,
        }
    }

    /// Returns the bytes of the bodies of all parts of an order with a payload of this length; 0 if it travels whole.
    pub(crate) fn encoded_part_bytes(&self, payload_bytes: u32) -> u64 {
        let body_bytes = self.cut().map_or(0, |cut| cut.body_bytes);
        u64::from(body_bytes) * u64::from(self.parts_of(payload_bytes).unwrap_or(0))
    }

    /// Returns the number of parts of an order with a payload of this length; `None` if it travels whole.
    pub(super) fn parts_of(&self, payload_bytes: u32) -> Option<u32> {
        self.cut().map(|cut| cut.parts(order_bytes(payload_bytes)))
    }

    /// Returns the rule by which the protocol cuts orders; `None` if they travel whole.
    fn cut(&self) -> Option<OrderCut> {
        if let ProtocolKnobs::Turbine(knobs) = self.protocol { Some(knobs.cut()) } else { None }
    }

    /// Returns the longest time from an order's last receipt to the last repair of it, in a network of `nodes` nodes.
    pub(super) fn repair_horizon(&self, nodes: u32) -> Nanos {
        match self.protocol {
            ProtocolKnobs::Gossipsub(knobs) => knobs.repair_horizon(),
            ProtocolKnobs::LazyBitcoin(knobs) => knobs.getdata_interval,
            ProtocolKnobs::PushPull(knobs) => knobs.repair_horizon(),
            ProtocolKnobs::Swim(knobs) => knobs.repair_horizon(nodes),
            _ => Nanos::ZERO,
        }
    }

    /// Returns the same protocol if its knobs are within their limits. A text gives no others, but a program may.
    pub(super) fn checked(self) -> Result<ProtocolSpec, BadValue> {
        self.to_string().parse()
    }
}

impl fmt::Display for ProtocolSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = format!("{}{}", self.kind().name(), self.protocol.written());
        if let Some(membership) = self.membership {
            written += &format!("@{membership}");
        }
        f.pad(&written)
    }
}

impl FromStr for ProtocolSpec {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<ProtocolSpec, BadValue> {
        let refused = |rule: String| BadValue::new("protocol", text, rule);
        let (protocol, membership) = match text.split_once('@') {
            Some((protocol, text)) => (protocol, Some(membership(text).map_err(refused)?)),
            None => (text, None),
        };
        let (kind, knobs) = split_kind(protocol).map_err(refused)?;
        let protocol = ProtocolKnobs::read(kind, knobs).map_err(|error| refused(error.to_string()))?;
        Ok(ProtocolSpec { protocol, membership })
    }
}

/// Serializes as the text that reads back.
impl Serialize for ProtocolSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Splits a text into the kind of protocol and the part that follows its name.
fn split_kind(text: &str) -> Result<(ProtocolKind, &str), String> {
    let named = ProtocolKind::ALL.iter().filter_map(|&kind| Some((kind, text.strip_prefix(kind.name())?)));
    let whole = named.filter(|(_, rest)| rest.is_empty() || rest.starts_with([':', ',']));
    // The longest name: a preset with rules of its own is a kind of its own.
    whole.min_by_key(|(_, rest)| rest.len()).map_or_else(
        || {
            let end = text.find([':', ',']).unwrap_or(text.len());
            Ok((kind_named(&text[..end])?, &text[end..]))
        },
        Ok,
    )
}

/// Returns the kind of this name, or the rule that it breaks.
fn kind_named(name: &str) -> Result<ProtocolKind, String> {
    let names = || ProtocolKind::ALL.iter().map(|kind| kind.name());
    ProtocolKind::named(name).ok_or_else(|| match most_similar(name, names()) {
        Some(similar) => format!("no protocol is called {}; did you mean {similar}?", shown(name)),
        None => format!("choose one of {}", names().collect::<Vec<_>>().join(", ")),
    })
}

impl MembershipSpec {
    /// Returns the name of the membership protocol.
    pub const fn name(&self) -> &'static str {
        match self {
            MembershipSpec::HyParView(_) => HYPARVIEW,
        }
    }

    /// Describes every membership protocol, with its presets and knobs.
    pub fn sheets() -> [ProtocolSheet; 1] {
        let about = "keeps the peers of each node, under any protocol: NAME@hyparview";
        [sheet_of::<HyParViewKnobs>(HYPARVIEW, ProtocolKind::Push.into(), about)]
    }
}

/// Prints the shortest text that reads back.
impl fmt::Display for MembershipSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MembershipSpec::HyParView(knobs) = self;
        f.pad(&format!("{}{}", self.name(), write_knobs(knobs)))
    }
}

/// Reads a membership protocol, or returns the rule that the text breaks.
fn membership(text: &str) -> Result<MembershipSpec, String> {
    let (name, knobs) = text.split_at(text.find([':', ',']).unwrap_or(text.len()));
    if name == HYPARVIEW {
        return read_knobs(HYPARVIEW, knobs).map(MembershipSpec::HyParView).map_err(|error| error.to_string());
    }
    Err(match most_similar(name, [HYPARVIEW]) {
        Some(similar) => format!("no membership protocol is called {}; did you mean @{similar}?", shown(name)),
        None => format!(
            "no membership protocol is called {}; write @{HYPARVIEW}, or leave it out and choose an overlay with \
             --topology",
            shown(name)
        ),
    })
}

const HYPARVIEW: &str = "hyparview";

/// A protocol with its presets and knobs, for a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolSheet {
    /// Name of the protocol.
    pub name: &'static str,
    /// Its rule in brief, the predicate of a sentence.
    pub about: &'static str,
    /// The presets, each with the document that its values are from; the first is the default.
    pub presets: Vec<(&'static str, &'static str)>,
    /// The knobs.
    pub knobs: Vec<KnobSheet>,
}

/// A knob, for a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnobSheet {
    /// Name of the knob.
    pub name: &'static str,
    /// Description of the value with its unit.
    pub help: &'static str,
    /// Its value in each preset, or only its default if there is no preset.
    pub values: Vec<String>,
}

/// Describes a protocol. The default of a knob that is an option too is the option's in a scenario of this protocol.
fn sheet_of<K: Knobs>(name: &'static str, spec: ProtocolSpec, about: &'static str) -> ProtocolSheet {
    let sets: Vec<K> = match K::PRESETS {
        [] => vec![K::default()],
        presets => presets.iter().map(|preset| (preset.values)()).collect(),
    };
    let scenario = Draft { protocol: Some(spec), ..Draft::default() }.build().ok();
    let option = |name: &str| scenario.as_ref().and_then(|scenario| Scenario::option(scenario, name));
    let knobs = K::KNOBS.iter().map(|knob| {
        let shown = |set: &K| match (knob.show)(set) {
            text if text == crate::protocol::DEFAULT => option(knob.name).unwrap_or(text),
            text => text,
        };
        KnobSheet { name: knob.name, help: knob.help, values: sets.iter().map(shown).collect() }
    });
    let presets = K::PRESETS.iter().map(|preset| (preset.name, preset.source)).collect();
    ProtocolSheet { name, about, presets, knobs: knobs.collect() }
}
