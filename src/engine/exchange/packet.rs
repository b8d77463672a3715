//! A packet from one shard to another for a meeting: its report, its counts and its items; between processes as words.
//!
//! ```text
//! head: from: u32, 1 if more packets of this meeting follow, 2 more if these begin a new piece
//!       fresh counts: u32, counts: u32 | flags
//!       next | wake | events | holding | last event | last arrival | messages
//! then the fresh counts, two words each, the counts, and the items
//! ```
//!
//! Items that are sent ahead of their meeting are a piece of their own. A long list of items is cut into packets of
//! half a mebibyte, so that the first are under way while the last are written, and no buffer of the connection grows
//! to the size of a window.

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

/// Words that are written to a connection's buffer at a time.
const WRITTEN_WORDS: usize = 512;

/// Set above the number of the sender if more packets of the meeting follow; and if a new piece begins with them.
const FOLLOWED: u64 = 1;
const ENDS_PIECE: u64 = 2;

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
    /// From a shard of another process, as the connection holds it.
    Bytes(Bytes),
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
            Packet::Words(_) | Packet::Bytes(_) => self.first_word().map(|word| word as u32 as usize),
        }
    }

    /// Returns the bytes of a packet to or from another process.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Packet::Here { .. } => 0,
            Packet::Words(words) => (words.len() * WORD) as u64,
            Packet::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// Returns true if it is the last of its sender for this meeting.
    pub(super) fn is_last(&self) -> bool {
        self.first_word().is_none_or(|word| word >> u32::BITS & FOLLOWED == 0)
    }

    /// Returns true if its items end a piece.
    pub(super) fn ends_piece(&self) -> bool {
        self.first_word().is_none_or(|word| word >> u32::BITS != FOLLOWED)
    }

    fn first_word(&self) -> Option<u64> {
        match self {
            Packet::Here { .. } => None,
            Packet::Words(words) => words.first().copied(),
            Packet::Bytes(bytes) => bytes.first_chunk().map(|&word| u64::from_le_bytes(word)),
        }
    }
}

/// Reads the words of a packet that came as bytes into `words`; `None` if they are not whole.
pub(super) fn words<'a>(bytes: &[u8], words: &'a mut Vec<u64>) -> Option<&'a [u64]> {
    let (chunks, []) = bytes.as_chunks::<WORD>() else { return None };
    words.clear();
    words.extend(chunks.iter().map(|&word| u64::from_le_bytes(word)));
    Some(words)
}

/// Returns the first bytes of a packet, up to its items; all if it is too short.
pub(super) fn before_items(bytes: &[u8]) -> &[u8] {
    let word = |place: usize| bytes.get(place * WORD..).and_then(|rest| rest.first_chunk::<WORD>());
    let lengths = word(1).map_or(0, |&word| u64::from_le_bytes(word));
    let head = HEAD + 2 * (lengths as u32 as usize) + (lengths >> u32::BITS) as usize;
    &bytes[..bytes.len().min(head * WORD)]
}

/// Writes a piece of what a shard has to say to one of another process, the last for a meeting or one ahead of it, and
/// passes it to `push` packet by packet. `room` is the memory of the packets, which `push` leaves where they are.
pub(super) fn write<T: CrossingItem>(
    (from, is_last): (usize, bool),
    (report, counts): (&WindowReport, &[u64]),
    items: &[T],
    room: &mut Vec<u64>,
    mut push: impl FnMut(&mut Option<Packet<T>>),
) {
    let mut rest = items;
    loop {
        let mut words = std::mem::take(room);
        words.clear();
        words.reserve((HEAD + size_of_val(rest) / WORD).min(2 * ITEM_WORDS));
        let is_first = rest.len() == items.len();
        match is_first {
            true => write_head(from, report, counts, &mut words),
            false => write_head(from, &WindowReport::default(), &[], &mut words),
        }
        let most = words.len() + ITEM_WORDS;
        let written = T::write(rest, most, &mut words);
        rest = &rest[written..];
        let follow = match (rest.is_empty(), is_last) {
            (false, _) => FOLLOWED,
            (true, false) => FOLLOWED | ENDS_PIECE,
            (true, true) => 0,
        };
        words[0] |= follow << u32::BITS;
        let mut packet = Some(Packet::Words(words));
        push(&mut packet);
        if let Some(Packet::Words(words)) = packet {
            *room = words;
        }
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
        Packet::Bytes(bytes)
    }

    fn length_in_bytes(&self) -> usize {
        match self {
            Packet::Words(words) => words.len() * WORD,
            Packet::Here { .. } | Packet::Bytes(_) => unreachable!("only packets in words are written"),
        }
    }

    fn into_bytes<W: Write>(&self, writer: &mut W) {
        let Packet::Words(words) = self else { return };
        let mut buffer = [0; WRITTEN_WORDS * WORD];
        for some in words.chunks(WRITTEN_WORDS) {
            let written = buffer.as_chunks_mut::<WORD>().0.iter_mut().zip(some);
            written.for_each(|(bytes, word)| *bytes = word.to_le_bytes());
            // The writer is a buffer of the length that was asked for.
            let _ = writer.write_all(&buffer[..some.len() * WORD]);
        }
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
