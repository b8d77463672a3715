//! Escapes text from outside (names in files, paths, arguments) for a terminal.
//!
//! Control characters move the cursor and recolour the screen, direction marks reverse text, and zero-width characters
//! hide in it. All of them are written as escapes, `\u{202e}`. Text without any is unchanged, so escaping twice does no
//! harm. JSON and TOML have escapes of their own and do not use this.

use std::borrow::Cow;

/// Returns true if a terminal does anything with a character other than show it in a column of its own.
pub fn is_treacherous(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{00AD}'
                | '\u{061C}'
                | '\u{180E}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

/// Escapes all such characters in one line of text.
pub fn escaped(text: &str) -> Cow<'_, str> {
    escaped_but(text, |_| false)
}

/// Escapes text of several lines, and keeps its line ends.
pub fn escaped_lines(text: &str) -> Cow<'_, str> {
    escaped_but(text, |character| character == '\n')
}

/// Escapes one line of text, cut to at most `most` characters before escaping.
pub fn escaped_to(most: usize, text: &str) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", escaped(&text[..end])),
        None => escaped(text).into_owned(),
    }
}

fn escaped_but(text: &str, kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_escaped = |character: char| is_treacherous(character) && !kept(character);
    if !text.chars().any(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            treacherous if is_escaped(treacherous) => safe.extend(treacherous.escape_default()),
            plain => safe.push(plain),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_move_turn_or_hide_are_escaped() {
        for (text, shown) in [
            ("plain, ärger, 東京, 🚀", "plain, ärger, 東京, 🚀"),
            ("\x1b[31mred\x07\r", r"\u{1b}[31mred\u{7}\r"),
            ("csi \u{9b}2J del \x7f", r"csi \u{9b}2J del \u{7f}"),
            ("a\u{202e}b\u{2066}c\u{200f}d\u{200b}e\u{feff}", r"a\u{202e}b\u{2066}c\u{200f}d\u{200b}e\u{feff}"),
            (r"\u{1b} \n", r"\u{1b} \n"),
        ] {
            assert_eq!(escaped(text), shown);
            assert_eq!(escaped(&escaped(text)), shown);
        }
        assert_eq!(escaped("a\nb"), r"a\nb");
        assert_eq!(escaped_lines("a\nb\x1b"), "a\nb\\u{1b}");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(escaped_to(2, "äöü"), "äö…");
        assert_eq!(escaped_to(3, "äöü"), "äöü");
        assert_eq!(escaped_to(2, "a\x1bb"), r"a\u{1b}…");
    }
}
