//! The files that figures are written to. Every output of the program except the report itself goes through here.
//!
//! All of them are checked before anything runs, so that a wrong path costs no measurement. An output that is an input
//! or another output is rejected, whatever path or link leads to it, and so is a directory that accepts no new file. A
//! regular file is written beside its destination and renamed to it when it is complete; until then the old one stays.
//! An output that cannot be replaced (a pipe, a device, standard output) is written in place.

mod beside;
mod error;
mod place;

pub(crate) use beside::remove_unfinished;
pub(crate) use error::OutputError;

use error::{Clash, TempLeftover};
use place::OutputPath;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

/// A file that the arguments name, with the option that names it.
pub(super) type NamedInput<'a> = (&'static str, &'a Path);

/// An output that passed the checks.
#[derive(Debug)]
pub(super) struct OutputFile {
    option: &'static str,
    place: OutputPath,
    mode: WriteMode,
}

/// The style in which an output is written.
#[derive(Debug)]
enum WriteMode {
    /// As a new file that replaces the old one.
    Beside,
    /// In place.
    InPlace(File),
}

/// Checks all files of a command, and returns its outputs in the sequence in which they were named.
///
/// # Errors
///
/// [`OutputError`] for the first output that cannot be written, or that would destroy an input or another output.
pub(super) fn prepare<const OUTPUTS: usize>(
    inputs: &[NamedInput<'_>],
    outputs: [(&'static str, Option<&Path>); OUTPUTS],
) -> Result<[Option<OutputFile>; OUTPUTS], OutputError> {
    // A missing input is rejected by its reader.
    let inputs = inputs.iter().filter_map(|&(option, path)| Some((option, OutputPath::of(path).ok()?, Clash::Input)));
    let mut taken: Vec<_> = inputs.chain(redirected()).collect();
    let mut places = [const { None }; OUTPUTS];
    for (slot, (option, path)) in places.iter_mut().zip(outputs) {
        let Some(path) = path else { continue };
        let place = OutputPath::of(path).map_err(|cause| OutputError::unwritable(option, path, cause))?;
        for written in place.written() {
            if let Some((other, _, clash)) = taken.iter().find(|(_, taken, _)| taken.is_same(&written)) {
                let partial = Some(written.path).filter(|_| written.named != place.named);
                return Err(OutputError::Clash { option, path: place.named, partial, other, clash: *clash });
            }
        }
        taken.extend(place.written().map(|place| (option, place, Clash::Output)));
        *slot = Some((option, place));
    }
    // A pipe is opened last, because that waits for its reader.
    let mut ready = [const { None }; OUTPUTS];
    for (slot, (option, place)) in ready.iter_mut().zip(places).filter_map(|(slot, place)| Some((slot, place?))) {
        let named = place.named.clone();
        *slot = Some(OutputFile::open(option, place).map_err(|cause| OutputError::unwritable(option, &named, cause))?);
    }
    Ok(ready)
}

/// Returns the standard output and standard error, if a shell sends them to a file.
fn redirected() -> impl Iterator<Item = (&'static str, OutputPath, Clash)> {
    let streams = [("standard output", place::STANDARD_OUTPUT), ("standard error", place::STANDARD_ERROR)];
    streams.into_iter().filter_map(|(name, [path, ..])| {
        let place = OutputPath::of(Path::new(path)).ok()?;
        place.is_regular().then_some((name, place, Clash::Stream))
    })
}

impl OutputFile {
    fn open(option: &'static str, place: OutputPath) -> io::Result<OutputFile> {
        let mode = match place.stream()? {
            Some(stream) => WriteMode::InPlace(stream),
            None if place.is_replaceable() => {
                beside::probe(&place)?;
                WriteMode::Beside
            }
            None => WriteMode::InPlace(File::options().write(true).open(&place.path)?),
        };
        Ok(OutputFile { option, place, mode })
    }

    /// Returns the folder in which a new file is written; `None` if the output is written in place.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self.mode {
            WriteMode::Beside => self.place.path.parent(),
            WriteMode::InPlace(_) => None,
        }
    }

    /// Writes the content. That of an incomplete run goes to a file of its own, `.partial`, and the old file is kept;
    /// the returned sentence says so.
    ///
    /// # Errors
    ///
    /// [`OutputError`] if that fails; an existing file is then unchanged.
    pub(super) fn fill(
        self,
        is_whole: bool,
        content: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<Option<String>, OutputError> {
        let OutputFile { option, place, mode } = self;
        let named = place.named.clone();
        let not_filled = |left| move |cause| OutputError::NotFilled { option, path: named, cause, left };
        match mode {
            WriteMode::InPlace(file) => match content(&file) {
                // A reader that closes the pipe early, such as `head`, is not a failure.
                Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(not_filled(TempLeftover::Incomplete)(error)),
                _ => Ok(None),
            },
            WriteMode::Beside => {
                let replacement = beside::write(&place, content).map_err(not_filled.clone()(TempLeftover::AsItWas))?;
                let partial = place.partial().path;
                if is_whole {
                    // If the file cannot get its own name, the partial name keeps the figures from being lost.
                    let renamed = replacement.rename_to(&place.path);
                    return renamed.map(|()| None).map_err(|(cause, replacement)| {
                        match replacement.rename_to(&partial) {
                            Ok(()) => not_filled(TempLeftover::In(partial))(cause),
                            Err(_) => not_filled(TempLeftover::AsItWas)(cause),
                        }
                    });
                }
                replacement.rename_to(&partial).map_err(|(cause, _)| not_filled(TempLeftover::AsItWas)(cause))?;
                let named = &place.named;
                Ok(Some(format!(
                    "--{option}: the run was interrupted; its figures are in {partial:?}, and {named:?} is as it was"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests;
