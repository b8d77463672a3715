//! Computes the bytes of single parts of a run's memory.

use super::super::storage_shape::StorageShape;
use super::{Sizes, bytes};
use crate::engine::NODE_FIGURES_END;
use crate::network::{AccessLink, NetworkSpec, UplinkShare};
use crate::order::Order;
use crate::record::{OrderCounts, OrderRecord, Receipt, Traffic};
use crate::scenario::{CarrierOptions, CarrierTraits, SocketOwner, Ttl, WorkloadOptions};
use crate::time::Nanos;
use crate::topology::TopologySpec;

impl Sizes<'_> {
    /// Returns the number of overlays in memory: each process builds its own, and so does the one that starts them. An
    /// edge list's overlay exists together with the scenario.
    pub(super) fn overlays(&self) -> u64 {
        let here = u64::from(self.scenario.overlay.edge_list.is_none());
        if self.processes == 1 { here } else { self.processes + here }
    }

    pub(super) fn overlay(&self) -> u64 {
        let offsets = if self.entries == 0 { 0 } else { 4 * (self.rows + 1) };
        let dials = if self.records_dials() { self.entries / 8 } else { 0 };
        self.overlays().saturating_mul(offsets.saturating_add(self.entries.saturating_mul(4)).saturating_add(dials))
    }

    /// Returns true if the overlay records who opened each link.
    fn records_dials(&self) -> bool {
        matches!(self.scenario.overlay.topology, TopologySpec::Dials { .. })
    }

    /// Returns the bytes of the indices into the figures of single links, one for each entry of the rows, and of what
    /// further processes read of them.
    pub(super) fn own_links(&self) -> u64 {
        let Some(file) = self.scenario.network.as_ref().and_then(|network| network.links.as_ref()) else { return 0 };
        // A complete overlay stores no entries, and has them all the same.
        let entries = if self.entries == 0 { self.nodes.saturating_mul(self.nodes - 1) } else { self.entries };
        let runners = if self.processes == 1 { 1 } else { self.processes + 1 };
        let read = file.memory_bytes().saturating_mul(self.processes - 1);
        entries.saturating_mul(4 * runners).saturating_add(read)
    }

    /// Returns the bytes of the last arrival on each link, where links keep the order of messages and each is handled.
    /// On an overlay that is not stored only links with messages under way have one.
    pub(super) fn last_arrivals(&self) -> u64 {
        let is_ordered = self.scenario.network.as_ref().is_some_and(NetworkSpec::keeps_order);
        let is_stored = self.scenario.overlay.topology != TopologySpec::RegularImplicit;
        let handles_each = matches!(self.shape, StorageShape::General | StorageShape::Carrier);
        if is_ordered && is_stored && handles_each { bytes::<Nanos>(self.entries) } else { 0 }
    }

    /// Returns true if orders may be of several sizes.
    pub(super) fn orders_vary(&self) -> bool {
        let WorkloadOptions { payload_bytes, publications, .. } = &self.scenario.workload;
        let range = payload_bytes.range();
        range.start() != range.end() || publications.is_some()
    }

    /// Returns the bytes of the access links that have limits, without their use, of the places of uplinks that copies
    /// share, and of the queues for processing.
    pub(super) fn access_links(&self) -> u64 {
        let Some(NetworkSpec { bandwidth, processing, places, .. }) = &self.scenario.network else { return 0 };
        let mut kinds = places.listed().into_iter().flat_map(|file| file.kinds());
        let processing = u64::from(*processing > Nanos::ZERO || kinds.any(|kind| kind.processing.is_some()));
        let is_shared = bandwidth.is_some_and(|bandwidth| bandwidth.share == UplinkShare::Fair);
        bytes::<AccessLink>((self.limited() + processing) * self.nodes) + u64::from(is_shared) * 4 * self.nodes
    }

    /// Returns the number of directions in which access links have limits.
    pub(super) fn limited(&self) -> u64 {
        self.scenario.network.as_ref().map_or(0, NetworkSpec::limited_directions)
    }

    /// Returns the bytes of per-node data on a carrier: counts of copies and messages, waiting forwards, and the
    /// traffic at the end.
    pub(super) fn on_carriers_by_node(&self) -> u64 {
        let counts_bytes = self.carrier().encodes || self.scenario.carrier.charge_serialization;
        let counts = 10 + if counts_bytes { 16 } else { 0 };
        let firsts = if self.orders > 1 { 4 } else { 0 };
        let by_node = counts + firsts + 16 * self.orders.min(ROOM_ORDERS) + size_of::<Traffic>() as u64;
        let sockets = if self.carrier().socket_owner == Some(SocketOwner::Node) { SOCKET_BYTES } else { 0 };
        (by_node + sockets).saturating_mul(self.nodes)
    }

    /// Returns true if virtual time keeps figures by node. Carriers and the windowed engine always do.
    pub(super) fn keeps_figures(&self) -> bool {
        self.scenario.overlay.nodes < NODE_FIGURES_END
    }

    /// Returns the bytes of a receipt for each node and order.
    pub(super) fn receipts(&self) -> u64 {
        bytes::<Receipt>(self.nodes.saturating_mul(self.orders))
    }

    /// Returns the bytes of the bits by node and order, twice if virtual time also records what each node has sent, and
    /// a byte beside them if nodes send messages about an order again.
    pub(super) fn window(&self) -> u64 {
        let bits = match self.shape {
            StorageShape::Hops | StorageShape::OrderByOrder => 0,
            StorageShape::Fast => 1,
            StorageShape::General if self.protocol.has_control => (2 + 8) * self.orders,
            StorageShape::General => 2 * self.orders,
            StorageShape::Carrier => self.window_bits(),
        };
        let newest = if self.shape == StorageShape::Carrier && bits > self.orders { 4 * self.nodes } else { 0 };
        self.nodes.saturating_mul(bits) / 8 + newest
    }

    /// Returns the bits of one node's window. Before overlay and network exist, a TTL of `auto` is replaced by the
    /// usual one, and the longest latency of the network stands for every path.
    fn window_bits(&self) -> u64 {
        let ttl = if let Ttl::Hops(ttl) = self.scenario.protocol.ttl { ttl } else { TTL_USUAL };
        let longest = self.scenario.network.as_ref().map_or(Nanos::ZERO, NetworkSpec::longest);
        self.scenario.window(ttl, longest).bits().into()
    }

    /// Returns the bytes of the orders, of their publications and sizes, and of each worker's counts of them.
    pub(super) fn orders(&self) -> u64 {
        let range = self.scenario.workload.payload_bytes.range();
        let list = self.scenario.workload.publications.as_ref();
        let payload = list.map_or((u64::from(*range.start()) + u64::from(*range.end())) / 2, |list| {
            let sizes = list.listed().iter().map(|listed| u64::from(listed.payload_bytes));
            sizes.sum::<u64>() / u64::from(list.orders())
        });
        let by_worker = match self.shape {
            StorageShape::Hops | StorageShape::Fast => 0,
            // Its messages and its receipts, which go to one worker or another, in lists that grow by doubling, and
            // both of all workers.
            StorageShape::OrderByOrder => {
                (2 * (96 + 8) + 3 * size_of::<OrderCounts>() as u64 + 64).div_ceil(self.workers)
            }
            // Messages, rows of bits, counts and goals.
            StorageShape::General => 56 + 24 + 8 + 8,
            StorageShape::Carrier => size_of::<OrderCounts>() as u64 + 8 + 4 + 4 + 8 + 4,
        };
        let record = if self.orders > 1 { size_of::<OrderRecord>() as u64 + 3 * 8 } else { 0 };
        let each = (24 + 4 + self.order(payload)) * self.processes + by_worker * self.workers + record;
        // Further processes read the list and the places, too.
        let places = self.scenario.network.as_ref().and_then(|network| network.places.listed());
        let tables = list.map_or(0, |list| list.memory_bytes()) + places.map_or(0, |places| places.memory_bytes());
        let listed = tables * (self.processes - 1);
        each.saturating_mul(self.orders).saturating_add(listed)
    }

    /// Returns the bytes of an order with a payload of this length: in virtual time those that say how long it is; on a
    /// carrier the order, its parts if it travels in parts, and where it is encoded, its message with a header for each
    /// worker that writes one in memory.
    fn order(&self, payload: u64) -> u64 {
        let CarrierOptions { transport, charge_serialization, .. } = self.scenario.carrier;
        if transport.is_virtual() {
            return 4;
        }
        let order = size_of::<Order>() as u64 + 8 + payload.next_multiple_of(16) + 2 * ALLOCATION_BYTES;
        let message = payload + 64 + 16 + ALLOCATION_BYTES;
        let headers = if charge_serialization { self.workers * 24 } else { 0 };
        let parts = self.scenario.protocol.spec.encoded_part_bytes(payload as u32);
        order + parts + if self.carrier().encodes || charge_serialization { message + headers } else { 0 }
    }

    fn carrier(&self) -> CarrierTraits {
        self.scenario.carrier.transport.traits()
    }

    /// Returns the bytes of the rings or trains between all workers, and of each worker's stack.
    pub(super) fn channels(&self) -> u64 {
        let Sizes { workers, .. } = *self;
        let channels = match self.carrier().socket_owner {
            _ if self.scenario.carrier.transport.is_virtual() => 0,
            None => {
                let slots = (SLOTS_MAX / (workers * workers)).clamp(16, 8_192);
                16 * (workers * 1_024 + workers * (workers - 1) * slots)
            }
            Some(SocketOwner::Thread) => workers * workers * CHANNEL_BYTES + workers * RECEIVE_BYTES,
            Some(SocketOwner::Node) => 0,
        };
        channels + workers * STACK_BYTES
    }

    /// Returns the bytes of each worker's buffer for targets, if a node may send to nearly all others.
    pub(super) fn targets(&self) -> u64 {
        let fanout = u64::from(self.scenario.protocol.fanout);
        let has_hub = matches!(self.scenario.overlay.topology, TopologySpec::Complete | TopologySpec::Star);
        let most = if self.protocol.takes_fanout { fanout.min(self.nodes) } else { self.nodes };
        if !has_hub || most <= 32 {
            return 0;
        }
        let each = match self.shape {
            StorageShape::Hops => 24,
            StorageShape::Fast | StorageShape::OrderByOrder => 64,
            StorageShape::General => 4,
            StorageShape::Carrier => 20,
        };
        self.workers.saturating_mul(most).saturating_mul(each)
    }
}

/// Orders for whose forwards every node of a carrier has room.
const ROOM_ORDERS: u64 = 4;

/// Bytes that the heap adds to each allocation.
const ALLOCATION_BYTES: u64 = 16;

/// Hops that an order may travel on a real carrier, unless the TTL depends on the overlay.
const TTL_USUAL: u8 = 6;

/// Bytes of a socket, most of them in the kernel: its state, its file, and its entry in the event queue.
const SOCKET_BYTES: u64 = 3_000;

/// Bytes that a thread uses of its stack.
const STACK_BYTES: u64 = 64 << 10;

/// Slots of all rings together.
const SLOTS_MAX: u64 = 1 << 22;

/// Bytes touched of the trains of a channel, and of the buffer that receives trains.
const CHANNEL_BYTES: u64 = 16 << 10;
const RECEIVE_BYTES: u64 = 512 << 10;
