//! The limit on open descriptors, of which each socket takes one.

#![allow(unsafe_code)]

use std::io;

/// Raises the soft limit on open descriptors to `needed`, as far as the hard limit allows; returns the limit
/// afterwards.
#[cfg(unix)]
pub(in crate::transport) fn raise_descriptor_limit(needed: u64) -> io::Result<u64> {
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

#[cfg(unix)]
fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Other systems have no such limit to raise; `bind` fails when they run out.
#[cfg(not(unix))]
pub(in crate::transport) fn raise_descriptor_limit(_: u64) -> io::Result<u64> {
    Ok(u64::MAX)
}
