//! Tests what reaches a terminal: names from files and arguments are escaped there, and unchanged in JSON.

use crate::command::{bulkprop, output};
use bulk_order_propagation::escape::is_treacherous;
use std::fs;
use tempfile::TempDir;

/// Clears the screen, sets the title, reverses the text, hides a character, and clears again by one character.
const TREACHEROUS: &str = "a\x1b[2J\x1b]0;owned\x07\u{202e}b\u{200b}\u{9b}2J\u{2066}";

#[track_caller]
fn assert_shown(text: &str) {
    let treacherous: Vec<char> = text.chars().filter(|&sign| sign != '\n' && is_treacherous(sign)).collect();
    assert!(treacherous.is_empty(), "{treacherous:?} in {text:?}");
}

#[test]
fn names_and_paths_from_files_are_escaped() {
    let folder = TempDir::new().unwrap();
    let matrix = folder.path().join(format!("{TREACHEROUS}.csv"));
    fs::write(&matrix, format!("one_way_ms,{TREACHEROUS}\n{TREACHEROUS},1\n")).unwrap();
    let graph = folder.path().join(format!("{TREACHEROUS}.txt"));
    fs::write(&graph, format!("title {TREACHEROUS}\n0 1\n1 2\n2 2\n")).unwrap();
    let command = |rest: &[&str]| {
        let mut command = bulkprop(["--transport", "simulated", "--seed", "1", "--network"]);
        command.arg(&matrix).arg("--topology").arg(format!("file:{}", graph.display())).args(rest);
        command
    };
    let (code, text, stderr) = output(&mut command(&["--full"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{text}");
    assert_shown(&text);
    assert!(text.contains(r"a\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}b\u{200b}\u{9b}2J\u{2066}"), "{text}");
    let (_, _, stderr) = output(&mut command(&["--quiet"]));
    assert_shown(&stderr);
    // The replay command is quoted so that a shell reads the paths back.
    let replay = text.lines().find_map(|line| line.strip_prefix("  bulkprop ")).unwrap();
    let run = format!("{} {replay} --format json", env!("CARGO_BIN_EXE_bulkprop"));
    if let Ok(again) = std::process::Command::new("bash").args(["-c", &run]).output() {
        let again: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
        assert_eq!(again["groups"][0]["name"], TREACHEROUS);
    }
    let (_, json, _) = output(&mut command(&["--format", "json"]));
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["groups"][0]["name"], TREACHEROUS);
    let (_, text, stderr) = output(
        bulkprop(["knee", "--transport", "simulated", "--nodes", "20", "--most", "100/s"])
            .arg("--network")
            .arg(&matrix),
    );
    assert_shown(&text);
    assert_shown(&stderr);
}

#[test]
fn errors_escape_the_text_they_quote() {
    let folder = TempDir::new().unwrap();
    let bad = folder.path().join(format!("{TREACHEROUS}.csv"));
    fs::write(&bad, format!("one_way_ms,{TREACHEROUS}\n{TREACHEROUS},{TREACHEROUS}\n")).unwrap();
    let toml = folder.path().join(format!("{TREACHEROUS}.toml"));
    fs::write(&toml, "nodes = \"\\u001b[2J\u{202e}\"\n").unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let missing = format!("{TREACHEROUS}/none");
    for arguments in [
        vec!["--transport".to_owned(), "simulated".to_owned(), "--network".to_owned(), path(&bad)],
        vec!["--topology".to_owned(), format!("file:{}", path(&bad))],
        vec!["--topology".to_owned(), TREACHEROUS.to_owned()],
        vec!["--config".to_owned(), path(&toml)],
        vec!["--config".to_owned(), missing.clone()],
        vec!["--nodes-csv".to_owned(), missing],
        vec![format!("--{TREACHEROUS}")],
        vec![TREACHEROUS.to_owned()],
        vec!["--nodes".to_owned(), TREACHEROUS.to_owned()],
        vec!["--format".to_owned(), TREACHEROUS.to_owned()],
        vec!["knee".to_owned(), "--limit".to_owned(), TREACHEROUS.to_owned()],
        vec!["validate".to_owned(), "--seed".to_owned(), TREACHEROUS.to_owned()],
    ] {
        let (code, stdout, stderr) = output(&mut bulkprop(&arguments));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: "), "{stderr}");
        assert_shown(&stderr);
    }
}
