//! Tests a system that grants too few threads: one sentence and exit code 3, on every path, and never a hang.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The binary as a user of its own, to whom the system grants `threads` processes and threads in all. `None` if this
/// user cannot become another.
fn limited(binary: &Path, threads: u32, line: &str) -> Option<Command> {
    // No other processes count, because the number belongs to no user and derives from this process's own.
    let user = 2_000_000_000 + std::process::id();
    let become_another = ["setpriv", "--reuid", &user.to_string(), "--clear-groups", "--"].map(str::to_owned);
    let tried = Command::new(&become_another[0]).args(&become_another[1..]).arg("true").output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        return None;
    }
    let mut command = Command::new("prlimit");
    command.arg(format!("--nproc={threads}")).arg("--").args(become_another).args(["timeout", "60"]);
    command.arg(binary).args(line.split(' ')).current_dir("/");
    Some(command)
}

#[test]
fn too_few_threads_are_an_error_and_never_a_hang() {
    let folder = TempDir::new().unwrap();
    let binary = folder.path().join("bulkprop");
    // A place where another user may read and start it.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_bulkprop"), &binary).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    for line in [
        "--transport simulated --nodes 1000 --threads 4 --ttl auto",
        "--transport simulated --nodes 1000 --threads 4 --ttl auto --engine general",
        "--transport simulated --nodes 1000 --threads 4 --ttl auto --latency uniform:10ms..20ms",
        "--transport simulated --nodes 1000 --threads 4 --ttl auto --orders 10 --rate 100",
        "--transport udp --nodes 100 --threads 4",
        "--transport udp-shard --nodes 1000 --threads 4",
        #[cfg(all(target_os = "linux", not(portable)))]
        "--transport unix --nodes 100 --threads 4",
        "--transport memory --nodes 1000 --threads 4",
        "--transport udp-shard --nodes 1000 --threads 4 --processes 2",
        "knee --transport memory --nodes 1000 --threads 4",
        "validate --quick --threads 4",
    ] {
        // The main thread, the one that waits for signals, `timeout`, and one worker or process.
        let Some(mut command) = limited(&binary, 4, line) else {
            eprintln!("skipped: only a user who may become another can be refused threads");
            return;
        };
        let output = command.output().unwrap();
        let wrong = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{line}: {wrong}");
        let said: Vec<&str> = wrong.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!((said.len(), wrong.lines().count()), (1, 1), "{line}: {wrong}");
        assert!(said[0].contains("ulimit -u") && !said[0].contains("defect"), "{line}: {wrong}");
    }
}
