//! Computes many slots at once in SIMD lanes, for a whole batch of forwards.
//!
//! A slot takes some fifty simple steps without a branch, and slots computed one after the other leave most of a
//! processor idle. The same code is therefore compiled for 8 or 4 slots at a time, and the widest version that the
//! processor supports is chosen at run time. All versions give the same ids, which a test checks.

use super::{Implicit, PermutationSlot};
use crate::ids::NodeId;
use crate::simd::{self, SimdBatch};
use std::ops::Range;

/// Slots that are computed side by side.
const LANES: usize = 16;

impl Implicit {
    /// Fills `peers[k]` with the node in `slots[k]` of `nodes[k]`, for each k, as [`at`](Self::at) returns it. The
    /// three slices have equal length.
    pub fn fill(&self, nodes: &[NodeId], slots: &[u16], peers: &mut [NodeId]) {
        let length = peers.len().min(nodes.len()).min(slots.len());
        let whole = length - length % LANES;
        simd::run(FirstSteps {
            implicit: self,
            nodes: &nodes[..whole],
            slots: &slots[..whole],
            peers: &mut peers[..whole],
        });
        self.walk_on(nodes, slots, peers, 0..whole);
        for k in whole..length {
            peers[k] = self.at(nodes[k], u32::from(slots[k]));
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

/// The first step of each slot's walk, from a whole number of lanes.
struct FirstSteps<'a> {
    implicit: &'a Implicit,
    nodes: &'a [NodeId],
    slots: &'a [u16],
    peers: &'a mut [NodeId],
}

impl SimdBatch for FirstSteps<'_> {
    #[inline(always)]
    fn run(self) {
        let FirstSteps { implicit, nodes, slots, peers } = self;
        let lanes = nodes.chunks_exact(LANES).zip(slots.chunks_exact(LANES)).zip(peers.chunks_exact_mut(LANES));
        let shape = implicit.shape;
        for ((nodes, slots), peers) in lanes {
            // The keys are gathered first, because they lie at arbitrary indices; the loop over the steps then
            // vectorizes.
            let mut keys = [[0; LANES]; 2];
            for lane in 0..LANES {
                let slot = implicit.slots[usize::from(slots[lane])];
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
                let stepped = |run: &dyn Fn(FirstSteps<'_>)| {
                    let mut peers = vec![NodeId(0); whole];
                    run(FirstSteps {
                        implicit: &implicit,
                        nodes: &from[..whole],
                        slots: &slots[..whole],
                        peers: &mut peers,
                    });
                    peers
                };
                let plain = stepped(&|steps| steps.run());
                assert_eq!(plain, stepped(&|steps| simd::run(steps)), "{nodes} {length}");
                assert_eq!(plain, stepped(&|steps| simd::run_narrow(steps)), "{nodes} {length}");
            }
        }
    }
}
