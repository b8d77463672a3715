//! The reasons why an output cannot be written.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A reason why an output cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// It would destroy a file that another option names.
    #[error("--{option} {path:?}: {} is the same file as {}; name another one", subject(partial), clash.said(other))]
    Clash { option: &'static str, path: PathBuf, partial: Option<PathBuf>, other: &'static str, clash: Clash },

    /// A path at which no file can be created.
    #[error("--{option} {path:?}: {cause}; name a file that can be written, in a directory that takes new ones")]
    Unwritable { option: &'static str, path: PathBuf, cause: io::Error },

    /// A file that could not be filled.
    #[error("--{option} {path:?}: {cause}; {left}")]
    NotFilled { option: &'static str, path: PathBuf, cause: io::Error, left: TempLeftover },
}

/// The kind of file that an output would destroy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    /// An input of the run.
    Input,
    /// Another option's output, or its partial result of an interrupted run.
    Output,
    /// A file to which a shell redirects what is printed.
    Stream,
}

/// The state in which a failure leaves the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TempLeftover {
    /// The old file, if there was one, is unchanged.
    AsItWas,
    /// The figures are under another name.
    In(PathBuf),
    /// A part was written and cannot be taken back.
    Incomplete,
}

impl fmt::Display for TempLeftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TempLeftover::AsItWas => f.write_str("nothing was changed there, name a file with room for the figures"),
            TempLeftover::In(path) => write!(f, "the figures are in {path:?}, and nothing else was changed"),
            TempLeftover::Incomplete => {
                f.write_str("what it was given is incomplete, name a file with room for the figures")
            }
        }
    }
}

/// Returns the output itself, or the file that an interrupted run writes instead.
fn subject(partial: &Option<PathBuf>) -> impl fmt::Display {
    fmt::from_fn(move |f| match partial {
        None => f.write_str("it"),
        Some(partial) => write!(f, "{partial:?}, to which an interrupted run writes,"),
    })
}

impl Clash {
    fn said(self, other: &str) -> impl fmt::Display {
        fmt::from_fn(move |f| match self {
            Clash::Input => write!(f, "the input of --{other}, which would be lost"),
            Clash::Output => write!(f, "the output of --{other}"),
            Clash::Stream => write!(f, "{other}"),
        })
    }
}

impl OutputError {
    pub(super) fn unwritable(option: &'static str, path: &Path, cause: io::Error) -> OutputError {
        OutputError::Unwritable { option, path: path.to_owned(), cause }
    }

    /// Returns true if another command line would avoid it.
    pub(crate) fn is_usage(&self) -> bool {
        !matches!(self, OutputError::NotFilled { .. })
    }
}
