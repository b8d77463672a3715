//! Linux: a child's inheritance, its end with its parent, and the wait for its end.

#![allow(unsafe_code)]

use super::check;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

/// Longest sleep of the parent if a child's end cannot wake it.
const BLIND_SLEEP: Duration = Duration::from_millis(2);

/// Prepares a command so that its process inherits the given descriptors, is killed when the caller's thread ends, and
/// leaves the signals that end a run to its parent, although a terminal sends them to both.
pub(crate) fn prepare_child(command: &mut Command, inherited: &[RawFd]) -> io::Result<()> {
    let (parent, inherited) = (std::process::id(), inherited.to_vec());
    let before_exec = move || {
        for &descriptor in &inherited {
            // SAFETY: the call takes integers, and is allowed between fork and exec.
            check(unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) })?;
        }
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            // SAFETY: as above; no handler is installed.
            if unsafe { libc::signal(signal, libc::SIG_IGN) } == libc::SIG_ERR {
                return Err(io::Error::last_os_error());
            }
        }
        // SAFETY: as above.
        check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
        // A parent that ended before the line above has sent no signal.
        if std::os::unix::process::parent_id() != parent {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        Ok(())
    };
    command.arg0("bulkprop");
    // SAFETY: the closure only makes system calls, and neither allocates nor takes a lock.
    unsafe { command.pre_exec(before_exec) };
    Ok(())
}

/// Opens an inherited descriptor by its number. Call once per number.
pub fn inherited(descriptor: i32) -> io::Result<File> {
    // SAFETY: the call takes integers.
    check(unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: the descriptor is open, as the call above found. The parent opened it for this process, in which nothing
    // else knows its number.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// A watch over a child's end; `None` inside if the system cannot report it.
pub(crate) struct ExitWatch(Option<OwnedFd>);

impl ExitWatch {
    /// Watches a child; without effect on kernels before 5.3.
    pub(crate) fn new(child: &Child) -> ExitWatch {
        // SAFETY: the call takes integers. The child was not waited for, so its number is still its own.
        let opened = unsafe { libc::syscall(libc::SYS_pidfd_open, child.id(), 0) };
        let descriptor = RawFd::try_from(opened).ok().filter(|&descriptor| descriptor >= 0);
        // SAFETY: the descriptor was opened above and has no other owner.
        ExitWatch(descriptor.map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }
}

/// Sleeps until a child has ended, for `most` at the longest; returns true if none has.
pub(crate) fn sleep_until_exit<'a>(watches: impl Iterator<Item = &'a ExitWatch>, most: Duration) -> bool {
    let mut is_blind = false;
    let mut polled: Vec<libc::pollfd> = watches
        .filter_map(|watch| {
            is_blind |= watch.0.is_none();
            watch.0.as_ref()
        })
        .map(|descriptor| libc::pollfd { fd: descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 })
        .collect();
    let millis = if is_blind { BLIND_SLEEP } else { most }.as_millis() as libc::c_int;
    // SAFETY: the array is writable and has the given length. An interrupted call only returns early, which does no
    // harm.
    unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, millis) == 0 }
}
