//! The place where one worker waits: for its sockets, for another worker of its process, for another process.
//!
//! All carriers here wait in mio's poll; a carrier that waits in something else (an io_uring, say) implements
//! [`Wakeup`](super::Wakeup) by itself.

use super::{ReceiveWaker, TransportError};
use crate::sys::ProcessWaker;
use mio::event::Source;
use mio::{Events, Interest, Poll, Token, Waker};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The token of the wakers; sockets have theirs from 0 on.
const WAKER: Token = Token(usize::MAX);

/// One worker's poll, with a waker that ends it.
pub(super) struct Poller {
    poll: Poll,
    waker: Arc<Waker>,
    events: Events,
}

impl Poller {
    /// Opens a poll that takes up to `events` events from the kernel at a time.
    pub(super) fn new(events: usize) -> Result<Poller, TransportError> {
        let poll = Poll::new().map_err(TransportError::new("opening an event queue"))?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(TransportError::new("opening a waker"))?;
        Ok(Poller { poll, waker: Arc::new(waker), events: Events::with_capacity(events) })
    }

    /// Watches a socket, which [`ready`](Self::ready) then reports by its index.
    pub(super) fn watch(&self, socket: &mut impl Source, index: usize) -> io::Result<()> {
        self.poll.registry().register(socket, Token(index), Interest::READABLE)
    }

    /// Waits until an event comes, for `timeout` at the longest; false if a signal ended the wait. `doing` names the
    /// wait in an error.
    pub(super) fn wait(&mut self, timeout: Duration, doing: &str) -> Result<bool, TransportError> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(cause) => Err(TransportError { doing: doing.to_owned(), cause }),
        }
    }

    /// Returns the sockets that the last wait found readable, by their indices.
    pub(super) fn ready(&self) -> impl Iterator<Item = usize> + '_ {
        self.events.iter().filter(|event| event.token() != WAKER).map(|event| event.token().0)
    }

    /// Returns a waker that ends a wait from another thread.
    pub(super) fn waker(&self) -> Arc<dyn ReceiveWaker> {
        Arc::<Waker>::clone(&self.waker)
    }

    /// Makes a wait end on a process waker, too.
    pub(super) fn listen(&self, process_waker: &ProcessWaker) -> Result<(), TransportError> {
        let registered = process_waker.register(self.poll.registry(), WAKER);
        registered.map_err(TransportError::new("listening to the process waker"))
    }
}

impl ReceiveWaker for Waker {
    fn wake(&self) -> io::Result<()> {
        Waker::wake(self)
    }
}
