//! Each worker's end of the carrier that a scenario names: the one `match` over carriers.

use super::{Laboratory, SimulationError};
use crate::ids::{NodeId, OrderIndex};
use crate::message::Onward;
use crate::order::Order;
use crate::scenario::{Scenario, TransportKind};
use crate::sync::Lanes;
use crate::transport::memory::{self, Toll};
use crate::transport::udp::{self, BindError, Network, Owners, UdpCarrier};
use crate::transport::udp_shard::{Road, ShardCarrier, ShardNetwork, granted_buffer};
use crate::transport::{Carrier, Clock};
use crate::wire::{self, DATAGRAM_BYTES_MAX, Gate, Header, Token};
use rand::TryRng;
use rand::rngs::SysRng;
use std::io;
use std::sync::Arc;

/// The ends, and what the carrier has to say of itself.
pub(super) struct Carriers {
    /// By worker.
    pub(super) ends: Vec<Box<dyn Carrier>>,
    /// Bytes of a datagram, 0 where there is none.
    pub(super) datagram_bytes: u32,
    /// What the user should know, each a sentence.
    pub(super) notices: Vec<String>,
}

/// An encoded datagram of each order.
type Templates = Arc<[Box<[u8]>]>;

/// Refuses more sockets than the process may open.
pub(super) fn make_room(scenario: &Scenario) -> Result<(), BindError> {
    let threads = scenario.threads;
    match scenario.transport {
        TransportKind::Udp => udp::make_room(Owners::Nodes, scenario.nodes, threads),
        TransportKind::UdpShard => udp::make_room(Owners::Threads, threads as u32, threads),
        TransportKind::Memory | TransportKind::Simulated => Ok(()),
    }
}

impl Laboratory<'_> {
    /// Sets up what the scenario names.
    pub(super) fn carriers(&self, clock: Clock) -> Result<Carriers, SimulationError> {
        match self.scenario.transport {
            TransportKind::Udp => self.udp(clock),
            TransportKind::UdpShard => self.udp_shard(clock),
            TransportKind::Memory => self.memory(clock),
            // Virtual time has no ends: the engine is all of it.
            TransportKind::Simulated => Ok(Carriers { ends: Vec::new(), datagram_bytes: 0, notices: Vec::new() }),
        }
    }

    /// A socket for every node, and the network between them.
    fn udp(&self, clock: Clock) -> Result<Carriers, SimulationError> {
        let scenario = self.scenario;
        let bound = udp::bind(Owners::Nodes, scenario.nodes, scenario.threads, scenario.receive_buffer)?;
        let (gate, templates) = self.encoded()?;
        let datagram_bytes = templates[0].len() as u32;
        let network = Arc::new(Network { addresses: bound.addresses, templates, gate, clock });
        let mut sockets = bound.sockets.into_iter();
        let ends = (0..self.partition.workers()).map(|worker| -> Box<dyn Carrier> {
            let shard = self.partition.shard(worker);
            Box::new(UdpCarrier {
                network: Arc::clone(&network),
                first_node: shard.start,
                sockets: sockets.by_ref().take(shard.len()).collect(),
            })
        });
        Ok(Carriers {
            ends: ends.collect(),
            datagram_bytes,
            notices: receive_buffer_notice(scenario.receive_buffer, bound.receive_buffer).into_iter().collect(),
        })
    }

    /// A socket for every shard, and lanes between them.
    fn udp_shard(&self, clock: Clock) -> Result<Carriers, SimulationError> {
        let (scenario, shards) = (self.scenario, self.partition.workers());
        let bound = udp::bind(Owners::Threads, shards as u32, shards, scenario.receive_buffer)?;
        let (gate, templates) = self.encoded()?;
        let datagram_bytes = templates[0].len() as u32;
        let road = Road::probe();
        let network = Arc::new(ShardNetwork {
            receive_buffer: granted_buffer(&bound.sockets)?,
            addresses: bound.addresses.iter().copied().collect(),
            starts: self.partition.starts().iter().copied().chain([scenario.nodes]).collect(),
            templates,
            gate,
            clock,
            lanes: Lanes::new(shards),
            road,
        });
        let ends = bound.sockets.into_iter().enumerate().map(|(shard, socket)| -> Box<dyn Carrier> {
            Box::new(ShardCarrier { network: Arc::clone(&network), shard, socket })
        });
        let notices = receive_buffer_notice(scenario.receive_buffer, bound.receive_buffer).into_iter();
        Ok(Carriers { ends: ends.collect(), datagram_bytes, notices: notices.chain(road_notice(road)).collect() })
    }

    /// Rings between all workers.
    fn memory(&self, clock: Clock) -> Result<Carriers, SimulationError> {
        let charged = self.scenario.charge_serialization.then(|| self.encoded()).transpose()?;
        let datagram_bytes = charged.as_ref().map_or(0, |(_, templates)| templates[0].len() as u32);
        let toll = charged.map(|(gate, templates)| Toll::new(templates, gate));
        let ends = memory::connect(self.partition.starts(), self.scenario.nodes, clock, toll.as_ref())?;
        let ends = ends.into_iter().map(|end| -> Box<dyn Carrier> { Box::new(end) }).collect();
        Ok(Carriers { ends, datagram_bytes, notices: Vec::new() })
    }

    /// A datagram of each order under a token of this run's own, and the gate that lets them in.
    fn encoded(&self) -> Result<(Gate, Templates), SimulationError> {
        let token = Token(SysRng.try_next_u64().map_err(|error| SimulationError::Entropy(io::Error::other(error)))?);
        let templates = self.orders.iter().map(|order| template(token, order)).collect::<Result<_, _>>()?;
        Ok((Gate { token, nodes: self.scenario.nodes, orders: self.orders.len() as u32 }, templates))
    }
}

/// Says that trains go one datagram at a time.
fn road_notice(road: Road) -> Option<String> {
    (road == Road::Apart).then(|| {
        "The kernel does not take many datagrams as one packet (UDP_SEGMENT, UDP_GRO): messages for the same worker share \
         system calls only, and kernel datagrams are counted one by one."
            .to_owned()
    })
}

/// Says that sockets have another receive buffer than was asked for. Linux grants twice what is asked, half of it for
/// its own bookkeeping, between limits of its own.
fn receive_buffer_notice(asked: Option<u32>, granted: Option<u32>) -> Option<String> {
    let (asked, granted) = (asked?, granted?);
    let usable = granted / 2;
    (usable != asked).then(|| match granted {
        0 => format!("--receive-buffer {asked} was not set: this platform has no portable way to."),
        _ => format!(
            "--receive-buffer {asked}: the kernel granted {usable} bytes (and as much for its own bookkeeping); its limits \
             are in net.core.rmem_max and SO_RCVBUF's minimum."
        ),
    })
}

/// Bytes of a message of each order, as UDP payload: what it would take on a real carrier.
pub(super) fn message_bytes(orders: &[Arc<Order>]) -> Result<Vec<u32>, SimulationError> {
    // Every token takes as many bytes.
    orders.iter().map(|order| Ok(template(Token(0), order)?.len() as u32)).collect()
}

/// An order's datagram, to be readdressed for each copy.
fn template(token: Token, order: &Order) -> Result<Box<[u8]>, SimulationError> {
    let message = Onward { order: OrderIndex(0), ttl: 0, hop: 1 }.copy(NodeId(0), NodeId(0));
    let mut datagram = [0; DATAGRAM_BYTES_MAX];
    let bytes = wire::encode(&Header { token, message }, &order.view(), &mut datagram)
        .map_err(|error| SimulationError::Order(error.to_string()))?;
    Ok(datagram[..bytes].into())
}
