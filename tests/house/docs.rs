//! Names in the documents exist: every path and every type that a page names is in the tree.

use crate::tree::files_under;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Things with a slash that are no paths of the tree, with what they are.
const NOT_PATHS: [(&str, &str); 4] = [
    ("ns/msg", "a unit"),
    ("ns/unit", "a unit"),
    ("sent/node", "the heading of a column"),
    ("gossipsub-interop/network_graph.py", "a file of another project"),
];

/// Names in capitals and small letters that other software defines.
const FOREIGN: [&str; 1] = ["MemAvailable"];

/// A part of a path that stands for any name.
const PLACEHOLDER: &str = "NAME";

/// Folders below which a page may name a file without them.
const ROOTS: [&str; 2] = ["", "src"];

#[test]
fn paths_in_documents_exist() {
    let (mut found, mut missing) = (0, Vec::new());
    for page in pages() {
        for (line, path) in spans(&page.text).filter(|(_, span)| is_path(span)) {
            found += 1;
            if !exists(path) {
                missing.push(format!("{}:{line} `{path}`", page.name));
            }
        }
    }
    assert!(found > 50, "only {found} paths were found");
    assert!(missing.is_empty(), "name a file of the tree, or say in NOT_PATHS what this is: {missing:#?}");
}

#[test]
fn types_in_the_plan_exist() {
    let known: BTreeSet<String> = files_under("src").iter().flat_map(|file| identifiers(&file.text)).collect();
    let page = pages().into_iter().find(|page| page.name == "docs/ARCHITECTURE.md").unwrap();
    let (mut found, mut missing) = (0, Vec::new());
    for (line, span) in spans(&page.text).filter(|(_, span)| !is_path(span)) {
        for name in identifiers(span).filter(|name| is_type_name(name) && !FOREIGN.contains(&name.as_str())) {
            found += 1;
            if !known.contains(&name) {
                missing.push(format!("line {line}: `{name}`"));
            }
        }
    }
    assert!(found > 20, "only {found} types were found");
    assert!(missing.is_empty(), "name what is in src, or list it as FOREIGN: {missing:#?}");
}

#[test]
fn paths_and_types_are_told_apart() {
    for path in ["src/lib.rs", "tests/it/layers.rs", "engine/choice", "coverage/horizon.rs", "sys/portable"] {
        assert!(is_path(path) && exists(path), "{path}");
    }
    for path in ["coverage/keep", "src/nothing.rs", "docs/NOTHING.md"] {
        assert!(is_path(path) && !exists(path), "{path}");
    }
    for other in ["ns/msg", "/proc/PID/fd", "--loss 1/3", "1/3", "Arc<Order>", "cargo run"] {
        assert!(!is_path(other), "{other}");
    }
    assert!(is_type_name("Arc") && is_type_name("MessageBatch"));
    assert!(!is_type_name("KINDS") && !is_type_name("T") && !is_type_name("fan_out"));
    let text = "See `one/two`\nand ```\n`a/b`\n``` `three`.";
    assert_eq!(spans(text).collect::<Vec<_>>(), [(1, "one/two"), (4, "three")]);
}

/// A document of the tree.
struct Page {
    /// Its path below the root of the repository.
    name: String,
    text: String,
}

/// Every document that names files. The change log does not count: it names files of former versions.
fn pages() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = vec!["CONTRIBUTING.md".to_owned(), "README.md".to_owned()];
    for entry in fs::read_dir(root.join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            names.push(format!("docs/{name}"));
        }
    }
    names.sort();
    names.into_iter().map(|name| Page { text: fs::read_to_string(root.join(&name)).unwrap(), name }).collect()
}

/// The spans of code in a text, with their lines; blocks of code are commands and output, and are left out.
fn spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_block = false;
    (1..).zip(text.lines()).flat_map(move |(number, line)| {
        // A fence in the middle of a line ends no block that it has not begun.
        let fences = line.matches("```").count();
        let rest = match (is_block, fences) {
            (false, 0) => line,
            (true, 1) => line.split_once("```").map_or("", |(_, rest)| rest),
            _ => "",
        };
        is_block ^= fences % 2 == 1;
        rest.split('`').skip(1).step_by(2).map(move |span| (number, span))
    })
}

/// True for `folder/file`, `folder/file.rs` and their like.
fn is_path(span: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let is_name = |part: &str| part.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '.');
    let is_known = NOT_PATHS.iter().any(|&(other, _)| other == span);
    span.contains('/') && span.chars().all(is_plain) && span.trim_end_matches('/').split('/').all(is_name) && !is_known
}

/// True if the tree has this path, whatever stands in place of a placeholder.
fn exists(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    // A path with a placeholder is as good as the folder that it is in.
    let known = match path.find(PLACEHOLDER) {
        Some(place) => path[..place].trim_end_matches('/'),
        None => path,
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ROOTS.iter().any(|folder| {
        let whole = root.join(folder).join(known);
        whole.exists() || whole.with_extension("rs").exists()
    })
}

/// The identifiers of a text, whether code or comment.
fn identifiers(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty()).map(str::to_owned)
}

/// True for `CamelCase`.
fn is_type_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.contains(|c: char| c.is_ascii_lowercase())
}
