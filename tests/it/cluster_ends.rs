//! Tests the ends of a cluster whose processes are killed, stopped or cut off: all others end soon, with exit code 3
//! and the name of the process that is lost.

use crate::cluster::hosts;
use crate::command::bulkprop;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A run that lasts longer than any test.
const LONG: &str = "--transport simulated --nodes 1000 --topology complete --protocol flood --orders 5000 --rate 10/s \
                    --timeout 0 --seed 1 --threads 1";

/// Kills in one test run; the recipe `cluster-kills` asks for more.
const KILLS: u64 = 20;

/// Kills that are made side by side.
const SIDE_BY_SIDE: u64 = 10;

/// Longest time in which the others must have ended, in steps of [`STEP`]: ten seconds at the start, in which a process
/// that is killed may not have come yet, and half as much for a machine with other work.
const STEPS_MAX: u32 = 1_500;

const STEP: Duration = Duration::from_millis(10);

/// The processes of a cluster on this machine.
struct Cluster {
    processes: Vec<Child>,
    _folder: TempDir,
}

impl Cluster {
    /// Starts a cluster; a sealed one if it has a secret.
    fn start(processes: usize, is_sealed: bool) -> Cluster {
        let folder = TempDir::new().unwrap();
        let hosts = hosts(folder.path(), processes);
        let secret = is_sealed.then(|| secret(folder.path()));
        let start = |process: usize| {
            let mut command = bulkprop(LONG.split_whitespace());
            command.arg("--cluster").arg(&hosts).args(["--process", &process.to_string()]);
            if let Some(secret) = &secret {
                command.arg("--secret-file").arg(secret);
            }
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        Cluster { processes: (0..processes).map(start).collect(), _folder: folder }
    }

    fn signal(&self, process: usize, name: &str) {
        let id = self.processes[process].id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits for the end of a process; returns its exit code, if it has one, and its last line on standard error.
    fn end(&mut self, process: usize) -> (Option<i32>, String) {
        let child = &mut self.processes[process];
        let ended = (0..STEPS_MAX).find_map(|_| {
            let status = child.try_wait().unwrap();
            if status.is_none() {
                thread::park_timeout(STEP);
            }
            status
        });
        let status = ended.unwrap_or_else(|| panic!("process {process} hangs"));
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
        (status.code(), said.lines().last().unwrap_or_default().to_owned())
    }

    /// Asserts that a process ends because it has lost another.
    fn assert_loses(&mut self, process: usize, lost: usize) {
        let (code, said) = self.end(process);
        assert_eq!(code, Some(3), "process {process}, when {lost} was lost: {said}");
        assert!(said.contains(&format!("process {lost} (127.")), "{said}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in &mut self.processes {
            // Most have ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Writes a secret that only this user may read.
fn secret(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("secret");
    fs::write(&path, [7; 32]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Kills one of three processes at a moment that the number of the test draws.
fn kill(number: u64) {
    let draw = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
    let (victim, millis) = ((draw % 3) as usize, 100 + draw / 3 % 700);
    let mut cluster = Cluster::start(3, number.is_multiple_of(2));
    thread::park_timeout(Duration::from_millis(millis));
    cluster.signal(victim, "-KILL");
    let (code, said) = cluster.end(victim);
    assert_eq!(code, None, "kill {number} of process {victim} after {millis} ms came too late: {said}");
    for process in (0..3).filter(|&process| process != victim) {
        let (code, said) = cluster.end(process);
        assert_eq!(code, Some(3), "kill {number} of process {victim} after {millis} ms: process {process}: {said}");
        // Before all are connected the process is missed, afterwards it is lost.
        assert!(said.contains(&format!("{victim} (127.")), "kill {number} after {millis} ms: {said}");
    }
}

#[test]
fn a_process_that_is_killed_ends_all_others() {
    let kills = std::env::var("CLUSTER_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    for first in (0..kills).step_by(SIDE_BY_SIDE as usize) {
        thread::scope(|scope| {
            for number in first..kills.min(first + SIDE_BY_SIDE) {
                scope.spawn(move || kill(number));
            }
        });
    }
}

/// A process that is stopped for longer than three seconds counts as dead, and finds that out when it goes on.
#[test]
fn a_process_that_is_stopped_ends_all_others_and_then_itself() {
    let mut cluster = Cluster::start(2, true);
    thread::park_timeout(Duration::from_millis(1_500));
    cluster.signal(1, "-STOP");
    cluster.assert_loses(0, 1);
    thread::park_timeout(Duration::from_millis(500));
    cluster.signal(1, "-CONT");
    let (code, said) = cluster.end(1);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("process 1 (127.") && said.contains("it was stopped for "), "{said}");
}

/// Two hosts in network namespaces, joined by a cable. Run separately, because it takes the right to make namespaces:
/// `just namespaces`.
#[test]
#[ignore = "needs the right to make network namespaces"]
fn two_hosts_agree_with_one_and_end_when_their_cable_is_cut() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("hosts.txt"), "10.9.0.1:2101\n10.9.0.2:2101\n").unwrap();
    secret(folder.path());
    let script = r#"
        cd "$1"; bulkprop=$2; long=$3
        ip link set lo up
        unshare -n sleep 60 & other=$!
        while [ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
        there() { nsenter -t $other -n "$@"; }
        ip link add cable0 type veth peer name cable1 && ip link set cable1 netns $other
        ip address add 10.9.0.1/24 dev cable0 && ip link set cable0 up
        there ip address add 10.9.0.2/24 dev cable1 && there ip link set cable1 up
        short="--transport simulated --nodes 3000 --seed 4 --threads 1 --format json"
        hosts="--cluster hosts.txt --secret-file secret"
        $bulkprop $short > alone.json
        $bulkprop $short $hosts --process 0 > together.json & first=$!
        there $bulkprop $short $hosts --process 1 > line.txt || exit 11
        wait $first || exit 12
        $bulkprop $long --cluster hosts.txt --process 0 2> refused.txt; [ $? = 2 ] || exit 13
        $bulkprop $long $hosts --process 0 2> first.txt & first=$!
        there $bulkprop $long $hosts --process 1 2> second.txt & second=$!
        sleep 2; ip link set cable0 down; begun=$(date +%s)
        wait $first; [ $? = 3 ] || exit 14
        wait $second; [ $? = 3 ] || exit 15
        [ $(($(date +%s) - begun)) -le 6 ] || exit 16
        kill $other
    "#;
    let mut command = Command::new("unshare");
    let bulkprop = env!("CARGO_BIN_EXE_bulkprop");
    command.args(["-rn", "sh", "-c", script, "sh"]).arg(folder.path()).args([bulkprop, LONG]);
    let output = command.output().unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let said = ["refused.txt", "first.txt", "second.txt"].map(read);
    assert!(output.status.success(), "{}: {said:?} {}", output.status, String::from_utf8_lossy(&output.stderr));
    let digest = |name: &str| serde_json::from_str::<serde_json::Value>(&read(name)).unwrap()["digest"].clone();
    assert_eq!(digest("together.json"), digest("alone.json"));
    assert!(said[0].contains("10.9.0.1:2101") && said[0].contains("--secret-file"), "{}", said[0]);
    assert!(said[1].contains("process 1 (10.9.0.2:2101)") && said[1].contains("nothing was heard"), "{}", said[1]);
    assert!(said[2].contains("process 0 (10.9.0.1:2101)") && said[2].contains("nothing was heard"), "{}", said[2]);
}
