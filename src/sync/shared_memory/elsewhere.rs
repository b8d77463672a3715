//! Any other system: no memory is shared between processes, and whoever asks for some is told so.

use std::fs::File;
use std::io;
use std::ptr::NonNull;

/// What never exists.
pub enum SharedMemory {}

impl SharedMemory {
    /// Not here.
    pub fn create(_: u64) -> io::Result<SharedMemory> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Not here.
    pub fn open(_: File) -> io::Result<SharedMemory> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Of nothing.
    pub fn descriptor(&self) -> i32 {
        match *self {}
    }

    /// Of nothing.
    pub fn bytes(&self) -> u64 {
        match *self {}
    }

    /// Of nothing.
    pub(in crate::sync) fn start(&self) -> NonNull<u8> {
        match *self {}
    }

    /// Of nothing.
    pub(in crate::sync) fn holds(&self, _: usize, _: usize) -> bool {
        match *self {}
    }
}

/// Not here.
pub fn file_in_memory() -> io::Result<File> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
