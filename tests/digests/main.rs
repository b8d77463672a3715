//! Pins the figures of a fixed list of scenarios: on each carrier, by each engine, on one thread and several.
//!
//! A change that does not alter the model leaves these tables unchanged. In virtual time every figure of the JSON
//! report is pinned, and every column of the files of nodes and orders, by each engine that can compute the scenario
//! and on 1, 2 and 3 threads, all compared with one section of the table. On real carriers only the figures that no
//! timing decides are pinned (`pins.rs` names them): counts, sums, nodes reached. Tested elsewhere: the invariants of
//! every run (`tests/swarm`), and the agreement of carriers (`tests/it/agreement.rs`).
//!
//! The tables are `tests/digests/*.txt`: a section for each scenario, a line for each figure. They do not contain
//! sentences, the replay command, the version, or anything that depends on the machine (times taken, its name, cores).
//!
//! `DIGESTS=write cargo test --test digests` writes the tables again, for a change that is meant to alter figures; the
//! repository's diff then shows what changed. A figure on which the variants of a scenario disagree fails even then.

mod figures;
mod pins;
mod protocols;
mod real;
mod run;
mod scenario;
mod simulated;
mod table;
mod trees;

use figures::Figures;
use scenario::Group;
use std::collections::BTreeMap;
use table::Section;

/// The variable that requests new tables, and the value it must have.
const SWITCH: (&str, &str) = ("DIGESTS", "write");

/// Differences of a scenario that are printed at most; one changed draw alters a hundred figures.
const PRINTED: usize = 15;

/// Scenarios that must be pinned at least.
const SCENARIOS_LEAST: usize = 110;

/// Runs a group of scenarios and compares each with its section of the group's table.
fn assert_pinned(group: &Group) {
    let is_writing = is_writing();
    let table = if is_writing { Vec::new() } else { table::read(group.name) };
    let (mut sections, mut complaints) = (Vec::new(), Vec::new());
    for scenario in &group.scenarios {
        let runs = run::variants(scenario);
        let first = runs.iter().find_map(|(_, run)| run.clone().ok()).unwrap_or_default();
        let measured = Section { name: scenario.name.to_owned(), command: run::command(scenario), figures: first };
        let pinned = if is_writing { Some(&measured) } else { table.iter().find(|row| row.name == scenario.name) };
        let found = match pinned {
            Some(pinned) => differences_of(pinned, &measured.command, &runs),
            None => vec!["the table has no such scenario".to_owned()],
        };
        complaints.extend(found.into_iter().map(|what| (measured.name.clone(), what)));
        sections.push(measured);
    }
    for row in table.iter().filter(|row| group.scenarios.iter().all(|scenario| scenario.name != row.name)) {
        complaints.push((row.name.clone(), "the table has it, and the list of scenarios does not".to_owned()));
    }
    if is_writing {
        table::write(group.name, &sections);
    }
    assert!(complaints.is_empty(), "{}", failure_message(group, &complaints));
}

/// True if the tables are to be written.
fn is_writing() -> bool {
    match std::env::var(SWITCH.0) {
        Err(_) => false,
        Ok(word) if word == SWITCH.1 => true,
        Ok(word) => panic!("{}={word}: only {} is known", SWITCH.0, SWITCH.1),
    }
}

/// The differences of a scenario's runs from the pinned figures: path, old value, new value, and the variants
/// concerned.
fn differences_of(pinned: &Section, command: &str, runs: &[(String, Result<Figures, String>)]) -> Vec<String> {
    if pinned.command != command {
        return vec![format!("the table was written for {}, not for {command}", pinned.command)];
    }
    let mut differences: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (variant, run) in runs {
        let found = match run {
            Ok(figures) => figures::differences(&pinned.figures, figures),
            Err(why) => vec![why.clone()],
        };
        found.into_iter().for_each(|difference| differences.entry(difference).or_default().push(variant));
    }
    let told = |(difference, variants): (String, Vec<&str>)| match variants.len() == runs.len() {
        true => difference,
        false => format!("{difference} [{}]", variants.join("; ")),
    };
    differences.into_iter().map(told).collect()
}

/// The message of a failed test.
fn failure_message(group: &Group, complaints: &[(String, String)]) -> String {
    let mut names: Vec<&str> = complaints.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    let mut text = format!(
        "{} of {} scenarios have not the figures of tests/digests/{}.txt: {}\n",
        names.len(),
        group.scenarios.len(),
        group.name,
        names.join(", ")
    );
    for name in names {
        let of_one: Vec<&str> = complaints.iter().filter(|(of, _)| of == name).map(|(_, what)| what.as_str()).collect();
        let printed = of_one.iter().take(PRINTED).map(|what| format!("{name}: {what}\n"));
        text.extend(printed);
        if of_one.len() > PRINTED {
            text += &format!("{name}: ... and {} more\n", of_one.len() - PRINTED);
        }
    }
    text + &format!("If that is meant: {}={} cargo test --test digests", SWITCH.0, SWITCH.1)
}

#[test]
fn engines_give_the_pinned_figures() {
    assert_pinned(&simulated::engines());
}

#[test]
fn overlays_give_the_pinned_figures() {
    assert_pinned(&simulated::overlays());
}

#[test]
fn emulated_networks_give_the_pinned_figures() {
    assert_pinned(&simulated::networks());
}

#[test]
fn regions_give_the_pinned_figures() {
    assert_pinned(&simulated::regions());
}

#[test]
fn faults_and_adversaries_give_the_pinned_figures() {
    assert_pinned(&simulated::faults());
}

#[test]
fn bulks_and_series_give_the_pinned_figures() {
    assert_pinned(&simulated::bulks());
}

#[test]
fn trees_give_the_pinned_figures() {
    assert_pinned(&trees::trees());
}

#[test]
fn other_protocols_give_the_pinned_figures() {
    assert_pinned(&protocols::protocols());
}

#[test]
fn memory_gives_the_pinned_figures() {
    assert_pinned(&real::memory());
}

#[test]
fn udp_gives_the_pinned_figures() {
    assert_pinned(&real::udp());
}

#[test]
fn udp_shard_gives_the_pinned_figures() {
    assert_pinned(&real::udp_shard());
}

#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn processes_give_the_pinned_figures() {
    assert_pinned(&real::processes());
}

#[test]
fn no_scenario_is_lost() {
    let groups = [
        simulated::engines(),
        simulated::overlays(),
        simulated::networks(),
        simulated::regions(),
        simulated::faults(),
        simulated::bulks(),
        trees::trees(),
        protocols::protocols(),
        real::memory(),
        real::udp(),
        real::udp_shard(),
        real::processes(),
    ];
    let names: Vec<&str> = groups.iter().flat_map(|group| &group.scenarios).map(|scenario| scenario.name).collect();
    assert!(names.len() >= SCENARIOS_LEAST, "only {} scenarios", names.len());
    for group in &groups {
        let mut names: Vec<&str> = group.scenarios.iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{}: a name stands twice", group.name);
    }
}
