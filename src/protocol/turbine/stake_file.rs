//! Stakes of nodes from a file: a line is a node, `node,stake`. A node without a line has no stake.

use crate::ids::NodeId;
use crate::table::{self, TableColumn, TableError, shown};
use std::sync::Arc;

/// The option that names the file.
const OPTION: &str = "stakes";

/// The columns.
const COLUMNS: [TableColumn; 2] =
    [TableColumn { name: "node", is_required: true }, TableColumn { name: "stake", is_required: true }];

/// The stakes of all nodes, as read from a file. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StakeFile {
    path: Arc<str>,
    by_node: Arc<[u64]>,
}

/// The fault of a line of stakes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StakeFault {
    /// The node is not an id.
    #[error("`{found}` is no node; write its id in digits")]
    NoId {
        /// The text as written.
        found: String,
    },
    /// No node has this id.
    #[error("there is no node {id} to give a stake: {advice}")]
    UnknownNode {
        /// The id.
        id: u64,
        /// The ids that exist.
        advice: String,
    },
    /// Two lines give one node a stake.
    #[error("node {id} has a line already; remove one of them")]
    Twice {
        /// The id.
        id: u64,
    },
    /// The cell is not a stake.
    #[error("`{found}` is no stake; write a whole number of 0 or more, below 2^64, in digits")]
    NoStake {
        /// The text as written.
        found: String,
    },
}

impl StakeFile {
    /// Reads the stakes of `nodes` nodes at `path`; `find` returns the node of an id, and `advice` lists the ids.
    ///
    /// # Errors
    ///
    /// [`TableError`] with the line of the first fault.
    pub fn read(
        path: &str,
        nodes: u32,
        find: impl Fn(u64) -> Option<NodeId>,
        advice: impl Fn() -> String,
    ) -> Result<StakeFile, TableError<StakeFault>> {
        let mut by_node: Vec<Option<u64>> = vec![None; nodes as usize];
        table::read(OPTION, path, &COLUMNS, |row| {
            let id = row.id(0).ok_or_else(|| StakeFault::NoId { found: shown(row.cell(0)) })?;
            let node = find(id).ok_or_else(|| StakeFault::UnknownNode { id, advice: advice() })?;
            let stake = row.id(1).ok_or_else(|| StakeFault::NoStake { found: shown(row.cell(1)) })?;
            match by_node[node.index()].replace(stake) {
                Some(_) => Err(StakeFault::Twice { id }),
                None => Ok(()),
            }
        })?;
        Ok(StakeFile { path: path.into(), by_node: by_node.into_iter().map(Option::unwrap_or_default).collect() })
    }

    /// Returns the path that the stakes were read from.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the stakes, by node.
    pub(crate) fn by_node(&self) -> &[u64] {
        &self.by_node
    }

    /// Returns the number of nodes.
    pub(crate) fn nodes(&self) -> u32 {
        self.by_node.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Reads the stakes of three nodes, whose ids are 10, 11 and 12.
    fn read(text: &str) -> Result<Vec<u64>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap();
        let find = |id: u64| id.checked_sub(10).filter(|&node| node < 3).map(|node| NodeId(node as u32));
        let read = StakeFile::read(path, 3, find, || "ask for less".to_owned());
        read.map(|file| file.by_node.to_vec()).map_err(|error| error.to_string().replace(path, "PATH"))
    }

    #[test]
    fn a_node_without_a_line_has_no_stake() {
        assert_eq!(read("stake,node\n7,12\n0,10\n"), Ok(vec![0, 0, 7]));
    }

    #[test]
    fn a_faulty_line_is_named() {
        for (text, said) in [
            ("node,stake\n10,1\n10,2\n", ", line 3: node 10 has a line already; remove one of them"),
            ("node,stake\n13,1\n", ", line 2: there is no node 13 to give a stake: ask for less"),
            ("node,stake\nx,1\n", ", line 2: `x` is no node; write its id in digits"),
            (
                "node,stake\n10,1.5\n",
                ", line 2: `1.5` is no stake; write a whole number of 0 or more, below 2^64, in digits",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), format!("--stakes PATH{said}"), "{text}");
        }
    }
}
