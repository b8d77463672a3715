//! Finds the available memory: the least of what the machine has, what the control group leaves of its limit, and what
//! the limit on the address space leaves. Reads Linux's text files; on other systems it is unknown.

use std::fs;
use std::path::Path;

/// Available memory, and what bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvailableMemory {
    /// Available bytes.
    pub bytes: u64,
    /// The limit that gave this number.
    pub bound: MemoryBound,
    /// The processes of a cluster that share what the limit leaves, each of which has as many bytes; 1 without a
    /// cluster.
    pub shared_by: usize,
}

/// A limit on memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryBound {
    /// The machine has no more available.
    Machine,
    /// The limit of the control group, less what its processes use.
    ControlGroup,
    /// The limit on this process's address space, less what it has mapped.
    AddressSpace,
}

impl MemoryBound {
    const fn words(self) -> &'static str {
        match self {
            MemoryBound::Machine => "this machine has available",
            MemoryBound::ControlGroup => "the limit of the control group leaves",
            MemoryBound::AddressSpace => "the limit on the address space (ulimit -v) leaves",
        }
    }
}

impl AvailableMemory {
    /// Reads the memory available to a process of `threads` threads; `None` if the system does not report it.
    pub fn now(threads: usize) -> Option<AvailableMemory> {
        AvailableMemory::under(Path::new("/"), threads)
    }

    /// Reads the same from files under `root`.
    pub(crate) fn under(root: &Path, threads: usize) -> Option<AvailableMemory> {
        let bounds = [
            (machine(root), MemoryBound::Machine),
            (control_group(root), MemoryBound::ControlGroup),
            (address_space(root, threads), MemoryBound::AddressSpace),
        ];
        let known = bounds.into_iter().filter_map(|(bytes, bound)| {
            let bytes = bytes?;
            Some(AvailableMemory { bytes, bound, shared_by: 1 })
        });
        known.min_by_key(|there| there.bytes)
    }

    /// Returns the part of each of these processes, which begin to take memory together. An address space is a
    /// process's own.
    pub(crate) fn shared_by(self, processes: usize) -> AvailableMemory {
        match self.bound {
            MemoryBound::AddressSpace => self,
            MemoryBound::Machine | MemoryBound::ControlGroup => {
                AvailableMemory { bytes: self.bytes / processes.max(1) as u64, shared_by: processes, ..self }
            }
        }
    }

    /// Returns words for the limit that gave the bytes, and for those who share it.
    pub(crate) fn words(self) -> String {
        match self.shared_by {
            0 | 1 => self.bound.words().to_owned(),
            processes => format!("for each of {processes} processes {}", self.bound.words()),
        }
    }
}

/// Returns the bytes that the machine can give without swapping.
fn machine(root: &Path) -> Option<u64> {
    kibibytes(&read(root, "proc/meminfo")?, "MemAvailable:")
}

/// Returns the bytes left below the limits of this process's control group and of all its ancestors.
fn control_group(root: &Path) -> Option<u64> {
    let groups = read(root, "proc/self/cgroup")?;
    let left = groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let files = match controllers {
            "" => LimitFiles {
                mount: "sys/fs/cgroup",
                limit: "memory.max",
                usage: "memory.current",
                cache: "inactive_file",
            },
            _ if controllers.split(',').any(|name| name == "memory") => LimitFiles {
                mount: "sys/fs/cgroup/memory",
                limit: "memory.limit_in_bytes",
                usage: "memory.usage_in_bytes",
                cache: "total_inactive_file",
            },
            _ => return None,
        };
        // In a container the path may be visible only to its host, and the group is then mounted as the root.
        let around = Path::new(path.trim_start_matches('/')).ancestors();
        around.filter_map(|group| files.left(&root.join(files.mount).join(group))).min()
    });
    left.min()
}

/// The file names and keys of one version of control groups.
struct LimitFiles {
    mount: &'static str,
    limit: &'static str,
    usage: &'static str,
    /// Key of the part of the usage that the kernel reclaims before it refuses anything.
    cache: &'static str,
}

impl LimitFiles {
    fn left(&self, group: &Path) -> Option<u64> {
        // Without a limit the newer version writes `max`, and the older one a number that no machine has.
        let limit: u64 = read(group, self.limit)?.trim().parse().ok()?;
        if limit >= NO_LIMIT {
            // The kernel sums up the rest anew each time that it is read.
            return None;
        }
        let usage: u64 = read(group, self.usage)?.trim().parse().ok()?;
        let stat = read(group, "memory.stat").unwrap_or_default();
        let cache = stat.lines().find_map(|line| line.strip_prefix(self.cache)?.trim().parse().ok()).unwrap_or(0);
        Some(limit.saturating_sub(usage.saturating_sub(cache)))
    }
}

/// Bytes that no machine has: the older version's limit without a limit is the greatest multiple of a page below 2^63.
const NO_LIMIT: u64 = 1 << 60;

/// Returns the bytes of address space that this process may still use. Each thread maps a whole stack and a whole arena
/// of its heap, and growing arrays map more than they use.
fn address_space(root: &Path, threads: usize) -> Option<u64> {
    let limits = read(root, "proc/self/limits")?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = limit.split_whitespace().next()?.parse().ok()?;
    let mapped = kibibytes(&read(root, "proc/self/status")?, "VmSize:")?;
    Some(limit.saturating_sub(mapped).saturating_sub(threads as u64 * THREAD_BYTES) / 4 * 3)
}

/// Bytes that a thread maps: a stack of 2 MiB and an arena of 64 MiB.
const THREAD_BYTES: u64 = 66 << 20;

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let number = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(number.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.saturating_mul(1_024))
}

fn read(folder: &Path, file: &str) -> Option<String> {
    fs::read_to_string(folder.join(file)).ok()
}
