//! No two types of the product share a name: a reader who meets one anywhere knows which it is.

use crate::tree::{SourceFile, is_for_tests, sources};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};

/// Names that several types may have because the language or a trait asks for them.
const SHARED: [&str; 0] = [];

#[test]
fn no_two_types_share_a_name() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in sources().iter().filter(|file| !file.is_tests_only()) {
        let mut types = Types { file, names: Vec::new() };
        types.visit_file(&file.syntax);
        for name in types.names {
            places.entry(name).or_default().insert(file.module());
        }
    }
    assert!(places.len() > 300, "only {} types were found", places.len());
    let twice: Vec<_> = places.iter().filter(|(name, at)| at.len() > 1 && !SHARED.contains(&name.as_str())).collect();
    assert!(twice.is_empty(), "say whose each of these is (`VirtualShard`, `RealtimeShard`): {twice:#?}");
}

/// The types that a file defines for the product.
struct Types<'a> {
    file: &'a SourceFile,
    names: Vec<String>,
}

impl<'ast> Visit<'ast> for Types<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (name, attributes) = match item {
            syn::Item::Struct(item) => (&item.ident, &item.attrs),
            syn::Item::Enum(item) => (&item.ident, &item.attrs),
            syn::Item::Union(item) => (&item.ident, &item.attrs),
            syn::Item::Trait(item) => (&item.ident, &item.attrs),
            syn::Item::Type(item) => (&item.ident, &item.attrs),
            other => return visit::visit_item(self, other),
        };
        if !is_for_tests(attributes) {
            assert!(!name.to_string().is_empty(), "{}", self.file.path.display());
            self.names.push(name.to_string());
        }
        visit::visit_item(self, item);
    }
}
