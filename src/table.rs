//! Tables in files: comma-separated values whose first line names the columns, in any order.
//!
//! `#` begins a comment, and blank lines are skipped. A cell has no quotes and its margins are blanks. What the cells
//! mean is up to the reader of each table; its faults are reported with the line that they stand in.
//!
//! The crate csv was refused: a table of this shape takes a split at commas, while errors with the user's words, limits
//! against input without an end, and comments would have to be added to it.

use crate::escape::{escaped, escaped_to};
use crate::sys::open_input;
use std::error::Error;
use std::fmt::{self, Display};
use std::io::{self, BufRead, BufReader, Read};

/// The maximum length of a line, in bytes.
const LINE_BYTES_MAX: u64 = 4_096;

/// The maximum size of a table, in bytes: a pipe may have no end.
const FILE_BYTES_MAX: u64 = 1 << 37;

/// Characters of a faulty cell that an error shows.
const SHOWN_MAX: usize = 60;

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name in the first line.
    pub name: &'static str,
    /// True if a table without it is refused.
    pub is_required: bool,
}

/// A line of a table below the first.
#[derive(Clone, Copy, Debug)]
pub struct TableRow<'a> {
    /// Number of the line in its file, counted from 1.
    pub line: u64,
    cells: &'a [&'a str],
    /// The place of each column in the line.
    places: &'a [Option<usize>],
}

impl<'a> TableRow<'a> {
    /// Returns true if the table has a column, counted as the reader lists them.
    pub fn has(&self, column: usize) -> bool {
        self.places[column].is_some()
    }

    /// Returns the cell of a column, counted as the reader lists them; empty if the table lacks the column.
    pub fn cell(&self, column: usize) -> &'a str {
        self.places[column].map_or("", |place| self.cells[place])
    }

    /// Returns the number in a cell that holds digits alone, as ids do; `None` for any other text, and for a number
    /// beyond 64 bits.
    pub fn id(&self, column: usize) -> Option<u64> {
        let cell = self.cell(column);
        // The standard parser would accept a leading `+`.
        cell.bytes().all(|byte| byte.is_ascii_digit()).then(|| cell.parse().ok())?
    }
}

/// The reason why a table cannot be read. The text begins with the option that names the file.
#[derive(Debug)]
pub struct TableError<F> {
    /// The option, without dashes.
    pub option: &'static str,
    /// Path of the file.
    pub path: String,
    /// The problem with it.
    pub problem: TableProblem<F>,
}

/// A problem with a table.
#[derive(Debug)]
pub enum TableProblem<F> {
    /// The operating system cannot read the file.
    Unreadable(io::Error),
    /// The file is larger than any table needs.
    TooLong,
    /// No line follows the names of the columns, or there are none.
    Empty {
        /// The names of the columns.
        columns: String,
    },
    /// A line is malformed.
    Line {
        /// Number of the line, counted from 1.
        line: u64,
        /// The fault and its remedy.
        fault: TableFault<F>,
    },
    /// The table lacks a line.
    Missing(F),
}

/// A fault of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableFault<F> {
    /// The line is longer than the limit.
    TooLong,
    /// The line is not text.
    NotText,
    /// No column has this name.
    UnknownColumn {
        /// The name as written.
        found: String,
        /// The names of the columns.
        columns: String,
    },
    /// A column that the table needs is not named.
    NoColumn {
        /// Its name.
        name: &'static str,
        /// The names of the columns.
        columns: String,
    },
    /// Two columns have the same name.
    ColumnTwice {
        /// The name.
        name: &'static str,
    },
    /// The line has too many or too few cells.
    Cells {
        /// Number of cells.
        cells: usize,
        /// Number of columns.
        columns: usize,
    },
    /// The cells do not mean anything to the reader of this table.
    Meaning(F),
}

impl<F> TableError<F> {
    /// Creates the error of a line whose cells have this fault, found once the line has been read.
    pub fn at_line(option: &'static str, path: &str, line: u64, fault: F) -> TableError<F> {
        let problem = TableProblem::Line { line, fault: TableFault::Meaning(fault) };
        TableError { option, path: path.to_owned(), problem }
    }
}

impl<F: Display> Display for TableError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{} {}", self.option, escaped(&self.path))?;
        match &self.problem {
            TableProblem::Unreadable(source) => write!(f, ": {source}; name a readable file of comma-separated values"),
            TableProblem::TooLong => {
                write!(f, ": more than {FILE_BYTES_MAX} bytes, the most that a table has; name a shorter file")
            }
            TableProblem::Empty { columns } => {
                write!(
                    f,
                    ": it lists nothing; write the columns {columns} into the first line, and one row a line below"
                )
            }
            TableProblem::Line { line, fault } => write!(f, ", line {line}: {fault}"),
            TableProblem::Missing(fault) => write!(f, ": {fault}"),
        }
    }
}

impl<F: Display> Display for TableFault<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableFault::TooLong => {
                write!(f, "a line holds at most {LINE_BYTES_MAX} bytes; put each row on its own line")
            }
            TableFault::NotText => f.write_str("this is no text in UTF-8; save the file as UTF-8"),
            TableFault::UnknownColumn { found, columns } => {
                write!(f, "no column is called `{found}`; the first line names the columns {columns}")
            }
            TableFault::NoColumn { name, columns } => {
                write!(f, "the column {name} is missing; the first line names the columns {columns}")
            }
            TableFault::ColumnTwice { name } => write!(f, "two columns are called {name}; remove one of them"),
            TableFault::Cells { cells, columns } => {
                write!(f, "{cells} cells where {columns} belong; put commas between them and leave none out")
            }
            TableFault::Meaning(fault) => fault.fmt(f),
        }
    }
}

impl<F: Error> Error for TableError<F> {}

/// Shows the beginning of a cell in an error.
pub fn shown(cell: &str) -> String {
    escaped_to(SHOWN_MAX, cell)
}

/// Reads the table at `path`, which the option `option` names, and passes each line below the first to `each`; the
/// cells of a row are numbered as `columns` lists them.
///
/// # Errors
///
/// [`TableError`] with the line of the first fault.
pub fn read<F>(
    option: &'static str,
    path: &str,
    columns: &[TableColumn],
    mut each: impl FnMut(TableRow<'_>) -> Result<(), F>,
) -> Result<(), TableError<F>> {
    let failed = |problem| TableError { option, path: path.to_owned(), problem };
    let unreadable = |source| failed(TableProblem::Unreadable(source));
    let mut lines = BufReader::new(open_input(path).map_err(unreadable)?.take(FILE_BYTES_MAX + 1));
    let mut places: Option<(Vec<Option<usize>>, usize)> = None;
    let (mut bytes, mut is_empty) = (Vec::new(), true);
    for line in 1.. {
        bytes.clear();
        if lines.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
            break;
        }
        let faulty = |fault| failed(TableProblem::Line { line, fault });
        let text = content(line, &bytes).map_err(faulty)?;
        if text.is_empty() {
            continue;
        }
        let cells: Vec<&str> = text.split(',').map(str::trim).collect();
        match &places {
            None => places = Some((header(columns, &cells).map_err(faulty)?, cells.len())),
            Some((_, columns)) if cells.len() != *columns => {
                return Err(faulty(TableFault::Cells { cells: cells.len(), columns: *columns }));
            }
            Some((places, _)) => {
                is_empty = false;
                each(TableRow { line, cells: &cells, places }).map_err(|fault| faulty(TableFault::Meaning(fault)))?;
            }
        }
    }
    match () {
        () if lines.get_ref().limit() == 0 => Err(failed(TableProblem::TooLong)),
        () if is_empty => Err(failed(TableProblem::Empty { columns: names(columns) })),
        () => Ok(()),
    }
}

/// Returns the part of a line outside comments, trimmed.
fn content<F>(line: u64, bytes: &[u8]) -> Result<&str, TableFault<F>> {
    if bytes.len() as u64 > LINE_BYTES_MAX {
        return Err(TableFault::TooLong);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| TableFault::NotText)?;
    // Some editors put a byte order mark before the first line.
    let text = if line == 1 { text.strip_prefix('\u{FEFF}').unwrap_or(text) } else { text };
    Ok(text.split('#').next().unwrap_or_default().trim())
}

/// Returns the place of each column in the lines of a table with this first line.
fn header<F>(columns: &[TableColumn], cells: &[&str]) -> Result<Vec<Option<usize>>, TableFault<F>> {
    let mut places = vec![None; columns.len()];
    for (place, cell) in cells.iter().enumerate() {
        let Some(column) = columns.iter().position(|column| column.name == *cell) else {
            return Err(TableFault::UnknownColumn { found: shown(cell), columns: names(columns) });
        };
        if places[column].replace(place).is_some() {
            return Err(TableFault::ColumnTwice { name: columns[column].name });
        }
    }
    let missing = columns.iter().zip(&places).find(|(column, place)| column.is_required && place.is_none());
    match missing {
        Some((column, _)) => Err(TableFault::NoColumn { name: column.name, columns: names(columns) }),
        None => Ok(places),
    }
}

/// Lists the names of columns, those that may be missing in brackets: `time,origin,bytes[,symbol]`.
fn names(columns: &[TableColumn]) -> String {
    let mut names = String::new();
    for TableColumn { name, is_required } in columns {
        let comma = if names.is_empty() { "" } else { "," };
        names += &if *is_required { format!("{comma}{name}") } else { format!("[{comma}{name}]") };
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const COLUMNS: [TableColumn; 3] = [
        TableColumn { name: "one", is_required: true },
        TableColumn { name: "two", is_required: true },
        TableColumn { name: "more", is_required: false },
    ];

    /// Reads a table of these bytes: its rows with their lines, or the error behind the path.
    fn read_bytes(bytes: &[u8]) -> Result<Vec<(u64, [String; 3])>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let (path, mut rows) = (file.path().to_str().unwrap(), Vec::new());
        let read = super::read("file", path, &COLUMNS, |row| {
            rows.push((row.line, [0, 1, 2].map(|column| row.cell(column).to_owned())));
            if row.cell(0) == "bad" { Err("a bad cell") } else { Ok(()) }
        });
        read.map(|()| rows).map_err(|error| error.to_string().replace(path, "PATH"))
    }

    #[test]
    fn an_id_is_digits_alone() {
        let ids =
            [("7", Some(7)), ("007", Some(7)), ("", None), ("+7", None), ("-7", None), ("7 ", None), ("1e3", None)];
        for (cell, id) in
            ids.into_iter().chain([("18446744073709551615", Some(u64::MAX)), ("18446744073709551616", None)])
        {
            assert_eq!(TableRow { line: 1, cells: &[cell], places: &[Some(0)] }.id(0), id, "{cell}");
        }
        assert_eq!(TableRow { line: 1, cells: &[], places: &[None] }.id(0), None);
    }

    #[test]
    fn columns_come_in_any_order_and_comments_are_skipped() {
        let text = "\u{FEFF}# remark\r\n\r\ntwo, one\r\n 2 ,1 # first\r\n\r\n,3\r\n";
        let row = |line, cells: [&str; 3]| (line, cells.map(str::to_owned));
        assert_eq!(read_bytes(text.as_bytes()).unwrap(), [row(4, ["1", "2", ""]), row(6, ["3", "", ""])]);
        assert_eq!(read_bytes(b"more,two,one\n7,8,9").unwrap(), [row(2, ["9", "8", "7"])]);
    }

    #[test]
    fn faults_are_named_with_their_line() {
        let long = format!("one,two\n{}", "x".repeat(5_000));
        for (bytes, said) in [
            (
                &b""[..],
                ": it lists nothing; write the columns one,two[,more] into the first line, and one row a line below",
            ),
            (
                b"one,two\n",
                ": it lists nothing; write the columns one,two[,more] into the first line, and one row a line below",
            ),
            (b"one,two\n1,2,3\n", ", line 2: 3 cells where 2 belong; put commas between them and leave none out"),
            (
                b"\none,three\n",
                ", line 2: no column is called `three`; the first line names the columns one,two[,more]",
            ),
            (b"one\n", ", line 1: the column two is missing; the first line names the columns one,two[,more]"),
            (b"one,two,one\n", ", line 1: two columns are called one; remove one of them"),
            (b"one,two\n1,2\nbad,2\n", ", line 3: a bad cell"),
            (b"one,two\n\xFF,2\n", ", line 2: this is no text in UTF-8; save the file as UTF-8"),
            (long.as_bytes(), ", line 2: a line holds at most 4096 bytes; put each row on its own line"),
        ] {
            assert_eq!(read_bytes(bytes).unwrap_err(), format!("--file PATH{said}"));
        }
        let missing = super::read("file", "/nowhere", &COLUMNS, |_| Ok::<_, String>(())).unwrap_err();
        assert!(missing.to_string().starts_with("--file /nowhere: ") && missing.to_string().contains("readable"));
    }
}
