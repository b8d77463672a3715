//! The options of a run: its goal, its end, its seed, and its number of repetitions.

use super::bad_value::BadValue;
use super::error::ScenarioError;
use super::parse::time;
use super::transport_kind::TransportKind;
use super::until::{self, Until};
use super::{Draft, limits};
use crate::escape::is_treacherous;
use crate::ratio::Ratio;
use crate::time::Nanos;
use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Serialize, Serializer};

/// The heading of this group in `--help`.
pub(super) const HEADING: &str = "Run";

/// Adds the options of this group to the table that [`Draft`] is declared from.
macro_rules! run_options {
    ($then:tt $($given:tt)*) => {
        next_group! { $then $($given)*
            [run_options::HEADING]

            /// Share of the nodes to reach [default: 0.95].
            ///
            /// Written as 0.95, 95% or 19/20. The last few nodes take most of the time.
            #[arg(hide_short_help = true)]
            target: Ratio = "SHARE", run_options::read_target;

            /// Event that ends a run [default: target].
            ///
            /// target, or quiescent: no message is in flight. Quiescence shows the final coverage and the full cost. Or
            /// an instant, as 20s from the first publication: until then the run goes on, with all that protocols do of
            /// their own accord, and nothing after it counts. No --timeout applies.
            #[arg(allow_hyphen_values = true)]
            until: Until = "target|quiescent|TIME", until::read;

            /// Time limit of a run, 0 for none [default: 3s; simulated: 60s].
            ///
            /// Counts from the injection, as 3s or 250ms; with simulated it is virtual time. With many orders each has
            /// this limit from its publication. Large networks and busy machines need more. On sockets the default is
            /// at least a second for each 100 MB that an order takes, copies included, up to an hour.
            #[arg(allow_hyphen_values = true)]
            timeout: Nanos = "TIME", run_options::read_timeout;

            /// Seed of every random draw [default: drawn].
            ///
            /// Overlay, forwards, content of the orders: the same seed repeats the same experiment. The default is 32
            /// bits from the operating system. With many --runs it is the seed of the first, and each run adds one.
            #[serde(serialize_with = "run_options::number_or_text")]
            #[arg(short = 's')]
            seed: u64 = "N", |text: &str| limits::SEED.parse::<u64>(text);

            /// Runs to measure, each with the next seed [default: 1].
            ///
            /// Run i has the seed --seed + i: an overlay, draws and orders of its own. The first is shown in full, and
            /// then the figures over all of them, with intervals. More runs separate a difference from chance.
            #[arg(short = 'r')]
            runs: u32 = "R", |text: &str| limits::RUNS.parse::<u32>(text);

            /// With many --runs, use one seed for all [default: false].
            ///
            /// This times the machine: in virtual time every other figure is then the same.
            #[arg(hide_short_help = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
            same_seed: bool = "true|false", |text: &str| truth("same-seed", text);

            /// Name of the run [default: none].
            ///
            /// Heads the report, and tells the reports of several runs apart: at most 64 characters.
            #[arg(hide_short_help = true, allow_hyphen_values = true)]
            name: String = "LABEL", run_options::read_name;
        }
    };
}

/// The goal, the end and the repetitions of a scenario's runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOptions {
    /// Share of all nodes to reach, which ends a run under [`Until::Target`].
    pub target: Ratio,
    /// Event that ends a run.
    pub until: Until,
    /// Time limit of each order, from its publication; `None` for no limit, as under [`Until::Instant`].
    pub timeout: Option<Nanos>,
    /// Root of every random draw.
    pub seed: u64,
    /// Number of runs to measure, each with its own seed, counted up from `seed`.
    pub runs: u32,
    /// True if all runs have the same seed instead.
    pub same_seed: bool,
    /// Name by which a person knows the scenario.
    pub name: Option<String>,
}

impl RunOptions {
    /// Resolves the options of this group.
    pub(super) fn resolve(draft: &Draft, transport: TransportKind, nodes: u32) -> Result<RunOptions, ScenarioError> {
        let seed = limits::SEED.check(draft.seed.map_or_else(drawn_seed, Ok)?)?;
        let (runs, same_seed) = runs(draft.runs, draft.same_seed, seed)?;
        let until = until::check(draft.until.unwrap_or(Until::Target))?;
        if let (Until::Instant(_), Some(timeout)) = (until, draft.timeout.filter(|&timeout| timeout != Nanos::ZERO)) {
            return Err(ScenarioError::TwoEnds { until, timeout });
        }
        let sides = [draft.protocol, draft.mix.map(|mix| mix.protocol)].into_iter().flatten();
        let repairs = sides.map(|spec| spec.repair_horizon(nodes));
        Ok(RunOptions {
            target: target(draft.target.unwrap_or(TARGET_DEFAULT))?,
            until,
            timeout: timeout(draft.timeout, transport, repairs.max().unwrap_or_default())
                .filter(|_| until.instant().is_none()),
            seed,
            runs,
            same_seed,
            name: draft.name.as_deref().map(read_name).transpose()?,
        })
    }

    /// Raises a default time limit to the time in which a busy machine moves the bytes of an order.
    pub(super) fn allow_to_move(&mut self, bytes: u64) {
        let moving = Nanos::from_secs(bytes.div_ceil(MOVED_BYTES_PER_SECOND).min(MOVING_SECONDS_MAX));
        self.timeout = self.timeout.map(|limit| limit.max(moving));
    }

    /// Returns the longest time that any order may have from its publication, with the option that sets it.
    pub fn longest(&self) -> Option<(Nanos, &'static str)> {
        let instant = self.until.instant().map(|at| (at, "--until"));
        instant.or(self.timeout.map(|timeout| (timeout, "--timeout")))
    }

    /// Sets the options of this group in a draft.
    pub(super) fn add_to(&self, draft: &mut Draft) {
        draft.target = Some(self.target);
        draft.until = Some(self.until);
        draft.timeout = Some(self.timeout.unwrap_or(Nanos::ZERO));
        draft.seed = Some(self.seed);
        draft.runs = Some(self.runs);
        draft.same_seed = Some(self.same_seed);
        draft.name = self.name.clone();
    }
}

/// Reads the share of the nodes to reach.
pub(super) fn read_target(text: &str) -> Result<Ratio, BadValue> {
    let share = text.parse().map_err(|_| bad_target(text))?;
    target(share)
}

/// Refuses a target of 0, which any run would meet.
fn target(share: Ratio) -> Result<Ratio, BadValue> {
    if share.is_zero() { Err(bad_target(&share.to_string())) } else { Ok(share) }
}

fn bad_target(text: &str) -> BadValue {
    let rule = "a target is a share above 0 and at most 1; write it as 0.95, 95% or 19/20, with at most 15 decimals";
    BadValue::new("target", text, rule)
}

/// Reads a time limit.
pub(super) fn read_timeout(text: &str) -> Result<Nanos, BadValue> {
    let rule = "a time limit is a number with its unit, below 584 years; write 3s, 250ms or 40us, or 0 for no limit";
    time("timeout", text, rule)
}

/// Reads the name of a run.
pub(super) fn read_name(text: &str) -> Result<String, BadValue> {
    let is_short = (1..=NAME_CHARS_MAX).contains(&text.chars().count());
    if is_short && !text.contains(is_treacherous) {
        return Ok(text.to_owned());
    }
    let rule = format!(
        "a name has 1 to {NAME_CHARS_MAX} characters, all of them visible; shorten it, and leave out line ends and \
         other control characters"
    );
    Err(BadValue::new("name", text, rule))
}

/// Resolves the time limit of a run; `None` for no limit. On a real clock a protocol gets the time of its repairs on
/// top of the default.
fn timeout(asked: Option<Nanos>, transport: TransportKind, repair_horizon: Nanos) -> Option<Nanos> {
    let default = if transport.is_virtual() { VIRTUAL_TIMEOUT_DEFAULT } else { TIMEOUT_DEFAULT + repair_horizon };
    Some(asked.unwrap_or(default)).filter(|&limit| limit != Nanos::ZERO)
}

/// Resolves the number of runs, each of which needs a seed, and the flag that they all share one.
fn runs(asked: Option<u32>, same_seed: Option<bool>, seed: u64) -> Result<(u32, bool), ScenarioError> {
    let (runs, same_seed) = (limits::RUNS.check(asked.unwrap_or(1))?, same_seed.unwrap_or(false));
    if same_seed && runs == 1 {
        return Err(ScenarioError::NothingToRepeat);
    }
    match seed.checked_add(u64::from(runs - 1)) {
        None if !same_seed => Err(ScenarioError::SeedsExhausted { seed, runs }),
        _ => Ok((runs, same_seed)),
    }
}

/// Draws a seed short enough to be read out to a colleague.
fn drawn_seed() -> Result<u64, ScenarioError> {
    let drawn = SysRng.try_next_u32().map(u64::from);
    drawn.map_err(|error| ScenarioError::NoEntropy { cause: error.to_string() })
}

/// Serializes a number, or its text if the number is greater than the greatest one of TOML.
pub(super) fn number_or_text<S: Serializer>(number: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) if i64::try_from(*number).is_err() => serializer.collect_str(number),
        number => number.serialize(serializer),
    }
}

/// Characters of the longest name, which fits one line of a terminal.
const NAME_CHARS_MAX: usize = 64;

const TARGET_DEFAULT: Ratio = Ratio::new(95, 100).unwrap();

const TIMEOUT_DEFAULT: Nanos = Nanos::from_secs(3);

/// Bytes per second that a machine sends over its own sockets even if it is busy. No measurement: a limit may be long.
const MOVED_BYTES_PER_SECOND: u64 = 100_000_000;

/// Seconds that a default time limit leaves for them at most.
const MOVING_SECONDS_MAX: u64 = 3_600;

const VIRTUAL_TIMEOUT_DEFAULT: Nanos = Nanos::from_secs(60);
