//! A part of an overlay: the rows of the nodes of one process, which asks the others for what needs all rows.
//!
//! Erdős–Rényi draws any rows apart from all others, and computed rows are stored for any nodes. The other families
//! draw links one after another, so that each process builds all rows.

use super::bfs::Reachability;
use super::csr::CsrBuilder;
use super::{MATERIALIZED_BATCH, Topology, TopologyError, TopologySpec, WholeOverlay, erdos_renyi};
use crate::ids::NodeId;
use crate::random::{Key, Purpose};
use crate::sync::{Interrupt, Interrupted, Lookout};
use std::io;
use std::ops::Range;

/// The other processes, each of which has the rows of other nodes.
pub trait PartExchange {
    /// Returns the number of this process.
    fn process(&self) -> usize;

    /// Returns the number of processes.
    fn processes(&self) -> usize;

    /// Sends each process the words at its place, and returns those that each has sent here, by process. All processes
    /// call this in turn.
    ///
    /// # Errors
    ///
    /// If a connection fails.
    fn exchange(&mut self, words: &[Vec<u32>]) -> io::Result<Vec<Vec<u32>>>;
}

/// The reason why processes could not put an overlay together.
#[derive(Debug, thiserror::Error)]
pub enum OverlayPartError {
    /// The part cannot be built or stored.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The user interrupted the search.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The processes could not exchange what they know.
    #[error("the processes cannot tell each other of their parts of the overlay: {0}; start all of them again")]
    Exchange(#[from] io::Error),
}

impl TopologySpec {
    /// Returns true if a process can build the rows of some nodes without those of others.
    pub fn has_parts(&self, nodes: u32, peers: u32) -> bool {
        matches!(self, TopologySpec::ErdosRenyi) && peers + 1 < nodes
    }

    /// Builds the rows of the nodes of this process alone, for a family that has parts.
    ///
    /// # Errors
    ///
    /// `OverlayPartError` if the part cannot be built, or if the others do not answer.
    pub fn build_part(
        &self,
        (nodes, peers, seed): (u32, u32, u64),
        own: &Range<u32>,
        others: &mut dyn PartExchange,
        interrupt: &Interrupt,
    ) -> Result<Topology, OverlayPartError> {
        self.check(nodes, peers)?;
        let key = Key::new(seed, Purpose::Topology).with(self.word());
        let rows = erdos_renyi::part(nodes, peers, key, own, &mut Lookout::new(interrupt))?;
        let (entries, longest) = (rows.entries(), rows.longest());
        let told = [entries as u32, (entries >> u32::BITS) as u32, longest];
        let sums = others.exchange(&vec![told.to_vec(); others.processes()])?;
        let mut whole = WholeOverlay { links: entries, max_degree: longest };
        for (_, words) in sums.iter().enumerate().filter(|&(process, _)| process != others.process()) {
            let &[low, high, longest] = &words[..] else {
                return Err(io::Error::from(io::ErrorKind::InvalidData).into());
            };
            whole.links += u64::from(low) | u64::from(high) << u32::BITS;
            whole.max_degree = whole.max_degree.max(longest);
        }
        // Each link is an entry at either end.
        whole.links /= 2;
        Ok(Topology { whole: Some(whole), ..Topology::stored(rows) })
    }
}

impl Topology {
    /// Returns the same overlay with the rows of these nodes stored, of one that is computed.
    ///
    /// # Errors
    ///
    /// [`TopologyError`] if there are too many rows to store, memory is short, or the user interrupts the work.
    pub fn materialized_part(&self, own: &Range<u32>, interrupt: &Interrupt) -> Result<Topology, TopologyError> {
        let (nodes, mut lookout) = (self.nodes(), Lookout::new(interrupt));
        let room = (u128::from(self.entries()) * own.len() as u128).div_ceil(u128::from(nodes.max(1)));
        let mut rows = CsrBuilder::of_part(nodes, own, room as u64)?;
        for first in own.clone().step_by(MATERIALIZED_BATCH) {
            rows.begin(MATERIALIZED_BATCH as u32);
            for node in first..own.end.min(first.saturating_add(MATERIALIZED_BATCH as u32)) {
                let row = self.peers(NodeId(node));
                lookout.work(row.len() as u64 + 1)?;
                row.for_each(|peer| rows.add(node, peer.0));
            }
            rows.end()?;
        }
        let whole = WholeOverlay { links: self.links(), max_degree: self.max_degree() };
        Ok(Topology { whole: Some(whole), ..Topology::stored(rows.finish()) })
    }

    /// Counts the nodes at each distance from `origin`, together with the processes that have the other rows. `owner`
    /// returns the process of a node.
    ///
    /// # Errors
    ///
    /// `OverlayPartError` if the user interrupts the search, or if the others do not answer.
    pub fn reach_in_parts(
        &self,
        origin: NodeId,
        owner: impl Fn(NodeId) -> usize,
        others: &mut dyn PartExchange,
        interrupt: &Interrupt,
    ) -> Result<Reachability, OverlayPartError> {
        let (own, mut lookout) = (others.process(), Lookout::new(interrupt));
        let mut seen = vec![0_u64; (self.nodes() as usize).div_ceil(u64::BITS as usize)];
        // A node of another process is sent there once, which is what its bit says here.
        let mut mark = move |node: NodeId| {
            let (word, bit) = (&mut seen[node.index() / 64], 1 << (node.0 % 64));
            std::mem::replace(word, *word | bit) & bit == 0
        };
        mark(origin);
        let mut latest = if owner(origin) == own { vec![origin] } else { Vec::new() };
        let mut by_depth = Vec::new();
        loop {
            // How many nodes are at this distance, and the nodes that may be at the next.
            let mut words = vec![vec![latest.len() as u32]; others.processes()];
            let mut next = Vec::new();
            for &node in &latest {
                lookout.work(u64::from(self.degree(node)) + 1)?;
                for peer in self.peers(node).filter(|&peer| mark(peer)) {
                    match owner(peer) {
                        process if process == own => next.push(peer),
                        process => words[process].push(peer.0),
                    }
                }
            }
            let told = others.exchange(&words)?;
            let mut count = latest.len() as u32;
            for (_, words) in told.iter().enumerate().filter(|&(process, _)| process != own) {
                let [of_process, nodes @ ..] = &words[..] else {
                    return Err(io::Error::from(io::ErrorKind::InvalidData).into());
                };
                count += of_process;
                let is_own = |&&node: &&u32| node < self.nodes() && owner(NodeId(node)) == own;
                next.extend(nodes.iter().filter(is_own).map(|&node| NodeId(node)).filter(|&node| mark(node)));
            }
            if count == 0 {
                return Ok(Reachability::new(by_depth));
            }
            by_depth.push(count);
            latest = next;
        }
    }

    /// Returns true if the overlay is a part, so that a search needs the other parts.
    pub fn is_part(&self) -> bool {
        self.whole.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::reach;
    use parking_lot::Mutex;
    use proptest::prelude::*;
    use std::sync::Barrier;
    use std::thread;

    /// Processes that are threads of this one.
    struct Threads<'a> {
        process: usize,
        barrier: &'a Barrier,
        words: &'a Mutex<Vec<Vec<Vec<u32>>>>,
    }

    impl PartExchange for Threads<'_> {
        fn process(&self) -> usize {
            self.process
        }

        fn processes(&self) -> usize {
            self.words.lock().len()
        }

        fn exchange(&mut self, words: &[Vec<u32>]) -> io::Result<Vec<Vec<u32>>> {
            self.words.lock()[self.process] = words.to_vec();
            self.barrier.wait();
            let told = self.words.lock().iter().map(|words| words[self.process].clone()).collect();
            self.barrier.wait();
            Ok(told)
        }
    }

    /// Calls `act` for each of these processes, with its nodes and the connections with the others.
    fn together<R: Send>(nodes: u32, processes: u32, act: impl Fn(Range<u32>, &mut Threads<'_>) -> R + Sync) -> Vec<R> {
        let (barrier, words) = (Barrier::new(processes as usize), Mutex::new(vec![Vec::new(); processes as usize]));
        let (act, barrier, words) = (&act, &barrier, &words);
        thread::scope(|scope| {
            let start = |process: u32| {
                let own = bound(process, nodes, processes)..bound(process + 1, nodes, processes);
                scope.spawn(move || act(own, &mut Threads { process: process as usize, barrier, words }))
            };
            let started: Vec<_> = (0..processes).map(start).collect();
            started.into_iter().map(|process| process.join().unwrap()).collect()
        })
    }

    fn bound(process: u32, nodes: u32, processes: u32) -> u32 {
        (u64::from(process) * u64::from(nodes) / u64::from(processes)) as u32
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn parts_make_the_whole(
            nodes in prop_oneof![4_u32..60, 8_000_u32..20_000], peers in 1_u32..4, seed in any::<u64>(),
            processes in 1_u32..4, origin in any::<u32>(),
        ) {
            let whole = TopologySpec::ErdosRenyi.build(nodes, peers.min(nodes - 2), seed).unwrap();
            let (origin, interrupt) = (NodeId(origin % nodes), Interrupt::new());
            let owner = |node: NodeId| {
                (0..processes).position(|process| node.0 < bound(process + 1, nodes, processes)).unwrap()
            };
            let found = together(nodes, processes, |own, others| {
                let size = (nodes, peers.min(nodes - 2), seed);
                let part = TopologySpec::ErdosRenyi.build_part(size, &own, others, &interrupt).unwrap();
                let reach = part.reach_in_parts(origin, owner, others, &interrupt).unwrap();
                (own, part, reach)
            });
            for (own, part, reached) in found {
                for node in (0..nodes).map(NodeId) {
                    let row = if own.contains(&node.0) { whole.row(node).unwrap() } else { &[] };
                    prop_assert_eq!(part.row(node).unwrap(), row);
                }
                prop_assert_eq!((part.nodes(), part.links(), part.max_degree()),
                    (nodes, whole.links(), whole.max_degree()));
                prop_assert_eq!(Some(reached), reach(&whole, origin));
            }
        }

        #[test]
        fn computed_rows_are_stored_for_some_nodes(
            nodes in 10_u32..5_000, seed in any::<u64>(), ends in any::<[u32; 2]>(),
        ) {
            let computed = TopologySpec::RegularImplicit.build(nodes, 6, seed).unwrap();
            let own = ends[0].min(ends[1]) % nodes..nodes.min(ends[0].max(ends[1]) % nodes + 1);
            let own = own.start.min(own.end)..own.end.max(own.start);
            let (interrupt, whole) = (Interrupt::new(), computed.materialized(&Interrupt::new()).unwrap().unwrap());
            let part = computed.materialized_part(&own, &interrupt).unwrap();
            prop_assert_eq!((part.nodes(), part.links()), (nodes, computed.links()));
            for node in (0..nodes).map(NodeId) {
                let row = if own.contains(&node.0) { whole.row(node).unwrap() } else { &[] };
                prop_assert_eq!(part.row(node).unwrap(), row);
            }
        }
    }
}
