//! Wakes the workers of all processes of a run at once, if the system can.
//!
//! Rejected: a waker for every worker of every process, which takes a descriptor for each in each.

#[cfg(all(target_os = "linux", not(portable)))]
#[path = "process_waker/linux.rs"]
mod platform;

#[cfg(not(all(target_os = "linux", not(portable))))]
#[path = "process_waker/elsewhere.rs"]
mod platform;

pub use platform::ProcessWaker;
