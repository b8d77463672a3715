//! Text as a POSIX shell takes it: one word, nothing expanded.

use std::borrow::Cow;

/// `text` as one word of a shell command, in quotes only where it needs them.
///
/// A NUL cannot stand in a command at all; the readers of options refuse it before it comes here.
pub(super) fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:,+%@".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}
