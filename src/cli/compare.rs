//! `bulkprop compare`: protocols side by side, with differences paired by seed.

use super::progress::TurnMeter;
use super::signals::SignalWatch;
use super::{Exit, Failure, IN_AND_OUT, config, files, input, print, warn};
use crate::escape::escaped_lines;
use crate::experiment::{
    Comparison, ComparisonReport, ComparisonText, FigureLimit, LimitVerdict, RegressionCheck, ReportFault,
};
use crate::scenario::{BadValue, Draft, limits};
use clap::{Args, ValueEnum};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Compare protocols in the same runs.
///
/// Each protocol is a row, the first is the baseline. All rows have the same seeds, and with them the same overlays,
/// orders and network, so that differences are paired. Unlike a run of one scenario, a comparison takes virtual time,
/// 1000 --nodes, 20 --runs, and 30 --orders at --rate 1/s, and its runs end at rest.
#[derive(Debug, Args)]
pub(super) struct CompareArguments {
    /// Protocols, as --protocol names them; the first is the baseline. A mix is PROTOCOL+SHARE:PROTOCOL.
    #[arg(value_name = "PROTOCOL")]
    protocols: Vec<String>,

    #[command(flatten)]
    draft: Draft,

    /// Read rows from TOML files, one from each, instead of naming protocols.
    ///
    /// A row is called by its file or by the option `name` in it; flags override all files.
    #[arg(short, long, value_name = "FILE", num_args = 1.., help_heading = ROWS)]
    config: Vec<PathBuf>,

    /// Compare two builds of this program under one protocol.
    #[arg(long, value_names = ["OLD", "NEW"], num_args = 2, help_heading = ROWS, conflicts_with = "config")]
    binary: Vec<PathBuf>,

    /// Orders at the start that no figure counts [default: 10, or a third of fewer than 30].
    ///
    /// A protocol that learns (a tree, a mesh) is to be measured once it has. On a real carrier 0.
    #[arg(long, value_name = "N", help_heading = ROWS)]
    #[arg(value_parser = |text: &str| limits::WARM_ORDERS.parse::<u32>(text))]
    warm_orders: Option<u32>,

    /// Form of the result.
    #[arg(long, value_name = "text|json|csv|markdown", default_value_t = ComparisonFormat::Text)]
    #[arg(value_enum, hide_possible_values = true, help_heading = IN_AND_OUT)]
    format: ComparisonFormat,

    /// Show intervals of means, and control messages by kind.
    #[arg(long, help_heading = IN_AND_OUT)]
    full: bool,

    /// Save the result with every replicate to this file, for --baseline.
    #[arg(long, value_name = "FILE", help_heading = IN_AND_OUT)]
    save: Option<PathBuf>,

    /// Compare each row with the same row of a saved result.
    ///
    /// The scenario must be the same; without --seed its seeds are taken.
    #[arg(long, value_name = "FILE", help_heading = IN_AND_OUT, requires = "fail_if")]
    baseline: Option<PathBuf>,

    /// With --baseline, fail if a figure changes by more, as 'delay_p99>5%' or 'reached<-1%'.
    ///
    /// The figure is a key of the JSON. The exit code is 1 if the 95 % interval of the change lies beyond the limit. If
    /// the limit lies in the interval, it is undecided.
    #[arg(long, value_name = "FIGURE>PERCENT", help_heading = IN_AND_OUT, requires = "baseline", value_parser = limit)]
    fail_if: Vec<FigureLimit>,

    /// With --fail-if, fail if a change is undecided.
    #[arg(long, help_heading = IN_AND_OUT, requires = "fail_if")]
    strict: bool,

    /// Show on standard error how many runs have ended, and the time left. On a terminal it is shown anyway.
    #[arg(long, help_heading = IN_AND_OUT)]
    progress: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ComparisonFormat {
    Text,
    Json,
    Csv,
    Markdown,
}

const ROWS: &str = "Rows";

/// Bytes of the longest saved comparison that is read: a million replicates.
const SAVED_BYTES_MAX: u64 = 1 << 30;

/// Reads a limit of a change.
fn limit(text: &str) -> Result<FigureLimit, BadValue> {
    text.parse().map_err(|rule| BadValue { option: "fail-if".to_owned(), value: text.to_owned(), rule })
}

/// Makes the comparison and prints it.
pub(super) fn run(arguments: CompareArguments, watch: &SignalWatch) -> Result<Exit, Failure> {
    let read_from: Vec<(&str, &Path)> = arguments
        .config
        .iter()
        .map(|path| ("config", path.as_path()))
        .chain(arguments.baseline.iter().map(|path| ("baseline", path.as_path())))
        .collect();
    let [save] = files::prepare(&read_from, [("save", arguments.save.as_deref())])?;
    let saved = arguments.baseline.as_deref().map(saved).transpose()?;
    let mut draft = arguments.draft.clone();
    if let Some((path, saved)) = &saved {
        draft.seed = draft.seed.or(saved.seed());
        check_limits(saved, &arguments.fail_if)
            .map_err(|said| Failure::Compare(format!("--fail-if {said} ({path:?})")))?;
    }
    let report = match &arguments.binary[..] {
        [] => own_rows(&arguments, draft, watch)?,
        binaries => of_binaries(&arguments, draft, binaries)?,
    };
    let checks = match &saved {
        None => Vec::new(),
        Some((path, saved)) => report.check_against(saved, &arguments.fail_if).map_err(|fault| faulty(path, &fault))?,
    };
    show(&arguments, &report, &checks)?;
    let json = report.to_json()? + "\n";
    let filled =
        save.map(|file| file.fill(!report.interrupted, |mut into| into.write_all(json.as_bytes()))).transpose()?;
    if let Some(said) = filled.flatten() {
        warn(&said);
    }
    Ok(if report.interrupted { watch.exit() } else { judged(&checks, arguments.strict) })
}

/// Returns the exit code of checks.
fn judged(checks: &[RegressionCheck], is_strict: bool) -> Exit {
    let fails = |check: &RegressionCheck| match check.verdict {
        LimitVerdict::Holds => false,
        LimitVerdict::Undecided => is_strict,
        LimitVerdict::Fails => true,
    };
    if checks.iter().any(fails) { Exit::GoalMissed } else { Exit::GoalMet }
}

/// Prints the comparison; verdicts go to standard error unless it is text.
fn show(arguments: &CompareArguments, report: &ComparisonReport, checks: &[RegressionCheck]) -> Result<(), Failure> {
    let verdicts: String = checks.iter().map(|check| format!("{check}\n")).collect();
    match arguments.format {
        ComparisonFormat::Text => {
            let text = ComparisonText { report, is_full: arguments.full }.to_string();
            let verdicts = if verdicts.is_empty() { verdicts } else { format!("\n{verdicts}") };
            return print(&escaped_lines(&(text + &verdicts)));
        }
        ComparisonFormat::Json => print(&(report.to_json()? + "\n"))?,
        ComparisonFormat::Csv => print(&report.to_csv())?,
        ComparisonFormat::Markdown => print(&report.to_markdown(arguments.full))?,
    }
    verdicts.lines().for_each(warn);
    Ok(())
}

/// Compares the protocols or files that the arguments name.
fn own_rows(arguments: &CompareArguments, draft: Draft, watch: &SignalWatch) -> Result<ComparisonReport, Failure> {
    if draft.protocol.is_some() {
        return Err(Failure::Compare(
            "--protocol: name the protocols without it, as in `compare push lazy`".to_owned(),
        ));
    }
    if !arguments.protocols.is_empty() && !arguments.config.is_empty() {
        return Err(Failure::Compare(
            "protocols and --config are two ways to name the rows; leave one of them out".to_owned(),
        ));
    }
    input::check(&draft, None, true)?;
    let mut comparison = Comparison::new(draft);
    if let Some(orders) = arguments.warm_orders {
        comparison = comparison.warm_orders(orders);
    }
    for spec in &arguments.protocols {
        comparison = comparison.protocol(spec)?;
    }
    for path in &arguments.config {
        let own = config::read(path)?;
        input::check(&own, Some(path), true)?;
        let named = own.name.clone();
        comparison = comparison.scenario(&named.unwrap_or_else(|| path.display().to_string()), own)?;
    }
    let meter = TurnMeter::new(arguments.progress);
    Ok(comparison.run_watched(&watch.interrupt, &|made, all| meter.show(made, all))?)
}

/// Compares two builds of this program, each of which makes the same runs.
fn of_binaries(
    arguments: &CompareArguments,
    mut draft: Draft,
    binaries: &[PathBuf],
) -> Result<ComparisonReport, Failure> {
    match &arguments.protocols[..] {
        [] => {}
        [spec] => draft = Comparison::options_of_row(spec)?.or(draft),
        _ => {
            return Err(Failure::Compare(
                "--binary compares two builds under one protocol; name one of them".to_owned(),
            ));
        }
    }
    if draft.seed.is_none() {
        // Both builds must have the same seeds.
        draft.seed = Some(Draft::default().build()?.run.seed);
    }
    let shared = tempfile::NamedTempFile::new().map_err(|cause| unstarted(Path::new("a temporary file"), &cause))?;
    fs::write(shared.path(), draft.to_toml()).map_err(|cause| unstarted(shared.path(), &cause))?;
    let mut reports = Vec::new();
    for binary in binaries {
        let mut command = Command::new(binary);
        command.arg("compare").arg("--config").arg(shared.path()).args(["--format", "json"]);
        if let Some(orders) = arguments.warm_orders {
            command.args(["--warm-orders", &orders.to_string()]);
        }
        let ran = command.stdin(Stdio::null()).stderr(Stdio::piped()).output();
        let output = ran.map_err(|cause| unstarted(binary, &cause))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().last().unwrap_or("it said nothing").to_owned();
            return Err(Failure::Compare(format!(
                "--binary {binary:?}: it made no comparison of its own ({last}); name a build that has `compare`"
            )));
        }
        let report = ComparisonReport::from_json(&String::from_utf8_lossy(&output.stdout));
        reports.push((binary.display().to_string(), report.map_err(|fault| faulty(binary, &fault))?));
    }
    ComparisonReport::joined(reports).map_err(|fault| Failure::Compare(format!("--binary: {fault}")))
}

fn unstarted(path: &Path, cause: &std::io::Error) -> Failure {
    Failure::Compare(format!("--binary {path:?}: {cause}; name a program that this system can start"))
}

/// Reads a saved comparison.
fn saved(path: &Path) -> Result<(PathBuf, ComparisonReport), Failure> {
    let unreadable = |cause: &dyn std::fmt::Display| {
        Failure::Compare(format!("--baseline {path:?}: {cause}; name a file that `compare --save` wrote"))
    };
    let length = fs::metadata(path).map_err(|cause| unreadable(&cause))?.len();
    if length > SAVED_BYTES_MAX {
        return Err(unreadable(&format!("it is longer than {SAVED_BYTES_MAX} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|cause| unreadable(&cause))?;
    let report = ComparisonReport::from_json(&text).map_err(|fault| faulty(path, &fault))?;
    Ok((path.to_owned(), report))
}

fn faulty(path: &Path, fault: &ReportFault) -> Failure {
    Failure::Compare(format!("{path:?}: {fault}"))
}

/// Checks before the runs that all limits are of figures that the saved comparison has.
fn check_limits(saved: &ComparisonReport, limits: &[FigureLimit]) -> Result<(), String> {
    match saved.unknown_key(limits) {
        None => Ok(()),
        Some((key, known)) => Err(format!("{key}: no figure has this key; the keys are {}", known.join(", "))),
    }
}
