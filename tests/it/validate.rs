//! Tests `bulkprop validate` as a user sees it: its whole quick table over two fixed seeds.

use crate::command::{bulkprop, output};
use serde_json::Value;

#[test]
fn every_case_agrees_with_its_closed_form() {
    let (code, json, said) = output(&mut bulkprop("validate --quick --seed 1 --threads 2 --format json".split(' ')));
    let table: Value = serde_json::from_str(&json).unwrap();
    let cases = table["cases"].as_array().unwrap();
    let failed: Vec<&Value> = cases.iter().filter(|case| case["agrees"] != true).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!((code, said.as_str(), &table["failed"], &table["interrupted"]), (Some(0), "", &0.into(), &false.into()));
    assert!(cases.len() > 60);
    let form = |name: &str, digits: usize| {
        let case = cases.iter().find(|case| case["case"] == name).unwrap_or_else(|| panic!("no case {name}"));
        format!("{:.digits$}", case["form"].as_f64().unwrap())
    };
    assert_eq!(form("complete, 10000 nodes, f 2", 6), "0.796812");
    assert_eq!(form("complete, 10000 nodes, f 8, hop 5", 4), "0.9460");
    // A fanout of 8 with half of the nodes down equals one of 4.
    assert_eq!(form("complete, 10000 nodes, f 8, down 0.5", 6), "0.980173");
    let replay = cases[0]["replay"].as_str().unwrap();
    assert!(replay.contains("--transport simulated") && replay.contains("--seed 100000"), "{replay}");
}

#[test]
fn the_table_is_printed_as_it_is_judged() {
    let (code, text, said) = output(&mut bulkprop("validate --quick --seed 2".split(' ')));
    assert_eq!((code, said.as_str()), (Some(0), ""), "{text}");
    assert!(text.starts_with("case ") && text.contains("\nFinal coverage\n  complete, 10000 nodes, f 2 "), "{text}");
    assert!(text.ends_with("cases agree with their closed forms. (seed 2, quick)\n"), "{text}");
    // A heading for each group, and the line of titles.
    let groups = text.lines().filter(|line| !line.starts_with(' ') && !line.contains("closed form")).count();
    assert_eq!(groups, 20, "eighteen groups, an empty line and the verdict: {text}");
}

#[test]
fn an_absurd_plan_is_rejected() {
    for line in ["validate --seed -1", "validate --threads 0", "validate --seed 99999999999", "validate --nodes 5"] {
        let (code, stdout, _) = output(&mut bulkprop(line.split(' ')));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{line}");
    }
}
