//! Who may use whom: room by room in one table, and within rooms file by file.
//!
//! A change that needs a new pair writes it into the table, where a reviewer sees it. What each room is for:
//! `docs/ARCHITECTURE.md`.

mod imports;

use imports::{Graph, Source, named, sources};

/// The ground. Every room may use it, and a room of the ground those that stand before it.
const GROUND: [&str; 11] =
    ["escape", "simd", "sys", "sync", "ids", "quantity", "time", "ratio", "random", "message", "table"];

/// The rooms above the ground, from below to above, and the rooms that each may use beside the ground. A room may use
/// only rooms that stand before it, so that the table has no arrow up and no circle.
const ROOMS: [(&str, &[&str]); 24] = [
    ("theory", &[]),
    ("trace", &[]),
    ("order", &[]),
    ("parts", &[]),
    ("wire", &["order", "parts"]),
    ("workload", &["order"]),
    ("topology", &[]),
    ("coverage", &[]),
    ("record", &["wire", "topology", "coverage", "trace"]),
    ("protocol", &["topology", "parts"]),
    ("network", &["topology"]),
    ("adversary", &["topology", "network"]),
    (
        "scenario",
        &["theory", "order", "parts", "wire", "workload", "topology", "coverage", "protocol", "network", "adversary"],
    ),
    ("threads", &["scenario"]),
    ("cluster", &["topology", "threads"]),
    ("transport", &["order", "wire", "record", "scenario", "threads"]),
    (
        "runtime",
        &[
            "order",
            "wire",
            "workload",
            "topology",
            "coverage",
            "record",
            "protocol",
            "network",
            "scenario",
            "threads",
            "transport",
            "trace",
        ],
    ),
    (
        "engine",
        &[
            "wire",
            "workload",
            "topology",
            "coverage",
            "record",
            "protocol",
            "network",
            "adversary",
            "scenario",
            "threads",
            "trace",
        ],
    ),
    ("memory", &["order", "topology", "record", "network", "scenario", "engine"]),
    (
        "analysis",
        &[
            "theory",
            "order",
            "wire",
            "workload",
            "topology",
            "coverage",
            "record",
            "protocol",
            "network",
            "adversary",
            "scenario",
            "runtime",
            "engine",
        ],
    ),
    (
        "simulation",
        &[
            "order",
            "parts",
            "wire",
            "workload",
            "topology",
            "coverage",
            "record",
            "protocol",
            "network",
            "adversary",
            "scenario",
            "threads",
            "transport",
            "runtime",
            "engine",
            "memory",
            "analysis",
            "trace",
        ],
    ),
    ("report", &["workload", "topology", "coverage", "record", "scenario", "analysis", "trace"]),
    (
        "experiment",
        &[
            "theory",
            "wire",
            "workload",
            "topology",
            "record",
            "protocol",
            "network",
            "scenario",
            "threads",
            "cluster",
            "transport",
            "runtime",
            "engine",
            "memory",
            "analysis",
            "simulation",
        ],
    ),
    ("api", &["protocol", "record", "scenario", "simulation", "report", "experiment"]),
];

/// The binary's files, which only parse arguments and print. They may use every room.
const BINARY: [&str; 3] = ["lib", "main", "cli"];

/// Alternatives: files of one room that do not know of each other, so that each can be read, changed and removed alone.
const ALTERNATIVES: [&[&str]; 4] = [
    &["transport/memory", "transport/udp", "transport/udp_shard", "transport/unix"],
    &["engine/windowed", "engine/event_by_event", "engine/shortest_path", "engine/hops"],
    &[
        "protocol/push",
        "protocol/lazy",
        "protocol/plumtree",
        "protocol/gossipsub",
        "protocol/push_pull",
        "protocol/bitcoin_relay",
        "protocol/swim",
        "protocol/turbine",
        "protocol/hyparview",
    ],
    &["sys/linux", "sys/portable"],
];

/// Code that only some rooms may hold.
const OWNED: [(&str, &[&str]); 8] = [
    ("allow(unsafe_code)", &["simd", "sync", "sys"]),
    ("Instant::now", &["sys"]),
    ("std::sync::atomic", &["sync"]),
    ("thread::scope", &["threads", "sync"]),
    // The thread that waits for signals shares no work and is never joined.
    ("thread::Builder", &["threads", "cli"]),
    ("set_for_current", &["threads"]),
    ("println!", &["main", "cli"]),
    ("process::exit", &["cli"]),
];

/// The maximum length of a file, its own unit tests aside.
const LINES_MAX: usize = 400;

/// The maximum length of a file of tests.
const TEST_LINES_MAX: usize = 600;

/// Asserts that no offence was found, or lists them all.
fn assert_none(kind: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{kind}:\n{}", offences.join("\n"));
}

#[test]
fn the_table_has_no_arrow_up() {
    let mut below: Vec<&str> = GROUND.to_vec();
    for (room, used) in ROOMS {
        for name in used {
            assert!(
                below.contains(name) && !GROUND.contains(name),
                "`{room}` may use `{name}`, which does not stand before it"
            );
        }
        below.push(room);
    }
}

#[test]
fn every_room_uses_only_what_the_table_allows() {
    let sources = sources();
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !BINARY.contains(&source.room())) {
        let uses = uses(source);
        wrong.extend(uses.into_iter().filter_map(|(line, used, is_test)| {
            let refusal = refusal(source.room(), &used, is_test)?;
            Some(format!("{}: {refusal}", source.at(line)))
        }));
    }
    assert_none("against the table in tests/it/layers.rs", &wrong);
}

/// The rooms that a file names after `crate::`, with the line, and whether it is a line of tests.
fn uses(source: &Source) -> Vec<(usize, String, bool)> {
    let product = named(source).into_iter().filter(|named| named.parts[0] == "crate" && named.parts.len() > 1);
    let mut uses: Vec<_> = product.map(|named| (named.line, named.parts[1].clone(), false)).collect();
    for (line, text) in source.code().filter(|&(line, _)| !source.is_product(line)) {
        let names = text.split("crate::").skip(1).map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_'));
        uses.extend(names.filter_map(|mut parts| Some((line, parts.next()?.to_owned(), true))));
    }
    uses.retain(|(_, used, _)| !used.is_empty() && used != source.room());
    uses
}

/// Says why a room may not use another, if it may not. Tests may use every room below their own.
fn refusal(room: &str, used: &str, is_test: bool) -> Option<String> {
    let rank = |name: &str| GROUND.into_iter().chain(ROOMS.map(|(room, _)| room)).position(|known| known == name);
    let Some(own) = rank(room) else { return Some(format!("the table has no room `{room}`")) };
    let Some(other) = rank(used) else { return Some(format!("the table has no room `{used}`")) };
    if other > own {
        return Some(format!("`{room}` uses `{used}`, which stands above it"));
    }
    let listed = ROOMS.iter().find(|(name, _)| *name == room).is_none_or(|(_, listed)| listed.contains(&used));
    let is_allowed = is_test || GROUND.contains(&used) || listed;
    (!is_allowed).then(|| format!("`{room}` uses `{used}`, which its row does not list"))
}

#[test]
fn no_files_form_a_circle() {
    let sources = sources();
    let graph = &Graph::new(&sources);
    let mut circles = Vec::new();
    for circle in graph.circles() {
        let lines = circle.iter().flat_map(|&file| {
            let within = graph.uses[file].iter().filter(|(used, _)| circle.contains(used));
            within.map(move |(&used, &line)| {
                format!("  {} uses {}", graph.source(file).at(line), graph.source(used).path.display())
            })
        });
        circles.push(lines.collect::<Vec<_>>().join("\n"));
    }
    assert_none("files that use each other in a circle", &circles);
}

#[test]
fn alternatives_do_not_know_of_each_other() {
    let sources = sources();
    let graph = Graph::new(&sources);
    let side = |file: usize, names: &[&str]| {
        let module = graph.source(file).module.join("/");
        names.iter().position(|name| module == *name || module.starts_with(&format!("{name}/")))
    };
    for names in ALTERNATIVES {
        for (file, uses) in graph.uses.iter().enumerate() {
            let Some(own) = side(file, names) else { continue };
            for (&used, &line) in uses {
                let other = side(used, names).unwrap_or(own);
                assert!(other == own, "{} uses {}", graph.source(file).at(line), graph.source(used).path.display());
            }
        }
        for (at, name) in names.iter().enumerate() {
            assert!((0..graph.uses.len()).any(|file| side(file, names) == Some(at)), "there is no {name}");
        }
    }
}

#[test]
fn what_one_room_owns_no_other_holds() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (code, owners) in OWNED.into_iter().filter(|(_, owners)| !owners.contains(&source.room())) {
            // Tests may set up threads of their own, because a panic in one of them is how they fail.
            let is_held = |line| code != "thread::scope" || source.is_product(line);
            let found = source.code().filter(|&(line, text)| text.contains(code) && is_held(line));
            wrong.extend(
                found.map(|(line, _)| format!("{}: `{code}` belongs to {}", source.at(line), owners.join(", "))),
            );
        }
    }
    assert_none("code outside the rooms that own it", &wrong);
}

#[test]
fn every_file_says_what_it_is_and_is_not_too_long() {
    let mut long = Vec::new();
    for source in sources() {
        let path = source.path.display();
        assert!(
            source.text.starts_with("//! "),
            "{path} does not begin with a line that says what it holds (`//! ...`)"
        );
        let is_test = source.product_lines == 0;
        let lines = if is_test { source.text.lines().count() } else { source.product_lines };
        let most = if is_test { TEST_LINES_MAX } else { LINES_MAX };
        if lines > most {
            long.push(format!("{path} has {lines} lines without its own tests, and may have {most}"));
        }
    }
    assert_none("files to split", &long);
}
