//! The error of a text that an option does not accept. The message names the option, the requested value, the limit,
//! and what to do.

use super::shell::quoted;
use crate::escape::escaped_to;

/// A value that its option does not accept, whatever the other options are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--{option} {}: {rule}", shown(value))]
pub struct BadValue {
    /// The option, without dashes.
    pub option: String,
    /// The requested value, as it was written.
    pub value: String,
    /// The limit, and what to do.
    pub rule: String,
}

impl BadValue {
    pub(super) fn new(option: &str, value: &str, rule: impl Into<String>) -> BadValue {
        BadValue { option: option.to_owned(), value: value.to_owned(), rule: rule.into() }
    }
}

/// Formats a requested value for one line of a terminal: quoted if it needs quotes, with control characters escaped,
/// and truncated to [`SHOWN_CHARS_MAX`].
pub(super) fn shown(text: &str) -> String {
    quoted(&escaped_to(SHOWN_CHARS_MAX, text)).into_owned()
}

const SHOWN_CHARS_MAX: usize = 80;
