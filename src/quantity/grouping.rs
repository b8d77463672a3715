//! Numbers in sentences: digits in groups, and nouns in the right number.

/// Writes the digits in groups of three: `1,000`.
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

/// Writes a count and its noun: `1 node`, `12,500 nodes`. The plural of `noun` must take an s.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// Writes a rounded number of bytes with its unit: `1.5 GB`.
pub(crate) fn rounded_bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 5] = [
        (1_000_000_000_000_000, "PB"),
        (1_000_000_000_000, "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
        (1_000, "kB"),
    ];
    match UNITS.into_iter().find(|&(unit, _)| bytes >= unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / unit as f64),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_everywhere() {
        let counts = [0, 950, 1_000, 10_000, 1_234_567].map(grouped);
        assert_eq!(counts, ["0", "950", "1,000", "10,000", "1,234,567"]);
    }

    #[test]
    fn bytes_are_rounded_to_a_unit() {
        let bytes = [999, 1_500, 16_777_216, 3_538_091_116, 13_421_820_000_000, 134_218_200_000_000_000];
        let rounded = ["999 bytes", "1.5 kB", "16.8 MB", "3.5 GB", "13.4 TB", "134.2 PB"];
        assert_eq!(bytes.map(rounded_bytes), rounded);
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "node")), ["0 nodes", "1 node", "2 nodes"]);
    }
}
