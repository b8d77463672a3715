//! A packet from one shard to another for a meeting: its report, its counts and its items; between processes as words.
//!
//! ```text
//! head: from: u32, 1 if more packets of this meeting follow | fresh counts: u32, counts: u32 | flags
//!       next | wake | events | holding | last event | last arrival | messages
//! then the fresh counts, two words each, the counts, and the items
//! ```
//!
//! A long list of items is cut into packets of half a mebibyte, so that the first are under way while the last are
//! written, and no buffer of the connection grows to the size of a window.

use super::WindowReport;
use crate::ids::OrderIndex;
use crate::record::End;
use crate::time::Nanos;
use std::io::Write;
use timely::bytes::arc::Bytes;
use timely::communication::Bytesable;

/// The words of items in one packet, of which the last item may exceed them.
const ITEM_WORDS: usize = 1 << 16;

/// The words before the fresh counts.
const HEAD: usize = 10;

/// Bytes of a word.
const WORD: usize = size_of::<u64>();

/// An item that can cross to another process.
pub(in crate::engine) trait CrossingItem: Send + Sized + 'static {
    /// Appends some of the first items to `words`, until these are at least `most` or no item is left; returns the
    /// number of items.
    fn write(items: &[Self], most: usize, words: &mut Vec<u64>) -> usize;

    /// Passes the items that [`write`](Self::write) wrote to `take`; returns `None` if the words hold something else.
    fn read(words: &[u64], take: impl FnMut(Self)) -> Option<()>;
}

/// A packet of a meeting.
pub(super) enum Packet<T> {
    /// To a shard of this process, which receives the items as they are.
    Here { from: usize, report: WindowReport, counts: Vec<u64>, items: Vec<T> },
    /// To a shard of another process.
    Words(Vec<u64>),
}

/// The parts of a packet in words.
#[derive(Debug, PartialEq)]
pub(super) struct PacketParts<'a> {
    pub(super) report: WindowReport,
    pub(super) counts: &'a [u64],
    pub(super) items: &'a [u64],
}

impl<T> Packet<T> {
    /// Returns the shard that sent it.
    pub(super) fn sender(&self) -> Option<usize> {
        match self {
            Packet::Here { from, .. } => Some(*from),
            Packet::Words(words) => words.first().map(|&word| word as u32 as usize),
        }
    }

    /// Returns the bytes of a packet to another process.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Packet::Here { .. } => 0,
            Packet::Words(words) => (words.len() * WORD) as u64,
        }
    }

    /// Returns true if it is the last of its sender for this meeting.
    pub(super) fn is_last(&self) -> bool {
        match self {
            Packet::Here { .. } => true,
            Packet::Words(words) => words.first().is_none_or(|word| word >> u32::BITS == 0),
        }
    }
}

/// Writes everything that a shard has to say to one of another process, and passes it to `push` packet by packet.
pub(super) fn write<T: CrossingItem>(
    from: usize,
    report: &WindowReport,
    counts: &[u64],
    items: &[T],
    mut push: impl FnMut(Packet<T>),
) {
    let mut rest = items;
    loop {
        let room = (HEAD + size_of_val(rest) / WORD).min(2 * ITEM_WORDS);
        let mut words = Vec::with_capacity(room);
        let is_first = rest.len() == items.len();
        match is_first {
            true => write_head(from, report, counts, &mut words),
            false => write_head(from, &WindowReport::default(), &[], &mut words),
        }
        let most = words.len() + ITEM_WORDS;
        let written = T::write(rest, most, &mut words);
        rest = &rest[written..];
        words[0] |= u64::from(!rest.is_empty()) << u32::BITS;
        push(Packet::Words(words));
        if rest.is_empty() {
            return;
        }
    }
}

fn write_head(from: usize, report: &WindowReport, counts: &[u64], words: &mut Vec<u64>) {
    let WindowReport {
        next,
        wake,
        events,
        holding,
        late,
        interrupted,
        cut_short,
        last_event,
        last_arrival,
        messages,
        fresh,
    } = report;
    let flags = u64::from(next.is_some())
        | u64::from(wake.is_some()) << 1
        | u64::from(*late) << 2
        | u64::from(*interrupted) << 3
        | cut_short.map_or(0, |end| end as u64) << 8;
    words.extend([from as u64, fresh.len() as u64 | (counts.len() as u64) << u32::BITS, flags]);
    words.extend([next.unwrap_or(0), wake.unwrap_or(0), *events, *holding]);
    words.extend([last_event.0, last_arrival.0, *messages]);
    words.extend(fresh.iter().flat_map(|&(order, count)| [u64::from(order.0), count]));
    words.extend(counts);
}

/// Reads a packet in words; `None` if it is none.
pub(super) fn read(words: &[u64]) -> Option<PacketParts<'_>> {
    let (&[_, lengths, flags, next, wake, events, holding, last_event, last_arrival, messages], rest) =
        words.split_first_chunk::<HEAD>()?;
    let (fresh, rest) = rest.split_at_checked(2 * (lengths as u32 as usize))?;
    let (counts, items) = rest.split_at_checked((lengths >> u32::BITS) as usize)?;
    let is_set = |bit: u32| flags >> bit & 1 == 1;
    let cut_short = match flags >> 8 {
        0 => None,
        code => Some(*[End::Interrupted, End::OutOfMemory].iter().find(|&&end| end as u64 == code)?),
    };
    let fresh = fresh.chunks_exact(2).map(|pair| Some((OrderIndex(u32::try_from(pair[0]).ok()?), pair[1])));
    let report = WindowReport {
        next: is_set(0).then_some(next),
        wake: is_set(1).then_some(wake),
        events,
        holding,
        late: is_set(2),
        interrupted: is_set(3),
        cut_short,
        last_event: Nanos(last_event),
        last_arrival: Nanos(last_arrival),
        messages,
        fresh: fresh.collect::<Option<_>>()?,
    };
    Some(PacketParts { report, counts, items })
}

impl<T> Bytesable for Packet<T> {
    fn from_bytes(bytes: Bytes) -> Self {
        let words = bytes.chunks_exact(WORD);
        Packet::Words(words.map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default())).collect())
    }

    fn length_in_bytes(&self) -> usize {
        match self {
            Packet::Here { .. } => unreachable!("a packet to a shard of this process is not written"),
            Packet::Words(words) => words.len() * WORD,
        }
    }

    fn into_bytes<W: Write>(&self, writer: &mut W) {
        let Packet::Words(words) = self else { return };
        // The writer is a buffer of the length that was asked for.
        words.iter().all(|word| writer.write_all(&word.to_le_bytes()).is_ok());
    }
}

/// A part of something that the first shards of processes tell each other: a byte that is 1 in the last part, and the
/// number of the process in four bytes, before its bytes.
pub(super) struct Parcel(pub(super) Vec<u8>);

impl Bytesable for Parcel {
    fn from_bytes(bytes: Bytes) -> Self {
        Parcel(bytes.to_vec())
    }

    fn length_in_bytes(&self) -> usize {
        self.0.len()
    }

    fn into_bytes<W: Write>(&self, writer: &mut W) {
        // The writer is a buffer of the length that was asked for.
        let _ = writer.write_all(&self.0);
    }
}
