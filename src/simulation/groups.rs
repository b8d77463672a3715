//! What the nodes of each region and of each class come to: those behind a NAT and the others, and those who play a part.

use super::Laboratory;
use super::crowd::Crowd;
use crate::behaviour::Behaviours;
use crate::ids::NodeId;
use crate::network::{Faults, Network};
use crate::stats::{GroupKind, GroupRecord, Receipt, Traffic};
use crate::time::Nanos;

/// What decides to which groups a node belongs.
pub(super) struct Groups<'a> {
    pub(super) network: &'a Network,
    pub(super) behaviours: &'a Behaviours,
    pub(super) crowd: &'a Crowd<'a>,
    /// Whether any nodes are behind a NAT, or play a part.
    pub(super) has_nat: bool,
    pub(super) has_parts: bool,
}

impl Groups<'_> {
    /// The figures of all groups that have a node. `traffic` is by node, or empty where it was not kept. `receipts` are those of order 0 by node, then those of order 1, and so on.
    pub(super) fn records<R: Copy + Into<Receipt>>(
        &self,
        receipts: &[R],
        traffic: &[Traffic],
        end: Nanos,
    ) -> Vec<GroupRecord> {
        if self.network.regions().is_empty() && !self.has_nat && !self.has_parts {
            return Vec::new();
        }
        let nodes = self.crowd.nodes;
        let mut groups: Vec<GroupRecord> = Vec::new();
        // The places of each node's groups, by kind.
        let mut places: Vec<[Option<u16>; 3]> = Vec::with_capacity(nodes as usize);
        for node in (0..nodes).map(NodeId) {
            let places_of = self.of(node).map(|group| group.map(|group| place_of(&mut groups, group)));
            for place in places_of.into_iter().flatten() {
                let group = &mut groups[usize::from(place)];
                group.nodes += 1;
                if let Some(traffic) = traffic.get(node.index()) {
                    *group.bytes_in.get_or_insert(0) += traffic.bytes_in;
                    *group.bytes_out.get_or_insert(0) += traffic.bytes_out;
                }
            }
            places.push(places_of);
        }
        let counted = self.crowd.at(end);
        for (receipts, publication) in receipts.chunks(nodes as usize).zip(self.crowd.publications) {
            // Coverage is of what was published, and whoever publishes has the order first.
            if !receipts.get(publication.origin.index()).is_some_and(|&receipt| receipt.into().is_reached()) {
                continue;
            }
            for (node, &receipt) in receipts.iter().enumerate().filter(|&(node, _)| counted[node]) {
                let receipt: Receipt = receipt.into();
                for place in places[node].into_iter().flatten() {
                    let group = &mut groups[usize::from(place)];
                    group.counted += 1;
                    if receipt.is_reached() {
                        group.delays.push(receipt.time.since(publication.due).0);
                    }
                }
            }
        }
        groups.iter_mut().for_each(|group| group.delays.sort_unstable());
        groups.sort_by(|one, other| (one.kind as u8, &one.name).cmp(&(other.kind as u8, &other.name)));
        groups
    }

    /// The groups of a node: its region, its access, its part.
    fn of(&self, node: NodeId) -> [Option<(GroupKind, &str)>; 3] {
        let region = self.network.region(node).map(|region| self.network.regions()[region.index()].as_str());
        let access = if self.crowd.faults.is_behind_nat(node) { "behind-nat" } else { "reachable" };
        [
            region.map(|name| (GroupKind::Region, name)),
            self.has_nat.then_some((GroupKind::Access, access)),
            self.has_parts.then(|| (GroupKind::Part, self.behaviours.name_of_part(node))),
        ]
    }
}

impl Laboratory<'_> {
    /// The nodes by region, where a real carrier has some. Of a bulk it knows no node's receipts, and so of no region what it
    /// came to.
    pub(super) fn regions(&self, receipts: &[Receipt], traffic: &[Traffic], end: Nanos) -> Vec<GroupRecord> {
        let Some(network) = self.network.as_ref().filter(|_| !receipts.is_empty()) else { return Vec::new() };
        let (faults, behaviours) = (Faults::none(), Behaviours::none());
        let (nodes, publications) = (self.scenario.nodes, self.workload.publications());
        let crowd = Crowd { faults: &faults, nodes, publications };
        let groups = Groups { network, behaviours: &behaviours, crowd: &crowd, has_nat: false, has_parts: false };
        groups.records(receipts, traffic, end)
    }
}

/// The place of a group, which is a new one where none has this name. There are at most 1,024 regions.
fn place_of(groups: &mut Vec<GroupRecord>, (kind, name): (GroupKind, &str)) -> u16 {
    let known = groups.iter().position(|group| group.kind == kind && group.name == name);
    let place = known.unwrap_or_else(|| {
        let name = name.to_owned();
        groups.push(GroupRecord {
            kind,
            name,
            nodes: 0,
            counted: 0,
            delays: Vec::new(),
            bytes_in: None,
            bytes_out: None,
        });
        groups.len() - 1
    });
    place as u16
}
