//! Pins the figures of a fixed list of scenarios: on each carrier, by each engine, on one thread and several.
//!
//! A change that is to leave the model alone leaves these tables alone. In virtual time every figure of the JSON report
//! is pinned, and every column of the files of nodes and orders, by each engine that can compute the scenario and on 1,
//! 2 and 3 threads, all held to one section of the table. On real carriers it is what no timing decides (`pins.rs`
//! names it): counts, sums, who was reached. What lives elsewhere: what is true of every run (`tests/swarm`), and that
//! carriers agree with each other (`tests/it/agreement.rs`).
//!
//! The tables are `tests/digests/*.txt`: a section for each scenario, a line for each figure. Sentences, the replay
//! command, the version and what hangs on the machine (times that it took, its name, cores) are not in them.
//!
//! `DIGESTS=write cargo test --test digests` writes the tables anew, for a change that is meant to move figures; what
//! it moved is then the difference in the repository. A figure that the variants of a scenario disagree about fails
//! even so.

mod figures;
mod pins;
mod real;
mod run;
mod scenario;
mod simulated;
mod table;

use figures::Figures;
use scenario::Group;
use std::collections::BTreeMap;
use table::Section;

/// The variable that asks for new tables, and what it has to say.
const SWITCH: (&str, &str) = ("DIGESTS", "write");

/// At most so many differences of a scenario are printed; one changed draw moves a hundred figures.
const PRINTED: usize = 15;

/// No fewer scenarios than these may be pinned.
const SCENARIOS_LEAST: usize = 110;

/// Runs a group of scenarios and holds each to its section of the group's table.
fn hold(group: &Group) {
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
    assert!(complaints.is_empty(), "{}", told(group, &complaints));
}

/// Whether the tables are to be written.
fn is_writing() -> bool {
    match std::env::var(SWITCH.0) {
        Err(_) => false,
        Ok(word) if word == SWITCH.1 => true,
        Ok(word) => panic!("{}={word}: only {} is known", SWITCH.0, SWITCH.1),
    }
}

/// Where the runs of a scenario differ from what is pinned: path, old value, new value, and in which variants.
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

/// What a failed test prints.
fn told(group: &Group, complaints: &[(String, String)]) -> String {
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
    hold(&simulated::engines());
}

#[test]
fn overlays_give_the_pinned_figures() {
    hold(&simulated::overlays());
}

#[test]
fn modelled_networks_give_the_pinned_figures() {
    hold(&simulated::networks());
}

#[test]
fn regions_give_the_pinned_figures() {
    hold(&simulated::regions());
}

#[test]
fn faults_and_adversaries_give_the_pinned_figures() {
    hold(&simulated::faults());
}

#[test]
fn bulks_and_series_give_the_pinned_figures() {
    hold(&simulated::bulks());
}

#[test]
fn memory_gives_the_pinned_figures() {
    hold(&real::memory());
}

#[test]
fn udp_gives_the_pinned_figures() {
    hold(&real::udp());
}

#[test]
fn udp_shard_gives_the_pinned_figures() {
    hold(&real::udp_shard());
}

#[cfg(all(target_os = "linux", not(portable)))]
#[test]
fn processes_give_the_pinned_figures() {
    hold(&real::processes());
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
