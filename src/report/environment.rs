//! The environment of a run: the machine, the program, the options, and the command that repeats it.

use crate::record::{ProtocolSource, RunRecord};
use crate::scenario::Scenario;
use serde::Serialize;
use std::fs;

/// The machine on which a run was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Host {
    /// Operating system and its release.
    pub kernel: String,
    /// Name of the processor, or its architecture if the system does not report a name.
    pub cpu: String,
    /// Logical cores available to this process; 0 if the system does not report them.
    pub cores: usize,
}

impl Host {
    /// Reads the facts that the system reports. Call it from a thread that is not pinned, or `cores` is 1.
    pub fn read() -> Host {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Host {
            kernel: kernel_name(std::env::consts::OS, &release),
            cpu: cpu_name(&cpuinfo).unwrap_or(std::env::consts::ARCH).to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
        }
    }
}

/// The name of a protocol that the scenario does not name.
const CALLERS_OWN: &str = "of the caller's own";

/// The parts of a report that do not come from records.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// Version of the program.
    pub version: String,
    /// The machine.
    pub host: Host,
    /// Every option by name, defaults included with their effective values: an object, shown unchanged.
    pub options: serde_json::Value,
    /// Command that runs the scenario again.
    pub replay: String,
}

impl Environment {
    /// Collects what surrounds the record of a run of `scenario`.
    pub fn of(scenario: &Scenario, record: &RunRecord) -> Environment {
        // A scenario is a flat struct of numbers, texts and truths, which nothing can refuse.
        let mut options = serde_json::to_value(scenario).unwrap_or_default();
        let replay = match record.protocol {
            ProtocolSource::Scenario => scenario.replay_under(record.ttl, record.bulk.as_ref().map(|bulk| bulk.window)),
            ProtocolSource::Caller => {
                options["protocol"] = CALLERS_OWN.into();
                format!("(no command runs a protocol {CALLERS_OWN})")
            }
        };
        Environment { version: env!("CARGO_PKG_VERSION").to_owned(), host: Host::read(), options, replay }
    }
}

fn kernel_name(system: &str, release: &str) -> String {
    let system = if system == "linux" { "Linux" } else { system };
    format!("{system} {}", release.trim()).trim_end().to_owned()
}

/// Returns the first processor's name in `/proc/cpuinfo`. x86 writes `model name`, others `Processor`, `cpu model` or
/// `cpu`.
fn cpu_name(cpuinfo: &str) -> Option<&str> {
    ["model name", "Processor", "cpu model", "cpu"].into_iter().find_map(|wanted| {
        let mut fields = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(name, _)| name.trim() == wanted).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_name_of_the_first_processor() {
        let two = "processor\t: 0\nmodel name\t: A: fast one\ncpu cores\t: 2\n\nprocessor\t: 1\nmodel name\t: B\n";
        assert_eq!(cpu_name(two), Some("A: fast one"));
        assert_eq!(cpu_name("processor\t: 0\ncpu\t\t: POWER9\n"), Some("POWER9"));
        assert_eq!(cpu_name("processor\t: 0\nBogoMIPS\t: 50.00\n"), None);
        assert_eq!(cpu_name(""), None);
    }

    #[test]
    fn a_system_without_a_release_has_its_name() {
        assert_eq!(kernel_name("linux", "6.18.4\n"), "Linux 6.18.4");
        assert_eq!(kernel_name("macos", ""), "macos");
    }

    #[test]
    fn this_machine_has_a_name() {
        let host = Host::read();
        assert!(!host.kernel.is_empty() && !host.cpu.is_empty());
    }
}
