//! The one table of options. Flags, the lines of a file, the effective scenario and the replay command are all read
//! into it and written from it; the comments on its fields are the text of `--help`.
//!
//! An option that was not asked for is `None`, so that a default never passes for a wish. What the options mean
//! together is the business of `build.rs`.
//!
//! What was refused: serde's derived reading. It refuses in its own words, without limit or advice, and it takes a
//! share as the nearest double; an option in a file is read by the reader of its flag instead.

use super::parse::{
    announce_interval, choose, model, network, part_of, payload, processing, rate, retry, share, span, topology, truth,
    ttl, window,
};
use super::{
    Engine, OriginsKind, PayloadBytes, Pin, ProtocolKind, Spin, TransportKind, Ttl, Until, WindowSize, limits,
};
use crate::adversary::AdversarySpec;
use crate::network::{BandwidthSpec, ChurnSpec, DownSpec, LatencySpec, LossSpec, PartitionSpec, RegionSpec};
use crate::ratio::Ratio;
use crate::time::Nanos;
use crate::topology::TopologySpec;
use crate::workload::{Arrivals, Rate};
use serde::{Serialize, Serializer};

/// An experiment as it is asked for: any of its options may be missing.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, Serialize)]
#[serde(rename_all = "kebab-case")]
#[command(next_help_heading = "Scenario")]
pub struct Draft {
    /// Nodes of the network [default: 10, or those that file:PATH names]. More of them show how time and cost grow.
    #[arg(long, value_name = "N", value_parser = |text: &str| limits::NODES.parse::<u32>(text))]
    pub nodes: Option<u32>,

    /// Worker threads of each process, each with its share of the nodes [default: the cores this process may use, shared
    /// among --processes, and no more than nodes]. Fewer leave cores to others; 1 makes messages travel first in, first
    /// out.
    #[arg(long, value_name = "N", value_parser = |text: &str| limits::THREADS.parse::<u32>(text))]
    pub threads: Option<u32>,

    /// Processes of --threads workers each, with udp and udp-shard on Linux [default: 1]. Each has a descriptor limit of
    /// its own, so that several hold more sockets than one may open.
    #[arg(long, value_name = "P", value_parser = |text: &str| limits::PROCESSES.parse::<u32>(text))]
    pub processes: Option<u32>,

    /// What carries a message: udp, one socket per node on loopback; udp-shard, one per worker, where messages for the
    /// same worker share a send; memory, rings between the worker threads; simulated, virtual time on a modelled network
    /// [default: udp]. One socket per node is the honest run; one per worker moves 10 to 50 times as much; memory shows what
    /// the machine could do at most; simulated repeats to the bit and reaches further.
    #[arg(long, value_name = "CARRIER", value_parser = |text: &str| choose::<TransportKind>("transport", text))]
    pub transport: Option<TransportKind>,

    /// What a node does with an order that is news: push, forward it to --fanout peers; flood, forward it to every peer but
    /// the one it came from; lazy, announce it to --fanout peers and hand it to those that ask [default: push]. Push and
    /// flood are fast and send duplicates; lazy carries the order once per node, at the price of more hops of control
    /// messages.
    #[arg(long, value_name = "push|flood|lazy",
          value_parser = |text: &str| choose::<ProtocolKind>("protocol", text))]
    pub protocol: Option<ProtocolKind>,

    /// Who knows whom: erdos-renyi, random-regular, regular-implicit (computed, not stored), `watts-strogatz[:SHARE]`,
    /// barabasi-albert, ring, grid, star, complete, file:PATH [default: erdos-renyi; complete up to 21 nodes unless
    /// --peers is given]. Overlays differ in how fast an order spreads and whom it misses.
    #[arg(long, value_name = "FAMILY", value_parser = topology)]
    pub topology: Option<TopologySpec>,

    /// Peers of a node, on average or exactly, as the topology has it [default: 20, or the most that fit a smaller
    /// network]. More peers reach further and cost more connections.
    #[arg(long, value_name = "N", value_parser = |text: &str| limits::PEERS.parse::<u32>(text))]
    pub peers: Option<u32>,

    /// Peers to which a node forwards an order; a node with fewer sends to all [default: 8]. A greater one is faster
    /// and leaves fewer out, but sends more duplicates.
    #[arg(long, value_name = "N", value_parser = |text: &str| limits::FANOUT.parse::<u32>(text))]
    pub fanout: Option<u32>,

    /// Hops that an order may travel, or `auto` for twice the hops to the target plus 2, four times where one way may take
    /// more than ten times as long as another [default: 6; with simulated auto]. A lower one saves messages and leaves the far
    /// nodes out.
    #[arg(long, value_name = "HOPS|auto", value_parser = ttl)]
    pub ttl: Option<Ttl>,

    /// Do not send an order back to the peer it came from [default: false]. It saves a few messages and changes
    /// nothing in who is reached.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = |text: &str| truth("exclude-sender", text))]
    pub exclude_sender: Option<bool>,

    /// Share of the nodes to reach: 0.95, 95% or 19/20 [default: 0.95]. The last few nodes cost most of the time.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub target: Option<Ratio>,

    /// What ends a run: target, or quiescent for when no message is under way [default: target]. Quiescence shows the
    /// final coverage and the full cost.
    #[arg(long, value_name = "target|quiescent", value_parser = |text: &str| choose::<Until>("until", text))]
    pub until: Option<Until>,

    /// Longest time from the injection to the end of a run, as 3s or 250ms; 0 for no limit [default: 3s; with simulated 60s
    /// of virtual time]. With many orders each has it from its publication. Large networks and busy machines need more.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = span)]
    pub timeout: Option<Nanos>,

    /// Root of every random draw: overlay, forwards, what the order says [default: 32 bits from the operating system].
    /// The same one repeats the same experiment. Of many --runs it is the first one's, and each has one more than that before it.
    #[arg(long, value_name = "N", value_parser = |text: &str| limits::SEED.parse::<u64>(text))]
    #[serde(serialize_with = "seed_as_toml_has_it")]
    pub seed: Option<u64>,

    /// Node at which the order enters, by the id that file:PATH gives it, if it is one [default: 0, or the least id]. On
    /// overlays with hubs or borders it decides the time.
    #[arg(long, value_name = "NODE", value_parser = |text: &str| limits::ORIGIN.parse::<u64>(text))]
    #[serde(serialize_with = "written_id")]
    pub origin: Option<u64>,

    /// Orders to publish [default: 1]. Many of them, at a rate of their own, show what load does to delay.
    #[arg(long, value_name = "M", value_parser = |text: &str| limits::ORDERS.parse::<u32>(text))]
    pub orders: Option<u32>,

    /// Orders published a second, whatever the network makes of them [default: 100/s, with many --orders]. Above what the
    /// machine carries, delays grow without end.
    #[arg(long, value_name = "R/s", allow_hyphen_values = true, value_parser = rate)]
    pub rate: Option<Rate>,

    /// How orders are spread over time: constant, at even distances; poisson, at exponential ones; burst, those of each
    /// 100 ms at once [default: constant, with many --orders]. Queues are felt in bursts first.
    #[arg(long, value_name = "constant|poisson|burst", value_parser = |text: &str| choose::<Arrivals>("arrivals", text))]
    pub arrivals: Option<Arrivals>,

    /// Where orders enter: one, at --origin; random, each at a node of its own [default: one]. One publisher is a queue
    /// of its own.
    #[arg(long, value_name = "one|random", value_parser = |text: &str| choose::<OriginsKind>("origins", text))]
    pub origins: Option<OriginsKind>,

    /// Orders that a node tells apart, up to the newest one it has seen [default: auto, which is all of them with simulated, and
    /// elsewhere what --rate, --ttl and the latencies ask for, 1024 at least]. An older one is counted as expired and not taken
    /// for news; more of them cost a bit per node each.
    #[arg(long, value_name = "ORDERS|auto", value_parser = window)]
    pub window: Option<WindowSize>,

    /// Bytes of opaque payload in each order, a number or a range as 0..1000, evenly drawn [default: 0]. They show what
    /// size costs.
    #[arg(long, value_name = "BYTES|A..B", allow_hyphen_values = true, value_parser = payload)]
    pub payload_bytes: Option<PayloadBytes>,

    /// The regions of the nodes and the latencies between them: aws33, ethereum8, bitcoin6, exchange-sites,
    /// FILE.csv with a matrix of your own [default: no regions]. Distance decides more than the overlay does.
    #[arg(long, value_name = "SET|FILE.csv", value_parser = network)]
    pub network: Option<RegionSpec>,

    /// How long a message is under way, on a real carrier before that one's own time: constant:TIME, uniform:LEAST..GREATEST, `normal:MEAN,DEVIATION`,
    /// `lognormal:p50=TIME,p90=TIME`, `exponential:MEAN`, `pareto:LEAST,SHAPE`, with ,min=TIME and ,max=TIME; after link: drawn
    /// once for each link, and with + both [default: constant:50ms with
    /// simulated, else none]. Its least is what may be computed in parallel; its spread
    /// lets later hops overtake.
    #[arg(long, value_name = "LATENCY", allow_hyphen_values = true,
          value_parser = |text: &str| model::<LatencySpec>("latency", text))]
    pub latency: Option<LatencySpec>,

    /// Which messages are lost: a share, or gilbert-elliott:good=TIME,bad=TIME for bursts, with ,loss=SHARE
    /// ,good-loss=SHARE and ,per=link|sender|receiver [default: 0]. Loss tests how much redundancy is left.
    #[arg(long, value_name = "SHARE|BURSTS", allow_hyphen_values = true,
          value_parser = |text: &str| model::<LossSpec>("loss", text))]
    pub loss: Option<LossSpec>,

    /// The share of messages of which the network makes a second copy [default: 0]. They cost like any
    /// duplicate.
    #[arg(long, value_name = "SHARE", allow_hyphen_values = true, value_parser = |text: &str| part_of("duplicate", text))]
    pub duplicate: Option<Ratio>,

    /// With simulated, the lines of each node: up=RATE,down=RATE, as up=10mbit,down=100mbit; or regions, for the rates that
    /// --network knows [default: no limit]. Narrow lines make fanout cost time. Bytes wait, however many; with
    /// ,queue=64KiB what would make more than that wait is dropped.
    #[arg(long, value_name = "LINES", value_parser = |text: &str| model::<BandwidthSpec>("bandwidth", text))]
    pub bandwidth: Option<BandwidthSpec>,

    /// With simulated, how long a node is busy with each message that comes [default: 0s]. Validation slows every hop.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = processing)]
    pub processing: Option<Nanos>,

    /// With simulated, nodes that go down for good: SHARE with ,at=TIME and ,by=degree or ,region=NAME; several with + between
    /// [default: none]. Hubs that fail hurt more than others.
    #[arg(long, value_name = "STROKES", allow_hyphen_values = true,
          value_parser = |text: &str| model::<DownSpec>("down", text))]
    pub down: Option<DownSpec>,

    /// With simulated, nodes that come and go: up=TIME,down=TIME, both means [default: no churn]. Who is away misses what is
    /// sent once.
    #[arg(long, value_name = "TIMES", value_parser = |text: &str| model::<ChurnSpec>("churn", text))]
    pub churn: Option<ChurnSpec>,

    /// With simulated, who is cut off: SHARE or region=NAME, with ,at=TIME ,heal=TIME and ,one-way; several with + between
    /// [default: none]. It shows what does not come back by itself.
    #[arg(long, value_name = "CUTS", allow_hyphen_values = true,
          value_parser = |text: &str| model::<PartitionSpec>("partition", text))]
    pub partition: Option<PartitionSpec>,

    /// With simulated, the share of nodes behind a NAT, which can only connect outward: two of them cannot be linked
    /// [default: 0]. They leave the overlay thinner than it looks.
    #[arg(long, value_name = "SHARE", allow_hyphen_values = true, value_parser = |text: &str| part_of("nat", text))]
    pub nat: Option<Ratio>,

    /// With simulated, who does not do as the protocol says: `drop:SHARE,of=SHARE`, `censor:SHARE,origin=NODE`,
    /// `delay:SHARE,by=TIME`, `flood:SHARE,times=N`, `eclipse:SHARE,victim=NODE`, `spy:SHARE`; several with + between [default:
    /// none]. It shows what the protocol withstands.
    #[arg(long, value_name = "PARTS", value_parser = |text: &str| model::<AdversarySpec>("adversary", text))]
    pub adversary: Option<AdversarySpec>,

    /// With simulated, which way to compute: auto, general (every message through its protocol), fast (first messages only,
    /// by shortest paths) or hops (where every message takes as long: sets of bits) [default: auto]. All give the same, to the
    /// bit; auto takes one that can.
    #[arg(long, value_name = "auto|general|fast|hops", value_parser = |text: &str| choose::<Engine>("engine", text))]
    pub engine: Option<Engine>,

    /// With lazy, how long a node waits for an order that it asked for before it asks again, as 500ms [default: 500ms;
    /// or thrice the longest latency that is modelled, if that is more]. Shorter than the way there and back makes duplicates.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = retry)]
    pub retry: Option<Nanos>,

    /// With lazy, how long a node gathers news before it announces it, all that a peer is to hear of in one message, as 10ms
    /// [default: 0, each order at once]. A longer one saves messages where orders are many, and costs time at every hop.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = announce_interval)]
    pub announce_interval: Option<Nanos>,

    /// Where workers are pinned: spread over physical cores, compact on neighbouring ones, or none [default: spread].
    /// Pinning steadies the figures; none suits a shared machine.
    #[arg(long, value_name = "spread|compact|none", value_parser = |text: &str| choose::<Pin>("pin", text))]
    pub pin: Option<Pin>,

    /// Whether an idle worker spins before it sleeps: auto, always or never; auto spins shortly where each worker has a
    /// core [default: auto]. Spinning wakes sooner and burns its core.
    #[arg(long, value_name = "auto|always|never", value_parser = |text: &str| choose::<Spin>("spin", text))]
    pub spin: Option<Spin>,

    /// Receive buffer of each socket in bytes [default: the system's]. A small one shows what overload does, a great
    /// one takes bursts.
    #[arg(long, value_name = "BYTES", value_parser = |text: &str| limits::RECEIVE_BUFFER.parse_bytes::<u32>(text))]
    pub receive_buffer: Option<u32>,

    /// With memory, encode and decode each message all the same [default: false]. It shows what serialization would cost.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = |text: &str| truth("charge-serialization", text))]
    pub charge_serialization: Option<bool>,

    /// Runs to measure [default: 1]. Run i has the seed --seed + i: an overlay, draws and orders of its own. The first is shown in
    /// full, and what all of them say together with its intervals. More of them tell a difference from chance.
    #[arg(long, value_name = "R", value_parser = |text: &str| limits::RUNS.parse::<u32>(text))]
    pub runs: Option<u32>,

    /// With many --runs, repeat one seed in all of them [default: false]. It times the machine: in virtual time every other figure
    /// is then the same.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = |text: &str| truth("same-seed", text))]
    pub same_seed: Option<bool>,
}

/// A number where TOML has one that great, else its digits, which are read alike.
fn seed_as_toml_has_it<S: Serializer>(seed: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match seed {
        Some(seed) if i64::try_from(*seed).is_err() => serializer.serialize_str(&seed.to_string()),
        seed => seed.serialize(serializer),
    }
}

impl Draft {
    /// This draft, with `other`'s answer wherever it has none of its own.
    pub fn or(self, other: Draft) -> Draft {
        Draft {
            nodes: self.nodes.or(other.nodes),
            threads: self.threads.or(other.threads),
            processes: self.processes.or(other.processes),
            transport: self.transport.or(other.transport),
            protocol: self.protocol.or(other.protocol),
            retry: self.retry.or(other.retry),
            announce_interval: self.announce_interval.or(other.announce_interval),
            topology: self.topology.or(other.topology),
            peers: self.peers.or(other.peers),
            fanout: self.fanout.or(other.fanout),
            ttl: self.ttl.or(other.ttl),
            exclude_sender: self.exclude_sender.or(other.exclude_sender),
            target: self.target.or(other.target),
            until: self.until.or(other.until),
            timeout: self.timeout.or(other.timeout),
            seed: self.seed.or(other.seed),
            origin: self.origin.or(other.origin),
            orders: self.orders.or(other.orders),
            rate: self.rate.or(other.rate),
            arrivals: self.arrivals.or(other.arrivals),
            origins: self.origins.or(other.origins),
            window: self.window.or(other.window),
            payload_bytes: self.payload_bytes.or(other.payload_bytes),
            network: self.network.or(other.network),
            latency: self.latency.or(other.latency),
            loss: self.loss.or(other.loss),
            duplicate: self.duplicate.or(other.duplicate),
            bandwidth: self.bandwidth.or(other.bandwidth),
            processing: self.processing.or(other.processing),
            down: self.down.or(other.down),
            churn: self.churn.or(other.churn),
            partition: self.partition.or(other.partition),
            nat: self.nat.or(other.nat),
            adversary: self.adversary.or(other.adversary),
            engine: self.engine.or(other.engine),
            pin: self.pin.or(other.pin),
            spin: self.spin.or(other.spin),
            receive_buffer: self.receive_buffer.or(other.receive_buffer),
            charge_serialization: self.charge_serialization.or(other.charge_serialization),
            runs: self.runs.or(other.runs),
            same_seed: self.same_seed.or(other.same_seed),
        }
    }
}

/// Writes an id as a number, or as text where TOML has no number so great.
fn written_id<S: Serializer>(id: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) if i64::try_from(*id).is_err() => serializer.collect_str(id),
        id => id.serialize(serializer),
    }
}
