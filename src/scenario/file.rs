//! A draft as TOML: one `option = value` per line, each value in its natural type. The options of the modelled network
//! may stand in a table of their own, `[network]`, in which `name` is the option that is called `network` outside.
//!
//! The reader of the flag of the same name reads every value, from its text in the file. So `target = 0.95` is exactly
//! 95/100, and a number out of range gets the same error message in both places.

use super::error::{FileError, FileProblem};
use super::network::OPTIONS;
use super::options::{names, similar};
use super::{Draft, Scenario};
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

/// Reads the options in the `[network]` table, in the order of the file.
fn read_network(mut draft: Draft, table: &DeTable<'_>) -> Result<Draft, (usize, FileProblem)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let located = |problem| (key.span().start, problem);
        let option = match key.get_ref().as_ref() {
            "name" => NETWORK,
            other => OPTIONS[1..]
                .iter()
                .copied()
                .find(|&option| option == other)
                .ok_or_else(|| located(FileProblem::NotOfNetwork(other.to_owned())))?,
        };
        draft = merge(draft, option, value.get_ref()).map_err(located)?;
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
