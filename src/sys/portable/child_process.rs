//! Any other system: a run has one process, and more are refused.

use super::unsupported;
use std::fs::File;
use std::io;
use std::process::{Child, Command};
use std::time::Duration;

/// Not here.
pub(crate) fn prepare_child(_: &mut Command, _: &[i32]) -> io::Result<()> {
    unsupported()
}

/// Not here.
pub fn inherited(_: i32) -> io::Result<File> {
    unsupported()
}

/// Sees nothing.
pub(crate) struct ExitWatch;

impl ExitWatch {
    /// Of a child that was never started.
    pub(crate) fn new(_: &Child) -> ExitWatch {
        ExitWatch
    }
}

/// Sleeps for `most`.
pub(crate) fn sleep_until_exit<'a>(_: impl Iterator<Item = &'a ExitWatch>, most: Duration) -> bool {
    std::thread::park_timeout(most);
    true
}
