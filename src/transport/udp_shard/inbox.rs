//! The way in: which datagrams of a train are messages of this run, and what each lane's marks say is missing.

use super::road::Arrival as Train;
use super::{Came, End, ShardNetwork};
use crate::stats::Missing;
use crate::transport::{Arrival, TransportError};
use crate::wire::{self, HEADER_BYTES, Mark, Stray};
use std::io;
use std::net::SocketAddrV4;
use std::ops::Range;

/// All lanes into one shard.
pub(super) struct Inbox {
    train: Train,
    /// This shard's nodes.
    here: Range<u32>,
    lanes: Box<[Lane]>,
    /// Each shard by its address, sorted.
    senders: Box<[(SocketAddrV4, usize)]>,
}

/// What came from one shard.
struct Lane {
    /// Its nodes.
    nodes: Range<u32>,
    /// Messages let in.
    messages: u64,
    /// Packets that held any of this run's.
    packets: u64,
    /// Messages that were sent, as the latest mark says.
    through: u64,
}

impl Inbox {
    /// Lanes from all shards of the network into one.
    pub(super) fn new(network: &ShardNetwork, shard: usize) -> Inbox {
        let lanes: Box<[Lane]> = (0..network.addresses.len())
            .map(|shard| Lane { nodes: network.nodes_of(shard), messages: 0, packets: 0, through: 0 })
            .collect();
        let mut senders: Box<[_]> = network.addresses.iter().copied().zip(0..).collect();
        senders.sort_unstable();
        Inbox { train: Train::new(network.road), here: network.nodes_of(shard), lanes, senders }
    }

    /// Takes in one train and lists its messages; false where none was there.
    pub(super) fn receive(&mut self, end: &mut End<'_>, came: &mut Came<'_>) -> Result<bool, TransportError> {
        loop {
            end.counts.receive_calls += 1;
            match self.train.receive(end.socket) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    return Err(TransportError { doing: format!("receiving for shard {}", end.shard), cause });
                }
            }
        }
        self.sort(end, came);
        Ok(true)
    }

    /// The encoded order of a message in the last train.
    pub(super) fn body(&self, slot: u16) -> Option<&[u8]> {
        self.train.segment(usize::from(slot)).get(HEADER_BYTES..)
    }

    /// What the lanes' numbers say is missing. Where the last trains were dropped no mark tells of them: the sender's own
    /// numbers do, which stand still once everybody is idle.
    pub(super) fn missing(&self, end: &End<'_>) -> Missing {
        let mut missing = Missing::default();
        for (shard, lane) in self.lanes.iter().enumerate() {
            let announced = end.network.lanes.announced(shard, end.shard);
            missing.messages += announced.messages.max(lane.through).saturating_sub(lane.messages);
            missing.packets += announced.packets.saturating_sub(lane.packets);
        }
        missing
    }

    /// Tells messages, marks and strays apart.
    fn sort(&mut self, end: &mut End<'_>, came: &mut Came<'_>) {
        let mut at = 0;
        while at < self.train.segments() {
            let (source, next) = self.train.source(at);
            let sender = self.sender(source);
            let mut ours = 0;
            for at in at..next {
                match self.admit(at, sender, end, came) {
                    Ok(()) => ours += 1,
                    Err(stray) => end.counts.strays.add(stray),
                }
            }
            if let Some(sender) = sender
                && ours > 0
            {
                self.lanes[sender].packets += end.network.road.packets(ours);
            }
            at = next;
        }
    }

    #[inline]
    fn admit(&mut self, at: usize, sender: Option<usize>, end: &End<'_>, came: &mut Came<'_>) -> Result<(), Stray> {
        let segment = self.train.segment(at);
        if wire::is_mark(segment) {
            let mark = end.network.gate.admit_mark(segment)?;
            return self.heed(mark, sender, end);
        }
        let (message, body) = end.network.gate.admit(segment, |to| self.here.contains(&to.0))?;
        let bytes = segment.len() as u16;
        let lane = &mut self.lanes[sender.ok_or(Stray::WrongSource)?];
        if !lane.nodes.contains(&message.from.0) {
            return Err(Stray::WrongSource);
        }
        lane.messages += 1;
        if message.tail > 0 {
            came.tails.extend(wire::tail(body));
        }
        came.arrivals.push(Arrival { message, bytes, slot: at as u16 });
        Ok(())
    }

    /// Takes a mark's numbers over and gives the lane its credit back.
    fn heed(&mut self, mark: Mark, sender: Option<usize>, end: &End<'_>) -> Result<(), Stray> {
        let sender = sender.ok_or(Stray::WrongSource)?;
        if (mark.from as usize, mark.to as usize) != (sender, end.shard) {
            return Err(Stray::UnknownNode);
        }
        let lane = &mut self.lanes[sender];
        // Marks may overtake each other where the kernel handles them on two cores; the sums never go back.
        if mark.messages >= lane.through {
            lane.through = mark.messages;
            end.network.lanes.consume(sender, end.shard, mark.charge);
        }
        Ok(())
    }

    /// Whose address this is.
    fn sender(&self, source: SocketAddrV4) -> Option<usize> {
        let found = self.senders.binary_search_by_key(&source, |&(address, _)| address);
        found.ok().map(|at| self.senders[at].1)
    }
}
