//! The parts that all builds share: the overlay, the draws, and the handling of a message at a node.

use bulk_order_propagation::protocol::{TargetDraw, TargetScratch};
use bulk_order_propagation::ids::{NodeId, OrderIndex};
use bulk_order_propagation::network::{Fate, Latency, Network};
use bulk_order_propagation::time::Nanos;
use bulk_order_propagation::topology::{Topology, TopologySpec};
use serde::{Deserialize, Serialize};

pub(crate) const SEED: u64 = 7;
pub(crate) const TTL: u8 = 100;

/// The overlay and the draws.
pub(crate) struct World {
    topology: Topology,
    draw: TargetDraw,
    network: Network,
}

/// A message to a node.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Packet {
    pub(crate) to: u32,
    pub(crate) ttl: u8,
}

/// The message that enters the network at node 0.
pub(crate) const FIRST: Packet = Packet { to: 0, ttl: TTL };

/// The nodes' state: the time in nanoseconds at which each was reached.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Nodes {
    pub(crate) times: Vec<u64>,
    #[serde(skip)]
    scratch: TargetScratch,
}

impl World {
    pub(crate) fn new(nodes: u32) -> World {
        let latency = Latency::Uniform { least: Nanos::from_millis(10), greatest: Nanos::from_millis(100) };
        World {
            topology: TopologySpec::ErdosRenyi.build(nodes, 20, SEED).expect("an overlay"),
            draw: TargetDraw::new(SEED, 8),
            network: Network::new(SEED, latency),
        }
    }

    pub(crate) fn nodes(&self) -> Nodes {
        Nodes {
            times: vec![u64::MAX; self.topology.nodes() as usize],
            scratch: TargetScratch::new(8, &self.topology),
        }
    }

    /// Handles a message at one node by forward-once push: a first copy goes on to the node's targets, each with its
    /// latency in nanoseconds.
    pub(crate) fn receive(&self, nodes: &mut Nodes, now: u64, packet: Packet, mut send: impl FnMut(u64, Packet)) {
        let time = &mut nodes.times[packet.to as usize];
        if *time != u64::MAX {
            return;
        }
        *time = now;
        if packet.ttl == 0 {
            return;
        }
        let (order, me) = (OrderIndex(0), NodeId(packet.to));
        let links = self.network.outgoing_links(order, me);
        for &to in self.draw.draw(&self.topology, order, me, &mut nodes.scratch) {
            if let Fate::Arrives(latency) = links.fate(to, 0) {
                send(latency.0, Packet { to: to.0, ttl: packet.ttl - 1 });
            }
        }
    }
}

/// Number of nodes reached, and the sum of their times.
pub(crate) fn reached_and_times(times: impl Iterator<Item = u64>) -> (u64, u64) {
    times.filter(|&time| time != u64::MAX).fold((0, 0), |(count, sum), time| (count + 1, sum + time))
}
