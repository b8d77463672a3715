//! Any other system: a run has one process, and several are rejected.

use super::unsupported;
use std::fs::File;
use std::io;
use std::process::{Child, Command};
use std::time::Duration;

/// Fails: unsupported on this system.
pub(crate) fn prepare_child(_: &mut Command, _: &[i32]) -> io::Result<()> {
    unsupported()
}

/// Fails: unsupported on this system.
pub fn inherited(_: i32) -> io::Result<File> {
    unsupported()
}

/// A watch that reports nothing.
pub(crate) struct ExitWatch;

impl ExitWatch {
    /// Creates a watch; never called, because no child is started.
    pub(crate) fn new(_: &Child) -> ExitWatch {
        ExitWatch
    }
}

/// Sleeps for `most`.
pub(crate) fn sleep_until_exit<'a>(_: impl Iterator<Item = &'a ExitWatch>, most: Duration) -> bool {
    std::thread::park_timeout(most);
    true
}
