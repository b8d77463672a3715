//! Whole trees that agave's own tests list.

use super::tree::ShredTree;

/// A tree for one shuffle of its nodes.
#[derive(Clone, Copy, Debug)]
pub struct ListedTree {
    /// Nodes that a node sends to at most.
    pub fanout: u32,
    /// The shuffle.
    pub nodes: &'static [u32],
    /// The nodes that each node of the shuffle sends to, in its sequence; the last ones send to nobody.
    pub children: &'static [&'static [u32]],
}

/// The trees of agave at 03b251f, turbine/src/cluster_nodes.rs, `test_get_retransmit_nodes`.
pub const AGAVE_TREES: [ListedTree; 2] = [
    ListedTree {
        fanout: 2,
        nodes: &[7, 6, 10, 5, 19, 0, 14, 3, 1, 12, 2, 11, 4, 15, 18, 13, 16, 17, 9, 8],
        children: &[&[6, 10], &[5, 0], &[19, 14], &[3, 12], &[1, 2], &[11, 15], &[4, 18], &[13, 17], &[16, 9], &[8]],
    },
    ListedTree {
        fanout: 3,
        nodes: &[
            19, 14, 15, 28, 29, 4, 5, 9, 16, 7, 26, 23, 2, 31, 3, 17, 20, 25, 0, 13, 30, 18, 35, 21, 22, 6, 8, 11, 27,
            1, 10, 12, 24, 34, 33, 32,
        ],
        children: &[
            &[14, 15, 28],
            &[29, 9, 26],
            &[4, 16, 23],
            &[5, 7, 2],
            &[31, 20, 13],
            &[3, 25, 30],
            &[17, 0, 18],
            &[35, 6, 27],
            &[21, 8, 1],
            &[22, 11, 10],
            &[12, 33],
            &[24, 32],
            &[34],
        ],
    },
];

impl ListedTree {
    /// Counts the nodes that send to those that the list names, in the same sequence.
    pub fn matching(&self) -> usize {
        let tree = ShredTree::new(self.fanout, self.nodes.len() as u32);
        let listed = self.children.iter().copied().chain(std::iter::repeat(&[][..]));
        let matches = |&(place, listed): &(u32, &[u32])| {
            tree.children(place).map(|child| self.nodes[child as usize]).eq(listed.iter().copied())
        };
        (0..self.nodes.len() as u32).zip(listed).filter(matches).count()
    }
}
