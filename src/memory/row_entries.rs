//! The size of an overlay, as far as the scenario determines it.

use crate::scenario::{ProtocolTraits, Scenario};
use crate::topology::TopologySpec;

/// Returns the number of entries of all rows that the scenario's overlay stores for this protocol.
pub(super) fn row_entries(scenario: &Scenario, protocol: ProtocolTraits) -> u64 {
    let (nodes, peers) = (u64::from(scenario.overlay.nodes), u64::from(scenario.overlay.peers));
    // The figures of single links stand beside stored rows.
    let has_links = scenario.network.as_ref().is_some_and(|network| network.links.is_some());
    let is_complete = scenario.overlay.topology.takes_peers() && peers + 1 >= nodes;
    match &scenario.overlay.topology {
        TopologySpec::Complete => 0,
        TopologySpec::RegularImplicit if !protocol.needs_peers && !has_links => 0,
        TopologySpec::Ring | TopologySpec::Star => 2 * nodes,
        TopologySpec::Grid => 4 * nodes,
        TopologySpec::File { .. } => scenario.overlay.edge_list.as_ref().map_or(0, |list| list.entries()),
        TopologySpec::BarabasiAlbert => nodes * peers,
        TopologySpec::Dials { .. } => 2 * nodes * peers,
        _ if is_complete => 0,
        _ => nodes * peers,
    }
}
