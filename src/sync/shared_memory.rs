//! Memory that several processes map, if the system supports it.

#[cfg(all(target_os = "linux", not(portable)))]
#[path = "shared_memory/linux.rs"]
mod platform;

#[cfg(not(all(target_os = "linux", not(portable))))]
#[path = "shared_memory/elsewhere.rs"]
mod platform;

pub use platform::{SharedMemory, file_in_memory};
