//! Tests what the program says of itself: short and long help, the page of options, manual pages, completions, the
//! version; and `-` for standard input.

use crate::command::{bulkprop, output};
use bulk_order_propagation::scenario::{Choice, ProtocolKind};
use std::fs;
use std::io::Write;
use std::process::Stdio;

/// Rows of a terminal that is not small.
const ROWS: usize = 50;
/// Columns that clap writes for where there is no terminal.
const COLUMNS: usize = 100;

/// Returns the standard output of a command that must succeed.
fn said(line: &str) -> String {
    let (code, stdout, stderr) = output(&mut bulkprop(line.split(' ')));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{line}");
    stdout
}

#[test]
fn short_help_fits_one_screen() {
    let help = said("-h");
    assert!(help.lines().count() <= ROWS, "{} lines:\n{help}", help.lines().count());
    for heading in
        ["Overlay", "Protocol", "Workload", "Carrier", "Network", "Failures", "Run", "Input and output", "Commands"]
    {
        assert!(help.contains(&format!("{heading}:\n")), "{heading} is not in {help}");
    }
    for line in help.lines() {
        assert!(line.chars().count() <= COLUMNS, "{line}");
        // One that goes on in a second line starts far to the right.
        assert!(!line.starts_with(&" ".repeat(12)), "{line}");
    }
}

#[test]
fn long_help_has_every_option_that_short_help_has() {
    let (short, long) = (said("-h"), said("--help"));
    let flags = |help: &str| -> Vec<String> {
        let words = help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(str::split_whitespace);
        words.filter(|word| word.starts_with("--")).map(|word| word.trim_end_matches(',').to_owned()).collect()
    };
    let explained = flags(&long);
    assert!(explained.len() > 50, "{explained:?}");
    for flag in flags(&short) {
        assert!(explained.contains(&flag), "{flag}");
    }
}

#[test]
fn the_page_of_options_is_what_the_program_writes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OPTIONS.md");
    let (page, kept) = (said("options"), fs::read_to_string(path).unwrap_or_default());
    assert!(page == kept, "docs/OPTIONS.md is not up to date: cargo run -- options > docs/OPTIONS.md");
    assert!(page.lines().all(|line| !line.ends_with(": ")), "an option has no text");
}

#[test]
fn commands_have_help_and_pages() {
    assert_eq!(said("help knee"), said("knee --help"));
    assert_eq!(said("help"), said("--help"));
    assert!(said("man").contains(".TH bulkprop 1"));
    let knee = said("man knee");
    assert!(knee.contains(".TH bulkprop-knee 1") && knee.contains("\\-\\-limit"), "{knee}");
    assert!(said("man compare").contains(".TH bulkprop-compare 1"));
    #[cfg(feature = "cluster")]
    assert!(said("man cluster-estimate").contains(".TH bulkprop-cluster-estimate 1"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(said(&format!("completions {shell}")).contains("fanout"), "{shell}");
    }
}

/// The listing has every protocol, preset and knob as it is written, in 80 columns.
#[test]
fn protocols_are_listed_with_their_knobs() {
    let all = said("protocols");
    for &kind in ProtocolKind::ALL {
        let (sheet, own) = (kind.sheet(), said(&format!("protocols {}", kind.name())));
        for text in [&all, &own] {
            assert!(text.contains(&format!("\n{}: ", sheet.name)), "{text}");
            for (preset, _) in &sheet.presets {
                assert!(text.contains(&format!("  :{preset} ")), "{preset}: {text}");
            }
            for knob in &sheet.knobs {
                assert!(text.contains(&format!("  ,{}={}", knob.name, knob.values[0])), "{knob:?}: {text}");
            }
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        }
        // The values of the presets, side by side.
        let columns = own.lines().filter(|line| sheet.presets.iter().any(|(preset, _)| line.ends_with(preset)));
        assert_eq!(columns.count() > 0, sheet.presets.len() > 1, "{own}");
    }
    let (code, _, stderr) = output(&mut bulkprop(["protocols", "puhs"]));
    assert!(code == Some(2) && stderr.contains("push"), "{stderr}");
}

#[test]
fn the_version_is_the_package_s_and_in_a_release_the_commit_s() {
    let version = said("--version");
    let rest = version.strip_prefix(concat!("bulkprop ", env!("CARGO_PKG_VERSION"))).unwrap();
    let commit = rest.trim().trim_start_matches('(').trim_end_matches(')');
    assert!(commit.chars().all(|digit| digit.is_ascii_hexdigit()), "{version}");
    assert_eq!(said("-V"), version);
}

#[test]
fn short_flags_are_the_long_ones() {
    let long = "--print-config --nodes 500 --threads 2 --seed 7 --fanout 4 --runs 3 --protocol lazy";
    assert_eq!(said("--print-config -n 500 -t 2 -s 7 -f 4 -r 3 -p lazy"), said(long));
}

/// Runs a command with this on its standard input.
fn piped(line: &str, input: &str) -> (Option<i32>, String, String) {
    let mut command = bulkprop(line.split(' '));
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let ended = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ended.status.code(), text(ended.stdout), text(ended.stderr))
}

#[cfg(target_os = "linux")]
#[test]
fn a_dash_is_standard_input() {
    let scenario = "transport = \"simulated\"\nnodes = 77\nseed = 7\nthreads = 1\n";
    let (code, text, stderr) = piped("--config - --print-config", scenario);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(text.contains("nodes = 77\n"), "{text}");

    let (code, text, stderr) = piped("--transport simulated --seed 7 --topology file:-", "0 1\n1 2\n2 3\n");
    assert!(code.is_some() && text.contains("/4"), "{text}{stderr}");

    let matrix = "from,to,one_way_ms\na,a,1\na,b,20\nb,a,20\nb,b,1\n";
    let simulated = "--transport simulated --nodes 50 --seed 7 --network -";
    let (code, text, stderr) = piped(simulated, matrix);
    assert_eq!(code, Some(0), "{text}{stderr}");
}

#[cfg(target_os = "linux")]
#[test]
fn standard_input_is_read_once() {
    for (line, parts) in [
        ("--transport simulated --config - --topology file:-", ["--topology", "--config", "give one of them a file"]),
        ("--transport simulated --nodes 50 --network - --runs 2", ["--network -", "several runs", "give it a file"]),
        (
            "--transport udp --nodes 50 --processes 2 --threads 1 --network -",
            ["--processes 2", "--network", "no plain file"],
        ),
    ] {
        let (code, stdout, stderr) = piped(line, "nodes = 50\n");
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{line}: {stderr}");
        for part in parts {
            assert!(stderr.contains(part), "{line}: {part:?} is not in {stderr}");
        }
    }
}
