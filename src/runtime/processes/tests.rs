//! Children that behave, that end badly, that do not leave, and that are left behind.

use super::*;
use std::os::unix::process::ExitStatusExt;

fn shell(script: &str) -> Program {
    Program { path: "/bin/sh".into(), arguments: vec!["-c".to_owned(), script.to_owned()] }
}

fn start(script: &str, tasks: [&str; 2]) -> ProcessGroup {
    ProcessGroup::start(&shell(script), &[], tasks.map(|task| task.as_bytes().to_vec()).into()).unwrap()
}

#[test]
fn each_gets_its_task_and_its_writing_arrives() {
    let ended = start("cat; echo done", ["one ", "two "]).wait(|| false, || panic!("nobody ended badly")).unwrap();
    let wrote: Vec<&[u8]> = ended.iter().map(|ended| ended.wrote.as_slice()).collect();
    assert_eq!(wrote, [b"one done\n", b"two done\n"]);
    assert!(ended.iter().all(|ended| ended.status.success() && !ended.given_up));
}

#[test]
fn when_one_is_killed_the_others_are_told_and_then_given_up() {
    let worker_threads = start("read task; [ $task = stay ] && exec sleep 600; kill -9 $$", ["stay", "die"]);
    let mut told = 0;
    let ended = worker_threads.wait(|| false, || told += 1).unwrap();
    assert_eq!(told, 1);
    assert_eq!([ended[0].given_up, ended[1].given_up], [true, false]);
    assert_eq!(ended[1].status.signal(), Some(libc::SIGKILL));
}

#[test]
fn none_outlives_its_group() {
    let worker_threads = start("exec sleep 600", ["", ""]);
    let pids: Vec<u32> = worker_threads.members.iter().map(|member| member.child.id()).collect();
    let is_there = |pid: u32| std::path::Path::new(&format!("/proc/{pid}")).exists();
    assert!(pids.iter().all(|&pid| is_there(pid)));
    drop(worker_threads);
    assert!(!pids.iter().any(|&pid| is_there(pid)));
}

#[test]
fn what_cannot_be_started_is_named() {
    let nowhere = Program { path: "/nowhere/at/all".into(), arguments: Vec::new() };
    let Err(error) = ProcessGroup::start(&nowhere, &[], vec![Vec::new()]) else { panic!("nothing is there to start") };
    assert!(error.to_string().starts_with("process 0 cannot be started"), "{error}");
}
