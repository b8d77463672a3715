//! Quoting of text for a POSIX shell, so that it is one argument in which nothing is expanded.

use crate::escape::is_treacherous;
use std::borrow::Cow;

/// Formats `text` as one argument of a shell command, in quotes only if it needs them.
///
/// A command cannot contain a NUL; the readers of options refuse it earlier.
pub(super) fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:,+%@".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// Formats a command whose arguments are quoted, so that a terminal can show it safely and a shell (bash, zsh, ksh;
/// POSIX since 2024) still takes it: characters that must not be shown are written as bytes in `$'...'`.
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
        // Such a character is never plain, so it is within single quotes, which must be closed and reopened around it.
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
    fn a_pasted_command_means_the_same() {
        assert_eq!(pasteable("bulkprop --nodes 5"), "bulkprop --nodes 5");
        let asked = "file:a\x1b[2J'\u{202e}b";
        let word = quoted(asked);
        let shown = pasteable(&word);
        assert!(!shown.chars().any(is_treacherous) && shown.contains(r"'$'\x1b''"), "{shown}");
        // On a system without bash the assertions above must suffice.
        if let Ok(said) = Command::new("bash").args(["-c", &format!("printf %s {shown}")]).output() {
            assert_eq!(String::from_utf8(said.stdout).unwrap(), asked);
        }
    }
}
