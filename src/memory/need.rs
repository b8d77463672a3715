//! Computes the memory that a scenario certainly needs, part by part, from the scenario alone.
//!
//! A run has phases, and its need is that of its greatest phase: the overlay is built, then searched, then orders
//! spread over it, then the measurements are combined and reported. The figures are those of the arrays that the other
//! rooms allocate; a test compares the sums with the measured memory of the binary.
//!
//! Not included: messages under way, which depend on what happens, and the kernel's memory for sockets beyond the
//! sockets themselves.

mod by_part;
#[cfg(feature = "cluster")]
mod cluster;

#[cfg(feature = "cluster")]
pub use cluster::{ClusterShape, collects_nodes, keeps_own_rows};

use super::part::MemoryPart;
use super::row_entries::row_entries;
use super::storage_shape::{StorageShape, group_delay_bytes, order_by_order_bytes};
use crate::record::{CompactReceipt, LinkUse, Receipt, Traffic};
use crate::scenario::{OverlayOptions, ProtocolTraits, Scenario, Until};
use crate::topology::TopologySpec;

/// The memory that a scenario certainly needs, in its greatest phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryNeed {
    /// Bytes by part.
    pub parts: Vec<(MemoryPart, u64)>,
    pub(super) nodes: u32,
    pub(super) orders: u32,
    pub(super) workers: usize,
}

impl MemoryNeed {
    /// Computes the need of a scenario under the protocol that it names, without an edge list that was read with it.
    pub fn of(scenario: &Scenario) -> MemoryNeed {
        MemoryNeed::under(scenario, &scenario.protocol.spec.traits())
    }

    /// Computes the need of a scenario under a protocol with these traits.
    #[doc(hidden)]
    pub fn under(scenario: &Scenario, protocol: &ProtocolTraits) -> MemoryNeed {
        let sizes = Sizes::of(scenario, *protocol);
        let phases = [sizes.building(), sizes.searching(), sizes.running(), sizes.closing()];
        MemoryNeed::greatest_of(phases, scenario)
    }

    /// Creates the need of the phase that takes most.
    fn greatest_of(phases: [Parts; 4], scenario: &Scenario) -> MemoryNeed {
        let sum = |parts: &Vec<(MemoryPart, u64)>| parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.1));
        let parts = phases.into_iter().max_by_key(sum).unwrap_or_default();
        MemoryNeed { parts, nodes: scenario.overlay.nodes, orders: scenario.orders(), workers: scenario.workers() }
    }

    /// Adds the bytes that the trace of the run takes beside it.
    pub(super) fn with_trace(mut self, bytes: u64) -> MemoryNeed {
        self.parts.push((MemoryPart::Trace, bytes));
        self
    }

    /// Returns the sum of all parts in bytes.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.1))
    }

    /// Returns the greatest part.
    pub fn greatest(&self) -> (MemoryPart, u64) {
        let greatest = self.parts.iter().copied().max_by_key(|part| part.1);
        greatest.unwrap_or((MemoryPart::Nodes, 0))
    }
}

/// The numbers that determine the size of each part.
struct Sizes<'a> {
    scenario: &'a Scenario,
    protocol: ProtocolTraits,
    shape: StorageShape,
    nodes: u64,
    orders: u64,
    workers: u64,
    processes: u64,
    /// Stored rows, and the entries of all of them.
    rows: u64,
    entries: u64,
}

type Parts = Vec<(MemoryPart, u64)>;

impl Sizes<'_> {
    fn of(scenario: &Scenario, protocol: ProtocolTraits) -> Sizes<'_> {
        Sizes {
            scenario,
            protocol,
            shape: StorageShape::of(scenario, protocol),
            nodes: scenario.overlay.nodes.into(),
            orders: scenario.orders().into(),
            workers: scenario.workers() as u64,
            processes: scenario.carrier.processes as u64,
            rows: scenario.overlay.nodes.into(),
            entries: row_entries(scenario, protocol),
        }
    }

    /// Returns the memory while the overlay is built. Links are pairs of ids, and are sorted into buckets by either end
    /// before they become rows; Erdős–Rényi draws rows directly, and those that were computed are copied. Dials
    /// are kept until they are on record.
    fn building(&self) -> Parts {
        let links = match self.scenario.overlay.topology {
            TopologySpec::ErdosRenyi | TopologySpec::RegularImplicit => 0,
            TopologySpec::Dials { .. } => self.entries.saturating_mul(12),
            _ => self.entries.saturating_mul(8),
        };
        vec![(MemoryPart::Overlay, self.overlay()), (MemoryPart::Links, self.overlays().saturating_mul(links))]
    }

    /// Returns the memory while the overlay is searched.
    fn searching(&self) -> Parts {
        self.searching_by(self.overlays() * self.search_bytes())
    }

    /// Returns the bytes of a search of the whole overlay: a bit per node, and the nodes of two distances.
    fn search_bytes(&self) -> u64 {
        let OverlayOptions { topology, nodes, peers, .. } = &self.scenario.overlay;
        if self.entries > 0 && topology.is_searched(*nodes, *peers) { 5 * self.nodes } else { 0 }
    }

    /// Returns the memory while the overlay is searched by a search of this many bytes.
    fn searching_by(&self, search_bytes: u64) -> Parts {
        vec![
            (MemoryPart::Overlay, self.overlay()),
            (MemoryPart::OwnLinks, self.own_links()),
            (MemoryPart::Nodes, search_bytes),
        ]
    }

    fn running(&self) -> Parts {
        let Sizes { nodes, workers, .. } = *self;
        let by_node = match self.shape {
            // Hops and three bits, and with figures by node also the senders, twice where they are handed over.
            StorageShape::Hops if self.keeps_figures() => nodes + nodes * 3 / 8 + 8 * nodes,
            StorageShape::Hops if self.scenario.protocol.exclude_sender => nodes + nodes * 3 / 8 + 8 * nodes,
            StorageShape::Hops => nodes + nodes * 3 / 8,
            // Nodes waiting for their window, and those in it.
            StorageShape::Fast => nodes / 8 + 12 * nodes,
            // By worker the orders that are solved together, with their receipts and counts, and the traffic of all.
            StorageShape::OrderByOrder => {
                workers * order_by_order_bytes(nodes) + (workers + 1) * bytes::<Traffic>(nodes)
            }
            // Sequence numbers, and counts, of which traffic is made at the end, when of access links only their use is
            // left.
            StorageShape::General => {
                let (traffic, used) = (bytes::<Traffic>(nodes), bytes::<LinkUse>(self.limited() * nodes));
                // Counts, and bytes where they do not follow from those.
                let counted = if self.protocol.has_control || self.orders_vary() { 8 + 16 } else { 8 } * nodes;
                // A target that moves with nodes that come and go has the next change of each.
                let has_changes = self.scenario.failures.faults.churn.is_some();
                let changes = u64::from(has_changes && self.scenario.run.until == Until::Target) * 24 * nodes;
                4 * nodes + changes + counted + used + self.access_links().max(traffic + used)
            }
            StorageShape::Carrier => self.on_carriers_by_node(),
        };
        let receipts = match self.shape {
            StorageShape::Hops | StorageShape::OrderByOrder => 0,
            StorageShape::Fast => bytes::<CompactReceipt>(nodes),
            StorageShape::General if workers > 1 => 2 * self.receipts(),
            StorageShape::General => self.receipts(),
            StorageShape::Carrier if self.orders == 1 => bytes::<Receipt>(nodes),
            StorageShape::Carrier => 0,
        };
        vec![
            (MemoryPart::Overlay, self.overlay()),
            (MemoryPart::OwnLinks, self.own_links().saturating_add(self.last_arrivals())),
            (MemoryPart::Nodes, by_node.saturating_add(self.scenario.protocol_state_bytes(nodes, self.entries))),
            (MemoryPart::Receipts, receipts),
            (MemoryPart::Window, self.window()),
            (MemoryPart::Orders, self.orders()),
            (MemoryPart::Channels, self.channels()),
            (MemoryPart::Targets, self.targets()),
        ]
    }

    /// Returns the memory while the measurements are combined, drawn again if they were not kept, and ranked for the
    /// report.
    fn closing(&self) -> Parts {
        let Sizes { nodes, workers, .. } = *self;
        let (traffic, used) = (bytes::<Traffic>(nodes), bytes::<LinkUse>(self.limited() * nodes));
        let (receipts, figures) = match (self.shape, self.keeps_figures()) {
            // Ranks of delays and of figures by node, and degrees.
            (StorageShape::Hops, true) => (bytes::<Receipt>(nodes), (workers + 5 + 8 + 4) * nodes + traffic),
            (StorageShape::Hops, false) => (nodes, 0),
            (StorageShape::Fast, true) => (bytes::<CompactReceipt>(nodes), (workers + 16 + 4) * nodes + traffic),
            (StorageShape::Fast, false) => (bytes::<CompactReceipt>(nodes), 8 * nodes),
            (StorageShape::OrderByOrder, _) => (group_delay_bytes(self.scenario), traffic + 20 * nodes),
            (StorageShape::General | StorageShape::Carrier, _) if self.orders > 1 => {
                let receipts = if self.shape == StorageShape::General { self.receipts() } else { 0 };
                (receipts, traffic + used + 20 * nodes)
            }
            (StorageShape::General | StorageShape::Carrier, _) => {
                (bytes::<Receipt>(nodes), traffic + used + 20 * nodes)
            }
        };
        // Each process writes its results to memory, from where they are read.
        let transferred = if self.processes > 1 { 2 * (receipts + traffic) } else { 0 };
        vec![
            (MemoryPart::Overlay, self.overlay()),
            (MemoryPart::OwnLinks, self.own_links()),
            (MemoryPart::Nodes, figures.saturating_add(transferred)),
            (MemoryPart::Receipts, receipts),
            (MemoryPart::Orders, self.orders()),
        ]
    }
}

const fn bytes<T>(count: u64) -> u64 {
    count.saturating_mul(size_of::<T>() as u64)
}
