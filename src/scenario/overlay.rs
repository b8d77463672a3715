//! The options of the overlay: how many nodes there are, and which pairs of them are peers.

use super::parse::no_nul;
use super::{BadValue, Draft, Scenario, ScenarioError, limits};
use crate::topology::{EdgeList, ParseTopologyError, TopologyError, TopologySpec};

/// Adds the options of this group to the table that [`Draft`] is declared from.
macro_rules! overlay_options {
    ($then:tt $($given:tt)*) => {
        next_group! { $then $($given)*
            ["Overlay"]

            /// Nodes of the network [default: 10].
            ///
            /// An edge list (file:PATH) has its own number. More nodes show how time and cost grow.
            #[arg(short = 'n')]
            nodes: u32 = "N", |text: &str| limits::NODES.parse::<u32>(text);

            /// Family of the overlay, or file:PATH [default: erdos-renyi].
            ///
            /// One of erdos-renyi, random-regular, regular-implicit (computed, not stored), `watts-strogatz[:SHARE]`,
            /// barabasi-albert, ring, grid, star, complete, or file:PATH with an edge list, file:- for standard input.
            /// Up to 21 nodes the default is complete, unless --peers is given. Overlays differ in how fast an order
            /// spreads and whom it misses.
            topology: TopologySpec = "FAMILY", overlay::read_topology;

            /// Peers of a node, on average or exactly [default: 20].
            ///
            /// Which of the two depends on the topology. In a smaller network the default is the most that fit. More peers
            /// reach further and cost more connections.
            #[arg(hide_short_help = true)]
            peers: u32 = "N", |text: &str| limits::PEERS.parse::<u32>(text);
        }
    };
}

/// Reads a family of overlays.
pub(super) fn read_topology(text: &str) -> Result<TopologySpec, BadValue> {
    no_nul("topology", text)?;
    text.parse().map_err(|error| match error {
        ParseTopologyError::Unknown(_) => {
            BadValue::new("topology", text, format!("choose one of {}", TopologySpec::WRITTEN))
        }
        other => BadValue::new("topology", text, other.to_string()),
    })
}

/// Reads the edge list of a topology that is one, unless it has been read before.
pub(super) fn edge_list(
    asked: Option<&TopologySpec>,
    read: Option<&EdgeList>,
) -> Result<Option<EdgeList>, ScenarioError> {
    let Some(TopologySpec::File { path }) = asked else { return Ok(None) };
    match read.filter(|list| list.path() == path) {
        Some(list) => Ok(Some(list.clone())),
        None => Ok(Some(EdgeList::read(path).map_err(TopologyError::from)?)),
    }
}

/// Resolves the number of nodes; by default those that an edge list names.
pub(super) fn nodes(asked: Option<u32>, edge_list: Option<&EdgeList>) -> Result<u32, ScenarioError> {
    let default = edge_list.map_or(NODES_DEFAULT, EdgeList::nodes);
    let nodes = limits::NODES.check(asked.unwrap_or(default))?;
    Ok(edge_list.map_or(Ok(nodes), |list| list.check(nodes)).map_err(TopologyError::from)?)
}

/// Resolves the family and its peers. Who asks for neither gets the complete overlay where the default number of peers
/// takes in everyone anyway; who asks for peers means an overlay that has them.
pub(super) fn overlay(
    asked: Option<TopologySpec>,
    peers: Option<u32>,
    nodes: u32,
) -> Result<(TopologySpec, u32), ScenarioError> {
    let is_small = TopologySpec::ErdosRenyi.default_peers(nodes) == nodes - 1;
    let default = if peers.is_none() && is_small { TopologySpec::Complete } else { TopologySpec::ErdosRenyi };
    let topology = asked.unwrap_or(default);
    let peers = match peers {
        Some(peers) if !topology.takes_peers() => return Err(ScenarioError::PeersNotTaken { peers, topology }),
        Some(peers) => limits::PEERS.check(peers)?,
        None if topology.takes_peers() => topology.default_peers(nodes),
        None => 0,
    };
    topology.check(nodes, peers)?;
    Ok((topology, peers))
}

/// Asks for exactly what the scenario has, in the options of this group.
pub(super) fn ask(scenario: &Scenario, draft: &mut Draft) {
    draft.nodes = Some(scenario.nodes);
    draft.topology = Some(scenario.topology.clone());
    draft.peers = scenario.topology.takes_peers().then_some(scenario.peers);
}

const NODES_DEFAULT: u32 = 10;
