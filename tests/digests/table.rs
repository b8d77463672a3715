//! Reads and writes the tables: sections with a name, a command, a hash of all figures, and a line for each figure.

use crate::figures::{self, Figures};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// The pinned figures of a scenario.
#[derive(Default)]
pub(crate) struct Section {
    /// Name of the scenario.
    pub(crate) name: String,
    /// The command that gives the figures, without the arguments of its variants.
    pub(crate) command: String,
    /// The figures, with their hash under [`HASH`].
    pub(crate) figures: Figures,
}

/// The path of the hash of all other figures.
const HASH: &str = "hash";

/// Prefix of the line with a section's name.
const NAME: &str = "## ";

/// Prefix of the line with its command.
const COMMAND: &str = "$ ";

/// Separator between a path and its value.
const IS: &str = " = ";

/// Adds the hash of all figures to them.
pub(crate) fn with_hash(mut figures: Figures) -> Figures {
    let lines: Vec<String> = figures.iter().map(line).collect();
    figures.insert(HASH.to_owned(), figures::hash(&lines));
    figures
}

fn line((path, text): (&String, &String)) -> String {
    format!("{path}{IS}{text}")
}

fn path(group: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/digests/{group}.txt"))
}

/// Reads the table of a group.
pub(crate) fn read(group: &str) -> Vec<Section> {
    let path = path(group);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix(NAME) {
            sections.push(Section { name: name.to_owned(), ..Section::default() });
        } else if let Some(section) = sections.last_mut() {
            match (line.strip_prefix(COMMAND), line.split_once(IS)) {
                (Some(command), _) => command.clone_into(&mut section.command),
                (None, Some((path, text))) => drop(section.figures.insert(path.to_owned(), text.to_owned())),
                (None, None) => panic!("{}: {line}: neither a name nor a command nor a figure", path.display()),
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
    let path = path(group);
    fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
