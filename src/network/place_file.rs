//! Places of nodes from a file: the region of each node, its class, and the rates and processing time of its own.
//!
//! A line is a node: `node,region` and perhaps `class`, `up`, `down` and `processing`, with units in the values. Every
//! node has one line. An empty cell of the last three leaves the node to the options `--bandwidth` and `--processing`.
//!
//! A node takes four bytes: an index into the distinct lines, of which there are few.

use super::bandwidth::RATE_MAX;
use super::latency::LATENCY_MAX;
use crate::ids::NodeId;
use crate::quantity;
use crate::table::{self, TableColumn, TableError, TableProblem, TableRow, shown};
use crate::time::Nanos;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The option that names the file.
const OPTION: &str = "place";

/// The columns, as [`TableRow::cell`] numbers them.
const COLUMNS: [TableColumn; 6] = [
    TableColumn { name: "node", is_required: true },
    TableColumn { name: "region", is_required: true },
    TableColumn { name: "class", is_required: false },
    TableColumn { name: "up", is_required: false },
    TableColumn { name: "down", is_required: false },
    TableColumn { name: "processing", is_required: false },
];

/// The greatest number of classes.
const CLASSES_MAX: usize = 1_024;

/// The mark of a node without a line.
const NOWHERE: u32 = u32::MAX;

/// A place as lines give it, without the node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaceKind {
    /// Name of the region.
    pub region: String,
    /// Name of the class; `None` if the file has no classes.
    pub class: Option<String>,
    /// Rate of the uplink in bits per second, if it has one of its own.
    pub up: Option<u64>,
    /// Rate of the downlink in bits per second, if it has one of its own.
    pub down: Option<u64>,
    /// Processing time of a message, if it has one of its own.
    pub processing: Option<Nanos>,
}

/// The places of all nodes, as read from a file. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceFile {
    path: Arc<str>,
    /// The distinct places, each with the first line that has it.
    kinds: Arc<[(PlaceKind, u64)]>,
    /// The index of its place, by node.
    by_node: Arc<[u32]>,
}

/// The fault of a line of places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceFault {
    /// The node is not an id.
    #[error("`{found}` is no node; write its id in digits")]
    NoId {
        /// The text as written.
        found: String,
    },
    /// No node has this id.
    #[error("there is no node {id} to place: {advice}")]
    UnknownNode {
        /// The id.
        id: u64,
        /// The ids that exist.
        advice: String,
    },
    /// Two lines place one node.
    #[error("node {id} has a line already; remove one of them")]
    Twice {
        /// The id.
        id: u64,
    },
    /// No line places a node.
    #[error("no line places node {id}; every node needs one")]
    Missing {
        /// The id.
        id: u64,
    },
    /// The cell of the region or of the class is empty.
    #[error("the {column} is empty; name one in every line")]
    NoName {
        /// The column.
        column: &'static str,
    },
    /// The network has no region of this name.
    #[error("the network has no region `{name}`; its regions are {known}")]
    UnknownRegion {
        /// The name as written.
        name: String,
        /// The names of the regions.
        known: String,
    },
    /// There are more classes than the limit.
    #[error("a network has at most {CLASSES_MAX} classes; put some together")]
    TooManyClasses,
    /// The cell is not a rate.
    #[error(
        "`{found}` is no rate{}",
        quantity::refusal(quantity::bits_per_second(found), "write 1bit to 1000Gbit a second, as 10Mbit or 10Mbps")
    )]
    NoRate {
        /// The text as written.
        found: String,
    },
    /// The cell is not a time.
    #[error(
        "`{found}` is no processing time{}",
        quantity::refusal(quantity::span_ns(found), "write at most a day, as 10us or 1ms")
    )]
    NoTime {
        /// The text as written.
        found: String,
    },
}

impl PlaceFile {
    /// Reads the places of `nodes` nodes at `path`; `find` returns the node of an id, `id` the id of a node, and
    /// `advice` lists the ids.
    ///
    /// # Errors
    ///
    /// [`TableError`] with the line of the first fault, or with the first node that has none.
    pub fn read(
        path: &str,
        nodes: u32,
        find: impl Fn(u64) -> Option<NodeId>,
        id: impl Fn(NodeId) -> u64,
        advice: impl Fn() -> String,
    ) -> Result<PlaceFile, TableError<PlaceFault>> {
        let mut indices = BTreeMap::<PlaceKind, (u32, u64)>::new();
        let (mut classes, mut by_node) = (BTreeSet::<String>::new(), Vec::new());
        table::read(OPTION, path, &COLUMNS, |row| {
            let named = row.id(0).ok_or_else(|| PlaceFault::NoId { found: shown(row.cell(0)) })?;
            let node = find(named).ok_or_else(|| PlaceFault::UnknownNode { id: named, advice: advice() })?;
            if by_node.len() <= node.index() {
                by_node.resize(node.index() + 1, NOWHERE);
            }
            if by_node[node.index()] != NOWHERE {
                return Err(PlaceFault::Twice { id: named });
            }
            let kind = kind(row)?;
            if let Some(class) = kind.class.as_ref().filter(|&class| !classes.contains(class)) {
                classes.insert(class.clone());
            }
            if classes.len() > CLASSES_MAX {
                return Err(PlaceFault::TooManyClasses);
            }
            let next = indices.len() as u32;
            by_node[node.index()] = indices.entry(kind).or_insert((next, row.line)).0;
            Ok(())
        })?;
        by_node.resize(nodes as usize, NOWHERE);
        if let Some(nowhere) = by_node.iter().position(|&index| index == NOWHERE) {
            let problem = TableProblem::Missing(PlaceFault::Missing { id: id(NodeId(nowhere as u32)) });
            return Err(TableError { option: OPTION, path: path.to_owned(), problem });
        }
        let mut kinds: Vec<_> = indices.into_iter().map(|(kind, (index, line))| (index, (kind, line))).collect();
        kinds.sort_unstable_by_key(|&(index, _)| index);
        let kinds = kinds.into_iter().map(|(_, kind)| kind).collect();
        Ok(PlaceFile { path: path.into(), kinds, by_node: by_node.into() })
    }

    /// Returns the path that the places were read from.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the number of nodes.
    pub fn nodes(&self) -> u32 {
        self.by_node.len() as u32
    }

    /// Iterates over the distinct places.
    #[doc(hidden)]
    pub fn kinds(&self) -> impl Iterator<Item = &PlaceKind> {
        self.kinds.iter().map(|(kind, _)| kind)
    }

    /// Returns the index of its place among the distinct ones, by node.
    pub(super) fn by_node(&self) -> &Arc<[u32]> {
        &self.by_node
    }

    /// Returns the first of the columns up, down and processing in which a line has a value.
    pub fn own_lines(&self) -> Option<&'static str> {
        self.kinds().find_map(|kind| match kind {
            PlaceKind { up: Some(_), .. } => Some("up"),
            PlaceKind { down: Some(_), .. } => Some("down"),
            PlaceKind { processing: Some(_), .. } => Some("processing"),
            _ => None,
        })
    }

    /// Returns the index of the region of each distinct place among these names.
    ///
    /// # Errors
    ///
    /// [`TableError`] with the first line whose region has none of these names.
    pub(super) fn regions(&self, names: &[String]) -> Result<Vec<u16>, TableError<PlaceFault>> {
        let indices: BTreeMap<&str, u16> = names.iter().map(String::as_str).zip(0..).collect();
        let found = self.kinds.iter().map(|(kind, line)| {
            indices.get(kind.region.as_str()).copied().ok_or_else(|| {
                let fault = PlaceFault::UnknownRegion { name: shown(&kind.region), known: shown(&names.join(", ")) };
                TableError::at_line(OPTION, &self.path, *line, fault)
            })
        });
        found.collect()
    }

    /// Returns the bytes of memory that the places take.
    pub fn memory_bytes(&self) -> u64 {
        size_of_val(&*self.by_node) as u64 + size_of_val(&*self.kinds) as u64
    }
}

/// Reads the place of a line.
fn kind(row: TableRow<'_>) -> Result<PlaceKind, PlaceFault> {
    let [region, class, up, down, processing] = [1, 2, 3, 4, 5].map(|column| row.cell(column));
    let has_classes = row.has(2);
    if region.is_empty() {
        return Err(PlaceFault::NoName { column: "region" });
    }
    if has_classes && class.is_empty() {
        return Err(PlaceFault::NoName { column: "class" });
    }
    let rate = |cell: &str| -> Result<Option<u64>, PlaceFault> {
        if cell.is_empty() {
            return Ok(None);
        }
        let bits = quantity::bits_per_second(cell).ok().filter(|bits| (1..=RATE_MAX).contains(bits));
        bits.map(Some).ok_or_else(|| PlaceFault::NoRate { found: shown(cell) })
    };
    let processing = match processing {
        "" => None,
        cell => {
            let time = quantity::span_ns(cell).map(Nanos).ok().filter(|&time| time <= LATENCY_MAX);
            Some(time.ok_or_else(|| PlaceFault::NoTime { found: shown(cell) })?)
        }
    };
    let class = has_classes.then(|| class.to_owned());
    Ok(PlaceKind { region: region.to_owned(), class, up: rate(up)?, down: rate(down)?, processing })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Reads the places of three nodes, whose ids are 10, 11 and 12.
    fn read(text: &str) -> Result<PlaceFile, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap();
        let find = |id: u64| id.checked_sub(10).filter(|&node| node < 3).map(|node| NodeId(node as u32));
        let read = PlaceFile::read(path, 3, find, |node| u64::from(node.0) + 10, || "ask for less".to_owned());
        read.map_err(|error| error.to_string().replace(path, "PATH"))
    }

    #[test]
    fn equal_places_are_one_kind() {
        let lines = "12,asia,core,10Mbit,,1ms\n10,europe,edge,,,\n11,asia,core,10Mbps,,1000us\n";
        let places = read(&format!("node,region,class,up,down,processing\n{lines}")).unwrap();
        assert_eq!((&places.by_node[..], places.kinds.len()), (&[1, 0, 0][..], 2));
        let core = places.kinds().next().unwrap();
        assert_eq!((core.up, core.down, core.processing), (Some(10_000_000), None, Some(Nanos::from_millis(1))));
        assert_eq!(places.own_lines(), Some("up"));
        assert_eq!(places.regions(&["asia".to_owned(), "europe".to_owned()]).unwrap(), [0, 1]);
        let error = places.regions(&["asia".to_owned()]).unwrap_err().to_string();
        assert!(error.ends_with(", line 3: the network has no region `europe`; its regions are asia"), "{error}");
    }

    #[test]
    fn a_faulty_line_is_named() {
        for (text, said) in [
            ("node,region\n10,a\n12,a\n", ": no line places node 11; every node needs one"),
            ("node,region\n10,a\n10,b\n", ", line 3: node 10 has a line already; remove one of them"),
            ("node,region\n13,a\n", ", line 2: there is no node 13 to place: ask for less"),
            ("node,region\nx,a\n", ", line 2: `x` is no node; write its id in digits"),
            ("node,region\n10,\n", ", line 2: the region is empty; name one in every line"),
            ("node,region,class\n10,a,\n", ", line 2: the class is empty; name one in every line"),
            (
                "node,region,up\n10,a,0bit\n",
                ", line 2: `0bit` is no rate, write 1bit to 1000Gbit a second, as 10Mbit or 10Mbps",
            ),
            (
                "node,region,processing\n10,a,25h\n",
                ", line 2: `25h` is no processing time, write at most a day, as 10us or 1ms",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), format!("--place PATH{said}"), "{text}");
        }
    }
}
