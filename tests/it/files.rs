//! Tests the files that the binary reads and writes: none of the user's data is lost, whatever the command line says
//! and however the run ends.

use crate::command::{UnderWay, beside_notices, bulkprop, output};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const GRAPH: &str = "0 1\n1 2\n2 0\n";
const YESTERDAY: &str = "yesterday's figures\n";

/// A directory with a graph, a matrix, a file of options and yesterday's figures.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = Folder(TempDir::new().unwrap());
        for (name, text) in
            [("g.txt", GRAPH), ("m.csv", "one_way_ms,a\na,5\n"), ("c.toml", "nodes = 3\n"), ("out.csv", YESTERDAY)]
        {
            fs::write(folder.at(name), text).unwrap();
        }
        folder
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The binary with this command line, started in the directory.
    fn bulkprop(&self, line: &str) -> Command {
        let mut command = bulkprop(line.split(' '));
        command.current_dir(self.0.path());
        command
    }

    /// Asserts that a command line is rejected with a message that has these parts, and that no byte and no name has
    /// changed.
    #[track_caller]
    fn assert_refused(&self, line: &str, parts: &[&str]) {
        let before: Vec<_> = self.names().into_iter().map(|name| (fs::read(self.at(&name)).ok(), name)).collect();
        let (code, stdout, stderr) = output(&mut self.bulkprop(line));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{line}: {stderr}");
        assert!(parts.iter().all(|part| stderr.contains(part)), "{line}: {stderr}");
        let after: Vec<_> = self.names().into_iter().map(|name| (fs::read(self.at(&name)).ok(), name)).collect();
        assert!(before == after, "{line}");
    }
}

#[test]
fn an_input_without_end_is_read_within_its_limit() {
    let folder = Folder::new();
    folder.assert_refused("--config /dev/zero", &["longer than 65536 bytes"]);
    folder.assert_refused("--transport simulated --network m.csv/none.csv", &["m.csv", "name a readable file"]);
    folder.assert_refused("--topology file:/dev/zero", &["at most 4096 bytes"]);
    folder.assert_refused("--topology file:/tmp", &["directory", "name a readable file"]);
    folder.assert_refused("--config /tmp", &["directory", "name a readable TOML file"]);
    let elsewhere = TempDir::new().unwrap();
    let zero = elsewhere.path().join("zero.csv");
    symlink("/dev/zero", &zero).unwrap();
    folder.assert_refused(&format!("--transport simulated --network {}", zero.display()), &["268435456 bytes"]);
    fs::create_dir(folder.at("d.csv")).unwrap();
    folder.assert_refused("--transport simulated --network d.csv", &["directory", "name a readable file"]);
    // A task comes only from this program.
    let zero = fs::File::open("/dev/zero").unwrap();
    let ended = folder.bulkprop("--serve").stdin(zero).output().unwrap();
    assert_eq!(ended.status.code(), Some(2), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn an_output_is_never_an_input() {
    let folder = Folder::new();
    fs::hard_link(folder.at("g.txt"), folder.at("hard")).unwrap();
    symlink("g.txt", folder.at("link")).unwrap();
    for output in ["g.txt", "./g.txt", "hard", "link"] {
        for option in ["nodes-csv", "orders-csv"] {
            let line = format!("--transport simulated --nodes 3 --topology file:g.txt --{option} {output}");
            folder.assert_refused(&line, &[&format!("--{option} \"{output}\""), "the input of --topology"]);
        }
        let line = format!("knee --transport simulated --nodes 3 --topology file:g.txt --csv {output}");
        folder.assert_refused(&line, &["--csv", "the input of --topology"]);
    }
    folder.assert_refused("--transport simulated --network m.csv --nodes-csv m.csv", &["the input of --network"]);
    folder.assert_refused("--config c.toml --nodes-csv c.toml", &["the input of --config"]);
    folder.assert_refused("knee --config c.toml --csv c.toml", &["the input of --config"]);
}

#[test]
fn an_output_is_never_another_one() {
    let folder = Folder::new();
    symlink("new", folder.at("link")).unwrap();
    for (one, other) in [("out.csv", "out.csv"), ("new", "./new"), ("new", "link"), ("new.partial", "new")] {
        folder.assert_refused(&format!("--nodes-csv {one} --orders-csv {other}"), &["the output of --nodes-csv"]);
    }
    let report = fs::File::create(folder.at("report")).unwrap();
    let refused = folder.bulkprop("--quiet --nodes-csv report").stdout(report).output().unwrap();
    assert_eq!((refused.status.code(), folder.text("report").as_str()), (Some(2), ""));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("standard output"));
}

#[test]
fn an_unwritable_output_is_found_before_the_run() {
    let folder = Folder::new();
    fs::create_dir(folder.at("sub")).unwrap();
    let long = "n".repeat(250);
    for output in ["none/out", "sub", "sub/", "new/", "c.toml/out", &long] {
        folder.assert_refused(&format!("--quiet --nodes-csv {output}"), &["--nodes-csv", "name a file"]);
    }
}

#[test]
fn a_run_that_fails_or_is_rejected_leaves_the_old_file_and_no_other() {
    let folder = Folder::new();
    for line in [
        "--nodes 0 --nodes-csv out.csv",
        "--transport simulated --nodes 2 --topology file:g.txt --nodes-csv out.csv",
        "--transport simulated --network none.csv --orders-csv out.csv",
        "--nodes-csv out.csv --orders-csv none/out",
        "knee --transport simulated --nodes 2 --topology file:g.txt --csv out.csv",
    ] {
        folder.assert_refused(line, &[]);
    }
    let (code, ..) = output(&mut folder.bulkprop("--print-config --nodes 3"));
    assert_eq!((code, folder.text("out.csv").as_str()), (Some(0), YESTERDAY));
}

#[test]
fn a_complete_file_replaces_the_old_one_with_its_mode() {
    let folder = Folder::new();
    fs::set_permissions(folder.at("out.csv"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("out.csv", folder.at("link")).unwrap();
    let old = fs::metadata(folder.at("out.csv")).unwrap();
    let line = "--transport simulated --nodes 30 --quiet --nodes-csv link --orders-csv new.csv";
    let (code, _, stderr) = output(&mut folder.bulkprop(line));
    assert_eq!((code, beside_notices(&stderr).as_str()), (Some(0), ""));
    assert_eq!(fs::read_link(folder.at("link")).unwrap(), Path::new("out.csv"));
    assert_eq!(folder.text("out.csv").lines().count(), 31);
    let new = fs::metadata(folder.at("out.csv")).unwrap();
    assert_eq!((new.mode() & 0o777, new.uid(), new.gid()), (0o640, old.uid(), old.gid()));
    assert_ne!(new.ino(), old.ino(), "it was written beside");
    // A new file has the mode that any other program would give it.
    fs::File::create(folder.at("like")).unwrap();
    let mode = |name| fs::metadata(folder.at(name)).unwrap().mode();
    assert_eq!(mode("new.csv"), mode("like"));
    assert_eq!(folder.names(), ["c.toml", "g.txt", "like", "link", "m.csv", "new.csv", "out.csv"]);
}

#[test]
fn pipes_and_streams_are_written_as_they_are() {
    let folder = Folder::new();
    assert!(Command::new("mkfifo").arg(folder.at("pipe")).status().unwrap().success());
    let child = folder.bulkprop("--nodes 30 --quiet --nodes-csv pipe").stdout(Stdio::piped()).spawn().unwrap();
    assert_eq!(folder.text("pipe").lines().count(), 31);
    assert!(child.wait_with_output().unwrap().status.success());
    // If standard output is a file, figures and report follow each other.
    let report = fs::File::create(folder.at("report")).unwrap();
    let status = folder.bulkprop("--nodes 30 --quiet --nodes-csv /dev/stdout").stdout(report).status().unwrap();
    let text = folder.text("report");
    assert_eq!((status.code(), text.lines().count()), (Some(0), 32), "{text}");
    assert!(text.starts_with("node,") && text.lines().last().unwrap().contains("30"));
}

#[test]
fn an_interrupted_run_leaves_a_partial_file_beside_the_old_one() {
    let folder = Folder::new();
    let line = "--transport simulated --nodes 1000 --topology complete --protocol flood --orders 5000 --rate 10/s --timeout 0 \
                --progress --quiet --nodes-csv out.csv";
    let run = UnderWay::start(&mut folder.bulkprop(line));
    run.signal("-INT");
    let (code, _, stderr) = run.end();
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("out.csv.partial"), "{stderr}");
    assert_eq!(folder.text("out.csv"), YESTERDAY);
    assert_eq!(folder.text("out.csv.partial").lines().count(), 1_001);
    assert_eq!(folder.names(), ["c.toml", "g.txt", "m.csv", "out.csv", "out.csv.partial"]);
}
