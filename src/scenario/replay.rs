//! An option as a name and a text: the form that the command line, the TOML file and the replay command share.
//!
//! Names and readers come from the tables of the groups. Only the order of the replay command lists options by name,
//! because a default may depend on options before it, as those of peers and topology depend on nodes.

use super::bad_value::BadValue;
use super::protocol_options::Ttl;
use super::shell::quoted;
use super::workload_options::WindowSize;
use super::{Draft, Scenario};
use crate::protocol::most_similar;
use toml::{Table, Value};

impl Draft {
    /// Reads one option exactly as its flag reads it.
    ///
    /// # Errors
    ///
    /// [`BadValue`] if there is no such option, or if it does not accept the text.
    #[doc(hidden)]
    pub fn from_option(name: &str, text: &str) -> Result<Draft, BadValue> {
        let unknown = || Err(BadValue::new(name, text, "write one value that `bulkprop --help` names"));
        let field = name.replace('-', "_");
        // The name of a field is not the name of an option: `exclude_sender` is not `exclude-sender`.
        let read = if name.contains('_') { None } else { Draft::read(&field, text) };
        read.unwrap_or_else(unknown)
    }

    /// Returns the options that were asked for, by name, in the order of the replay command.
    fn options(&self) -> Vec<(String, Value)> {
        let mut values = self.values();
        names().into_iter().filter_map(|name| values.remove(&name).map(|value| (name, value))).collect()
    }

    /// Returns this draft without one of its options.
    fn without(&self, option: &str) -> Draft {
        let others = self.options().into_iter().filter(|(name, _)| name != option);
        others.fold(Draft::default(), |draft, (name, value)| match Draft::from_option(&name, &written(value)) {
            Ok(option) => draft.or(option),
            Err(_) => draft,
        })
    }

    /// Returns true if an option was asked for.
    pub(super) fn asks_for(&self, option: &str) -> bool {
        self.has(&option.replace('-', "_"))
    }

    /// Returns the names of the options under a heading of `--help`, in the order of the table.
    pub(super) fn names_under(heading: &str) -> impl Iterator<Item = String> {
        let groups = Draft::GROUPS.iter().filter(move |(known, _)| *known == heading);
        groups.flat_map(|(_, fields)| *fields).map(|field| field.replace('_', "-"))
    }

    /// Returns the options that were asked for as values, by name.
    fn values(&self) -> Table {
        Table::try_from(self).unwrap_or_default()
    }
}

impl Scenario {
    /// Returns the value of an option as its flag takes it; `None` if the scenario has none.
    pub(super) fn option(&self, name: &str) -> Option<String> {
        Draft::from(self).values().remove(name).map(written)
    }

    /// Returns the fewest options that give this scenario on any machine: those that differ from the defaults, and
    /// always the seed and the threads, whose defaults are drawn or depend on the machine.
    ///
    /// A default can depend on options before it, as those of peers and topology depend on nodes. So each option is
    /// compared with the value that the options before it would give, not with a list of defaults.
    fn essentials(&self) -> Draft {
        let wanted = Draft::from(self).values();
        let threads = u32::try_from(self.carrier.threads).ok();
        let mut asked = Draft { seed: Some(self.run.seed), threads, ..Draft::default() };
        for name in names() {
            let given = asked.clone().build_with(Some(self)).map(|scenario| Draft::from(&scenario).values());
            let Some(value) = wanted.get(&name) else { continue };
            if given.is_ok_and(|given| given.get(&name) == Some(value)) {
                continue;
            }
            if let Ok(option) = Draft::from_option(&name, &written(value.clone())) {
                asked = asked.or(option);
            }
        }
        // An option may follow from later ones and is then left out: on a real carrier, a loss alone implies a latency
        // of zero.
        for name in names().into_iter().filter(|name| !matches!(name.as_str(), "seed" | "threads")) {
            let fewer = asked.without(&name);
            let given = fewer.clone().build_with(Some(self));
            if given.is_ok_and(|scenario| Draft::from(&scenario).values() == wanted) {
                asked = fewer;
            }
        }
        asked
    }

    /// Returns the command that repeats a run of this scenario with the TTL and window to which `auto` was resolved.
    /// The window is named only if it did not hold all orders. If there are several runs, each may resolve `auto`
    /// differently, so the command keeps the options as they are.
    pub fn replay_under(&self, ttl: u8, window: Option<u32>) -> String {
        if self.run.runs > 1 {
            return self.replay();
        }
        let ttl = Some(Ttl::Hops(ttl));
        let window =
            self.workload.bulk.and_then(|bulk| window.filter(|&window| window < bulk.orders)).map(WindowSize::Orders);
        let resolved = self.with(Draft { ttl, window, ..Draft::default() });
        // Both values come from a run of this scenario, so they cannot contradict its other options.
        resolved.as_ref().unwrap_or(self).replay()
    }

    /// Returns the command that repeats this scenario, safe to paste into a POSIX shell.
    pub fn replay(&self) -> String {
        let options = self.essentials().options().into_iter();
        let arguments = options.map(|(name, value)| match value {
            Value::Boolean(true) => format!(" --{name}"),
            value => format!(" --{name} {}", quoted(&written(value))),
        });
        format!("bulkprop{}", arguments.collect::<String>())
    }
}

/// Returns the names of all options in the order of the replay command; an option missing from that order comes last.
pub(super) fn names() -> Vec<String> {
    let mut names: Vec<String> = Draft::GROUPS.iter().flat_map(|(heading, _)| Draft::names_under(heading)).collect();
    names.sort_by_key(|name| REPLAY_ORDER.iter().position(|known| known == name).unwrap_or(REPLAY_ORDER.len()));
    names
}

/// The order of options in a replay command: an option precedes those whose defaults depend on it.
const REPLAY_ORDER: [&str; 45] = [
    "nodes",
    "threads",
    "processes",
    "transport",
    "protocol",
    "mix",
    "topology",
    "peers",
    "fanout",
    "ttl",
    "exclude-sender",
    "target",
    "until",
    "timeout",
    "seed",
    "publications",
    "origin",
    "orders",
    "rate",
    "arrivals",
    "origins",
    "window",
    "payload-bytes",
    "network",
    "place",
    "latency",
    "loss",
    "duplicate",
    "bandwidth",
    "processing",
    "down",
    "churn",
    "partition",
    "nat",
    "adversary",
    "engine",
    "retry",
    "announce-interval",
    "warm-up",
    "pin",
    "spin",
    "receive-buffer",
    "charge-serialization",
    "runs",
    "same-seed",
];

/// Formats a value as its flag takes it.
fn written(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}

/// Returns the option whose name is most similar to `name`, if one is similar enough.
pub(super) fn similar(name: &str) -> Option<String> {
    // A key such as `nodes=5` is a mistake in the notation, not in the name.
    if name.contains('=') {
        return None;
    }
    most_similar(name, names())
}
