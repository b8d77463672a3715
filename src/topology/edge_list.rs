//! Edge lists: an overlay that somebody measured or drew, read from a file.
//!
//! One link per line, as two node ids with whitespace or a comma between them; `#` begins a comment, and so does `%` at the
//! beginning of a line. A first line that begins with no number is a title. Lines without ids are passed over. Links have no
//! direction: one that is listed again, in either direction, is the same link, since published lists often give both. A node
//! linked to itself is no link, and names the node.
//!
//! The nodes are those that the file names, counted from 0 by ascending id. Who asks for more of them gets nodes without
//! peers behind those.

use super::edges::EdgeBuffer;
use super::names::NodeNames;
use super::{Shape, Topology, TopologyError};
use crate::escape::escaped;
use crate::ids::NodeId;
use crate::sync::{Interrupt, Lookout};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

/// The most bytes of a line that are read; two ids and a remark need far fewer.
const LINE_BYTES_MAX: u64 = 4096;

/// The work that a line is, where a draw is one.
const LINE_UNITS: u64 = 32;

/// The most bytes of a list that are read: twice what the most links that can be stored take in writing.
const FILE_BYTES_MAX: u64 = 1 << 37;

/// How much of a faulty line an error shows, in characters.
const SHOWN_MAX: usize = 60;

/// The byte order mark that some editors put before the first line. It is no part of the line.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Why an edge list cannot be read, or not with so many nodes.
#[derive(Debug, thiserror::Error)]
pub enum EdgeListError {
    /// The system does not give its contents.
    #[error("--topology file:{}: {source}; name a readable file with one link per line", escaped(path))]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// More than any list needs.
    #[error(
        "--topology file:{}: more than {most} bytes, the most that a list has; name a file of links",
        escaped(path)
    )]
    TooLong {
        /// The file.
        path: String,
        /// The most that are read.
        most: u64,
    },
    /// A line is not what it should be.
    #[error("--topology file:{}, line {line}: found `{}`; {fault}", escaped(path), escaped(found))]
    Line {
        /// The file.
        path: String,
        /// The line, counted from 1.
        line: u64,
        /// Its beginning.
        found: String,
        /// What is wrong with it, and what would be right.
        fault: EdgeLineFault,
    },
    /// No line names a node.
    #[error(
        "--topology file:{}: it names no node; write one link a line, as two ids with a blank or a comma between them",
        escaped(path)
    )]
    Empty {
        /// The file.
        path: String,
    },
    /// Fewer nodes than it names.
    #[error(
        "--nodes {nodes} with --topology file:{}: it names {named} nodes; leave --nodes out or ask for at least \
         --nodes {named}",
        escaped(path)
    )]
    TooFewNodes {
        /// The file.
        path: String,
        /// The nodes asked for.
        nodes: u32,
        /// The nodes it names.
        named: u32,
    },
    /// More nodes than there are ids behind the greatest that it names.
    #[error(
        "--nodes {nodes} with --topology file:{}: nodes that it does not name get the ids behind {greatest}, its greatest, \
         and there are too few of them; leave --nodes out",
        escaped(path)
    )]
    NoIdsLeft {
        /// The file.
        path: String,
        /// The nodes asked for.
        nodes: u32,
        /// The greatest id that it names.
        greatest: u64,
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EdgeLineFault {
    /// Not two whole numbers.
    #[error("a line must hold two node ids, as in `0 1` or `0,1`, and `#` begins a comment")]
    NotALink,
    /// An id that 64 bits do not hold.
    #[error("node ids go from 0 to {}", u64::MAX)]
    IdTooGreat,
    /// The line does not end.
    #[error("a line holds at most {LINE_BYTES_MAX} bytes; put each link on its own line")]
    TooLong,
    /// More nodes than a run takes.
    #[error("it names more than {} nodes, the most that a run takes; take a part of the list", u32::MAX)]
    TooManyNodes,
}

/// An edge list that was read. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeList {
    path: Arc<str>,
    topology: Arc<Topology>,
    names: NodeNames,
    /// What was passed over, for the notice.
    passed: SkippedLines,
}

/// What a file has beside nodes and links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SkippedLines {
    /// Its first line, where that is no link.
    title: Option<String>,
    /// Lines that list a link again.
    repeats: u64,
    /// Lines that link a node to itself.
    loops: u64,
}

impl EdgeList {
    /// Reads the edge list at `path`.
    ///
    /// # Errors
    ///
    /// [`EdgeListError`] where the file or a line of it cannot be read; else where the links are too many to store or
    /// memory is short.
    pub fn read(path: &str) -> Result<EdgeList, TopologyError> {
        EdgeList::read_unless(path, &Interrupt::new())
    }

    /// The same, unless the user ends it meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read), and [`TopologyError::Interrupted`].
    pub fn read_unless(path: &str, interrupt: &Interrupt) -> Result<EdgeList, TopologyError> {
        EdgeList::read_within(path, FILE_BYTES_MAX, interrupt)
    }

    /// Reads a list of so many bytes at most.
    fn read_within(path: &str, bytes_max: u64, interrupt: &Interrupt) -> Result<EdgeList, TopologyError> {
        let lookout = &mut Lookout::new(interrupt);
        let unreadable = |source| EdgeListError::Unreadable { path: path.to_owned(), source };
        // A pipe or a device may have no end.
        let mut lines = BufReader::new(File::open(path).map_err(unreadable)?.take(bytes_max + 1));
        let (mut nodes, mut links) = (Numbering::default(), EdgeBuffer::with_room(0, 0)?);
        let mut passed = SkippedLines::default();
        let mut bytes = Vec::new();
        for line in 1.. {
            lookout.work(LINE_UNITS)?;
            bytes.clear();
            if lines.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
                break;
            }
            let mark = if line == 1 { BYTE_ORDER_MARK } else { &[] };
            let text = String::from_utf8_lossy(bytes.strip_prefix(mark).unwrap_or(&bytes));
            let shown = || text.trim().chars().take(SHOWN_MAX).collect();
            let faulty = |fault| EdgeListError::Line { path: path.to_owned(), line, found: shown(), fault };
            if line == 1 && is_title(&text) {
                passed.title = Some(shown());
                continue;
            }
            let Some(ids) = link(&text).map_err(faulty)? else { continue };
            let [one, other] = [nodes.of(ids[0]), nodes.of(ids[1])];
            let (Some(one), Some(other)) = (one, other) else { return Err(faulty(EdgeLineFault::TooManyNodes).into()) };
            links.set_nodes(nodes.len());
            if one == other {
                passed.loops += 1;
                continue;
            }
            // A pipe may never end: what cannot be stored is refused while it is read.
            links.make_room()?;
            links.push(one, other);
        }
        if lines.get_ref().limit() == 0 {
            return Err(EdgeListError::TooLong { path: path.to_owned(), most: bytes_max }.into());
        }
        if nodes.len() == 0 {
            return Err(EdgeListError::Empty { path: path.to_owned() }.into());
        }
        let ids = nodes.into_ascending(links.ends_mut());
        let listed = links.len() as u64;
        let mut rows = links.into_rows(lookout)?;
        rows.merge_repeats(lookout)?;
        passed.repeats = listed - rows.entries() / 2;
        Ok(EdgeList {
            path: path.into(),
            topology: Arc::new(Topology::stored(rows)),
            names: NodeNames::listed(ids),
            passed,
        })
    }

    /// Where it was read from.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// How many peers all nodes together have.
    pub fn entries(&self) -> u64 {
        2 * self.topology.links()
    }

    /// How many nodes it names, at least 1.
    pub fn nodes(&self) -> u32 {
        self.topology.nodes()
    }

    /// The ids of its nodes.
    pub fn names(&self) -> &NodeNames {
        &self.names
    }

    /// Passes a number of nodes on that it can be read with.
    ///
    /// # Errors
    ///
    /// [`EdgeListError::TooFewNodes`] or [`EdgeListError::NoIdsLeft`].
    pub fn check(&self, nodes: u32) -> Result<u32, EdgeListError> {
        let (path, named) = (|| self.path.to_string(), self.nodes());
        let greatest = self.names.id(NodeId(named - 1));
        match nodes.checked_sub(named) {
            None => Err(EdgeListError::TooFewNodes { path: path(), nodes, named }),
            Some(isolated) if greatest.checked_add(isolated.into()).is_none() => {
                Err(EdgeListError::NoIdsLeft { path: path(), nodes, greatest })
            }
            Some(_) => Ok(nodes),
        }
    }

    /// The overlay of `nodes` nodes: those that it names, and behind them isolated ones.
    ///
    /// # Errors
    ///
    /// What [`check`](Self::check) gives.
    pub fn overlay(&self, nodes: u32) -> Result<Arc<Topology>, TopologyError> {
        self.check(nodes)?;
        match &self.topology.shape {
            Shape::Stored(rows) if nodes > self.nodes() => Ok(Arc::new(Topology::stored(rows.with_isolated(nodes)))),
            _ => Ok(Arc::clone(&self.topology)),
        }
    }

    /// What there is to say of it as the overlay of `nodes` nodes.
    pub fn notices(&self, nodes: u32) -> Vec<String> {
        let [first, last] = [self.nodes(), nodes - 1].map(|node| self.names.id(NodeId(node)));
        let isolated = match nodes - self.nodes() {
            0 => None,
            1 => Some(format!("a node without peers was added to them as node {first}")),
            more => Some(format!("{more} nodes without peers were added to them as nodes {first} to {last}")),
        };
        let added =
            isolated.map(|added| format!("--nodes {nodes}: the edge list names {}, and {added}.", count(self.nodes())));
        let SkippedLines { title, repeats, loops } = &self.passed;
        let title = title.as_ref().map(|title| format!("line 1, a title (`{}`)", escaped(title)));
        let repeats = (*repeats > 0).then(|| match repeats {
            1 => "1 line that repeats a link, in the same direction or the other".to_owned(),
            lines => format!("{lines} lines that repeat a link, in the same direction or the other"),
        });
        let loops = (*loops > 0).then(|| match loops {
            1 => "1 line that links a node to itself".to_owned(),
            lines => format!("{lines} lines that link a node to itself"),
        });
        let left_out: Vec<String> = [title, repeats, loops].into_iter().flatten().collect();
        let links = self.topology.links();
        let read = (!left_out.is_empty()).then(|| {
            let noun = if links == 1 { "link" } else { "links" };
            format!("The edge list has {} and {links} {noun}. Left out: {}.", count(self.nodes()), left_out.join("; "))
        });
        added.into_iter().chain(read).collect()
    }
}

fn count(nodes: u32) -> String {
    format!("{nodes} {}", if nodes == 1 { "node" } else { "nodes" })
}

/// The nodes met so far, numbered as they came.
///
/// What was refused: a tree, which takes thrice as long, and numbers in the file's own width until its end, which take twice
/// the memory.
#[derive(Default)]
struct Numbering {
    #[expect(clippy::disallowed_types, reason = "it is only asked by id; what is listed of it is sorted")]
    numbers: std::collections::HashMap<u64, u32>,
    /// The one that was asked for last. Most lists are sorted by their first ids.
    latest: Option<(u64, u32)>,
}

impl Numbering {
    /// The number of an id; `None` for a new one where there are as many as a run takes.
    fn of(&mut self, id: u64) -> Option<u32> {
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

    fn len(&self) -> u32 {
        self.numbers.len() as u32
    }

    /// The ids, ascending, and numbers in that order for the ends of links.
    fn into_ascending(self, ends: &mut [u32]) -> Vec<u64> {
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

/// What a line holds beside comments.
fn content(line: &str) -> &str {
    let listed = line.split('#').next().unwrap_or_default().trim();
    if listed.starts_with('%') { "" } else { listed }
}

/// Whether a first line is no link and was not meant to be one: it begins with no number.
fn is_title(line: &str) -> bool {
    let is_short = line.len() as u64 <= LINE_BYTES_MAX;
    let begins_otherwise = |first: char| !first.is_numeric() && !"+-.,".contains(first) && !first.is_control();
    is_short && content(line).chars().next().is_some_and(begins_otherwise)
}

/// The ids that a line links, or `None` where it lists none.
fn link(line: &str) -> Result<Option<[u64; 2]>, EdgeLineFault> {
    if line.len() as u64 > LINE_BYTES_MAX {
        return Err(EdgeLineFault::TooLong);
    }
    let listed = content(line);
    if listed.is_empty() {
        return Ok(None);
    }
    let (one, other) =
        listed.split_once(',').or_else(|| listed.split_once(char::is_whitespace)).ok_or(EdgeLineFault::NotALink)?;
    Ok(Some([id(one.trim_end())?, id(other.trim_start())?]))
}

/// The id that `text` is.
fn id(text: &str) -> Result<u64, EdgeLineFault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(EdgeLineFault::NotALink);
    }
    text.parse().map_err(|_| EdgeLineFault::IdTooGreat)
}

#[cfg(test)]
mod tests;
