//! The lines into and out of one worker's nodes, and the work that each message costs its node.
//!
//! A line has one word of state and takes messages in the order of their times, which is the order in which a shard handles
//! its events: what waits for a line only comes later, so that no window becomes too long by it.

use crate::ids::NodeId;
use crate::network::{HEADER_BYTES, Line, Network, Offer, process};
use crate::time::Nanos;
use std::ops::Range;

/// The lines of some nodes. What has no limit takes no memory.
pub(super) struct Lines<'a> {
    network: &'a Network,
    first: u32,
    up: Vec<Line>,
    down: Vec<Line>,
    work: Vec<Line>,
}

impl<'a> Lines<'a> {
    /// Idle lines of these nodes.
    pub(super) fn new(network: &'a Network, nodes: Range<u32>) -> Lines<'a> {
        let lines = |is_limited: bool| vec![Line::default(); if is_limited { nodes.len() } else { 0 }];
        let [up, down] = network.limited();
        let work = lines(network.processing() > Nanos::ZERO);
        Lines { network, first: nodes.start, up: lines(up), down: lines(down), work }
    }

    /// Whether a message that arrives has to pass anything before its node takes it in.
    #[inline]
    pub(super) fn hold_arrivals(&self) -> bool {
        !self.down.is_empty() || !self.work.is_empty()
    }

    /// When a message of so many bytes, as UDP payload, that its node sends at `now` has left; `None` where it is dropped.
    #[inline]
    pub(super) fn send(&mut self, from: NodeId, now: Nanos, bytes: u32) -> Option<Nanos> {
        let Some(line) = self.up.get_mut((from.0 - self.first) as usize) else { return Some(now) };
        let Some(rate) = self.network.lines(from).up else { return Some(now) };
        departure(rate.send(line, now, bytes + HEADER_BYTES))
    }

    /// When a message whose last bit arrives at `now` has been taken in by its node; `None` where it is dropped.
    pub(super) fn receive(&mut self, from: NodeId, to: NodeId, now: Nanos, bytes: u32) -> Option<Nanos> {
        let (local, bytes) = ((to.0 - self.first) as usize, bytes + HEADER_BYTES);
        let mut ready = now;
        if let (Some(line), Some(rate)) = (self.down.get_mut(local), self.network.lines(to).down) {
            let sent_in = self.network.lines(from).up.map_or(Nanos::ZERO, |up| up.time(bytes));
            ready = departure(rate.receive(line, now, sent_in, bytes))?;
        }
        if let Some(line) = self.work.get_mut(local) {
            ready = process(line, ready, self.network.processing());
        }
        Some(ready)
    }
}

fn departure(offer: Offer) -> Option<Nanos> {
    match offer {
        Offer::Departs(time) => Some(time),
        Offer::QueueFull => None,
    }
}
