//! Tests that imports go down only: a module may use those that stand before it in this list, and no other.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, from the ground up. See `docs/ARCHITECTURE.md`.
const ROOMS: [&str; 30] = [
    "escape",
    "ids",
    "quantity",
    "time",
    "ratio",
    "simd",
    "random",
    "message",
    "theory",
    "order",
    "wire",
    "workload",
    "sys",
    "sync",
    "topology",
    "coverage",
    "record",
    "protocol",
    "network",
    "adversary",
    "scenario",
    "threads",
    "transport",
    "runtime",
    "engine",
    "memory",
    "analysis",
    "simulation",
    "report",
    "experiment",
];

/// Text that only some rooms may contain.
const OWNED: [(&str, &[&str]); 8] = [
    ("allow(unsafe_code)", &["simd", "sync", "sys"]),
    ("Instant::now", &["sys"]),
    ("std::sync::atomic", &["sync"]),
    ("thread::scope", &["threads", "sync"]),
    // The thread that waits for signals shares no work and is never joined.
    ("thread::Builder", &["threads", "cli"]),
    ("set_for_current", &["threads"]),
    ("println!", &["main", "cli"]),
    ("process::exit", &["cli"]),
];

#[test]
fn every_room_uses_only_those_below_it() {
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        let Some(rank) = ROOMS.iter().position(|&name| name == room) else {
            assert!(["lib", "main", "cli"].contains(&room.as_str()), "{} is in no room of the list", path.display());
            continue;
        };
        for used in used_rooms(&text) {
            match ROOMS.iter().position(|&name| name == used) {
                Some(below) if below <= rank => {}
                _ => wrong.push(format!("{} ({room}) uses {used}", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn owned_text_is_in_no_other_room() {
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        for (word, owners) in OWNED {
            let said = text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            if said && !owners.contains(&room.as_str()) {
                wrong.push(format!("{} says {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_has_a_door_plate_and_is_not_too_long() {
    for (_, path, text) in sources() {
        assert!(text.starts_with("//! "), "{} has no door-plate", path.display());
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines", path.display());
    }
}

/// Every source file with its room and its text.
fn sources() -> Vec<(String, PathBuf, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&source).unwrap();
                let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
                let text = fs::read_to_string(&path).unwrap();
                files.push((first.trim_end_matches(".rs").to_owned(), inside.to_owned(), text));
            }
        }
    }
    assert!(files.len() > 30, "the sources were not found");
    files
}

/// The rooms that a file names after `crate::`, in `use` lines or in the middle of a line.
fn used_rooms(text: &str) -> Vec<&str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let named = code.flat_map(|line| line.split("crate::").skip(1));
    named
        .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
        .filter(|name| !name.is_empty())
        .collect()
}
