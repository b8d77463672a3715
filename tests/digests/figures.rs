//! Figures in a form that can be compared: paths with a value each, sorted by path, in whatever sequence the report has
//! them.
//!
//! Nulls are left out, because a figure that does not exist is null. A list of objects becomes one line for each figure
//! of its items (`workers/*/sent = 510 498`); a list too long to be read is reduced to its length and its hash.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Values by path.
pub(crate) type Figures = BTreeMap<String, String>;

/// Items of the longest list that is written out.
const LISTED: usize = 12;

/// The placeholder for an item that lacks a figure.
const NOTHING: &str = "-";

/// A single figure, or one figure of all items of a list.
enum Figure {
    One(String),
    Each(Vec<String>),
}

/// The figures of a JSON value for which `is_pinned` is true, by path.
pub(crate) fn of(value: &Value, is_pinned: impl Fn(&str) -> bool) -> Figures {
    let pinned = flat(value).into_iter().filter(|(path, _)| is_pinned(path));
    pinned.map(|(path, figure)| (path, figure.written())).collect()
}

impl Figure {
    fn written(self) -> String {
        match self {
            Figure::One(text) => text,
            Figure::Each(items) if items.len() <= LISTED => items.join(" "),
            Figure::Each(items) => format!("{} values, hash {}", items.len(), hash(&items)),
        }
    }

    /// The text of the figure as one item of a list.
    fn item(self) -> String {
        match self {
            Figure::One(text) => text,
            Figure::Each(items) => format!("[{}]", items.join(" ")),
        }
    }
}

/// All figures of a value; none for a null.
fn flat(value: &Value) -> BTreeMap<String, Figure> {
    match value {
        Value::Null => BTreeMap::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            BTreeMap::from([(String::new(), Figure::One(value.to_string()))])
        }
        Value::Object(fields) => {
            let below = fields.iter().flat_map(|(name, value)| {
                flat(value).into_iter().map(move |(path, figure)| (joined(name, &path), figure))
            });
            below.collect()
        }
        Value::Array(items) => columns(items),
    }
}

/// The figures of a list: one for each path that any item has.
fn columns(items: &[Value]) -> BTreeMap<String, Figure> {
    let mut rows: Vec<BTreeMap<String, Figure>> = items.iter().map(flat).collect();
    let paths: BTreeSet<String> = rows.iter().flat_map(|row| row.keys().cloned()).collect();
    let column = |path: String| {
        let items = rows.iter_mut().map(|row| row.remove(&path).map_or(NOTHING.to_owned(), Figure::item)).collect();
        (if path.is_empty() { path } else { joined("*", &path) }, Figure::Each(items))
    };
    paths.into_iter().map(column).collect()
}

fn joined(name: &str, path: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{name}/{path}") }
}

/// The columns of a CSV file for which `is_pinned` is true, each as its hash, under the file's name. A column for which
/// `is_shape` is true is reduced to whether each cell has a value.
pub(crate) fn of_csv(
    file: &str,
    text: &str,
    is_pinned: impl Fn(&str) -> bool,
    is_shape: impl Fn(&str) -> bool,
) -> Figures {
    let mut lines = text.lines().map(|line| line.split(','));
    let titles: Vec<&str> = lines.next().map(Iterator::collect).unwrap_or_default();
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); titles.len()];
    for line in lines {
        let cells: Vec<&str> = line.collect();
        assert_eq!(cells.len(), titles.len(), "{file}: {cells:?}");
        for ((column, title), cell) in columns.iter_mut().zip(&titles).zip(cells) {
            let is_shape = is_shape(&format!("{file}/{title}"));
            column.push(if is_shape { (!cell.is_empty()).to_string() } else { cell.to_owned() });
        }
    }
    let named = titles.iter().map(|title| format!("{file}/{title}")).zip(columns);
    let pinned = named.filter(|(path, _)| is_pinned(path) || is_shape(path));
    pinned.map(|(path, column)| (path, format!("{} values, hash {}", column.len(), hash(&column)))).collect()
}

/// Folds figures into one line per branch, with a hash of the branch's figures. `branch_of` assigns them.
pub(crate) fn fold(figures: Figures, branch_of: impl Fn(&str) -> Option<String>) -> Figures {
    let mut whole = Figures::new();
    let mut branches: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in figures {
        match branch_of(&path) {
            Some(branch) => branches.entry(branch).or_default().push(format!("{path} = {text}")),
            None => drop(whole.insert(path, text)),
        }
    }
    let folded = branches.into_iter();
    whole.extend(folded.map(|(path, lines)| (path, format!("{} figures, hash {}", lines.len(), hash(&lines)))));
    whole
}

/// The differences of two sets of figures: the path, the pinned value, and the new one.
pub(crate) fn differences(old: &Figures, new: &Figures) -> Vec<String> {
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = paths.into_iter().filter(|&path| old.get(path) != new.get(path));
    let text = |figure: Option<&String>| figure.map_or("nothing".to_owned(), String::clone);
    differs.map(|path| format!("{path}: {} is pinned, {} came out", text(old.get(path)), text(new.get(path)))).collect()
}

/// The hash of some lines, each followed by a line end.
pub(crate) fn hash<S: AsRef<str>>(lines: &[S]) -> String {
    let bytes = lines.iter().flat_map(|line| line.as_ref().bytes().chain([b'\n']));
    format!("{:016X}", fnv_1a(bytes))
}

/// FNV-1a of 64 bits (Fowler, Noll, Vo): short, and the same in every version of every compiler.
fn fnv_1a(bytes: impl Iterator<Item = u8>) -> u64 {
    const BASIS: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    bytes.fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[test]
fn figures_are_told_apart_by_path_whatever_their_order() {
    let all = |_: &str| true;
    let one: Value =
        serde_json::from_str(r#"{"b": [{"x": 1}, {"x": 2, "y": "z"}], "a": {"c": 0.5, "d": null}}"#).unwrap();
    let other: Value = serde_json::from_str(r#"{"a": {"c": 0.5}, "b": [{"x": 1}, {"y": "z", "x": 3}]}"#).unwrap();
    let (one, other) = (of(&one, all), of(&other, all));
    let lines: Vec<String> = one.iter().map(|(path, text)| format!("{path} = {text}")).collect();
    assert_eq!(lines, ["a/c = 0.5", "b/*/x = 1 2", "b/*/y = - \"z\""]);
    assert!(differences(&one, &one).is_empty());
    assert_eq!(differences(&one, &other), ["b/*/x: 1 2 is pinned, 1 3 came out"]);
}

#[test]
fn the_hash_is_fnv_1a() {
    // The authors' test vectors (draft-eastlake-fnv, "Test vectors").
    let vectors = [("", 0xCBF2_9CE4_8422_2325), ("a", 0xAF63_DC4C_8601_EC8C), ("foobar", 0x8594_4171_F739_67E8)];
    for (text, hash) in vectors {
        assert_eq!(fnv_1a(text.bytes()), hash, "{text}");
    }
}
