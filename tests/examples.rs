//! Every example runs, and says what it promises. They are built as a reader builds them, so that this is a binary of
//! its own: `cargo test` has built them before, and `cargo test --test examples` does it here.

use std::env;
use std::process::Command;

/// Runs an example to its end and returns what it printed.
fn run(name: &str) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "run",
        "--quiet",
        "--example",
        name,
        "--manifest-path",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
    ]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    // What cargo tells a test of its package: build scripts of dependencies that look at it would run again, and this
    // library would be built anew, which takes two minutes.
    for (name, _) in env::vars_os() {
        let is_of_package =
            |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|of| name.starts_with(of));
        if name.to_str().is_some_and(is_of_package) {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_scenario_is_run_and_reported() {
    let text = run("run_a_scenario");
    assert!(text.contains("Latency Distribution") && text.contains("--network aws33"), "{text}");
    assert!(text.contains("Balanced"), "{text}");
}

#[test]
fn a_sweep_prints_a_line_for_each_fanout() {
    let text = run("sweep");
    let coverage: Vec<f64> =
        text.lines().skip(1).map(|line| line.split_whitespace().nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(coverage.len(), 6, "{text}");
    assert!(coverage.is_sorted() && coverage[0] < 90.0 && coverage[5] > 99.9, "{text}");
}

#[test]
fn a_protocol_of_ones_own_runs_on_every_carrier() {
    let text = run("own_protocol");
    for carrier in ["udp", "memory", "simulated"] {
        let line = text.lines().find(|line| line.trim_start().starts_with(carrier)).unwrap_or_else(|| panic!("{text}"));
        let reached: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(reached >= 95.0, "{text}");
    }
    assert!(text.contains("From push to rumor mongering "), "{text}");
    let source = include_str!("../examples/own_protocol.rs");
    let protocol = source.split("fn main()").next().unwrap();
    let lines = protocol.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("//"));
    assert!(lines.count() < 60, "the README says under 60 lines");
}

#[test]
fn the_picture_of_the_readme_is_what_its_example_draws() {
    assert_eq!(run("draw_coverage"), include_str!("../docs/coverage.svg"));
}
