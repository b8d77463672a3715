//! `--cluster`: makes a run together with other processes, each of which computes its share of the nodes. Process 0
//! reports, and the others print a line.

use super::input::inputs;
use super::progress::Meter;
use super::signals::SignalWatch;
use super::{Cli, Exit, Failure, print, show, warn};
use crate::cluster::{
    self, ClusterError, ClusterIdentity, ClusterPlace, ClusterSecret, Hosts, Mesh, START_LIMIT, WordExchange,
};
use crate::engine::ClusterMember;
use crate::experiment::Series;
use crate::quantity::{counted, rounded_bytes};
use crate::record::ClusterProcessRecord;
use crate::scenario::{Draft, Scenario};
use crate::simulation::{ClusterParts, ClusterRecord, Runner, SimulationError, check_in_cluster};
use crate::sync::Interrupt;
use crate::threads::Observer;
use crate::transport::Clock;
use clap::Args;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The options of a process of a cluster.
#[derive(Debug, Args)]
pub(super) struct ClusterOptions {
    /// With simulated, compute with the processes of this file, each of which has a share of the nodes.
    ///
    /// FILE has a line for each process: the host and the port at which it listens, as node7:7101. Start the same
    /// command once for each, within ten seconds, with all options equal but --process; --seed is required. Figures do
    /// not depend on the number of processes. Process 0 writes the report. `bulkprop cluster-estimate` tells beforehand
    /// what it takes. See docs/CLUSTER.md.
    #[arg(long, hide_short_help = true, value_name = "FILE", requires = "process", help_heading = CLUSTER)]
    #[arg(conflicts_with = "check_determinism")]
    cluster: Option<PathBuf>,

    /// Number of this process: its line in the file of --cluster, counted from 0.
    #[arg(long, hide_short_help = true, value_name = "I", requires = "cluster", help_heading = CLUSTER)]
    process: Option<usize>,

    /// File with the secret that all processes of a cluster share.
    ///
    /// At least 32 bytes, which only its owner may read. Without it all processes must be on this machine; with it
    /// everything that they exchange is encrypted and authenticated.
    #[arg(long, hide_short_help = true, value_name = "FILE", requires = "cluster", help_heading = CLUSTER)]
    secret_file: Option<PathBuf>,
}

/// The heading of these options in `--help`.
const CLUSTER: &str = "Cluster";

/// Bytes of an input that are read at a time.
const PIECE: usize = 1 << 16;

impl ClusterOptions {
    /// Returns true if this process is one of a cluster.
    pub(super) fn is_asked(&self) -> bool {
        self.cluster.is_some()
    }

    /// Checks the options of a scenario that a cluster is to compute.
    ///
    /// # Errors
    ///
    /// [`Failure::ClusterSeed`] if the seed would be drawn.
    pub(super) fn check(&self, draft: &Draft) -> Result<(), Failure> {
        if self.cluster.is_some() && draft.seed.is_none() { Err(Failure::ClusterSeed) } else { Ok(()) }
    }

    /// Makes the run together with the other processes.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the processes do not come together or do not agree, or if the run cannot be made. The others are
    /// told, and end too.
    fn run(
        &self,
        scenario: &Scenario,
        interrupt: &Interrupt,
        observer: &dyn Observer,
        parts: ClusterParts<'_>,
    ) -> Result<ClusterRecord, Failure> {
        let clock = Clock::start();
        let (path, index) = self.cluster.as_deref().zip(self.process).unwrap_or((Path::new(""), 0));
        let hosts = Hosts::read(path).map_err(ClusterError::from)?;
        check_in_cluster(scenario, hosts.len()).map_err(SimulationError::from)?;
        let secret = self.secret_file.as_deref().map(ClusterSecret::read).transpose();
        let secret = secret.map_err(ClusterError::from)?;
        let identity = ClusterIdentity::new(env!("BULKPROP_VERSION"), &agreed(scenario)?, &hosts);
        let (secret, limit) = (secret.as_ref(), START_LIMIT);
        let place = ClusterPlace { hosts: &hosts, index, identity: &identity, secret, limit };
        let mesh = cluster::connect(&place, |loss| {
            warn(&format!("error: {loss}"));
            // Threads that wait for the lost process wait for ever.
            std::process::exit(LOST);
        })?;
        let Mesh { streams, supervisor, .. } = mesh;
        let mut others = WordExchange::new(streams);
        let here = hosts.on_machine(index);
        let ran = Runner::build_in_cluster(scenario, interrupt, observer, &mut others, here).map_err(Failure::from);
        let ran = ran.and_then(|runner| {
            let member = ClusterMember::new(others.into_streams(), index, scenario.carrier.threads);
            let member = member.map_err(|error| Failure::from(ClusterError::from(error)))?;
            Ok(runner.run_in_cluster(clock, &member, parts)?)
        });
        match &ran {
            Ok(_) => supervisor.finish(),
            Err(failure) => supervisor.fail(&failure.to_string()),
        }
        ran
    }
}

/// Makes the run of a scenario as one process of a cluster. Process 0 reports it; the others print a line, and end with
/// exit code 0 whether the target was reached or not.
pub(super) fn run_scenario(cli: &Cli, scenario: &Scenario, watch: &SignalWatch) -> Result<Exit, Failure> {
    let process = cli.cluster.process.unwrap_or(0);
    let form = cli.form().filter(|_| process == 0);
    let outputs = cli.outputs.of_process(process)?;
    let outputs = outputs.prepare(form, &inputs(scenario, cli.config.as_deref()), true)?;
    let (meter, request) = (Meter::new(scenario, cli.progress), outputs.trace_request());
    let parts = ClusterParts { nodes: outputs.has_nodes(), trace: request.as_ref() };
    let share = cli.cluster.run(scenario, &watch.interrupt, &meter, parts)?;
    let outputs = outputs.write_parts(&share, &scenario.names(), !share.end.is_cut_short())?;
    if let Some(first) = share.whole {
        return show(cli, scenario, watch, Series { first, others: Vec::new(), failure: None }, outputs);
    }
    if !cli.quiet {
        print(&line(process, &share.own))?;
    }
    Ok(if watch.interrupt.is_raised() { watch.exit() } else { Exit::GoalMet })
}

/// The exit code of a process that has lost another.
const LOST: i32 = 3;

/// Returns all on which the processes must agree: the scenario, and the content of its files.
fn agreed(scenario: &Scenario) -> Result<String, Failure> {
    let mut text = scenario.to_toml();
    for (option, path) in scenario.files() {
        let content = fingerprint(path).map_err(|cause| Failure::ClusterInput { option, path: path.into(), cause })?;
        text += &format!("# {option}: {content:016x}\n");
    }
    Ok(text)
}

/// Returns a hash of a file's content (FNV-1a), by which two versions of it are told apart.
fn fingerprint(path: &Path) -> io::Result<u64> {
    let (mut file, mut piece, mut hash) = (File::open(path)?, vec![0; PIECE], 0xCBF2_9CE4_8422_2325_u64);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(hash);
        }
        hash = piece[..read].iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    }
}

/// Returns the line of a process that has no report.
fn line(process: usize, own: &ClusterProcessRecord) -> String {
    let &ClusterProcessRecord { nodes, busy, waited, peak_memory_bytes, events_sent, bytes_sent, .. } = own;
    let memory = peak_memory_bytes.map_or_else(String::new, |bytes| format!(", {} of memory", rounded_bytes(bytes)));
    format!(
        "Process {process}: {}, {busy} of computing, {waited} of waiting, {} in {} sent to others{memory}. The report \
         is that of process 0.\n",
        counted(nodes.into(), "node"),
        counted(events_sent, "event"),
        rounded_bytes(bytes_sent),
    )
}
