//! Comments say the fact first: verb first for functions, a noun phrase for types and fields, no indirect question.

use crate::tree::{SourceFile, is_for_tests, sources};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Words that open an indirect question, which says what is asked and not what is so.
const QUESTIONS: [&str; 8] = ["What", "Whether", "How", "Who", "Whom", "Which", "When", "Where"];

/// Turns of phrase that a native reader reads twice, with what to write.
const TURNS: [(&str, &str); 13] = [
    ("so manieth", "the k-th"),
    ("they that", "those that"),
    ("They that", "Those that"),
    ("is none of", "does not belong to"),
    ("of so many", "of this many, of `count`"),
    ("takes as long", "has the same latency"),
    ("the line out of", "the uplink of"),
    ("the line into", "the downlink of"),
    ("lines out of", "uplinks of"),
    ("as it were", "as if"),
    ("by turns", "in turn, alternately"),
    ("in its midst", "midway"),
    ("Words behind", "Words of the tail of"),
];

/// Words that end in an s and are no verbs.
const NOUNS: [&str; 6] = ["Bits", "Bytes", "Messages", "Nodes", "Times", "Words"];

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

#[test]
fn comments_of_functions_begin_with_a_verb() {
    let mut other = Vec::new();
    for file in sources().iter().filter(|file| !file.is_tests_only()) {
        let mut functions = Functions { file, found: Vec::new() };
        functions.visit_file(&file.syntax);
        other.append(&mut functions.found);
    }
    assert!(other.is_empty(), "say what these functions do (`Returns`, `Creates`, `Draws`): {other:#?}");
}

#[test]
fn verbs_are_told_from_other_words() {
    for verb in
        ["Returns the bytes.", " Draws up to `fanout` peers.", "1. Sends a batch.", " Passes", "Is never called."]
    {
        assert!(begins_with_a_verb(verb), "{verb}");
    }
    for other in ["The bytes.", "True if it is.", "Bytes of it.", "Number of nodes.", "`run` with more.", ""] {
        assert!(!begins_with_a_verb(other), "{other}");
    }
}

/// True if a text begins with a verb in the third person.
fn begins_with_a_verb(text: &str) -> bool {
    // Steps of the worker's loop are numbered.
    let text = text.trim_start().trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ' ');
    let word: String = text.chars().take_while(|c| c.is_alphabetic()).collect();
    let is_noun = NOUNS.iter().any(|noun| text.starts_with(noun));
    word.starts_with(char::is_uppercase) && word.ends_with('s') && !is_noun
}

/// Finds comments of functions that begin otherwise.
struct Functions<'a> {
    file: &'a SourceFile,
    found: Vec<String>,
}

impl Functions<'_> {
    fn check(&mut self, attributes: &[syn::Attribute]) {
        let Some((attribute, text)) = attributes.iter().find_map(|it| text_of_comment(it).map(|text| (it, text)))
        else {
            return;
        };
        if !begins_with_a_verb(&text) {
            let line = attribute.span().start().line;
            self.found.push(format!("{}:{line} {}", self.file.path.display(), text.trim()));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.check(&item.attrs);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.check(&item.attrs);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.check(&item.attrs);
        visit::visit_trait_item_fn(self, item);
    }
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
