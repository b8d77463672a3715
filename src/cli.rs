//! The command line: the only place that reads arguments, prints, and chooses an exit code.
//!
//! `bulkprop [flags]` runs one scenario, `bulkprop compare` compares protocols, `bulkprop knee` searches for the
//! highest rate that a network carries, and `bulkprop validate` compares runs with closed forms. The library's
//! `scenario` defines the options of a scenario; the flags in this file only say where a scenario comes from and where
//! its report goes.

#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "cluster")]
mod cluster_estimate;
mod compare;
mod config;
mod determinism;
mod exit;
mod failure;
mod files;
mod input;
mod knee;
mod manual;
mod outputs;
mod progress;
mod protocols;
mod reproduce;
mod signals;
mod validate;
mod wrapping;

pub(crate) use exit::Exit;
pub(crate) use failure::Failure;

use crate::escape::{escaped, escaped_lines};
use crate::experiment::{FirstRunTrace, Series, run_replicates};
use crate::report::{Environment, Report};
use crate::scenario::{Draft, Scenario};
use crate::simulation::{self, Program, SimulationError};
use clap::{ArgAction, Command, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use input::inputs;
use outputs::{OutputOptions, Outputs, announce_trace};
use signals::SignalWatch;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// The options that shape or write a report, which no command takes that prints something else instead.
const REPORT_OPTIONS: [&str; 9] =
    ["format", "nodes_csv", "orders_csv", "trace", "runs_csv", "json", "markdown", "full", "quiet"];

/// A laboratory for how orders spread through a gossip network.
///
/// Starts a network of nodes, gives an order to one of them, and reports how soon the others have it and at what cost.
/// An option that is not given gets a default that suits the size of the network; one that is given is never changed.
#[derive(Debug, Parser)]
#[command(name = "bulkprop", version = env!("BULKPROP_VERSION"), after_help = MORE_HELP, after_long_help = EXIT_CODES)]
#[command(args_conflicts_with_subcommands = true, disable_help_flag = true, disable_version_flag = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    question: Option<Question>,

    #[command(flatten)]
    draft: Draft,

    /// Read options from a TOML file, - for standard input.
    ///
    /// One `option = value` per line, with the names of the flags without their dashes; flags override the file.
    #[arg(short, long, value_name = "FILE", help_heading = IN_AND_OUT)]
    config: Option<PathBuf>,

    /// Print the scenario as TOML for --config, and run nothing.
    ///
    /// Every default is filled in.
    #[arg(long, help_heading = IN_AND_OUT, hide_short_help = true, conflicts_with_all = REPORT_OPTIONS)]
    print_config: bool,

    /// Form of the report: text for people, json for programs [default: text].
    #[arg(long, value_name = "text|json", default_value_t = Format::Text)]
    #[arg(value_enum, help_heading = IN_AND_OUT, hide_possible_values = true, hide_default_value = true)]
    #[arg(hide_short_help = true)]
    format: Format,

    /// Print the full report.
    ///
    /// It has every table and every option. Without this flag the report fits one screen.
    #[arg(long, help_heading = IN_AND_OUT, conflicts_with = "quiet")]
    full: bool,

    #[command(flatten)]
    outputs: OutputOptions,

    #[cfg(feature = "cluster")]
    #[command(flatten)]
    cluster: cluster::ClusterOptions,

    /// With simulated, compare the results of two numbers of threads.
    ///
    /// The scenario is run twice, and the digests of all first receipts are printed instead of the report.
    #[arg(long, help_heading = IN_AND_OUT, hide_short_help = true, conflicts_with_all = REPORT_OPTIONS)]
    #[arg(conflicts_with = "print_config")]
    check_determinism: bool,

    /// With simulated, show the progress of a long run on standard error.
    ///
    /// On a terminal it is shown anyway.
    #[arg(long, help_heading = IN_AND_OUT, hide_short_help = true)]
    progress: bool,

    /// Print only the line with coverage and time.
    ///
    /// Notices go to standard error.
    #[arg(short, long, help_heading = IN_AND_OUT)]
    quiet: bool,

    /// Print help: a line for each common option, or with --help all of it.
    #[arg(short, long, action = ArgAction::Help, global = true, help_heading = IN_AND_OUT, hide_short_help = true)]
    help: Option<bool>,

    /// Print the version, and in a release the commit.
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = IN_AND_OUT, hide_short_help = true)]
    version: Option<bool>,

    /// Starts this program as a process of a run. For the program's own use only.
    #[arg(long, hide = true, exclusive = true)]
    serve: bool,
}

/// A command other than to run one scenario.
#[derive(Debug, Subcommand)]
enum Question {
    Compare(Box<compare::CompareArguments>),
    Knee(Box<knee::KneeArguments>),
    Reproduce(reproduce::ReproduceArguments),
    Validate(validate::ValidateArguments),
    // Hidden, so that the short help fits a screen: who needs it reads docs/CLUSTER.md.
    #[cfg(feature = "cluster")]
    #[command(hide = true)]
    ClusterEstimate(Box<cluster_estimate::EstimateArguments>),

    /// List the protocols with their presets and knobs.
    #[command(hide = true)]
    Protocols {
        /// The protocol to list, with the values of its presets side by side.
        #[arg(value_name = "NAME", value_parser = protocols::names())]
        name: Option<String>,
    },

    /// Print a script by which a shell completes commands and options.
    #[command(hide = true)]
    Completions {
        /// The shell that reads the script.
        shell: clap_complete::Shell,
    },

    /// Print a manual page: `bulkprop man | man -l -`.
    #[command(hide = true)]
    Man {
        /// The command that the page describes instead of the whole program.
        #[arg(value_parser = ["cluster-estimate", "compare", "knee", "reproduce", "validate"])]
        command: Option<String>,
    },

    /// Print the page of all options, docs/OPTIONS.md.
    #[command(hide = true)]
    Options,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the command that the arguments of this process name: report and errors go out, and the exit code is returned.
pub fn main() -> ExitCode {
    match arguments().and_then(run) {
        Ok(exit) => exit.into(),
        Err(failure) => explain(&failure).into(),
    }
}

/// Reads the arguments of this process.
fn arguments() -> Result<Cli, Failure> {
    let cli = Cli::from_arg_matches(&command().try_get_matches()?)?;
    if cli.quiet && cli.format == Format::Json { Err(Failure::QuietJson) } else { Ok(cli) }
}

/// Returns the whole command line.
fn command() -> Command {
    with_negative_numbers(Cli::command())
}

/// Makes clap report a negative number as a bad value of its flag, not as an unknown flag.
fn with_negative_numbers(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        let takes_values = argument.get_action().takes_values();
        argument.allow_negative_numbers(takes_values)
    });
    command.mut_subcommands(with_negative_numbers)
}

/// Runs the command that the arguments name.
fn run(cli: Cli) -> Result<Exit, Failure> {
    if cli.serve {
        let is_well = simulation::serve(io::stdin().lock(), io::stdout().lock()).map_err(Failure::Serve)?;
        return Ok(if is_well { Exit::GoalMet } else { Exit::Broken });
    }
    let watch = SignalWatch::start().map_err(Failure::NoSignals)?;
    let answered = match cli.question {
        Some(Question::Compare(arguments)) => compare::run(*arguments, &watch),
        Some(Question::Knee(arguments)) => knee::run(*arguments, &watch),
        Some(Question::Reproduce(arguments)) => reproduce::run(&arguments, &watch),
        Some(Question::Validate(arguments)) => validate::run(&arguments, &watch),
        #[cfg(feature = "cluster")]
        Some(Question::ClusterEstimate(arguments)) => cluster_estimate::run(*arguments, &watch),
        Some(Question::Protocols { name }) => print(&protocols::listing(name.as_deref())).map(|()| Exit::GoalMet),
        Some(Question::Completions { shell }) => print(&manual::completions(shell)).map(|()| Exit::GoalMet),
        Some(Question::Man { command }) => print(&manual::page(command.as_deref())).map(|()| Exit::GoalMet),
        Some(Question::Options) => print(&manual::options()).map(|()| Exit::GoalMet),
        None => run_scenario(cli, &watch),
    };
    match answered {
        // A run that a signal ended has not failed; the watch knows the signal.
        Err(Failure::Simulation(SimulationError::Interrupted(interrupted))) => {
            warn(&interrupted.to_string());
            Ok(watch.exit())
        }
        answered => answered,
    }
}

/// Runs the scenario that the arguments name, and reports it.
fn run_scenario(cli: Cli, watch: &SignalWatch) -> Result<Exit, Failure> {
    let config = cli.config.as_deref().map(config::read).transpose()?;
    let draft = cli.draft.clone().or(config.unwrap_or_default());
    #[cfg(feature = "cluster")]
    cli.cluster.check(&draft)?;
    input::check(&draft, cli.config.as_deref(), cli.check_determinism || draft.runs.is_some_and(|runs| runs > 1))?;
    let scenario = draft.build()?;
    if cli.print_config {
        print(&scenario.to_toml())?;
        return Ok(Exit::GoalMet);
    }
    if cli.check_determinism {
        return determinism::check(&scenario, watch);
    }
    #[cfg(feature = "cluster")]
    if cli.cluster.is_asked() {
        return cluster::run_scenario(&cli, &scenario, watch);
    }
    let is_virtual = scenario.carrier.transport.is_virtual();
    let outputs = cli.outputs.prepare(cli.form(), &inputs(&scenario, cli.config.as_deref()), is_virtual)?;
    let meter = progress::Meter::new(&scenario, cli.progress);
    let request = outputs.trace_request();
    let trace = request.as_ref().map(|request| FirstRunTrace { request, announce: &announce_trace });
    let series = run_replicates(&scenario, &watch.interrupt, &meter, Some(&this_program()), trace)?;
    show(&cli, &scenario, watch, series, outputs)
}

impl Cli {
    /// Returns the option that asks for a form of the report on standard output, if one does.
    fn form(&self) -> Option<&'static str> {
        match self.format {
            Format::Json => Some("--format json"),
            Format::Text => self.full.then_some("--full"),
        }
    }
}

/// Reports runs on standard output and in files.
fn show(
    cli: &Cli,
    scenario: &Scenario,
    watch: &SignalWatch,
    series: Series,
    outputs: Outputs,
) -> Result<Exit, Failure> {
    let failure = series.failure.map(|(run, error)| Failure::Run { run, seed: scenario.seed_of(run), error });
    let (shown, said) = (&series.first, failure.as_ref().map(Failure::to_string));
    let mut report = Report::new(scenario, Environment::of(scenario, shown), shown, series.others, said);
    let exit = Exit::of(&report, watch);
    let is_whole = !matches!(exit, Exit::Ended(_)) && failure.is_none();
    outputs.note_gaps(&mut report, shown);
    let has_text = !outputs.is_on_standard_output;
    let filled = outputs.write(&report, shown, is_whole);
    match cli.format {
        Format::Json => print(&(report.to_json()? + "\n"))?,
        Format::Text if !has_text => {}
        Format::Text if cli.quiet => print(&escaped_lines(&(report.headline() + "\n")))?,
        Format::Text if cli.full => print(&escaped_lines(&report.to_string()))?,
        Format::Text => print(&escaped_lines(&report.brief(terminal_columns())))?,
    }
    if cli.quiet {
        report.notices.iter().for_each(|notice| warn(&format!("Notice: {notice}")));
    }
    filled()?;
    failure.map_or(Ok(exit), Err)
}

/// Returns the columns of the terminal on standard output. Without a terminal they are those of the variable `COLUMNS`,
/// and without that 100.
fn terminal_columns() -> usize {
    let named = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|&columns| columns > 0);
    let of_terminal = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    of_terminal.or_else(named).unwrap_or(100)
}

/// Returns this program, to be started as a process of a run. `/proc/self/exe` names it even if its file has been
/// replaced meanwhile.
fn this_program() -> Program {
    Program { path: "/proc/self/exe".into(), arguments: vec!["--serve".to_owned()] }
}

/// Prints a failure to standard error, and returns its exit code.
fn explain(failure: &Failure) -> Exit {
    let said = match failure {
        // Help and version are what was asked for; they fail only if they cannot be printed.
        Failure::Arguments(error) if error.exit_code() == 0 => {
            return print(&error.to_string()).map_or_else(|failure| explain(&failure), |()| Exit::GoalMet);
        }
        Failure::Arguments(error) => escaped_lines(&error.to_string()).into_owned(),
        other => format!("error: {}\n", escaped(&other.to_string())),
    };
    // If standard error is closed too, only the exit code remains.
    let _ = io::stderr().write_all(said.as_bytes());
    failure.exit()
}

/// Prints a sentence to standard error. If that is closed, nothing remains to be done.
fn warn(sentence: &str) {
    let _ = writeln!(io::stderr(), "{}", escaped(sentence));
}

/// Prints to standard output without escaping: callers escape text for people that holds names from files. A reader
/// that closes the pipe early, such as `head`, is not a failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Print(error)),
        _ => Ok(()),
    }
}

/// The heading in `--help` of options that are not part of a scenario.
const IN_AND_OUT: &str = "Input and output";

const MORE_HELP: &str = "\
`bulkprop --help` explains every option, `bulkprop help COMMAND` those of a command.
`bulkprop completions SHELL` prints completions for a shell, `bulkprop man` a manual page.";

const EXIT_CODES: &str = "\
`bulkprop completions SHELL` prints a script by which a shell completes commands and options.
`bulkprop man [COMMAND]` prints a manual page: `bulkprop man | man -l -`.

Exit codes:
    0  the target was reached, also with --until quiescent
    1  it was not
    2  the arguments or the files they name cannot be used
    3  messages are unaccounted for, digests differ, or the system failed
  129  ended by SIGHUP; what was measured until then is reported
  130  ended by SIGINT (Ctrl-C), likewise
  143  ended by SIGTERM, likewise
A second signal ends the process at once. One that was ignored at the start, as by nohup, stays ignored.";
