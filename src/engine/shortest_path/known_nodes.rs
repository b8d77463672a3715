//! The nodes that one shard knows to have the order: a message to one of them is recognised as a duplicate where it is
//! sent.
//!
//! Shards of one process read each other's bits. A shard that cannot do so learns from its own messages: once its first
//! message to a node has arrived, that node has the order, and no later message to it needs to cross.

use super::candidates::Candidate;
use crate::engine::window_length::WindowLength;
use crate::sync::{BitmapView, SectionView};
use crate::threads::ShardMap;
use crate::time::{Calendar, Nanos};
use std::ops::Range;

/// The nodes known to one shard.
pub(super) enum KnownNodes<'a> {
    /// This shard owns all nodes.
    One(SectionView<'a>),
    /// The bits of all shards can be read.
    Shared(Vec<SectionView<'a>>),
    /// Only the bits of this shard can be read.
    Own(OwnKnowledge<'a>),
}

/// The knowledge of a shard that cannot read the memory of others.
pub(super) struct OwnKnowledge<'a> {
    nodes: Range<u32>,
    own: SectionView<'a>,
    /// One bit for each node of the run, set if a message of this shard has arrived there.
    arrived: Vec<u64>,
    /// Nodes of other shards to which messages of this one are under way, by window of arrival.
    sent: Calendar<u32>,
}

impl<'a> KnownNodes<'a> {
    /// Creates the knowledge of shard `shard`, whose latest message arrives `reach` windows after it is sent. `bits`
    /// holds the sections of the shards from `first` on: all of them if shards share memory.
    pub(super) fn new(
        map: &ShardMap,
        shard: usize,
        reach: Option<u64>,
        shares_memory: bool,
        (bits, first): (BitmapView<'a>, usize),
    ) -> KnownNodes<'a> {
        match (map.workers(), shares_memory) {
            (1, _) => KnownNodes::One(bits.section(0)),
            (shards, true) => KnownNodes::Shared((0..shards).map(|shard| bits.section(shard)).collect()),
            (_, false) => KnownNodes::Own(OwnKnowledge {
                nodes: map.shard(shard),
                own: bits.section(shard - first),
                arrived: vec![0; map.nodes().div_ceil(u64::BITS) as usize],
                sent: Calendar::new(reach),
            }),
        }
    }

    /// Advances to a window: messages of this shard that arrive in it or before have reached their receivers.
    pub(super) fn advance(&mut self, window: u64) {
        let KnownNodes::Own(OwnKnowledge { arrived, sent, .. }) = self else { return };
        while let Some(next) = sent.next().filter(|&next| next <= window) {
            let mut nodes = Vec::new();
            sent.take(next, &mut nodes);
            nodes.iter().for_each(|&node| arrived[(node / u64::BITS) as usize] |= 1 << (node % u64::BITS));
            sent.give_back(nodes);
        }
    }

    /// Notes those messages that are for other shards.
    pub(super) fn sent(&mut self, messages: &[Candidate], length: WindowLength) {
        let KnownNodes::Own(OwnKnowledge { nodes, sent, .. }) = self else { return };
        for message in messages.iter().filter(|message| !nodes.contains(&message.to.0)) {
            sent.put(length.window(Nanos(message.time_hop >> u8::BITS)), message.to.0);
        }
    }
}

impl OwnKnowledge<'_> {
    /// Returns true if the node is known to have the order.
    pub(super) fn contains(&self, node: u32) -> bool {
        match self.nodes.contains(&node) {
            true => self.own.contains(node - self.nodes.start),
            false => self.arrived[(node / u64::BITS) as usize] >> (node % u64::BITS) & 1 == 1,
        }
    }
}
