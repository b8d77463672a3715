//! The disposition of a signal that the process inherited.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr;

/// Returns true if the process was started with the signal of this number ignored.
pub fn is_signal_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: no new action is given, and the old one is written to memory of its size.
    if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: the call above has filled it.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}
