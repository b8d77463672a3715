//! One process of a cluster, as timely connects it with the others.

use crate::sync::Interrupt;
use parking_lot::Mutex;
use std::io;
use std::ops::Range;
use timely::communication::Hooks;
use timely::communication::allocator::ProcessBuilder;
use timely::communication::allocator::zero_copy::allocator::TcpBuilder;
use timely::communication::allocator::zero_copy::initialize::{CommsGuard, initialize_networking_from_sockets};
use timely::communication::allocator::zero_copy::stream::Stream;

/// This process as one of a cluster, connected with all others.
pub struct ClusterMember {
    pub(super) process: usize,
    pub(super) processes: usize,
    pub(super) threads: usize,
    /// The ends of the connections, by shard of this process, until the shard takes its own.
    pub(super) builders: Mutex<Vec<Option<TcpBuilder>>>,
    /// The threads that read and write the connections. They end once all processes have taken leave.
    connections: Option<CommsGuard>,
    /// Raised when a shard of this process fails: the others then wait for it no longer.
    pub(super) broken: Interrupt,
}

impl ClusterMember {
    /// Hands connected sockets to timely: one for each process, in order, and `None` for this one. Every process has
    /// `threads` shards.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread or a second handle for a socket.
    pub fn new<S: Stream + 'static>(
        sockets: Vec<Option<S>>,
        process: usize,
        threads: usize,
    ) -> io::Result<ClusterMember> {
        let (processes, hooks) = (sockets.len(), Hooks::default());
        let local = ProcessBuilder::new_typed_vector(threads, hooks.refill.clone(), None);
        let (builders, connections) = initialize_networking_from_sockets(local, sockets, process, threads, hooks)?;
        Ok(ClusterMember {
            process,
            processes,
            threads,
            builders: Mutex::new(builders.into_iter().map(Some).collect()),
            connections: Some(connections),
            broken: Interrupt::new(),
        })
    }

    /// Returns the number of this process.
    pub fn process(&self) -> usize {
        self.process
    }

    /// Returns the shards of this process.
    pub fn shards(&self) -> Range<usize> {
        self.process * self.threads..(self.process + 1) * self.threads
    }

    /// Returns the number of shards of all processes.
    pub fn workers(&self) -> usize {
        self.processes * self.threads
    }
}

impl Drop for ClusterMember {
    fn drop(&mut self) {
        let builders = self.builders.get_mut();
        if self.broken.is_raised() || builders.iter().any(Option::is_some) {
            // The others may never take leave, and this process ends anyway: its connections end with it.
            std::mem::forget((self.connections.take(), std::mem::take(builders)));
        }
    }
}
