//! The shuffles of the shreds that a worker has lately handled, as far as it takes to find a node's place in them.
//!
//! Without them each message would take the lock of its shred's list, or derive the keys of its permutation.

use super::ShredWord;
use super::shuffle::{ShredPlaces, Shuffles};
use crate::ids::{NodeId, OrderIndex};
use crate::random::Key;

/// The least and the most shreds that are kept.
const SHREDS_MIN: u64 = 64;
const SHREDS_MAX: u64 = 4_096;

/// The shreds that a worker has lately handled, each at the place that order and shred give it.
#[derive(Debug)]
pub(super) struct RecentShreds {
    kept: Box<[Option<RecentShred>]>,
}

#[derive(Debug)]
struct RecentShred {
    of: (OrderIndex, ShredWord),
    places: ShredPlaces,
}

impl RecentShreds {
    /// Creates room for the shreds of an order that has this many.
    pub(super) fn new(shreds: u32) -> RecentShreds {
        let kept = u64::from(shreds).clamp(SHREDS_MIN, SHREDS_MAX).next_power_of_two();
        RecentShreds { kept: (0..kept).map(|_| None).collect() }
    }

    /// Returns the place of a node in the shuffle of a shred if it sends the shred on; `key` is that of the draws that
    /// all nodes share.
    #[inline]
    pub(super) fn sender_place(
        &mut self,
        (shuffles, key): (&Shuffles, Key),
        order: OrderIndex,
        shred: ShredWord,
        node: NodeId,
    ) -> Option<u32> {
        let at = (Shuffles::number(order, shred.name) % self.kept.len() as u64) as usize;
        let (of, kept) = ((order, shred), &mut self.kept[at]);
        match kept {
            Some(known) if known.of == of => known.places.of_sender(node),
            _ => {
                let places = shuffles.of(key, order, shred.name, shred.origin).into_places();
                kept.insert(RecentShred { of, places }).places.of_sender(node)
            }
        }
    }
}
