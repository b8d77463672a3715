//! The access links of one worker's nodes, and the processing time that each message costs its node.
//!
//! A link accepts messages in the order of their times, which is the order in which a shard handles its events: waiting
//! for a link only delays a message, so windows need not become shorter.

use crate::ids::NodeId;
use crate::network::{AccessLink, HEADER_BYTES, LinkRate, Network, QueueOffer, UplinkShare, process};
use crate::record::{AccessLinkRecord, LinkSideRecord, LinkUse};
use crate::time::Nanos;
use std::ops::Range;

/// The direction of an access link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkSide {
    /// Out of a node.
    Up,
    /// Into a node.
    Down,
}

/// Queue lengths at an access link, as the times that the link takes to carry them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueueLengths {
    /// For the messages that it accepted.
    pub(super) held: Nanos,
    /// For all messages that it was offered, as if it had accepted all of them.
    pub(super) of_all: Nanos,
}

/// The access links of some nodes. Links without a limit take no memory.
pub(super) struct AccessLinks<'a> {
    network: &'a Network,
    first: u32,
    up: LinkSideState,
    down: LinkSideState,
    work: Vec<AccessLink>,
}

/// The access links in one direction.
#[derive(Default)]
struct LinkSideState {
    links: Vec<AccessLink>,
    /// By node, what its link has carried of messages that count.
    used: Vec<LinkUse>,
    /// True if copies share the links: the time that one takes is then no time of the link's own.
    is_shared: bool,
    /// The longest queues that count, in bits as [`LinkRate::bits_in`] counts them, and how long they take.
    longest: [(u128, Nanos); 2],
}

impl<'a> AccessLinks<'a> {
    /// Creates idle links for these nodes.
    pub(super) fn new(network: &'a Network, nodes: Range<u32>) -> AccessLinks<'a> {
        let [up, down] =
            network.limited().map(|is_limited| LinkSideState::new(if is_limited { nodes.len() } else { 0 }));
        let up = LinkSideState { is_shared: network.uplink_share() == UplinkShare::Fair, ..up };
        let work = vec![AccessLink::default(); if network.has_processing() { nodes.len() } else { 0 }];
        AccessLinks { network, first: nodes.start, up, down, work }
    }

    /// Returns true if a message that arrives must wait before its node receives it.
    #[inline]
    pub(super) fn hold_arrivals(&self) -> bool {
        self.have_downlinks() || self.have_work()
    }

    /// Returns true if messages wait for the downlinks of their nodes.
    #[inline]
    pub(super) fn have_downlinks(&self) -> bool {
        !self.down.links.is_empty()
    }

    /// Returns true if messages wait for their nodes' processing.
    #[inline]
    pub(super) fn have_work(&self) -> bool {
        !self.work.is_empty()
    }

    /// Returns true if messages wait for the uplinks of their nodes.
    #[inline]
    pub(super) fn have_uplinks(&self) -> bool {
        !self.up.links.is_empty()
    }

    /// Offers the uplink a message of `bytes` bytes of UDP payload that its node sends at `now`; `None` if the link has
    /// no limit. On a shared uplink the backlog is that of a serial one, and the time of departure is not the message's
    /// own.
    #[inline]
    pub(super) fn send(&mut self, from: NodeId, now: Nanos, bytes: u32) -> Option<QueueOffer> {
        let link = self.up.links.get_mut((from.0 - self.first) as usize)?;
        let rate = self.network.access_links(from).up?;
        Some(rate.send(link, now, bytes + HEADER_BYTES))
    }

    /// Offers the downlink a message whose last bit arrives at `now`; `None` if the link has no limit.
    pub(super) fn receive(&mut self, from: NodeId, to: NodeId, now: Nanos, bytes: u32) -> Option<QueueOffer> {
        let link = self.down.links.get_mut((to.0 - self.first) as usize)?;
        let (rate, bytes) = (self.network.access_links(to).down?, bytes + HEADER_BYTES);
        let sent_in = self.network.access_links(from).up.map_or(Nanos::ZERO, |up| up.time(bytes));
        Some(rate.receive(link, now, sent_in, bytes))
    }

    /// Returns the time at which the node has processed a message that has passed its downlink at `now`.
    pub(super) fn work(&mut self, node: NodeId, now: Nanos) -> Nanos {
        match self.work.get_mut((node.0 - self.first) as usize) {
            Some(link) => process(link, now, self.network.processing(node)),
            None => now,
        }
    }

    /// Returns the queue lengths of an offer, if either is longer than any that counts.
    #[inline]
    pub(super) fn watch(&mut self, side: LinkSide, node: NodeId, offer: &QueueOffer) -> Option<QueueLengths> {
        let rate = self.rate(side, node)?;
        let queues = [offer.queue, offer.queue_of_all].map(|time| (rate.bits_in(time), time));
        let longest = &self.direction(side).longest;
        let is_longer = queues[0] > longest[0] || queues[1] > longest[1];
        is_longer.then_some(QueueLengths { held: offer.queue, of_all: offer.queue_of_all })
    }

    /// Counts the queues at a node's access link.
    pub(super) fn note_queues(&mut self, side: LinkSide, node: NodeId, queues: QueueLengths) {
        let Some(rate) = self.rate(side, node) else { return };
        let longest = &mut self.direction(side).longest;
        for (longest, time) in longest.iter_mut().zip([queues.held, queues.of_all]) {
            *longest = (rate.bits_in(time), time).max(*longest);
        }
    }

    /// Counts messages of `bytes` bytes of UDP payload each that an access link has carried.
    #[inline]
    pub(super) fn note_carried(&mut self, side: LinkSide, node: NodeId, bytes: u32, messages: u32) {
        let Some(rate) = self.rate(side, node) else { return };
        let (local, bytes) = ((node.0 - self.first) as usize, bytes + HEADER_BYTES);
        let direction = self.direction(side);
        let each = if direction.is_shared { Nanos::ZERO } else { rate.time(bytes) };
        let takes = Nanos(each.0.saturating_mul(messages.into()));
        if let Some(LinkUse { bytes: carried, busy }) = direction.used.get_mut(local) {
            (*carried, *busy) = (*carried + u64::from(bytes) * u64::from(messages), *busy + takes);
        }
    }

    /// Returns the counts of all access links.
    pub(super) fn into_record(self) -> AccessLinkRecord {
        let AccessLinks { network, first, up, down, .. } = self;
        let links = |node: u32| network.access_links(NodeId(first + node));
        AccessLinkRecord { up: up.into_record(|node| links(node).up), down: down.into_record(|node| links(node).down) }
    }

    fn rate(&self, side: LinkSide, node: NodeId) -> Option<LinkRate> {
        let links = self.network.access_links(node);
        match side {
            LinkSide::Up => links.up,
            LinkSide::Down => links.down,
        }
    }

    fn direction(&mut self, side: LinkSide) -> &mut LinkSideState {
        match side {
            LinkSide::Up => &mut self.up,
            LinkSide::Down => &mut self.down,
        }
    }
}

impl LinkSideState {
    fn new(nodes: usize) -> LinkSideState {
        LinkSideState {
            links: vec![AccessLink::default(); nodes],
            used: vec![LinkUse::default(); nodes],
            ..LinkSideState::default()
        }
    }

    /// Returns the counts of the links, whose rates are those that `rate` returns.
    fn into_record(mut self, rate: impl Fn(u32) -> Option<LinkRate>) -> Option<LinkSideRecord> {
        // A shared link works without a pause while anything waits, so that its messages are rounded up once together.
        if self.is_shared {
            for (node, used) in (0..).zip(&mut self.used) {
                used.busy = rate(node).map_or(Nanos::ZERO, |rate| rate.time_of_sum(used.bytes));
            }
        }
        let busiest = self.used.iter().map(|used| used.busy).max()?;
        let mut node = 0..;
        self.used.retain(|_| node.next().is_some_and(|node| rate(node).is_some()));
        let [(held, drains_in), (of_all, _)] = self.longest;
        let bytes = |bits: u128| u64::try_from(bits.div_ceil(8_000_000_000)).unwrap_or(u64::MAX);
        Some(LinkSideRecord {
            queue_bytes: bytes(held),
            queue_drains_in: drains_in,
            offered_bytes: bytes(of_all),
            busiest,
            used: self.used,
            spread: None,
        })
    }
}
