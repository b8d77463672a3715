//! Reads the sources of the crate.

use std::fs;
use std::path::{Path, PathBuf};

/// One source file of the product, parsed.
pub(crate) struct SourceFile {
    /// Its path below the root of the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
}

impl SourceFile {
    /// True if the file holds nothing but tests, which a `#[cfg(test)] mod` of another file brings in.
    pub(crate) fn is_tests_only(&self) -> bool {
        let names = self.path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        names.into_iter().any(|name| is_name_of_tests(name.trim_end_matches(".rs")))
    }

    /// The file's module path, with the alternatives of one module (`linux`, `portable`, `elsewhere`) as the module
    /// itself.
    pub(crate) fn module(&self) -> String {
        let path = self.path.with_extension("").to_string_lossy().into_owned();
        let parts = path.split('/').filter(|part| !ALTERNATIVES.iter().any(|other| part.contains(other)));
        parts.collect::<Vec<_>>().join("::")
    }
}

/// Parts of file names that tell alternatives of one module by platform.
const ALTERNATIVES: [&str; 3] = ["linux", "portable", "elsewhere"];

/// True for modules that stand in for a file of tests or of what only tests share.
fn is_name_of_tests(name: &str) -> bool {
    name == "tests" || name == "fixtures" || name == "recording_context" || name.ends_with("_tests")
}

/// Every file under `src`, ascending by path.
pub(crate) fn sources() -> Vec<SourceFile> {
    files_under("src")
}

/// Every Rust file under `folder`, ascending by path.
pub(crate) fn files_under(folder: &str) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut paths, mut folders) = (Vec::new(), vec![root.join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                paths.push(path);
            }
        }
    }
    assert!(!paths.is_empty(), "no sources under {folder}");
    paths.sort();
    paths.into_iter().map(|path| parsed(root, &path)).collect()
}

fn parsed(root: &Path, path: &Path) -> SourceFile {
    let text = fs::read_to_string(path).unwrap();
    let path = path.strip_prefix(root).unwrap().to_owned();
    let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    SourceFile { path, text, syntax }
}

/// True if an item is compiled for tests only.
pub(crate) fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let condition = list.tokens.to_string();
        condition.split(|c: char| !c.is_alphanumeric()).any(|word| word == "test") && !condition.starts_with("not")
    })
}
