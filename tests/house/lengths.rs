//! Functions fit a screen, files a sitting, lines a window.

use crate::tree::{SourceFile, files_under, is_for_tests, sources};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// The most lines of a function, from its signature to its closing brace.
const FUNCTION_MAX: usize = 70;

/// The most lines of a file, its tests aside.
const FILE_MAX: usize = 400;

/// The most lines of a file of tests.
const TESTS_MAX: usize = 500;

/// The most characters of a line.
const LINE_MAX: usize = 120;

#[test]
fn no_function_is_longer_than_a_screen() {
    let mut long = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for file in files_under(folder) {
            let mut functions = Functions { file: &file, count: 0, long: Vec::new() };
            functions.visit_file(&file.syntax);
            long.append(&mut functions.long);
        }
    }
    assert!(long.is_empty(), "break these functions (at most {FUNCTION_MAX} lines): {long:#?}");
}

#[test]
fn no_file_is_longer_than_a_sitting() {
    let mut long = Vec::new();
    for file in sources() {
        let most = if file.is_tests_only() { TESTS_MAX } else { FILE_MAX };
        let lines = file.text.lines().count() - lines_of_tests(&file);
        if lines > most {
            long.push(format!("{}: {lines} lines, at most {most}", file.path.display()));
        }
    }
    assert!(long.is_empty(), "split these files: {long:#?}");
}

#[test]
fn no_line_is_wider_than_a_window() {
    let mut wide = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for file in files_under(folder) {
            let lines = (1..).zip(file.text.lines());
            // A table of a test shows commands and sentences whole, as they are typed or printed.
            let is_table = |line: &str| folder == "tests" && holds_a_string(line);
            let over = lines.filter(|(_, line)| line.chars().count() > LINE_MAX && !is_table(line));
            wide.extend(over.map(|(number, _)| format!("{}:{number}", file.path.display())));
        }
    }
    assert!(wide.is_empty(), "{} lines are wider than {LINE_MAX} characters: {wide:#?}", wide.len());
}

/// Returns true if a line holds a part of a string.
fn holds_a_string(line: &str) -> bool {
    !line.trim_start().starts_with("//") && (line.contains('"') || line.ends_with('\\'))
}

/// Counts the lines of a file's own test modules.
fn lines_of_tests(file: &SourceFile) -> usize {
    let modules = file.syntax.items.iter().filter_map(|item| match item {
        syn::Item::Mod(item) if is_for_tests(&item.attrs) => Some(item.span()),
        _ => None,
    });
    modules.map(|span| span.end().line - span.start().line + 1).sum()
}

/// Measures the functions of a file.
struct Functions<'a> {
    file: &'a SourceFile,
    count: usize,
    long: Vec<String>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, body: &syn::Block) {
        self.count += 1;
        let (first, last) = (signature.span().start().line, body.span().end().line);
        let lines = last - first + 1;
        if lines > FUNCTION_MAX {
            self.long.push(format!("{}:{first} {} has {lines}", self.file.path.display(), signature.ident));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.measure(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}
