//! The import graph of `src`: which file names which module, and in which line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// One source file.
pub(super) struct Source {
    /// Path below the crate, as a failure names it.
    pub(super) path: PathBuf,
    /// Module path without the crate: `["network", "latency"]`.
    pub(super) module: Vec<String>,
    /// The whole text.
    pub(super) text: String,
    /// Number of lines before the file's own unit tests; 0 for a file of tests.
    pub(super) product_lines: usize,
}

impl Source {
    /// Returns the room: the first part of the module path.
    pub(super) fn room(&self) -> &str {
        &self.module[0]
    }

    /// Iterates over the lines of code with their numbers, comments left out.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Returns true for lines of the product, false for lines of its tests.
    pub(super) fn is_product(&self, line: usize) -> bool {
        line <= self.product_lines
    }

    /// Names a line of the file, as an editor opens it.
    pub(super) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }
}

/// Reads every source file of the crate.
pub(super) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(source(path.strip_prefix(root).unwrap(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(files.len() > 200, "the sources were not found");
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

fn source(path: &Path, text: String) -> Source {
    let inside = path.strip_prefix("src").unwrap().with_extension("");
    let module: Vec<String> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    let is_test = module.iter().any(|part| ["tests", "loom_tests", "fixtures"].contains(&part.as_str()));
    let lines: Vec<&str> = text.lines().collect();
    let own_tests = lines.iter().position(|line| *line == "mod tests {").unwrap_or(lines.len());
    Source { path: path.to_owned(), module, product_lines: if is_test { 0 } else { own_tests }, text }
}

/// A path that a line of code names, such as `crate::time::Nanos`, and that line.
pub(super) struct Named {
    /// The parts, of which the first is `crate`, `super`, `self` or the name of a child.
    pub(super) parts: Vec<String>,
    /// Line number.
    pub(super) line: usize,
    /// True for a re-export, `pub use`.
    is_reexport: bool,
}

/// Lists the paths in the product code of a file: those of its `use` items, and those written out in other lines.
pub(super) fn named(source: &Source) -> Vec<Named> {
    let mut found = Vec::new();
    let mut item: Option<(usize, String)> = None;
    for (line, text) in source.code().filter(|&(line, _)| source.is_product(line)) {
        let begins = text.strip_prefix("pub").map_or(text, |rest| rest.trim_start_matches(|c| c != ' ')).trim_start();
        if item.is_none() && begins.starts_with("use ") && !text.starts_with(' ') {
            item = Some((line, String::new()));
        }
        match &mut item {
            Some((first, written)) => {
                written.push_str(text.trim());
                if written.ends_with(';') {
                    let is_reexport = written.starts_with("pub");
                    let tree = written.split_once("use ").unwrap().1.trim_end_matches(';');
                    found.extend(expanded(tree).into_iter().map(|parts| Named { parts, line: *first, is_reexport }));
                    item = None;
                }
            }
            None => found.extend(written_out(text).map(|parts| Named { parts, line, is_reexport: false })),
        }
    }
    found
}

/// Expands `a::{b, c::{d, e}}` into its paths.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let Some((prefix, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()];
    };
    let body = rest.rsplit_once('}').map_or(rest, |(body, _)| body);
    let (mut depth, mut start, mut branches) = (0, 0, Vec::new());
    for (at, letter) in body.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(&body[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&body[start..]);
    let branches = branches.into_iter().map(str::trim).filter(|branch| !branch.is_empty());
    branches.flat_map(|branch| expanded(&format!("{prefix}{branch}"))).collect()
}

/// Finds paths from `crate` or `super` in a line that is no import.
fn written_out(line: &str) -> impl Iterator<Item = Vec<String>> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let texts = line.split(move |letter| !is_part(letter));
    let paths = texts.filter(|text| text.starts_with("crate::") || text.starts_with("super::"));
    paths.map(|text| text.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

/// The files of the crate, and for each the files that it names, with one line of each.
pub(super) struct Graph<'a> {
    sources: Vec<&'a Source>,
    by_module: BTreeMap<&'a [String], usize>,
    /// For a module and a name that it re-exports, the path behind the name.
    reexports: BTreeMap<(usize, String), Vec<String>>,
    /// By file, the files that it names and the line.
    pub(super) uses: Vec<BTreeMap<usize, usize>>,
}

impl<'a> Graph<'a> {
    /// Reads the graph of the product code.
    pub(super) fn new(sources: &'a [Source]) -> Graph<'a> {
        let sources: Vec<&Source> = sources.iter().filter(|source| source.product_lines > 0).collect();
        let by_module = sources.iter().enumerate().map(|(at, source)| (source.module.as_slice(), at)).collect();
        let uses = vec![BTreeMap::new(); sources.len()];
        let mut graph = Graph { sources, by_module, reexports: BTreeMap::new(), uses };
        let all: Vec<Vec<Named>> = graph.sources.iter().map(|source| named(source)).collect();
        for (file, named) in all.iter().enumerate() {
            for named in named.iter().filter(|named| named.is_reexport) {
                if let (Some(path), Some(name)) = (graph.absolute(file, &named.parts), named.parts.last()) {
                    graph.reexports.insert((file, name.clone()), path);
                }
            }
        }
        for (file, named) in all.iter().enumerate() {
            for named in named {
                if let Some(used) = graph.absolute(file, &named.parts).and_then(|path| graph.file_of(&path, 0)) {
                    graph.uses[file].entry(used).or_insert(named.line);
                }
            }
        }
        graph
    }

    /// Returns a file by its index.
    pub(super) fn source(&self, file: usize) -> &Source {
        self.sources[file]
    }

    /// Turns a path into one from the crate's root; `None` for a path into another crate.
    fn absolute(&self, file: usize, parts: &[String]) -> Option<Vec<String>> {
        let module = &self.sources[file].module;
        match parts.first()?.as_str() {
            "crate" => Some(parts[1..].to_vec()),
            "self" => Some([module, &parts[1..]].concat()),
            "super" => {
                let up = parts.iter().take_while(|part| *part == "super").count();
                Some([&module[..module.len().saturating_sub(up)], &parts[up..]].concat())
            }
            child => {
                let path = [module.as_slice(), &[child.to_owned()]].concat();
                self.by_module.contains_key(path.as_slice()).then(|| [module, parts].concat())
            }
        }
    }

    /// Finds the file that defines what a path names: the longest module in it, or the one behind a re-export.
    fn file_of(&self, path: &[String], depth: usize) -> Option<usize> {
        let (length, file) =
            (1..=path.len()).rev().find_map(|length| Some((length, *self.by_module.get(&path[..length])?)))?;
        let behind = path.get(length).and_then(|name| self.reexports.get(&(file, name.clone())));
        match behind {
            Some(path) if depth < 8 => self.file_of(path, depth + 1).or(Some(file)),
            _ => Some(file),
        }
    }

    /// Finds the circles among files that neither contain the other: a module may name its children, and they it.
    pub(super) fn circles(&self) -> Vec<BTreeSet<usize>> {
        let related = |one: usize, other: usize| {
            let (one, other) = (&self.sources[one].module, &self.sources[other].module);
            one.starts_with(other) || other.starts_with(one)
        };
        let next = |file: usize| self.uses[file].keys().copied().filter(move |&used| !related(file, used));
        let reached: Vec<BTreeSet<usize>> = (0..self.sources.len())
            .map(|start| {
                let (mut seen, mut waiting) = (BTreeSet::new(), vec![start]);
                while let Some(file) = waiting.pop() {
                    waiting.extend(next(file).filter(|&used| seen.insert(used)));
                }
                seen
            })
            .collect();
        let in_circle = (0..self.sources.len()).filter(|&file| reached[file].contains(&file));
        let circle =
            |file: usize| reached[file].iter().copied().filter(|&other| reached[other].contains(&file)).collect();
        in_circle.map(circle).collect::<BTreeSet<BTreeSet<usize>>>().into_iter().collect()
    }
}
