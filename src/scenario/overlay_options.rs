//! The options of the overlay: the number of nodes, and the family that determines which pairs of them are peers.

use super::bad_value::BadValue;
use super::error::ScenarioError;
use super::parse::no_nul;
use super::{Draft, limits};
use crate::topology::{EdgeList, NodeNames, ParseTopologyError, TopologyError, TopologySpec};

/// The heading of this group in `--help`.
pub(super) const HEADING: &str = "Overlay";

/// Adds the options of this group to the table that [`Draft`] is declared from.
macro_rules! overlay_options {
    ($then:tt $($given:tt)*) => {
        next_group! { $then $($given)*
            [overlay_options::HEADING]

            /// Number of nodes [default: 10].
            ///
            /// An edge list (file:PATH) brings its own number. More nodes show how time and cost grow.
            #[arg(short = 'n')]
            nodes: u32 = "N", |text: &str| limits::NODES.parse::<u32>(text);

            /// Family of the overlay, or file:PATH [default: erdos-renyi].
            ///
            /// One of erdos-renyi, random-regular, regular-implicit (computed, not stored), `watts-strogatz[:SHARE]`,
            /// barabasi-albert, `dials[:reachable=SHARE]`, ring, grid, star, complete, or file:PATH with an edge list,
            /// file:- for standard input. With dials each node opens connections to --peers of the nodes that accept
            /// them. Up to 21 nodes the default is complete, unless --peers is given. Overlays differ in how fast an
            /// order spreads and which nodes it misses.
            topology: TopologySpec = "FAMILY", overlay_options::read_topology;

            /// Peers per node, on average or exactly [default: 20; dials: 8].
            ///
            /// The topology determines whether it is the average or exact, and with dials it is the number of nodes
            /// that each dials, about half of its peers. In a smaller network the default is the
            /// largest number that fits. More peers reach more nodes and take more connections.
            #[arg(hide_short_help = true)]
            peers: u32 = "N", |text: &str| limits::PEERS.parse::<u32>(text);
        }
    };
}

/// The overlay of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct OverlayOptions {
    /// Number of nodes.
    pub nodes: u32,
    /// Family of the overlay.
    pub topology: TopologySpec,
    /// Edge list, read when the draft was built; `None` for an overlay that is not read from a file.
    pub edge_list: Option<EdgeList>,
    /// Peers per node, an average or an exact number depending on the family; 0 if the family decides.
    pub peers: u32,
}

impl OverlayOptions {
    /// Resolves the options of this group. If the draft names an edge list, reads it, unless it is the one in `read`.
    pub(super) fn resolve(draft: &Draft, read: Option<&EdgeList>) -> Result<OverlayOptions, ScenarioError> {
        let edge_list = edge_list(draft.topology.as_ref(), read)?;
        let nodes = nodes(draft.nodes, edge_list.as_ref())?;
        if draft.protocol.is_some_and(|spec| spec.membership.is_some()) {
            return Ok(OverlayOptions { nodes, topology: TopologySpec::Membership, edge_list, peers: 0 });
        }
        let knows_everybody = draft.protocol.is_some_and(|spec| spec.kind().traits().knows_everybody);
        let (topology, peers) = topology(draft.topology.clone(), draft.peers, nodes, knows_everybody)?;
        Ok(OverlayOptions { nodes, topology, edge_list, peers })
    }

    /// Sets the options of this group in a draft.
    pub(super) fn add_to(&self, draft: &mut Draft) {
        draft.nodes = Some(self.nodes);
        draft.topology = Some(self.topology.clone()).filter(|topology| *topology != TopologySpec::Membership);
        draft.peers = self.topology.takes_peers().then_some(self.peers);
    }

    /// Returns the ids of the nodes.
    pub(super) fn names(&self) -> NodeNames {
        self.edge_list.as_ref().map_or_else(NodeNames::default, |list| list.names().clone())
    }
}

/// Reads the family of an overlay.
pub(super) fn read_topology(text: &str) -> Result<TopologySpec, BadValue> {
    no_nul("topology", text)?;
    text.parse().map_err(|error| match error {
        ParseTopologyError::Unknown(_) => {
            BadValue::new("topology", text, format!("choose one of {}", TopologySpec::WRITTEN))
        }
        other => BadValue::new("topology", text, other.to_string()),
    })
}

/// Returns the edge list that the topology names, if it names one, and reads it unless it has been read before.
fn edge_list(asked: Option<&TopologySpec>, read: Option<&EdgeList>) -> Result<Option<EdgeList>, ScenarioError> {
    let Some(TopologySpec::File { path }) = asked else { return Ok(None) };
    match read.filter(|list| list.path() == path) {
        Some(list) => Ok(Some(list.clone())),
        None => Ok(Some(EdgeList::read(path).map_err(TopologyError::from)?)),
    }
}

/// Resolves the number of nodes; the default is the number of an edge list, if there is one.
fn nodes(asked: Option<u32>, edge_list: Option<&EdgeList>) -> Result<u32, ScenarioError> {
    let default = edge_list.map_or(NODES_DEFAULT, EdgeList::nodes);
    let nodes = limits::NODES.check(asked.unwrap_or(default))?;
    Ok(edge_list.map_or(Ok(nodes), |list| list.check(nodes)).map_err(TopologyError::from)?)
}

/// Resolves the family and the number of peers. If neither is asked for, the overlay is complete in networks so small
/// that the default number of peers includes every node anyway, and for a protocol whose nodes know everybody. A number
/// of peers asks for a family that takes one.
fn topology(
    asked: Option<TopologySpec>,
    peers: Option<u32>,
    nodes: u32,
    knows_everybody: bool,
) -> Result<(TopologySpec, u32), ScenarioError> {
    let is_small = TopologySpec::ErdosRenyi.default_peers(nodes) == nodes - 1;
    let default = if peers.is_none() && (is_small || knows_everybody) {
        TopologySpec::Complete
    } else {
        TopologySpec::ErdosRenyi
    };
    let topology = asked.unwrap_or(default);
    if topology == TopologySpec::Membership {
        // No text names it, but a program may.
        return Err(
            BadValue::new("topology", topology.family(), format!("choose one of {}", TopologySpec::WRITTEN)).into()
        );
    }
    let peers = match peers {
        Some(peers) if !topology.takes_peers() => return Err(ScenarioError::PeersNotTaken { peers, topology }),
        Some(peers) => limits::PEERS.check(peers)?,
        None if topology.takes_peers() => topology.default_peers(nodes),
        None => 0,
    };
    topology.check(nodes, peers)?;
    Ok((topology, peers))
}

const NODES_DEFAULT: u32 = 10;
