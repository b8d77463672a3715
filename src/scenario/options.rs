//! An option as a name and a text: what the command line, the TOML file and the replay command have in common.
//!
//! Names and readers come from the table in `draft.rs`, by way of clap; nothing here knows a single option.

use super::error::BadValue;
use super::shell::quoted;
use super::{BulkOptions, Draft, Scenario, Ttl, WindowSize};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, Command, FromArgMatches};
use std::error::Error;
use toml::{Table, Value};

impl Draft {
    /// Reads one option exactly as its flag reads it.
    ///
    /// # Errors
    ///
    /// [`BadValue`] where there is no such option, or it does not accept the text.
    #[doc(hidden)]
    pub fn from_option(name: &str, text: &str) -> Result<Draft, BadValue> {
        let matches = command().try_get_matches_from([format!("--{name}={text}")]);
        let draft = matches.and_then(|matches| Draft::from_arg_matches(&matches));
        draft.map_err(|error| match error.source().and_then(|source| source.downcast_ref::<BadValue>()) {
            Some(bad) => bad.clone(),
            None => BadValue::new(name, text, "write one value that `bulkprop --help` names"),
        })
    }

    /// The options that were asked for, by name and as `--help` orders them.
    fn options(&self) -> Vec<(String, String)> {
        let mut values = self.values();
        let names = names().into_iter();
        names.filter_map(|name| values.remove(&name).map(|value| (name, written(value)))).collect()
    }

    /// The same without one of its options.
    fn without(&self, option: &str) -> Draft {
        let others = self.options().into_iter().filter(|(name, _)| name != option);
        others.fold(Draft::default(), |draft, (name, text)| match Draft::from_option(&name, &text) {
            Ok(option) => draft.or(option),
            Err(_) => draft,
        })
    }

    /// Whether an option was asked for.
    pub(super) fn asks_for(&self, option: &str) -> bool {
        self.values().contains_key(option)
    }

    /// The same as values, by name.
    fn values(&self) -> Table {
        Table::try_from(self).unwrap_or_default()
    }
}

impl Scenario {
    /// The least that must be asked for to get this scenario anywhere: what differs from the defaults, and always the
    /// seed and the threads, whose defaults are drawn or found.
    ///
    /// A default can hang on options before it, as peers and topology on nodes. So each option is held against what
    /// those before it would give, not against a list of defaults.
    fn essentials(&self) -> Draft {
        let wanted = Draft::from(self).values();
        let mut asked = Draft { seed: Some(self.seed), threads: u32::try_from(self.threads).ok(), ..Draft::default() };
        for name in names() {
            let given =
                asked.clone().build_with(self.edge_list.as_ref()).map(|scenario| Draft::from(&scenario).values());
            let Some(value) = wanted.get(&name) else { continue };
            if given.is_ok_and(|given| given.get(&name) == Some(value)) {
                continue;
            }
            if let Ok(option) = Draft::from_option(&name, &written(value.clone())) {
                asked = asked.or(option);
            }
        }
        // One that was asked for may follow from those behind it, as the latency of no time from a loss on a real carrier.
        for name in names().into_iter().filter(|name| !matches!(name.as_str(), "seed" | "threads")) {
            let fewer = asked.without(&name);
            let given = fewer.clone().build_with(self.edge_list.as_ref());
            if given.is_ok_and(|scenario| Draft::from(&scenario).values() == wanted) {
                asked = fewer;
            }
        }
        asked
    }

    /// The command that repeats a run of this scenario whose TTL and window came to be these, the window where it did not hold all
    /// orders. Of many runs each may have another where
    /// `auto` is asked for, which then stands in the command.
    pub fn replay_under(&self, ttl: u8, window: Option<u32>) -> String {
        if self.runs > 1 {
            return self.replay();
        }
        let bulk = self.bulk.map(|bulk| match window {
            Some(window) if window < bulk.orders => BulkOptions { window: WindowSize::Orders(window), ..bulk },
            _ => bulk,
        });
        Scenario { ttl: Ttl::Hops(ttl), bulk, ..self.clone() }.replay()
    }

    /// The command that repeats this scenario, safe to paste into a POSIX shell.
    pub fn replay(&self) -> String {
        let options = self.essentials().options().into_iter();
        let words = options.map(|(name, text)| match text.as_str() {
            "true" => format!(" --{name}"),
            _ => format!(" --{name} {}", quoted(&text)),
        });
        format!("bulkprop{}", words.collect::<String>())
    }
}

/// The names of all options, as `--help` orders them.
pub(super) fn names() -> Vec<String> {
    command().get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned).collect()
}

/// A command that knows the table and nothing else.
pub(super) fn command() -> Command {
    Draft::augment_args(Command::new("bulkprop").no_binary_name(true).disable_help_flag(true))
}

/// A value as its flag takes it.
fn written(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}

/// The option whose name comes nearest to one that does not exist, if any comes near.
pub(super) fn similar(name: &str) -> Option<String> {
    let error = command().try_get_matches_from([format!("--{name}")]).err()?;
    match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(flag)) => Some(flag.trim_start_matches('-').to_owned()),
        _ => None,
    }
}
