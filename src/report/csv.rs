//! Rows for a spreadsheet or a plot: one per node, one per order, or one per run. `docs/REPORT.md` describes the
//! columns.
//!
//! Fields are integers, names without commas, or empty, so none needs quotes; a crate for that was refused.

use crate::analysis::{COLUMNS, Cell, Row};
use crate::coverage::TARGET;
use crate::ids::NodeId;
#[cfg(feature = "cluster")]
use crate::record::NodeFigures;
use crate::record::{GroupKind, NodePlaces, Notice, OrderRecord, Receipt, Receipts, RunRecord, Traffic};
use crate::time::Nanos;
use crate::topology::NodeNames;
use std::io::{self, BufWriter, Write};

/// The header of the nodes' file.
pub(super) const HEADER: &str = "node,shard,degree,time_ns,hop,sender,copies,sent,bytes_in,bytes_out,region,class,side";

/// Writes a run's nodes as comma-separated values with a header, in ascending order.
///
/// `time_ns`, `hop` and `sender` are empty for a node that was not reached, `sender` for an origin, which has none.
/// With many orders all three are empty. Figures that a large run in virtual time did not keep by node are empty, too.
///
/// # Errors
/// The errors of `into`.
pub fn write_nodes_csv(record: &RunRecord, into: impl Write) -> io::Result<()> {
    let mut into = BufWriter::new(into);
    writeln!(into, "{HEADER}")?;
    let RunRecord { names, degrees, traffic, places, .. } = record;
    // No receipts are kept for a bulk.
    let receipts = record.receipts.iter().chain(std::iter::repeat(Receipt::NONE));
    for (node, receipt) in (0..record.nodes).zip(receipts) {
        let (shard, place) = (shard_of(&record.shard_starts, node), node as usize);
        let (degree, traffic) = (degrees.get(place).copied(), traffic.get(place));
        write_node(&mut into, names, [node, shard as u32], (degree, &receipt, traffic), (places, place))?;
    }
    into.flush()
}

/// Writes the nodes of one process of a cluster in the same form.
///
/// # Errors
/// The errors of `into`.
#[cfg(feature = "cluster")]
pub fn write_part_of_nodes_csv(part: &NodeFigures, names: &NodeNames, into: impl Write) -> io::Result<()> {
    let mut into = BufWriter::new(into);
    writeln!(into, "{HEADER}")?;
    let receipts = part.receipts.iter().chain(std::iter::repeat(&Receipt::NONE));
    for (place, receipt) in (0..part.count as usize).zip(receipts) {
        let (node, degree) = (part.first + place as u32, part.degrees.get(place).copied());
        let figures = (degree, receipt, part.traffic.get(place));
        write_node(&mut into, names, [node, 0], figures, (&part.places, place))?;
    }
    into.flush()
}

fn write_node(
    into: &mut impl Write,
    names: &NodeNames,
    [node, shard]: [u32; 2],
    (degree, receipt, traffic): (Option<u32>, &Receipt, Option<&Traffic>),
    (places, place): (&NodePlaces, usize),
) -> io::Result<()> {
    let degree = degree.map_or_else(String::new, |degree| degree.to_string());
    write!(into, "{},{shard},{degree},", names.id(NodeId(node)))?;
    write_receipt(into, names, NodeId(node), receipt)?;
    match traffic {
        Some(&Traffic { copies, sent, bytes_in, bytes_out, .. }) => {
            write!(into, ",{copies},{sent},{bytes_in},{bytes_out}")?;
        }
        None => write!(into, ",,,,")?,
    }
    let ([region, class], side) = (places.names(place), places.side(place));
    writeln!(into, ",{region},{class},{side}")
}

/// Returns a notice on the columns of the nodes' file that are empty because the run has no such figures, and why; none
/// if all are filled.
pub fn nodes_csv_gaps(record: &RunRecord) -> Vec<Notice> {
    let mut gaps = Vec::new();
    if record.bulk.is_some() {
        gaps.push(Notice::NodesFileWithoutTimes);
    }
    let senders_are_kept = match &record.receipts {
        Receipts::ByHop(by_hop) => by_hop.senders.is_some(),
        Receipts::Each(_) | Receipts::Compact(_) | Receipts::Summary(_) => true,
    };
    let columns: Vec<&str> = [
        ("degree", record.degrees.is_empty()),
        ("sender", !senders_are_kept),
        ("copies, sent, bytes_in, bytes_out", record.traffic.is_empty()),
        (
            "region",
            record.places.by_node.is_empty() && record.groups.iter().any(|group| group.kind == GroupKind::Region),
        ),
    ]
    .into_iter()
    .filter_map(|(columns, is_empty)| is_empty.then_some(columns))
    .collect();
    if !columns.is_empty() {
        gaps.push(Notice::NodesFileWithoutColumns { columns: columns.join(", ") });
    }
    gaps
}

/// Returns a notice if the orders' file has no row but its header.
pub fn orders_csv_gaps(record: &RunRecord) -> Vec<Notice> {
    if record.bulk.is_none() { vec![Notice::OrdersFileEmpty] } else { Vec::new() }
}

fn write_receipt(into: &mut impl Write, names: &NodeNames, node: NodeId, receipt: &Receipt) -> io::Result<()> {
    if !receipt.is_reached() {
        write!(into, ",,")
    } else if receipt.sender == node || receipt.sender == Receipt::NONE.sender {
        write!(into, "{},{},", receipt.time.0, receipt.hop)
    } else {
        write!(into, "{},{},{}", receipt.time.0, receipt.hop, names.id(receipt.sender))
    }
}

/// The header of the orders' file.
pub(super) const ORDERS_HEADER: &str = "order,origin,due_ns,published_late_ns,payload_bytes,outcome,reached,sent,\
                                        received,time_to_50_ns,time_to_95_ns,time_to_99_ns,time_to_target_ns,\
                                        time_to_end_ns";

/// Writes the orders of a bulk as comma-separated values with a header, sorted by due time. A time that was never
/// reached is empty. For a run with one order only the header is written.
///
/// # Errors
/// The errors of `into`.
pub fn write_orders_csv(record: &RunRecord, into: impl Write) -> io::Result<()> {
    let mut into = BufWriter::new(into);
    writeln!(into, "{ORDERS_HEADER}")?;
    let orders = record.bulk.iter().flat_map(|bulk| &bulk.orders);
    for (index, order) in orders.enumerate() {
        write_order(&mut into, &record.names, index, order)?;
    }
    into.flush()
}

fn write_order(into: &mut impl Write, names: &NodeNames, index: usize, order: &OrderRecord) -> io::Result<()> {
    let outcome = order.outcome.name();
    let time = |time: Option<Nanos>| time.map_or_else(String::new, |time| time.0.to_string());
    let &OrderRecord { origin, due, published_late, payload_bytes, reached, sent, received, .. } = order;
    let origin = names.id(origin);
    write!(into, "{index},{origin},{},{},{payload_bytes},{outcome},", due.0, time(published_late))?;
    write!(into, "{reached},{sent},{received},")?;
    let [half, most, nearly_all, _] = order.time_to.map(time);
    let (target, end) = (time(order.time_to[TARGET]), time(order.time_to_end));
    writeln!(into, "{half},{most},{nearly_all},{target},{end}")
}

/// Writes rows as comma-separated values with a header. Figures that a run does not have are empty.
///
/// # Errors
/// The errors of `into`.
pub fn write_runs_csv(rows: &[Row], into: impl Write) -> io::Result<()> {
    let mut into = BufWriter::new(into);
    writeln!(into, "{}", COLUMNS.join(","))?;
    for row in rows {
        for (column, cell) in row.cells().iter().enumerate() {
            if column > 0 {
                write!(into, ",")?;
            }
            match cell {
                Cell::Missing => Ok(()),
                Cell::Whole(number) => write!(into, "{number}"),
                Cell::Part(number) => write!(into, "{number}"),
                Cell::Truth(truth) => write!(into, "{truth}"),
                // None holds a comma or a quote: texts are names of outcomes and hexadecimal digits.
                Cell::Text(text) => write!(into, "{text}"),
            }?;
        }
        writeln!(into)?;
    }
    into.flush()
}

/// Returns the last shard that starts at or before `node`: of several that start at the same node, all but the last are
/// empty.
fn shard_of(starts: &[u32], node: u32) -> usize {
    starts.partition_point(|&start| start <= node).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ByHop;
    use crate::report::fixtures;
    use serde_json::Value;

    fn written(record: &RunRecord) -> String {
        let mut bytes = Vec::new();
        write_nodes_csv(record, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_per_node() {
        let expected = "\
node,shard,degree,time_ns,hop,sender,copies,sent,bytes_in,bytes_out,region,class,side
0,0,1,0,0,,1,1,60,60,,,
1,0,2,1500,1,0,1,1,60,60,,,
2,1,1,,,,0,0,0,0,,,
";
        let record = fixtures::three_nodes();
        assert_eq!(written(&record), expected);
        let places = NodePlaces { second_side: vec![false, true, false], ..record.places.clone() };
        let text = written(&RunRecord { places, ..record });
        assert_eq!(Vec::from_iter(text.lines().map(|line| line.rsplit_once(',').unwrap().1)), ["side", "1", "2", "1"]);
    }

    #[test]
    fn what_was_not_kept_by_node_is_empty() {
        // Nor are there senders by hop, where they are not kept.
        let (first, origin, latency, senders) = (NodeId(0), NodeId(0), Nanos(1_500), None);
        let by_hop = ByHop { first, latency, origin, counts: vec![1, 1], hop_of: vec![0, 1, 0], senders };
        let receipts = Receipts::ByHop(by_hop);
        let record = RunRecord { receipts, traffic: Vec::new(), degrees: Vec::new(), ..fixtures::three_nodes() };
        assert_eq!(written(&record), format!("{HEADER}\n0,0,,0,0,,,,,,,,\n1,0,,1500,1,,,,,,,,\n2,1,,,,,,,,,,,\n"));
    }

    #[test]
    fn columns_that_stay_empty_are_named() {
        let whole = fixtures::three_nodes();
        assert_eq!((nodes_csv_gaps(&whole), orders_csv_gaps(&fixtures::bulk_record())), (Vec::new(), Vec::new()));
        assert!(orders_csv_gaps(&whole)[0].to_string().contains("header alone"));
        let of_bulk = nodes_csv_gaps(&fixtures::bulk_record());
        assert!(of_bulk.len() == 1 && of_bulk[0].to_string().contains("time_ns, hop and sender empty"), "{of_bulk:?}");
        let (first, origin, latency, senders) = (NodeId(0), NodeId(0), Nanos(1), None);
        let by_hop = ByHop { first, latency, origin, counts: vec![1, 1], hop_of: vec![0, 1, 0], senders };
        let bare = RunRecord { receipts: Receipts::ByHop(by_hop), traffic: Vec::new(), degrees: Vec::new(), ..whole };
        let gaps = nodes_csv_gaps(&bare);
        assert!(gaps[0].to_string().ends_with(": degree, sender, copies, sent, bytes_in, bytes_out."), "{gaps:?}");
        // Exactly the columns that the notice names are empty, but for those of a network and of a mix.
        let text = written(&bare);
        let row: Vec<&str> = text.lines().nth(2).unwrap().split(',').collect();
        let empty = HEADER.split(',').zip(row).filter(|(_, field)| field.is_empty()).map(|(column, _)| column);
        let empty = empty.filter(|column| !["region", "class", "side"].contains(column));
        assert_eq!(empty.collect::<Vec<_>>().join(", "), "degree, sender, copies, sent, bytes_in, bytes_out");
    }

    #[test]
    fn every_column_is_documented_and_every_documented_one_written() {
        let documented = fixtures::documented("Columns of the nodes file");
        assert_eq!(HEADER.split(',').collect::<Vec<_>>(), documented);
    }

    #[test]
    fn a_line_per_order() {
        let mut bytes = Vec::new();
        write_orders_csv(&fixtures::bulk_record(), &mut bytes).unwrap();
        let expected = "\
0,4,0,1000,16,reached,10,80,80,10000,20000,25000,20000,30000
1,5,10000000,2000,0,missed,3,24,24,,,,,9000
";
        assert_eq!(String::from_utf8(bytes).unwrap(), format!("{ORDERS_HEADER}\n{expected}"));
    }

    #[test]
    fn every_column_of_orders_is_documented_and_every_documented_one_written() {
        let documented = fixtures::documented("Columns of the orders file");
        assert_eq!(ORDERS_HEADER.split(',').collect::<Vec<_>>(), documented);
    }

    #[test]
    fn empty_shards_own_no_node() {
        assert_eq!([0, 1, 2, 3].map(|node| shard_of(&[0, 0, 2, 4, 4], node)), [1, 1, 2, 2]);
    }

    #[test]
    fn a_row_is_a_line_and_an_object() {
        let record = fixtures::thousand_nodes_record();
        let row = Row::new(3, 45, &record);
        let object = serde_json::to_value(&row).unwrap();
        for (path, value) in [
            ("/run", Value::from(3)),
            ("/seed", 45.into()),
            ("/outcome", "target".into()),
            ("/goal_met", true.into()),
            ("/time_to_ns/95", 751_378.into()),
            ("/coverage", 0.984.into()),
            ("/strays", 4.into()),
            ("/ledger/balanced", true.into()),
            ("/bulk/orders", Value::Null),
        ] {
            assert_eq!(object.pointer(path), Some(&value), "{path}");
        }
        let mut bytes = Vec::new();
        write_runs_csv(&[row.clone(), row], &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("3,45,target,true,false,") && lines.len() == 3, "{text}");
        assert!(lines.iter().all(|line| line.split(',').count() == COLUMNS.len()), "{text}");
    }
}
