//! Errors of building an overlay: one type for all families, each message with the request, the limit and a remedy.

use super::alloc::StorageError;
use super::edge_list::EdgeListError;
use crate::ratio::Ratio;
use crate::sync::Interrupted;

/// The reason why an overlay was not built. A failed attempt leaves nothing behind.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// No nodes were asked for.
    #[error("--nodes 0: a network needs at least one node; ask for 1 or more")]
    NoNodes,

    /// No node would have a peer.
    #[error("--peers 0 with --topology {family}: no node would know another; ask for at least {least}")]
    TooFewPeers {
        /// Family name, as on the command line.
        family: &'static str,
        /// The smallest number of peers that the family accepts.
        least: u32,
    },

    /// The family assigns peers in pairs, and no pair fits.
    #[error(
        "--nodes {nodes} with --topology {family}: it gives each node two peers or more; ask for at least --nodes \
         {least}"
    )]
    TooFewNodes {
        /// Family name, as on the command line.
        family: &'static str,
        /// Nodes asked for.
        nodes: u32,
        /// The smallest number of nodes, other than one, that the family accepts.
        least: u32,
    },

    /// More peers were asked for than there are other nodes.
    #[error(
        "--peers {peers} with --nodes {nodes}: a node has at most {} others to know; ask for fewer --peers or more \
         --nodes",
        nodes - 1
    )]
    TooManyPeers {
        /// Peers asked for.
        peers: u32,
        /// Nodes asked for.
        nodes: u32,
    },

    /// Fewer nodes accept connections than each is to dial.
    #[error(
        "--peers {peers} with --topology dials:reachable={reachable} and --nodes {nodes}: only {accepting} nodes \
         accept connections, and a node dials {peers} others; ask for fewer --peers or a larger reachable share"
    )]
    TooFewReachable {
        /// Nodes that each is to dial.
        peers: u32,
        /// Nodes asked for.
        nodes: u32,
        /// The share that accepts connections.
        reachable: Ratio,
        /// Number of nodes that accept connections.
        accepting: u32,
    },

    /// More peers were asked for than computed overlays can have.
    #[error(
        "--peers {peers} with --topology regular-implicit: it computes at most {most} peers of a node; ask for \
         --peers {most} or fewer, or for --topology random-regular, which stores them"
    )]
    TooManyComputed {
        /// Peers asked for.
        peers: u32,
        /// The maximum number of peers.
        most: u32,
    },

    /// The family assigns peers in pairs, and the number is odd.
    #[error(
        "--peers {peers} with --topology {family}: it needs an even number, half for either side of a link; \
         ask for --peers {}",
        even_neighbours(*peers, *nodes)
    )]
    OddPeers {
        /// Family name, as on the command line.
        family: &'static str,
        /// Peers asked for.
        peers: u32,
        /// Nodes asked for.
        nodes: u32,
    },

    /// The number of link ends would be odd, but every link has two.
    #[error(
        "--nodes {nodes} with --peers {peers} and --topology random-regular: nodes times peers must be even, since \
         each link has two ends; make one of them even"
    )]
    OddEnds {
        /// Nodes asked for.
        nodes: u32,
        /// Peers asked for.
        peers: u32,
    },

    /// Every pairing ended with a loop or a parallel link that could not be switched away.
    #[error(
        "--topology random-regular with --nodes {nodes} and --peers {peers}: none of {attempts} random pairings became \
         a simple graph; take another --seed"
    )]
    NoPairing {
        /// Nodes asked for.
        nodes: u32,
        /// Peers asked for.
        peers: u32,
        /// Pairings tried.
        attempts: u64,
    },

    /// The overlay cannot be stored.
    #[error(transparent)]
    Storage(StorageError),

    /// The user interrupted the build.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),

    /// The edge list cannot be read.
    #[error(transparent)]
    EdgeList(EdgeListError),
}

impl From<StorageError> for TopologyError {
    fn from(error: StorageError) -> TopologyError {
        match error {
            StorageError::Interrupted(interrupted) => TopologyError::Interrupted(interrupted),
            other => TopologyError::Storage(other),
        }
    }
}

impl From<EdgeListError> for TopologyError {
    fn from(error: EdgeListError) -> TopologyError {
        match error {
            EdgeListError::Storage(error) => error.into(),
            other => TopologyError::EdgeList(other),
        }
    }
}

/// Lists the even numbers next to an odd `peers` that `nodes` nodes, at least 3, can have.
fn even_neighbours(peers: u32, nodes: u32) -> String {
    let fits = |&even: &u32| 0 < even && even < nodes;
    let even: Vec<String> =
        [peers - 1, peers.saturating_add(1)].iter().filter(|&even| fits(even)).map(u32::to_string).collect();
    even.join(" or ")
}
