//! Edge lists: an overlay that somebody measured or drew, read from a file.
//!
//! One link per line, as two node ids with whitespace or a comma between them; `#` begins a comment, and lines without
//! ids are passed over. Links have no direction. A link that is listed again, in either direction, is the same link:
//! published lists often give both. A node linked to itself is refused, since it is a mistake wherever it occurs. Nodes
//! that no line names have no peers.

use super::links::Links;
use super::{Topology, TopologyError};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// The most bytes of a line that are read; two ids and a remark need far fewer.
const LINE_BYTES_MAX: u64 = 4096;

/// How much of a faulty line an error shows, in characters.
const SHOWN_MAX: usize = 60;

/// The byte order mark that some editors put before the first line. It is no part of the line.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Why an edge list cannot be read.
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
        fault: LineFault,
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// Not two whole numbers.
    #[error("a line must hold two node ids, as in `0 1` or `0,1`, and `#` begins a comment")]
    NotALink,
    /// An id past the nodes of the run.
    #[error("node {id} does not exist with --nodes {nodes}; ids go from 0 to {}", nodes - 1)]
    NoSuchNode {
        /// The id.
        id: u64,
        /// The nodes of the run.
        nodes: u32,
    },
    /// Twice the same id.
    #[error("node {id} cannot be its own peer; remove the line")]
    Itself {
        /// The id.
        id: u32,
    },
    /// The line does not end.
    #[error("a line holds at most {LINE_BYTES_MAX} bytes; put each link on its own line")]
    TooLong,
}

/// Reads the overlay of `nodes` nodes, at least 1, from the edge list at `path`.
///
/// # Errors
///
/// [`EdgeListError`] where the file or a line of it cannot be read; else where the links are too many to store or
/// memory is short.
pub(super) fn read(path: &str, nodes: u32) -> Result<Topology, TopologyError> {
    let unreadable = |source| EdgeListError::Unreadable { path: path.to_owned(), source };
    let mut lines = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut links = Links::with_room(nodes, 0)?;
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if lines.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
            break;
        }
        let mark = if line == 1 { BYTE_ORDER_MARK } else { &[] };
        let text = String::from_utf8_lossy(bytes.strip_prefix(mark).unwrap_or(&bytes));
        let found = || text.trim().chars().take(SHOWN_MAX).collect();
        let fault = |fault| EdgeListError::Line { path: path.to_owned(), line, found: found(), fault };
        if let Some([one, other]) = link(&text, nodes).map_err(fault)? {
            // A pipe may never end: what cannot be stored is refused while it is read.
            links.make_room()?;
            links.push(one, other);
        }
    }
    let mut rows = links.into_rows()?;
    rows.merge_repeats();
    Ok(Topology::stored(rows))
}

/// What came from outside, fit for one line of a terminal: control characters stand as escapes.
fn escaped(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars() {
        match character {
            control if control.is_control() => line.extend(control.escape_default()),
            plain => line.push(plain),
        }
    }
    line
}

/// The link that a line lists, or `None` where it lists none.
fn link(line: &str, nodes: u32) -> Result<Option<[u32; 2]>, LineFault> {
    if line.len() as u64 > LINE_BYTES_MAX {
        return Err(LineFault::TooLong);
    }
    let listed = line.split('#').next().unwrap_or_default().trim();
    if listed.is_empty() {
        return Ok(None);
    }
    let (one, other) =
        listed.split_once(',').or_else(|| listed.split_once(char::is_whitespace)).ok_or(LineFault::NotALink)?;
    let (one, other) = (node(one.trim_end(), nodes)?, node(other.trim_start(), nodes)?);
    if one == other { Err(LineFault::Itself { id: one }) } else { Ok(Some([one, other])) }
}

/// The node that `text` names.
fn node(text: &str, nodes: u32) -> Result<u32, LineFault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(LineFault::NotALink);
    }
    // More digits than 64 bits hold name no node either; the error then shows the greatest number there is.
    let id: u64 = text.parse().unwrap_or(u64::MAX);
    if id < u64::from(nodes) { Ok(id as u32) } else { Err(LineFault::NoSuchNode { id, nodes }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use std::io::Write;

    fn read_text(text: impl AsRef<[u8]>, nodes: u32) -> Result<Topology, TopologyError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_ref()).unwrap();
        read(file.path().to_str().unwrap(), nodes)
    }

    #[test]
    fn links_are_read_however_they_are_written() {
        let text = "# a remark\n0 1\n\n1,2 # another\r\n  2\t 0  \n2 , 0\n1 0\n3 0";
        let read = read_text(text, 5).unwrap();
        let peers = |node| read.peers(NodeId(node)).map(|peer| peer.0).collect::<Vec<_>>();
        assert_eq!((0..5).map(peers).collect::<Vec<_>>(), [vec![1, 2, 3], vec![0, 2], vec![0, 1], vec![0], vec![]]);
        assert_eq!(read_text("", 1).unwrap().links(), 0);
    }

    #[test]
    fn a_faulty_line_is_named_with_what_it_holds() {
        for (text, said) in [
            ("0 1\n0 x\n", "line 2: found `0 x`; a line must hold two node ids"),
            ("0", "line 1: found `0`; a line must hold two node ids"),
            ("0 1 2", "line 1: found `0 1 2`; a line must hold two node ids"),
            ("0,1,2", "line 1: found `0,1,2`; a line must hold two node ids"),
            ("-1 0", "line 1: found `-1 0`; a line must hold two node ids"),
            ("\n1 9", "line 2: found `1 9`; node 9 does not exist with --nodes 9; ids go from 0 to 8"),
            ("1 99999999999999999999999", "does not exist with --nodes 9"),
            ("4 4 # me", "line 1: found `4 4 # me`; node 4 cannot be its own peer"),
        ] {
            let error = read_text(text, 9).unwrap_err().to_string();
            assert!(error.starts_with("--topology file:/") && error.contains(said), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        assert_eq!(read_text("\u{FEFF}0 1\n1 2\n", 3).unwrap().links(), 2);
        let error = read_text("0 1\n\u{FEFF}1 2\n", 3).unwrap_err().to_string();
        assert!(error.contains("line 2: "), "{error}");
    }

    #[test]
    fn an_error_sends_no_control_characters_to_the_terminal() {
        let error = read_text("0 \x1b[31mred\x07\n", 3).unwrap_err().to_string();
        assert!(error.contains(r"found `0 \u{1b}[31mred\u{7}`"), "{error}");
        let error = read("/no/such\n/\x1b[2J", 3).unwrap_err().to_string();
        assert!(error.starts_with(r"--topology file:/no/such\n/\u{1b}[2J: "), "{error}");
    }

    #[test]
    fn any_bytes_give_an_overlay_or_an_error() {
        for bytes in [&b"\xff\xfe 1"[..], &[0; 9000], &[b'7'; 9000], &[b' '; 9000], b"0 1\n\x80"] {
            assert!(matches!(read_text(bytes, 9), Err(TopologyError::EdgeList(_))));
        }
        let error = read("/no/such/file", 9).unwrap_err().to_string();
        assert!(error.starts_with("--topology file:/no/such/file: "), "{error}");
    }
}
