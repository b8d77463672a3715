//! The latency and loss of single links from a file.
//!
//! A line is a directed link: `from,to` with `latency` and `loss`, units in the values. An empty cell, and a link
//! without a line, is left to the options `--latency` or `--network`, and `--loss`.
//!
//! Of a line sixteen bytes are kept: the two nodes, the index of its figures among the distinct ones, and its number,
//! because only the overlay tells whether there is such a link.

use super::latency::LATENCY_MAX;
use crate::ids::NodeId;
use crate::quantity;
use crate::ratio::Ratio;
use crate::table::{self, TableColumn, TableError, TableRow, shown};
use crate::time::Nanos;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The option that names the file.
const OPTION: &str = "links";

/// The columns, as [`TableRow::cell`] numbers them.
const COLUMNS: [TableColumn; 4] = [
    TableColumn { name: "from", is_required: true },
    TableColumn { name: "to", is_required: true },
    TableColumn { name: "latency", is_required: true },
    TableColumn { name: "loss", is_required: true },
];

/// The latency and loss that a link has of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFigures {
    /// The latency of every message; `None` if it is that of the other links.
    pub latency: Option<Nanos>,
    /// The share of messages that are lost; `None` if it is that of the other links.
    pub loss: Option<Ratio>,
}

/// A line of a file of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedLink {
    /// The node that sends.
    pub from: NodeId,
    /// The node that receives.
    pub to: NodeId,
    /// The index of its figures among the distinct ones.
    pub figures: u32,
    /// Number of its line, counted from 1.
    pub line: u32,
}

/// The links of a file, each once. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFile {
    path: Arc<str>,
    /// The distinct figures.
    figures: Arc<[LinkFigures]>,
    /// Ascending by the two nodes.
    links: Arc<[ListedLink]>,
}

/// The fault of a line of links.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// An end of the link is not an id.
    #[error("`{found}` is no node; write its id in digits")]
    NoId {
        /// The text as written.
        found: String,
    },
    /// No node has this id.
    #[error("there is no node {id} for a link to end at: {advice}")]
    UnknownNode {
        /// The id.
        id: u64,
        /// The ids that exist.
        advice: String,
    },
    /// A node is linked with itself.
    #[error("node {id} sends nothing to itself; name two nodes")]
    OneNode {
        /// The id.
        id: u64,
    },
    /// The latency is not a time, or too long.
    #[error(
        "`{found}` is no latency{}",
        quantity::refusal(
            quantity::span_ns(found),
            "write a time of at most a day, as 20ms or 1.5s, or leave it empty"
        )
    )]
    NoLatency {
        /// The text as written.
        found: String,
    },
    /// The loss is not a share.
    #[error("`{found}` is no share from 0 to 1; write it as 0.1, 10% or 1/10, or leave it empty")]
    NoLoss {
        /// The text as written.
        found: String,
    },
    /// Two lines have one link.
    #[error("the link from node {from} to node {to} has a line already, line {first}; remove one of them")]
    Twice {
        /// The id of the node that sends.
        from: u64,
        /// The id of the node that receives.
        to: u64,
        /// Number of the other line.
        first: u32,
    },
    /// The overlay has no such link.
    #[error(
        "the overlay has no link from node {from} to node {to}; list its own links alone, or bring your own overlay \
         with --topology file:PATH"
    )]
    NoLink {
        /// The id of the node that sends.
        from: u64,
        /// The id of the node that receives.
        to: u64,
    },
}

impl LinkFile {
    /// Reads the links at `path`; `find` returns the node of an id, `id` the id of a node, and `advice` lists the ids.
    ///
    /// # Errors
    ///
    /// [`TableError`] with the line of the first fault; a link that two lines have counts as the last of all faults.
    pub fn read(
        path: &str,
        find: impl Fn(u64) -> Option<NodeId>,
        id: impl Fn(NodeId) -> u64,
        advice: impl Fn() -> String,
    ) -> Result<LinkFile, TableError<LinkFault>> {
        // Shares are compared as they are drawn, to 2^-63.
        let mut indices = BTreeMap::<(Option<Nanos>, Option<u64>), u32>::new();
        let (mut figures, mut links) = (Vec::new(), Vec::new());
        table::read(OPTION, path, &COLUMNS, |row| {
            let end = |column: usize| {
                let named = row.id(column).ok_or_else(|| LinkFault::NoId { found: shown(row.cell(column)) })?;
                find(named).ok_or_else(|| LinkFault::UnknownNode { id: named, advice: advice() })
            };
            let (from, to) = (end(0)?, end(1)?);
            if from == to {
                return Err(LinkFault::OneNode { id: id(from) });
            }
            let own = own_figures(row)?;
            let key = (own.latency, own.loss.map(|share| share.ceil_of(1 << 63)));
            let index = *indices.entry(key).or_insert_with(|| {
                figures.push(own);
                figures.len() as u32 - 1
            });
            links.push(ListedLink { from, to, figures: index, line: u32::try_from(row.line).unwrap_or(u32::MAX) });
            Ok(())
        })?;
        links.sort_unstable_by_key(|link: &ListedLink| (link.from, link.to, link.line));
        let twins = links.windows(2).filter(|pair| (pair[0].from, pair[0].to) == (pair[1].from, pair[1].to));
        if let Some([first, again]) = twins.min_by_key(|pair| pair[1].line) {
            let fault = LinkFault::Twice { from: id(again.from), to: id(again.to), first: first.line };
            return Err(TableError::at_line(OPTION, path, again.line.into(), fault));
        }
        Ok(LinkFile { path: path.into(), figures: figures.into(), links: links.into() })
    }

    /// Returns the path that the links were read from.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the distinct figures.
    pub fn figures(&self) -> &[LinkFigures] {
        &self.figures
    }

    /// Returns the links, ascending by the node that sends and the one that receives.
    pub fn links(&self) -> &[ListedLink] {
        &self.links
    }

    /// Returns the least and the greatest latency of a line, if any has one.
    pub fn bounds(&self) -> Option<(Nanos, Nanos)> {
        let latencies = || self.figures.iter().filter_map(|figures| figures.latency);
        Some((latencies().min()?, latencies().max()?))
    }

    /// Returns true if a line has a loss.
    pub fn has_losses(&self) -> bool {
        self.figures.iter().any(|figures| figures.loss.is_some())
    }

    /// Returns true if a line has a loss above 0.
    pub fn loses(&self) -> bool {
        self.figures.iter().any(|figures| figures.loss.is_some_and(|share| !share.is_zero()))
    }

    /// Returns the error of a line whose link the overlay has not; `id` returns the id of a node.
    pub(super) fn no_link(&self, link: &ListedLink, id: impl Fn(NodeId) -> u64) -> TableError<LinkFault> {
        let fault = LinkFault::NoLink { from: id(link.from), to: id(link.to) };
        TableError::at_line(OPTION, &self.path, link.line.into(), fault)
    }

    /// Returns the bytes of memory that the lines take.
    pub fn memory_bytes(&self) -> u64 {
        size_of_val(&*self.links) as u64 + size_of_val(&*self.figures) as u64
    }
}

/// Reads the latency and the loss of a line.
fn own_figures(row: TableRow<'_>) -> Result<LinkFigures, LinkFault> {
    let latency = match row.cell(2) {
        "" => None,
        cell => {
            let time = quantity::span_ns(cell).map(Nanos).ok().filter(|&time| time <= LATENCY_MAX);
            Some(time.ok_or_else(|| LinkFault::NoLatency { found: shown(cell) })?)
        }
    };
    let loss = match row.cell(3) {
        "" => None,
        cell => Some(cell.parse().map_err(|_| LinkFault::NoLoss { found: shown(cell) })?),
    };
    Ok(LinkFigures { latency, loss })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Reads links between three nodes, whose ids are 10, 11 and 12.
    fn read(text: &str) -> Result<LinkFile, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap();
        let find = |id: u64| id.checked_sub(10).filter(|&node| node < 3).map(|node| NodeId(node as u32));
        let read = LinkFile::read(path, find, |node| u64::from(node.0) + 10, || "ask for less".to_owned());
        read.map_err(|error| error.to_string().replace(path, "PATH"))
    }

    #[test]
    fn equal_figures_are_stored_once() {
        let lines = "12,10,20ms,1%\n10,11,,\n11,10,0.02s,0.01\n10,12,,1/100\n";
        let file = read(&format!("# measured\nfrom,to,latency,loss\n{lines}")).unwrap();
        let links: Vec<_> = file.links().iter().map(|link| (link.from.0, link.to.0, link.figures)).collect();
        assert_eq!(links, [(0, 1, 1), (0, 2, 2), (1, 0, 0), (2, 0, 0)]);
        let [one, none, lossy] = file.figures() else { panic!("{:?}", file.figures()) };
        assert_eq!((one.latency, one.loss), (Some(Nanos::from_millis(20)), Ratio::new(1, 100)));
        assert_eq!((none.latency, none.loss, lossy.latency), (None, None, None));
        assert_eq!(file.bounds(), Some((Nanos::from_millis(20), Nanos::from_millis(20))));
        let reordered = read("loss,to,from,latency\n1%,10,12,20ms\n").unwrap();
        assert_eq!((reordered.figures(), reordered.links()[0].from), (&[*one][..], NodeId(2)));
        assert_eq!((size_of::<ListedLink>(), read("from,to,latency,loss\n10,11,,\n").unwrap().bounds()), (16, None));
    }

    #[test]
    fn a_faulty_line_is_named() {
        for (text, said) in [
            (
                "",
                ": it lists nothing; write the columns from,to,latency,loss into the first line, and one row a line \
                 below",
            ),
            (
                "from,to,latency\n10,11,1ms\n",
                ", line 1: the column loss is missing; the first line names the columns from,to,latency,loss",
            ),
            (
                "from,to,delay,loss\n10,11,1ms,\n",
                ", line 1: no column is called `delay`; the first line names the columns from,to,latency,loss",
            ),
            (
                "from,to,latency,loss\n10,11,1ms\n",
                ", line 2: 3 cells where 4 belong; put commas between them and leave none out",
            ),
            ("from,to,latency,loss\n10,x,1ms,\n", ", line 2: `x` is no node; write its id in digits"),
            (
                "from,to,latency,loss\n10,11,,\n10,13,,\n",
                ", line 3: there is no node 13 for a link to end at: ask for less",
            ),
            ("from,to,latency,loss\n11,11,1ms,\n", ", line 2: node 11 sends nothing to itself; name two nodes"),
            (
                "from,to,latency,loss\n10,11,1ms,\n11,10,1ms,\n\n10,11,2ms,\n",
                ", line 5: the link from node 10 to node 11 has a line already, line 2; remove one of them",
            ),
            (
                "from,to,latency,loss\n10,11,5,\n",
                ", line 2: `5` is no latency, write a time of at most a day, as 20ms or 1.5s, or leave it empty",
            ),
            (
                "from,to,latency,loss\n10,11,25h,\n",
                ", line 2: `25h` is no latency, write a time of at most a day, as 20ms or 1.5s, or leave it empty",
            ),
            (
                "from,to,latency,loss\n10,11,-1ms,\n",
                ", line 2: `-1ms` is no latency, write a time of at most a day, as 20ms or 1.5s, or leave it empty",
            ),
            (
                "from,to,latency,loss\n10,11,5m,\n",
                ", line 2: `5m` is no latency: is that 5 minutes or 5 milliseconds? Write 5min or 5ms",
            ),
            (
                "from,to,latency,loss\n10,11,,101%\n",
                ", line 2: `101%` is no share from 0 to 1; write it as 0.1, 10% or 1/10, or leave it empty",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), format!("--links PATH{said}"), "{text}");
        }
    }
}
