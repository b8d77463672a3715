//! The overlay of a run: all of its rows, or in a cluster those of the nodes of one process.

use super::SimulationError;
use super::protocols::{self, RunProtocol};
use crate::ids::NodeId;
#[cfg(feature = "cluster")]
use crate::memory;
use crate::scenario::Scenario;
use crate::sync::Interrupt;
#[cfg(feature = "cluster")]
use crate::threads::ShardMap;
#[cfg(feature = "cluster")]
use crate::topology::PartExchange;
use crate::topology::{Reachability, Topology, reach_unless};
use std::sync::Arc;

/// An overlay, as a runner needs it.
pub(super) struct BuiltOverlay {
    pub(super) topology: Arc<Topology>,
    /// The overlay from which nodes know their peers.
    pub(super) peers: Arc<Topology>,
    /// The nodes that can be reached from the origin of the first order; `None` if the overlay was not searched.
    pub(super) reach: Option<Reachability>,
}

impl BuiltOverlay {
    /// Builds the rows of all nodes.
    pub(super) fn whole(
        scenario: &Scenario,
        protocol: &dyn RunProtocol,
        origin: NodeId,
        interrupt: &Interrupt,
    ) -> Result<BuiltOverlay, SimulationError> {
        let topology = scenario.overlay_unless(interrupt)?;
        let peers = protocols::peers(protocol, &topology, interrupt)?;
        let reach = reach_unless(&topology, origin, interrupt)?;
        Ok(BuiltOverlay { topology, peers, reach })
    }

    /// Builds the rows that a process of a cluster needs: those of its own nodes, or where these cannot be built apart
    /// from others, or others are asked for, all.
    #[cfg(feature = "cluster")]
    pub(super) fn of_process(
        scenario: &Scenario,
        protocol: &dyn RunProtocol,
        origin: NodeId,
        (partition, others): (&ShardMap, &mut dyn PartExchange),
        interrupt: &Interrupt,
    ) -> Result<BuiltOverlay, SimulationError> {
        let traits = protocol.facts().traits;
        if others.processes() == 1 || !memory::keeps_own_rows(scenario, &traits) {
            return BuiltOverlay::whole(scenario, protocol, origin, interrupt);
        }
        let (first, threads) = (others.process() * scenario.carrier.threads, scenario.carrier.threads);
        let own = partition.shard(first).start..partition.shard(first + threads - 1).end;
        let (nodes, peers, family) = (scenario.overlay.nodes, scenario.overlay.peers, &scenario.overlay.topology);
        if !family.has_parts(nodes, peers) {
            let topology = scenario.overlay_unless(interrupt)?;
            let rows = Arc::new(topology.materialized_part(&own, interrupt)?);
            let reach = reach_unless(&topology, origin, interrupt)?;
            return Ok(BuiltOverlay { topology, peers: rows, reach });
        }
        let topology = family.build_part((nodes, peers, scenario.run.seed), &own, others, interrupt)?;
        let owner = |node: NodeId| partition.owner(node) / threads;
        let reach = Some(topology.reach_in_parts(origin, owner, others, interrupt)?);
        let topology = Arc::new(topology);
        Ok(BuiltOverlay { peers: Arc::clone(&topology), topology, reach })
    }
}
