//! A draft as TOML: one `option = value` a line, each value in the type that is natural to it.
//!
//! Every value goes through the reader of the flag of that name, as the text that stands in the file: `target = 0.95`
//! is exactly 95/100, and a number out of range is refused in the same words in both places.

use super::error::{FileError, FileProblem};
use super::options::{names, similar};
use super::{Draft, Scenario};
use toml::de::{DeInteger, DeTable, DeValue};

impl Draft {
    /// Reads a TOML document whose keys are flags without their dashes.
    ///
    /// # Errors
    ///
    /// [`FileError`] with the line, for the first thing in it that is not TOML, not an option, or not a value that the
    /// option accepts.
    pub fn from_toml(text: &str) -> Result<Draft, FileError> {
        let document = DeTable::parse(text).map_err(|error| FileError {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            problem: FileProblem::Syntax(error.message().replace('\n', ", ")),
        })?;
        let mut entries: Vec<_> = document.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries.into_iter().try_fold(Draft::default(), |draft, (key, value)| {
            let option = read_entry(key.get_ref(), value.get_ref());
            let located = |problem| FileError { line: line_of(text, key.span().start), problem };
            Ok(draft.or(option.map_err(located)?))
        })
    }

    /// Writes the options that were asked for as TOML that [`from_toml`](Self::from_toml) reads back.
    pub fn to_toml(&self) -> String {
        // A draft is a flat struct of numbers, texts and truths within TOML's range, which nothing can refuse.
        toml::to_string(self).unwrap_or_default()
    }
}

impl Scenario {
    /// The whole scenario as TOML, every option by name.
    pub fn to_toml(&self) -> String {
        Draft::from(self).to_toml()
    }
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

/// A whole number in decimal digits, or as it stands where it is larger than any option accepts.
fn decimal(number: &DeInteger<'_>) -> String {
    match i128::from_str_radix(number.as_str(), number.radix()) {
        Ok(value) => value.to_string(),
        Err(_) => number.to_string(),
    }
}

fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|&&byte| byte == b'\n').count() + 1
}
