//! Dials: every node opens connections to `peers` others, as the nodes of Bitcoin and Ethereum do, and who opened each
//! is on record. Links carry messages both ways.
//!
//! Nodes dial in the order of their ids. Each draws uniformly among the nodes that accept connections, and draws again
//! if it draws itself or a node that it is connected to already, whichever of the two had dialled. A node so has
//! `peers` links of its own and those from the nodes that have dialled it, 2 · `peers` on average. Where only a share
//! of the nodes accepts, because the others are behind a firewall, each that does accepts `peers` / share on average.
//!
//! A node that is connected to all that accept dials no more: the only case of fewer than `peers` links of its own.

use super::alloc;
use super::csr::CsrGraph;
use super::edges::EdgeBuffer;
use super::{Topology, TopologyError};
use crate::ids::NodeId;
use crate::random::{Key, Stream};
use crate::ratio::Ratio;
use crate::sync::Lookout;

/// The end of a list of links.
const NONE: u32 = u32::MAX;

/// The ends that opened the links: a bit for each entry of the rows, set at the end that dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DialBits(Vec<u64>);

impl DialBits {
    /// Returns true if the node whose row holds this entry dialled it.
    #[inline]
    pub(super) fn has(&self, entry: usize) -> bool {
        self.0[entry / 64] >> (entry % 64) & 1 == 1
    }

    /// Records the dials of all nodes: for each link its dialler and the node that accepted, diallers ascending.
    fn of(rows: &CsrGraph, links: &[[u32; 2]], lookout: &mut Lookout<'_>) -> Result<DialBits, TopologyError> {
        let mut bits = alloc::filled((rows.entries() as usize).div_ceil(64), 0u64, lookout)?;
        for &[dialler, acceptor] in links {
            lookout.work(1)?;
            let entry = rows.entry(NodeId(dialler), NodeId(acceptor)).expect("a dial is an entry of its dialler's row");
            bits[entry / 64] |= 1 << (entry % 64);
        }
        Ok(DialBits(bits))
    }
}

/// Returns the number of nodes that accept connections, rounded up.
pub(super) fn accepting(nodes: u32, reachable: Ratio) -> u32 {
    reachable.ceil_of(u64::from(nodes)) as u32
}

/// Lets each of `nodes` nodes dial `peers` of those that accept connections; `peers` is less than their number.
///
/// # Errors
///
/// Returns an error if there are too many links to store, memory is short, or the user interrupts the build.
pub(super) fn build(
    nodes: u32,
    peers: u32,
    reachable: Ratio,
    key: Key,
    lookout: &mut Lookout<'_>,
) -> Result<Topology, TopologyError> {
    let mut stream = key.stream();
    let acceptors = acceptors(nodes, accepting(nodes, reachable), &mut stream, lookout)?;
    let mut dialling = Dialling::new(nodes, peers, acceptors, lookout)?;
    for node in 0..nodes {
        lookout.work(peers.into())?;
        dialling.dial(node, peers, &mut stream);
    }
    // The rest is dropped here, and its memory is free for the rows.
    let Dialling { links: buffer, .. } = dialling;
    let mut links = alloc::reserved(buffer.len())?;
    links.extend_from_slice(buffer.links());
    let rows = buffer.into_rows(lookout)?;
    let dials = DialBits::of(&rows, &links, lookout)?;
    Ok(Topology::dialled_rows(rows, dials))
}

/// Draws the nodes that accept connections, in ascending order.
fn acceptors(
    nodes: u32,
    accepting: u32,
    stream: &mut Stream,
    lookout: &mut Lookout<'_>,
) -> Result<Vec<u32>, TopologyError> {
    let mut chosen = alloc::reserved(accepting as usize)?;
    // Selection sampling (Knuth, volume 2, algorithm S): every set of this size is equally likely.
    for node in 0..nodes {
        lookout.work(1)?;
        let missing = u64::from(accepting) - chosen.len() as u64;
        if missing > 0 && (missing == u64::from(nodes - node) || stream.below((nodes - node).into()) < missing) {
            chosen.push(node);
        }
    }
    Ok(chosen)
}

/// The links that the nodes so far have opened.
struct Dialling {
    links: EdgeBuffer,
    /// Nodes that accept connections, ascending.
    acceptors: Vec<u32>,
    /// The latest link from another node to each node, and for each link the one before it to the same node: the
    /// links that a node has before it dials.
    latest: Vec<u32>,
    before: Vec<u32>,
    /// The latest node that is connected to each node, so that none dials a node twice.
    connected_to: Vec<u32>,
}

impl Dialling {
    fn new(nodes: u32, peers: u32, acceptors: Vec<u32>, lookout: &mut Lookout<'_>) -> Result<Dialling, TopologyError> {
        let most = u64::from(nodes) * u64::from(peers);
        Ok(Dialling {
            links: EdgeBuffer::with_room(nodes, most)?,
            acceptors,
            latest: alloc::filled(nodes as usize, NONE, lookout)?,
            before: alloc::reserved(most as usize)?,
            connected_to: alloc::filled(nodes as usize, NONE, lookout)?,
        })
    }

    /// Opens the links of one node.
    fn dial(&mut self, node: u32, peers: u32, stream: &mut Stream) {
        let open = self.acceptors.len() - self.connect(node);
        if open <= peers as usize || open < self.acceptors.len() / 2 {
            return self.dial_listed(node, peers, stream);
        }
        // Draws repeat little: half of the acceptors are open before the first, and one is left after the last.
        for _ in 0..peers {
            let acceptor = loop {
                let drawn = self.acceptors[stream.below(self.acceptors.len() as u64) as usize];
                if self.connected_to[drawn as usize] != node {
                    break drawn;
                }
            };
            self.link(node, acceptor);
        }
    }

    /// Opens the links of a node that is connected to most acceptors, or that takes all that are left: from a list of
    /// those, because draws would mostly repeat.
    fn dial_listed(&mut self, node: u32, peers: u32, stream: &mut Stream) {
        let connected_to = &self.connected_to;
        let mut open: Vec<u32> =
            self.acceptors.iter().copied().filter(|&acceptor| connected_to[acceptor as usize] != node).collect();
        for _ in 0..peers.min(open.len() as u32) {
            let drawn = open.swap_remove(stream.below(open.len() as u64) as usize);
            self.link(node, drawn);
        }
    }

    /// Marks the nodes that a node is connected to, and itself; returns how many of them are acceptors.
    fn connect(&mut self, node: u32) -> usize {
        let mut acceptors = 0;
        let mut mark = |marked: u32, all: &[u32]| {
            self.connected_to[marked as usize] = node;
            acceptors += usize::from(all.binary_search(&marked).is_ok());
        };
        mark(node, &self.acceptors);
        let mut link = self.latest[node as usize];
        while link != NONE {
            mark(self.links.links()[link as usize][0], &self.acceptors);
            link = self.before[link as usize];
        }
        acceptors
    }

    fn link(&mut self, node: u32, acceptor: u32) {
        self.connected_to[acceptor as usize] = node;
        self.before.push(std::mem::replace(&mut self.latest[acceptor as usize], self.links.len() as u32));
        self.links.push(node, acceptor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::TopologySpec;

    fn built(spec: &str, nodes: u32, peers: u32, seed: u64) -> Topology {
        spec.parse::<TopologySpec>().unwrap().build(nodes, peers, seed).unwrap()
    }

    /// Returns the number of links that each node opened, and the number of those that it accepted.
    fn dials(topology: &Topology) -> Vec<[u32; 2]> {
        let count = |node| {
            let opened = topology.peers(node).filter(|&peer| topology.dialled(node, peer).unwrap()).count() as u32;
            [opened, topology.degree(node) - opened]
        };
        (0..topology.nodes()).map(NodeId).map(count).collect()
    }

    /// Every node opens as many links as asked, each is seen from both ends, and none is double.
    #[test]
    fn each_node_dials_that_many_others() {
        for (nodes, peers) in [(2, 1), (50, 8), (1_000, 8), (300, 40)] {
            let topology = built("dials", nodes, peers, 7);
            assert!(dials(&topology).iter().all(|&[opened, _]| opened == peers) || nodes < 3 * peers);
            for node in (0..nodes).map(NodeId) {
                assert!(topology.peers(node).is_sorted() && topology.peers(node).all(|peer| peer != node));
                for peer in topology.peers(node) {
                    let ends = [topology.dialled(node, peer).unwrap(), topology.dialled(peer, node).unwrap()];
                    assert_ne!(ends[0], ends[1], "{node} and {peer}");
                }
            }
        }
        // 8 dials of each of 10,000 nodes are 80,000 links, and 160,000 announcements of a flood of them.
        assert_eq!(built("dials", 10_000, 8, 7).links(), 80_000);
    }

    /// The links that a node accepts are Poisson distributed: mean and variance are the number of dials.
    #[test]
    fn accepted_links_are_spread_as_by_chance() {
        let topology = built("dials", 20_000, 8, 7);
        let accepted: Vec<f64> = dials(&topology).iter().map(|&[_, accepted]| f64::from(accepted)).collect();
        let mean = accepted.iter().sum::<f64>() / 20_000.0;
        let variance = accepted.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert_eq!(mean, 8.0);
        // The variance of a sample of 20,000 deviates by 1 %, and draws without repeats lessen it by 0.1 %.
        assert!((variance - 8.0).abs() < 0.5, "{variance}");
    }

    #[test]
    fn only_reachable_nodes_accept() {
        let topology = built("dials:reachable=0.1", 20_000, 8, 7);
        let dials = dials(&topology);
        let accepting: Vec<_> = dials.iter().filter(|&&[_, accepted]| accepted > 0).collect();
        assert_eq!(accepting.len(), 2_000, "each has 80 links from others, so that none has 0");
        assert!(dials.iter().all(|&[opened, _]| opened == 8));
        assert_eq!(topology.links(), 160_000);
    }

    /// Where hardly anybody accepts, nodes take what is left: the acceptors are all connected to each other.
    #[test]
    fn few_acceptors_leave_fewer_links() {
        let topology = built("dials:reachable=0.1", 100, 9, 7);
        let dials = dials(&topology);
        let accepting: Vec<usize> = (0..100).filter(|&node| dials[node][1] > 0).collect();
        assert_eq!(accepting.len(), 10);
        // 10 acceptors have 45 links with each other; the 90 others dial 9 each.
        assert_eq!(topology.links(), 45 + 90 * 9);
        assert!((0..100).all(|node| accepting.contains(&node) || dials[node] == [9, 0]));
    }

    #[test]
    fn the_same_seed_gives_the_same_dials() {
        assert_eq!(built("dials", 500, 8, 3), built("dials", 500, 8, 3));
        assert_ne!(built("dials", 500, 8, 3), built("dials", 500, 8, 4));
    }
}
