//! The endpoints of the workers on the carrier that a scenario names: the one `match` over carriers.

use super::{Runner, SimulationError};
use crate::ids::{NodeId, OrderIndex};
use crate::message::OrderHop;
use crate::order::{Order, OrderRef};
use crate::record::Notice;
use crate::runtime::RuntimeError;
use crate::scenario::{CarrierOptions, Scenario, SocketOwner, TransportKind};
use crate::sync::{Arena, Barrier, BarrierBroken, ChannelCredit, WriteOnce};
use crate::sys::SocketAddress;
use crate::threads::ShardMap;
use crate::transport::memory::{self, SerializationCharge};
use crate::transport::node_sockets::{NodeSocketBuilder, NodeSocketNetwork, SocketFamily};
use crate::transport::sockets::{self, Quota};
use crate::transport::udp::Udp;
use crate::transport::udp_shard::{Segmentation, UdpShardBuilder, UdpShardNetwork, granted_buffer};
#[cfg(all(target_os = "linux", not(portable)))]
use crate::transport::unix::Unix;
use crate::transport::{BindError, Clock, TransportBuilder};
use crate::wire::{self, Admission, Header, NoRoom, OrderParts, Token};
use rand::TryRng;
use rand::rngs::SysRng;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// The endpoints of a process's workers, and facts about their carrier.
pub(super) struct Carriers {
    /// Endpoints, by worker.
    pub(super) ends: Vec<Box<dyn TransportBuilder>>,
    /// Bytes of a datagram, 0 if there is none.
    pub(super) datagram_bytes: u32,
    /// Notices about the carrier.
    pub(super) notices: Vec<Notice>,
}

/// An encoded message of each order.
type Templates = Arc<[Box<[u8]>]>;

/// A function that writes header and order of a message: as a datagram, or in memory, where it may be longer.
type Encode = fn(&Header, &OrderRef<'_>, &mut [u8]) -> Result<usize, NoRoom>;

/// The state through which the processes of a run exchange addresses, and which the endpoints of its carrier share
/// beside datagrams. A single process exchanges with itself.
pub(super) struct Rendezvous {
    processes: Barrier,
    /// Address of each socket, by owner.
    addresses: WriteOnce,
    /// Least receive buffer of each process's sockets.
    receive_buffers: WriteOnce,
    /// The form in which trains cross the kernel, as each process found it.
    train_modes: WriteOnce,
    channels: ChannelCredit,
}

impl Rendezvous {
    /// Lays out the state that a scenario's carrier needs, before any process uses it.
    pub(super) fn new(arena: &mut Arena, scenario: &Scenario) -> Rendezvous {
        let (processes, workers) = (scenario.carrier.processes, scenario.workers());
        let (sockets, shards) = match scenario.carrier.transport.traits().socket_owner {
            Some(SocketOwner::Node) => (scenario.overlay.nodes as usize, 0),
            Some(SocketOwner::Thread) => (workers, workers),
            None => (0, 0),
        };
        Rendezvous {
            processes: Barrier::new(arena, processes as u32),
            addresses: WriteOnce::new(arena, sockets),
            receive_buffers: WriteOnce::new(arena, processes),
            train_modes: WriteOnce::new(arena, processes),
            channels: ChannelCredit::new(arena, shards),
        }
    }

    /// Releases all processes that wait for one that will never come.
    pub(super) fn abort(&self) {
        self.processes.abort();
    }

    /// Publishes the addresses of this process's sockets, the first of them being number `first` of all, and returns
    /// the addresses of all processes.
    fn gather<A: SocketAddress>(&self, first: usize, own: &[A]) -> Result<Arc<[A]>, SimulationError> {
        for (owner, address) in (first..).zip(own) {
            self.addresses.write(owner, address.to_number());
        }
        self.processes.wait().map_err(|BarrierBroken| RuntimeError::Abandoned)?;
        let address = |owner| A::from_number(self.addresses.read(owner).unwrap_or_default());
        Ok((0..self.addresses.count()).map(address).collect())
    }
}

/// The part of one process in a run.
pub(super) struct ProcessSlot {
    /// Number of the process, from 0.
    pub(super) process: usize,
    /// Token of the run, for carriers whose datagrams have one.
    pub(super) token: Token,
    /// Clock that was started when the set-up began.
    pub(super) clock: Clock,
}

/// Refuses a scenario with more sockets than a process may open.
pub(super) fn make_room(scenario: &Scenario, partition: &ShardMap) -> Result<(), BindError> {
    let Some(owner) = scenario.carrier.transport.traits().socket_owner else { return Ok(()) };
    let quotas = (0..scenario.carrier.processes).map(|process| quota(scenario, partition, process, owner));
    quotas.max_by_key(|quota| quota.count).map_or(Ok(()), sockets::make_room)
}

/// Counts the sockets that a process needs.
fn quota(scenario: &Scenario, partition: &ShardMap, process: usize, owner: SocketOwner) -> Quota {
    let CarrierOptions { threads, processes, .. } = scenario.carrier;
    let (asked, count) = match owner {
        SocketOwner::Node => (scenario.overlay.nodes, nodes_of(scenario, partition, process).len() as u32),
        SocketOwner::Thread => (scenario.workers() as u32, threads as u32),
    };
    Quota { owner, asked, count, threads, process, processes }
}

/// Returns the nodes of a process.
fn nodes_of(scenario: &Scenario, partition: &ShardMap, process: usize) -> Range<u32> {
    let workers = process * scenario.carrier.threads..(process + 1) * scenario.carrier.threads;
    partition.shard(workers.start).start..partition.shard(workers.end - 1).end
}

impl Runner<'_> {
    /// Sets up the endpoints of a process's workers.
    pub(super) fn carriers(
        &self,
        slot: &ProcessSlot,
        rendezvous: Rendezvous,
        parts: Option<&Arc<OrderParts>>,
    ) -> Result<Carriers, SimulationError> {
        match self.scenario.carrier.transport {
            TransportKind::Udp => self.node_sockets::<Udp>(slot, &rendezvous, parts),
            TransportKind::UdpShard => self.udp_shard(slot, rendezvous, parts),
            #[cfg(all(target_os = "linux", not(portable)))]
            TransportKind::Unix => self.node_sockets::<Unix>(slot, &rendezvous, parts),
            #[cfg(not(all(target_os = "linux", not(portable))))]
            TransportKind::Unix => Ok(Carriers { ends: Vec::new(), datagram_bytes: 0, notices: Vec::new() }),
            TransportKind::Memory => self.memory(slot, parts),
            // Virtual time has no carrier: messages go through the engine.
            TransportKind::Simulated => Ok(Carriers { ends: Vec::new(), datagram_bytes: 0, notices: Vec::new() }),
        }
    }

    /// Sets up a socket of a family for every node, and the network between them.
    fn node_sockets<F: SocketFamily>(
        &self,
        slot: &ProcessSlot,
        rendezvous: &Rendezvous,
        parts: Option<&Arc<OrderParts>>,
    ) -> Result<Carriers, SimulationError> {
        let scenario = self.scenario;
        let quota = quota(scenario, &self.partition, slot.process, SocketOwner::Node);
        let bound = F::bind(quota, scenario.carrier.receive_buffer, self.interrupt)?;
        let nodes = nodes_of(scenario, &self.partition, slot.process);
        let addresses = rendezvous.gather(nodes.start as usize, &bound.addresses)?;
        let (admission, templates) = self.encoded(slot, encode_with(parts))?;
        let datagram_bytes = longest(&templates, parts);
        let parts = parts.cloned();
        let network = Arc::new(NodeSocketNetwork { addresses, templates, parts, admission, clock: slot.clock });
        let mut sockets = bound.sockets.into_iter();
        let ends = self.workers(slot).map(|worker| -> Box<dyn TransportBuilder> {
            let shard = self.partition.shard(worker);
            Box::new(NodeSocketBuilder::<F> {
                network: Arc::clone(&network),
                first_node: shard.start,
                sockets: sockets.by_ref().take(shard.len()).collect(),
            })
        });
        Ok(Carriers {
            ends: ends.collect(),
            datagram_bytes,
            notices: receive_buffer_notice(scenario.carrier.receive_buffer, bound.receive_buffer).into_iter().collect(),
        })
    }

    /// Sets up a socket for every shard, and the channels between them.
    fn udp_shard(
        &self,
        slot: &ProcessSlot,
        rendezvous: Rendezvous,
        parts: Option<&Arc<OrderParts>>,
    ) -> Result<Carriers, SimulationError> {
        let scenario = self.scenario;
        let quota = quota(scenario, &self.partition, slot.process, SocketOwner::Thread);
        let bound = sockets::bind(quota, scenario.carrier.receive_buffer, self.interrupt)?;
        let workers = self.workers(slot);
        rendezvous.receive_buffers.write(slot.process, granted_buffer(&bound.sockets)?.into());
        rendezvous.train_modes.write(slot.process, Segmentation::probe().number());
        let addresses = rendezvous.gather(workers.start, &bound.addresses)?;
        let (admission, templates) = self.encoded(slot, encode_with(parts))?;
        let datagram_bytes = longest(&templates, parts);
        // A feature that one process lacks is used by none.
        let least = |write_once: &WriteOnce| {
            (0..write_once.count()).filter_map(|process| write_once.read(process)).min().unwrap_or_default()
        };
        let segmentation = Segmentation::of_number(least(&rendezvous.train_modes));
        let network = Arc::new(UdpShardNetwork {
            receive_buffer: least(&rendezvous.receive_buffers) as u32,
            addresses: addresses.iter().copied().collect(),
            shards: self.partition.clone(),
            templates,
            parts: parts.cloned(),
            admission,
            clock: slot.clock,
            channels: rendezvous.channels,
            segmentation,
            control_bytes_max: self.protocol.tail_words_max().map(wire::control_bytes),
        });
        let ends = workers.zip(bound.sockets).map(|(shard, socket)| -> Box<dyn TransportBuilder> {
            Box::new(UdpShardBuilder { network: Arc::clone(&network), shard, socket })
        });
        let notices = receive_buffer_notice(scenario.carrier.receive_buffer, bound.receive_buffer).into_iter();
        Ok(Carriers {
            ends: ends.collect(),
            datagram_bytes,
            notices: notices.chain(segmentation_notice(segmentation)).collect(),
        })
    }

    /// Sets up channels in memory between all workers.
    fn memory(&self, slot: &ProcessSlot, parts: Option<&Arc<OrderParts>>) -> Result<Carriers, SimulationError> {
        let charged = self.scenario.carrier.charge_serialization;
        let charged = charged.then(|| self.encoded(slot, wire::encode_unbounded)).transpose()?;
        let datagram_bytes = charged.as_ref().map_or(0, |(_, templates)| longest(templates, parts));
        let part_bytes = parts.map_or(0, |parts| wire::part_bytes(parts.body_bytes()));
        let serialization =
            charged.map(|(admission, templates)| SerializationCharge::new(templates, part_bytes, admission));
        let words = self.protocol.tail_words_max().unwrap_or(0);
        let ends = memory::connect(&self.partition, slot.clock, serialization.as_ref(), words)?;
        let ends = ends.into_iter().map(|end| -> Box<dyn TransportBuilder> { Box::new(end) }).collect();
        Ok(Carriers { ends, datagram_bytes, notices: Vec::new() })
    }

    /// Returns the workers of a process.
    pub(super) fn workers(&self, slot: &ProcessSlot) -> Range<usize> {
        let threads = self.scenario.carrier.threads;
        slot.process * threads..(slot.process + 1) * threads
    }

    /// Encodes a message of each order under the run's token, and the filter that admits them.
    fn encoded(&self, slot: &ProcessSlot, encode: Encode) -> Result<(Admission, Templates), SimulationError> {
        let token = slot.token;
        let templates = (0..)
            .zip(&self.orders)
            .map(|(index, order)| template(token, OrderIndex(index), order, encode))
            .collect::<Result<_, _>>()?;
        Ok((Admission { token, nodes: self.scenario.overlay.nodes, orders: self.orders.len() as u32 }, templates))
    }
}

/// Returns the encoder of orders: one that travels in parts is no datagram, so that no datagram bounds it.
fn encode_with(parts: Option<&Arc<OrderParts>>) -> Encode {
    if parts.is_some() { wire::encode_unbounded } else { wire::encode }
}

/// Returns the bytes of the longest datagram.
fn longest(templates: &[Box<[u8]>], parts: Option<&Arc<OrderParts>>) -> u32 {
    if let Some(parts) = parts {
        return wire::part_bytes(parts.body_bytes());
    }
    templates.iter().map(|template| template.len() as u32).max().unwrap_or(0)
}

/// Draws the token of a run.
pub(super) fn drawn_token() -> Result<Token, SimulationError> {
    SysRng.try_next_u64().map(Token).map_err(|error| SimulationError::Entropy(io::Error::other(error)))
}

/// Reports that trains are sent as single datagrams.
fn segmentation_notice(segmentation: Segmentation) -> Option<Notice> {
    (segmentation == Segmentation::Apart).then_some(Notice::TrainsApart)
}

/// Reports that sockets have another receive buffer than was asked for. Linux grants twice the bytes asked for, half of
/// them for its own bookkeeping, between limits of its own.
fn receive_buffer_notice(asked: Option<u32>, granted: Option<u32>) -> Option<Notice> {
    let (asked, granted) = (asked?, granted?);
    let usable = granted / 2;
    (usable != asked).then_some(match granted {
        0 => Notice::ReceiveBufferNotSet { asked },
        _ => Notice::ReceiveBufferGranted { asked, usable },
    })
}

/// Encodes the message of an order, in which each copy replaces the addresses.
fn template(token: Token, index: OrderIndex, order: &Order, encode: Encode) -> Result<Box<[u8]>, SimulationError> {
    let message = OrderHop { order: index, ttl: 0, hop: 1 }.copy(NodeId(0), NodeId(0));
    let mut template = vec![0; wire::message_bytes(order.payload().len() as u32) as usize].into_boxed_slice();
    encode(&Header { token, message }, &order.view(), &mut template)
        .map_err(|error| SimulationError::Order(error.to_string()))?;
    Ok(template)
}
