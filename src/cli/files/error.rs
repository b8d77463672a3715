//! Why an output cannot be written.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why an output cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// It would destroy what another option names.
    #[error("--{option} {path:?}: {} is the same file as {}; name another one", subject(partial), clash.said(other))]
    Clash { option: &'static str, path: PathBuf, partial: Option<PathBuf>, other: &'static str, clash: Clash },

    /// A place where no file can be put.
    #[error("--{option} {path:?}: {cause}; name a file that can be written, in a directory that takes new ones")]
    Unwritable { option: &'static str, path: PathBuf, cause: io::Error },

    /// A file that could not be filled.
    #[error("--{option} {path:?}: {cause}; {left}")]
    NotFilled { option: &'static str, path: PathBuf, cause: io::Error, left: TempLeftover },
}

/// What an output would destroy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    /// What the run is read from.
    Input,
    /// What another option writes, or leaves of an interrupted run.
    Output,
    /// Where a shell sends what is printed.
    Stream,
}

/// What a failure leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TempLeftover {
    /// The file that was there, if one was.
    AsItWas,
    /// The figures under another name.
    In(PathBuf),
    /// A part, where nothing can be taken back.
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

/// The output itself, or what an interrupted run leaves in its place.
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

    /// Whether another command line would avoid it.
    pub(crate) fn is_usage(&self) -> bool {
        !matches!(self, OutputError::NotFilled { .. })
    }
}
