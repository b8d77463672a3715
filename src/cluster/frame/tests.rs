//! Tests of frames: nothing but what was sealed, once and in sequence, is opened.

use super::*;
use crate::cluster::noise::fixtures::sealed_pair;

/// Opens a stream of frames; returns the payloads up to the first error, and the error.
fn open_all(protection: &Protection, mut wire: &[u8]) -> (Vec<(FrameKind, Vec<u8>)>, Option<FrameError>) {
    let (mut opener, mut opened) = (FrameOpener::new(protection.clone()), Vec::new());
    while wire.len() >= opener.header_bytes() {
        let (head, rest) = wire.split_at(opener.header_bytes());
        let header = match opener.open_header(head) {
            Ok(header) => header,
            Err(error) => return (opened, Some(error)),
        };
        let size = opener.payload_bytes(header);
        // A shorter rest waits for more.
        let Some((payload, rest)) = rest.split_at_checked(size) else { break };
        let mut out = vec![0; size];
        if let Err(error) = opener.open_payload(payload, &mut out) {
            return (opened, Some(error));
        }
        out.truncate(header.length);
        opened.push((header.kind, out));
        wire = rest;
    }
    (opened, None)
}

/// Seals frames; returns each of them.
fn seal_all(protection: &Protection, frames: &[(FrameKind, Vec<u8>)]) -> Vec<Vec<u8>> {
    let (mut sealer, mut out) = (FrameSealer::new(protection.clone()), vec![0; FRAME_BYTES_MAX]);
    let seal = |(kind, payload): &(FrameKind, Vec<u8>)| {
        let size = sealer.seal(*kind, payload, &mut out);
        out[..size].to_vec()
    };
    frames.iter().map(seal).collect()
}

fn frames() -> Vec<(FrameKind, Vec<u8>)> {
    vec![
        (FrameKind::Beat, vec![9; 8]),
        (FrameKind::Data, (0..200).collect()),
        (FrameKind::Ready, Vec::new()),
        (FrameKind::Data, vec![1; 3]),
        (FrameKind::Finished, Vec::new()),
    ]
}

#[test]
fn frames_come_as_they_were_sealed() {
    let (one, other) = sealed_pair();
    for (from, to) in [(Protection::Plain, Protection::Plain), (one.clone(), other.clone()), (other, one)] {
        let mut all = frames();
        all.push((FrameKind::Data, vec![5; PAYLOAD_BYTES_MAX]));
        let wire = seal_all(&from, &all);
        assert!(wire.last().unwrap().len() <= FRAME_BYTES_MAX);
        assert_eq!(open_all(&to, &wire.concat()), (all, None));
    }
}

#[test]
fn one_changed_bit_ends_the_connection() {
    let (from, to) = sealed_pair();
    let wire = seal_all(&from, &frames());
    let ends: Vec<usize> = wire
        .iter()
        .scan(0, |end, frame| {
            *end += frame.len();
            Some(*end)
        })
        .collect();
    let whole = wire.concat();
    for bit in 0..whole.len() * 8 {
        let mut altered = whole.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let (opened, error) = open_all(&to, &altered);
        let before = ends.iter().take_while(|&&end| end <= bit / 8).count();
        assert_eq!(error, Some(FrameError::Forged), "bit {bit}");
        assert_eq!(opened, frames()[..before], "bit {bit}");
    }
}

#[test]
fn repeated_and_moved_and_missing_frames_end_the_connection() {
    let (from, to) = sealed_pair();
    let wire = seal_all(&from, &frames());
    for place in 0..wire.len() {
        let mut repeated = wire.clone();
        repeated.insert(place + 1, wire[place].clone());
        let (opened, error) = open_all(&to, &repeated.concat());
        assert_eq!((opened.len(), error), (place + 1, Some(FrameError::Forged)), "repeated {place}");

        if place + 1 < wire.len() {
            let mut moved = wire.clone();
            moved.swap(place, place + 1);
            assert_eq!(open_all(&to, &moved.concat()), (frames()[..place].to_vec(), Some(FrameError::Forged)));
            let mut missing = wire.clone();
            missing.remove(place);
            assert_eq!(open_all(&to, &missing.concat()), (frames()[..place].to_vec(), Some(FrameError::Forged)));
        }
    }
}

#[test]
fn frames_of_the_other_direction_and_of_another_run_are_forged() {
    let (from, to) = sealed_pair();
    let wire = seal_all(&from, &frames()).concat();
    assert_eq!(open_all(&from, &wire), (Vec::new(), Some(FrameError::Forged)), "sent back to its sender");
    let (_, stranger) = sealed_pair();
    assert_eq!(open_all(&stranger, &wire), (Vec::new(), Some(FrameError::Forged)), "sent to a later run");
    assert_eq!(open_all(&to, &wire), (frames(), None));
}

#[test]
fn headers_that_nobody_writes_are_malformed() {
    for header in [[0, 0, 0, 0], [7, 0, 0, 0], [255, 1, 0, 0], [1, 0xf0, 0xff, 0], [1, 0, 0, 1]] {
        assert_eq!(open_all(&Protection::Plain, &header), (Vec::new(), Some(FrameError::Malformed)), "{header:?}");
    }
    assert_eq!(FrameHeader::from_bytes([1, 0xef, 0xff, 0]).map(|header| header.length), Ok(PAYLOAD_BYTES_MAX));
}
