//! Tools for laying out text: one unit for a run's times, bars, columns, wrapped lines. None of them knows the meaning
//! of a figure.

use crate::quantity::grouped;
use crate::ratio::Ratio;
use std::fmt::{self, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of the terminal that the text is laid out for.
pub(super) const WIDTH: usize = 100;

/// The units of times, which stay beside their number.
const UNITS: [&str; 4] = ["ns", "μs", "ms", "s"];

/// The unit of all times of one run, all with the same number of decimals, so that they can be compared at a glance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Scale {
    unit: &'static str,
    unit_ns: u64,
    decimals: usize,
}

impl Scale {
    /// Chooses the finest unit that shows `greatest_ns` nanoseconds with at most four digits before the point, or else
    /// seconds.
    pub(super) const fn of(greatest_ns: u64) -> Scale {
        let (unit, unit_ns) = match greatest_ns {
            0..10_000_000 => ("μs", 1_000),
            10_000_000..10_000_000_000 => ("ms", 1_000_000),
            _ => ("s", 1_000_000_000),
        };
        Scale { unit, unit_ns, decimals: 3 }
    }

    /// Limits the digits to those that are not finer than a resolution, and to three.
    pub(super) fn resolved(self, resolution_ns: Option<u64>) -> Scale {
        let is_finer = |decimals: u32| self.unit_ns / 10_u64.pow(decimals) * 10 <= resolution_ns.unwrap_or(0);
        Scale { decimals: (1..=3).take_while(|&decimals| !is_finer(decimals)).count(), ..self }
    }

    /// Returns the symbol of the unit.
    pub(super) const fn unit(self) -> &'static str {
        self.unit
    }

    /// Writes the number without its unit.
    pub(super) fn number(self, nanos: u64) -> String {
        let number = format!("{:.*}", self.decimals, nanos as f64 / self.unit_ns as f64);
        let (whole, part) = number.split_at(number.find('.').unwrap_or(number.len()));
        whole.parse().map_or(number.clone(), |whole| grouped(whole) + part)
    }

    /// Writes the number and its unit.
    pub(in crate::report) fn time(self, nanos: u64) -> String {
        format!("{} {}", self.number(nanos), self.unit)
    }
}

/// Writes a share in percent with two decimals, rounded down, so that only all of them are 100.00%.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let hundredths = (u128::from(part) * 10_000).checked_div(u128::from(whole)).unwrap_or(0);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// Draws a bar that is to `width` columns as `part` is to `greatest`, in eighths of a column. Only 0 has none.
pub(super) fn bar(part: u64, greatest: u64, width: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (u128::from(part) * u128::from(width) * 8).checked_div(u128::from(greatest)).unwrap_or(0) as usize;
    let eighths = eighths.max(usize::from(part > 0));
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// Writes one line without the blanks at its end.
pub(super) fn line(out: &mut impl Write, text: &str) -> fmt::Result {
    writeln!(out, "{}", text.trim_end())
}

/// Writes a text in lines of [`WIDTH`] columns, as [`wrap`] breaks it.
pub(super) fn wrapped(out: &mut impl Write, text: &str, indent: usize) -> fmt::Result {
    wrap(text, WIDTH, indent).iter().try_for_each(|text| line(out, text))
}

/// Breaks a text into lines of `width` columns, all but the first indented. A longer word has a line of its own, and a
/// number keeps its unit.
pub(super) fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    let mut is_empty = true;
    for part in unbroken_parts(text) {
        let part = part.as_str();
        if !is_empty && columns(&current) + 1 + columns(part) > width {
            lines.push(std::mem::replace(&mut current, " ".repeat(indent)));
        } else if !is_empty {
            current.push(' ');
        }
        current.push_str(part);
        is_empty = false;
    }
    lines.push(current);
    lines
}

/// Splits a text at its white space, but not between a number and the unit of a time.
fn unbroken_parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in text.split_whitespace() {
        let is_unit = UNITS.contains(&part.trim_end_matches([',', ';', '.', ')', ':']));
        match parts.last_mut().filter(|number| is_unit && number.ends_with(|sign: char| sign.is_ascii_digit())) {
            Some(number) => *number += &format!(" {part}"),
            None => parts.push(part.to_owned()),
        }
    }
    parts
}

/// Cuts a text to `width` columns.
pub(super) fn cut(text: &str, width: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|sign| {
            used += sign.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

/// Writes two blocks beside each other, the right one from column `at` on.
pub(super) fn side_by_side(out: &mut impl Write, left: &[String], right: &[String], at: usize) -> fmt::Result {
    let cell = |block: &[String], row: usize| block.get(row).cloned().unwrap_or_default();
    for row in 0..left.len().max(right.len()) {
        line(out, &(filled(&cell(left, row), at) + &cell(right, row)))?;
    }
    Ok(())
}

/// Writes rows of cells in columns as wide as their widest cell: the first to the left, the others to the right.
pub(super) fn table<const COLUMNS: usize>(out: &mut impl Write, rows: &[[String; COLUMNS]]) -> fmt::Result {
    let widths: [usize; COLUMNS] =
        std::array::from_fn(|column| rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0));
    for row in rows {
        let mut text = filled(&row[0], widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            text.push_str(&" ".repeat(2 + width - columns(cell)));
            text.push_str(cell);
        }
        line(out, &text)?;
    }
    Ok(())
}

/// Writes cells in as many equal columns as fit, indented by two, row by row.
pub(super) fn grid(out: &mut impl Write, cells: &[String]) -> fmt::Result {
    const GAP: usize = 3;
    let widest = cells.iter().map(|cell| columns(cell)).max().unwrap_or(0);
    let per_row = ((WIDTH - 2 + GAP) / (widest + GAP)).max(1);
    for row in cells.chunks(per_row) {
        let row: String = row.iter().map(|cell| filled(cell, widest + GAP)).collect();
        line(out, &format!("  {row}"))?;
    }
    Ok(())
}

/// Pads a text with blanks to `width` columns, without the formatter's padding, which ends at 65,535.
fn filled(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(columns(text));
    format!("{text}{}", " ".repeat(blanks))
}

/// Returns the number of columns that a text takes: a name from a file may hold characters of two columns, or of none.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// The value of a time that is none.
pub(super) const NOT_REACHED: &str = "not reached";

/// Writes a time, or [`NOT_REACHED`].
pub(super) fn time_or_not(scale: Scale, nanos: Option<u64>) -> String {
    nanos.map_or_else(|| NOT_REACHED.to_owned(), |nanos| scale.time(nanos))
}

/// Writes a share in percent with as many decimals as it needs, ten at most.
pub(super) fn target_text(share: Ratio) -> String {
    let digits = format!("{:.10}", share.as_f64() * 100.0);
    format!("{}%", digits.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_may_be_of_any_length() {
        let long = "x".repeat(70_000);
        let (mut rows, mut cells) = (String::new(), String::new());
        table(&mut rows, &[[long.clone(), "1".to_owned()], ["y".to_owned(), long.clone()]]).unwrap();
        assert_eq!(rows.lines().map(columns).collect::<Vec<_>>(), [140_002, 140_002]);
        grid(&mut cells, &[long.clone(), "y".to_owned()]).unwrap();
        assert_eq!(cells, format!("  {long}\n  y\n"));
    }

    #[test]
    fn one_unit_for_all_times() {
        assert_eq!(Scale::of(929_540).time(755_917), "755.917 μs");
        assert_eq!(Scale::of(9_999_999).time(9_999_999), "9,999.999 μs");
        assert_eq!(Scale::of(10_000_000).time(755_917), "0.756 ms");
        assert_eq!(Scale::of(u64::MAX).unit(), "s");
    }

    #[test]
    fn digits_are_no_finer_than_the_resolution() {
        for (resolution, shown) in [(None, "751.378"), (Some(9), "751.378"), (Some(10), "751.38"), (Some(99), "751.38")]
        {
            assert_eq!(Scale::of(929_540).resolved(resolution).number(751_378), shown, "{resolution:?}");
        }
        for (resolution, shown) in [(Some(100), "751.4"), (Some(1_248), "751"), (Some(50_000), "751")] {
            assert_eq!(Scale::of(929_540).resolved(resolution).number(751_378), shown, "{resolution:?}");
        }
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(percent(999_999, 1_000_000), "99.99%");
        assert_eq!(percent(7, 7), "100.00%");
        assert_eq!(percent(0, 0), "0.00%");
    }

    #[test]
    fn bars_grow_by_eighths() {
        let bars = [0, 1, 50, 100].map(|part| bar(part, 100, 3));
        assert_eq!(bars, ["", "▏", "█▌", "███"]);
        assert_eq!(bar(1, 1_000_000, 3), "▏");
        assert_eq!(bar(0, 0, 3), "");
    }

    #[test]
    fn long_lines_wrap_and_long_words_stand_alone() {
        let mut text = String::new();
        wrapped(&mut text, &format!("Notice: {} {}", "word ".repeat(30), "x".repeat(120)), 8).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[..2].iter().all(|line| columns(line) <= WIDTH), "{text}");
        assert!(lines[1].starts_with("        word"), "{text}");
        assert_eq!(lines[2].trim(), "x".repeat(120));
    }
}
