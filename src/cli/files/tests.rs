//! Tests which outputs are rejected, and what a failure leaves of the others.

use super::*;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use tempfile::TempDir;

/// The error that keeps an output from being written beside these inputs.
fn refused(inputs: &[NamedInput<'_>], path: &Path) -> String {
    prepare(inputs, [("nodes-csv", Some(path))]).map(|_| ()).unwrap_err().to_string()
}

fn one(path: &Path) -> OutputFile {
    let [output] = prepare(&[], [("nodes-csv", Some(path))]).unwrap();
    output.unwrap()
}

fn names(directory: &TempDir) -> Vec<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
}

#[test]
fn an_input_is_refused_by_any_name() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("input"), "0 1\n").unwrap();
    symlink("input", at("link")).unwrap();
    fs::hard_link(at("input"), at("hard")).unwrap();
    fs::create_dir(at("sub")).unwrap();
    for name in ["input", "link", "hard", "./input", "sub/../input"] {
        let said = refused(&[("topology", &at("input"))], &at(name));
        let clash = format!("--nodes-csv {:?}: it is the same file as the input of --topology", at(name));
        assert!(said.starts_with(&clash), "{said}");
        assert!(refused(&[("topology", &at(name))], &at("input")).contains("same file"), "{name}");
    }
    let whole = prepare(&[("topology", &at("input"))], [("nodes-csv", Some(&at("other")))]);
    assert!(whole.is_ok() && !at("other").exists());
}

#[test]
fn two_outputs_are_not_one_file_even_before_it_exists() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    symlink("out", at("link")).unwrap();
    symlink("link", at("chain")).unwrap();
    symlink("loop", at("loop")).unwrap();
    for name in ["out", "./out", "link", "chain"] {
        let both = prepare(&[], [("nodes-csv", Some(&at("out"))), ("orders-csv", Some(&at(name)))]);
        let said = both.map(|_| ()).unwrap_err().to_string();
        assert!(said.contains("--orders-csv") && said.contains("the output of --nodes-csv"), "{said}");
    }
    assert!(refused(&[], &at("loop")).contains("name a file"));
    assert!(refused(&[], &at("out/")).contains("directory"));
    assert!(refused(&[], directory.path()).contains("directory"));
    let both =
        prepare(&[], [("nodes-csv", Some(Path::new("/dev/null"))), ("orders-csv", Some(Path::new("/dev/null")))]);
    assert!(both.is_ok(), "a device keeps nothing");
}

#[test]
fn a_partial_result_destroys_nothing_either() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("x.partial"), "0 1\n").unwrap();
    let said = refused(&[("topology", &at("x.partial"))], &at("x"));
    assert!(said.contains("x.partial\", to which an interrupted run writes, is the same file as the input"), "{said}");
    let both = prepare(&[], [("nodes-csv", Some(&at("y.partial"))), ("orders-csv", Some(&at("y")))]);
    assert!(both.is_err());
}

#[test]
fn a_failure_leaves_the_old_file_and_nothing_else() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("out");
    fs::write(&path, "yesterday").unwrap();
    drop(one(&path));
    let half = |mut file: &File| file.write_all(b"today").and_then(|()| Err(ErrorKind::StorageFull.into()));
    let said = one(&path).fill(true, half).unwrap_err().to_string();
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(&directory)), ("yesterday", vec![path.clone()]));
    // A directory took the name meanwhile: the figures are kept under another name.
    let output = one(&path);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let said = output.fill(true, |mut file| file.write_all(b"today")).unwrap_err().to_string();
    let partial = directory.path().join("out.partial");
    assert!(said.contains("the figures are in") && said.contains("out.partial"), "{said}");
    assert_eq!(fs::read_to_string(&partial).unwrap(), "today");
    assert_eq!(names(&directory), [path, partial]);
}
