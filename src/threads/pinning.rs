//! The core that each worker is pinned to.
//!
//! Cores are listed before any thread is pinned, because a pinned thread sees only its own core.

use crate::scenario::Pin;
use core_affinity::CoreId;
use std::fs;

/// The cores that this process may use, and the assignment of workers to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinning {
    /// The core of each worker, `None` if it is not pinned.
    pub cores: Vec<Option<CoreId>>,
    /// Number of cores that the process may use, at least 1.
    pub allowed: usize,
}

impl Pinning {
    /// Assigns `workers` workers to the cores that this process may use, round robin if there are fewer cores.
    pub fn new(workers: usize, pin: Pin) -> Pinning {
        let mut cores = core_affinity::get_core_ids().unwrap_or_default();
        let allowed = cores.len().max(1);
        if pin != Pin::None {
            order(&mut cores, pin, physical_core);
        }
        let core = |worker: usize| (pin != Pin::None && !cores.is_empty()).then(|| cores[worker % cores.len()]);
        Pinning { cores: (0..workers).map(core).collect(), allowed }
    }

    /// Returns true if each worker has a core of its own.
    pub fn is_exclusive(&self) -> bool {
        self.cores.len() <= self.allowed
    }
}

/// Sorts cores into the order in which workers are assigned to them.
fn order(cores: &mut [CoreId], pin: Pin, physical: impl Fn(CoreId) -> (u32, u32)) {
    // Asked once for each, because the answer is read from two files.
    let mut placed: Vec<((u32, u32), CoreId)> = cores.iter().map(|&core| (physical(core), core)).collect();
    placed.sort_by_key(|&(physical, core)| (physical, core.id));
    if pin == Pin::Spread {
        // One hyperthread of every physical core before the second of any, because two on one core share its execution
        // units.
        let mut siblings = vec![0; placed.len()];
        for place in 1..placed.len() {
            siblings[place] = if placed[place].0 == placed[place - 1].0 { siblings[place - 1] + 1 } else { 0 };
        }
        let mut ranked: Vec<_> = siblings.into_iter().zip(placed).collect();
        ranked.sort_by_key(|&(sibling, _)| sibling);
        placed = ranked.into_iter().map(|(_, placed)| placed).collect();
    }
    cores.iter_mut().zip(placed).for_each(|(place, (_, core))| *place = core);
}

/// Returns the package and the physical core of a logical core, from Linux's `/sys`; elsewhere each counts as its own.
fn physical_core(core: CoreId) -> (u32, u32) {
    let read = |what: &str| {
        let path = format!("/sys/devices/system/cpu/cpu{}/topology/{what}", core.id);
        fs::read_to_string(path).ok()?.trim().parse().ok()
    };
    (read("physical_package_id").unwrap_or(0), read("core_id").unwrap_or(core.id as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four physical cores with two hyperthreads each, numbered as Linux does: 0 and 4 share a core.
    fn ordered(pin: Pin) -> Vec<usize> {
        let mut cores: Vec<CoreId> = (0..8).map(|id| CoreId { id }).collect();
        order(&mut cores, pin, |core| (0, core.id as u32 % 4));
        cores.iter().map(|core| core.id).collect()
    }

    #[test]
    fn spread_takes_physical_cores_first_and_compact_fills_them() {
        assert_eq!(ordered(Pin::Spread), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(ordered(Pin::Compact), [0, 4, 1, 5, 2, 6, 3, 7]);
    }

    #[test]
    fn workers_beyond_the_cores_go_round() {
        let pinning = Pinning::new(65, Pin::Spread);
        assert_eq!(pinning.cores.len(), 65);
        assert_eq!(pinning.cores[0], pinning.cores[pinning.allowed]);
        assert_eq!(pinning.is_exclusive(), pinning.allowed >= 65);
        assert!(Pinning::new(3, Pin::None).cores.iter().all(Option::is_none));
    }
}
