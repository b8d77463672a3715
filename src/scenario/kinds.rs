//! The closed choices of an experiment: the protocol, the engine of virtual time, and the behaviour of worker threads.
//! The carrier has a file of its own. The rooms that do the work take these enums from here.
//!
//! Each choice has the names that `--help`, a TOML file and the JSON report use ([`Choice`]).

use crate::workload::Arrivals;
use serde::Serialize;

/// A closed choice whose values have names.
pub trait Choice: Copy + PartialEq + 'static {
    /// All values, in the order in which messages list them.
    const ALL: &'static [Self];

    /// Returns the name of the value, as a user writes it.
    fn name(self) -> &'static str;

    /// Returns the value with this name, or `None` if there is none.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.name() == name)
    }
}

/// Gives each value of a choice its name.
macro_rules! choice {
    ($Type:ident { $($Value:ident = $name:literal),+ $(,)? }) => {
        impl Choice for $Type {
            const ALL: &'static [$Type] = &[$($Type::$Value),+];

            fn name(self) -> &'static str {
                match self {
                    $($Type::$Value => $name),+
                }
            }
        }
    };
}

pub(super) use choice;

/// The gossip protocol that every node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProtocolKind {
    /// Forwards the first copy of an order to `fanout` peers.
    Push,
    /// Forwards the first copy of an order to every peer but its sender.
    Flood,
    /// Announces an order to `fanout` peers and sends it to those that ask for it.
    Lazy,
    /// Sends an order over the links of a tree, and announces it over the others.
    Plumtree,
    /// Announces an order to all peers in trickles, and sends it to those that request it, as Bitcoin Core does.
    #[serde(rename = "lazy:bitcoin")]
    LazyBitcoin,
    /// Calls a peer in each round, and exchanges with it the orders that one of them lacks.
    PushPull,
    /// Sends an order over a mesh of few links, and tells other peers of it at heartbeats.
    Gossipsub,
    /// Keeps a queue, and tells each order to drawn nodes a bounded number of times.
    Swim,
    /// Cuts an order into shreds, and sends each down a tree of its own.
    Turbine,
}

choice!(ProtocolKind {
    Push = "push",
    Flood = "flood",
    Lazy = "lazy",
    LazyBitcoin = "lazy:bitcoin",
    Plumtree = "plumtree",
    PushPull = "push-pull",
    Gossipsub = "gossipsub",
    Swim = "swim",
    Turbine = "turbine",
});

/// The algorithm that computes a run in virtual time. All engines give bit-identical results, with one exception: where
/// figures by node are not kept, `hops` does not record senders, so its digest differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// `hops` where every message has the same latency, else `fast` where the scenario allows it, else `general`.
    Auto,
    /// Every message passes through its protocol.
    General,
    /// Only the first copy of each order at a node is handled, along shortest paths.
    Fast,
    /// Each hop is a set of bits, where every message has the same latency.
    Hops,
}

choice!(Engine { Auto = "auto", General = "general", Fast = "fast", Hops = "hops" });

/// The cores that workers are pinned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pin {
    /// All physical cores first, hyperthreads last.
    Spread,
    /// Neighbouring cores, hyperthreads of one core first.
    Compact,
    /// None: the kernel moves workers.
    None,
}

choice!(Pin { Spread = "spread", Compact = "compact", None = "none" });

/// The rule by which an idle worker polls without sleeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spin {
    /// For a short time if each worker has a core; otherwise the worker yields and soon sleeps.
    Auto,
    /// For the whole run.
    Always,
    /// Never: an idle worker sleeps in the kernel at once.
    Never,
}

choice!(Spin { Auto = "auto", Always = "always", Never = "never" });

/// The rule that assigns each order the node where it enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OriginsKind {
    /// All at one node.
    One,
    /// Each at a node drawn for it.
    Random,
}

choice!(OriginsKind { One = "one", Random = "random" });
choice!(Arrivals { Constant = "constant", Poisson = "poisson", Burst = "burst" });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::TransportKind;
    use std::fmt::Debug;

    /// Asserts that the names of a choice equal those in its JSON, and that they read back.
    fn assert_named<T: Choice + Debug + Serialize>() {
        for &value in T::ALL {
            assert_eq!(serde_json::to_value(value).unwrap(), value.name());
            assert_eq!(T::named(value.name()), Some(value));
        }
        assert_eq!(T::named(""), None);
    }

    #[test]
    fn a_choice_has_one_name_everywhere() {
        assert_named::<TransportKind>();
        assert_named::<ProtocolKind>();
        assert_named::<Engine>();
        assert_named::<Pin>();
        assert_named::<Spin>();
        assert_named::<OriginsKind>();
        assert_named::<Arrivals>();
    }
}
