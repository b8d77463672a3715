//! The task of a process as bytes: its parent writes them, and it reads them from its standard input.
//!
//! Any program can start this one as the parent does, so nothing in a task is used before it was checked: descriptors
//! are taken over by their number, and positions in a scenario are indices.

use crate::scenario::{Draft, Scenario};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read};

/// Version of the program that wrote a task; another version cannot read it.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Maximum number of bytes of a task that are read: many times the size of a scenario with long paths.
const TASK_BYTES_MAX: u64 = 1 << 20;

/// The task of a process.
#[derive(Serialize, Deserialize)]
pub(super) struct Task {
    /// Version of the program that wrote the task.
    pub(super) version: String,
    pub(super) scenario: String,
    pub(super) process: u32,
    pub(super) token: u64,
    pub(super) clock_base: u64,
    /// Descriptors of the state that all processes share.
    pub(super) memory: i32,
    pub(super) process_waker: i32,
    /// Layout of the memory: bytes and digest.
    pub(super) layout: (u64, u64),
    /// Linked pairs of the overlay, which must be the same in all processes.
    pub(super) links: u64,
    /// Bytes for the messages that wait in this process.
    pub(super) memory_left: u64,
    /// The trace of its messages, if that is asked for.
    pub(super) trace: Option<TracedTask>,
}

/// The trace of a process's messages.
#[derive(Serialize, Deserialize)]
pub(super) struct TracedTask {
    /// The trace's file and the folder of its rows, for an error.
    pub(super) named: [String; 2],
    /// Descriptors of the files to write to, by worker of the process, and the place of the first among those of all
    /// workers.
    pub(super) files: Vec<i32>,
    pub(super) first: u32,
}

impl Task {
    pub(super) fn written(&self) -> Vec<u8> {
        // Writing to memory does not fail.
        postcard::to_extend(self, Vec::new()).unwrap_or_default()
    }

    /// Reads a task, to the end of the input.
    ///
    /// # Errors
    ///
    /// The error of the input, or that this is no task of this version, or one with descriptors that a parent does not
    /// give.
    pub(super) fn read(input: impl Read) -> io::Result<Task> {
        let mut bytes = Vec::new();
        input.take(TASK_BYTES_MAX).read_to_end(&mut bytes)?;
        let task: Task = read_whole(&bytes).map_err(|cause| io::Error::new(io::ErrorKind::InvalidData, cause))?;
        // The standard streams must not be taken over, and no descriptor may be taken over twice.
        let mut descriptors = vec![task.memory, task.process_waker];
        descriptors.extend(task.trace.iter().flat_map(|trace| &trace.files));
        descriptors.sort_unstable();
        let is_given = descriptors[0] > 2 && descriptors.is_sorted_by(|one, next| one < next);
        // A number can be written at greater length than it needs, which no parent does.
        let is_canonical = task.written() == bytes;
        let is_task = task.version == VERSION && is_given && is_canonical;
        if is_task { Ok(task) } else { Err(io::Error::from(io::ErrorKind::InvalidData)) }
    }

    /// Reads the scenario, in which the task's process must have a place.
    ///
    /// # Errors
    ///
    /// The fault of the scenario, as a clause.
    pub(super) fn checked_scenario(&self) -> Result<Scenario, String> {
        let draft = Draft::from_toml(&self.scenario).map_err(|error| error.to_string())?;
        let scenario = draft.build().map_err(|error| error.to_string())?;
        let (process, processes) = (self.process as usize, scenario.carrier.processes);
        if process < processes { Ok(scenario) } else { Err(format!("process {process} is none of its {processes}")) }
    }
}

/// Reads a value that takes all of the bytes.
pub(super) fn read_whole<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, postcard::Error> {
    match postcard::take_from_bytes(bytes)? {
        (value, []) => Ok(value),
        (_, [..]) => Err(postcard::Error::DeserializeBadEncoding),
    }
}

/// Checks the guarantees of a task against any bytes, also after this program's version: for fuzzing. Returns true if
/// they are a task that can be run.
///
/// # Errors
///
/// The guarantee that does not hold.
#[doc(hidden)]
#[cfg(any(test, feature = "internals"))]
pub fn check_task(bytes: &[u8]) -> Result<bool, String> {
    let mut is_task = false;
    let written = [&[VERSION.len() as u8], VERSION.as_bytes(), bytes].concat();
    // Without the prefix, the bytes are hardly ever a task of this version.
    for bytes in [bytes, &written] {
        let Ok(task) = Task::read(bytes) else { continue };
        if task.written() != bytes {
            return Err("it is written otherwise than it was read".to_owned());
        }
        let Ok(scenario) = task.checked_scenario() else { continue };
        if task.process as usize >= scenario.carrier.processes || task.memory <= 2 || task.process_waker <= 2 {
            return Err("its place or its descriptors are none that a parent gives".to_owned());
        }
        is_task = true;
    }
    Ok(is_task)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> Task {
        let scenario = "nodes = 40\nprocesses = 2\nthreads = 1\nseed = 7\n".to_owned();
        let (process, token, clock_base, memory, process_waker, layout, links, memory_left) =
            (1, 2, 3, 4, 5, (6, 7), 8, 9);
        Task {
            version: VERSION.to_owned(),
            scenario,
            process,
            token,
            clock_base,
            memory,
            process_waker,
            layout,
            links,
            memory_left,
            trace: None,
        }
    }

    /// The task of a traced run, with these descriptors.
    fn traced(files: Vec<i32>) -> Task {
        let named = ["t.csv".to_owned(), "/tmp".to_owned()];
        Task { trace: Some(TracedTask { named, files, first: 1 }), ..task() }
    }

    #[cfg(all(target_os = "linux", not(portable)))]
    fn is_read(task: &Task) -> bool {
        Task::read(&task.written()[..]).is_ok()
    }

    #[test]
    fn a_task_reads_back_and_nothing_may_follow_it() {
        let written = task().written();
        assert_eq!(Task::read(&written[..]).unwrap().written(), written);
        assert!(Task::read(&[&written[..], &[0]].concat()[..]).is_err());
        assert!((0..written.len()).all(|length| Task::read(&written[..length]).is_err()));
    }

    #[test]
    #[cfg(all(target_os = "linux", not(portable)))]
    fn what_no_parent_gives_is_refused() {
        assert!(is_read(&task()));
        for (memory, process_waker) in [(-1, 5), (0, 5), (2, 5), (4, 1), (4, 4), (i32::MIN, i32::MIN)] {
            assert!(!is_read(&Task { memory, process_waker, ..task() }), "{memory} {process_waker}");
        }
        assert!(is_read(&traced(vec![6, 7])));
        for files in [vec![2], vec![4], vec![6, 6], vec![-1]] {
            assert!(!is_read(&traced(files.clone())), "{files:?}");
        }
        assert!(!is_read(&Task { version: "0.0.0".to_owned(), ..task() }));
        assert!(Task { process: 1, ..task() }.checked_scenario().is_ok());
        let error = Task { process: 2, ..task() }.checked_scenario().unwrap_err();
        assert_eq!(error, "process 2 is none of its 2");
    }

    /// `UPDATE_SEEDS=1 cargo test --lib task` rewrites the seeds if the layout of a task has changed.
    #[test]
    fn the_seeds_of_the_fuzz_target_are_tasks() {
        let bulk =
            "transport = 'udp-shard'\nnodes = 400\nprocesses = 3\nthreads = 2\nttl = 'auto'\norders = 20\n".to_owned();
        let shard = Task { scenario: bulk, process: 0, memory: 9, process_waker: 10, ..task() };
        for (name, task) in [
            ("traced", traced(vec![6])),
            ("udp", task()),
            ("udp_shard", shard),
            ("no_place", Task { process: 2, ..task() }),
        ] {
            let path = format!("{}/fuzz/seeds/task/{name}", env!("CARGO_MANIFEST_DIR"));
            let behind_version = &task.written()[1 + VERSION.len()..];
            if std::env::var_os("UPDATE_SEEDS").is_some() {
                std::fs::write(&path, behind_version).unwrap();
            }
            assert_eq!(std::fs::read(&path).unwrap(), behind_version, "{path}: UPDATE_SEEDS=1 writes it anew");
        }
    }

    #[test]
    fn an_endless_input_is_no_task() {
        assert!(Task::read(io::repeat(0)).is_err());
        assert!(Task::read(io::repeat(b'1')).is_err(), "a text of 800 megabytes is not read");
    }
}
