//! Systems other than Linux: no memory is shared between processes, and every request for some fails.

use super::unsupported;
use std::fs::File;
use std::io;
use std::ptr::NonNull;

/// A type without values, because no such memory exists here.
pub enum SharedMemory {}

impl SharedMemory {
    /// Fails: unsupported on this system.
    pub fn create(_: u64) -> io::Result<SharedMemory> {
        unsupported()
    }

    /// Fails: unsupported on this system.
    pub fn open(_: File) -> io::Result<SharedMemory> {
        unsupported()
    }

    /// Is never called, because no value exists.
    pub fn descriptor(&self) -> i32 {
        match *self {}
    }

    /// Is never called, because no value exists.
    #[cfg(test)]
    pub fn bytes(&self) -> u64 {
        match *self {}
    }

    /// Is never called, because no value exists.
    pub(crate) fn start(&self) -> NonNull<u8> {
        match *self {}
    }

    /// Is never called, because no value exists.
    pub(crate) fn holds(&self, _: usize, _: usize) -> bool {
        match *self {}
    }
}

/// Fails: unsupported on this system.
pub fn file_in_memory() -> io::Result<File> {
    unsupported()
}
