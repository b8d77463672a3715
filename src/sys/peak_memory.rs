//! The most memory that this process has held, from Linux's text files; on other systems it is unknown.

use std::fs;

/// Returns the most bytes of memory that this process has held at once; `None` if the system does not say.
pub fn peak_memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts() {
        if !cfg!(target_os = "linux") {
            return;
        }
        let held = vec![1_u8; 64 << 20];
        let peak = peak_memory_bytes().unwrap();
        assert!(peak >= held.iter().map(|&byte| u64::from(byte)).sum(), "{peak}");
    }
}
