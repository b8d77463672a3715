//! Numbers in sentences: digits in groups, and nouns in the right number.

/// The digits in groups of three, for tables: `1,000`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The digits for running text, where four stand together: `1000`, but `10,000`.
pub(crate) fn plain(count: u64) -> String {
    if count < 10_000 { count.to_string() } else { grouped(count) }
}

/// A count and what it counts, for running text: `1 node`, `12,500 nodes`. `noun` must take an s.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", plain(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_group_what_running_text_may_not() {
        for (count, table, text) in [
            (0, "0", "0"),
            (950, "950", "950"),
            (1_000, "1,000", "1000"),
            (10_000, "10,000", "10,000"),
            (1_234_567, "1,234,567", "1,234,567"),
        ] {
            assert_eq!((grouped(count), plain(count)), (table.to_owned(), text.to_owned()));
        }
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "node")), ["0 nodes", "1 node", "2 nodes"]);
    }
}
