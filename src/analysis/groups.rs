//! The results of the nodes by region, by class, by access (behind a NAT or public), by adversarial part, by side of a
//! partition, and by side of a mix.

use super::{Population, RunContext};
use crate::adversary::Adversaries;
use crate::ids::NodeId;
use crate::network::{Faults, Network, RegionIndex};
use crate::protocol::SecondSide;
use crate::record::{GroupDelays, GroupKind, GroupRecord, Receipt, Traffic};
use crate::time::Nanos;
use crate::workload::Publication;

/// The properties that assign nodes to groups.
pub(crate) struct Groups<'a> {
    /// `None` where there is none in front of a carrier.
    pub(crate) network: Option<&'a Network>,
    pub(crate) adversaries: &'a Adversaries,
    pub(crate) population: &'a Population<'a>,
    /// True if any nodes are behind a NAT.
    pub(crate) has_nat: bool,
    pub(crate) has_parts: bool,
    /// The nodes of the second side of a mix, and the protocols of the first and of that.
    pub(crate) mix: Option<(SecondSide, [String; 2])>,
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
        let (roster, totals) = self.counted(receipts, end);
        roster.records(totals, traffic)
    }

    /// Counts the receipts of all groups, as [`records`](Self::records) does before it adds the traffic.
    pub(crate) fn counted<R: Copy + Into<Receipt>>(
        &self,
        receipts: &[R],
        end: Nanos,
    ) -> (GroupRoster, Vec<GroupTotals>) {
        let (roster, publications) = (self.roster(), self.population.publications);
        let mut totals = roster.totals(publications.len());
        if !roster.is_empty() {
            let counted = self.population.at(end);
            for (receipts, publication) in receipts.chunks(self.population.nodes as usize).zip(publications) {
                roster.count(&mut totals, receipts, publication, |node| counted[node]);
            }
        }
        (roster, totals)
    }

    /// Assigns each node to its groups.
    pub(crate) fn roster(&self) -> GroupRoster {
        let sides = self.sides();
        let mut roster = GroupRoster { groups: Vec::new(), places: Vec::new(), per_node: 0 };
        let regions = self.network.map_or(&[][..], Network::regions);
        if regions.is_empty() && !self.has_nat && !self.has_parts && self.mix.is_none() && sides.is_empty() {
            return roster;
        }
        let nodes = self.population.nodes;
        // The group of each region, once it is known, so that it is not searched for by name for every node.
        let mut of_regions: Vec<Option<u32>> = vec![None; regions.len()];
        for node in (0..nodes).map(NodeId) {
            let region = self.network.and_then(|network| network.region(node));
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
        let region = region.zip(self.network).map(|(region, network)| network.regions()[region.index()].as_str());
        let access = if faults.is_behind_nat(node) { "behind-nat" } else { "reachable" };
        let classes = [
            region.map(|name| (GroupKind::Region, name)),
            self.network.and_then(|network| network.class(node)).map(|name| (GroupKind::Class, name)),
            self.has_nat.then_some((GroupKind::Access, access)),
            self.has_parts.then(|| (GroupKind::Part, self.adversaries.name_of_part(node))),
            self.mix.as_ref().map(|(second, names)| (GroupKind::Mix, names[usize::from(second.has(node))].as_str())),
        ];
        let side = move |(partition, [cut_off, others]): (usize, &'a [String; 2])| {
            (GroupKind::Partition, if faults.is_cut_off(node, partition) { cut_off.as_str() } else { others.as_str() })
        };
        classes.into_iter().flatten().chain(sides.iter().enumerate().map(side))
    }
}

impl RunContext<'_> {
    /// Computes the records of the regions and of the sides of a mix on a real carrier, if there are any. There are
    /// none for a bulk, because a real carrier does not keep the receipts of its orders by node.
    pub(crate) fn carrier_groups(
        &self,
        receipts: &[Receipt],
        traffic: &[Traffic],
        end: Nanos,
        mix: Option<(SecondSide, [String; 2])>,
    ) -> Vec<GroupRecord> {
        if receipts.is_empty() {
            return Vec::new();
        }
        let network = self.network;
        let (faults, adversaries) = (Faults::none(), Adversaries::none());
        let (nodes, publications) = (self.scenario.overlay.nodes, self.workload.publications());
        let population = Population { faults: &faults, nodes, publications };
        let (adversaries, population) = (&adversaries, &population);
        let groups = Groups { network, adversaries, population, has_nat: false, has_parts: false, mix };
        groups.records(receipts, traffic, end)
    }
}

/// The groups, and those of each node; empty if there are none.
#[derive(Clone)]
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
                let nodes = *nodes;
                GroupRecord { kind, name, nodes, counted, delays, duplicates: None, bytes_in: None, bytes_out: None }
            })
            .collect();
        for (traffic, places) in traffic.iter().zip(self.places.chunks(self.per_node.max(1))) {
            for &place in places {
                let group = &mut records[place as usize];
                *group.duplicates.get_or_insert(0) += traffic.duplicates();
                *group.bytes_in.get_or_insert(0) += traffic.bytes_in;
                *group.bytes_out.get_or_insert(0) += traffic.bytes_out;
            }
        }
        records.sort_by(|one, other| (one.kind as u8, &one.name).cmp(&(other.kind as u8, &other.name)));
        records
    }
}
