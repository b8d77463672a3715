//! Text in lines of a terminal.

/// Columns of a terminal.
pub(super) const COLUMNS: usize = 80;

/// Writes words in lines of at most [`COLUMNS`], the first after `first`, the others after `next`.
pub(super) fn wrapped(words: &str, first: &str, next: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in words.split(' ') {
        if !is_empty && columns(line.trim_start_matches('\n')) + 1 + columns(word) > COLUMNS {
            lines += &format!("{line}\n");
            line = next.to_owned();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += word;
        is_empty = false;
    }
    lines + &line + "\n"
}

pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}
