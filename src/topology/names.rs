//! Maps the ids of an edge list to nodes and back. Inside a run nodes are numbered from 0; people read and write the
//! ids of the file.

use crate::ids::NodeId;
use std::sync::Arc;

/// The ids of the nodes, in ascending order. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeNames {
    /// Ids that a file lists; empty if the id of each node is its number. Nodes past the last one continue from its id.
    listed: Arc<[u64]>,
}

impl NodeNames {
    /// Creates the names for `ids`, which ascend without repeats.
    pub(super) fn listed(ids: Vec<u64>) -> NodeNames {
        debug_assert!(ids.is_sorted_by(|one, next| one < next));
        // If the last of n ascending ids is n - 1, the ids are exactly 0 to n - 1.
        let are_numbers = ids.last().is_none_or(|&last| last == ids.len() as u64 - 1);
        NodeNames { listed: if are_numbers { Arc::default() } else { ids.into() } }
    }

    /// Returns the id of a node.
    pub fn id(&self, node: NodeId) -> u64 {
        match (self.listed.get(node.index()), self.listed.last()) {
            (Some(&id), _) => id,
            (None, Some(last)) => last.saturating_add((node.index() - self.listed.len()) as u64 + 1),
            (None, None) => u64::from(node.0),
        }
    }

    /// Returns the node with this id among the first `nodes`, or `None` if none of them has it.
    pub fn find(&self, id: u64, nodes: u32) -> Option<NodeId> {
        let place = match self.listed.last() {
            // Ids after the last one belong to nodes that were added to the file's.
            Some(&last) if id > last => self.listed.len() as u64 + (id - last - 1),
            Some(_) => self.listed.binary_search(&id).ok()? as u64,
            None => id,
        };
        u32::try_from(place).ok().filter(|&place| place < nodes).map(NodeId)
    }

    /// Returns true if the id of each node is its number.
    pub fn are_numbers(&self) -> bool {
        self.listed.is_empty()
    }

    /// Describes the valid ids among the first `nodes`, at least 1, for errors about an unknown id; `option` precedes
    /// an id.
    pub fn advice(&self, option: &str, nodes: u32) -> String {
        let [first, last] = [NodeId(0), NodeId(nodes - 1)].map(|node| self.id(node));
        match nodes {
            _ if self.are_numbers() => format!("nodes are numbered from 0; ask for at most {option}{last}"),
            1 => format!("the edge list names one node; ask for {option}{first}"),
            _ => format!("no node of the edge list has this id; they go from {option}{first} to {option}{last}"),
        }
    }
}

/// A numbering of the node ids in the sequence of their first appearance.
///
/// Rejected alternatives: a tree, which takes three times as long; and keeping the 64-bit ids of the file until its
/// end, which takes twice the memory.
#[derive(Default)]
pub(super) struct Numbering {
    #[expect(clippy::disallowed_types, reason = "it is only asked by id; what is listed of it is sorted")]
    numbers: std::collections::HashMap<u64, u32>,
    /// The latest id and its number. Most lists are sorted by their first ids, so this saves a lookup on most lines.
    latest: Option<(u64, u32)>,
}

impl Numbering {
    /// Returns the number of an id, or `None` if the id is new and a run cannot have more nodes.
    pub(super) fn of(&mut self, id: u64) -> Option<u32> {
        if let Some((latest, number)) = self.latest
            && latest == id
        {
            return Some(number);
        }
        let next = self.numbers.len() as u32;
        let number = match self.numbers.get(&id) {
            Some(&number) => number,
            None if next == u32::MAX => return None,
            None => {
                self.numbers.insert(id, next);
                next
            }
        };
        self.latest = Some((id, number));
        Some(number)
    }

    /// Returns the number of ids.
    pub(super) fn len(&self) -> u32 {
        self.numbers.len() as u32
    }

    /// Returns the ids in ascending order, and renumbers `ends` in that sequence.
    pub(super) fn into_ascending(self, ends: &mut [u32]) -> Vec<u64> {
        let mut ids: Vec<(u64, u32)> = self.numbers.into_iter().collect();
        ids.sort_unstable();
        let mut ranks = vec![0; ids.len()];
        for (rank, &(_, number)) in (0..).zip(&ids) {
            ranks[number as usize] = rank;
        }
        for end in ends {
            *end = ranks[*end as usize];
        }
        ids.into_iter().map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_need_no_table() {
        let names = NodeNames::listed(vec![0, 1, 2]);
        assert_eq!(names, NodeNames::default());
        assert!(names.are_numbers() && NodeNames::listed(Vec::new()).are_numbers());
        assert_eq!((names.id(NodeId(7)), names.find(7, 8), names.find(8, 8)), (7, Some(NodeId(7)), None));
        assert_eq!(names.advice("--origin ", 8), "nodes are numbered from 0; ask for at most --origin 7");
    }

    #[test]
    fn listed_ids_round_trip() {
        let names = NodeNames::listed(vec![1, 5, u64::MAX - 2]);
        for node in (0..5).map(NodeId) {
            assert_eq!(names.find(names.id(node), 5), Some(node));
        }
        assert_eq!((names.id(NodeId(1)), names.id(NodeId(4))), (5, u64::MAX));
        assert_eq!([0, 2, u64::MAX - 3].map(|id| names.find(id, 5)), [None; 3]);
        assert_eq!(names.find(u64::MAX - 1, 3), None);
        assert_eq!(
            NodeNames::listed(vec![1, 5]).advice("victim=", 2),
            "no node of the edge list has this id; they go from victim=1 to victim=5"
        );
    }
}
