//! The arithmetic of an estimate, and its figures.

use super::{Calibration, CalibrationSet, ClusterPlan};
use crate::engine::MESSAGES_TOGETHER;
use crate::memory::{ClusterShape, MemoryNeed, collects_nodes, keeps_own_rows};
use crate::quantity::rounded_bytes;
use crate::record::{Receipt, Traffic};
use crate::scenario::Scenario;
use serde::Serialize;

/// Bytes by which two workers report a window to each other.
const REPORT_BYTES: f64 = 80.0;

/// Bytes that timely and a sealed frame add to them.
const HEADER_BYTES: f64 = 48.0 + 36.0;

/// The greatest factor by which a message takes longer than in the greater of the small runs.
const GROWTH_MAX: f64 = 3.0;

/// The estimate of a run over several processes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusterEstimate {
    /// Number of processes.
    pub processes: usize,
    /// Workers of each.
    pub threads: usize,
    /// Number of nodes.
    pub nodes: u32,
    /// Messages of the whole run.
    pub messages: f64,
    /// Windows in which they are computed.
    pub windows: f64,
    /// Meetings of all workers: one for each window, and more where messages are counted again after the run.
    pub meetings: f64,
    /// Messages in a window, on average.
    pub messages_per_window: f64,
    /// Memory of process 0, which reports.
    pub first_process: EstimatedMemory,
    /// Memory of each other process.
    pub other_processes: EstimatedMemory,
    /// Bytes that each process sends to all others while the run is computed.
    pub exchanged_bytes: f64,
    /// Bytes of these in a window, on average.
    pub exchanged_bytes_per_window: f64,
    /// Bytes of the figures of nodes that process 0 receives at the end, if it needs those of each.
    pub outcome_bytes: f64,
    /// The links that carry any of these, the one that saturates first at the head.
    pub links: Vec<EstimatedLink>,
    /// Time to build the overlay and all else before the run.
    pub setup_ns: u64,
    /// Time to compute the messages.
    pub compute_ns: u64,
    /// Time that workers wait for the slowest of a window.
    pub imbalance_ns: u64,
    /// Time of the meetings themselves.
    pub meetings_ns: u64,
    /// Time of the exchanged bytes on the busiest link.
    pub transfer_ns: u64,
    /// Time to bring the figures of all nodes together.
    pub closing_ns: u64,
    /// The sum of all times.
    pub total_ns: u64,
}

/// The estimated memory of one process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimatedMemory {
    /// Bytes of the program without a run.
    pub program_bytes: u64,
    /// Bytes that the run certainly needs: a process that does not have as many is refused at the start.
    pub certain_bytes: u64,
    /// Bytes of messages that wait, and of buffers for those that cross, at their most.
    pub message_bytes: u64,
    /// The sum.
    pub bytes: u64,
}

/// The use of one kind of link.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimatedLink {
    /// The link.
    pub name: &'static str,
    /// The share of the time in which it is used that its bytes take at its rate.
    pub busy: f64,
}

/// The figures on which all others depend.
struct EstimateScale {
    nodes: f64,
    processes: f64,
    threads: f64,
    /// Factor by which work takes longer because processes share cores.
    crowding: f64,
    messages: f64,
    windows: f64,
    meetings: f64,
    /// Messages that cross from one process to another.
    crossed: f64,
}

/// Computes the estimate.
pub(super) fn estimate(scenario: &Scenario, plan: &ClusterPlan, measured: &CalibrationSet) -> ClusterEstimate {
    let scale = EstimateScale::new(scenario, plan, measured);
    let EstimateScale { processes, threads, messages, windows, meetings: rounds, .. } = scale;
    let exchanged = scale.exchanged(measured);
    let headers = if processes > 1.0 { rounds * threads * threads * (processes - 1.0) * HEADER_BYTES } else { 0.0 };
    let outcome_bytes = scale.outcome_bytes(scenario);
    let times = scale.times(scenario, plan, measured, (exchanged + headers, outcome_bytes));
    let [setup, compute, imbalance, meetings, transfer, closing] = times;
    let run = compute + imbalance + meetings + transfer;
    let link = plan.link_bits as f64 / 8.0;
    let used = |name, bytes: f64, time: f64| {
        (bytes > 0.0 && time > 0.0).then(|| EstimatedLink { name, busy: bytes / link * 1e9 / time })
    };
    let links = [
        used("link of each machine, while the run is computed", exchanged + headers, run),
        used("link of process 0, while it collects the figures of all nodes", outcome_bytes, closing),
    ];
    let mut links: Vec<EstimatedLink> = links.into_iter().flatten().collect();
    links.sort_by(|one, other| other.busy.total_cmp(&one.busy));
    let memory = |process| scale.memory(scenario, plan, process, measured);
    ClusterEstimate {
        processes: plan.processes,
        threads: scenario.carrier.threads,
        nodes: scenario.overlay.nodes,
        messages,
        windows,
        meetings: rounds,
        messages_per_window: messages / windows.max(1.0),
        first_process: memory(0),
        other_processes: memory(plan.processes - 1),
        exchanged_bytes: exchanged,
        exchanged_bytes_per_window: exchanged / windows.max(1.0),
        outcome_bytes,
        links,
        setup_ns: setup as u64,
        compute_ns: compute as u64,
        imbalance_ns: imbalance as u64,
        meetings_ns: meetings as u64,
        transfer_ns: transfer as u64,
        closing_ns: closing as u64,
        total_ns: times.iter().sum::<f64>() as u64,
    }
}

impl EstimateScale {
    fn new(scenario: &Scenario, plan: &ClusterPlan, measured: &CalibrationSet) -> EstimateScale {
        let &CalibrationSet { smaller, greater, wider, .. } = measured;
        let (processes, threads) = (plan.processes as f64, scenario.carrier.threads as f64);
        let (nodes, workers) = (f64::from(scenario.overlay.nodes), processes * threads);
        let messages = greater.messages / greater.nodes * nodes;
        let more = slope(&smaller, &greater, |run| run.windows) * doublings(greater.nodes, nodes);
        let windows = (greater.windows + more).max(smaller.windows);
        let crossed = if plan.processes > 1 {
            // Linear in the share of a worker, through what two and more of them do.
            let growth = wider.map_or(0.0, |wider| {
                let parts = 1.0 / greater.processes - 1.0 / wider.processes;
                (wider.crossing_rate() / greater.crossing_rate() - 1.0) / parts
            });
            let rate = greater.crossing_rate() * (1.0 + growth * (1.0 / greater.processes - 1.0 / workers));
            messages * rate * (1.0 - 1.0 / processes)
        } else {
            0.0
        };
        // Along shortest paths messages cross in pieces of limited size, in the run and when they are counted again.
        let pieces = |messages: f64| (messages / workers / MESSAGES_TOGETHER as f64).floor();
        let first = crossed * (1.0 - greater.settled / greater.crossed.max(1.0));
        let further = if greater.settling > 0.0 { pieces(first) + pieces(messages) + 1.0 } else { 0.0 };
        let meetings = windows + further;
        let crowding = plan.shared_cores.map_or(1.0, |cores| (workers / cores as f64).max(1.0));
        EstimateScale { nodes, processes, threads, crowding, messages, windows, meetings, crossed }
    }

    /// Returns the bytes that each process sends to all others.
    fn exchanged(&self, CalibrationSet { greater, .. }: &CalibrationSet) -> f64 {
        let reports =
            (greater.windows + greater.settling) * greater.processes * (greater.processes - 1.0) * REPORT_BYTES;
        // Without events there is nothing to divide by, and nothing to send.
        let each = (greater.bytes - reports).max(0.0) / greater.crossed.max(1.0);
        let workers = self.threads * self.threads * (self.processes - 1.0);
        self.crossed * each / self.processes + self.meetings * workers * REPORT_BYTES
    }

    /// Returns the bytes of the figures that process 0 collects.
    fn outcome_bytes(&self, scenario: &Scenario) -> f64 {
        let by_node = size_of::<Receipt>() * scenario.orders() as usize + size_of::<Traffic>();
        if collects_nodes(scenario) { self.nodes * (1.0 - 1.0 / self.processes) * by_node as f64 } else { 0.0 }
    }

    /// Returns the nanoseconds of the set-up, of computing, of waiting for the slowest, of meetings, of the exchanged
    /// bytes, and of all after the run.
    fn times(
        &self,
        scenario: &Scenario,
        plan: &ClusterPlan,
        CalibrationSet { smaller, greater, speed, .. }: &CalibrationSet,
        (exchanged, outcome): (f64, f64),
    ) -> [f64; 6] {
        let &EstimateScale { nodes, processes, threads, crowding, messages, meetings: rounds, .. } = self;
        let workers = processes * threads;
        // Each worker of the small runs has its part of their nodes.
        let by_share = doublings(greater.nodes / greater.processes, nodes / workers);
        let work = greater.work() + slope(smaller, greater, Calibration::work) * by_share;
        let work = work.clamp(greater.work() / GROWTH_MAX, greater.work() * GROWTH_MAX);
        let compute = messages * work / workers * crowding;
        let imbalance = if workers > 1.0 { compute * greater.imbalance(smaller) } else { 0.0 };
        let beyond = (plan.round_trip.0 as f64 - speed.round_trip.0 as f64).max(0.0) / 2.0;
        let meetings = if processes > 1.0 { rounds * (smaller.meeting() * crowding + beyond) } else { 0.0 };
        let link = plan.link_bits as f64 / 8.0;
        // Each connection has a thread of its own on either side.
        let connections = (processes - 1.0).max(1.0);
        let transfer = (exchanged / link).max(exchanged / connections / speed.bytes_per_second) * 1e9;
        let outcome = outcome / link.min(speed.bytes_per_second * connections) * 1e9;
        // The nodes of a process, as a multiple of those of a process of the greater run.
        let share = nodes / processes / (greater.nodes / greater.processes);
        let shared_cores = plan.shared_cores.map_or(1.0, |cores| (processes / cores as f64).max(1.0));
        let has_own_rows = keeps_own_rows(scenario, &scenario.protocol.kind().traits());
        let setup = greater.setup * if has_own_rows { share } else { nodes / greater.nodes } * shared_cores;
        [setup, compute, imbalance, meetings, transfer, greater.closing * share * shared_cores + outcome]
    }

    /// Estimates the memory of one process.
    fn memory(
        &self,
        scenario: &Scenario,
        plan: &ClusterPlan,
        process: usize,
        measured: &CalibrationSet,
    ) -> EstimatedMemory {
        let CalibrationSet { greater, program_bytes, .. } = *measured;
        let shape = ClusterShape { process, processes: plan.processes, threads: scenario.carrier.threads };
        let certain_bytes = MemoryNeed::in_cluster(scenario, &scenario.protocol.kind().traits(), shape).bytes();
        let waiting = greater.waiting / greater.nodes * self.nodes / self.processes;
        let crossing = greater.crossing / greater.crossed.max(1.0) * self.crossed / self.processes;
        let message_bytes = (waiting + crossing) as u64;
        let bytes = program_bytes.saturating_add(certain_bytes).saturating_add(message_bytes);
        EstimatedMemory { program_bytes, certain_bytes, message_bytes, bytes }
    }
}

/// Returns the number of doublings from one size to another, negative if it is smaller.
fn doublings(from: f64, to: f64) -> f64 {
    (to / from).log2()
}

/// Returns the growth of a figure for each doubling of the nodes.
fn slope(smaller: &Calibration, greater: &Calibration, figure: impl Fn(&Calibration) -> f64) -> f64 {
    let doublings = doublings(smaller.nodes, greater.nodes);
    if doublings > 0.0 { ((figure(greater) - figure(smaller)) / doublings).max(0.0) } else { 0.0 }
}

impl Calibration {
    /// Returns the nanoseconds that a worker takes for a message.
    fn work(&self) -> f64 {
        self.busy / self.messages
    }

    /// Returns the nanoseconds that a worker waits in a meeting.
    fn meeting(&self) -> f64 {
        self.waited / self.processes / (self.windows + self.settling).max(1.0)
    }

    /// Returns the share of the computing time that workers wait for the slowest, beyond what meetings take.
    fn imbalance(&self, smaller: &Calibration) -> f64 {
        let beyond = self.waited - smaller.meeting() * (self.windows + self.settling) * self.processes;
        (beyond / self.busy.max(1.0)).clamp(0.0, 1.0)
    }

    /// Returns the events that cross for each message whose receiver is in another process.
    fn crossing_rate(&self) -> f64 {
        self.crossed.max(1.0) / self.messages / (1.0 - 1.0 / self.processes)
    }
}

impl ClusterEstimate {
    /// Returns a sentence if a process does not fit into the memory that this machine has, taken for one like those of
    /// the cluster; all processes share it if they run here.
    pub fn shortage(&self, there: u64, is_shared: bool) -> Option<String> {
        let others = self.other_processes.bytes.saturating_mul(self.processes as u64 - 1);
        let need = self.first_process.bytes.saturating_add(if is_shared { others } else { 0 });
        let [need_text, there_text] = [need, there].map(rounded_bytes);
        let advice = if is_shared { "take more machines, or fewer --nodes" } else { "more --hosts take less on each" };
        (need > there).then(|| {
            format!(
                "Notice: this takes {need_text} of memory on one machine, and this one has {there_text} available: \
                 {advice}."
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ConnectionSpeed;
    use crate::scenario::{Draft, TransportKind};
    use crate::time::Nanos;

    /// A scenario of this many nodes, on one thread in each process.
    fn scenario(nodes: u32) -> Scenario {
        let transport = Some(TransportKind::Simulated);
        Draft { transport, nodes: Some(nodes), threads: Some(1), ..Draft::default() }.build().unwrap()
    }

    fn plan(processes: usize) -> ClusterPlan {
        let round_trip = Nanos(50_000);
        ClusterPlan { processes, link_bits: 8_000_000_000, round_trip, is_sealed: false, shared_cores: None }
    }

    /// A run of eight messages a node, of which those that cross have 24 bytes. A meeting takes 40 us.
    fn run(processes: f64, nodes: f64, windows: f64, work: f64) -> Calibration {
        let crossed = 8.0 * nodes * (1.0 - 1.0 / processes);
        Calibration {
            processes,
            nodes,
            messages: 8.0 * nodes,
            windows,
            settling: 0.0,
            crossed,
            settled: 0.0,
            bytes: crossed * 24.0 + windows * processes * (processes - 1.0) * REPORT_BYTES,
            waiting: 100.0 * nodes,
            crossing: 3.0 * crossed,
            busy: 8.0 * nodes * work,
            waited: windows * processes * 40_000.0,
            setup: nodes * 50.0,
            closing: nodes * 20.0,
        }
    }

    /// Messages at 100 and 130 ns; 10 windows and 13.
    fn measured() -> CalibrationSet {
        let speed = ConnectionSpeed { bytes_per_second: 2e9, round_trip: Nanos(50_000) };
        let (smaller, mut greater) = (run(2.0, 1_250.0, 10.0, 100.0), run(2.0, 10_000.0, 13.0, 130.0));
        // At the greater size a twentieth of the work is waited for besides.
        greater.waited += 80_000.0 * 130.0 / 20.0;
        CalibrationSet { smaller, greater, wider: None, speed, program_bytes: 9_000_000 }
    }

    fn is_near(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-6 * expected.abs().max(1.0)
    }

    #[test]
    fn the_greater_run_is_its_own_estimate() {
        let estimate = estimate(&scenario(10_000), &plan(2), &measured());
        assert!(is_near(estimate.messages, 80_000.0) && is_near(estimate.windows, 13.0), "{estimate:?}");
        assert!(is_near(estimate.compute_ns as f64, 80_000.0 * 130.0 / 2.0), "{estimate:?}");
        assert!(is_near(estimate.meetings_ns as f64, 13.0 * 40_000.0), "{estimate:?}");
        assert!(is_near(estimate.imbalance_ns as f64, 80_000.0 * 130.0 / 2.0 / 20.0), "{estimate:?}");
        let bytes = 40_000.0 * 24.0 / 2.0 + 13.0 * REPORT_BYTES;
        assert!(is_near(estimate.exchanged_bytes, bytes), "{estimate:?}");
        let on_the_wire = bytes + 13.0 * HEADER_BYTES;
        assert!(is_near(estimate.transfer_ns as f64, on_the_wire.trunc()), "a gigabyte a second: {estimate:?}");
        assert_eq!((estimate.setup_ns, estimate.closing_ns), (500_000, 200_000));
        let ClusterEstimate { setup_ns, compute_ns, imbalance_ns, meetings_ns, transfer_ns, closing_ns, .. } = estimate;
        let sum = setup_ns + compute_ns + imbalance_ns + meetings_ns + transfer_ns + closing_ns;
        assert!(estimate.total_ns.abs_diff(sum) <= 6, "{estimate:?}");
        let memory = &estimate.first_process;
        assert_eq!((memory.program_bytes, memory.message_bytes), (9_000_000, 500_000 + 60_000));
        assert_eq!(memory.bytes, 9_560_000 + memory.certain_bytes);
        assert_eq!((memory, estimate.outcome_bytes), (&estimate.other_processes, 0.0));
    }

    #[test]
    fn larger_networks_take_more_windows_and_slower_messages() {
        let (measured, plan) = (measured(), plan(2));
        let estimates = [10_000, 20_000, 80_000].map(|nodes| estimate(&scenario(nodes), &plan, &measured));
        // A window and 10 ns for each doubling.
        let windows = estimates.each_ref().map(|estimate| estimate.windows);
        assert!(is_near(windows[1], 14.0) && is_near(windows[2], 16.0), "{windows:?}");
        assert!(is_near(estimates[2].compute_ns as f64, 640_000.0 * 160.0 / 2.0), "{:?}", estimates[2]);
        let vast = estimate(&scenario(100_000_000), &plan, &measured);
        assert!(vast.compute_ns as f64 <= vast.messages * 130.0 * GROWTH_MAX / 2.0, "{vast:?}");
    }

    #[test]
    fn one_process_exchanges_nothing_and_many_nearly_everything() {
        let (measured, scenario_of) = (measured(), scenario);
        let scenario = scenario_of(10_000);
        let alone = estimate(&scenario, &plan(1), &measured);
        assert_eq!((alone.exchanged_bytes, alone.outcome_bytes, alone.links.len()), (0.0, 0.0, 0));
        assert_eq!((alone.meetings_ns, alone.imbalance_ns, alone.transfer_ns), (0, 0, 0));
        let many = estimate(&scenario, &plan(16), &measured);
        let events = 80_000.0 * (1.0 - 1.0 / 16.0) * 24.0 / 16.0;
        assert!(is_near(many.exchanged_bytes, events + 13.0 * 15.0 * REPORT_BYTES), "{many:?}");
        let certain =
            |processes| estimate(&scenario_of(2_000_000), &plan(processes), &measured).first_process.certain_bytes;
        assert!(certain(16) < certain(4) && certain(4) < certain(1) / 2, "{}", certain(4));
    }

    /// Two workers keep half of what is a duplicate from each other's, four a quarter, and many nothing.
    #[test]
    fn more_workers_know_less_of_duplicates() {
        let mut measured = measured();
        let kept = |run: Calibration, share: f64| Calibration { crossed: run.crossed * share, ..run };
        measured.smaller = kept(measured.smaller, 0.5);
        measured.greater = kept(measured.greater, 0.5);
        measured.wider = Some(kept(run(4.0, 10_000.0, 13.0, 130.0), 0.75));
        let crossed = |processes| EstimateScale::new(&scenario(10_000), &plan(processes), &measured).crossed;
        assert!(is_near(crossed(2), 80_000.0 * 0.5 * 0.5), "{}", crossed(2));
        assert!(is_near(crossed(4), 80_000.0 * 0.75 * 0.75), "{}", crossed(4));
        assert!(is_near(crossed(200), 80_000.0 * 0.995 * 0.995), "{}", crossed(200));
    }

    #[test]
    fn a_slower_network_takes_longer_and_shared_cores_too() {
        let (measured, scenario) = (measured(), scenario(10_000));
        let base = estimate(&scenario, &plan(4), &measured);
        let slow = estimate(&scenario, &ClusterPlan { link_bits: 80_000_000, ..plan(4) }, &measured);
        assert!(slow.transfer_ns.abs_diff(100 * base.transfer_ns) <= 100, "{slow:?}");
        assert!(slow.links[0].busy > base.links[0].busy && slow.links[0].name.starts_with("link of each"), "{slow:?}");
        let far = estimate(&scenario, &ClusterPlan { round_trip: Nanos(1_050_000), ..plan(4) }, &measured);
        assert!(is_near((far.meetings_ns - base.meetings_ns) as f64, 13.0 * 500_000.0), "{far:?}");
        let here = estimate(&scenario, &ClusterPlan { shared_cores: Some(2), ..plan(4) }, &measured);
        assert_eq!((here.compute_ns, here.setup_ns), (2 * base.compute_ns, 2 * base.setup_ns));
        assert!(here.shortage(0, true).unwrap().contains("more machines"));
        assert!(here.shortage(here.first_process.bytes, false).is_none());
        assert_eq!(here.shortage(u64::MAX, true), None);
    }

    /// With groups of nodes process 0 collects the figures of all.
    #[test]
    fn figures_of_single_nodes_go_to_process_0() {
        let transport = Some(TransportKind::Simulated);
        let adversary = Some("drop:10%".parse().unwrap());
        let scenario =
            Draft { transport, nodes: Some(10_000), threads: Some(1), adversary, ..Draft::default() }.build().unwrap();
        let estimate = estimate(&scenario, &plan(4), &measured());
        let by_node = size_of::<Receipt>() + size_of::<Traffic>();
        assert_eq!(estimate.outcome_bytes, (7_500 * by_node) as f64);
        assert!(estimate.first_process.certain_bytes > estimate.other_processes.certain_bytes, "{estimate:?}");
        assert_eq!(estimate.links.len(), 2, "{estimate:?}");
    }
}
