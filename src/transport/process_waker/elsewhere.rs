//! Any other system: runs have one process, and nobody asks for an alarm.

use mio::{Registry, Token};
use std::fs::File;
use std::io;

/// What never exists.
pub enum ProcessWaker {}

impl ProcessWaker {
    /// Not here.
    pub fn new() -> io::Result<ProcessWaker> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Not here.
    pub fn inherited(_: File) -> io::Result<ProcessWaker> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Of nothing.
    pub fn descriptor(&self) -> i32 {
        match *self {}
    }

    /// Of nothing.
    pub fn wake(&self) -> io::Result<()> {
        match *self {}
    }

    /// Of nothing.
    pub(in crate::transport) fn register(&self, _: &Registry, _: Token) -> io::Result<()> {
        match *self {}
    }
}
