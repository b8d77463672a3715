//! Computes many slots at once in SIMD lanes, for a whole batch of forwards.
//!
//! A slot takes some fifty simple steps without a branch, and one after the other they leave most of a processor idle.
//! The same code is therefore compiled for 8 or 4 slots at a time, and the widest version that the processor supports
//! is chosen at run time. All versions give the same ids, which a test checks.

#![allow(unsafe_code)]

use super::{Implicit, PermutationSlot};
use crate::ids::NodeId;
use std::ops::Range;

/// Slots that are computed side by side.
const LANES: usize = 16;

impl Implicit {
    /// Fills `peers[k]` with the node in `slots[k]` of `nodes[k]`, for each k, as [`at`](Self::at) returns it. The
    /// three slices have equal length.
    pub fn fill(&self, nodes: &[NodeId], slots: &[u16], peers: &mut [NodeId]) {
        let length = peers.len().min(nodes.len()).min(slots.len());
        let whole = length - length % LANES;
        self.fill_lanes(&nodes[..whole], &slots[..whole], &mut peers[..whole]);
        self.walk_on(nodes, slots, peers, 0..whole);
        for k in whole..length {
            peers[k] = self.at(nodes[k], u32::from(slots[k]));
        }
    }

    /// Applies one permutation step to each, with the widest instructions available.
    #[cfg(target_arch = "x86_64")]
    fn fill_lanes(&self, nodes: &[NodeId], slots: &[u16], peers: &mut [NodeId]) {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the processor has the features that the function is compiled for.
            unsafe { self.fill_avx512(nodes, slots, peers) }
        } else if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the features that the function is compiled for.
            unsafe { self.fill_avx2(nodes, slots, peers) }
        } else {
            self.step_each(nodes, slots, peers);
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn fill_lanes(&self, nodes: &[NodeId], slots: &[u16], peers: &mut [NodeId]) {
        self.step_each(nodes, slots, peers);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    fn fill_avx512(&self, nodes: &[NodeId], slots: &[u16], peers: &mut [NodeId]) {
        self.step_each(nodes, slots, peers);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn fill_avx2(&self, nodes: &[NodeId], slots: &[u16], peers: &mut [NodeId]) {
        self.step_each(nodes, slots, peers);
    }

    /// Applies the step to whole groups of lanes. It is inlined into each of its callers, and so compiled for their
    /// processor features.
    #[inline(always)]
    fn step_each(&self, nodes: &[NodeId], slots: &[u16], peers: &mut [NodeId]) {
        let lanes = nodes.chunks_exact(LANES).zip(slots.chunks_exact(LANES)).zip(peers.chunks_exact_mut(LANES));
        let shape = self.shape;
        for ((nodes, slots), peers) in lanes {
            let mut keys = [[0; LANES]; 2];
            for lane in 0..LANES {
                let slot = self.slots[usize::from(slots[lane])];
                (keys[0][lane], keys[1][lane]) = (slot.0[0], slot.0[1]);
            }
            let mut places = [0; LANES];
            for lane in 0..LANES {
                places[lane] = shape.step(u64::from(nodes[lane].0), PermutationSlot([keys[0][lane], keys[1][lane]]));
            }
            for lane in 0..LANES {
                peers[lane] = NodeId(places[lane] as u32);
            }
        }
    }

    /// Repeats the step for places that are not ids: at most one in the square root of all.
    fn walk_on(&self, nodes: &[NodeId], slots: &[u16], peers: &mut [NodeId], lanes: Range<usize>) {
        let outside = |peers: &[NodeId]| peers.iter().any(|&peer| !self.shape.holds(peer.0));
        for first in lanes.step_by(LANES) {
            if outside(&peers[first..first + LANES]) {
                for k in first..first + LANES {
                    peers[k] = self.at(nodes[k], u32::from(slots[k]));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose};

    /// The dispatched version, the plain loop and single slots agree on every processor, at every length, and with ids
    /// to walk over.
    #[test]
    fn lanes_and_single_slots_agree() {
        for nodes in [1_000, 4_097, 1_000_000_000, u32::MAX] {
            let implicit = Implicit::new(nodes, 20, Key::new(7, Purpose::Topology));
            let mut stream = Key::new(nodes.into(), Purpose::Targets).stream();
            for length in [0, 1, 15, 16, 17, 512, 1_003] {
                let from: Vec<NodeId> = (0..length).map(|_| NodeId(stream.below(nodes.into()) as u32)).collect();
                let slots: Vec<u16> = (0..length).map(|_| stream.below(20) as u16).collect();
                let mut peers = vec![NodeId(0); length];
                implicit.fill(&from, &slots, &mut peers);
                let singly: Vec<NodeId> =
                    from.iter().zip(&slots).map(|(&from, &slot)| implicit.at(from, u32::from(slot))).collect();
                assert_eq!(peers, singly, "{nodes} {length}");
                let whole = length - length % LANES;
                let (mut plain, mut chosen) = (vec![NodeId(0); whole], vec![NodeId(0); whole]);
                implicit.step_each(&from[..whole], &slots[..whole], &mut plain);
                implicit.fill_lanes(&from[..whole], &slots[..whole], &mut chosen);
                assert_eq!(plain, chosen, "{nodes} {length}");
                #[cfg(target_arch = "x86_64")]
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has the features that the function is compiled for.
                    unsafe { implicit.fill_avx2(&from[..whole], &slots[..whole], &mut chosen) };
                    assert_eq!(plain, chosen, "{nodes} {length}");
                }
            }
        }
    }
}
