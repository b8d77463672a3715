//! Edge lists that are read, lines that are skipped, and files that are refused.

use super::*;
use std::io::Write;

fn read_text(text: impl AsRef<[u8]>) -> Result<EdgeList, EdgeListError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_ref()).unwrap();
    EdgeList::read(file.path().to_str().unwrap())
}

/// Returns the ids of all nodes, and of the peers of each.
fn by_id(list: &EdgeList, nodes: u32) -> Vec<(u64, Vec<u64>)> {
    let overlay = list.overlay(nodes).unwrap();
    let id = |node: NodeId| list.names().id(node);
    (0..nodes).map(NodeId).map(|node| (id(node), overlay.peers(node).map(id).collect())).collect()
}

#[test]
fn links_are_read_however_they_are_written() {
    let text = "# a remark\n0 1\n\n1,2 # another\r\n  2\t 0  \n2 , 0\n1 0\n%3 4\n3 0";
    let list = read_text(text).unwrap();
    assert_eq!(by_id(&list, 4), [(0, vec![1, 2, 3]), (1, vec![0, 2]), (2, vec![0, 1]), (3, vec![0])]);
    assert!(list.names().are_numbers());
    let said = "The edge list has 4 nodes and 4 links. Left out: 2 lines that repeat a link, in the same direction or \
                the other.";
    assert_eq!(list.notices(4), [said]);
    assert_eq!(read_text("0 1\n1 2\n").unwrap().notices(3), Vec::<String>::new());
}

#[test]
fn nodes_are_those_that_the_file_names() {
    let list = read_text("FromNodeId\tToNodeId\n3466 937\n12295\t12295\n937 3466\n18446744073709551613 937\n").unwrap();
    assert_eq!(list.nodes(), 4);
    let named = [(937, vec![3466, u64::MAX - 2]), (3466, vec![937]), (12295, vec![]), (u64::MAX - 2, vec![937])];
    assert_eq!(by_id(&list, 4), named);
    let said = "The edge list has 4 nodes and 2 links. Left out: line 1, a title (`FromNodeId\\tToNodeId`); 1 line \
                that repeats a link, in the same direction or the other; 1 line that links a node to itself.";
    assert_eq!(list.notices(4), [said]);
}

#[test]
fn additional_nodes_are_isolated_and_reported() {
    let list = read_text("1 2\n2 3\n3 4\n4 1").unwrap();
    assert_eq!(by_id(&list, 6)[3..], [(4, vec![1, 3]), (5, vec![]), (6, vec![])]);
    let said = |nodes| list.notices(nodes).pop().unwrap_or_default();
    assert_eq!(said(4), "");
    assert_eq!(
        said(5),
        "--nodes 5: the edge list names 4 nodes, and a node without peers was added to them as node 5."
    );
    assert_eq!(
        said(7),
        "--nodes 7: the edge list names 4 nodes, and 3 nodes without peers were added to them as nodes 5 to 7."
    );
}

#[test]
fn impossible_node_counts_are_refused() {
    let path = |error: EdgeListError| error.to_string().split_once("with --topology file:/").is_some();
    let few = read_text("1 2\n2 3").unwrap().overlay(2).unwrap_err();
    assert!(few.to_string().starts_with("--nodes 2 with --topology file:/"), "{few}");
    assert!(few.to_string().ends_with("it names 3 nodes; leave --nodes out or ask for at least --nodes 3"), "{few}");
    assert!(path(read_text("7 18446744073709551615").unwrap().overlay(3).unwrap_err()));
    assert!(read_text("7 18446744073709551614").unwrap().overlay(3).is_ok());
    for nothing in ["", "# 0 1\n", "source,target\n"] {
        let error = read_text(nothing).unwrap_err().to_string();
        assert!(error.contains("it names no node; write one link a line"), "{nothing:?}: {error}");
    }
}

#[test]
fn a_faulty_line_is_named_with_what_it_holds() {
    for (text, said) in [
        ("0 1\n0 x\n", "line 2: found `0 x`; a line must hold two node ids"),
        ("0 1\nx 0\n", "line 2: found `x 0`; a line must hold two node ids"),
        ("0", "line 1: found `0`; a line must hold two node ids"),
        ("0 1 2", "line 1: found `0 1 2`; a line must hold two node ids"),
        ("0,1,2", "line 1: found `0,1,2`; a line must hold two node ids"),
        ("-1 0", "line 1: found `-1 0`; a line must hold two node ids"),
        (".5 0", "line 1: found `.5 0`; a line must hold two node ids"),
        (",0", "line 1: found `,0`; a line must hold two node ids"),
        ("# title\nto from", "line 2: found `to from`; a line must hold two node ids"),
        (
            "1 18446744073709551616",
            "line 1: found `1 18446744073709551616`; node ids go from 0 to 18446744073709551615",
        ),
    ] {
        let error = read_text(text).unwrap_err().to_string();
        assert!(error.starts_with("--topology file:/") && error.contains(said), "{text:?}: {error}");
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    let list = read_text("\u{FEFF}0 1\n1 2\n").unwrap();
    assert_eq!((list.topology.links(), list.notices(3).len()), (2, 0));
    let error = read_text("0 1\n\u{FEFF}1 2\n").unwrap_err().to_string();
    assert!(error.contains("line 2: "), "{error}");
}

#[test]
fn an_error_sends_no_control_characters_to_the_terminal() {
    let error = read_text("0 \x1b[31mred\x07\n").unwrap_err().to_string();
    assert!(error.contains(r"found `0 \u{1b}[31mred\u{7}`"), "{error}");
    let error = EdgeList::read("/no/such\n/\x1b[2J").unwrap_err().to_string();
    assert!(error.starts_with(r"--topology file:/no/such\n/\u{1b}[2J: "), "{error}");
}

#[test]
fn any_bytes_give_an_overlay_or_an_error() {
    for bytes in [&b"\xff\xfe 1"[..], &[0; 9000], &[b'7'; 9000], &[b' '; 9000], &[b'x'; 9000], b"0 1\n\x80"] {
        assert!(
            matches!(read_text(bytes), Err(error) if !matches!(error, EdgeListError::Storage(_))),
            "{:?}",
            &bytes[..3]
        );
    }
    let error = EdgeList::read("/no/such/file").unwrap_err().to_string();
    assert!(error.starts_with("--topology file:/no/such/file: "), "{error}");
}

#[test]
fn a_list_without_end_is_read_within_its_limit() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"0 1\n# and so on\n").unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(EdgeList::read_within(path, 16, &Interrupt::new()).unwrap().nodes(), 2);
    let error = EdgeList::read_within(path, 15, &Interrupt::new()).unwrap_err().to_string();
    assert!(error.contains("more than 15 bytes, the most that a list has"), "{error}");
}
