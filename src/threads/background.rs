//! Starts a thread that accompanies a run and has no share of its work.
//!
//! Such a thread waits for something outside: a socket, or another process that may never answer. Nobody joins it, so
//! that a run does not wait for it either; it ends by its own deadline or with the process.

use super::ThreadError;
use std::thread;

/// Starts a thread of the given name that is never joined.
///
/// # Errors
///
/// [`ThreadError::Refused`] if the system refuses the thread.
pub fn spawn_background(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), ThreadError> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map(|_| ()).map_err(|cause| ThreadError::Refused { thread: 0, threads: 1, cause })
}
