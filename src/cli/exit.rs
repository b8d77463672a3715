//! The exit code: the whole outcome in one number, for scripts.

use bulk_order_propagation::report::Report;
use std::process::ExitCode;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Every run reached its target.
    GoalMet = 0,
    /// Some run did not.
    GoalMissed = 1,
    /// What was asked for cannot be run.
    Usage = 2,
    /// Books that do not balance, or a failure of the system.
    Broken = 3,
    /// The user stopped it.
    Interrupted = 130,
}

impl Exit {
    /// The exit code of a report; `is_whole` tells whether it has all the runs that were asked for. Broken books outrank
    /// everything, because they put every other figure in doubt; an interrupt outranks the target that it kept away.
    pub(crate) fn of(report: &Report, is_whole: bool) -> Exit {
        if !report.balanced() {
            Exit::Broken
        } else if report.interrupted() || !is_whole {
            Exit::Interrupted
        } else if report.goal_met() {
            Exit::GoalMet
        } else {
            Exit::GoalMissed
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
