//! Linux: an event counter that every worker's poll listens to, in whichever process. It is written and never read,
//! because each write is an event for all listeners.

#![allow(unsafe_code)]

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A waker for all workers of a run.
pub struct ProcessWaker {
    counter: File,
}

impl ProcessWaker {
    /// Creates a waker.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no descriptor.
    pub fn new() -> io::Result<ProcessWaker> {
        // SAFETY: the call takes two integers.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was opened above and has no other owner.
        ProcessWaker::inherited(File::from(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// Opens another process's waker from its descriptor.
    ///
    /// # Errors
    ///
    /// Never on Linux; other systems have no such wakers.
    pub fn inherited(counter: File) -> io::Result<ProcessWaker> {
        Ok(ProcessWaker { counter })
    }

    /// Returns the descriptor's number, by which a process that inherits it opens it.
    pub fn descriptor(&self) -> i32 {
        self.counter.as_raw_fd()
    }

    /// Wakes all listeners.
    ///
    /// # Errors
    ///
    /// The system's error; no cause for one is known.
    pub fn wake(&self) -> io::Result<()> {
        (&self.counter).write_all(&1_u64.to_ne_bytes())
    }

    /// Makes a poll listen to the waker.
    pub(crate) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.counter.as_raw_fd()), token, Interest::READABLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll};
    use std::time::Duration;

    #[test]
    fn every_wake_reaches_all_listeners() {
        let process_waker = ProcessWaker::new().unwrap();
        let mut polls = [Poll::new().unwrap(), Poll::new().unwrap()];
        polls.iter().for_each(|poll| process_waker.register(poll.registry(), Token(7)).unwrap());
        for _ in 0..2 {
            process_waker.wake().unwrap();
            for poll in &mut polls {
                let mut events = Events::with_capacity(4);
                poll.poll(&mut events, Some(Duration::from_secs(60))).unwrap();
                assert_eq!(events.iter().map(|event| event.token()).collect::<Vec<_>>(), [Token(7)]);
                poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
                assert!(events.is_empty(), "one event per wake");
            }
        }
    }
}
