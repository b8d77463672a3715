//! Systems other than Linux: runs have one process, and no process waker is requested.

use super::unsupported;
use mio::{Registry, Token};
use std::fs::File;
use std::io;

/// A type without values, because no process waker exists here.
pub enum ProcessWaker {}

impl ProcessWaker {
    /// Fails: unsupported on this system.
    pub fn new() -> io::Result<ProcessWaker> {
        unsupported()
    }

    /// Fails: unsupported on this system.
    pub fn inherited(_: File) -> io::Result<ProcessWaker> {
        unsupported()
    }

    /// Is never called, because no value exists.
    pub fn descriptor(&self) -> i32 {
        match *self {}
    }

    /// Is never called, because no value exists.
    pub fn wake(&self) -> io::Result<()> {
        match *self {}
    }

    /// Is never called, because no value exists.
    pub(crate) fn register(&self, _: &Registry, _: Token) -> io::Result<()> {
        match *self {}
    }
}
