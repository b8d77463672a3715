//! The requested overlay: a family and its options, written as `--topology` takes it, and the one place that builds
//! overlays.

use super::*;
use crate::random::{Key, Purpose};
use crate::ratio::Ratio;
use crate::sync::{Interrupt, Lookout};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The default number of peers.
const PEERS_DEFAULT: u32 = 20;

/// The default share of links that Watts–Strogatz rewires: well inside the small-world range of the paper, where paths
/// are short and neighbourhoods still overlap.
const REWIRED_DEFAULT: Ratio = Ratio::new(1, 10).unwrap();

/// The default number of nodes that a node dials: the connections that Bitcoin Core opens to relay transactions
/// (MAX_OUTBOUND_FULL_RELAY_CONNECTIONS).
const DIALS_DEFAULT: u32 = 8;

/// The default share of nodes that accept connections.
const REACHABLE_DEFAULT: Ratio = Ratio::new(1, 1).unwrap();

/// A family of overlays, written and read as `--topology` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum TopologySpec {
    /// Each pair is linked with the same probability; `peers` peers on average.
    #[default]
    ErdosRenyi,
    /// Each node has exactly `peers` peers, chosen at random.
    RandomRegular,
    /// Each node has `peers` peers that are computed instead of stored, for any number of nodes: `peers / 2` keyed
    /// permutations, forward and back. A few nodes have fewer peers, because a permutation sends a node to itself or
    /// two permutations send it to the same node.
    RegularImplicit,
    /// A ring on which each node is linked with the `peers` nearest, with a share of the links rewired at random.
    WattsStrogatz {
        /// The share that is rewired.
        rewired: Ratio,
    },
    /// Each new node links to `peers / 2` others, preferring those with many peers: a few hubs, many leaves.
    BarabasiAlbert,
    /// Each node dials `peers` others, drawn among those that accept connections, and it is on record who dialled.
    Dials {
        /// The share of nodes that accept connections.
        reachable: Ratio,
    },
    /// Each node is linked with the next and the previous one.
    Ring,
    /// A plane, nearly square, with open borders; up to four peers.
    Grid,
    /// Node 0 is linked with every other node; there are no further links.
    Star,
    /// Every node is linked with every other.
    Complete,
    /// An edge list, read from a file.
    File {
        /// Path of the file.
        path: String,
    },
    /// No overlay is drawn: a membership protocol keeps the peers of each node. No text names it.
    Membership,
}

impl TopologySpec {
    /// The notations of all families, for help texts and errors.
    pub const WRITTEN: &'static str = "erdos-renyi, random-regular, regular-implicit, watts-strogatz[:SHARE], \
                                       barabasi-albert, dials[:reachable=SHARE], ring, grid, star, complete, file:PATH";

    /// Builds the overlay for `nodes` nodes. Each family has its own meaning of `peers`; families without one ignore it
    /// (see [`takes_peers`](Self::takes_peers)). The same arguments give the same overlay everywhere.
    ///
    /// # Errors
    ///
    /// [`TopologyError`] if the family cannot have this size, if it is too large to store, or if a file cannot be read.
    #[doc(hidden)]
    pub fn build(&self, nodes: u32, peers: u32, seed: u64) -> Result<Topology, TopologyError> {
        self.build_unless(nodes, peers, seed, &Interrupt::new())
    }

    /// Builds the overlay as [`build`](Self::build) does, unless the user interrupts it.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build), and [`TopologyError::Interrupted`].
    #[doc(hidden)]
    pub fn build_unless(
        &self,
        nodes: u32,
        peers: u32,
        seed: u64,
        interrupt: &Interrupt,
    ) -> Result<Topology, TopologyError> {
        self.check(nodes, peers)?;
        let lookout = &mut Lookout::new(interrupt);
        // A word per family, so that two families with one seed share no draws.
        let key = Key::new(seed, Purpose::Topology).with(self.word());
        match self {
            TopologySpec::Complete => Ok(Topology::complete(nodes)),
            TopologySpec::Membership => Ok(Topology::unlinked(nodes)),
            TopologySpec::File { path } => {
                Ok(Arc::unwrap_or_clone(EdgeList::read_unless(path, interrupt)?.overlay(nodes)?))
            }
            TopologySpec::Ring => ring::build(nodes, lookout),
            TopologySpec::Grid => grid::build(nodes, lookout),
            TopologySpec::Star => star::build(nodes, lookout),
            TopologySpec::BarabasiAlbert => barabasi_albert::build(nodes, peers, key, lookout),
            TopologySpec::Dials { reachable } => dials::build(nodes, peers, *reachable, key, lookout),
            // Each other family with `nodes - 1` peers is the complete overlay, which takes no memory; Barabási–Albert
            // gives fewer links, and dials are on record.
            _ if peers == nodes - 1 => Ok(Topology::complete(nodes)),
            TopologySpec::ErdosRenyi => erdos_renyi::build(nodes, peers, key, lookout),
            TopologySpec::RandomRegular => random_regular::build(nodes, peers, key, lookout),
            TopologySpec::RegularImplicit if nodes == 1 => Ok(Topology::complete(1)),
            TopologySpec::RegularImplicit => {
                Ok(Topology { shape: Shape::Implicit(Implicit::new(nodes, peers, key)), dials: None, whole: None })
            }
            TopologySpec::WattsStrogatz { rewired } => watts_strogatz::build(nodes, peers, *rewired, key, lookout),
        }
    }

    /// Returns true if the number of peers can be chosen.
    pub const fn takes_peers(&self) -> bool {
        use TopologySpec::*;
        matches!(
            self,
            ErdosRenyi | RandomRegular | RegularImplicit | WattsStrogatz { .. } | BarabasiAlbert | Dials { .. }
        )
    }

    /// Returns the default number of peers: 20, and of dials 8, or the largest number below that which `nodes` nodes
    /// allow.
    pub fn default_peers(&self, nodes: u32) -> u32 {
        let default = if matches!(self, TopologySpec::Dials { .. }) { DIALS_DEFAULT } else { PEERS_DEFAULT };
        let most = default.min(nodes.saturating_sub(1));
        // Some families need an even number, so the largest one that fits is taken.
        (1..=most).rev().find(|&peers| self.check(nodes, peers).is_ok()).unwrap_or(most)
    }

    /// Returns the name of the family, without options.
    pub const fn family(&self) -> &'static str {
        match self {
            TopologySpec::ErdosRenyi => "erdos-renyi",
            TopologySpec::RandomRegular => "random-regular",
            TopologySpec::RegularImplicit => "regular-implicit",
            TopologySpec::WattsStrogatz { .. } => "watts-strogatz",
            TopologySpec::BarabasiAlbert => "barabasi-albert",
            TopologySpec::Ring => "ring",
            TopologySpec::Grid => "grid",
            TopologySpec::Dials { .. } => "dials",
            TopologySpec::Star => "star",
            TopologySpec::Complete => "complete",
            TopologySpec::File { .. } => "file",
            TopologySpec::Membership => "membership",
        }
    }

    /// Checks that the family can have this size, as far as that is known before it is built.
    ///
    /// # Errors
    ///
    /// The [`TopologyError`] that [`build`](Self::build) would return.
    #[doc(hidden)]
    pub fn check(&self, nodes: u32, peers: u32) -> Result<(), TopologyError> {
        let family = self.family();
        let is_implicit = matches!(self, TopologySpec::RegularImplicit);
        let in_pairs = is_implicit || matches!(self, TopologySpec::WattsStrogatz { .. } | TopologySpec::BarabasiAlbert);
        match (nodes, peers) {
            (0, _) => Err(TopologyError::NoNodes),
            _ if !self.takes_peers() => Ok(()),
            (1, 0) => Ok(()),
            // Two nodes have one peer each, and these families assign at least two.
            (2, _) if in_pairs => Err(TopologyError::TooFewNodes { family, nodes, least: 3 }),
            (_, 0) => Err(TopologyError::TooFewPeers { family, least: if in_pairs { 2 } else { 1 } }),
            _ if peers >= nodes => Err(TopologyError::TooManyPeers { peers, nodes }),
            _ if in_pairs && !peers.is_multiple_of(2) => Err(TopologyError::OddPeers { family, peers, nodes }),
            _ if matches!(self, TopologySpec::RandomRegular) && nodes % 2 == 1 && peers % 2 == 1 => {
                Err(TopologyError::OddEnds { nodes, peers })
            }
            _ if let TopologySpec::Dials { reachable } = self => check_dials(nodes, peers, *reachable),
            // This is the complete overlay, which is computed, so neither limit below applies.
            _ if peers == nodes - 1 && !matches!(self, TopologySpec::BarabasiAlbert) => Ok(()),
            _ if is_implicit && peers > implicit::PEERS_MAX => {
                Err(TopologyError::TooManyComputed { peers, most: implicit::PEERS_MAX })
            }
            _ if is_implicit => Ok(()),
            // The expected number for random degrees; the builder checks the exact one.
            _ => Ok(csr::check_entries(nodes, u64::from(nodes) * u64::from(peers))?),
        }
    }

    /// Returns the word that separates the random streams of the families; part of `docs/DETERMINISM.md`.
    pub(super) const fn word(&self) -> u64 {
        match self {
            TopologySpec::ErdosRenyi => 1,
            TopologySpec::RandomRegular => 2,
            TopologySpec::WattsStrogatz { .. } => 3,
            TopologySpec::BarabasiAlbert => 4,
            TopologySpec::RegularImplicit => 5,
            TopologySpec::Dials { .. } => 6,
            _ => 0,
        }
    }
}

/// Checks that each node finds `peers` others that accept connections.
fn check_dials(nodes: u32, peers: u32, reachable: Ratio) -> Result<(), TopologyError> {
    let accepting = dials::accepting(nodes, reachable);
    if accepting <= peers {
        return Err(TopologyError::TooFewReachable { peers, nodes, reachable, accepting });
    }
    // Each dial is an entry at either end.
    Ok(csr::check_entries(nodes, 2 * u64::from(nodes) * u64::from(peers))?)
}

impl fmt::Display for TopologySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TopologySpec::WattsStrogatz { rewired } if *rewired != REWIRED_DEFAULT => {
                f.pad(&format!("{}:{rewired}", self.family()))
            }
            TopologySpec::Dials { reachable } if *reachable != REACHABLE_DEFAULT => {
                f.pad(&format!("{}:reachable={reachable}", self.family()))
            }
            TopologySpec::File { path } => f.pad(&format!("file:{path}")),
            _ => f.pad(self.family()),
        }
    }
}

/// The reason why a text is not a topology.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseTopologyError {
    /// The family is unknown.
    #[error("`{0}` is no topology; choose one of {families}", families = TopologySpec::WRITTEN)]
    Unknown(String),
    /// The text after the colon is not a share.
    #[error("`{0}`: the part of the links to rewire must be a share from 0 to 1, as in watts-strogatz:0.2")]
    Rewired(String),
    /// The text after the colon is not `reachable=` and a share.
    #[error("`{0}`: the share of the nodes that accept connections must follow, as in dials:reachable=0.1")]
    Reachable(String),
    /// No path follows the colon.
    #[error("`{0}`: the path of an edge list must follow, as in file:links.txt")]
    NoPath(String),
}

impl FromStr for TopologySpec {
    type Err = ParseTopologyError;

    fn from_str(text: &str) -> Result<TopologySpec, ParseTopologyError> {
        let (family, option) = match text.split_once(':') {
            Some((family, option)) => (family, Some(option)),
            None => (text, None),
        };
        match (family, option) {
            ("erdos-renyi", None) => Ok(TopologySpec::ErdosRenyi),
            ("random-regular", None) => Ok(TopologySpec::RandomRegular),
            ("regular-implicit", None) => Ok(TopologySpec::RegularImplicit),
            ("watts-strogatz", None) => Ok(TopologySpec::WattsStrogatz { rewired: REWIRED_DEFAULT }),
            ("watts-strogatz", Some(share)) => match share.parse() {
                Ok(rewired) => Ok(TopologySpec::WattsStrogatz { rewired }),
                Err(_) => Err(ParseTopologyError::Rewired(text.to_owned())),
            },
            ("barabasi-albert", None) => Ok(TopologySpec::BarabasiAlbert),
            ("dials", None) => Ok(TopologySpec::Dials { reachable: REACHABLE_DEFAULT }),
            ("dials", Some(option)) => match option.strip_prefix("reachable=").map(str::parse) {
                Some(Ok(reachable)) => Ok(TopologySpec::Dials { reachable }),
                _ => Err(ParseTopologyError::Reachable(text.to_owned())),
            },
            ("ring", None) => Ok(TopologySpec::Ring),
            ("grid", None) => Ok(TopologySpec::Grid),
            ("star", None) => Ok(TopologySpec::Star),
            ("complete", None) => Ok(TopologySpec::Complete),
            ("file", None | Some("")) => Err(ParseTopologyError::NoPath(text.to_owned())),
            ("file", Some(path)) => Ok(TopologySpec::File { path: path.to_owned() }),
            _ => Err(ParseTopologyError::Unknown(text.to_owned())),
        }
    }
}

impl Serialize for TopologySpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_round_trip() {
        for text in [
            "erdos-renyi",
            "random-regular",
            "regular-implicit",
            "watts-strogatz",
            "watts-strogatz:0.2",
            "watts-strogatz:1/3",
            "barabasi-albert",
            "dials",
            "dials:reachable=0.1",
            "ring",
            "grid",
            "star",
            "complete",
            "file:a path:with colons",
        ] {
            let spec: TopologySpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), text);
            assert_eq!(serde_json::to_string(&spec).unwrap(), format!("{text:?}"));
        }
        assert_eq!("watts-strogatz:10%".parse::<TopologySpec>().unwrap().to_string(), "watts-strogatz");
    }

    #[test]
    fn unreadable_text_is_refused_with_a_reason() {
        for (text, said) in [
            ("mesh", "`mesh` is no topology; choose one of erdos-renyi, "),
            ("ring:3", "`ring:3` is no topology"),
            ("", "`` is no topology"),
            ("watts-strogatz:2", "must be a share from 0 to 1"),
            ("dials:0.1", "as in dials:reachable=0.1"),
            ("dials:reachable=2", "must follow, as in"),
            ("file", "the path of an edge list must follow"),
            ("file:", "the path of an edge list must follow"),
        ] {
            let error = text.parse::<TopologySpec>().unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn default_peers_always_fit() {
        for text in ["erdos-renyi", "random-regular", "watts-strogatz", "barabasi-albert", "dials"] {
            let spec: TopologySpec = text.parse().unwrap();
            for nodes in (3..50).chain([10_000_000]) {
                let peers = spec.default_peers(nodes);
                assert!(peers <= 20 && spec.check(nodes, peers).is_ok(), "{text} {nodes}: {peers}");
            }
            assert_eq!((spec.default_peers(1), spec.default_peers(0)), (0, 0));
        }
        assert_eq!(TopologySpec::ErdosRenyi.default_peers(10), 9);
        assert_eq!(TopologySpec::Dials { reachable: REACHABLE_DEFAULT }.default_peers(100), 8);
        assert_eq!(TopologySpec::RandomRegular.default_peers(15), 14);
    }
}
