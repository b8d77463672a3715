//! What the process was told to do with a signal when it was started.

#![allow(unsafe_code)]

use super::Signal;
use std::mem::MaybeUninit;
use std::ptr;

/// Whether the signal is ignored.
pub(super) fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: no new action is given, and the old one is written to memory of its size.
    if unsafe { libc::sigaction(signal.number(), ptr::null(), action.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: the call above has filled it.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}
