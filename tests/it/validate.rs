//! Tests `bulkprop validate` as a user sees it: its whole quick table over two fixed seeds.

use crate::command::{bulkprop, output, with_default_signals};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

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

/// Another seed agrees as well, in all groups but the waits and lines, which take half of the time.
#[test]
fn another_seed_agrees_and_each_group_has_its_heading() {
    let groups = "coverage failures hops cost chances thresholds carriers rounds windows bursts spies spread";
    let line = format!("validate --quick --seed 2 {groups}");
    let (code, text, said) = output(&mut bulkprop(line.split(' ')));
    assert_eq!((code, said.as_str()), (Some(0), ""), "{text}");
    assert!(text.starts_with("case ") && text.contains("\nFinal coverage\n  complete, 10000 nodes, f 2 "), "{text}");
    assert!(text.ends_with(" agree with their closed forms. (seed 2, quick)\n"), "{text}");
    let headings = text.lines().filter(|line| !line.starts_with(' ') && !line.contains("closed form")).count();
    assert_eq!(headings, 18, "seventeen headings and an empty line: {text}");
}

#[test]
fn groups_are_chosen_by_name() {
    let (code, text, _) = output(&mut bulkprop("validate --quick rounds cost".split(' ')));
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with(char::is_uppercase)).collect();
    let [redundancy, messages, copies, rounds, summary] = headings[..] else { panic!("{text}") };
    let groups = ["Redundancy (RMR)", "Messages", "Copies per node", "Rounds of calls"];
    assert_eq!((code, [redundancy, messages, copies, rounds]), (Some(0), groups), "{text}");
    assert!(summary.starts_with("All ") && summary.contains(" cases of cost, rounds agree"), "{text}");
    let (code, _, said) = output(&mut bulkprop(["validate", "covrage"]));
    assert_eq!(code, Some(2));
    let parts = ["'covrage'", "no group of cases has this name", "coverage, failures, hops"];
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
}

#[test]
fn the_table_is_printed_as_it_is_judged() {
    let mut command = bulkprop("validate --quick --seed 2".split(' '));
    with_default_signals(&mut command);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut text = lines.by_ref().take_while(|line| line != "Coverage by hop").collect::<Vec<String>>();
    // The rest takes ten times as long.
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let said: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said:?}");
    assert!(text.remove(0).starts_with("case "), "{text:?}");
    let groups: Vec<&String> = text.iter().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(groups, ["Final coverage", "Final coverage of those up"], "{text:?}");
    assert!(text[1].starts_with("  complete, 10000 nodes, f 2 ") && text[1].ends_with(" agrees"), "{text:?}");
    let verdict = said.last().unwrap();
    assert!(verdict.contains("Interrupted") && verdict.ends_with("(seed 2, quick)"), "{verdict}");
}

#[test]
fn an_absurd_plan_is_rejected() {
    for line in ["validate --seed -1", "validate --threads 0", "validate --seed 99999999999", "validate --nodes 5"] {
        let (code, stdout, _) = output(&mut bulkprop(line.split(' ')));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{line}");
    }
}
