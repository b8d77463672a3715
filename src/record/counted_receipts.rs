//! The first receipts of a run at the nodes that coverage counts: all, or those that were up.

use super::{Receipt, Receipts, RunRecord};
use std::borrow::Cow;

impl RunRecord {
    /// Returns the first receipts of the nodes that coverage counts, and of no other.
    pub fn counted_receipts(&self) -> Cow<'_, Receipts> {
        let Some(counted) = &self.counted else { return Cow::Borrowed(&self.receipts) };
        let receipts = self.receipts.iter().zip(counted).filter(|(_, is_counted)| **is_counted);
        Cow::Owned(Receipts::Each(receipts.map(|(receipt, _)| receipt).collect()))
    }

    /// Counts the nodes that coverage counts and whose first receipts are as wanted.
    pub(super) fn count_receipts(&self, counted: &[bool], is_wanted: impl Fn(&Receipt) -> bool) -> u64 {
        let receipts = self.receipts.iter().zip(counted);
        receipts.filter(|(receipt, is_counted)| **is_counted && is_wanted(receipt)).count() as u64
    }

    /// Counts the first receipts of the only order that came with this hop, at the nodes that coverage counts.
    pub(crate) fn counted_with_hop(&self, hop: u8) -> u64 {
        match &self.counted {
            None => self.receipts_with_hop(hop),
            Some(counted) => self.count_receipts(counted, |receipt| receipt.is_reached() && receipt.hop == hop),
        }
    }

    /// Counts the first receipts of the only order that came with this hop.
    pub(super) fn receipts_with_hop(&self, hop: u8) -> u64 {
        match &self.receipts {
            Receipts::ByHop(by_hop) => by_hop.counts.get(usize::from(hop)).copied().unwrap_or(0),
            Receipts::Summary(summary) => summary.with_hop(hop),
            receipts => receipts.iter().filter(|receipt| receipt.is_reached() && receipt.hop == hop).count() as u64,
        }
    }
}
