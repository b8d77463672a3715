//! Measures how much of the machine other work takes, from Linux's counters.
//!
//! Rejected: the load average, which lags by minutes, and involuntary context switches, which also occur on a quiet
//! machine.

use std::fs;

/// Processor time in the system's ticks, since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    /// Time of all processors together.
    all: u64,
    /// Idle time among it.
    idle: u64,
    /// Time of this process and of the child processes that it waited for.
    own: u64,
}

impl Machine {
    /// Reads the present counters, if the system has them.
    pub(super) fn read() -> Option<Machine> {
        Machine::of(&fs::read_to_string("/proc/stat").ok()?, &fs::read_to_string("/proc/self/stat").ok()?)
    }

    /// Parses the two files.
    fn of(system: &str, process: &str) -> Option<Machine> {
        let ticks = system.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
        // user nice system idle iowait irq softirq steal; guests' time is included in the first two.
        let ticks: Vec<u64> = ticks.take(8).map(|number| number.parse().ok()).collect::<Option<_>>()?;
        // The name in brackets may contain any character.
        let fields: Vec<&str> = process.rsplit_once(')')?.1.split_whitespace().collect();
        // utime stime cutime cstime.
        let own = fields.get(11..15)?.iter().map(|number| number.parse::<u64>().ok()).sum::<Option<u64>>()?;
        Some(Machine { all: ticks.iter().sum(), idle: ticks.get(3)? + ticks.get(4)?, own })
    }

    /// Returns the share of all processor time since `before` that other processes took or the host withheld; `None` if
    /// no time has passed.
    pub(super) fn others_since(&self, before: &Machine) -> Option<f64> {
        let passed = |of: fn(&Machine) -> u64| of(self).saturating_sub(of(before));
        let (all, idle, own) = (passed(|now| now.all), passed(|now| now.idle), passed(|now| now.own));
        (all > 0).then(|| all.saturating_sub(idle + own) as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESS: &str = "7 (a )b) S 1 7 7 0 -1 0 0 0 0 0 100 20 3 4 20 0 2 0 9 0 0";

    #[test]
    fn time_neither_idle_nor_own_is_of_others() {
        let before = Machine::of("cpu  1000 0 500 8000 100 0 0 0 0 0\ncpu0 1 2 3\n", PROCESS).unwrap();
        assert_eq!(before, Machine { all: 9_600, idle: 8_100, own: 127 });
        let now = Machine { all: 10_600, idle: 8_500, own: 427 };
        assert_eq!(now.others_since(&before), Some(0.3));
        assert_eq!(before.others_since(&before), None);
        assert_eq!(Machine::of("cpu 1 2\n", PROCESS), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_system_has_the_counters() {
        let machine = Machine::read().unwrap();
        assert!(machine.all > machine.own && machine.all >= machine.idle);
    }
}
