//! Rules that the tree itself keeps: names, words, lengths, comments and documents.
//!
//! Each module holds one rule, parses every source file with `syn`, and names file, line and remedy where it is broken.
//! Who may import whom is in `tests/it/layers.rs`.

mod docs;
mod lengths;
mod names;
mod prose;
mod tree;
mod words;
