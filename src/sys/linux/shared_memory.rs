//! Linux: memory that several processes map. It has no name, its size is sealed, and it is freed with the last process
//! that maps it.
//!
//! Rejected: a name in `/dev/shm`, which outlives processes that were killed.

#![allow(unsafe_code)]

use super::check;
use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};

/// A mapping and the descriptor under which others can map the same memory.
pub struct SharedMemory {
    file: File,
    start: NonNull<u8>,
    bytes: usize,
}

impl SharedMemory {
    /// Creates and maps at least `bytes` of zeroed memory, all of it allocated by the system, whose size cannot change.
    ///
    /// # Errors
    ///
    /// The system's error if it has no such memory or no descriptor left.
    pub fn create(bytes: u64) -> io::Result<SharedMemory> {
        let file = file_in_memory()?;
        let bytes = bytes.max(1);
        file.set_len(bytes)?;
        let length = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
        // A sparse file would be killed with SIGBUS at its first write once memory has run out; `fallocate` fails
        // instead.
        // SAFETY: the descriptor is open; memory is touched through the kernel alone.
        check(unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, length) })?;
        // SAFETY: the descriptor is open; seals change nothing but what may be done to its size.
        check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_SHRINK | libc::F_SEAL_GROW) })?;
        SharedMemory::open(file)
    }

    /// Maps a memory that was created elsewhere.
    ///
    /// # Errors
    ///
    /// The system's error, or that the file could shrink under the mapping.
    pub fn open(file: File) -> io::Result<SharedMemory> {
        // SAFETY: the descriptor is open, and the call only reads its seals.
        let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
        check(seals)?;
        if seals & libc::F_SEAL_SHRINK == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the file is no sealed memory"));
        }
        let bytes = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no other memory. The file cannot shrink,
        // so all of it stays mapped. `MAP_POPULATE` maps its pages now, so that the first messages do not.
        let start = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let flags = libc::MAP_SHARED | libc::MAP_POPULATE;
            libc::mmap(ptr::null_mut(), bytes, protection, flags, file.as_raw_fd(), 0)
        };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(SharedMemory { file, start, bytes }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Returns the descriptor's number, by which a process that inherits it opens it.
    pub fn descriptor(&self) -> i32 {
        self.file.as_raw_fd()
    }

    /// Returns the mapped bytes.
    #[cfg(test)]
    pub fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    /// Returns the first byte, on a page border.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Returns true if `bytes` from offset `at` on are mapped.
    pub(crate) fn holds(&self, at: usize, bytes: usize) -> bool {
        at.checked_add(bytes).is_some_and(|end| end <= self.bytes)
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `open` and is unmapped only here; objects in it keep this value alive by
        // `Arc`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}

// SAFETY: the pointer is to memory that any thread may access; its contents are atomics.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

/// Creates an empty file in memory, without a name, which is freed with its last open descriptor.
///
/// # Errors
///
/// The system's error if it gives no descriptor.
pub fn file_in_memory() -> io::Result<File> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag for non-executable memory; newer ones may insist on it.
    // SAFETY: the name is a string that ends in a zero, and the call keeps no pointer to it.
    let mut open = unsafe { libc::memfd_create(NAME.as_ptr(), flags | libc::MFD_NOEXEC_SEAL) };
    if open < 0 {
        // SAFETY: as above.
        open = unsafe { libc::memfd_create(NAME.as_ptr(), flags) };
    }
    check(open)?;
    // SAFETY: the descriptor was opened above and has no other owner.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(open) }))
}

/// The name under which the memory shows in `/proc`.
const NAME: &CStr = c"bulkprop";
