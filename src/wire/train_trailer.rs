//! The trailer of a train: totals from which the receiving shard computes what it missed and returns credit.
//!
//! ```text
//!  at  bytes  field
//!   0      1  version, 1
//!   1      1  kind, 1 = the end of a train
//!   2      2  zero
//!   4      4  receiving shard, little endian
//!   8      4  sending shard, little endian
//!  12      4  zero
//!  16      8  the run's token, little endian
//!  24      8  messages sent on this channel up to here, little endian
//!  32      8  bytes charged on this channel up to here, this trailer included, little endian
//! ```
//!
//! It is no longer than any message, because all segments of a train are equally long except the last, which may be
//! shorter. Both numbers are totals since the start, so after any loss the next trailer accounts for all of it. The
//! receiver compares them with the sender's own totals, in memory that both share, and recognises a replayed trailer by
//! its charge.

use super::{
    FROM_AT, HEADER_BYTES, KIND_AT, ORDER_AT, Stray, TO_AT, TOKEN_AT, TTL_AT, Token, VERSION, VERSION_AT, get,
};

/// Length of a trailer in bytes.
pub const TRAILER_BYTES: usize = HEADER_BYTES + 16;

/// The kind of a trailer, which no message has.
const KIND: u8 = 1;

const MESSAGES_AT: usize = HEADER_BYTES;
const CHARGE_AT: usize = HEADER_BYTES + 8;

/// The end of a train on the channel between two shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainTrailer {
    /// The sending shard.
    pub from: u32,
    /// The receiving shard.
    pub to: u32,
    /// Messages sent on the channel since the start, this train included.
    pub messages: u64,
    /// Bytes of receive buffer charged on the channel since the start, this train included.
    pub charge: u64,
}

/// Returns true if the kind of a datagram is that of a trailer.
#[inline]
pub fn is_train_trailer(datagram: &[u8]) -> bool {
    datagram.get(KIND_AT) == Some(&KIND)
}

impl TrainTrailer {
    /// Encodes the trailer.
    pub fn bytes(&self, token: Token) -> [u8; TRAILER_BYTES] {
        let mut bytes = [0; TRAILER_BYTES];
        bytes[VERSION_AT] = VERSION;
        bytes[KIND_AT] = KIND;
        bytes[TO_AT..][..4].copy_from_slice(&self.to.to_le_bytes());
        bytes[FROM_AT..][..4].copy_from_slice(&self.from.to_le_bytes());
        bytes[TOKEN_AT..][..8].copy_from_slice(&token.0.to_le_bytes());
        bytes[MESSAGES_AT..][..8].copy_from_slice(&self.messages.to_le_bytes());
        bytes[CHARGE_AT..][..8].copy_from_slice(&self.charge.to_le_bytes());
        bytes
    }

    /// Decodes a trailer whose version and token are right.
    pub(super) fn read(header: &[u8; HEADER_BYTES], body: &[u8]) -> Result<TrainTrailer, Stray> {
        let (messages, rest) = body.split_first_chunk().ok_or(Stray::Truncated)?;
        let (charge, rest) = rest.split_first_chunk().ok_or(Stray::Truncated)?;
        let has_zeros = header[TTL_AT..TO_AT].iter().chain(&header[ORDER_AT..TOKEN_AT]).all(|&byte| byte == 0);
        if header[KIND_AT] != KIND || !has_zeros || !rest.is_empty() {
            return Err(Stray::Malformed);
        }
        Ok(TrainTrailer {
            from: u32::from_le_bytes(get(header, FROM_AT)),
            to: u32::from_le_bytes(get(header, TO_AT)),
            messages: u64::from_le_bytes(*messages),
            charge: u64::from_le_bytes(*charge),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Admission;

    const ADMISSION: Admission = Admission { token: Token(0x0123_4567_89AB_CDEF), nodes: 4, orders: 1 };
    const TRAILER: TrainTrailer = TrainTrailer { from: 1, to: 2, messages: 300, charge: u64::MAX - 1 };

    #[test]
    fn a_trailer_is_read_as_it_was_written_and_is_no_message() {
        let bytes = TRAILER.bytes(ADMISSION.token);
        assert!(is_train_trailer(&bytes));
        assert_eq!(ADMISSION.admit_trailer(&bytes), Ok(TRAILER));
        assert_eq!(ADMISSION.admit(&bytes, |_| true), Err(Stray::Malformed));
    }

    #[test]
    fn every_cut_and_every_addition_is_an_error() {
        let bytes = TRAILER.bytes(ADMISSION.token);
        for length in 0..TRAILER_BYTES {
            assert_eq!(ADMISSION.admit_trailer(&bytes[..length]), Err(Stray::Truncated));
        }
        assert_eq!(ADMISSION.admit_trailer(&[&bytes[..], &[0]].concat()), Err(Stray::Malformed));
        assert_eq!(ADMISSION.admit_trailer(&TRAILER.bytes(Token(1))), Err(Stray::WrongToken));
    }

    #[test]
    fn the_bytes_are_pinned() {
        let expected = [
            &[1, 1, 0, 0][..],                                 // version, kind, zeros
            &[2, 0, 0, 0],                                     // receiving shard
            &[1, 0, 0, 0],                                     // sending shard
            &[0; 4],                                           // zeros
            &[0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01], // token
            &[0x2C, 1, 0, 0, 0, 0, 0, 0],                      // 300 messages
            &[0xFE, 255, 255, 255, 255, 255, 255, 255],        // charge
        ];
        assert_eq!(TRAILER.bytes(ADMISSION.token)[..], expected.concat());
        for at in (1..4).chain(12..16) {
            let mut bytes = TRAILER.bytes(ADMISSION.token);
            bytes[at] ^= 0x40;
            assert_eq!(ADMISSION.admit_trailer(&bytes), Err(Stray::Malformed), "byte {at} is as it must be");
        }
    }
}
