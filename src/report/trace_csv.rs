//! The trace of a run as comma-separated values: a line for each message; on a real carrier one in a file of sends and
//! one in a file of receipts. `docs/REPORT.md` describes the columns.
//!
//! Lines are put together by hand, because a trace may have a billion of them: formatted, they would take four times as
//! long.

use crate::topology::NodeNames;
use crate::trace::{TraceLog, TracedMessage};
use std::io::{self, BufWriter, Write};

/// The header of the trace's file.
pub(super) const TRACE_HEADER: &str = "sent_ns,decided_ns,from,to,order,kind,hop,bytes,fate,sequence";

/// The header of the files of sends and of receipts on a real carrier.
pub(super) const SIDE_HEADER: &str = "time_ns,from,to,order,kind,hop,bytes,fate";

/// A side of a carrier, whose messages have a file of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierSide {
    /// The messages that workers sent.
    Sends,
    /// The messages that they received.
    Receipts,
}

/// Bytes that are written together.
const WRITE_BYTES: usize = 1 << 18;

/// Writes a line for each message of a trace, in ascending sequence. The order of upkeep is empty.
///
/// # Errors
/// The errors of `into`, and those of reading the rows.
pub fn write_trace_csv(log: &TraceLog, names: &NodeNames, into: impl Write) -> io::Result<()> {
    let mut into = BufWriter::with_capacity(WRITE_BYTES, into);
    writeln!(into, "{TRACE_HEADER}")?;
    let mut line = Vec::with_capacity(160);
    for row in log.rows()? {
        line.clear();
        push_row(&mut line, log, names, &row?);
        into.write_all(&line)?;
    }
    into.flush()
}

/// Writes a line for each message that the workers of a carrier sent, or received, in the sequence of their times.
///
/// # Errors
/// As [`write_trace_csv`].
pub fn write_side_csv(log: &TraceLog, names: &NodeNames, side: CarrierSide, into: impl Write) -> io::Result<()> {
    let mut into = BufWriter::with_capacity(WRITE_BYTES, into);
    writeln!(into, "{SIDE_HEADER}")?;
    let mut line = Vec::with_capacity(120);
    for row in log.rows()? {
        let row = row?;
        if row.fate.is_of_sends() == (side == CarrierSide::Sends) {
            line.clear();
            push_time(&mut line, log.written_time(row.decided));
            push_message(&mut line, log, names, &row);
            line.push(b'\n');
            into.write_all(&line)?;
        }
    }
    into.flush()
}

fn push_row(line: &mut Vec<u8>, log: &TraceLog, names: &NodeNames, row: &TracedMessage) {
    for time in [row.sent, row.decided] {
        push_time(line, log.written_time(time));
    }
    push_message(line, log, names, row);
    line.push(b',');
    push_number(line, row.sequence.into());
    line.push(b'\n');
}

/// Appends a time and a comma.
fn push_time(line: &mut Vec<u8>, time: i128) {
    if time < 0 {
        line.push(b'-');
    }
    push_number(line, time.unsigned_abs() as u64);
    line.push(b',');
}

/// Appends the fields from the sender to the fate.
fn push_message(line: &mut Vec<u8>, log: &TraceLog, names: &NodeNames, row: &TracedMessage) {
    let TracedMessage { to, from, order, bytes, kind, hop, fate, .. } = *row;
    for node in [from, to] {
        push_number(line, names.id(node));
        line.push(b',');
    }
    if !kind.is_upkeep() {
        push_number(line, order.0.into());
    }
    line.push(b',');
    match log.kind_name(kind) {
        Some(name) => line.extend_from_slice(name.as_bytes()),
        None => push_number(line, kind.0.into()),
    }
    line.push(b',');
    for number in [hop.into(), bytes] {
        push_number(line, number.into());
        line.push(b',');
    }
    line.extend_from_slice(fate.name().as_bytes());
}

/// Appends the decimal digits of a number.
fn push_number(line: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{NodeId, OrderIndex};
    use crate::message::Kind;
    use crate::report::fixtures;
    use crate::time::Nanos;
    use crate::trace::{MessageFate, TraceSpool};

    #[test]
    fn a_line_per_message() {
        let folder = tempfile::tempdir().unwrap();
        let spool = TraceSpool::new(folder.path());
        spool.restart(Nanos(1_000));
        let mut writer = spool.writer();
        let row = TracedMessage {
            decided: Nanos(u64::MAX),
            to: NodeId(1),
            from: NodeId(4_294_967_294),
            sequence: 70,
            sent: Nanos(1_000),
            order: OrderIndex(3),
            bytes: 1_399,
            kind: Kind::PAYLOAD,
            hop: 255,
            fate: MessageFate::UnderWay,
        };
        writer.put(row, false);
        let (decided, sent, kind) = (Nanos(1_010), Nanos(0), Kind(130));
        writer.put(TracedMessage { decided, sent, kind, fate: MessageFate::Down, hop: 0, bytes: 40, ..row }, false);
        let asked = TracedMessage { decided, sent: decided, kind: Kind::HAVE, fate: MessageFate::Cut, ..row };
        writer.put(asked, false);
        // A kind that the protocol does not name has its number.
        writer.put(TracedMessage { kind: Kind::WANT, sequence: 71, ..asked }, false);
        spool.collect(writer, Nanos::MAX);
        let mut text = Vec::new();
        let log = spool.finish().unwrap().named_by([&[(Kind::HAVE, "ihave")], &[(Kind(130), "shuffle")]]);
        write_trace_csv(&log, &NodeNames::default(), &mut text).unwrap();
        let expected = "\
-1000,10,4294967294,1,,shuffle,0,40,down,70
10,10,4294967294,1,3,ihave,255,1399,cut,70
10,10,4294967294,1,3,3,255,1399,cut,71
0,18446744073709550615,4294967294,1,3,payload,255,1399,under_way,70
";
        assert_eq!(String::from_utf8(text).unwrap(), format!("{TRACE_HEADER}\n{expected}"));
    }

    #[test]
    fn every_column_is_documented_and_every_documented_one_written() {
        assert_eq!(TRACE_HEADER.split(',').collect::<Vec<_>>(), fixtures::documented("Columns of the trace\n"));
        let of_sides = fixtures::documented("Columns of the files of sends and receipts");
        assert_eq!(SIDE_HEADER.split(',').collect::<Vec<_>>(), of_sides);
    }

    #[test]
    fn every_fate_is_documented_and_every_documented_one_occurs() {
        let mut documented = fixtures::documented("Fates of a message");
        let mut names = MessageFate::ALL.map(MessageFate::name).to_vec();
        names.sort_unstable();
        documented.sort_unstable();
        assert_eq!(documented, names);
    }
}
