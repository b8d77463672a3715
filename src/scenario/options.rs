//! An option as a name and a text: what the command line, the TOML file and the replay command have in common.
//!
//! Names and readers come from the table in `draft.rs`. Only the order of the replay command names options: a default
//! may hang on options before it, as peers and topology do on nodes.

use super::error::BadValue;
use super::shell::quoted;
use super::{Draft, Scenario, Ttl, WindowSize};
use toml::{Table, Value};

impl Draft {
    /// Reads one option exactly as its flag reads it.
    ///
    /// # Errors
    ///
    /// [`BadValue`] where there is no such option, or it does not accept the text.
    #[doc(hidden)]
    pub fn from_option(name: &str, text: &str) -> Result<Draft, BadValue> {
        let unknown = || Err(BadValue::new(name, text, "write one value that `bulkprop --help` names"));
        let field = name.replace('-', "_");
        // A field name is no option: `exclude_sender` is not `exclude-sender`.
        let read = if name.contains('_') { None } else { Draft::read(&field, text) };
        read.unwrap_or_else(unknown)
    }

    /// Returns the options that were asked for, by name, in the order of the replay command.
    fn options(&self) -> Vec<(String, String)> {
        let mut values = self.values();
        let names = names().into_iter();
        names.filter_map(|name| values.remove(&name).map(|value| (name, written(value)))).collect()
    }

    /// Returns this draft without one of its options.
    fn without(&self, option: &str) -> Draft {
        let others = self.options().into_iter().filter(|(name, _)| name != option);
        others.fold(Draft::default(), |draft, (name, text)| match Draft::from_option(&name, &text) {
            Ok(option) => draft.or(option),
            Err(_) => draft,
        })
    }

    /// Returns true if an option was asked for.
    pub(super) fn asks_for(&self, option: &str) -> bool {
        self.values().contains_key(option)
    }

    /// Returns the options that were asked for as values, by name.
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
        // One that was asked for may follow from those behind it, as the latency of no time from a loss on a real
        // carrier.
        for name in names().into_iter().filter(|name| !matches!(name.as_str(), "seed" | "threads")) {
            let fewer = asked.without(&name);
            let given = fewer.clone().build_with(self.edge_list.as_ref());
            if given.is_ok_and(|scenario| Draft::from(&scenario).values() == wanted) {
                asked = fewer;
            }
        }
        asked
    }

    /// The command that repeats a run of this scenario whose TTL and window came to be these, the window where it did
    /// not hold all orders. Of many runs each may have another where `auto` is asked for, which then stands in the
    /// command.
    pub fn replay_under(&self, ttl: u8, window: Option<u32>) -> String {
        if self.runs > 1 {
            return self.replay();
        }
        let ttl = Some(Ttl::Hops(ttl));
        let window = self.bulk.and_then(|bulk| window.filter(|&window| window < bulk.orders)).map(WindowSize::Orders);
        let resolved = self.with(Draft { ttl, window, ..Draft::default() });
        // Both came from a run of this scenario, so that they stand beside the rest of it.
        resolved.as_ref().unwrap_or(self).replay()
    }

    /// Returns the command that repeats this scenario, safe to paste into a POSIX shell.
    pub fn replay(&self) -> String {
        let options = self.essentials().options().into_iter();
        let words = options.map(|(name, text)| match text.as_str() {
            "true" => format!(" --{name}"),
            _ => format!(" --{name} {}", quoted(&text)),
        });
        format!("bulkprop{}", words.collect::<String>())
    }
}

/// Returns the names of all options in the order of the replay command; one that this order does not name comes last.
pub(super) fn names() -> Vec<String> {
    let mut names: Vec<String> = Draft::FIELDS.iter().map(|field| field.replace('_', "-")).collect();
    names.sort_by_key(|name| REPLAY_ORDER.iter().position(|known| known == name).unwrap_or(REPLAY_ORDER.len()));
    names
}

/// The order in which a replay command names options: those that decide defaults before those whose defaults they
/// decide.
const REPLAY_ORDER: [&str; 41] = [
    "nodes",
    "threads",
    "processes",
    "transport",
    "protocol",
    "topology",
    "peers",
    "fanout",
    "ttl",
    "exclude-sender",
    "target",
    "until",
    "timeout",
    "seed",
    "origin",
    "orders",
    "rate",
    "arrivals",
    "origins",
    "window",
    "payload-bytes",
    "network",
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
    "pin",
    "spin",
    "receive-buffer",
    "charge-serialization",
    "runs",
    "same-seed",
];

/// Writes a value as its flag takes it.
fn written(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}

/// Returns the option whose name comes nearest to one that does not exist, if any comes near: by the measure and the
/// limit that clap has for flags.
pub(super) fn similar(name: &str) -> Option<String> {
    // A key such as `nodes=5` is a mistake in the notation and not in the name.
    if name.contains('=') {
        return None;
    }
    let near = |option: String| (strsim::jaro(name, &option), option);
    let options = names().into_iter().map(near).filter(|(nearness, _)| *nearness > 0.7);
    options.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, option)| option)
}
