//! Each worker's end of the carrier that a scenario names: the one `match` over carriers.

use super::{Runner, SimulationError};
use crate::ids::{NodeId, OrderIndex};
use crate::message::OrderHop;
use crate::order::Order;
use crate::record::Notice;
use crate::runtime::RuntimeError;
use crate::scenario::{Scenario, ScenarioValues, TransportKind};
use crate::sync::{Arena, Barrier, BarrierBroken, ChannelCredit, WriteOnce};
use crate::threads::ShardMap;
use crate::transport::memory::{self, SerializationCharge};
use crate::transport::udp::{self, BindError, Owners, Quota, UdpBuilder, UdpNetwork};
use crate::transport::udp_shard::{Segmentation, UdpShardBuilder, UdpShardNetwork, granted_buffer};
use crate::transport::{Clock, TransportBuilder};
use crate::wire::{self, Admission, DATAGRAM_BYTES_MAX, Header, Token};
use rand::TryRng;
use rand::rngs::SysRng;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;
use std::sync::Arc;

/// The ends, and what the carrier has to say of itself.
pub(super) struct Carriers {
    /// By worker.
    pub(super) ends: Vec<Box<dyn TransportBuilder>>,
    /// Bytes of a datagram, 0 where there is none.
    pub(super) datagram_bytes: u32,
    /// What a reader should know of it.
    pub(super) notices: Vec<Notice>,
}

/// An encoded datagram of each order.
type Templates = Arc<[Box<[u8]>]>;

/// How the processes of a run find each other, and what the ends of its carrier share beside datagrams. Where there is one
/// process, it meets itself.
pub(super) struct Rendezvous {
    processes: Barrier,
    /// Where each socket is, by owner.
    addresses: WriteOnce,
    /// The least receive buffer of each process's sockets.
    receive_buffers: WriteOnce,
    /// How each process found that trains cross the kernel.
    roads: WriteOnce,
    lanes: ChannelCredit,
}

impl Rendezvous {
    /// What a scenario's carrier needs, before anybody is there.
    pub(super) fn new(arena: &mut Arena, scenario: &Scenario) -> Rendezvous {
        let (processes, workers) = (scenario.processes, scenario.workers());
        let (sockets, shards) = match owners(scenario.transport) {
            Some(Owners::Nodes) => (scenario.nodes as usize, 0),
            Some(Owners::Threads) => (workers, workers),
            None => (0, 0),
        };
        Rendezvous {
            processes: Barrier::new(arena, processes as u32),
            addresses: WriteOnce::new(arena, sockets),
            receive_buffers: WriteOnce::new(arena, processes),
            roads: WriteOnce::new(arena, processes),
            lanes: ChannelCredit::new(arena, shards),
        }
    }

    /// Somebody will never come: nobody is to wait.
    pub(super) fn break_open(&self) {
        self.processes.abort();
    }

    /// Tells all processes where this one's sockets are, the first of them the `first` of all; gives everybody's.
    fn gather(&self, first: usize, own: &[SocketAddrV4]) -> Result<Arc<[SocketAddrV4]>, SimulationError> {
        for (owner, address) in (first..).zip(own) {
            self.addresses.write(owner, u64::from(address.ip().to_bits()) << u16::BITS | u64::from(address.port()));
        }
        self.processes.wait().map_err(|BarrierBroken| RuntimeError::Abandoned)?;
        let address = |owner| {
            let number = self.addresses.read(owner).unwrap_or_default();
            SocketAddrV4::new(Ipv4Addr::from_bits((number >> u16::BITS) as u32), number as u16)
        };
        Ok((0..self.addresses.count()).map(address).collect())
    }
}

/// What one process is of a run.
pub(super) struct ProcessSlot {
    /// The process, counted from 0.
    pub(super) process: usize,
    /// The token of the run, where datagrams have one.
    pub(super) token: Token,
    /// When the set-up began.
    pub(super) clock: Clock,
}

/// Refuses more sockets than a process may open.
pub(super) fn make_room(scenario: &Scenario, partition: &ShardMap) -> Result<(), BindError> {
    let Some(owners) = owners(scenario.transport) else { return Ok(()) };
    let quotas = (0..scenario.processes).map(|process| quota(scenario, partition, process, owners));
    quotas.max_by_key(|quota| quota.count).map_or(Ok(()), udp::make_room)
}

/// Who has a socket each, if anybody has.
fn owners(transport: TransportKind) -> Option<Owners> {
    match transport {
        TransportKind::Udp => Some(Owners::Nodes),
        TransportKind::UdpShard => Some(Owners::Threads),
        TransportKind::Memory | TransportKind::Simulated => None,
    }
}

/// The sockets that a process needs.
fn quota(scenario: &Scenario, partition: &ShardMap, process: usize, owners: Owners) -> Quota {
    let ScenarioValues { threads, processes, .. } = **scenario;
    let (asked, count) = match owners {
        Owners::Nodes => (scenario.nodes, nodes_of(scenario, partition, process).len() as u32),
        Owners::Threads => (scenario.workers() as u32, threads as u32),
    };
    Quota { owners, asked, count, threads, process, processes }
}

/// The nodes of a process.
fn nodes_of(scenario: &Scenario, partition: &ShardMap, process: usize) -> Range<u32> {
    let workers = process * scenario.threads..(process + 1) * scenario.threads;
    partition.shard(workers.start).start..partition.shard(workers.end - 1).end
}

impl Runner<'_> {
    /// Sets up the ends of a process's workers.
    pub(super) fn carriers(&self, seat: &ProcessSlot, meeting: Rendezvous) -> Result<Carriers, SimulationError> {
        match self.scenario.transport {
            TransportKind::Udp => self.udp(seat, &meeting),
            TransportKind::UdpShard => self.udp_shard(seat, meeting),
            TransportKind::Memory => self.memory(seat),
            // Virtual time has no carrier: messages go through the engine.
            TransportKind::Simulated => Ok(Carriers { ends: Vec::new(), datagram_bytes: 0, notices: Vec::new() }),
        }
    }

    /// A socket for every node, and the network between them.
    fn udp(&self, seat: &ProcessSlot, meeting: &Rendezvous) -> Result<Carriers, SimulationError> {
        let scenario = self.scenario;
        let quota = quota(scenario, &self.partition, seat.process, Owners::Nodes);
        let bound = udp::bind(quota, scenario.receive_buffer, self.interrupt)?;
        let nodes = nodes_of(scenario, &self.partition, seat.process);
        let addresses = meeting.gather(nodes.start as usize, &bound.addresses)?;
        let (admission, templates) = self.encoded(seat)?;
        let datagram_bytes = longest(&templates);
        let network = Arc::new(UdpNetwork { addresses, templates, admission, clock: seat.clock });
        let mut sockets = bound.sockets.into_iter();
        let ends = self.workers(seat).map(|worker| -> Box<dyn TransportBuilder> {
            let shard = self.partition.shard(worker);
            Box::new(UdpBuilder {
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
    fn udp_shard(&self, seat: &ProcessSlot, meeting: Rendezvous) -> Result<Carriers, SimulationError> {
        let scenario = self.scenario;
        let quota = quota(scenario, &self.partition, seat.process, Owners::Threads);
        let bound = udp::bind(quota, scenario.receive_buffer, self.interrupt)?;
        let workers = self.workers(seat);
        meeting.receive_buffers.write(seat.process, granted_buffer(&bound.sockets)?.into());
        meeting.roads.write(seat.process, Segmentation::probe().number());
        let addresses = meeting.gather(workers.start, &bound.addresses)?;
        let (admission, templates) = self.encoded(seat)?;
        let datagram_bytes = longest(&templates);
        // What one process cannot do none does.
        let least = |write_once: &WriteOnce| {
            (0..write_once.count()).filter_map(|process| write_once.read(process)).min().unwrap_or_default()
        };
        let segmentation = Segmentation::of_number(least(&meeting.roads));
        let network = Arc::new(UdpShardNetwork {
            receive_buffer: least(&meeting.receive_buffers) as u32,
            addresses: addresses.iter().copied().collect(),
            shards: self.partition.clone(),
            templates,
            admission,
            clock: seat.clock,
            lanes: meeting.lanes,
            segmentation,
            control_bytes_max: self.protocol.tail_words_max().map(wire::control_bytes),
        });
        let ends = workers.zip(bound.sockets).map(|(shard, socket)| -> Box<dyn TransportBuilder> {
            Box::new(UdpShardBuilder { network: Arc::clone(&network), shard, socket })
        });
        let notices = receive_buffer_notice(scenario.receive_buffer, bound.receive_buffer).into_iter();
        Ok(Carriers {
            ends: ends.collect(),
            datagram_bytes,
            notices: notices.chain(segmentation_notice(segmentation)).collect(),
        })
    }

    /// Rings between all workers.
    fn memory(&self, seat: &ProcessSlot) -> Result<Carriers, SimulationError> {
        let charged = self.scenario.charge_serialization.then(|| self.encoded(seat)).transpose()?;
        let datagram_bytes = charged.as_ref().map_or(0, |(_, templates)| longest(templates));
        let serialization = charged.map(|(admission, templates)| SerializationCharge::new(templates, admission));
        let words = self.protocol.tail_words_max().unwrap_or(0);
        let ends = memory::connect(&self.partition, seat.clock, serialization.as_ref(), words)?;
        let ends = ends.into_iter().map(|end| -> Box<dyn TransportBuilder> { Box::new(end) }).collect();
        Ok(Carriers { ends, datagram_bytes, notices: Vec::new() })
    }

    /// The workers of a process.
    pub(super) fn workers(&self, seat: &ProcessSlot) -> Range<usize> {
        let threads = self.scenario.threads;
        seat.process * threads..(seat.process + 1) * threads
    }

    /// A datagram of each order under the run's token, and the gate that lets them in.
    fn encoded(&self, seat: &ProcessSlot) -> Result<(Admission, Templates), SimulationError> {
        let token = seat.token;
        let templates = (0..)
            .zip(&self.orders)
            .map(|(index, order)| template(token, OrderIndex(index), order))
            .collect::<Result<_, _>>()?;
        Ok((Admission { token, nodes: self.scenario.nodes, orders: self.orders.len() as u32 }, templates))
    }
}

/// Bytes of the longest datagram.
fn longest(templates: &[Box<[u8]>]) -> u32 {
    templates.iter().map(|template| template.len() as u32).max().unwrap_or(0)
}

/// A token of a run's own.
pub(super) fn drawn_token() -> Result<Token, SimulationError> {
    SysRng.try_next_u64().map(Token).map_err(|error| SimulationError::Entropy(io::Error::other(error)))
}

/// Says that trains go one datagram at a time.
fn segmentation_notice(segmentation: Segmentation) -> Option<Notice> {
    (segmentation == Segmentation::Apart).then_some(Notice::TrainsApart)
}

/// Says that sockets have another receive buffer than was asked for. Linux grants twice what is asked, half of it for
/// its own bookkeeping, between limits of its own.
fn receive_buffer_notice(asked: Option<u32>, granted: Option<u32>) -> Option<Notice> {
    let (asked, granted) = (asked?, granted?);
    let usable = granted / 2;
    (usable != asked).then_some(match granted {
        0 => Notice::ReceiveBufferNotSet { asked },
        _ => Notice::ReceiveBufferGranted { asked, usable },
    })
}

/// Bytes of a message of each order, as UDP payload: what it would take on a real carrier.
pub(super) fn message_bytes(orders: &[Arc<Order>]) -> Result<Vec<u32>, SimulationError> {
    // Every token takes as many bytes.
    let indexed = (0..).map(OrderIndex).zip(orders);
    indexed.map(|(index, order)| Ok(template(Token(0), index, order)?.len() as u32)).collect()
}

/// An order's datagram, to be readdressed for each copy.
fn template(token: Token, index: OrderIndex, order: &Order) -> Result<Box<[u8]>, SimulationError> {
    let message = OrderHop { order: index, ttl: 0, hop: 1 }.copy(NodeId(0), NodeId(0));
    let mut datagram = [0; DATAGRAM_BYTES_MAX];
    let bytes = wire::encode(&Header { token, message }, &order.view(), &mut datagram)
        .map_err(|error| SimulationError::Order(error.to_string()))?;
    Ok(datagram[..bytes].into())
}
