//! Reads and writes the tables: sections of a name, a command, a hash of all, and a line for each figure.

use crate::figures::{self, Figures};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// What is pinned of a scenario.
#[derive(Default)]
pub(crate) struct Section {
    /// The scenario's name.
    pub(crate) name: String,
    /// The command that gives the figures, without what its variants add.
    pub(crate) command: String,
    /// They themselves, their hash under [`HASH`] among them.
    pub(crate) figures: Figures,
}

/// The path of the hash of all other figures.
const HASH: &str = "hash";

/// What the line of a section's name begins with.
const NAME: &str = "## ";

/// What the line of its command begins with.
const COMMAND: &str = "$ ";

/// Between a path and its value.
const IS: &str = " = ";

/// Adds to some figures the hash of all of them.
pub(crate) fn with_hash(mut figures: Figures) -> Figures {
    let lines: Vec<String> = figures.iter().map(line).collect();
    figures.insert(HASH.to_owned(), figures::hash(&lines));
    figures
}

fn line((path, text): (&String, &String)) -> String {
    format!("{path}{IS}{text}")
}

fn place(group: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/digests/{group}.txt"))
}

/// The table of a group.
pub(crate) fn read(group: &str) -> Vec<Section> {
    let place = place(group);
    let text = fs::read_to_string(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix(NAME) {
            sections.push(Section { name: name.to_owned(), ..Section::default() });
        } else if let Some(section) = sections.last_mut() {
            match (line.strip_prefix(COMMAND), line.split_once(IS)) {
                (Some(command), _) => command.clone_into(&mut section.command),
                (None, Some((path, text))) => drop(section.figures.insert(path.to_owned(), text.to_owned())),
                (None, None) => panic!("{}: {line}: neither a name nor a command nor a figure", place.display()),
            }
        }
    }
    sections
}

/// Writes the table of a group.
pub(crate) fn write(group: &str, sections: &[Section]) {
    let mut text = format!("Figures of {} scenarios. `tests/digests/main.rs` says what they are.\n", sections.len());
    for Section { name, command, figures } in sections {
        let head = figures.get_key_value(HASH).map(line).unwrap_or_default();
        writeln!(text, "\n{NAME}{name}\n{COMMAND}{command}\n{head}").expect("a string takes all");
        for figure in figures.iter().filter(|(path, _)| *path != HASH) {
            writeln!(text, "{}", line(figure)).expect("a string takes all");
        }
    }
    let place = place(group);
    fs::write(&place, text).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
}
