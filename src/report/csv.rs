//! One line per node: what it saw, for a spreadsheet or a plot. `docs/REPORT.md` describes the columns.
//!
//! Fields are integers or empty, so that none needs quotes; a crate for that was refused.

use crate::ids::NodeId;
use crate::stats::{Receipt, RunRecord, Traffic};
use std::io::{self, BufWriter, Write};

/// The first line.
pub(super) const HEADER: &str = "node,shard,degree,time_ns,hop,sender,copies,sent,bytes_in,bytes_out";

/// Writes a run's nodes as comma-separated values with a header, in ascending order.
///
/// `time_ns`, `hop` and `sender` are empty for a node that was not reached, `sender` for an origin, which has none. What a
/// large run in virtual time did not keep by node is empty too.
///
/// # Errors
/// Whatever `into` gives.
pub fn write_nodes_csv(record: &RunRecord, into: impl Write) -> io::Result<()> {
    let mut into = BufWriter::new(into);
    writeln!(into, "{HEADER}")?;
    for (node, receipt) in (0..).zip(&record.receipts) {
        let shard = shard_of(&record.shard_starts, node);
        let degree = record.degrees.get(node as usize).map_or_else(String::new, u32::to_string);
        write!(into, "{node},{shard},{degree},")?;
        write_receipt(&mut into, NodeId(node), receipt)?;
        match record.traffic.get(node as usize) {
            Some(Traffic { copies, sent, bytes_in, bytes_out }) => {
                writeln!(into, ",{copies},{sent},{bytes_in},{bytes_out}")?;
            }
            None => writeln!(into, ",,,,")?,
        }
    }
    into.flush()
}

fn write_receipt(into: &mut impl Write, node: NodeId, receipt: &Receipt) -> io::Result<()> {
    if !receipt.is_reached() {
        write!(into, ",,")
    } else if receipt.sender == node {
        write!(into, "{},{},", receipt.time.0, receipt.hop)
    } else {
        write!(into, "{},{},{}", receipt.time.0, receipt.hop, receipt.sender)
    }
}

/// The last shard that starts at or before `node`: those that start at the same node, but the last, are empty.
fn shard_of(starts: &[u32], node: u32) -> usize {
    starts.partition_point(|&start| start <= node).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn written(record: &RunRecord) -> String {
        let mut bytes = Vec::new();
        write_nodes_csv(record, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_per_node() {
        let expected = "\
node,shard,degree,time_ns,hop,sender,copies,sent,bytes_in,bytes_out
0,0,1,0,0,,1,1,60,60
1,0,2,1500,1,0,1,1,60,60
2,1,1,,,,0,0,0,0
";
        assert_eq!(written(&sample::three_nodes()), expected);
    }

    #[test]
    fn every_column_is_documented_and_every_documented_one_written() {
        let documented = sample::documented("Columns of the nodes file");
        assert_eq!(HEADER.split(',').collect::<Vec<_>>(), documented);
    }

    #[test]
    fn empty_shards_own_no_node() {
        assert_eq!([0, 1, 2, 3].map(|node| shard_of(&[0, 0, 2, 4, 4], node)), [1, 1, 2, 2]);
    }
}
