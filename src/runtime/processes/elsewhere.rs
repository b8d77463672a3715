//! Any other system: a run has one process, and more are refused.

use std::fs::File;
use std::io;
use std::process::{Child, Command};
use std::time::Duration;

/// Not here.
pub(super) fn prepare(_: &mut Command, _: &[i32]) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Not here.
pub fn inherited(_: i32) -> io::Result<File> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Sees nothing.
pub(super) struct ExitWatch;

impl ExitWatch {
    /// Of a child that was never started.
    pub(super) fn new(_: &Child) -> ExitWatch {
        ExitWatch
    }
}

/// Sleeps for `most`.
pub(super) fn sleep<'a>(_: impl Iterator<Item = &'a ExitWatch>, most: Duration) -> bool {
    std::thread::park_timeout(most);
    true
}
