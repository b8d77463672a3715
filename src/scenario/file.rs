//! A draft as TOML: one `option = value` per line, each value in its natural type. The options of the modelled network
//! may stand in a table of their own, `[network]`, in which `name` is the option that is called `network` outside.
//!
//! The reader of the flag of the same name reads every value, from its text in the file. So `target = 0.95` is exactly
//! 95/100, and a number out of range gets the same error message in both places.

use super::bad_value::{BadValue, shown};
use super::replay::{names, similar};
use super::{Draft, Scenario, failures_options, network_options};
use std::fmt;
use toml::de::{DeInteger, DeTable, DeValue};

impl Draft {
    /// Reads a TOML document whose keys are flags without their dashes.
    ///
    /// # Errors
    ///
    /// [`FileError`] with the line of the first item that is not TOML, not an option, or not a value that the option
    /// accepts.
    pub fn from_toml(text: &str) -> Result<Draft, FileError> {
        let document = DeTable::parse(text).map_err(|error| FileError {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            problem: FileProblem::Syntax(error.message().replace('\n', ", ")),
        })?;
        let mut entries: Vec<_> = document.get_ref().iter().collect();
        // Entries are read in the order of the file, so that the reported error is the first one in it.
        entries.sort_by_key(|(key, _)| key.span().start);
        entries.into_iter().try_fold(Draft::default(), |draft, (key, value)| {
            let located = |at: usize, problem| FileError { line: line_of(text, at), problem };
            match (key.get_ref().as_ref(), value.get_ref()) {
                (NETWORK, DeValue::Table(table)) => {
                    read_network(draft, table).map_err(|(at, problem)| located(at, problem))
                }
                (name, value) => merge(draft, name, value).map_err(|problem| located(key.span().start, problem)),
            }
        })
    }

    /// Writes the options that were asked for as TOML that [`from_toml`](Self::from_toml) reads back.
    pub fn to_toml(&self) -> String {
        // This cannot fail: a draft is a flat struct of numbers, texts and booleans within TOML's range.
        toml::to_string(self).unwrap_or_default()
    }
}

impl Scenario {
    /// Writes the whole scenario as TOML, every option by name.
    pub fn to_toml(&self) -> String {
        Draft::from(self).to_toml()
    }
}

/// Returns the options that a `[network]` table takes by their own names: those of the network and of failures. The
/// option `network` is its `name`.
fn of_network() -> impl Iterator<Item = String> {
    let groups = [network_options::HEADING, failures_options::HEADING].into_iter();
    groups.flat_map(Draft::names_under).filter(|option| option != NETWORK)
}

/// Reads the options in the `[network]` table, in the order of the file.
fn read_network(mut draft: Draft, table: &DeTable<'_>) -> Result<Draft, (usize, FileProblem)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let located = |problem| (key.span().start, problem);
        let option = match key.get_ref().as_ref() {
            "name" => NETWORK.to_owned(),
            other => of_network()
                .find(|option| option == other)
                .ok_or_else(|| located(FileProblem::NotOfNetwork(other.to_owned())))?,
        };
        draft = merge(draft, &option, value.get_ref()).map_err(located)?;
    }
    Ok(draft)
}

/// Reads one option into a draft, which must not have that option yet.
fn merge(draft: Draft, option: &str, value: &DeValue<'_>) -> Result<Draft, FileProblem> {
    let read = read_entry(option, value)?;
    if draft.asks_for(option) { Err(FileProblem::Twice(option.to_owned())) } else { Ok(draft.or(read)) }
}

fn read_entry(key: &str, value: &DeValue<'_>) -> Result<Draft, FileProblem> {
    if !names().iter().any(|name| name == key) {
        return Err(FileProblem::UnknownKey(key.to_owned(), similar(key)));
    }
    let text = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => decimal(number),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(_) => return Err(FileProblem::NotOneValue(key.to_owned(), "a date")),
        DeValue::Array(_) => return Err(FileProblem::NotOneValue(key.to_owned(), "a list")),
        DeValue::Table(_) => return Err(FileProblem::NotOneValue(key.to_owned(), "a table")),
    };
    Draft::from_option(key, &text).map_err(FileProblem::BadValue)
}

/// Formats a whole number in decimal digits, or as written if it is larger than any option accepts.
fn decimal(number: &DeInteger<'_>) -> String {
    match i128::from_str_radix(number.as_str(), number.radix()) {
        Ok(value) => value.to_string(),
        Err(_) => number.to_string(),
    }
}

/// Name of the option that is also the name of a table.
const NETWORK: &str = "network";

fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|&&byte| byte == b'\n').count() + 1
}

/// The reason why a TOML text is not a draft.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct FileError {
    /// The line, counted from 1.
    pub line: usize,
    /// The problem on that line.
    pub problem: FileProblem,
}

/// A problem with a line of a TOML file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileProblem {
    /// It is not TOML.
    Syntax(String),
    /// No option has this name; the second value is the most similar name of an option, if one is similar enough.
    UnknownKey(String, Option<String>),
    /// No option of the `[network]` table has this name.
    NotOfNetwork(String),
    /// An option is given both inside and outside `[network]`.
    Twice(String),
    /// The option is given a list, a table or a date instead of a single value.
    NotOneValue(String, &'static str),
    /// The option does not accept the value.
    BadValue(BadValue),
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileProblem::Syntax(said) => write!(f, "this is not TOML: {said}; write one `option = value` a line"),
            FileProblem::UnknownKey(key, Some(similar)) => {
                write!(f, "no option is called {}; did you mean `{similar}`?", shown(key))
            }
            FileProblem::UnknownKey(key, None) => {
                write!(f, "no option is called {}; `bulkprop --help` lists them all", shown(key))
            }
            FileProblem::NotOfNetwork(key) => {
                write!(
                    f,
                    "`[network]` has no option called {}; it takes name, {}",
                    shown(key),
                    of_network().collect::<Vec<_>>().join(", ")
                )
            }
            FileProblem::Twice(option) => {
                write!(f, "`{option}` is given inside of `[network]` and outside; leave one of them out")
            }
            FileProblem::NotOneValue(key, kind) => {
                write!(f, "`{key}` is given {kind}; give it one number, text or truth value")
            }
            FileProblem::BadValue(BadValue { option, value, rule }) => {
                write!(f, "{option} = {}: {rule}", shown(value))
            }
        }
    }
}
