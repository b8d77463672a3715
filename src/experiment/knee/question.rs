//! The parameters of a search for the knee: which of them may stand together, and the defaults of the others.

use super::{KneeError, ORDERS_MIN, SEEDS, Search};
use crate::scenario::{BadValue, Draft, ScenarioError, limits};
use crate::time::Nanos;
use crate::workload::Rate;

/// Duration of a probe at least, on the run's clock. The limit may require a longer one.
pub(super) const SPAN_MIN: Nanos = Nanos::from_secs(10);

/// Duration of a probe at least, in limits.
const LIMITS_IN_SPAN: u64 = 10;

/// The parameters of a search. Every field is as the user gave it; [`KneeQuestion::prepare`] fills in the missing ones.
#[derive(Clone, Debug, PartialEq)]
pub struct KneeQuestion {
    /// The network and its workload. Its rate is the first one tried.
    pub draft: Draft,
    /// Limit of the 99th percentile, over orders, of the time to the target.
    pub limit: Nanos,
    /// Time for which orders are published at each rate.
    pub span: Option<Nanos>,
    /// The least rate tried.
    pub least: Option<Rate>,
    /// The greatest rate tried.
    pub most: Option<Rate>,
    /// Precision: the ratio of the least rate that fails to the greatest that holds, less 1, in percent.
    pub precision_percent: u32,
}

impl KneeQuestion {
    /// Validates the parameters and fills in the missing ones. Given values are kept; defaults adapt to them.
    ///
    /// # Errors
    /// [`KneeError`] if two parameters contradict each other, or if they form no scenario.
    pub fn prepare(self) -> Result<Search, KneeError> {
        let refuse = |text: String| Err(KneeError::Asked(text));
        let KneeQuestion { draft, limit, .. } = &self;
        for (option, is_asked, why) in [
            ("orders", draft.orders.is_some(), "how many there are follows from rate and span"),
            ("runs", draft.runs.is_some(), "each rate has three"),
            (
                "publications",
                draft.publications.is_some(),
                "it publishes at one rate after another, which no file fixes",
            ),
        ] {
            if is_asked {
                return refuse(format!("--{option} with knee: {why}; leave --{option} out"));
            }
        }
        if draft.same_seed.is_some() {
            return refuse("--same-seed with knee: each rate has three seeds; leave --same-seed out".to_owned());
        }
        for (option, span) in [("limit", Some(*limit)), ("span", self.span)] {
            if span == Some(Nanos::ZERO) {
                let rule = "it takes more than no time; write 50ms or 1s".to_owned();
                return Err(
                    ScenarioError::from(BadValue { option: option.to_owned(), value: "0".to_owned(), rule }).into()
                );
            }
        }
        let shortest = SPAN_MIN.max(Nanos(limit.0.saturating_mul(LIMITS_IN_SPAN)));
        let span = self.span.unwrap_or(shortest);
        if span < shortest {
            return refuse(format!(
                "--span {} with --limit {}: a queue that grows shows only with time, and a rate is tried for 10s and \
                 {LIMITS_IN_SPAN} times the limit at least; ask for --span {} or more",
                span.written(),
                limit.written(),
                shortest.written()
            ));
        }
        self.check_timeout()?;
        let [least, start, most] = self.rates(span)?;
        // The most orders that any rate takes, so that a requested window is kept.
        let orders = ((most.as_f64() * span.as_secs_f64()).ceil() as u64).clamp(ORDERS_MIN, limits::ORDERS.most);
        // With as many runs as seeds, the seeds are validated, too.
        let draft = Draft { orders: Some(orders as u32), rate: None, runs: Some(SEEDS), ..self.draft };
        let has_timeout = draft.timeout.is_some();
        // Built only once, because an overlay may come from a source that can be read only once.
        let mut scenario = draft.build()?;
        // Without a limit nothing is late.
        if let Some(default) = scenario.run.timeout.filter(|_| !has_timeout) {
            let twice = Nanos(self.limit.0.saturating_mul(2));
            scenario = scenario.with(Draft { timeout: Some(default.max(twice)), ..Draft::default() })?;
        }
        Ok(Search { scenario, limit: self.limit, span, start, least, most, precision_percent: self.precision_percent })
    }

    /// Rejects a time limit per order that is not beyond the limit of the search, and a run that ends at an instant.
    fn check_timeout(&self) -> Result<(), KneeError> {
        if let Some(until) = self.draft.until.filter(|until| until.instant().is_some()) {
            return Err(KneeError::Asked(format!(
                "--until {until}: each rate is tried for as long as its orders take; leave --until out, and ask for \
                 --span {until} to try each rate for that long"
            )));
        }
        let (limit, twice) = (self.limit, Nanos(self.limit.0.saturating_mul(2)));
        match self.draft.timeout {
            Some(timeout) if timeout != Nanos::ZERO && timeout <= limit => Err(KneeError::Asked(format!(
                "--timeout {} with --limit {}: an order would be given up before it is late; ask for --timeout {}, or \
                 leave it out",
                timeout.written(),
                limit.written(),
                twice.written()
            ))),
            _ => Ok(()),
        }
    }

    /// Returns the least, the first and the greatest rate of the search.
    fn rates(&self, span: Nanos) -> Result<[Rate; 3], KneeError> {
        let refuse = |text: String| Err(KneeError::Asked(text));
        // The rate at which a run's greatest number of orders fills the span.
        let greatest = Rate::per_second(1).scaled((limits::ORDERS.most as f64 / span.as_secs_f64()) as u64, 1);
        let (asked, least, most) = (self.draft.rate, self.least, self.most);
        for (option, rate) in [("most", most), ("rate", asked), ("least", least)] {
            if let Some(rate) = rate.filter(|&rate| rate > greatest) {
                return refuse(format!(
                    "--{option} {rate}: a rate is tried for {}, and a run takes {} orders at most; ask for at most \
                     {greatest}",
                    span.written(),
                    limits::ORDERS.most
                ));
            }
        }
        let top = most.unwrap_or(greatest);
        let bottom = least.unwrap_or_else(|| LEAST.min(asked.unwrap_or(LEAST)).min(top));
        if bottom > top {
            return refuse(format!(
                "--least {bottom} with --most {top}: no rate lies between; ask for less or for more"
            ));
        }
        match asked {
            Some(rate) if rate < bottom => refuse(format!(
                "--rate {rate} with --least {bottom}: the search begins at --rate; ask for a lower --least"
            )),
            Some(rate) if rate > top => {
                refuse(format!("--rate {rate} with --most {top}: the search begins at --rate; ask for a higher --most"))
            }
            asked => Ok([bottom, asked.unwrap_or(START).clamp(bottom, top), top]),
        }
    }
}

/// The least rate tried by default.
const LEAST: Rate = Rate::per_second(10);
/// The first rate tried by default.
const START: Rate = Rate::per_second(100);
