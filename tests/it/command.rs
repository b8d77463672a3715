//! How the tests start the real binary.

use std::ffi::OsStr;
use std::process::{Command, Output};

/// The binary with these arguments, not yet started.
pub(crate) fn bulkprop<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulkprop"));
    command.args(arguments);
    command
}

/// Runs it to its end: exit code, standard output, standard error.
pub(crate) fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}
