//! Private words do not come back: each stands here with the field's own term.
//!
//! The rule looks at the words that identifiers and file names are made of, in product code and tests alike.

use crate::tree::{files_under, is_for_tests};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::BTreeMap;

/// Banned words, with their replacements.
const BANNED: [(&str, &str); 46] = [
    ("latch", "barrier"),
    ("bell", "sleep_flag"),
    ("slate", "write_once"),
    ("trip", "threshold"),
    ("leasts", "minima"),
    ("volley", "target_batch, send_counts"),
    ("salvo", "forward_batch"),
    ("flight", "pending_event"),
    ("flights", "pending_events"),
    ("crew", "worker_threads, process_group"),
    ("home", "outcome, backing"),
    ("homes", "outcomes"),
    ("desk", "recording_context"),
    ("mailing", "announcement_batch"),
    ("onward", "order_hop"),
    ("agenda", "publication_queue"),
    ("chronicle", "recorder"),
    ("patience", "idle_strategy"),
    ("modelled", "emulator"),
    ("toll", "serialization"),
    ("road", "segmentation"),
    ("gate", "admission"),
    ("stroke", "outage"),
    ("strikes", "hits"),
    ("struck", "hit"),
    ("behaviour", "adversary"),
    ("behaviours", "adversaries"),
    ("laboratory", "runner"),
    ("lab", "runner"),
    ("crowd", "population"),
    ("aftermath", "diagnosis"),
    ("outlook", "mean_field"),
    ("books", "ledger"),
    ("heed", "apply"),
    ("sift", "filter"),
    ("sifted", "filtered"),
    ("rung", "fired_timer"),
    ("ascent", "node_sort"),
    ("alarm", "process_waker"),
    ("whom", "selector"),
    ("news", "announcements, candidates, is_new"),
    ("way", "link, side, latency"),
    ("ways", "links, sides, forms"),
    ("mail", "send_announcements"),
    ("heard", "received"),
    ("whoever", "any"),
];

/// Compounds in which a banned word is the field's own.
const ALLOWED: [&str; 4] = ["in_flight", "round_trip", "one_way", "under_way"];

#[test]
fn no_identifier_has_a_private_word() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in ["src", "tests", "benches"] {
        for file in files_under(folder) {
            let mut words = Vec::new();
            let stem = file.path.file_stem().unwrap().to_string_lossy().into_owned();
            note(&stem, 1, &mut words);
            walk(file.syntax.to_token_stream(), &mut words);
            for (line, identifier, better) in words {
                let place = format!("{}:{line}", file.path.display());
                found.entry(format!("{identifier}: {better}")).or_default().push(place);
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn words_are_found_in_every_form_of_a_name() {
    for name in ["latch", "Latch", "start_latch", "StartLatch", "LATCH_MAX", "r#latch"] {
        let mut words = Vec::new();
        note(name, 7, &mut words);
        assert_eq!(words, [(7, name.to_owned(), "barrier")], "{name}");
    }
    for name in ["latches_on", "clatch", "in_flight_at_stop", "RoundTrip"] {
        let mut words = Vec::new();
        note(name, 7, &mut words);
        assert!(words.is_empty(), "{name}");
    }
    let parsed: syn::File = syn::parse_str("#[cfg(test)] mod tests {} #[cfg(not(test))] mod product {}").unwrap();
    let flags = parsed.items.iter().map(|item| match item {
        syn::Item::Mod(item) => is_for_tests(&item.attrs),
        _ => unreachable!("two modules"),
    });
    assert!(flags.eq([true, false]));
}

/// Notes every identifier of a stream that has a banned word, macros' arguments included.
fn walk(stream: TokenStream, words: &mut Vec<(usize, String, &'static str)>) {
    for token in stream {
        match token {
            TokenTree::Group(group) => walk(group.stream(), words),
            TokenTree::Ident(name) => note(&name.to_string(), name.span().start().line, words),
            _ => {}
        }
    }
}

fn note(identifier: &str, line: usize, words: &mut Vec<(usize, String, &'static str)>) {
    let snake = snake_case(identifier.trim_start_matches("r#"));
    if ALLOWED.iter().any(|allowed| snake.contains(allowed)) {
        return;
    }
    let banned = BANNED.iter().find(|(word, _)| snake.split('_').any(|part| part == *word));
    if let Some((_, better)) = banned {
        words.push((line, identifier.to_owned(), better));
    }
}

/// `StartLatch` and `START_LATCH` as `start_latch`.
fn snake_case(identifier: &str) -> String {
    let is_constant = !identifier.chars().any(char::is_lowercase);
    let mut snake = String::new();
    for (place, letter) in identifier.char_indices() {
        if letter.is_uppercase() && place > 0 && !is_constant {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
