//! The exit code: the whole outcome in one number, for scripts.

use super::signals::{Signal, SignalWatch};
use crate::report::Report;
use std::process::ExitCode;

/// The outcome of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Every run reached its target.
    GoalMet,
    /// Some run did not.
    GoalMissed,
    /// The arguments cannot be run.
    Usage,
    /// A ledger that does not balance, a failure of the system, or exhausted memory.
    Broken,
    /// A signal ended it.
    Ended(Signal),
}

impl Exit {
    /// Chooses the exit code of a report. A ledger that does not balance outranks everything, because it puts every
    /// other figure in doubt; an interrupt outranks the target that it kept the run from reaching.
    pub(crate) fn of(report: &Report, watch: &SignalWatch) -> Exit {
        if !report.balanced() || report.out_of_memory() {
            Exit::Broken
        } else if report.interrupted() {
            watch.exit()
        } else if report.goal_met() {
            Exit::GoalMet
        } else {
            Exit::GoalMissed
        }
    }
}

impl SignalWatch {
    /// Returns the outcome of a command that was interrupted.
    pub(crate) fn exit(&self) -> Exit {
        Exit::Ended(self.signal())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::GoalMet => 0,
            Exit::GoalMissed => 1,
            Exit::Usage => 2,
            Exit::Broken => 3,
            Exit::Ended(signal) => signal.exit_code(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Environment, Host};
    use crate::scenario::{Draft, TransportKind};
    use crate::simulation::run;

    #[test]
    fn a_ledger_that_does_not_balance_is_the_exit_code() {
        let draft = Draft { transport: Some(TransportKind::Simulated), nodes: Some(20), ..Draft::default() };
        let (scenario, watch) = (draft.build().unwrap(), SignalWatch::start().unwrap());
        let mut record = run(&scenario, &watch.interrupt).unwrap();
        for (more, exit) in [(0, Exit::GoalMet), (1, Exit::Broken)] {
            record.ledger.received += more;
            let setting = Environment {
                version: String::new(),
                host: Host::read(),
                options: serde_json::Value::Null,
                replay: scenario.replay(),
            };
            let report = Report::new(&scenario, setting, &record, Vec::new(), None);
            assert_eq!(Exit::of(&report, &watch), exit, "{}", report.run.ledger.verdict);
        }
        assert_eq!(ExitCode::from(Exit::Broken), ExitCode::from(3));
    }
}
