//! Text as a POSIX shell takes it: one word, nothing expanded.

use crate::escape::is_treacherous;
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

/// A command whose words are quoted, as a terminal may show it and a shell (bash, zsh, ksh; POSIX since 2024) still
/// takes it: what is not to be shown stands as bytes in `$'...'`.
pub fn pasteable(command: &str) -> Cow<'_, str> {
    if !command.chars().any(is_treacherous) {
        return Cow::Borrowed(command);
    }
    let mut safe = String::with_capacity(command.len());
    for character in command.chars() {
        if !is_treacherous(character) {
            safe.push(character);
            continue;
        }
        // It is no plain byte, so that it stands between quotes.
        safe.push_str("'$'");
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            safe.push_str(&format!("\\x{byte:02x}"));
        }
        safe.push_str("''");
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_is_pasted_means_what_was_asked() {
        assert_eq!(pasteable("bulkprop --nodes 5"), "bulkprop --nodes 5");
        let asked = "file:a\x1b[2J'\u{202e}b";
        let word = quoted(asked);
        let shown = pasteable(&word);
        assert!(!shown.chars().any(is_treacherous) && shown.contains(r"'$'\x1b''"), "{shown}");
        // Where there is no bash, the rest has to do.
        if let Ok(said) = Command::new("bash").args(["-c", &format!("printf %s {shown}")]).output() {
            assert_eq!(String::from_utf8(said.stdout).unwrap(), asked);
        }
    }
}
