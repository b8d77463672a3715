//! Why an overlay cannot be built: one type for all families, each message with what was asked, the limit, and a way on.

use super::EdgeListError;
use super::csr::ENTRIES_MAX;
use crate::sync::Interrupted;

/// Why an overlay was not built. Nothing is kept of a failed attempt.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// There is nobody to link.
    #[error("--nodes 0: a network needs at least one node; ask for 1 or more")]
    NoNodes,

    /// Nobody would have a peer.
    #[error("--peers 0 with --topology {family}: no node would know another; ask for at least {least}")]
    TooFewPeers {
        /// The family, as it is asked for.
        family: &'static str,
        /// The fewest peers it can be built with.
        least: u32,
    },

    /// The family deals out peers in pairs, and no pair fits.
    #[error(
        "--nodes {nodes} with --topology {family}: it gives each node two peers or more; ask for at least --nodes {least}"
    )]
    TooFewNodes {
        /// The family, as it is asked for.
        family: &'static str,
        /// The nodes asked for.
        nodes: u32,
        /// The fewest nodes, above a single one, that it can be built with.
        least: u32,
    },

    /// More peers than there are other nodes.
    #[error(
        "--peers {peers} with --nodes {nodes}: a node has at most {} others to know; ask for fewer --peers or more --nodes",
        nodes - 1
    )]
    TooManyPeers {
        /// The peers asked for.
        peers: u32,
        /// The nodes asked for.
        nodes: u32,
    },

    /// Past the limit of computed overlays.
    #[error(
        "--peers {peers} with --topology regular-implicit: it computes at most {most} peers of a node; ask for --peers {most} \
         or fewer, or for --topology random-regular, which stores them"
    )]
    TooManyComputed {
        /// The peers asked for.
        peers: u32,
        /// The most there can be.
        most: u32,
    },

    /// The family deals out peers in pairs.
    #[error(
        "--peers {peers} with --topology {family}: it needs an even number, half for either side of a link; \
         ask for --peers {}",
        even_neighbours(*peers, *nodes)
    )]
    OddPeers {
        /// The family, as it is asked for.
        family: &'static str,
        /// The peers asked for.
        peers: u32,
        /// The nodes asked for.
        nodes: u32,
    },

    /// A link has two ends, so the ends of all links cannot be odd in number.
    #[error(
        "--nodes {nodes} with --peers {peers} and --topology random-regular: nodes times peers must be even, since \
         each link has two ends; make one of them even"
    )]
    OddEnds {
        /// The nodes asked for.
        nodes: u32,
        /// The peers asked for.
        peers: u32,
    },

    /// Past the limit of stored overlays.
    #[error(
        "--nodes {nodes}: the overlay would hold {entries} peers over all nodes, and at most {ENTRIES_MAX} can be \
         stored; ask for fewer --nodes or --peers, for a shorter edge list, or for --topology regular-implicit or \
         complete, which are not stored"
    )]
    TooManyEntries {
        /// The nodes asked for.
        nodes: u32,
        /// The entries that all rows together would have.
        entries: u64,
    },

    /// The system has no memory for it.
    #[error(
        "the overlay needs {} MiB in one piece and the system refuses; ask for fewer --nodes or --peers, or for a \
         shorter edge list",
        bytes >> 20
    )]
    Memory {
        /// The bytes that were refused.
        bytes: u64,
    },

    /// The seed's pairings all ended where nothing could be switched any more.
    #[error(
        "--topology random-regular with --nodes {nodes} and --peers {peers}: none of {attempts} random pairings became \
         a simple graph; take another --seed"
    )]
    NoPairing {
        /// The nodes asked for.
        nodes: u32,
        /// The peers asked for.
        peers: u32,
        /// The pairings tried.
        attempts: u64,
    },

    /// The user did not wait for it.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),

    /// The edge list cannot be read.
    #[error(transparent)]
    EdgeList(#[from] EdgeListError),
}

/// The even numbers next to an odd one of `peers` that `nodes` nodes, at least 3, can have.
fn even_neighbours(peers: u32, nodes: u32) -> String {
    let fits = |&even: &u32| 0 < even && even < nodes;
    let even: Vec<String> =
        [peers - 1, peers.saturating_add(1)].iter().filter(|&even| fits(even)).map(u32::to_string).collect();
    even.join(" or ")
}
