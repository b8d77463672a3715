//! The memory of one process of a cluster: the whole overlay and its own nodes; in process 0 the outcomes of all, if
//! groups of nodes are reported, as those of a mix are, or nodes that fail.

use super::{MemoryNeed, Parts, Sizes, StorageShape, bytes};
use crate::memory::part::MemoryPart;
use crate::network::{FaultSpec, Paths};
use crate::record::{CompactReceipt, LinkUse, Traffic};
use crate::scenario::{OverlayOptions, ProtocolTraits, Scenario};
use crate::topology::TopologySpec;

/// The place of a process in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterShape {
    /// The number of the process.
    pub process: usize,
    /// The processes.
    pub processes: usize,
    /// The workers of each.
    pub threads: usize,
}

impl ClusterShape {
    /// Returns the bytes of the buffers of a process for its connections.
    fn buffers(self) -> u64 {
        (self.processes as u64 - 1) * (self.threads as u64 + 1) * BUFFER_BYTES
    }
}

/// Bytes of a buffer to or from another process: one for each worker that sends, and one for all that receive.
const BUFFER_BYTES: u64 = 1 << 20;

/// Returns true if process 0 of a cluster collects the figures of all nodes. Groups and nodes that fail need the
/// receipts of single nodes; all other figures are found by all processes together.
pub fn collects_nodes(scenario: &Scenario) -> bool {
    let has_regions = scenario.network.as_ref().is_some_and(|network| !matches!(network.paths, Paths::Latency(_)));
    let failures = &scenario.failures;
    let has_groups = has_regions || scenario.protocol.mix.is_some() || !failures.adversary.0.is_empty();
    has_groups || failures.faults != FaultSpec::default()
}

/// Returns true if each process of a cluster has the rows of its own nodes alone.
pub fn keeps_own_rows(scenario: &Scenario, protocol: &ProtocolTraits) -> bool {
    let (nodes, peers, family) = (scenario.overlay.nodes, scenario.overlay.peers, &scenario.overlay.topology);
    let has_links = scenario.network.as_ref().is_some_and(|network| network.links.is_some());
    let is_computed = *family == TopologySpec::RegularImplicit && protocol.needs_peers && peers + 1 < nodes;
    !collects_nodes(scenario) && !has_links && (is_computed || family.has_parts(nodes, peers))
}

/// Returns the bytes of the search of an overlay of which each process has the rows of its `own` nodes of `all`: a bit
/// per node, the own nodes of two distances, and the nodes of others that a process names to them, as many of its own
/// being named to it. Names are most at the distance at which most nodes are.
///
/// How many are at each distance is that of a random graph: a node is at the next if any of the ends of links at the
/// latest is its own, and a process names it if any of its part of these ends is, unless it has done so before.
fn search_in_parts_bytes([all, own]: [u64; 2], degree: f64) -> u64 {
    let nodes = all as f64;
    let part = own as f64 / nodes;
    let hit = |ends: f64| -libm::expm1(-ends / nodes);
    // Nodes at the latest distance and up to it, and those that a process has named.
    let (mut latest, mut seen, mut named) = (1.0, 1.0, 0.0);
    let mut most: f64 = 0.0;
    while seen < nodes && latest >= 1.0 {
        let names = (nodes - named) * hit(latest * part * degree);
        let next = (nodes - seen) * hit(latest * degree);
        most = most.max(8.0 * names * (1.0 - part) + 4.0 * (latest + next) * part);
        (latest, seen, named) = (next, seen + next, named + names);
    }
    all / 8 + most as u64
}

impl MemoryNeed {
    /// Computes the need of one process of a cluster.
    pub fn in_cluster(scenario: &Scenario, protocol: &ProtocolTraits, shape: ClusterShape) -> MemoryNeed {
        let processes = shape.processes as u64;
        let storage = match StorageShape::of(scenario, *protocol) {
            one_order @ (StorageShape::Hops | StorageShape::Fast) => one_order,
            _ => StorageShape::General,
        };
        let mut sizes = Sizes { shape: storage, ..Sizes::of(scenario, *protocol) };
        let (nodes, entries) = (sizes.nodes.div_ceil(processes), sizes.entries.div_ceil(processes));
        let has_own_rows = keeps_own_rows(scenario, protocol);
        if has_own_rows {
            (sizes.rows, sizes.entries) = (nodes, entries);
        }
        let own = Sizes { nodes, entries, shape: storage, ..Sizes::of(scenario, *protocol) };
        let OverlayOptions { topology, nodes: all, peers, .. } = &scenario.overlay;
        let phases = [
            sizes.building(),
            match has_own_rows && processes > 1 && topology.has_parts(*all, *peers) {
                true => sizes.searching_by(search_in_parts_bytes([sizes.nodes, nodes], f64::from(*peers))),
                false => sizes.searching(),
            },
            sizes.running_share(&own, shape),
            match shape.process {
                _ if !collects_nodes(scenario) => sizes.summarizing(&own, shape),
                0 => sizes.closing_all(&own, shape),
                _ => sizes.closing_share(&own, shape),
            },
        ];
        MemoryNeed::greatest_of(phases, scenario)
    }
}

impl Sizes<'_> {
    /// Returns the memory while a process computes its own nodes.
    fn running_share(&self, own: &Sizes<'_>, shape: ClusterShape) -> Parts {
        let part = |(part, bytes): (MemoryPart, u64)| match part {
            MemoryPart::Overlay => (part, self.overlay()),
            MemoryPart::OwnLinks => (part, self.own_links().saturating_add(own.last_arrivals())),
            // Each worker has a bit for every node of the run, which tells it what others know.
            MemoryPart::Nodes if self.shape != StorageShape::General => {
                // Where traffic is counted afterwards, hops become receipts for that.
                let settled = if self.shape == StorageShape::Hops && self.keeps_traffic() { 8 * own.nodes } else { 0 };
                (part, bytes + settled + shape.threads as u64 * u64::from(self.scenario.overlay.nodes) / 8)
            }
            MemoryPart::Channels => (part, bytes + shape.buffers()),
            _ => (part, bytes),
        };
        own.running().into_iter().map(part).collect()
    }

    /// Returns the memory of a process that ranks the figures of its nodes, which it has put together from those of its
    /// workers.
    fn summarizing(&self, own: &Sizes<'_>, shape: ClusterShape) -> Parts {
        let copies = if shape.threads > 1 { 2 } else { 1 };
        // First receipts that came in messages, and the times that are ranked; of hops few differ.
        let firsts = if own.keeps_traffic() { 4 } else { 0 };
        let ranked = firsts + if own.shape == StorageShape::Hops { 0 } else { 8 };
        vec![
            (MemoryPart::Overlay, self.overlay()),
            (MemoryPart::OwnLinks, self.own_links()),
            (MemoryPart::Nodes, own.counts_and_use() + ranked * own.nodes),
            (MemoryPart::Receipts, own.kept_receipts().saturating_mul(copies)),
            (MemoryPart::Orders, self.orders()),
            (MemoryPart::Channels, self.channels() + shape.buffers()),
        ]
    }

    /// Returns the memory of a process that writes its outcome for process 0.
    fn closing_share(&self, own: &Sizes<'_>, shape: ClusterShape) -> Parts {
        vec![
            (MemoryPart::Overlay, self.overlay()),
            (MemoryPart::OwnLinks, self.own_links()),
            (MemoryPart::Nodes, 2 * own.traffic_and_use()),
            (MemoryPart::Receipts, own.receipts().saturating_mul(2).saturating_add(own.compact_receipts())),
            (MemoryPart::Orders, self.orders()),
            (MemoryPart::Channels, self.channels() + shape.buffers()),
        ]
    }

    /// Returns the bytes of the receipts along shortest paths, of which others are made at the end.
    fn compact_receipts(&self) -> u64 {
        if self.shape == StorageShape::Fast { bytes::<CompactReceipt>(self.nodes) } else { 0 }
    }

    /// Returns the bytes of first receipts at the end of the run, in the form in which they are then.
    fn kept_receipts(&self) -> u64 {
        match self.shape {
            StorageShape::Hops if !self.keeps_traffic() => self.nodes,
            StorageShape::Hops | StorageShape::Fast => bytes::<CompactReceipt>(self.nodes),
            _ => self.receipts(),
        }
    }

    /// Returns the bytes of what each node has received and sent, as it was counted, and of the use of its links.
    fn counts_and_use(&self) -> u64 {
        let is_varied = self.protocol.has_control || self.orders_vary();
        let counted = if self.shape == StorageShape::General && is_varied { 8 + 16 } else { 8 };
        let counts = if self.keeps_traffic() { counted * self.nodes } else { 0 };
        counts + bytes::<LinkUse>(self.limited() * self.nodes)
    }

    /// Returns true if traffic is kept by node.
    fn keeps_traffic(&self) -> bool {
        self.shape == StorageShape::General || self.keeps_figures()
    }

    /// Returns the memory of process 0 while it reads the outcomes of the others and puts all together.
    fn closing_all(&self, own: &Sizes<'_>, shape: ClusterShape) -> Parts {
        let read = self.receipts() - own.receipts() + self.traffic_and_use();
        let ranked = 20 * self.nodes;
        vec![
            (MemoryPart::Overlay, self.overlay()),
            (MemoryPart::OwnLinks, self.own_links()),
            (MemoryPart::Nodes, 2 * self.traffic_and_use() + ranked + read),
            (MemoryPart::Receipts, self.receipts().saturating_mul(2).saturating_add(own.compact_receipts())),
            (MemoryPart::Orders, self.orders()),
            (MemoryPart::Channels, self.channels() + shape.buffers()),
        ]
    }

    /// Returns the bytes of the traffic of each node, and of the use of its links.
    fn traffic_and_use(&self) -> u64 {
        let traffic = if self.keeps_traffic() { bytes::<Traffic>(self.nodes) } else { 0 };
        traffic + bytes::<LinkUse>(self.limited() * self.nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected are the bytes by node of searches that were counted name by name, of random graphs of 50,000 nodes, by
    /// a program of its own.
    #[test]
    fn a_search_in_parts_takes_what_processes_name_to_each_other() {
        for (degree, processes, counted) in
            [(20.0, 2, 4.49), (20.0, 16, 4.37), (20.0, 100, 1.34), (8.0, 4, 3.59), (8.0, 50, 0.78)]
        {
            let found = search_in_parts_bytes([50_000, 50_000 / processes], degree) as f64 / 50_000.0;
            assert!((found / counted - 1.0).abs() < 0.12, "{degree} links, {processes} processes: {found}");
        }
    }
}
