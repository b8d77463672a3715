//! The nodes of one shard that another has newly reached, as they cross: a list of their numbers or a set of bits,
//! whichever is shorter; or each with its sender, where senders are recorded.
//!
//! ```text
//! head: the form, above the number of nodes | nodes, two in a word
//!                                           | bits of all nodes of the receiver
//!                                           | nodes, each below its sender in a word
//! ```
//!
//! Nodes are numbered from the first of the receiver's.

use super::shared_sets::nodes_in;
use crate::engine::exchange::CrossingItem;
use crate::ids::NodeId;

/// A word of a crossing set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct SetWord(u64);

/// The forms of a set, by number.
const LIST: u64 = 0;
const BITS: u64 = 1;
const WITH_SENDERS: u64 = 2;

impl CrossingItem for SetWord {
    fn write(items: &[Self], most: usize, words: &mut Vec<u64>) -> usize {
        let written = items.len().min(most.saturating_sub(words.len()));
        words.extend(items[..written].iter().map(|word| word.0));
        written
    }

    fn read(words: &[u64], take: impl FnMut(Self)) -> Option<()> {
        words.iter().copied().map(SetWord).for_each(take);
        Some(())
    }
}

/// Adds a node, which must not be in the set, to the set of a receiver that has `nodes` nodes.
pub(super) fn add(words: &mut Vec<SetWord>, nodes: u32, local: u32) {
    if words.is_empty() {
        words.push(SetWord(LIST << u32::BITS));
    }
    let head = words[0].0;
    words[0].0 += 1;
    let count = head as u32;
    if head >> u32::BITS == BITS {
        words[1 + local as usize / 64].0 |= 1 << (local % 64);
    } else if count.is_multiple_of(2) {
        words.push(SetWord(local.into()));
        if words.len() - 1 > (nodes as usize).div_ceil(64) {
            to_bits(words, nodes);
        }
    } else if let Some(last) = words.last_mut() {
        last.0 |= u64::from(local) << u32::BITS;
    }
}

/// Adds a node with its sender.
pub(super) fn add_with_sender(words: &mut Vec<SetWord>, local: u32, sender: NodeId) {
    if words.is_empty() {
        words.push(SetWord(WITH_SENDERS << u32::BITS));
    }
    words[0].0 += 1;
    words.push(SetWord(u64::from(local) | u64::from(sender.0) << u32::BITS));
}

/// Turns a list into bits, which are shorter from then on.
fn to_bits(words: &mut Vec<SetWord>, nodes: u32) {
    let mut bits = vec![SetWord(0); 1 + (nodes as usize).div_ceil(64)];
    bits[0].0 = BITS << u32::BITS | u64::from(words[0].0 as u32);
    each(words, |local, _| bits[1 + local as usize / 64].0 |= 1 << (local % 64));
    *words = bits;
}

/// Passes the nodes of a set to `take`, with their senders if it has these.
pub(super) fn each(words: &[SetWord], mut take: impl FnMut(u32, NodeId)) {
    let unknown = NodeId(u32::MAX);
    let Some((SetWord(head), words)) = words.split_first() else { return };
    match head >> u32::BITS {
        BITS => {
            for (at, word) in words.iter().enumerate() {
                nodes_in(at, word.0).for_each(|node| take(node.0, unknown));
            }
        }
        WITH_SENDERS => words.iter().for_each(|word| take(word.0 as u32, NodeId((word.0 >> u32::BITS) as u32))),
        _ => {
            let nodes = words.iter().flat_map(|word| [word.0 as u32, (word.0 >> u32::BITS) as u32]);
            nodes.take(*head as u32 as usize).for_each(|local| take(local, unknown));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_set_is_what_was_added_in_the_shorter_form(
            nodes in 1u32..900, drawn in prop::collection::vec(any::<u32>(), 0..400),
        ) {
            let drawn: BTreeSet<u32> = drawn.into_iter().map(|node| node % nodes).collect();
            let (mut words, mut pairs) = (Vec::new(), Vec::new());
            for &local in drawn.iter().rev() {
                add(&mut words, nodes, local);
                add_with_sender(&mut pairs, local, NodeId(local + 7));
            }
            let mut found = Vec::new();
            each(&words, |local, sender| found.push((local, sender.0)));
            found.sort_unstable();
            prop_assert_eq!(found, drawn.iter().map(|&local| (local, u32::MAX)).collect::<Vec<_>>());
            let mut found = Vec::new();
            each(&pairs, |local, sender| found.push((local, sender.0)));
            prop_assert_eq!(found, drawn.iter().rev().map(|&local| (local, local + 7)).collect::<Vec<_>>());
            let least = (drawn.len().div_ceil(2)).min(nodes.div_ceil(64) as usize);
            prop_assert_eq!(words.len(), if drawn.is_empty() { 0 } else { 1 + least });
        }
    }
}
