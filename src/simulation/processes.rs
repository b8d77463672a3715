//! A run over several processes: the task that the parent gives to each, the message that each returns, and the error
//! that is reported if one fails.
//!
//! A process builds the overlay for itself, from the scenario, and lays out the shared memory exactly as the parent
//! did. It writes the outcomes of its workers to its output, or the text of its own failure.

mod error;
mod task;

pub use error::ProcessesError;

#[cfg(any(test, feature = "internals"))]
pub use task::check_task;

use super::carriers::{ProcessSlot, Rendezvous};
use super::real_time::ProcessOutcome;
use super::{Runner, SimulationError, TraceRequest};
use crate::record::RunRecord;
use crate::runtime::processes::{EndedProcess, ProcessGroup, Program};
use crate::runtime::{RunState, RuntimeError};
use crate::scenario::Scenario;
use crate::sync::{Arena, Interrupt, Interrupted, Layout};
use crate::sys::{ProcessWaker, SharedMemory, descriptor_of, inherited, is_standard_input};
use crate::trace::{TraceLog, TraceSpool};
use crate::transport::Clock;
use crate::wire::Token;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use task::{Task, TracedTask, VERSION};

/// The message that a process writes to its output.
#[derive(Serialize, Deserialize)]
enum ProcessMessage {
    Outcome(ProcessOutcome),
    /// The process failed by itself.
    Failed {
        said: String,
        is_usage: bool,
    },
    /// The process left because another had failed.
    Abandoned,
}

/// Refuses options that several processes cannot have.
pub(super) fn check(scenario: &Scenario, program: Option<&Program>) -> Result<(), ProcessesError> {
    let processes = scenario.carrier.processes;
    if processes == 1 {
        return Ok(());
    }
    if program.is_none() {
        return Err(ProcessesError::NoProgram { processes });
    }
    // A file that does not exist is refused by its reader.
    let is_read_once = |path: &Path| is_standard_input(path) || fs::metadata(path).is_ok_and(|file| !file.is_file());
    match scenario.files().find(|&(_, path)| is_read_once(path)) {
        Some((option, path)) => Err(ProcessesError::ReadOnce { processes, option, path: path.into() }),
        None => Ok(()),
    }
}

impl Runner<'_> {
    /// Makes one run over several processes.
    pub(super) fn run_processes(
        &self,
        clock: Clock,
        token: Token,
        trace: Option<&TraceRequest>,
    ) -> Result<RunRecord, SimulationError> {
        let processes = self.scenario.carrier.processes;
        let program = self.program.ok_or(ProcessesError::NoProgram { processes })?;
        let shared_run = SharedRun::new(self)?;
        let files = trace.map(|request| request.files(self.scenario.workers())).transpose()?.unwrap_or_default();
        let tasks = (0..processes).map(|process| {
            let traced = trace.map(|request| self.traced_task(process, request, &files));
            Task { trace: traced, ..self.task(process, clock, token, &shared_run) }.written()
        });
        let own = [shared_run.memory, shared_run.process_waker.descriptor()];
        let descriptors: Vec<i32> = own.into_iter().chain(files.iter().map(descriptor_of)).collect();
        let worker_threads =
            ProcessGroup::start(program, &descriptors, tasks.collect()).map_err(ProcessesError::Start)?;
        let (mut is_told, mut is_early) = (false, false);
        let look = || {
            if shared_run.common.has_begun() {
                self.interrupt.attend();
            }
            if self.interrupt.is_raised() && !is_told {
                is_told = true;
                // Before the run has begun there is no result to wait for, so the processes are not left to finish
                // overlays and sockets.
                is_early = !shared_run.common.has_begun();
                shared_run.common.interrupt();
                shared_run.wake_all();
            }
            is_early
        };
        let ended = worker_threads.wait(look, || shared_run.abandon()).map_err(ProcessesError::Wait)?;
        if is_early {
            return Err(Interrupted.into());
        }
        let outcomes = outcomes(ended)?;
        let filled = outcomes.iter().flat_map(|(_, outcome)| outcome.trace.clone()).collect();
        let log = trace.map(|_| TraceLog::of_processes(files, filled).named_by(self.protocol.facts().kinds));
        Ok(self.record(&shared_run.common, outcomes, log))
    }

    fn task(&self, process: usize, clock: Clock, token: Token, shared_run: &SharedRun) -> Task {
        Task {
            version: VERSION.to_owned(),
            scenario: self.scenario.to_toml(),
            process: process as u32,
            token: token.0,
            clock_base: clock.base(),
            memory: shared_run.memory,
            process_waker: shared_run.process_waker.descriptor(),
            layout: (shared_run.layout.bytes, shared_run.layout.digest),
            links: self.topology.links(),
            memory_left: self.memory_left / self.scenario.carrier.processes as u64,
            trace: None,
        }
    }

    /// Returns the task of a process in a trace whose rows go to `files`, one for each worker of the run.
    fn traced_task(&self, process: usize, request: &TraceRequest, files: &[File]) -> TracedTask {
        let threads = self.scenario.carrier.threads;
        let first = process * threads;
        TracedTask {
            named: [&request.path, &request.folder].map(|path| path.display().to_string()),
            files: files[first..first + threads].iter().map(descriptor_of).collect(),
            first: first as u32,
        }
    }
}

/// The state that all processes of a run share, as the parent sees it.
struct SharedRun {
    memory: i32,
    layout: Layout,
    rendezvous: Rendezvous,
    common: RunState,
    process_waker: ProcessWaker,
}

impl SharedRun {
    fn new(runner: &Runner<'_>) -> Result<SharedRun, ProcessesError> {
        let mut counted = Arena::counting();
        runner.lay_out(&mut counted);
        let bytes = counted.layout().bytes;
        let shared = SharedMemory::create(bytes).map_err(|cause| ProcessesError::Memory { bytes, cause })?;
        let memory = shared.descriptor();
        let mut arena = Arena::mapped(shared);
        let (rendezvous, common) = runner.lay_out(&mut arena);
        let process_waker = ProcessWaker::new().map_err(|cause| ProcessesError::ProcessWaker { cause })?;
        Ok(SharedRun { memory, layout: arena.layout(), rendezvous, common, process_waker })
    }

    /// Makes all processes leave wherever they are, after one has ended badly.
    fn abandon(&self) {
        self.rendezvous.abort();
        self.common.abandon();
        self.wake_all();
    }

    fn wake_all(&self) {
        // A worker that is not woken checks by itself within its longest sleep.
        let _ = self.process_waker.wake();
    }
}

/// Returns the outcomes of the processes with their process ids, or the error of the process to blame if one is
/// missing.
///
/// To blame is a process that died of a signal, else one that reports a failure, else one that reported nothing: the
/// reactions of the others followed from that.
fn outcomes(ended: Vec<EndedProcess>) -> Result<Vec<(u32, ProcessOutcome)>, ProcessesError> {
    let mut outcomes = Vec::with_capacity(ended.len());
    let (mut died, mut failed, mut silent) = (None, None, None);
    for (process, EndedProcess { pid, status, given_up, wrote }) in ended.into_iter().enumerate() {
        let message = task::read_whole(&wrote);
        match message {
            Ok(ProcessMessage::Outcome(outcome)) if status.success() => outcomes.push((pid, outcome)),
            Ok(ProcessMessage::Failed { said, is_usage }) => {
                failed.get_or_insert(ProcessesError::Failed { process, pid, said, is_usage });
            }
            _ if status.code().is_none() && !given_up => {
                died.get_or_insert(ProcessesError::Died { process, pid, status });
            }
            // A process that panicked before its workers started, or was not even this program, has written nothing.
            Err(_) if !given_up => {
                failed.get_or_insert(ProcessesError::Died { process, pid, status });
            }
            _ => {
                silent.get_or_insert(ProcessesError::Died { process, pid, status });
            }
        }
    }
    died.or(failed).or(silent).map_or(Ok(outcomes), Err)
}

impl Task {
    /// Runs the task of this process.
    fn done(self) -> Result<ProcessOutcome, SimulationError> {
        let scenario = self.checked_scenario().map_err(ProcessesError::Scenario)?;
        let memory = inherited(self.memory).and_then(SharedMemory::open);
        let memory = memory.map_err(|cause| ProcessesError::Memory { bytes: self.layout.0, cause })?;
        let process_waker = inherited(self.process_waker)
            .and_then(ProcessWaker::inherited)
            .map_err(|cause| ProcessesError::ProcessWaker { cause })?;
        let interrupt = Interrupt::new();
        let memory_left = self.memory_left;
        let runner = Runner { memory_left, ..Runner::new(&scenario, &interrupt, &())? };
        let mut arena = Arena::mapped(memory);
        let (rendezvous, mut common) = runner.lay_out(&mut arena);
        let Layout { bytes, digest } = arena.layout();
        if ((bytes, digest), runner.topology.links()) != (self.layout, self.links) {
            return Err(ProcessesError::Differs.into());
        }
        let clock = Clock::from_base(self.clock_base);
        let slot = ProcessSlot { process: self.process as usize, token: Token(self.token), clock };
        let Some(TracedTask { named: [path, folder], files, first }) = self.trace else {
            return runner.take_part(&slot, rendezvous, &mut common, Some(&process_waker), None);
        };
        let request = TraceRequest { path: path.into(), folder: folder.into(), shares_disk: false };
        let opened: io::Result<Vec<File>> = files.into_iter().map(inherited).collect();
        let files = opened.map_err(|cause| request.not_spooled(cause))?;
        let spool = TraceSpool::inherited((first as usize..).zip(files).collect());
        let outcome = runner.take_part(&slot, rendezvous, &mut common, Some(&process_waker), Some(&spool));
        let trace = request.finish(&spool)?.filled_files();
        Ok(ProcessOutcome { trace, ..outcome? })
    }
}

/// Serves as a process of a run that [`Runner::run`] started: reads its task, runs it, and writes its outcome. Returns
/// true if all went well.
///
/// # Errors
///
/// The input is no task of this version of the program, or the output cannot be written.
pub fn serve(input: impl Read, mut output: impl Write) -> io::Result<bool> {
    let message = match Task::read(input)?.done() {
        Ok(outcome) => ProcessMessage::Outcome(outcome),
        Err(SimulationError::Runtime(RuntimeError::Abandoned)) => ProcessMessage::Abandoned,
        Err(error) => ProcessMessage::Failed { said: error.to_string(), is_usage: error.is_usage() },
    };
    output.write_all(&postcard::to_extend(&message, Vec::new()).map_err(io::Error::other)?)?;
    output.flush()?;
    Ok(matches!(message, ProcessMessage::Outcome(_)))
}

#[cfg(all(test, target_os = "linux", not(portable)))]
mod tests {
    use super::*;
    use crate::scenario::{Draft, TransportKind};
    use std::os::fd::AsRawFd;
    use std::os::unix::process::ExitStatusExt;
    use std::path::PathBuf;
    use std::process::ExitStatus;

    const WELL: i32 = 0;
    const FAILED: i32 = 3 << 8;
    const KILLED: i32 = libc::SIGKILL;

    fn ended(pid: u32, status: i32, message: Option<ProcessMessage>) -> EndedProcess {
        let wrote = message.map_or_else(Vec::new, |message| postcard::to_extend(&message, Vec::new()).unwrap());
        EndedProcess { pid, status: ExitStatus::from_raw(status), given_up: false, wrote }
    }

    fn outcome() -> Option<ProcessMessage> {
        Some(ProcessMessage::Outcome(ProcessOutcome {
            workers: Vec::new(),
            datagram_bytes: 56,
            notices: Vec::new(),
            trace: Vec::new(),
        }))
    }

    fn failure(said: &str) -> Option<ProcessMessage> {
        Some(ProcessMessage::Failed { said: said.to_owned(), is_usage: true })
    }

    fn blamed(ended: Vec<EndedProcess>) -> String {
        outcomes(ended).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn processes_that_all_report_are_no_error() {
        let outcomes = outcomes(vec![ended(7, WELL, outcome()), ended(8, WELL, outcome())]).ok().unwrap();
        assert_eq!(
            outcomes.iter().map(|(pid, outcome)| (*pid, outcome.datagram_bytes)).collect::<Vec<_>>(),
            [(7, 56), (8, 56)]
        );
    }

    #[test]
    fn who_began_it_is_blamed() {
        let killed = || ended(9, KILLED, None);
        let failed = || ended(8, FAILED, failure("no room"));
        let left = || ended(7, FAILED, Some(ProcessMessage::Abandoned));
        let given_up = || EndedProcess { given_up: true, ..ended(6, KILLED, None) };
        let dies = "process 3 (pid 9) died (signal: 9 (SIGKILL)); the run was stopped and nothing it measured is kept";
        assert_eq!(blamed(vec![left(), given_up(), failed(), killed()]), dies);
        assert_eq!(blamed(vec![left(), given_up(), failed()]), "process 2 (pid 8): no room");
        assert!(outcomes(vec![failed()]).map(|_| ()).unwrap_err().is_usage());
        assert!(blamed(vec![ended(5, WELL, outcome()), left()]).starts_with("process 1 (pid 7) died (exit status: 3)"));
        assert!(
            blamed(vec![given_up(), ended(4, 101 << 8, None)]).starts_with("process 1 (pid 4) died (exit status: 101)")
        );
    }

    #[test]
    fn a_message_killed_in_its_midst_is_none() {
        let mut cut = ended(9, KILLED, outcome());
        cut.wrote.pop();
        assert!(blamed(vec![cut]).starts_with("process 0 (pid 9) died"));
    }

    #[test]
    fn a_stranger_gets_no_service() {
        for input in [&b""[..], b"nodes = 10\n", &[0; 4_096]] {
            assert!(serve(input, Vec::new()).is_err());
        }
    }

    #[test]
    fn a_library_must_name_the_program_to_start() {
        let scenario = Draft { processes: Some(2), ..Draft::default() }.build().unwrap();
        let error = crate::simulation::run(&scenario, &Interrupt::new()).map(|_| ()).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("`bulkprop`"), "{error}");
    }

    #[test]
    fn what_can_be_read_once_is_not_read_by_each() {
        let nowhere = Program { path: PathBuf::new(), arguments: Vec::new() };
        let directory = tempfile::Builder::new().suffix(".csv").tempdir().unwrap();
        let directory = directory.path().to_str().unwrap();
        let (pipe, mut lines) = io::pipe().unwrap();
        lines.write_all(b"7 8\n8 9\n").unwrap();
        drop(lines);
        let pipe = format!("file:/dev/fd/{}", pipe.as_raw_fd());
        let draft = Draft {
            processes: Some(2),
            threads: Some(1),
            transport: Some(TransportKind::UdpShard),
            ..Draft::default()
        };
        let network = Draft { network: Some(directory.parse().unwrap()), ..draft.clone() };
        let topology = Draft { topology: Some(pipe.parse().unwrap()), ..draft.clone() };
        for (draft, option) in [(network, "--network \""), (topology, "--topology \"")] {
            let error = check(&draft.build().unwrap(), Some(&nowhere)).unwrap_err().to_string();
            assert!(error.contains(option) && error.contains("no plain file"), "{error}");
        }
        assert!(check(&draft.build().unwrap(), Some(&nowhere)).is_ok());
    }
}
