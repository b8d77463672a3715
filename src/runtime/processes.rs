//! Processes: the parent starts them, waits for them, and leaves none behind.
//!
//! A process of a run is this program again, started with an argument that says so. It reads its task from its standard
//! input and writes its report to its standard output, which is a file in memory. Everything else is shared through
//! memory that all processes map; this file knows nothing of its content.
//!
//! ```text
//! parent: starts all ---- waits ---- reads what they wrote
//!                           | one fails: the others are told; one that is still there after a while is killed
//! child:  reads its task ---- works ---- writes, ends
//!                           | the parent ends: the kernel kills it
//! ```
//!
//! Rejected alternative: `fork` without `exec`, because threads and locks do not survive it.

use crate::sys::{ExitWatch, file_in_memory, prepare_child, remedy, sleep_until_exit};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Longest sleep of the parent before it checks for an interrupt.
const LOOK: Duration = Duration::from_millis(20);

/// Checks for which the others may leave by themselves once one was killed: a fifth of a second.
const LOOKS_AFTER_DEATH: u32 = 10;

/// Checks for which they may do so once one has failed by itself: a second, in which a process that knows more of the
/// cause can write it.
const LOOKS_AFTER_FAILURE: u32 = 50;

/// The program that is started as a process of a run, and then calls [`crate::simulation::serve`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Path of the executable.
    pub path: PathBuf,
    /// The arguments that tell it to serve.
    pub arguments: Vec<String>,
}

/// The reason why a process could not be started.
#[derive(Debug, thiserror::Error)]
#[error("process {process} cannot be started ({cause}); {}", to_start(cause))]
pub struct StartError {
    /// Index of the process in the run.
    pub process: usize,
    /// The system's error.
    #[source]
    pub cause: io::Error,
}

/// Returns advice on an error of the system.
fn to_start(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::ExecutableFileBusy => {
            "the program must stay where it was started from, executable, until the run has ended"
        }
        _ => remedy(cause),
    }
}

/// The processes of a run. None of them outlives this value.
pub struct ProcessGroup {
    members: Vec<ChildProcess>,
}

struct ChildProcess {
    child: Child,
    watch: ExitWatch,
    wrote: File,
    status: Option<ExitStatus>,
    /// True if it had to be killed because it did not leave.
    given_up: bool,
}

/// A process that has ended, with its status and its output.
pub struct EndedProcess {
    /// Its number in the system.
    pub pid: u32,
    /// Exit status as the system reports it.
    pub status: ExitStatus,
    /// True if it was killed because the run had been broken off and it did not leave.
    pub given_up: bool,
    /// Bytes that it wrote.
    pub wrote: Vec<u8>,
}

impl ProcessGroup {
    /// Starts a process for each task; each inherits the descriptors with these numbers.
    ///
    /// The calling thread must outlive the processes: the kernel kills them when it ends.
    pub fn start(program: &Program, inherited: &[i32], tasks: Vec<Vec<u8>>) -> Result<ProcessGroup, StartError> {
        let mut worker_threads = ProcessGroup { members: Vec::with_capacity(tasks.len()) };
        for (process, task) in tasks.into_iter().enumerate() {
            let member = ChildProcess::start(program, inherited, &task);
            worker_threads.members.push(member.map_err(|cause| StartError { process, cause })?);
        }
        Ok(worker_threads)
    }

    /// Waits until all have ended. Calls `look` repeatedly, which returns true if they are to be killed; calls
    /// `abandon` once, when the first one fails, to make the others leave.
    pub fn wait(mut self, mut look: impl FnMut() -> bool, abandon: impl FnOnce()) -> io::Result<Vec<EndedProcess>> {
        let mut abandon = Some(abandon);
        let mut looks_left = None;
        loop {
            for member in self.members.iter_mut().filter(|member| member.status.is_none()) {
                member.status = member.child.try_wait()?;
            }
            if let Some(looks) = self.grace()
                && let Some(abandon) = abandon.take()
            {
                abandon();
                looks_left = Some(looks);
            }
            if self.members.iter().all(|member| member.status.is_some()) {
                break;
            }
            if looks_left == Some(0) {
                self.give_up();
                continue;
            }
            let all_stayed = sleep_until_exit(self.running().map(|member| &member.watch), LOOK);
            looks_left = looks_left.map(|looks| looks - u32::from(all_stayed));
            if look() {
                self.give_up();
            }
        }
        std::mem::take(&mut self.members).into_iter().map(ChildProcess::ended).collect()
    }

    fn running(&self) -> impl Iterator<Item = &ChildProcess> {
        self.members.iter().filter(|member| member.status.is_none())
    }

    /// Returns the number of checks for which the others may leave, if one has failed.
    fn grace(&self) -> Option<u32> {
        let ends = self.members.iter().filter_map(|member| member.status);
        // A process that was killed by a signal has no exit code.
        let looks = |status: ExitStatus| status.code().map_or(LOOKS_AFTER_DEATH, |_| LOOKS_AFTER_FAILURE);
        ends.filter(|status| !status.success()).map(looks).min()
    }

    /// Kills those that have not ended, and waits until they are gone.
    fn give_up(&mut self) {
        for member in self.members.iter_mut().filter(|member| member.status.is_none()) {
            member.given_up = true;
            // Cannot fail for a child that was not waited for.
            let _ = member.child.kill();
        }
        for member in self.members.iter_mut().filter(|member| member.status.is_none()) {
            member.status = member.child.wait().ok();
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl ChildProcess {
    fn start(program: &Program, inherited: &[i32], task: &[u8]) -> io::Result<ChildProcess> {
        let wrote = file_in_memory()?;
        let mut command = Command::new(&program.path);
        command.args(&program.arguments).stdin(Stdio::piped()).stdout(wrote.try_clone()?);
        prepare_child(&mut command, inherited)?;
        let mut child = command.spawn()?;
        let watch = ExitWatch::new(&child);
        if let Some(mut stdin) = child.stdin.take() {
            // If it has ended already, waiting for it tells why.
            let _ = stdin.write_all(task);
        }
        Ok(ChildProcess { child, watch, wrote, status: None, given_up: false })
    }

    fn ended(mut self) -> io::Result<EndedProcess> {
        let status = self.child.wait()?;
        let mut wrote = Vec::new();
        self.wrote.rewind()?;
        self.wrote.read_to_end(&mut wrote)?;
        Ok(EndedProcess { pid: self.child.id(), status, given_up: self.given_up, wrote })
    }
}

#[cfg(all(test, target_os = "linux", not(portable)))]
mod tests;
