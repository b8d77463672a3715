//! Descriptors of open files: their numbers, and the limit on them, of which each socket takes one.

#![allow(unsafe_code)]

#[cfg(unix)]
use super::check;
use std::fs::File;
use std::io;

/// Returns the number by which a process that inherits a file opens it.
#[cfg(unix)]
pub(crate) fn descriptor_of(file: &File) -> i32 {
    std::os::fd::AsRawFd::as_raw_fd(file)
}

/// Returns no descriptor, because processes of other systems inherit none.
#[cfg(not(unix))]
pub(crate) fn descriptor_of(_: &File) -> i32 {
    -1
}

/// Raises the soft limit on open descriptors to `needed`, as far as the hard limit allows; returns the limit
/// afterwards.
#[cfg(unix)]
pub(crate) fn raise_descriptor_limit(needed: u64) -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is writable and of the type the call expects.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) })?;
    if limit.rlim_cur < needed && limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = needed.min(limit.rlim_max);
        // SAFETY: `limit` is readable and of the type the call expects.
        check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) })?;
    }
    Ok(limit.rlim_cur)
}

/// Returns the limit unchanged, because other systems have none to raise; `bind` fails when they run out.
#[cfg(not(unix))]
pub(crate) fn raise_descriptor_limit(_: u64) -> io::Result<u64> {
    Ok(u64::MAX)
}
