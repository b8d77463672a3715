//! Tests `bulkprop reproduce` as a user sees it: rows that take little time, all of which are matched.

use crate::command::{bulkprop, output};
use serde_json::Value;

/// The rows of memberlist, agave, flooding, simsub and iroh-gossip, and the bounds of a gossipsub mesh.
#[test]
fn published_figures_are_matched() {
    let line = "reproduce 2 3 8 10 12 20 --threads 2 --format json";
    let (code, json, said) = output(&mut bulkprop(line.split(' ')));
    let table: Value = serde_json::from_str(&json).unwrap();
    let figures = table["rows"].as_array().unwrap();
    let keys = "row source setup metric published measured low high tolerance verdict reason".split(' ');
    assert!(figures.iter().all(|figure| keys.clone().all(|key| figure.get(key).is_some())), "{json}");
    let unexplained = figures.iter().filter(|figure| figure["verdict"] == "differs" && figure["reason"].is_null());
    let unexplained: Vec<&Value> = unexplained.collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert_eq!((code, said.as_str(), &table["interrupted"]), (Some(0), "", &false.into()));
    let matched = |row: u64| {
        let is_matched = |figure: &&Value| ["agrees", "within"].map(Value::from).contains(&figure["verdict"]);
        figures.iter().filter(|figure| figure["row"] == row).filter(is_matched).count()
    };
    // Gossip is faster than the curve of row 2, and one estimate of row 20 leaves out what crosses.
    assert_eq!([2, 3, 8, 10, 12, 20].map(matched), [3, 2, 3, 14, 9, 2]);
}

#[test]
fn a_row_is_printed_with_its_source() {
    let (code, text, said) = output(&mut bulkprop("reproduce 8 --seed 5".split(' ')));
    assert_eq!((code, said.as_str()), (Some(0), ""), "{text}");
    assert!(text.contains("\n8. arithmetic of flooding") && text.contains("exact agrees\n"), "{text}");
    let verdicts =
        "3 figures: 3 agree, 0 within, 0 differ for the reason given, 0 differ without\none, 0 not run. (seed 5)";
    assert!(text.trim_end().ends_with(verdicts), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn an_unknown_row_is_refused() {
    for line in ["reproduce 9", "reproduce ten", "reproduce --seed -1", "reproduce --nodes 5"] {
        let (code, stdout, said) = output(&mut bulkprop(line.split(' ')));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{line}");
        assert!(line.contains("--") || said.contains("choose among 1, 2, 3"), "{said}");
    }
}
