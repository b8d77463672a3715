//! The one `match` over carriers: sockets, templates and tokens for what a scenario names, and what there is to say of
//! them before the run.

use super::SimulationError;
use crate::ids::{NodeId, OrderIndex};
use crate::message::Onward;
use crate::order::Order;
use crate::runtime::Partition;
use crate::scenario::{Scenario, TransportKind};
use crate::sync::Lanes;
use crate::transport::udp::{self, BindError, Network, Owners, UdpCarrier};
use crate::transport::udp_shard::{Road, ShardCarrier, ShardNetwork, granted_buffer};
use crate::transport::{Carrier, Clock, TransportError};
use crate::wire::{self, DATAGRAM_BYTES_MAX, Gate, Header, Token};
use rand::TryRng;
use rand::rngs::SysRng;
use std::io;
use std::sync::Arc;

/// Each worker's end of a carrier.
pub(super) type Carriers = Vec<Box<dyn Carrier>>;

/// What a carrier has to say of itself.
pub(super) struct CarrierFacts {
    /// Bytes of one datagram.
    pub(super) datagram_bytes: u32,
    /// What the user should know first, each a sentence.
    pub(super) notices: Vec<String>,
}

/// Refuses more sockets than the process may open.
pub(super) fn make_room(scenario: &Scenario) -> Result<(), BindError> {
    let threads = scenario.threads;
    match scenario.transport {
        TransportKind::Udp => udp::make_room(Owners::Nodes, scenario.nodes, threads),
        TransportKind::UdpShard => udp::make_room(Owners::Threads, threads as u32, threads),
    }
}

/// The ends of the carrier that a scenario names, one for each shard.
pub(super) fn build(
    scenario: &Scenario,
    partition: &Partition,
    orders: &[Arc<Order>],
    clock: Clock,
) -> Result<(Carriers, CarrierFacts), SimulationError> {
    let token = Token(SysRng.try_next_u64().map_err(|error| SimulationError::Entropy(io::Error::other(error)))?);
    let templates = orders.iter().map(|order| template(token, order)).collect::<Result<Arc<[_]>, _>>()?;
    let gate = Gate { token, nodes: scenario.nodes, orders: orders.len() as u32 };
    let encoded = Encoded { templates, gate, clock };
    match scenario.transport {
        TransportKind::Udp => udp(scenario, partition, encoded),
        TransportKind::UdpShard => udp_shard(scenario, partition, encoded),
    }
}

/// What every carrier that encodes needs.
struct Encoded {
    templates: Arc<[Box<[u8]>]>,
    gate: Gate,
    clock: Clock,
}

impl Encoded {
    fn facts(&self, notices: impl IntoIterator<Item = String>) -> CarrierFacts {
        CarrierFacts { datagram_bytes: self.templates[0].len() as u32, notices: notices.into_iter().collect() }
    }
}

/// A socket for every node, and each worker's end of the network between them.
fn udp(
    scenario: &Scenario,
    partition: &Partition,
    encoded: Encoded,
) -> Result<(Carriers, CarrierFacts), SimulationError> {
    let bound = udp::bind(Owners::Nodes, scenario.nodes, scenario.threads, scenario.receive_buffer)?;
    let facts = encoded.facts(receive_buffer_notice(scenario.receive_buffer, bound.receive_buffer));
    let Encoded { templates, gate, clock } = encoded;
    let network = Arc::new(Network { addresses: bound.addresses, templates, gate, clock });
    let mut sockets = bound.sockets.into_iter();
    let carriers = (0..partition.workers()).map(|worker| -> Box<dyn Carrier> {
        let shard = partition.shard(worker);
        Box::new(UdpCarrier {
            network: Arc::clone(&network),
            first_node: shard.start,
            sockets: sockets.by_ref().take(shard.len()).collect(),
        })
    });
    Ok((carriers.collect(), facts))
}

/// A socket for every shard, and each worker's end of the lanes between them.
fn udp_shard(
    scenario: &Scenario,
    partition: &Partition,
    encoded: Encoded,
) -> Result<(Carriers, CarrierFacts), SimulationError> {
    let shards = partition.workers();
    let bound = udp::bind(Owners::Threads, shards as u32, shards, scenario.receive_buffer)?;
    let road = Road::probe();
    let notices = receive_buffer_notice(scenario.receive_buffer, bound.receive_buffer).into_iter().chain(notice(road));
    let facts = encoded.facts(notices);
    let Encoded { templates, gate, clock } = encoded;
    let receive_buffer = granted_buffer(&bound.sockets[0]).map_err(|cause| {
        let cause = TransportError { doing: "reading the size of a receive buffer".to_owned(), cause };
        SimulationError::Carrier(cause)
    })?;
    let network = Arc::new(ShardNetwork {
        addresses: bound.addresses.iter().copied().collect(),
        starts: partition.starts().iter().copied().chain([scenario.nodes]).collect(),
        templates,
        gate,
        clock,
        lanes: Lanes::new(shards),
        road,
        receive_buffer,
    });
    let carriers = bound.sockets.into_iter().enumerate().map(|(shard, socket)| -> Box<dyn Carrier> {
        Box::new(ShardCarrier { network: Arc::clone(&network), shard, socket })
    });
    Ok((carriers.collect(), facts))
}

/// Says that trains go one datagram at a time.
fn notice(road: Road) -> Option<String> {
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

/// An order's datagram, to be readdressed for each copy.
fn template(token: Token, order: &Order) -> Result<Box<[u8]>, SimulationError> {
    let message = Onward { order: OrderIndex(0), ttl: 0, hop: 1 }.copy(NodeId(0), NodeId(0));
    let mut datagram = [0; DATAGRAM_BYTES_MAX];
    let bytes = wire::encode(&Header { token, message }, &order.view(), &mut datagram)
        .map_err(|error| SimulationError::Order(error.to_string()))?;
    Ok(datagram[..bytes].into())
}
