//! The files that a run writes beside its report on standard output: the report in other forms, and figures by node,
//! order and run.

use super::files::{self, NamedInput, OutputFile};
use super::{Failure, IN_AND_OUT, warn};
use crate::quantity::grouped;
use crate::quantity::rounded_bytes;
use crate::record::RunRecord;
#[cfg(feature = "cluster")]
use crate::report::write_part_of_nodes_csv;
use crate::report::{
    CarrierSide, Report, nodes_csv_gaps, orders_csv_gaps, write_nodes_csv, write_orders_csv, write_runs_csv,
    write_side_csv, write_trace_csv,
};
#[cfg(feature = "cluster")]
use crate::simulation::ClusterRecord;
use crate::simulation::{TraceEstimate, TraceRequest};
#[cfg(feature = "cluster")]
use crate::topology::NodeNames;
use crate::trace::TraceLog;
use clap::Args;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The options that name output files. All of them can be combined.
#[derive(Debug, Args)]
pub(super) struct OutputOptions {
    /// Also write the report as JSON to a file.
    ///
    /// - is standard output, in place of the text.
    #[arg(long, value_name = "FILE", help_heading = IN_AND_OUT, hide_short_help = true)]
    json: Option<PathBuf>,

    /// Also write the report as a Markdown table to a file.
    ///
    /// The table can be pasted into an issue. - is standard output, in place of the text.
    #[arg(long, hide_short_help = true, value_name = "FILE", help_heading = IN_AND_OUT)]
    markdown: Option<PathBuf>,

    /// Write the figures of each run as a line of a CSV file.
    ///
    /// Every single figure of the report has a column with its name.
    #[arg(long, visible_alias = "csv", hide_short_help = true, value_name = "FILE", help_heading = IN_AND_OUT)]
    runs_csv: Option<PathBuf>,

    /// Write the figures of each node as a line of a CSV file.
    ///
    /// The file is replaced once all lines are written. An interrupted run leaves it as it is, and writes FILE.partial.
    #[arg(long, hide_short_help = true, value_name = "FILE", help_heading = IN_AND_OUT)]
    nodes_csv: Option<PathBuf>,

    /// Write the figures of each order of a bulk as a line of a CSV file.
    ///
    /// The file is replaced in the same way as that of --nodes-csv.
    #[arg(long, hide_short_help = true, value_name = "FILE", help_heading = IN_AND_OUT)]
    orders_csv: Option<PathBuf>,

    /// Write a line of a CSV file for every message.
    ///
    /// It has the time of sending, the time at which the fate was decided, sender, receiver, order, kind, hop, bytes
    /// and fate. On a real carrier it becomes two files, FILE.sends.csv and FILE.receipts.csv, as the workers saw the
    /// messages. In virtual time it takes the general engine. Of many --runs the first is traced. Standard error says
    /// before the run how many lines and bytes to expect. Files are replaced in the same way as that of --nodes-csv.
    #[arg(long, hide_short_help = true, value_name = "FILE", help_heading = IN_AND_OUT)]
    trace: Option<PathBuf>,
}

#[cfg(feature = "cluster")]
impl OutputOptions {
    /// Returns the outputs of a process of a cluster: parts of the files that each process writes, and the report's
    /// own in process 0 alone.
    ///
    /// # Errors
    ///
    /// [`Failure::ClusterPart`] if a part would go to a stream.
    pub(super) fn of_process(&self, process: usize) -> Result<OutputOptions, Failure> {
        let part = |option, path: &Option<PathBuf>| path.as_ref().map(|path| part(option, path, process)).transpose();
        let report = |path: &Option<PathBuf>| path.clone().filter(|_| process == 0);
        Ok(OutputOptions {
            json: report(&self.json),
            markdown: report(&self.markdown),
            runs_csv: report(&self.runs_csv),
            orders_csv: report(&self.orders_csv),
            nodes_csv: part("nodes-csv", &self.nodes_csv)?,
            trace: part("trace", &self.trace)?,
        })
    }
}

/// Returns the file of a process's part: `nodes.part1.csv` for `nodes.csv` and process 1.
#[cfg(feature = "cluster")]
fn part(option: &'static str, path: &Path, process: usize) -> Result<PathBuf, Failure> {
    let is_stream = std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    if path.as_os_str() == DASH || is_stream {
        return Err(Failure::ClusterPart { option, path: path.to_owned() });
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".part{process}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    Ok(path.with_file_name(name))
}

/// The output files, checked before anything runs.
pub(super) struct Outputs {
    nodes_csv: Option<OutputFile>,
    orders_csv: Option<OutputFile>,
    /// The file of a trace; on a real carrier that of sends, with that of receipts.
    trace: Option<OutputFile>,
    receipts: Option<OutputFile>,
    /// The trace as it was named.
    trace_named: Option<PathBuf>,
    runs_csv: Option<OutputFile>,
    json: Option<OutputFile>,
    markdown: Option<OutputFile>,
    /// Returns true if one of them is standard output, which then has no text.
    pub(super) is_on_standard_output: bool,
}

/// The value of these options that stands for standard output.
const DASH: &str = "-";

impl OutputOptions {
    /// Checks all output files. `form` is the option that requests a form of the report on standard output, if any
    /// does.
    ///
    /// # Errors
    ///
    /// [`Failure`] for the first file that cannot be written, or that would overwrite an input or another output; and
    /// for a second output on standard output.
    pub(super) fn prepare(
        &self,
        form: Option<&str>,
        inputs: &[NamedInput<'_>],
        is_virtual: bool,
    ) -> Result<Outputs, Failure> {
        let sides = self.trace.as_deref().filter(|_| !is_virtual).map(sides).transpose()?;
        let (trace, receipts) = match &sides {
            Some([sends, receipts]) => (Some(&**sends), Some(&**receipts)),
            None => (self.trace.as_deref(), None),
        };
        let named = [
            ("nodes-csv", self.nodes_csv.as_deref()),
            ("orders-csv", self.orders_csv.as_deref()),
            ("trace", trace),
            ("trace", receipts),
            ("runs-csv", self.runs_csv.as_deref()),
            ("json", self.json.as_deref()),
            ("markdown", self.markdown.as_deref()),
        ];
        let dashed = |&(_, path): &(&str, Option<&Path>)| path.is_some_and(|path| path.as_os_str() == DASH);
        let mut on_standard_output =
            named.iter().filter(|output| dashed(output)).map(|(option, _)| format!("--{option} -"));
        let is_on_standard_output = named.iter().any(dashed);
        let (first, second) = match form {
            Some(form) => (Some(form.to_owned()), on_standard_output.next()),
            None => (on_standard_output.next(), on_standard_output.next()),
        };
        if let Some((first, second)) = first.zip(second) {
            return Err(Failure::TwoOnStandardOutput { first, second });
        }
        let placed =
            named.map(|output| if dashed(&output) { (output.0, Some(Path::new("/dev/stdout"))) } else { output });
        let [nodes_csv, orders_csv, trace, receipts, runs_csv, json, markdown] = files::prepare(inputs, placed)?;
        let trace_named = self.trace.clone();
        Ok(Outputs {
            nodes_csv,
            orders_csv,
            trace,
            receipts,
            trace_named,
            runs_csv,
            json,
            markdown,
            is_on_standard_output,
        })
    }
}

/// Writes a trace in virtual time, or the sends of a real carrier.
fn write_first_trace(log: &TraceLog, shown: &RunRecord, into: &File) -> io::Result<()> {
    match shown.is_virtual {
        true => write_trace_csv(log, &shown.names, into),
        false => write_side_csv(log, &shown.names, CarrierSide::Sends, into),
    }
}

/// Returns the files of sends and of receipts of a trace on a real carrier: `trace.sends.csv` and `trace.receipts.csv`
/// for `trace.csv` or `trace`.
///
/// # Errors
///
/// [`Failure::TwoTraces`] if the name is that of a stream.
fn sides(path: &Path) -> Result<[PathBuf; 2], Failure> {
    let is_stream = std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    if path.as_os_str() == DASH || is_stream {
        return Err(Failure::TwoTraces { path: path.to_owned() });
    }
    let stem = if path.extension().is_some_and(|extension| extension == "csv") {
        path.with_extension("")
    } else {
        path.to_owned()
    };
    Ok(["sends", "receipts"].map(|side| {
        let mut name = stem.clone().into_os_string();
        name.push(format!(".{side}.csv"));
        PathBuf::from(name)
    }))
}

/// Says on standard error what a trace will take.
pub(super) fn announce_trace(estimate: &TraceEstimate) {
    let TraceEstimate { lines, file_bytes, spool_bytes } = *estimate;
    let [file, spool] = [file_bytes, spool_bytes].map(rounded_bytes);
    let lines = grouped(lines);
    warn(&format!("--trace: about {lines} lines, {file}, and {spool} more on disk until the run has ended"));
}

impl Outputs {
    /// Returns the request of a trace, if one is asked for.
    pub(super) fn trace_request(&self) -> Option<TraceRequest> {
        self.trace.as_ref().zip(self.trace_named.as_ref()).map(|(file, named)| TraceRequest {
            path: named.clone(),
            folder: file.folder().map_or_else(std::env::temp_dir, Path::to_owned),
            shares_disk: file.folder().is_some(),
        })
    }

    /// Says in the report which columns or lines of the files stay empty.
    pub(super) fn note_gaps(&self, report: &mut Report, shown: &RunRecord) {
        let gaps = self.nodes_csv.iter().flat_map(|_| nodes_csv_gaps(shown));
        let gaps = gaps.chain(self.orders_csv.iter().flat_map(|_| orders_csv_gaps(shown)));
        gaps.for_each(|gap| report.add_notice(&gap));
    }

    /// Returns true if the figures of each node are asked for.
    #[cfg(feature = "cluster")]
    pub(super) fn has_nodes(&self) -> bool {
        self.nodes_csv.is_some()
    }

    /// Writes the parts of a process of a cluster; returns the outputs of the report, and says on standard error which
    /// of the parts went elsewhere.
    #[cfg(feature = "cluster")]
    pub(super) fn write_parts(
        self,
        share: &ClusterRecord,
        names: &NodeNames,
        is_whole: bool,
    ) -> Result<Outputs, Failure> {
        let Outputs { nodes_csv, trace, .. } = self;
        let filled = [
            nodes_csv.map(|file| file.fill(is_whole, |into| write_part_of_nodes_csv(&share.nodes, names, into))),
            trace
                .zip(share.trace.as_ref())
                .map(|(file, log)| file.fill(is_whole, |into| write_trace_csv(log, names, into))),
        ];
        for said in filled.into_iter().flatten() {
            said?.iter().for_each(|said| warn(said));
        }
        Ok(Outputs { nodes_csv: None, trace: None, ..self })
    }

    /// Writes all files, and says on standard error which of them went elsewhere. All are written before any of their
    /// errors ends the command, so that one failure does not lose another output.
    pub(super) fn write(
        self,
        report: &Report,
        shown: &RunRecord,
        is_whole: bool,
    ) -> impl FnOnce() -> Result<(), Failure> {
        let Outputs { nodes_csv, orders_csv, trace, receipts, runs_csv, json, markdown, .. } = self;
        let (rows, log) = (&report.runs.each, shown.trace.as_ref());
        let text = report.to_json();
        let filled = [
            nodes_csv.map(|file| file.fill(is_whole, |into| write_nodes_csv(shown, into))),
            orders_csv.map(|file| file.fill(is_whole, |into| write_orders_csv(shown, into))),
            trace.zip(log).map(|(file, log)| file.fill(is_whole, |into| write_first_trace(log, shown, into))),
            receipts.zip(log).map(|(file, log)| {
                file.fill(is_whole, |into| write_side_csv(log, &shown.names, CarrierSide::Receipts, into))
            }),
            runs_csv.map(|file| file.fill(is_whole, |into| write_runs_csv(rows, into))),
            json.map(|file| file.fill(is_whole, |mut into| writeln!(into, "{}", text.as_deref().unwrap_or_default()))),
            markdown.map(|file| file.fill(is_whole, |mut into| into.write_all(report.to_markdown().as_bytes()))),
        ];
        let failed = text.err();
        move || {
            for said in filled.into_iter().flatten() {
                said?.iter().for_each(|said| warn(said));
            }
            failed.map_or(Ok(()), |error| Err(error.into()))
        }
    }
}
