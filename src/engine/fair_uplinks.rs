//! Copies that share the uplinks of a shard's nodes, until they leave.
//!
//! The time at which a copy leaves depends on those that are handed over after it. It is final once its node has
//! handled all events up to then: in a window, once the window has been handled. Its arrival is at least the network's
//! minimum latency later and therefore in a later window, so that shared uplinks shorten no window. Until then the copy
//! stays here, with the fate that was drawn for it when it was handed over.

use crate::message::Message;
use crate::network::{FairUplink, LinkRate, Network, UplinkShare};
use crate::time::Nanos;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// The place of an uplink with no copy on it.
const IDLE: u32 = u32::MAX;

/// A copy on an uplink that it shares with others.
#[derive(Clone, Debug)]
pub(super) struct FairCopy<T> {
    pub(super) message: Message,
    /// Number of messages that its node had sent before.
    pub(super) sequence: u32,
    /// Time at which its node handed it to the uplink.
    pub(super) handed_at: Nanos,
    pub(super) fate: CopyFate,
    pub(super) tail: T,
}

/// The fate of a copy once it has left its node.
#[derive(Clone, Copy, Debug)]
pub(super) struct CopyFate {
    /// The latency of the copy and of the second one that the network makes of it. It is lost if it has none.
    pub(super) latencies: [Option<Nanos>; 2],
    /// True if it is lost because its nodes are cut off from each other.
    pub(super) is_cut: bool,
}

impl CopyFate {
    pub(super) fn is_lost(&self) -> bool {
        self.latencies[0].is_none()
    }

    pub(super) fn is_doubled(&self) -> bool {
        self.latencies[1].is_some()
    }
}

/// A copy that has left its uplink.
pub(super) struct FairDeparture<T> {
    /// Time at which its last bit left.
    pub(super) left_at: Nanos,
    /// Index of its node in the shard.
    pub(super) local: u32,
    pub(super) copy: FairCopy<T>,
}

/// An uplink with copies on it.
struct BusyUplink {
    rate: LinkRate,
    uplink: FairUplink,
    /// The time at which it is to be looked at next, no later than its next departure; `None` before its first copy.
    listed: Option<Nanos>,
}

/// The shared uplinks of some nodes. Without `share=fair` they take no memory.
pub(super) struct FairUplinks<T> {
    first: u32,
    /// By node, the place of its uplink among the busy ones.
    place: Vec<u32>,
    busy: Vec<BusyUplink>,
    /// Places of uplinks that have become idle.
    idle: Vec<u32>,
    copies: Vec<Option<FairCopy<T>>>,
    /// Places of copies that have left.
    vacant: Vec<u32>,
    /// Uplinks by the time at which they are to be looked at. An entry counts if its uplink is listed at that time.
    due: BinaryHeap<Reverse<(Nanos, u32)>>,
    /// Copies that had left when another was handed over to their uplink, and have not been taken.
    left: Vec<FairDeparture<T>>,
    /// Copies on uplinks other than upkeep: while there are any, the run goes on.
    holding: u64,
}

impl<T> FairUplinks<T> {
    /// Creates idle uplinks for these nodes.
    pub(super) fn new(network: &Network, nodes: Range<u32>) -> FairUplinks<T> {
        let is_used = network.uplink_share() == UplinkShare::Fair && network.limited()[0];
        FairUplinks {
            first: nodes.start,
            place: vec![IDLE; if is_used { nodes.len() } else { 0 }],
            busy: Vec::new(),
            idle: Vec::new(),
            copies: Vec::new(),
            vacant: Vec::new(),
            due: BinaryHeap::new(),
            left: Vec::new(),
            holding: 0,
        }
    }

    /// Returns true if copies share the uplinks.
    #[inline]
    pub(super) fn is_used(&self) -> bool {
        !self.place.is_empty()
    }

    /// Returns true if a copy other than upkeep is on an uplink.
    pub(super) fn is_holding(&self) -> bool {
        self.holding > 0
    }

    /// Returns a time before which no copy leaves that has not been taken; `None` if no copy is on an uplink.
    #[inline]
    pub(super) fn next(&self) -> Option<Nanos> {
        self.due.peek().map(|Reverse((time, _))| *time)
    }

    /// Returns the bytes that the copies on uplinks take.
    pub(super) fn bytes(&self) -> u64 {
        let each = size_of::<Option<FairCopy<T>>>() + FairUplink::bytes_per_copy();
        let due = self.due.len() * size_of::<Reverse<(Nanos, u32)>>();
        (self.copies.len() * each + self.busy.len() * size_of::<BusyUplink>() + due) as u64
    }

    /// Hands a copy of `bytes` bytes, headers included, to the uplink of its node, which has a rate.
    pub(super) fn hand_over(&mut self, rate: LinkRate, bytes: u32, copy: FairCopy<T>) {
        let (local, now) = (copy.message.from.0 - self.first, copy.handed_at);
        if self.place[local as usize] == IDLE {
            self.open(local, rate);
        }
        let at = self.place[local as usize] as usize;
        while let Some((left_at, place)) = self.busy[at].uplink.take_departure(&rate, now) {
            let departure = self.departure(local, left_at, place);
            self.left.extend(departure);
        }
        self.holding += u64::from(!copy.message.kind.is_upkeep());
        let place = self.vacant.pop().unwrap_or(self.copies.len() as u32);
        match self.copies.get_mut(place as usize) {
            Some(vacant) => *vacant = Some(copy),
            None => self.copies.push(Some(copy)),
        }
        let busy = &mut self.busy[at];
        busy.uplink.hand_over(&rate, now, bytes, place);
        // A short copy may leave before all others. Later copies only delay the next departure, for which the uplink is
        // listed already.
        let next = busy.uplink.next_departure(&rate);
        if let Some(next) = next.filter(|&next| busy.listed.is_none_or(|listed| next < listed)) {
            busy.listed = Some(next);
            self.due.push(Reverse((next, local)));
        }
    }

    /// Takes the next copy that leaves by `until`. No copy may be handed over before `until` any more.
    pub(super) fn take(&mut self, until: Nanos) -> Option<FairDeparture<T>> {
        if let Some(left) = self.left.pop() {
            return Some(left);
        }
        loop {
            let local = match self.due.peek() {
                Some(&Reverse((time, local))) if time <= until => {
                    self.due.pop();
                    let is_listed = self.busy_at(local).is_some_and(|at| self.busy[at].listed == Some(time));
                    is_listed.then_some(local)
                }
                _ => return None,
            };
            let Some((local, at)) = local.and_then(|local| Some((local, self.busy_at(local)?))) else { continue };
            let busy = &mut self.busy[at];
            let departure = busy.uplink.take_departure(&busy.rate, until);
            match busy.uplink.next_departure(&busy.rate) {
                Some(next) => {
                    busy.listed = Some(next);
                    self.due.push(Reverse((next, local)));
                }
                None => self.idle.push(std::mem::replace(&mut self.place[local as usize], IDLE)),
            }
            if let Some((left_at, place)) = departure {
                return self.departure(local, left_at, place);
            }
        }
    }

    /// Iterates over the copies that have not left.
    pub(super) fn iter(&self) -> impl Iterator<Item = &FairCopy<T>> {
        self.copies.iter().flatten()
    }

    /// Gives an idle uplink a place among the busy ones.
    fn open(&mut self, local: u32, rate: LinkRate) {
        let new = BusyUplink { rate, uplink: FairUplink::default(), listed: None };
        self.place[local as usize] = match self.idle.pop() {
            Some(place) => {
                self.busy[place as usize] = new;
                place
            }
            None => {
                self.busy.push(new);
                self.busy.len() as u32 - 1
            }
        };
    }

    fn busy_at(&self, local: u32) -> Option<usize> {
        Some(self.place[local as usize]).filter(|&place| place != IDLE).map(|place| place as usize)
    }

    /// Takes the copy at a place, which left the uplink of a node at `left_at`.
    fn departure(&mut self, local: u32, left_at: Nanos, place: u32) -> Option<FairDeparture<T>> {
        let copy = self.copies[place as usize].take()?;
        self.vacant.push(place);
        self.holding -= u64::from(!copy.message.kind.is_upkeep());
        Some(FairDeparture { left_at, local, copy })
    }
}
