//! The results of the nodes by region, by class, by access (behind a NAT or public), by adversarial part, and by side
//! of a partition.

use super::{Population, RunContext};
use crate::adversary::Adversaries;
use crate::ids::NodeId;
use crate::network::{Faults, Network, RegionIndex};
use crate::record::{GroupDelays, GroupKind, GroupRecord, Receipt, Traffic};
use crate::time::Nanos;
use crate::workload::Publication;

/// The properties that assign nodes to groups.
pub(crate) struct Groups<'a> {
    pub(crate) network: &'a Network,
    pub(crate) adversaries: &'a Adversaries,
    pub(crate) population: &'a Population<'a>,
    /// True if any nodes are behind a NAT.
    pub(crate) has_nat: bool,
    pub(crate) has_parts: bool,
}

impl Groups<'_> {
    /// Computes the records of all groups that have a node. `traffic` is by node, or empty where it was not kept.
    /// `receipts` are those of order 0 by node, then those of order 1, and so on.
    pub(crate) fn records<R: Copy + Into<Receipt>>(
        &self,
        receipts: &[R],
        traffic: &[Traffic],
        end: Nanos,
    ) -> Vec<GroupRecord> {
        let roster = self.roster();
        if roster.is_empty() {
            return Vec::new();
        }
        let publications = self.population.publications;
        let mut totals = roster.totals(publications.len());
        let counted = self.population.at(end);
        for (receipts, publication) in receipts.chunks(self.population.nodes as usize).zip(publications) {
            roster.count(&mut totals, receipts, publication, |node| counted[node]);
        }
        roster.records(totals, traffic)
    }

    /// Assigns each node to its groups.
    pub(crate) fn roster(&self) -> GroupRoster {
        let sides = self.sides();
        let mut roster = GroupRoster { groups: Vec::new(), places: Vec::new(), per_node: 0 };
        if self.network.regions().is_empty() && !self.has_nat && !self.has_parts && sides.is_empty() {
            return roster;
        }
        let nodes = self.population.nodes;
        // The group of each region, once it is known, so that it is not searched for by name for every node.
        let mut of_regions: Vec<Option<u32>> = vec![None; self.network.regions().len()];
        for node in (0..nodes).map(NodeId) {
            let region = self.network.region(node);
            for (kind, name) in self.of(node, region, &sides) {
                let known = match (kind, region) {
                    (GroupKind::Region, Some(region)) => &mut of_regions[region.index()],
                    _ => &mut None,
                };
                let place = *known.get_or_insert_with(|| roster.place_of(kind, name));
                roster.groups[place as usize].2 += 1;
                roster.places.push(place);
            }
        }
        roster.per_node = roster.places.len() / (nodes as usize).max(1);
        roster
    }

    /// Names the two sides of each partition: the nodes cut off, and the others. Several partitions are numbered from 1
    /// as they were asked for.
    fn sides(&self) -> Vec<[String; 2]> {
        let named = |number: String| ["cut-off", "others"].map(|side| format!("{side}{number}"));
        match self.population.faults.partitions() {
            1 => vec![named(String::new())],
            several => (1..=several).map(|number| named(format!("-{number}"))).collect(),
        }
    }

    /// Iterates over the groups of a node: its `region`, its class, its access, its part, and its side of each
    /// partition. Every node has one of each kind that exists.
    fn of<'a>(
        &'a self,
        node: NodeId,
        region: Option<RegionIndex>,
        sides: &'a [[String; 2]],
    ) -> impl Iterator<Item = (GroupKind, &'a str)> {
        let faults = self.population.faults;
        let region = region.map(|region| self.network.regions()[region.index()].as_str());
        let access = if faults.is_behind_nat(node) { "behind-nat" } else { "reachable" };
        let classes = [
            region.map(|name| (GroupKind::Region, name)),
            self.network.class(node).map(|name| (GroupKind::Class, name)),
            self.has_nat.then_some((GroupKind::Access, access)),
            self.has_parts.then(|| (GroupKind::Part, self.adversaries.name_of_part(node))),
        ];
        let side = move |(partition, [cut_off, others]): (usize, &'a [String; 2])| {
            (GroupKind::Partition, if faults.is_cut_off(node, partition) { cut_off.as_str() } else { others.as_str() })
        };
        classes.into_iter().flatten().chain(sides.iter().enumerate().map(side))
    }
}

impl RunContext<'_> {
    /// Computes the records of the regions on a real carrier, if the network has regions. There are none for a bulk,
    /// because a real carrier does not keep the receipts of its orders by node.
    pub(crate) fn regions(&self, receipts: &[Receipt], traffic: &[Traffic], end: Nanos) -> Vec<GroupRecord> {
        let Some(network) = self.network.filter(|_| !receipts.is_empty()) else { return Vec::new() };
        let (faults, adversaries) = (Faults::none(), Adversaries::none());
        let (nodes, publications) = (self.scenario.overlay.nodes, self.workload.publications());
        let population = Population { faults: &faults, nodes, publications };
        let groups =
            Groups { network, adversaries: &adversaries, population: &population, has_nat: false, has_parts: false };
        groups.records(receipts, traffic, end)
    }
}

/// The groups, and those of each node; empty if there are none.
pub(crate) struct GroupRoster {
    /// By group its property, its name and its number of nodes.
    groups: Vec<(GroupKind, String, u64)>,
    /// Indices of each node's groups; every node has the same number of them.
    places: Vec<u32>,
    per_node: usize,
}

/// The receipts of one group.
pub(crate) struct GroupTotals {
    counted: u64,
    delays: GroupDelays,
}

impl GroupTotals {
    /// Adds other receipts of the same group.
    pub(crate) fn merge(&mut self, other: &GroupTotals) {
        let GroupTotals { counted, delays } = other;
        self.counted += counted;
        self.delays.merge(delays);
    }
}

impl GroupRoster {
    /// Returns true if there are no groups.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Returns the index of the group of this name, adding it if there is none. There are at most 1,024 regions and as
    /// many classes.
    fn place_of(&mut self, kind: GroupKind, name: &str) -> u32 {
        let known = self.groups.iter().position(|group| group.0 == kind && group.1 == name);
        let place = known.unwrap_or_else(|| {
            self.groups.push((kind, name.to_owned(), 0));
            self.groups.len() - 1
        });
        place as u32
    }

    /// Creates the totals of all groups for a run of this many orders, before any receipt.
    pub(crate) fn totals(&self, orders: usize) -> Vec<GroupTotals> {
        let nodes = (self.places.len() / self.per_node.max(1)) as u32;
        self.groups.iter().map(|_| GroupTotals { counted: 0, delays: GroupDelays::none(nodes, orders) }).collect()
    }

    /// Adds an order's receipts, by node, at the nodes that coverage counts.
    pub(crate) fn count<R: Copy + Into<Receipt>>(
        &self,
        totals: &mut [GroupTotals],
        receipts: &[R],
        publication: &Publication,
        is_counted: impl Fn(usize) -> bool,
    ) {
        // Coverage refers to published orders, and a publisher is the first to have its order.
        if !receipts.get(publication.origin.index()).is_some_and(|&receipt| receipt.into().is_reached()) {
            return;
        }
        for (node, places) in self.places.chunks(self.per_node.max(1)).enumerate().filter(|&(node, _)| is_counted(node))
        {
            let receipt: Receipt = receipts[node].into();
            for &place in places {
                let group = &mut totals[place as usize];
                group.counted += 1;
                if receipt.is_reached() {
                    group.delays.add(receipt.time.since(publication.due));
                }
            }
        }
    }

    /// Completes the records of all groups, in the order of their kinds and names. `traffic` is by node, or empty where
    /// it was not kept.
    pub(crate) fn records(&self, totals: Vec<GroupTotals>, traffic: &[Traffic]) -> Vec<GroupRecord> {
        let groups = self.groups.iter().zip(totals);
        let mut records: Vec<GroupRecord> = groups
            .map(|((kind, name, nodes), GroupTotals { counted, mut delays })| {
                delays.sort();
                let (kind, name) = (*kind, name.clone());
                GroupRecord { kind, name, nodes: *nodes, counted, delays, bytes_in: None, bytes_out: None }
            })
            .collect();
        for (traffic, places) in traffic.iter().zip(self.places.chunks(self.per_node.max(1))) {
            for &place in places {
                let group = &mut records[place as usize];
                *group.bytes_in.get_or_insert(0) += traffic.bytes_in;
                *group.bytes_out.get_or_insert(0) += traffic.bytes_out;
            }
        }
        records.sort_by(|one, other| (one.kind as u8, &one.name).cmp(&(other.kind as u8, &other.name)));
        records
    }
}
