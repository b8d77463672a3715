//! Edge lists: an overlay that was measured or drawn elsewhere, read from a file.
//!
//! A line holds one link: two node ids separated by whitespace or a comma. `#` begins a comment, and so does `%` at the
//! beginning of a line. A first line that does not begin with a number is a title. Lines without ids are skipped. Links
//! are undirected: a link that is listed again, in either direction, is the same link, because published lists often
//! give both. A line that links a node to itself gives no link, but names the node.
//!
//! The nodes are those that the file names, numbered from 0 by ascending id. If more nodes are asked for, nodes without
//! peers follow them.

use super::alloc::StorageError;
use super::edges::EdgeBuffer;
use super::names::{NodeNames, Numbering};
use super::{Shape, Topology};
use crate::escape::escaped;
use crate::ids::NodeId;
use crate::sync::{Interrupt, Interrupted, Lookout};
use crate::sys::open_input;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

/// The maximum length of a line, in bytes; two ids and a remark need far fewer.
const LINE_BYTES_MAX: u64 = 4096;

/// The work of reading a line, in units of one draw.
const LINE_UNITS: u64 = 32;

/// The maximum size of a list, in bytes: twice the text of the largest number of links that can be stored.
const FILE_BYTES_MAX: u64 = 1 << 37;

/// The length of a faulty line that an error shows, in characters.
const SHOWN_MAX: usize = 60;

/// The byte order mark that some editors put before the first line. It is not part of the line.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The reason why an edge list cannot be read, or not for the requested number of nodes.
#[derive(Debug, thiserror::Error)]
pub enum EdgeListError {
    /// The operating system cannot read the file.
    #[error("--topology file:{}: {source}; name a readable file with one link per line", escaped(path))]
    Unreadable {
        /// Path of the file.
        path: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file is larger than any list needs.
    #[error(
        "--topology file:{}: more than {most} bytes, the most that a list has; name a file of links",
        escaped(path)
    )]
    TooLong {
        /// Path of the file.
        path: String,
        /// The limit, in bytes.
        most: u64,
    },
    /// A line is malformed.
    #[error("--topology file:{}, line {line}: found `{}`; {fault}", escaped(path), escaped(found))]
    Line {
        /// Path of the file.
        path: String,
        /// Number of the line, counted from 1.
        line: u64,
        /// The beginning of the line.
        found: String,
        /// The fault and its remedy.
        fault: EdgeLineFault,
    },
    /// No line names a node.
    #[error(
        "--topology file:{}: it names no node; write one link a line, as two ids with a blank or a comma between them",
        escaped(path)
    )]
    Empty {
        /// Path of the file.
        path: String,
    },
    /// Fewer nodes were asked for than the file names.
    #[error(
        "--nodes {nodes} with --topology file:{}: it names {named} nodes; leave --nodes out or ask for at least \
         --nodes {named}",
        escaped(path)
    )]
    TooFewNodes {
        /// Path of the file.
        path: String,
        /// Nodes asked for.
        nodes: u32,
        /// Nodes that the file names.
        named: u32,
    },
    /// More nodes were asked for than there are ids after the greatest id of the file.
    #[error(
        "--nodes {nodes} with --topology file:{}: nodes that it does not name get the ids behind {greatest}, its \
         greatest, and there are too few of them; leave --nodes out",
        escaped(path)
    )]
    NoIdsLeft {
        /// Path of the file.
        path: String,
        /// Nodes asked for.
        nodes: u32,
        /// The greatest id of the file.
        greatest: u64,
    },
    /// The links cannot be stored, or the user interrupted the reading.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<Interrupted> for EdgeListError {
    fn from(interrupted: Interrupted) -> EdgeListError {
        EdgeListError::Storage(interrupted.into())
    }
}

/// A fault of a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EdgeLineFault {
    /// The line does not hold two integers.
    #[error("a line must hold two node ids, as in `0 1` or `0,1`, and `#` begins a comment")]
    NotALink,
    /// An id does not fit into 64 bits.
    #[error("node ids go from 0 to {}", u64::MAX)]
    IdTooGreat,
    /// The line is longer than the limit.
    #[error("a line holds at most {LINE_BYTES_MAX} bytes; put each link on its own line")]
    TooLong,
    /// The file names more nodes than a run can have.
    #[error("it names more than {} nodes, the most that a run takes; take a part of the list", u32::MAX)]
    TooManyNodes,
}

/// An edge list after reading. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeList {
    path: Arc<str>,
    topology: Arc<Topology>,
    names: NodeNames,
    /// Lines that gave no link, for the notice.
    skipped: SkippedLines,
}

/// Counts of the lines of a file that gave no link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SkippedLines {
    /// The first line, if it is a title.
    title: Option<String>,
    /// Lines that repeat a link.
    repeats: u64,
    /// Lines that link a node to itself.
    loops: u64,
}

impl EdgeList {
    /// Reads the edge list at `path`.
    ///
    /// # Errors
    ///
    /// [`EdgeListError`] if the file or one of its lines cannot be read; other errors if there are too many links to
    /// store or memory is short.
    #[doc(hidden)]
    pub fn read(path: &str) -> Result<EdgeList, EdgeListError> {
        EdgeList::read_unless(path, &Interrupt::new())
    }

    /// Reads the edge list at `path`, unless the user interrupts it.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read), and [`StorageError::Interrupted`].
    #[doc(hidden)]
    pub fn read_unless(path: &str, interrupt: &Interrupt) -> Result<EdgeList, EdgeListError> {
        EdgeList::read_within(path, FILE_BYTES_MAX, interrupt)
    }

    /// Reads a list of at most `bytes_max` bytes.
    fn read_within(path: &str, bytes_max: u64, interrupt: &Interrupt) -> Result<EdgeList, EdgeListError> {
        let lookout = &mut Lookout::new(interrupt);
        let unreadable = |source| EdgeListError::Unreadable { path: path.to_owned(), source };
        // A pipe or a device may have no end.
        let mut lines = BufReader::new(open_input(path).map_err(unreadable)?.take(bytes_max + 1));
        let (mut nodes, mut links) = (Numbering::default(), EdgeBuffer::with_room(0, 0)?);
        let mut skipped = SkippedLines::default();
        let mut bytes = Vec::new();
        for line in 1.. {
            lookout.work(LINE_UNITS)?;
            bytes.clear();
            if lines.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
                break;
            }
            // A mark elsewhere than at the beginning of the file is a fault of its line.
            let mark = if line == 1 { BYTE_ORDER_MARK } else { &[] };
            let text = String::from_utf8_lossy(bytes.strip_prefix(mark).unwrap_or(&bytes));
            let shown = || text.trim().chars().take(SHOWN_MAX).collect();
            let faulty = |fault| EdgeListError::Line { path: path.to_owned(), line, found: shown(), fault };
            if line == 1 && is_title(&text) {
                skipped.title = Some(shown());
                continue;
            }
            let Some(ids) = link(&text).map_err(faulty)? else { continue };
            let [one, other] = [nodes.of(ids[0]), nodes.of(ids[1])];
            let (Some(one), Some(other)) = (one, other) else { return Err(faulty(EdgeLineFault::TooManyNodes)) };
            links.set_nodes(nodes.len());
            // Dropped only after it was numbered, because such a line names its node.
            if one == other {
                skipped.loops += 1;
                continue;
            }
            // A pipe may never end, so the limit on links applies while it is read.
            links.make_room()?;
            links.push(one, other);
        }
        if lines.get_ref().limit() == 0 {
            return Err(EdgeListError::TooLong { path: path.to_owned(), most: bytes_max });
        }
        if nodes.len() == 0 {
            return Err(EdgeListError::Empty { path: path.to_owned() });
        }
        // The order of the ids is known only now, so the ends of all links are renumbered.
        let ids = nodes.into_ascending(links.ends_mut());
        let listed = links.len() as u64;
        let mut rows = links.into_rows(lookout)?;
        rows.merge_repeats(lookout)?;
        skipped.repeats = listed - rows.entries() / 2;
        Ok(EdgeList {
            path: path.into(),
            topology: Arc::new(Topology::stored(rows)),
            names: NodeNames::listed(ids),
            skipped,
        })
    }

    /// Returns the path that the list was read from.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the number of peers over all nodes.
    pub fn entries(&self) -> u64 {
        2 * self.topology.links()
    }

    /// Returns the number of nodes that the file names, at least 1.
    pub fn nodes(&self) -> u32 {
        self.topology.nodes()
    }

    /// Returns the ids of the nodes.
    #[doc(hidden)]
    pub fn names(&self) -> &NodeNames {
        &self.names
    }

    /// Checks that the list can give an overlay of `nodes` nodes, and returns that number.
    ///
    /// # Errors
    ///
    /// [`EdgeListError::TooFewNodes`] or [`EdgeListError::NoIdsLeft`].
    #[doc(hidden)]
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

    /// Returns the overlay of `nodes` nodes: those that the file names, followed by isolated ones.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check).
    #[doc(hidden)]
    pub fn overlay(&self, nodes: u32) -> Result<Arc<Topology>, EdgeListError> {
        self.check(nodes)?;
        match &self.topology.shape {
            Shape::Stored(rows) if nodes > self.nodes() => Ok(Arc::new(Topology::stored(rows.with_isolated(nodes)))),
            _ => Ok(Arc::clone(&self.topology)),
        }
    }

    /// Returns the notices on the overlay of `nodes` nodes: nodes that were added and lines that gave no link.
    pub fn notices(&self, nodes: u32) -> Vec<String> {
        let [first, last] = [self.nodes(), nodes - 1].map(|node| self.names.id(NodeId(node)));
        let isolated = match nodes - self.nodes() {
            0 => None,
            1 => Some(format!("a node without peers was added to them as node {first}")),
            more => Some(format!("{more} nodes without peers were added to them as nodes {first} to {last}")),
        };
        let added =
            isolated.map(|added| format!("--nodes {nodes}: the edge list names {}, and {added}.", count(self.nodes())));
        let SkippedLines { title, repeats, loops } = &self.skipped;
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

/// Returns the part of a line outside comments, trimmed.
fn content(line: &str) -> &str {
    let listed = line.split('#').next().unwrap_or_default().trim();
    if listed.starts_with('%') { "" } else { listed }
}

/// Returns true if a first line is a title, that is, if it does not begin like a number.
fn is_title(line: &str) -> bool {
    let is_short = line.len() as u64 <= LINE_BYTES_MAX;
    // A first line that begins like a number is a faulty link and gets an error.
    let begins_otherwise = |first: char| !first.is_numeric() && !"+-.,".contains(first) && !first.is_control();
    is_short && content(line).chars().next().is_some_and(begins_otherwise)
}

/// Returns the two ids of a line, or `None` if the line lists none.
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

/// Parses a node id.
fn id(text: &str) -> Result<u64, EdgeLineFault> {
    // Digits only, because the standard parser would accept a leading `+`.
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(EdgeLineFault::NotALink);
    }
    text.parse().map_err(|_| EdgeLineFault::IdTooGreat)
}

#[cfg(test)]
mod tests;
