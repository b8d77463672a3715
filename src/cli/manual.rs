//! The program's descriptions of itself: completions for shells, manual pages, and the page of all options. All are
//! made from the one definition of the command line, so that none can fall behind it.

use super::command;
use clap::{Arg, Command};
use clap_complete::Shell;
use clap_mangen::Man;

/// Writes the script by which a shell completes the command line.
pub(super) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), NAME, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes the manual page of the program or of one of its commands, in roff.
pub(super) fn page(name: Option<&str>) -> String {
    let whole = built();
    let described = match name.and_then(|name| whole.find_subcommand(name)) {
        Some(question) => {
            // A name of its own lives as long as the program; a page is written once.
            let own: &'static str = format!("{NAME}-{}", question.get_name()).leak();
            question.clone().name(own)
        }
        None => whole,
    };
    let mut page = Vec::new();
    // A vector takes every byte.
    let _ = Man::new(described).render(&mut page);
    String::from_utf8_lossy(&page).into_owned()
}

/// Writes the page of all options, in Markdown.
pub(super) fn options() -> String {
    let whole = built();
    let mut page = String::from(PREFACE);
    describe(&whole, "##", &mut page);
    for question in whole.get_subcommands().filter(|question| has_options(question)) {
        page += &format!("\n## `{NAME} {}`\n\n{}\n", question.get_name(), about(question));
        let own = Command::new("own").args(question.get_arguments().filter(|own| !is_shared(&whole, own)).cloned());
        describe(&own, "###", &mut page);
    }
    page
}

/// Returns the command line with what clap adds to it.
fn built() -> Command {
    let mut whole = command();
    whole.build();
    whole
}

/// Writes the options of a command, heading by heading.
fn describe(command: &Command, level: &str, page: &mut String) {
    let mut headings: Vec<&str> = Vec::new();
    let options = || command.get_arguments().filter(|argument| !argument.is_hide_set());
    for heading in options().map(heading) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for title in headings {
        *page += &format!("\n{level} {title}\n\n");
        for argument in options().filter(|argument| heading(argument) == title) {
            *page += &format!("- {}: {}\n", flags(argument), text(argument));
        }
    }
}

fn heading(argument: &Arg) -> &str {
    argument.get_help_heading().unwrap_or("Help")
}

/// Writes an option's flags and its value, such as `-n`, `--nodes N`.
fn flags(argument: &Arg) -> String {
    let short = argument.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let value = argument.get_value_names().filter(|_| argument.get_action().takes_values());
    let value = value.and_then(|names| names.first()).map(|name| format!(" {name}")).unwrap_or_default();
    match argument.get_long() {
        Some(long) => format!("{short}`--{long}{value}`"),
        None => format!("`{}`", value.trim()),
    }
}

/// Writes the whole help of an option as one paragraph.
fn text(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let default = match argument.get_default_values().first() {
        Some(value) if !argument.is_hide_default_value_set() && argument.get_action().takes_values() => {
            format!(" [default: {}]", value.to_string_lossy())
        }
        _ => String::new(),
    };
    help.split_whitespace().collect::<Vec<_>>().join(" ") + &default
}

fn about(command: &Command) -> String {
    command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default()
}

/// Returns true if a command takes options of its own.
fn has_options(command: &Command) -> bool {
    command.get_arguments().any(|argument| argument.get_help_heading().is_some())
}

/// Returns true for an option of another command that reads as the same of the program itself.
fn is_shared(whole: &Command, own: &Arg) -> bool {
    whole.get_arguments().any(|argument| argument.get_id() == own.get_id() && text(argument) == text(own))
}

const NAME: &str = "bulkprop";

const PREFACE: &str = "\
# Options

Written by `bulkprop options > docs/OPTIONS.md` from the texts of `--help`; a test compares the two. In a `--config`
file the same names stand without their dashes, one `option = value` per line.
";
