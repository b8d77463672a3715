//! Comments say the fact first: verb first for functions, a noun phrase for types and fields, no indirect question.

use crate::tree::{SourceFile, is_for_tests, sources};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Words that open an indirect question, which says what is asked and not what is so.
const QUESTIONS: [&str; 8] = ["What", "Whether", "How", "Who", "Whom", "Which", "When", "Where"];

/// Turns of phrase that a native reader reads twice, with what to write.
const TURNS: [(&str, &str); 4] = [
    ("so manieth", "the k-th"),
    ("they that", "those that"),
    ("They that", "Those that"),
    ("is none of", "does not belong to"),
];

#[test]
fn no_comment_opens_with_an_indirect_question() {
    let mut asked = Vec::new();
    for file in sources().iter().filter(|file| !file.is_tests_only()) {
        let mut comments = Comments { file, last_line: 0, found: Vec::new() };
        comments.visit_file(&file.syntax);
        asked.append(&mut comments.found);
    }
    assert!(asked.is_empty(), "{} comments open with a question; say the answer's kind: {asked:#?}", asked.len());
}

#[test]
fn no_comment_needs_a_second_reading() {
    let mut found = Vec::new();
    for file in sources() {
        for (number, line) in (1..).zip(file.text.lines()).filter(|(_, line)| line.trim_start().starts_with("//")) {
            let turns = TURNS.iter().filter(|(turn, _)| line.contains(turn));
            found.extend(turns.map(|(turn, better)| format!("{}:{number} {turn:?}: {better}", file.path.display())));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Finds the first words of doc comments.
struct Comments<'a> {
    file: &'a SourceFile,
    /// The last line of a comment so far.
    last_line: usize,
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Comments<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let Some(text) = text_of_comment(attribute) else { return };
        let line = attribute.span().start().line;
        // Only the first line of a comment opens it.
        let continues = std::mem::replace(&mut self.last_line, line) + 1 == line;
        let opening = text.split(|c: char| !c.is_alphabetic()).find(|word| !word.is_empty());
        if !continues && opening.is_some_and(|word| QUESTIONS.contains(&word)) {
            self.found.push(format!("{}:{line} {}", self.file.path.display(), text.trim()));
        }
    }
}

/// The text of a doc comment's line.
fn text_of_comment(attribute: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else { return None };
    pair.path.is_ident("doc").then(|| text.value())
}
