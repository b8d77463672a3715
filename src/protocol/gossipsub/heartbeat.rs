//! Heartbeats, at which a node mends its mesh and gossips, and the messages that change the mesh.

use super::beats::BEATS_MAX;
use super::{BEAT, GRAFT, GossipsubKnobs, GossipsubState, IN_BACKOFF, NodeState, PRUNE, token};
use crate::ids::{NodeId, OrderIndex};
use crate::message::{Kind, OrderHop, TAIL_WORDS_MAX};
use crate::protocol::Context;
use crate::random::{Probability, Stream};
use crate::time::Nanos;
use smallvec::SmallVec;

// The purposes of the draws of a heartbeat; the count is the number of the beat.
const GRAFTED: u32 = 2;
const GRAFTED_OUTBOUND: u32 = 3;
const KEPT: u32 = 4;
const GOSSIPED_TO: u32 = 5;
const GOSSIPED: u32 = 6;

/// Nanoseconds of a millisecond, the unit in which PRUNE gives a backoff.
const MILLIS: u64 = 1_000_000;

impl GossipsubState {
    /// Holds a heartbeat, if it is still asked for.
    pub(super) fn beat<C: Context>(&mut self, context: &mut C, beat: u32) {
        let local = context.local();
        if !self.nodes[local].beats.begin(beat) {
            return;
        }
        self.mend_mesh(context, beat);
        if self.nodes[local].beats.gossips() {
            self.gossip(context, beat);
        }
        self.nodes[local].cached.shift(self.windows, beat);
        self.plan_beat(context);
    }

    /// Grafts and prunes until the mesh is within its bounds, as far as that is possible.
    fn mend_mesh<C: Context>(&mut self, context: &mut C, beat: u32) {
        let GossipsubKnobs { d, d_low, d_out, .. } = self.knobs;
        let local = context.local();
        let mesh = self.nodes[local].mesh;
        if mesh.all < d_low {
            self.graft(context, beat, d - mesh.all, false);
        }
        if self.is_crowded(local) {
            self.prune_excess(context, beat);
        }
        let mesh = self.nodes[local].mesh;
        if mesh.all >= d_low && mesh.outbound < d_out {
            self.graft(context, beat, d_out - mesh.outbound, true);
        }
    }

    /// Returns true if a heartbeat of a node would prune.
    fn is_crowded(&self, local: usize) -> bool {
        let most = self.knobs.d_high - u32::from(self.knobs.prune_at_d_high);
        self.nodes[local].mesh.all > most
    }

    /// Grafts up to `need` random peers that are not backing off.
    fn graft<C: Context>(&mut self, context: &mut C, beat: u32, need: u32, only_outbound: bool) {
        let mut places = std::mem::take(&mut self.places);
        self.mesh.collect_candidates(context, beat, only_outbound, &mut places);
        let mut draws = context.draws(if only_outbound { GRAFTED_OUTBOUND } else { GRAFTED }, beat.into());
        let (local, first) = (context.local(), context.links().start);
        for &place in chosen(&mut draws, &mut places, need as usize) {
            let peer = context.peers()[place as usize];
            self.mesh.set(context, &mut self.nodes[local].mesh, first + place, true);
            context.send_upkeep(peer, GRAFT, &[]);
        }
        self.places = places;
    }

    /// Prunes random mesh peers down to `d`, and keeps `d_out` of those that the node dialled.
    fn prune_excess<C: Context>(&mut self, context: &mut C, beat: u32) {
        let GossipsubKnobs { d, d_out, .. } = self.knobs;
        let mut places = std::mem::take(&mut self.places);
        self.mesh.collect_inside(context, &self.nodes[context.local()].mesh, &mut places);
        let mut draws = context.draws(KEPT, beat.into());
        let all = places.len();
        chosen(&mut draws, &mut places, all);
        let first = context.links().start;
        let (kept, pruned) = places.split_at_mut((d as usize).min(all));
        let is_outbound = |place: u32| context.dialled(first + place);
        let mut missing = (d_out as usize).saturating_sub(kept.iter().filter(|&&place| is_outbound(place)).count());
        // Each further peer that was dialled takes the place of one that was not.
        let mut others = kept.iter_mut().filter(|place| !is_outbound(**place));
        for place in pruned.iter_mut().filter(|place| is_outbound(**place)) {
            if missing == 0 {
                break;
            }
            if let Some(other) = others.next() {
                std::mem::swap(place, other);
                missing -= 1;
            }
        }
        for &place in &*pruned {
            let peer = context.peers()[place as usize];
            self.send_prune(context, peer, first + place);
        }
        self.places = places;
    }

    /// Takes a link out of the mesh, begins or extends its backoff, and tells the peer.
    fn send_prune<C: Context>(&mut self, context: &mut C, peer: NodeId, link: u32) {
        let backoff = self.knobs.prune_backoff;
        self.mesh.set(context, &mut self.nodes[context.local()].mesh, link, false);
        self.back_off(context, link, backoff, 0);
        let millis = backoff.0.div_ceil(MILLIS);
        context.send_upkeep(peer, PRUNE, if millis == 0 { &[] } else { std::slice::from_ref(&millis) });
    }

    /// Handles a GRAFT: takes its sender into the mesh, or sends it PRUNE.
    pub(super) fn receive_graft<C: Context>(&mut self, context: &mut C, from: NodeId) {
        let GossipsubKnobs { d_high, d_out, .. } = self.knobs;
        let (local, Some(link)) = (context.local(), self.live_link(context, from)) else { return };
        if self.mesh.has(link) {
            return;
        }
        let next = self.next_beat(context);
        if next < self.mesh.backoff_end(link) {
            context.tally(IN_BACKOFF, 1);
            return self.send_prune(context, from, link);
        }
        // Without a quota for links that a node dialled, the next heartbeat decides whom it keeps.
        if d_out > 0 && self.nodes[local].mesh.all >= d_high && !context.dialled(link) {
            return self.send_prune(context, from, link);
        }
        self.mesh.set(context, &mut self.nodes[local].mesh, link, true);
        if self.is_crowded(local) {
            self.ask_beat(context, next);
        }
    }

    /// Handles a PRUNE: takes its sender out of the mesh for the backoff that it names.
    pub(super) fn receive_prune<C: Context>(&mut self, context: &mut C, from: NodeId, tail: &[u64]) {
        let Some(link) = self.live_link(context, from) else { return };
        // A peer may ask for no more than a day. Version 1.0 knows no backoff, and reads none.
        let reads = self.knobs.prune_backoff > Nanos::ZERO;
        let asked = tail.first().filter(|_| reads).map(|&millis| Nanos(millis.min(BACKOFF_MILLIS_MAX) * MILLIS));
        self.mesh.set(context, &mut self.nodes[context.local()].mesh, link, false);
        // Its own backoff began when it sent this, so that one more heartbeat is more than long enough.
        self.back_off(context, link, asked.unwrap_or(self.knobs.prune_backoff), 1);
        self.plan_beat(context);
    }

    /// Keeps a link of the event's node out of the mesh for this time from now on, and for `slack` beats more.
    fn back_off<C: Context>(&mut self, context: &C, link: u32, backoff: Nanos, slack: u32) {
        if backoff > Nanos::ZERO {
            let beats = &self.nodes[context.local()].beats;
            let until = self.clock.next_after(beats, context.now() + backoff).saturating_add(slack).min(BEATS_MAX);
            self.mesh.back_off(link, until);
        }
    }

    /// Takes a peer that has gone down out of the mesh and of what is known of it, or counts one that has come back
    /// among the others again.
    pub(super) fn note_peer<C: Context>(&mut self, context: &mut C, peer: NodeId, is_up: bool) {
        let Some(link) = context.link_of(peer) else { return };
        self.mesh.set_up(context, &mut self.nodes[context.local()].mesh, link, is_up);
        if is_up {
            // A new connection begins outside of the mesh at both ends, and the peer may not know that the old one was
            // given up. There is nothing to back off from.
            context.send_upkeep(peer, PRUNE, &[0]);
        } else {
            self.needs.forget_announcer(context.local(), peer);
            self.unwanted.forget_peer(context.local(), peer);
        }
        self.plan_beat(context);
    }

    /// Announces the orders of the latest windows to random peers outside of the mesh.
    fn gossip<C: Context>(&mut self, context: &mut C, beat: u32) {
        let local = context.local();
        let mut places = std::mem::take(&mut self.places);
        let mut to = std::mem::take(&mut self.to);
        self.mesh.collect_outside(context, &self.nodes[local].mesh, &mut places);
        let mut draws = context.draws(GOSSIPED_TO, beat.into());
        let listeners = self.listeners(&mut draws, &mut places);
        to.clear();
        to.extend(listeners.iter().map(|&place| context.peers()[place as usize]));
        let mut orders: SmallVec<[OrderHop; 8]> = self.nodes[local].cached.announced(self.windows, beat).collect();
        let most = self.knobs.max_ihave_length as usize;
        if orders.len() <= most {
            send_ihave(context, &to, &orders);
        } else {
            // To each peer others of them, so that together they hear of more.
            let mut draws = context.draws(GOSSIPED, beat.into());
            for peer in &to {
                let told = chosen(&mut draws, &mut orders, most);
                send_ihave(context, std::slice::from_ref(peer), told);
            }
        }
        (self.places, self.to) = (places, to);
    }

    /// Chooses the peers to gossip to among those outside of the mesh.
    fn listeners<'a>(&self, draws: &mut Stream, places: &'a mut [u32]) -> &'a [u32] {
        let GossipsubKnobs { d_lazy, gossip_factor, gossip_by_coin, .. } = self.knobs;
        let rest = places.len();
        if !gossip_by_coin {
            let share = gossip_factor.floor_of(rest as u64) as usize;
            return chosen(draws, places, share.max(d_lazy as usize));
        }
        // In random order, so that those whose coin falls well and then others up to `d_lazy` are random ones.
        let coin = Probability::of(gossip_factor);
        let share = (0..rest).filter(|_| coin.hits(draws.next_word())).count();
        chosen(draws, places, share.max(d_lazy as usize))
    }

    /// Asks for the next heartbeat at which the event's node has something to do.
    pub(super) fn plan_beat<C: Context>(&mut self, context: &mut C) {
        let GossipsubKnobs { d_low, d_out, .. } = self.knobs;
        let (local, next) = (context.local(), self.next_beat(context));
        let NodeState { mesh, cached, .. } = &self.nodes[local];
        let gossips =
            next < BEATS_MAX && mesh.has_rest(context) && cached.announced(self.windows, next).next().is_some();
        let (all, outbound) = (mesh.all, mesh.outbound);
        self.set_gossips(local, gossips);
        let beat = if gossips || self.is_crowded(local) {
            Some(next)
        } else if all < d_low {
            self.mesh.first_graft(context, next, false)
        } else if outbound < d_out {
            self.mesh.first_graft(context, next, true)
        } else {
            None
        };
        if let Some(beat) = beat {
            self.ask_beat(context, beat);
        }
    }

    /// Sets a timer for a heartbeat of the event's node, unless an earlier one takes place.
    pub(super) fn ask_beat<C: Context>(&mut self, context: &mut C, beat: u32) {
        let beats = &mut self.nodes[context.local()].beats;
        if beat < BEATS_MAX && beats.ask(beat) {
            context.wake_at(self.clock.time(beats, beat), token(BEAT, beat));
        }
    }

    /// Notes if a node has something to gossip.
    pub(super) fn set_gossips(&mut self, local: usize, gossips: bool) {
        if self.nodes[local].beats.set_gossips(gossips) {
            self.gossiping = if gossips { self.gossiping + 1 } else { self.gossiping - 1 };
        }
    }

    /// Returns the number of the next heartbeat of the event's node.
    pub(super) fn next_beat<C: Context>(&self, context: &C) -> u32 {
        self.clock.next_after(&self.nodes[context.local()].beats, context.now())
    }

    /// Calls `name` with each order that a node is still to announce.
    pub(super) fn name_gossiped(&self, mut name: impl FnMut(OrderIndex)) {
        for NodeState { beats, cached, .. } in self.nodes.iter().filter(|node| node.beats.gossips()) {
            let next = beats.next_asked().unwrap_or(0);
            cached.announced(self.windows, next).for_each(|order_hop| name(order_hop.order));
        }
    }
}

/// Announces these orders to these peers, in as many messages as they need.
fn send_ihave<C: Context>(context: &mut C, to: &[NodeId], orders: &[OrderHop]) {
    for part in orders.chunks(1 + TAIL_WORDS_MAX) {
        let tail: SmallVec<[u64; 8]> = part[1..].iter().map(|order_hop| order_hop.to_word()).collect();
        context.forward(to, Kind::HAVE, part[0], &tail);
    }
}

/// Moves `count` random items to the front, or all if there are fewer, and returns them.
fn chosen<'a, T>(draws: &mut Stream, items: &'a mut [T], count: usize) -> &'a [T] {
    let count = count.min(items.len());
    for step in 0..count {
        let picked = step + draws.below((items.len() - step) as u64) as usize;
        items.swap(step, picked);
    }
    &items[..count]
}

/// The longest backoff that a node grants a peer, in milliseconds.
const BACKOFF_MILLIS_MAX: u64 = 24 * 3_600 * 1_000;
