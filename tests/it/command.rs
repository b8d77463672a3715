//! Starts the real binary for the tests.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

/// The binary with these arguments, not yet started.
pub(crate) fn bulkprop<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulkprop"));
    command.args(arguments);
    with_default_signals(&mut command);
    command
}

/// Gives a command the signals' defaults, which a test runner that a shell started in the background does not have: it
/// ignores SIGINT, and so would its children.
#[allow(unsafe_code)]
pub(crate) fn with_default_signals(command: &mut Command) {
    let before_exec = || {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            // SAFETY: the call takes integers, is allowed between fork and exec, and installs no handler.
            if unsafe { libc::signal(signal, libc::SIG_DFL) } == libc::SIG_ERR {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: the closure only makes system calls, and neither allocates nor takes a lock.
    unsafe { command.pre_exec(before_exec) };
}

/// Runs it to its end; returns exit code, standard output, standard error.
pub(crate) fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Runs a command line that reaches its target, and returns its JSON report.
pub(crate) fn json(line: &str) -> serde_json::Value {
    let (code, stdout, stderr) = output(&mut bulkprop(line.split(' ')));
    assert_eq!(code, Some(0), "{line}: {stderr}");
    serde_json::from_str(&stdout).unwrap()
}

/// Standard error without the notices that `--quiet` prints there, because whether workers share a core depends on the
/// machine.
pub(crate) fn beside_notices(stderr: &str) -> String {
    stderr.lines().filter(|line| !line.starts_with("Notice: ")).collect()
}

/// A process that has printed a line on standard error, which shows how far it is.
pub(crate) struct UnderWay {
    child: Child,
    first: String,
    stderr: BufReader<ChildStderr>,
}

impl UnderWay {
    /// Starts a command and waits for the first line of its standard error, such as one of `--progress`.
    pub(crate) fn start(command: &mut Command) -> UnderWay {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        stderr.read_line(&mut first).unwrap();
        UnderWay { child, first, stderr }
    }

    /// Sends it a signal, named as for `kill`.
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits for its end; returns exit code, standard output, standard error.
    pub(crate) fn end(self) -> (Option<i32>, String, String) {
        let UnderWay { child, first: mut said, mut stderr } = self;
        let rest = std::thread::spawn(move || {
            stderr.read_to_string(&mut said).unwrap();
            said
        });
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), rest.join().unwrap())
    }
}
